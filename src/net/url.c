#include "net/url.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include <event2/util.h>

#define FORMS "`stdio://`, `unix://PATH`, `ws://IP:PORT`"

/* "1.2.3.4" or "[::1]" in 'host', and a port that strtonum() took. */
static int
addr_parse(const char *host, uint16_t port, struct px_url *url)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&url->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&url->addr;
	char inner[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		url->addr_len = sizeof *in4;
		return 0;
	}
	if (len < 3 || host[0] != '[' || host[len - 1] != ']' || len - 2 >= sizeof inner)
		return -1;
	memcpy(inner, host + 1, len - 2);
	inner[len - 2] = '\0';
	if (inet_pton(AF_INET6, inner, &in6->sin6_addr) != 1)
		return -1;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	url->addr_len = sizeof *in6;
	return 0;
}

static int
ws_parse(const char *text, const char *rest, struct px_url *url, struct px_err *err)
{
	const char *colon = strrchr(rest, ':'), *wrong = NULL;
	char host[INET6_ADDRSTRLEN + 2];
	long long port = 0;

	memset(&url->addr, 0, sizeof url->addr);
	if (colon == NULL || (size_t)(colon - rest) >= sizeof host || colon[1] < '0' ||
	    colon[1] > '9')
		wrong = "no port";
	else
		port = strtonum(colon + 1, 0, 65535, &wrong);
	if (wrong == NULL) {
		memcpy(host, rest, (size_t)(colon - rest));
		host[colon - rest] = '\0';
		if (addr_parse(host, (uint16_t)port, url) == 0)
			return 0;
	}
	return px_fail(
	    err, PX_E_USAGE, "invalid websocket --listen URL `%s`; expected `ws://IP:PORT`", text);
}

static int
unix_parse(const char *text, const char *path, struct px_url *url, struct px_err *err)
{
	if (path[0] == '\0')
		return px_fail(err, PX_E_USAGE,
		    "invalid unix --listen URL `%s`; expected `unix://PATH`", text);
	if (strlcpy(url->path, path, sizeof url->path) >= sizeof url->path)
		return px_fail(err, PX_E_USAGE,
		    "invalid unix --listen URL `%s`; a socket's path has at most %zu bytes", text,
		    sizeof url->path - 1);
	return 0;
}

int
px_url_parse(const char *text, struct px_url *out, struct px_err *err)
{
	struct px_url url = { 0 };
	int result = 0;

	if (strcmp(text, "stdio://") == 0) {
		url.kind = PX_URL_STDIO;
	} else if (strncmp(text, "unix://", 7) == 0) {
		url.kind = PX_URL_UNIX;
		result = unix_parse(text, text + 7, &url, err);
	} else if (strncmp(text, "ws://", 5) == 0) {
		url.kind = PX_URL_WS;
		result = ws_parse(text, text + 5, &url, err);
	} else {
		result = px_fail(
		    err, PX_E_USAGE, "unsupported --listen URL `%s`; expected %s", text, FORMS);
	}
	if (result == 0)
		*out = url;
	return result;
}

void
px_url_format(const struct px_url *url, char *out, size_t size)
{
	char ip[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)&url->addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&url->addr;

	if (url->kind == PX_URL_STDIO) {
		strlcpy(out, "stdio://", size);
	} else if (url->kind == PX_URL_UNIX) {
		snprintf(out, size, "unix://%s", url->path);
	} else if (url->addr.ss_family == AF_INET) {
		inet_ntop(AF_INET, &in4->sin_addr, ip, sizeof ip);
		snprintf(out, size, "ws://%s:%u", ip, ntohs(in4->sin_port));
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
		snprintf(out, size, "ws://[%s]:%u", ip, ntohs(in6->sin6_port));
	}
}

bool
px_addr_is_loopback(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;

	if (addr->ss_family == AF_INET)
		return ntohl(in4->sin_addr.s_addr) >> 24 == 127;
	return addr->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

#include "client/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "client/error.h"
#include "wire/http.h"

#define FORMS "unix://PATH, ws://HOST:PORT or wss://HOST:PORT"

enum { PORT_WS = 80, PORT_WSS = 443, HOST_MAX = 253 /* RFC 1035, as text */ };

/* What is behind 'scheme' in 'url', or NULL. Schemes have no case (RFC 3986 section 3.1). */
static const char *
after_scheme(const char *url, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncasecmp(url, scheme, len) == 0 ? url + len : NULL;
}

/* ---- unix ---- */

static int
unix_parse(struct px_address *address, const char *url, const char *path, struct px_error *err)
{
	struct sockaddr_un *un;
	size_t len = strlen(path);

	if (len == 0)
		return px_error_set(err, PX_ERROR_USAGE,
		    "invalid URL `%.200s`: there is no path; expected unix://PATH", url);
	if (len >= sizeof un->sun_path)
		return px_error_set(err, PX_ERROR_USAGE,
		    "invalid URL `%.200s`: a socket's path has at most %zu bytes", url,
		    sizeof un->sun_path - 1);
	address->places = px_new(struct px_address_place);
	address->nplaces = 1;
	address->places->len = sizeof *un;
	un = (struct sockaddr_un *)&address->places->addr;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len);
	return 0;
}

/* ---- WebSocket ---- */

static void
places_add(struct px_address *address, const struct addrinfo *found)
{
	struct px_address_place *place;

	address->places =
	    px_realloc_array(address->places, address->nplaces + 1, sizeof *address->places);
	place = &address->places[address->nplaces++];
	*place = (struct px_address_place){ .len = found->ai_addrlen };
	memcpy(&place->addr, found->ai_addr, found->ai_addrlen);
}

static int
resolve(struct px_address *address, int port, struct px_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found;
	char service[8];
	int result;

	(void)snprintf(service, sizeof service, "%d", port);
	result = getaddrinfo(address->host, service, &hints, &found);
	if (result == EAI_SYSTEM)
		return px_error_set_sys(
		    err, PX_ERROR_CONNECT, errno, "cannot find the address of '%s'", address->host);
	if (result != 0)
		return px_error_set(err, PX_ERROR_CONNECT, "cannot find the address of '%s': %s",
		    address->host, gai_strerror(result));
	for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
		places_add(address, one);
	freeaddrinfo(found);
	return 0;
}

/* The parts of "HOST[:PORT]", 'len' characters; NULL, or what is wrong. */
static const char *
authority_split(const char *text, size_t len, char host[HOST_MAX + 1], int *port)
{
	static const char name_chars[] = "0123456789-._"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	bool is_ip6 = len > 0 && text[0] == '[';
	const char *begin = text + is_ip6, *end = text + len, *after, *wrong;
	const char *chars = is_ip6 ? "0123456789abcdefABCDEF:." : name_chars;
	char digits[8] = "";
	size_t n = strspn(begin, chars);

	if (memchr(text, '@', len) != NULL)
		return "a user name in it is not supported";
	n = n < (size_t)(end - begin) ? n : (size_t)(end - begin);
	after = begin + n;
	if (is_ip6 && (after == end || *after++ != ']'))
		return "the address in brackets is not an IPv6 address";
	if (n == 0)
		return "there is no host";
	if (n > HOST_MAX)
		return "the host is too long";
	if (after < end && *after != ':')
		return "the host has a character that cannot be in one";
	memcpy(host, begin, n);
	host[n] = '\0';
	if (after == end)
		return NULL;
	after++;
	if ((size_t)(end - after) < sizeof digits &&
	    strspn(after, "0123456789") >= (size_t)(end - after))
		memcpy(digits, after, (size_t)(end - after));
	*port = (int)strtonum(digits, 1, 65535, &wrong);
	return wrong != NULL ? "the port is not a number from 1 to 65535" : NULL;
}

/* As the Host header has it: the usual port is left out (RFC 6455 section 4.1). */
static char *
authority_text(const char *host, int port, int usual)
{
	bool is_ip6 = strchr(host, ':') != NULL;
	char digits[8] = "", *text;

	if (port != usual)
		(void)snprintf(digits, sizeof digits, ":%d", port);
	if (asprintf(&text, "%s%s%s%s", is_ip6 ? "[" : "", host, is_ip6 ? "]" : "", digits) == -1)
		abort();
	return text;
}

static int
ws_parse(struct px_address *address, const char *url, const char *rest, struct px_error *err)
{
	int usual = address->is_tls ? PORT_WSS : PORT_WS, port = usual;
	size_t len = strcspn(rest, "/?#");
	char host[HOST_MAX + 1];
	const char *wrong = authority_split(rest, len, host, &port);

	if (wrong == NULL && strchr(rest, '#') != NULL)
		wrong = "a part behind '#' is not supported";
	rest += len;
	address->is_ws = true;
	if (asprintf(&address->target, "%s%s", *rest == '/' ? "" : "/", rest) == -1)
		abort();
	if (wrong == NULL && !px_http_is_target(address->target))
		wrong = "the path or query has a character that must be written as %XX";
	if (wrong != NULL)
		return px_error_set(err, PX_ERROR_USAGE, "invalid URL `%.200s`: %s", url, wrong);
	address->host = px_strdup(host);
	address->authority = authority_text(host, port, usual);
	return resolve(address, port, err);
}

/* ---- all of them ---- */

static int
address_parse(struct px_address *address, const char *url, struct px_error *err)
{
	const char *rest;

	if ((rest = after_scheme(url, "unix://")) != NULL ||
	    (rest = after_scheme(url, "unix:")) != NULL)
		return unix_parse(address, url, rest, err);
	if ((rest = after_scheme(url, "ws://")) != NULL)
		return ws_parse(address, url, rest, err);
	address->is_tls = true;
	if ((rest = after_scheme(url, "wss://")) != NULL)
		return ws_parse(address, url, rest, err);
	return px_error_set(err, PX_ERROR_USAGE, "unsupported URL `%.200s`; expected " FORMS, url);
}

int
px_address_parse(const char *url, struct px_address **out, struct px_error *err)
{
	struct px_address *address = px_new(struct px_address);

	if (address_parse(address, url, err) == -1) {
		px_address_free(address);
		return -1;
	}
	address->text = address->is_ws ? px_strndup(url, strcspn(url, "?")) : px_strdup(url);
	*out = address;
	return 0;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? px_strdup(text) : NULL;
}

struct px_address *
px_address_copy(const struct px_address *from)
{
	struct px_address *address = px_new(struct px_address);

	*address = *from;
	address->text = px_strdup(from->text);
	address->host = copy_text(from->host);
	address->authority = copy_text(from->authority);
	address->target = copy_text(from->target);
	address->places = px_realloc_array(NULL, from->nplaces, sizeof *from->places);
	memcpy(address->places, from->places, from->nplaces * sizeof *from->places);
	return address;
}

void
px_address_free(struct px_address *address)
{
	if (address == NULL)
		return;
	free(address->text);
	free(address->host);
	free(address->authority);
	free(address->target);
	free(address->places);
	free(address);
}

const char *
px_address_text(const struct px_address *address)
{
	return address->text;
}

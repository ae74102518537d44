#include "server/access.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/config.h"
#include "wire/http.h"

/* The length of the host in "host[:port]" (RFC 3986 section 3.2), or 0 when it is not of this form.
 */
static size_t
host_length(const char *value)
{
	const char *end = *value == '[' ? strchr(value, ']') : value + strcspn(value, ":");
	const char *port, *wrong;

	if (end == NULL)
		return 0;
	end += *value == '[';
	if (*end == '\0')
		return (size_t)(end - value);
	port = end + 1;
	if (*end != ':' || *port == '\0' || port[strspn(port, "0123456789")] != '\0')
		return 0;
	strtonum(port, 0, 65535, &wrong);
	return wrong == NULL ? (size_t)(end - value) : 0;
}

/* Nothing looks up the name of an address, so no DNS server decides where it leads. */
static bool
is_address(const char *host, size_t len)
{
	bool bracketed = host[0] == '[';
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (bracketed) {
		host++;
		len -= 2;
	}
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(bracketed ? AF_INET6 : AF_INET, text, &addr) == 1;
}

static bool
name_is(const char *host, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(host, name, len) == 0;
}

/* An entry without a port stands for every port. */
static bool
host_is_allowed(const struct px_config_list *list, const char *value)
{
	size_t len = host_length(value);

	if (len == 0)
		return false;
	if (is_address(value, len))
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (strcasecmp(value, list->v[i]) == 0)
			return true;
	if (value[len - 1] == '.' && value[0] != '[') /* the root's: the same name */
		len--;
	if (name_is(value, len, "localhost"))
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (len > 0 && name_is(value, len, list->v[i]))
			return true;
	return false;
}

static bool
origin_is_allowed(const struct px_config_list *list, const char *value)
{
	for (size_t i = 0; i < list->n; i++)
		if (*value != '\0' && strcmp(value, list->v[i]) == 0)
			return true;
	return false;
}

enum px_access
px_access_check(
    const struct px_config *config, const struct px_http_request *req, const char **out_value)
{
	size_t hosts = px_http_count(&req->headers, "host");

	*out_value = px_http_header(&req->headers, "host");
	if (hosts > 1 || (hosts == 0 && req->minor > 0))
		return PX_ACCESS_MALFORMED;
	if (hosts == 1 && !host_is_allowed(&config->allow_host, *out_value))
		return PX_ACCESS_BAD_HOST;
	for (size_t i = 0; i < req->headers.n; i++) {
		if (strcmp(req->headers.list[i].name, "origin") != 0)
			continue;
		*out_value = req->headers.list[i].value;
		if (!origin_is_allowed(&config->allow_origin, *out_value))
			return PX_ACCESS_BAD_ORIGIN;
	}
	*out_value = NULL;
	return PX_ACCESS_GRANTED;
}

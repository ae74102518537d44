#include "wire/http.h"

#include <string.h>
#include <strings.h>

#include <event2/buffer.h>

/* RFC 9110 section 5.6.2. ASCII only, whatever the locale. */
static bool
is_token(const char *s)
{
	static const char tchar[] = "!#$%&'*+-.^_`|~0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return *s != '\0' && s[strspn(s, tchar)] == '\0';
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Characters of a path or query (RFC 3986 sections 3.3 and 3.4), each '%' with its two digits. */
bool
px_http_is_target(const char *text)
{
	static const char chars[] = "-._~!$&'()*+,;=:@/?%0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *s = text;

	if (*s != '/' || s[strspn(s, chars)] != '\0')
		return false;
	while ((s = strchr(s, '%')) != NULL) {
		if (!is_hex(s[1]) || !is_hex(s[2]))
			return false;
		s += 3;
	}
	return true;
}

static bool
is_value(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static char *
trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	for (end = s + strlen(s); end > s && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	return s;
}

static char *
fail_line(const char *what, struct px_err *err, const char *why)
{
	px_fail(err, PX_E_REQUEST, "%s head %s", what, why);
	return NULL;
}

/* Cuts the line at '*pos' off as a string and moves '*pos' behind its CRLF; NULL on failure. */
static char *
next_line(const char *what, char **pos, const char *end, struct px_err *err)
{
	char *line = *pos;
	char *lf = memchr(line, '\n', (size_t)(end - line));

	if (lf == NULL)
		return fail_line(what, err, "ends inside a line");
	if (lf == line || lf[-1] != '\r')
		return fail_line(what, err, "has a line feed without a carriage return");
	lf[-1] = '\0';
	if (memchr(line, '\r', (size_t)(lf - line)) != NULL)
		return fail_line(what, err, "has a carriage return inside a line");
	if (strlen(line) != (size_t)(lf - 1 - line))
		return fail_line(what, err, "has a NUL byte");
	*pos = lf + 1;
	return line;
}

/* method SP request-target SP HTTP-version (RFC 9112 section 3) */
static int
parse_request_line(char *line, struct px_http_request *req, struct px_err *err)
{
	char *target = strchr(line, ' ');
	char *version = target == NULL ? NULL : strchr(target + 1, ' ');
	char *query;

	if (version == NULL)
		return px_fail(
		    err, PX_E_REQUEST, "request line is not a method, a target and a version");
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line))
		return px_fail(err, PX_E_REQUEST, "request method is not a token");
	if (!px_http_is_target(target))
		return px_fail(err, PX_E_REQUEST, "request target is not a path and query");
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return px_fail(
		    err, PX_E_REQUEST, "request version is neither HTTP/1.1 nor HTTP/1.0");
	if ((query = strchr(target, '?')) != NULL)
		*query++ = '\0';
	req->method = line;
	req->path = target;
	req->query = query;
	req->minor = version[7] - '0';
	return 0;
}

/* field-name ":" OWS field-value OWS (RFC 9112 section 5) */
static int
parse_header(const char *what, char *line, struct px_http_headers *headers, struct px_err *err)
{
	char *value = strchr(line, ':');
	char *p;

	if (*line == ' ' || *line == '\t')
		return px_fail(err, PX_E_REQUEST, "header is folded over lines");
	if (value == NULL)
		return px_fail(err, PX_E_REQUEST, "header has no colon");
	*value++ = '\0';
	if (!is_token(line))
		return px_fail(err, PX_E_REQUEST, "header name is not a token");
	if (!is_value(value))
		return px_fail(
		    err, PX_E_REQUEST, "value of header '%s' has a control character", line);
	if (headers->n == PX_HTTP_HEADERS_MAX)
		return px_fail(
		    err, PX_E_REQUEST, "%s has more than %d headers", what, PX_HTTP_HEADERS_MAX);
	for (p = line; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	headers->list[headers->n++] = (struct px_http_header){ line, trim(value) };
	return 0;
}

/* The lines that follow the first, which end the head. */
static int
parse_headers(
    const char *what, char *pos, const char *end, struct px_http_headers *out, struct px_err *err)
{
	char *line;

	for (;;) {
		if ((line = next_line(what, &pos, end, err)) == NULL)
			return -1;
		if (*line == '\0')
			break;
		if (parse_header(what, line, out, err) == -1)
			return -1;
	}
	if (pos != end)
		return px_fail(err, PX_E_REQUEST, "%s head goes on after its empty line", what);
	return 0;
}

int
px_http_parse(char *head, size_t len, struct px_http_request *out, struct px_err *err)
{
	struct px_http_request req = { 0 };
	char *pos = head;
	char *line;

	if ((line = next_line("request", &pos, head + len, err)) == NULL ||
	    parse_request_line(line, &req, err) == -1 ||
	    parse_headers("request", pos, head + len, &req.headers, err) == -1)
		return -1;
	*out = req;
	return 0;
}

/* HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4). Some leave the last SP
 * out. */
static int
parse_status_line(char *line, struct px_http_response *res, struct px_err *err)
{
	const char *code = line + 9;

	if ((strncmp(line, "HTTP/1.1 ", 9) != 0 && strncmp(line, "HTTP/1.0 ", 9) != 0) ||
	    code[0] < '1' || code[0] > '5' || strspn(code, "0123456789") != 3 ||
	    (code[3] != ' ' && code[3] != '\0') || !is_value(code + 3))
		return px_fail(
		    err, PX_E_REQUEST, "response does not begin with an HTTP/1.1 status line");
	res->minor = line[7] - '0';
	res->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
	res->reason = trim(line + 12);
	return 0;
}

int
px_http_parse_response(char *head, size_t len, struct px_http_response *out, struct px_err *err)
{
	struct px_http_response res = { 0 };
	char *pos = head;
	char *line;

	if ((line = next_line("response", &pos, head + len, err)) == NULL ||
	    parse_status_line(line, &res, err) == -1 ||
	    parse_headers("response", pos, head + len, &res.headers, err) == -1)
		return -1;
	*out = res;
	return 0;
}

size_t
px_http_head_length(size_t *scanned, struct evbuffer *in)
{
	struct evbuffer_ptr at;

	/* The end may have begun in the last three bytes that were looked at. */
	evbuffer_ptr_set(in, &at, *scanned > 3 ? *scanned - 3 : 0, EVBUFFER_PTR_SET);
	at = evbuffer_search(in, "\r\n\r\n", 4, &at);
	if (at.pos >= 0)
		return (size_t)at.pos + 4;
	*scanned = evbuffer_get_length(in);
	return 0;
}

const char *
px_http_header(const struct px_http_headers *headers, const char *name)
{
	for (size_t i = 0; i < headers->n; i++)
		if (strcmp(headers->list[i].name, name) == 0)
			return headers->list[i].value;
	return NULL;
}

size_t
px_http_count(const struct px_http_headers *headers, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < headers->n; i++)
		n += strcmp(headers->list[i].name, name) == 0;
	return n;
}

/* Is 'token' among the comma-separated elements of 'list'? */
static bool
list_has(const char *list, const char *token)
{
	size_t want = strlen(token);

	for (;;) {
		const char *element = list + strspn(list, " \t");
		const char *comma = element + strcspn(element, ",");
		const char *end = comma;

		while (end > element && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if ((size_t)(end - element) == want && strncasecmp(element, token, want) == 0)
			return true;
		if (*comma == '\0')
			return false;
		list = comma + 1;
	}
}

/* Several headers of one name are one list (RFC 9110 section 5.3). */
bool
px_http_has_token(const struct px_http_headers *headers, const char *name, const char *token)
{
	for (size_t i = 0; i < headers->n; i++)
		if (strcmp(headers->list[i].name, name) == 0 &&
		    list_has(headers->list[i].value, token))
			return true;
	return false;
}

static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 426, "Upgrade Required" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Unknown";
}

void
px_http_respond(struct evbuffer *out, int status, const char *type, const char *extra,
    const char *body, size_t len, bool head_only)
{
	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", status, status_text(status));
	/* RFC 9110 sections 15.5.22 and 7.8: the protocol to use, and a connection option. */
	if (status == 426)
		evbuffer_add_printf(out, "Connection: close, Upgrade\r\nUpgrade: websocket\r\n");
	else
		evbuffer_add_printf(out, "Connection: close\r\n");
	evbuffer_add_printf(out, "Content-Length: %zu\r\n", len);
	if (type != NULL)
		evbuffer_add_printf(out, "Content-Type: %s\r\n", type);
	if (extra != NULL)
		evbuffer_add_printf(out, "%s\r\n", extra);
	evbuffer_add(out, "\r\n", 2);
	if (!head_only && len > 0)
		evbuffer_add(out, body, len);
}

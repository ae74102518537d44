#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "cases.h"

/* A copy of exact size, so that a sanitizer sees a byte read behind the end. */
static char *
copy(const char *data, size_t len)
{
	char *p = malloc(len > 0 ? len : 1);

	memcpy(p, data, len);
	return p;
}

#define GOOD(head, req) char *text_ = good(head, sizeof(head) - 1, req)

static char *
good(const char *head, size_t len, struct px_http_request *req)
{
	struct px_err err = { 0 };
	char *text = copy(head, len);

	ck_assert_msg(px_http_parse(text, len, req, &err) == 0, "%s: %s", head, err.text);
	return text;
}

/* Refused with 'why', and the output not touched. */
static void
bad(const char *head, size_t len, const char *why)
{
	struct px_http_request req;
	struct px_http_request before;
	struct px_err err = { 0 };
	char *text = copy(head, len);

	memset(&req, 0x5a, sizeof(req));
	before = req;
	ck_assert_msg(px_http_parse(text, len, &req, &err) == -1, "accepted: %s", head);
	ck_assert_int_eq(err.code, PX_E_REQUEST);
	ck_assert_str_eq(err.text, why);
	ck_assert_mem_eq(&req, &before, sizeof(req));
	free(text);
}

#define BAD(head, why) bad(head, sizeof(head) - 1, why)
/* A fault in the header lines. */
#define BAD_HEADER(lines, why) BAD("GET / HTTP/1.1\r\n" lines "\r\n\r\n", why)
#define BAD_TARGET(target) \
	BAD("GET " target " HTTP/1.1\r\n\r\n", "request target is not a path and query")

START_TEST(test_request_line)
{
	struct px_http_request req;
	GOOD("GET /a/b?c=d&e=%2f? HTTP/1.1\r\nHost: x\r\n\r\n", &req);

	ck_assert_str_eq(req.method, "GET");
	ck_assert_str_eq(req.path, "/a/b");
	ck_assert_str_eq(req.query, "c=d&e=%2f?");
	ck_assert_int_eq(req.minor, 1);
	ck_assert_uint_eq(req.headers.n, 1);
	free(text_);
}
END_TEST

START_TEST(test_request_line_least)
{
	struct px_http_request req;
	GOOD("get / HTTP/1.0\r\n\r\n", &req);

	ck_assert_str_eq(req.method, "get");
	ck_assert_str_eq(req.path, "/");
	ck_assert_ptr_null(req.query);
	ck_assert_int_eq(req.minor, 0);
	ck_assert_uint_eq(req.headers.n, 0);
	ck_assert_ptr_null(px_http_header(&req.headers, "host"));
	free(text_);
}
END_TEST

START_TEST(test_bad_request_line)
{
	static const char three[] = "request line is not a method, a target and a version";
	static const char version[] = "request version is neither HTTP/1.1 nor HTTP/1.0";

	BAD("\r\n\r\n", three);
	BAD("\r\nGET / HTTP/1.1\r\n\r\n", three);
	BAD("GET\r\n\r\n", three);
	BAD("GET /\r\n\r\n", three);
	BAD(" GET / HTTP/1.1\r\n\r\n", "request method is not a token");
	BAD("G@T / HTTP/1.1\r\n\r\n", "request method is not a token");
	BAD("G\xc3\x89T / HTTP/1.1\r\n\r\n", "request method is not a token");
	BAD("GET / HTTP/1.2\r\n\r\n", version);
	BAD("GET / HTTP/2.0\r\n\r\n", version);
	BAD("GET / http/1.1\r\n\r\n", version);
	BAD("GET / HTTP/1.1 \r\n\r\n", version);
	BAD("GET / HTTP/1.1 x\r\n\r\n", version);
	BAD("GET /  HTTP/1.1\r\n\r\n", version);
	BAD("GET / \r\n\r\n", version);
}
END_TEST

START_TEST(test_bad_target)
{
	BAD_TARGET("");
	BAD_TARGET("*");
	BAD_TARGET("x");
	BAD_TARGET("?a");
	BAD_TARGET("http://host/");
	BAD_TARGET("/a#b");
	BAD_TARGET("/a\tb");
	BAD_TARGET("/a\x7f");
	BAD_TARGET("/\xc3\xa9");
	BAD_TARGET("/a\"b");
	BAD_TARGET("/a\\b");
	BAD_TARGET("/%");
	BAD_TARGET("/%4");
	BAD_TARGET("/%4g");
	BAD_TARGET("/%%41");
	BAD_TARGET("/?q=%zz");
}
END_TEST

START_TEST(test_headers)
{
	struct px_http_request req;
	GOOD("GET / HTTP/1.1\r\n"
	     "HOST:a\r\n"
	     "X-Empty:\r\n"
	     "X-Blank: \t \r\n"
	     "X-Wide: \t two  words \t\r\n"
	     "X-Colon: a:b: c\r\n"
	     "X-Latin: \xe9\xff\r\n"
	     "!#$%&'*+-.^_`|~09Az: odd\r\n"
	     "x-wide: second\r\n\r\n",
	    &req);

	ck_assert_uint_eq(req.headers.n, 8);
	ck_assert_str_eq(req.headers.list[0].name, "host");
	ck_assert_str_eq(px_http_header(&req.headers, "host"), "a");
	ck_assert_str_eq(px_http_header(&req.headers, "x-empty"), "");
	ck_assert_str_eq(px_http_header(&req.headers, "x-blank"), "");
	ck_assert_str_eq(px_http_header(&req.headers, "x-wide"), "two  words");
	ck_assert_str_eq(px_http_header(&req.headers, "x-colon"), "a:b: c");
	ck_assert_str_eq(px_http_header(&req.headers, "x-latin"), "\xe9\xff");
	ck_assert_str_eq(px_http_header(&req.headers, "!#$%&'*+-.^_`|~09az"), "odd");
	ck_assert_ptr_null(px_http_header(&req.headers, "x"));
	ck_assert_ptr_null(px_http_header(&req.headers, "X-Wide"));
	ck_assert_uint_eq(px_http_count(&req.headers, "x-wide"), 2);
	ck_assert_uint_eq(px_http_count(&req.headers, "host"), 1);
	ck_assert_uint_eq(px_http_count(&req.headers, "none"), 0);
	free(text_);
}
END_TEST

START_TEST(test_bad_headers)
{
	BAD_HEADER("a: b\r\n c", "header is folded over lines");
	BAD_HEADER("a: b\r\n\tc", "header is folded over lines");
	BAD_HEADER(" a: b", "header is folded over lines");
	BAD_HEADER("a b", "header has no colon");
	BAD_HEADER("a : b", "header name is not a token");
	BAD_HEADER("a\t: b", "header name is not a token");
	BAD_HEADER(": b", "header name is not a token");
	BAD_HEADER("a(b): c", "header name is not a token");
	BAD_HEADER("\xc3\xa9: c", "header name is not a token");
	BAD_HEADER("a: b\x01", "value of header 'a' has a control character");
	BAD_HEADER("a: b\x7f"
		   "c",
	    "value of header 'a' has a control character");
}
END_TEST

START_TEST(test_bad_line_ends)
{
	static const char lf[] = "request head has a line feed without a carriage return";
	static const char cr[] = "request head has a carriage return inside a line";
	static const char nul[] = "request head has a NUL byte";
	static const char inside[] = "request head ends inside a line";

	BAD_HEADER("a: b\nc: d", lf);
	BAD("GET / HTTP/1.1\n\n", lf);
	BAD("GET / HTTP/1.1\r\n\n", lf);
	BAD("\n", lf);
	BAD_HEADER("a: b\rc", cr);
	BAD_HEADER("a: b\r", cr);
	BAD_HEADER("a: b\0c", nul);
	BAD_HEADER("a\0: b", nul);
	BAD("GET /\0 HTTP/1.1\r\n\r\n", nul);
	BAD("", inside);
	BAD("GET / HTTP/1.1", inside);
	BAD("GET / HTTP/1.1\r", inside);
	BAD("GET / HTTP/1.1\r\n", inside);
	BAD("GET / HTTP/1.1\r\na: b\r\n", inside);
	BAD("GET / HTTP/1.1\r\n\r\nx", "request head goes on after its empty line");
	BAD("GET / HTTP/1.1\r\n\r\n\r\n", "request head goes on after its empty line");
}
END_TEST

START_TEST(test_header_count)
{
	char head[2048] = "GET / HTTP/1.1\r\n";
	struct px_http_request req;
	size_t len = strlen(head);

	for (int i = 0; i < PX_HTTP_HEADERS_MAX; i++, len += 6)
		memcpy(head + len, "a: b\r\n", 6);
	memcpy(head + len, "\r\n", 2);
	free(good(head, len + 2, &req));
	ck_assert_uint_eq(req.headers.n, PX_HTTP_HEADERS_MAX);
	memcpy(head + len, "a: b\r\n\r\n", 8);
	bad(head, len + 8, "request has more than 64 headers");
}
END_TEST

START_TEST(test_tokens)
{
	struct px_http_request req;
	GOOD("GET / HTTP/1.1\r\n"
	     "Connection: keep-alive,\tUpgrade ,\r\n"
	     "Connection: , ,last\r\n"
	     "Upgrade: websocketx, xwebsocket, web socket\r\n"
	     "Empty:\r\n\r\n",
	    &req);

	ck_assert(px_http_has_token(&req.headers, "connection", "upgrade"));
	ck_assert(px_http_has_token(&req.headers, "connection", "KEEP-ALIVE"));
	ck_assert(px_http_has_token(&req.headers, "connection", "last"));
	ck_assert(!px_http_has_token(&req.headers, "connection", "keep"));
	ck_assert(!px_http_has_token(&req.headers, "upgrade", "websocket"));
	ck_assert(px_http_has_token(&req.headers, "upgrade", "web socket"));
	ck_assert(!px_http_has_token(&req.headers, "empty", "x"));
	ck_assert(!px_http_has_token(&req.headers, "none", "x"));
	free(text_);
}
END_TEST

static void
check_response(struct evbuffer *out, const char *expected)
{
	evbuffer_add(out, "", 1);
	ck_assert_str_eq((char *)evbuffer_pullup(out, -1), expected);
	evbuffer_free(out);
}

START_TEST(test_respond)
{
	struct evbuffer *out = evbuffer_new();

	px_http_respond(out, 200, "text/plain", "Cache-Control: no-store", "hello", 5, false);
	check_response(out, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n"
			    "Content-Type: text/plain\r\nCache-Control: no-store\r\n\r\nhello");
}
END_TEST

START_TEST(test_respond_without_body)
{
	struct evbuffer *out = evbuffer_new();

	px_http_respond(out, 404, NULL, NULL, NULL, 0, false);
	check_response(
	    out, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(test_respond_to_head)
{
	struct evbuffer *out = evbuffer_new();

	px_http_respond(out, 200, NULL, NULL, "hello", 5, true);
	check_response(out, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n");
}
END_TEST

START_TEST(test_respond_upgrade_required)
{
	struct evbuffer *out = evbuffer_new();

	px_http_respond(out, 426, NULL, NULL, NULL, 0, false);
	check_response(out,
	    "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
	    "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(test_status_texts)
{
	static const struct {
		int status;
		const char *line;
	} rows[] = {
		{ 400, "HTTP/1.1 400 Bad Request\r\n" },
		{ 401, "HTTP/1.1 401 Unauthorized\r\n" },
		{ 403, "HTTP/1.1 403 Forbidden\r\n" },
		{ 405, "HTTP/1.1 405 Method Not Allowed\r\n" },
		{ 413, "HTTP/1.1 413 Content Too Large\r\n" },
		{ 431, "HTTP/1.1 431 Request Header Fields Too Large\r\n" },
		{ 500, "HTTP/1.1 500 Internal Server Error\r\n" },
		{ 503, "HTTP/1.1 503 Service Unavailable\r\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evbuffer *out = evbuffer_new();

		px_http_respond(out, rows[i].status, NULL, NULL, NULL, 0, false);
		ck_assert_mem_eq(evbuffer_pullup(out, -1), rows[i].line, strlen(rows[i].line));
		evbuffer_free(out);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("http");

	tcase_add_test(tc, test_request_line);
	tcase_add_test(tc, test_request_line_least);
	tcase_add_test(tc, test_bad_request_line);
	tcase_add_test(tc, test_bad_target);
	tcase_add_test(tc, test_headers);
	tcase_add_test(tc, test_bad_headers);
	tcase_add_test(tc, test_bad_line_ends);
	tcase_add_test(tc, test_header_count);
	tcase_add_test(tc, test_tokens);
	tcase_add_test(tc, test_respond);
	tcase_add_test(tc, test_respond_without_body);
	tcase_add_test(tc, test_respond_to_head);
	tcase_add_test(tc, test_respond_upgrade_required);
	tcase_add_test(tc, test_status_texts);
	return run_cases(tc);
}

#include "ws_stream.h"

#include "cases.h"
#include "wire/http.h"

/* A head that is answered and not upgraded. */
static void
check_http(const char *head, size_t len, const char *log, const char *answer)
{
	for (size_t i = 0; i < REPLAY_CUTS; i++) {
		struct evbuffer *got = evbuffer_new();
		struct evbuffer *out = evbuffer_new();

		replay(&px_framing_ws, head, len, LIMIT, replay_cuts[i], got, out);
		assert_text(got, log, "log", i);
		assert_text(out, answer, "answer", i);
		evbuffer_free(got);
		evbuffer_free(out);
	}
}

static void
check_refused(const char *head, size_t len, const char *request, int status, const char *why)
{
	struct evbuffer *answer = evbuffer_new();
	char log[200];
	char body[200];

	snprintf(log, sizeof(log), "%sclose invalidRequest: %s\n", request, why);
	snprintf(body, sizeof(body), "%s\n", why);
	px_http_respond(answer, status, "text/plain; charset=utf-8",
	    status == 426 ? "Sec-WebSocket-Version: 13" : NULL, body, strlen(body), false);
	evbuffer_add(answer, "", 1);
	check_http(head, len, log, (char *)evbuffer_pullup(answer, -1));
	evbuffer_free(answer);
}

/* Before and after the handler was asked. */
#define MALFORMED(head, status, why) check_refused(head, sizeof(head) - 1, "", status, why)
#define REFUSED(head, status, why)   check_refused(head, sizeof(head) - 1, REQUEST, status, why)

START_TEST(test_handshake)
{
	check(upgraded(), "", "");
}
END_TEST

START_TEST(test_handshake_spelling)
{
	struct evbuffer *in = evbuffer_new();

	PUT_RAW(in,
	    GET "host:x\r\nUPGRADE: h2c, WebSocket\r\nconnection: keep-alive, UPGRADE\r\n"
		"sec-websocket-extensions: permessage-deflate\r\nContent-Length: 0\r\n" KEY VERSION
		"\r\n");
	PUT(in, TEXT, "hello");
	check(in, "message hello\n", "");
}
END_TEST

START_TEST(test_handshake_malformed)
{
	static const char host[] = "there is not exactly one Host header";

	MALFORMED("GET / HTTP/1.1\r\na b\r\n\r\nrest", 400, "header has no colon");
	MALFORMED("\r\n\r\n", 400, "request line is not a method, a target and a version");
	MALFORMED(GET UPGRADE KEY VERSION "\r\n", 400, host);
	MALFORMED(GET HOST HOST UPGRADE KEY VERSION "\r\n", 400, host);
	MALFORMED("GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400, host);
}
END_TEST

START_TEST(test_handshake_refused)
{
	static const char key[] = "there is not exactly one Sec-WebSocket-Key header";
	static const char base64[] = "the Sec-WebSocket-Key is not 16 bytes in base64";
	static const char body[] = "a WebSocket handshake has no body";
	static const char version[] = "the Sec-WebSocket-Version is not 13";

	REFUSED(GET HOST "\r\n", 426, "this port speaks WebSocket only");
	REFUSED(GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION "\r\n", 426,
	    "this port speaks WebSocket only");
	REFUSED("GET / HTTP/1.0\r\n" HOST UPGRADE KEY VERSION "\r\n", 400,
	    "a WebSocket handshake needs HTTP/1.1");
	REFUSED(GET HOST "Upgrade: websocket\r\n" KEY VERSION "\r\n", 400,
	    "the Connection header does not name upgrade");
	REFUSED(GET HOST UPGRADE KEY "\r\n", 426, version);
	REFUSED(GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426, version);
	REFUSED(GET HOST UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n", 426, version);
	REFUSED(GET HOST UPGRADE KEY VERSION VERSION "\r\n", 400,
	    "there is more than one Sec-WebSocket-Version header");
	REFUSED(GET HOST UPGRADE VERSION "\r\n", 400, key);
	REFUSED(GET HOST UPGRADE KEY KEY VERSION "\r\n", 400, key);
	REFUSED(GET HOST UPGRADE VERSION "Sec-WebSocket-Key:\r\n\r\n", 400, base64);
	REFUSED(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n", 400,
	    base64);
	REFUSED(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n", 400,
	    base64);
	REFUSED(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWE=\r\n\r\n", 400,
	    base64);
	REFUSED(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_Q==\r\n\r\n", 400,
	    base64);
	REFUSED(GET HOST UPGRADE KEY VERSION "Content-Length: 5\r\n\r\nhello", 400, body);
	REFUSED(
	    GET HOST UPGRADE KEY VERSION "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, body);
}
END_TEST

START_TEST(test_handshake_method)
{
	static const char post[] = "POST / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n";
	static const char head[] = "HEAD / HTTP/1.1\r\n" HOST "\r\n";

	check_refused(post, sizeof(post) - 1, "request POST / -\n", 400,
	    "a WebSocket handshake must be a GET request");
	check_http(head, sizeof(head) - 1,
	    "request HEAD / -\nclose invalidRequest: this port speaks WebSocket only\n",
	    "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
	    "Content-Length: 32\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n");
}
END_TEST

START_TEST(test_handler_answers)
{
	static const char get[] = "GET /healthz?x HTTP/1.0\r\n\r\nrest";
	static const char upgrade[] = "GET /healthz HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n"
				     "Content-Type: text/plain\r\n\r\nok";

	check_http(get, sizeof(get) - 1, "request GET /healthz x\nclose ok\n", answer);
	check_http(upgrade, sizeof(upgrade) - 1, "request GET /healthz -\nclose ok\n", answer);
}
END_TEST

/* A head of 'len' bytes: a good one with a header as long as it takes. */
static char *
long_head(size_t len)
{
	static const char front[] = GET HOST UPGRADE KEY VERSION "X: ";
	char *head = malloc(len + 1);

	memset(head, 'x', len);
	memcpy(head, front, sizeof(front) - 1);
	memcpy(head + len - 4, "\r\n\r\n", 5);
	return head;
}

START_TEST(test_head_limit)
{
	struct evbuffer *in = evbuffer_new();
	char *head = long_head(PX_HTTP_HEAD_MAX);

	put_raw(in, head, PX_HTTP_HEAD_MAX);
	PUT(in, TEXT, "fits");
	check(in, "message fits\n", "");
	free(head);
}
END_TEST

START_TEST(test_head_too_long)
{
	static const char why[] = "request head of more than 16384 bytes";
	char *head = long_head(PX_HTTP_HEAD_MAX + 1);

	check_refused(head, PX_HTTP_HEAD_MAX + 1, "", 431, why);
	check_refused(head, PX_HTTP_HEAD_MAX, "", 431, why);
	check_http(head, PX_HTTP_HEAD_MAX - 1, "", "");
	free(head);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ws_handshake");

	tcase_add_test(tc, test_handshake);
	tcase_add_test(tc, test_handshake_spelling);
	tcase_add_test(tc, test_handshake_malformed);
	tcase_add_test(tc, test_handshake_refused);
	tcase_add_test(tc, test_handshake_method);
	tcase_add_test(tc, test_handler_answers);
	tcase_add_test(tc, test_head_limit);
	tcase_add_test(tc, test_head_too_long);
	return run_cases(tc);
}

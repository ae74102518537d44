#include "ws_stream.h"

#include "../fuzz/asked.h"
#include <wslay/wslay.h>

#include "cases.h"
#include "wire/ws_frame.h"

/* The client's side. What it shares with the server's is in ws_test.c and ws_close_test.c. */

/* ---- helpers ---- */

static void
put_plain(struct evbuffer *in, int first, const char *payload, size_t len)
{
	put_header(in, first, 0, len);
	evbuffer_add(in, payload, len);
}

#define SAY(in, first, text) put_plain(in, first, text, sizeof(text) - 1)

static struct evbuffer *
switched(void)
{
	struct evbuffer *in = evbuffer_new();

	PUT_RAW(in, SWITCHED);
	return in;
}

/* What the server sends gives the same result for every way to cut it. Frees 'in'. */
static void
client_check(struct evbuffer *in, const char *log, const char *frames)
{
	size_t len = evbuffer_get_length(in);
	const unsigned char *data = evbuffer_pullup(in, -1);

	for (size_t i = 0; i < REPLAY_CUTS; i++) {
		struct evbuffer *got = evbuffer_new();
		struct evbuffer *out = evbuffer_new();
		struct evbuffer *decoded = evbuffer_new();

		replay_client(data, len, LIMIT, replay_cuts[i], got, out);
		decode_frames(out, decoded);
		assert_text(got, log, "log", i);
		assert_text(decoded, frames, "output", i);
		evbuffer_free(got);
		evbuffer_free(out);
		evbuffer_free(decoded);
	}
	evbuffer_free(in);
}

static void
check_head(const char *head, const char *log)
{
	struct evbuffer *in = evbuffer_new();

	evbuffer_add(in, head, strlen(head));
	client_check(in, log, "");
}

/* ---- the handshake ---- */

/* A nonce of 16 bytes in base64, another one each time. */
START_TEST(test_request)
{
	static const char before[] = "GET /p?q HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\n"
				     "Connection: Upgrade\r\nSec-WebSocket-Key: ";
	struct evbuffer *request[2];

	for (int i = 0; i < 2; i++) {
		request[i] = evbuffer_new();
		px_framing_ws_client.destroy(asked(request[i]));
		evbuffer_add(request[i], "", 1);
	}
	ck_assert_mem_eq(evbuffer_pullup(request[0], -1), before, sizeof before - 1);
	ck_assert_str_eq(
	    (char *)evbuffer_pullup(request[0], -1) + sizeof before - 1 + PX_WS_KEY_LEN,
	    "\r\nSec-WebSocket-Version: 13\r\n\r\n");
	ck_assert(!replay_equal(request[0], request[1]));
	evbuffer_free(request[0]);
	evbuffer_free(request[1]);
}
END_TEST

#define TEXT_HI "\x81\x02hi"

static const struct {
	const char *head, *log;
} heads[] = {
	{ SWITCHED TEXT_HI, "message hi\n" },
	{ "HTTP/1.1 101\r\nconnection: x, UPGRADE\r\nUPGRADE: WebSocket\r\n"
	  "sec-websocket-accept:" ACCEPT " \r\n\r\n" TEXT_HI,
	    "message hi\n" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" SWITCHED
		TEXT_HI,
	    "message hi\n" },
	{ "HTTP/1.1 101 S", "" },
	{ "SSH-2.0-OpenSSH_9.2\r\n\r\n",
	    "close invalidRequest: response does not begin with an HTTP/1.1 status line\n" },
	{ "HTTP/1.1 601 x\r\n\r\n",
	    "close invalidRequest: response does not begin with an HTTP/1.1 status line\n" },
	{ "HTTP/1.1 1010 x\r\n\r\n",
	    "close invalidRequest: response does not begin with an HTTP/1.1 status line\n" },
	{ "HTTP/2 200\r\n\r\n",
	    "close invalidRequest: response does not begin with an HTTP/1.1 status line\n" },
	{ "HTTP/1.1 200 OK\nServer: x\r\n\r\n",
	    "close invalidRequest: response head has a line feed without a carriage return\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade websocket\r\n\r\n",
	    "close invalidRequest: header has no colon\n" },
	{ "HTTP/1.0 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	  "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
	    "close invalidRequest: the upgrade is answered in HTTP/1.0\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
	  "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
	    "close invalidRequest: the upgrade is to something else\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n"
	  "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
	    "close invalidRequest: the Connection header does not name upgrade\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
	    "close invalidRequest: there is not exactly one Sec-WebSocket-Accept header\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	  "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Accept: x\r\n\r\n",
	    "close invalidRequest: there is not exactly one Sec-WebSocket-Accept header\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    "close invalidRequest: the Sec-WebSocket-Accept is wrong\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	  "Sec-WebSocket-Accept: " ACCEPT
	  "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	    "close invalidRequest: there is an extension that was not asked for\n" },
	{ "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	  "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
	    "close invalidRequest: there is a subprotocol that was not asked for\n" },
};

START_TEST(test_head)
{
	check_head(heads[_i].head, heads[_i].log);
}
END_TEST

static const struct {
	const char *answer, *log;
} refusals[] = {
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\nnot for you\nreally",
	    "close invalidRequest: HTTP 403 Forbidden: not for you\n" },
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\r\n",
	    "close invalidRequest: HTTP 403 Forbidden: no\n" },
	{ "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
	    "close invalidRequest: HTTP 426 Upgrade Required\n" },
	{ "HTTP/1.1 301 Moved Permanently\r\nLocation: /\r\nContent-Length: 4\r\n\r\nmove",
	    "close invalidRequest: HTTP 301 Moved Permanently: move\n" },
	{ "HTTP/1.0 502\r\n\r\nbad gate", "refused: HTTP 502: bad gate\n" },
	{ "HTTP/1.1 502 \r\n\r\n", "refused: HTTP 502\n" },
	{ "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	    "close invalidRequest: HTTP 500 Oops\n" },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: many\r\n\r\nx",
	    "close invalidRequest: HTTP 404 Not Found\n" },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n<!DOCTYPE html>\n<html",
	    "close invalidRequest: HTTP 404 Not Found\n" },
	{ "HTTP/1.1 404 N\xe4\r\nContent-Length: 8\r\n\r\n\x1b[2J\xff...",
	    "close invalidRequest: HTTP 404 N: ?[2J\n" },
	{ "HTTP/1.1 200 OK\r\n\r\n\n", "close invalidRequest: HTTP 200 OK\n" },
};

START_TEST(test_refusal)
{
	check_head(refusals[_i].answer, refusals[_i].log);
}
END_TEST

/* A body whose line has no end is not waited for any longer. */
START_TEST(test_refusal_long)
{
	char answer[600] = "HTTP/1.1 500 Oops\r\n\r\n";
	char log[600];

	memset(answer + strlen(answer), 'x', 300);
	snprintf(
	    log, sizeof log, "close invalidRequest: HTTP 500 Oops: %.200s\n", strstr(answer, "xx"));
	check_head(answer, log);
}
END_TEST

START_TEST(test_head_too_long)
{
	struct evbuffer *in = evbuffer_new();

	PUT_RAW(in, "HTTP/1.1 101 S\r\n");
	for (int i = 0; i < 2000; i++)
		PUT_RAW(in, "X: 456789\r\n");
	client_check(in, "close invalidRequest: response head of more than 16384 bytes\n", "");
}
END_TEST

/* Nothing is said to a server that has not answered, and what is said early is framed. */
START_TEST(test_before_the_answer)
{
	const struct px_framing *framing = &px_framing_ws_client;
	struct evbuffer *msg = evbuffer_new(), *out = evbuffer_new(), *plain = evbuffer_new();
	struct px_framer *f = asked(plain);
	struct px_err err;

	evbuffer_drain(plain, evbuffer_get_length(plain));
	ck_assert(!px_ws_client_is_open(f));
	ck_assert(!framing->ping(f, 0, out));
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	evbuffer_add(msg, "early", 5);
	framing->wrap(f, msg, out);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	unmask(out, plain);
	decode_frames(plain, msg);
	assert_text(msg, "text early\n", "early", 0);
	ck_assert(!px_ws_client_was_refused(f, out, &err));
	ck_assert(!framing->finish(f, PX_END_NORMAL, NULL, out));
	framing->wrap(f, msg, out);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	framing->destroy(f);
	evbuffer_free(msg);
	evbuffer_free(out);
	evbuffer_free(plain);
}
END_TEST

static bool
take_message(void *arg, const char *text, size_t len)
{
	evbuffer_add(arg, text, len);
	return true;
}

/* Without a taker of messages only the handshake goes on. */
START_TEST(test_no_taker)
{
	static const struct px_framer_handler nobody = { 0 }, taker = { .message = take_message };
	struct evbuffer *request = evbuffer_new(), *out = evbuffer_new(), *in, *got;
	struct px_framer *f = asked(request);
	struct px_err err;

	in = fitted(request, SWITCHED TEXT_HI, sizeof(SWITCHED TEXT_HI) - 1);
	got = evbuffer_new();
	ck_assert_int_eq(
	    px_framing_ws_client.feed(f, in, out, LIMIT, &nobody, NULL, &err), PX_FEED_PAUSE);
	ck_assert(px_ws_client_is_open(f));
	ck_assert_uint_eq(evbuffer_get_length(in), 4);
	ck_assert_int_eq(
	    px_framing_ws_client.feed(f, in, out, LIMIT, &taker, got, &err), PX_FEED_MORE);
	assert_text(got, "hi", "message", 0);
	px_framing_ws_client.destroy(f);
	evbuffer_free(request);
	evbuffer_free(out);
	evbuffer_free(in);
	evbuffer_free(got);
}
END_TEST

/* ---- frames ---- */

START_TEST(test_messages)
{
	struct evbuffer *in = switched();
	static const char kib[1024] = { 'x' };

	SAY(in, TEXT, "hello");
	SAY(in, BINARY, "binary");
	SAY(in, TEXT, "");
	SAY(in, TEXT_PART, "gr\xc3");
	SAY(in, PING, "between");
	SAY(in, PART, "\xbc");
	SAY(in, LAST, "n");
	SAY(in, PONG, "not asked for");
	put_header(in, BINARY, 0, 66 * sizeof kib);
	for (int i = 0; i < 66; i++)
		evbuffer_add(in, kib, sizeof kib);
	SAY(in, TEXT, "!wrap");
	SAY(in, TEXT, "!ping");
	client_check(in,
	    "message hello\nmessage binary\nmessage \nmessage gr\\xc3\\xbcn\n"
	    "message of 67584 bytes\nmessage !wrap\nmessage !ping\n",
	    "pong between\ntext wrapped\nping \n");
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	int code;
	const char *why;
} faults[] = {
#define FAULT(bytes, code, why)                     \
	{                                           \
		bytes, sizeof(bytes) - 1, code, why \
	}
	FAULT("\x81\x81"
	      "abcdx",
	    1002, "frame is masked"),
	FAULT("\xc1\x01x", 1002, "frame has a reserved bit set"),
	FAULT("\x83\x01x", 1002, "frame has a reserved opcode"),
	FAULT("\x8b\x01x", 1002, "frame has a reserved opcode"),
	FAULT("\x80\x01x", 1002, "continuation frame without a message"),
	FAULT("\x01\x01x\x81\x01y", 1002, "new message inside a fragmented one"),
	FAULT("\x09\x01x", 1002, "malformed frame header"),
	FAULT("\x81\x7e\x00\x01x", 1002, "malformed frame header"),
	FAULT("\x88\x01\x03", 1002, "close frame of one byte"),
	FAULT("\x88\x02\x03\xed", 1002, "close frame with an invalid code"),
	FAULT("\x81\x01\xff", 1007, "text message is not UTF-8"),
	FAULT("\x88\x03\x03\xe8\xff", 1007, "reason of the close frame is not UTF-8"),
};

START_TEST(test_fault)
{
	struct evbuffer *in = switched();
	char log[200], frames[200];

	put_raw(in, faults[_i].bytes, faults[_i].len);
	snprintf(log, sizeof log, "close invalidRequest: %s\n", faults[_i].why);
	snprintf(frames, sizeof frames, "close %d %s\n", faults[_i].code, faults[_i].why);
	client_check(in, log, frames);
}
END_TEST

START_TEST(test_too_big)
{
	struct evbuffer *in = switched();

	PUT_RAW(in, "\x82\x7f\x00\x00\x00\x01\x00\x00\x00\x00x");
	client_check(in, "close limitExceeded: message of more than 70000 bytes\n",
	    "close 1009 message of more than 70000 bytes\n");
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *log, *frames;
} closes[] = {
	{ "\x88\x00", 2, "close ioError: the server closed the connection\n", "close \n" },
	{ "\x88\x02\x03\xe8", 4, "close ioError: the server closed the connection with code 1000\n",
	    "close 1000 \n" },
	{ "\x88\x05\x03\xe9\x62ye", 7,
	    "close ioError: the server closed the connection with code 1001: bye\n",
	    "close 1001 \n" },
	{ "\x88\x07\x0f\xa0\x1b[2J\x7f", 9,
	    "close ioError: the server closed the connection with code 4000: ?[2J?\n",
	    "close 4000 \n" },
};

START_TEST(test_close)
{
	struct evbuffer *in = switched();

	put_raw(in, closes[_i].bytes, closes[_i].len);
	SAY(in, TEXT, "lost");
	client_check(in, closes[_i].log, closes[_i].frames);
}
END_TEST

/* Our own close frame is out: the answer to it is no news. */
START_TEST(test_finish)
{
	struct evbuffer *in = switched();

	SAY(in, TEXT, "!finish");
	SAY(in, TEXT, "lost");
	SAY(in, CLOSE, "\x03\xe9");
	client_check(in, "message !finish\nclose ok\n", "close 1001 bye\n");
}
END_TEST

/* ---- masks ---- */

/* Every length and place of the key, against the definition. */
START_TEST(test_mask)
{
	static const uint8_t key[4] = { 1, 2, 4, 0xff };
	uint8_t from[160], to[160 + 1], same[160];

	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= 150; len++) {
		for (size_t at = 0; at < 8; at++) {
			memset(to, 0xaa, sizeof to);
			px_ws_mask(to, from + at % 3, len, key, at);
			for (size_t i = 0; i < len; i++)
				ck_assert_uint_eq(to[i], from[at % 3 + i] ^ key[(at + i) % 4]);
			ck_assert_uint_eq(to[len], 0xaa);
			memcpy(same, from, sizeof same);
			px_ws_mask(same, same, len, key, at);
			px_ws_mask(same, same, len, key, at);
			ck_assert_mem_eq(same, from, sizeof same);
		}
	}
}
END_TEST

/* A large message of pieces that are not ours to change keeps them, and is masked as one. */
START_TEST(test_mask_pieces)
{
	enum { SIZE = 200000 };
	static char text[SIZE], before[SIZE];
	struct evbuffer *msg = evbuffer_new(), *out[2], *plain = evbuffer_new();

	for (size_t i = 0; i < SIZE; i++)
		before[i] = text[i] = (char)('a' + i % 23);
	for (int round = 0; round < 2; round++) {
		for (size_t done = 0, n; done < SIZE; done += n) {
			n = done % 70001 + 1;
			n = n < SIZE - done ? n : SIZE - done;
			evbuffer_add_reference(msg, text + done, n, NULL, NULL);
		}
		out[round] = evbuffer_new();
		px_ws_put_data(out[round], WSLAY_TEXT_FRAME, msg, true);
		ck_assert_uint_eq(evbuffer_get_length(msg), 0);
		ck_assert_mem_eq(text, before, SIZE);
	}
	/* Four bytes of chance: the same key twice would be a fixed one. */
	ck_assert(!replay_equal(out[0], out[1]));
	unmask(out[0], plain);
	ck_assert_uint_eq(evbuffer_get_length(plain), 10 + SIZE);
	ck_assert_mem_eq(evbuffer_pullup(plain, -1) + 10, text, SIZE);
	evbuffer_free(msg);
	evbuffer_free(out[0]);
	evbuffer_free(out[1]);
	evbuffer_free(plain);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ws_client");

	tcase_add_test(tc, test_request);
	tcase_add_loop_test(tc, test_head, 0, sizeof heads / sizeof heads[0]);
	tcase_add_loop_test(tc, test_refusal, 0, sizeof refusals / sizeof refusals[0]);
	tcase_add_test(tc, test_refusal_long);
	tcase_add_test(tc, test_head_too_long);
	tcase_add_test(tc, test_before_the_answer);
	tcase_add_test(tc, test_no_taker);
	tcase_add_test(tc, test_messages);
	tcase_add_loop_test(tc, test_fault, 0, sizeof faults / sizeof faults[0]);
	tcase_add_test(tc, test_too_big);
	tcase_add_loop_test(tc, test_close, 0, sizeof closes / sizeof closes[0]);
	tcase_add_test(tc, test_finish);
	tcase_add_test(tc, test_mask);
	tcase_add_test(tc, test_mask_pieces);
	return run_cases(tc);
}

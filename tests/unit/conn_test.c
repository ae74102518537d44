#include "net/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/mem.h"
#include "cases.h"
#include "net/net.h"

enum { HIGH_WATER = 20000, LIMIT = 1000, SOON_MS = 5, HOUR_MS = 3600 * 1000, LOG_MAX = 4096 };

static struct event_base *base;
static struct px_net *net;

/* One connection, what its owner does with a message, and what it was told. */
static struct owner {
	struct px_conn *conn;
	int peer;
	char log[LOG_MAX]; /* the messages, a '|' behind each */
	size_t len, messages;
	size_t reply; /* bytes in the answer to each message */
	size_t limit; /* set by the first message, when not 0 */
	size_t pump;  /* bytes sent whenever it has drained */
	bool hang_up; /* close out of the first message */
	int drained, closed, too_big, released;
} one, two;

static void
send_bytes(struct owner *o, char c, size_t len)
{
	struct evbuffer *msg = evbuffer_new();
	char *text = px_alloc(len + 1);

	memset(text, c, len);
	evbuffer_add(msg, text, len);
	px_conn_send(o->conn, msg);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	evbuffer_free(msg);
	free(text);
}

static void
on_message(void *arg, const char *text, size_t len)
{
	struct owner *o = arg;

	ck_assert_int_eq(o->closed, 0);
	o->messages++;
	if (o->len + len + 2 < LOG_MAX) {
		memcpy(o->log + o->len, text, len);
		o->len += len;
		o->log[o->len++] = '|';
	}
	if (o->messages == 1 && o->limit != 0)
		px_conn_set_limit(o->conn, o->limit);
	if (o->reply > 0)
		send_bytes(o, 'r', o->reply);
	if (o->hang_up)
		px_conn_close(o->conn, PX_END_NORMAL, "enough");
}

static bool
on_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	(void)arg;
	(void)req;
	(void)out;
	ck_abort_msg("lines have no requests");
	return false;
}

static void
on_too_big(void *arg, size_t limit)
{
	struct owner *o = arg;

	ck_assert_uint_eq(limit, LIMIT);
	o->too_big++;
	send_bytes(o, 'e', 3);
}

static void
on_drained(void *arg)
{
	struct owner *o = arg;
	size_t n = o->pump < HIGH_WATER + 1 ? o->pump : HIGH_WATER + 1;

	ck_assert(!px_conn_congested(o->conn));
	o->drained++;
	o->pump -= n;
	if (n > 0)
		send_bytes(o, 'p', n - 1);
}

static void
on_closed(void *arg)
{
	struct owner *o = arg;

	o->closed++;
	/* Nothing of this has an effect any more, and nothing of it is wrong. */
	send_bytes(o, 'x', 10);
	px_conn_close(o->conn, PX_END_NORMAL, "again");
	px_conn_established(o->conn);
	px_conn_set_limit(o->conn, 1);
}

static const struct px_conn_ops ops = { .message = on_message,
	.request = on_request,
	.too_big = on_too_big,
	.drained = on_drained,
	.closed = on_closed };

static void
setup_with(int64_t initialize_ms)
{
	struct px_net_options options = { .high_water = HIGH_WATER,
		.max_connections = 2,
		.initialize_timeout_ms = initialize_ms };

	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	net = px_net_new(base, &options);
}

static void
setup(void)
{
	setup_with(HOUR_MS);
}

static void
teardown(void)
{
	px_net_free(net);
	event_base_free(base);
	ck_assert_int_le(one.closed, 1);
}

static void
start_with(struct owner *o, const struct px_conn_params *params)
{
	o->conn = px_conn_new(net, params);
	px_conn_start(o->conn, &ops, o);
}

static struct px_conn_params
params_of(int in, int out)
{
	return (struct px_conn_params){
		.in = in, .out = out, .framing = &px_framing_lines, .label = "test", .limit = LIMIT
	};
}

/* Over a socket pair whose buffers are small. */
static void
start(struct owner *o)
{
	struct px_conn_params params;
	int fd[2], small = 1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	params = params_of(fd[0], fd[0]);
	o->peer = fd[1];
	start_with(o, &params);
}

/* One turn of a loop that does not wait. */
static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	px_net_turn(net);
}

#define until(condition)                                    \
	do {                                                \
		while (!(condition)) {                      \
			event_base_loop(base, EVLOOP_ONCE); \
			px_net_turn(net);                   \
		}                                           \
	} while (0)

static void
peer_says(struct owner *o, const char *text)
{
	ck_assert_int_eq(write(o->peer, text, strlen(text)), (ssize_t)strlen(text));
}

/* What the peer gets up to 'max' bytes, or until the end; turns the loop meanwhile. */
static size_t
peer_gets(struct owner *o, char *out, size_t max)
{
	size_t got = 0;
	ssize_t n;

	while (got < max) {
		n = read(o->peer, out + got, max - got);
		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EAGAIN)
			break;
		else
			turn();
	}
	return got;
}

/* Exactly this, then the end. */
static void
peer_gets_last(struct owner *o, const char *expected)
{
	char text[LOG_MAX];
	size_t len = peer_gets(o, text, sizeof text);

	ck_assert_uint_eq(len, strlen(expected));
	ck_assert_mem_eq(text, expected, len);
}

static struct px_net_stats
stats(void)
{
	struct px_net_stats s;

	px_net_stats(net, &s);
	return s;
}

/* ---- messages ---- */

START_TEST(test_messages_and_answers)
{
	char text[16];

	start(&one);
	ck_assert_str_eq(px_conn_label(one.conn), "test");
	one.reply = 2;
	peer_says(&one, "first\nsecond\r\n\nthi");
	until(one.messages == 2);
	peer_says(&one, "rd\n");
	until(one.messages == 3);
	ck_assert_str_eq(one.log, "first|second|third|");
	ck_assert_uint_eq(peer_gets(&one, text, 9), 9);
	ck_assert_mem_eq(text, "rr\nrr\nrr\n", 9);
	ck_assert_uint_eq(stats().bytes_in, 21);
	ck_assert_uint_eq(stats().bytes_out, 9);
	ck_assert_uint_eq(stats().queued, 0);
	ck_assert(!px_conn_congested(one.conn));
}
END_TEST

/* Sending queues; the net's turn writes. */
START_TEST(test_nothing_is_written_at_once)
{
	char c;

	start(&one);
	send_bytes(&one, 'a', 5);
	ck_assert_int_eq(read(one.peer, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(stats().queued, 6);
	px_net_turn(net);
	ck_assert_int_eq(read(one.peer, &c, 1), 1);
}
END_TEST

START_TEST(test_numbers)
{
	start(&one);
	ck_assert(!px_net_full(net));
	start(&two);
	ck_assert(px_net_full(net));
	ck_assert_uint_ne(px_conn_number(one.conn), px_conn_number(two.conn));
	ck_assert_uint_eq(stats().connections, 2);
	close(one.peer);
	until(one.closed == 1);
	ck_assert_uint_eq(stats().connections, 1);
	ck_assert_uint_eq(stats().accepted, 2);
	ck_assert_int_eq(two.closed, 0);
	px_net_count_refused(net);
	ck_assert_uint_eq(stats().refused, 1);
}
END_TEST

/* ---- a slow reader ---- */

START_TEST(test_congestion)
{
	char *text = px_alloc(HIGH_WATER * 3);

	start(&one);
	send_bytes(&one, 'a', HIGH_WATER - 1);
	ck_assert(!px_conn_congested(one.conn)); /* at the mark, not over it */
	send_bytes(&one, 'b', HIGH_WATER);
	ck_assert(px_conn_congested(one.conn));
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert_int_eq(one.drained, 0);
	ck_assert_uint_gt(stats().queued, HIGH_WATER / 2);
	ck_assert_uint_eq(peer_gets(&one, text, HIGH_WATER * 2 + 1), HIGH_WATER * 2 + 1);
	ck_assert_int_eq(one.drained, 1);
	ck_assert(!px_conn_congested(one.conn));
	ck_assert_uint_eq(stats().queued, 0);
	ck_assert(text[0] == 'a' && text[HIGH_WATER - 1] == '\n' && text[HIGH_WATER] == 'b');
	free(text);
}
END_TEST

/* What is sent out of the callback comes too, and it is called again for that. */
START_TEST(test_drained_sends_more)
{
	size_t all = HIGH_WATER * 2 + 1 + HIGH_WATER * 10;
	char *text = px_alloc(all);

	start(&one);
	one.pump = HIGH_WATER * 10;
	send_bytes(&one, 'a', HIGH_WATER * 2);
	ck_assert_uint_eq(peer_gets(&one, text, all), all);
	ck_assert_uint_eq(one.pump, 0);
	ck_assert_int_ge(one.drained, 10);
	free(text);
}
END_TEST

/* Requests are read on while output is congested; answers that nobody takes stop it. */
START_TEST(test_choke_and_resume)
{
	enum { REQUESTS = 3000, REPLY = 999 };
	char *requests = px_alloc(REQUESTS * 2), *text = px_alloc(REQUESTS * (REPLY + 1));
	size_t sent = 0, expected = REQUESTS * (REPLY + 1), got = 0, handled;
	ssize_t n;

	start(&one);
	one.reply = REPLY;
	for (size_t i = 0; i < REQUESTS; i++)
		memcpy(requests + 2 * i, "q\n", 2);
	sent = (size_t)write(one.peer, requests, 400);
	ck_assert_uint_eq(sent, 400);
	for (int i = 0; i < 20; i++)
		turn();
	/* What the kernel holds, twice the mark, and one more answer at most. */
	handled = one.messages;
	ck_assert_uint_gt(handled, HIGH_WATER / (REPLY + 1));
	ck_assert_uint_le(stats().queued, 2 * HIGH_WATER + REPLY + 1);
	ck_assert_uint_lt(handled, 200);
	ck_assert(px_conn_congested(one.conn));
	while (got < expected) {
		if (sent < 2 * REQUESTS &&
		    (n = write(one.peer, requests + sent, 2 * REQUESTS - sent)) > 0)
			sent += (size_t)n;
		turn();
		ck_assert_uint_le(stats().queued, 2 * HIGH_WATER + REPLY + 1);
		if ((n = read(one.peer, text + got, expected - got)) > 0)
			got += (size_t)n;
	}
	ck_assert_uint_eq(one.messages, REQUESTS);
	ck_assert_int_eq(one.closed, 0);
	free(requests);
	free(text);
}
END_TEST

/* One that takes nothing does not slow another. */
START_TEST(test_slow_one_alone_is_slow)
{
	char c;

	start(&one);
	start(&two);
	send_bytes(&one, 'a', HIGH_WATER * 2);
	two.reply = 1;
	for (size_t i = 1; i <= 100; i++) {
		peer_says(&two, "x\n");
		until(two.messages == i);
		ck_assert_uint_eq(peer_gets(&two, &c, 1), 1);
		ck_assert_uint_eq(peer_gets(&two, &c, 1), 1);
	}
	ck_assert(px_conn_congested(one.conn));
}
END_TEST

/* ---- ends from the peer ---- */

/* The peer ends its side: what it had sent is answered first. */
START_TEST(test_half_close)
{
	start(&one);
	one.reply = 1;
	peer_says(&one, "a\nb\nincomplete");
	shutdown(one.peer, SHUT_WR);
	peer_gets_last(&one, "r\nr\n");
	ck_assert_str_eq(one.log, "a|b|");
	ck_assert_int_eq(one.closed, 1);
	ck_assert(px_net_idle(net));
}
END_TEST

/* Also a large answer, which takes many turns. */
START_TEST(test_half_close_with_much_to_say)
{
	char *text = px_alloc(HIGH_WATER * 2);

	start(&one);
	one.reply = HIGH_WATER * 2 - 10;
	peer_says(&one, "a\n");
	shutdown(one.peer, SHUT_WR);
	ck_assert_uint_eq(peer_gets(&one, text, HIGH_WATER * 2), HIGH_WATER * 2 - 9);
	ck_assert_int_eq(one.closed, 1);
	free(text);
}
END_TEST

/* And though it was choked: then what it had sent before its end is read when there is room. */
START_TEST(test_half_close_while_choked)
{
	char *text = px_alloc(200 * 1000);

	start(&one);
	one.reply = 999;
	for (int i = 0; i < 200; i++)
		peer_says(&one, "q\n");
	shutdown(one.peer, SHUT_WR);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_uint_lt(one.messages, 200);
	ck_assert_uint_eq(peer_gets(&one, text, 200 * 1000), 200 * 1000);
	ck_assert_uint_eq(one.messages, 200);
	until(one.closed == 1);
	free(text);
}
END_TEST

START_TEST(test_peer_is_gone_while_we_write)
{
	start(&one);
	send_bytes(&one, 'a', HIGH_WATER * 2);
	turn();
	close(one.peer);
	until(one.closed == 1);
	ck_assert(px_net_idle(net));
	ck_assert_uint_eq(stats().queued, 0);
	ck_assert_uint_eq(stats().connections, 0);
	turn();
	ck_assert_int_eq(one.closed, 1);
}
END_TEST

/* Gone with our bytes unread: the socket is reset. */
START_TEST(test_peer_resets)
{
	start(&one);
	send_bytes(&one, 'a', 10);
	turn();
	close(one.peer);
	until(one.closed == 1);
}
END_TEST

/* ---- ends from us ---- */

START_TEST(test_close_sends_the_rest_first)
{
	char *text = px_alloc(HIGH_WATER * 2);

	start(&one);
	send_bytes(&one, 'a', HIGH_WATER);
	px_conn_close(one.conn, PX_END_NORMAL, "test");
	px_conn_close(one.conn, PX_END_INTERNAL, "again");
	send_bytes(&one, 'b', 10); /* too late */
	peer_says(&one, "too late too\n");
	ck_assert_uint_eq(peer_gets(&one, text, HIGH_WATER * 2), HIGH_WATER + 1);
	ck_assert_uint_eq(one.messages, 0);
	ck_assert_int_eq(one.closed, 0); /* until the peer has closed, or a moment has passed */
	close(one.peer);
	until(one.closed == 1);
	free(text);
}
END_TEST

/* The peer keeps silent and open: it is not waited for. */
START_TEST(test_close_does_not_wait_for_ever)
{
	start(&one);
	px_conn_close(one.conn, PX_END_NORMAL, "test");
	peer_gets_last(&one, "");
	until(one.closed == 1);
	ck_assert(px_net_idle(net));
}
END_TEST

/* Nor when it goes on talking. */
START_TEST(test_close_of_a_talker)
{
	char much[1000];

	memset(much, 'm', sizeof much);
	start(&one);
	px_conn_close(one.conn, PX_END_NORMAL, "test");
	while (one.closed == 0) {
		(void)!write(one.peer, much, sizeof much);
		turn();
	}
	ck_assert_uint_eq(one.messages, 0);
}
END_TEST

START_TEST(test_close_out_of_a_message)
{
	start(&one);
	one.reply = 3;
	one.hang_up = true;
	peer_says(&one, "a\nb\nc\n");
	peer_gets_last(&one, "rrr\n");
	ck_assert_uint_eq(one.messages, 1);
	close(one.peer);
	until(one.closed == 1);
}
END_TEST

START_TEST(test_close_while_choked)
{
	char *text = px_alloc(HIGH_WATER * 8);

	start(&one);
	one.reply = HIGH_WATER * 6;
	peer_says(&one, "a\nb\nc\n");
	until(one.messages == 1);
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert_uint_eq(one.messages, 1);
	px_conn_close(one.conn, PX_END_NORMAL, "test");
	ck_assert_uint_eq(peer_gets(&one, text, HIGH_WATER * 8), HIGH_WATER * 6 + 1);
	ck_assert_uint_eq(one.messages, 1);
	close(one.peer);
	until(one.closed == 1);
	free(text);
}
END_TEST

START_TEST(test_close_all)
{
	start(&one);
	start(&two);
	send_bytes(&two, 'a', 3);
	px_net_close_all(net);
	ck_assert(!px_net_idle(net));
	peer_gets_last(&one, "");
	peer_gets_last(&two, "aaa\n");
	close(one.peer);
	close(two.peer);
	until(px_net_idle(net));
	ck_assert_int_eq(one.closed + two.closed, 2);
}
END_TEST

START_TEST(test_free_ends_all)
{
	start(&one);
	start(&two);
	send_bytes(&one, 'a', HIGH_WATER * 2);
	px_conn_close(two.conn, PX_END_NORMAL, "test");
	px_net_free(net);
	net = NULL;
	ck_assert_int_eq(one.closed, 1);
	ck_assert_int_eq(two.closed, 1);
	peer_gets_last(&two, "");
}
END_TEST

/* ---- the limit ---- */

/* A message one byte too long, whole or still growing; what stands before it is served. */
START_TEST(test_too_big)
{
	char text[LIMIT + 3];

	memset(text, 'm', sizeof text);
	start(&one);
	one.reply = 1;
	peer_says(&one, "a\n");
	text[LIMIT] = '\n';
	ck_assert_int_eq(write(one.peer, text, LIMIT + 1), LIMIT + 1);
	until(one.messages == 2);
	text[LIMIT] = 'm';
	text[LIMIT + 1] = '\n';
	ck_assert_int_eq(write(one.peer, text, _i == 0 ? LIMIT + 1 : LIMIT + 2),
	    _i == 0 ? LIMIT + 1 : LIMIT + 2);
	peer_says(&one, "\nnever\n");
	peer_gets_last(&one, "r\nr\neee\n");
	ck_assert_int_eq(one.too_big, 1);
	ck_assert_uint_eq(one.messages, 2);
	close(one.peer);
	until(one.closed == 1);
}
END_TEST

/* What follows the message that changed it is measured by the new one, though it was read together
 * with it. */
START_TEST(test_limit_changes)
{
	char text[LIMIT * 2 + 4] = "a\n";

	memset(text + 2, 'm', LIMIT * 2);
	text[LIMIT * 2 + 2] = '\n';
	start(&one);
	one.limit = LIMIT * 2;
	peer_says(&one, text);
	until(one.messages == 2);
	ck_assert_uint_eq(one.len, LIMIT * 2 + 3);
	ck_assert_int_eq(one.too_big, 0);
}
END_TEST

START_TEST(test_limit_changes_while_choked)
{
	char *text = px_alloc(HIGH_WATER * 8);

	start(&one);
	one.limit = LIMIT * 2;
	one.reply = HIGH_WATER * 2;
	peer_says(&one, "a\nb\nc\n");
	ck_assert_uint_eq(peer_gets(&one, text, HIGH_WATER * 6 + 3), HIGH_WATER * 6 + 3);
	ck_assert_uint_eq(one.messages, 3);
	free(text);
}
END_TEST

/* ---- time ---- */

static void
setup_impatient(void)
{
	setup_with(SOON_MS);
}

START_TEST(test_initialize_timeout)
{
	struct px_conn_params params;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
	params = params_of(fd[0], fd[0]);
	params.impatient = true;
	one.peer = fd[1];
	start_with(&one, &params);
	peer_says(&one, "not yet\n");
	start(&two); /* one that is not impatient */
	peer_gets_last(&one, "");
	close(one.peer);
	until(one.closed == 1);
	ck_assert_int_eq(two.closed, 0);
}
END_TEST

START_TEST(test_established_in_time)
{
	struct px_conn_params params;
	struct timeval tv = { .tv_usec = 4 * SOON_MS * 1000 };
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
	params = params_of(fd[0], fd[0]);
	params.impatient = true;
	one.peer = fd[1];
	start_with(&one, &params);
	px_conn_established(one.conn);
	px_conn_established(one.conn);
	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
	px_net_turn(net);
	ck_assert_int_eq(one.closed, 0);
	peer_says(&one, "a\n");
	until(one.messages == 1);
}
END_TEST

/* ---- other descriptors than a socket ---- */

static int
file_with(const char *text)
{
	char path[] = "/tmp/conn_test.XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* epoll(7) refuses a regular file, as stdin often is one. */
START_TEST(test_input_from_a_file)
{
	struct px_conn_params params;
	int out[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	params = params_of(file_with("a\nb\nc\n"), out[1]);
	one.peer = out[0];
	one.reply = 1;
	start_with(&one, &params);
	until(one.closed == 1);
	ck_assert_str_eq(one.log, "a|b|c|");
	peer_gets_last(&one, "r\nr\nr\n");
}
END_TEST

/* A large one, whose answers nobody takes at first. */
START_TEST(test_choked_input_from_a_file)
{
	enum { REQUESTS = 50000 };
	char *text = px_alloc(REQUESTS * 2 + 1), *back = px_alloc(REQUESTS * 10);
	struct px_conn_params params;
	int out[2];

	for (size_t i = 0; i < REQUESTS; i++)
		memcpy(text + 2 * i, "q\n", 2);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	params = params_of(file_with(text), out[1]);
	one.peer = out[0];
	one.reply = 9;
	start_with(&one, &params);
	for (int i = 0; i < 50; i++)
		turn();
	ck_assert_uint_lt(one.messages, REQUESTS);
	ck_assert_uint_eq(peer_gets(&one, back, REQUESTS * 10), REQUESTS * 10);
	ck_assert_uint_eq(one.messages, REQUESTS);
	until(one.closed == 1);
	free(text);
	free(back);
}
END_TEST

START_TEST(test_empty_file)
{
	struct px_conn_params params;
	int out[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	params = params_of(file_with(""), out[1]);
	one.peer = out[0];
	start_with(&one, &params);
	until(one.closed == 1);
}
END_TEST

static void
on_release(void *arg)
{
	struct owner *o = arg;

	ck_assert_int_eq(o->closed, 1);
	o->released++;
}

START_TEST(test_pipes)
{
	int in[2], out[2];
	struct px_conn_params params;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK) | pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	params = params_of(in[0], out[1]);
	params.release = _i == 1 ? on_release : NULL;
	params.release_arg = &one;
	one.peer = out[0];
	one.reply = 2;
	start_with(&one, &params);
	ck_assert_int_eq(write(in[1], "a\n", 2), 2);
	until(one.messages == 1);
	close(in[1]);
	until(one.closed == 1);
	turn();
	/* Ours to close, or lent. */
	ck_assert_int_eq(one.released, _i);
	ck_assert_int_eq(fcntl(in[0], F_GETFD) != -1, _i == 1);
	ck_assert_int_eq(fcntl(out[1], F_GETFD) != -1, _i == 1);
	if (_i == 1) {
		close(in[0]);
		close(out[1]);
	}
	peer_gets_last(&one, "rr\n");
}
END_TEST

/* Our output's reader is gone, which only writing tells. */
START_TEST(test_output_pipe_is_gone)
{
	int in[2], out[2];
	struct px_conn_params params;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK) | pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	params = params_of(in[0], out[1]);
	start_with(&one, &params);
	close(out[0]);
	one.reply = 2;
	ck_assert_int_eq(write(in[1], "a\nb\n", 4), 4);
	until(one.closed == 1);
	close(in[1]);
}
END_TEST

/* ---- TCP ---- */

/* Two connected sockets on the loopback; the first is as accepted. */
static void
tcp_pair(int fd[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof addr;

	fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	ck_assert_int_eq(connect(fd[1], (struct sockaddr *)&addr, sizeof addr), 0);
	ck_assert_int_ne(fd[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), -1);
	close(listener);
}

static int
quickack(int fd)
{
	int on = -1;
	socklen_t len = sizeof on;

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, &len), 0);
	return on;
}

/* In the mode where the kernel puts acknowledgements off, a message that nobody answers ends it. */
START_TEST(test_unanswered_is_acknowledged)
{
	struct px_conn_params params;
	int fd[2], off = 0;

	tcp_pair(fd);
	params = params_of(fd[0], fd[0]);
	one.peer = fd[1];
	start_with(&one, &params);
	for (size_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(setsockopt(fd[0], IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off), 0);
		ck_assert_int_eq(quickack(fd[0]), 0);
		peer_says(&one, "message\n");
		until(one.messages == i);
		ck_assert_int_eq(quickack(fd[0]), 1);
	}
	close(fd[1]);
}
END_TEST

static Suite *
conn_suite(void)
{
	Suite *s = suite_create("conn");
	TCase *tc = tcase_create("conn"), *impatient = tcase_create("impatient");

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_messages_and_answers);
	tcase_add_test(tc, test_nothing_is_written_at_once);
	tcase_add_test(tc, test_numbers);
	tcase_add_test(tc, test_congestion);
	tcase_add_test(tc, test_drained_sends_more);
	tcase_add_test(tc, test_choke_and_resume);
	tcase_add_test(tc, test_slow_one_alone_is_slow);
	tcase_add_test(tc, test_half_close);
	tcase_add_test(tc, test_half_close_with_much_to_say);
	tcase_add_test(tc, test_half_close_while_choked);
	tcase_add_test(tc, test_peer_is_gone_while_we_write);
	tcase_add_test(tc, test_peer_resets);
	tcase_add_test(tc, test_close_sends_the_rest_first);
	tcase_add_test(tc, test_close_does_not_wait_for_ever);
	tcase_add_test(tc, test_close_of_a_talker);
	tcase_add_test(tc, test_close_out_of_a_message);
	tcase_add_test(tc, test_close_while_choked);
	tcase_add_test(tc, test_close_all);
	tcase_add_test(tc, test_free_ends_all);
	tcase_add_loop_test(tc, test_too_big, 0, 2);
	tcase_add_test(tc, test_limit_changes);
	tcase_add_test(tc, test_limit_changes_while_choked);
	tcase_add_test(tc, test_input_from_a_file);
	tcase_add_test(tc, test_choked_input_from_a_file);
	tcase_add_test(tc, test_empty_file);
	tcase_add_loop_test(tc, test_pipes, 0, 2);
	tcase_add_test(tc, test_output_pipe_is_gone);
	tcase_add_test(tc, test_unanswered_is_acknowledged);
	suite_add_tcase(s, tc);

	tcase_add_checked_fixture(impatient, setup_impatient, teardown);
	tcase_add_test(impatient, test_initialize_timeout);
	tcase_add_test(impatient, test_established_in_time);
	suite_add_tcase(s, impatient);
	return s;
}

int
main(void)
{
	return run_suite(conn_suite());
}

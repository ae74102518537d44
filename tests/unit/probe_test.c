#include "net/conn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "cases.h"
#include "net/conn_state.h"
#include "net/net.h"
#include "ws_stream.h"

/* What a peer's program has read: px_conn_probe() over a WebSocket, and where there is none. */

enum { HIGH_WATER = 1 << 20, HOUR_MS = 3600 * 1000 };

static struct event_base *base;
static struct px_net *net;
static struct px_conn *conn;
static int peer;
static int reached;
static bool ask_again; /* out of 'reached' */

static void
on_message(void *arg, const char *text, size_t len)
{
	(void)arg;
	ck_abort_msg("%.*s", (int)len, text);
}

static bool
on_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	(void)arg;
	(void)req;
	(void)out;
	return true;
}

static void
on_nothing(void *arg)
{
	(void)arg;
}

static void
on_reached(void *arg)
{
	(void)arg;
	reached++;
	if (ask_again)
		ck_assert(px_conn_probe(conn));
}

static const struct px_conn_ops ops = { .message = on_message,
	.request = on_request,
	.drained = on_nothing,
	.reached = on_reached,
	.closed = on_nothing };

static void
start(const struct px_framing *framing)
{
	const struct px_net_options options = {
		.high_water = HIGH_WATER, .max_connections = 2, .initialize_timeout_ms = HOUR_MS
	};
	struct px_conn_params params = { .framing = framing, .label = "test", .limit = LIMIT };
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	reached = 0;
	ask_again = false;
	base = event_base_new();
	net = px_net_new(base, &options);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
	params.in = params.out = fd[0];
	peer = fd[1];
	conn = px_conn_new(net, &params);
	px_conn_start(conn, &ops, NULL);
}

static void
teardown(void)
{
	px_net_free(net);
	event_base_free(base);
	close(peer);
}

static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	px_net_turn(net);
}

/* The peer sends the content of 'in', and the loop turns. */
static void
say(struct evbuffer *in)
{
	while (evbuffer_get_length(in) > 0)
		ck_assert_int_gt(evbuffer_write(in, peer), 0);
	evbuffer_free(in);
	turn();
}

static void
pong(const char *body, size_t len)
{
	struct evbuffer *in = evbuffer_new();

	put_frame(in, PONG, body, len);
	say(in);
}

/* What the server sends now, frame by frame. */
static void
hears(const char *expected)
{
	struct evbuffer *out = evbuffer_new(), *frames = evbuffer_new();

	turn();
	while (evbuffer_read(out, peer, -1) > 0)
		continue;
	decode_frames(out, frames);
	assert_text(frames, expected, "frames", 0);
	evbuffer_free(out);
	evbuffer_free(frames);
}

static void
start_open(void)
{
	char head[512];

	start(&px_framing_ws);
	say(upgraded());
	ck_assert_int_gt(read(peer, head, sizeof head), 0);
}

static void
send_text(const char *text)
{
	struct evbuffer *msg = evbuffer_new();

	evbuffer_add(msg, text, strlen(text));
	px_conn_send(conn, msg);
	evbuffer_free(msg);
}

#define NUMBER(n)  "\0\0\0\0\0\0\0" n
#define PONG_OF(n) pong(NUMBER(n), 8)

/* The question stands behind what was sent before it, and is answered once. */
START_TEST(test_answered)
{
	send_text("a");
	ck_assert(px_conn_probe(conn));
	send_text("b");
	hears("text a\nping \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\ntext b\n");
	ck_assert_int_eq(reached, 0);
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
	ck_assert(px_conn_probe(conn));
	hears("ping \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\n");
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
	PONG_OF("\x02");
	ck_assert_int_eq(reached, 2);
}
END_TEST

/* Who asks out of the answer is asked for the next one, not answered by the same. */
START_TEST(test_asked_again)
{
	ask_again = true;
	ck_assert(px_conn_probe(conn));
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
	ask_again = false;
	PONG_OF("\x02");
	ck_assert_int_eq(reached, 2);
}
END_TEST

/* Pongs that nobody asked for, or that are no number of ours. */
START_TEST(test_other_pongs)
{
	PONG_OF("\x01");
	ck_assert(px_conn_probe(conn));
	pong("", 0);
	pong("\x01", 1);
	pong(NUMBER("\x01") "x", 9);
	PONG_OF("\x02");
	pong("\x01\0\0\0\0\0\0\x01", 8);
	ck_assert_int_eq(reached, 0);
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
}
END_TEST

/* A client may answer the last ping alone: one that only keeps the connection alive asks the same.
 */
START_TEST(test_kept_alive)
{
	ck_assert(px_conn_probe(conn));
	event_active(conn->timer, EV_TIMEOUT, 0);
	hears("ping \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\n"
	      "ping \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\n");
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 1);
	event_active(conn->timer, EV_TIMEOUT, 0);
	hears("ping \n");
}
END_TEST

/* After our close frame it means nothing any more, and nothing is asked. */
START_TEST(test_closing)
{
	ck_assert(px_conn_probe(conn));
	px_conn_close(conn, PX_END_NORMAL, "");
	PONG_OF("\x01");
	ck_assert_int_eq(reached, 0);
	ck_assert(!px_conn_probe(conn));
	hears("ping \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\nclose 1000 \n");
}
END_TEST

START_TEST(test_before_the_upgrade)
{
	start(&px_framing_ws);
	ck_assert(!px_conn_probe(conn));
	teardown();
}
END_TEST

START_TEST(test_lines)
{
	start(&px_framing_lines);
	ck_assert(!px_conn_probe(conn));
	hears("");
	teardown();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("probe");
	TCase *open = tcase_create("open"), *other = tcase_create("other");

	tcase_add_checked_fixture(open, start_open, teardown);
	tcase_add_test(open, test_answered);
	tcase_add_test(open, test_asked_again);
	tcase_add_test(open, test_other_pongs);
	tcase_add_test(open, test_kept_alive);
	tcase_add_test(open, test_closing);
	tcase_add_test(other, test_before_the_upgrade);
	tcase_add_test(other, test_lines);
	suite_add_tcase(suite, open);
	suite_add_tcase(suite, other);
	return run_suite(suite);
}

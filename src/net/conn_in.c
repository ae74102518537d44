#include "net/conn_state.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"

enum { READ_MAX = 64 * 1024 };

bool
px_conn_takes_messages(const struct px_conn *conn)
{
	return evbuffer_get_length(conn->out) < 2 * conn->high_water;
}

void
px_conn_read_on(struct px_conn *conn)
{
	if (conn->input_ended)
		return;
	if (conn->always_readable)
		event_active(conn->readable, EV_READ, 0);
	else
		event_add(conn->readable, NULL);
}

static bool
handler_message(void *arg, const char *text, size_t len)
{
	struct px_conn *conn = arg;

	if (conn->state == CONN_OPEN)
		conn->ops->message(conn->arg, text, len);
	return conn->state != CONN_OPEN || (px_conn_takes_messages(conn) && !conn->feed_again);
}

static bool
handler_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	struct px_conn *conn = arg;

	return conn->ops->request(conn->arg, req, out);
}

static void
handler_too_big(void *arg, size_t limit)
{
	struct px_conn *conn = arg;

	if (conn->state == CONN_OPEN)
		conn->ops->too_big(conn->arg, limit);
}

/* A pong that answers no question of ours is allowed, and means nothing (RFC 6455 section 5.5.3).
 */
static void
handler_pong(void *arg, uint64_t number)
{
	struct px_conn *conn = arg;

	if (conn->state != CONN_OPEN || !conn->probing || number != conn->probe)
		return;
	conn->probing = false;
	conn->ops->reached(conn->arg);
}

static const struct px_framer_handler conn_handler = { handler_message, handler_request,
	handler_too_big, handler_pong };

static void
conn_log_end(const struct px_conn *conn, const struct px_err *err)
{
	if (err->code != PX_OK)
		px_log_event(conn->net->options.log, PX_LOG_WARN, "refuse",
		    PX_I("conn", (int64_t)conn->number), PX_S("peer", conn->label),
		    PX_S("reason", err->text));
}

void
px_conn_feed(struct px_conn *conn)
{
	struct px_err err = { 0 };
	enum px_feed result;

	if (conn->feeding || conn->choked || conn->state == CONN_DEAD)
		return;
	conn->feeding = true;
	do {
		conn->feed_again = false;
		result = conn->framing->feed(
		    conn->framer, conn->in, conn->out, conn->limit, &conn_handler, conn, &err);
	} while (result == PX_FEED_PAUSE && conn->feed_again);
	conn->feeding = false;
	if (conn->state == CONN_DEAD)
		return;
	px_conn_grown(conn);
	if (result == PX_FEED_CLOSE) {
		conn_log_end(conn, &err);
		conn->await_peer = false;
		if (conn->state == CONN_OPEN)
			px_conn_linger(conn);
		px_conn_mark_dirty(conn);
	} else if (result == PX_FEED_MORE && conn->input_ended) {
		px_conn_linger(conn);
		conn->await_peer = false;
	} else if (result == PX_FEED_PAUSE ||
		   (conn->state == CONN_OPEN && !px_conn_takes_messages(conn))) {
		/* Not only messages are answered: a framing answers pings by itself. */
		conn->choked = true;
		event_del(conn->readable);
	}
}

/*
 * A client that has not set TCP_NODELAY keeps its next small message back until
 * the last one is acknowledged, which the kernel puts off for 40 ms where no answer
 * takes it along. The option does not last (tcp(7)).
 */
static void
conn_acknowledge(const struct px_conn *conn)
{
	static const int on = 1;

	(void)setsockopt(conn->in_fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* evbuffer_read() takes at most 4 KiB at a time. 0 at the end of the input, -1 with errno. */
static ssize_t
conn_read(struct px_conn *conn)
{
	struct evbuffer_iovec space;
	ssize_t n;

	if (evbuffer_reserve_space(conn->in, READ_MAX, &space, 1) != 1) {
		errno = ENOMEM;
		return -1;
	}
	if ((n = read(conn->in_fd, space.iov_base, READ_MAX)) > 0) {
		space.iov_len = (size_t)n;
		evbuffer_commit_space(conn->in, &space, 1);
		conn->net->stats.bytes_in += (uint64_t)n;
		if (conn->is_tcp)
			conn_acknowledge(conn);
	}
	return n;
}

void
px_conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct px_conn *conn = arg;
	ssize_t n = conn_read(conn);

	(void)fd;
	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		conn->failure = errno;
		px_conn_die(conn);
		return;
	}
	if (n == 0) {
		conn->input_ended = true;
		event_del(conn->readable);
	}
	if (conn->state == CONN_DRAINING) {
		evbuffer_drain(conn->in, evbuffer_get_length(conn->in));
		if (n == 0)
			px_conn_die(conn);
		return;
	}
	px_conn_feed(conn);
	if (conn->always_readable && n > 0 && conn->state == CONN_OPEN && !conn->choked)
		event_active(conn->readable, EV_READ, 0);
}

void
px_conn_set_limit(struct px_conn *conn, size_t limit)
{
	conn->limit = limit;
	conn->feed_again = true;
}

#include "net/conn_state.h"

#include <errno.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"

enum { DRAIN_MS = 500 };

void
px_conn_mark_dirty(struct px_conn *conn)
{
	if (conn->dirty || conn->state == CONN_DEAD)
		return;
	conn->dirty = true;
	TAILQ_INSERT_TAIL(&conn->net->dirty, conn, dirty_link);
}

/* The length of 'out' has changed. */
static size_t
conn_account(struct px_conn *conn)
{
	size_t now = evbuffer_get_length(conn->out);

	conn->net->stats.queued += now - conn->accounted;
	conn->accounted = now;
	return now;
}

void
px_conn_grown(struct px_conn *conn)
{
	if (conn_account(conn) > conn->high_water)
		conn->congested = true;
	px_conn_mark_dirty(conn);
}

static void
conn_written(struct px_conn *conn, size_t n)
{
	size_t left = conn_account(conn);

	conn->net->stats.bytes_out += n;
	if (conn->congested && left <= conn->high_water / 2) {
		conn->congested = false;
		conn->ops->drained(conn->arg);
	}
	if (conn->choked && px_conn_takes_messages(conn)) {
		conn->choked = false;
		px_conn_read_on(conn);
		px_conn_feed(conn);
	}
}

/*
 * Closing a socket with unread input resets it, and the peer may lose the last
 * bytes that we sent (RFC 9112 section 9.6): so end our side and read for a
 * moment.
 */
static void
conn_shut_down(struct px_conn *conn)
{
	struct timeval tv = px_ms_tv(DRAIN_MS);

	if (conn->input_ended || shutdown(conn->out_fd, SHUT_WR) == -1) {
		px_conn_die(conn);
		return;
	}
	conn->state = CONN_DRAINING;
	event_add(conn->timer, &tv);
	event_add(conn->readable, NULL);
}

/* Once per turn for a connection that has bytes; EV_WRITE only after a short write. */
void
px_conn_flush(struct px_conn *conn)
{
	int n;

	while (evbuffer_get_length(conn->out) > 0) {
		if ((n = evbuffer_write(conn->out, conn->out_fd)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				event_add(conn->writable, NULL);
				return;
			}
			conn->failure = errno;
			px_conn_die(conn);
			return;
		}
		conn_written(conn, (size_t)n);
		if (conn->state == CONN_DEAD)
			return;
	}
	if (conn->state == CONN_CLOSING && !conn->await_peer)
		conn_shut_down(conn);
}

void
px_conn_on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	px_conn_mark_dirty(arg);
}

void
px_conn_send(struct px_conn *conn, struct evbuffer *msg)
{
	if (conn->state != CONN_OPEN) {
		evbuffer_drain(msg, evbuffer_get_length(msg));
		return;
	}
	conn->framing->wrap(conn->framer, msg, conn->out);
	px_conn_grown(conn);
}

bool
px_conn_probe(struct px_conn *conn)
{
	if (conn->state != CONN_OPEN ||
	    !conn->framing->ping(conn->framer, conn->probe + 1, conn->out))
		return false;
	conn->probe++;
	conn->probing = true;
	px_conn_grown(conn);
	return true;
}

/*
 * A client may answer only the last of several pings (RFC 6455 section 5.5.3): so
 * this one asks what is still unanswered, which it has read too when it comes here.
 */
void
px_conn_keep_alive(struct px_conn *conn)
{
	(void)conn->framing->ping(conn->framer, conn->probing ? conn->probe : 0, conn->out);
	px_conn_grown(conn);
}

void
px_conn_lower_high_water(struct px_conn *conn, size_t bytes)
{
	if (bytes < conn->high_water)
		conn->high_water = bytes;
}

bool
px_conn_congested(const struct px_conn *conn)
{
	return conn->congested;
}

#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/sys/queue.h>
#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { READ_MAX = 64 * 1024, LINGER_MS = 5000, DRAIN_MS = 500, PING_MS = 30000 };

enum conn_state {
	CONN_OPEN,
	CONN_CLOSING,  /* our bytes still go out; for a ws the peer's close frame may still come */
	CONN_DRAINING, /* our side is shut down; what the peer still sends is read and dropped */
	CONN_DEAD      /* freed by the next turn */
};

TAILQ_HEAD(conn_list, px_conn);

struct px_net {
	struct event_base *base;
	struct px_net_options options;
	struct px_net_stats stats;
	struct conn_list open, dead, dirty;
	uint64_t next_number;
};

struct px_conn {
	TAILQ_ENTRY(px_conn) link, dirty_link;
	struct px_net *net;
	uint64_t number;
	char *label;
	int in_fd, out_fd;
	bool borrowed;
	bool always_readable; /* a regular file: never blocks, and epoll(7) refuses it */
	const struct px_framing *framing;
	struct px_framer *framer;
	size_t limit;
	struct evbuffer *in, *out;
	size_t accounted; /* of 'out', in the net's sum */
	struct event *readable, *writable,
	    *timer; /* 'timer': the handshake's, then the pings', then the lingering's */
	const struct px_conn_ops *ops;
	void *arg;
	enum conn_state state;
	bool established;
	bool dirty;
	bool congested;
	bool choked;     /* reading has stopped: too many of our answers wait to be taken */
	bool feeding;    /* a feed is on the stack */
	bool feed_again; /* the limit has changed: what follows is measured by the new one */
	bool await_peer; /* ws: our close frame is out, the peer's has not come */
	bool input_ended;
};

/* ---- the end ---- */

static void
conn_die(struct px_conn *conn)
{
	if (conn->state == CONN_DEAD)
		return;
	conn->state = CONN_DEAD;
	event_del(conn->readable);
	event_del(conn->writable);
	event_del(conn->timer);
	TAILQ_REMOVE(&conn->net->open, conn, link);
	TAILQ_INSERT_TAIL(&conn->net->dead, conn, link);
	conn->net->stats.connections--;
	conn->net->stats.queued -= conn->accounted;
	px_log_event(conn->net->options.log, PX_LOG_INFO, "disconnect",
	    PX_I("conn", (int64_t)conn->number), PX_S("peer", conn->label));
	conn->ops->closed(conn->arg);
}

static void
conn_free(struct px_conn *conn)
{
	if (conn->dirty)
		TAILQ_REMOVE(&conn->net->dirty, conn, dirty_link);
	TAILQ_REMOVE(&conn->net->dead, conn, link);
	event_free(conn->readable);
	event_free(conn->writable);
	event_free(conn->timer);
	conn->framing->destroy(conn->framer);
	evbuffer_free(conn->in);
	evbuffer_free(conn->out);
	if (!conn->borrowed) {
		close(conn->in_fd);
		if (conn->out_fd != conn->in_fd)
			close(conn->out_fd);
	}
	free(conn->label);
	free(conn);
}

/* ---- output ---- */

static void
conn_mark_dirty(struct px_conn *conn)
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

/* Something was appended to 'out'. */
static void
conn_grown(struct px_conn *conn)
{
	if (conn_account(conn) > conn->net->options.high_water)
		conn->congested = true;
	conn_mark_dirty(conn);
}

/* Requests are read on while output is congested, so that ^C gets through; only answers nobody
 * takes stop them. */
static bool
conn_takes_messages(const struct px_conn *conn)
{
	return evbuffer_get_length(conn->out) < 2 * conn->net->options.high_water;
}

static void conn_feed(struct px_conn *conn);

static void
conn_read_on(struct px_conn *conn)
{
	if (conn->input_ended)
		return;
	if (conn->always_readable)
		event_active(conn->readable, EV_READ, 0);
	else
		event_add(conn->readable, NULL);
}

static void
conn_written(struct px_conn *conn, size_t n)
{
	size_t left = conn_account(conn);

	conn->net->stats.bytes_out += n;
	if (conn->congested && left <= conn->net->options.high_water / 2) {
		conn->congested = false;
		conn->ops->drained(conn->arg);
	}
	if (conn->choked && conn_takes_messages(conn)) {
		conn->choked = false;
		conn_read_on(conn);
		conn_feed(conn);
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
		conn_die(conn);
		return;
	}
	conn->state = CONN_DRAINING;
	event_add(conn->timer, &tv);
	event_add(conn->readable, NULL);
}

/* Once per turn for a connection that has bytes; EV_WRITE only after a short write. */
static void
conn_flush(struct px_conn *conn)
{
	int n;

	while (evbuffer_get_length(conn->out) > 0) {
		if ((n = evbuffer_write(conn->out, conn->out_fd)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				event_add(conn->writable, NULL);
			else
				conn_die(conn);
			return;
		}
		conn_written(conn, (size_t)n);
		if (conn->state == CONN_DEAD)
			return;
	}
	if (conn->state == CONN_CLOSING && !conn->await_peer)
		conn_shut_down(conn);
}

static void
conn_on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_mark_dirty(arg);
}

void
px_conn_send(struct px_conn *conn, struct evbuffer *msg)
{
	if (conn->state != CONN_OPEN) {
		evbuffer_drain(msg, evbuffer_get_length(msg));
		return;
	}
	conn->framing->wrap(conn->framer, msg, conn->out);
	conn_grown(conn);
}

/* ---- input ---- */

static void
conn_linger(struct px_conn *conn)
{
	struct timeval tv = px_ms_tv(LINGER_MS);

	conn->state = CONN_CLOSING;
	conn->choked = false;
	conn_read_on(conn);
	event_add(conn->timer, &tv);
	conn_mark_dirty(conn);
}

static bool
handler_message(void *arg, const char *text, size_t len)
{
	struct px_conn *conn = arg;

	if (conn->state == CONN_OPEN)
		conn->ops->message(conn->arg, text, len);
	return conn->state != CONN_OPEN || (conn_takes_messages(conn) && !conn->feed_again);
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

static const struct px_framer_handler conn_handler = { handler_message, handler_request,
	handler_too_big };

static void
conn_log_end(const struct px_conn *conn, const struct px_err *err)
{
	if (err->code != PX_OK)
		px_log_event(conn->net->options.log, PX_LOG_WARN, "refuse",
		    PX_I("conn", (int64_t)conn->number), PX_S("peer", conn->label),
		    PX_S("reason", err->text));
}

static void
conn_feed(struct px_conn *conn)
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
	conn_grown(conn);
	if (result == PX_FEED_CLOSE) {
		conn_log_end(conn, &err);
		conn->await_peer = false;
		if (conn->state == CONN_OPEN)
			conn_linger(conn);
		conn_mark_dirty(conn);
	} else if (result == PX_FEED_PAUSE) {
		conn->choked = true;
		event_del(conn->readable);
	} else if (conn->input_ended) {
		conn_linger(conn);
		conn->await_peer = false;
	}
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
	}
	return n;
}

static void
conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct px_conn *conn = arg;
	ssize_t n = conn_read(conn);

	(void)fd;
	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		conn_die(conn);
		return;
	}
	if (n == 0) {
		conn->input_ended = true;
		event_del(conn->readable);
	}
	if (conn->state == CONN_DRAINING) {
		evbuffer_drain(conn->in, evbuffer_get_length(conn->in));
		if (n == 0)
			conn_die(conn);
		return;
	}
	conn_feed(conn);
	if (conn->always_readable && n > 0 && conn->state == CONN_OPEN && !conn->choked)
		event_active(conn->readable, EV_READ, 0);
}

/* ---- life ---- */

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct px_conn *conn = arg;
	struct timeval tv = px_ms_tv(PING_MS);

	(void)fd;
	(void)what;
	if (conn->state != CONN_OPEN) {
		conn_die(conn);
	} else if (!conn->established) {
		px_conn_close(conn, PX_END_POLICY, "no initialize in time");
	} else {
		conn->framing->ping(conn->framer, conn->out);
		conn_grown(conn);
		event_add(conn->timer, &tv);
	}
}

static bool
fd_is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

struct px_conn *
px_conn_new(struct px_net *net, const struct px_conn_params *params)
{
	struct px_conn *conn = px_new(struct px_conn);

	conn->net = net;
	conn->number = ++net->next_number;
	conn->label = px_strdup(params->label);
	conn->in_fd = params->in;
	conn->out_fd = params->out;
	conn->borrowed = params->borrowed;
	conn->always_readable = fd_is_file(params->in);
	conn->framing = params->framing;
	conn->framer = params->framing->create();
	conn->limit = params->limit;
	conn->established = !params->impatient;
	conn->in = evbuffer_new();
	conn->out = evbuffer_new();
	conn->readable = event_new(net->base, conn->always_readable ? -1 : conn->in_fd,
	    EV_READ | EV_PERSIST, conn_on_readable, conn);
	conn->writable = event_new(net->base, conn->out_fd, EV_WRITE, conn_on_writable, conn);
	conn->timer = evtimer_new(net->base, conn_on_timer, conn);
	TAILQ_INSERT_TAIL(&net->open, conn, link);
	net->stats.connections++;
	net->stats.accepted++;
	return conn;
}

void
px_conn_start(struct px_conn *conn, const struct px_conn_ops *ops, void *arg)
{
	struct timeval tv =
	    px_ms_tv(conn->established ? PING_MS : conn->net->options.initialize_timeout_ms);

	conn->ops = ops;
	conn->arg = arg;
	px_log_event(conn->net->options.log, PX_LOG_INFO, "connect",
	    PX_I("conn", (int64_t)conn->number), PX_S("peer", conn->label));
	event_add(conn->timer, &tv);
	conn_read_on(conn);
}

bool
px_conn_congested(const struct px_conn *conn)
{
	return conn->congested;
}

void
px_conn_established(struct px_conn *conn)
{
	struct timeval tv = px_ms_tv(PING_MS);

	if (conn->established || conn->state != CONN_OPEN)
		return;
	conn->established = true;
	event_add(conn->timer, &tv);
}

void
px_conn_set_limit(struct px_conn *conn, size_t limit)
{
	conn->limit = limit;
	conn->feed_again = true;
}

void
px_conn_close(struct px_conn *conn, enum px_end_reason reason, const char *text)
{
	if (conn->state != CONN_OPEN)
		return;
	px_log_event(conn->net->options.log, PX_LOG_INFO, "close",
	    PX_I("conn", (int64_t)conn->number), PX_S("reason", text));
	conn->await_peer = conn->framing->finish(conn->framer, reason, text, conn->out);
	conn_grown(conn);
	conn_linger(conn);
}

uint64_t
px_conn_number(const struct px_conn *conn)
{
	return conn->number;
}

const char *
px_conn_label(const struct px_conn *conn)
{
	return conn->label;
}

/* ---- the set ---- */

struct px_net *
px_net_new(struct event_base *base, const struct px_net_options *options)
{
	struct px_net *net = px_new(struct px_net);

	net->base = base;
	net->options = *options;
	TAILQ_INIT(&net->open);
	TAILQ_INIT(&net->dead);
	TAILQ_INIT(&net->dirty);
	return net;
}

void
px_net_free(struct px_net *net)
{
	if (net == NULL)
		return;
	while (!TAILQ_EMPTY(&net->open))
		conn_die(TAILQ_FIRST(&net->open));
	while (!TAILQ_EMPTY(&net->dead))
		conn_free(TAILQ_FIRST(&net->dead));
	free(net);
}

/* Whoever becomes dirty during this is written in the next turn, which is made to come at once. */
void
px_net_turn(struct px_net *net)
{
	struct conn_list now = TAILQ_HEAD_INITIALIZER(now);
	struct px_conn *conn;

	TAILQ_CONCAT(&now, &net->dirty, dirty_link);
	while ((conn = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, conn, dirty_link);
		conn->dirty = false;
		if (conn->state != CONN_DEAD)
			conn_flush(conn);
	}
	TAILQ_FOREACH (conn, &net->dirty, dirty_link)
		if (conn->state != CONN_DEAD)
			event_active(conn->writable, EV_WRITE, 0);
	while (!TAILQ_EMPTY(&net->dead))
		conn_free(TAILQ_FIRST(&net->dead));
}

void
px_net_stats(const struct px_net *net, struct px_net_stats *out)
{
	*out = net->stats;
}

bool
px_net_full(const struct px_net *net)
{
	return net->stats.connections >= net->options.max_connections;
}

void
px_net_count_refused(struct px_net *net)
{
	net->stats.refused++;
}

void
px_net_close_all(struct px_net *net)
{
	struct px_conn *conn, *next;

	TAILQ_FOREACH_SAFE (conn, &net->open, link, next)
		px_conn_close(conn, PX_END_GOING_AWAY, "the server stops");
}

bool
px_net_idle(const struct px_net *net)
{
	return TAILQ_EMPTY(&net->open);
}

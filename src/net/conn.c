#include "net/conn.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn_state.h"

enum { LINGER_MS = 5000, PING_MS = 30000 };

void
px_conn_die(struct px_conn *conn)
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
	    PX_I("conn", (int64_t)conn->number), PX_S("peer", conn->label),
	    PX_S("reason", conn->failure != 0 ? strerror(conn->failure) : NULL));
	conn->ops->closed(conn->arg);
}

void
px_conn_free(struct px_conn *conn)
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
	if (conn->release != NULL) {
		conn->release(conn->release_arg);
	} else {
		close(conn->in_fd);
		if (conn->out_fd != conn->in_fd)
			close(conn->out_fd);
	}
	free(conn->label);
	free(conn);
}

void
px_conn_linger(struct px_conn *conn)
{
	struct timeval tv = px_ms_tv(LINGER_MS);

	conn->state = CONN_CLOSING;
	conn->choked = false;
	px_conn_read_on(conn);
	event_add(conn->timer, &tv);
	px_conn_mark_dirty(conn);
}

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct px_conn *conn = arg;
	struct timeval tv = px_ms_tv(PING_MS);

	(void)fd;
	(void)what;
	if (conn->state != CONN_OPEN) {
		px_conn_die(conn);
	} else if (!conn->established) {
		px_conn_close(conn, PX_END_POLICY, "no initialize in time");
	} else {
		px_conn_keep_alive(conn);
		event_add(conn->timer, &tv);
	}
}

static bool
fd_is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
fd_is_tcp(int fd)
{
	int protocol;
	socklen_t len = sizeof protocol;

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == IPPROTO_TCP;
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
	conn->release = params->release;
	conn->release_arg = params->release_arg;
	conn->is_tcp = fd_is_tcp(params->in);
	conn->always_readable = fd_is_file(params->in);
	conn->framing = params->framing;
	conn->framer = params->framing->create();
	conn->limit = params->limit;
	conn->high_water = net->options.high_water;
	conn->established = !params->impatient;
	conn->in = evbuffer_new();
	conn->out = evbuffer_new();
	conn->readable = event_new(net->base, conn->always_readable ? -1 : conn->in_fd,
	    EV_READ | EV_PERSIST, px_conn_on_readable, conn);
	conn->writable = event_new(net->base, conn->out_fd, EV_WRITE, px_conn_on_writable, conn);
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
	px_conn_read_on(conn);
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
px_conn_close(struct px_conn *conn, enum px_end_reason reason, const char *text)
{
	if (conn->state != CONN_OPEN)
		return;
	px_log_event(conn->net->options.log, PX_LOG_INFO, "close",
	    PX_I("conn", (int64_t)conn->number), PX_S("reason", text));
	conn->await_peer = conn->framing->finish(conn->framer, reason, text, conn->out);
	px_conn_grown(conn);
	px_conn_linger(conn);
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

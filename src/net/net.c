#include "net/net.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/conn_state.h"

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
		px_conn_die(TAILQ_FIRST(&net->open));
	while (!TAILQ_EMPTY(&net->dead))
		px_conn_free(TAILQ_FIRST(&net->dead));
	free(net);
}

/* Whoever becomes dirty during this is written in the next turn, which is made to come at once. */
void
px_net_turn(struct px_net *net)
{
	struct px_conn_list now = TAILQ_HEAD_INITIALIZER(now);
	struct px_conn *conn;

	TAILQ_CONCAT(&now, &net->dirty, dirty_link);
	while ((conn = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, conn, dirty_link);
		conn->dirty = false;
		if (conn->state != CONN_DEAD)
			px_conn_flush(conn);
	}
	TAILQ_FOREACH (conn, &net->dirty, dirty_link)
		if (conn->state != CONN_DEAD)
			event_active(conn->writable, EV_WRITE, 0);
	while (!TAILQ_EMPTY(&net->dead))
		px_conn_free(TAILQ_FIRST(&net->dead));
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

#ifndef PX_NET_CONN_STATE_H
#define PX_NET_CONN_STATE_H

#include <bsd/sys/queue.h>
#include <event2/util.h>

#include "net/conn.h"
#include "net/net.h"

/* Inside of px_net and px_conn, for the files of this folder. */

enum px_conn_state {
	CONN_OPEN,
	CONN_CLOSING,  /* our bytes still go out; for a ws the peer's close frame may still come */
	CONN_DRAINING, /* our side is shut down; what the peer still sends is read and dropped */
	CONN_DEAD      /* freed by the next turn */
};

TAILQ_HEAD(px_conn_list, px_conn);

struct px_net {
	struct event_base *base;
	struct px_net_options options;
	struct px_net_stats stats;
	struct px_conn_list open, dead, dirty;
	uint64_t next_number;
};

struct px_conn {
	TAILQ_ENTRY(px_conn) link, dirty_link;
	struct px_net *net;
	uint64_t number;
	char *label;
	int in_fd, out_fd;
	void (*release)(void *arg);
	void *release_arg;
	bool is_tcp;
	bool always_readable; /* a regular file: never blocks, and epoll(7) refuses it */
	const struct px_framing *framing;
	struct px_framer *framer;
	size_t limit, high_water;
	uint64_t probe;
	struct evbuffer *in, *out;
	size_t accounted; /* of 'out', in the net's sum */
	struct event *readable, *writable;
	struct event *timer; /* the handshake's, then the pings', then the lingering's */
	const struct px_conn_ops *ops;
	void *arg;
	enum px_conn_state state;
	bool established;
	bool dirty;
	bool congested;
	bool choked;     /* reading has stopped: too many of our answers wait to be taken */
	bool feeding;    /* a feed is on the stack */
	bool feed_again; /* the limit has changed: what follows is measured by the new one */
	bool probing;    /* the ping numbered 'probe' was not answered yet */
	bool await_peer; /* ws: our close frame is out, the peer's has not come */
	bool input_ended;
	int failure; /* errno of the read or write that ended it; 0: it ended in order */
};

/* ---- the end (conn.c) ---- */

void px_conn_die(struct px_conn *conn);    /* over at once; freed by the next turn */
void px_conn_linger(struct px_conn *conn); /* over when its bytes are out, or some seconds passed */
void px_conn_free(struct px_conn *conn);

/* ---- output (conn_out.c) ---- */

void px_conn_mark_dirty(struct px_conn *conn); /* has something for the next turn */
void px_conn_grown(struct px_conn *conn);      /* something was appended to 'out' */
void px_conn_flush(struct px_conn *conn);
void px_conn_keep_alive(struct px_conn *conn); /* a ping, whoever may want to know */
void px_conn_on_writable(evutil_socket_t fd, short what, void *arg);

/* ---- input (conn_in.c) ---- */

/*
 * Requests are read on while output is congested, so that ^C gets through; only
 * answers nobody takes stop them.
 */
bool px_conn_takes_messages(const struct px_conn *conn);
void px_conn_read_on(struct px_conn *conn); /* reading begins, or goes on */
void px_conn_feed(struct px_conn *conn);    /* what was read goes through the framing */
void px_conn_on_readable(evutil_socket_t fd, short what, void *arg);

#endif

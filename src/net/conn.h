#ifndef PX_NET_CONN_H
#define PX_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/framer.h"

struct evbuffer;

/*
 * One peer: a byte stream in, a byte stream out, a framing between them and the
 * messages. Sending only queues; px_net_turn() writes and frees.
 */
struct px_net;
struct px_conn;

/* What a connection tells its owner. 'arg' is what px_conn_new() was given. */
struct px_conn_ops {
	void (*message)(void *arg, const char *text, size_t len);
	bool (*request)(void *arg, const struct px_http_request *req,
	    struct evbuffer *out); /* see px_framer_handler */
	void (*too_big)(void *arg, size_t limit);
	void (*drained)(void *arg); /* congested no more */
	void (*reached)(void *arg); /* the answer to px_conn_probe() */
	void (*closed)(void *arg); /* the last call: the connection is over; it is freed by the next
				      px_net_turn() */
};

struct px_conn_params {
	int in, out; /* descriptors, non-blocking; the same one for a socket. Closed with the
			connection */
	void (*release)(void *arg); /* NULL, or called instead of closing them */
	void *release_arg;
	bool impatient; /* initialize_timeout_ms applies until px_conn_established() */
	const struct px_framing *framing;
	const char *label; /* for the log, e.g. "ws 127.0.0.1:4123"; copied */
	size_t limit;      /* largest message until px_conn_set_limit() */
};

/* Counts and registers it; 'ops' is borrowed, 'arg' is set by px_conn_start() before anything is
 * read. */
struct px_conn *px_conn_new(struct px_net *net, const struct px_conn_params *params);
void px_conn_start(struct px_conn *conn, const struct px_conn_ops *ops, void *arg);

/* Queues one message: moves the content of 'msg'. After the close it is dropped. */
void px_conn_send(struct px_conn *conn, struct evbuffer *msg);

/*
 * Asks the peer to say when its program has read all that was sent up to now: a
 * ping (ws), which a client answers when it comes to it. Not again before
 * 'reached' was called, which may be never. False: this framing has no such
 * question, or the connection is over.
 */
bool px_conn_probe(struct px_conn *conn);

/* Unsent bytes have passed the high-water mark and not yet fallen below half of it. */
bool px_conn_congested(const struct px_conn *conn);

void px_conn_established(struct px_conn *conn); /* ends the handshake's time limit */
void px_conn_set_limit(struct px_conn *conn, size_t limit);
void px_conn_lower_high_water(struct px_conn *conn, size_t bytes); /* unless it is lower */

/* Ends it from our side, once its bytes are out or a few seconds have passed. 'text' goes into the
 * close frame and the log. */
void px_conn_close(struct px_conn *conn, enum px_end_reason reason, const char *text);

uint64_t px_conn_number(const struct px_conn *conn); /* unique in this net, for the log */
const char *px_conn_label(const struct px_conn *conn);

#endif

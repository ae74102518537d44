#ifndef PX_NET_NET_H
#define PX_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct px_log;

/*
 * The set of all connections. px_net_turn(), once per turn of the loop, writes
 * each connection that has something and frees those that are over, so nothing
 * is written or freed while a callback is on the stack.
 */
struct px_net;

struct px_net_options {
	size_t high_water; /* unsent bytes from which a connection is congested */
	size_t max_connections;
	int64_t initialize_timeout_ms;
	const struct px_log *log; /* borrowed */
};

struct px_net_stats {
	size_t connections;
	uint64_t accepted, refused;
	uint64_t bytes_in, bytes_out;
	size_t queued; /* unsent bytes over all connections */
};

struct px_net *px_net_new(struct event_base *base, const struct px_net_options *options);
void px_net_free(struct px_net *net); /* ends every connection at once; takes NULL */
void px_net_turn(struct px_net *net);
void px_net_stats(const struct px_net *net, struct px_net_stats *out);
bool px_net_full(const struct px_net *net); /* max_connections are open */
void px_net_count_refused(struct px_net *net);

/* Ends every connection properly (ws: 1001); they linger for a bounded time until their bytes are
 * out. */
void px_net_close_all(struct px_net *net);
bool px_net_idle(const struct px_net *net); /* no connection is left */

#endif

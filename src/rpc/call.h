#ifndef PX_RPC_CALL_H
#define PX_RPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "base/json.h"
#include "base/json_out.h"
#include "base/trace.h"
#include "rpc/peer.h"

struct evbuffer;
struct px_batch;
struct px_method;

/*
 * One request in flight. It is answered exactly once, by px_call_result() and
 * px_call_end(), or by px_call_fail(); it is gone then. When its connection ends
 * first, its cancel function is called instead, and it is gone too.
 */
struct px_call {
	TAILQ_ENTRY(px_call) link;
	struct px_peer *peer;
	struct px_batch *batch; /* NULL: alone */
	size_t slot;            /* its place in the batch */
	bool answered;          /* in a batch that waits for others */
	bool id_is_string;
	int64_t id_number;
	char *id_text; /* NUL-terminated; may hold NUL before that, see id_len */
	size_t id_len;
	size_t bytes; /* of the message it came in */
	struct px_trace trace;
	const struct px_method *method;
	struct px_json_doc *doc; /* the params' memory while run is on the stack, else NULL */
	void (*cancel)(void *arg);
	void *arg;
	void (*answer)(
	    struct px_call *call); /* of a deferred call whose answer depends on nothing more */
};

/* The request's traceparent, for the log; NULL: none. */
const char *px_call_trace(const struct px_call *call);

/* For an answer that comes later: 'cancel' takes back whatever would have answered. */
void px_call_defer(struct px_call *call, void (*cancel)(void *arg), void *arg);

/* Opens the answer and returns the writer: write one value (the result). Then px_call_end() sends
 * it and frees the call. */
struct px_json_out *px_call_result(struct px_call *call);
void px_call_end(struct px_call *call);

void px_call_empty(struct px_call *call); /* the result is {} */
void px_call_bool(
    struct px_call *call, const char *name, bool value); /* the result is {name: value} */
void px_call_fail(struct px_call *call, const struct px_err *err);

/* ---- for the dispatcher ---- */

/*
 * A group of requests that is answered as one array. The dispatcher opens it,
 * adds each member as a call or as a ready error, and closes it; the answer goes
 * out when the last member is answered.
 */
struct px_batch *px_batch_open(struct px_peer *peer, size_t n);
void px_batch_error(
    struct px_batch *batch, size_t slot, const struct px_call *id, const struct px_err *err);
void px_batch_close(struct px_batch *batch);
size_t px_batch_bytes(const struct px_batch *batch); /* of the answers that wait for the others */

/* Makes a call from a checked envelope; it enters the list of those in flight. 'batch' may be NULL.
 */
struct px_call *px_call_new(
    struct px_peer *peer, struct px_batch *batch, size_t slot, const struct px_json *id);
bool px_call_in_flight(const struct px_peer *peer, const struct px_json *id);

/* The connection is over: cancels and frees every call. */
void px_calls_cancel(struct px_peer *peer);

/* Writes an error answer for 'id' (NULL: null) to 'buf'. */
void px_error_put(
    struct px_peer *peer, struct evbuffer *buf, const struct px_call *id, const struct px_err *err);

#endif

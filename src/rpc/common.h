#ifndef PX_RPC_COMMON_H
#define PX_RPC_COMMON_H

#include "base/fields.h"
#include "rpc/call.h"

struct px_chunk;
struct px_session;

/* What more than one dialect does in the same way. */

/* A chunk's bytes as one base64 string value. */
void px_put_chunk(struct px_json_out *json, const struct px_chunk *chunk);

/*
 * Writes to a session's stdin and answers by 'answer', now or when the queue has
 * room. 'write_id' NULL or absent: none. -1: refused, nothing was answered.
 */
int px_call_write(struct px_call *call, struct px_session *session, const struct px_bytes *chunk,
    const struct px_str *write_id, void (*answer)(struct px_call *call), struct px_err *err);

/*
 * As px_call_write(), for another operation on stdin: 'result' is what it
 * returned, '*op' what it gave. Use px_call_input() as its 'done' and 'call' as
 * its argument.
 */
struct px_input_op;
int px_call_await_input(struct px_call *call, int result, struct px_input_op *op, bool keep,
    void (*answer)(struct px_call *call));
void px_call_input(void *arg, const struct px_err *err);

#endif

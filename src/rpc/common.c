#include "rpc/common.h"

#include "proc/input.h"
#include "session/input.h"
#include "session/session.h"
#include "transcript/transcript.h"

void
px_put_chunk(struct px_json_out *json, const struct px_chunk *chunk)
{
	const struct px_piece pieces[] = { { chunk->run[0].data, chunk->run[0].len },
		{ chunk->run[1].data, chunk->run[1].len } };

	px_json_put_base64(json, pieces, 2);
}

void
px_call_input(void *arg, const struct px_err *err)
{
	struct px_call *call = arg;

	if (err != NULL)
		px_call_fail(call, err);
	else
		call->answer(call);
}

static void
input_cancel(void *arg)
{
	px_input_cancel(arg);
}

static void
input_forget(void *arg)
{
	px_input_forget(arg);
}

int
px_call_await_input(struct px_call *call, int result, struct px_input_op *op, bool keep,
    void (*answer)(struct px_call *call))
{
	if (result == -1)
		return -1;
	if (result == 1) {
		answer(call);
		return 0;
	}
	call->answer = answer;
	px_call_defer(call, keep ? input_forget : input_cancel, op);
	return 0;
}

int
px_call_write(struct px_call *call, struct px_session *session, const struct px_bytes *chunk,
    const struct px_str *write_id, void (*answer)(struct px_call *call), struct px_err *err)
{
	bool keep = write_id != NULL && write_id->p != NULL;
	struct px_input_op *op = NULL;
	int result = px_session_write(session, chunk->p, chunk->len, keep ? write_id->p : NULL,
	    keep ? write_id->len : 0, px_call_input, call, &op, err);

	return px_call_await_input(call, result, op, keep, answer);
}

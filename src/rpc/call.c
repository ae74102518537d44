#include "rpc/call.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/conn.h"
#include "rpc/files.h"
#include "rpc/sub.h"

struct px_batch {
	TAILQ_ENTRY(px_batch) link;
	struct px_peer *peer;
	size_t n, answered;
	bool closed; /* all members are known */
	struct evbuffer **answers;
};

static void
call_free(struct px_call *call)
{
	struct px_peer *peer = call->peer;

	TAILQ_REMOVE(&peer->calls, call, link);
	peer->ncalls--;
	peer->call_bytes -= call->bytes;
	free(call->id_text);
	free(call);
}

/* ---- batches ---- */

struct px_batch *
px_batch_open(struct px_peer *peer, size_t n)
{
	struct px_batch *batch = px_new(struct px_batch);

	batch->peer = peer;
	batch->n = n;
	batch->answers = px_alloc(n * sizeof(struct evbuffer *));
	for (size_t i = 0; i < n; i++)
		batch->answers[i] = evbuffer_new();
	TAILQ_INSERT_TAIL(&peer->batches, batch, link);
	return batch;
}

static void
batch_free(struct px_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		evbuffer_free(batch->answers[i]);
	free(batch->answers);
	TAILQ_REMOVE(&batch->peer->batches, batch, link);
	free(batch);
}

/* Its calls stayed in flight until now, so that their ids could not be used again. */
static void
batch_free_calls(struct px_batch *batch)
{
	struct px_call *call, *next;

	TAILQ_FOREACH_SAFE (call, &batch->peer->calls, link, next)
		if (call->batch == batch)
			call_free(call);
}

static void
batch_send(struct px_batch *batch)
{
	struct px_peer *peer = batch->peer;
	struct evbuffer *all = evbuffer_new();

	for (size_t i = 0; i < batch->n; i++) {
		evbuffer_add(all, i == 0 ? "[" : ",", 1);
		evbuffer_add_buffer(all, batch->answers[i]);
	}
	evbuffer_add(all, "]", 1);
	px_peer_send(peer, all);
	evbuffer_free(all);
	batch_free_calls(batch);
	batch_free(batch);
	px_subs_release(peer);
	px_peer_files_answered(peer);
}

static void
batch_settle(struct px_batch *batch)
{
	if (batch->closed && batch->answered == batch->n)
		batch_send(batch);
}

void
px_batch_error(
    struct px_batch *batch, size_t slot, const struct px_call *id, const struct px_err *err)
{
	px_error_put(batch->peer, batch->answers[slot], id, err);
	batch->answered++;
}

void
px_batch_close(struct px_batch *batch)
{
	batch->closed = true;
	batch_settle(batch);
}

size_t
px_batch_bytes(const struct px_batch *batch)
{
	size_t sum = 0;

	for (size_t i = 0; i < batch->n; i++)
		sum += evbuffer_get_length(batch->answers[i]);
	return sum;
}

/* ---- calls ---- */

static void
call_take_id(struct px_call *call, const struct px_json *id)
{
	call->id_is_string = id->type == PX_JSON_STRING;
	call->id_number = id->integer;
	if (!call->id_is_string)
		return;
	call->id_len = id->len;
	call->id_text = px_alloc(id->len + 1);
	memcpy(call->id_text, id->text, id->len);
}

struct px_call *
px_call_new(struct px_peer *peer, struct px_batch *batch, size_t slot, const struct px_json *id)
{
	struct px_call *call = px_new(struct px_call);

	call->peer = peer;
	call->batch = batch;
	call->slot = slot;
	call_take_id(call, id);
	TAILQ_INSERT_TAIL(&peer->calls, call, link);
	peer->ncalls++;
	return call;
}

bool
px_call_in_flight(const struct px_peer *peer, const struct px_json *id)
{
	const struct px_call *call;

	TAILQ_FOREACH (call, &peer->calls, link) {
		if (call->id_is_string != (id->type == PX_JSON_STRING))
			continue;
		if (call->id_is_string
			? call->id_len == id->len && memcmp(call->id_text, id->text, id->len) == 0
			: call->id_number == id->integer)
			return true;
	}
	return false;
}

const char *
px_call_trace(const struct px_call *call)
{
	return call->trace.parent[0] != '\0' ? call->trace.parent : NULL;
}

void
px_call_defer(struct px_call *call, void (*cancel)(void *arg), void *arg)
{
	call->cancel = cancel;
	call->arg = arg;
}

static struct evbuffer *
call_buffer(struct px_call *call)
{
	return call->batch != NULL ? call->batch->answers[call->slot] : call->peer->msg;
}

static void
call_put_id(struct px_json_out *json, const struct px_peer *peer, const struct px_call *call)
{
	px_json_key(json, "id");
	if (call == NULL && peer->dialect != NULL && peer->dialect->malformed != NULL)
		px_json_put_int(json, -1);
	else if (call == NULL)
		px_json_put_null(json);
	else if (call->id_is_string)
		px_json_put_text(json, call->id_text, call->id_len);
	else
		px_json_put_int(json, call->id_number);
}

struct px_json_out *
px_call_result(struct px_call *call)
{
	struct px_json_out *json = px_peer_message(call->peer, call_buffer(call));

	call_put_id(json, call->peer, call);
	px_json_key(json, "result");
	return json;
}

/* The text stands in the call's buffer: send it, or let its batch wait for the others. */
static void
call_finish(struct px_call *call)
{
	struct px_peer *peer = call->peer;
	struct px_batch *batch = call->batch;

	if (batch == NULL) {
		call_free(call);
		px_peer_send(peer, peer->msg);
		return;
	}
	call->answered = true;
	batch->answered++;
	batch_settle(batch);
}

void
px_call_end(struct px_call *call)
{
	px_json_close(call->peer->rpc->json);
	call_finish(call);
}

void
px_call_bool(struct px_call *call, const char *name, bool value)
{
	struct px_json_out *json = px_call_result(call);

	px_json_open(json);
	px_json_kv_bool(json, name, value);
	px_json_close(json);
	px_call_end(call);
}

void
px_call_empty(struct px_call *call)
{
	struct px_json_out *json = px_call_result(call);

	px_json_open(json);
	px_json_close(json);
	px_call_end(call);
}

static void
error_put_data(struct px_json_out *json, const struct px_err *err)
{
	px_json_key(json, "data");
	px_json_open(json);
	px_json_kv_str(json, "kind", px_code_word(err->code));
	if (err->sys != 0)
		px_json_kv_str(json, "errno", px_errno_name(err->sys));
	if (err->code == PX_E_SPAWN) {
		px_json_kv_str(json, "path", err->path);
		px_json_kv_str(json, "step", err->step);
	}
	if (err->limit != NULL) {
		px_json_kv_str(json, "limit", err->limit);
		px_json_kv_int(json, "value", err->value);
	}
	if (err->code == PX_E_VERSION) {
		px_json_key(json, "supported");
		px_json_open_array(json);
		for (size_t i = 0; px_dialect_at(i) != NULL; i++)
			if (px_dialect_at(i)->by_version)
				px_json_put_str(json, px_dialect_at(i)->name);
		px_json_close_array(json);
	}
	px_json_close(json);
}

static int
error_number(const struct px_peer *peer, enum px_code code)
{
	const int *numbers = peer->dialect != NULL ? peer->dialect->numbers : NULL;

	if (numbers == NULL)
		return px_code_number(code);
	return numbers[code] != 0 ? numbers[code] : px_code_number(PX_E_INTERNAL);
}

void
px_error_put(
    struct px_peer *peer, struct evbuffer *buf, const struct px_call *id, const struct px_err *err)
{
	struct px_json_out *json = px_peer_message(peer, buf);

	call_put_id(json, peer, id);
	px_json_key(json, "error");
	px_json_open(json);
	px_json_kv_int(json, "code", error_number(peer, err->code));
	px_json_kv_str(json, "message", err->text);
	error_put_data(json, err);
	px_json_close(json);
	px_json_close(json);
}

/* What the operator should see of a request that was turned down; the client's own mistakes are for
 * debugging. */
static void
call_log_failure(const struct px_call *call, const struct px_err *err)
{
	const struct px_peer *peer = call->peer;
	bool refused = err->code == PX_E_SPAWN || err->code == PX_E_LIMIT ||
		       err->code == PX_E_FORBIDDEN || err->code == PX_E_OVERLOADED ||
		       err->code == PX_E_NOMEM || err->code == PX_E_IO;

	px_log_event(peer->rpc->log, refused ? PX_LOG_WARN : PX_LOG_DEBUG, "refuse",
	    PX_I("conn", (int64_t)px_conn_number(peer->conn)),
	    PX_S("method", call->method != NULL ? call->method->name : NULL),
	    PX_S("kind", px_code_word(err->code)), PX_S("reason", err->text),
	    PX_S("trace", px_call_trace(call)));
}

void
px_call_fail(struct px_call *call, const struct px_err *err)
{
	call_log_failure(call, err);
	px_error_put(call->peer, call_buffer(call), call, err);
	call_finish(call);
}

void
px_calls_cancel(struct px_peer *peer)
{
	struct px_call *call;

	while ((call = TAILQ_FIRST(&peer->calls)) != NULL) {
		if (!call->answered && call->cancel != NULL)
			call->cancel(call->arg);
		call_free(call);
	}
	while (!TAILQ_EMPTY(&peer->batches))
		batch_free(TAILQ_FIRST(&peer->batches));
}

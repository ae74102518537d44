#include "rpc/dispatch.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "net/conn.h"
#include "rpc/call.h"

enum { BATCH_MAX = 128 };

/* One request or notification with its surroundings, while it is looked at. */
struct envelope {
	struct px_peer *peer;
	struct px_json_doc *doc;
	const struct px_json *node, *id, *method, *params;
	struct px_batch *batch; /* NULL: alone */
	size_t slot;
	size_t bytes;
};

static void
envelope_error(const struct envelope *e, const struct px_err *err)
{
	if (e->batch != NULL)
		px_batch_error(e->batch, e->slot, NULL, err);
	else
		px_peer_send_error(e->peer, err);
}

static bool
has_own_envelope(const struct px_peer *peer)
{
	return peer->dialect != NULL && peer->dialect->malformed != NULL;
}

static void
peer_violates(struct px_peer *peer, const char *what)
{
	px_conn_close(peer->conn, PX_END_PROTOCOL, what);
}

/* A name that stands twice in one object, anywhere below 'node'. */
static const struct px_json *
duplicate_below(const struct px_json *node)
{
	const struct px_json *found = node->duplicate;

	for (const struct px_json *child = node->first; child != NULL && found == NULL;
	     child = child->next)
		found = duplicate_below(child);
	return found;
}

static int
params_check(const struct envelope *e, struct px_err *err)
{
	const struct px_json *twice;

	if (e->params == NULL)
		return 0;
	if (e->params->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS, "params must be an object");
	if ((twice = duplicate_below(e->params)) != NULL)
		return px_fail(err, PX_E_PARAMS, "duplicate member \"%.*s\"",
		    twice->key_len < 64 ? (int)twice->key_len : 64, twice->key);
	return 0;
}

static int
no_params_check(const struct envelope *e, const struct px_method *method, struct px_err *err)
{
	if ((method->flags & PX_M_NO_PARAMS) != 0 && e->params != NULL && e->params->count > 0)
		return px_fail(err, PX_E_PARAMS, "%s takes no params", method->name);
	return 0;
}

/* 'admit': the handshake's rules are still to be asked, once the params are known to be right. */
static int
method_run(const struct envelope *e, struct px_call *call, bool admit, struct px_err *err)
{
	const struct px_method *method = call->method;
	void *params = px_json_arena(e->doc, method->params_size + 1);

	if (params == NULL)
		return px_fail(err, PX_E_NOMEM, "out of memory");
	memset(params, 0, method->params_size + 1);
	if (params_check(e, err) == -1 || no_params_check(e, method, err) == -1 ||
	    px_fields_fill(e->doc, e->params, method->fields, method->nfields, params, err) == -1)
		return -1;
	if (admit && e->peer->dialect->admit(e->peer, method->name, err) == -1)
		return -1;
	return method->run(call, params, err);
}

/* The first initialize decides the dialect; one that fails leaves the connection as it was. */
static int
initialize_run(const struct envelope *e, struct px_call *call, struct px_err *err)
{
	struct px_peer *peer = e->peer;
	const struct px_dialect *dialect = NULL;

	peer->jsonrpc = px_json_get(e->node, "jsonrpc") != NULL;
	for (size_t i = 0; (dialect = px_dialect_at(i)) != NULL; i++)
		if (dialect->claims(e->params))
			break;
	if (dialect == NULL)
		return px_fail(err, PX_E_VERSION, "unsupported protocolVersion");
	peer->dialect = dialect;
	peer->jsonrpc &= dialect->malformed == NULL;
	call->method = dialect->methods[0];
	if (method_run(e, call, false, err) == -1) {
		px_call_fail(call, err); /* in the words of the dialect that was asked for */
		peer->dialect = NULL;
		return 0;
	}
	px_conn_set_limit(peer->conn, peer->rpc->max_message_bytes);
	px_conn_established(peer->conn);
	return 0;
}

/* Before initialize a connection has no dialect; the exec methods' message is what v0's clients
 * know. */
static int
uninitialized_run(const struct envelope *e, struct px_call *call, struct px_err *err)
{
	static const char exec[] = "command/exec";

	if (px_json_is(e->method, "initialize"))
		return initialize_run(e, call, err);
	if (e->method->len >= sizeof exec - 1 &&
	    memcmp(e->method->text, exec, sizeof exec - 1) == 0)
		return px_fail(err, PX_E_NOT_INITIALIZED,
		    "client must call initialize before using exec methods");
	return px_fail(err, PX_E_NOT_INITIALIZED, "Not initialized");
}

static int
request_run(const struct envelope *e, struct px_call *call, struct px_err *err)
{
	struct px_peer *peer = e->peer;
	const struct px_dialect *dialect = peer->dialect;

	if (dialect == NULL)
		return uninitialized_run(e, call, err);
	call->method = px_dialect_method(dialect, e->method->text, e->method->len);
	if (call->method == NULL)
		return px_fail(err, PX_E_METHOD, "%s%.*s%s", dialect->unknown[0],
		    e->method->len < 128 ? (int)e->method->len : 128, e->method->text,
		    dialect->unknown[1]);
	if (dialect->malformed == NULL && dialect->admit(peer, call->method->name, err) == -1)
		return -1;
	if ((call->method->flags & PX_M_EXPERIMENTAL) != 0 && !peer->experimental)
		return px_fail(err, PX_E_EXPERIMENTAL, "%s requires experimentalApi capability",
		    call->method->name);
	return method_run(e, call, dialect->malformed != NULL, err);
}

static int
bounds_check(const struct envelope *e, struct px_err *err)
{
	const struct px_peer *peer = e->peer;
	const struct px_rpc *rpc = peer->rpc;

	if (peer->ncalls >= rpc->max_requests)
		return px_fail(err, PX_E_OVERLOADED,
		    "%zu requests are in flight on this connection", peer->ncalls);
	if (peer->call_bytes > 0 && peer->call_bytes + e->bytes > rpc->max_message_bytes)
		return px_fail(
		    err, PX_E_OVERLOADED, "requests in flight hold %zu bytes", peer->call_bytes);
	if (e->batch != NULL && px_batch_bytes(e->batch) > rpc->max_message_bytes)
		return px_fail(err, PX_E_OVERLOADED, "the answers of this batch hold %zu bytes",
		    px_batch_bytes(e->batch));
	return 0;
}

static void
trace_read(const struct px_json *node, struct px_trace *out)
{
	const struct px_json *trace = px_json_get(node, "trace");
	const struct px_json *parent = px_json_get(trace, "traceparent");
	const struct px_json *state = px_json_get(trace, "tracestate");

	if (parent == NULL || parent->type != PX_JSON_STRING)
		return;
	if (state != NULL && state->type != PX_JSON_STRING)
		state = NULL;
	px_trace_set(out, parent->text, parent->len, state != NULL ? state->text : NULL,
	    state != NULL ? state->len : 0);
}

static void
request_take(const struct envelope *e)
{
	struct px_peer *peer = e->peer;
	struct px_err err = { 0 };
	bool twice = !has_own_envelope(peer) && px_call_in_flight(peer, e->id);
	int refused = bounds_check(e, &err);
	struct px_call *call = px_call_new(peer, e->batch, e->slot, e->id);

	call->doc = e->doc;
	call->bytes = e->bytes;
	peer->call_bytes += e->bytes;
	trace_read(e->node, &call->trace);
	px_log_event(peer->rpc->log, PX_LOG_DEBUG, "request",
	    PX_I("conn", (int64_t)px_conn_number(peer->conn)), PX_I("bytes", (int64_t)e->bytes),
	    PX_S("trace", px_call_trace(call)));
	if (twice)
		px_fail(&err, PX_E_DUPLICATE, "duplicate request id");
	else if (refused == 0 && request_run(e, call, &err) == 0)
		return;
	px_call_fail(call, &err);
}

static void
notification_take(const struct envelope *e)
{
	struct px_peer *peer = e->peer;
	const struct px_json *params;
	struct px_err ignored;
	char name[64] = "";

	if (e->method->len < sizeof name)
		memcpy(name, e->method->text, e->method->len);
	params = params_check(e, &ignored) == 0 ? e->params : NULL;
	if (peer->dialect == NULL || !peer->dialect->notified(peer, name, e->doc, params))
		peer_violates(peer, "unexpected notification");
}

static void
response_take(const struct envelope *e)
{
	if (e->peer->dialect == NULL || e->peer->dialect->closes_on_response)
		peer_violates(e->peer, "unexpected response");
}

static bool
id_is_valid(const struct px_json *id)
{
	return id->type == PX_JSON_STRING || id->type == PX_JSON_INT;
}

/* What is wrong with the envelope as such, or NULL. */
static const char *
envelope_flaw(const struct envelope *e)
{
	if (has_own_envelope(e->peer) && duplicate_below(e->node) != NULL)
		return "a member occurs twice";
	if (e->node->type != PX_JSON_OBJECT)
		return "a message must be an object";
	if (e->node->duplicate != NULL)
		return "a member of the message occurs twice";
	if (e->id != NULL && !id_is_valid(e->id))
		return "id must be a string or an integer";
	if (e->method != NULL && e->method->type != PX_JSON_STRING)
		return "method must be a string";
	return NULL;
}

static void
envelope_take(struct envelope *e)
{
	const char *flaw;
	struct px_err err;

	e->id = px_json_get(e->node, "id");
	e->method = px_json_get(e->node, "method");
	e->params = px_json_get(e->node, "params");
	if (e->params != NULL && e->params->type == PX_JSON_NULL)
		e->params = NULL;
	flaw = envelope_flaw(e);
	if (flaw == NULL && e->method == NULL) {
		if (px_json_get(e->node, "result") != NULL ||
		    px_json_get(e->node, "error") != NULL) {
			if (e->batch == NULL) {
				response_take(e);
				return;
			}
			flaw = "a batch takes requests only";
		} else {
			flaw = "method is missing";
		}
	}
	if (flaw == NULL && e->id == NULL && e->batch != NULL)
		flaw = "a notification cannot stand in a batch";
	if (flaw != NULL) {
		px_fail(&err, PX_E_REQUEST, "%s", flaw);
		envelope_error(e, &err);
	} else if (e->id == NULL) {
		notification_take(e);
	} else {
		request_take(e);
	}
}

static void
batch_take(struct px_peer *peer, struct px_json_doc *doc, const struct px_json *array, size_t len)
{
	struct envelope e = { .peer = peer, .doc = doc };
	struct px_err err;

	if (array->count == 0 || array->count > BATCH_MAX) {
		px_fail(&err, PX_E_REQUEST, "a batch has 1 to %d requests", BATCH_MAX);
		px_peer_send_error(peer, &err);
		return;
	}
	e.batch = px_batch_open(peer, array->count);
	e.bytes = len / array->count;
	for (e.node = array->first; e.node != NULL; e.node = e.node->next, e.slot++)
		envelope_take(&e);
	px_batch_close(e.batch);
}

void
px_dispatch(struct px_peer *peer, const char *text, size_t len)
{
	struct px_json_doc *doc;
	struct px_err err;

	if (px_json_parse(text, len, &doc, &err) == -1) {
		px_peer_send_error(peer, &err);
		return;
	}
	if (px_json_root(doc)->type == PX_JSON_ARRAY && !has_own_envelope(peer)) {
		batch_take(peer, doc, px_json_root(doc), len);
	} else {
		struct envelope e = {
			.peer = peer, .doc = doc, .node = px_json_root(doc), .bytes = len
		};

		envelope_take(&e);
	}
	px_json_free(doc);
}

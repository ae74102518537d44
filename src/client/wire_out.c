#include "client/wire.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "client/encode.h"
#include "client/error.h"
#include "client/results.h"

/* What goes out over a connection. */

enum { MESSAGE_ROOM = 4096 }; /* for what a write has around its bytes */

/* ---- messages ---- */

/* Opens the params of a message. */
static struct px_json_out *
message_begin(struct px_wire *wire, const int64_t *id, const char *method)
{
	px_json_out_begin(wire->json, wire->msg);
	px_json_open(wire->json);
	if (id != NULL)
		px_json_kv_int(wire->json, "id", *id);
	px_json_kv_str(wire->json, "method", method);
	px_json_key(wire->json, "params");
	px_json_open(wire->json);
	return wire->json;
}

/* ---- those that wait for an answer ---- */

static bool
asks_for_list(const struct px_sent *sent)
{
	return sent->method == PX_DO_READ_DIRECTORY || sent->method == PX_DO_WALK;
}

void
px_sent_free(struct px_wire *wire, struct px_sent *sent)
{
	if (asks_for_list(sent))
		wire->lists--;
	TAILQ_REMOVE(&wire->sent, sent, link);
	free(sent->session);
	free(sent->again);
	free(sent);
}

/* The message that has been written, as one to be answered. */
static struct px_sent *
sent_new(struct px_wire *wire, const struct px_request *request)
{
	size_t len = evbuffer_get_length(wire->msg);
	struct px_sent *sent = malloc(sizeof *sent + len);

	if (sent == NULL)
		return NULL;
	*sent = (struct px_sent){ .id = request->id,
		.method = request->method,
		.after_seq = request->after_seq,
		.file = request->files != NULL ? request->files->file : 0,
		.len = len };
	if (request->session != NULL)
		sent->session = px_strdup(request->session);
	if (asks_for_list(sent))
		wire->lists++;
	evbuffer_remove(wire->msg, sent->text, len);
	TAILQ_INSERT_TAIL(&wire->sent, sent, link);
	return sent;
}

void
px_wire_transmit(struct px_wire *wire, struct px_sent *sent)
{
	if (sent->on_its_way && sent->again != NULL)
		evbuffer_add(wire->msg, sent->again, sent->again_len);
	else
		evbuffer_add(wire->msg, sent->text, sent->len);
	sent->repeated = sent->on_its_way;
	sent->on_its_way = true;
	px_link_send(wire->link, wire->msg);
}

static int
too_large(const struct px_wire *wire, size_t len, const char *what, struct px_error *err)
{
	return px_error_set(err, PX_ERROR_USAGE,
	    "a %s of %zu bytes: the server takes messages of up to %zu", what, len,
	    wire->message_max);
}

static size_t
message_put(struct px_wire *wire, const struct px_request *request)
{
	struct px_json_out *json =
	    message_begin(wire, &request->id, px_method_name(request->method));

	px_request_put(json, request);
	px_json_close(json);
	px_request_put_trace(json, request);
	px_json_close(json);
	return evbuffer_get_length(wire->msg);
}

/*
 * A wait that looks at what comes from now on must see, when it is repeated, what
 * has come meanwhile: it looks from the last event that had come when it was asked.
 */
static int
prepare_again(struct px_wire *wire, struct px_sent *sent, const struct px_request *request)
{
	const struct px_bookmark *bookmark;
	struct px_request again = *request;
	struct px_until until;

	if (request->until == NULL || request->until->from_seq ||
	    (bookmark = px_bookmark_find(&wire->bookmarks, request->session)) == NULL)
		return 0;
	until = *request->until;
	until.from_seq = true;
	until.after_seq = bookmark->last_seq;
	again.until = &until;
	sent->again_len = message_put(wire, &again);
	if ((sent->again = malloc(sent->again_len)) == NULL)
		return -1;
	evbuffer_remove(wire->msg, sent->again, sent->again_len);
	return 0;
}

static struct px_sent *
request_put(struct px_wire *wire, const struct px_request *request, struct px_error *err)
{
	size_t len = message_put(wire, request);
	struct px_sent *sent;

	if (len > wire->message_max) {
		evbuffer_drain(wire->msg, len);
		too_large(wire, len, px_method_name(request->method), err);
		return NULL;
	}
	if ((sent = sent_new(wire, request)) != NULL && prepare_again(wire, sent, request) == 0)
		return sent;
	if (sent != NULL)
		px_sent_free(wire, sent);
	evbuffer_drain(wire->msg, evbuffer_get_length(wire->msg));
	px_error_set(err, PX_ERROR_SYSTEM, "no memory for a request");
	return NULL;
}

int
px_wire_send(struct px_transport *t, const struct px_request *request, struct px_error *err)
{
	struct px_wire *wire = (struct px_wire *)t;
	struct px_sent *sent;

	/* Looked at first, so that nothing so large is encoded in vain. */
	if (request->len > wire->message_max ||
	    px_base64_encoded_len(request->len) + MESSAGE_ROOM > wire->message_max)
		return too_large(wire, request->len, px_method_name(request->method), err);
	if (px_request_check(request, err) == -1 ||
	    (sent = request_put(wire, request, err)) == NULL)
		return -1;
	if (wire->state == WIRE_OPEN && px_wire_check_file(wire, sent))
		px_wire_transmit(wire, sent);
	return 0;
}

/* ---- the transport's own ---- */

void
px_wire_greet(struct px_wire *wire)
{
	const int64_t id = PX_WIRE_GREETING_ID;
	struct px_json_out *json = message_begin(wire, &id, "initialize");

	px_wire_greeting_put(wire, json);
	px_json_close(json);
	px_json_close(json);
	px_link_send(wire->link, wire->msg);
}

void
px_wire_subscribe(struct px_wire *wire, const char *session, int64_t after_seq)
{
	const struct px_request request = { .method = PX_DO_SUBSCRIBE,
		.id = --wire->last_internal,
		.session = session,
		.after_seq = after_seq };
	struct px_sent *sent = request_put(wire, &request, NULL);
	struct px_err err;

	if (sent == NULL) {
		px_fail(&err, PX_E_NOMEM, "a subscription");
		px_wire_break(wire, &err);
		return;
	}
	sent->internal = true;
	px_wire_transmit(wire, sent);
}

void
px_wire_ack(struct px_wire *wire, const char *session, int64_t seq)
{
	struct px_json_out *json = message_begin(wire, NULL, "process/ack");

	px_json_kv_str(json, "sessionId", session);
	px_json_kv_int(json, "seq", seq);
	px_json_close(json);
	px_json_close(json);
	px_link_send(wire->link, wire->msg);
}

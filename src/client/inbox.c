#include "client/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/fields.h"
#include "base/json.h"
#include "base/mem.h"
#include "client/error.h"

/* What comes in: messages become events in a bounded queue. */

/* ---- the queue ---- */

void
px_heard_free(struct px_heard *heard)
{
	if (heard == NULL)
		return;
	px_json_free(heard->doc);
	free(heard->text);
	free(heard);
}

static void
inbox_add(struct px_client *client, struct px_heard *heard)
{
	TAILQ_INSERT_TAIL(&client->heard, heard, link);
	client->heard_bytes += heard->cost;
}

static struct px_heard *
inbox_remove(struct px_client *client, struct px_heard *heard)
{
	TAILQ_REMOVE(&client->heard, heard, link);
	client->heard_bytes -= heard->cost;
	return heard;
}

struct px_heard *
px_inbox_take(struct px_client *client)
{
	struct px_heard *first = TAILQ_FIRST(&client->heard);

	return first != NULL ? inbox_remove(client, first) : NULL;
}

struct px_heard *
px_inbox_take_answer(struct px_client *client, int64_t request)
{
	struct px_heard *heard;

	TAILQ_FOREACH (heard, &client->heard, link)
		if (heard->event.type == PX_EVENT_ANSWER && heard->event.answer.request == request)
			return inbox_remove(client, heard);
	return NULL;
}

void
px_inbox_lose(struct px_client *client, const struct px_error *why)
{
	struct px_heard *heard;

	if (client->is_lost)
		return;
	client->is_lost = true;
	client->lost = *why;
	for (size_t i = 0; i < PX_CLIENT_REQUESTS; i++) {
		if (client->pending[i].kind == NULL)
			continue;
		heard = px_new(struct px_heard);
		heard->event.type = PX_EVENT_ANSWER;
		heard->event.answer.request = client->pending[i].id;
		heard->event.answer.error = *why;
		client->pending[i].kind = NULL;
		inbox_add(client, heard);
	}
	heard = px_new(struct px_heard);
	heard->event.type = PX_EVENT_LOST;
	heard->event.lost = *why;
	inbox_add(client, heard);
}

/* ---- one message ---- */

struct envelope {
	struct px_str method;
	struct px_int id;
	const struct px_json *params, *result, *error;
};

static const struct px_field envelope_fields[] = {
	{ "method", PX_F_CSTR, offsetof(struct envelope, method), .flags = 0 },
	{ "id", PX_F_INT, offsetof(struct envelope, id), .min = INT64_MIN, .max = INT64_MAX },
	{ "params", PX_F_ANY, offsetof(struct envelope, params), .flags = 0 },
	{ "result", PX_F_ANY, offsetof(struct envelope, result), .flags = 0 },
	{ "error", PX_F_ANY, offsetof(struct envelope, error), .flags = 0 },
};

static struct px_pending *
pending_find(struct px_client *client, int64_t id)
{
	for (size_t i = 0; i < PX_CLIENT_REQUESTS; i++)
		if (client->pending[i].kind != NULL && client->pending[i].id == id)
			return &client->pending[i];
	return NULL;
}

/* An error that belongs to no request: the server could not make sense of what we sent. */
static int
read_stray(struct px_heard *heard, const struct envelope *msg, struct px_err *err)
{
	struct px_error said;

	if (msg->error == NULL)
		return px_fail(err, PX_E_REQUEST, "a message without method and id");
	if (px_refusal_read(heard->doc, msg->error, &said, err) == -1)
		return -1;
	return px_fail(err, PX_E_REQUEST, "it says '%s'", said.text);
}

static int
read_answer(struct px_client *client, struct px_heard *heard, const struct envelope *msg,
    struct px_err *err)
{
	struct px_pending *pending;
	struct px_answer *answer = &heard->event.answer;
	const struct px_request *kind;

	if (!msg->id.set)
		return read_stray(heard, msg, err);
	if ((pending = pending_find(client, msg->id.v)) == NULL)
		return px_fail(err, PX_E_REQUEST, "an answer to no request");
	kind = pending->kind;
	heard->event.type = PX_EVENT_ANSWER;
	if (msg->error != NULL) {
		if (px_refusal_read(heard->doc, msg->error, &answer->error, err) == -1)
			return px_wrap(err, "%s", kind->method);
	} else if (kind->result != NULL) {
		if (kind->result(client, heard->doc, msg->result, answer, err) == -1)
			return px_wrap(err, "%s", kind->method);
	}
	answer->request = msg->id.v;
	pending->kind = NULL;
	return 1;
}

/* 1: 'heard' is an event; 0: there is nothing in it for this client; -1: no message of a server of
 * ours. */
static int
read_message(struct px_client *client, struct px_heard *heard, size_t len, struct px_err *err)
{
	struct envelope msg = { 0 };

	if (px_json_parse(heard->text, len, &heard->doc, err) == -1)
		return -1;
	if (px_json_root(heard->doc)->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_REQUEST, "a message that is no object");
	if (px_fields_fill(heard->doc, px_json_root(heard->doc), envelope_fields,
		sizeof envelope_fields / sizeof envelope_fields[0], &msg, err) == -1)
		return -1;
	if (msg.method.p == NULL)
		return read_answer(client, heard, &msg, err);
	if (msg.id.set)
		return px_fail(err, PX_E_REQUEST, "a request");
	return px_notification_read(heard->doc, msg.method.p, msg.params, &heard->event, err);
}

static void
lose(struct px_client *client, const struct px_err *why)
{
	struct px_error error;

	if (why->code == PX_E_NOMEM)
		px_error_set(&error, PX_ERROR_SYSTEM, "no memory for what the server sends");
	else
		px_error_set(&error, PX_ERROR_PEER, "it breaks the protocol: %s", why->text);
	px_inbox_lose(client, &error);
}

bool
px_inbox_message(void *arg, const char *text, size_t len)
{
	struct px_client *client = arg;
	struct px_heard *heard = px_new(struct px_heard);
	struct px_err err = { 0 };
	int got = -1;

	if (client->is_lost) {
		px_heard_free(heard);
		return true;
	}
	/* The tree points into the text, which is ours only for this call. */
	if ((heard->text = malloc(len)) == NULL) {
		px_fail(&err, PX_E_NOMEM, "message");
	} else {
		memcpy(heard->text, text, len);
		got = read_message(client, heard, len, &err);
	}
	if (got == 1) {
		heard->cost = sizeof *heard + 2 * len;
		inbox_add(client, heard);
	} else {
		px_heard_free(heard);
		if (got == -1)
			lose(client, &err);
	}
	return client->heard_bytes < PX_CLIENT_EVENT_BYTES;
}

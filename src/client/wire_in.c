#include "client/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fields.h"
#include "base/json.h"
#include "client/error.h"
#include "client/results.h"

/* What comes in over a connection. */

/* What a list of files may have: for each of an answer's two lists, an entry's object, its name as
 * an object of one member, its kind or errno. */
enum { LIST_NODES = 2 * 4 * PX_WALK_MAX + 64 };

enum { ACK_EVENTS = 64 }; /* acknowledge at the latest after so many, whatever their size */

/* ---- events ---- */

/* An event of our own making, or NULL: then the connection is broken. */
static struct px_heard *
heard_of(struct px_wire *wire, enum px_event_type type, const char *session)
{
	struct px_heard *heard = px_heard_new(type);
	struct px_err err;

	heard->event.session = px_heard_copy(heard, session, strlen(session));
	if (heard->event.session != NULL)
		return heard;
	px_heard_free(heard);
	px_fail(&err, PX_E_NOMEM, "an event");
	px_wire_break(wire, &err);
	return NULL;
}

static void
tell_hole(struct px_wire *wire, const struct px_bookmark *bookmark, int64_t missing, int64_t seq)
{
	struct px_heard *heard = heard_of(wire, PX_EVENT_LAGGED, bookmark->session);

	if (heard == NULL)
		return;
	heard->event.lagged.skipped_bytes = missing;
	heard->event.lagged.next_seq = seq;
	px_inbox_event(wire->transport.client, heard);
}

/* What is not kept any more after a break shows only here: the server's count may be too high. */
static void
find_hole(struct px_wire *wire, struct px_bookmark *bookmark, const struct px_event *event)
{
	int64_t *offset = &bookmark->offset[event->output.stream];
	int64_t missing = *offset != -1 ? event->output.offset - *offset : 0;
	int64_t told = missing < bookmark->told_bytes ? missing : bookmark->told_bytes;

	*offset = event->output.offset + (int64_t)event->output.len;
	bookmark->told_bytes -= told;
	if (missing > told)
		tell_hole(wire, bookmark, missing - told, event->seq);
}

static void
acknowledge(struct px_wire *wire, struct px_bookmark *bookmark, const struct px_event *event)
{
	if (wire->ack_bytes == 0)
		return;
	bookmark->unacked_events++;
	if (event->type == PX_EVENT_OUTPUT)
		bookmark->unacked_bytes += (int64_t)event->output.len;
	if (bookmark->unacked_bytes < wire->ack_bytes && bookmark->unacked_events < ACK_EVENTS &&
	    event->type != PX_EVENT_CLOSED)
		return;
	px_wire_ack(wire, bookmark->session, bookmark->last_seq);
	bookmark->unacked_bytes = bookmark->unacked_events = 0;
}

/* False: it has been told already. */
static bool
bookmark_move(struct px_wire *wire, struct px_bookmark *bookmark, const struct px_event *event)
{
	if (event->type == PX_EVENT_LAGGED) {
		if (event->lagged.next_seq > bookmark->last_seq)
			bookmark->last_seq = event->lagged.next_seq - 1;
		bookmark->told_bytes += event->lagged.skipped_bytes;
		return true;
	}
	if (event->seq <= bookmark->last_seq)
		return false;
	if (event->type == PX_EVENT_OUTPUT)
		find_hole(wire, bookmark, event);
	bookmark->last_seq = event->seq;
	acknowledge(wire, bookmark, event);
	return true;
}

static bool
has_number(const struct px_event *event)
{
	return event->seq > 0 || event->type == PX_EVENT_LAGGED;
}

/* Takes 'heard' over. */
static void
on_event(struct px_wire *wire, struct px_heard *heard)
{
	const struct px_event *event = &heard->event;
	struct px_bookmark *bookmark = px_bookmark_find(&wire->bookmarks, event->session);

	if (bookmark != NULL && has_number(event) && !bookmark_move(wire, bookmark, event)) {
		px_heard_free(heard);
		return;
	}
	if (event->type == PX_EVENT_CLOSED)
		px_bookmark_remove(&wire->bookmarks, bookmark);
	px_inbox_event(wire->transport.client, heard);
}

/* ---- answers ---- */

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

/* A following that the caller has asked for, and whose holes the answer tells. */
static void
bookmark_begin(struct px_wire *wire, const struct px_sent *sent, const struct px_answer *answer)
{
	struct px_bookmark *bookmark = px_bookmark_get(&wire->bookmarks, sent->session);

	bookmark->last_seq =
	    sent->after_seq == PX_AFTER_NOW ? answer->subscribe.next_seq - 1 : sent->after_seq;
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		bookmark->offset[i] = -1;
	bookmark->told_bytes = answer->subscribe.lost_bytes;
	bookmark->unacked_bytes = bookmark->unacked_events = 0;
}

/* The session goes on where it was, unless its end came meanwhile. */
static void
bookmark_again(struct px_wire *wire, const struct px_sent *sent)
{
	struct px_bookmark *bookmark = px_bookmark_find(&wire->bookmarks, sent->session);

	if (bookmark != NULL)
		bookmark->unacked_bytes = bookmark->unacked_events = 0;
}

/* From where the session's events will come, now that the server has answered. */
static void
follow(struct px_wire *wire, const struct px_sent *sent, const struct px_answer *answer)
{
	switch (sent->method) {
	case PX_DO_START:
		px_bookmark_get(&wire->bookmarks, sent->session);
		break;
	case PX_DO_OPEN_FILE:
		wire->last_file = sent->id;
		break;
	case PX_DO_SUBSCRIBE:
		if (sent->internal)
			bookmark_again(wire, sent);
		else
			bookmark_begin(wire, sent, answer);
		break;
	case PX_DO_UNSUBSCRIBE:
	case PX_DO_RELEASE:
		px_bookmark_remove(
		    &wire->bookmarks, px_bookmark_find(&wire->bookmarks, sent->session));
		break;
	default:
		break;
	}
}

/* The session could not be taken up again: there will be no end of it to tell. */
static void
tell_session_lost(struct px_wire *wire, const char *session, const struct px_error *why)
{
	struct px_heard *heard = heard_of(wire, PX_EVENT_LOST, session);

	px_bookmark_remove(&wire->bookmarks, px_bookmark_find(&wire->bookmarks, session));
	if (heard == NULL)
		return;
	heard->event.lost = *why;
	px_inbox_event(wire->transport.client, heard);
}

/* Takes 'heard' over, which holds the answer; 'sent' is over. */
static void
settle(struct px_wire *wire, struct px_sent *sent, struct px_heard *heard)
{
	struct px_answer *answer = &heard->event.answer;

	if (answer->error.code == PX_ERROR_REFUSED && sent->repeated)
		px_wire_settle_repeated(sent, &answer->error);
	if (answer->error.code == PX_ERROR_NONE)
		follow(wire, sent, answer);
	else if (sent->internal)
		tell_session_lost(wire, sent->session, &answer->error);
	answer->request = sent->id;
	if (sent->internal)
		px_heard_free(heard);
	else
		px_inbox_answer(wire->transport.client, heard);
	px_sent_free(wire, sent);
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

static struct px_sent *
sent_find(struct px_wire *wire, int64_t id)
{
	struct px_sent *sent;

	TAILQ_FOREACH (sent, &wire->sent, link)
		if (sent->id == id)
			return sent;
	return NULL;
}

static int
read_greeting(
    struct px_wire *wire, struct px_heard *heard, const struct envelope *msg, struct px_err *err)
{
	struct px_error refusal;

	if (wire->state != WIRE_GREETING)
		return px_fail(err, PX_E_REQUEST, "an answer to no request");
	if (msg->error == NULL && px_wire_greeting_read(wire, heard, msg->result, err) == -1)
		return px_wrap(err, "initialize");
	if (msg->error != NULL) {
		if (px_refusal_read(heard->doc, msg->error, &refusal, err) == -1)
			return px_wrap(err, "initialize");
		px_wire_refused(wire, &refusal);
	}
	px_heard_free(heard);
	return 0;
}

static int
read_answer(
    struct px_wire *wire, struct px_heard *heard, const struct envelope *msg, struct px_err *err)
{
	struct px_answer *answer = &heard->event.answer;
	struct px_sent *sent;

	if (!msg->id.set)
		return read_stray(heard, msg, err);
	if (msg->id.v == PX_WIRE_GREETING_ID)
		return read_greeting(wire, heard, msg, err);
	if ((sent = sent_find(wire, msg->id.v)) == NULL || !sent->on_its_way)
		return px_fail(err, PX_E_REQUEST, "an answer to no request");
	if (msg->error != NULL) {
		if (px_refusal_read(heard->doc, msg->error, &answer->error, err) == -1)
			return px_wrap(err, "%s", px_method_name(sent->method));
	} else if (msg->result == NULL) {
		px_fail(err, PX_E_REQUEST, "an answer without result and error");
		return px_wrap(err, "%s", px_method_name(sent->method));
	} else if (px_result_read(sent->method, heard->doc, msg->result, answer, err) == -1) {
		return -1;
	}
	settle(wire, sent, heard);
	return 0;
}

/* ---- one message ---- */

/* Takes 'heard' over if it returns 0; -1: no message of a server of ours. */
static int
read_message(
    struct px_wire *wire, struct px_heard *heard, const char *text, size_t len, struct px_err *err)
{
	/* Only who has asked for a long list gets one. */
	size_t max_nodes = wire->lists > 0 ? LIST_NODES : PX_JSON_NODES;
	struct envelope msg = { 0 };
	int known;

	if (px_json_parse_large(text, len, max_nodes, &heard->doc, err) == -1)
		return -1;
	if (px_json_root(heard->doc)->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_REQUEST, "a message that is no object");
	if (px_fields_fill(heard->doc, px_json_root(heard->doc), envelope_fields,
		sizeof envelope_fields / sizeof envelope_fields[0], &msg, err) == -1)
		return -1;
	if (msg.method.p == NULL)
		return read_answer(wire, heard, &msg, err);
	if (msg.id.set)
		return px_fail(err, PX_E_REQUEST, "a request");
	known = px_notification_read(heard->doc, msg.method.p, msg.params, &heard->event, err);
	if (known == 1)
		on_event(wire, heard);
	else if (known == 0)
		px_heard_free(heard);
	return known == -1 ? -1 : 0;
}

bool
px_wire_message(void *arg, const char *text, size_t len)
{
	struct px_wire *wire = arg;
	struct px_heard *heard = px_heard_new(PX_EVENT_ANSWER);
	/* The tree points into the text, which is ours only for this call. */
	char *copy = px_heard_copy(heard, text, len);
	struct px_err err = { 0 };
	int result = -1;

	if (copy == NULL)
		px_fail(&err, PX_E_NOMEM, "message");
	else
		result = read_message(wire, heard, copy, len, &err);
	if (result == -1) {
		px_heard_free(heard);
		px_wire_break(wire, &err);
	}
	return !wire->broken && wire->state != WIRE_OVER &&
	       (wire->state != WIRE_OPEN || px_inbox_room(wire->transport.client) > 0);
}

#include "client/wire.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "client/error.h"

/* A connection that is lost, and the next one. */

enum { BACKOFF_FIRST_MS = 20, BACKOFF_MAX_MS = 2000 };

/* ---- the loss ---- */

/* Says of the server that did not greet us which one it is, and what became of it. */
static void
explain(struct px_wire *wire, const struct px_error *why, struct px_error *out)
{
	enum { ENDING_WAIT_MS = 200 }; /* from the end of a server's output to its own end */
	const char *name = wire->daemon.name;
	char how[64];

	*out = *why;
	if (wire->address != NULL)
		return;
	if (why->code == PX_ERROR_TIMEOUT)
		px_error_set(
		    out, PX_ERROR_TIMEOUT, "the server '%s' has not answered in time", name);
	else if (why->code == PX_ERROR_PEER)
		px_error_set(out, PX_ERROR_PEER, "'%s' is no ptyexec server: %s", name, why->text);
	else if (why->code != PX_ERROR_LOST)
		return;
	else if (px_daemon_ended(&wire->daemon, ENDING_WAIT_MS, how, sizeof how))
		px_error_set(
		    out, PX_ERROR_START, "the server '%s' %s before it answered", name, how);
	else
		px_error_set(
		    out, PX_ERROR_LOST, "the server '%s' hung up before it answered", name);
}

/* A client that was there once is lost, whatever the next connection has failed of. */
static void
explain_lost(const struct px_error *why, struct px_error *out)
{
	*out = *why;
	if (why->code == PX_ERROR_REFUSED || why->code == PX_ERROR_CONNECT ||
	    why->code == PX_ERROR_TIMEOUT)
		px_error_set(out, PX_ERROR_LOST,
		    "the connection to the server was lost, and cannot be taken up again: %s",
		    why->text);
}

static void
give_up(struct px_wire *wire, const struct px_error *why)
{
	struct px_error error;

	if (wire->greeted)
		explain_lost(why, &error);
	else
		explain(wire, why, &error);
	wire->state = WIRE_OVER;
	px_wire_set_deadline(wire, 0);
	px_inbox_lose(wire->transport.client, &error);
}

static void
try_again(struct px_wire *wire, const struct px_error *why)
{
	struct px_error error;
	int64_t now = px_now_ms();

	if (wire->state == WIRE_OPEN) {
		wire->lost_at = now;
		wire->backoff_ms = 0;
	} else if (now - wire->lost_at >= wire->detach_ms) {
		px_error_set(&error, PX_ERROR_LOST,
		    "the connection to the server was lost, and not found again in time: %s",
		    why->text);
		give_up(wire, &error);
		return;
	} else {
		wire->backoff_ms = wire->backoff_ms == 0                   ? BACKOFF_FIRST_MS
				   : wire->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS
									   : wire->backoff_ms * 2;
	}
	wire->state = WIRE_WAITING;
	px_wire_set_deadline(wire, now + wire->backoff_ms);
}

void
px_wire_lost(struct px_wire *wire, const struct px_error *why, bool final)
{
	struct px_error error;

	px_link_close(wire->link);
	wire->link = NULL;
	if (wire->greeted && why->code == PX_ERROR_REFUSED) {
		/* It is our return that was refused, and no request. */
		px_error_set(&error, PX_ERROR_LOST,
		    "the connection to the server was lost, and cannot be taken up again: %s",
		    why->text);
		why = &error;
	}
	if (final || !wire->greeted || !wire->recovers)
		give_up(wire, why);
	else
		try_again(wire, why);
}

/* ---- the next connection ---- */

static void
answer_lost(struct px_wire *wire, struct px_sent *sent, const char *text)
{
	struct px_heard *heard = px_heard_new(PX_EVENT_ANSWER);
	struct px_answer *answer = &heard->event.answer;

	answer->request = sent->id;
	px_error_set(&answer->error, PX_ERROR_LOST, "%s", text);
	px_sent_free(wire, sent);
	px_inbox_answer(wire->transport.client, heard);
}

bool
px_wire_check_file(struct px_wire *wire, struct px_sent *sent)
{
	if (sent->file == 0 || sent->file > wire->lost_files)
		return true;
	answer_lost(wire, sent, "the connection was lost, and with it what this file was open for");
	return false;
}

static void
take_up(struct px_wire *wire, struct px_sent *sent)
{
	if (sent->internal)
		px_sent_free(wire, sent); /* its place has been taken up anew */
	else if (sent->on_its_way && sent->method == PX_DO_SIGNAL)
		answer_lost(wire, sent,
		    "the connection was lost, and whether the signal was delivered is not known");
	else if (px_wire_check_file(wire, sent))
		px_wire_transmit(wire, sent);
}

void
px_wire_resume(struct px_wire *wire)
{
	struct px_sent_list before = TAILQ_HEAD_INITIALIZER(before);
	struct px_bookmark *bookmark = NULL;
	struct px_sent *sent;

	wire->lost_files = wire->last_file;
	TAILQ_CONCAT(&before, &wire->sent, link);
	while ((bookmark = px_bookmark_next(&wire->bookmarks, bookmark)) != NULL)
		px_wire_subscribe(wire, bookmark->session, bookmark->last_seq);
	while ((sent = TAILQ_FIRST(&before)) != NULL) {
		TAILQ_REMOVE(&before, sent, link);
		TAILQ_INSERT_TAIL(&wire->sent, sent, link);
		take_up(wire, sent);
	}
}

/* What was to be made is there, or what was to be removed is not: our work, or somebody else's? */
static bool
is_in_doubt(const struct px_sent *sent, const struct px_error *error)
{
	switch (sent->method) {
	case PX_DO_MAKE_DIRECTORY:
	case PX_DO_COPY:
		return error->sys == EEXIST;
	case PX_DO_REMOVE:
		return error->sys == ENOENT;
	default:
		return false;
	}
}

void
px_wire_settle_repeated(const struct px_sent *sent, struct px_error *error)
{
	/* Forgotten the first time. */
	if (sent->method == PX_DO_RELEASE && strcmp(error->kind, "unknownSession") == 0)
		*error = (struct px_error){ .code = PX_ERROR_NONE };
	else if (is_in_doubt(sent, error))
		px_error_set(error, PX_ERROR_LOST,
		    "the connection was lost, and whether this has been done is not known");
}

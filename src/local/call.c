#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "local/state.h"
#include "session/matcher.h"

/* A request is copied in the thread that makes it: what it points to is the caller's. */

static size_t
text_size(const char *s)
{
	return s != NULL ? strlen(s) + 1 : 0;
}

static const void *
take_bytes(char **room, const void *data, size_t len)
{
	char *copy = *room;

	if (data == NULL)
		return NULL;
	if (len > 0)
		memcpy(copy, data, len);
	*room += len;
	return copy;
}

static void
copy_until(struct px_local_call *call, const struct px_until *from, char **room)
{
	struct px_wait_until *until = &call->until;

	if (from == NULL)
		return;
	if (from->idle_ms > 0)
		until->idle_ms = from->idle_ms;
	if (from->bytes > 0)
		until->bytes = from->bytes;
	if (from->timeout_ms > 0)
		until->timeout_ms = from->timeout_ms;
	until->has_after = from->from_seq;
	until->after = (uint64_t)from->after_seq;
	if (from->match == NULL)
		return;
	until->match[0].len = strlen(from->match);
	until->match[0].text = take_bytes(room, from->match, until->match[0].len);
	until->nmatch = 1;
}

static void
copy_texts(struct px_local_call *call, const struct px_request *from, char *room)
{
	call->session = take_bytes(&room, from->session, text_size(from->session));
	call->write_id = take_bytes(&room, from->write_id, text_size(from->write_id));
	call->signal = take_bytes(&room, from->signal, text_size(from->signal));
	if (from->command != NULL)
		call->trace = take_bytes(
		    &room, from->command->traceparent, text_size(from->command->traceparent));
	copy_until(call, from->until, &room);
	if (from->files != NULL)
		return; /* the task has its own */
	call->data = take_bytes(&room, from->data, from->len);
	call->len = from->len;
	if (call->data == NULL && call->method == PX_DO_WRITE)
		call->data = "";
}

static size_t
texts_size(const struct px_request *from)
{
	size_t size = text_size(from->session) + text_size(from->write_id) +
		      text_size(from->signal) +
		      (from->data != NULL && from->files == NULL ? from->len : 0);

	if (from->command != NULL)
		size += text_size(from->command->traceparent);
	if (from->until != NULL)
		size += text_size(from->until->match);
	return size;
}

static int
check_until(const struct px_until *until, struct px_err *err)
{
	size_t len = until->match != NULL ? strlen(until->match) : 1;

	if (len >= 1 && len <= PX_MATCH_MAX)
		return 0;
	px_fail(err, PX_E_PARAMS, "\"match\" must have at %s %d bytes", len < 1 ? "least" : "most",
	    len < 1 ? 1 : PX_MATCH_MAX);
	return px_wrap(err, "\"until[%d]\"", 1 + (until->idle_ms > 0) + (until->bytes > 0));
}

static int
check(const struct px_request *from, struct px_err *err)
{
	if (from->method == PX_DO_RESIZE && (from->rows == 0 || from->cols == 0))
		return px_fail(err, PX_E_PARAMS, "\"%s\" must be an integer from 1 to 65535",
		    from->rows == 0 ? "rows" : "cols");
	return from->until != NULL ? check_until(from->until, err) : 0;
}

/* -1: memory is out. */
static int
copy_files(struct px_local_call *call, const struct px_request *from, struct px_err *err)
{
	if (from->files == NULL)
		return 0;
	call->file = from->files->file;
	call->replaces = (from->files->flags & PX_FILE_REPLACE) != 0;
	call->task = px_local_task_new(from);
	return call->task != NULL ? 0 : px_fail(err, PX_E_NOMEM, "memory is out");
}

struct px_local_call *
px_local_call_new(struct px_local *local, const struct px_request *request, struct px_err *refusal)
{
	struct px_local_call *call = calloc(1, sizeof *call + texts_size(request));

	if (call == NULL) {
		px_fail(refusal, PX_E_NOMEM, "memory is out");
		return NULL;
	}
	call->local = local;
	call->method = request->method;
	call->id = request->id;
	call->until = px_wait_until_exit;
	copy_texts(call, request, (char *)(call + 1));
	call->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : -1;
	call->rows = request->rows;
	call->cols = request->cols;
	call->grace_ms = request->grace_ms;
	call->after_seq = request->after_seq;
	call->max_bytes = request->max_bytes;
	if (request->method == PX_DO_READ)
		call->until.timeout_ms = request->wait_ms > 0 ? request->wait_ms : 0;
	if (copy_files(call, request, refusal) == -1 || check(request, refusal) == -1 ||
	    (request->command != NULL &&
		px_local_command(call, request->command, local->surroundings.cwd, refusal) == -1)) {
		px_local_call_free(call);
		return NULL;
	}
	return call;
}

void
px_local_call_free(struct px_local_call *call)
{
	px_spec_done(&call->spec);
	px_local_task_free(call->task);
	free(call);
}

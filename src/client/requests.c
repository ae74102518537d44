#include "client/state.h"

#include <string.h>

#include <event2/buffer.h>

#include "base/base64.h"
#include "base/json_out.h"
#include "base/utf8.h"
#include "client/error.h"

/* What goes out: each request is one message and one slot that waits for its answer. */

enum { MESSAGE_ROOM = 4096 }; /* for what a write has around its bytes */

/* ---- the envelope ---- */

static struct px_pending *
slot_find(struct px_client *client)
{
	for (size_t i = 0; i < PX_CLIENT_REQUESTS; i++)
		if (client->pending[i].kind == NULL)
			return &client->pending[i];
	return NULL;
}

/* Opens the params of a request. NULL: there can be none now. */
static struct px_json_out *
request_begin(struct px_client *client, const struct px_request *kind, struct px_error *err)
{
	if (client->is_lost) {
		px_error_copy(err, &client->lost);
		return NULL;
	}
	if (slot_find(client) == NULL) {
		px_error_set(
		    err, PX_ERROR_BUSY, "%d requests wait for their answers", PX_CLIENT_REQUESTS);
		return NULL;
	}
	px_json_out_begin(client->json, client->msg);
	px_json_open(client->json);
	px_json_kv_int(client->json, "id", client->last_id + 1);
	px_json_kv_str(client->json, "method", kind->method);
	px_json_key(client->json, "params");
	px_json_open(client->json);
	return client->json;
}

/* Closes it and sends it. */
static int64_t
request_send(struct px_client *client, const struct px_request *kind, struct px_error *err)
{
	struct px_pending *slot = slot_find(client);
	size_t len;

	px_json_close(client->json);
	px_json_close(client->json);
	len = evbuffer_get_length(client->msg);
	if (len > client->message_max) {
		evbuffer_drain(client->msg, len);
		return px_error_set(err, PX_ERROR_USAGE,
		    "a %s of %zu bytes: the server takes messages of up to %zu", kind->method, len,
		    client->message_max);
	}
	px_link_send(client->link, client->msg);
	*slot = (struct px_pending){ .id = ++client->last_id, .kind = kind };
	return slot->id;
}

static struct px_json_out *
session_begin(struct px_client *client, const struct px_request *kind, const char *session,
    struct px_error *err)
{
	struct px_json_out *json = request_begin(client, kind, err);

	if (json != NULL)
		px_json_kv_str(json, "sessionId", session);
	return json;
}

/* A request that says nothing but the session. */
static int64_t
session_request(struct px_client *client, const struct px_request *kind, const char *session,
    struct px_error *err)
{
	if (session_begin(client, kind, session, err) == NULL)
		return -1;
	return request_send(client, kind, err);
}

/* ---- the greeting ---- */

int64_t
px_client_initialize(struct px_client *client, const char *name, struct px_error *err)
{
	struct px_json_out *json = request_begin(client, &px_request_initialize, err);

	if (json == NULL)
		return -1;
	px_json_kv_str(json, "clientName", name != NULL ? name : "ptyexec");
	px_json_kv_str(json, "protocolVersion", PX_CLIENT_PROTOCOL);
	return request_send(client, &px_request_initialize, err);
}

/* ---- start ---- */

/* JSON is text: what is not UTF-8 would arrive as something else. */
static int
check_text(const char *what, const char *s, struct px_error *err)
{
	if (s == NULL || px_utf8_valid(s, strlen(s)))
		return 0;
	return px_error_set(
	    err, PX_ERROR_USAGE, "%s is not UTF-8, and the protocol cannot carry it", what);
}

static int
check_command(const struct px_command *command, struct px_error *err)
{
	if (command->argv == NULL || command->argv[0] == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "there is no command");
	for (const char *const *arg = command->argv; *arg != NULL; arg++)
		if (check_text("an argument", *arg, err) == -1)
			return -1;
	for (const char *const *var = command->env; var != NULL && *var != NULL; var++)
		if (strchr(*var, '=') == NULL || **var == '=')
			return px_error_set(err, PX_ERROR_USAGE, "'%s' is no NAME=value", *var);
		else if (check_text("an environment variable", *var, err) == -1)
			return -1;
	return check_text("the working directory", command->cwd, err);
}

static void
put_direct(struct px_json_out *json, const struct px_command *command)
{
	px_json_key(json, "argv");
	px_json_open_array(json);
	for (const char *const *arg = command->argv; *arg != NULL; arg++)
		px_json_put_str(json, *arg);
	px_json_close_array(json);
	px_json_kv_str(json, "cwd", command->cwd);
	px_json_key(json, "env");
	px_json_open(json);
	for (const char *const *var = command->env; var != NULL && *var != NULL; var++) {
		const char *value = strchr(*var, '=');

		px_json_put_text(json, *var, (size_t)(value - *var));
		px_json_put_str(json, value + 1);
	}
	px_json_close(json);
	px_json_kv_bool(json, "inheritEnv", command->inherit_env);
	if (command->timeout_ms > 0)
		px_json_kv_int(json, "timeoutMs", command->timeout_ms);
}

static void
put_io(struct px_json_out *json, const struct px_command *command)
{
	px_json_open(json);
	px_json_key(json, command->pty ? "pty" : "pipe");
	px_json_open(json);
	if (command->pty) {
		px_json_kv_int(json, "rows", command->rows);
		px_json_kv_int(json, "cols", command->cols);
	} else {
		px_json_kv_str(json, "stdin", command->no_stdin ? "closed" : "open");
	}
	px_json_close(json);
	px_json_close(json);
}

int64_t
px_client_start(struct px_client *client, const struct px_command *command, struct px_error *err)
{
	struct px_json_out *json;

	if (check_command(command, err) == -1 ||
	    (json = session_begin(client, &px_request_start, command->session, err)) == NULL)
		return -1;
	px_json_key(json, "direct");
	px_json_open(json);
	put_direct(json, command);
	px_json_close(json);
	px_json_key(json, "io");
	put_io(json, command);
	return request_send(client, &px_request_start, err);
}

/* ---- input and signals ---- */

int64_t
px_client_write(struct px_client *client, const char *session, const void *data, size_t len,
    struct px_error *err)
{
	struct px_json_out *json;

	/* Looked at first, so that nothing so large is encoded in vain. */
	if (len > client->message_max ||
	    px_base64_encoded_len(len) + MESSAGE_ROOM > client->message_max)
		return px_error_set(err, PX_ERROR_USAGE,
		    "a write of %zu bytes: the server takes messages of up to %zu", len,
		    client->message_max);
	if ((json = session_begin(client, &px_request_write, session, err)) == NULL)
		return -1;
	px_json_key(json, "chunk");
	px_json_put_base64(json, &(const struct px_piece){ data, len }, 1);
	return request_send(client, &px_request_write, err);
}

int64_t
px_client_close_stdin(struct px_client *client, const char *session, struct px_error *err)
{
	return session_request(client, &px_request_close_stdin, session, err);
}

int64_t
px_client_resize(struct px_client *client, const char *session, uint16_t rows, uint16_t cols,
    struct px_error *err)
{
	struct px_json_out *json = session_begin(client, &px_request_resize, session, err);

	if (json == NULL)
		return -1;
	px_json_kv_int(json, "rows", rows);
	px_json_kv_int(json, "cols", cols);
	return request_send(client, &px_request_resize, err);
}

int64_t
px_client_signal(
    struct px_client *client, const char *session, const char *name, struct px_error *err)
{
	struct px_json_out *json = session_begin(client, &px_request_signal, session, err);

	if (json == NULL)
		return -1;
	px_json_kv_str(json, "signal", name);
	return request_send(client, &px_request_signal, err);
}

int64_t
px_client_terminate(
    struct px_client *client, const char *session, int64_t grace_ms, struct px_error *err)
{
	struct px_json_out *json = session_begin(client, &px_request_terminate, session, err);

	if (json == NULL)
		return -1;
	if (grace_ms == PX_TERMINATE_FORCE) {
		px_json_kv_str(json, "mode", "force");
	} else if (grace_ms >= 0) {
		px_json_key(json, "mode");
		px_json_open(json);
		px_json_key(json, "graceful");
		px_json_open(json);
		px_json_kv_int(json, "timeoutMs", grace_ms);
		px_json_close(json);
		px_json_close(json);
	}
	return request_send(client, &px_request_terminate, err);
}

/* ---- waiting and looking ---- */

static void
put_condition_number(struct px_json_out *json, const char *name, int64_t value)
{
	px_json_open(json);
	px_json_kv_int(json, name, value);
	px_json_close(json);
}

static void
put_until(struct px_json_out *json, const struct px_until *until)
{
	px_json_key(json, "until");
	px_json_open_array(json);
	px_json_put_str(json, "exit");
	if (until->idle_ms > 0)
		put_condition_number(json, "idleMs", until->idle_ms);
	if (until->bytes > 0)
		put_condition_number(json, "bytes", until->bytes);
	if (until->match != NULL) {
		px_json_open(json);
		px_json_kv_str(json, "match", until->match);
		px_json_close(json);
	}
	px_json_close_array(json);
	if (until->from_seq)
		px_json_kv_int(json, "afterSeq", until->after_seq);
	if (until->timeout_ms > 0)
		px_json_kv_int(json, "timeoutMs", until->timeout_ms);
}

int64_t
px_client_wait(struct px_client *client, const char *session, const struct px_until *until,
    struct px_error *err)
{
	struct px_json_out *json = session_begin(client, &px_request_wait, session, err);

	if (json == NULL)
		return -1;
	put_until(json, until);
	return request_send(client, &px_request_wait, err);
}

int64_t
px_client_snapshot(struct px_client *client, const char *session, struct px_error *err)
{
	return session_request(client, &px_request_snapshot, session, err);
}

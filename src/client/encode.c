#include "client/encode.h"

#include <string.h>

#include <event2/buffer.h>

#include "base/crypto.h"
#include "base/json_out.h"
#include "base/utf8.h"
#include "client/error.h"

/* From requests to the params of messages. */

/* ---- what can be said ---- */

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
	for (const char *const *arg = command->argv; *arg != NULL; arg++)
		if (check_text("an argument", *arg, err) == -1)
			return -1;
	for (const char *const *var = command->env; var != NULL && *var != NULL; var++)
		if (strchr(*var, '=') == NULL || **var == '=')
			return px_error_set(err, PX_ERROR_USAGE, "'%s' is no NAME=value", *var);
		else if (check_text("an environment variable", *var, err) == -1)
			return -1;
	if (check_text("the program's name", command->arg0, err) == -1)
		return -1;
	return check_text("the working directory", command->cwd, err);
}

int
px_request_check(const struct px_request *request, struct px_error *err)
{
	if (check_text("the session's name", request->session, err) == -1 ||
	    check_text("the signal's name", request->signal, err) == -1 ||
	    (request->until != NULL &&
		check_text("the text to match", request->until->match, err) == -1))
		return -1;
	return request->command != NULL ? check_command(request->command, err) : 0;
}

/* ---- commands ---- */

static void
put_env(struct px_json_out *json, const char *const *env)
{
	px_json_key(json, "env");
	px_json_open(json);
	for (const char *const *var = env; var != NULL && *var != NULL; var++) {
		const char *value = strchr(*var, '=');

		px_json_put_text(json, *var, (size_t)(value - *var));
		px_json_put_str(json, value + 1);
	}
	px_json_close(json);
}

static void
put_limit(struct px_json_out *json, const char *name, int64_t value)
{
	if (value > 0)
		px_json_kv_int(json, name, value);
}

static void
put_limits(struct px_json_out *json, const struct px_command_limits *limits)
{
	px_json_key(json, "rlimits");
	px_json_open(json);
	put_limit(json, "cpuSeconds", limits->cpu_seconds);
	put_limit(json, "memoryBytes", limits->memory_bytes);
	put_limit(json, "openFiles", limits->open_files);
	put_limit(json, "fileSizeBytes", limits->file_size_bytes);
	px_json_close(json);
}

static void
put_spec(struct px_json_out *json, const struct px_command *command)
{
	px_json_open(json);
	px_json_key(json, "argv");
	px_json_open_array(json);
	for (const char *const *arg = command->argv; *arg != NULL; arg++)
		px_json_put_str(json, *arg);
	px_json_close_array(json);
	px_json_kv_str(json, "cwd", command->cwd);
	put_env(json, command->env);
	if (command->arg0 != NULL)
		px_json_kv_str(json, "arg0", command->arg0);
	if (command->inherit_env)
		px_json_kv_bool(json, "inheritEnv", true);
	if (command->timeout_ms > 0)
		px_json_kv_int(json, "timeoutMs", command->timeout_ms);
	if (command->has_umask)
		px_json_kv_int(json, "umask", command->umask);
	put_limits(json, &command->limits);
	px_json_close(json);
}

/* {"spec": base64(text), "signature": base64(HMAC-SHA256(key, text))} */
static void
put_signed(struct px_json_out *json, const struct px_command *command)
{
	struct px_json_out *inner = px_json_out_new();
	struct evbuffer *buf = evbuffer_new();
	uint8_t mac[PX_SHA256_LEN];
	const void *text;
	size_t len;

	px_json_out_begin(inner, buf);
	put_spec(inner, command);
	len = evbuffer_get_length(buf);
	text = evbuffer_pullup(buf, -1);
	px_hmac_sha256(command->key, command->key_len, text, len, mac);
	px_json_open(json);
	px_json_key(json, "spec");
	px_json_put_base64(json, &(const struct px_piece){ text, len }, 1);
	px_json_key(json, "signature");
	px_json_put_base64(json, &(const struct px_piece){ mac, sizeof mac }, 1);
	px_json_close(json);
	evbuffer_free(buf);
	px_json_out_free(inner);
}

static void
put_io(struct px_json_out *json, const struct px_command *command)
{
	px_json_key(json, "io");
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

static void
put_command(struct px_json_out *json, const struct px_command *command)
{
	px_json_key(json, command->prepared ? "prepared" : "direct");
	if (command->prepared && command->key != NULL)
		put_signed(json, command);
	else
		put_spec(json, command);
	put_io(json, command);
	if (command->disposition != PX_DISPOSITION_DEFAULT)
		px_json_kv_str(json, "onDisconnect",
		    command->disposition == PX_DISPOSITION_KILL ? "kill" : "keep");
}

/* ---- the other members ---- */

static void
put_chunk(struct px_json_out *json, const struct px_request *request)
{
	px_json_key(json, "chunk");
	px_json_put_base64(json, &(const struct px_piece){ request->data, request->len }, 1);
}

static void
put_mode(struct px_json_out *json, int64_t grace_ms)
{
	if (grace_ms == PX_TERMINATE_GRACE)
		return;
	px_json_key(json, "mode");
	if (grace_ms == PX_TERMINATE_FORCE) {
		px_json_put_str(json, "force");
		return;
	}
	px_json_open(json);
	px_json_key(json, "graceful");
	px_json_open(json);
	px_json_kv_int(json, "timeoutMs", grace_ms);
	px_json_close(json);
	px_json_close(json);
}

static void
put_condition(struct px_json_out *json, const char *name, int64_t value)
{
	if (value <= 0)
		return;
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
	put_condition(json, "idleMs", until->idle_ms);
	put_condition(json, "bytes", until->bytes);
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

void
px_request_put(struct px_json_out *json, const struct px_request *request)
{
	if (request->session != NULL)
		px_json_kv_str(json, "sessionId", request->session);
	if (request->write_id != NULL)
		px_json_kv_str(json, "writeId", request->write_id);
	if (request->command != NULL)
		put_command(json, request->command);
	if (request->files != NULL)
		px_request_put_files(json, request);
	if (request->data != NULL || request->method == PX_DO_WRITE)
		put_chunk(json, request);
	if (request->timeout_ms > 0)
		px_json_kv_int(json, "timeoutMs", request->timeout_ms);
	if (request->method == PX_DO_RESIZE) {
		px_json_kv_int(json, "rows", request->rows);
		px_json_kv_int(json, "cols", request->cols);
	}
	if (request->signal != NULL)
		px_json_kv_str(json, "signal", request->signal);
	if (request->method == PX_DO_TERMINATE)
		put_mode(json, request->grace_ms);
	if (request->until != NULL)
		put_until(json, request->until);
	if (request->method == PX_DO_READ ||
	    (request->method == PX_DO_SUBSCRIBE && request->after_seq >= 0))
		px_json_kv_int(json, "afterSeq", request->after_seq);
	if (request->max_bytes > 0)
		px_json_kv_int(json, "maxBytes", request->max_bytes);
	if (request->wait_ms > 0)
		px_json_kv_int(json, "waitMs", request->wait_ms);
}

void
px_request_put_trace(struct px_json_out *json, const struct px_request *request)
{
	const struct px_command *command = request->command;

	if (command == NULL || command->traceparent == NULL)
		return;
	px_json_key(json, "trace");
	px_json_open(json);
	px_json_kv_str(json, "traceparent", command->traceparent);
	if (command->tracestate != NULL)
		px_json_kv_str(json, "tracestate", command->tracestate);
	px_json_close(json);
}

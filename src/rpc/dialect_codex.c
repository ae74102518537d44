#include "rpc/dialect.h"

#include <string.h>

#include "base/json.h"
#include "rpc/codex_fs.h"
#include "transcript/transcript.h"

/* codex, what the Codex CLI says to an exec-server: protocol/codex.md. */

static bool
codex_claims(const struct px_json *params)
{
	return px_json_get(params, "protocolVersion") == NULL &&
	       px_json_get(params, "resumeSessionId") != NULL;
}

/* How the handshake's errors call the methods that begin so. */
static const struct {
	const char *prefix, *family;
} families[] = {
	{ "process/", "exec" },
	{ "fs/", "filesystem" },
	{ "environment/info", "environment info" },
	{ "environment/status", "environment status" },
	{ "environmentConfig/", "environment config" },
};

static int
codex_admit(const struct px_peer *peer, const char *method, struct px_err *err)
{
	const char *family = "its";

	if (strcmp(method, "initialize") == 0)
		return px_fail(
		    err, PX_E_INITIALIZED, "initialize may only be sent once per connection");
	if (peer->initialized)
		return 0;
	for (size_t i = 0; i < PX_COUNT(families); i++)
		if (strncmp(method, families[i].prefix, strlen(families[i].prefix)) == 0)
			family = families[i].family;
	return px_fail(err, PX_E_NOT_INITIALIZED,
	    "client must send initialized before using %s methods", family);
}

static bool
codex_notified(
    struct px_peer *peer, const char *method, struct px_json_doc *doc, const struct px_json *params)
{
	(void)doc;
	(void)params;
	if (strcmp(method, "initialized") != 0)
		return false;
	peer->initialized = true;
	return true;
}

static const struct px_method *const codex_methods[] = {
	&px_codex_initialize,
	&px_codex_info,
	&px_codex_status,
	&px_codex_config,
	&px_codex_start,
	&px_codex_read,
	&px_codex_write,
	&px_codex_signal,
	&px_codex_terminate,
	&px_codex_fs_stat,
	&px_codex_fs_canonicalize,
	&px_codex_fs_read,
	&px_codex_fs_write,
	&px_codex_fs_make,
	&px_codex_fs_remove,
	&px_codex_fs_copy,
	&px_codex_fs_list,
	&px_codex_fs_walk,
	&px_codex_fs_open,
	&px_codex_fs_read_block,
	&px_codex_fs_write_block,
	&px_codex_fs_close,
	&px_codex_fs_watch,
};

/* ---- notifications ---- */

const char *
px_codex_stream_name(const struct px_session *session, unsigned stream)
{
	if (px_session_spec(session)->io == PX_IO_PTY)
		return "pty";
	return stream == 1 ? "stderr" : "stdout";
}

static struct px_json_out *
note_open(struct px_peer *peer, const struct px_session *session, uint64_t seq)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "processId", px_session_id(session));
	px_json_kv_int(json, "seq", (int64_t)seq);
	return json;
}

static void
codex_put_output(struct px_peer *peer, struct px_session *session, const struct px_chunk *chunk)
{
	struct px_json_out *json = note_open(peer, session, chunk->seq);

	px_json_kv_str(json, "stream", px_codex_stream_name(session, chunk->stream));
	px_json_key(json, "chunk");
	px_put_chunk(json, chunk);
	px_json_close(json);
}

static void
codex_put_exited(
    struct px_peer *peer, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct px_json_out *json = note_open(peer, session, seq);

	px_json_kv_int(json, "exitCode", exit->code);
	px_json_kv_bool(json, "sandboxDenied", px_session_denied(session));
	px_json_close(json);
}

static void
codex_put_closed(struct px_peer *peer, struct px_session *session, uint64_t seq)
{
	px_json_close(note_open(peer, session, seq));
}

/* 0: -32603. */
static const int codex_numbers[PX_E_COUNT] = {
	[PX_E_PARSE] = -32600,
	[PX_E_REQUEST] = -32600,
	[PX_E_METHOD] = -32601,
	[PX_E_PARAMS] = -32602,
	[PX_E_NOT_INITIALIZED] = -32600,
	[PX_E_INITIALIZED] = -32600,
	[PX_E_OVERLOADED] = -32001,
	[PX_E_SESSION] = -32600,
	[PX_E_TOKEN] = -32600,
	[PX_E_EXISTS] = -32600,
	[PX_E_HANDLE] = -32004,
	[PX_E_NO_FILE] = -32004,
};

const struct px_dialect px_dialect_codex = {
	.name = "codex",
	.methods = codex_methods,
	.nmethods = PX_COUNT(codex_methods),
	.claims = codex_claims,
	.malformed = "failed to parse JSON-RPC message from the client",
	.unknown = { "exec-server stub does not implement `", "` yet" },
	.admit = codex_admit,
	.notified = codex_notified,
	.closes_on_response = true,
	.lost_is_exit = true,
	.replays = true,
	.bare_os_errors = true,
	.numbers = codex_numbers,
	.notes = {
		[PX_NOTE_OUTPUT] = "process/output",
		[PX_NOTE_EXITED] = "process/exited",
		[PX_NOTE_CLOSED] = "process/closed",
		[PX_NOTE_MISSING] = "fs/missingChanged",
	},
	.put_output = codex_put_output,
	.put_exited = codex_put_exited,
	.put_closed = codex_put_closed,
};

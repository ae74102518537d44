#ifndef PX_RPC_CODEX_H
#define PX_RPC_CODEX_H

#include <stddef.h>

#include "rpc/call.h"
#include "rpc/common.h"
#include "rpc/dialect.h"
#include "session/session.h"

/* The parts of the dialect codex (protocol/codex.md): one file per family of methods, the table in
 * dialect_codex.c. */

#define CODEX_FIELD(struct_name, member, wire_name, kind, ...)              \
	{                                                                   \
		.name = (wire_name), .type = (kind),                        \
		.offset = offsetof(struct struct_name, member), __VA_ARGS__ \
	}

extern const struct px_method px_codex_initialize;
extern const struct px_method px_codex_info, px_codex_status, px_codex_config;
extern const struct px_method px_codex_start;
extern const struct px_method px_codex_read, px_codex_write, px_codex_signal, px_codex_terminate;

/* The process with this id in the caller's session, or NULL. */
struct px_session *px_codex_process(const struct px_call *call, const struct px_str *id);

/* "pty", "stdout" or "stderr". */
const char *px_codex_stream_name(const struct px_session *session, unsigned stream);

struct px_policy;

/*
 * What the member "sandbox" asks for: 1 with '*out', which is to be ended; 0: nothing,
 * or the operator has said that none matters, which is logged with 'subject', the
 * process or the path that goes on without. 'tmpdir' is what TMPDIR means here;
 * NULL: nothing. PX_E_PARAMS, PX_E_FORBIDDEN: what cannot be had, by its name.
 */
int px_codex_sandbox_read(struct px_call *call, const struct px_json *sandbox, const char *subject,
    const char *tmpdir, struct px_policy *out, struct px_err *err);

/* The member 'name' with the URI of an absolute path, into an open object. */
void px_codex_put_path(struct px_json_out *json, const char *name, const char *path);

#endif

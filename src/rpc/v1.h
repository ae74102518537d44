#ifndef PX_RPC_V1_H
#define PX_RPC_V1_H

#include <stddef.h>

#include "rpc/call.h"
#include "rpc/common.h"
#include "rpc/dialect.h"
#include "session/session.h"
#include "session/wait.h"

/* The parts of exec-server.v1 (protocol/exec-server.v1.md): one file per family of methods, the
 * table in dialect_v1.c. */

#define V1_FIELD(struct_name, member, wire_name, kind, ...)                 \
	{                                                                   \
		.name = (wire_name), .type = (kind),                        \
		.offset = offsetof(struct struct_name, member), __VA_ARGS__ \
	}

extern const struct px_method px_v1_initialize;
extern const struct px_method px_v1_start, px_v1_run;
extern const struct px_method px_v1_write, px_v1_close_stdin, px_v1_resize, px_v1_signal,
    px_v1_terminate;
extern const struct px_method px_v1_wait, px_v1_communicate;
extern const struct px_method px_v1_inspect, px_v1_list, px_v1_info;
extern const struct px_method px_v1_snapshot, px_v1_read;
extern const struct px_method px_v1_subscribe, px_v1_unsubscribe, px_v1_release;

/* The session with this id in the caller's workspace, or NULL with PX_E_SESSION. */
struct px_session *px_v1_session(
    const struct px_call *call, const struct px_str *id, struct px_err *err);

/* Times in milliseconds that a client may ask for: up to ten years. */
#define V1_MS_MAX INT64_C(315360000000)

/* ---- members of results, written into an open object ---- */

void px_v1_put_exit(struct px_json_out *json,
    const struct px_exit *exit); /* exitCode, signal; null while it runs */
void px_v1_put_usage(struct px_json_out *json, const struct px_exit *exit); /* usage */
void px_v1_put_output(
    struct px_json_out *json, struct px_session *session); /* what snapshot has and wait has not */
void px_v1_put_snapshot(struct px_json_out *json, struct px_session *session);
void px_v1_put_wait(struct px_json_out *json, struct px_session *session, enum px_reason reason);
void px_v1_put_started(
    struct px_json_out *json, const struct px_session *session); /* sessionId, pid */
void px_v1_put_total_bytes(struct px_json_out *json, struct px_session *session);
void px_v1_put_limits(struct px_json_out *json, const struct px_rpc *rpc);
const char *px_v1_stream_name(const struct px_session *session, unsigned stream);

/*
 * Answers when the process has ended, or after 'timeout_ms' (-1: never), with
 * wait's and snapshot's members; 'existing' is -1, or the member's value and
 * start's members come first.
 */
void px_v1_answer_at_end(
    struct px_call *call, struct px_session *session, int64_t timeout_ms, int existing);

#endif

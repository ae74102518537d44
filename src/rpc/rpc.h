#ifndef PX_RPC_RPC_H
#define PX_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/surroundings.h"
#include "session/workspace.h"

struct evbuffer;
struct px_core;
struct px_http_request;
struct px_json_out;
struct px_log;
struct px_net;
struct px_sandbox;
struct px_conn;

/* What the operator decided for the dialect codex. */
struct px_codex_options {
	struct px_terms terms;
	bool terminate_group_only; /* process/terminate reaches the program's own group, no other */
	bool ignore_sandbox;       /* programs run as if no sandbox had been asked for */
	struct px_sandbox *sandbox; /* makes them; NULL: there are none */
};

/* What every connection's protocol state shares; filled and owned by the server, constant while it
 * runs. */
struct px_rpc {
	struct px_core *core;
	struct px_net *net;
	struct px_json_out *json; /* the one writer: texts are written one at a time */
	struct event_base *base;
	struct px_pool *files; /* the threads for requests about files; NULL: there are none */
	struct px_file_room *file_room; /* what large answers about files may hold; with 'files' */
	const struct px_log *log;
	const char *name, *version;
	int64_t started_ms; /* px_now_ms() */
	size_t max_message_bytes, max_requests;
	size_t max_file_bytes; /* of a file that is read as a whole */
	bool allow_direct, allow_prepared;
	void *prepared_key; /* NULL: prepared requests need no signature */
	size_t prepared_key_len;
	struct px_codex_options codex;
	struct px_surroundings surroundings;
	/* The limits that are told to clients: i = 0, 1, ... until false. */
	bool (*limit)(const void *arg, size_t i, const char **out_name, int64_t *out_value);
	const void *limit_arg;
	/* Plain HTTP and the right to upgrade, see px_conn_ops.request. */
	bool (*request)(void *arg, const struct px_http_request *req, struct evbuffer *out);
	void *request_arg;
};

/*
 * Gives a connection its protocol; it frees itself when the connection closes.
 * Starts the connection.
 */
void px_rpc_serve(struct px_rpc *rpc, struct px_conn *conn);

enum { PX_HANDSHAKE_MAX = 65536 }; /* largest message before initialize, bytes */

#endif

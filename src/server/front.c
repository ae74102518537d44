#include "server/front.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "fs/pool.h"
#include "net/net.h"
#include "px_version.h"
#include "rpc/file_room.h"
#include "sandbox/sandbox.h"
#include "server/config.h"
#include "server/host.h"
#include "server/loop_watch.h"

/* Of a request that a dead file system holds, no more is waited for at the end. */
enum { FILES_PATIENCE_MS = 2000 };

static void
net_open(struct px_front *front, struct event_base *base, const struct px_config *config,
    const struct px_log *log)
{
	const struct px_net_options options = {
		.high_water = (size_t)config->outbound_high_water_bytes,
		.max_connections = (size_t)config->max_connections,
		.initialize_timeout_ms = config->initialize_timeout_ms,
		.log = log,
	};

	front->net = px_net_new(base, &options);
	front->watch = px_loop_watch_new(base);
}

static void
web_open(struct px_front *front, struct px_core *core, const struct px_config *config,
    const struct px_log *log)
{
	front->web = (struct px_web){
		.config = config,
		.core = core,
		.net = front->net,
		.loop = front->watch,
		.log = log,
		.started_ms = px_wall_ms(),
	};
}

/* The threads for files, where there is something for them to do. */
static int
files_open(struct px_rpc *rpc, const struct px_config *config, struct px_err *err)
{
	const struct px_pool_limits limits = {
		.threads = (size_t)config->file_threads,
		.per_owner = (size_t)config->max_file_requests_per_connection,
	};

	rpc->max_file_bytes = (size_t)config->max_file_bytes;
	if (!px_config_offers_files(config))
		return 0;
	rpc->files = px_pool_new(rpc->base, &limits, err);
	if (rpc->files == NULL)
		return -1;
	rpc->file_room = px_file_room_new(rpc->base, (size_t)config->max_file_answer_bytes);
	return 0;
}

static int
key_open(struct px_rpc *rpc, const struct px_config *config, struct px_err *err)
{
	if (config->prepared_key_file == NULL)
		return 0;
	return px_host_read_key(
	    config->prepared_key_file, &rpc->prepared_key, &rpc->prepared_key_len, err);
}

static bool
rpc_limit(const void *arg, size_t i, const char **out_name, int64_t *out_value)
{
	return px_config_limit(arg, i, out_name, out_value);
}

static bool
rpc_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	return px_web_request(arg, req, out);
}

static void
rpc_settle(struct px_rpc *rpc, const struct px_config *config)
{
	rpc->name = "ptyexecd";
	rpc->version = PX_VERSION;
	rpc->started_ms = px_now_ms();
	rpc->max_message_bytes = (size_t)config->max_message_bytes;
	rpc->max_requests = (size_t)config->max_concurrent_requests_per_connection;
	rpc->allow_direct = px_config_allows_direct(config);
	rpc->allow_prepared = config->allow_prepared_exec;
	rpc->codex = (struct px_codex_options){
		.terms = { .taken_over = true,
		    .newest_bytes = (size_t)config->codex_replay_bytes,
		    .kept_from_close = true },
		.terminate_group_only = config->codex_terminate_group_only,
		.ignore_sandbox = config->codex_ignore_sandbox,
		.sandbox = px_sandbox_new(config->bwrap),
	};
	px_surroundings_find(&rpc->surroundings);
	rpc->limit = rpc_limit;
	rpc->limit_arg = config;
}

int
px_front_open(struct px_front *front, struct event_base *base, struct px_core *core,
    const struct px_config *config, const struct px_log *log, struct px_err *err)
{
	struct px_rpc *rpc = &front->rpc;

	net_open(front, base, config, log);
	web_open(front, core, config, log);
	rpc->base = base;
	rpc->core = core;
	rpc->net = front->net;
	rpc->log = log;
	rpc->json = px_json_out_new();
	rpc->request = rpc_request;
	rpc->request_arg = &front->web;
	if (key_open(rpc, config, err) == -1 || files_open(rpc, config, err) == -1)
		return -1;
	rpc_settle(rpc, config);
	return 0;
}

static void
rpc_close(struct px_rpc *rpc)
{
	/* A thread that is left behind may have some of it. */
	if (px_pool_free(rpc->files, FILES_PATIENCE_MS))
		px_file_room_free(rpc->file_room);
	px_json_out_free(rpc->json);
	if (rpc->prepared_key != NULL)
		explicit_bzero(rpc->prepared_key, rpc->prepared_key_len);
	free(rpc->prepared_key);
	px_sandbox_free(rpc->codex.sandbox);
	px_surroundings_done(&rpc->surroundings);
}

void
px_front_close(struct px_front *front)
{
	px_net_free(front->net);
	rpc_close(&front->rpc);
	px_loop_watch_free(front->watch);
}

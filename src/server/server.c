#include "server/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "fs/pool.h"
#include "net/conn.h"
#include "net/net.h"
#include "proc/guardian.h"
#include "px_version.h"
#include "rpc/file_room.h"
#include "rpc/rpc.h"
#include "sandbox/sandbox.h"
#include "server/config.h"
#include "server/host.h"
#include "server/idle.h"
#include "server/listeners.h"
#include "server/loop_watch.h"
#include "server/stdio.h"
#include "server/web.h"
#include "session/core.h"
#include "tree/cgroup.h"

enum server_state {
	SERVER_RUNNING,
	SERVER_ENDING_SESSIONS, /* nothing is accepted; the processes get their grace */
	SERVER_TELLING,         /* no process is left; slow connections still hear of the ends */
	SERVER_FLUSHING,        /* every connection gets its last bytes */
	SERVER_DONE
};

enum { NSIGNALS = 4, PATIENCE_MS = 5000, HURRIED_MS = 500 };

struct px_server {
	const struct px_config *config;
	const struct px_log *log;
	struct event_base *base;
	struct px_guardian guardian;
	struct px_cgroup_root *cgroups;
	struct px_core *core;
	struct px_net *net;
	struct px_loop_watch *watch;
	struct px_rpc rpc;
	struct px_web web;
	struct px_listeners *listeners;
	struct px_stdio stdio;
	struct event *signals[NSIGNALS];
	struct event *patience; /* with connections that take nothing at the end */
	struct px_idle *idle;   /* NULL: it may be idle for as long as it likes */
	bool hurried;
	enum server_state state;
};

/* ---- connections ---- */

static void
serve(struct px_server *server, const struct px_conn_params *params)
{
	px_rpc_serve(&server->rpc, px_conn_new(server->net, params));
}

/* One answer that fits any socket's buffer, then the end. */
static void
refuse_full(struct px_server *server, const struct px_url *url, int fd, const char *label)
{
	static const char http[] =
	    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\n"
	    "Content-Type: text/plain\r\nConnection: close\r\n\r\ntoo many connections\n";
	char lines[256];
	const char *text = url->kind == PX_URL_UNIX ? lines : http;

	snprintf(lines, sizeof(lines),
	    "{\"id\":null,\"error\":{\"code\":-32008,\"message\":\"too many connections\",\"data\":"
	    "{\"kind\":\"limitExceeded\",\"limit\":\"max_connections\",\"value\":%" PRId64 "}}}\n",
	    server->config->max_connections);
	px_net_count_refused(server->net);
	px_log_event(server->log, PX_LOG_WARN, "refuse", PX_S("peer", label),
	    PX_S("reason", "max_connections"));
	(void)!send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void
server_on_accept(void *arg, const struct px_url *url, int fd, const char *label)
{
	struct px_server *server = arg;
	struct px_conn_params params = { .in = fd,
		.out = fd,
		.impatient = true,
		.label = label,
		.limit = PX_HANDSHAKE_MAX,
		.framing = url->kind == PX_URL_UNIX ? &px_framing_lines : &px_framing_ws };

	px_idle_break(server->idle);
	if (px_net_full(server->net))
		refuse_full(server, url, fd, label);
	else
		serve(server, &params);
}

static void
stdio_serve(struct px_server *server)
{
	const struct px_conn_params params = { .in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.release = px_stdio_give_back,
		.release_arg = &server->stdio,
		.framing = &px_framing_lines,
		.label = "stdio",
		.limit = PX_HANDSHAKE_MAX };

	px_stdio_take(&server->stdio);
	serve(server, &params);
}

/* ---- the end ---- */

static void
server_stop(struct px_server *server, const char *why)
{
	if (server->state != SERVER_RUNNING)
		return;
	px_log_event(server->log, PX_LOG_INFO, "stop", PX_S("reason", why));
	server->state = SERVER_ENDING_SESSIONS;
	server->web.stopping = true;
	px_listeners_close(server->listeners);
	px_core_stop(server->core);
}

static void
patience_begin(struct px_server *server)
{
	struct timeval tv = px_ms_tv(server->hurried ? HURRIED_MS : PATIENCE_MS);

	event_add(server->patience, &tv);
}

static void
server_on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct px_server *server = arg;

	(void)fd;
	(void)what;
	server->state = SERVER_DONE;
}

static void
server_hurry(struct px_server *server)
{
	server->hurried = true;
	px_procs_hurry(px_core_procs(server->core));
	if (server->state > SERVER_ENDING_SESSIONS)
		patience_begin(server);
}

static void
server_on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct px_server *server = arg;

	(void)what;
	if (sig == SIGCHLD)
		px_procs_reap(px_core_procs(server->core));
	else if (server->state == SERVER_RUNNING)
		server_stop(server, sigabbrev_np((int)sig));
	else
		server_hurry(server);
}

static bool
server_is_idle(const struct px_server *server)
{
	struct px_core_counts counts;

	px_core_counts(server->core, &counts);
	return px_net_idle(server->net) && counts.sessions == 0;
}

/* Whoever has come to the door meanwhile is let in. */
static void
server_on_idle(void *arg)
{
	struct px_server *server = arg;

	if (server_is_idle(server) && !px_listeners_are_awaited(server->listeners))
		server_stop(server, "idle");
}

/* One step of the way down, whenever the loop has turned. */
static void
server_advance(struct px_server *server)
{
	if (server->state == SERVER_RUNNING && !px_listeners_have_sockets(server->listeners) &&
	    px_net_idle(server->net))
		server_stop(server, "end of input");
	if (server->state == SERVER_RUNNING)
		px_idle_turn(server->idle, server_is_idle(server));
	if (server->state == SERVER_ENDING_SESSIONS && px_core_idle(server->core)) {
		server->state = SERVER_TELLING;
		patience_begin(server);
	}
	if (server->state == SERVER_TELLING && px_core_told(server->core)) {
		server->state = SERVER_FLUSHING;
		px_net_close_all(server->net);
		px_net_turn(server->net); /* now: no event may come to make the loop turn */
	}
	if (server->state == SERVER_FLUSHING && px_net_idle(server->net))
		server->state = SERVER_DONE;
}

/* ---- the beginning ---- */

static bool
server_limit(const void *arg, size_t i, const char **out_name, int64_t *out_value)
{
	return px_config_limit(arg, i, out_name, out_value);
}

static bool
server_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	return px_web_request(arg, req, out);
}

static void
core_open(struct px_server *server, rlim_t child_open_files)
{
	const struct px_config *config = server->config;
	struct px_core_options options = {
		.procs = { .stdin_queue_bytes = (size_t)config->stdin_queue_bytes,
		    .subreaper = true,
		    .cgroups = server->cgroups,
		    .other_children = 1,
		    .open_files = child_open_files },
		.max_running = (size_t)config->max_processes,
		.max_running_per_workspace = (size_t)config->max_processes_per_connection,
		.retained_bytes = (size_t)config->retained_output_bytes_per_process,
		.closed_bytes = (size_t)config->codex_closed_bytes,
		.grace_ms = config->shutdown_grace_period_ms,
		.detach_ttl_ms = config->detach_ttl_ms,
		.exited_retention_ms = config->exited_retention_ms,
		.log = server->log,
	};

	server->core = px_core_new(server->base, &options);
}

static int
guardian_arm(struct px_server *server, struct px_err *err)
{
	const struct px_procs *procs = px_core_procs(server->core);

	return px_guardian_arm(&server->guardian, px_procs_mark(procs), px_procs_mask,
	    server->config->shutdown_grace_period_ms, err);
}

static void
net_open(struct px_server *server)
{
	const struct px_config *config = server->config;
	struct px_net_options options = { .high_water = (size_t)config->outbound_high_water_bytes,
		.max_connections = (size_t)config->max_connections,
		.initialize_timeout_ms = config->initialize_timeout_ms,
		.log = server->log };

	server->net = px_net_new(server->base, &options);
	server->watch = px_loop_watch_new(server->base);
	server->web = (struct px_web){ .config = config,
		.core = server->core,
		.net = server->net,
		.loop = server->watch,
		.log = server->log,
		.started_ms = px_wall_ms() };
}

/* Of a request that a dead file system holds, no more is waited for at the end. */
enum { FILES_PATIENCE_MS = 2000 };

/* The threads for files, where there is something for them to do. */
static int
files_open(struct px_server *server, struct px_err *err)
{
	const struct px_config *config = server->config;
	const struct px_pool_limits limits = {
		.threads = (size_t)config->file_threads,
		.per_owner = (size_t)config->max_file_requests_per_connection,
	};

	server->rpc.max_file_bytes = (size_t)config->max_file_bytes;
	if (!px_config_offers_files(config))
		return 0;
	server->rpc.files = px_pool_new(server->base, &limits, err);
	if (server->rpc.files == NULL)
		return -1;
	server->rpc.file_room =
	    px_file_room_new(server->base, (size_t)config->max_file_answer_bytes);
	return 0;
}

static int
rpc_open(struct px_server *server, struct px_err *err)
{
	const struct px_config *config = server->config;
	struct px_rpc *rpc = &server->rpc;

	if (config->prepared_key_file != NULL &&
	    px_host_read_key(
		config->prepared_key_file, &rpc->prepared_key, &rpc->prepared_key_len, err) == -1)
		return -1;
	if (files_open(server, err) == -1)
		return -1;
	rpc->base = server->base;
	rpc->core = server->core;
	rpc->net = server->net;
	rpc->json = px_json_out_new();
	rpc->log = server->log;
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
	rpc->limit = server_limit;
	rpc->limit_arg = config;
	rpc->request = server_request;
	rpc->request_arg = &server->web;
	return 0;
}

static const int signal_numbers[NSIGNALS] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };

static void
signals_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaddset(&set, signal_numbers[i]);
	sigprocmask(how, &set, NULL);
}

/* Whoever started us may have had signals blocked: a thread of a larger program, for one. */
static void
signals_open(struct px_server *server)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < NSIGNALS; i++) {
		server->signals[i] =
		    evsignal_new(server->base, signal_numbers[i], server_on_signal, server);
		event_add(server->signals[i], NULL);
	}
	signals_mask(SIG_UNBLOCK);
	server->patience = evtimer_new(server->base, server_on_patience, server);
}

static int
ready_check(const struct px_config *config, struct px_err *err)
{
	return config->ready_fd != 0 ? px_host_check_ready_fd((int)config->ready_fd, err) : 0;
}

int
px_server_new(const struct px_config *config, const struct px_log *log, struct px_server **out,
    struct px_err *err)
{
	struct px_server *server = px_new(struct px_server);
	rlim_t open_files = 0;

	server->config = config;
	server->log = log;
	server->guardian.fd = -1;
	server->base = event_base_new();
	if (px_host_fix_stdio(err) == -1 || ready_check(config, err) == -1 ||
	    px_guardian_start(&server->guardian, err) == -1 ||
	    px_listeners_open(server->base, config, log, &server->listeners, err) == -1 ||
	    px_cgroup_root_open(config->cgroup, &server->cgroups, err) == -1 ||
	    px_host_adopt_orphans(err) == -1) {
		px_server_free(server);
		return -1;
	}
	px_host_raise_open_files(&open_files);
	core_open(server, open_files);
	net_open(server);
	if (rpc_open(server, err) == -1 || guardian_arm(server, err) == -1) {
		px_server_free(server);
		return -1;
	}
	signals_open(server);
	if (config->exit_when_idle_ms > 0)
		server->idle =
		    px_idle_new(server->base, config->exit_when_idle_ms, server_on_idle, server);
	*out = server;
	return 0;
}

static void
server_start(struct px_server *server)
{
	px_listeners_start(server->listeners, server_on_accept, server);
	if (px_listeners_have_stdio(server->listeners))
		stdio_serve(server);
	if (server->config->ready_fd != 0)
		px_host_tell_ready((int)server->config->ready_fd);
	px_idle_turn(server->idle, server_is_idle(server));
}

void
px_server_run(struct px_server *server)
{
	server_start(server);
	while (server->state != SERVER_DONE) {
		event_base_loop(server->base, EVLOOP_ONCE);
		px_net_turn(server->net);
		server_advance(server);
	}
}

static void
rpc_close(struct px_rpc *rpc)
{
	px_json_out_free(rpc->json);
	if (rpc->prepared_key != NULL)
		explicit_bzero(rpc->prepared_key, rpc->prepared_key_len);
	free(rpc->prepared_key);
	px_sandbox_free(rpc->codex.sandbox);
	px_surroundings_done(&rpc->surroundings);
}

void
px_server_free(struct px_server *server)
{
	if (server == NULL)
		return;
	/* One that comes while we are going must not turn an orderly end into a death by signal. */
	signals_mask(SIG_BLOCK);
	px_listeners_free(server->listeners);
	px_net_free(server->net);
	/* A thread that is left behind may have some of it. */
	if (px_pool_free(server->rpc.files, FILES_PATIENCE_MS))
		px_file_room_free(server->rpc.file_room);
	px_core_free(server->core);
	px_guardian_end(&server->guardian);
	px_cgroup_root_free(server->cgroups);
	px_loop_watch_free(server->watch);
	rpc_close(&server->rpc);
	for (size_t i = 0; i < NSIGNALS; i++)
		if (server->signals[i] != NULL)
			event_free(server->signals[i]);
	if (server->patience != NULL)
		event_free(server->patience);
	px_idle_free(server->idle);
	event_base_free(server->base);
	free(server);
}

/*
 * Arbitrary lines as what a client says, to a real core over a real connection.
 * The first byte chooses what comes before: which dialect, if any, and whether
 * there is a session (in v1 its name is "s"). Every line that comes back must be
 * a JSON object or array. Programs are played, not run, and there are no files: what
 * is asked of them is read, and refused. In codex the session is "s" too.
 */
#include "played.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_out.h"
#include "net/conn.h"
#include "net/net.h"
#include "rpc/rpc.h"
#include "session/core.h"

/* The first byte. */
enum { DIALECT = 3, SESSION = 4, SIGNED = 8, FORBIDDEN = 16, LINE_BY_LINE = 32, SLOW = 192 };
enum slow { BLOCK, LAG = 64, ACKNOWLEDGE = 128, CODEX = 192 /* not v1 at all */ };
enum dialect { NONE, V0, V1_PIPE, V1_PTY };

/* So small that an input can reach every one. */
enum { EARLY_MAX = 512, MESSAGE_MAX = 16384, HIGH_WATER = 1024, RETAINED = 1024, QUEUE = 256 };

enum { TURNS_MAX = 64, READ_MAX = 65536 };

struct world {
	struct event_base *base;
	struct px_core *core;
	struct px_net *net;
	struct px_rpc rpc;
	struct evbuffer *answers;
	int peer; /* our end of the connection; -1: closed */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static bool
no_limits(const void *arg, size_t i, const char **out_name, int64_t *out_value)
{
	(void)arg;
	(void)i;
	(void)out_name;
	(void)out_value;
	return false;
}

/* ---- the connection ---- */

/* Whatever the server says is whole and strict. */
static void
answers_check(struct world *w)
{
	struct px_json_doc *doc;
	struct px_err err;
	size_t len;
	char *line;

	while ((line = evbuffer_readln(w->answers, &len, EVBUFFER_EOL_LF)) != NULL) {
		must(px_json_parse(line, len, &doc, &err) == 0);
		must(px_json_root(doc)->type == PX_JSON_OBJECT ||
		     px_json_root(doc)->type == PX_JSON_ARRAY);
		px_json_free(doc);
		free(line);
	}
}

static void
world_turn(struct world *w)
{
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	px_net_turn(w->net);
	played_turn();
	while (w->peer != -1 && evbuffer_read(w->answers, w->peer, READ_MAX) > 0)
		answers_check(w);
}

/* False: the server has closed. */
static bool
say(struct world *w, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	for (int i = 0; len > 0 && i < TURNS_MAX; i++) {
		if ((n = send(w->peer, p, len, MSG_NOSIGNAL)) > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == -1 && errno != EAGAIN) {
			return false;
		}
		world_turn(w);
	}
	return true;
}

static void
say_text(struct world *w, const char *text)
{
	(void)say(w, text, strlen(text));
}

static void
world_connect(struct world *w)
{
	struct px_conn_params conn = {
		.framing = &px_framing_lines, .label = "fuzz", .limit = EARLY_MAX
	};
	int pair[2], least = 0;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	must(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) == 0);
	w->peer = pair[0];
	conn.in = conn.out = pair[1];
	px_rpc_serve(&w->rpc, px_conn_new(w->net, &conn));
}

static void
world_disconnect(struct world *w)
{
	close(w->peer);
	w->peer = -1;
	evbuffer_drain(w->answers, evbuffer_get_length(w->answers));
	for (int i = 0; i < TURNS_MAX && !px_net_idle(w->net); i++)
		world_turn(w);
}

/* ---- the server ---- */

static void
world_open(struct world *w)
{
	struct px_core_options core = { .max_running = 3,
		.max_running_per_workspace = 2,
		.retained_bytes = RETAINED,
		.exited_retention_ms = 1000,
		.procs = { .stdin_queue_bytes = QUEUE, .subreaper = true } };
	struct px_net_options net = {
		.high_water = HIGH_WATER, .max_connections = 1, .initialize_timeout_ms = 1000
	};

	w->base = event_base_new();
	w->core = px_core_new(w->base, &core);
	w->net = px_net_new(w->base, &net);
	w->answers = evbuffer_new();
	w->rpc = (struct px_rpc){ .core = w->core,
		.net = w->net,
		.json = px_json_out_new(),
		.name = "fuzz",
		.version = "0",
		.started_ms = px_now_ms(),
		.max_message_bytes = MESSAGE_MAX,
		.max_requests = 16,
		.allow_direct = true,
		.allow_prepared = true,
		.codex.terms = { .taken_over = true,
		    .newest_bytes = RETAINED,
		    .kept_from_close = true },
		.limit = no_limits };
	w->rpc.surroundings = (struct px_surroundings){ .hostname = (char *)"/",
		.shell = (char *)"/bin/sh",
		.cwd = (char *)"/",
		.home = (char *)"/",
		.posix_shell = (char *)"/bin/sh" };
	world_connect(w);
}

static void
world_close(struct world *w)
{
	world_disconnect(w);
	px_net_free(w->net);
	px_core_stop(w->core);
	while (!px_core_idle(w->core))
		event_base_loop(w->base, EVLOOP_ONCE);
	px_core_free(w->core);
	px_json_out_free(w->rpc.json);
	evbuffer_free(w->answers);
	event_base_free(w->base);
}

static void
start_session(struct world *w, enum dialect dialect)
{
	static const char *const starts[] = {
		[V0] = "{\"id\":1,\"method\":\"command/exec\",\"params\":{\"argv\":[\"/bin/cat\"],"
		       "\"cwd\":\"/\",\"env\":{},\"tty\":true}}\n",
		[V1_PIPE] =
		    "{\"id\":1,\"method\":\"process/start\",\"params\":{\"sessionId\":\"s\","
		    "\"direct\":{\"argv\":[\"/bin/cat\"]},"
		    "\"io\":{\"pipe\":{\"stdin\":\"open\"}}}}\n",
		[V1_PTY] = "{\"id\":1,\"method\":\"process/start\",\"params\":{\"sessionId\":\"s\","
			   "\"direct\":{\"argv\":[\"/bin/cat\"]},"
			   "\"io\":{\"pty\":{\"rows\":24,\"cols\":80}}}}\n",
	};

	say_text(w, starts[dialect]);
}

static void
start_codex(struct world *w, bool tty)
{
	say_text(w, "{\"id\":1,\"method\":\"process/start\",\"params\":{\"processId\":\"s\","
		    "\"argv\":[\"/bin/cat\"],\"cwd\":\"file:///\",\"env\":{},\"pipeStdin\":true,"
		    "\"tty\":");
	say_text(w, tty ? "true}}\n" : "false}}\n");
}

static void
initialize_codex(struct world *w)
{
	say_text(w, "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"f\","
		    "\"resumeSessionId\":null}}\n{\"method\":\"initialized\"}\n");
}

static void
initialize_v1(struct world *w, enum slow slow)
{
	say_text(w, "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"f\","
		    "\"protocolVersion\":\"exec-server.v1\",\"capabilities\":"
		    "{\"experimentalApi\":true");
	say_text(w, slow == LAG           ? ",\"slowConsumer\":\"lag\"}}}\n"
		    : slow == ACKNOWLEDGE ? ",\"acknowledge\":true}}}\n"
					  : "}}}\n");
}

/* The input's connection is as far as the first byte says. */
static void
prelude(struct world *w, unsigned choice)
{
	enum dialect dialect = choice & DIALECT;
	bool codex = (choice & SLOW) == CODEX && dialect != NONE && dialect != V0;

	w->rpc.codex.terminate_group_only = w->rpc.codex.ignore_sandbox = (choice & SIGNED) != 0;
	if (codex) {
		initialize_codex(w);
		if ((choice & SESSION) != 0)
			start_codex(w, dialect == V1_PTY);
		return;
	}
	if (dialect == V0)
		say_text(w,
		    "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"f\"}}\n"
		    "{\"method\":\"initialized\"}\n");
	else if (dialect != NONE)
		initialize_v1(w, choice & SLOW);
	if ((choice & SESSION) != 0 && dialect != NONE)
		start_session(w, dialect);
	w->rpc.allow_direct = (choice & FORBIDDEN) == 0;
	w->rpc.prepared_key = (choice & SIGNED) != 0 ? (char *)"0123456789abcdef" : NULL;
	w->rpc.prepared_key_len = 16;
}

/* The lowest descriptor that is free: the same before and after, unless one has leaked. */
static int
lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *next = end, *lf;
	int before = lowest_free();
	struct world w;
	unsigned choice;

	if (size == 0)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	choice = *data++;
	world_open(&w);
	prelude(&w, choice);
	for (; data < end; data = next) {
		if ((choice & LINE_BY_LINE) != 0) {
			lf = memchr(data, '\n', (size_t)(end - data));
			next = lf == NULL ? end : lf + 1;
		}
		if (!say(&w, data, (size_t)(next - data)))
			break;
	}
	world_turn(&w);
	world_close(&w);
	must(played_count() == 0 && lowest_free() == before);
	return 0;
}

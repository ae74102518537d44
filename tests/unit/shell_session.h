#ifndef PX_TESTS_SHELL_SESSION_H
#define PX_TESTS_SHELL_SESSION_H

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "child_spec.h"
#include "session/core.h"
#include "session/input.h"
#include "session/session.h"
#include "session/workspace.h"

/* A core with one workspace and one client, whose sessions are shells that do what a test tells
 * them. */
static struct event_base *base;
static struct px_core *core;
static struct px_member member;
static struct px_workspace *ws;

static inline void
core_setup(struct px_core_options options)
{
	signal(SIGPIPE, SIG_IGN);
	options.procs.stdin_queue_bytes = 65536;
	if (options.max_running == 0)
		options.max_running = options.max_running_per_workspace = 100;
	if (options.retained_bytes == 0)
		options.retained_bytes = 65536;
	if (options.exited_retention_ms == 0)
		options.exited_retention_ms = 3600 * 1000;
	if (options.detach_ttl_ms == 0)
		options.detach_ttl_ms = 3600 * 1000;
	base = event_base_new();
	core = px_core_new(base, &options);
	member = (struct px_member){ 0 };
	ws = px_workspace_join_new(core, &px_terms_lasting, &member);
}

static inline void
core_teardown(void)
{
	px_core_free(core);
	event_base_free(base);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static inline void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

#define until(condition)                                    \
	do {                                                \
		while (!(condition))                        \
			event_base_loop(base, EVLOOP_ONCE); \
	} while (0)

static inline struct px_session *
session_start(struct px_spec spec)
{
	struct px_session_request req = { .spec = &spec, .starter = &member };
	struct px_session *session;
	struct px_err err = { 0 };
	bool existing;

	ck_assert_msg(px_session_start(ws, &req, &session, &existing, &err) == 0, "%s", err.text);
	ck_assert(!existing);
	return session;
}

/* Runs each line of its input. */
static inline struct px_session *
shell_start(void)
{
	return session_start(
	    SPEC(PX_IO_PIPE, "bash", "-c", "while read -r c; do eval \"$c\"; done"));
}

/* 'command' ends by a newline and must not write anything. */
static inline void
shell_do(struct px_session *session, const char *command)
{
	struct px_input_op *op;

	ck_assert_int_eq(
	    px_session_write(session, command, strlen(command), NULL, 0, NULL, NULL, &op, NULL), 1);
}

/* Runs 'command', which writes 'len' bytes to 'stream', and waits until they have come. */
static inline void
shell_says(struct px_session *session, const char *command, unsigned stream, size_t len)
{
	struct px_transcript *t = px_session_transcript(session);
	uint64_t end = px_transcript_total(t, stream) + len;

	shell_do(session, command);
	until(px_transcript_total(t, stream) >= end);
	ck_assert_uint_eq(px_transcript_total(t, stream), end);
}

#endif

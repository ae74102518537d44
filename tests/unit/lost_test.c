#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "cases.h"
#include "session/input.h"
#include "session/wait.h"
#include "session/watch.h"
#include "shell_session.h"

/* Programs whose exit status the rest of this process takes away. */

/* What a subscriber is told, a word for each: "o:text", "x", "f2" with its number, "c3", "g". */
struct reader {
	struct px_watch *watch;
	char log[1024];
	size_t len;
	bool ended, closed;
};

static void
note(struct reader *r, const char *what, uint64_t seq)
{
	r->len += (size_t)snprintf(
	    r->log + r->len, sizeof r->log - r->len, "%s%llu ", what, (unsigned long long)seq);
	ck_assert_uint_lt(r->len, sizeof r->log);
}

static size_t
on_room(void *arg)
{
	(void)arg;
	return SIZE_MAX;
}

static void
on_output(void *arg, struct px_session *session, const struct px_chunk *chunk)
{
	(void)session;
	ck_assert(!((struct reader *)arg)->closed);
	note(arg, "o", chunk->seq);
}

static void
on_exited(void *arg, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct reader *r = arg;

	ck_assert_ptr_eq(exit, px_session_exit(session));
	ck_assert_int_eq(exit->code, 7);
	ck_assert(!exit->lost && !r->ended);
	r->ended = true;
	note(r, "x", seq);
}

static void
on_failed(void *arg, struct px_session *session, uint64_t seq, const char *message)
{
	struct reader *r = arg;

	ck_assert_str_eq(message, "the exit status was taken by somebody else");
	ck_assert_ptr_null(px_session_exit(session));
	ck_assert(!px_session_running(session) && !r->ended);
	r->ended = true;
	note(r, "f", seq);
}

static void
on_closed(void *arg, struct px_session *session, uint64_t seq)
{
	struct reader *r = arg;

	(void)session;
	ck_assert(r->ended && !r->closed);
	r->closed = true;
	note(r, "c", seq);
}

static void
on_lagged(void *arg, struct px_session *session, uint64_t skipped, uint64_t next_seq)
{
	(void)arg;
	(void)session;
	(void)skipped;
	(void)next_seq;
	ck_abort_msg("nothing is skipped");
}

static void
on_gone(void *arg)
{
	((struct reader *)arg)->watch = NULL;
}

static const struct px_watch_ops ops = { on_room, on_output, on_exited, on_closed, on_failed,
	on_lagged, on_gone, NULL };

static void
follow(struct reader *r, struct px_session *session, uint64_t after)
{
	*r = (struct reader){ .ended = after > 0 };
	r->watch = px_watch_new(session, after, 0, &ops, r);
	px_watch_pump(r->watch);
}

static void
on_done(void *arg, enum px_reason reason)
{
	*(enum px_reason *)arg = reason;
}

static void
setup(void)
{
	core_setup((struct px_core_options){ 0 });
}

static void
setup_ignoring(void)
{
	signal(SIGCHLD, SIG_IGN);
	setup();
}

static void
is_lost(struct px_session *session)
{
	struct px_err err = { 0 };
	enum px_reason reason;

	ck_assert_ptr_null(px_session_exit(session));
	ck_assert(!px_session_running(session));
	ck_assert(!px_proc_running(px_session_proc(session)));
	ck_assert_int_gt(px_session_exited_ms(session), 0);
	ck_assert(!px_session_signal(session, SIGTERM));
	ck_assert(!px_session_terminate(session, 0, PX_CAUSE_CLIENT));
	ck_assert_int_eq(px_session_write(session, "x", 1, NULL, 0, NULL, NULL, NULL, &err), -1);
	ck_assert_int_eq(err.code, PX_E_STDIN_CLOSED);
	ck_assert_ptr_null(px_wait_new(session, &px_wait_until_exit, on_done, NULL, &reason));
	ck_assert_str_eq(px_reason_word(reason), "lost");
}

static void
ends_as_lost(struct px_session *session, const char *expected)
{
	enum px_reason reason = PX_REASON_GONE, now;
	struct px_core_counts counts;
	static struct reader live, later; /* outlives the test: the core goes after it */

	follow(&live, session, 0);
	ck_assert_ptr_nonnull(px_wait_new(session, &px_wait_until_exit, on_done, &reason, &now));
	until(live.closed);
	ck_assert_str_eq(live.log, expected);
	ck_assert_int_eq(reason, PX_REASON_LOST);
	is_lost(session);
	follow(&later, session, 0);
	ck_assert_str_eq(later.log, expected);
	follow(&later, session, px_transcript_next_seq(px_session_transcript(session)) - 2);
	ck_assert_str_eq(later.log, strrchr(expected, 'c'));
	ck_assert_int_eq(px_session_release(session, NULL), 0);
	px_core_counts(core, &counts);
	ck_assert_uint_eq(counts.running, 0);
	ck_assert_uint_eq(counts.sessions, 0);
}

/* Nobody waits for children in a process that ignores SIGCHLD. */
START_TEST(test_sigchld_is_ignored)
{
	enum px_io io = _i == 0 ? PX_IO_PIPE : PX_IO_PTY;

	ends_as_lost(session_start(SPEC(io, "sh", "-c", "echo text; exit 7")), "o1 f2 c3 ");
}
END_TEST

START_TEST(test_a_start_fails_all_the_same)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "/nonexistent");
	struct px_session_request req = { .spec = &spec, .starter = &member };
	struct px_session *session;
	struct px_err err = { 0 };
	bool existing;

	ck_assert_int_eq(px_session_start(ws, &req, &session, &existing, &err), -1);
	ck_assert_int_eq(err.code, PX_E_SPAWN);
	ck_assert_int_eq(err.sys, ENOENT);
	px_spec_done(&spec);
}
END_TEST

START_TEST(test_terminate)
{
	struct px_session *session = session_start(PUPPET(PX_IO_PIPE, "ignore-term"));
	static struct reader r; /* outlives the test: the core goes after it */

	follow(&r, session, 0);
	until(px_transcript_total(px_session_transcript(session), 0) > 0);
	ck_assert(px_session_terminate(session, 20, PX_CAUSE_CLIENT));
	until(r.closed && px_core_idle(core));
	ck_assert_str_eq(r.log, "o1 f2 c3 ");
}
END_TEST

static void *
thief(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	return waitpid(pid, NULL, 0) == pid ? arg : NULL;
}

/* A thread of ours is quicker; what the program wrote, and descendants, are still heard. */
START_TEST(test_somebody_else_waited)
{
	struct px_session *session = session_start(
	    SPEC(PX_IO_PIPE, "sh", "-c", "echo text; exec 3<&0; (read x <&3; echo more) & :"));
	struct px_transcript *t = px_session_transcript(session);
	pid_t pid = px_proc_pid(px_session_proc(session));
	static struct reader r; /* outlives the test: the core goes after it */
	pthread_t thread;
	void *stolen;

	follow(&r, session, 0);
	pthread_create(&thread, NULL, thief, &pid);
	pthread_join(thread, &stolen);
	ck_assert_ptr_nonnull(stolen);
	ck_assert(px_session_running(session));
	ck_assert(!px_session_signal(session, SIGKILL));
	/* The loss ends the descendant's input, so it writes. */
	until(r.closed);
	ck_assert_ptr_nonnull(strchr(r.log, 'f'));
	ck_assert_uint_eq(px_transcript_total(t, 0), strlen("text\nmore\n"));
	is_lost(session);
}
END_TEST

static atomic_bool enough;

static void *
reap_everything(void *arg)
{
	(void)arg;
	while (!enough)
		if (waitpid(-1, NULL, 0) == -1)
			sched_yield();
	return NULL;
}

/* Whoever wins: each ends, once, with its status or with the word that it was lost. */
START_TEST(test_a_race_with_waitpid)
{
	enum { N = 60 };
	static struct reader r[N];
	pthread_t thread;

	pthread_create(&thread, NULL, reap_everything, NULL);
	for (int i = 0; i < N; i++)
		follow(
		    &r[i], session_start(PUPPET(i % 2 ? PX_IO_PIPE : PX_IO_PTY, "exit", "7")), 0);
	for (int i = 0; i < N; i++)
		until(r[i].closed);
	enough = true;
	pthread_join(thread, NULL);
	for (int i = 0; i < N; i++)
		ck_assert_msg(strcmp(r[i].log, "x1 c2 ") == 0 || strcmp(r[i].log, "f1 c2 ") == 0,
		    "%s", r[i].log);
}
END_TEST

static Suite *
lost_suite(void)
{
	Suite *s = suite_create("lost");
	TCase *ignoring = tcase_create("ignoring"), *racing = tcase_create("racing");

	tcase_set_timeout(ignoring, 20);
	tcase_add_checked_fixture(ignoring, setup_ignoring, core_teardown);
	tcase_add_loop_test(ignoring, test_sigchld_is_ignored, 0, 2);
	tcase_add_test(ignoring, test_a_start_fails_all_the_same);
	tcase_add_test(ignoring, test_terminate);
	suite_add_tcase(s, ignoring);

	tcase_set_timeout(racing, 20);
	tcase_add_checked_fixture(racing, setup, core_teardown);
	tcase_add_test(racing, test_somebody_else_waited);
	tcase_add_test(racing, test_a_race_with_waitpid);
	suite_add_tcase(s, racing);
	return s;
}

int
main(void)
{
	return run_suite(lost_suite());
}

#include "session/wait.h"

#include "cases.h"
#include "shell_session.h"

/* Long enough not to pass while a test runs; short enough to be waited for. */
enum { NEVER_MS = 3600 * 1000, SOON_MS = 5 };

#define none px_wait_until_exit

struct waiter {
	struct px_wait *wait;
	int done; /* calls */
	enum px_reason reason;
};

static void
on_done(void *arg, enum px_reason reason)
{
	struct waiter *w = arg;

	w->done++;
	w->reason = reason;
	w->wait = NULL;
}

static void
wait_for(struct waiter *w, struct px_session *session, struct px_wait_until until)
{
	enum px_reason reason = PX_REASON_GONE;

	*w = (struct waiter){ 0 };
	w->wait = px_wait_new(session, &until, on_done, w, &reason);
	ck_assert_int_eq(w->done, 0);
	ck_assert_ptr_nonnull(w->wait);
}

/* It is over before it begins. */
static void
over(struct px_session *session, struct px_wait_until until, enum px_reason expected)
{
	static struct waiter w = { 0 };
	enum px_reason reason = PX_REASON_GONE;

	ck_assert_ptr_null(px_wait_new(session, &until, on_done, &w, &reason));
	ck_assert_int_eq(reason, expected);
	ck_assert_int_eq(w.done, 0);
}

static void
ended(const struct waiter *w, enum px_reason reason)
{
	ck_assert_int_eq(w->done, 1);
	ck_assert_str_eq(px_reason_word(w->reason), px_reason_word(reason));
}

static struct px_wait_until
until_match(const char *text)
{
	struct px_wait_until u = none;

	u.match[u.nmatch].text = text;
	u.match[u.nmatch++].len = strlen(text);
	return u;
}

static struct px_wait_until
from(struct px_wait_until u, uint64_t after)
{
	u.has_after = true;
	u.after = after;
	return u;
}

static struct px_wait_until
until_bytes(int64_t n)
{
	struct px_wait_until u = none;

	u.bytes = n;
	return u;
}

static struct px_wait_until
until_event(uint64_t after)
{
	struct px_wait_until u = from(none, after);

	u.event = true;
	return u;
}

static void
setup(void)
{
	core_setup((struct px_core_options){ 0 });
}

static void
setup_small(void)
{
	core_setup((struct px_core_options){ .retained_bytes = 16 });
}

/* ---- exit ---- */

START_TEST(test_exit)
{
	struct px_session *session = shell_start();
	static struct waiter w, matching;

	wait_for(&w, session, none);
	wait_for(&matching, session, until_match("never"));
	shell_says(session, "printf a\n", 0, 1);
	ck_assert_int_eq(w.done, 0);
	shell_do(session, "exit\n");
	until(w.done > 0 && matching.done > 0);
	ended(&w, PX_REASON_EXIT);
	ended(&matching, PX_REASON_EXIT);
	/* And at once from now on, whatever is asked; what is kept came before. */
	over(session, none, PX_REASON_EXIT);
	over(session, until_match("a"), PX_REASON_EXIT);
	over(session, from(until_match("b"), 0), PX_REASON_EXIT);
	over(session, from(until_match("a"), 0), PX_REASON_MATCH);
	over(session, until_bytes(0), PX_REASON_BYTES);
}
END_TEST

/* ---- matches ---- */

START_TEST(test_match)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	shell_says(session, "printf needle\n", 0, 6);
	wait_for(&w, session, until_match("needle")); /* not what was there before */
	shell_says(session, "printf nee\n", 0, 3);
	ck_assert_int_eq(w.done, 0);
	shell_says(session, "printf dle\n", 0, 3);
	ended(&w, PX_REASON_MATCH);
}
END_TEST

START_TEST(test_match_in_the_past)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	shell_says(session, "printf ab\n", 0, 2);
	shell_says(session, "printf cd\n", 0, 2);
	over(session, from(until_match("bc"), 0), PX_REASON_MATCH);
	over(session, from(until_match("cd"), 1), PX_REASON_MATCH);
	wait_for(&w, session, from(until_match("bc"), 1));
	px_wait_cancel(w.wait);
	wait_for(&w, session, from(until_match("cde"), 1)); /* half of it is there */
	shell_says(session, "printf e\n", 0, 1);
	ended(&w, PX_REASON_MATCH);
}
END_TEST

START_TEST(test_match_does_not_join_streams)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	wait_for(&w, session, until_match("abcd"));
	shell_says(session, "printf ab\n", 0, 2);
	shell_says(session, "printf cd >&2\n", 1, 2);
	ck_assert_int_eq(w.done, 0);
	shell_says(session, "printf cd\n", 0, 2);
	ended(&w, PX_REASON_MATCH);
}
END_TEST

START_TEST(test_many_matches)
{
	struct px_session *session = shell_start();
	struct px_wait_until u = none;
	char text[PX_UNTIL_MAX][4];
	static struct waiter w;

	for (; u.nmatch < PX_UNTIL_MAX; u.nmatch++) {
		snprintf(text[u.nmatch], sizeof text[0], "=%02d", (int)u.nmatch);
		u.match[u.nmatch].text = text[u.nmatch];
		u.match[u.nmatch].len = 3;
	}
	wait_for(&w, session, u);
	memset(text, 0, sizeof text); /* they were copied */
	shell_says(session, "printf =1=0\n", 0, 4);
	ck_assert_int_eq(w.done, 0);
	shell_says(session, "printf 7\n", 0, 1);
	ended(&w, PX_REASON_MATCH);
}
END_TEST

/*
 * What stands on both sides of a hole does not join, though the loss is told with
 * a chunk of the other stream that comes in between.
 */
START_TEST(test_match_does_not_join_over_a_hole)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	shell_says(session, "printf xxxxxxab\n", 0, 8);
	shell_says(session, "printf yyyyyyyyyyyyyyyyyyyy\n", 0, 20);
	shell_says(session, "printf e >&2\n", 1, 1);
	shell_says(session, "printf cdzzzzzz\n", 0, 8);
	over(session, from(until_match("zzz"), 0), PX_REASON_MATCH);
	wait_for(&w, session, from(until_match("abcd"), 0));
	shell_says(session, "printf abcd\n", 0, 4);
	ended(&w, PX_REASON_MATCH);
}
END_TEST

/* A hole in one stream does not divide what the other one says. */
START_TEST(test_match_beside_a_hole)
{
	struct px_session *session = shell_start();

	shell_says(session, "printf 12345678\n", 0, 8);
	shell_says(session, "printf ab >&2\n", 1, 2);
	shell_says(session, "printf yyyyyyyyyyyyyyyyyyyy\n", 0, 20);
	shell_says(session, "printf cd >&2\n", 1, 2);
	over(session, from(until_match("abcd"), 0), PX_REASON_MATCH);
}
END_TEST

/* ---- bytes ---- */

START_TEST(test_bytes)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	shell_says(session, "printf abc\n", 0, 3);
	over(session, until_bytes(0), PX_REASON_BYTES);
	wait_for(&w, session, until_bytes(3));
	shell_says(session, "printf a\n", 0, 1);
	shell_says(session, "printf b >&2\n", 1, 1);
	ck_assert_int_eq(w.done, 0);
	shell_says(session, "printf cd\n", 0, 2);
	ended(&w, PX_REASON_BYTES);
}
END_TEST

START_TEST(test_bytes_from_a_place)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	shell_says(session, "printf abc\n", 0, 3);
	shell_says(session, "printf de\n", 0, 2);
	over(session, from(until_bytes(5), 0), PX_REASON_BYTES);
	over(session, from(until_bytes(2), 1), PX_REASON_BYTES);
	over(session, from(until_bytes(0), 99), PX_REASON_BYTES);
	wait_for(&w, session, from(until_bytes(3), 1));
	shell_says(session, "printf f\n", 0, 1);
	ended(&w, PX_REASON_BYTES);
	wait_for(&w, session, from(until_bytes(INT64_MAX), 0));
	px_wait_cancel(w.wait);
}
END_TEST

/* What is no longer held was output too. */
START_TEST(test_bytes_over_a_hole)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	shell_says(session, "printf 12345678\n", 0, 8);
	shell_says(session, "printf yyyyyyyyyyyyyyyyyyyy\n", 0, 20);
	over(session, from(until_bytes(28), 0), PX_REASON_BYTES);
	wait_for(&w, session, from(until_bytes(29), 0));
	shell_says(session, "printf z\n", 0, 1);
	ended(&w, PX_REASON_BYTES);
}
END_TEST

/* ---- events ---- */

START_TEST(test_event)
{
	struct px_session *session = shell_start();
	static struct waiter w;

	wait_for(&w, session, until_event(0));
	shell_says(session, "printf a\n", 0, 1);
	ended(&w, PX_REASON_EVENT);
	over(session, until_event(0), PX_REASON_EVENT);
	wait_for(&w, session, until_event(1));
	px_wait_cancel(w.wait);
	wait_for(&w, session, until_event(UINT64_MAX)); /* beyond the end is the end */
	shell_do(session, "exec sleep 1000 </dev/null & exit\n");
	until(w.done > 0);
	ended(&w, PX_REASON_EVENT);
	ck_assert(!px_session_running(session));
	ck_assert(!px_session_closed(session));
	/* The exit is an event as any other; the close is yet to come. */
	over(session, until_event(1), PX_REASON_EVENT);
	wait_for(&w, session, until_event(2));
	turn();
	ck_assert_int_eq(w.done, 0);
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	px_proc_terminate(px_session_proc(session), 0, PX_CAUSE_CLIENT);
	until(w.done > 0);
	ended(&w, PX_REASON_EVENT);
	ck_assert(px_session_closed(session));
	/* Nothing can come any more. */
	over(session, until_event(3), PX_REASON_EVENT);
	over(session, until_event(UINT64_MAX), PX_REASON_EVENT);
}
END_TEST

START_TEST(test_exact_event)
{
	struct px_session *session = shell_start();
	struct px_wait_until third = until_event(2);
	static struct waiter w;

	third.exact = true;
	wait_for(&w, session, third);
	shell_says(session, "printf a\n", 0, 1);
	shell_says(session, "printf b\n", 0, 1);
	ck_assert_int_eq(w.done, 0);
	shell_says(session, "printf c\n", 0, 1);
	ended(&w, PX_REASON_EVENT);
	over(session, third, PX_REASON_EVENT);
}
END_TEST

/* ---- time ---- */

START_TEST(test_timeout)
{
	struct px_session *session = shell_start();
	struct px_wait_until u = until_match("never");
	static struct waiter w;

	u.timeout_ms = 0;
	over(session, u, PX_REASON_TIMEOUT);
	u.timeout_ms = SOON_MS;
	wait_for(&w, session, u);
	until(w.done > 0);
	ended(&w, PX_REASON_TIMEOUT);
	turn();
	ended(&w, PX_REASON_TIMEOUT);
}
END_TEST

/* What is there already wins over a timeout of no time. */
START_TEST(test_timeout_of_nothing)
{
	struct px_session *session = shell_start();
	struct px_wait_until u;

	shell_says(session, "printf a\n", 0, 1);
	u = from(until_match("a"), 0);
	u.timeout_ms = 0;
	over(session, u, PX_REASON_MATCH);
	u = until_event(0);
	u.timeout_ms = 0;
	over(session, u, PX_REASON_EVENT);
	u = until_event(1);
	u.timeout_ms = 0;
	over(session, u, PX_REASON_TIMEOUT);
}
END_TEST

START_TEST(test_idle)
{
	struct px_session *session = shell_start();
	struct px_wait_until u = none;
	static struct waiter w;

	u.idle_ms = _i == 0 ? SOON_MS : 0;
	u.timeout_ms = NEVER_MS;
	wait_for(&w, session, u);
	until(w.done > 0);
	ended(&w, PX_REASON_IDLE);
}
END_TEST

/* While output goes on the program is not idle. */
START_TEST(test_not_idle)
{
	struct px_session *session = session_start(SPEC(PX_IO_PIPE, "yes"));
	struct px_wait_until u = until_bytes(3000000);
	static struct waiter w;

	u.idle_ms = NEVER_MS;
	wait_for(&w, session, u);
	until(w.done > 0);
	ended(&w, PX_REASON_BYTES);
}
END_TEST

/* ---- together ---- */

START_TEST(test_whichever_comes_first)
{
	struct px_session *session = shell_start();
	struct px_wait_until u = until_match("abc");
	static struct waiter w[4]; /* one of them still waits when the session goes */

	u.bytes = 5;
	u.idle_ms = u.timeout_ms = NEVER_MS;
	wait_for(&w[0], session, u);
	wait_for(&w[1], session, until_bytes(2));
	wait_for(&w[2], session, none);
	wait_for(&w[3], session, u);
	shell_says(session, "printf abc\n", 0, 3);
	ended(&w[0], PX_REASON_MATCH);
	ended(&w[1], PX_REASON_BYTES);
	ended(&w[3], PX_REASON_MATCH);
	ck_assert_int_eq(w[2].done, 0);
	wait_for(&w[0], session, u);
	shell_says(session, "printf 12345\n", 0, 5);
	ended(&w[0], PX_REASON_BYTES);
	u.idle_ms = SOON_MS;
	wait_for(&w[0], session, u);
	until(w[0].done > 0);
	ended(&w[0], PX_REASON_IDLE);
	/* A match is the better answer when both are met by one chunk. */
	u.bytes = 1;
	u.idle_ms = NEVER_MS;
	wait_for(&w[0], session, u);
	shell_says(session, "printf abc\n", 0, 3);
	ended(&w[0], PX_REASON_MATCH);
}
END_TEST

START_TEST(test_gone)
{
	struct px_session *session = shell_start();
	struct px_wait_until timed = until_event(0);
	static struct waiter w, event;

	timed.timeout_ms = timed.idle_ms = NEVER_MS;
	wait_for(&w, session, none);
	wait_for(&event, session, timed);
	core_teardown();
	ended(&w, PX_REASON_GONE);
	ended(&event, PX_REASON_GONE);
	setup();
}
END_TEST

START_TEST(test_cancel)
{
	struct px_session *session = shell_start();
	struct px_wait_until u = until_match("a");
	static struct waiter w[3];

	u.timeout_ms = u.idle_ms = SOON_MS;
	for (size_t i = 0; i < 3; i++)
		wait_for(&w[i], session, i == 1 ? until_match("a") : u);
	px_wait_cancel(w[0].wait);
	px_wait_cancel(w[2].wait);
	shell_says(session, "printf a\n", 0, 1);
	ended(&w[1], PX_REASON_MATCH);
	ck_assert_int_eq(w[0].done + w[2].done, 0);
}
END_TEST

static struct px_session *again_session;

/* Waits again for the same, out of the callback. */
static void
on_done_again(void *arg, enum px_reason reason)
{
	const struct px_wait_until u = until_bytes(1);
	struct waiter *w = arg;
	enum px_reason now;

	w->done++;
	if (reason == PX_REASON_BYTES)
		w->wait = px_wait_new(again_session, &u, on_done_again, w, &now);
}

START_TEST(test_wait_again_from_the_callback)
{
	struct px_session *session = again_session = shell_start();
	const struct px_wait_until u = until_bytes(1);
	static struct waiter w = { 0 };
	enum px_reason reason;

	w.wait = px_wait_new(session, &u, on_done_again, &w, &reason);
	shell_says(session, "printf a\n", 0, 1);
	ck_assert_int_eq(w.done, 1);
	shell_says(session, "printf abc\n", 0, 3);
	ck_assert_int_eq(w.done, 2);
	shell_do(session, "exit\n");
	until(w.done == 3);
}
END_TEST

static Suite *
wait_suite(void)
{
	Suite *s = suite_create("wait");
	TCase *tc = tcase_create("wait"), *small = tcase_create("small");

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, core_teardown);
	tcase_add_test(tc, test_exit);
	tcase_add_test(tc, test_match);
	tcase_add_test(tc, test_match_in_the_past);
	tcase_add_test(tc, test_match_does_not_join_streams);
	tcase_add_test(tc, test_many_matches);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_bytes_from_a_place);
	tcase_add_test(tc, test_event);
	tcase_add_test(tc, test_exact_event);
	tcase_add_test(tc, test_timeout);
	tcase_add_test(tc, test_timeout_of_nothing);
	tcase_add_loop_test(tc, test_idle, 0, 2);
	tcase_add_test(tc, test_not_idle);
	tcase_add_test(tc, test_whichever_comes_first);
	tcase_add_test(tc, test_gone);
	tcase_add_test(tc, test_cancel);
	tcase_add_test(tc, test_wait_again_from_the_callback);
	suite_add_tcase(s, tc);

	tcase_set_timeout(small, 20);
	tcase_add_checked_fixture(small, setup_small, core_teardown);
	tcase_add_test(small, test_match_does_not_join_over_a_hole);
	tcase_add_test(small, test_match_beside_a_hole);
	tcase_add_test(small, test_bytes_over_a_hole);
	suite_add_tcase(s, small);
	return s;
}

int
main(void)
{
	return run_suite(wait_suite());
}

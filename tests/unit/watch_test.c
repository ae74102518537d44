#include "session/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"
#include "watch_reader.h"

enum { SMALL = 4096 };

static void
setup(void)
{
	core_setup((struct px_core_options){ 0 });
}

static void
setup_small(void)
{
	core_setup((struct px_core_options){ .retained_bytes = SMALL });
}

/* "a" and "b", then "x" to stderr, then the end: seven events in all. */
static struct px_session *
five_events(void)
{
	struct px_session *session = shell_start();

	shell_says(session, "printf a\n", 0, 1);
	shell_says(session, "printf x >&2\n", 1, 1);
	shell_says(session, "printf bb\n", 0, 2);
	return session;
}

static const char *const events[] = { "o1:a ", "e2:x ", "o3:bb ", "x4 ", "c5 " };

/* The events after the first 'n'. */
static const char *
events_after(size_t n)
{
	static char text[64];
	size_t len = 0;

	text[0] = '\0';
	for (; n < 5; n++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s", events[n]);
	return text;
}

/* ---- order and replay ---- */

START_TEST(test_live)
{
	struct px_session *session = shell_start();
	static struct reader r;

	reader_add(&r, session, 0, 0);
	px_watch_pump(r.watch);
	told(&r, "");
	shell_says(session, "printf a\n", 0, 1);
	told(&r, "o1:a ");
	shell_says(session, "printf x >&2\n", 1, 1);
	shell_says(session, "printf bb\n", 0, 2);
	shell_do(session, "exit 3\n");
	until(r.closed);
	told(&r, "o1:a e2:x o3:bb x4 c5 ");
	ck_assert_uint_eq(px_session_subscribers(session), 1);
	ck_assert_int_eq(px_session_release(session, NULL), 0);
	told(&r, "o1:a e2:x o3:bb x4 c5 g");
}
END_TEST

/* From each place, subscribed while it runs or when all is over. */
START_TEST(test_replay_from_every_place)
{
	struct px_session *session = five_events();
	uint64_t after = (uint64_t)_i % 7;
	static struct reader r;

	if (_i >= 7) {
		shell_do(session, "exit\n");
		until(px_session_closed(session));
	}
	reader_add(&r, session, after, 0);
	told(&r, "");
	px_watch_pump(r.watch);
	if (_i < 7) {
		shell_do(session, "exit\n");
		until(r.closed);
	}
	/* While it runs, a place beyond the end is the end, and what comes is not beyond it. */
	told(&r, events_after(_i < 7 && after > 3 ? 3 : after));
}
END_TEST

START_TEST(test_many_readers)
{
	struct px_session *session = shell_start();
	static struct reader r[20];

	for (size_t i = 0; i < 10; i++) {
		reader_add(&r[i], session, 0, 0);
		px_watch_pump(r[i].watch);
	}
	shell_says(session, "printf a\n", 0, 1);
	shell_says(session, "printf x >&2\n", 1, 1);
	for (size_t i = 10; i < 20; i++) {
		reader_add(&r[i], session, i % 2, 0);
		px_watch_pump(r[i].watch);
	}
	shell_says(session, "printf bb\n", 0, 2);
	shell_do(session, "exit\n");
	until(r[0].closed && r[19].closed);
	for (size_t i = 0; i < 20; i++)
		told(&r[i], events_after(i < 10 ? 0 : i % 2));
}
END_TEST

START_TEST(test_seek)
{
	struct px_session *session = five_events();
	static struct reader r;

	reader_add(&r, session, 3, 0);
	px_watch_pump(r.watch);
	shell_do(session, "exit\n");
	until(r.closed);
	told(&r, events_after(3));
	for (uint64_t after = 0; after < 7; after++) {
		struct px_watch *watch = r.watch;

		r = (struct reader){ .room = SIZE_MAX, .watch = watch };
		px_watch_seek(watch, after);
		px_watch_pump(watch);
		told(&r, events_after(after));
	}
}
END_TEST

/* What a descendant writes after the exit stands behind it. */
START_TEST(test_output_after_the_exit)
{
	char fifo[] = "/tmp/watch_test.XXXXXX";
	struct px_session *session;
	static struct reader live, late;
	int fd;

	close(mkstemp(fifo));
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	session = session_start(PUPPET(PX_IO_PIPE, "hold-output", fifo));
	reader_add(&live, session, 0, 0);
	px_watch_pump(live.watch);
	until(live.exited);
	told(&live, "x1 ");
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	close(fd);
	until(live.closed);
	told(&live, "x1 o2:late\n c3 ");
	for (uint64_t after = 0; after < 4; after++) {
		static const char *const rest[] = { "x1 o2:late\n c3 ", "o2:late\n c3 ", "c3 ",
			"" };

		reader_add(&late, session, after, 0);
		px_watch_pump(late.watch);
		told(&late, rest[after]);
		px_watch_free(late.watch);
	}
	unlink(fifo);
}
END_TEST

/* ---- room ---- */

START_TEST(test_no_room_keeps_everything)
{
	struct px_session *session = five_events();
	static struct reader r;

	reader_add(&r, session, 0, 0);
	r.room = 0;
	px_watch_pump(r.watch);
	shell_do(session, "exit\n");
	until(!px_proc_running(px_session_proc(session)));
	turn();
	told(&r, "");
	r.room = 1;
	px_watch_pump(r.watch);
	until(r.closed);
	told(&r, events_after(0));
}
END_TEST

/* Without room there is no reading, so that however little is retained nothing is lost. */
START_TEST(test_lossless_pause)
{
	struct px_session *session = session_start(PUPPET(PX_IO_PIPE, "spew", "2000000"));
	struct px_transcript *transcript = px_session_transcript(session);
	static struct reader r;
	uint64_t total;

	reader_add(&r, session, 0, 0);
	r.quiet = true;
	px_watch_pump(r.watch);
	while (!r.closed) {
		r.room = 0;
		total = px_transcript_total(transcript, 0);
		for (int i = 0; i < 5 && !r.exited; i++)
			turn();
		ck_assert(!px_proc_running(px_session_proc(session)) ||
			  px_transcript_total(transcript, 0) == total);
		r.room = SIZE_MAX;
		px_watch_pump(r.watch);
		if (!r.closed)
			event_base_loop(base, EVLOOP_ONCE);
	}
	ck_assert_uint_eq(r.bytes, 2000000);
	ck_assert_uint_eq(r.lost, 0);
	ck_assert_uint_eq(r.next[0], 2000000);
}
END_TEST

static void
toggle_room(struct reader *r)
{
	r->room = rand() % 2 == 0 ? 0 : SIZE_MAX;
}

/* Skipped and given together are everything, and the child never waits. */
START_TEST(test_lossy_skip_is_exact)
{
	struct px_session *session = session_start(PUPPET(PX_IO_PIPE, "spew", "2000000"));
	static struct reader r;

	srand((unsigned)_i);
	reader_add(&r, session, 0, PX_WATCH_LOSSY);
	r.quiet = true;
	r.on_output = toggle_room;
	r.room = _i == 0 ? 0 : SIZE_MAX;
	if (_i == 0)
		r.on_output = NULL;
	px_watch_pump(r.watch);
	while (!r.closed) {
		event_base_loop(base, EVLOOP_ONCE);
		if (_i > 0 && r.room == 0 && rand() % 3 == 0) {
			r.room = SIZE_MAX;
			px_watch_pump(r.watch);
		}
	}
	ck_assert_uint_eq(r.bytes + r.skipped, 2000000);
	ck_assert_uint_eq(r.lost, 0);
	if (_i == 0)
		ck_assert_uint_eq(r.bytes, 0);
}
END_TEST

/* Numbers go on at 'nextSeq', be it an output or the end. */
START_TEST(test_lagged_numbers)
{
	struct px_session *session = shell_start();
	static struct reader r;

	reader_add(&r, session, 0, PX_WATCH_LOSSY);
	px_watch_pump(r.watch);
	shell_says(session, "printf a\n", 0, 1);
	r.room = 0;
	shell_says(session, "printf bbb\n", 0, 3);
	shell_says(session, "printf cc >&2\n", 1, 2);
	r.room = 1;
	shell_says(session, "printf d\n", 0, 1);
	told(&r, "o1:a l5@4 o4:d ");
	r.room = 0;
	shell_says(session, "printf e\n", 0, 1);
	shell_do(session, "exit\n");
	until(r.closed);
	told(&r, "o1:a l5@4 o4:d l1@6 x6 c7 ");
}
END_TEST

START_TEST(test_lossy_replay_without_room)
{
	struct px_session *session = five_events();
	static struct reader r;

	shell_do(session, "exit\n");
	until(px_session_closed(session));
	reader_add(&r, session, 1, PX_WATCH_LOSSY);
	r.room = 0;
	px_watch_pump(r.watch);
	told(&r, "l3@4 x4 c5 ");
}
END_TEST

/* A slow reader and a fast one: the slow one decides when it may lose nothing. */
START_TEST(test_slowest_reader_decides)
{
	struct px_session *session = shell_start();
	static struct reader slow, fast;

	reader_add(&fast, session, 0, 0);
	reader_add(&slow, session, 0, _i == 0 ? 0 : PX_WATCH_LOSSY);
	px_watch_pump(fast.watch);
	px_watch_pump(slow.watch);
	slow.room = 0;
	shell_do(session, "printf a; kill -STOP $$\n");
	if (_i == 0) {
		waitid(P_PID, (id_t)px_proc_pid(px_session_proc(session)), &(siginfo_t){ 0 },
		    WSTOPPED | WNOWAIT);
		turn();
		told(&fast, "");
		px_watch_free(slow.watch); /* lets the child be read again */
	}
	until(fast.bytes > 0);
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	until(fast.closed);
	told(&fast, "o1:a x2 c3 ");
	if (_i == 1)
		told(&slow, "l1@2 x2 c3 ");
}
END_TEST

/* ---- held ---- */

START_TEST(test_held)
{
	struct px_session *session = shell_start();
	static struct reader r;

	reader_add(&r, session, 0, PX_WATCH_HELD);
	px_watch_pump(r.watch);
	shell_says(session, "printf a\n", 0, 1);
	shell_says(session, "printf x >&2\n", 1, 1);
	shell_says(session, "printf bb\n", 0, 2);
	shell_do(session, "exit\n");
	until(px_session_closed(session));
	px_watch_pump(r.watch);
	told(&r, "");
	px_watch_release(r.watch);
	told(&r, "");
	px_watch_pump(r.watch);
	told(&r, events_after(0));
}
END_TEST

/* The child runs on until the transcript would drop what the watch has not had, be it lossy or not.
 */
START_TEST(test_held_loses_nothing)
{
	struct px_session *session = session_start(PUPPET(PX_IO_PIPE, "spew", "100000"));
	struct px_transcript *transcript = px_session_transcript(session);
	static struct reader r;

	reader_add(&r, session, 0, PX_WATCH_HELD | (_i == 1 ? PX_WATCH_LOSSY : 0));
	r.quiet = true;
	until(px_transcript_total(transcript, 0) == SMALL);
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert_uint_eq(px_transcript_total(transcript, 0), SMALL);
	ck_assert_uint_eq(px_watch_lost(r.watch), 0);
	px_watch_release(r.watch);
	px_watch_pump(r.watch);
	until(r.closed);
	ck_assert_uint_eq(r.bytes, 100000);
	ck_assert_uint_eq(r.lost + r.skipped, 0);
}
END_TEST

static void
on_full_release(void *arg)
{
	struct reader *r = arg;

	ck_assert(px_watch_is_full(r->watch));
	px_watch_release(r->watch);
	px_watch_pump(r->watch);
}

static const struct px_watch_ops unheld_ops = { on_room, on_output, on_exited, on_closed, on_failed,
	on_lagged, on_gone, on_full_release };

/* Who ends the hold when the transcript is full has everything, and the child never waits. */
START_TEST(test_held_until_full)
{
	struct px_session *session = session_start(PUPPET(PX_IO_PIPE, "spew", "100000"));
	static struct reader r;

	r = (struct reader){ .room = SIZE_MAX, .quiet = true };
	r.watch = px_watch_new(session, 0, PX_WATCH_HELD, &unheld_ops, &r);
	ck_assert(!px_watch_is_full(r.watch));
	until(r.closed);
	ck_assert_uint_eq(r.bytes, 100000);
	ck_assert_uint_eq(r.lost + r.skipped, 0);
}
END_TEST

/* ---- what is missing ---- */

START_TEST(test_lost)
{
	struct px_session *session = session_start(PUPPET(PX_IO_PIPE, "spew", "100000"));
	static struct reader r;

	until(px_session_closed(session));
	reader_add(&r, session, 0, 0);
	r.quiet = true;
	ck_assert_uint_eq(px_watch_lost(r.watch), 100000 - SMALL);
	ck_assert_uint_eq(px_watch_lost(r.watch), 100000 - SMALL);
	px_watch_pump(r.watch);
	ck_assert_uint_eq(r.bytes, SMALL);
	ck_assert_uint_eq(r.lost, 100000 - SMALL);
	ck_assert(r.closed);
	ck_assert_uint_eq(px_watch_lost(r.watch), 0);
}
END_TEST

/* ---- leaving ---- */

START_TEST(test_freed_in_the_middle)
{
	struct px_session *session = shell_start();
	static struct reader r[3];

	for (size_t i = 0; i < 3; i++) {
		reader_add(&r[i], session, 0, 0);
		px_watch_pump(r[i].watch);
	}
	shell_says(session, "printf a\n", 0, 1);
	px_watch_free(r[1].watch);
	px_watch_free(NULL);
	shell_says(session, "printf b\n", 0, 1);
	px_watch_free(r[0].watch);
	shell_do(session, "exit\n");
	until(r[2].closed);
	told(&r[0], "o1:a o2:b ");
	told(&r[1], "o1:a ");
	told(&r[2], "o1:a o2:b x3 c4 ");
	ck_assert_uint_eq(px_session_subscribers(session), 1);
}
END_TEST

/* The session is freed under a reader that has not had everything. */
START_TEST(test_gone)
{
	struct px_session *session = five_events();
	static struct reader ready, paused, held;

	reader_add(&ready, session, 3, 0);
	reader_add(&paused, session, 0, 0);
	reader_add(&held, session, 0, PX_WATCH_HELD);
	paused.room = 0;
	px_watch_pump(ready.watch);
	px_watch_pump(paused.watch);
	core_teardown();
	told(&ready, "g");
	told(&paused, "g");
	told(&held, "g");
	setup();
}
END_TEST

static void
on_exited_forget(void *arg, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	on_exited(arg, session, seq, exit);
	px_session_forget(session);
}

static const struct px_watch_ops forgetting_ops = { on_room, on_output, on_exited_forget, on_closed,
	on_failed, on_lagged, on_gone, NULL };

/* Forgotten at its exit, out of the callback that tells it: nothing comes any more, and it goes by
 * itself. */
START_TEST(test_forget_at_the_exit)
{
	struct px_session *session = shell_start();
	struct px_core_counts counts;
	static struct reader first, r, last;
	char id[64];

	snprintf(id, sizeof id, "%s", px_session_id(session));
	reader_add(&first, session, 0, 0);
	reader_add(&r, session, 0, 0);
	px_watch_free(r.watch);
	r.watch = px_watch_new(session, 0, 0, &forgetting_ops, &r);
	reader_add(&last, session, 0, 0);
	px_watch_pump(first.watch);
	px_watch_pump(r.watch);
	px_watch_pump(last.watch);
	shell_do(session, "printf a; exit\n");
	until(r.exited);
	ck_assert_ptr_null(px_workspace_find(ws, id, strlen(id)));
	until(first.gone && r.gone && last.gone);
	ck_assert(!r.closed);
	px_core_counts(core, &counts);
	ck_assert_uint_eq(counts.sessions, 0);
	ck_assert_uint_eq(counts.running, 0);
	ck_assert_ptr_null(px_workspace_next(ws, NULL));
	turn();
}
END_TEST

static Suite *
watch_suite(void)
{
	Suite *s = suite_create("watch");
	TCase *tc = tcase_create("watch"), *small = tcase_create("small");

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, core_teardown);
	tcase_add_test(tc, test_live);
	tcase_add_loop_test(tc, test_replay_from_every_place, 0, 14);
	tcase_add_test(tc, test_many_readers);
	tcase_add_test(tc, test_seek);
	tcase_add_test(tc, test_output_after_the_exit);
	tcase_add_test(tc, test_no_room_keeps_everything);
	tcase_add_test(tc, test_lagged_numbers);
	tcase_add_test(tc, test_lossy_replay_without_room);
	tcase_add_loop_test(tc, test_slowest_reader_decides, 0, 2);
	tcase_add_test(tc, test_held);
	tcase_add_test(tc, test_freed_in_the_middle);
	tcase_add_test(tc, test_gone);
	tcase_add_test(tc, test_forget_at_the_exit);
	suite_add_tcase(s, tc);

	tcase_set_timeout(small, 20);
	tcase_add_checked_fixture(small, setup_small, core_teardown);
	tcase_add_test(small, test_lossless_pause);
	tcase_add_loop_test(small, test_lossy_skip_is_exact, 0, 6);
	tcase_add_loop_test(small, test_held_loses_nothing, 0, 2);
	tcase_add_test(small, test_held_until_full);
	tcase_add_test(small, test_lost);
	suite_add_tcase(s, small);
	return s;
}

int
main(void)
{
	return run_suite(watch_suite());
}

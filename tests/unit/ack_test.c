#include "session/park.h"
#include "session/watch.h"

#include <stdlib.h>

#include "cases.h"
#include "session/state.h"
#include "watch_reader.h"

enum { SMALL = 4096, TAIL_SHARE = 8, FLOOD = 300000, SOON_MS = 1 };

/* What is told is checked by the reader: offsets that only rise. Here they must not have a hole
 * either. */
static void
reader_follow(struct reader *r, struct px_session *session, uint64_t after)
{
	uint64_t bytes = r->bytes, next[PX_STREAMS_MAX];

	memcpy(next, r->next, sizeof next);
	reader_add(r, session, after, PX_WATCH_ACKNOWLEDGES);
	memcpy(r->next, next, sizeof next);
	r->bytes = bytes;
	r->quiet = true;
	r->last_seq = after;
	ck_assert_uint_eq(px_watch_lost(r->watch), 0);
	px_watch_pump(r->watch);
}

static void
whole(const struct reader *r, uint64_t bytes)
{
	ck_assert_uint_eq(r->lost, 0);
	ck_assert_uint_eq(r->bytes, bytes);
	ck_assert_uint_eq(r->next[0] + r->next[1], bytes);
}

/* Until the child is paused: some watch leaves no room for another read. */
static void
until_paused(struct px_session *session)
{
	struct px_watch *watch;

	for (;;) {
		TAILQ_FOREACH (watch, &session->watches, link)
			if (px_watch_room(watch) == 0)
				return;
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static struct px_session *
flood_start(size_t chunk_max, const char *argv2)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "spew", argv2);

	spec.chunk_max = chunk_max;
	return session_start(spec);
}

static void
setup(void)
{
	core_setup((struct px_core_options){ .retained_bytes = SMALL });
}

static void
setup_default(void)
{
	core_setup((struct px_core_options){ .retained_bytes = 1 << 20 });
}

static void
setup_soon(void)
{
	core_setup((struct px_core_options){ .retained_bytes = SMALL, .detach_ttl_ms = SOON_MS });
}

/* ---- acknowledging ---- */

/* Nothing that is not acknowledged is dropped, and each acknowledgement lets the child go on. */
START_TEST(test_child_waits)
{
	struct px_session *session = flood_start(0, "300000");
	static struct reader r;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	until_paused(session);
	ck_assert_uint_eq(r.bytes, SMALL - SMALL / TAIL_SHARE);
	while (!r.closed) {
		uint64_t bytes = r.bytes;

		ck_assert(px_watch_ack(r.watch, r.last_seq));
		until(r.bytes > bytes || r.closed);
		ck_assert_uint_le(r.bytes - bytes, SMALL);
	}
	whole(&r, FLOOD);
}
END_TEST

/*
 * A reader that acknowledges as late as it may never waits for a child that
 * waits for it: whatever is kept and however small the chunks are.
 */
static const struct {
	size_t retained, chunk_max;
	const char *bytes;
} latest[] = { { 2, 0, "2000" }, { 9, 1, "2000" }, { SMALL, 0, "300000" }, { SMALL, 1, "20000" },
	{ 65536, 0, "3000000" }, { 65536, 1, "70000" }, { 65536, 700, "3000000" },
	{ 1 << 20, 0, "9000000" } };

START_TEST(test_latest_acknowledgement)
{
	size_t most = px_watch_ack_bytes(latest[_i].retained), outputs = 0;
	struct px_session *session;
	uint64_t acked = 0, seen = 0;
	static struct reader r;

	core_setup((struct px_core_options){ .retained_bytes = latest[_i].retained });
	session = flood_start(latest[_i].chunk_max, latest[_i].bytes);
	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	while (!r.closed) {
		event_base_loop(base, EVLOOP_ONCE);
		outputs += r.last_seq - seen;
		seen = r.last_seq;
		if (r.bytes - acked < most && outputs < PX_WATCH_ACK_OUTPUTS)
			continue;
		ck_assert(px_watch_ack(r.watch, r.last_seq));
		acked = r.bytes;
		outputs = 0;
	}
	whole(&r, strtoull(latest[_i].bytes, NULL, 10));
	core_teardown();
}
END_TEST

/* The same, from the other end: a child that waits has left enough to be acknowledged. */
START_TEST(test_paused_by_chunks)
{
	struct px_session *session = flood_start(1, "300000");
	static struct reader r;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	until_paused(session);
	ck_assert_uint_lt(r.bytes, SMALL / 2);
	ck_assert_uint_ge(r.last_seq, 2 * PX_WATCH_ACK_OUTPUTS);
	ck_assert(px_watch_ack(r.watch, 700));
	until_paused(session);
	ck_assert(px_watch_ack(r.watch, r.last_seq));
	until_paused(session);
	/* The chunk that led to the acknowledged place may be forgotten, the place is not. */
	ck_assert_uint_eq(px_watch_lost(r.watch), 0);
	ck_assert_uint_eq(r.bytes, r.last_seq);
}
END_TEST

START_TEST(test_refused)
{
	struct px_session *session = shell_start();
	static struct reader r, other;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	reader_add(&other, session, 0, 0);
	px_watch_pump(other.watch);
	shell_says(session, "printf a\n", 0, 1);
	shell_says(session, "printf b\n", 0, 1);
	shell_says(session, "printf c\n", 0, 1);
	ck_assert(!px_watch_ack(other.watch, 1));
	ck_assert(!px_watch_ack(r.watch, 4));
	ck_assert(!px_watch_ack(r.watch, UINT64_MAX));
	ck_assert(px_watch_ack(r.watch, 2));
	ck_assert(px_watch_ack(r.watch, 2));
	ck_assert(!px_watch_ack(r.watch, 1));
	ck_assert(px_watch_ack(r.watch, 3));
	shell_do(session, "exit\n");
	until(r.closed);
	ck_assert(!px_watch_ack(r.watch, 6));
	ck_assert(px_watch_ack(r.watch, 5));
}
END_TEST

/* ---- parked ---- */

/* Cut again and again, with more or less of it acknowledged, the reader gets each byte once. */
START_TEST(test_comes_back)
{
	struct px_session *session = flood_start(_i % 2 == 0 ? 0 : 100, "300000");
	static struct reader r;

	srandom((unsigned)_i);
	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	while (!r.closed) {
		for (long n = random() % 8; n > 0; n--)
			turn();
		if (random() % 3 > 0)
			px_watch_ack(r.watch, r.last_seq - (uint64_t)random() % (r.last_seq + 1));
		if (!r.closed && random() % 2 > 0) {
			px_watch_park(r.watch);
			ck_assert_uint_eq(px_session_subscribers(session), 0);
			for (long n = random() % 8; n > 0; n--)
				turn();
			reader_follow(&r, session, r.last_seq);
			px_watch_ack(r.watch, r.last_seq);
		}
	}
	whole(&r, FLOOD);
}
END_TEST

/* Of two that are gone the lower place holds; one that watches anew ends it. */
START_TEST(test_lower_place)
{
	struct px_session *session = flood_start(0, "300000");
	static struct reader low, high, last;
	bool first = _i == 0;

	low = high = (struct reader){ 0 };
	reader_follow(&low, session, 0);
	reader_follow(&high, session, 0);
	until_paused(session);
	ck_assert(px_watch_ack(high.watch, high.last_seq));
	px_watch_park(first ? low.watch : high.watch);
	px_watch_park(first ? high.watch : low.watch);
	until_paused(session);
	ck_assert_uint_eq(px_transcript_total(px_session_transcript(session), 0), low.bytes);
	reader_add(&last, session, high.last_seq, 0);
	last.quiet = true;
	px_watch_pump(last.watch);
	until(last.closed);
	ck_assert_uint_eq(last.bytes, FLOOD - high.bytes);
}
END_TEST

/* Nobody comes: by hand, or by time. */
START_TEST(test_nobody_comes)
{
	struct px_session *session = flood_start(0, "300000");
	static struct reader r;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	until_paused(session);
	px_watch_park(r.watch);
	until_paused(session);
	ck_assert_uint_eq(px_transcript_total(px_session_transcript(session), 0), r.bytes);
	px_session_unpark(session);
	px_session_unpark(session);
	until(px_session_closed(session));
	ck_assert_uint_eq(px_transcript_total(px_session_transcript(session), 0), FLOOD);
}
END_TEST

START_TEST(test_time_passes)
{
	struct px_session *session = flood_start(0, "300000");
	static struct reader r;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	until_paused(session);
	px_watch_park(r.watch);
	until(px_session_closed(session));
	ck_assert_uint_eq(px_transcript_total(px_session_transcript(session), 0), FLOOD);
}
END_TEST

/* What does not acknowledge, or has no more to come, leaves nothing behind. */
START_TEST(test_not_parked)
{
	struct px_session *session = flood_start(0, "300000"), *over;
	static struct reader r;

	reader_add(&r, session, 0, 0);
	r.room = 0;
	px_watch_pump(r.watch);
	until_paused(session);
	px_watch_park(r.watch);
	until(px_session_closed(session));
	over = session_start(SPEC(PX_IO_PIPE, "echo", "x"));
	r = (struct reader){ 0 };
	reader_follow(&r, over, 0);
	until(r.closed);
	px_watch_park(r.watch);
	ck_assert_int_eq(px_session_release(over, NULL), 0);
}
END_TEST

/* ---- ends ---- */

/* A program that is ended while its output is held back ends at once, and what it left is kept. */
START_TEST(test_exit_while_parked)
{
	struct px_session *session =
	    session_start(PUPPET(_i == 0 ? PX_IO_PIPE : PX_IO_PTY, "spew", "9000000"));
	static struct reader r;
	uint64_t total;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	px_watch_park(r.watch);
	until_paused(session);
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	until(px_session_closed(session));
	total = px_transcript_total(px_session_transcript(session), 0);
	ck_assert_uint_lt(total, 1 << 20);
	reader_follow(&r, session, r.last_seq);
	ck_assert(r.exited && r.closed);
	whole(&r, total);
}
END_TEST

/*
 * Where less is kept than a pipe holds, the exit waits behind the output for its
 * reader. Everything that was kept free is used then, so that the chunk that led
 * to the acknowledged place is forgotten; the place is not.
 */
START_TEST(test_exit_behind_output)
{
	struct px_session *session = flood_start(0, "300000");
	static struct reader r;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	for (int i = 0; i < 3; i++) {
		until_paused(session);
		ck_assert(px_watch_ack(r.watch, r.last_seq));
	}
	px_watch_park(r.watch);
	until_paused(session);
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	until(!px_proc_running(px_session_proc(session)));
	until_paused(session);
	ck_assert(px_session_running(session));
	if (_i == 0) {
		px_session_unpark(session);
		until(px_session_closed(session));
		return;
	}
	reader_follow(&r, session, r.last_seq);
	while (!r.closed) {
		px_watch_ack(r.watch, r.last_seq);
		turn();
	}
	whole(&r, px_transcript_total(px_session_transcript(session), 0));
}
END_TEST

/* The end of the server, of the workspace, of all at once: what is parked holds up none of them. */
START_TEST(test_ends)
{
	struct px_session *session = flood_start(0, "300000");
	struct px_core_counts counts;
	static struct reader r;

	r = (struct reader){ 0 };
	reader_follow(&r, session, 0);
	until_paused(session);
	px_watch_park(r.watch);
	if (_i == 1) {
		px_core_stop(core);
		until(px_core_idle(core) && px_session_closed(session));
		ck_assert(px_core_told(core));
	} else if (_i == 2) {
		px_workspace_leave(&member);
		do {
			event_base_loop(base, EVLOOP_ONCE);
			px_core_counts(core, &counts);
		} while (counts.workspaces > 0);
	}
}
END_TEST

static void
case_add(Suite *s, const char *name, void (*begin)(void), const TTest *const *tests, int loops)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 30);
	if (begin != NULL)
		tcase_add_checked_fixture(tc, begin, core_teardown);
	for (; *tests != NULL; tests++)
		tcase_add_loop_test(tc, *tests, 0, loops);
	suite_add_tcase(s, tc);
}

static Suite *
ack_suite(void)
{
	Suite *s = suite_create("ack");

	case_add(s, "small", setup,
	    (const TTest *const[]){ test_child_waits, test_paused_by_chunks, test_refused,
		test_nobody_comes, test_not_parked, NULL },
	    1);
	case_add(s, "small, two ways", setup,
	    (const TTest *const[]){ test_lower_place, test_exit_behind_output, NULL }, 2);
	case_add(s, "small, many", setup, (const TTest *const[]){ test_comes_back, NULL }, 10);
	case_add(
	    s, "default", setup_default, (const TTest *const[]){ test_exit_while_parked, NULL }, 2);
	case_add(s, "soon", setup_soon, (const TTest *const[]){ test_time_passes, NULL }, 1);
	case_add(s, "ends", setup_soon, (const TTest *const[]){ test_ends, NULL }, 3);
	case_add(s, "latest", NULL, (const TTest *const[]){ test_latest_acknowledgement, NULL },
	    (int)(sizeof latest / sizeof latest[0]));
	return s;
}

int
main(void)
{
	return run_suite(ack_suite());
}

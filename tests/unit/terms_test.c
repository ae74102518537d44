#include "session/park.h"
#include "session/workspace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "session/state.h"
#include "watch_reader.h"

/* Workspaces of clients that come back and read what they missed. */

enum { KEPT = 65536, SOON_MS = 1 };

static const struct px_terms terms = {
	.taken_over = true, .newest_bytes = KEPT, .kept_from_close = true
};

static struct px_member client, returned;
static int takes;

static void
member_taken(void *arg)
{
	takes++;
	px_workspace_leave(arg);
}

static void
join(struct px_member *who)
{
	*who = (struct px_member){ .taken = member_taken, .arg = who };
	ws = px_workspace_join_new(core, &terms, who);
}

static int
resume(struct px_member *who, const char *token, const struct px_terms *under)
{
	*who = (struct px_member){ .taken = member_taken, .arg = who };
	return px_workspace_resume(core, under, token, strlen(token), who, NULL);
}

static void
setup(void)
{
	takes = 0;
	core_setup((struct px_core_options){ 0 });
	px_workspace_leave(&member);
	join(&client);
}

static void
setup_soon(void)
{
	takes = 0;
	core_setup((struct px_core_options){ .detach_ttl_ms = SOON_MS });
	px_workspace_leave(&member);
	join(&client);
}

START_TEST(test_taken_over)
{
	const char *token = px_workspace_token(ws);

	ck_assert_int_eq(resume(&returned, token, &terms), 0);
	ck_assert_int_eq(takes, 1);
	ck_assert_ptr_null(client.workspace);
	ck_assert_ptr_eq(returned.workspace, ws);
	ck_assert_int_eq(resume(&client, token, &terms), 0);
	ck_assert_int_eq(takes, 2);
	px_workspace_leave(&client);
	ck_assert_int_eq(resume(&returned, token, &terms), 0);
	ck_assert_int_eq(takes, 2);
}
END_TEST

/* Who was given other terms does not find it, whatever they say. */
START_TEST(test_other_terms)
{
	struct px_terms same = terms;

	ck_assert_int_eq(resume(&returned, px_workspace_token(ws), &px_terms_lasting), -1);
	ck_assert_int_eq(resume(&returned, px_workspace_token(ws), &same), -1);
	ck_assert_ptr_null(returned.workspace);
}
END_TEST

static struct px_session *
small_shell(void)
{
	struct px_spec spec =
	    SPEC(PX_IO_PIPE, "bash", "-c", "while read -r c; do eval \"$c\"; done");

	spec.chunk_max = 8;
	return session_start(spec);
}

/* What is written while nobody watches is joined, but never to what somebody may have seen. */
START_TEST(test_joined)
{
	struct px_session *session = small_shell();
	struct px_transcript *t = px_session_transcript(session);
	static struct reader r;

	r = (struct reader){ 0 };
	reader_add(&r, session, 0, PX_WATCH_REPLAYS);
	px_watch_pump(r.watch);
	shell_says(session, "printf ab\n", 0, 2);
	shell_says(session, "printf cd\n", 0, 2);
	ck_assert_uint_eq(px_transcript_next_seq(t), 3);
	px_watch_park(r.watch);
	for (int i = 0; i < 4; i++)
		shell_says(session, "printf xyz\n", 0, 3); /* two go into 8 bytes */
	ck_assert_uint_eq(px_transcript_next_seq(t), 5);
	shell_says(session, "printf e >&2\n", 1, 1);
	shell_says(session, "printf f\n", 0, 1);
	ck_assert_uint_eq(px_transcript_next_seq(t), 7);
	r = (struct reader){ 0 };
	reader_add(&r, session, UINT64_MAX, PX_WATCH_REPLAYS);
	shell_says(session, "printf g\n", 0, 1);
	ck_assert_uint_eq(px_transcript_next_seq(t), 8);
}
END_TEST

/* A program without a reader stops in time; it goes on when the reader has read, not before. */
START_TEST(test_held_back)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "sh", "-c", "cat /dev/zero");
	struct px_session *session;
	struct px_transcript *t;
	static struct reader r;
	uint64_t parked, total;

	spec.chunk_max = 1024;
	session = session_start(spec);
	t = px_session_transcript(session);
	r = (struct reader){ .quiet = true };
	reader_add(&r, session, 0, PX_WATCH_REPLAYS);
	px_watch_pump(r.watch);
	until(r.bytes > 4 * KEPT);
	px_watch_park(r.watch);
	parked = px_transcript_total(t, 0);
	until(px_watch_room(session->parked) == 0);
	total = px_transcript_total(t, 0);
	ck_assert_uint_gt(total, parked);
	ck_assert_uint_le(total, parked + KEPT / 4);
	ck_assert_uint_le(session->parked->acked.offset[0] + KEPT - KEPT / 4, parked + 1024);
	r = (struct reader){ .quiet = true };
	reader_add(&r, session, UINT64_MAX, PX_WATCH_REPLAYS);
	px_watch_pump(r.watch);
	turn();
	ck_assert_uint_eq(px_transcript_total(t, 0), total);
	px_session_unpark(session);
	until(px_transcript_total(t, 0) > total + KEPT);
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	until(px_session_closed(session));
}
END_TEST

/* A flood with a reader of which it is known what it has read. */
static struct px_session *
known_flood(struct reader *r)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "sh", "-c", "cat /dev/zero");
	struct px_session *session;

	spec.chunk_max = 1024;
	session = session_start(spec);
	*r = (struct reader){ .quiet = true };
	reader_add(r, session, 0, PX_WATCH_REPLAYS | PX_WATCH_ACKNOWLEDGES);
	r->quiet = true;
	px_watch_pump(r->watch);
	return session;
}

static void
ends(struct px_session *session)
{
	px_session_unpark(session);
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	until(px_session_closed(session));
}

/* Whoever comes back has all that it is not known to have read, though a piece of it at a time. */
START_TEST(test_known_to_have_read)
{
	static struct reader r, again;
	struct px_session *session = known_flood(&r);
	struct px_transcript *t = px_session_transcript(session);
	struct px_cursor place;
	struct px_chunk chunk;
	uint64_t read, total;

	until(px_watch_room(r.watch) == 0);
	ck_assert_uint_le(px_transcript_total(t, 0), KEPT);
	read = px_watch_given(r.watch) / 2;
	ck_assert(px_watch_ack(r.watch, read));
	until(px_watch_room(r.watch) == 0);
	px_watch_park(r.watch);
	ck_assert(px_session_is_parked(session));
	ck_assert_uint_eq(px_watch_room(session->parked), 0);
	for (int i = 0; i < 3; i++) {
		total = px_transcript_total(t, 0);
		px_transcript_seek(t, read, &place);
		ck_assert_int_eq(px_transcript_read(t, &place, &chunk, NULL), 1);
		ck_assert_uint_eq(chunk.seq, read + 1);
		again = (struct reader){ 0 };
		reader_add(&again, session, UINT64_MAX, PX_WATCH_REPLAYS);
		again.quiet = true;
		px_session_had(session, read); /* that was known */
		ck_assert_uint_eq(px_watch_room(session->parked), 0);
		read += 8;
		px_session_had(session, read);
		until(px_watch_room(session->parked) == 0);
		ck_assert_uint_gt(px_transcript_total(t, 0), total);
		px_watch_park(again.watch);
		ck_assert_uint_eq(session->parked->acked.seq, read);
	}
	again = (struct reader){ 0 };
	reader_add(&again, session, UINT64_MAX, PX_WATCH_REPLAYS);
	px_session_had(session, px_watch_given(again.watch));
	ck_assert(!px_session_is_parked(session));
	ends(session);
}
END_TEST

/* It becomes known what is read, and then it is known no more. */
START_TEST(test_held_and_let_go)
{
	static struct reader r;
	struct px_session *session = known_flood(&r);
	struct px_transcript *t = px_session_transcript(session);

	until(px_watch_room(r.watch) == 0);
	px_watch_let_go(r.watch);
	until(r.bytes > 4 * KEPT);
	px_watch_hold(r.watch, 1); /* long forgotten: what is kept decides */
	ck_assert_uint_gt(r.watch->acked.seq, 1);
	ck_assert_uint_ge(r.watch->acked.offset[0] + KEPT, px_transcript_total(t, 0) + KEPT / 4);
	until(px_watch_room(r.watch) == 0);
	ck_assert(px_watch_ack(r.watch, px_watch_given(r.watch)));
	ck_assert_uint_gt(px_watch_room(r.watch), 0);
	until(px_watch_room(r.watch) == 0);
	px_watch_let_go(r.watch);
	px_watch_hold(r.watch, px_watch_given(r.watch));
	ck_assert_uint_eq(r.watch->acked.seq, px_watch_given(r.watch));
	px_watch_let_go(r.watch);
	ends(session);
}
END_TEST

static void
setup_bounded(void)
{
	takes = 0;
	core_setup((struct px_core_options){ .closed_bytes = 3 * KEPT });
	px_workspace_leave(&member);
	join(&client);
}

/* The number of sessions that are known. */
static int
known(void)
{
	int n = 0;

	for (struct px_session *s = NULL; (s = px_workspace_next(ws, s)) != NULL;)
		n++;
	return n;
}

/* Of those that have closed the oldest go, but for one that was not read whole or is waited for. */
START_TEST(test_closed_are_bounded)
{
	enum { N = 8 };
	static struct reader r[N];
	struct px_session *session[N];

	for (int i = 0; i < N; i++) {
		session[i] = session_start(SPEC(PX_IO_PIPE, "sh", "-c", "head -c 60000 /dev/zero"));
		reader_add(&r[i], session[i], 0, PX_WATCH_REPLAYS | PX_WATCH_ACKNOWLEDGES);
		r[i].quiet = true;
		do {
			px_watch_ack(r[i].watch, px_watch_given(r[i].watch));
			event_base_loop(base, EVLOOP_ONCE);
		} while (!r[i].closed);
	}
	turn();
	ck_assert_int_eq(known(), N); /* the last numbers of each are not acknowledged */
	px_watch_park(r[1].watch);
	for (int i = N - 1; i >= 0; i--)
		if (i != 1)
			ck_assert(px_watch_ack(r[i].watch, px_watch_given(r[i].watch)));
	turn();
	ck_assert(r[0].gone && !r[N - 1].gone);
	ck_assert_int_lt(known(), N / 2 + 1);
	ck_assert_ptr_eq(px_workspace_next(ws, NULL), session[1]);
	reader_add(&r[1], session[1], UINT64_MAX, PX_WATCH_REPLAYS);
	px_session_had(session[1], UINT64_MAX);
	for (int i = 0; i < 4; i++)
		session_start(SPEC(PX_IO_PIPE, "sh", "-c", "head -c 60000 /dev/zero"));
	until(px_workspace_next(ws, NULL) != session[1]);
}
END_TEST

/* So many that have closed, each with a reader who was told nothing. */
static void
closed_untold(struct reader *r, struct px_session **session, int n, unsigned flags)
{
	for (int i = 0; i < n; i++) {
		session[i] = session_start(SPEC(PX_IO_PIPE, "sh", "-c", "head -c 60000 /dev/zero"));
		reader_add(&r[i], session[i], 0, flags);
		r[i].quiet = true;
		r[i].room = 0;
		until(px_session_closed(session[i]));
	}
	turn();
	ck_assert_int_eq(known(), n);
}

/* Too much is given up as soon as nobody waits for it any more, whatever it was that did. */
START_TEST(test_closed_are_given_up)
{
	enum { N = 6, BOUND = 3 };
	static struct reader r[N];
	struct px_session *session[N];

	closed_untold(r, session, N, PX_WATCH_REPLAYS);
	for (int i = 0; i < N; i++) {
		r[i].room = SIZE_MAX;
		px_watch_pump(r[i].watch);
		ck_assert(r[i].closed);
	}
	turn();
	ck_assert_int_le(known(), BOUND);
}
END_TEST

START_TEST(test_closed_are_let_go)
{
	enum { N = 6, BOUND = 3 };
	static struct reader r[N];
	struct px_session *session[N];

	closed_untold(r, session, N, PX_WATCH_REPLAYS | PX_WATCH_ACKNOWLEDGES);
	for (int i = 0; i < N; i++) {
		r[i].room = SIZE_MAX;
		px_watch_pump(r[i].watch);
	}
	turn();
	ck_assert_int_eq(known(), N); /* nothing is acknowledged */
	for (int i = 0; i < N; i++)
		px_watch_let_go(r[i].watch);
	turn();
	ck_assert_int_le(known(), BOUND);
}
END_TEST

/* Known until some time after the close; the exit alone does not begin it. */
START_TEST(test_kept_from_close)
{
	const struct timeval some = { 0, 20000 };
	struct px_session *session = session_start(SPEC(PX_IO_PIPE, "sh", "-c", "sleep 100000 &"));

	until(!px_session_running(session));
	event_base_loopexit(base, &some);
	event_base_dispatch(base);
	ck_assert_ptr_eq(px_workspace_next(ws, NULL), session);
	ck_assert(!px_session_closed(session));
	session_start(SPEC(PX_IO_PIPE, "true"));
	until(px_workspace_next(ws, session) == NULL);
	ck_assert_ptr_eq(px_workspace_next(ws, NULL), session);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("terms");
	TCase *tc = tcase_create("lasting"), *soon = tcase_create("soon"),
	      *bounded = tcase_create("bounded");

	tcase_add_checked_fixture(tc, setup, core_teardown);
	tcase_add_checked_fixture(bounded, setup_bounded, core_teardown);
	tcase_add_checked_fixture(soon, setup_soon, core_teardown);
	tcase_add_test(tc, test_taken_over);
	tcase_add_test(tc, test_other_terms);
	tcase_add_test(tc, test_joined);
	tcase_add_test(tc, test_held_back);
	tcase_add_test(tc, test_known_to_have_read);
	tcase_add_test(tc, test_held_and_let_go);
	tcase_add_test(bounded, test_closed_are_bounded);
	tcase_add_test(bounded, test_closed_are_given_up);
	tcase_add_test(bounded, test_closed_are_let_go);
	tcase_add_test(soon, test_kept_from_close);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, soon);
	suite_add_tcase(suite, bounded);
	return run_suite(suite);
}

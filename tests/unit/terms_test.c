#include "session/workspace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	TCase *tc = tcase_create("lasting"), *soon = tcase_create("soon");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, core_teardown);
	tcase_add_checked_fixture(soon, setup_soon, core_teardown);
	tcase_add_test(tc, test_taken_over);
	tcase_add_test(tc, test_other_terms);
	tcase_add_test(tc, test_joined);
	tcase_add_test(tc, test_held_back);
	tcase_add_test(soon, test_kept_from_close);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, soon);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

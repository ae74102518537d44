#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scene.h"
#include "served_cases.h"

/* Connections that break at chosen moments, and what is found again behind them. */

/* In the named workspace 'name', which a witness shares; the server is shared by all tests. */
static void
scene_open(struct scene *scene, const char *name)
{
	char workspace[64];

	snprintf(workspace, sizeof workspace, "%s-%d", name, (int)getpid());
	scene->talk.options.workspace = scene->witness.options.workspace = workspace;
	scene_connect(scene);
}

/* The witness sees that the program has written so. */
static void
witness_sees(struct scene *s, const char *session, const char *text)
{
	const struct px_until until = { .match = text, .from_seq = true };
	const struct px_answer *answer =
	    talk_answer(&s->witness, px_client_wait(s->w, session, &until, &s->witness.error));

	ck_assert_str_eq(answer->wait.reason, "match");
}

static void
witness_sees_session(struct scene *s, const char *session)
{
	while (px_client_settle(s->w, px_client_inspect(s->w, session, &s->witness.error),
		   rig_ms(TALK_MS), &s->witness.error) == -1)
		ck_assert_str_eq(s->witness.error.kind, "unknownSession");
}

/* ---- requests in doubt ---- */

START_TEST(test_start_in_doubt)
{
	struct talk_command puppet;
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "start");
	lose_answers(&s);
	PUPPET(&puppet, "a", "echo-lines");
	id = talk_sent(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	witness_sees_session(&s, "a");
	cut(&s);
	ck_assert(talk_answer(&s.talk, id)->start.existing);
	talk_hear_text(&s.talk, "a", &s.told, "ready");
	talk_close_stdin(&s.talk, "a");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "ready\n");
	scene_end(&s);
}
END_TEST

/* It never got there. */
START_TEST(test_start_not_sent)
{
	struct talk_command puppet;
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "unsent");
	rig_proxy_hold(s.proxy, RIG_UP, true);
	PUPPET(&puppet, "a", "exit", "4");
	id = talk_sent(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	cut(&s);
	ck_assert(!talk_answer(&s.talk, id)->start.existing);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.end.exit_code, 4);
	scene_end(&s);
}
END_TEST

/* Input is written once, and in order, whether it had arrived or not. */
START_TEST(test_input_in_doubt)
{
	struct scene s;
	int64_t ids[5];

	scene_init(&s, _i);
	scene_open(&s, "input");
	START(&s.talk, "a", "echo");
	lose_answers(&s);
	ids[0] = px_client_write(s.c, "a", "one ", 4, s.err);
	ids[1] = px_client_write(s.c, "a", "two ", 4, s.err);
	witness_sees(&s, "a", "one two ");
	rig_proxy_hold(s.proxy, RIG_UP, true);
	ids[2] = px_client_write(s.c, "a", "three ", 6, s.err);
	ids[3] = px_client_write(s.c, "a", "four", 4, s.err);
	ids[4] = px_client_close_stdin(s.c, "a", s.err);
	cut(&s);
	for (int i = 0; i < 5; i++)
		talk_settle(&s.talk, ids[i]);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "one two three four");
	scene_end(&s);
}
END_TEST

/* On a terminal the end of input is a character: one, not two. */
START_TEST(test_end_of_input_in_doubt)
{
	const struct px_until until = { .match = "eof after 0 bytes", .from_seq = true };
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "eof");
	ck_assert_int_gt(START_PTY(&s.talk, "a", "eof"), 0);
	talk_hear_text(&s.talk, "a", &s.told, "ready");
	lose_answers(&s);
	id = px_client_close_stdin(s.c, "a", s.err);
	talk_settle(&s.witness, px_client_wait(s.w, "a", &until, &s.witness.error));
	cut(&s);
	talk_settle(&s.talk, id);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "ready\r\neof after 0 bytes\r\n");
	scene_end(&s);
}
END_TEST

START_TEST(test_communicate_in_doubt)
{
	const struct px_answer *answer;
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "communicate");
	START(&s.talk, "a", "echo");
	lose_answers(&s);
	id = px_client_communicate(s.c, "a", "once", 4, 0, s.err);
	talk_settle(&s.witness, px_client_wait(s.w, "a", NULL, &s.witness.error));
	cut(&s);
	answer = talk_answer(&s.talk, id);
	ck_assert_int_eq(answer->finish.snapshot.stream[PX_STREAM_STDOUT].total, 4);
	scene_end(&s);
}
END_TEST

START_TEST(test_run_in_doubt)
{
	const struct px_answer *answer;
	struct talk_command puppet;
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "run");
	lose_answers(&s);
	PUPPET(&puppet, "a", "echo");
	id = px_client_run(s.c, &puppet.command, "once", 4, 0, s.err);
	witness_sees_session(&s, "a");
	talk_settle(&s.witness, px_client_wait(s.w, "a", NULL, &s.witness.error));
	cut(&s);
	answer = talk_answer(&s.talk, id);
	ck_assert_str_eq(answer->finish.wait.reason, "exit");
	ck_assert_int_eq(answer->finish.snapshot.stream[PX_STREAM_STDOUT].total, 4);
	scene_end(&s);
}
END_TEST

/* Nobody can tell whether it was delivered, and it is not delivered twice. */
START_TEST(test_signal_in_doubt)
{
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "signal");
	START(&s.talk, "a", "signals");
	talk_hear_text(&s.talk, "a", &s.told, "ready");
	lose_answers(&s);
	id = px_client_signal(s.c, "a", "USR1", s.err);
	witness_sees(&s, "a", "USR1");
	cut(&s);
	talk_fails(&s.talk, id, PX_ERROR_LOST);
	/* One that has not been sent is not in doubt. */
	rig_proxy_refuse(s.proxy, true);
	rig_proxy_cut(s.proxy);
	talk_nothing(&s.talk, "b", PX_ERROR_TIMEOUT);
	id = px_client_signal(s.c, "a", "USR2", s.err);
	rig_proxy_refuse(s.proxy, false);
	ck_assert(talk_answer(&s.talk, id)->signal.delivered);
	talk_hear_text(&s.talk, "a", &s.told, "USR2");
	talk_settle(&s.talk, px_client_terminate(s.c, "a", PX_TERMINATE_FORCE, s.err));
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_ptr_null(strstr(strstr(s.told.text, "USR1") + 1, "USR1"));
	scene_end(&s);
}
END_TEST

START_TEST(test_release_in_doubt)
{
	struct scene s;
	int64_t id;

	scene_init(&s, _i);
	scene_open(&s, "release");
	START(&s.talk, "a", "exit", "0");
	talk_hear(&s.talk, "a", &s.told);
	lose_answers(&s);
	id = px_client_release(s.c, "a", s.err);
	while (px_client_settle(s.w, px_client_inspect(s.w, "a", NULL), TALK_MS, NULL) == 0)
		continue;
	cut(&s);
	talk_settle(&s.talk, id);
	scene_end(&s);
}
END_TEST

/* ---- what goes on ---- */

START_TEST(test_waits_go_on)
{
	const struct px_until match = { .match = "echo:x" }, bytes = { .bytes = 7 };
	const struct px_answer *answer;
	struct scene s;
	int64_t ids[4];

	scene_init(&s, _i);
	scene_open(&s, "waits");
	START(&s.talk, "a", "echo-lines");
	talk_hear_text(&s.talk, "a", &s.told, "ready\n");
	ids[0] = px_client_wait(s.c, "a", &match, s.err);
	ids[1] = px_client_wait(s.c, "a", &bytes, s.err);
	ids[2] = px_client_wait(s.c, "a", NULL, s.err);
	ids[3] = px_client_read(s.c, "a", s.told.seq, 0, TALK_MS, s.err);
	talk_settle(&s.talk, px_client_info(s.c, s.err)); /* they have arrived */

	/* What they wait for comes while nobody is connected. */
	rig_proxy_refuse(s.proxy, true);
	cut(&s);
	talk_settle(&s.witness, px_client_write(s.w, "a", "x\n", 2, NULL));
	witness_sees(&s, "a", "echo:x\n");
	rig_proxy_refuse(s.proxy, false);
	ck_assert_str_eq(talk_answer(&s.talk, ids[0])->wait.reason, "match");
	ck_assert_str_eq(talk_answer(&s.talk, ids[1])->wait.reason, "bytes");
	answer = talk_answer(&s.talk, ids[3]);
	ck_assert_uint_eq(answer->read.nchunks, 1);
	ck_assert_mem_eq(answer->read.chunks[0].data, "echo:x\n", 7);
	talk_close_stdin(&s.talk, "a");
	ck_assert_str_eq(talk_answer(&s.talk, ids[2])->wait.reason, "exit");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "ready\necho:x\n");
	scene_end(&s);
}
END_TEST

/* Without a hole and without a repeat, however often it breaks. */
START_TEST(test_flood_goes_on)
{
	struct scene s;

	scene_init(&s, _i);
	scene_open(&s, "flood");
	s.told.spews = true;
	rig_proxy_cut_randomly(s.proxy, 1, 1000, 3000000);
	rig_proxy_cut(s.proxy);
	START(&s.talk, "a", "spew", "20000000");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.received, 20000000);
	ck_assert_uint_eq(s.told.lags, 0);
	ck_assert(s.told.exited);
	ck_assert_uint_gt(rig_proxy_connections(s.proxy), 5);
	scene_end(&s);
}
END_TEST

/* One way only: the other side is not told, or does not hear any more. */
START_TEST(test_half_closed)
{
	struct scene s;

	scene_init(&s, _i / 2);
	scene_open(&s, "half");
	START(&s.talk, "a", "echo");
	talk_write(&s.talk, "a", "one ");
	rig_proxy_end(s.proxy, _i % 2 == 0 ? RIG_UP : RIG_DOWN);
	talk_write(&s.talk, "a", "two");
	talk_close_stdin(&s.talk, "a");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "one two");
	scene_end(&s);
}
END_TEST

START_TEST(test_stalled)
{
	struct scene s;

	scene_init(&s, _i);
	scene_open(&s, "stalled");
	s.told.spews = true;
	START(&s.talk, "a", "spew", "20000000");
	for (int i = 0; i < 5; i++) {
		told_add(&s.told, talk_next(&s.talk, "a", PX_EVENT_OUTPUT));
		lose_answers(&s);
		/* The program is held up, not cut short. */
		talk_settle(
		    &s.witness, px_client_wait(s.w, "a", &(const struct px_until){ .idle_ms = 20 },
				    &s.witness.error));
		if (i % 2 == 0)
			rig_proxy_cut(s.proxy);
		rig_proxy_hold(s.proxy, RIG_DOWN, false);
	}
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.received, 20000000);
	scene_end(&s);
}
END_TEST

/* In a lossy conversation too, what is missing is told to the byte. */
START_TEST(test_lag_over_a_break)
{
	struct scene s;

	scene_init(&s, _i);
	s.talk.options.slow_consumer = PX_SLOW_LAG;
	s.talk.options.queue_bytes = 10000000;
	scene_open(&s, "lag");
	s.told.spews = true;
	START(&s.talk, "b", "spew", "20000000");
	/* Behind the beginning that is always kept. */
	while (s.told.received + s.told.skipped < 2000000)
		told_add(&s.told, talk_any(&s.talk, "b"));
	rig_proxy_refuse(s.proxy, true);
	rig_proxy_cut(s.proxy);
	talk_settle(&s.witness, px_client_wait(s.w, "b", NULL, &s.witness.error));
	rig_proxy_refuse(s.proxy, false);
	talk_hear(&s.talk, "b", &s.told);
	ck_assert(s.told.exited);
	ck_assert_int_eq(s.told.received + s.told.skipped, 20000000);
	ck_assert_uint_gt(s.told.lags, 0);
	scene_end(&s);
}
END_TEST

/* ---- what does not ---- */

/* Exited and released by somebody else meanwhile: how it ended cannot be told. */
START_TEST(test_session_gone)
{
	struct scene s;

	scene_init(&s, _i);
	scene_open(&s, "gone");
	START(&s.talk, "a", "echo");
	START(&s.talk, "b", "echo");
	rig_proxy_refuse(s.proxy, true);
	cut(&s);
	talk_close_stdin(&s.witness, "a");
	talk_settle(&s.witness, px_client_wait(s.w, "a", NULL, NULL));
	talk_settle(&s.witness, px_client_release(s.w, "a", NULL));
	rig_proxy_refuse(s.proxy, false);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert(s.told.lost && !s.told.exited);
	talk_close_stdin(&s.talk, "b");
	talk_next(&s.talk, "b", PX_EVENT_EXITED);
	scene_end(&s);
}
END_TEST

START_TEST(test_no_recovery)
{
	struct scene s;

	scene_init(&s, _i);
	s.talk.options.no_recovery = true;
	scene_open(&s, "none");
	START(&s.talk, "a", "echo");
	rig_proxy_cut(s.proxy);
	ck_assert_ptr_null(talk_next(&s.talk, NULL, PX_EVENT_LOST)->session);
	talk_nothing(&s.talk, NULL, PX_ERROR_LOST);
	ck_assert_int_eq(px_client_info(s.c, s.err), -1);
	ck_assert_int_eq(s.err->code, PX_ERROR_LOST);
	scene_end(&s);
}
END_TEST

/* An own workspace, by its token; while the server still believes in the lost connection, too. */
START_TEST(test_token)
{
	struct scene s;

	scene_init(&s, _i);
	talk_connect(&s.talk, rig_proxy_url(s.proxy));
	s.c = s.talk.client;
	START(&s.talk, "a", "echo");
	/* The client sees the end, the server only later. */
	rig_proxy_end(s.proxy, RIG_DOWN);
	rig_proxy_await_connections(s.proxy, 1);
	talk_write(&s.talk, "a", "x");
	talk_close_stdin(&s.talk, "a");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "x");
	scene_end(&s);
}
END_TEST

int
main(void)
{
	static const char *const flags[] = { "--detach-ttl-ms", "60000", NULL };
	TCase *tc = tcase_create("client_recovery");

	tcase_add_loop_test(tc, test_start_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_start_not_sent, 0, 2);
	tcase_add_loop_test(tc, test_input_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_end_of_input_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_communicate_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_run_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_signal_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_release_in_doubt, 0, 2);
	tcase_add_loop_test(tc, test_waits_go_on, 0, 2);
	tcase_add_loop_test(tc, test_flood_goes_on, 0, 2);
	tcase_add_loop_test(tc, test_half_closed, 0, 4);
	tcase_add_loop_test(tc, test_stalled, 0, 2);
	tcase_add_loop_test(tc, test_lag_over_a_break, 0, 2);
	tcase_add_loop_test(tc, test_session_gone, 0, 2);
	tcase_add_loop_test(tc, test_no_recovery, 0, 2);
	tcase_add_loop_test(tc, test_token, 0, 2);
	return serve_cases(tc, flags);
}

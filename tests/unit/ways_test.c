#include <errno.h>
#include <signal.h>

#include "served_cases.h"
#include "ways.h"

/* Five ways: starting, input, terminals, signals, ends. */

START_TEST(test_start_and_events)
{
	struct scene s;
	struct talk_command again;
	const struct px_answer *answer;
	int64_t pid;

	scene_start(&s, _i);
	pid = START(&s.talk, "a", "both", "4");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.offset[PX_STREAM_STDOUT], 12);
	ck_assert_int_eq(s.told.offset[PX_STREAM_STDERR], 12);
	ck_assert(s.told.exited);
	ck_assert_int_eq(s.told.end.exit_code, 0);
	ck_assert_str_eq(s.told.signal, "");
	ck_assert_str_eq(s.told.cause, "self");
	ck_assert_int_gt(s.told.end.resources.max_rss_bytes, 0);

	/* In the same words: it is there already; in others it is not that one. */
	PUPPET(&again, "a", "both", "4");
	answer = talk_answer(&s.talk, px_client_start(s.c, &again.command, s.err));
	ck_assert(answer->start.existing);
	ck_assert_int_eq(answer->start.pid, pid);
	PUPPET(&again, "a", "both", "5");
	talk_refused(&s.talk, px_client_start(s.c, &again.command, s.err), "sessionExists");
	scene_end(&s);
}
END_TEST

START_TEST(test_start_without_name)
{
	struct scene s;
	struct talk_command puppet;
	char name[128];

	scene_start(&s, _i);
	PUPPET(&puppet, NULL, "exit", "7");
	snprintf(name, sizeof name, "%s",
	    talk_answer(&s.talk, px_client_start(s.c, &puppet.command, s.err))->start.session);
	talk_hear(&s.talk, name, &s.told);
	ck_assert_int_eq(s.told.end.exit_code, 7);
	scene_end(&s);
}
END_TEST

START_TEST(test_spawn_failure)
{
	static const char *const nosuch[] = { "/no/such", NULL };
	const struct px_command command = { .session = "a", .argv = nosuch };
	struct scene s;

	scene_start(&s, _i);
	talk_refused(&s.talk, px_client_start(s.c, &command, s.err), "spawnFailed");
	ck_assert_int_eq(s.err->sys, ENOENT);
	ck_assert_str_eq(s.err->step, "exec");
	talk_nothing(&s.talk, NULL, PX_ERROR_TIMEOUT);
	scene_end(&s);
}
END_TEST

START_TEST(test_surroundings)
{
	static const char *const env[] = { "A=b=c", "E=", NULL };
	struct talk_command puppet;
	struct scene s;

	scene_start(&s, _i);
	PUPPET(&puppet, "env", "env");
	puppet.command.env = env;
	talk_settle(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_hear(&s.talk, "env", &s.told);
	ck_assert_str_eq(s.told.text, "A=b=c\nE=\n");

	scene_told_anew(&s);
	PUPPET(&puppet, "rest", "umask");
	puppet.command.has_umask = true;
	puppet.command.umask = 0137;
	talk_settle(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_hear(&s.talk, "rest", &s.told);
	ck_assert_msg(strstr(s.told.text, "137") != NULL, "%s", s.told.text);

	scene_told_anew(&s);
	PUPPET(&puppet, "zero", "arg0");
	puppet.command.arg0 = "zero";
	puppet.command.cwd = "/";
	/* valgrind has limits of its own in the process that it watches. */
	if (s.way != WAY_LOCAL || getenv("PX_HELGRIND") == NULL)
		puppet.command.limits.open_files = 99;
	talk_settle(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_hear(&s.talk, "zero", &s.told);
	ck_assert_str_eq(s.told.text, "zero\n");
	scene_end(&s);
}
END_TEST

START_TEST(test_time_limit)
{
	struct talk_command puppet;
	struct scene s;

	scene_start(&s, _i);
	PUPPET(&puppet, "a", "no-read");
	puppet.command.timeout_ms = 50;
	talk_settle(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.cause, "timeout");
	ck_assert_str_eq(s.told.signal, "TERM");
	ck_assert_int_eq(s.told.end.exit_code, 128 + SIGTERM);
	scene_end(&s);
}
END_TEST

START_TEST(test_input)
{
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo");
	talk_settle(&s.talk, px_client_write(s.c, "a", "\0\xff\n", 3, s.err));
	talk_settle(&s.talk, px_client_write(s.c, "a", NULL, 0, s.err));
	talk_close_stdin(&s.talk, "a");
	talk_close_stdin(&s.talk, "a");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_uint_eq(s.told.len, 3);
	ck_assert_mem_eq(s.told.text, "\0\xff\n", 3);
	talk_refused(&s.talk, px_client_write(s.c, "a", "x", 1, s.err), "stdinClosed");
	talk_refused(&s.talk, px_client_write(s.c, "b", "x", 1, s.err), "unknownSession");
	scene_end(&s);
}
END_TEST

START_TEST(test_no_input)
{
	struct talk_command puppet;
	struct scene s;

	scene_start(&s, _i);
	PUPPET(&puppet, "a", "eof");
	puppet.command.no_stdin = true;
	talk_settle(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "ready\neof after 0 bytes\n");
	scene_end(&s);
}
END_TEST

START_TEST(test_terminal)
{
	struct scene s;

	scene_start(&s, _i);
	START_PTY(&s.talk, "a", "size");
	talk_hear_text(&s.talk, "a", &s.told, "24x80");
	talk_settle(&s.talk, px_client_resize(s.c, "a", 50, 132, s.err));
	talk_hear_text(&s.talk, "a", &s.told, "50x132");
	ck_assert(scene_signal(&s, "a", "INT") || s.way == WAY_CUT);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.signal, "INT");
	ck_assert_str_eq(s.told.cause, "client");
	ck_assert(!scene_signal(&s, "a", "INT"));
	talk_refused(&s.talk, px_client_signal(s.c, "a", "NOSUCH", s.err), "invalidParams");

	START(&s.talk, "b", "echo");
	talk_refused(&s.talk, px_client_resize(s.c, "b", 50, 132, s.err), "notATerminal");
	scene_end(&s);
}
END_TEST

START_TEST(test_terminate)
{
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "no-read");
	ck_assert(talk_answer(&s.talk, px_client_terminate(s.c, "a", rig_ms(TALK_MS), s.err))
		      ->terminate.running);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.signal, "TERM");
	ck_assert(!talk_answer(&s.talk, px_client_terminate(s.c, "a", PX_TERMINATE_GRACE, s.err))
		       ->terminate.running);

	scene_told_anew(&s);
	START(&s.talk, "b", "ignore-term");
	talk_hear_text(&s.talk, "b", &s.told, "ready");
	talk_settle(&s.talk, px_client_terminate(s.c, "b", PX_TERMINATE_FORCE, s.err));
	talk_hear(&s.talk, "b", &s.told);
	ck_assert_str_eq(s.told.signal, "KILL");
	scene_end(&s);
}
END_TEST

START_TEST(test_release)
{
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo");
	talk_refused(&s.talk, px_client_release(s.c, "a", s.err), "sessionRunning");
	talk_close_stdin(&s.talk, "a");
	talk_hear(&s.talk, "a", &s.told);
	talk_settle(&s.talk, px_client_release(s.c, "a", s.err));
	talk_refused(&s.talk, px_client_snapshot(s.c, "a", s.err), "unknownSession");
	/* The name is free for another one, whose events begin anew. */
	scene_told_anew(&s);
	START(&s.talk, "a", "spew", "5");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.received, 5);
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ways");

	tcase_add_loop_test(tc, test_start_and_events, 0, WAYS);
	tcase_add_loop_test(tc, test_start_without_name, 0, WAYS);
	tcase_add_loop_test(tc, test_spawn_failure, 0, WAYS);
	tcase_add_loop_test(tc, test_surroundings, 0, WAYS);
	tcase_add_loop_test(tc, test_time_limit, 0, WAYS);
	tcase_add_loop_test(tc, test_input, 0, WAYS);
	tcase_add_loop_test(tc, test_no_input, 0, WAYS);
	tcase_add_loop_test(tc, test_terminal, 0, WAYS);
	tcase_add_loop_test(tc, test_terminate, 0, WAYS);
	tcase_add_loop_test(tc, test_release, 0, WAYS);
	return serve_cases(tc, NULL);
}

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "rig/rig.h"
#include "rig/talk.h"

/* Every call of the public interface against a real server, over both kinds of socket. */

struct scene {
	struct talk talk;
	struct px_client *c;
	struct px_error *err;
	struct told told;
};

/* The loop's number says over which. */
static void
scene_start(struct scene *scene, int way)
{
	talk_init(&scene->talk);
	talk_connect(&scene->talk, rig_url(way == 0 ? RIG_UNIX : RIG_WS));
	scene->c = scene->talk.client;
	scene->err = &scene->talk.error;
	told_init(&scene->told);
}

static void
scene_end(struct scene *scene)
{
	told_done(&scene->told);
	talk_done(&scene->talk);
}

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

	told_done(&s.told);
	told_init(&s.told);
	PUPPET(&puppet, "rest", "umask");
	puppet.command.has_umask = true;
	puppet.command.umask = 0137;
	talk_settle(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_hear(&s.talk, "rest", &s.told);
	ck_assert_msg(strstr(s.told.text, "137") != NULL, "%s", s.told.text);

	told_done(&s.told);
	told_init(&s.told);
	PUPPET(&puppet, "zero", "arg0");
	puppet.command.arg0 = "zero";
	puppet.command.cwd = "/";
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
	ck_assert(talk_answer(&s.talk, px_client_signal(s.c, "a", "INT", s.err))->signal.delivered);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.signal, "INT");
	ck_assert_str_eq(s.told.cause, "client");
	ck_assert(
	    !talk_answer(&s.talk, px_client_signal(s.c, "a", "INT", s.err))->signal.delivered);
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

	told_done(&s.told);
	told_init(&s.told);
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
	told_done(&s.told);
	told_init(&s.told);
	START(&s.talk, "a", "spew", "5");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.received, 5);
	scene_end(&s);
}
END_TEST

START_TEST(test_wait)
{
	const struct px_until idle = { .idle_ms = 1 }, late = { .timeout_ms = 1 };
	const struct px_until match = { .match = "echo:x", .from_seq = true };
	const struct px_until bytes = { .bytes = 6, .from_seq = true };
	const struct px_answer *answer;
	struct scene s;
	int64_t exit;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo-lines");
	exit = talk_sent(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	answer = talk_answer(&s.talk, px_client_wait(s.c, "a", &bytes, s.err));
	ck_assert_str_eq(answer->wait.reason, "bytes");
	answer = talk_answer(&s.talk, px_client_wait(s.c, "a", &idle, s.err));
	ck_assert_str_eq(answer->wait.reason, "idle");
	answer = talk_answer(&s.talk, px_client_wait(s.c, "a", &late, s.err));
	ck_assert_str_eq(answer->wait.reason, "timeout");
	ck_assert(!answer->wait.exited);
	talk_write(&s.talk, "a", "x\n");
	answer = talk_answer(&s.talk, px_client_wait(s.c, "a", &match, s.err));
	ck_assert_str_eq(answer->wait.reason, "match");
	talk_close_stdin(&s.talk, "a");
	answer = talk_answer(&s.talk, exit);
	ck_assert_str_eq(answer->wait.reason, "exit");
	ck_assert(answer->wait.exited);
	ck_assert_int_eq(answer->wait.end.exit_code, 0);
	ck_assert_str_eq(answer->wait.end.cause, "self");
	ck_assert_int_ge(answer->wait.end.resources.wall_ms, 0);
	scene_end(&s);
}
END_TEST

START_TEST(test_read)
{
	const struct px_answer *answer;
	int64_t total = 0, seq = 0;
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "spew", "300000");
	do {
		answer = talk_answer(&s.talk, px_client_read(s.c, "a", seq, 70000, TALK_MS, s.err));
		for (size_t i = 0; i < answer->read.nchunks; i++) {
			const struct px_output_chunk *chunk = &answer->read.chunks[i];

			ck_assert_int_eq(chunk->seq, seq + 1 + (int64_t)i);
			ck_assert_int_eq(chunk->stream, PX_STREAM_STDOUT);
			ck_assert_int_eq(chunk->offset, total);
			for (size_t k = 0; k < chunk->len; k++)
				ck_assert(((const char *)chunk->data)[k] ==
					  talk_spew_byte(total + (int64_t)k));
			total += (int64_t)chunk->len;
		}
		ck_assert_int_eq(answer->read.lost_bytes, 0);
		seq = answer->read.next_seq - 1;
	} while (answer->read.nchunks > 0 || !answer->read.closed);
	ck_assert_int_eq(total, 300000);
	ck_assert(answer->read.exited);
	ck_assert_int_eq(answer->read.end.exit_code, 0);
	scene_end(&s);
}
END_TEST

START_TEST(test_snapshot)
{
	const struct px_kept_stream *kept;
	const struct px_answer *answer;
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "spew", "3000000");
	talk_settle(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	answer = talk_answer(&s.talk, px_client_snapshot(s.c, "a", s.err));
	kept = &answer->snapshot.stream[PX_STREAM_STDOUT];
	ck_assert(answer->snapshot.truncated);
	ck_assert(!answer->snapshot.running);
	ck_assert(answer->snapshot.exited);
	ck_assert_int_eq(kept->total, 3000000);
	ck_assert_int_eq((int64_t)kept->len + kept->omitted_bytes, 3000000);
	for (size_t i = 0; i < kept->len; i++) {
		int64_t at = (int64_t)i;

		if (at >= kept->omitted_offset)
			at += kept->omitted_bytes;
		ck_assert(((const char *)kept->data)[i] == talk_spew_byte(at));
	}
	ck_assert_uint_eq(answer->snapshot.stream[PX_STREAM_TERMINAL].len, 0);
	scene_end(&s);
}
END_TEST

START_TEST(test_subscribe)
{
	const struct px_answer *answer;
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo-lines");
	talk_hear_text(&s.talk, "a", &s.told, "ready\n");
	answer = talk_answer(&s.talk, px_client_unsubscribe(s.c, "a", s.err));
	ck_assert_int_eq(answer->subscribe.next_seq, s.told.seq + 1);
	talk_write(&s.talk, "a", "unheard\n");
	talk_settle(
	    &s.talk, px_client_wait(s.c, "a",
			 &(const struct px_until){ .match = "unheard", .from_seq = true }, s.err));
	talk_nothing(&s.talk, "a", PX_ERROR_TIMEOUT);

	/* Kept and new output. */
	answer = talk_answer(&s.talk, px_client_subscribe(s.c, "a", s.told.seq, s.err));
	ck_assert_int_eq(answer->subscribe.lost_bytes, 0);
	talk_hear_text(&s.talk, "a", &s.told, "echo:unheard\n");
	talk_settle(&s.talk, px_client_subscribe(s.c, "a", PX_AFTER_NOW, s.err));
	talk_write(&s.talk, "a", "heard\n");
	talk_close_stdin(&s.talk, "a");
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "ready\necho:unheard\necho:heard\n");

	/* All of it again. */
	told_done(&s.told);
	told_init(&s.told);
	talk_settle(&s.talk, px_client_subscribe(s.c, "a", 0, s.err));
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_str_eq(s.told.text, "ready\necho:unheard\necho:heard\n");
	scene_end(&s);
}
END_TEST

START_TEST(test_list_and_inspect)
{
	const struct px_session_row *row;
	const struct px_answer *answer;
	struct scene s;
	int64_t pid;

	scene_start(&s, _i);
	pid = START_PTY(&s.talk, "a", "raw-echo");
	START(&s.talk, "b", "exit", "3");
	talk_settle(&s.talk, px_client_wait(s.c, "b", NULL, s.err));
	talk_hear_text(&s.talk, "a", &s.told, "ready");
	answer = talk_answer(&s.talk, px_client_list(s.c, s.err));
	ck_assert_uint_eq(answer->list.nrows, 2);
	row = &answer->list.rows[0];
	ck_assert_str_eq(row->session, "a");
	ck_assert_int_eq(row->pid, pid);
	ck_assert_str_eq(row->argv[0], rig_child());
	ck_assert_str_eq(row->argv[1], "raw-echo");
	ck_assert_ptr_null(row->argv[2]);
	ck_assert(row->pty && row->running && !row->exited);
	ck_assert_uint_eq(row->rows, 24);
	ck_assert_int_gt(row->started_at_ms, 0);
	ck_assert_int_eq(row->exited_at_ms, 0);
	row = &answer->list.rows[1];
	ck_assert(!row->pty && row->stdin_open && !row->running && row->exited);
	ck_assert_int_eq(row->end.exit_code, 3);
	ck_assert_int_ge(row->exited_at_ms, row->started_at_ms);

	answer = talk_answer(&s.talk, px_client_inspect(s.c, "a", s.err));
	ck_assert_str_eq(answer->inspect.row.session, "a");
	ck_assert(answer->inspect.terminal && !answer->inspect.echo && !answer->inspect.canonical);
	ck_assert_int_eq(answer->inspect.foreground_group, pid);
	ck_assert(answer->inspect.output_open);
	ck_assert_int_eq(answer->inspect.total_bytes[PX_STREAM_TERMINAL], s.told.received);
	ck_assert(!talk_answer(&s.talk, px_client_inspect(s.c, "b", s.err))->inspect.terminal);
	scene_end(&s);
}
END_TEST

START_TEST(test_info)
{
	const struct px_answer *answer;
	struct scene s;
	bool found = false;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo");
	answer = talk_answer(&s.talk, px_client_info(s.c, s.err));
	ck_assert_str_eq(answer->info.name, "ptyexecd");
	ck_assert_int_gt(answer->info.pid, 1);
	ck_assert_int_ge(answer->info.connections, 1);
	ck_assert_int_ge(answer->info.running, 1);
	for (size_t i = 0; i < answer->info.nlimits; i++)
		found = found || strcmp(answer->info.limits[i].name, "maxProcesses") == 0;
	ck_assert(found);
	ck_assert_str_eq(px_client_greeting(s.c)->server_name, "ptyexecd");
	ck_assert_ptr_nonnull(px_client_greeting(s.c)->resume_token);
	ck_assert(!px_client_greeting(s.c)->resumed);
	scene_end(&s);
}
END_TEST

START_TEST(test_run_and_communicate)
{
	const struct px_answer *answer;
	struct talk_command puppet;
	struct scene s;

	scene_start(&s, _i);
	PUPPET(&puppet, "a", "echo");
	answer = talk_answer(&s.talk, px_client_run(s.c, &puppet.command, "hello", 5, 0, s.err));
	ck_assert_str_eq(answer->finish.start.session, "a");
	ck_assert_str_eq(answer->finish.wait.reason, "exit");
	ck_assert_int_eq(answer->finish.wait.end.exit_code, 0);
	ck_assert_uint_eq(answer->finish.snapshot.stream[PX_STREAM_STDOUT].len, 5);
	ck_assert_mem_eq(answer->finish.snapshot.stream[PX_STREAM_STDOUT].data, "hello", 5);

	START(&s.talk, "b", "echo");
	answer = talk_answer(&s.talk, px_client_communicate(s.c, "b", "bye", 3, 0, s.err));
	ck_assert(answer->finish.wait.exited);
	ck_assert_mem_eq(answer->finish.snapshot.stream[PX_STREAM_STDOUT].data, "bye", 3);

	/* The time bounds the answer. */
	PUPPET(&puppet, "c", "no-read");
	answer = talk_answer(&s.talk, px_client_run(s.c, &puppet.command, NULL, 0, 1, s.err));
	ck_assert_str_eq(answer->finish.wait.reason, "timeout");
	ck_assert(answer->finish.snapshot.running);
	/* Nothing was told but of what this client follows. */
	talk_hear(&s.talk, "b", &s.told);
	talk_nothing(&s.talk, NULL, PX_ERROR_TIMEOUT);
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_calls");

	tcase_add_loop_test(tc, test_start_and_events, 0, 2);
	tcase_add_loop_test(tc, test_start_without_name, 0, 2);
	tcase_add_test(tc, test_spawn_failure);
	tcase_add_test(tc, test_surroundings);
	tcase_add_test(tc, test_time_limit);
	tcase_add_loop_test(tc, test_input, 0, 2);
	tcase_add_test(tc, test_no_input);
	tcase_add_loop_test(tc, test_terminal, 0, 2);
	tcase_add_test(tc, test_terminate);
	tcase_add_test(tc, test_release);
	tcase_add_loop_test(tc, test_wait, 0, 2);
	tcase_add_loop_test(tc, test_read, 0, 2);
	tcase_add_loop_test(tc, test_snapshot, 0, 2);
	tcase_add_loop_test(tc, test_subscribe, 0, 2);
	tcase_add_test(tc, test_list_and_inspect);
	tcase_add_test(tc, test_info);
	tcase_add_loop_test(tc, test_run_and_communicate, 0, 2);
	return serve_cases(tc, NULL);
}

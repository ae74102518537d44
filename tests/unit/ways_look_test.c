#include <string.h>

#include "served_cases.h"
#include "ways.h"

/* Five ways: waiting, output, and looking. */

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

	scene_init(&s, _i);
	scene_for_large_answers(&s);
	scene_open(&s);
	START(&s.talk, "a", "spew", "300000");
	do {
		answer = talk_answer(&s.talk, px_client_read(s.c, "a", seq, 70000, TALK_MS, s.err));
		for (size_t i = 0; i < answer->read.nchunks; i++) {
			const struct px_output_chunk *chunk = &answer->read.chunks[i];

			ck_assert_int_eq(chunk->seq, seq + 1 + (int64_t)i);
			ck_assert_int_eq(chunk->stream, PX_STREAM_STDOUT);
			ck_assert_int_eq(chunk->offset, total);
			ck_assert(talk_is_spew(chunk->data, chunk->len, total));
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

	scene_init(&s, _i);
	scene_for_large_answers(&s);
	scene_open(&s);
	START(&s.talk, "a", "spew", "3000000");
	talk_settle(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	answer = talk_answer(&s.talk, px_client_snapshot(s.c, "a", s.err));
	kept = &answer->snapshot.stream[PX_STREAM_STDOUT];
	ck_assert(answer->snapshot.truncated);
	ck_assert(!answer->snapshot.running);
	ck_assert(answer->snapshot.exited);
	ck_assert_int_eq(kept->total, 3000000);
	ck_assert_int_eq((int64_t)kept->len + kept->omitted_bytes, 3000000);
	ck_assert(talk_is_spew(kept->data, (size_t)kept->omitted_offset, 0));
	ck_assert(talk_is_spew((const char *)kept->data + kept->omitted_offset,
	    kept->len - (size_t)kept->omitted_offset, kept->omitted_offset + kept->omitted_bytes));
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
	scene_told_anew(&s);
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
	ck_assert_str_eq(answer->info.name, s.way == WAY_LOCAL ? "libptyexec" : "ptyexecd");
	ck_assert_int_gt(answer->info.pid, 1);
	ck_assert_int_ge(answer->info.connections, 1);
	ck_assert_int_ge(answer->info.running, 1);
	for (size_t i = 0; i < answer->info.nlimits; i++)
		found = found || strcmp(answer->info.limits[i].name, "maxProcesses") == 0;
	ck_assert(found);
	ck_assert_str_eq(px_client_greeting(s.c)->server_name, answer->info.name);
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
	TCase *tc = tcase_create("ways_look");

	tcase_add_loop_test(tc, test_wait, 0, WAYS);
	tcase_add_loop_test(tc, test_read, 0, WAYS);
	tcase_add_loop_test(tc, test_snapshot, 0, WAYS);
	tcase_add_loop_test(tc, test_subscribe, 0, WAYS);
	tcase_add_loop_test(tc, test_list_and_inspect, 0, WAYS);
	tcase_add_loop_test(tc, test_info, 0, WAYS);
	tcase_add_loop_test(tc, test_run_and_communicate, 0, WAYS);
	return serve_cases(tc, NULL);
}

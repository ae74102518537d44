#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <ptyexec/exec.h>

#include "served_cases.h"
#include "ways.h"

/* Five ways: the helpers that collect. */

static void
is_whole(const struct px_collected *got, enum px_stream stream, const char *text)
{
	ck_assert_str_eq(got->stream[stream].data, text);
	ck_assert_uint_eq(got->stream[stream].len, strlen(text));
	ck_assert_int_eq(got->stream[stream].total, (int64_t)strlen(text));
	ck_assert_int_eq(got->stream[stream].omitted_bytes, 0);
	ck_assert_int_eq(got->skipped_bytes, 0);
}

static struct px_collected *
run(struct scene *s, const struct talk_command *puppet, const void *input, size_t len,
    const struct px_yield *yield)
{
	struct px_collected *got = px_run(s->c, &puppet->command, input, len, yield, s->err);

	ck_assert_msg(got != NULL, "%s", s->err->text);
	ck_assert(!got->running);
	return got;
}

static struct px_collected *
collect(struct scene *s, const struct px_yield *yield)
{
	struct px_collected *got = px_collect(s->c, "a", yield, s->err);

	ck_assert_msg(got != NULL, "%s", s->err->text);
	return got;
}

/* The name is free again. */
static void
is_released(struct scene *s)
{
	ck_assert_uint_eq(talk_answer(&s->talk, px_client_list(s->c, s->err))->list.nrows, 0);
	talk_nothing(&s->talk, NULL, PX_ERROR_TIMEOUT);
}

/* ---- px_run ---- */

START_TEST(test_run)
{
	struct px_collected *got;
	struct talk_command puppet;
	struct scene s;

	scene_start(&s, _i);
	PUPPET(&puppet, NULL, "echo");
	got = run(&s, &puppet, "hello", 5, NULL);
	is_whole(got, PX_STREAM_STDOUT, "hello");
	is_whole(got, PX_STREAM_STDERR, "");
	ck_assert(got->exited && got->closed);
	ck_assert_int_eq(got->end.exit_code, 0);
	ck_assert_str_eq(got->end.cause, "self");
	ck_assert_ptr_null(got->failure);
	px_collected_free(got);
	is_released(&s);

	PUPPET(&puppet, "a", "both", "2");
	puppet.command.no_stdin = true;
	got = run(&s, &puppet, NULL, 0, NULL);
	is_whole(got, PX_STREAM_STDOUT, "out 0\n");
	is_whole(got, PX_STREAM_STDERR, "err 1\n");
	px_collected_free(got);

	PUPPET(&puppet, "a", "die", "15");
	got = run(&s, &puppet, NULL, 0, NULL);
	ck_assert_int_eq(got->end.exit_code, 128 + SIGTERM);
	ck_assert_str_eq(got->end.signal, "TERM");
	px_collected_free(got);
	is_released(&s);
	scene_end(&s);
}
END_TEST

START_TEST(test_run_fails)
{
	static const char *const nosuch[] = { "/no/such", NULL };
	const struct px_command command = { .argv = nosuch };
	struct scene s;

	scene_start(&s, _i);
	ck_assert_ptr_null(px_run(s.c, &command, NULL, 0, NULL, s.err));
	ck_assert_int_eq(s.err->code, PX_ERROR_REFUSED);
	ck_assert_str_eq(s.err->kind, "spawnFailed");
	scene_end(&s);
}
END_TEST

/* More input and output than any queue holds, both ways at once. */
START_TEST(test_run_with_much)
{
	enum { MUCH = 3000000 };
	struct px_collected *got;
	struct talk_command puppet;
	struct scene s;
	char *data = malloc(MUCH);

	for (int i = 0; i < MUCH; i++)
		data[i] = (char)(i * 31 + i / 65536);
	scene_init(&s, _i);
	s.talk.options.queue_bytes = 50000;
	scene_for_large_answers(&s);
	scene_open(&s);
	PUPPET(&puppet, "a", "echo");
	got = run(&s, &puppet, data, MUCH, NULL);
	ck_assert_uint_eq(got->stream[PX_STREAM_STDOUT].len, MUCH);
	ck_assert(memcmp(got->stream[PX_STREAM_STDOUT].data, data, MUCH) == 0);
	px_collected_free(got);
	free(data);
	scene_end(&s);
}
END_TEST

START_TEST(test_run_keeps_both_ends)
{
	const struct px_yield yield = { .max_bytes = 1001 };
	const struct px_gathered *out;
	struct px_collected *got;
	struct talk_command puppet;
	struct scene s;

	scene_init(&s, _i);
	scene_for_large_answers(&s);
	scene_open(&s);
	PUPPET(&puppet, "a", "spew", "500000");
	got = run(&s, &puppet, NULL, 0, &yield);
	out = &got->stream[PX_STREAM_STDOUT];
	ck_assert_uint_eq(out->len, 1001);
	ck_assert_int_eq(out->total, 500000);
	ck_assert_int_eq(out->omitted_bytes, 500000 - 1001);
	ck_assert(talk_is_spew(out->data, (size_t)out->omitted_offset, 0));
	ck_assert(talk_is_spew(out->data + out->omitted_offset,
	    out->len - (size_t)out->omitted_offset, out->omitted_offset + out->omitted_bytes));
	ck_assert_int_eq(out->data[out->len], '\0');
	px_collected_free(got);
	scene_end(&s);
}
END_TEST

START_TEST(test_run_for_a_time)
{
	const struct px_yield yield = { .deadline_ms = 200 };
	struct px_collected *got;
	struct talk_command puppet;
	struct scene s;

	scene_start(&s, _i);
	PUPPET(&puppet, "a", "ignore-term");
	got = run(&s, &puppet, NULL, 0, &yield);
	ck_assert(got->exited);
	ck_assert_str_eq(got->end.signal, "KILL");
	ck_assert_str_eq(got->end.cause, "client");
	px_collected_free(got);
	is_released(&s);
	scene_end(&s);
}
END_TEST

/* ---- px_collect ---- */

/* An agent's turns: what has come until it is silent, and later what came then. */
START_TEST(test_collect_in_turns)
{
	const struct px_yield silence = { .idle_ms = 300, .deadline_ms = TALK_MS };
	const struct px_yield nothing = { .deadline_ms = 20 };
	struct px_collected *got;
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo-lines");
	got = collect(&s, &silence);
	is_whole(got, PX_STREAM_STDOUT, "ready\n");
	ck_assert(got->running && !got->exited && !got->closed);
	px_collected_free(got);
	got = collect(&s, &nothing);
	is_whole(got, PX_STREAM_STDOUT, "");
	ck_assert(got->running);
	px_collected_free(got);
	talk_write(&s.talk, "a", "x\n");
	got = collect(&s, &silence);
	is_whole(got, PX_STREAM_STDOUT, "echo:x\n");
	px_collected_free(got);
	talk_close_stdin(&s.talk, "a");
	got = collect(&s, NULL);
	is_whole(got, PX_STREAM_STDOUT, "");
	ck_assert(!got->running && got->exited && got->closed);
	px_collected_free(got);
	scene_end(&s);
}
END_TEST

/* A descendant that holds the streams does not keep us. */
START_TEST(test_collect_from_who_leaves_a_child)
{
	static const char *const argv[] = { "/bin/sh", "-c", "sleep 600 &", NULL };
	const struct px_command command = { .session = "a", .argv = argv };
	struct px_collected *got;
	struct scene s;

	scene_start(&s, _i);
	talk_settle(&s.talk, px_client_start(s.c, &command, s.err));
	got = collect(&s, NULL);
	ck_assert(!got->running && got->exited && !got->closed);
	px_collected_free(got);
	talk_settle(&s.talk, px_client_release(s.c, "a", s.err));
	scene_end(&s);
}
END_TEST

/* ---- px_communicate ---- */

START_TEST(test_communicate)
{
	struct px_collected *got;
	struct scene s;

	scene_start(&s, _i);
	START(&s.talk, "a", "echo");
	talk_write(&s.talk, "a", "one ");
	got = px_communicate(s.c, "a", "two", 3, NULL, s.err);
	ck_assert_msg(got != NULL, "%s", s.err->text);
	is_whole(got, PX_STREAM_STDOUT, "one two");
	ck_assert(got->exited && got->closed);
	px_collected_free(got);
	/* Neither ended by force nor released. */
	ck_assert(talk_answer(&s.talk, px_client_inspect(s.c, "a", s.err))->inspect.row.exited);
	scene_end(&s);
}
END_TEST

/* What it does not read is no failure. */
START_TEST(test_input_is_not_wanted)
{
	struct px_collected *got;
	struct talk_command puppet;
	struct scene s;
	char *data = calloc(1, 1000000);

	scene_start(&s, _i);
	PUPPET(&puppet, "a", "exit", "3");
	got = run(&s, &puppet, data, 1000000, NULL);
	ck_assert_int_eq(got->end.exit_code, 3);
	px_collected_free(got);
	free(data);
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ways_exec");

	tcase_add_loop_test(tc, test_run, 0, WAYS);
	tcase_add_loop_test(tc, test_run_fails, 0, WAYS);
	tcase_add_loop_test(tc, test_run_with_much, 0, WAYS);
	tcase_add_loop_test(tc, test_run_keeps_both_ends, 0, WAYS);
	tcase_add_loop_test(tc, test_run_for_a_time, 0, WAYS);
	tcase_add_loop_test(tc, test_collect_in_turns, 0, WAYS);
	tcase_add_loop_test(tc, test_collect_from_who_leaves_a_child, 0, WAYS);
	tcase_add_loop_test(tc, test_communicate, 0, WAYS);
	tcase_add_loop_test(tc, test_input_is_not_wanted, 0, WAYS);
	return serve_cases(tc, NULL);
}

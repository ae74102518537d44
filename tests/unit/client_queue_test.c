#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rig/talk.h"
#include "served_cases.h"

/* Events that are not taken as fast as they come, and the ways to take them. */

enum { FLOOD = 3000000 };
#define FLOOD_TEXT "3000000"

struct scene {
	struct talk talk;
	struct px_client *c;
	struct px_error *err;
	struct told told;
};

static void
scene_init(struct scene *scene)
{
	talk_init(&scene->talk);
	told_init(&scene->told);
	scene->err = &scene->talk.error;
}

static void
scene_open(struct scene *scene, int way)
{
	talk_connect(&scene->talk, rig_url(way == 0 ? RIG_UNIX : RIG_WS));
	scene->c = scene->talk.client;
}

static void
scene_end(struct scene *scene)
{
	talk_done(&scene->talk);
	told_done(&scene->told);
}

/* Waits until the session has written 'text', and what it has written until then has come. */
static void
let_write(struct scene *s, const char *session, const char *text)
{
	const struct px_until until = { .match = text, .from_seq = true };

	talk_settle(&s->talk, px_client_wait(s->c, session, &until, s->err));
}

/* ---- bounds ---- */

START_TEST(test_block_loses_nothing)
{
	struct scene s;

	scene_init(&s);
	s.talk.options.queue_bytes = _i < 2 ? 0 : 100000;
	scene_open(&s, _i % 2);
	s.told.spews = true;
	START(&s.talk, "a", "spew", FLOOD_TEXT);
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.received, FLOOD);
	ck_assert_uint_eq(s.told.lags, 0);
	scene_end(&s);
}
END_TEST

/* What is skipped is counted to the byte, and the end always comes. */
START_TEST(test_lag_counts)
{
	struct scene s;

	scene_init(&s);
	s.talk.options.queue_bytes = _i < 2 ? 0 : 100000;
	s.talk.options.slow_consumer = PX_SLOW_LAG;
	scene_open(&s, _i % 2);
	s.told.spews = true;
	START(&s.talk, "a", "spew", FLOOD_TEXT);
	START(&s.talk, "b", "spew", FLOOD_TEXT);
	talk_settle(&s.talk, px_client_wait(s.c, "b", NULL, s.err));
	talk_settle(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	talk_hear(&s.talk, "a", &s.told);
	ck_assert(s.told.exited);
	ck_assert_uint_gt(s.told.lags, 0);
	ck_assert_int_eq(s.told.received + s.told.skipped, FLOOD);
	told_done(&s.told);
	told_init(&s.told);
	s.told.spews = true;
	talk_hear(&s.talk, "b", &s.told);
	ck_assert_int_eq(s.told.received + s.told.skipped, FLOOD);
	scene_end(&s);
}
END_TEST

/* In spite of what it leaves to wait, a session's events do not keep another's away for ever. */
START_TEST(test_next_of_another_session)
{
	struct scene s;

	scene_init(&s);
	s.talk.options.queue_bytes = 200000;
	scene_open(&s, _i);
	START(&s.talk, "a", "spew", FLOOD_TEXT);
	START(&s.talk, "b", "echo");
	px_client_forget(s.c, px_client_write(s.c, "b", "x", 1, s.err));
	talk_hear(&s.talk, "a", &s.told);
	ck_assert_int_eq(s.told.received, FLOOD);
	ck_assert_mem_eq(talk_next(&s.talk, "b", PX_EVENT_OUTPUT)->output.data, "x", 1);
	scene_end(&s);
}
END_TEST

START_TEST(test_overloaded)
{
	int64_t waits[3];
	struct scene s;

	scene_init(&s);
	s.talk.options.capacity = 3;
	scene_open(&s, _i);
	START(&s.talk, "a", "echo");
	for (int i = 0; i < 3; i++)
		waits[i] = talk_sent(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	ck_assert_int_eq(px_client_close_stdin(s.c, "a", s.err), -1);
	ck_assert_int_eq(s.err->code, PX_ERROR_BUSY);
	ck_assert_str_eq(s.err->kind, "overloaded");
	px_client_forget(s.c, waits[0]);
	ck_assert_int_eq(px_client_close_stdin(s.c, "a", s.err), -1);
	scene_end(&s);
}
END_TEST

/* ---- a loop of one's own ---- */

/* Takes all there is; whether the client has nothing more to tell. */
static bool
take_all(struct scene *s, int64_t *answers)
{
	struct px_event *event;

	while ((event = px_client_next(s->c, NULL, 0, s->err)) != NULL) {
		if (event->type == PX_EVENT_ANSWER) {
			ck_assert_int_eq(event->answer.error.code, PX_ERROR_NONE);
			ck_assert_ptr_null(event->session);
			++*answers;
		} else {
			told_add(&s->told, event);
		}
		px_event_free(event);
	}
	ck_assert_int_eq(s->err->code, PX_ERROR_TIMEOUT);
	return s->told.closed;
}

START_TEST(test_poll_loop)
{
	struct pollfd pfd = { .events = POLLIN };
	struct talk_command puppet;
	int64_t answers = 0;
	struct scene s;

	scene_init(&s);
	s.talk.options.answer_events = true;
	s.talk.options.queue_bytes = 100000;
	scene_open(&s, _i);
	s.told.spews = true;
	pfd.fd = px_client_fd(s.c);
	PUPPET(&puppet, "a", "spew", FLOOD_TEXT);
	talk_sent(&s.talk, px_client_start(s.c, &puppet.command, s.err));
	talk_sent(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	while (!take_all(&s, &answers)) {
		ck_assert_int_eq(poll(&pfd, 1, rig_ms(TALK_MS)), 1);
		px_client_step(s.c);
	}
	ck_assert_int_eq(answers, 2);
	ck_assert_int_eq(s.told.received, FLOOD);
	ck_assert_int_eq(px_client_fd(s.c), pfd.fd);
	scene_end(&s);
}
END_TEST

static void
take_told(void *arg, struct px_client *client, struct px_event *event)
{
	(void)client;
	told_add(arg, event);
	px_event_free(event);
}

/* With callbacks, stepping is all that the loop has to do. */
START_TEST(test_poll_loop_with_callback)
{
	struct pollfd pfd = { .events = POLLIN };
	struct scene s;

	scene_init(&s);
	s.talk.options.queue_bytes = 100000;
	scene_open(&s, _i);
	s.told.spews = true;
	pfd.fd = px_client_fd(s.c);
	px_client_on_event(s.c, "a", take_told, &s.told);
	START(&s.talk, "a", "spew", FLOOD_TEXT);
	while (!s.told.closed) {
		ck_assert_int_eq(poll(&pfd, 1, rig_ms(TALK_MS)), 1);
		px_client_step(s.c);
	}
	ck_assert_int_eq(s.told.received, FLOOD);
	scene_end(&s);
}
END_TEST

/* ---- callbacks ---- */

/* Waiting for an answer is enough to be called, however small the queue is. */
START_TEST(test_called_while_waiting)
{
	struct scene s;

	scene_init(&s);
	s.talk.options.queue_bytes = 0;
	scene_open(&s, _i);
	s.told.spews = true;
	px_client_on_event(s.c, "a", take_told, &s.told);
	START(&s.talk, "a", "spew", FLOOD_TEXT);
	talk_settle(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	while (!s.told.closed)
		talk_nothing(&s.talk, NULL, PX_ERROR_TIMEOUT);
	ck_assert_int_eq(s.told.received, FLOOD);
	scene_end(&s);
}
END_TEST

/* What waits is told to the new taker, in order; what comes after the end of that, is taken again.
 */
START_TEST(test_switching)
{
	struct scene s;

	scene_init(&s);
	scene_open(&s, _i);
	START(&s.talk, "a", "echo-lines");
	START(&s.talk, "b", "exit", "0");
	talk_hear_text(&s.talk, "a", &s.told, "ready\n");
	talk_write(&s.talk, "a", "one\n");
	let_write(&s, "a", "echo:one");
	px_client_on_event(s.c, "a", take_told, &s.told);
	ck_assert_str_eq(s.told.text, "ready\necho:one\n");
	px_client_on_event(s.c, "a", NULL, NULL);
	talk_write(&s.talk, "a", "two\n");
	talk_hear_text(&s.talk, "a", &s.told, "echo:two\n");

	/* Those of 'b' have waited meanwhile. */
	talk_next(&s.talk, "b", PX_EVENT_EXITED);
	talk_next(&s.talk, "b", PX_EVENT_CLOSED);
	scene_end(&s);
}
END_TEST

/* The last event of all is that of the client's end. */
static void
take_rest(void *arg, struct px_client *client, struct px_event *event)
{
	struct told *told = arg;

	if (event->type == PX_EVENT_LOST) {
		ck_assert_ptr_null(event->session);
		ck_assert(!told->failed);
		told->failed = true;
		px_event_free(event);
	} else {
		take_told(arg, client, event);
	}
}

/* The one for all the rest, and one for a session which comes first. */
START_TEST(test_take_rest)
{
	struct told own;
	struct scene s;

	scene_init(&s);
	scene_open(&s, _i);
	told_init(&own);
	px_client_on_event(s.c, NULL, take_rest, &s.told);
	px_client_on_event(s.c, "b", take_told, &own);
	START(&s.talk, "a", "spew", "1000");
	START(&s.talk, "b", "spew", "2000");
	while (!own.closed || !s.told.closed)
		talk_nothing(&s.talk, NULL, PX_ERROR_TIMEOUT);
	ck_assert_int_eq(s.told.received, 1000);
	ck_assert_int_eq(own.received, 2000);
	px_client_close(s.c);
	ck_assert(s.told.failed);
	told_done(&own);
	scene_end(&s);
}
END_TEST

/* ---- from inside a callback ---- */

struct inside {
	struct talk talk;
	struct told told;
	atomic_bool busy;
	int calls;
};

/* Everything may be called, also what waits; nobody else is called meanwhile. */
static void
take_inside(void *arg, struct px_client *client, struct px_event *event)
{
	struct inside *in = arg;

	ck_assert(!atomic_exchange(&in->busy, true));
	in->talk.client = client;
	in->calls++;
	if (in->calls == 6)
		talk_close_stdin(&in->talk, "a");
	else if (event->type == PX_EVENT_OUTPUT && in->calls < 6)
		talk_write(&in->talk, "a", "more\n");
	if (event->type == PX_EVENT_OUTPUT)
		talk_answer(&in->talk, px_client_info(client, &in->talk.error));
	if (event->type == PX_EVENT_EXITED)
		px_client_step(client);
	told_add(&in->told, event);
	px_event_free(event);
	atomic_store(&in->busy, false);
}

START_TEST(test_calls_inside)
{
	struct inside in = { 0 };
	struct scene s;

	scene_init(&s);
	scene_open(&s, _i);
	talk_init(&in.talk);
	told_init(&in.told);
	px_client_on_event(s.c, "a", take_inside, &in);
	START(&s.talk, "a", "echo");
	talk_write(&s.talk, "a", "more\n");
	while (!in.told.closed)
		talk_nothing(&s.talk, NULL, PX_ERROR_TIMEOUT);
	ck_assert_int_ge(in.calls, 8);
	talk_leave(&in.talk);
	told_done(&in.told);
	scene_end(&s);
}
END_TEST

/* A callback that ends itself at the third event; the others can be taken. */
static void
take_three(void *arg, struct px_client *client, struct px_event *event)
{
	int *calls = arg;

	px_event_free(event);
	if (++*calls == 3)
		px_client_on_event(client, "a", NULL, NULL);
}

START_TEST(test_ends_itself)
{
	struct scene s;
	int calls = 0;

	scene_init(&s);
	scene_open(&s, _i);
	START(&s.talk, "a", "echo-lines");
	let_write(&s, "a", "ready");
	for (char line[] = "1\n", text[] = "echo:1"; line[0] < '5'; line[0]++, text[5]++) {
		talk_write(&s.talk, "a", line);
		let_write(&s, "a", text);
	}
	px_client_on_event(s.c, "a", take_three, &calls);
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(talk_next(&s.talk, "a", PX_EVENT_OUTPUT)->seq, 4);
	ck_assert_int_eq(talk_next(&s.talk, "a", PX_EVENT_OUTPUT)->seq, 5);
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_queue");

	tcase_add_loop_test(tc, test_block_loses_nothing, 0, 4);
	tcase_add_loop_test(tc, test_lag_counts, 0, 4);
	tcase_add_loop_test(tc, test_next_of_another_session, 0, 2);
	tcase_add_loop_test(tc, test_overloaded, 0, 2);
	tcase_add_loop_test(tc, test_poll_loop, 0, 2);
	tcase_add_loop_test(tc, test_poll_loop_with_callback, 0, 2);
	tcase_add_loop_test(tc, test_called_while_waiting, 0, 2);
	tcase_add_loop_test(tc, test_switching, 0, 2);
	tcase_add_loop_test(tc, test_take_rest, 0, 2);
	tcase_add_loop_test(tc, test_calls_inside, 0, 2);
	tcase_add_loop_test(tc, test_ends_itself, 0, 2);
	return serve_cases(tc, NULL);
}

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rig/rig.h"
#include "rig/talk.h"
#include "served_cases.h"

/*
 * Eight threads on one client: starts, writes, waits, events of one session each,
 * callbacks. $PX_HAMMER_SECONDS says for how long.
 */

enum { THREADS = 8, SECONDS = 2, SPEW = 50000 };
#define SPEW_TEXT "50000"

struct hammer {
	struct px_client *client;
	atomic_bool stop;
	atomic_long started, closed, bytes_wanted, bytes;
};

struct worker {
	pthread_t thread;
	struct hammer *hammer;
	struct talk talk;
	int number;
};

/* What a callback hears, in whatever thread. */
struct heard {
	pthread_mutex_t lock;
	struct told told;
};

static void
take_heard(void *arg, struct px_client *client, struct px_event *event)
{
	struct heard *heard = arg;

	(void)client;
	pthread_mutex_lock(&heard->lock);
	told_add(&heard->told, event);
	pthread_mutex_unlock(&heard->lock);
	px_event_free(event);
}

static bool
heard_closed(struct heard *heard)
{
	bool closed;

	pthread_mutex_lock(&heard->lock);
	closed = heard->told.closed;
	pthread_mutex_unlock(&heard->lock);
	return closed;
}

static void
count(struct worker *w, const struct told *told, int64_t wanted)
{
	ck_assert(told->closed && told->exited);
	ck_assert_int_eq(told->received, wanted);
	atomic_fetch_add(&w->hammer->closed, 1);
	atomic_fetch_add(&w->hammer->bytes, told->received);
	atomic_fetch_add(&w->hammer->bytes_wanted, wanted);
}

/* ---- rounds ---- */

static void
echo_round(struct worker *w, const char *session)
{
	struct told told;

	told_init(&told);
	START(&w->talk, session, "echo");
	for (int i = 0; i < 3; i++)
		talk_write(&w->talk, session, "0123456789");
	talk_close_stdin(&w->talk, session);
	talk_hear(&w->talk, session, &told);
	count(w, &told, 30);
	told_done(&told);
}

static void
spew_round(struct worker *w, const char *session)
{
	struct told told;
	int64_t exit;

	told_init(&told);
	told.spews = true;
	START(&w->talk, session, "spew", SPEW_TEXT);
	exit = talk_sent(&w->talk, px_client_wait(w->talk.client, session, NULL, &w->talk.error));
	talk_hear(&w->talk, session, &told);
	ck_assert_int_eq(talk_answer(&w->talk, exit)->wait.end.exit_code, 0);
	count(w, &told, SPEW);
	told_done(&told);
}

/* Events that are for a callback are nobody's to wait for, and the others may have ended. */
static void
step(struct px_client *client)
{
	struct pollfd pfd = { .fd = px_client_fd(client), .events = POLLIN };

	poll(&pfd, 1, 5);
	px_client_step(client);
}

static void
callback_round(struct worker *w, const char *session)
{
	struct heard heard = { .lock = PTHREAD_MUTEX_INITIALIZER };

	told_init(&heard.told);
	px_client_on_event(w->talk.client, session, take_heard, &heard);
	START(&w->talk, session, "spew", SPEW_TEXT);
	while (!heard_closed(&heard))
		step(w->talk.client);
	px_client_on_event(w->talk.client, session, NULL, NULL);
	count(w, &heard.told, SPEW);
	told_done(&heard.told);
}

static void
run_round(struct worker *w, const char *session)
{
	const struct px_answer *answer;
	struct talk_command puppet;

	PUPPET(&puppet, session, "echo");
	answer = talk_answer(
	    &w->talk, px_client_run(w->talk.client, &puppet.command, "abc", 3, 0, &w->talk.error));
	ck_assert(answer->finish.wait.exited);
	ck_assert_int_eq(answer->finish.snapshot.stream[PX_STREAM_STDOUT].total, 3);
	atomic_fetch_add(&w->hammer->closed, 1);
}

static void *
work(void *arg)
{
	static void (*const rounds[])(
	    struct worker *, const char *) = { echo_round, spew_round, callback_round, run_round };
	struct worker *w = arg;
	char session[32];

	talk_share(&w->talk, w->hammer->client);
	for (int i = w->number; !atomic_load(&w->hammer->stop); i++) {
		snprintf(session, sizeof session, "t%d-%d", w->number, i);
		atomic_fetch_add(&w->hammer->started, 1);
		rounds[i % 4](w, session);
		talk_settle(&w->talk, px_client_release(w->talk.client, session, &w->talk.error));
	}
	talk_leave(&w->talk);
	return NULL;
}

static void
workers_start(struct worker workers[THREADS], struct hammer *hammer)
{
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .hammer = hammer, .number = i };
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
}

START_TEST(test_hammer)
{
	const struct timespec length = { .tv_sec = rig_number("PX_HAMMER_SECONDS", SECONDS) };
	struct worker workers[THREADS];
	struct hammer hammer = { 0 };
	struct talk talk;

	talk_init(&talk);
	talk_connect(&talk, rig_url(_i == 0 ? RIG_UNIX : RIG_WS));
	hammer.client = talk.client;
	workers_start(workers, &hammer);
	nanosleep(&length, NULL);
	atomic_store(&hammer.stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	ck_assert_int_gt(atomic_load(&hammer.started), 0);
	ck_assert_int_eq(atomic_load(&hammer.started), atomic_load(&hammer.closed));
	ck_assert_int_eq(atomic_load(&hammer.bytes), atomic_load(&hammer.bytes_wanted));
	/* Nothing was told that nobody has taken, and nothing is left. */
	talk_nothing(&talk, NULL, PX_ERROR_TIMEOUT);
	ck_assert_uint_eq(
	    talk_answer(&talk, px_client_list(talk.client, &talk.error))->list.nrows, 0);
	printf("# %ld sessions\n", atomic_load(&hammer.started));
	fflush(stdout);
	talk_done(&talk);
}
END_TEST

/* ---- the end comes while they work ---- */

/* Whatever it does fails from then on, and only then. */
static void *
work_until_lost(void *arg)
{
	struct worker *w = arg;
	struct px_error error = { 0 };
	struct talk_command puppet;
	struct px_answer *answer;

	do {
		PUPPET(&puppet, NULL, "echo");
		answer = px_client_await(w->hammer->client,
		    px_client_start(w->hammer->client, &puppet.command, &error), -1, &error);
		if (answer == NULL)
			continue;
		px_client_forget(w->hammer->client,
		    px_client_write(w->hammer->client, answer->start.session, "x", 1, NULL));
		px_event_free(px_client_next(w->hammer->client, answer->start.session, -1, NULL));
		px_client_settle(w->hammer->client,
		    px_client_terminate(
			w->hammer->client, answer->start.session, PX_TERMINATE_FORCE, &error),
		    -1, &error);
		px_answer_free(answer);
		px_event_free(px_client_next(w->hammer->client, NULL, 0, NULL));
	} while (error.code == PX_ERROR_NONE || error.code == PX_ERROR_BUSY);
	ck_assert_msg(error.code == PX_ERROR_LOST, "%s", error.text);
	return NULL;
}

START_TEST(test_closed_under_work)
{
	struct worker workers[THREADS];
	struct hammer hammer = { 0 };
	struct talk talk;

	talk_init(&talk);
	talk_connect(&talk, rig_url(_i % 2 == 0 ? RIG_UNIX : RIG_WS));
	hammer.client = talk.client;
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .hammer = &hammer, .number = i };
		pthread_create(&workers[i].thread, NULL, work_until_lost, &workers[i]);
	}
	nanosleep(&(const struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
	px_client_close(talk.client);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	talk_done(&talk);
}
END_TEST

int
main(void)
{
	static const char *const flags[] = { "--detach-ttl-ms", "0", NULL };
	TCase *tc = tcase_create("client_hammer");

	tcase_add_loop_test(tc, test_hammer, 0, 2);
	tcase_add_loop_test(tc, test_closed_under_work, 0, 2);
	return serve_cases(tc, flags);
}

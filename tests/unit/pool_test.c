#include "fs/pool.h"

#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "cases.h"

/*
 * Jobs that wait until they are let go, so that what may run together is known,
 * and not a matter of time.
 */

struct desk {
	struct event_base *base;
	struct px_pool *pool;
	int begun, leave; /* semaphores: raised by each job that begins; taken by each to end */
	atomic_int running, most;
	char order[160]; /* the names of what was done, capitals for cancelled */
	size_t done;
};

struct task {
	struct desk *desk;
	char name;
	bool waits, heeds; /* for desk->leave; and for 'stop', too */
	atomic_bool ran, stopped;
};

static struct desk desk;

static void
sem_raise(int fd)
{
	ck_assert_int_eq(eventfd_write(fd, 1), 0);
}

/* Also for the loop's thread, while jobs begin. */
static void
sem_take(int fd)
{
	eventfd_t count;

	ck_assert_int_eq(eventfd_read(fd, &count), 0);
}

static void
task_wait(struct task *task, const atomic_bool *stop)
{
	struct pollfd leave = { .fd = task->desk->leave, .events = POLLIN };

	if (!task->heeds) {
		sem_take(task->desk->leave);
		return;
	}
	while (!atomic_load(stop) && poll(&leave, 1, 1) == 0)
		;
	atomic_store(&task->stopped, atomic_load(stop));
}

static bool
task_run(void *arg, const atomic_bool *stop)
{
	struct task *task = arg;
	int running = atomic_fetch_add(&task->desk->running, 1) + 1;
	int most = atomic_load(&task->desk->most);

	while (running > most && !atomic_compare_exchange_weak(&task->desk->most, &most, running))
		;
	atomic_store(&task->ran, true);
	if (task->waits) {
		sem_raise(task->desk->begun);
		task_wait(task, stop);
	}
	atomic_fetch_sub(&task->desk->running, 1);
	return true;
}

static void
task_done(void *arg, bool cancelled)
{
	struct task *task = arg;

	task->desk->order[task->desk->done++] =
	    (char)(cancelled ? task->name - 'a' + 'A' : task->name);
}

static const struct px_pool_work look = { .run = task_run, .done = task_done };
static const struct px_pool_work alter = { .run = task_run, .done = task_done, .alters = true };

static void
setup(size_t threads)
{
	const struct px_pool_limits limits = { threads, 8 };

	desk = (struct desk){ .base = event_base_new() };
	desk.begun = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	desk.leave = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	desk.pool = px_pool_new(desk.base, &limits, NULL);
	ck_assert_ptr_nonnull(desk.pool);
}

static void
teardown(bool freed)
{
	ck_assert(px_pool_free(desk.pool, 50000) == freed);
	event_base_free(desk.base);
	close(desk.begun);
	close(desk.leave);
}

static struct task
task(char name, bool waits)
{
	return (struct task){ .desk = &desk, .name = name, .waits = waits };
}

static void
submit(struct px_pool_owner *owner, const struct px_pool_work *work, struct task *task)
{
	struct px_err err = { 0 };

	ck_assert_msg(px_pool_submit(owner, work, task, &err) == 0, "%s", err.text);
}

static void
turn_until(size_t done)
{
	while (desk.done < done)
		ck_assert_int_eq(event_base_loop(desk.base, EVLOOP_ONCE), 0);
}

START_TEST(test_done)
{
	struct px_pool_owner *owner;
	struct task tasks[5];

	setup(1);
	owner = px_pool_owner_new(desk.pool);
	for (int i = 0; i < 5; i++) {
		tasks[i] = task((char)('a' + i), false);
		submit(owner, i % 2 == 0 ? &look : &alter, &tasks[i]);
	}
	turn_until(5);
	ck_assert_str_eq(desk.order, "abcde");
	ck_assert_int_eq(desk.most, 1);
	px_pool_owner_free(owner);
	px_pool_owner_free(NULL);
	teardown(true);
}
END_TEST

/* Three look at once; one that alters waits for them, and those behind it for it. */
START_TEST(test_order)
{
	struct px_pool_owner *owner;
	struct task tasks[6];

	setup(4);
	owner = px_pool_owner_new(desk.pool);
	for (int i = 0; i < 6; i++) {
		tasks[i] = task((char)('a' + i), i != 4);
		submit(owner, i == 3 || i == 4 ? &alter : &look, &tasks[i]);
	}
	for (int i = 0; i < 3; i++)
		sem_take(desk.begun);
	ck_assert_int_eq(desk.running, 3);
	ck_assert(!tasks[3].ran);
	for (int i = 0; i < 3; i++)
		sem_raise(desk.leave);
	sem_take(desk.begun);
	ck_assert(tasks[3].ran && !tasks[4].ran && !tasks[5].ran);
	ck_assert_int_eq(desk.running, 1);
	sem_raise(desk.leave);
	sem_take(desk.begun);
	ck_assert(tasks[4].ran);
	sem_raise(desk.leave);
	turn_until(6);
	ck_assert_str_eq(desk.order + 3, "def");
	px_pool_owner_free(owner);
	teardown(true);
}
END_TEST

/* However much one owner asks for, a thread is left for another. */
START_TEST(test_fair)
{
	struct px_pool_owner *greedy, *other;
	struct task tasks[8], one = task('x', false);

	setup(3);
	greedy = px_pool_owner_new(desk.pool);
	other = px_pool_owner_new(desk.pool);
	for (int i = 0; i < 8; i++) {
		tasks[i] = task((char)('a' + i), true);
		submit(greedy, &look, &tasks[i]);
	}
	sem_take(desk.begun);
	sem_take(desk.begun);
	submit(other, &look, &one);
	turn_until(1);
	ck_assert_str_eq(desk.order, "x");
	ck_assert_int_eq(desk.running, 2);
	for (int i = 0; i < 8; i++)
		sem_raise(desk.leave);
	turn_until(9);
	ck_assert_int_le(desk.most, 3);
	px_pool_owner_free(greedy);
	px_pool_owner_free(other);
	teardown(true);
}
END_TEST

/* What is held waits, whatever is free; others do not. */
START_TEST(test_hold)
{
	struct px_pool_owner *held, *other;
	struct task tasks[3] = { task('a', true), task('b', false), task('c', false) };

	setup(3);
	held = px_pool_owner_new(desk.pool);
	other = px_pool_owner_new(desk.pool);
	submit(held, &look, &tasks[0]);
	sem_take(desk.begun);
	px_pool_owner_hold(held, true);
	submit(held, &look, &tasks[1]);
	submit(other, &look, &tasks[2]);
	turn_until(1);
	sem_raise(desk.leave);
	turn_until(2);
	ck_assert_str_eq(desk.order, "ca");
	ck_assert(!tasks[1].ran);
	px_pool_owner_hold(held, false);
	turn_until(3);
	ck_assert_str_eq(desk.order, "cab");
	px_pool_owner_free(held);
	px_pool_owner_free(other);
	teardown(true);
}
END_TEST

START_TEST(test_bounded)
{
	struct px_pool_owner *owner;
	struct task tasks[9];
	struct px_err err = { 0 };

	setup(2);
	owner = px_pool_owner_new(desk.pool);
	for (int i = 0; i < 9; i++)
		tasks[i] = task((char)('a' + i), true);
	for (int i = 0; i < 8; i++)
		submit(owner, &look, &tasks[i]);
	ck_assert_int_eq(px_pool_submit(owner, &look, &tasks[8], &err), -1);
	ck_assert_int_eq(err.code, PX_E_OVERLOADED);
	sem_raise(desk.leave);
	turn_until(1);
	submit(owner, &look, &tasks[8]);
	for (int i = 0; i < 8; i++)
		sem_raise(desk.leave);
	turn_until(9);
	px_pool_owner_free(owner);
	teardown(true);
}
END_TEST

/* What waits is dropped at once, what runs is told to stop, and each is answered once. */
START_TEST(test_cancel)
{
	struct px_pool_owner *owner, *other;
	struct task running = task('a', true), second = task('b', true), third = task('c', false);
	struct task others = task('o', false);

	setup(2);
	owner = px_pool_owner_new(desk.pool);
	other = px_pool_owner_new(desk.pool);
	running.heeds = true;
	submit(owner, &alter, &running);
	submit(owner, &alter, &second);
	submit(owner, &look, &third);
	sem_take(desk.begun);
	px_pool_owner_free(owner);
	ck_assert_str_eq(desk.order, "BC");
	ck_assert(!second.ran && !third.ran);
	turn_until(3);
	ck_assert_str_eq(desk.order, "BCA");
	ck_assert(running.stopped);
	submit(other, &look, &others);
	turn_until(4);
	ck_assert_str_eq(desk.order, "BCAo");
	teardown(true);
}
END_TEST

/* A task that lacks something as often as 'lacking' says. */
struct lacker {
	struct task task;
	int lacking;
	struct px_pool_job *paused;
};

static bool
lacker_run(void *arg, const atomic_bool *stop)
{
	struct lacker *lacker = arg;

	(void)stop;
	if (lacker->lacking == 0)
		return task_run(&lacker->task, stop);
	lacker->lacking--;
	return false;
}

static void
lacker_paused(void *arg, struct px_pool_job *job)
{
	((struct lacker *)arg)->paused = job;
}

static const struct px_pool_work lacker_look = {
	.run = lacker_run, .paused = lacker_paused, .done = task_done
};
static const struct px_pool_work lacker_alter = {
	.run = lacker_run, .paused = lacker_paused, .done = task_done, .alters = true
};

static struct lacker
lacker(char name, int lacking)
{
	return (struct lacker){ .task = task(name, false), .lacking = lacking };
}

static void
submit_lacker(struct px_pool_owner *owner, const struct px_pool_work *work, struct lacker *lacker)
{
	ck_assert_int_eq(px_pool_submit(owner, work, lacker, NULL), 0);
}

static void
turn_until_paused(const struct lacker *lacker)
{
	while (lacker->paused == NULL)
		ck_assert_int_eq(event_base_loop(desk.base, EVLOOP_ONCE), 0);
}

static void
resume(struct lacker *lacker)
{
	struct px_pool_job *job = lacker->paused;

	lacker->paused = NULL;
	px_pool_resume(job);
}

/* One that has paused leaves its thread to others, and its place to nobody. */
START_TEST(test_pause)
{
	struct lacker first = lacker('a', 2), second = lacker('d', 1);
	struct task tasks[4] = { task('b', false), task('c', false), task('e', false),
		task('x', false) };
	struct px_pool_owner *owner, *other;

	setup(1);
	owner = px_pool_owner_new(desk.pool);
	other = px_pool_owner_new(desk.pool);
	submit_lacker(owner, &lacker_look, &first);
	submit(owner, &look, &tasks[0]);
	submit(owner, &alter, &tasks[1]);
	submit_lacker(owner, &lacker_alter, &second);
	submit(owner, &look, &tasks[2]);
	turn_until_paused(&first);
	turn_until(1);
	submit(other, &alter, &tasks[3]);
	turn_until(2);
	ck_assert_str_eq(desk.order, "bx");
	resume(&first);
	turn_until_paused(&first);
	ck_assert(!tasks[1].ran);
	resume(&first);
	turn_until_paused(&second);
	ck_assert_str_eq(desk.order, "bxac");
	ck_assert(!tasks[2].ran);
	resume(&second);
	turn_until(6);
	ck_assert_str_eq(desk.order, "bxacde");
	px_pool_owner_free(owner);
	px_pool_owner_free(other);
	teardown(true);
}
END_TEST

/* Those that have paused, or were resumed and have no thread yet, end with their owner, too. */
START_TEST(test_cancel_paused)
{
	struct lacker first = lacker('a', 1), second = lacker('b', 1);
	struct task running = task('o', true);
	struct px_pool_owner *owner, *other;

	setup(1);
	owner = px_pool_owner_new(desk.pool);
	other = px_pool_owner_new(desk.pool);
	submit_lacker(owner, &lacker_look, &first);
	submit_lacker(owner, &lacker_look, &second);
	turn_until_paused(&first);
	turn_until_paused(&second);
	submit(other, &look, &running);
	sem_take(desk.begun);
	resume(&second);
	px_pool_owner_free(owner);
	ck_assert_str_eq(desk.order, "BA");
	sem_raise(desk.leave);
	turn_until(3);
	teardown(true);
}
END_TEST

/* What one of them gives back may be what another lacks, which ends with it all the same. */
static void
giver_done(void *arg, bool cancelled)
{
	struct lacker *lacker = arg, *next = &lacker[1];

	task_done(&lacker->task, cancelled);
	if (next->paused != NULL)
		resume(next);
}

START_TEST(test_resume_within_end)
{
	static const struct px_pool_work giver = {
		.run = lacker_run, .paused = lacker_paused, .done = giver_done
	};
	struct lacker lackers[3] = { lacker('a', 1), lacker('b', 1) };
	struct px_pool_owner *owner;

	setup(1);
	owner = px_pool_owner_new(desk.pool);
	for (int i = 0; i < 2; i++) {
		submit_lacker(owner, &giver, &lackers[i]);
		turn_until_paused(&lackers[i]);
	}
	px_pool_owner_free(owner);
	ck_assert_str_eq(desk.order, "AB");
	teardown(true);
	ck_assert_uint_eq(desk.done, 2);
}
END_TEST

static void
ender_done(void *arg, bool cancelled)
{
	ck_assert(!cancelled);
	task_done(*(struct task **)arg, cancelled);
	px_pool_owner_free(((struct px_pool_owner **)arg)[1]);
}

static bool
ender_run(void *arg, const atomic_bool *stop)
{
	return task_run(*(struct task **)arg, stop);
}

/* A connection may end while one of its answers is given. */
START_TEST(test_end_within_done)
{
	static const struct px_pool_work ender = {
		.run = ender_run, .done = ender_done, .alters = true
	};
	struct task first = task('a', true), second = task('b', false);
	void *pair[2] = { &first, NULL };

	setup(2);
	pair[1] = px_pool_owner_new(desk.pool);
	ck_assert_int_eq(px_pool_submit(pair[1], &ender, pair, NULL), 0);
	submit(pair[1], &alter, &second);
	sem_take(desk.begun);
	sem_raise(desk.leave);
	turn_until(2);
	ck_assert(strcmp(desk.order, "aB") == 0);
	teardown(true);
}
END_TEST

/* The pool's end cancels all; whose owners were not ended end with it. */
START_TEST(test_free)
{
	struct task running = task('a', true), waiting = task('b', false), others = task('c', true);

	setup(2);
	running.heeds = others.heeds = true;
	struct px_pool_owner *owner = px_pool_owner_new(desk.pool);
	submit(owner, &alter, &running);
	submit(owner, &alter, &waiting);
	submit(px_pool_owner_new(desk.pool), &look, &others);
	px_pool_owner_new(desk.pool);
	sem_take(desk.begun);
	sem_take(desk.begun);
	teardown(true);
	ck_assert_uint_eq(desk.done, 3);
	ck_assert(running.stopped && others.stopped && !waiting.ran);
}
END_TEST

/* What lasts is begun nevertheless, also when it is left behind only by what ends; later, nothing
 * is taken. */
struct heir {
	struct task task;
	struct px_pool_owner *owner;
	int taken; /* of the one that came too late */
};

static bool
heir_run(void *arg, const atomic_bool *stop)
{
	return task_run(&((struct heir *)arg)->task, stop);
}

static void
heir_done(void *arg, bool cancelled)
{
	struct heir *heir = arg;

	task_done(&heir->task, cancelled);
	px_pool_owner_free(heir->owner);
}

static const struct px_pool_work heir_work = { .run = heir_run, .done = heir_done, .lasts = true };

static struct heir heirs[3];

static void
heir_submit(struct heir *heir, char name)
{
	heir->task = task(name, false);
	heir->owner = px_pool_owner_new(desk.pool);
	heir->taken = px_pool_submit(heir->owner, &heir_work, heir, NULL);
	if (heir->taken == -1)
		px_pool_owner_free(heir->owner);
}

static void
leaver_done(void *arg, bool cancelled)
{
	struct task *task = arg;

	task_done(task, cancelled);
	heir_submit(&heirs[task->name - 'a'], (char)(task->name + 'p' - 'a'));
}

START_TEST(test_lasting)
{
	static const struct px_pool_work leaver = {
		.run = task_run, .done = leaver_done, .alters = true
	};
	struct task running = task('a', true), waiting = task('b', false);
	struct px_pool_owner *owner;

	setup(2);
	running.heeds = true;
	owner = px_pool_owner_new(desk.pool);
	submit(owner, &leaver, &running);
	submit(owner, &leaver, &waiting);
	sem_take(desk.begun);
	heir_submit(&heirs[2], 'r');
	teardown(true);
	ck_assert(running.stopped && !waiting.ran);
	ck_assert(heirs[1].task.ran && heirs[2].task.ran);
	/* Its giver ended before the pool took no more, or behind that. */
	ck_assert(heirs[0].task.ran == (heirs[0].taken == 0));
	ck_assert_uint_eq(desk.done, heirs[0].taken == 0 ? 5 : 4);
	ck_assert_ptr_null(strpbrk(desk.order, "QR"));
}
END_TEST

START_TEST(test_free_unused)
{
	setup(2);
	teardown(true);
	ck_assert(px_pool_free(NULL, 0));
}
END_TEST

/* A thread that does not come back is left behind, and may go on. */
START_TEST(test_left_behind)
{
	static struct task stuck;
	struct pollfd taken = { .events = POLLIN };

	setup(2);
	stuck = task('a', true);
	submit(px_pool_owner_new(desk.pool), &look, &stuck);
	sem_take(desk.begun);
	ck_assert(!px_pool_free(desk.pool, 1));
	ck_assert_uint_eq(desk.done, 0);
	sem_raise(desk.leave);
	taken.fd = desk.leave;
	while (poll(&taken, 1, 0) == 1 || atomic_load(&desk.running) > 0)
		sched_yield();
	event_base_free(desk.base);
}
END_TEST

/* A thread that does not come back is replaced for others; once it does, no more run than before.
 */
START_TEST(test_stalled)
{
	struct task stuck = task('a', true), own = task('b', false), others[4];
	struct px_pool_owner *owner, *other;

	setup(1);
	owner = px_pool_owner_new(desk.pool);
	other = px_pool_owner_new(desk.pool);
	submit(owner, &look, &stuck);
	submit(owner, &look, &own);
	sem_take(desk.begun);
	others[0] = task('o', false);
	submit(other, &look, &others[0]);
	turn_until(1);
	ck_assert_str_eq(desk.order, "o");
	ck_assert(!own.ran);
	ck_assert_int_eq(px_pool_check(desk.pool, NULL), 0);
	sem_raise(desk.leave);
	turn_until(3);
	ck_assert_str_eq(desk.order, "oab");
	desk.most = 0;
	for (int i = 1; i < 4; i++) {
		others[i] = task((char)('o' + i), true);
		submit(i % 2 == 0 ? owner : other, &look, &others[i]);
		sem_raise(desk.leave);
	}
	turn_until(6);
	ck_assert_int_eq(desk.most, 1);
	px_pool_owner_free(owner);
	px_pool_owner_free(other);
	teardown(true);
}
END_TEST

/* However many threads it has had, there is an end. */
START_TEST(test_all_stalled)
{
	static struct task tasks[130];
	struct px_err err = { 0 };

	setup(64);
	for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
		tasks[i] = task('a', true);
		submit(px_pool_owner_new(desk.pool), &look, &tasks[i]);
	}
	while (px_pool_check(desk.pool, &err) == 0)
		ck_assert_int_eq(event_base_loop(desk.base, EVLOOP_ONCE), 0);
	ck_assert_int_eq(err.code, PX_E_OVERLOADED);
	ck_assert_int_eq(desk.running, 128);
	for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
		sem_raise(desk.leave);
	turn_until(130);
	ck_assert_int_eq(px_pool_check(desk.pool, &err), 0);
	teardown(true);
}
END_TEST

static bool
mask_run(void *arg, const atomic_bool *stop)
{
	sigset_t mask;
	bool *blocked = arg;

	(void)stop;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	*blocked = sigismember(&mask, SIGCHLD) == 1 && sigismember(&mask, SIGTERM) == 1;
	return true;
}

static void
mask_done(void *arg, bool cancelled)
{
	(void)arg;
	ck_assert(!cancelled);
	desk.done++;
}

/* Signals are the loop's: here none is blocked, there all are. */
START_TEST(test_signals)
{
	static const struct px_pool_work mask = { .run = mask_run, .done = mask_done };
	struct px_pool_owner *owner;
	bool blocked = false;
	sigset_t here;

	setup(2);
	owner = px_pool_owner_new(desk.pool);
	ck_assert_int_eq(px_pool_submit(owner, &mask, &blocked, NULL), 0);
	turn_until(1);
	ck_assert(blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &here);
	ck_assert_int_eq(sigismember(&here, SIGTERM), 0);
	teardown(true);
}
END_TEST

static int *counted;

static bool
count_run(void *arg, const atomic_bool *stop)
{
	(void)stop;
	++*(int *)arg; /* no lock: those that alter run alone */
	return true;
}

static void
count_done(void *arg, bool cancelled)
{
	(void)cancelled;
	counted = arg;
	desk.done++;
}

/* Many short ones of several owners: each owner's see what those before did. */
START_TEST(test_many)
{
	static const struct px_pool_work count = {
		.run = count_run, .done = count_done, .alters = true
	};
	struct px_pool_owner *owners[5];
	int counts[5] = { 0 };
	size_t asked = 0;

	setup(4);
	for (int i = 0; i < 5; i++)
		owners[i] = px_pool_owner_new(desk.pool);
	for (int round = 0; round < 2000; round++) {
		for (int i = 0; i < 5; i++)
			asked += px_pool_submit(owners[i], &count, &counts[i], NULL) == 0;
		event_base_loop(desk.base, EVLOOP_NONBLOCK);
	}
	turn_until(asked);
	ck_assert_int_eq(counts[0] + counts[1] + counts[2] + counts[3] + counts[4], (int)asked);
	ck_assert_ptr_nonnull(counted);
	teardown(true);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("pool");

	tcase_add_test(tc, test_done);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_fair);
	tcase_add_test(tc, test_hold);
	tcase_add_test(tc, test_bounded);
	tcase_add_test(tc, test_cancel);
	tcase_add_test(tc, test_pause);
	tcase_add_test(tc, test_cancel_paused);
	tcase_add_test(tc, test_resume_within_end);
	tcase_add_test(tc, test_end_within_done);
	tcase_add_test(tc, test_free);
	tcase_add_test(tc, test_lasting);
	tcase_add_test(tc, test_free_unused);
	tcase_add_test(tc, test_left_behind);
	tcase_add_test(tc, test_stalled);
	tcase_add_test(tc, test_all_stalled);
	tcase_add_test(tc, test_signals);
	tcase_add_test(tc, test_many);
	return run_cases(tc);
}

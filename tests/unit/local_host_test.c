#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ptyexec/ptyexec.h>

#include "cases.h"

/* A core in processes that make it hard. */

enum { WAIT_MS = 30000, MANY = 100, LIMIT_MAX = 48 };

static const char *const echo[] = { "/bin/echo", "hi", NULL };

static struct px_client *
embed(const struct px_client_options *options)
{
	struct px_client *client;
	struct px_error err = { 0 };

	ck_assert_msg(px_client_embed(options, &client, &err) == 0, "%s", err.text);
	return client;
}

static void
runs(struct px_client *client, const struct px_command *command, const char *says)
{
	enum px_stream stream = command->pty ? PX_STREAM_TERMINAL : PX_STREAM_STDOUT;
	struct px_error err = { 0 };
	struct px_collected *all = px_run(client, command, NULL, 0, NULL, &err);

	ck_assert_msg(all != NULL, "%s", err.text);
	ck_assert_int_eq(all->end.exit_code, 0);
	ck_assert_str_eq(all->stream[stream].data, says);
	px_collected_free(all);
}

static void
runs_both(struct px_client *client)
{
	runs(client, &(const struct px_command){ .argv = echo }, "hi\n");
	runs(client,
	    &(const struct px_command){ .argv = echo, .pty = true, .rows = 24, .cols = 80 },
	    "hi\r\n");
}

/* ---- descriptors ---- */

/* Among the first ones; more are not allowed. */
static int
descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < LIMIT_MAX; fd++) {
		struct pollfd pfd = { .fd = fd };

		n += poll(&pfd, 1, 0) == 0 || (pfd.revents & POLLNVAL) == 0;
	}
	return n;
}

static bool
embed_and_run(struct px_error *err)
{
	struct px_collected *all = NULL;
	struct px_client *client;

	if (px_client_embed(NULL, &client, err) == 0) {
		all =
		    px_run(client, &(const struct px_command){ .argv = echo }, NULL, 0, NULL, err);
		px_client_free(client);
	}
	if (all == NULL)
		ck_assert_int_ne(err->code, PX_ERROR_NONE);
	px_collected_free(all);
	return all != NULL;
}

/* Wherever they run out, it says so, and leaves nothing behind. */
START_TEST(test_few_descriptors)
{
	struct rlimit limit;
	int before = descriptors();
	bool ran = false;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (limit.rlim_cur = 2; !ran; limit.rlim_cur++) {
		struct px_error err = { 0 };

		ck_assert_uint_lt(limit.rlim_cur, LIMIT_MAX);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		ran = embed_and_run(&err);
		if (!ran && err.code != PX_ERROR_REFUSED)
			ck_assert_int_eq(err.code, PX_ERROR_SYSTEM);
		if (!ran)
			ck_assert_msg(err.sys == EMFILE, "%s", err.text);
	}
	limit.rlim_cur = LIMIT_MAX;
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_int_eq(descriptors(), before);
}
END_TEST

START_TEST(test_no_standard_descriptors)
{
	struct px_client *client;
	int kept[3];

	for (int fd = 0; fd < 3; fd++) {
		kept[fd] = dup(fd);
		close(fd);
	}
	client = embed(NULL);
	runs_both(client);
	px_client_free(client);
	for (int fd = 0; fd < 3; fd++) {
		dup2(kept[fd], fd);
		close(kept[fd]);
	}
}
END_TEST

/* ---- the end ---- */

START_TEST(test_many_that_ignore_term)
{
	const char *const argv[] = { getenv("PX_CHILD"), "ignore-term", NULL };
	struct px_client_options options;
	struct px_client *client;
	int64_t request[MANY];
	struct px_event *event;
	struct px_error err;

	px_client_options_init(&options);
	options.grace_ms = 100;
	options.capacity = MANY;
	client = embed(&options);
	for (int i = 0; i < MANY; i++)
		request[i] =
		    px_client_start(client, &(const struct px_command){ .argv = argv }, NULL);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(px_client_settle(client, request[i], WAIT_MS, &err), 0);
	/* Each has said that it ignores it. */
	for (int i = 0; i < MANY; i++) {
		event = px_client_next(client, NULL, WAIT_MS, &err);
		ck_assert_ptr_nonnull(event);
		ck_assert_int_eq(event->type, PX_EVENT_OUTPUT);
		px_event_free(event);
	}
	px_client_free(client);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* ---- hosts that do as they like with children ---- */

static void *
reap_all(void *arg)
{
	atomic_bool *enough = arg;

	while (!atomic_load(enough))
		if (waitpid(-1, NULL, WNOHANG) == -1)
			sched_yield();
	return NULL;
}

/* It may take the exit status away; the end is told all the same, and never invented. */
START_TEST(test_host_reaps_all)
{
	struct px_client *client = embed(NULL);
	atomic_bool enough = false;
	struct px_collected *all;
	struct px_error err;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, reap_all, &enough), 0);
	for (int i = 0; i < 20; i++) {
		all =
		    px_run(client, &(const struct px_command){ .argv = echo }, NULL, 0, NULL, &err);
		ck_assert_msg(all != NULL, "%s", err.text);
		ck_assert(!all->running);
		ck_assert(all->exited ? all->end.exit_code == 0 : all->failure != NULL);
		ck_assert_str_eq(all->stream[PX_STREAM_STDOUT].data, "hi\n");
		px_collected_free(all);
	}
	px_client_free(client);
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
}
END_TEST

/* The child of a fork has nothing of ours to do, and is no hindrance. */
START_TEST(test_host_forks)
{
	struct px_client *client = embed(NULL);
	int hold[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
	}
	ck_assert_int_gt(pid, 0);
	runs_both(client);
	px_client_free(client);
	close(hold[0]);
	close(hold[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("local_host");

	tcase_add_test(tc, test_few_descriptors);
	tcase_add_test(tc, test_no_standard_descriptors);
	tcase_add_test(tc, test_many_that_ignore_term);
	tcase_add_test(tc, test_host_reaps_all);
	tcase_add_test(tc, test_host_forks);
	return run_cases(tc);
}

#include "proc/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cases.h"
#include "proc/input.h"
#include "proc/procs.h"
#include "proc/spec.h"
#include "tree/procfs.h"

enum { DEADLINE_MS = 40000, LOOK_MS = 5 };

/* ---- what this program does when the tests start it as a child ---- */

static int
puppet_read(void)
{
	char c;

	return read(STDIN_FILENO, &c, 1) == 1 ? 0 : 1;
}

static int
puppet_poll(void)
{
	struct pollfd fds[200];

	for (size_t i = 0; i < 200; i++)
		fds[i] = (struct pollfd){ .fd = -1 };
	fds[150] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	return poll(fds, 200, -1) == 1 ? 0 : 1;
}

/* Would be woken by a hang-up only. */
static int
puppet_poll_nothing(void)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLPRI } };

	return poll(fds, 1, -1) == 1 ? 0 : 1;
}

static int
puppet_poll_pipe(void)
{
	int fd[2];
	struct pollfd fds[1];

	if (pipe(fd) == -1)
		return 1;
	fds[0] = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	return poll(fds, 1, -1) == 1 ? 0 : 1;
}

static int
puppet_select(void)
{
	int high = fcntl(STDIN_FILENO, F_DUPFD, 700);
	fd_set set;

	FD_ZERO(&set);
	FD_SET(high, &set);
	return select(high + 1, &set, NULL, NULL, NULL) == 1 ? 0 : 1;
}

static int
puppet_select_except(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(STDIN_FILENO, &set);
	return select(1, NULL, NULL, &set, NULL) == 1 ? 0 : 1;
}

static int
puppet_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int set = epoll_create1(0), pipes[2];

	if (pipe(pipes) == -1 || epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &ev) == -1 ||
	    epoll_ctl(set, EPOLL_CTL_ADD, STDIN_FILENO, &ev) == -1)
		return 1;
	while (epoll_wait(set, &ev, 1, -1) == -1 && errno == EINTR) /* also by SIGCONT */
		;
	return 0;
}

static int
puppet_dev_tty(void)
{
	int fd = open("/dev/tty", O_RDWR);
	char c;

	return read(fd, &c, 1) == 1 ? 0 : 1;
}

static void *
reader_thread(void *arg)
{
	exit(puppet_read());
	return arg;
}

static int
puppet_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, reader_thread, NULL) != 0)
		return 1;
	while (pause() == -1)
		;
	return 1;
}

/* Puts a new group into the foreground whose leader runs 'leader'; the caller waits for it. */
static void
foreground_child(int (*leader)(void))
{
	pid_t pid;

	signal(SIGTTOU, SIG_IGN);
	if ((pid = fork()) == 0) {
		setpgid(0, 0);
		tcsetpgrp(STDIN_FILENO, getpid());
		_exit(leader());
	}
	waitpid(pid, NULL, 0);
}

/* A leader that leaves its group to one process, which reads. */
static int
leave_member(void)
{
	if (fork() == 0) {
		prctl(PR_SET_NAME, "member) 1 2\n");
		_exit(puppet_read());
	}
	return 0;
}

static int
puppet_leaderless(void)
{
	foreground_child(leave_member);
	while (pause() == -1)
		;
	return 1;
}

static int
wait_forever(void)
{
	prctl(PR_SET_NAME, "waiter");
	while (pause() == -1)
		;
	return 1;
}

static void *
waiter_thread(void *arg)
{
	foreground_child(wait_forever);
	return arg;
}

/* Polls the terminal, but as a background process, which must not read from it. */
static int
puppet_background(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, waiter_thread, NULL);
	return puppet_poll();
}

static const struct {
	const char *name;
	int (*run)(void);
} puppets[] = {
	{ "read", puppet_read },
	{ "poll", puppet_poll },
	{ "poll-nothing", puppet_poll_nothing },
	{ "poll-pipe", puppet_poll_pipe },
	{ "select", puppet_select },
	{ "select-except", puppet_select_except },
	{ "epoll", puppet_epoll },
	{ "dev-tty", puppet_dev_tty },
	{ "thread", puppet_thread },
	{ "leaderless", puppet_leaderless },
	{ "background", puppet_background },
};

static int
puppet(const char *name)
{
	for (size_t i = 0; i < sizeof(puppets) / sizeof(puppets[0]); i++)
		if (strcmp(puppets[i].name, name) == 0) {
			prctl(PR_SET_NAME, name);
			return puppets[i].run();
		}
	return 2;
}

/* ---- the tests' side ---- */

static struct world {
	struct event_base *base;
	struct event *tick;
	struct px_procs *procs;
	struct px_proc *proc;
	struct px_facts facts;
} world;

static size_t
on_room(void *arg)
{
	(void)arg;
	return SIZE_MAX;
}

static void
on_output(void *arg, unsigned stream, const void *data, size_t len)
{
	(void)arg;
	(void)stream;
	(void)data;
	(void)len;
}

static void
on_exited(void *arg, const struct px_exit *exit)
{
	(void)arg;
	(void)exit;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static void
on_failed(void *arg, const char *message)
{
	(void)arg;
	ck_abort_msg("%s", message);
}

static const struct px_proc_ops ops = { on_room, on_output, on_exited, on_closed, on_failed, NULL };

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
setup(void)
{
	struct px_procs_options options = { .stdin_queue_bytes = 1 << 20 };
	struct timeval tv = px_ms_tv(LOOK_MS);

	world.base = event_base_new();
	world.procs = px_procs_new(world.base, &options);
	world.tick = event_new(world.base, -1, EV_PERSIST, on_tick, NULL);
	event_add(world.tick, &tv);
}

static void
teardown(void)
{
	px_proc_free(world.proc);
	px_procs_free(world.procs);
	event_free(world.tick);
	event_base_free(world.base);
}

/* Runs the words, up to a NULL, with a minimal environment. */
static void
start(enum px_io io, const char *const *words)
{
	static char *env[] = { "PATH=/usr/bin:/bin", "TERM=dumb", "PS1=$ ", "HISTFILE=", NULL };
	struct px_spec spec = { .argv = (char **)(uintptr_t)words,
		.cwd = "/",
		.env = env,
		.search_path = true,
		.io = io,
		.rows = 24,
		.cols = 80,
		.stdin_open = true,
		.umask = -1 };
	struct px_err err = { 0 };

	while (words[spec.argc] != NULL)
		spec.argc++;
	ck_assert_msg(px_proc_start(world.procs, &spec, 1, 1, &ops, NULL, &world.proc, &err) == 0,
	    "%s", err.text);
}

#define START(io, ...) start(io, (const char *const[]){ __VA_ARGS__, NULL })

static void
start_puppet(const char *name)
{
	char self[PATH_MAX] = { 0 };

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	START(PX_IO_PTY, self, name);
}

/* Lets the loop run until the facts are as 'right' wants them. */
static void
until_(bool (*right)(const struct px_facts *facts), const char *what)
{
	int64_t deadline = px_now_ms() + DEADLINE_MS;

	for (;;) {
		px_facts_gather(world.proc, &world.facts);
		if (right(&world.facts))
			return;
		ck_assert_msg(px_now_ms() < deadline,
		    "never %s: group %d '%s' echo %d canonical %d reading %d unread %zu", what,
		    (int)world.facts.foreground_group, world.facts.foreground_name,
		    world.facts.echo, world.facts.canonical, world.facts.reading,
		    world.facts.unread_input);
		event_base_loop(world.base, EVLOOP_ONCE);
	}
}

#define until(right) until_(right, #right)

static bool
reading(const struct px_facts *facts)
{
	return facts->reading;
}

static bool
not_reading(const struct px_facts *facts)
{
	return !facts->reading;
}

static const char *wanted_name;

static bool
named(const struct px_facts *facts)
{
	return strcmp(facts->foreground_name, wanted_name) == 0;
}

/* The group's leader sleeps in the kernel; this program sleeps in the call under test only. */
static bool
asleep(const struct px_facts *facts)
{
	struct px_procfs_stat stat = { 0 };
	DIR *proc = px_procfs_open();

	ck_assert_ptr_nonnull(proc);
	px_procfs_stat(dirfd(proc), facts->foreground_group, &stat);
	closedir(proc);
	return stat.state == 'S';
}

/* The program runs in the foreground, sleeps, and is never seen reading on the way there. */
static void
never_reads(const char *name)
{
	wanted_name = name;
	until(named);
	ck_assert(!world.facts.reading);
	until(asleep);
	ck_assert(!world.facts.reading);
}

static void
type(const char *text)
{
	struct px_input_op *op;

	ck_assert_int_eq(
	    px_input_write(px_proc_input(world.proc), text, strlen(text), NULL, NULL, &op, NULL),
	    1);
}

START_TEST(test_cat)
{
	START(PX_IO_PTY, "cat");
	until(reading);
	ck_assert(world.facts.terminal);
	ck_assert(world.facts.canonical);
	ck_assert(world.facts.echo);
	ck_assert_str_eq(world.facts.foreground_name, "cat");
	ck_assert_int_eq(world.facts.foreground_group, px_proc_pid(world.proc));
	ck_assert_uint_eq(world.facts.unread_input, 0);
	type("half a line");
	until(reading);
}
END_TEST

START_TEST(test_bash_prompt)
{
	START(PX_IO_PTY, "bash", "--norc", "--noprofile", "-i");
	until(reading);
	ck_assert_str_eq(world.facts.foreground_name, "bash");
	ck_assert(!world.facts.canonical); /* readline */
	type("sleep 1000\r");
	wanted_name = "sleep";
	until(named);
	ck_assert(!world.facts.reading);
	ck_assert_int_ne(world.facts.foreground_group, px_proc_pid(world.proc));
	ck_assert(px_proc_signal(world.proc, SIGINT));
	wanted_name = "bash";
	until(named);
	until(reading);
}
END_TEST

START_TEST(test_shell_read)
{
	START(PX_IO_PTY, "dash", "-c", "read answer; exec sleep 1000");
	until(reading);
	ck_assert_str_eq(world.facts.foreground_name, "dash");
	ck_assert(world.facts.canonical);
	type("yes\n");
	never_reads("sleep");
}
END_TEST

START_TEST(test_password)
{
	START(PX_IO_PTY, "dash", "-c", "stty -echo; exec cat");
	wanted_name = "cat";
	until(named);
	until(reading);
	ck_assert(!world.facts.echo);
	ck_assert(world.facts.canonical);
}
END_TEST

START_TEST(test_sleep)
{
	START(PX_IO_PTY, "sleep", "1000");
	never_reads("sleep");
	ck_assert(world.facts.canonical);
}
END_TEST

/* The leader of a pipeline waits for the terminal, or a later member does. */
START_TEST(test_pipeline)
{
	START(PX_IO_PTY, "bash", "-c", "set -m; sleep 1000 | dash -c 'read x </dev/tty'");
	wanted_name = "sleep";
	until(named);
	until(reading);
	ck_assert_str_eq(world.facts.foreground_name, "sleep");
}
END_TEST

static const char *const waiting[] = { "read", "poll", "select", "epoll", "dev-tty", "thread" };

START_TEST(test_waits)
{
	start_puppet(waiting[_i]);
	until(reading);
	ck_assert_str_eq(world.facts.foreground_name, waiting[_i]);
	ck_assert(px_proc_signal(world.proc, SIGSTOP));
	until(not_reading);
	ck_assert(px_proc_signal(world.proc, SIGCONT));
	if (strcmp(waiting[_i], "poll") !=
	    0) /* goes on as restart_syscall(2), which tells nothing */
		until(reading);
	type("\n");
	until(not_reading);
}
END_TEST

static const char *const not_waiting[] = { "poll-nothing", "poll-pipe", "select-except" };

START_TEST(test_waits_for_something_else)
{
	start_puppet(not_waiting[_i]);
	never_reads(not_waiting[_i]);
}
END_TEST

START_TEST(test_group_without_leader)
{
	start_puppet("leaderless");
	wanted_name = "member) 1 2\n";
	until(named);
	until(reading);
	ck_assert_int_ne(world.facts.foreground_group, px_proc_pid(world.proc));
}
END_TEST

START_TEST(test_background_reader_does_not_count)
{
	start_puppet("background");
	never_reads("waiter");
}
END_TEST

static bool
exited(const struct px_facts *facts)
{
	(void)facts;
	return px_proc_exited(world.proc);
}

START_TEST(test_after_the_end)
{
	START(PX_IO_PTY, "true");
	until(exited);
	px_facts_gather(world.proc, &world.facts);
	ck_assert(world.facts.terminal);
	ck_assert(!world.facts.reading);
	ck_assert_int_eq(world.facts.foreground_group, 0);
	ck_assert_str_eq(world.facts.foreground_name, "");
	ck_assert_uint_eq(world.facts.unread_input, 0);
}
END_TEST

static size_t wanted_unread;

static bool
unread(const struct px_facts *facts)
{
	return facts->unread_input == wanted_unread;
}

START_TEST(test_pipe)
{
	enum { MUCH = 300000 };
	char *much = px_alloc(MUCH);
	struct px_input_op *op;

	START(PX_IO_PIPE, "sleep", "1000");
	px_facts_gather(world.proc, &world.facts);
	ck_assert(!world.facts.terminal);
	ck_assert_uint_eq(world.facts.unread_input, 0);
	type("0123456789");
	px_facts_gather(world.proc, &world.facts);
	ck_assert_uint_eq(world.facts.unread_input, 10);
	/* More than a pipe holds, so that the queue has a part of it. */
	ck_assert_int_eq(
	    px_input_write(px_proc_input(world.proc), much, MUCH, NULL, NULL, &op, NULL), 1);
	px_facts_gather(world.proc, &world.facts);
	ck_assert_uint_eq(world.facts.unread_input, 10 + MUCH);
	ck_assert_uint_gt(px_input_queued(px_proc_input(world.proc)), 0);
	ck_assert(!world.facts.reading);
	ck_assert(!world.facts.echo);
	ck_assert(!world.facts.canonical);
	ck_assert_int_eq(world.facts.foreground_group, 0);
	free(much);
}
END_TEST

START_TEST(test_pipe_that_is_read)
{
	START(PX_IO_PIPE, "cat");
	type("0123456789");
	wanted_unread = 0;
	until(unread);
	ck_assert(!world.facts.reading); /* of a terminal */
}
END_TEST

START_TEST(test_pipe_closed)
{
	struct px_input_op *op;

	START(PX_IO_PIPE, "sleep", "1000");
	type("abc");
	ck_assert_int_eq(px_input_eof(px_proc_input(world.proc), NULL, NULL, &op, NULL), 1);
	px_facts_gather(world.proc, &world.facts);
	ck_assert_uint_eq(
	    world.facts.unread_input, 0); /* what the pipe holds can no longer be asked */
}
END_TEST

static Suite *
facts_suite(void)
{
	Suite *s = suite_create("facts");
	TCase *tc = tcase_create("facts");

	tcase_set_timeout(tc, 50);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_cat);
	tcase_add_test(tc, test_bash_prompt);
	tcase_add_test(tc, test_shell_read);
	tcase_add_test(tc, test_password);
	tcase_add_test(tc, test_sleep);
	tcase_add_test(tc, test_pipeline);
	tcase_add_loop_test(tc, test_waits, 0, sizeof(waiting) / sizeof(waiting[0]));
	tcase_add_loop_test(
	    tc, test_waits_for_something_else, 0, sizeof(not_waiting) / sizeof(not_waiting[0]));
	tcase_add_test(tc, test_group_without_leader);
	tcase_add_test(tc, test_background_reader_does_not_count);
	tcase_add_test(tc, test_after_the_end);
	tcase_add_test(tc, test_pipe);
	tcase_add_test(tc, test_pipe_that_is_read);
	tcase_add_test(tc, test_pipe_closed);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return puppet(argv[1]);
	return run_suite(facts_suite());
}

#include "proc/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/clock.h"
#include "proc/spawn.h"
#include "proc/spec.h"
#include "tree/nonce.h"

enum { CHECK_MS = 20, LAUNCH_MS = 5000 };

static const char ready = 'g';

/* What the manager tells: whom to end. 'mark' 0: nobody, the end is an orderly one. */
struct order {
	px_mark mark, mask;
	int64_t grace_ms;
	int64_t manager; /* its pid; as wide as the rest, so that no gap is written */
};

/* False: the manager is dead, though a process that it has forked may hold the pipe open. */
static bool
orders_await(int fd, int manager)
{
	struct pollfd pfd[] = { { .fd = fd, .events = POLLIN },
		{ .fd = manager, .events = POLLIN } };

	while (poll(pfd, 2, -1) == -1)
		continue;
	return pfd[0].revents != 0;
}

/* The last whole order before the end; true when it is one to act on. */
static bool
orders_read(int fd, struct order *order)
{
	struct order next;
	int manager = -1;
	ssize_t n;

	order->mark = 0;
	while (orders_await(fd, manager)) {
		n = read(fd, &next, sizeof next);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != sizeof next)
			break;
		*order = next;
		if (order->mark == 0)
			break;
		if (manager == -1 && (manager = pidfd_open((pid_t)order->manager, 0)) == -1 &&
		    errno == ESRCH)
			break; /* dead by now, and reaped */
	}
	return order->mark != 0;
}

static void
orphans_end(const struct order *order)
{
	const struct px_tree_query query = {
		.mark = order->mark, .mask = order->mask, .cgroup_fd = -1
	};
	int64_t kill_at = px_now_ms() + order->grace_ms;
	int claim = -1; /* the manager's, which may still be on its way out; _exit() closes it */

	px_tree_signal(&query, SIGTERM);
	px_tree_signal(&query, SIGCONT);
	while (px_tree_signal(&query, px_now_ms() < kill_at ? 0 : SIGKILL) > 0) {
		if (claim == -1)
			claim = px_nonce_claim(order->mark);
		poll(NULL, 0, CHECK_MS);
	}
}

static void
guardian_prepare(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "ptyexecd-guard", 0, 0, 0);
}

static _Noreturn void
guardian_main(void)
{
	struct order order = { 0 };

	if (orders_read(STDIN_FILENO, &order))
		orphans_end(&order);
	_exit(0);
}

/* The child of a fork. */
static _Noreturn void
guardian_main_forked(int fd)
{
	guardian_prepare();
	setsid();
	if (dup2(fd, STDIN_FILENO) == -1)
		_exit(1);
	close_range(1, ~0U, 0);
	guardian_main();
}

/* Nobody reads what it would say besides, so its own words and its end are all that comes. */
void
px_guardian_serve(void)
{
	pid_t pid;

	guardian_prepare();
	if ((pid = fork()) != 0)
		_exit(pid == -1);
	close_range(STDERR_FILENO, ~0U, 0);
	if (write(STDOUT_FILENO, &ready, sizeof ready) != sizeof ready)
		_exit(1);
	guardian_main();
}

int
px_guardian_start(struct px_guardian *out, struct px_err *err)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot open the guardian's pipe");
	if ((pid = fork()) == -1) {
		px_fail_sys(err, PX_E_IO, errno, "cannot fork the guardian");
		close(fd[0]);
		close(fd[1]);
		return -1;
	}
	if (pid == 0) {
		close(fd[1]);
		guardian_main_forked(fd[0]);
	}
	close(fd[0]);
	out->pid = pid;
	out->fd = fd[1];
	out->ended = -1;
	return 0;
}

static void
wait_for_child(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

/* 1: a byte, 0: the end of file, -1: nothing in time. */
static int
read_within(int fd, int timeout_ms, char *byte)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t deadline = px_now_ms() + timeout_ms, left;
	ssize_t n;

	while ((left = deadline - px_now_ms()) > 0) {
		if (poll(&pfd, 1, (int)left) <= 0)
			continue;
		if ((n = read(fd, byte, 1)) >= 0)
			return (int)n;
	}
	return -1;
}

/* What it is started with must live for this call only. */
static int
program_start(const char *program, struct px_spawned *out, struct px_err *err)
{
	static const struct px_spawn_extra extra = { .cgroup_fd = -1 };
	char *argv[] = { (char *)program, (char *)PX_GUARDIAN_FLAG, NULL };
	struct px_spec spec = { .argv = argv,
		.argc = 2,
		.cwd = (char *)"/",
		.env = environ,
		.search_path = true,
		.io = PX_IO_PIPE,
		.stdin_open = true,
		.umask = -1 };

	return px_spawn(&spec, &extra, out, err);
}

int
px_guardian_launch(const char *program, struct px_guardian *out, struct px_err *err)
{
	struct px_spawned child;
	char byte = 0;

	if (program_start(program, &child, err) == -1)
		return -1;
	close(child.err);
	if (read_within(child.out, LAUNCH_MS, &byte) != 1 || byte != ready) {
		kill(child.pid, SIGKILL);
		wait_for_child(child.pid);
		if (child.pidfd != -1)
			close(child.pidfd);
		close(child.in);
		close(child.out);
		return px_fail(err, PX_E_IO, "'%s' is no guardian", program);
	}
	wait_for_child(child.pid);
	if (child.pidfd != -1)
		close(child.pidfd);
	*out = (struct px_guardian){ .fd = child.in, .ended = child.out };
	return 0;
}

/* Shorter than PIPE_BUF, so it arrives whole (pipe(7)). */
static int
order_send(const struct px_guardian *guardian, const struct order *order)
{
	return write(guardian->fd, order, sizeof *order) == sizeof *order ? 0 : -1;
}

int
px_guardian_arm(
    struct px_guardian *guardian, px_mark mark, px_mark mask, int64_t grace_ms, struct px_err *err)
{
	const struct order order = { mark, mask, grace_ms, getpid() };

	if (order_send(guardian, &order) == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot reach the guardian");
	return 0;
}

void
px_guardian_end(struct px_guardian *guardian)
{
	const struct order nobody = { 0 };
	char byte;

	if (guardian->fd == -1)
		return;
	(void)order_send(guardian, &nobody);
	close(guardian->fd);
	guardian->fd = -1;
	if (guardian->pid != 0)
		wait_for_child(guardian->pid);
	guardian->pid = 0;
	if (guardian->ended == -1)
		return;
	(void)read_within(guardian->ended, LAUNCH_MS, &byte);
	close(guardian->ended);
	guardian->ended = -1;
}

#include "proc/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/clock.h"

enum { CHECK_MS = 20 };

/* What the manager tells: whom to end. 'mark' 0: nobody, the end is an orderly one. */
struct order {
	px_mark mark, mask;
	int64_t grace_ms;
};

/* The last whole order before the end of file; true when it is one to act on. */
static bool
orders_read(int fd, struct order *order)
{
	struct order next;
	ssize_t n;

	order->mark = 0;
	for (;;) {
		n = read(fd, &next, sizeof next);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != sizeof next)
			return order->mark != 0;
		*order = next;
	}
}

static void
orphans_end(const struct order *order)
{
	const struct px_tree_query query = {
		.mark = order->mark, .mask = order->mask, .cgroup_fd = -1
	};
	int64_t kill_at = px_now_ms() + order->grace_ms;

	px_tree_signal(&query, SIGTERM);
	px_tree_signal(&query, SIGCONT);
	while (px_tree_signal(&query, px_now_ms() < kill_at ? 0 : SIGKILL) > 0)
		poll(NULL, 0, CHECK_MS);
}

static _Noreturn void
guardian_main(int fd)
{
	struct order order;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "ptyexecd-guard", 0, 0, 0);
	if (dup2(fd, STDIN_FILENO) == -1)
		_exit(1);
	close_range(1, ~0U, 0);
	if (orders_read(STDIN_FILENO, &order))
		orphans_end(&order);
	_exit(0);
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
		guardian_main(fd[0]);
	}
	close(fd[0]);
	out->pid = pid;
	out->fd = fd[1];
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
	const struct order order = { mark, mask, grace_ms };

	if (order_send(guardian, &order) == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot reach the guardian");
	return 0;
}

void
px_guardian_end(struct px_guardian *guardian)
{
	const struct order nobody = { 0 };

	if (guardian->pid == 0)
		return;
	(void)order_send(guardian, &nobody);
	close(guardian->fd);
	while (waitpid(guardian->pid, NULL, 0) == -1 && errno == EINTR)
		;
	guardian->pid = 0;
}

#include "proc/tty_wait.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tree/procfs.h"

enum { LOOKS_MAX = 4096 };

/* The first arguments of the system call that a thread is in. */
struct call {
	pid_t tid;
	unsigned long arg[2];
};

/*
 * By the link's text and not by stat(2), which asks the file system: one that is
 * on the network and does not answer would stop us too. A process of our
 * terminal's foreground group has it as /dev/tty.
 */
static bool
fd_is_tty(struct px_tty_wait *wait, pid_t tid, unsigned long fd)
{
	char path[64], target[sizeof(wait->name)];
	ssize_t n;

	if (fd > INT_MAX || wait->looks == 0)
		return false;
	wait->looks--;
	snprintf(path, sizeof(path), "%d/fd/%lu", (int)tid, fd);
	if ((n = readlinkat(wait->proc_fd, path, target, sizeof(target))) == -1 ||
	    (size_t)n == sizeof(target))
		return false;
	target[n] = '\0';
	return strcmp(target, wait->name) == 0 || strcmp(target, "/dev/tty") == 0;
}

/* How many bytes of the thread's memory at 'address' could be read. */
static size_t
memory_read(pid_t tid, unsigned long address, void *buf, size_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)address, len }; /* NOLINT(performance-no-int-to-ptr) */
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n > 0 ? (size_t)n : 0;
}

/* read(fd, ...) and the like */
static bool
waits_in_read(struct px_tty_wait *wait, const struct call *call)
{
	return fd_is_tty(wait, call->tid, call->arg[0]);
}

/*
 * select(nfds, readfds, ...): the kernel changes the set only at the end. What is
 * beyond FD_SETSIZE is not looked at.
 */
static bool
waits_in_select(struct px_tty_wait *wait, const struct call *call)
{
	enum { BITS = sizeof(unsigned long) * CHAR_BIT };
	unsigned long set[FD_SETSIZE / BITS] = { 0 }, n = call->arg[0];

	if (n > FD_SETSIZE)
		n = FD_SETSIZE;
	memory_read(call->tid, call->arg[1], set, (n + BITS - 1) / BITS * sizeof(set[0]));
	for (unsigned long fd = 0; fd < n; fd++)
		if ((set[fd / BITS] >> fd % BITS & 1) != 0 && fd_is_tty(wait, call->tid, fd))
			return true;
	return false;
}

/* poll(fds, nfds, ...) */
static bool
waits_in_poll(struct px_tty_wait *wait, const struct call *call)
{
	struct pollfd fds[64];
	const size_t max = sizeof(fds) / sizeof(fds[0]);
	unsigned long at = call->arg[0], left = call->arg[1];

	for (size_t n; left > 0 && wait->looks > 0; left -= n, at += n * sizeof(fds[0])) {
		wait->looks--;
		n = left < max ? left : max;
		if (memory_read(call->tid, at, fds, n * sizeof(fds[0])) != n * sizeof(fds[0]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (fds[i].fd >= 0 && (fds[i].events & (POLLIN | POLLRDNORM)) != 0 &&
			    fd_is_tty(wait, call->tid, (unsigned long)fds[i].fd))
				return true;
	}
	return false;
}

/* epoll_wait(epfd, ...): what it waits for is listed in its fdinfo (proc_pid_fdinfo(5)). */
static bool
waits_in_epoll(struct px_tty_wait *wait, const struct call *call)
{
	char path[64], line[256];
	bool found = false;
	unsigned fd, events;
	FILE *info;
	int file;

	snprintf(path, sizeof(path), "%d/fdinfo/%lu", (int)call->tid, call->arg[0]);
	if ((file = openat(wait->proc_fd, path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	if ((info = fdopen(file, "re")) == NULL) {
		close(file);
		return false;
	}
	while (!found && wait->looks > 0 && fgets(line, sizeof(line), info) != NULL)
		found = sscanf(line, "tfd: %u events: %x", &fd, &events) == 2 &&
			(events & (EPOLLIN | EPOLLRDNORM)) != 0 && fd_is_tty(wait, call->tid, fd);
	fclose(info);
	return found;
}

/* The calls in which a program waits for a terminal; arm64 has only the newer ones. */
static const struct {
	long number;
	bool (*waits)(struct px_tty_wait *wait, const struct call *call);
} calls[] = {
	{ SYS_read, waits_in_read },
	{ SYS_readv, waits_in_read },
	{ SYS_splice, waits_in_read },
	{ SYS_pselect6, waits_in_select },
	{ SYS_ppoll, waits_in_poll },
	{ SYS_epoll_pwait, waits_in_epoll },
	{ SYS_epoll_pwait2, waits_in_epoll },
#ifdef SYS_select
	{ SYS_select, waits_in_select },
#endif
#ifdef SYS_poll
	{ SYS_poll, waits_in_poll },
#endif
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, waits_in_epoll },
#endif
};

/* Only 'S': one that is stopped in such a call is still shown in it, and waits for SIGCONT. */
static bool
thread_waits(struct px_tty_wait *wait, pid_t tid, char state)
{
	struct call call = { .tid = tid };
	char text[256];
	long number;

	if (state != 'S' ||
	    px_procfs_read(wait->proc_fd, tid, "syscall", text, sizeof(text)) == -1 ||
	    sscanf(text, "%ld %lx %lx", &number, &call.arg[0], &call.arg[1]) != 3)
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].waits(wait, &call);
	return false;
}

static bool
any_thread_waits(struct px_tty_wait *wait, DIR *tasks)
{
	struct px_procfs_stat stat;
	pid_t tid;

	while (wait->looks > 0 && (tid = px_procfs_next(tasks)) > 0) {
		wait->looks--;
		if (px_procfs_stat(wait->proc_fd, tid, &stat) == 0 &&
		    thread_waits(wait, tid, stat.state))
			return true;
	}
	return false;
}

int
px_tty_wait_init(struct px_tty_wait *wait, int proc_fd, int master)
{
	wait->proc_fd = proc_fd;
	wait->looks = LOOKS_MAX;
	return ptsname_r(master, wait->name, sizeof(wait->name)) == 0 ? 0 : -1;
}

bool
px_tty_wait_process(struct px_tty_wait *wait, pid_t pid, unsigned threads, char state)
{
	char path[32];
	DIR *tasks;
	bool waits;
	int fd;

	if (threads == 1)
		return thread_waits(wait, pid, state);
	snprintf(path, sizeof(path), "%d/task", (int)pid);
	if ((fd = openat(wait->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return false;
	if ((tasks = fdopendir(fd)) == NULL) {
		close(fd);
		return false;
	}
	waits = any_thread_waits(wait, tasks);
	closedir(tasks);
	return waits;
}

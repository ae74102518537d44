#ifndef PX_TESTS_PLAYED_H
#define PX_TESTS_PLAYED_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/spawn.h"
#include "proc/spawn_io.h"
#include "proc/spec.h"
#include "tree/tree.h"

/*
 * Programs that are played instead of run. Included in one file of a program,
 * this takes the place of px_spawn() and of what asks the kernel for processes:
 * whatever is started copies its standard input to its standard output in
 * played_turn(), on real pipes or a real terminal. It exits at the end of its
 * input, and dies of the signals that would end a program without handlers. So
 * nothing that an input asks for is ever run, nobody is signalled, and a process
 * costs its descriptors only.
 */
enum { PLAYED_MAX = 4, PLAYED_PID = 0x600000 /* above the largest pid, see proc(5) */ };

struct played {
	bool used, dead, stopped;
	int pidfd; /* an eventfd, which can be read once the process is dead */
	int in, out;
	int status;
	px_mark mark;
};

static inline struct played *
played_all(void)
{
	static struct played all[PLAYED_MAX];

	return all;
}

static inline size_t
played_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PLAYED_MAX; i++)
		n += played_all()[i].used;
	return n;
}

static inline struct played *
played_find(pid_t pid)
{
	pid_t i = (pid < 0 ? -pid : pid) - PLAYED_PID;

	return i >= 0 && i < PLAYED_MAX && played_all()[i].used ? &played_all()[i] : NULL;
}

static inline void
played_end(struct played *p, int status)
{
	if (p->dead)
		return;
	p->dead = true;
	p->status = status;
	if (p->in != -1 && p->in != p->out)
		close(p->in);
	if (p->out != -1)
		close(p->out);
	(void)eventfd_write(p->pidfd, 1);
}

static inline bool
played_signal(struct played *p, int sig)
{
	if (p->dead)
		return false;
	switch (sig) {
	case 0:
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		break;
	case SIGCONT:
		p->stopped = false;
		break;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		p->stopped = true;
		break;
	default:
		played_end(p, sig);
	}
	return true;
}

/* Each program does what it can without waiting; a terminal's line discipline is real. */
static inline void
played_turn(void)
{
	char buf[4096];
	ssize_t n;

	for (size_t i = 0; i < PLAYED_MAX; i++) {
		struct played *p = &played_all()[i];

		while (p->used && !p->dead && !p->stopped) {
			n = read(p->in, buf, sizeof(buf));
			if (n > 0 && write(p->out, buf, (size_t)n) >= 0)
				continue;
			if (n == 0 || errno != EAGAIN)
				played_end(p, n == 0 ? 0 : SIGPIPE);
			break;
		}
	}
}

static inline void
played_unblock(int fd)
{
	if (fd != -1)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int
px_spawn(const struct px_spec *spec, const struct px_spawn_extra *extra, struct px_spawned *out,
    struct px_err *err)
{
	struct played *p = played_all();
	struct px_spawn_io io;
	pid_t i = 0;

	while (i < PLAYED_MAX && p[i].used)
		i++;
	if (i == PLAYED_MAX || strcmp(spec->argv[0], "/nonexistent") == 0) {
		px_fail_sys(err, PX_E_SPAWN, ENOENT, "cannot run '%s'", spec->argv[0]);
		px_spawn_err_place(err, "exec", spec->argv[0]);
		return -1;
	}
	if (px_spawn_io_open(spec, &io, err) == -1)
		return -1;
	p += i;
	*p = (struct played){
		.used = true, .pidfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .mark = extra->mark
	};
	(void)fcntl(io.child[0], F_SETPIPE_SZ, 1); /* a page: so that a queue forms behind it */
	p->in = fcntl(io.child[0], F_DUPFD_CLOEXEC, 3);
	p->out = fcntl(io.child[1], F_DUPFD_CLOEXEC, 3);
	played_unblock(p->in);
	played_unblock(p->out);
	px_spawn_io_close_child(&io);
	*out = (struct px_spawned){ .report = -1,
		.text = -1,
		.pid = PLAYED_PID + i,
		.pidfd = fcntl(p->pidfd, F_DUPFD_CLOEXEC, 3),
		.in = io.in,
		.out = io.out,
		.err = io.err };
	return 0;
}

int
px_spawn_wait(pid_t pid, int pidfd, int flags, siginfo_t *out, struct rusage *used)
{
	struct played *p = played_find(pid);

	(void)pidfd;
	if (p == NULL)
		return -1;
	if (!p->dead)
		return 0;
	out->si_code = p->status == 0 ? CLD_EXITED : CLD_KILLED;
	out->si_status = p->status;
	if ((flags & WNOWAIT) == 0) {
		memset(used, 0, sizeof *used);
		waitpid(pid, NULL, WNOHANG);
	}
	return 1;
}

static inline bool
played_belongs(const struct played *p, const struct px_tree_query *query)
{
	return p->used && (p == played_find(query->root) ||
			      (query->mark != 0 && ((p->mark ^ query->mark) & query->mask) == 0));
}

int
px_tree_signal(const struct px_tree_query *query, int sig)
{
	int found = 0;

	for (struct played *p = played_all(); p < played_all() + PLAYED_MAX; p++)
		found += played_belongs(p, query) && played_signal(p, sig);
	return found;
}

bool
px_tree_may_have_orphans(size_t managed)
{
	(void)managed;
	return false;
}

/* ---- the kernel ---- */

int
kill(pid_t pid, int sig)
{
	struct played *p = played_find(pid);

	if (p != NULL && played_signal(p, sig))
		return 0;
	errno = ESRCH;
	return -1;
}

pid_t
wait4(pid_t pid, int *stat_loc, int options, struct rusage *usage)
{
	struct played *p = pid > 0 ? played_find(pid) : NULL;

	if (p == NULL)
		return (pid_t)syscall(SYS_wait4, pid, stat_loc, options, usage);
	if (!p->dead)
		return 0;
	close(p->pidfd);
	p->used = false;
	if (stat_loc != NULL)
		*stat_loc = p->status;
	if (usage != NULL)
		memset(usage, 0, sizeof(*usage));
	return pid;
}

pid_t
waitpid(pid_t pid, int *stat_loc, int options)
{
	return wait4(pid, stat_loc, options, NULL);
}

#endif

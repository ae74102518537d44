#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include "base/mem.h"
#include "proc/enter.h"
#include "proc/spawn_cage.h"
#include "proc/spawn_child.h"
#include "proc/spec.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static void
paths_free(char **files)
{
	for (size_t i = 0; files[i] != NULL; i++)
		free(files[i]);
	free(files);
}

/* An empty element of PATH means the current directory (environ(7)). */
static char *
path_join(const char *dir, size_t dir_len, const char *name)
{
	size_t size = dir_len + strlen(name) + 3;
	char *path = px_alloc(size);

	if (dir_len == 0)
		snprintf(path, size, "./%s", name);
	else
		snprintf(path, size, "%.*s/%s", (int)dir_len, dir, name);
	return path;
}

/* The files that exec tries in turn; relative ones are resolved by the child, in its own working
 * directory. */
static char **
paths_make(const struct px_spec *spec)
{
	const char *name = spec->argv[0], *path = px_spec_env(spec, "PATH"), *end;
	char **files;
	size_t n = 1, i = 0;

	if (!spec->search_path || strchr(name, '/') != NULL) {
		files = px_alloc(2 * sizeof *files);
		files[0] = px_strdup(name);
		return files;
	}
	if (path == NULL)
		path = DEFAULT_PATH;
	for (const char *p = path; *p != '\0'; p++)
		n += *p == ':';
	files = px_alloc((n + 1) * sizeof *files);
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		files[i++] = path_join(path, (size_t)(end - path), name);
		if (*end == '\0')
			return files;
	}
}

/* The argument list as the program sees it; the strings stay the spec's. */
static char **
argv_make(const struct px_spec *spec)
{
	char **argv = px_alloc((spec->argc + 1) * sizeof *argv);

	memcpy(argv, spec->argv, spec->argc * sizeof *argv);
	if (spec->arg0 != NULL)
		argv[0] = spec->arg0;
	return argv;
}

/* A pipe for the report, where none can be left in our memory. The child's end must survive that
 * its descriptors are put in place. */
static int
report_open(const struct px_launch *launch, int report[2])
{
	int sys;

	if (launch->extra->lends && launch->extra->cgroup_fd == -1)
		return 0;
	if (pipe2(report, O_CLOEXEC) == -1)
		return -1;
	if (px_fd_above(&report[1], launch->cage != NULL ? PX_ENTER_END : STDERR_FILENO + 1) == 0)
		return 0;
	sys = errno;
	px_fd_close(&report[0]);
	px_fd_close(&report[1]);
	errno = sys;
	return -1;
}

/* Blocks until exec has closed the other end or the child has written why not. */
static void
report_read(int fd, struct px_report *out)
{
	ssize_t n;

	while ((n = read(fd, out, sizeof *out)) == -1 && errno == EINTR)
		;
	if (n != sizeof *out)
		out->step = PX_STEP_NONE;
}

/*
 * A child that is born in its cgroup (clone3(2)). This copies our page tables as
 * fork does, but moving a process into a cgroup afterwards takes the kernel
 * 11 ms when no other has moved lately.
 */
static pid_t
clone_into_cgroup(int cgroup_fd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)cgroup_fd
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

/*
 * vfork(2): the child borrows our memory and this thread waits, so nothing is
 * copied. All signals are blocked meanwhile: a handler must not run in the child.
 */
static pid_t
launch_child(struct px_launch *launch)
{
	sigset_t all, before;
	pid_t pid = -1;
	int sys;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (launch->extra->cgroup_fd != -1)
		pid = clone_into_cgroup(launch->extra->cgroup_fd);
	launch->enter_cgroup = launch->extra->cgroup_fd != -1 && pid == -1;
	if (pid == -1)
		pid = vfork();
	if (pid == 0)
		px_spawn_child(launch);
	sys = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = sys;
	return pid;
}

static void
child_reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static int
spawn_failed_here(
    const struct px_spec *spec, const char *step, const char *what, struct px_err *err)
{
	int sys = errno;

	px_fail_sys(err, PX_E_SPAWN, sys, "cannot %s for '%s'", what, spec->argv[0]);
	px_spawn_err_place(err, step, spec->argv[0]);
	return -1;
}

/* What fails for want of bubblewrap is no fault of the program's. */
static int
launch_failed(const struct px_launch *launch, const struct px_report *failure, struct px_err *err)
{
	const char *program = launch->spec->argv[0];

	if (launch->cage == NULL || failure->step != PX_STEP_EXEC)
		return px_spawn_failed(program, launch->spec->cwd, failure, err);
	px_spawn_failed(launch->files[0], "/", failure, err);
	px_wrap(err, "cannot make a sandbox for '%s'", program);
	px_spawn_err_place(err, "sandbox", program);
	return -1;
}

/* The part between open descriptors and a running program; 'report' is the pipe's both ends. */
static int
spawn_launch(struct px_launch *launch, int report[2], struct px_spawned *out, struct px_err *err)
{
	struct px_report *told = launch->told;
	pid_t pid;
	int pidfd;

	launch->report = report[1];
	if ((pid = launch_child(launch)) == -1)
		return spawn_failed_here(launch->spec, "fork", "make a process", err);
	px_fd_close(&report[1]);
	out->lent = told->step != PX_STEP_UNSEEN;
	if (!out->lent)
		report_read(report[0], told);
	if (told->step != PX_STEP_NONE) {
		child_reap(pid);
		return launch_failed(launch, told, err);
	}
	/* ESRCH: it has ended already, and somebody else has waited for it. */
	if ((pidfd = pidfd_open(pid, 0)) == -1 && errno != ENOSYS && errno != ESRCH) {
		spawn_failed_here(launch->spec, "pidfd", "open a process descriptor", err);
		kill(pid, SIGKILL);
		child_reap(pid);
		return -1;
	}
	out->pid = pid;
	out->pidfd = pidfd;
	return 0;
}

/* With a way to report, in memory or a pipe; the child's ends of 'io' stay. */
static int
spawn_program(struct px_launch *launch, struct px_spawned *out, struct px_err *err)
{
	int report[2] = { -1, -1 }, result;

	launch->name = basename(launch->files[0]); /* as the kernel names it after the exec */
	if (report_open(launch, report) == -1)
		return spawn_failed_here(launch->spec, "pipe", "open a pipe", err);
	result = spawn_launch(launch, report, out, err);
	px_fd_close(&report[0]);
	px_fd_close(&report[1]);
	return result;
}

/* bubblewrap in the program's place; what was to be run is told to ptyexec-enter. */
static int
spawn_caged(struct px_launch *launch, struct px_spawn_cage *cage, struct px_spawned *out,
    struct px_err *err)
{
	if (px_spawn_cage_open(launch->spec, launch->io, launch->files, launch->argv, cage, err) ==
	    -1)
		return -1;
	launch->cage = cage;
	launch->files = cage->files;
	launch->argv = cage->argv;
	if (spawn_program(launch, out, err) == -1) {
		px_spawn_cage_close(cage);
		return -1;
	}
	px_spawn_cage_close_child(cage);
	out->report = cage->report;
	out->text = cage->text;
	return 0;
}

int
px_spawn(const struct px_spec *spec, const struct px_spawn_extra *extra, struct px_spawned *out,
    struct px_err *err)
{
	struct px_spawn_io io;
	struct px_spawn_cage cage;
	struct px_report told = { .step = PX_STEP_UNSEEN };
	struct px_launch launch = {
		.spec = spec, .io = &io, .extra = extra, .parent = getpid(), .told = &told
	};
	struct px_spawned spawned = { .report = -1, .text = -1 };
	char **files, **argv;
	int result;

	if (px_spawn_io_open(spec, &io, err) == -1)
		return -1;
	launch.files = files = paths_make(spec);
	launch.argv = argv = argv_make(spec);
	result = spec->cage != NULL ? spawn_caged(&launch, &cage, &spawned, err)
				    : spawn_program(&launch, &spawned, err);
	free(argv);
	paths_free(files);
	if (result == -1) {
		px_spawn_io_close(&io);
		return -1;
	}
	px_spawn_io_close_child(&io);
	spawned.in = io.in;
	spawned.out = io.out;
	spawned.err = io.err;
	*out = spawned;
	return 0;
}

/*
 * The system call, since the C library's does not tell what was used; and by the
 * pidfd, since the number of a child that somebody else has waited for may be
 * another one's by now.
 */
int
px_spawn_wait(pid_t pid, int pidfd, int flags, siginfo_t *out, struct rusage *used)
{
	bool has = pidfd != -1;

	out->si_pid = 0;
	if (syscall(SYS_waitid, has ? P_PIDFD : P_PID, has ? pidfd : pid, out,
		WEXITED | WNOHANG | flags, used) == -1)
		return errno == ECHILD ? -1 : 0;
	return out->si_pid != 0;
}

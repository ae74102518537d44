#include "proc/spawn_child.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "proc/spec.h"
#include "tree/cgroup.h"

static _Noreturn void
child_fail(const struct px_launch *launch, enum px_step step)
{
	struct px_report report = { .step = (int)step, .sys = errno };

	/* Eight bytes into an empty pipe: written whole (pipe(7), PIPE_BUF). */
	if (write(launch->report, &report, sizeof report) == -1)
		_exit(126);
	_exit(127);
}

/*
 * Dispositions before the mask: with the parent's memory shared, no handler of
 * the parent may run here. Numbers that cannot be changed (SIGKILL, SIGSTOP and
 * those of the C library) fail harmlessly.
 */
static void
child_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A parent that died before it was asked for sends nothing any more; then we are somebody else's.
 */
static void
child_bind(const struct px_launch *launch)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		child_fail(launch, PX_STEP_SESSION);
	if (getppid() != launch->parent)
		_exit(127);
}

static void
child_place_descriptors(const struct px_launch *launch)
{
	for (int i = 0; i < 3; i++)
		if (dup2(launch->io->child[i], i) == -1)
			child_fail(launch, PX_STEP_DESCRIPTORS);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		child_fail(launch, PX_STEP_DESCRIPTORS);
}

static void
child_apply_limits(const struct px_launch *launch)
{
	const struct px_spec *spec = launch->spec;
	struct rlimit files;

	if (spec->umask != -1)
		umask((mode_t)spec->umask);
	/* Without a mark the process is still found by its parents, so a hard limit in the way is
	 * no reason to fail. */
	if (launch->extra->mark != 0)
		(void)px_mark_set(launch->extra->mark);
	if (launch->extra->open_files != 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = launch->extra->open_files;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; i < spec->nlimits; i++) {
		int resource = spec->limits[i].resource;
		struct rlimit limit = { spec->limits[i].value, spec->limits[i].value };

		/* A second above, so that SIGXCPU, which says why, comes before SIGKILL
		 * (getrlimit(2)). */
		if (resource == RLIMIT_CPU && limit.rlim_max != RLIM_INFINITY)
			limit.rlim_max++;
		if (setrlimit((__rlimit_resource_t)resource, &limit) == -1)
			child_fail(launch, PX_STEP_LIMITS);
	}
}

/* execvp(3)'s rule: a file that may not be executed is remembered, one that is not there is passed
 * over. */
static _Noreturn void
child_exec(const struct px_launch *launch)
{
	bool denied = false;

	for (char **file = launch->files; *file != NULL; file++) {
		/* Not through the C library's name, which instrumented builds wrap. */
		syscall(SYS_execve, *file, launch->argv, launch->spec->env);
		if (errno == EACCES)
			denied = true;
		else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV)
			child_fail(launch, PX_STEP_EXEC);
	}
	if (denied)
		errno = EACCES;
	child_fail(launch, PX_STEP_EXEC);
}

void
px_spawn_child(const struct px_launch *launch)
{
	if (setsid() == -1)
		child_fail(launch, PX_STEP_SESSION);
	if (launch->extra->bound)
		child_bind(launch);
	if (launch->spec->io == PX_IO_PTY && ioctl(launch->io->child[0], TIOCSCTTY, 0) == -1)
		child_fail(launch, PX_STEP_TERMINAL);
	if (launch->enter_cgroup && px_cgroup_enter(launch->extra->cgroup_fd) == -1)
		child_fail(launch, PX_STEP_CGROUP);
	child_place_descriptors(launch);
	if (chdir(launch->spec->cwd) == -1)
		child_fail(launch, PX_STEP_CWD);
	child_apply_limits(launch);
	child_reset_signals();
	child_exec(launch);
}

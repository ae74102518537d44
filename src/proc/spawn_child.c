#include "proc/spawn_child.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "proc/enter.h"
#include "proc/spawn_cage.h"
#include "proc/spec.h"
#include "tree/cgroup.h"

static _Noreturn void
child_fail(const struct px_launch *launch, enum px_step step)
{
	struct px_report report = { .step = (int)step, .sys = errno };

	*launch->told = report;
	/* Eight bytes into an empty pipe: written whole (pipe(7), PIPE_BUF). */
	if (launch->report != -1 && write(launch->report, &report, sizeof report) == -1)
		_exit(126);
	_exit(127);
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
	const int *fds = launch->cage != NULL ? launch->cage->fd : launch->io->child;
	int n = launch->cage != NULL ? PX_ENTER_END : 3;

	for (int i = 0; i < n; i++)
		if (fds[i] != -1 && dup2(fds[i], i) == -1)
			child_fail(launch, PX_STEP_DESCRIPTORS);
	if (close_range((unsigned)n, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
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

static _Noreturn void
child_exec(const struct px_launch *launch)
{
	static char *const no_env[] = { NULL };

	/* vfork(2) is over when the memory is exchanged, and the kernel writes the name somewhat
	 * later: until then it would be ours. */
	prctl(PR_SET_NAME, launch->name, 0, 0, 0);
	/* What a client wants in its program's environment must not reach bubblewrap. */
	errno = px_become(
	    launch->files, launch->argv, launch->cage != NULL ? no_env : launch->spec->env);
	child_fail(launch, PX_STEP_EXEC);
}

/*
 * The program that is asked for leads its own session in the sandbox. Its keeper
 * outside must not die of what is meant for the program: then all would.
 */
static void
child_ignore_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		sigaction(ignored[i], &ignore, NULL);
}

void
px_spawn_child(const struct px_launch *launch)
{
	bool caged = launch->cage != NULL;

	launch->told->step = PX_STEP_NONE;
	if (setsid() == -1)
		child_fail(launch, PX_STEP_SESSION);
	if (launch->extra->bound)
		child_bind(launch);
	if (!caged && launch->spec->io == PX_IO_PTY &&
	    ioctl(launch->io->child[0], TIOCSCTTY, 0) == -1)
		child_fail(launch, PX_STEP_TERMINAL);
	if (launch->enter_cgroup && px_cgroup_enter(launch->extra->cgroup_fd) == -1)
		child_fail(launch, PX_STEP_CGROUP);
	child_place_descriptors(launch);
	if (chdir(caged ? "/" : launch->spec->cwd) == -1)
		child_fail(launch, PX_STEP_CWD);
	child_apply_limits(launch);
	px_become_reset_signals();
	if (caged)
		child_ignore_signals();
	child_exec(launch);
}

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/manager.h"
#include "proc/spawn.h"
#include "proc/stop.h"

/* Signals to a process and the ways to end it, and whose doing its end is then. */

const char *
px_cause_word(enum px_cause cause)
{
	static const char *const words[] = {
		[PX_CAUSE_SELF] = "self",
		[PX_CAUSE_CLIENT] = "client",
		[PX_CAUSE_TIMEOUT] = "timeout",
		[PX_CAUSE_DISCONNECT] = "disconnect",
		[PX_CAUSE_SHUTDOWN] = "shutdown",
		[PX_CAUSE_LIMIT] = "limit",
	};

	return words[cause];
}

static uint64_t
signal_bit(int sig)
{
	return sig > 0 && sig <= 64 ? (uint64_t)1 << (sig - 1) : 0;
}

enum px_cause
px_proc_cause(const struct px_proc *proc, int signal)
{
	bool clients = (proc->client_signals & signal_bit(signal)) != 0;

	if ((signal == SIGXCPU || signal == SIGXFSZ) && !clients)
		return PX_CAUSE_LIMIT;
	if (proc->asked_to_end)
		return proc->cause;
	return clients ? PX_CAUSE_CLIENT : PX_CAUSE_SELF;
}

/* The terminal's foreground process group, or 0. */
static pid_t
proc_foreground(const struct px_proc *proc)
{
	pid_t group = proc->pty ? tcgetpgrp(proc->master) : 0;

	return group > 0 ? group : 0;
}

/* Dead, if not reaped: it can no longer be anyone's doing, and a signal would be taken by nobody,
 * or by a stranger. */
static bool
proc_is_dead(const struct px_proc *proc)
{
	siginfo_t info;

	return proc->reaped || px_spawn_wait(proc->pid, proc->pidfd, WNOWAIT, &info, NULL) != 0;
}

/*
 * A program in a sandbox is reaped there, and its number may be another's then, which
 * has not our mark.
 */
static int
leader_signal(const struct px_proc *proc, int sig)
{
	if (proc->leader != proc->pid && proc->procs->marked &&
	    !px_mark_is_on(proc->leader, proc->mark))
		return -1;
	return kill(-proc->leader, sig);
}

bool
px_proc_signal(struct px_proc *proc, int sig)
{
	pid_t group;

	if (proc_is_dead(proc))
		return false;
	if (proc->gate != NULL) {
		proc->interrupted |= sig == SIGINT;
		return true;
	}
	/* Not reaped, so neither the pid nor the group of that number can be anyone else's. */
	group = proc_foreground(proc);
	if ((group == 0 || kill(-group, sig) == -1) && leader_signal(proc, sig) == -1)
		return false;
	proc->client_signals |= signal_bit(sig);
	return true;
}

void
px_proc_hang_up(struct px_proc *proc)
{
	pid_t group = proc_foreground(proc);

	if (proc->reaped)
		return;
	if (proc->pty) {
		kill(-proc->pid, SIGHUP);
		if (group > 0 && group != proc->pid)
			kill(-group, SIGHUP);
	}
	kill(-proc->pid, SIGCONT);
	if (group > 0 && group != proc->pid)
		kill(-group, SIGCONT);
}

void
px_proc_blame(struct px_proc *proc, enum px_cause cause)
{
	if (proc->asked_to_end || proc_is_dead(proc))
		return;
	proc->asked_to_end = true;
	proc->cause = cause;
}

void
px_proc_terminate(struct px_proc *proc, int64_t grace_ms, enum px_cause cause)
{
	px_proc_blame(proc, cause);
	px_stop_proc(proc, grace_ms);
}

void
px_proc_kill_group(struct px_proc *proc, enum px_cause cause)
{
	px_proc_blame(proc, cause);
	proc->cut = true;
	if (!proc->reaped)
		kill(-proc->pid, SIGKILL);
}

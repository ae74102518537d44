#include "proc/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proc/cage.h"
#include "proc/gate.h"
#include "proc/input.h"
#include "proc/manager.h"
#include "proc/spawn.h"
#include "proc/spec.h"
#include "proc/stop.h"
#include "proc/stream.h"
#include "tree/cgroup.h"

enum { HELD_WAIT_MS = 50 };

int
px_proc_compare(const struct px_proc *a, const struct px_proc *b)
{
	return (a->pid > b->pid) - (a->pid < b->pid);
}

RB_GENERATE(px_proc_tree, px_proc, link, px_proc_compare)

static bool
proc_all_streams(const struct px_proc *proc, bool ended)
{
	for (unsigned i = 0; i < proc->nstreams; i++)
		if (ended ? proc->stream[i].fd != -1 : !proc->stream[i].settled)
			return false;
	return true;
}

/* Any of the facts may be the last one: each calls this, and it tells what has become true. */
void
px_proc_on_stream(struct px_proc *proc)
{
	if (!proc->reaped)
		return;
	if (!proc->exit_told && proc_all_streams(proc, false)) {
		proc->exit_told = true;
		proc->exit.output_open = !proc_all_streams(proc, true);
		proc->ops->exited(proc->arg, &proc->exit);
	}
	if (proc->exit_told && proc->cut)
		for (unsigned i = 0; i < proc->nstreams; i++)
			px_stream_done(&proc->stream[i]);
	if (proc->exit_told && !proc->close_told && proc_all_streams(proc, true)) {
		proc->close_told = true;
		proc->ops->closed(proc->arg);
	}
}

static int64_t
timeval_ms(const struct timeval *tv)
{
	return (int64_t)tv->tv_sec * 1000 + tv->tv_usec / 1000;
}

static void
proc_record_exit(struct px_proc *proc, const siginfo_t *info, const struct rusage *used)
{
	struct px_exit *exit = &proc->exit;

	exit->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
	exit->code = exit->signal != 0 ? 128 + exit->signal : info->si_status;
	exit->core_dumped = info->si_code == CLD_DUMPED;
	exit->cause = px_proc_cause(proc, exit->signal);
	exit->usage.user_ms = timeval_ms(&used->ru_utime);
	exit->usage.system_ms = timeval_ms(&used->ru_stime);
	exit->usage.max_rss_bytes = used->ru_maxrss * 1024;
}

static void
proc_record_loss(struct px_proc *proc)
{
	proc->exit.lost = true;
	proc->exit.code = -1;
}

void
px_proc_reap(struct px_proc *proc)
{
	struct rusage used;
	siginfo_t info;
	int found;

	if (proc->reaped || (found = px_spawn_wait(proc->pid, proc->pidfd, 0, &info, &used)) == 0)
		return;
	if (proc->gate != NULL)
		px_gate_settle(proc->gate);
	RB_REMOVE(px_proc_tree, &proc->procs->children, proc);
	proc->procs->stats.running--;
	event_free(proc->reapable);
	proc->reapable = NULL;
	if (proc->pidfd != -1)
		close(proc->pidfd);
	proc->pidfd = -1;
	proc->reaped = true;
	if (found == 1)
		proc_record_exit(proc, &info, &used);
	else
		proc_record_loss(proc);
	proc->exit.usage.wall_ms = (px_now_us() - proc->started_us) / 1000;
	px_input_break(proc->input);
	proc->stdin_fd = -1;
	px_stop_on_reaped(proc);
	if (proc->cage != NULL)
		px_stop_caged(proc);
	for (unsigned i = 0; i < proc->nstreams; i++)
		px_stream_settle(&proc->stream[i]);
	px_proc_on_stream(proc);
}

/*
 * The pidfd of a dead child is readable before waitid(2) gives it to us when a
 * debugger holds it (ptrace(2)), and stays so: from then on it is asked at times.
 */
static void
proc_on_reapable(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = px_ms_tv(HELD_WAIT_MS);
	struct px_proc *proc = arg;

	(void)fd;
	(void)what;
	px_proc_reap(proc);
	if (proc->reaped)
		return;
	event_free(proc->reapable);
	proc->reapable = evtimer_new(proc->procs->base, proc_on_reapable, proc);
	event_add(proc->reapable, &tv);
}

/* Without a pidfd the child is asked at times; a SIGCHLD that reaches px_procs_reap() is quicker.
 */
static void
proc_watch_end(struct px_proc *proc)
{
	struct timeval tv = px_ms_tv(HELD_WAIT_MS);
	bool has = proc->pidfd != -1;

	proc->reapable =
	    event_new(proc->procs->base, proc->pidfd, has ? EV_READ : 0, proc_on_reapable, proc);
	event_add(proc->reapable, has ? NULL : &tv);
}

/* The streams were left alone until now, so that this is told before all else. */
static void
proc_on_gate(void *arg, const struct px_err *err)
{
	struct px_proc *proc = arg;

	if (px_gate_leader(proc->gate) > 0)
		proc->leader = px_gate_leader(proc->gate);
	px_gate_free(proc->gate);
	proc->gate = NULL;
	proc->procs->stats.spawn_failures += err != NULL;
	proc->ops->opened(proc->arg, err);
	if (err == NULL && proc->interrupted)
		px_proc_signal(proc, SIGINT);
	px_proc_wake(proc);
}

static void
proc_watch(struct px_proc *proc, const struct px_spec *spec, const struct px_spawned *child)
{
	struct px_procs *procs = proc->procs;

	proc->pid = proc->leader = child->pid;
	proc->pidfd = child->pidfd;
	proc->started_us = px_now_us();
	proc->master = proc->pty ? child->out : -1;
	proc->stdin_fd = proc->pty ? -1 : child->in;
	proc->input =
	    px_input_new(procs->base, child->in, proc->pty, procs->options.stdin_queue_bytes);
	px_input_count(proc->input, &procs->stats.bytes_written);
	if (child->report != -1)
		proc->gate =
		    px_gate_new(procs->base, child->report, child->text, spec, proc_on_gate, proc);
	proc->nstreams = proc->pty ? 1 : 2;
	px_stream_init(&proc->stream[0], proc, 0, child->out);
	if (!proc->pty)
		px_stream_init(&proc->stream[1], proc, 1, child->err);
	proc_watch_end(proc);
	RB_INSERT(px_proc_tree, &procs->children, proc);
	procs->stats.running++;
	procs->stats.ptys += proc->pty;
	procs->stats.spawned++;
}

static int
proc_spawn(struct px_proc *proc, const struct px_spec *spec, struct px_err *err)
{
	struct px_procs *procs = proc->procs;
	struct px_spawn_extra extra = { .mark = procs->marked ? proc->mark : 0,
		.open_files = procs->options.open_files,
		.lends = procs->lends };
	enum px_bound bound = procs->options.bound;
	struct px_spawned child;

	if (procs->options.cgroups != NULL &&
	    (proc->cgroup_fd = px_cgroup_make(procs->options.cgroups, proc->cgroup_serial, err)) ==
		-1)
		return -1;
	extra.cgroup_fd = proc->cgroup_fd;
	extra.bound = bound == PX_BOUND_ALL || (bound == PX_BOUND_UNMARKED && !procs->marked);
	if (px_spawn(spec, &extra, &child, err) == -1) {
		if (proc->cgroup_fd != -1)
			px_cgroup_remove(
			    procs->options.cgroups, proc->cgroup_serial, proc->cgroup_fd);
		return -1;
	}
	procs->lends = procs->lends || child.lent;
	proc_watch(proc, spec, &child);
	return 0;
}

int
px_proc_start(struct px_procs *procs, struct px_spec *spec, uint32_t group, uint32_t serial,
    const struct px_proc_ops *ops, void *arg, struct px_proc **out, struct px_err *err)
{
	struct px_proc *proc = px_new(struct px_proc);

	proc->procs = procs;
	proc->ops = ops;
	proc->arg = arg;
	proc->pty = spec->io == PX_IO_PTY;
	proc->chunk_max =
	    spec->chunk_max > 0 && spec->chunk_max < PX_SCRATCH ? spec->chunk_max : PX_SCRATCH;
	proc->mark = px_mark_make(procs->nonce, group, serial);
	proc->cgroup_serial = (unsigned long)procs->stats.spawned;
	proc->cgroup_fd = -1;
	if (proc_spawn(proc, spec, err) == -1) {
		procs->stats.spawn_failures++;
		free(proc);
		return -1;
	}
	proc->cage = spec->cage;
	spec->cage = NULL;
	*out = proc;
	return 0;
}

void
px_proc_set_arg(struct px_proc *proc, void *arg)
{
	proc->arg = arg;
}

/* Can anything of this process's tree be left? Cheap answers first: most commands leave nothing. */
static bool
proc_leaves_something(const struct px_proc *proc)
{
	const struct px_procs *procs = proc->procs;

	if (!proc->reaped || proc->stop != NULL)
		return true;
	/* A pass over the machine has found nothing of any of ours. */
	if (procs->stopping && TAILQ_EMPTY(&procs->stops))
		return false;
	if (!proc_all_streams(proc, true))
		return true;
	if (proc->cgroup_fd != -1)
		return px_cgroup_populated(proc->cgroup_fd) != 0;
	return !procs->options.subreaper || px_procs_orphans_possible(procs);
}

static void
proc_free(struct px_proc *proc)
{
	struct px_procs *procs = proc->procs;

	if (proc->cgroup_fd != -1)
		px_cgroup_remove(procs->options.cgroups, proc->cgroup_serial, proc->cgroup_fd);
	px_input_free(proc->input);
	px_gate_free(proc->gate);
	for (unsigned i = 0; i < proc->nstreams; i++)
		px_stream_done(&proc->stream[i]);
	if (proc->pty) {
		close(proc->master);
		procs->stats.ptys--;
	}
	if (!proc->reaped) {
		RB_REMOVE(px_proc_tree, &procs->children, proc);
		event_free(proc->reapable);
		if (proc->pidfd != -1)
			close(proc->pidfd);
	}
	free(proc);
}

void
px_proc_free(struct px_proc *proc)
{
	if (proc == NULL)
		return;
	if (proc_leaves_something(proc))
		px_stop_orphan(proc);
	proc_free(proc);
}

/* An ending under way is not its own to call off. */
void
px_proc_leave(struct px_proc *proc)
{
	if (proc->stop != NULL)
		px_stop_orphan(proc);
	proc_free(proc);
}

void
px_proc_wake(struct px_proc *proc)
{
	for (unsigned i = 0; i < proc->nstreams; i++)
		px_stream_wake(&proc->stream[i]);
}

pid_t
px_proc_pid(const struct px_proc *proc)
{
	return proc->pid;
}

bool
px_proc_running(const struct px_proc *proc)
{
	return !proc->reaped;
}

bool
px_proc_opening(const struct px_proc *proc)
{
	return proc->gate != NULL;
}

bool
px_proc_exited(const struct px_proc *proc)
{
	return proc->exit_told;
}

bool
px_proc_output_open(const struct px_proc *proc)
{
	return !proc_all_streams(proc, true);
}

px_mark
px_proc_mark(const struct px_proc *proc)
{
	return proc->mark;
}

struct px_input *
px_proc_input(struct px_proc *proc)
{
	return proc->input;
}

int
px_proc_master(const struct px_proc *proc)
{
	return proc->master;
}

int
px_proc_stdin(const struct px_proc *proc)
{
	return px_input_is_open(proc->input) ? proc->stdin_fd : -1;
}

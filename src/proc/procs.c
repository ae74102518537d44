#include "proc/procs.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proc/input.h"
#include "proc/manager.h"
#include "proc/stop.h"
#include "tree/nonce.h"

const px_mark px_procs_mask = ~(((uint64_t)1 << (PX_MARK_SERIAL_BITS + PX_MARK_GROUP_BITS)) - 1);

static void
procs_on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	px_stop_run(arg);
}

/* A mark is a soft limit, which the hard one must leave room for. */
static bool
marks_possible(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_RTTIME, &limit) == 0 && limit.rlim_max == RLIM_INFINITY;
}

struct px_procs *
px_procs_new(struct event_base *base, const struct px_procs_options *options)
{
	struct px_procs *procs = px_new(struct px_procs);

	procs->base = base;
	procs->options = *options;
	procs->claim = px_nonce_take(&procs->nonce);
	procs->marked = marks_possible();
	RB_INIT(&procs->children);
	TAILQ_INIT(&procs->stops);
	procs->stop_timer = evtimer_new(base, procs_on_stop_timer, procs);
	return procs;
}

/*
 * The last resort of an owner that could not wait for px_procs_idle(): kill, and
 * poll until it is so. What even SIGKILL does not end, as a process that hangs in
 * a dead file system, is given up.
 */
static void
procs_drain(struct px_procs *procs)
{
	enum { PASS_MS = 5, GIVE_UP_MS = 2000 };
	int64_t give_up = px_now_ms() + GIVE_UP_MS;

	px_procs_hurry(procs);
	while (px_stop_run(procs) && px_now_ms() < give_up)
		poll(NULL, 0, PASS_MS);
	px_stop_give_up(procs);
}

void
px_procs_free(struct px_procs *procs)
{
	if (procs == NULL)
		return;
	procs_drain(procs);
	event_free(procs->stop_timer);
	if (procs->claim != -1)
		close(procs->claim);
	free(procs);
}

px_mark
px_procs_mark(const struct px_procs *procs)
{
	return px_mark_make(procs->nonce, 0, 0);
}

void
px_procs_stats(struct px_procs *procs, struct px_procs_stats *out)
{
	struct px_proc *proc;

	*out = procs->stats;
	RB_FOREACH (proc, px_proc_tree, &procs->children)
		out->bytes_queued += px_input_queued(proc->input);
}

static void
reap_one(struct px_procs *procs, pid_t pid)
{
	struct px_proc key = { .pid = pid }, *proc = RB_FIND(px_proc_tree, &procs->children, &key);

	if (proc != NULL) {
		px_proc_reap(proc);
		return;
	}
	waitpid(pid, NULL, WNOHANG);
	px_stop_forget_root(procs, pid);
}

void
px_procs_reap(struct px_procs *procs)
{
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
			return;
		reap_one(procs, info.si_pid);
	}
}

bool
px_procs_orphans_possible(const struct px_procs *procs)
{
	return !procs->options.subreaper ||
	       px_tree_may_have_orphans(procs->stats.running + procs->options.other_children);
}

/*
 * One pass over the machine's processes ends them all; each child is only told
 * why. Where marks cannot be set, a process is found from its px_proc alone.
 */
static void
procs_stop(
    struct px_procs *procs, px_mark mark, px_mark mask, int64_t grace_ms, enum px_cause cause)
{
	struct px_proc *proc;
	bool any = false;

	RB_FOREACH (proc, px_proc_tree, &procs->children) {
		if (((proc->mark ^ mark) & mask) != 0)
			continue;
		any = true;
		px_proc_blame(proc, cause);
		if (!procs->marked)
			px_stop_proc(proc, grace_ms);
		else if (grace_ms > 0)
			px_proc_hang_up(proc);
	}
	if (procs->marked && (any || px_procs_orphans_possible(procs)))
		px_stop_marked(procs, mark, mask, grace_ms);
}

void
px_procs_stop_group(struct px_procs *procs, uint32_t group, int64_t grace_ms, enum px_cause cause)
{
	procs_stop(procs, px_mark_make(procs->nonce, group, 0), PX_MARK_GROUP, grace_ms, cause);
}

void
px_procs_stop_all(struct px_procs *procs, int64_t grace_ms, enum px_cause cause)
{
	procs->stopping = procs->marked;
	procs_stop(procs, px_procs_mark(procs), px_procs_mask, grace_ms, cause);
}

bool
px_procs_idle(const struct px_procs *procs)
{
	return TAILQ_EMPTY(&procs->stops) && procs->stats.running == 0;
}

void
px_procs_hurry(struct px_procs *procs)
{
	procs->hurry = true;
	px_stop_hurry(procs);
}

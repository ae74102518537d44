#include "proc/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proc/cage.h"
#include "tree/cgroup.h"

enum { CHECK_MIN_MS = 2, CHECK_MAX_MS = 100 };

static struct px_tree_query
stop_query(const struct px_stop *stop)
{
	struct px_tree_query query = { .mark = stop->mark,
		.mask = stop->mask,
		.root = stop->root,
		.cgroup_fd = stop->cgroup_fd };

	if (stop->proc != NULL) {
		if (!stop->proc->reaped)
			query.root = stop->proc->pid;
		query.cgroup_fd = stop->proc->cgroup_fd;
	}
	return query;
}

static void
timer_arm(struct px_procs *procs)
{
	struct px_stop *stop;
	int64_t first = INT64_MAX;
	struct timeval tv;

	TAILQ_FOREACH (stop, &procs->stops, link)
		if (stop->check_at_ms < first)
			first = stop->check_at_ms;
	if (first == INT64_MAX)
		return;
	tv = px_ms_tv(first - px_now_ms());
	event_add(procs->stop_timer, &tv);
}

static void
stop_check_soon(struct px_stop *stop)
{
	stop->interval_ms = CHECK_MIN_MS;
	stop->check_at_ms = px_now_ms();
}

static struct px_stop *
stop_new(struct px_procs *procs, px_mark mark, px_mark mask)
{
	struct px_stop *stop = px_new(struct px_stop);

	stop->mark = mark;
	stop->mask = mask;
	stop->cgroup_fd = -1;
	stop->kill_at_ms = INT64_MAX;
	TAILQ_INSERT_TAIL(&procs->stops, stop, link);
	procs->stats.stops++;
	return stop;
}

static void
stop_free(struct px_procs *procs, struct px_stop *stop)
{
	if (stop->proc != NULL)
		stop->proc->stop = NULL;
	if (stop->cgroup_fd != -1)
		px_cgroup_remove(procs->options.cgroups, stop->cgroup_serial, stop->cgroup_fd);
	TAILQ_REMOVE(&procs->stops, stop, link);
	procs->stats.stops--;
	px_cage_free(stop->cage);
	free(stop);
}

/*
 * How many were found. When the walk could not be made, the child's own group is
 * still within reach; for want of descriptors or memory it counts as one found,
 * so that it is tried again; without a usable /proc there is nothing to try.
 */
static int
tree_signal(const struct px_tree_query *query, int sig)
{
	int found = px_tree_signal(query, sig);

	if (found >= 0)
		return found;
	if (query->root > 0)
		return kill(-query->root, sig) == 0;
	return errno == EMFILE || errno == ENFILE || errno == ENOMEM;
}

static int
tree_kill(const struct px_tree_query *query)
{
	if (query->cgroup_fd != -1)
		(void)px_cgroup_kill(query->cgroup_fd);
	return tree_signal(query, SIGKILL);
}

/* The first signal, and the deadline for the last one. */
static void
stop_begin(struct px_procs *procs, struct px_stop *stop, int64_t grace_ms)
{
	struct px_tree_query query = stop_query(stop);
	int64_t kill_at = px_now_ms() + (procs->hurry ? 0 : grace_ms);
	bool first = stop->kill_at_ms == INT64_MAX;

	if (kill_at < stop->kill_at_ms)
		stop->kill_at_ms = kill_at;
	if (grace_ms == 0 || procs->hurry)
		tree_kill(&query);
	else if (first)
		tree_signal(&query, SIGTERM);
	stop_check_soon(stop);
	stop->check_at_ms += CHECK_MIN_MS;
	timer_arm(procs);
}

void
px_stop_proc(struct px_proc *proc, int64_t grace_ms)
{
	bool first = proc->stop == NULL;

	if (proc->gate != NULL) /* there is no program yet to use the time */
		grace_ms = 0;
	if (first) {
		proc->stop = stop_new(proc->procs, proc->mark, PX_MARK_SESSION);
		proc->stop->proc = proc;
	}
	stop_begin(proc->procs, proc->stop, grace_ms);
	if (first && grace_ms > 0)
		px_proc_hang_up(proc);
}

void
px_stop_marked(struct px_procs *procs, px_mark mark, px_mark mask, int64_t grace_ms)
{
	struct px_proc *proc;

	stop_begin(procs, stop_new(procs, mark, mask), grace_ms);
	RB_FOREACH (proc, px_proc_tree, &procs->children)
		if (proc->gate != NULL && ((proc->mark ^ mark) & mask) == 0)
			px_stop_proc(proc, 0);
}

void
px_stop_on_reaped(struct px_proc *proc)
{
	struct px_stop *stop;

	TAILQ_FOREACH (stop, &proc->procs->stops, link)
		if (stop->proc == proc || ((stop->mark ^ proc->mark) & stop->mask) == 0)
			stop_check_soon(stop);
	timer_arm(proc->procs);
}

/* When the ending of a larger set, or of this very process, already says at what time it will be
 * killed; else now. */
static int64_t
stop_deadline(const struct px_procs *procs, px_mark mark)
{
	const struct px_stop *stop;
	int64_t deadline = INT64_MAX;

	TAILQ_FOREACH (stop, &procs->stops, link)
		if (((stop->mark ^ mark) & stop->mask) == 0 && stop->kill_at_ms < deadline)
			deadline = stop->kill_at_ms;
	return deadline == INT64_MAX ? px_now_ms() : deadline;
}

void
px_stop_orphan(struct px_proc *proc)
{
	struct px_procs *procs = proc->procs;
	struct px_stop *stop = proc->stop;
	int64_t deadline = stop_deadline(procs, proc->mark);

	if (stop == NULL)
		stop = stop_new(procs, proc->mark, PX_MARK_SESSION);
	stop->proc = NULL;
	stop->root = !proc->reaped ? proc->pid : 0;
	stop->cgroup_fd = proc->cgroup_fd;
	stop->cgroup_serial = proc->cgroup_serial;
	stop->kill_at_ms = deadline;
	if (stop->cage == NULL)
		stop->cage = proc->cage;
	proc->cage = NULL;
	proc->cgroup_fd = -1;
	proc->stop = NULL;
	stop_check_soon(stop);
	timer_arm(procs);
}

/* The kernel kills them too, as their first process has gone, but does not say when it is done. */
void
px_stop_caged(struct px_proc *proc)
{
	px_stop_proc(proc, 0);
	proc->stop->cage = proc->cage;
	proc->cage = NULL;
}

void
px_stop_forget_root(struct px_procs *procs, pid_t pid)
{
	struct px_stop *stop;

	TAILQ_FOREACH (stop, &procs->stops, link)
		if (stop->root == pid) {
			stop->root = 0;
			procs->stats.running--;
			stop_check_soon(stop);
		}
	timer_arm(procs);
}

void
px_stop_hurry(struct px_procs *procs)
{
	struct px_stop *stop;

	TAILQ_FOREACH (stop, &procs->stops, link)
		stop_begin(procs, stop, 0);
}

void
px_stop_give_up(struct px_procs *procs)
{
	while (!TAILQ_EMPTY(&procs->stops))
		stop_free(procs, TAILQ_FIRST(&procs->stops));
}

/* True: it is over. */
static bool
stop_look(struct px_procs *procs, struct px_stop *stop, int64_t now)
{
	struct px_tree_query query;
	int left;

	if (stop->root > 0 && waitpid(stop->root, NULL, WNOHANG) != 0) {
		stop->root = 0;
		procs->stats.running--;
	}
	query = stop_query(stop);
	left = now >= stop->kill_at_ms ? tree_kill(&query) : tree_signal(&query, 0);
	if (left == 0 && query.root == 0)
		return true;
	stop->interval_ms *= 2;
	if (stop->interval_ms > CHECK_MAX_MS)
		stop->interval_ms = CHECK_MAX_MS;
	stop->check_at_ms = now + stop->interval_ms;
	if (stop->kill_at_ms > now && stop->check_at_ms > stop->kill_at_ms)
		stop->check_at_ms = stop->kill_at_ms;
	return false;
}

/*
 * One pass over the processes of the machine takes a while, so a turn of the
 * loop makes only a few and the rest come in the next: other sessions must not
 * feel a mass ending.
 */
bool
px_stop_run(struct px_procs *procs)
{
	enum { TURN_US = 3000 };
	int64_t begun = px_now_us(), now = px_now_ms();
	struct px_stop *stop, *next;

	TAILQ_FOREACH_SAFE (stop, &procs->stops, link, next) {
		if (stop->check_at_ms > now)
			continue;
		if (stop_look(procs, stop, now))
			stop_free(procs, stop);
		if (px_now_us() - begun > TURN_US)
			break;
	}
	timer_arm(procs);
	return !TAILQ_EMPTY(&procs->stops);
}

#include "tree/family.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree/cgroup.h"
#include "tree/mark.h"

/* Where 'pid' is, or would have to be. */
static size_t
family_place(const struct px_family *f, pid_t pid)
{
	size_t low = 0, high = f->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (f->kin[mid].pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct px_kin *
family_find(const struct px_family *f, pid_t pid)
{
	size_t at = family_place(f, pid);

	return at < f->n && f->kin[at].pid == pid ? &f->kin[at] : NULL;
}

static struct px_kin *
family_insert(struct px_family *f, pid_t pid)
{
	size_t at = family_place(f, pid), room;
	struct px_kin *kin;

	if (f->n == f->room) {
		/* The sessions choose how many there are, so that this may fail. */
		room = f->room == 0 ? 64 : f->room * 2;
		if ((kin = reallocarray(f->kin, room, sizeof(*kin))) == NULL)
			return NULL;
		f->kin = kin;
		f->room = room;
	}
	kin = &f->kin[at];
	memmove(kin + 1, kin, (f->n++ - at) * sizeof(*kin));
	memset(kin, 0, sizeof(*kin));
	kin->pid = pid;
	return kin;
}

static struct px_kin *
family_admit(struct px_family *f, pid_t pid, const struct px_procfs_stat *stat, bool in)
{
	struct px_kin *kin = family_insert(f, pid);

	if (kin != NULL) {
		kin->stat = *stat;
		kin->in = in;
	}
	return kin;
}

/* Admitted as outsiders, which nothing that is found later changes. */
static int
family_bar_ancestors(struct px_family *f)
{
	struct px_procfs_stat stat;
	pid_t pid = getpid();
	struct px_kin *kin;

	while (pid > 0 && family_find(f, pid) == NULL) {
		if (px_procfs_stat(dirfd(f->proc), pid, &stat) == -1)
			return errno == ESRCH && pid != getpid() ? 0 : -1;
		if ((kin = family_admit(f, pid, &stat, false)) == NULL)
			return -1;
		kin->asked = true;
		pid = stat.ppid;
	}
	return 0;
}

/* 1, 0 (also when the process is gone), or -1 with errno. */
static int
family_has_mark(const struct px_family *f, pid_t pid)
{
	px_mark mark;

	if (px_procfs_mark(dirfd(f->proc), pid, &mark) == -1)
		return errno == ESRCH ? 0 : -1;
	return px_mark_match(mark, f->query->mark, f->query->mask);
}

/*
 * A number may change hands between two questions about it. So what makes a
 * process belong is asked again after its start time was read, and before it is
 * signalled the start time is read again: what was answered in between is about
 * the owner of that start time. 1: taken in, 0, or -1 with errno.
 */
static int
family_add_marked(struct px_family *f, pid_t pid)
{
	struct px_procfs_stat stat;
	int has = family_has_mark(f, pid);

	if (has != 1 || family_find(f, pid) != NULL)
		return has == -1 ? -1 : 0;
	if (tgkill(pid, pid, 0) == -1 && errno == ESRCH && kill(pid, 0) == 0)
		return 0; /* the number of a thread */
	if (px_procfs_stat(dirfd(f->proc), pid, &stat) == -1) {
		if (errno != ESRCH)
			return -1;
		f->vanished++;
		return 0;
	}
	if (stat.zombie || (has = family_has_mark(f, pid)) == 0)
		return 0;
	return has == 1 && family_admit(f, pid, &stat, true) != NULL ? 1 : -1;
}

const struct px_kin *
px_family_newborn(struct px_family *f)
{
	int added;
	pid_t pid;

	while ((pid = px_procfs_walk_next(&f->walk)) > 0) {
		if ((added = family_add_marked(f, pid)) == 1)
			return family_find(f, pid);
		if (added == -1)
			return NULL;
	}
	if (pid == 0)
		errno = 0;
	return NULL;
}

static int
family_add_all_marked(struct px_family *f)
{
	px_procfs_walk_begin(&f->walk, f->proc);
	while (px_family_newborn(f) != NULL)
		;
	return errno == 0 ? 0 : -1;
}

/* Of somebody who is named by number: not 'in' yet. */
static void
family_add_named(pid_t pid, void *arg)
{
	struct px_family *f = arg;
	struct px_procfs_stat stat;

	if (f->error != 0 || family_find(f, pid) != NULL)
		return;
	if (px_procfs_stat(dirfd(f->proc), pid, &stat) == -1) {
		if (errno == ESRCH)
			f->vanished++;
		else
			f->error = errno;
	} else if (!stat.zombie && family_admit(f, pid, &stat, false) == NULL)
		f->error = errno;
}

static void
family_confirm(pid_t pid, void *arg)
{
	struct px_kin *kin = family_find(arg, pid);

	if (kin != NULL && !kin->asked) /* outsiders count as asked from the start */
		kin->in = true;
}

static int
family_failed(const struct px_family *f)
{
	if (f->error == 0)
		return 0;
	errno = f->error;
	return -1;
}

/* The root is our own unreaped child, so that its number is its own. */
static int
family_add_others(struct px_family *f)
{
	const struct px_tree_query *q = f->query;

	if (q->root > 0) {
		family_add_named(q->root, f);
		family_confirm(q->root, f);
	}
	if (q->cgroup_fd >= 0 && (px_cgroup_members(q->cgroup_fd, family_add_named, f) == -1 ||
				     px_cgroup_members(q->cgroup_fd, family_confirm, f) == -1))
		return -1;
	return family_failed(f);
}

/* 1: it was a child of somebody who belongs, and belongs now. */
static int
family_add_child(struct px_family *f, pid_t pid)
{
	struct px_procfs_stat stat;
	const struct px_kin *parent;

	if (family_find(f, pid) != NULL)
		return 0;
	if (px_procfs_stat(dirfd(f->proc), pid, &stat) == -1)
		return errno == ESRCH ? 0 : -1;
	/* Nobody is older than their parent: a parent that is younger has its number from another.
	 */
	parent = family_find(f, stat.ppid);
	if (stat.zombie || parent == NULL || !parent->in || parent->stat.start > stat.start)
		return 0;
	return family_admit(f, pid, &stat, true) != NULL ? 1 : -1;
}

static void
family_on_child(pid_t pid, void *arg)
{
	struct px_family *f = arg;

	if (f->error == 0 && family_add_child(f, pid) == -1)
		f->error = errno;
}

/* Asks everybody who was not asked yet; returns how many that were, or -1. */
static int
family_ask_members(struct px_family *f)
{
	int asked = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct px_kin kin =
		    f->kin[i]; /* a copy, for the array moves as children are found */

		if (!kin.in || kin.asked)
			continue;
		f->kin[i].asked = true;
		asked++;
		if (px_procfs_children(
			dirfd(f->proc), kin.pid, kin.stat.threads, family_on_child, f) == -1 &&
		    errno != ESRCH)
			return -1;
		if (family_failed(f) == -1)
			return -1;
	}
	return asked;
}

/* The same the other way round; returns how many were added, or -1. */
static int
family_ask_everyone(struct px_family *f)
{
	int added = 0, is;
	pid_t pid;

	rewinddir(f->proc);
	while ((pid = px_procfs_next(f->proc)) > 0) {
		if ((is = family_add_child(f, pid)) == -1)
			return -1;
		added += is;
	}
	return pid == 0 ? added : -1;
}

int
px_family_gather(struct px_family *f, bool by_scan)
{
	size_t outsiders;
	int more;

	if (family_bar_ancestors(f) == -1)
		return -1;
	outsiders = f->n;
	if (f->query->mark != 0 && family_add_all_marked(f) == -1)
		return -1;
	if (family_add_others(f) == -1)
		return -1;
	if (f->n == outsiders)
		return 0;
	do
		more = by_scan ? family_ask_everyone(f) : family_ask_members(f);
	while (more > 0);
	return more;
}

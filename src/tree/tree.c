#include "tree/tree.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "tree/family.h"
#include "tree/mark.h"
#include "tree/procfs.h"

/* 1: the process that was found is alive, 0: it has ended, -1: not to be found out. */
static int
tree_is_same(const struct px_family *f, const struct px_kin *kin)
{
	struct px_procfs_stat now;

	if (px_procfs_stat(dirfd(f->proc), kin->pid, &now) == -1)
		return errno == ESRCH ? 0 : -1;
	return now.start == kin->stat.start && !now.zombie;
}

/*
 * False when the process may not be signalled by us. One that ended just now
 * counts as found: it may have left a child that only another pass can see.
 *
 * Without a descriptor to spare for the pidfd, kill() follows the same check.
 * What is risked is that the process ends, is reaped and has its number given
 * out again within a microsecond, though numbers go round in a circle of
 * thousands; what is avoided is that descriptors running out makes processes
 * immortal.
 */
static bool
tree_hit(const struct px_family *f, const struct px_kin *kin, int sig)
{
	int fd = pidfd_open(kin->pid, 0);
	bool may = true;
	int same;

	if (fd == -1 && errno == ESRCH)
		return true;
	same = tree_is_same(f, kin);
	if (same == -1 && fd != -1) {
		close(fd);
		fd = -1;
		same = tree_is_same(f, kin);
	}
	if (same == 1 &&
	    (fd != -1 ? pidfd_send_signal(fd, sig, NULL, 0) : kill(kin->pid, sig)) == -1)
		may = errno != EPERM;
	if (fd != -1)
		close(fd);
	return may;
}

static int
tree_begin(struct px_family *f, const struct px_tree_query *query)
{
	memset(f, 0, sizeof(*f));
	f->query = query;
	if (query->mark != 0 && !px_mark_valid(query->mark)) {
		errno = EINVAL;
		return -1;
	}
	if ((f->proc = px_procfs_open()) == NULL)
		return -1;
	return px_family_gather(f, !px_procfs_has_children(dirfd(f->proc)));
}

static int
tree_end(struct px_family *f, int result)
{
	int saved = errno;

	free(f->kin);
	if (f->proc != NULL)
		closedir(f->proc);
	errno = saved;
	return result;
}

/*
 * Those that were born while the others were found and signalled come last. One
 * that lives for 100 us and goes on in its child is met only here, where no more
 * than microseconds lie between finding and signalling.
 */
int
px_tree_signal(const struct px_tree_query *query, int sig)
{
	const struct px_kin *kin;
	struct px_family f;
	int found = 0;

	if (tree_begin(&f, query) == -1)
		return tree_end(&f, -1);
	for (size_t i = 0; i < f.n; i++)
		found += f.kin[i].in && tree_hit(&f, &f.kin[i], sig);
	/* If this fails something was found before, so that the caller makes another pass. */
	if (sig != 0 && query->mark != 0 && (found > 0 || f.vanished > 0))
		while ((kin = px_family_newborn(&f)) != NULL)
			found += tree_hit(&f, kin, sig);
	return tree_end(&f, found + (int)f.vanished);
}

int
px_tree_list(const struct px_tree_query *query, pid_t *out, size_t max)
{
	struct px_family f;
	size_t found = 0;

	if (tree_begin(&f, query) == -1)
		return tree_end(&f, -1);
	for (size_t i = 0; i < f.n; i++) {
		if (!f.kin[i].in || !tree_hit(&f, &f.kin[i], 0))
			continue;
		if (found < max)
			out[found] = f.kin[i].pid;
		found++;
	}
	return tree_end(&f, (int)found);
}

#include "tree/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

static const char stat_tail[] =
    " 77 5 5 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 123456789 1 2 18446744073709551615 1\n";

static bool
parse(const char *head, struct px_procfs_stat *out)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s", head, stat_tail);
	return px_procfs_parse_stat(text, out);
}

START_TEST(stat_fields_are_found)
{
	struct px_procfs_stat stat;

	ck_assert(parse("42 (sleep) S", &stat));
	ck_assert_int_eq(stat.ppid, 77);
	ck_assert_uint_eq(stat.threads, 3);
	ck_assert_uint_eq(stat.start, 123456789);
	ck_assert(!stat.zombie);
}
END_TEST

START_TEST(stat_name_may_be_anything)
{
	static const char *const heads[] = { "42 () S", "42 (a b) S", "42 (x) Z 1 1) S",
		"42 (\n) S", "42 ()))) S", "42 ((((() S", "42 (\xff\x80) S" };
	struct px_procfs_stat stat;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		ck_assert_msg(parse(heads[i], &stat), "%s", heads[i]);
		ck_assert_int_eq(stat.ppid, 77);
		ck_assert(!stat.zombie);
	}
}
END_TEST

START_TEST(stat_tells_the_dead_from_a_lost_main_thread)
{
	static const char one[] = "1 (x) Z 77 5 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0";
	struct px_procfs_stat stat;

	ck_assert(px_procfs_parse_stat(one, &stat));
	ck_assert(stat.zombie);
	ck_assert(parse("42 (x) Z", &stat)); /* with three threads */
	ck_assert(!stat.zombie);
	ck_assert(parse("42 (x) X", &stat));
	ck_assert(stat.zombie);
	ck_assert(parse("42 (x) T", &stat));
	ck_assert(!stat.zombie);
}
END_TEST

START_TEST(stat_cut_short_is_refused)
{
	struct px_procfs_stat stat;
	char text[256];
	const char *start = strstr(stat_tail, "123456789");
	size_t needed;

	snprintf(text, sizeof(text), "42 (x) S%s", stat_tail);
	needed = strlen("42 (x) S") + (size_t)(start - stat_tail);
	for (size_t len = 0; len <= needed; len++) {
		char *cut = strndup(text, len); /* its own block, so that reading past it is seen */

		ck_assert_msg(!px_procfs_parse_stat(cut, &stat), "%zu", len);
		free(cut);
	}
	ck_assert(!px_procfs_parse_stat("42 (x) S 1 2 three", &stat));
}
END_TEST

START_TEST(limits_give_the_mark)
{
	ck_assert_uint_eq(
	    px_procfs_parse_limits(
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max realtime priority     0                    0                    \n"
		"Max realtime timeout      4611686018427387905  unlimited            us        \n"),
	    UINT64_C(4611686018427387905));
}
END_TEST

START_TEST(limits_without_a_mark_give_none)
{
	static const char *const texts[] = {
		"", "Max realtime timeout", "Max realtime timeout      ",
		"Max realtime timeout      unlimited            unlimited            us        \n",
		"Max realtime timeout      200000               unlimited            us        \n",
		"Max realtime timeout      -1                   unlimited            us        \n",
		"Max cpu time              4611686018427387905  unlimited            seconds   \n"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_uint_eq(px_procfs_parse_limits(texts[i]), 0);
}
END_TEST

START_TEST(listing_holds_us_once)
{
	DIR *proc = px_procfs_open();
	int seen = 0;
	pid_t pid;

	ck_assert_ptr_nonnull(proc);
	while ((pid = px_procfs_next(proc)) > 0)
		seen += pid == getpid();
	ck_assert_int_eq(pid, 0);
	ck_assert_int_eq(seen, 1);
	closedir(proc);
}
END_TEST

static bool
walk_meets(struct px_procfs_walk *walk, pid_t who)
{
	bool met = false;
	pid_t pid;

	while ((pid = px_procfs_walk_next(walk)) > 0)
		met |= pid == who;
	ck_assert_int_eq(pid, 0);
	return met;
}

static pid_t
bear(void)
{
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(0);
	return pid;
}

START_TEST(walk_goes_on_to_the_newborn)
{
	struct px_procfs_walk walk;
	DIR *proc = px_procfs_open();
	pid_t early, late;

	px_procfs_walk_begin(&walk, proc);
	ck_assert_int_gt(px_procfs_walk_next(&walk), 0);
	early = bear();
	ck_assert(walk_meets(&walk, early));
	ck_assert(!walk_meets(&walk, early));
	late = bear();
	ck_assert(walk_meets(&walk, late));
	while (wait(NULL) > 0)
		;
	closedir(proc);
}
END_TEST

/* As if the last number had been given out long ago, or since then all had been used up. */
START_TEST(walk_lists_again_when_it_is_far_behind)
{
	static const pid_t lasts[] = { 1, INT_MAX };
	struct px_procfs_walk walk;
	DIR *proc = px_procfs_open();

	for (size_t i = 0; i < sizeof(lasts) / sizeof(lasts[0]); i++) {
		px_procfs_walk_begin(&walk, proc);
		ck_assert(walk_meets(&walk, getpid()));
		walk.at = walk.last = lasts[i];
		ck_assert(walk_meets(&walk, getpid()));
	}
	closedir(proc);
}
END_TEST

START_TEST(own_facts_are_right)
{
	DIR *proc = px_procfs_open();
	struct px_procfs_stat stat;
	px_mark mark;

	ck_assert_int_eq(px_procfs_stat(dirfd(proc), getpid(), &stat), 0);
	ck_assert_int_eq(stat.ppid, getppid());
	ck_assert_uint_eq(stat.threads, 1);
	ck_assert(!stat.zombie);
	ck_assert_uint_gt(stat.start, 0);
	ck_assert_int_eq(px_procfs_mark(dirfd(proc), getpid(), &mark), 0);
	ck_assert_uint_eq(mark, 0);
	closedir(proc);
}
END_TEST

START_TEST(gone_processes_are_told_by_esrch)
{
	DIR *proc = px_procfs_open();
	struct px_procfs_stat stat;
	px_mark mark;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	errno = 0;
	ck_assert_int_eq(px_procfs_stat(dirfd(proc), pid, &stat), -1);
	ck_assert_int_eq(errno, ESRCH);
	errno = 0;
	ck_assert_int_eq(px_procfs_mark(dirfd(proc), pid, &mark), -1);
	ck_assert_int_eq(errno, ESRCH);
	errno = 0;
	ck_assert_int_eq(px_procfs_children(dirfd(proc), pid, 0, NULL, NULL), -1);
	ck_assert_int_eq(errno, ESRCH);
	closedir(proc);
}
END_TEST

static void
count_child(pid_t child, void *arg)
{
	pid_t *last = arg;

	ck_assert_int_gt(child, 0);
	last[0]++;
	last[1] = child;
}

/* More than one read() of the file returns, so that numbers are cut in two. */
START_TEST(children_are_all_read)
{
	enum { CHILDREN = 1500 };
	DIR *proc = px_procfs_open();
	pid_t seen[2] = { 0, 0 }, pid = 0;

	if (!px_procfs_has_children(dirfd(proc)))
		return;
	ck_assert_int_eq(px_procfs_children(dirfd(proc), getpid(), 1, count_child, seen), 0);
	ck_assert_int_eq(seen[0], 0);
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_int_ne(pid = fork(), -1);
		if (pid == 0)
			_exit(0);
	}
	ck_assert_int_eq(px_procfs_children(dirfd(proc), getpid(), 1, count_child, seen), 0);
	ck_assert_int_eq(seen[0], CHILDREN); /* as zombies at the latest */
	ck_assert_int_eq(seen[1], pid);
	seen[0] = 0;
	ck_assert_int_eq(px_procfs_children(dirfd(proc), getpid(), 0, count_child, seen), 0);
	ck_assert_int_eq(seen[0], CHILDREN);
	while (wait(NULL) > 0)
		;
	closedir(proc);
}
END_TEST

/* In a new pid namespace that still has the old /proc, every number means another process. */
static int
open_in_new_namespace(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) == -1)
		return 0; /* takes privilege */
	if ((pid = fork()) == 0)
		_exit(px_procfs_open() == NULL && errno == EXDEV ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

START_TEST(proc_of_another_namespace_is_refused)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(open_in_new_namespace());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("procfs");

	tcase_add_test(tc, stat_fields_are_found);
	tcase_add_test(tc, stat_name_may_be_anything);
	tcase_add_test(tc, stat_tells_the_dead_from_a_lost_main_thread);
	tcase_add_test(tc, stat_cut_short_is_refused);
	tcase_add_test(tc, limits_give_the_mark);
	tcase_add_test(tc, limits_without_a_mark_give_none);
	tcase_add_test(tc, listing_holds_us_once);
	tcase_add_test(tc, walk_lists_again_when_it_is_far_behind);
	tcase_add_test(tc, walk_goes_on_to_the_newborn);
	tcase_add_test(tc, own_facts_are_right);
	tcase_add_test(tc, gone_processes_are_told_by_esrch);
	tcase_add_test(tc, children_are_all_read);
	tcase_add_test(tc, proc_of_another_namespace_is_refused);
	return run_cases(tc);
}

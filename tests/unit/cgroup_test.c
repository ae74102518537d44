#include "tree/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cases.h"
#include "tree/cgroup_self.h"
#include "tree/cgroup_walk.h"
#include "tree/tree.h"

/*
 * Where this machine lets us write a cgroup v2, main() makes a group for the
 * tests, names it in the environment, and kills and removes all in it at the end.
 * Elsewhere only the tests that need none are made, and a comment says so.
 */
static const char base_variable[] = "PX_TEST_CGROUP";

static const char *
base_path(void)
{
	return getenv(base_variable);
}

static struct px_cgroup_root *
base_open(void)
{
	struct px_cgroup_root *root = NULL;
	struct px_err err;

	ck_assert_msg(px_cgroup_root_open(base_path(), &root, &err) == 0, "%s", err.text);
	ck_assert_ptr_nonnull(root);
	return root;
}

static int
group_make(struct px_cgroup_root *root, unsigned long serial)
{
	struct px_err err;
	int fd = px_cgroup_make(root, serial, &err);

	ck_assert_msg(fd != -1, "%s", err.text);
	return fd;
}

static const char *
group_path(char *path, pid_t owner, unsigned long serial)
{
	snprintf(path, PATH_MAX, "%s/ptyexec-%d-%lu", base_path(), (int)owner, serial);
	return path;
}

static bool
group_exists(unsigned long serial)
{
	char path[PATH_MAX];

	return access(group_path(path, getpid(), serial), F_OK) == 0;
}

/* A process that enters the group at once. It deafens itself, and dies with its parent at the
 * latest. */
static pid_t
start_in(int fd)
{
	int up[2];
	char result;
	pid_t pid;

	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGTERM, SIG_IGN);
		result = px_cgroup_enter(fd) == 0 ? 'y' : 'n';
		if (write(up[1], &result, 1) != 1 || result == 'n')
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_ne(pid, -1);
	ck_assert_int_eq(read(up[0], &result, 1), 1);
	ck_assert_int_eq(result, 'y');
	close(up[0]);
	close(up[1]);
	return pid;
}

/* A change of cgroup.events is told by POLLPRI. */
static void
await_empty(int fd)
{
	struct pollfd pfd = { .fd = openat(fd, "cgroup.events", O_RDONLY), .events = POLLPRI };
	char text[256];

	ck_assert_int_ne(pfd.fd, -1);
	for (;;) {
		ck_assert_int_gt(pread(pfd.fd, text, sizeof(text), 0), 0);
		if (px_cgroup_populated(fd) == 0)
			break;
		ck_assert_int_ne(poll(&pfd, 1, -1), -1);
	}
	close(pfd.fd);
}

static void
end_group(struct px_cgroup_root *root, unsigned long serial, int fd)
{
	ck_assert_int_eq(px_cgroup_kill(fd), 0);
	await_empty(fd);
	ck_assert_int_eq(px_cgroup_remove(root, serial, fd), 0);
	while (wait(NULL) > 0)
		;
}

struct roll {
	int n;
	pid_t sum;
};

static void
count_member(pid_t pid, void *arg)
{
	struct roll *roll = arg;

	roll->n++;
	roll->sum += pid;
}

static struct roll
members(int fd)
{
	struct roll roll = { 0, 0 };

	ck_assert_int_eq(px_cgroup_members(fd, count_member, &roll), 0);
	return roll;
}

static int
sub_make(int fd, const char *name)
{
	int sub;

	ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
	ck_assert_int_ne(sub = px_cgroup_open(fd, name), -1);
	return sub;
}

START_TEST(off_is_none)
{
	struct px_cgroup_root *root = (struct px_cgroup_root *)&root;

	ck_assert_int_eq(px_cgroup_root_open("off", &root, NULL), 0);
	ck_assert_ptr_null(root);
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(auto_never_fails)
{
	struct px_cgroup_root *root = (struct px_cgroup_root *)&root;

	ck_assert_int_eq(px_cgroup_root_open("auto", &root, NULL), 0);
	ck_assert_ptr_ne(root, &root);
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(bad_paths_are_refused)
{
	static const struct {
		const char *where;
		enum px_code code;
		int sys;
	} bad[] = { { "", PX_E_USAGE, 0 }, { "on", PX_E_USAGE, 0 },
		{ "sys/fs/cgroup", PX_E_USAGE, 0 }, { "/proc", PX_E_USAGE, 0 },
		{ "/", PX_E_USAGE, 0 }, { "/nonexistent/group", PX_E_IO, ENOENT },
		{ "/dev/null", PX_E_IO, ENOTDIR } };
	struct px_cgroup_root *root, *const untouched = (struct px_cgroup_root *)&root;
	struct px_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		root = untouched;
		ck_assert_int_eq(px_cgroup_root_open(bad[i].where, &root, &err), -1);
		ck_assert_int_eq(err.code, bad[i].code);
		ck_assert_int_eq(err.sys, bad[i].sys);
		ck_assert_ptr_eq(root, untouched);
	}
}
END_TEST

static const char *
locate(const char *line, const char *own, char *out, size_t size)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", line);
	return px_cgroup_self_locate(copy, own, out, size) == 0 ? out : NULL;
}

START_TEST(mounts_are_understood)
{
	static const struct {
		const char *line, *own, *path;
	} cases[] = {
		{ "38 31 0:41 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "/", "/sys/fs/cgroup/" },
		{ "38 31 0:41 / /c rw,x shared:1 master:2 - cgroup2 none rw\n", "/a/b", "/c/a/b" },
		{ "38 31 0:41 /a /c rw - cgroup2 none rw\n", "/a/b", "/c/b" },
		{ "38 31 0:41 /a /c rw - cgroup2 none rw\n", "/a", "/c" },
		{ "38 31 0:41 / /with\\040blank\\134\\011 rw - cgroup2 none rw\n", "/a b",
		    "/with blank\\\t/a b" },
		{ "38 31 0:41 / /odd\\9\\04 rw - cgroup2 none rw\n", "/", "/odd\\9\\04/" },
		{ "38 31 0:41 /a /c rw - cgroup2 none rw\n", "/ab", NULL },
		{ "38 31 0:41 /a /c rw - cgroup2 none rw\n", "/", NULL },
		{ "38 31 0:41 /.. /c rw - cgroup2 none rw\n", "/a", NULL },
		{ "38 31 0:41 / /c rw - cgroup2 none rw\n", "/../a", NULL },
		{ "37 31 0:40 / /c rw - cgroup cgroup rw,name=systemd\n", "/", NULL },
		{ "37 31 0:40 / /c rw - cgroup2x none rw\n", "/", NULL },
		{ "37 31 0:40 / /c - rw - tmpfs cgroup2 rw\n", "/", NULL },
		{ "38 31 0:41 / /c rw", "/", NULL },
		{ "38 31", "/", NULL },
		{ "", "/", NULL },
	};
	char out[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = locate(cases[i].line, cases[i].own, out, sizeof(out));

		if (cases[i].path == NULL)
			ck_assert_msg(path == NULL, "%zu", i);
		else
			ck_assert_pstr_eq(path, cases[i].path);
	}
}
END_TEST

START_TEST(long_paths_are_not_cut)
{
	static const char line[] = "38 31 0:41 / /sys rw - cgroup2 cgroup2 rw\n";
	char out[8];

	ck_assert_ptr_null(locate(line, "/abc", out, sizeof(out)));
	ck_assert_pstr_eq(locate(line, "/ab", out, sizeof(out)), "/sys/ab");
}
END_TEST

START_TEST(member_is_counted_and_killed)
{
	struct px_cgroup_root *root = base_open();
	int fd = group_make(root, 1), status;
	pid_t pid;

	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert(group_exists(1));
	ck_assert_int_eq(px_cgroup_populated(fd), 0);
	ck_assert_int_eq(members(fd).n, 0);
	pid = start_in(fd);
	ck_assert_int_eq(px_cgroup_populated(fd), 1);
	ck_assert_int_eq(members(fd).n, 1);
	ck_assert_int_eq(members(fd).sum, pid);
	ck_assert_int_eq(px_cgroup_kill(fd), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	await_empty(fd);
	ck_assert_int_eq(px_cgroup_remove(root, 1, fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert(!group_exists(1));
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(group_with_members_is_not_removed)
{
	struct px_cgroup_root *root = base_open();
	int fd = group_make(root, 2), spare = dup(fd), sub = sub_make(fd, "sub");
	struct px_err err;

	close(sub);
	start_in(fd);
	errno = 0;
	ck_assert_int_eq(px_cgroup_remove(root, 2, fd), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* closed in any case */
	ck_assert(group_exists(2));
	ck_assert_int_eq(faccessat(spare, "sub", F_OK, 0), 0); /* and nothing below was touched */
	ck_assert_int_eq(px_cgroup_make(root, 2, &err), -1);
	ck_assert_int_eq(err.code, PX_E_IO);
	ck_assert_int_eq(err.sys, EBUSY);
	end_group(root, 2, spare);
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(sub_groups_belong_and_are_removed)
{
	struct px_cgroup_root *root = base_open();
	int fd = group_make(root, 3), a = sub_make(fd, "a"), b = sub_make(a, "b");
	int c = sub_make(fd, "c");
	pid_t first = start_in(b), second = start_in(c);

	ck_assert_int_eq(members(fd).n, 2);
	ck_assert_int_eq(members(fd).sum, first + second);
	ck_assert_int_eq(px_cgroup_populated(fd), 1);
	close(a);
	close(b);
	close(c);
	end_group(root, 3, fd);
	ck_assert(!group_exists(3));
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(leftover_of_the_same_name_is_replaced)
{
	struct px_cgroup_root *root = base_open();
	int old = group_make(root, 4), fd;

	close(sub_make(old, "sub"));
	fd = group_make(root, 4);
	ck_assert_int_eq(faccessat(fd, "sub", F_OK, 0), -1);
	ck_assert_int_eq(members(old).n, 0); /* of what is no more */
	ck_assert_int_eq(px_cgroup_populated(old), -1);
	ck_assert_int_eq(px_cgroup_kill(old), -1);
	ck_assert_int_eq(px_cgroup_enter(old), -1);
	close(old);
	ck_assert_int_eq(px_cgroup_remove(root, 4, fd), 0);
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(free_removes_what_is_empty_and_ours)
{
	struct px_cgroup_root *root = base_open();
	int empty = group_make(root, 5), full = group_make(root, 6), status;
	char path[PATH_MAX];
	pid_t pid;

	close(empty);
	start_in(full);
	group_path(path, 1, 5); /* another process's */
	ck_assert_int_eq(mkdir(path, 0755), 0);
	if ((pid = fork()) == 0) {
		px_cgroup_root_free(root); /* in a process that made none of them */
		_exit(group_exists(5) ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(group_exists(5));
	px_cgroup_root_free(root);
	ck_assert(!group_exists(5));
	ck_assert(group_exists(6));
	ck_assert_int_eq(rmdir(path), 0);
	root = base_open();
	end_group(root, 6, full);
	px_cgroup_root_free(root);
}
END_TEST

/* A session may dig deeper than anyone follows: it is killed all the same. */
START_TEST(depth_is_limited)
{
	struct px_cgroup_root *root = base_open();
	int fd = group_make(root, 7), at[PX_CGROUP_DEPTH_MAX + 2], limit, n = PX_CGROUP_DEPTH_MAX;

	at[0] = fd;
	for (int i = 1; i <= n; i++)
		at[i] = sub_make(at[i - 1], "d");
	ck_assert_int_eq(mkdirat(at[n], "d", 0755), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_ne(limit = openat(fd, "cgroup.max.depth", O_WRONLY), -1);
	ck_assert_int_eq(write(limit, "max", 3), 3);
	close(limit);
	at[n + 1] = sub_make(at[n], "d");
	start_in(at[n]);
	start_in(at[n + 1]);
	ck_assert_int_eq(members(fd).n, 1);
	ck_assert_int_eq(px_cgroup_kill(fd), 0);
	await_empty(fd);
	ck_assert_int_eq(px_cgroup_prune(fd), -1);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(unlinkat(at[n], "d", AT_REMOVEDIR), 0);
	for (int i = 1; i <= n + 1; i++)
		close(at[i]);
	ck_assert_int_eq(px_cgroup_remove(root, 7, fd), 0);
	while (wait(NULL) > 0)
		;
	px_cgroup_root_free(root);
}
END_TEST

/* In a process of its own: 1: "auto" gives a root that works, 0: it gives none, else a failure. */
static int
open_auto_in_base(int fd, const char *delegate)
{
	struct px_cgroup_root *root = NULL;
	int group, result;

	if (px_cgroup_enter(fd) == -1 ||
	    fsetxattr(fd, "user.delegate", delegate, strlen(delegate), 0) == -1)
		return 10;
	if (px_cgroup_root_open("auto", &root, NULL) == -1)
		return 11;
	if (root == NULL)
		return 0;
	if ((group = px_cgroup_make(root, 8, NULL)) == -1)
		return 12;
	result = px_cgroup_enter(group) == 0 && px_cgroup_populated(group) == 1 ? 1 : 13;
	if (px_cgroup_enter(fd) == -1 || px_cgroup_remove(root, 8, group) == -1)
		return 14;
	px_cgroup_root_free(root);
	return result;
}

START_TEST(auto_takes_a_delegated_group)
{
	static const char *const values[] = { "0", "1", "", "11", "x" };
	int fd = open(base_path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
	pid_t pid;

	ck_assert_int_ne(fd, -1);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if ((pid = fork()) == 0)
			_exit(open_auto_in_base(fd, values[i]));
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), strcmp(values[i], "1") == 0);
	}
	ck_assert_int_eq(fremovexattr(fd, "user.delegate"), 0);
	close(fd);
}
END_TEST

START_TEST(unwritable_group_is_refused)
{
	struct px_cgroup_root *root = NULL;
	struct px_err err;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	if ((pid = fork()) == 0) {
		if (setresgid(65534, 65534, 65534) == -1 || setresuid(65534, 65534, 65534) == -1)
			_exit(2);
		_exit(px_cgroup_root_open(base_path(), &root, &err) == -1 && err.code == PX_E_IO &&
			      err.sys == EACCES
			  ? 0
			  : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* No mark, no common ancestor but the caller: membership alone. */
START_TEST(tree_is_found_by_its_group)
{
	struct px_cgroup_root *root = base_open();
	int fd = group_make(root, 9), sub = sub_make(fd, "sub");
	struct px_tree_query query = { .cgroup_fd = fd };
	pid_t first = start_in(fd), second = start_in(sub), listed[2];

	ck_assert_int_eq(px_tree_list(&query, listed, 2), 2);
	ck_assert_int_eq(listed[0] + listed[1], first + second);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 2);
	ck_assert_int_eq(waitpid(first, NULL, 0), first);
	ck_assert_int_eq(waitpid(second, NULL, 0), second);
	await_empty(fd);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
	close(sub);
	ck_assert_int_eq(px_cgroup_remove(root, 9, fd), 0);
	px_cgroup_root_free(root);
}
END_TEST

START_TEST(descriptor_of_something_else_is_an_error)
{
	struct px_tree_query query = { .cgroup_fd = open("/dev/null", O_RDONLY) };

	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(px_cgroup_populated(query.cgroup_fd), -1);
	ck_assert_int_eq(px_cgroup_enter(query.cgroup_fd), -1);
	ck_assert_int_eq(px_cgroup_kill(query.cgroup_fd), -1);
}
END_TEST

static Suite *
cgroup_suite(bool writable)
{
	Suite *suite = suite_create("cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, off_is_none);
	tcase_add_test(tc, auto_never_fails);
	tcase_add_test(tc, bad_paths_are_refused);
	tcase_add_test(tc, mounts_are_understood);
	tcase_add_test(tc, long_paths_are_not_cut);
	tcase_add_test(tc, descriptor_of_something_else_is_an_error);
	if (writable) {
		tcase_add_test(tc, member_is_counted_and_killed);
		tcase_add_test(tc, group_with_members_is_not_removed);
		tcase_add_test(tc, sub_groups_belong_and_are_removed);
		tcase_add_test(tc, leftover_of_the_same_name_is_replaced);
		tcase_add_test(tc, free_removes_what_is_empty_and_ours);
		tcase_add_test(tc, depth_is_limited);
		tcase_add_test(tc, auto_takes_a_delegated_group);
		tcase_add_test(tc, unwritable_group_is_refused);
		tcase_add_test(tc, tree_is_found_by_its_group);
	}
	suite_add_tcase(suite, tc);
	return suite;
}

/* Below our own group. -1 when this machine has none that we can write, move into and kill. */
static int
base_make(void)
{
	char group[PATH_MAX], link_path[64];
	int own = px_cgroup_self_open(), fd;
	ssize_t n;

	if (own == -1)
		return -1;
	snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", own);
	n = readlink(link_path, group, sizeof(group) - 64);
	close(own);
	if (n == -1)
		return -1;
	snprintf(group + n, sizeof(group) - (size_t)n, "/ptyexec-test-%d", (int)getpid());
	if (mkdir(group, 0755) == -1)
		return -1;
	fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || faccessat(fd, "cgroup.kill", W_OK, AT_EACCESS) == -1 ||
	    faccessat(fd, "../cgroup.procs", W_OK, AT_EACCESS) == -1) {
		rmdir(group);
		return -1;
	}
	setenv(base_variable, group, 1);
	return fd;
}

static void
base_remove(int fd)
{
	px_cgroup_kill(fd);
	while (px_cgroup_populated(fd) == 1 && wait(NULL) > 0)
		;
	px_cgroup_prune(fd);
	if (rmdir(base_path()) == -1)
		perror("# the group of the tests stays");
	close(fd);
}

int
main(void)
{
	int base = base_make(), result;

	if (base == -1)
		puts("# no cgroup v2 that can be written: what needs one is not tested");
	fflush(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	result = run_suite(cgroup_suite(base != -1));
	if (base != -1)
		base_remove(base);
	return result;
}

#include "tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "tree/family.h"
#include "tree/procfs.h"

/*
 * Every process that a test makes waits for the end of file of LIFELINE, whose
 * other end only main() holds, so none outlives this program. It tells its pid
 * on a pipe, of which it keeps the writing end: end of file there means that all
 * have died.
 */
enum { LIFELINE = 100, LIFELINE_HELD = 101 };

struct actor {
	pid_t pid;
	int pidfd;
};

typedef void act_fn(int report);

static void
cut_lifeline(void)
{
	close(LIFELINE_HELD);
}

static px_mark
mark_of(uint32_t group, uint32_t serial)
{
	return px_mark_make((uint32_t)getpid(), group, serial);
}

/* Of another manager. No pid reaches bit 17 unless pid_max was raised. */
static px_mark
foreign_mark_for(pid_t test)
{
	return px_mark_make((uint32_t)test ^ 1U << 17, 1, 1);
}

static px_mark
foreign_mark(void)
{
	return foreign_mark_for(getpid());
}

static void
tell(int report)
{
	pid_t pid = getpid();

	if (write(report, &pid, sizeof(pid)) != sizeof(pid))
		_exit(2);
}

static void
act_wait(int report)
{
	char byte;

	tell(report);
	while (read(LIFELINE, &byte, 1) == -1 && errno == EINTR)
		;
}

static pid_t
start(int report, px_mark mark, act_fn *act)
{
	pid_t pid = fork();

	if (pid == -1)
		abort(); /* ck_assert() is for the test's own thread alone */
	if (pid != 0)
		return pid;
	signal(SIGTERM, SIG_DFL); /* Check's handler passes it on to the whole test */
	if (mark != 0 && px_mark_set(mark) == -1)
		_exit(3);
	act(report);
	_exit(0);
}

static void
act_setsid(int report)
{
	setsid();
	act_wait(report);
}

static void
act_deaf(int report)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	act_wait(report);
}

/* Twice forked and in a session of its own, with nobody left of those it came from. */
static void
act_daemon(int report)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			act_wait(report);
	}
}

static void
act_daemon_and_stay(int report)
{
	if (fork() == 0) {
		act_daemon(report);
		_exit(0);
	}
	act_wait(report);
}

static void
act_unmarked(int report)
{
	struct rlimit limit;

	getrlimit(RLIMIT_RTTIME, &limit);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_RTTIME, &limit);
	setsid();
	act_wait(report);
}

/* Three generations: a manager, what it started under a mark of its own, and what shed that mark.
 */
static void
act_grandchild_too(int report)
{
	start(report, 0, act_unmarked);
	act_wait(report);
}

static void
act_nested(int report)
{
	start(report, foreign_mark_for(getppid()), act_grandchild_too);
	act_wait(report);
}

static void
act_stop(int report)
{
	tell(report);
	raise(SIGSTOP);
}

/* Every generation ends at once and goes on in its child; the last one stays. */
static void
act_fifty_generations(int report)
{
	tell(report);
	for (int i = 0; i < 50; i++)
		if (fork() != 0)
			_exit(0);
	act_wait(report);
}

static void
act_endless_generations(int report)
{
	struct pollfd lifeline = { .fd = LIFELINE, .events = POLLIN };

	tell(report);
	while (poll(&lifeline, 1, 0) == 0)
		if (fork() > 0)
			_exit(0);
}

static void
act_bush(int report)
{
	for (int i = 0; i < 5; i++) /* 2^5 processes */
		fork();
	act_wait(report);
}

static void *
wait_in_thread(void *arg)
{
	act_wait(*(int *)arg);
	return NULL;
}

static void
act_thread_on_signal(int report)
{
	pthread_t thread;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell(report);
	sigwait(&set, &sig);
	if (pthread_create(&thread, NULL, wait_in_thread, &report) != 0)
		_exit(7);
	pthread_join(thread, NULL);
}

static void *
outlive_main_thread(void *arg)
{
	struct px_procfs_stat stat = { .zombie = false };
	char text[512], path[64];
	const char *name_end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
	do {
		ssize_t n;

		sched_yield();
		if ((fd = open(path, O_RDONLY)) == -1 ||
		    (n = read(fd, text, sizeof(text) - 1)) <= 0)
			_exit(4);
		close(fd);
		text[n] = '\0';
		name_end = strrchr(text, ')');
	} while (name_end == NULL || name_end[2] != 'Z');
	if (!px_procfs_parse_stat(text, &stat) || stat.zombie)
		_exit(5);
	act_wait(*(int *)arg);
	_exit(0);
}

static void
act_without_main_thread(int report)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, outlive_main_thread, &report) != 0)
		_exit(6);
	syscall(SYS_exit, 0); /* of this thread alone; 'report' lives on with its stack */
}

static int
open_report(int *report)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	*report = fds[1];
	return fds[0];
}

static struct actor
meet(int heard)
{
	struct actor actor;

	ck_assert_int_eq(read(heard, &actor.pid, sizeof(actor.pid)), sizeof(actor.pid));
	actor.pidfd = pidfd_open(actor.pid, 0);
	ck_assert_int_ne(actor.pidfd, -1);
	return actor;
}

/* One process, playing 'act' under 'mark'. */
static struct actor
start_and_meet(px_mark mark, act_fn *act)
{
	int report, heard = open_report(&report);
	struct actor actor;

	start(report, mark, act);
	actor = meet(heard);
	close(report);
	close(heard);
	return actor;
}

static bool
is_dead(const struct actor *actor)
{
	struct pollfd pfd = { .fd = actor->pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void
await_death(const struct actor *actor)
{
	struct pollfd pfd = { .fd = actor->pidfd, .events = POLLIN };

	while (poll(&pfd, 1, -1) == -1)
		ck_assert_int_eq(errno, EINTR);
	close(actor->pidfd);
}

static struct px_tree_query
by_mark(px_mark mark)
{
	return (struct px_tree_query){ .mark = mark, .mask = PX_MARK_SESSION, .cgroup_fd = -1 };
}

static struct px_tree_query
by_root(pid_t root)
{
	return (struct px_tree_query){ .root = root, .cgroup_fd = -1 };
}

static void
adopt_orphans(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

START_TEST(nothing_is_found_by_an_unused_mark)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	pid_t none = 0;

	ck_assert_int_eq(px_tree_signal(&query, 0), 0);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
	ck_assert_int_eq(px_tree_list(&query, &none, 1), 0);
	ck_assert_int_eq(none, 0);
}
END_TEST

START_TEST(an_empty_query_finds_nothing)
{
	struct px_tree_query query = { .cgroup_fd = -1 };

	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
	query.mask = PX_MARK_SESSION;
	query.root = -1;
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
}
END_TEST

START_TEST(what_is_no_mark_is_refused)
{
	struct px_tree_query query = by_mark(200000);

	errno = 0;
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), -1);
	ck_assert_int_eq(errno, EINVAL);
	query = by_mark(RLIM_INFINITY);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), -1);
	query = by_mark(1);
	query.mask = 0;
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), -1);
}
END_TEST

START_TEST(signal_zero_only_counts)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_wait);

	ck_assert_int_eq(px_tree_signal(&query, 0), 1);
	ck_assert_int_eq(px_tree_signal(&query, 0), 1);
	ck_assert(!is_dead(&actor));
	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 1);
	await_death(&actor);
	ck_assert_int_eq(px_tree_signal(&query, 0), 0); /* it is a zombie */
	ck_assert_int_eq(waitpid(actor.pid, NULL, 0), actor.pid);
	ck_assert_int_eq(px_tree_signal(&query, 0), 0);
}
END_TEST

START_TEST(new_session_is_no_way_out)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_setsid);

	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 1);
	await_death(&actor);
	query = by_root(actor.pid);
	ck_assert_int_eq(px_tree_signal(&query, 0), 0);
	ck_assert_int_eq(waitpid(actor.pid, NULL, 0), actor.pid);
}
END_TEST

/* Until nobody is between the process and the one that adopts its orphans. */
static void
await_adoption(const struct actor *actor, pid_t by)
{
	DIR *proc = px_procfs_open();
	struct px_procfs_stat stat;
	struct actor parent;

	for (;;) {
		ck_assert_int_eq(px_procfs_stat(dirfd(proc), actor->pid, &stat), 0);
		if (stat.ppid == by)
			break;
		parent = (struct actor){ .pid = stat.ppid, .pidfd = pidfd_open(stat.ppid, 0) };
		if (parent.pidfd != -1)
			await_death(&parent);
	}
	closedir(proc);
}

/* _i: an ancestor of the test's process adopts it, or that process itself. */
START_TEST(daemon_is_found_when_all_above_it_are_dead)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);
	struct actor actor;
	pid_t root;

	if (_i == 1)
		adopt_orphans();
	root = start(report, mark_of(1, 1), act_daemon);
	ck_assert_int_eq(waitpid(root, NULL, 0), root);
	actor = meet(heard);
	await_adoption(&actor, _i == 0 ? getppid() : getpid());
	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 1);
	await_death(&actor);
	ck_assert_int_eq(px_tree_signal(&query, 0), 0);
}
END_TEST

START_TEST(daemon_and_root_both_get_the_signal)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);
	struct actor a, b;

	query.root = start(report, mark_of(1, 1), act_daemon_and_stay);
	a = meet(heard);
	b = meet(heard);
	while (px_tree_signal(&query, 0) > 2) /* the one between them is on its way out */
		sched_yield();
	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 2);
	await_death(&a);
	await_death(&b);
}
END_TEST

START_TEST(deaf_process_counts_until_it_is_killed)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_deaf);

	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 1);
	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 1);
	ck_assert(!is_dead(&actor));
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 1);
	await_death(&actor);
}
END_TEST

START_TEST(stopped_process_belongs)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_stop);
	int status;

	ck_assert_int_eq(waitpid(actor.pid, &status, WUNTRACED), actor.pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(px_tree_signal(&query, 0), 1);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 1);
	await_death(&actor);
}
END_TEST

START_TEST(process_without_main_thread_belongs)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_without_main_thread);

	ck_assert_int_eq(px_tree_signal(&query, 0), 1);
	ck_assert(!is_dead(&actor));
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 1);
	await_death(&actor);
	ck_assert_int_eq(px_tree_signal(&query, 0), 0);
}
END_TEST

START_TEST(only_the_session_meant_dies)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor mine = start_and_meet(mark_of(1, 1), act_wait);
	struct actor sibling = start_and_meet(mark_of(1, 2), act_wait);
	struct actor stranger = start_and_meet(foreign_mark(), act_wait);
	struct actor plain = start_and_meet(0, act_wait);

	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 1);
	await_death(&mine);
	ck_assert(!is_dead(&sibling));
	ck_assert(!is_dead(&stranger));
	ck_assert(!is_dead(&plain));
}
END_TEST

START_TEST(group_mask_takes_the_sessions_of_a_group)
{
	struct px_tree_query query = by_mark(mark_of(7, 0));
	struct actor first = start_and_meet(mark_of(7, 1), act_wait);
	struct actor second = start_and_meet(mark_of(7, 2), act_setsid);
	struct actor other = start_and_meet(mark_of(8, 1), act_wait);

	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
	query.mask = PX_MARK_GROUP;
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 2);
	await_death(&first);
	await_death(&second);
	ck_assert(!is_dead(&other));
}
END_TEST

START_TEST(forgotten_mask_stays_within_the_manager)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor mine = start_and_meet(mark_of(2, 2), act_wait);
	struct actor stranger = start_and_meet(foreign_mark(), act_wait);
	struct actor plain = start_and_meet(0, act_wait);

	query.mask = 0;
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 1);
	await_death(&mine);
	ck_assert(!is_dead(&stranger));
	ck_assert(!is_dead(&plain));
}
END_TEST

/* _i: by the mark of the uppermost, or by its being the root. */
START_TEST(descendants_belong_whatever_their_marks)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);
	struct actor actors[3];
	pid_t root;

	root = start(report, _i == 0 ? mark_of(1, 1) : 0, act_nested);
	for (int i = 0; i < 3; i++)
		actors[i] = meet(heard);
	if (_i == 1)
		query = by_root(root);
	ck_assert_int_eq(px_tree_signal(&query, SIGTERM), 3);
	for (int i = 0; i < 3; i++)
		await_death(&actors[i]);
}
END_TEST

/* A nested manager ends its own sessions and no more. */
START_TEST(inner_mark_does_not_reach_up)
{
	struct px_tree_query query = by_mark(foreign_mark());
	int report, heard = open_report(&report), dead;
	struct actor actors[3];

	start(report, mark_of(1, 1), act_nested);
	for (int i = 0; i < 3; i++)
		actors[i] = meet(heard);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 2);
	for (dead = 0; dead < 2; sched_yield()) {
		dead = 0;
		for (int i = 0; i < 3; i++)
			dead += is_dead(&actors[i]);
	}
	query = by_mark(mark_of(1, 1));
	ck_assert_int_eq(px_tree_signal(&query, 0), 1);
}
END_TEST

START_TEST(both_ways_to_find_children_agree)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct px_family f[2] = { { .query = &query }, { .query = &query } };
	int report, heard = open_report(&report);

	start(report, mark_of(1, 1), act_nested);
	for (int i = 0; i < 3; i++)
		meet(heard);
	for (int i = 0; i < 2; i++) {
		f[i].proc = px_procfs_open();
		ck_assert_int_eq(px_family_gather(&f[i], i == 1), 0);
		closedir(f[i].proc);
	}
	ck_assert_uint_eq(f[0].n, f[1].n);
	for (size_t i = 0; i < f[0].n; i++) {
		ck_assert_int_eq(f[0].kin[i].pid, f[1].kin[i].pid);
		ck_assert_int_eq(f[0].kin[i].in, f[1].kin[i].in);
	}
	free(f[0].kin);
	free(f[1].kin);
}
END_TEST

START_TEST(newborn_thread_is_no_process)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct px_family f = { .query = &query, .proc = px_procfs_open() };
	int report, heard = open_report(&report);
	const struct px_kin *kin;
	pid_t pid, child;

	start(report, mark_of(1, 1), act_thread_on_signal);
	ck_assert_int_eq(read(heard, &pid, sizeof(pid)), sizeof(pid));
	ck_assert_int_eq(px_family_gather(&f, false), 0);
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	ck_assert_int_eq(read(heard, &pid, sizeof(pid)), sizeof(pid)); /* from the thread */
	ck_assert_ptr_null(px_family_newborn(&f));
	ck_assert_int_eq(errno, 0);
	child = start(report, mark_of(1, 1), act_wait);
	ck_assert_int_eq(read(heard, &pid, sizeof(pid)), sizeof(pid));
	kin = px_family_newborn(&f);
	ck_assert_ptr_nonnull(kin);
	ck_assert_int_eq(kin->pid, child);
	closedir(f.proc);
	free(f.kin);
}
END_TEST

START_TEST(caller_and_its_ancestors_never_belong)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor sibling;
	int status;
	pid_t pid;

	sibling = start_and_meet(mark_of(1, 1), act_wait);
	ck_assert_int_eq(px_mark_set(mark_of(1, 1)), 0);
	if ((pid = fork()) == 0)
		_exit(
		    px_tree_signal(&query, SIGKILL)); /* the test above it, the sibling beside it */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	await_death(&sibling);
	query.root = getpid();
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
	query.root = getppid();
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
}
END_TEST

START_TEST(zombie_root_is_nothing)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);
	siginfo_t info;

	query.root = start(report, mark_of(1, 1), tell);
	close(meet(heard).pidfd);
	ck_assert_int_eq(waitid(P_PID, (id_t)query.root, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(px_tree_signal(&query, SIGKILL), 0);
	ck_assert_int_eq(waitpid(query.root, NULL, 0), query.root);
}
END_TEST

START_TEST(list_is_cut_at_its_size)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor a = start_and_meet(mark_of(1, 1), act_wait);
	struct actor b = start_and_meet(mark_of(1, 1), act_wait);
	pid_t pids[3] = { 0, 0, 0 };

	ck_assert_int_eq(px_tree_list(&query, NULL, 0), 2);
	ck_assert_int_eq(px_tree_list(&query, pids, 1), 2);
	ck_assert(pids[0] == a.pid || pids[0] == b.pid);
	ck_assert_int_eq(pids[1], 0);
	ck_assert_int_eq(px_tree_list(&query, pids, 3), 2);
	ck_assert_int_eq(pids[0] + pids[1], a.pid + b.pid);
	ck_assert_int_eq(pids[2], 0);
	ck_assert(!is_dead(&a));
	ck_assert(!is_dead(&b));
}
END_TEST

/* Passes until 0 is returned; then whoever held the pipe must be dead. */
static void
kill_all(const struct px_tree_query *query, int report, int heard)
{
	struct pollfd pfd = { .fd = heard, .events = POLLIN };
	pid_t pid;
	ssize_t n;
	int found;

	do {
		found = px_tree_signal(query, SIGKILL);
		ck_assert_int_ge(found, 0);
	} while (found > 0);
	close(report);
	while ((n = read(heard, &pid, sizeof(pid))) > 0)
		;
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(poll(&pfd, 1, 0), 1);
}

START_TEST(whole_bush_dies)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);

	start(report, mark_of(1, 1), act_bush);
	close(meet(heard).pidfd);
	kill_all(&query, report, heard);
}
END_TEST

START_TEST(fifty_generations_die)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);
	pid_t pid;

	if (_i % 2 == 1)
		adopt_orphans();
	start(report, mark_of(1, 1), act_fifty_generations);
	ck_assert_int_eq(read(heard, &pid, sizeof(pid)), sizeof(pid));
	kill_all(&query, report, heard);
}
END_TEST

START_TEST(runner_from_child_to_child_is_caught)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	int report, heard = open_report(&report);
	pid_t pid;

	start(report, mark_of(1, 1), act_endless_generations);
	ck_assert_int_eq(read(heard, &pid, sizeof(pid)), sizeof(pid));
	kill_all(&query, report, heard);
}
END_TEST

/* Makes the pass with 'spare' descriptors left below the limit. */
static int
signal_with_descriptors(const struct px_tree_query *query, int spare, bool *may_have_orphans)
{
	struct rlimit limit, low;
	int fd, last = -1, found, saved;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 120;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	while ((fd = dup(LIFELINE)) != -1)
		last = fd;
	ck_assert_int_eq(errno, EMFILE);
	for (int i = 0; i < spare; i++)
		close(last - i);
	errno = 0;
	found = px_tree_signal(query, SIGTERM);
	saved = errno;
	*may_have_orphans = px_tree_may_have_orphans(1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	errno = saved;
	return found;
}

/* Two are enough: for /proc and for one file in it. */
START_TEST(no_descriptor_for_a_pidfd_is_no_shelter)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_wait);
	bool may;

	ck_assert_int_eq(signal_with_descriptors(&query, 2, &may), 1);
	await_death(&actor);
}
END_TEST

/* _i: how many there are. */
START_TEST(no_descriptor_at_all_is_an_error)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor actor = start_and_meet(mark_of(1, 1), act_wait);
	bool may;

	ck_assert_int_eq(signal_with_descriptors(&query, _i, &may), -1);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert(!is_dead(&actor));
	ck_assert(may); /* one cannot know */
}
END_TEST

enum { USER = 65534 };

static void
act_setuid_program(int report)
{
	if (setresgid(USER, USER, USER) == 0 && setresuid(USER, 0, 0) == 0)
		act_wait(report);
}

static void
act_user(int report)
{
	if (setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0)
		act_wait(report);
}

/* prlimit(2) tells nothing of setuid programs, yet those they work for may signal them. */
START_TEST(unprivileged_caller_finds_what_it_may_signal)
{
	struct px_tree_query query = by_mark(mark_of(1, 1));
	struct actor root, setuid_program, user;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	root = start_and_meet(mark_of(1, 1), act_wait);
	setuid_program = start_and_meet(mark_of(1, 1), act_setuid_program);
	user = start_and_meet(mark_of(1, 1), act_user);
	ck_assert_int_eq(px_tree_signal(&query, 0), 3);
	query.root = root.pid; /* found by right, but not to be signalled */
	if ((pid = fork()) == 0) {
		if (setresgid(USER, USER, USER) == -1 || setresuid(USER, USER, USER) == -1)
			_exit(100);
		_exit(px_tree_signal(&query, SIGTERM));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 2);
	await_death(&setuid_program);
	await_death(&user);
	ck_assert(!is_dead(&root));
}
END_TEST

START_TEST(orphans_are_told_by_the_count)
{
	int report, heard = open_report(&report), children = 0;
	struct actor actor;
	pid_t root;

	adopt_orphans();
	ck_assert(!px_tree_may_have_orphans(0));
	root = start(report, 0, act_daemon);
	ck_assert(!px_tree_may_have_orphans(3));
	actor = meet(heard);
	ck_assert_int_eq(waitpid(root, NULL, 0), root);
	ck_assert(px_tree_may_have_orphans(0));
	ck_assert_int_eq(kill(actor.pid, SIGKILL), 0);
	await_death(&actor);
	ck_assert(px_tree_may_have_orphans(0)); /* as a zombie or below one that ends */
	while (wait(NULL) > 0)
		children++;
	ck_assert_int_eq(children, 2);
	ck_assert(!px_tree_may_have_orphans(0));
}
END_TEST

struct forker {
	int report;
	pthread_barrier_t end;
};

static void *
fork_and_wait(void *arg)
{
	struct forker *forker = arg;

	start(forker->report, 0, act_wait);
	pthread_barrier_wait(&forker->end);
	return NULL;
}

START_TEST(children_of_all_threads_count)
{
	struct forker forker;
	int heard = open_report(&forker.report);
	struct actor actor;
	pthread_t thread;

	pthread_barrier_init(&forker.end, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, fork_and_wait, &forker), 0);
	actor = meet(heard);
	ck_assert(px_tree_may_have_orphans(0));
	ck_assert(!px_tree_may_have_orphans(1));
	pthread_barrier_wait(&forker.end);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(kill(actor.pid, SIGKILL), 0);
	await_death(&actor);
	ck_assert_int_eq(waitpid(actor.pid, NULL, 0), actor.pid);
	ck_assert(!px_tree_may_have_orphans(0));
}
END_TEST

static Suite *
tree_suite(void)
{
	Suite *suite = suite_create("tree");
	TCase *tc = tcase_create("tree");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, cut_lifeline, NULL);
	tcase_add_test(tc, nothing_is_found_by_an_unused_mark);
	tcase_add_test(tc, an_empty_query_finds_nothing);
	tcase_add_test(tc, what_is_no_mark_is_refused);
	tcase_add_test(tc, signal_zero_only_counts);
	tcase_add_test(tc, new_session_is_no_way_out);
	tcase_add_loop_test(tc, daemon_is_found_when_all_above_it_are_dead, 0, 2);
	tcase_add_test(tc, daemon_and_root_both_get_the_signal);
	tcase_add_test(tc, deaf_process_counts_until_it_is_killed);
	tcase_add_test(tc, stopped_process_belongs);
	tcase_add_test(tc, process_without_main_thread_belongs);
	tcase_add_test(tc, only_the_session_meant_dies);
	tcase_add_test(tc, group_mask_takes_the_sessions_of_a_group);
	tcase_add_test(tc, forgotten_mask_stays_within_the_manager);
	tcase_add_loop_test(tc, descendants_belong_whatever_their_marks, 0, 2);
	tcase_add_test(tc, inner_mark_does_not_reach_up);
	tcase_add_test(tc, both_ways_to_find_children_agree);
	tcase_add_test(tc, newborn_thread_is_no_process);
	tcase_add_test(tc, caller_and_its_ancestors_never_belong);
	tcase_add_test(tc, zombie_root_is_nothing);
	tcase_add_test(tc, list_is_cut_at_its_size);
	tcase_add_test(tc, whole_bush_dies);
	tcase_add_loop_test(tc, fifty_generations_die, 0, 20);
	tcase_add_test(tc, runner_from_child_to_child_is_caught);
	tcase_add_test(tc, no_descriptor_for_a_pidfd_is_no_shelter);
	tcase_add_loop_test(tc, no_descriptor_at_all_is_an_error, 0, 2);
	tcase_add_test(tc, unprivileged_caller_finds_what_it_may_signal);
	tcase_add_test(tc, orphans_are_told_by_the_count);
	tcase_add_test(tc, children_of_all_threads_count);
	suite_add_tcase(suite, tc);
	return suite;
}

static void
hold_lifeline(void)
{
	int fds[2];

	if (pipe(fds) == -1 || dup2(fds[0], LIFELINE) == -1 || dup2(fds[1], LIFELINE_HELD) == -1 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		abort();
	close(fds[0]);
	close(fds[1]);
}

/* A stopped process cannot read the end of its lifeline. */
static void
reap_all(void)
{
	pid_t pid;
	int status;

	cut_lifeline();
	while ((pid = waitpid(-1, &status, WUNTRACED)) > 0)
		if (WIFSTOPPED(status))
			kill(pid, SIGKILL);
}

int
main(void)
{
	int result;

	hold_lifeline();
	result = run_suite(tree_suite());
	reap_all();
	return result;
}

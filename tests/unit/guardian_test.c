#include "proc/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "tree/tree.h"

/*
 * A manager of its own, to be killed. Its processes come to this one when it is
 * dead, so that their ends can be awaited here.
 */
enum { NONCE = 4242, GROUP = 5, SERIAL = 6, MARKED = 3 };

static const px_mark all_of_one_manager =
    ~(((uint64_t)1 << (PX_MARK_SERIAL_BITS + PX_MARK_GROUP_BITS)) - 1);

struct family {
	pid_t manager, guardian;
	pid_t marked[MARKED]; /* one ends on TERM, one ignores it, one is stopped */
	pid_t unmarked, stranger;
};

static void
setup(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	signal(SIGPIPE, SIG_IGN);
}

/* Tells its pid through 'fd' when its handlers are in place. It keeps nothing else open, as a
 * program after exec. */
static _Noreturn void
member_run(px_mark mark, void (*on_term)(int), int fd)
{
	pid_t self = getpid();

	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
	setsid();
	signal(SIGTERM, on_term);
	if (mark != 0 && px_mark_set(mark) == -1)
		self = -1;
	if (write(fd, &self, sizeof self) != sizeof self)
		_exit(1);
	close(fd);
	for (;;)
		pause();
}

static pid_t
member(px_mark mark, void (*on_term)(int))
{
	pid_t pid, told = 0;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		_exit(1);
	if ((pid = fork()) == 0)
		member_run(mark, on_term, fd[1]);
	close(fd[1]);
	if (read(fd[0], &told, sizeof told) != sizeof told || told != pid)
		_exit(1);
	close(fd[0]);
	return pid;
}

/* A child that goes on without exec, with all that is open; it ends with the test's group. */
static void
hold_all(void)
{
	pid_t pid = fork();

	if (pid == -1)
		_exit(1);
	if (pid != 0)
		return;
	for (;;)
		pause();
}

static _Noreturn void
manager_run(int64_t grace_ms, bool orderly, int out)
{
	struct family f = { .manager = getpid() };
	px_mark mark = px_mark_make(NONCE, GROUP, SERIAL);
	struct px_guardian guardian;

	if (px_guardian_start(&guardian, NULL) == -1)
		_exit(1);
	f.guardian = guardian.pid;
	if (grace_ms >= 0 || orderly)
		hold_all();
	f.marked[0] = member(mark, SIG_DFL);
	f.marked[1] = member(px_mark_make(NONCE, GROUP + 1, SERIAL), SIG_IGN);
	f.marked[2] = member(px_mark_make(NONCE, GROUP, SERIAL + 1), SIG_DFL);
	kill(f.marked[2], SIGSTOP);
	f.unmarked = member(0, SIG_DFL);
	f.stranger = member(px_mark_make(NONCE + 1, GROUP, SERIAL), SIG_DFL);
	if (grace_ms >= 0 && px_guardian_arm(&guardian, px_mark_make(NONCE, 0, 0),
				 all_of_one_manager, grace_ms, NULL) == -1)
		_exit(1);
	if (write(out, &f, sizeof f) != sizeof f)
		_exit(1);
	if (orderly) {
		px_guardian_end(&guardian);
		_exit(waitpid(f.guardian, NULL, WNOHANG) == -1 ? 0 : 1);
	}
	for (;;)
		pause();
}

static struct family
manager_start(int64_t grace_ms, bool orderly)
{
	struct family f;
	int fd[2];

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	if (fork() == 0)
		manager_run(grace_ms, orderly, fd[1]);
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &f, sizeof f), sizeof f);
	close(fd[0]);
	return f;
}

/* Waits for it; the signal that it died of, or 0. */
static int
death_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool
alive(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* On a busy machine the grace may be over before the process has had its turn. */
static void
politely_or_not(int sig)
{
	ck_assert(sig == SIGTERM || sig == SIGKILL);
}

START_TEST(test_killed_manager)
{
	struct family f = manager_start(30, false);

	kill(f.manager, SIGKILL);
	ck_assert_int_eq(death_of(f.manager), SIGKILL);
	politely_or_not(death_of(f.marked[0]));
	ck_assert_int_eq(death_of(f.marked[1]), SIGKILL);
	politely_or_not(death_of(f.marked[2]));
	ck_assert_int_eq(death_of(f.guardian), 0);
	ck_assert(alive(f.unmarked));
	ck_assert(alive(f.stranger));
	end(f.unmarked);
	end(f.stranger);
}
END_TEST

/* Whoever ends politely is not waited for any longer; whoever does not keeps its time. */
START_TEST(test_grace_is_kept)
{
	struct family f = manager_start(3600 * 1000, false);

	kill(f.manager, SIGKILL);
	death_of(f.manager);
	ck_assert_int_eq(death_of(f.marked[0]), SIGTERM);
	ck_assert_int_eq(death_of(f.marked[2]), SIGTERM);
	ck_assert(alive(f.marked[1]));
	ck_assert(alive(f.guardian));
	end(f.marked[1]);
	ck_assert_int_eq(death_of(f.guardian), 0);
	end(f.unmarked);
	end(f.stranger);
}
END_TEST

START_TEST(test_no_grace)
{
	struct family f = manager_start(0, false);

	kill(f.manager, SIGKILL);
	death_of(f.manager);
	for (int i = 0; i < MARKED; i++)
		politely_or_not(death_of(f.marked[i]));
	ck_assert_int_eq(death_of(f.guardian), 0);
	end(f.unmarked);
	end(f.stranger);
}
END_TEST

static void
all_live_on(struct family *f)
{
	for (int i = 0; i < MARKED; i++) {
		ck_assert(alive(f->marked[i]));
		end(f->marked[i]);
	}
	ck_assert(alive(f->unmarked));
	end(f->unmarked);
	end(f->stranger);
}

/* The guardian was awaited by its manager, so nothing can come after this. */
START_TEST(test_orderly_end)
{
	struct family f = manager_start(_i == 0 ? 0 : -1, true);

	ck_assert_int_eq(death_of(f.manager), 0);
	all_live_on(&f);
}
END_TEST

START_TEST(test_never_armed)
{
	struct family f = manager_start(-1, false);

	kill(f.manager, SIGKILL);
	ck_assert_int_eq(death_of(f.manager), SIGKILL);
	ck_assert_int_eq(death_of(f.guardian), 0);
	all_live_on(&f);
}
END_TEST

/* ^C and its kin reach the manager's group and not the guardian; nothing but SIGKILL ends it. */
START_TEST(test_guardian_stands_apart)
{
	struct px_guardian guardian;
	char path[64], text[64] = "";
	struct px_err err = { 0 };
	int fd;

	ck_assert_int_eq(px_guardian_start(&guardian, &err), 0);
	ck_assert_int_eq(fcntl(guardian.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	while (getsid(guardian.pid) != guardian.pid)
		poll(NULL, 0, 1);
	snprintf(path, sizeof path, "/proc/%d/comm", (int)guardian.pid);
	do {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
		close(fd);
	} while (strncmp(text, "ptyexecd-guard", 14) != 0);
	for (int sig = 1; sig < 64; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
			ck_assert_int_eq(kill(guardian.pid, sig), 0);
	ck_assert(alive(guardian.pid));
	px_guardian_end(&guardian);
	ck_assert_int_eq(guardian.pid, 0);
	px_guardian_end(&guardian);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* A guardian that was killed is an error to arm and nothing to end. */
START_TEST(test_guardian_is_dead)
{
	struct px_guardian guardian;
	struct px_err err = { 0 };

	ck_assert_int_eq(px_guardian_start(&guardian, NULL), 0);
	kill(guardian.pid, SIGKILL);
	waitpid(guardian.pid, NULL, 0);
	ck_assert_int_eq(px_guardian_arm(&guardian, px_mark_make(1, 0, 0), 0, 0, &err), -1);
	ck_assert_int_eq(err.code, PX_E_IO);
	ck_assert_int_eq(err.sys, EPIPE);
	px_guardian_end(&guardian);
}
END_TEST

/* The last order counts. */
START_TEST(test_armed_again)
{
	struct px_guardian guardian;
	pid_t mine = member(px_mark_make(NONCE, 1, 1), SIG_DFL),
	      others = member(px_mark_make(NONCE + 1, 1, 1), SIG_DFL);
	pid_t pid;

	ck_assert_int_eq(px_guardian_start(&guardian, NULL), 0);
	pid = guardian.pid;
	ck_assert_int_eq(
	    px_guardian_arm(&guardian, px_mark_make(NONCE + 1, 0, 0), all_of_one_manager, 0, NULL),
	    0);
	ck_assert_int_eq(
	    px_guardian_arm(&guardian, px_mark_make(NONCE, 0, 0), all_of_one_manager, 0, NULL), 0);
	close(guardian.fd);
	death_of(mine);
	ck_assert_int_eq(death_of(pid), 0);
	ck_assert(alive(others));
	end(others);
}
END_TEST

static Suite *
guardian_suite(void)
{
	Suite *s = suite_create("guardian");
	TCase *tc = tcase_create("guardian");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_killed_manager);
	tcase_add_test(tc, test_grace_is_kept);
	tcase_add_test(tc, test_no_grace);
	tcase_add_loop_test(tc, test_orderly_end, 0, 2);
	tcase_add_test(tc, test_never_armed);
	tcase_add_test(tc, test_guardian_stands_apart);
	tcase_add_test(tc, test_guardian_is_dead);
	tcase_add_test(tc, test_armed_again);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(guardian_suite());
}

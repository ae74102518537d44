#include "tree/nonce.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "tree/mark.h"

static px_mark
mark_of(uint32_t nonce)
{
	return px_mark_make(nonce, 0, 0);
}

START_TEST(nonce_is_one_managers_until_it_is_closed)
{
	uint32_t nonce;
	int fd = px_nonce_take(&nonce), again;

	ck_assert_int_ne(fd, -1);
	errno = 0;
	ck_assert_int_eq(px_nonce_claim(mark_of(nonce)), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_int_eq(px_nonce_claim(px_mark_make(nonce, 7, 9)), -1); /* whatever the session */

	close(fd);
	again = px_nonce_claim(mark_of(nonce));
	ck_assert_int_ne(again, -1);
	close(again);
}
END_TEST

/* Of so many random ones some would be equal with a probability of 99.9 %; where that many
 * descriptors are not allowed, of fewer. */
START_TEST(nonces_of_many_managers_differ)
{
	enum { MANY = 2000, OTHERS = 64 };
	static unsigned char seen[(1 << PX_MARK_NONCE_BITS) / 8];
	struct rlimit files;
	int fd[MANY], many = MANY;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	if (files.rlim_max < MANY + OTHERS)
		many = (int)files.rlim_max - OTHERS;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (int i = 0; i < many; i++) {
		uint32_t nonce;

		fd[i] = px_nonce_take(&nonce);
		ck_assert_int_ne(fd[i], -1);
		nonce = px_mark_nonce(mark_of(nonce));
		ck_assert_int_eq(seen[nonce / 8] & 1 << nonce % 8, 0);
		seen[nonce / 8] |= (unsigned char)(1 << nonce % 8);
	}
	for (int i = 0; i < many; i++)
		close(fd[i]);
}
END_TEST

START_TEST(nonce_ends_with_its_process)
{
	uint32_t nonce;
	int pipes[2], status, fd;
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	if ((pid = fork()) == 0)
		_exit(px_nonce_take(&nonce) == -1 ||
		      write(pipes[1], &nonce, sizeof(nonce)) != sizeof(nonce) || raise(SIGKILL));
	ck_assert_int_eq(read(pipes[0], &nonce, sizeof(nonce)), sizeof(nonce));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	fd = px_nonce_claim(mark_of(nonce));
	ck_assert_int_ne(fd, -1);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* Nothing is refused for want of it. */
START_TEST(nonce_without_a_socket_is_random)
{
	struct rlimit files, none;
	uint32_t first, second;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	none = (struct rlimit){ .rlim_max = files.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(px_nonce_take(&first), -1);
	ck_assert_int_eq(px_nonce_take(&second), -1);
	ck_assert_uint_ne(first, second);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("nonce");

	tcase_add_test(tc, nonce_is_one_managers_until_it_is_closed);
	tcase_add_test(tc, nonces_of_many_managers_differ);
	tcase_add_test(tc, nonce_ends_with_its_process);
	tcase_add_test(tc, nonce_without_a_socket_is_random);
	return run_cases(tc);
}

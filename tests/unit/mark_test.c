#include "tree/mark.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "tree/procfs.h"

START_TEST(mark_is_laid_out_by_fields)
{
	ck_assert_uint_eq(px_mark_make(0, 0, 0), UINT64_C(1) << 62);
	ck_assert_uint_eq(px_mark_make(1, 0, 0), UINT64_C(1) << 62 | UINT64_C(1) << 44);
	ck_assert_uint_eq(px_mark_make(0, 1, 0), UINT64_C(1) << 62 | UINT64_C(1) << 22);
	ck_assert_uint_eq(px_mark_make(0, 0, 1), UINT64_C(1) << 62 | 1);
	ck_assert_uint_eq(px_mark_make(UINT32_MAX, UINT32_MAX, UINT32_MAX), INT64_MAX);
	ck_assert_uint_lt(px_mark_make(UINT32_MAX, UINT32_MAX, UINT32_MAX), RLIM_INFINITY);
}
END_TEST

START_TEST(mark_fields_wrap_at_their_widths)
{
	ck_assert_uint_eq(px_mark_make(1 << 18, 1 << 22, 1 << 22), px_mark_make(0, 0, 0));
	ck_assert_uint_eq(
	    px_mark_make(5 | 1 << 18, 6 | 1 << 22, 7 | 1 << 22), px_mark_make(5, 6, 7));
}
END_TEST

START_TEST(mark_is_told_from_other_limits)
{
	ck_assert(px_mark_valid(px_mark_make(0, 0, 0)));
	ck_assert(px_mark_valid(px_mark_make(UINT32_MAX, UINT32_MAX, UINT32_MAX)));
	ck_assert(!px_mark_valid(0));
	ck_assert(!px_mark_valid(200000));
	ck_assert(!px_mark_valid((UINT64_C(1) << 62) - 1));
	ck_assert(!px_mark_valid(UINT64_C(1) << 63));
	ck_assert(!px_mark_valid(RLIM_INFINITY));
}
END_TEST

START_TEST(mark_matches_by_session_or_group)
{
	px_mark mark = px_mark_make(7, 3, 9);

	ck_assert(px_mark_match(mark, mark, PX_MARK_SESSION));
	ck_assert(!px_mark_match(px_mark_make(7, 3, 8), mark, PX_MARK_SESSION));
	ck_assert(px_mark_match(px_mark_make(7, 3, 8), mark, PX_MARK_GROUP));
	ck_assert(!px_mark_match(px_mark_make(7, 4, 9), mark, PX_MARK_GROUP));
	ck_assert(!px_mark_match(px_mark_make(6, 3, 9), mark, PX_MARK_GROUP));
}
END_TEST

/* A mask that was left empty must not make everything on the machine match. */
START_TEST(mark_never_matches_beyond_its_manager)
{
	px_mark mark = px_mark_make(7, 3, 9);

	ck_assert(px_mark_match(px_mark_make(7, 100, 100), mark, 0));
	ck_assert(!px_mark_match(px_mark_make(8, 3, 9), mark, 0));
	ck_assert(!px_mark_match(RLIM_INFINITY, mark, 0));
	ck_assert(!px_mark_match(0, mark, 0));
	ck_assert(!px_mark_match(0, 0, 0));
}
END_TEST

START_TEST(mark_set_leaves_the_hard_limit)
{
	px_mark first = px_mark_make(1, 2, 3), second = px_mark_make(9, 9, 9);
	struct rlimit before, after;

	ck_assert_int_eq(getrlimit(RLIMIT_RTTIME, &before), 0);
	ck_assert_int_eq(px_mark_set(first), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_RTTIME, &after), 0);
	ck_assert_uint_eq(after.rlim_cur, first);
	ck_assert_uint_eq(after.rlim_max, before.rlim_max);
	ck_assert_int_eq(
	    px_mark_set(second), 0); /* as a nested manager's child does, upwards too */
	ck_assert_int_eq(px_mark_set(first), 0);
}
END_TEST

START_TEST(mark_set_refuses_what_is_no_mark)
{
	static const px_mark none[] = { 0, 1, UINT64_C(1) << 63, RLIM_INFINITY };
	struct rlimit before, after;

	ck_assert_int_eq(getrlimit(RLIMIT_RTTIME, &before), 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		errno = 0;
		ck_assert_int_eq(px_mark_set(none[i]), -1);
		ck_assert_int_eq(errno, EINVAL);
	}
	ck_assert_int_eq(getrlimit(RLIMIT_RTTIME, &after), 0);
	ck_assert_uint_eq(after.rlim_cur, before.rlim_cur);
}
END_TEST

START_TEST(mark_set_fails_under_a_lower_hard_limit)
{
	struct rlimit low = { .rlim_cur = 1000, .rlim_max = 1000000 };

	ck_assert_int_eq(setrlimit(RLIMIT_RTTIME, &low), 0);
	errno = 0;
	ck_assert_int_eq(px_mark_set(px_mark_make(1, 2, 3)), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(mark_is_inherited_over_fork_and_exec)
{
	px_mark mark = px_mark_make(1, 2, 3), read_back;
	int hold[2], up[2], status;
	DIR *proc = px_procfs_open();
	char byte;
	pid_t pid;

	ck_assert_ptr_nonnull(proc);
	ck_assert_int_eq(pipe(hold), 0);
	ck_assert_int_eq(pipe(up), 0);
	if ((pid = fork()) == 0) {
		close(hold[1]);
		if (px_mark_set(mark) == -1 || dup2(hold[0], 0) == -1 || dup2(up[1], 1) == -1)
			_exit(1);
		execl("/bin/sh", "sh", "-c", "echo; read line", (char *)NULL);
		_exit(1);
	}
	close(up[1]);
	ck_assert_int_eq(read(up[0], &byte, 1), 1); /* after exec */
	ck_assert_int_eq(px_procfs_mark(dirfd(proc), pid, &read_back), 0);
	ck_assert_uint_eq(read_back, mark);
	close(hold[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	closedir(proc);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mark");

	tcase_add_test(tc, mark_is_laid_out_by_fields);
	tcase_add_test(tc, mark_fields_wrap_at_their_widths);
	tcase_add_test(tc, mark_is_told_from_other_limits);
	tcase_add_test(tc, mark_matches_by_session_or_group);
	tcase_add_test(tc, mark_never_matches_beyond_its_manager);
	tcase_add_test(tc, mark_set_leaves_the_hard_limit);
	tcase_add_test(tc, mark_set_refuses_what_is_no_mark);
	tcase_add_test(tc, mark_set_fails_under_a_lower_hard_limit);
	tcase_add_test(tc, mark_is_inherited_over_fork_and_exec);
	return run_cases(tc);
}

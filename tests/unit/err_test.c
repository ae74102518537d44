#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "cases.h"

START_TEST(fail_fills_everything)
{
	struct px_err err;

	memset(&err, 0xa5, sizeof(err));
	ck_assert_int_eq(px_fail(&err, PX_E_SESSION, "unknown session '%s'", "a"), -1);
	ck_assert_int_eq(err.code, PX_E_SESSION);
	ck_assert_int_eq(err.sys, 0);
	ck_assert_ptr_null(err.limit);
	ck_assert_int_eq(err.value, 0);
	ck_assert_str_eq(err.path, "");
	ck_assert_str_eq(err.text, "unknown session 'a'");
}
END_TEST

START_TEST(null_err_is_allowed)
{
	ck_assert_int_eq(px_fail(NULL, PX_E_IO, "x"), -1);
	ck_assert_int_eq(px_fail_sys(NULL, PX_E_IO, EIO, "x"), -1);
	ck_assert_int_eq(px_fail_limit(NULL, "max", 1, "x"), -1);
	ck_assert_int_eq(px_wrap(NULL, "x"), -1);
}
END_TEST

START_TEST(fail_sys_appends_reason)
{
	struct px_err err;

	ck_assert_int_eq(px_fail_sys(&err, PX_E_SPAWN, ENOENT, "cannot start '%s'", "/x"), -1);
	ck_assert_int_eq(err.sys, ENOENT);
	ck_assert_str_eq(err.text, "cannot start '/x': No such file or directory");
	px_fail_sys(&err, PX_E_IO, 99999, "odd");
	ck_assert_str_eq(err.text, "odd: error 99999");
}
END_TEST

START_TEST(fail_limit_names_limit)
{
	struct px_err err;

	ck_assert_int_eq(px_fail_limit(&err, "max_processes", 4096, "too many processes"), -1);
	ck_assert_int_eq(err.code, PX_E_LIMIT);
	ck_assert_str_eq(err.limit, "max_processes");
	ck_assert_int_eq(err.value, 4096);
	px_fail(&err, PX_E_IO, "x");
	ck_assert_ptr_null(err.limit);
}
END_TEST

START_TEST(wrap_keeps_facts)
{
	struct px_err err;

	px_fail_sys(&err, PX_E_SPAWN, EACCES, "exec");
	strlcpy(err.path, "/bin/x", sizeof(err.path));
	ck_assert_int_eq(px_wrap(&err, "starting '%s'", "s1"), -1);
	ck_assert_str_eq(err.text, "starting 's1': exec: Permission denied");
	ck_assert_int_eq(err.code, PX_E_SPAWN);
	ck_assert_int_eq(err.sys, EACCES);
	ck_assert_str_eq(err.path, "/bin/x");
}
END_TEST

START_TEST(arguments_may_point_into_err)
{
	struct px_err err;

	px_fail(&err, PX_E_IO, "inner");
	px_fail(&err, PX_E_INTERNAL, "outer (%s)", err.text);
	ck_assert_str_eq(err.text, "outer (inner)");
	px_wrap(&err, "<%s>", err.text);
	ck_assert_str_eq(err.text, "<outer (inner)>: outer (inner)");
}
END_TEST

START_TEST(long_text_is_cut)
{
	char big[2048];
	struct px_err err;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	px_fail_sys(&err, PX_E_IO, EIO, "%s", big);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	px_wrap(&err, "%s", big);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	px_fail(&err, PX_E_IO, "short");
	px_wrap(&err, "%.*s", (int)sizeof(err.text) - 3, big);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_str_eq(err.text + sizeof(err.text) - 3, ": ");
}
END_TEST

START_TEST(text_is_never_empty)
{
	struct px_err err;

	px_fail(&err, PX_E_TOKEN, "%s", "");
	ck_assert_str_eq(err.text, "unknownToken");
}
END_TEST

START_TEST(words)
{
	for (int code = 0; code < PX_E_COUNT; code++) {
		ck_assert_ptr_nonnull(px_code_word((enum px_code)code));
		ck_assert_str_ne(px_code_word((enum px_code)code), "");
	}
	ck_assert_str_eq(px_code_word(PX_E_SESSION), "unknownSession");
	ck_assert_str_eq(px_code_word(PX_E_USAGE), "usage");
	ck_assert_str_eq(px_code_word(PX_E_COUNT), "internalError");
	ck_assert_str_eq(px_code_word((enum px_code) - 1), "internalError");
}
END_TEST

START_TEST(errno_names)
{
	ck_assert_str_eq(px_errno_name(ENOENT), "ENOENT");
	ck_assert_str_eq(px_errno_name(E2BIG), "E2BIG");
	ck_assert_str_eq(px_errno_name(0), "EUNKNOWN");
	ck_assert_str_eq(px_errno_name(-1), "EUNKNOWN");
	ck_assert_str_eq(px_errno_name(99999), "EUNKNOWN");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("err");

	tcase_add_test(tc, fail_fills_everything);
	tcase_add_test(tc, null_err_is_allowed);
	tcase_add_test(tc, fail_sys_appends_reason);
	tcase_add_test(tc, fail_limit_names_limit);
	tcase_add_test(tc, wrap_keeps_facts);
	tcase_add_test(tc, arguments_may_point_into_err);
	tcase_add_test(tc, long_text_is_cut);
	tcase_add_test(tc, text_is_never_empty);
	tcase_add_test(tc, words);
	tcase_add_test(tc, errno_names);
	return run_cases(tc);
}

#include "fs/names.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "fs/inodes.h"
#include "fs/rules.h"

/* What the work on files keeps in memory: lists of names, sets of inodes, rules. */

START_TEST(test_names)
{
	struct px_names names = { 0 };
	struct px_err err = { 0 };
	char text[32];

	ck_assert(!px_names_has(&names, "x", 0));
	px_names_sort(&names);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "%04d", (i * 7919) % 5000);
		ck_assert_int_eq(px_names_add(&names, text, i % 3, &err), 0);
	}
	ck_assert_int_eq(px_names_add(&names, "", 9, &err), 0);
	ck_assert_uint_eq(names.count, 5001);
	ck_assert_str_eq(px_names_text(&names, 1), "2919");
	px_names_sort(&names);
	ck_assert_str_eq(px_names_text(&names, 0), "");
	ck_assert_int_eq(names.list[0].tag, 9);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "%04d", i);
		ck_assert_str_eq(px_names_text(&names, (size_t)i + 1), text);
		ck_assert(px_names_has(&names, text, names.list[i + 1].tag));
		ck_assert(!px_names_has(&names, text, 3));
	}
	px_names_clear(&names);
	ck_assert(!px_names_has(&names, "0001", 1));
	ck_assert_int_eq(px_names_add(&names, "again", 0, &err), 0);
	ck_assert_str_eq(px_names_text(&names, 0), "again");
	px_names_done(&names);
	ck_assert_uint_eq(names.count, 0);
}
END_TEST

/* The same text with several numbers. */
START_TEST(test_equal_names)
{
	struct px_names names = { 0 };

	for (int i = 10; i > 0; i--)
		ck_assert_int_eq(px_names_add(&names, "same", i * 2, NULL), 0);
	px_names_sort(&names);
	for (int i = 0; i < 24; i++)
		ck_assert(px_names_has(&names, "same", i) == (i > 0 && i % 2 == 0 && i <= 20));
	px_names_done(&names);
}
END_TEST

START_TEST(test_inodes)
{
	struct px_inodes inodes = { 0 };
	struct stat st = { 0 };

	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 10000; i++) {
			st.st_ino = i / 10;
			st.st_dev = i % 10;
			ck_assert_int_eq(px_inodes_add(&inodes, &st), round == 0);
		}
	ck_assert_uint_eq(inodes.count, 10000);
	px_inodes_done(&inodes);
}
END_TEST

static const struct px_fs_rule list[] = {
	{ "/", PX_FS_READ },
	{ "/project", PX_FS_WRITE },
	{ "/project/.git", PX_FS_READ },
	{ "/project/.git/tmp", PX_FS_WRITE },
	{ "/secret", PX_FS_WRITE },
	{ "/secret", PX_FS_NONE },
};
static const struct px_fs_rules rules = { list, sizeof list / sizeof list[0] };

static const struct {
	const char *path;
	enum px_fs_access most, tree;
} ruled[] = {
	{ "/", PX_FS_READ, PX_FS_NONE },
	{ "/etc", PX_FS_READ, PX_FS_READ },
	{ "/project", PX_FS_WRITE, PX_FS_READ },
	{ "/project/a/b", PX_FS_WRITE, PX_FS_WRITE },
	{ "/workshop", PX_FS_READ, PX_FS_READ },
	{ "/project/.git", PX_FS_READ, PX_FS_READ },
	{ "/project/.gitignore", PX_FS_WRITE, PX_FS_WRITE },
	{ "/project/.git/tmp/x", PX_FS_WRITE, PX_FS_WRITE },
	{ "/secret/x", PX_FS_NONE, PX_FS_NONE },
};

START_TEST(test_rules)
{
	const char *path = ruled[_i].path;
	struct px_err err = { 0 };

	for (enum px_fs_access wanted = PX_FS_READ; wanted <= PX_FS_WRITE; wanted++) {
		ck_assert_int_eq(px_fs_rules_check(&rules, path, wanted, &err),
		    wanted <= ruled[_i].most ? 0 : -1);
		ck_assert_int_eq(px_fs_rules_check_tree(&rules, path, wanted, &err),
		    wanted <= ruled[_i].tree ? 0 : -1);
	}
	ck_assert_int_eq(px_fs_rules_check(NULL, path, PX_FS_WRITE, NULL), 0);
	ck_assert_int_eq(px_fs_rules_check_tree(NULL, path, PX_FS_WRITE, NULL), 0);
}
END_TEST

START_TEST(test_no_rule)
{
	static const struct px_fs_rules none = { NULL, 0 };
	struct px_err err = { 0 };

	ck_assert_int_eq(px_fs_rules_check(&none, "/a", PX_FS_READ, &err), -1);
	ck_assert_int_eq(err.code, PX_E_FORBIDDEN);
	ck_assert_str_eq(err.path, "/a");
	ck_assert_str_eq(err.text, "the sandbox does not allow to read `/a`");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fs_lists");

	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_equal_names);
	tcase_add_test(tc, test_inodes);
	tcase_add_loop_test(tc, test_rules, 0, sizeof ruled / sizeof ruled[0]);
	tcase_add_test(tc, test_no_rule);
	return run_cases(tc);
}

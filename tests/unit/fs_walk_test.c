#include "fs/fs.h"

#include <errno.h>

#include "cases.h"
#include "fs/rules.h"
#include "fs_dir.h"

/* a{b{.hid{in},g,ld->c,lf->f},c{t,up->..},dang,fifo,f} */
static void
make_tree(void)
{
	fs_top_make();
	fs_mkdir("a");
	fs_mkdir("a/b");
	fs_mkdir("a/b/.hid");
	fs_mkdir("a/b/.hid/in");
	fs_put("a/b/g", "");
	fs_mkdir("a/c");
	fs_put("a/c/t", "");
	fs_put("a/f", "");
	fs_link("../f", "a/b/lf");
	fs_link("../c", "a/b/ld");
	fs_link("..", "a/c/up");
	fs_link("nowhere", "a/dang");
	fs_link("self", "a/self");
	ck_assert_int_eq(mkfifo(fs_at("a/fifo"), 0600), 0);
}

/* Directories end with a slash. */
static const struct {
	const char *root;
	struct px_fs_walk options;
	const char *found;
	bool truncated;
} walks[] = {
	{ "a", { 3, 100, 100, true, true }, "b/ c/ f b/.hid/ b/g b/ld/ c/t c/up/", false },
	{ "a", { 3, 100, 100, false, false }, "b/ c/ f b/.hid/ b/g c/t b/.hid/in/", false },
	{ "a", { 0, 100, 100, false, false }, "b/ c/ f", false },
	{ "a", { 1, 100, 100, false, false }, "b/ c/ f b/.hid/ b/g c/t", false },
	{ "a", { UINT64_MAX, UINT64_MAX, UINT64_MAX, false, true }, "b/ c/ f b/.hid/ b/g c/t",
	    false },
	{ "a", { 3, 1, 100, false, false }, "b/ c/ f", true },
	{ "a", { 3, 2, 100, false, false }, "b/ c/ f b/.hid/ b/g", true },
	{ "a", { 3, 4, 100, false, false }, "b/ c/ f b/.hid/ b/g c/t b/.hid/in/", true },
	{ "a", { 3, 5, 100, false, false }, "b/ c/ f b/.hid/ b/g c/t b/.hid/in/", false },
	{ "a", { 3, 100, 3, false, false }, "b/ c/ f", true },
	{ "a", { 0, 100, 3, false, false }, "b/ c/ f", true }, /* what follows is unknown */
	{ "a", { 0, 100, 4, false, false }, "b/ c/ f", false },
	{ "a", { 0, 1, 2, false, false }, "b/ c/", true },
	{ "a/f", { 3, 100, 100, true, true }, "", false },
	{ "a/fifo", { 3, 100, 100, true, true }, "", false },
	{ "a/c/up", { 3, 100, 100, false, true }, "", false },
	{ "a/c/up", { 0, 100, 100, true, true }, "b/ c/ f", false },
};

/* What was found, relative to the root, in the form of the table. */
static void
describe(const struct px_fs_walked *walked, const char *root, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < walked->entries.count; i++) {
		const char *path = px_names_text(&walked->entries, i);

		ck_assert_int_eq(strncmp(path, root, strlen(root)), 0);
		used += (size_t)snprintf(out + used, size - used, "%s%s%s", i == 0 ? "" : " ",
		    path + strlen(root) + 1,
		    walked->entries.list[i].tag == PX_FS_DIRECTORY ? "/" : "");
	}
}

START_TEST(test_walk)
{
	const struct px_fs_scope scope = { 0 };
	struct px_fs_walked walked = { 0 };
	char found[1000];

	make_tree();
	FS_OK(px_fs_walk(&scope, fs_at(walks[_i].root), &walks[_i].options, &walked, &err));
	describe(&walked, fs_at(walks[_i].root), found, sizeof found);
	ck_assert_str_eq(found, walks[_i].found);
	ck_assert(walked.truncated == walks[_i].truncated);
	ck_assert_uint_eq(walked.errors.count, 0);
	px_fs_walked_done(&walked);
}
END_TEST

START_TEST(test_bad)
{
	const struct px_fs_scope scope = { 0 };
	const struct px_fs_walk good = { 1, 1, 1, true, true },
				no_directories = { 1, 0, 1, true, true },
				no_entries = { 1, 1, 0, true, true };
	struct px_fs_walked walked = { 0 };

	make_tree();
	FS_FAILS(px_fs_walk(&scope, fs_at("none"), &good, &walked, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_walk(&scope, fs_at("a/dang"), &good, &walked, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_walk(&scope, fs_at("a/self"), &good, &walked, &err), PX_E_IO, ELOOP);
	FS_FAILS(px_fs_walk(&scope, fs_at("a"), &no_directories, &walked, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_walk(&scope, fs_at("a"), &no_entries, &walked, &err), PX_E_REQUEST, 0);
	ck_assert_int_eq(px_fs_walk(&scope, fs_at("none"), &good, &walked, NULL), -1);
}
END_TEST

/* What cannot be read is told beside what can. */
START_TEST(test_errors)
{
	const struct px_fs_walk all = { 9, 99, 99, true, false };
	struct px_fs_rule list[2] = { { "/", PX_FS_READ }, { NULL, PX_FS_NONE } };
	const struct px_fs_rules rules = { list, 2 };
	const struct px_fs_scope scope = { .rules = &rules };
	struct px_fs_walked walked = { 0 };
	char found[1000];

	make_tree();
	list[1].path = fs_at("a/b");
	FS_OK(px_fs_walk(&scope, fs_at("a"), &all, &walked, &err));
	describe(&walked, fs_at("a"), found, sizeof found);
	ck_assert_str_eq(found, "b/ c/ f c/t c/up/");
	ck_assert_uint_eq(walked.errors.count, 1);
	ck_assert_str_eq(px_names_text(&walked.errors, 0), fs_at("a/b"));
	ck_assert_int_eq(walked.errors.list[0].tag, EACCES);
	px_fs_walked_done(&walked);
}
END_TEST

/* As deep as a path can be: where it becomes too long is an error of the list. */
START_TEST(test_deep)
{
	const struct px_fs_walk all = { UINT64_MAX, 100000, 100000, true, false };
	const struct px_fs_scope scope = { 0 };
	struct px_fs_walked walked = { 0 };
	char name[200];

	fs_top_make();
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	ck_assert_int_eq(chdir(fs_top), 0);
	for (int i = 0; i < 30; i++)
		ck_assert(mkdir(name, 0700) == 0 && chdir(name) == 0);
	FS_OK(px_fs_walk(&scope, fs_top, &all, &walked, &err));
	ck_assert_uint_ge(walked.entries.count, 15);
	ck_assert_uint_lt(walked.entries.count, 30);
	ck_assert_uint_eq(walked.errors.count, 1);
	ck_assert_int_eq(walked.errors.list[0].tag, ENAMETOOLONG);
	px_fs_walked_done(&walked);
	for (int i = 0; i < 30; i++)
		ck_assert(chdir("..") == 0 && rmdir(name) == 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fs_walk");

	tcase_add_checked_fixture(tc, NULL, fs_top_remove);
	tcase_add_loop_test(tc, test_walk, 0, sizeof walks / sizeof walks[0]);
	tcase_add_test(tc, test_bad);
	tcase_add_test(tc, test_errors);
	tcase_add_test(tc, test_deep);
	return run_cases(tc);
}

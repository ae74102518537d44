#include "fs/fs.h"

#include <errno.h>
#include <unistd.h>

#include "cases.h"
#include "fs_dir.h"

static const struct px_fs_scope plain, strict = { .no_follow = true };

static void
make_tree(void)
{
	fs_top_make();
	fs_mkdir("a");
	fs_mkdir("a/b");
	fs_put("a/b/g", "g");
	fs_mkdir("a/.hid");
	fs_put("a/f", "f");
	ck_assert_int_eq(chmod(fs_at("a/f"), 0640), 0);
	ck_assert_int_eq(chmod(fs_at("a/b"), 0750), 0);
	fs_link("../f", "a/b/lf");
	fs_link("nowhere", "a/broken");
}

static int
copy(const char *from, const char *to, bool all, struct px_err *err)
{
	return px_fs_copy(&plain, fs_at(from), fs_at(to), all, err);
}

static void
leads_to(const char *name, const char *target)
{
	char text[256] = "";

	ck_assert_int_gt(readlink(fs_at(name), text, sizeof text - 1), 0);
	ck_assert_str_eq(text, target);
}

static unsigned
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(fs_at(name), &st), 0);
	return st.st_mode & 07777;
}

START_TEST(test_file)
{
	make_tree();
	umask(077);
	FS_OK(copy("a/f", "new", false, &err));
	fs_has("new", "f");
	ck_assert_uint_eq(mode_of("new"), 0640);
	FS_OK(copy("a/b/g", "new", true, &err));
	fs_has("new", "g");
	ck_assert_uint_eq(mode_of("new"), mode_of("a/b/g"));
	FS_OK(copy("new", "new", false, &err));
	fs_has("new", "g");
	ck_assert_int_eq(link(fs_at("new"), fs_at("same")), 0);
	FS_OK(copy("new", "same", false, &err));
	fs_has("same", "g");
	fs_link("new", "link");
	FS_OK(copy("a/f", "link", false, &err));
	fs_has("new", "f");
	leads_to("link", "new");
	ck_assert_uint_eq(fs_count(""), 4);
}
END_TEST

START_TEST(test_link)
{
	make_tree();
	FS_OK(copy("a/b/lf", "new", false, &err));
	leads_to("new", "../f");
	FS_OK(px_fs_copy(&strict, fs_at("a/broken"), fs_at("new2"), false, &err));
	leads_to("new2", "nowhere");
	FS_FAILS(copy("a/b/lf", "new", false, &err), PX_E_IO, EEXIST);
	FS_FAILS(copy("a/b/lf", "a/f", false, &err), PX_E_IO, EEXIST);
}
END_TEST

START_TEST(test_tree)
{
	make_tree();
	ck_assert_int_eq(mkfifo(fs_at("a/fifo"), 0600), 0);
	umask(077);
	FS_OK(copy("a", "x/y/z", true, &err));
	fs_has("x/y/z/b/g", "g");
	fs_has("x/y/z/f", "f");
	ck_assert_uint_eq(mode_of("x/y/z/f"), 0640);
	ck_assert_uint_eq(mode_of("x/y/z/b"), 0750);
	leads_to("x/y/z/b/lf", "../f");
	leads_to("x/y/z/broken", "nowhere");
	ck_assert(fs_is_there("x/y/z/.hid"));
	ck_assert(!fs_is_there("x/y/z/fifo"));
	ck_assert_uint_eq(fs_count("x/y/z"), 3); /* the broken link is not listed */
	fs_put("x/y/z/b/g", "old");
	fs_put("x/y/z/more", "kept");
	FS_FAILS(copy("a", "x/y/z", true, &err), PX_E_IO, EEXIST); /* the links */
	unlink(fs_at("x/y/z/broken"));
	unlink(fs_at("x/y/z/b/lf"));
	FS_OK(copy("a", "x/y/z", true, &err));
	fs_has("x/y/z/b/g", "g");
	fs_has("x/y/z/more", "kept");
}
END_TEST

START_TEST(test_into_itself)
{
	const char *const to[] = { "a", "a/b", "a/new/x", "a/f", "b/new", "a/../a/x", "up/a/x" };

	make_tree();
	fs_link("a/b", "b");
	fs_link(".", "up");
	for (size_t i = 0; i < sizeof to / sizeof to[0]; i++)
		FS_FAILS(copy("a", to[i], true, &err), PX_E_REQUEST, 0);
	FS_FAILS(copy("", "a/b/c", true, &err), PX_E_REQUEST, 0);
	FS_OK(copy("a", "ab", true, &err));
	fs_has("ab/f", "f");
}
END_TEST

START_TEST(test_bad)
{
	make_tree();
	fs_link("a", "link");
	FS_FAILS(copy("a", "new", false, &err), PX_E_REQUEST, 0);
	FS_FAILS(copy("none", "new", true, &err), PX_E_IO, ENOENT);
	FS_FAILS(copy("a/f", "none/new", true, &err), PX_E_IO, ENOENT);
	FS_FAILS(copy("a/f", "a/b", true, &err), PX_E_IO, EISDIR);
	FS_FAILS(copy("a/f", "a/f/x", true, &err), PX_E_IO, ENOTDIR);
	FS_FAILS(copy("a/b", "a/f", true, &err), PX_E_IO, EEXIST);
	FS_FAILS(px_fs_copy(&plain, "/dev/null", fs_at("new"), true, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_copy(&strict, fs_at("link/f"), fs_at("new"), true, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_copy(&strict, fs_at("a/f"), fs_at("link/x"), true, &err), PX_E_REQUEST, 0);
	ck_assert_uint_eq(fs_count(""), 2);
}
END_TEST

/* Files of /proc say that they are empty, and others have holes. */
START_TEST(test_content)
{
	FILE *file;
	struct stat st;
	char first[5] = "";

	fs_top_make();
	FS_OK(px_fs_copy(&plain, "/proc/self/status", fs_at("status"), false, &err));
	file = fopen(fs_at("status"), "r");
	ck_assert_uint_eq(fread(first, 1, 4, file), 4);
	fclose(file);
	ck_assert_str_eq(first, "Name");
	fs_put("big", "begin");
	ck_assert_int_eq(truncate(fs_at("big"), 20000000), 0);
	FS_OK(copy("big", "big2", false, &err));
	ck_assert_int_eq(stat(fs_at("big2"), &st), 0);
	ck_assert_int_eq(st.st_size, 20000000);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fs_copy");

	tcase_add_checked_fixture(tc, NULL, fs_top_remove);
	tcase_add_test(tc, test_file);
	tcase_add_test(tc, test_link);
	tcase_add_test(tc, test_tree);
	tcase_add_test(tc, test_into_itself);
	tcase_add_test(tc, test_bad);
	tcase_add_test(tc, test_content);
	return run_cases(tc);
}

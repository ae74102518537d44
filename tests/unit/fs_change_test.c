#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cases.h"
#include "fs/rules.h"
#include "fs_dir.h"

/* Writing, making, removing. */

static const struct px_fs_scope plain, strict = { .no_follow = true };

static int
put(const struct px_fs_scope *scope, const char *name, const char *text, struct px_err *err)
{
	return px_fs_write(scope, fs_at(name), text, strlen(text), err);
}

static struct stat
stat_of(const char *name)
{
	struct stat st = { 0 };

	ck_assert_int_eq(lstat(fs_at(name), &st), 0);
	return st;
}

/* ---- write ---- */

START_TEST(test_write_new)
{
	fs_top_make();
	umask(027);
	FS_OK(put(&plain, "new", "text", &err));
	fs_has("new", "text");
	ck_assert_int_eq(stat_of("new").st_mode, S_IFREG | 0640);
	FS_OK(put(&strict, "empty", "", &err));
	ck_assert_int_eq(stat_of("empty").st_size, 0);
	ck_assert_uint_eq(fs_count(""), 2);
}
END_TEST

/* Another file takes the name at once: who has the old one open keeps it. Its mode stays. */
START_TEST(test_write_replaces)
{
	char old[8] = "";
	int fd;
	ino_t before;

	fs_top_make();
	fs_put("file", "before");
	ck_assert_int_eq(chmod(fs_at("file"), 0614), 0);
	before = stat_of("file").st_ino;
	fd = open(fs_at("file"), O_RDONLY | O_CLOEXEC);
	FS_OK(put(&strict, "file", "now", &err));
	fs_has("file", "now");
	ck_assert_int_eq(stat_of("file").st_mode, S_IFREG | 0614);
	ck_assert_uint_ne(stat_of("file").st_ino, before);
	ck_assert_int_eq(read(fd, old, sizeof old - 1), 6);
	ck_assert_str_eq(old, "before");
	close(fd);
	ck_assert_uint_eq(fs_count(""), 1);
}
END_TEST

/* What another file could not stand for is the same file afterwards. */
START_TEST(test_write_in_place)
{
	ino_t linked, setuid;

	fs_top_make();
	fs_put("linked", "before and longer");
	ck_assert_int_eq(link(fs_at("linked"), fs_at("other")), 0);
	linked = stat_of("linked").st_ino;
	FS_OK(put(&plain, "linked", "now", &err));
	fs_has("other", "now");
	ck_assert_uint_eq(stat_of("linked").st_ino, linked);
	fs_put("setuid", "");
	ck_assert_int_eq(chmod(fs_at("setuid"), 04755), 0);
	setuid = stat_of("setuid").st_ino;
	FS_OK(put(&plain, "setuid", "longer than before", &err));
	fs_has("setuid", "longer than before");
	ck_assert_uint_eq(stat_of("setuid").st_ino, setuid);
	ck_assert_uint_eq(fs_count(""), 3);
}
END_TEST

START_TEST(test_write_keeps_attributes)
{
	char value[4] = "";

	fs_top_make();
	fs_put("file", "before");
	if (setxattr(fs_at("file"), "user.px", "abc", 3, 0) == -1) {
		ck_assert_int_eq(errno, EOPNOTSUPP); /* then there is nothing to keep */
		return;
	}
	FS_OK(put(&plain, "file", "now", &err));
	fs_has("file", "now");
	ck_assert_int_eq(getxattr(fs_at("file"), "user.px", value, sizeof value), 3);
	ck_assert_str_eq(value, "abc");
}
END_TEST

START_TEST(test_write_through_links)
{
	fs_top_make();
	fs_mkdir("dir");
	fs_put("dir/file", "before");
	fs_link("dir", "dirlink");
	fs_link("dirlink/file", "link");
	fs_link("link", "second");
	fs_link("../broken", "dir/up");
	fs_link("dir/new", "broken");
	fs_link("gone/new", "nowhere");
	fs_link("loop", "loop");
	FS_OK(put(&plain, "second", "now", &err));
	fs_has("dir/file", "now");
	ck_assert(S_ISLNK(stat_of("second").st_mode));
	FS_OK(put(&plain, "dir/up", "made", &err));
	fs_has("dir/new", "made");
	ck_assert(S_ISLNK(stat_of("broken").st_mode));
	ck_assert_int_eq(unlink(fs_at("broken")), 0);
	ck_assert_int_eq(symlink(fs_at("dir/absolute"), fs_at("broken")), 0);
	FS_OK(put(&plain, "dir/up", "made", &err));
	fs_has("dir/absolute", "made");
	FS_FAILS(put(&plain, "nowhere", "x", &err), PX_E_IO, ENOENT);
	FS_FAILS(put(&plain, "loop", "x", &err), PX_E_IO, ELOOP);
	FS_FAILS(put(&strict, "second", "x", &err), PX_E_REQUEST, 0);
	FS_FAILS(put(&strict, "dirlink/new", "x", &err), PX_E_REQUEST, 0);
	fs_has("dir/file", "now");
}
END_TEST

START_TEST(test_write_bad)
{
	char longest[NAME_MAX + 2];

	fs_top_make();
	fs_mkdir("dir");
	fs_put("file", "");
	ck_assert_int_eq(mkfifo(fs_at("fifo"), 0600), 0);
	FS_FAILS(put(&plain, "", "x", &err), PX_E_IO, EISDIR);
	FS_FAILS(put(&plain, "dir", "x", &err), PX_E_IO, EISDIR);
	FS_FAILS(put(&plain, "dir/..", "x", &err), PX_E_IO, EISDIR);
	FS_FAILS(put(&plain, "none/x", "x", &err), PX_E_IO, ENOENT);
	FS_FAILS(put(&plain, "file/x", "x", &err), PX_E_IO, ENOTDIR);
	FS_FAILS(put(&plain, "fifo", "x", &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_write(&plain, "/dev/null", "x", 1, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_write(&plain, "/", "x", 1, &err), PX_E_IO, EISDIR);
	FS_FAILS(px_fs_write(&plain, "", "x", 1, &err), PX_E_IO, ENOENT);
	memset(longest, 'n', sizeof longest);
	longest[NAME_MAX + 1] = '\0';
	FS_FAILS(put(&plain, longest, "x", &err), PX_E_IO, ENAMETOOLONG);
	longest[NAME_MAX] = '\0';
	FS_OK(put(&plain, longest, "x", &err));
	fs_has(longest, "x");
}
END_TEST

/* Nobody in particular; the tests may run as root, whom no mode stops. */
static void
become_nobody(void)
{
	if (geteuid() == 0)
		ck_assert(setegid(65534) == 0 && seteuid(65534) == 0);
}

START_TEST(test_write_permission)
{
	ino_t before;

	fs_top_make();
	fs_mkdir("closed");
	fs_put("closed/open", "before");
	fs_put("closed/readonly", "before");
	ck_assert_int_eq(chmod(fs_at("closed/open"), 0666), 0);
	ck_assert_int_eq(chmod(fs_at("closed/readonly"), 0444), 0);
	ck_assert_int_eq(chmod(fs_at("closed"), 0555), 0);
	before = stat_of("closed/open").st_ino;
	become_nobody();
	FS_OK(put(&plain, "closed/open", "now", &err));
	fs_has("closed/open", "now");
	ck_assert_uint_eq(stat_of("closed/open").st_ino, before);
	FS_FAILS(put(&plain, "closed/readonly", "x", &err), PX_E_IO, EACCES);
	FS_FAILS(put(&plain, "closed/new", "x", &err), PX_E_IO, EACCES);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("closed/a/b"), true, &err), PX_E_IO, EACCES);
	FS_FAILS(px_fs_remove(&plain, fs_at("closed"), true, true, &err), PX_E_IO, EACCES);
	fs_has("closed/readonly", "before");
	ck_assert_uint_eq(fs_count("closed"), 2);
	if (geteuid() != getuid())
		ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

/* One's own file that is read-only is not replaced, though its directory could be written. */
START_TEST(test_write_own_read_only)
{
	fs_top_make();
	ck_assert_int_eq(chmod(fs_top, 0777), 0);
	become_nobody();
	fs_put("file", "before");
	ck_assert_int_eq(chmod(fs_at("file"), 0444), 0);
	FS_FAILS(put(&plain, "file", "x", &err), PX_E_IO, EACCES);
	fs_has("file", "before");
	ck_assert_uint_eq(fs_count(""), 1);
	if (geteuid() != getuid())
		ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

/* ---- directories ---- */

START_TEST(test_make)
{
	fs_top_make();
	umask(027);
	fs_put("file", "");
	fs_link("nowhere", "broken");
	FS_OK(px_fs_make_directory(&plain, fs_at("a/b/c"), true, &err));
	FS_OK(px_fs_make_directory(&plain, fs_at("a/b/c"), true, &err));
	FS_OK(px_fs_make_directory(&plain, "/", true, &err));
	ck_assert_int_eq(stat_of("a/b/c").st_mode, S_IFDIR | 0750);
	FS_OK(px_fs_make_directory(&plain, fs_at("a/d"), false, &err));
	fs_link("a", "link");
	FS_OK(px_fs_make_directory(&plain, fs_at("link/e/f"), true, &err));
	ck_assert(fs_is_there("a/e/f"));
	FS_OK(px_fs_make_directory(&plain, fs_at("link"), true, &err));
	FS_FAILS(px_fs_make_directory(&plain, fs_at("a"), false, &err), PX_E_IO, EEXIST);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("file"), true, &err), PX_E_IO, EEXIST);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("broken"), true, &err), PX_E_IO, EEXIST);
	fs_link("loop", "loop");
	FS_FAILS(px_fs_make_directory(&plain, fs_at("loop"), true, &err), PX_E_IO, EEXIST);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("file/x"), true, &err), PX_E_IO, ENOTDIR);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("broken/x"), true, &err), PX_E_IO, EEXIST);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("file/x"), false, &err), PX_E_IO, ENOTDIR);
	FS_FAILS(px_fs_make_directory(&plain, fs_at("x/y"), false, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_make_directory(&strict, fs_at("link/x"), true, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_make_directory(&strict, fs_at("link"), true, &err), PX_E_REQUEST, 0);
	ck_assert(!fs_is_there("a/x"));
}
END_TEST

/* ---- removal ---- */

START_TEST(test_remove)
{
	fs_top_make();
	fs_mkdir("dir");
	fs_mkdir("dir/sub");
	fs_put("dir/sub/file", "");
	fs_put("dir/file", "");
	fs_mkdir("empty");
	fs_link("dir", "link");
	fs_link("nowhere", "broken");
	ck_assert_int_eq(mkfifo(fs_at("dir/fifo"), 0600), 0);
	FS_FAILS(px_fs_remove(&plain, fs_at("dir"), false, true, &err), PX_E_IO, ENOTEMPTY);
	FS_OK(px_fs_remove(&plain, fs_at("empty"), false, false, &err));
	FS_OK(px_fs_remove(&plain, fs_at("link"), true, false, &err));
	FS_OK(px_fs_remove(&strict, fs_at("broken"), true, false, &err));
	fs_link("../..", "dir/sub/up");
	fs_link("/", "dir/root");
	FS_OK(px_fs_remove(&plain, fs_at("dir/file"), false, false, &err));
	ck_assert_uint_eq(fs_count(""), 1);
	FS_OK(px_fs_remove(&plain, fs_at("dir"), true, false, &err));
	ck_assert_uint_eq(fs_count(""), 0);
	FS_FAILS(px_fs_remove(&plain, fs_at("dir"), true, false, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_remove(&plain, fs_at("dir/x"), true, false, &err), PX_E_IO, ENOENT);
	FS_OK(px_fs_remove(&plain, fs_at("dir/x"), true, true, &err));
	fs_put("file", "");
	FS_FAILS(px_fs_remove(&plain, fs_at("file/x"), true, true, &err), PX_E_IO, ENOTDIR);
	FS_FAILS(px_fs_remove(&plain, "/", true, true, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_remove(&plain, "/tmp/..", true, true, &err), PX_E_REQUEST, 0);
}
END_TEST

/* Wide and deep, far more than there may be descriptors. */
START_TEST(test_remove_tree)
{
	char path[PATH_MAX];
	size_t len;

	fs_top_make();
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "w%d", i);
		fs_mkdir(path);
		for (int k = 0; k < 20; k++) {
			snprintf(path, sizeof path, "w%d/%d", i, k);
			fs_put(path, "");
		}
	}
	len = (size_t)snprintf(path, sizeof path, "d");
	while (strlen(fs_top) + len < PATH_MAX - 200) {
		fs_mkdir(path);
		len += (size_t)snprintf(path + len, sizeof path - len, "/d");
	}
	FS_OK(px_fs_remove(&plain, fs_top, true, false, &err));
	ck_assert(!fs_is_there(""));
}
END_TEST

/* ---- rules ---- */

START_TEST(test_rules)
{
	struct px_fs_rule list[3] = { { "/", PX_FS_READ }, { NULL, PX_FS_WRITE },
		{ NULL, PX_FS_READ } };
	const struct px_fs_rules rules = { list, 3 };
	const struct px_fs_scope scope = { .rules = &rules };

	fs_top_make();
	fs_mkdir("work");
	fs_mkdir("work/.git");
	fs_put("work/.git/config", "kept");
	fs_put("outside", "kept");
	fs_link("../outside", "work/link");
	fs_link(".git", "work/git");
	list[1].path = strdup(fs_at("work"));
	list[2].path = strdup(fs_at("work/.git"));
	FS_OK(put(&scope, "work/new", "x", &err));
	FS_OK(px_fs_make_directory(&scope, fs_at("work/a/b"), true, &err));
	FS_FAILS(put(&scope, "new", "x", &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(put(&scope, "work/link", "x", &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(put(&scope, "work/git/config", "x", &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(put(&scope, "work/../new", "x", &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_make_directory(&scope, fs_at("a/b"), true, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_make_directory(&scope, fs_at("work/git/x"), true, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(
	    px_fs_remove(&scope, fs_at("work/git/config"), true, true, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_remove(&scope, fs_at("work"), true, true, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_remove(&scope, fs_at("work/.git"), true, true, &err), PX_E_FORBIDDEN, 0);
	FS_OK(px_fs_remove(&scope, fs_at("work/link"), true, true, &err));
	FS_FAILS(px_fs_copy(&scope, fs_at("work/new"), fs_at("x"), true, &err), PX_E_FORBIDDEN, 0);
	FS_OK(px_fs_copy(&scope, fs_at("outside"), fs_at("work/x"), false, &err));
	FS_FAILS(px_fs_copy(&scope, fs_at("work/x"), fs_at("work/git/config"), false, &err),
	    PX_E_FORBIDDEN, 0);
	fs_has("outside", "kept");
	fs_has("work/.git/config", "kept");
	ck_assert_uint_eq(fs_count(""), 2);
	free((char *)list[1].path);
	free((char *)list[2].path);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fs_change");

	tcase_add_checked_fixture(tc, NULL, fs_top_remove);
	tcase_add_test(tc, test_write_new);
	tcase_add_test(tc, test_write_replaces);
	tcase_add_test(tc, test_write_in_place);
	tcase_add_test(tc, test_write_keeps_attributes);
	tcase_add_test(tc, test_write_through_links);
	tcase_add_test(tc, test_write_bad);
	tcase_add_test(tc, test_write_permission);
	tcase_add_test(tc, test_write_own_read_only);
	tcase_add_test(tc, test_make);
	tcase_add_test(tc, test_remove);
	tcase_add_test(tc, test_remove_tree);
	tcase_add_test(tc, test_rules);
	return run_cases(tc);
}

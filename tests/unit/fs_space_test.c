#include "fs/fs.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cases.h"
#include "fs/handles.h"
#include "fs_dir.h"

/* No room: what was there before is there afterwards, and nothing else. */

static const struct px_fs_scope plain;

enum { SMALL = 256 * 1024, MUCH = 4 * SMALL };

/*
 * A small file system of our own over the test's directory, which ends with the
 * test's process. Where namespaces are forbidden, a limit for files does it.
 */
static int
small_disk(void)
{
	const struct rlimit limit = { SMALL, SMALL };

	fs_top_make();
	if ((unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("px", fs_top, "tmpfs", 0, "size=256k") == 0)
		return ENOSPC;
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	return EFBIG;
}

static void
small_disk_remove(void)
{
	umount2(fs_top, MNT_DETACH);
	fs_top_remove();
}

static char much[MUCH];

START_TEST(test_write)
{
	int full = small_disk();

	fs_put("file", "before");
	fs_put("linked", "before");
	ck_assert_int_eq(link(fs_at("linked"), fs_at("other")), 0);
	FS_FAILS(px_fs_write(&plain, fs_at("new"), much, MUCH, &err), PX_E_IO, full);
	FS_FAILS(px_fs_write(&plain, fs_at("file"), much, MUCH, &err), PX_E_IO, full);
	FS_FAILS(px_fs_write(&plain, fs_at("linked"), much, MUCH, &err), PX_E_IO, full);
	fs_has("file", "before");
	fs_has("other", "before");
	ck_assert_uint_eq(fs_count(""), 3);
	FS_OK(px_fs_write(&plain, fs_at("file"), much, SMALL / 2, &err));
}
END_TEST

START_TEST(test_copy)
{
	char source[] = "/tmp/px-fs-source-XXXXXX";
	int fd = mkstemp(source), full;

	ck_assert_int_eq(ftruncate(fd, MUCH), 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, MUCH - 1), 1);
	for (off_t at = 0; at < MUCH; at += 4096)
		ck_assert_int_eq(pwrite(fd, "x", 1, at), 1);
	full = small_disk();
	fs_put("file", "before");
	FS_FAILS(px_fs_copy(&plain, source, fs_at("new"), false, &err), PX_E_IO, full);
	FS_FAILS(px_fs_copy(&plain, source, fs_at("file"), false, &err), PX_E_IO, full);
	fs_has("file", "before");
	ck_assert_uint_eq(fs_count(""), 1);
	close(fd);
	unlink(source);
}
END_TEST

START_TEST(test_block)
{
	struct px_handles *handles;
	struct px_handle *handle;
	int full = small_disk(), failed = 0;
	struct px_err told = { 0 };

	handles = px_handles_new(1);
	handle = px_handles_add(handles, "h", PX_HANDLE_WRITE, &told);
	FS_OK(px_handle_open(handle, &plain, fs_at("file"), &err));
	for (int64_t at = 0; at < MUCH && failed == 0; at += SMALL / 2)
		failed = px_handle_write(handle, at, much, SMALL / 2, &told);
	ck_assert_int_eq(failed, -1);
	ck_assert_int_eq(told.code, PX_E_IO);
	ck_assert_int_eq(told.sys, full);
	px_handle_unref(handle);
	px_handles_free(handles);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fs_space");

	tcase_add_checked_fixture(tc, NULL, small_disk_remove);
	tcase_add_test(tc, test_write);
	tcase_add_test(tc, test_copy);
	tcase_add_test(tc, test_block);
	return run_cases(tc);
}

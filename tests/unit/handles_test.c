#include "fs/handles.h"

#include <errno.h>
#include <unistd.h>

#include "cases.h"
#include "fs_dir.h"

static const struct px_fs_scope plain;

/* An open one; the caller lets go of it. */
static struct px_handle *
opened(struct px_handles *handles, const char *id, enum px_handle_mode mode, const char *name)
{
	struct px_err err = { 0 };
	struct px_handle *handle = px_handles_add(handles, id, mode, &err);

	ck_assert_msg(handle != NULL, "%s", err.text);
	ck_assert_msg(px_handle_open(handle, &plain, fs_at(name), &err) == 0, "%s", err.text);
	return handle;
}

/* Every offset and length around the end of ten bytes. */
START_TEST(test_read)
{
	struct px_handles *handles = px_handles_new(4);
	struct px_handle *handle;
	char *block = malloc(PX_HANDLE_BLOCK_MAX);
	size_t got, len;

	fs_top_make();
	fs_put("file", "0123456789");
	handle = opened(handles, "h", PX_HANDLE_READ, "file");
	for (int64_t offset = 0; offset < 13; offset++)
		for (len = 1; len < 13; len++) {
			int64_t left = offset < 10 ? 10 - offset : 0;

			FS_OK(px_handle_read(handle, offset, len, block, &got, &err));
			ck_assert_uint_eq(got, (int64_t)len < left ? len : (size_t)left);
			ck_assert_int_eq(memcmp(block, &"0123456789"[10 - left], got), 0);
		}
	FS_OK(px_handle_read(handle, 3, PX_HANDLE_BLOCK_MAX, block, &got, &err));
	ck_assert_uint_eq(got, 7);
	FS_OK(px_handle_read(handle, INT64_MAX - 1, 1, block, &got, &err));
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(truncate(fs_at("file"), 2), 0);
	FS_OK(px_handle_read(handle, 1, 8, block, &got, &err));
	ck_assert_uint_eq(got, 1);
	px_handle_unref(handle);
	px_handles_free(handles);
	free(block);
}
END_TEST

static const struct {
	int64_t offset;
	size_t len;
} ranges[] = { { 0, 0 }, { 0, PX_HANDLE_BLOCK_MAX + 1 }, { -1, 1 }, { INT64_MIN, 1 },
	{ INT64_MAX, 1 }, { INT64_MAX - 4, 5 }, { INT64_MAX, PX_HANDLE_BLOCK_MAX },
	{ 0, SIZE_MAX } };

START_TEST(test_bad_range)
{
	struct px_handles *handles = px_handles_new(4);
	struct px_handle *reader, *writer;
	char block[8];
	size_t got = 7;

	fs_top_make();
	fs_put("file", "0123456789");
	reader = opened(handles, "r", PX_HANDLE_READ, "file");
	writer = opened(handles, "w", PX_HANDLE_WRITE, "new");
	FS_FAILS(px_handle_read(reader, ranges[_i].offset, ranges[_i].len, block, &got, &err),
	    PX_E_REQUEST, 0);
	FS_FAILS(px_handle_write(writer, ranges[_i].offset, block, ranges[_i].len, &err),
	    PX_E_REQUEST, 0);
	ck_assert_uint_eq(got, 7);
	px_handle_unref(reader);
	px_handle_unref(writer);
	px_handles_free(handles);
}
END_TEST

START_TEST(test_write)
{
	struct px_handles *handles = px_handles_new(4);
	struct px_handle *handle;
	struct stat st;
	size_t got;
	char block[4];

	fs_top_make();
	fs_put("file", "before");
	handle = opened(handles, "w", PX_HANDLE_WRITE, "file");
	fs_has("file", "");
	FS_OK(px_handle_write(handle, 2, "cd", 2, &err));
	FS_OK(px_handle_write(handle, 0, "ab", 2, &err));
	fs_has("file", "abcd");
	FS_OK(px_handle_write(handle, 100000, "x", 1, &err));
	ck_assert_int_eq(stat(fs_at("file"), &st), 0);
	ck_assert_int_eq(st.st_size, 100001);
	FS_FAILS(px_handle_write(handle, INT64_MAX - 8, "x", 1, &err), PX_E_IO, EFBIG);
	FS_FAILS(px_handle_read(handle, 0, 4, block, &got, &err), PX_E_IO, EBADF);
	px_handle_unref(handle);
	handle = opened(handles, "r", PX_HANDLE_READ, "file");
	FS_FAILS(px_handle_write(handle, 0, "x", 1, &err), PX_E_IO, EBADF);
	px_handle_unref(handle);
	px_handles_free(handles);
}
END_TEST

START_TEST(test_table)
{
	struct px_handles *handles = px_handles_new(2), *others = px_handles_new(2);
	struct px_handle *first, *second, *again;
	char long_id[PX_HANDLE_ID_MAX + 2];
	struct px_err told = { 0 };
	char block[4];
	size_t got;

	fs_top_make();
	fs_put("file", "text");
	first = opened(handles, "", PX_HANDLE_READ, "file");
	ck_assert_ptr_null(px_handles_add(handles, "", PX_HANDLE_WRITE, &told));
	ck_assert_int_eq(told.code, PX_E_REQUEST);
	second = opened(handles, "second", PX_HANDLE_READ, "file");
	ck_assert_ptr_null(px_handles_add(handles, "third", PX_HANDLE_READ, &told));
	ck_assert_int_eq(told.code, PX_E_LIMIT);
	ck_assert_int_eq(told.value, 2);
	memset(long_id, 'i', sizeof long_id);
	long_id[PX_HANDLE_ID_MAX + 1] = '\0';
	ck_assert_ptr_null(px_handles_add(others, long_id, PX_HANDLE_READ, &told));
	ck_assert_int_eq(told.code, PX_E_LIMIT);
	long_id[PX_HANDLE_ID_MAX] = '\0';
	px_handle_unref(px_handles_add(others, long_id, PX_HANDLE_READ, &told));

	/* Of another connection, or closed, it is unknown; who works with it keeps it. */
	ck_assert_ptr_null(px_handles_get(others, "second", &told));
	ck_assert_int_eq(told.code, PX_E_HANDLE);
	ck_assert_ptr_null(px_handles_take(others, "second"));
	ck_assert_ptr_eq(px_handles_get(handles, "second", &told), second);
	px_handle_unref(second);
	px_handle_unref(px_handles_take(handles, "second"));
	ck_assert_ptr_null(px_handles_get(handles, "second", &told));
	FS_OK(px_handle_read(second, 0, 4, block, &got, &err));

	/* Whose name is taken again, is dropped without the new one. */
	again = opened(handles, "second", PX_HANDLE_READ, "file");
	px_handles_drop(handles, second);
	ck_assert_ptr_eq(px_handles_get(handles, "second", &told), again);
	px_handle_unref(again);
	px_handles_drop(handles, again);
	ck_assert_ptr_null(px_handles_get(handles, "second", &told));
	px_handle_unref(again);
	px_handle_unref(second);
	px_handles_free(handles);
	FS_OK(px_handle_read(first, 0, 4, block, &got, &err));
	px_handle_unref(first);
	px_handles_free(others);
	px_handles_free(NULL);
	px_handle_unref(NULL);
}
END_TEST

/* Only regular files, and nobody waits for the other end of a FIFO. */
START_TEST(test_open_bad)
{
	struct px_handles *handles = px_handles_new(2);
	struct px_handle *handle;
	char block[4];
	size_t got;

	fs_top_make();
	ck_assert_int_eq(mkfifo(fs_at("fifo"), 0600), 0);
	for (int mode = PX_HANDLE_READ; mode <= PX_HANDLE_REPLACE; mode++) {
		handle = px_handles_add(handles, "h", (enum px_handle_mode)mode, NULL);
		FS_FAILS(px_handle_read(handle, 0, 4, block, &got, &err), PX_E_HANDLE, 0);
		FS_FAILS(px_handle_write(handle, 0, "x", 1, &err), PX_E_HANDLE, 0);
		FS_FAILS(px_handle_open(handle, &plain, fs_top, &err),
		    mode == PX_HANDLE_WRITE ? PX_E_IO : PX_E_REQUEST,
		    mode == PX_HANDLE_WRITE ? EISDIR : 0);
		FS_FAILS(px_handle_open(handle, &plain, fs_at("fifo"), &err), PX_E_REQUEST, 0);
		FS_FAILS(px_handle_open(handle, &plain, "/dev/null", &err), PX_E_REQUEST, 0);
		FS_FAILS(px_handle_open(handle, &plain, fs_at("a/b"), &err), PX_E_IO, ENOENT);
		px_handles_drop(handles, handle);
		px_handle_unref(handle);
	}
	px_handles_free(handles);
}
END_TEST

/* What is there stays until the end, then it is what was written and no more. */
START_TEST(test_replace)
{
	struct px_handles *handles = px_handles_new(4);
	struct px_handle *handle;

	fs_top_make();
	fs_put("file", "much that was there before");
	fs_link("file", "link");
	handle = opened(handles, "h", PX_HANDLE_REPLACE, "link");
	FS_OK(px_handle_write(handle, 3, "def", 3, &err));
	FS_OK(px_handle_write(handle, 0, "abc", 3, &err));
	fs_has("file", "much that was there before");
	FS_OK(px_handle_finish(handle, &err));
	fs_has("file", "abcdef");
	FS_FAILS(px_handle_write(handle, 0, "x", 1, &err), PX_E_HANDLE, 0);
	FS_OK(px_handle_finish(handle, &err));
	px_handle_unref(handle);
	px_handles_free(handles);
	ck_assert_uint_eq(fs_count(""), 2);
}
END_TEST

/* Nor is there a new one before. What is not finished was never there. */
START_TEST(test_replace_new)
{
	struct px_handles *handles = px_handles_new(4);
	struct px_handle *left, *empty;

	fs_top_make();
	fs_put("file", "before");
	left = opened(handles, "left", PX_HANDLE_REPLACE, "file");
	empty = opened(handles, "empty", PX_HANDLE_REPLACE, "new");
	FS_OK(px_handle_write(left, 0, "half", 4, &err));
	ck_assert_int_eq(access(fs_at("new"), F_OK), -1);
	FS_OK(px_handle_finish(empty, &err));
	fs_has("new", "");
	px_handle_unref(left);
	px_handle_unref(empty);
	px_handles_free(handles);
	fs_has("file", "before");
	ck_assert_uint_eq(fs_count(""), 2);
}
END_TEST

/* Where it has another name it is written in place, and is no longer than what was written. */
START_TEST(test_replace_in_place)
{
	struct px_handles *handles = px_handles_new(4);
	struct px_handle *handle;

	fs_top_make();
	fs_put("file", "before, and long");
	ck_assert_int_eq(link(fs_at("file"), fs_at("other")), 0);
	handle = opened(handles, "h", PX_HANDLE_REPLACE, "file");
	FS_OK(px_handle_write(handle, 0, "after", 5, &err));
	FS_OK(px_handle_finish(handle, &err));
	fs_has("other", "after");
	px_handle_unref(handle);
	px_handles_free(handles);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("handles");

	tcase_add_checked_fixture(tc, NULL, fs_top_remove);
	tcase_add_test(tc, test_read);
	tcase_add_loop_test(tc, test_bad_range, 0, sizeof ranges / sizeof ranges[0]);
	tcase_add_test(tc, test_write);
	tcase_add_test(tc, test_table);
	tcase_add_test(tc, test_open_bad);
	tcase_add_test(tc, test_replace);
	tcase_add_test(tc, test_replace_new);
	tcase_add_test(tc, test_replace_in_place);
	return run_cases(tc);
}

#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cases.h"
#include "fs/place.h"
#include "fs_dir.h"

/* Looking: metadata, canonical paths, whole files, directories. */

static const struct px_fs_scope plain, strict = { .no_follow = true };

static void
make_all(void)
{
	fs_top_make();
	fs_mkdir("dir");
	fs_put("dir/file", "hello\n");
	fs_put("empty", "");
	fs_link("dir/file", "link");
	fs_link("dir", "dirlink");
	fs_link("nowhere", "broken");
	fs_link("loop", "loop");
	ck_assert_int_eq(mkfifo(fs_at("fifo"), 0600), 0);
}

static void
make_socket(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", fs_at(name));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	close(fd);
}

static const struct {
	const char *name;
	struct px_fs_meta meta; /* without mode and time */
} stats[] = {
	{ "dir/file", { PX_FS_FILE, false, 0, 6, 0 } },
	{ "empty", { PX_FS_FILE, false, 0, 0, 0 } },
	{ "link", { PX_FS_FILE, true, 0, 6, 0 } },
	{ "dirlink/file", { PX_FS_FILE, false, 0, 6, 0 } },
	{ "dirlink", { PX_FS_DIRECTORY, true, 0, -1, 0 } },
	{ "dir", { PX_FS_DIRECTORY, false, 0, -1, 0 } },
	{ "fifo", { PX_FS_OTHER, false, 0, 0, 0 } },
	{ "", { PX_FS_DIRECTORY, false, 0, -1, 0 } },
};

START_TEST(test_stat)
{
	const struct timespec times[2] = { { 1, 0 }, { 1700000000, 987654321 } };
	struct px_fs_meta meta;

	make_all();
	ck_assert_int_eq(utimensat(AT_FDCWD, fs_at(stats[_i].name), times, 0), 0);
	ck_assert_int_eq(chmod(fs_at(stats[_i].name), 02751), 0);
	FS_OK(px_fs_stat(&plain, fs_at(stats[_i].name), &meta, &err));
	ck_assert_int_eq(meta.mode, 02751);
	ck_assert_int_eq(meta.kind, stats[_i].meta.kind);
	ck_assert(meta.is_link == stats[_i].meta.is_link);
	if (stats[_i].meta.size != -1)
		ck_assert_int_eq(meta.size, stats[_i].meta.size);
	ck_assert_int_eq(meta.modified_ms, 1700000000987);
}
END_TEST

/* Before the epoch the milliseconds still count upwards. */
START_TEST(test_stat_old)
{
	const struct timespec times[2] = { { 1, 0 }, { -2, 999000000 } };
	struct px_fs_meta meta;

	make_all();
	ck_assert_int_eq(utimensat(AT_FDCWD, fs_at("empty"), times, 0), 0);
	FS_OK(px_fs_stat(&plain, fs_at("empty"), &meta, &err));
	ck_assert_int_eq(meta.modified_ms, -1001);
}
END_TEST

START_TEST(test_stat_bad)
{
	char longest[PATH_MAX + 10];
	struct px_fs_meta meta;
	struct px_err told = { 0 };

	make_all();
	FS_FAILS(px_fs_stat(&plain, fs_at("none"), &meta, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_stat(&plain, fs_at("none/x"), &meta, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_stat(&plain, fs_at("broken"), &meta, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_stat(&plain, fs_at("empty/x"), &meta, &err), PX_E_IO, ENOTDIR);
	FS_FAILS(px_fs_stat(&plain, fs_at("loop"), &meta, &err), PX_E_IO, ELOOP);
	FS_FAILS(px_fs_stat(&plain, fs_at("loop/x"), &meta, &err), PX_E_IO, ELOOP);
	memset(longest, 'x', sizeof longest);
	longest[0] = '/';
	longest[sizeof longest - 1] = '\0';
	FS_FAILS(px_fs_stat(&plain, longest, &meta, &err), PX_E_IO, ENAMETOOLONG);
	longest[300] = '\0';
	FS_FAILS(px_fs_stat(&plain, longest, &meta, &err), PX_E_IO, ENAMETOOLONG);
	ck_assert_int_eq(px_fs_stat(&plain, fs_at("none"), &meta, &told), -1);
	ck_assert_str_eq(told.path, fs_at("none"));
	ck_assert_int_eq(px_fs_stat(&plain, fs_at("none"), &meta, NULL), -1);
}
END_TEST

static const char *const linked[] = { "link", "dirlink/file", "loop", "broken", "dirlink" };

START_TEST(test_no_follow)
{
	struct px_fs_meta meta;
	char real[PATH_MAX], *bytes;
	const char *path;
	size_t len;

	make_all();
	path = fs_at(linked[_i]);
	FS_FAILS(px_fs_stat(&strict, path, &meta, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_canonicalize(&strict, path, real, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_read(&strict, path, 100, &bytes, &len, &err), PX_E_REQUEST, 0);
	FS_OK(px_fs_stat(&strict, fs_at("dir/file"), &meta, &err));
}
END_TEST

START_TEST(test_canonicalize)
{
	char real[PATH_MAX];

	make_all();
	FS_OK(px_fs_canonicalize(&plain, fs_at("dirlink/../link"), real, &err));
	ck_assert_str_eq(real, fs_at("dir/file"));
	FS_OK(px_fs_canonicalize(&plain, "/", real, &err));
	ck_assert_str_eq(real, "/");
	FS_FAILS(px_fs_canonicalize(&plain, fs_at("broken"), real, &err), PX_E_IO, ENOENT);
}
END_TEST

/* ---- whole files ---- */

static void
reads(const char *path, size_t max, const char *text)
{
	char *bytes = NULL;
	size_t len = 0;

	FS_OK(px_fs_read(&plain, path, max, &bytes, &len, &err));
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_int_eq(memcmp(bytes, text, len), 0);
	free(bytes);
}

START_TEST(test_read)
{
	char *bytes;
	size_t len;

	make_all();
	reads(fs_at("dir/file"), 1000, "hello\n");
	reads(fs_at("link"), 6, "hello\n");
	reads(fs_at("empty"), 0, "");
	FS_FAILS(px_fs_read(&plain, fs_at("link"), 5, &bytes, &len, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_read(&plain, fs_at("none"), 5, &bytes, &len, &err), PX_E_IO, ENOENT);
}
END_TEST

/* Of what is no file only the name is looked at: nobody waits, and no peer notices. */
START_TEST(test_read_special)
{
	const char *const names[] = { "dir", "fifo", "socket", "dirlink" };
	char *bytes;
	size_t len;
	int writer;

	make_all();
	make_socket("socket");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		FS_FAILS(
		    px_fs_read(&plain, fs_at(names[i]), 100, &bytes, &len, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_read(&plain, "/dev/null", 100, &bytes, &len, &err), PX_E_REQUEST, 0);
	FS_FAILS(px_fs_read(&plain, "/dev/tty", 100, &bytes, &len, &err), PX_E_REQUEST, 0);
	writer = open(fs_at("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_eq(writer, -1);
	ck_assert_int_eq(errno, ENXIO);
}
END_TEST

/* Files of /proc say that they are empty. */
START_TEST(test_read_proc)
{
	char *bytes = NULL;
	size_t len = 0;

	FS_OK(px_fs_read(&plain, "/proc/self/status", 1000000, &bytes, &len, &err));
	ck_assert_uint_gt(len, 100);
	ck_assert_int_eq(memcmp(bytes, "Name:", 5), 0);
	free(bytes);
	FS_FAILS(px_fs_read(&plain, "/proc/self/status", 100, &bytes, &len, &err), PX_E_REQUEST, 0);
}
END_TEST

/* Lengths around the sizes in which it is read. */
START_TEST(test_read_sizes)
{
	const size_t sizes[] = { 1, 4095, 4096, 4097, 1048575, 1048576, 1048577, 3145729 };
	char *content = malloc(4194304), *bytes = NULL;
	size_t size = sizes[_i], len;
	FILE *file;

	fs_top_make();
	for (size_t i = 0; i < size; i++)
		content[i] = (char)(i * 31 >> 3);
	file = fopen(fs_at("big"), "w");
	ck_assert_uint_eq(fwrite(content, 1, size, file), size);
	fclose(file);
	for (size_t max = size; max < size + 3; max++) {
		FS_OK(px_fs_read(&plain, fs_at("big"), max, &bytes, &len, &err));
		ck_assert_uint_eq(len, size);
		ck_assert_int_eq(memcmp(bytes, content, size), 0);
		free(bytes);
	}
	FS_FAILS(px_fs_read(&plain, fs_at("big"), size - 1, &bytes, &len, &err), PX_E_REQUEST, 0);
	free(content);
}
END_TEST

static void *
grow_and_shrink(void *arg)
{
	atomic_bool *stop = arg;
	int fd = open(fs_at("changing"), O_WRONLY | O_CLOEXEC);

	for (off_t i = 0; !atomic_load(stop); i++)
		ck_assert_int_eq(ftruncate(fd, i % 7 * 500000), 0);
	close(fd);
	return NULL;
}

/* A file that changes while it is read is as long as it was found to be. */
START_TEST(test_read_changing)
{
	static atomic_bool stop;
	char *bytes = NULL;
	size_t len;
	pthread_t thread;

	fs_top_make();
	fs_put("changing", "");
	ck_assert_int_eq(pthread_create(&thread, NULL, grow_and_shrink, &stop), 0);
	for (int i = 0; i < 300; i++) {
		FS_OK(px_fs_read(&plain, fs_at("changing"), 10000000, &bytes, &len, &err));
		ck_assert_uint_le(len, 3000000);
		for (size_t k = 0; k < len; k += 4999)
			ck_assert_int_eq(bytes[k], 0);
		free(bytes);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(test_cancelled)
{
	atomic_bool stop = true;
	const struct px_fs_scope scope = { .stop = &stop };
	const struct px_fs_walk options = { 1, 1, 1, false, false };
	struct px_fs_walked walked;
	char *bytes;
	size_t len;

	make_all();
	FS_FAILS(px_fs_read(&scope, fs_at("link"), 9, &bytes, &len, &err), PX_E_CANCELLED, 0);
	FS_FAILS(px_fs_write(&scope, fs_at("link"), "x", 1, &err), PX_E_CANCELLED, 0);
	FS_FAILS(px_fs_remove(&scope, fs_at("dir"), true, false, &err), PX_E_CANCELLED, 0);
	FS_FAILS(px_fs_walk(&scope, fs_at(""), &options, &walked, &err), PX_E_CANCELLED, 0);
	FS_FAILS(px_fs_copy(&scope, fs_at("dir"), fs_at("new"), true, &err), PX_E_CANCELLED, 0);
	fs_has("dir/file", "hello\n");
	ck_assert_uint_eq(fs_count("dir"), 1);
}
END_TEST

/* ---- directories ---- */

START_TEST(test_list)
{
	struct px_names names = { 0 };

	make_all();
	make_socket("socket");
	FS_OK(px_fs_list(&plain, fs_at(""), 6, &names, &err));
	ck_assert_uint_eq(names.count, 6);
	px_names_sort(&names);
	ck_assert(px_names_has(&names, "dir", PX_FS_DIRECTORY));
	ck_assert(px_names_has(&names, "dirlink", PX_FS_DIRECTORY));
	ck_assert(px_names_has(&names, "empty", PX_FS_FILE));
	ck_assert(px_names_has(&names, "link", PX_FS_FILE));
	ck_assert(px_names_has(&names, "fifo", PX_FS_OTHER));
	ck_assert(px_names_has(&names, "socket", PX_FS_OTHER));
	px_names_done(&names);
	FS_FAILS(px_fs_list(&plain, fs_at("empty"), 9, &names, &err), PX_E_IO, ENOTDIR);
	FS_FAILS(px_fs_list(&plain, fs_at("none"), 9, &names, &err), PX_E_IO, ENOENT);
	FS_FAILS(px_fs_list(&plain, fs_at(""), 5, &names, &err), PX_E_LIMIT, 0);
	FS_FAILS(px_fs_list(&strict, fs_at("dirlink"), 9, &names, &err), PX_E_REQUEST, 0);
}
END_TEST

START_TEST(test_list_100000)
{
	struct px_names names = { 0 };
	char name[16];
	int dir;

	fs_top_make_for_many();
	dir = open(fs_top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "%06d", i);
		ck_assert_int_eq(symlinkat("/", dir, name), 0);
	}
	FS_OK(px_fs_list(&plain, fs_top, 100000, &names, &err));
	ck_assert_uint_eq(names.count, 100000);
	px_names_sort(&names);
	for (int i = 0; i < 100000; i += 999) {
		snprintf(name, sizeof name, "%06d", i);
		ck_assert(px_names_has(&names, name, PX_FS_DIRECTORY));
	}
	px_names_done(&names);
	FS_FAILS(px_fs_list(&plain, fs_top, 99999, &names, &err), PX_E_LIMIT, 0);
	FS_OK(px_fs_remove(&plain, fs_top, true, false, &err));
	ck_assert(!fs_is_there(""));
	close(dir);
}
END_TEST

/* What the rules keep out of reach, by its real path. */
START_TEST(test_rules)
{
	struct px_fs_rule list[2] = { { fs_top, PX_FS_READ }, { NULL, PX_FS_NONE } };
	const struct px_fs_rules rules = { list, 2 };
	const struct px_fs_scope scope = { .rules = &rules };
	struct px_names names = { 0 };
	char *bytes, real[PATH_MAX];
	struct px_fs_meta meta;
	size_t len;

	make_all();
	list[1].path = fs_at("dir");
	FS_OK(px_fs_read(&scope, fs_at("empty"), 9, &bytes, &len, &err));
	free(bytes);
	FS_FAILS(px_fs_read(&scope, fs_at("link"), 9, &bytes, &len, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_stat(&scope, fs_at("dirlink"), &meta, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_list(&scope, fs_at("dirlink"), 9, &names, &err), PX_E_FORBIDDEN, 0);
	FS_FAILS(px_fs_canonicalize(&scope, "/etc", real, &err), PX_E_FORBIDDEN, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fs_look");

	tcase_add_checked_fixture(tc, NULL, fs_top_remove);
	tcase_add_loop_test(tc, test_stat, 0, sizeof stats / sizeof stats[0]);
	tcase_add_test(tc, test_stat_old);
	tcase_add_test(tc, test_stat_bad);
	tcase_add_loop_test(tc, test_no_follow, 0, sizeof linked / sizeof linked[0]);
	tcase_add_test(tc, test_canonicalize);
	tcase_add_test(tc, test_read);
	tcase_add_test(tc, test_read_special);
	tcase_add_test(tc, test_read_proc);
	tcase_add_loop_test(tc, test_read_sizes, 0, 8);
	tcase_add_test(tc, test_read_changing);
	tcase_add_test(tc, test_cancelled);
	tcase_add_test(tc, test_list);
	tcase_add_test(tc, test_list_100000);
	tcase_add_test(tc, test_rules);
	return run_cases(tc);
}

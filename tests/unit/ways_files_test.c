#include <errno.h>
#include <string.h>

#include "fs_dir.h"
#include "served_cases.h"
#include "ways.h"

/* Five ways: files. */

static void
open_scene(struct scene *s, int way)
{
	scene_init(s, way);
	s->talk.options.experimental = true;
	scene_open(s);
}

/* Also where a request that is done twice would be answered in another way. */
static void
open_large_scene(struct scene *s, int way)
{
	scene_init(s, way);
	s->talk.options.experimental = true;
	scene_for_large_answers(s);
	scene_open(s);
}

/* By openat2(2) links are refused and trees are gone through, and helgrind does not know it. */
static bool
lacks_openat2(int way)
{
	return way == WAY_LOCAL && getenv("PX_HELGRIND") != NULL;
}

/* Where connections break, an answer may be in doubt, and only then. */
static void
done(struct scene *s, int64_t request)
{
	talk_sent(&s->talk, request);
	if (px_client_settle(s->c, request, rig_ms(TALK_MS), s->err) == 0)
		return;
	ck_assert_msg(s->way == WAY_CUT && s->err->code == PX_ERROR_LOST, "%s", s->err->text);
}

static void
refused(struct scene *s, int64_t request, const char *kind, int sys)
{
	talk_refused(&s->talk, request, kind);
	ck_assert_int_eq(s->err->sys, sys);
}

static void
has_content(struct scene *s, const char *name, const void *data, size_t len)
{
	const struct px_answer *answer =
	    talk_answer(&s->talk, px_client_read_file(s->c, fs_at(name), 0, s->err));

	ck_assert_uint_eq(answer->content.len, len);
	if (len > 0)
		ck_assert_mem_eq(answer->content.data, data, len);
}

/* 'kind' of the entry that is so called, which must be there. */
static enum px_file_kind
kind_of(const struct px_file_list *list, const char *name)
{
	for (size_t i = 0; i < list->nentries; i++)
		if (strcmp(list->entries[i].name, name) == 0)
			return list->entries[i].kind;
	ck_abort_msg("no entry is called '%s'", name);
}

/* ---- whole files ---- */

START_TEST(test_whole)
{
	const struct px_file_metadata *meta;
	char data[70000];
	struct scene s;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7 % 256);
	open_large_scene(&s, _i);
	done(&s, px_client_write_file(s.c, fs_at("file"), data, sizeof data, 0, s.err));
	has_content(&s, "file", data, sizeof data);
	meta = &talk_answer(&s.talk, px_client_stat(s.c, fs_at("file"), 0, s.err))->metadata;
	ck_assert_int_eq(meta->kind, PX_KIND_FILE);
	ck_assert_int_eq(meta->size, sizeof data);
	ck_assert_uint_eq(meta->mode & 0600, 0600);
	ck_assert_int_gt(meta->modified_at_ms, INT64_C(1500000000000));
	ck_assert(!meta->is_symlink);

	ck_assert_int_eq(chmod(fs_at("file"), 0640), 0);
	done(&s, px_client_write_file(s.c, fs_at("file"), NULL, 0, 0, s.err));
	has_content(&s, "file", NULL, 0);
	meta = &talk_answer(&s.talk, px_client_stat(s.c, fs_at("file"), 0, s.err))->metadata;
	ck_assert_uint_eq(meta->mode, 0640);
	ck_assert_uint_eq(fs_count(""), 1);
	scene_end(&s);
}
END_TEST

START_TEST(test_links)
{
	const struct px_answer *answer;
	struct scene s;

	if (lacks_openat2(_i))
		return;
	open_scene(&s, _i);
	fs_put("file", "text");
	fs_link("file", "link");
	has_content(&s, "link", "text", 4);
	answer = talk_answer(&s.talk, px_client_stat(s.c, fs_at("link"), 0, s.err));
	ck_assert(answer->metadata.is_symlink);
	ck_assert_int_eq(answer->metadata.kind, PX_KIND_FILE);
	answer = talk_answer(&s.talk, px_client_canonicalize(s.c, fs_at("./link"), 0, s.err));
	ck_assert_str_eq(answer->canonical.path, fs_at("file"));
	refused(&s, px_client_read_file(s.c, fs_at("link"), PX_FILE_NO_FOLLOW, s.err),
	    "invalidRequest", 0);
	refused(&s, px_client_canonicalize(s.c, fs_at("link"), PX_FILE_NO_FOLLOW, s.err),
	    "invalidRequest", 0);
	done(&s, px_client_copy(s.c, fs_at("link"), fs_at("other"), 0, s.err));
	done(&s, px_client_remove(s.c, fs_at("link/"), 0, s.err));
	ck_assert(!fs_is_there("link"));
	fs_has("other", "text");
	scene_end(&s);
}
END_TEST

/* Names and paths of any bytes. */
START_TEST(test_odd_names)
{
	static const char odd[] = "a\xff\n\"\\\xc3\xa4";
	const struct px_answer *answer;
	struct scene s;
	char path[64];

	open_scene(&s, _i);
	snprintf(path, sizeof path, "dir/%s", odd);
	done(&s, px_client_make_directory(s.c, fs_at("dir"), 0, s.err));
	done(&s, px_client_write_file(s.c, fs_at(path), "odd", 3, 0, s.err));
	fs_has(path, "odd");
	has_content(&s, path, "odd", 3);
	answer = talk_answer(&s.talk, px_client_read_directory(s.c, fs_at("dir"), 0, s.err));
	ck_assert_uint_eq(answer->files.nentries, 1);
	ck_assert_str_eq(answer->files.entries[0].name, odd);
	answer = talk_answer(&s.talk, px_client_walk(s.c, fs_at("dir"), NULL, 0, s.err));
	ck_assert_uint_eq(answer->files.nentries, 1);
	ck_assert_str_eq(answer->files.entries[0].name, fs_at(path));
	answer = talk_answer(&s.talk, px_client_canonicalize(s.c, fs_at(path), 0, s.err));
	ck_assert_str_eq(answer->canonical.path, fs_at(path));
	scene_end(&s);
}
END_TEST

/* ---- directories ---- */

START_TEST(test_directories)
{
	const struct px_file_list *list;
	struct scene s;

	if (lacks_openat2(_i))
		return;
	open_scene(&s, _i);
	done(&s, px_client_make_directory(s.c, fs_at("a/b/c"), PX_FILE_RECURSIVE, s.err));
	done(&s, px_client_make_directory(s.c, fs_at("a/b"), PX_FILE_RECURSIVE, s.err));
	fs_put("a/file", "x");
	fs_link("b", "a/to-b");
	fs_link("nowhere", "a/broken");
	ck_assert_int_eq(mkfifo(fs_at("a/fifo"), 0600), 0);
	list = &talk_answer(&s.talk, px_client_read_directory(s.c, fs_at("a/"), 0, s.err))->files;
	ck_assert_uint_eq(list->nentries, 4);
	ck_assert_int_eq(kind_of(list, "b"), PX_KIND_DIRECTORY);
	ck_assert_int_eq(kind_of(list, "to-b"), PX_KIND_DIRECTORY);
	ck_assert_int_eq(kind_of(list, "file"), PX_KIND_FILE);
	ck_assert_int_eq(kind_of(list, "fifo"), PX_KIND_OTHER);

	done(&s, px_client_copy(s.c, fs_at("a"), fs_at("copy"), PX_FILE_RECURSIVE, s.err));
	fs_has("copy/file", "x");
	ck_assert(fs_is_there("copy/b/c") && fs_is_there("copy/broken"));
	ck_assert(!fs_is_there("copy/fifo"));
	refused(&s, px_client_copy(s.c, fs_at("a"), fs_at("a/b/in"), PX_FILE_RECURSIVE, s.err),
	    "invalidRequest", 0);

	refused(&s, px_client_remove(s.c, fs_at("copy"), 0, s.err), "ioError", ENOTEMPTY);
	done(&s, px_client_remove(s.c, fs_at("copy"), PX_FILE_RECURSIVE, s.err));
	ck_assert(!fs_is_there("copy"));
	talk_settle(&s.talk, px_client_remove(s.c, fs_at("copy"), PX_FILE_FORCE, s.err));
	list =
	    &talk_answer(&s.talk, px_client_read_directory(s.c, fs_at("a/b/c"), 0, s.err))->files;
	ck_assert_uint_eq(list->nentries, 0);
	ck_assert_ptr_nonnull(list->entries);
	scene_end(&s);
}
END_TEST

static size_t
walked(struct scene *s, const struct px_walk *walk)
{
	const struct px_answer *answer =
	    talk_answer(&s->talk, px_client_walk(s->c, fs_at("a"), walk, 0, s->err));

	return answer->files.nentries;
}

START_TEST(test_walk)
{
	const struct px_file_list *list;
	struct scene s;

	open_scene(&s, _i);
	fs_mkdir("a");
	fs_mkdir("a/.h");
	fs_mkdir("a/b");
	fs_put("a/.h/x", "");
	fs_put("a/b/y", "");
	fs_link("b", "a/to-b");
	list = &talk_answer(&s.talk, px_client_walk(s.c, fs_at("a"), NULL, 0, s.err))->files;
	ck_assert_uint_eq(list->nentries, 4);
	ck_assert_str_eq(list->entries[0].name, fs_at("a/.h"));
	ck_assert_int_eq(list->entries[0].kind, PX_KIND_DIRECTORY);
	ck_assert_str_eq(list->entries[1].name, fs_at("a/b"));
	ck_assert_str_eq(list->entries[3].name, fs_at("a/b/y"));
	ck_assert_int_eq(list->entries[3].kind, PX_KIND_FILE);
	ck_assert_uint_eq(list->nfailures, 0);
	ck_assert(!list->truncated);
	ck_assert_uint_eq(walked(&s, &(const struct px_walk){ .levels = 1 }), 2);
	ck_assert_uint_eq(walked(&s, &(const struct px_walk){ .levels = 2 }), 4);
	ck_assert_uint_eq(walked(&s, &(const struct px_walk){ .prune_hidden = true }), 3);
	ck_assert_uint_eq(walked(&s, &(const struct px_walk){ .follow_directories = true }), 5);
	ck_assert(!s.talk.answer->files.truncated);
	ck_assert_uint_eq(walked(&s, &(const struct px_walk){ .max_entries = 1 }), 1);
	ck_assert(s.talk.answer->files.truncated);
	ck_assert_uint_eq(walked(&s, &(const struct px_walk){ .max_directories = 1 }), 2);
	ck_assert(s.talk.answer->files.truncated);
	scene_end(&s);
}
END_TEST

/* What cannot be read is told: here it is too deep. */
START_TEST(test_walk_failure)
{
	const struct px_file_list *list;
	struct scene s;
	char name[200];

	open_large_scene(&s, _i);
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	ck_assert_int_eq(chdir(fs_top), 0);
	for (int i = 0; i < 30; i++)
		ck_assert(mkdir(name, 0700) == 0 && chdir(name) == 0);
	list = &talk_answer(&s.talk, px_client_walk(s.c, fs_top, NULL, 0, s.err))->files;
	ck_assert_uint_ge(list->nentries, 15);
	ck_assert_uint_eq(list->nfailures, 1);
	ck_assert_int_eq(list->failures[0].sys, ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(list->failures[0].path, fs_top));
	for (int i = 0; i < 30; i++)
		ck_assert(chdir("..") == 0 && rmdir(name) == 0);
	scene_end(&s);
}
END_TEST

/* As many as a walk tells by itself: more than a message has values otherwise. */
START_TEST(test_many)
{
	enum { MANY = 100000 };
	const struct px_file_list *list;
	struct scene s;

	open_large_scene(&s, _i);
	ck_assert_int_eq(chdir(fs_top), 0);
	for (int i = 0; i < MANY; i++) {
		char name[16];

		snprintf(name, sizeof name, "%d", i);
		ck_assert_int_eq(mknod(name, S_IFREG | 0600, 0), 0);
	}
	list = &talk_answer(&s.talk, px_client_read_directory(s.c, fs_top, 0, s.err))->files;
	ck_assert_uint_eq(list->nentries, MANY);
	list = &talk_answer(&s.talk, px_client_walk(s.c, fs_top, NULL, 0, s.err))->files;
	ck_assert_uint_eq(list->nentries, MANY);
	ck_assert_str_eq(list->entries[MANY - 1].name, fs_at("99999"));
	ck_assert_int_eq(list->entries[MANY - 1].kind, PX_KIND_FILE);
	ck_assert(!list->truncated);
	scene_end(&s);
}
END_TEST

/* ---- blocks ---- */

enum { BLOCK = 1000, BLOCKS = 10 };

/* Nothing is waited for but the end; false: the connection was lost in between. */
static bool
replaced(struct scene *s, const char *name, const char *data)
{
	int64_t file = px_client_open_file(s->c, fs_at(name), PX_FILE_REPLACE, s->err), last;

	for (size_t i = 0; i < BLOCKS; i++)
		px_client_forget(s->c,
		    talk_sent(&s->talk, px_client_write_block(s->c, file, (int64_t)(i * BLOCK),
					    data + i * BLOCK, BLOCK, s->err)));
	last = talk_sent(&s->talk, px_client_close_file(s->c, file, 0, s->err));
	px_client_forget(s->c, file);
	if (px_client_settle(s->c, last, rig_ms(TALK_MS), s->err) == 0)
		return true;
	ck_assert_msg(s->way == WAY_CUT && s->err->code == PX_ERROR_LOST, "%s", s->err->text);
	return false;
}

START_TEST(test_blocks)
{
	char data[BLOCK * BLOCKS], have[BLOCK * BLOCKS];
	const struct px_answer *answer;
	int64_t file;
	struct scene s;
	size_t len = 0;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 11 % 251);
	open_scene(&s, _i);
	fs_put("file", "old");
	while (!replaced(&s, "file", data))
		continue;
	file = talk_sent(&s.talk, px_client_open_file(s.c, fs_at("file"), 0, s.err));
	talk_settle(&s.talk, file);
	do {
		int64_t request = px_client_read_block(s.c, file, (int64_t)len, BLOCK - 1, s.err);

		px_answer_free(s.talk.answer);
		s.talk.answer = px_client_await(s.c, request, rig_ms(TALK_MS), s.err);
		if ((answer = s.talk.answer) == NULL) { /* and the file is to be opened again */
			ck_assert_int_eq(s.way, WAY_CUT);
			ck_assert_int_eq(s.err->code, PX_ERROR_LOST);
			file =
			    talk_sent(&s.talk, px_client_open_file(s.c, fs_at("file"), 0, s.err));
			px_client_forget(s.c, file);
			continue;
		}
		ck_assert_uint_le(len + answer->content.len, sizeof have);
		memcpy(have + len, answer->content.data, answer->content.len);
		len += answer->content.len;
	} while (answer == NULL || !answer->content.eof);
	ck_assert_uint_eq(len, sizeof have);
	ck_assert_mem_eq(have, data, sizeof have);
	scene_end(&s);
}
END_TEST

/* The old content stays until the file is closed, and when the new one is discarded. */
START_TEST(test_replace)
{
	struct scene s;
	int64_t file;

	open_scene(&s, _i);
	fs_put("file", "old");
	file = px_client_open_file(s.c, fs_at("file"), PX_FILE_REPLACE, s.err);
	talk_settle(&s.talk, file);
	talk_settle(&s.talk, px_client_write_block(s.c, file, 2, "new", 3, s.err));
	fs_has("file", "old");
	talk_settle(&s.talk, px_client_close_file(s.c, file, PX_FILE_DISCARD, s.err));
	fs_has("file", "old");
	file = px_client_open_file(s.c, fs_at("file"), PX_FILE_REPLACE, s.err);
	px_client_forget(s.c, file);
	talk_settle(&s.talk, px_client_write_block(s.c, file, 2, "new", 3, s.err));
	talk_settle(&s.talk, px_client_close_file(s.c, file, 0, s.err));
	has_content(&s, "file", "\0\0new", 5);
	ck_assert_uint_eq(fs_count(""), 1);
	scene_end(&s);
}
END_TEST

START_TEST(test_handles)
{
	struct scene s;
	int64_t file, none;

	open_scene(&s, _i);
	fs_put("file", "0123456789");
	file = px_client_open_file(s.c, fs_at("file"), 0, s.err);
	talk_settle(&s.talk, file);
	refused(&s, px_client_write_block(s.c, file, 0, "x", 1, s.err), "ioError", EBADF);
	ck_assert(talk_answer(&s.talk, px_client_read_block(s.c, file, 10, 1, s.err))->content.eof);
	ck_assert(!talk_answer(&s.talk, px_client_read_block(s.c, file, 9, 1, s.err))->content.eof);
	talk_settle(&s.talk, px_client_close_file(s.c, file, 0, s.err));
	refused(&s, px_client_read_block(s.c, file, 0, 1, s.err), "unknownHandle", 0);
	talk_settle(&s.talk, px_client_close_file(s.c, file, 0, s.err));

	/* What could not be opened is not open, and whoever did not wait for that hears it too. */
	none = px_client_open_file(s.c, fs_at("none"), 0, s.err);
	file = px_client_read_block(s.c, none, 0, 1, s.err);
	refused(&s, none, "noSuchFile", ENOENT);
	refused(&s, file, "unknownHandle", 0);
	refused(&s, px_client_write_block(s.c, none, 0, "x", 1, s.err), "unknownHandle", 0);
	scene_end(&s);
}
END_TEST

START_TEST(test_too_many_handles)
{
	struct scene s;
	int64_t file = 0;

	open_scene(&s, _i);
	fs_put("file", "");
	for (int i = 0; i < 128; i++) {
		file = px_client_open_file(s.c, fs_at("file"), 0, s.err);
		talk_settle(&s.talk, file);
	}
	refused(&s, px_client_open_file(s.c, fs_at("file"), 0, s.err), "limitExceeded", 0);
	talk_settle(&s.talk, px_client_close_file(s.c, file, 0, s.err));
	talk_settle(&s.talk, px_client_open_file(s.c, fs_at("file"), 0, s.err));
	scene_end(&s);
}
END_TEST

/* ---- errors ---- */

START_TEST(test_refusals)
{
	struct scene s;

	open_large_scene(&s, _i);
	fs_put("file", "x");
	fs_mkdir("dir");
	ck_assert_int_eq(mkfifo(fs_at("fifo"), 0600), 0);
	refused(&s, px_client_stat(s.c, fs_at("none"), 0, s.err), "noSuchFile", ENOENT);
	ck_assert_ptr_nonnull(strstr(s.err->text, fs_at("none")));
	refused(&s, px_client_read_file(s.c, fs_at("none"), 0, s.err), "noSuchFile", ENOENT);
	refused(&s, px_client_read_directory(s.c, fs_at("none"), 0, s.err), "noSuchFile", ENOENT);
	refused(&s, px_client_walk(s.c, fs_at("none"), NULL, 0, s.err), "noSuchFile", ENOENT);
	refused(&s, px_client_remove(s.c, fs_at("none"), 0, s.err), "noSuchFile", ENOENT);
	refused(
	    &s, px_client_write_file(s.c, fs_at("none/x"), "", 0, 0, s.err), "noSuchFile", ENOENT);
	refused(&s, px_client_copy(s.c, fs_at("none"), fs_at("x"), 0, s.err), "noSuchFile", ENOENT);
	refused(&s, px_client_stat(s.c, fs_at("file/x"), 0, s.err), "ioError", ENOTDIR);
	refused(&s, px_client_make_directory(s.c, fs_at("dir"), 0, s.err), "ioError", EEXIST);
	refused(&s, px_client_read_directory(s.c, fs_at("file"), 0, s.err), "ioError", ENOTDIR);
	/* Nobody writes into it, and nobody waits for that. */
	refused(&s, px_client_read_file(s.c, fs_at("fifo"), 0, s.err), "invalidRequest", 0);
	refused(&s, px_client_open_file(s.c, fs_at("fifo"), 0, s.err), "invalidRequest", 0);
	refused(
	    &s, px_client_write_file(s.c, fs_at("fifo"), "x", 1, 0, s.err), "invalidRequest", 0);
	scene_end(&s);
}
END_TEST

START_TEST(test_too_large)
{
	int64_t max = 0;
	struct scene s;

	open_large_scene(&s, _i);
	for (size_t i = 0; i < px_client_greeting(s.c)->nlimits; i++)
		if (strcmp(px_client_greeting(s.c)->limits[i].name, "maxFileBytes") == 0)
			max = px_client_greeting(s.c)->limits[i].value;
	ck_assert_int_eq(max, 44 * 1024 * 1024);
	fs_put("file", "");
	ck_assert_int_eq(truncate(fs_at("file"), max + 1), 0);
	refused(&s, px_client_read_file(s.c, fs_at("file"), 0, s.err), "invalidRequest", 0);
	scene_end(&s);
}
END_TEST

static void
is_usage(struct scene *s, int64_t request)
{
	ck_assert_int_eq(request, -1);
	ck_assert_msg(s->err->code == PX_ERROR_USAGE, "%s", s->err->text);
	s->err->code = PX_ERROR_NONE;
}

START_TEST(test_usage)
{
	static const struct px_walk levels = { .levels = -1 },
				    directories = { .max_directories = PX_WALK_MAX + 1 },
				    entries = { .max_entries = -1 };
	char *longest = malloc(PATH_MAX + 1);
	struct scene s;

	memset(longest, '/', PATH_MAX);
	longest[PATH_MAX] = '\0';
	open_scene(&s, _i);
	is_usage(&s, px_client_stat(s.c, NULL, 0, s.err));
	is_usage(&s, px_client_write_file(s.c, "/a", NULL, 1, 0, s.err));
	is_usage(&s, px_client_write_block(s.c, 1, 0, NULL, 1, s.err));
	is_usage(&s, px_client_stat(s.c, "", 0, s.err));
	is_usage(&s, px_client_stat(s.c, "relative", 0, s.err));
	is_usage(&s, px_client_stat(s.c, longest, 0, s.err));
	is_usage(&s, px_client_copy(s.c, "/", "relative", 0, s.err));
	is_usage(&s, px_client_stat(s.c, "/", PX_FILE_RECURSIVE, s.err));
	is_usage(&s, px_client_close_file(s.c, 1, PX_FILE_NO_FOLLOW, s.err));
	is_usage(&s, px_client_write_file(s.c, "/x", NULL, 1, 0, s.err));
	is_usage(&s, px_client_walk(s.c, "/", &levels, 0, s.err));
	is_usage(&s, px_client_walk(s.c, "/", &directories, 0, s.err));
	is_usage(&s, px_client_walk(s.c, "/", &entries, 0, s.err));
	is_usage(&s, px_client_read_block(s.c, 0, 0, 1, s.err));
	is_usage(&s, px_client_read_block(s.c, 1, -1, 1, s.err));
	is_usage(&s, px_client_read_block(s.c, 1, INT64_MAX, 1, s.err));
	is_usage(&s, px_client_read_block(s.c, 1, 0, 0, s.err));
	is_usage(&s, px_client_read_block(s.c, 1, 0, PX_FILE_BLOCK_MAX + 1, s.err));
	is_usage(&s, px_client_write_block(s.c, 1, 0, NULL, 1, s.err));
	is_usage(&s, px_client_close_file(s.c, -2, 0, s.err));
	/* The failure of what came before is passed on. */
	ck_assert_int_eq(px_client_open_file(s.c, "relative", 0, s.err), -1);
	is_usage(&s, px_client_read_block(s.c, -1, 0, 1, s.err));
	ck_assert_ptr_nonnull(strstr(s.err->text, "relative"));
	longest[PATH_MAX - 1] = '\0';
	talk_settle(&s.talk, px_client_stat(s.c, longest, 0, s.err));
	free(longest);
	scene_end(&s);
}
END_TEST

START_TEST(test_without_the_option)
{
	struct scene s;

	scene_start(&s, _i);
	is_usage(&s, px_client_stat(s.c, "/", 0, s.err));
	scene_end(&s);
}
END_TEST

START_TEST(test_files_off)
{
	static const char *const flags[] = { "--files", "off", NULL };
	struct rig_server server;
	struct talk talk;

	rig_server_start(&server, flags);
	talk_init(&talk);
	talk.options.experimental = true;
	talk_connect(&talk, server.unix_url);
	talk_refused(&talk, px_client_stat(talk.client, "/", 0, &talk.error), "forbidden");
	ck_assert_str_ne(talk.error.text, "");
	talk_refused(
	    &talk, px_client_open_file(talk.client, "/etc/passwd", 0, &talk.error), "forbidden");
	talk_done(&talk);
	rig_server_stop(&server);
}
END_TEST

/* ---- together with others ---- */

/* Programs and files are about different things: neither waits for the other. */
START_TEST(test_beside_programs)
{
	const struct px_answer *answer;
	int64_t wait, stat;
	struct scene s;

	open_scene(&s, _i);
	START(&s.talk, "a", "echo-lines");
	wait = talk_sent(&s.talk, px_client_wait(s.c, "a", NULL, s.err));
	for (int i = 0; i < 50; i++) {
		stat = talk_sent(&s.talk, px_client_stat(s.c, fs_top, 0, s.err));
		talk_write(&s.talk, "a", "x\n");
		answer = talk_answer(&s.talk, stat);
		ck_assert_int_eq(answer->metadata.kind, PX_KIND_DIRECTORY);
	}
	talk_close_stdin(&s.talk, "a");
	ck_assert_int_eq(talk_answer(&s.talk, wait)->wait.end.exit_code, 0);
	scene_end(&s);
}
END_TEST

/* What is still being done is told to stop, and is answered. */
START_TEST(test_close_amid)
{
	int64_t request[20];
	struct px_answer *answer;
	struct scene s;

	open_large_scene(&s, _i);
	fs_put("file", "");
	ck_assert_int_eq(truncate(fs_at("file"), 40 * 1024 * 1024), 0);
	for (size_t i = 0; i < 20; i++)
		request[i] = talk_sent(&s.talk,
		    i % 2 == 0 ? px_client_walk(s.c, "/", NULL, 0, s.err)
			       : px_client_copy(s.c, fs_at("file"), fs_at("copy"), 0, s.err));
	px_client_close(s.c);
	for (size_t i = 0; i < 20; i++) {
		answer = px_client_await(s.c, request[i], 0, s.err);
		ck_assert(answer != NULL || s.err->code == PX_ERROR_LOST);
		px_answer_free(answer);
	}
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ways_files");

	tcase_add_checked_fixture(tc, fs_top_make_for_many, fs_top_remove);
	tcase_add_loop_test(tc, test_whole, 0, WAYS);
	tcase_add_loop_test(tc, test_links, 0, WAYS);
	tcase_add_loop_test(tc, test_odd_names, 0, WAYS);
	tcase_add_loop_test(tc, test_directories, 0, WAYS);
	tcase_add_loop_test(tc, test_walk, 0, WAYS);
	tcase_add_loop_test(tc, test_walk_failure, 0, WAYS);
	tcase_add_loop_test(tc, test_many, 0, WAY_CUT);
	tcase_add_loop_test(tc, test_blocks, 0, WAYS);
	tcase_add_loop_test(tc, test_replace, 0, WAY_CUT);
	tcase_add_loop_test(tc, test_handles, 0, WAY_CUT);
	tcase_add_loop_test(tc, test_too_many_handles, 0, WAY_CUT);
	tcase_add_loop_test(tc, test_refusals, 0, WAYS);
	tcase_add_loop_test(tc, test_too_large, 0, WAYS);
	tcase_add_loop_test(tc, test_usage, 0, WAYS);
	tcase_add_loop_test(tc, test_without_the_option, 0, WAYS);
	tcase_add_test(tc, test_files_off);
	tcase_add_loop_test(tc, test_beside_programs, 0, WAYS);
	tcase_add_loop_test(tc, test_close_amid, 0, WAYS);
	return serve_cases(tc, NULL);
}

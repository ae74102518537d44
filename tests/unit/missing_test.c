#include "fs/missing.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "cases.h"
#include "fs_dir.h"

/* What is waited for in most of them: a/b/c/d, with a/b there. */
static struct px_missing *
wait_for(const char *name, const char *present)
{
	const char *path = name != NULL ? fs_at(name) : NULL;
	const struct px_missing_spec spec = { &path, name != NULL,
		present != NULL ? fs_at(present) : NULL };
	struct px_missing *missing = NULL;

	FS_OK(px_missing_new(&spec, NULL, &missing, &err));
	return missing;
}

/* What inotify(7) tells, it tells before the call that did it returns. */
static void
news_are(struct px_missing *missing, enum px_missing_news news)
{
	struct pollfd fd = { px_missing_fd(missing), POLLIN, 0 };

	if (news != PX_MISSING_NOTHING)
		ck_assert_int_eq(poll(&fd, 1, 0), 1);
	ck_assert_int_eq(px_missing_read(missing), news);
	ck_assert_int_eq(news != PX_MISSING_CHANGED ? poll(&fd, 1, 0) : 0, 0);
}

static void
make_all(void)
{
	fs_mkdir("a");
	fs_mkdir("a/b");
	fs_mkdir("z");
	fs_put("z/file", "");
	fs_mkdir("z/c");
}

static void
setup(void)
{
	fs_top_make();
	make_all();
}

static void
make_c(void)
{
	fs_mkdir("a/b/c");
}

static void
move_c(void)
{
	ck_assert_int_eq(rename(fs_at("z/c"), fs_at("a/b/c")), 0);
}

static void
link_c(void)
{
	fs_link("nowhere", "a/b/c");
}

static void
put_c(void)
{
	fs_put("a/b/c", "");
}

static void
nothing(void)
{
	fs_put("a/b/cc", "");
	fs_put("a/c", "");
	fs_mkdir("a/b/C");
	ck_assert_int_eq(rename(fs_at("z/file"), fs_at("a/b/x")), 0);
	ck_assert_int_eq(unlink(fs_at("a/b/cc")), 0);
	ck_assert_int_eq(rename(fs_at("a/b/x"), fs_at("a/c")), 0);
}

static void
move_b(void)
{
	ck_assert_int_eq(rename(fs_at("a/b"), fs_at("z/b")), 0);
}

static void
move_a(void)
{
	ck_assert_int_eq(rename(fs_at("a"), fs_at("z/a")), 0);
}

static void
remove_b(void)
{
	ck_assert_int_eq(rmdir(fs_at("a/b")), 0);
}

static const struct {
	void (*act)(void);
	enum px_missing_news news;
} acts[] = {
	{ make_c, PX_MISSING_CHANGED },
	{ move_c, PX_MISSING_CHANGED },
	{ link_c, PX_MISSING_CHANGED },
	{ put_c, PX_MISSING_CHANGED },
	{ nothing, PX_MISSING_NOTHING },
	{ move_b, PX_MISSING_MOVED },
	{ move_a, PX_MISSING_MOVED },
	{ remove_b, PX_MISSING_MOVED },
};

START_TEST(test_missing)
{
	struct px_missing *missing;

	setup();
	missing = wait_for("a/b/c/d", NULL);
	news_are(missing, PX_MISSING_NOTHING);
	acts[_i].act();
	news_are(missing, acts[_i].news);
	px_missing_free(missing);
}
END_TEST

START_TEST(test_pointless)
{
	const struct px_missing_spec empty = { NULL, 0, NULL };
	struct px_missing *missing = (struct px_missing *)&empty;

	setup();
	ck_assert_ptr_null(wait_for("a/b", NULL));
	ck_assert_ptr_null(wait_for("a", "a"));
	ck_assert_ptr_null(wait_for("a/b/c", "gone"));
	ck_assert_ptr_null(wait_for(NULL, "z/file/x"));
	FS_OK(px_missing_new(&empty, NULL, &missing, &err));
	ck_assert_ptr_null(missing);
}
END_TEST

START_TEST(test_present)
{
	struct px_missing *missing;

	setup();
	missing = wait_for("a/b/c/d", "z/file");
	fs_put("z/other", "");
	ck_assert_int_eq(unlink(fs_at("z/other")), 0);
	fs_put("a/b/x", "");
	news_are(missing, PX_MISSING_NOTHING);
	ck_assert_int_eq(rename(fs_at("z/file"), fs_at("z/elsewhere")), 0);
	news_are(missing, PX_MISSING_CHANGED);
	px_missing_free(missing);

	missing = wait_for(NULL, "z/c");
	ck_assert_int_eq(rmdir(fs_at("z/c")), 0);
	news_are(missing, PX_MISSING_CHANGED);
	px_missing_free(missing);

	fs_link("../z/elsewhere", "a/link");
	missing = wait_for("a/b/c/d", "a/link");
	ck_assert_int_eq(unlink(fs_at("z/elsewhere")), 0);
	news_are(missing, PX_MISSING_CHANGED);
	px_missing_free(missing);
	missing = wait_for("a/b/c/d", "a/b");
	move_a();
	news_are(missing, PX_MISSING_MOVED);
	px_missing_free(missing);
	ck_assert_ptr_null(wait_for("a/b/c/d", "a/b"));
}
END_TEST

/* A link that leads nowhere: waited for is what it leads to, and another link. */
START_TEST(test_broken_link)
{
	struct px_missing *missing;

	setup();
	fs_link("../z/new/file", "a/link");
	fs_link("link", "a/second");
	missing = wait_for("a/second/x", NULL);
	fs_put("z/x", "");
	news_are(missing, PX_MISSING_NOTHING);
	fs_mkdir("z/new");
	news_are(missing, PX_MISSING_CHANGED);
	px_missing_free(missing);

	missing = wait_for("a/second/x", NULL);
	fs_link("b", "a/other");
	ck_assert_int_eq(rename(fs_at("a/other"), fs_at("a/second")), 0);
	news_are(missing, PX_MISSING_CHANGED);
	px_missing_free(missing);
}
END_TEST

/* A file where a directory is missing: it can be replaced by one. */
START_TEST(test_file_in_the_way)
{
	struct px_missing *missing;

	setup();
	missing = wait_for("z/file/x", NULL);
	ck_assert_int_eq(unlink(fs_at("z/file")), 0);
	news_are(missing, PX_MISSING_NOTHING);
	fs_mkdir("z/file");
	news_are(missing, PX_MISSING_CHANGED);
	px_missing_free(missing);
}
END_TEST

START_TEST(test_bad)
{
	const char *loop, *relative = "a/b", *none = "/none";
	const struct px_missing_spec looped = { &loop, 1, NULL }, odd = { &relative, 1, NULL };
	const struct px_missing_spec good = { &none, 1, NULL };
	const atomic_bool stop = true;
	struct px_missing *missing = NULL;

	setup();
	fs_link("loop", "loop");
	loop = fs_at("loop/x");
	FS_FAILS(px_missing_new(&looped, NULL, &missing, &err), PX_E_IO, ELOOP);
	FS_FAILS(px_missing_new(&odd, NULL, &missing, &err), PX_E_PARAMS, 0);
	FS_FAILS(px_missing_new(&good, &stop, &missing, &err), PX_E_CANCELLED, 0);
	px_missing_free(NULL);
}
END_TEST

/* Ten thousand, half of them in directories of their own; each is noticed. */
START_TEST(test_10000)
{
	static char paths[10000][PATH_MAX / 4];
	char name[32];
	static const char *list[10000];
	const struct px_missing_spec spec = { list, 10000, NULL };
	const size_t noticed[] = { 0, 1, 4999, 5000, 9999 };
	struct px_missing *missing = NULL;

	fs_top_make_for_many();
	for (size_t i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "d%zu", i);
		strlcpy(paths[i], fs_at(name), sizeof paths[i]);
		if (i % 2 == 0) {
			ck_assert_int_eq(mkdir(paths[i], 0700), 0);
			strlcat(paths[i], "/.git/x", sizeof paths[i]);
		}
		list[i] = paths[i];
	}
	for (size_t i = 0; i < sizeof noticed / sizeof noticed[0]; i++) {
		char *slash;

		FS_OK(px_missing_new(&spec, NULL, &missing, &err));
		ck_assert_ptr_nonnull(missing);
		news_are(missing, PX_MISSING_NOTHING);
		slash = strstr(paths[noticed[i]], "/.git");
		if (slash != NULL)
			slash[5] = '\0';
		ck_assert_int_eq(mkdir(paths[noticed[i]], 0700), 0);
		news_are(missing, PX_MISSING_CHANGED);
		px_missing_free(missing);
		ck_assert_int_eq(rmdir(paths[noticed[i]]), 0);
	}
}
END_TEST

/* More events than the queue of the kernel holds: then all has to be looked at anew. */
START_TEST(test_overflow)
{
	struct px_missing *missing;
	enum px_missing_news news = PX_MISSING_NOTHING;
	struct pollfd fd = { .events = POLLIN };
	size_t max = 0;
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

	ck_assert_int_eq(fscanf(file, "%zu", &max), 1);
	fclose(file);
	if (max > 100000)
		return; /* it would take too many files */
	fs_top_make_for_many();
	make_all();
	missing = wait_for("a/b/c", NULL);
	for (size_t i = 0; i <= max; i += 2) {
		fs_link("nowhere", "a/b/link");
		ck_assert_int_eq(unlink(fs_at("a/b/link")), 0);
	}
	fd.fd = px_missing_fd(missing);
	while (news == PX_MISSING_NOTHING && poll(&fd, 1, 0) == 1)
		news = px_missing_read(missing);
	ck_assert_int_eq(news, PX_MISSING_MOVED);
	px_missing_free(missing);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("missing");

	tcase_add_checked_fixture(tc, NULL, fs_top_remove);
	tcase_add_loop_test(tc, test_missing, 0, sizeof acts / sizeof acts[0]);
	tcase_add_test(tc, test_pointless);
	tcase_add_test(tc, test_present);
	tcase_add_test(tc, test_broken_link);
	tcase_add_test(tc, test_file_in_the_way);
	tcase_add_test(tc, test_bad);
	tcase_add_test(tc, test_10000);
	tcase_add_test(tc, test_overflow);
	return run_cases(tc);
}

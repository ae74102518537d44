#include "sandbox/sandbox.h"

#include <errno.h>
#include <sys/file.h>

#include "cases.h"
#include "fs_dir.h"
#include "sandbox/bwrap.h"
#include "sandbox/policy.h"
#include "sandbox/resolve.h"
#include "sandbox/stand_in.h"
#include "sandbox/view.h"

/* From a policy to what bubblewrap is told and what requests about files may do. */

static const char *const guarded[] = { ".git", NULL };

static const char *
where(const char *name)
{
	return name[0] == '/' ? name : fs_at(name);
}

/* "r:NAME", "w:NAME" or "n:NAME", below the test's directory unless it begins with a slash. */
static struct px_policy
policy_of(const char *const *entries)
{
	struct px_policy policy = { .guarded = guarded };
	struct px_err err;

	for (; *entries != NULL; entries++) {
		enum px_fs_access access = **entries == 'w'   ? PX_FS_WRITE
					   : **entries == 'r' ? PX_FS_READ
							      : PX_FS_NONE;

		ck_assert_int_eq(px_policy_add(&policy, where(*entries + 2), access, &err), 0);
	}
	return policy;
}

#define POLICY(...) policy_of((const char *const[]){ __VA_ARGS__, NULL })

/* The places as text: "r/ w. m.git", with "." for the test's directory. */
static const char *
view_text(const struct px_view *view)
{
	static const char kinds[] = { [PX_VIEW_DIRECTORY] = '/',
		[PX_VIEW_FILE] = 'f',
		[PX_VIEW_MISSING] = 'm',
		[PX_VIEW_ABSENT] = 'a' };
	static char text[4096];
	size_t len = 0, top = strlen(fs_top);

	text[0] = '\0';
	for (size_t i = 0; i < view->count; i++) {
		const struct px_view_place *place = &view->list[i];
		bool mine = strncmp(place->path, fs_top, top) == 0;

		len += (size_t)snprintf(text + len, sizeof text - len, "%s%c%c%s%s",
		    i > 0 ? " " : "", "nrw"[place->access], kinds[place->kind], mine ? "." : "",
		    place->path + (mine ? top : 0));
	}
	return text;
}

static void
check_view(struct px_policy policy, const char *expected)
{
	struct px_view view;
	struct px_err err = { 0 };

	ck_assert_msg(px_view_make(&policy, &view, &err) == 0, "%s", err.text);
	ck_assert_str_eq(view_text(&view), expected);
	px_view_done(&view);
	px_policy_done(&policy);
}

static void
check_refused(struct px_policy policy, enum px_code code, const char *words)
{
	struct px_view view;
	struct px_err err = { 0 };

	ck_assert_int_eq(px_view_make(&policy, &view, &err), -1);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
	px_policy_done(&policy);
}

START_TEST(test_plain)
{
	fs_mkdir("ro");
	fs_mkdir("ro/rw");
	fs_put("file", "");
	check_view(POLICY("r:/"), "r//");
	check_view(POLICY("n:/ro"), "n//");
	check_view(POLICY("w:/"), "w//");
	check_view(POLICY("w:/", "w:ro"), "w//");
	check_view(POLICY("w:/", "n:/"), "n//");
	check_view(POLICY("r:/", "w:/", "r:/"), "w//");
	check_view(POLICY("r:/", "w:"), "r// w/. rm./.git");
	check_view(POLICY("r:/", "r:", "w:", "r:"), "r// w/. rm./.git");
	check_view(POLICY("r:/", "w:", "n:"), "r// n/.");
	check_view(POLICY("r:/", "w:", "r:ro", "w:ro/rw", "r:file"),
	    "r// w/. rm./.git rf./file r/./ro w/./ro/rw rm./ro/rw/.git");
	/* What says nothing new is not said. */
	check_view(POLICY("r:/", "r:ro", "r:file", "w:/no/such"), "r//");
	check_view(POLICY("r:/", "w:file"), "r// wf./file");
}
END_TEST

START_TEST(test_missing)
{
	fs_mkdir("a");
	fs_mkdir("a/b");
	/* The first name that is missing stands for what is to stay so. */
	check_view(POLICY("r:/", "w:", "r:x/y/z"), "r// w/. rm./.git rm./x");
	check_view(POLICY("r:/", "w:", "n:x/y/z", "r:x"), "r// w/. rm./.git nm./x");
	check_view(POLICY("r:/", "w:", "w:x/y/z"), "r// w/. rm./.git");
	check_view(POLICY("r:/", "w:", "r:a/b/c/d"), "r// w/. rm./.git w/./a w/./a/b rm./a/b/c");
	/* Where nobody can make it, nothing need stand for it, but no request reads what comes to
	 * be. */
	check_view(POLICY("r:/", "r:x"), "r//");
	check_view(POLICY("r:/", "n:x"), "r// na./x");
	check_view(POLICY("n:/", "r:x"), "n//");
}
END_TEST

START_TEST(test_pins)
{
	fs_mkdir("a");
	fs_mkdir("a/b");
	fs_mkdir("a/b/c");
	fs_mkdir("z");
	check_view(POLICY("r:/", "w:", "r:a/b/c"), "r// w/. rm./.git w/./a w/./a/b r/./a/b/c");
	check_view(POLICY("r:/", "w:", "w:a/b"), "r// w/. rm./.git w/./a w/./a/b rm./a/b/.git");
	check_view(POLICY("r:/", "w:", "r:a", "w:a/b", "r:a/b/c"),
	    "r// w/. rm./.git r/./a w/./a/b rm./a/b/.git r/./a/b/c");
}
END_TEST

START_TEST(test_links)
{
	fs_mkdir("real");
	fs_mkdir("outer");
	fs_link("real", "link");
	fs_link("loop", "loop");
	fs_link("../real/./../real", "outer/back");
	check_view(POLICY("r:/", "w:link"), "r// w/./real rm./real/.git");
	check_view(POLICY("r:/", "w:outer/back"), "r// w/./real rm./real/.git");
	check_refused(POLICY("r:/", "w:", "r:link"), PX_E_FORBIDDEN, "/link'");
	check_refused(POLICY("r:/", "w:", "w:link/x"), PX_E_FORBIDDEN, "/link'");
	check_refused(POLICY("r:/", "w:", "n:outer/back"), PX_E_FORBIDDEN, "/outer/back'");
	check_refused(POLICY("r:/", "r:loop"), PX_E_IO, "symbolic links");
	fs_link("real", ".git");
	check_refused(POLICY("r:/", "w:"), PX_E_FORBIDDEN, "/.git'");
	ck_assert_int_eq(unlink(where(".git")), 0);
	fs_link("/no/such/file", ".git");
	check_refused(POLICY("r:/", "w:"), PX_E_FORBIDDEN, "/.git'");
}
END_TEST

START_TEST(test_refused)
{
	static char name[512];

	check_refused(POLICY("r:/", "w:/proc"), PX_E_FORBIDDEN, "'/proc'");
	check_refused(POLICY("r:/", "n:/proc/sys"), PX_E_FORBIDDEN, "'/proc/sys'");
	check_view(POLICY("r:/", "r:/proc/sys"), "r//");
	memset(name, 'a', sizeof name - 1);
	memcpy(name, "r:", 2);
	check_refused(POLICY("r:/", name), PX_E_IO, "File name too long");
}
END_TEST

START_TEST(test_policy_limit)
{
	struct px_policy policy = { 0 };
	struct px_err err;

	for (int i = 0; i < PX_POLICY_MAX; i++)
		ck_assert_int_eq(px_policy_add(&policy, "/", PX_FS_READ, &err), 0);
	ck_assert_int_eq(px_policy_add(&policy, "/", PX_FS_READ, &err), -1);
	ck_assert_int_eq(err.code, PX_E_LIMIT);
	px_policy_done(&policy);
}

/* The machine's settings are covered right behind /proc, always. */
static void
drop_covers(char *words)
{
	static const char proc[] = "--proc /proc ", cover[] = "--ro-bind-try /proc/";
	char *from = strstr(words, proc), *to;

	ck_assert_ptr_nonnull(from);
	from += sizeof proc - 1;
	ck_assert_ptr_nonnull(strstr(from, " --ro-bind-try /proc/sys /proc/sys "));
	for (to = from; strncmp(to, cover, sizeof cover - 1) == 0;)
		for (int i = 0; i < 3; i++)
			to += strcspn(to, " ") + (to[strcspn(to, " ")] == ' ');
	memmove(from, to, strlen(to) + 1);
	if (*from == '\0')
		from[-1] = '\0';
}
END_TEST

/* ---- what bubblewrap is told ---- */

/* The arguments behind those that are always there, with spaces between. */
static void
check_args(struct px_policy policy, bool network, const char *expected)
{
	struct px_view view;
	struct px_err err;
	char *args, *word;
	size_t len;

	policy.network = network;
	ck_assert_int_eq(px_view_make(&policy, &view, &err), 0);
	px_bwrap_args(&view, &args, &len);
	ck_assert_int_eq(memmem(args, len, "--unshare-net", 14) == NULL, network);
	for (const char *const *always = (const char *const[]){ "--unshare-user", "--unshare-pid",
		 "--unshare-ipc", "--cap-drop", "--die-with-parent", "--seccomp", NULL };
	     *always != NULL; always++)
		ck_assert_ptr_nonnull(memmem(args, len, *always, strlen(*always) + 1));
	word = memmem(args, len, "--seccomp\0004", 12);
	ck_assert_ptr_nonnull(word);
	word += 12;
	for (char *c = word; c < args + len - 1; c++)
		if (*c == '\0')
			*c = ' ';
	drop_covers(word);
	ck_assert_str_eq(word, expected);
	free(args);
	px_view_done(&view);
	px_policy_done(&policy);
}

#define ARGS(...) (snprintf(expected, sizeof expected, __VA_ARGS__), expected)

START_TEST(test_args)
{
	static char expected[8 * PATH_MAX];
	const char *t = fs_top;

	fs_mkdir(".git");
	fs_mkdir("deny");
	fs_mkdir("deny/open");
	fs_put("secret", "");
	check_args(POLICY("r:/"), false, "--ro-bind / / --dev /dev --proc /proc");
	check_args(POLICY("w:/"), false, "--dev-bind / / --proc /proc");
	check_args(POLICY("r:/", "w:"), true,
	    ARGS("--ro-bind / / --dev /dev --proc /proc --bind %s %s --ro-bind %s/.git %s/.git", t,
		t, t, t));
	check_args(POLICY("r:/", "n:secret", "n:deny"), true,
	    ARGS("--ro-bind / / --dev /dev --proc /proc --perms 0000 --tmpfs %s/deny --ro-bind "
		 "/dev/null %s/secret --remount-ro %s/deny",
		t, t, t));
	check_args(POLICY("r:/", "n:deny", "r:deny/open"), true,
	    ARGS("--ro-bind / / --dev /dev --proc /proc --perms 0111 --tmpfs %s/deny --ro-bind "
		 "%s/deny/open %s/deny/open --remount-ro %s/deny",
		t, t, t, t));
}
END_TEST

/* Without "/", the links on the way are made again, and the rest is closed at last. */
START_TEST(test_args_of_little)
{
	static char expected[8 * PATH_MAX];
	const char *t = fs_top;

	fs_mkdir("real");
	fs_link("real", "link");
	check_args(POLICY("r:link"), true,
	    ARGS("--dev /dev --proc /proc --ro-bind %s/real %s/real --symlink real %s/link "
		 "--remount-ro /",
		t, t, t));
	check_args(POLICY("n:/"), true, "--dev /dev --proc /proc --remount-ro /");
}
END_TEST

/* ---- the same for requests ---- */

START_TEST(test_rules)
{
	static const struct {
		const char *path;
		enum px_fs_access access;
	} cases[] = { { "/etc/passwd", PX_FS_READ }, { "", PX_FS_WRITE }, { "x", PX_FS_WRITE },
		{ ".git", PX_FS_READ }, { ".git/x", PX_FS_READ }, { ".gitx", PX_FS_WRITE },
		{ "deny", PX_FS_NONE }, { "deny/x", PX_FS_NONE }, { "deny/open/x", PX_FS_READ },
		{ "missing/x", PX_FS_READ } };
	struct px_policy policy;
	struct px_fs_rules rules;
	struct px_view view;
	struct px_err err;

	fs_mkdir("deny");
	fs_mkdir("deny/open");
	policy = POLICY("r:/", "w:", "n:deny", "r:deny/open", "r:missing/y");
	ck_assert_int_eq(px_view_make(&policy, &view, &err), 0);
	rules.list = px_view_rules(&view, &rules.count);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (enum px_fs_access wanted = PX_FS_READ; wanted <= PX_FS_WRITE; wanted++)
			ck_assert_msg((px_fs_rules_check(&rules, where(cases[i].path), wanted,
					   &err) == 0) == (wanted <= cases[i].access),
			    "%s %d", cases[i].path, (int)wanted);
	free((void *)rules.list);
	px_view_done(&view);
	px_policy_done(&policy);
}
END_TEST

/* What this user cannot reach needs no mount; what it has closed itself, it could open again. */
START_TEST(test_out_of_reach)
{
	struct px_policy policy;
	struct px_view view;
	struct px_err err;

	if (geteuid() != 0)
		return;
	fs_mkdir("closed");
	fs_mkdir("closed/x");
	fs_mkdir("own");
	fs_mkdir("open");
	fs_link("../closed", "open/link");
	ck_assert_int_eq(chmod(fs_top, 0755), 0);
	ck_assert_int_eq(chmod(where("closed"), 0700), 0);
	ck_assert_int_eq(chmod(where("own"), 0), 0);
	ck_assert_int_eq(chown(where("own"), 65534, 65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	check_view(POLICY("r:/", "n:closed/x", "w:closed/y/z", "r:closed/x/y"), "r//");
	policy = POLICY("r:/", "n:own/x");
	ck_assert_int_eq(px_view_make(&policy, &view, &err), -1);
	ck_assert_int_eq(err.sys, EACCES);
	px_policy_done(&policy);
	policy = POLICY("r:/", "w:open", "n:open/link/x");
	ck_assert_int_eq(px_view_make(&policy, &view, &err), -1);
	ck_assert_int_eq(err.code, PX_E_FORBIDDEN);
	px_policy_done(&policy);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* ---- what stands for the missing ---- */

START_TEST(test_stand_ins)
{
	struct px_stand_ins *all = px_stand_ins_new(), *others = px_stand_ins_new();
	char path[PATH_MAX];
	struct px_err err;

	strlcpy(path, where("x"), sizeof path);
	ck_assert_int_eq(px_stand_in_hold_found(all, path, &err), 0);
	ck_assert_int_eq(px_stand_in_hold(all, path, &err), 1);
	ck_assert(px_stand_in_is(path));
	ck_assert_int_eq(px_stand_in_hold(all, path, &err), 1);
	ck_assert_int_eq(px_stand_in_hold_found(others, path, &err), 1);
	px_stand_in_drop(all, path);
	ck_assert(px_stand_in_is(path));
	px_stand_in_drop(all, path);
	ck_assert(px_stand_in_is(path));
	px_stand_ins_free(others);
	ck_assert(!fs_is_there("x"));
	/* Something is put into it, or in its place: that stays. */
	ck_assert_int_eq(px_stand_in_hold(all, path, &err), 1);
	ck_assert_int_eq(chmod(path, 0755), 0);
	fs_mkdir("x/y");
	px_stand_in_drop(all, path);
	ck_assert(fs_is_there("x/y"));
	ck_assert_int_eq(px_stand_in_hold(all, path, &err), 0);
	ck_assert_int_eq(px_stand_in_hold(all, where("z"), &err), 1);
	ck_assert_int_eq(rmdir(where("z")), 0);
	fs_mkdir("z");
	px_stand_ins_free(all);
	ck_assert(fs_is_there("z"));
}
END_TEST

/* Those of a process that was killed are known again; others' empty directories are not. */
START_TEST(test_stand_ins_left)
{
	struct px_stand_ins *all = px_stand_ins_new();
	struct px_policy policy;
	struct px_err err;

	fs_mkdir("mine");
	ck_assert_int_eq(px_stand_in_hold(all, where("mine"), &err), 0);
	ck_assert_int_eq(chmod(where("mine"), 0555), 0);
	ck_assert_int_eq(px_stand_in_hold_found(all, where("mine"), &err), 0);
	fs_mkdir("left");
	ck_assert_int_eq(chmod(where("left"), 01555), 0);
	ck_assert_int_eq(px_stand_in_hold(all, where("left"), &err), 1);
	/* For another sandbox what it stands for is as missing as before. */
	policy = POLICY("r:/", "w:", "r:left/deep/er");
	check_view(policy, "r// w/. rm./.git rm./left");
	px_stand_ins_free(all);
	ck_assert(!fs_is_there("left"));
	ck_assert(fs_is_there("mine"));
}
END_TEST

/* One that another process is about to remove protects nothing: better no sandbox than that. */
START_TEST(test_stand_ins_going)
{
	struct px_stand_ins *all = px_stand_ins_new();
	struct px_err err;
	int fd;

	ck_assert_int_eq(mkdir(where("x"), 01555), 0);
	fd = open(where("x"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(px_stand_in_hold_found(all, where("x"), &err), -1);
	ck_assert_int_eq(px_stand_in_hold(all, where("x"), &err), -1);
	ck_assert_int_eq(err.code, PX_E_IO);
	close(fd);
	ck_assert_int_eq(px_stand_in_hold(all, where("x"), &err), PX_STAND_IN_HELD);
	px_stand_ins_free(all);
	ck_assert(!fs_is_there("x"));
}
END_TEST

/* Whatever the umask is; nothing is made or removed through a link. */
START_TEST(test_stand_ins_made)
{
	struct px_stand_ins *all = px_stand_ins_new();
	mode_t before = umask(0077);
	struct px_err err;

	ck_assert_int_eq(px_stand_in_hold(all, where("x"), &err), PX_STAND_IN_HELD);
	umask(before);
	fs_mkdir("real");
	fs_mkdir("top");
	ck_assert_int_eq(px_stand_in_hold(all, where("top/y"), &err), PX_STAND_IN_HELD);
	ck_assert_int_eq(rename(where("top"), where("gone")), 0);
	fs_link("gone", "top");
	ck_assert_int_eq(px_stand_in_hold(all, where("top/z"), &err), -1);
	ck_assert(!fs_is_there("gone/z"));
	px_stand_ins_free(all);
	ck_assert(!fs_is_there("x"));
	ck_assert(fs_is_there("gone/y"));
}
END_TEST

/* Where this user could never make anything, nothing need be kept from coming to be. */
START_TEST(test_stand_ins_of_others)
{
	struct px_stand_ins *all = px_stand_ins_new();
	struct px_err err;

	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(fs_top, 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
		ck_assert_int_eq(px_stand_in_hold(all, where("x"), &err), PX_STAND_IN_NEVER);
		ck_assert_int_eq(seteuid(0), 0);
	}
	ck_assert_int_eq(
	    px_stand_in_hold(all, "/proc/x", &err), geteuid() == 0 ? -1 : PX_STAND_IN_NEVER);
	px_stand_ins_free(all);
}
END_TEST

START_TEST(test_no_bubblewrap)
{
	struct px_sandbox *sandbox;
	struct px_cage *cage = NULL;
	struct px_policy policy = POLICY("r:/"), open = POLICY("w:/");
	struct px_err err;

	setenv("PATH", "::relative:/no/such/directory", 1);
	sandbox = px_sandbox_new(NULL);
	ck_assert_int_eq(px_sandbox_cage(sandbox, &policy, &cage, &err), -1);
	ck_assert_int_eq(err.code, PX_E_FORBIDDEN);
	ck_assert_ptr_nonnull(strstr(err.text, "bubblewrap"));
	open.network = true;
	ck_assert_int_eq(px_sandbox_cage(sandbox, &open, &cage, &err), 0);
	ck_assert_ptr_null(cage);
	px_sandbox_free(sandbox);
	px_sandbox_free(NULL);
	px_policy_done(&policy);
	px_policy_done(&open);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("sandbox");

	tcase_add_checked_fixture(tc, fs_top_make, fs_top_remove);
	tcase_add_test(tc, test_plain);
	tcase_add_test(tc, test_missing);
	tcase_add_test(tc, test_pins);
	tcase_add_test(tc, test_links);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_policy_limit);
	tcase_add_test(tc, test_args);
	tcase_add_test(tc, test_args_of_little);
	tcase_add_test(tc, test_rules);
	tcase_add_test(tc, test_out_of_reach);
	tcase_add_test(tc, test_stand_ins);
	tcase_add_test(tc, test_stand_ins_left);
	tcase_add_test(tc, test_stand_ins_going);
	tcase_add_test(tc, test_stand_ins_made);
	tcase_add_test(tc, test_stand_ins_of_others);
	tcase_add_test(tc, test_no_bubblewrap);
	return run_cases(tc);
}

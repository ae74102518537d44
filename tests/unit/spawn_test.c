#include "proc/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cases.h"
#include "child_spec.h"

enum { TEXT_MAX = 16384 };

static const struct px_spawn_extra plain = { .cgroup_fd = -1 };

struct outcome {
	char out[TEXT_MAX], err[TEXT_MAX];
	int status;
};

static size_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* To the end: end of file, or EIO from a terminal that nobody has open any more. */
static void
read_all(int fd, char *text)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, text + len, TEXT_MAX - 1 - len);
		if (n > 0)
			len += (size_t)n;
		else if (n == -1 && errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (n == 0 || errno != EINTR)
			break;
	}
	text[len] = '\0';
}

static void
spawned_close(const struct px_spawned *child)
{
	if (child->in != -1 && child->in != child->out)
		close(child->in);
	close(child->out);
	if (child->err != -1)
		close(child->err);
	close(child->pidfd);
}

static void
collect(const struct px_spawned *child, struct outcome *out)
{
	read_all(child->out, out->out);
	out->err[0] = '\0';
	if (child->err != -1)
		read_all(child->err, out->err);
	ck_assert_int_eq(waitpid(child->pid, &out->status, 0), child->pid);
	spawned_close(child);
}

/* Runs 'spec' to its end and frees its content. */
static void
run_with(struct px_spec *spec, const struct px_spawn_extra *extra, struct outcome *out)
{
	struct px_spawned child;
	struct px_err err = { 0 };

	ck_assert_msg(px_spawn(spec, extra, &child, &err) == 0, "%s", err.text);
	px_spec_done(spec);
	collect(&child, out);
}

static void
run(struct px_spec spec, struct outcome *out)
{
	run_with(&spec, &plain, out);
}

/* Its arguments as fails_with() has them; 'spec' stays. */
static void
fails_once(const struct px_spec *spec, const struct px_spawn_extra *extra, int sys,
    const char *step, const char *path)
{
	struct px_spawned child = { .pid = 4711 };
	struct px_err err = { 0 };
	size_t before = count_fds();

	ck_assert_int_eq(px_spawn(spec, extra, &child, &err), -1);
	ck_assert_int_eq(err.code, PX_E_SPAWN);
	ck_assert_msg(err.sys == sys, "%s", err.text);
	ck_assert_str_eq(err.step, step);
	ck_assert_str_eq(err.path, path);
	ck_assert_str_ne(err.text, "");
	ck_assert_int_eq(child.pid, 4711);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(px_spawn(spec, extra, &child, NULL), -1);
}

/* As a caller knows it that has started something already: false where vfork(2) is a fork. */
static bool
vfork_lends(void)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "true");
	struct px_spawned child;
	struct outcome outcome;

	ck_assert_int_eq(px_spawn(&spec, &plain, &child, NULL), 0);
	px_spec_done(&spec);
	collect(&child, &outcome);
	return child.lent;
}

/* It must fail, say so, and leave nothing: by a pipe and by memory. Frees the content of 'spec'. */
static void
fails_with(struct px_spec *spec, const struct px_spawn_extra *extra, int sys, const char *step,
    const char *path)
{
	struct px_spawn_extra lending = *extra;

	fails_once(spec, extra, sys, step, path);
	lending.lends = vfork_lends();
	fails_once(spec, &lending, sys, step, path);
	px_spec_done(spec);
}

static void
fails(struct px_spec spec, int sys, const char *step, const char *path)
{
	fails_with(&spec, &plain, sys, step, path);
}

static void
set_env(struct px_spec *spec, const char *const *env)
{
	px_spec_forget_env(spec);
	spec->env = strings_copy(env);
}

#define SET_ENV(spec, ...) set_env(spec, (const char *const[]){ __VA_ARGS__, NULL })

static void
set_cwd(struct px_spec *spec, const char *cwd)
{
	free(spec->cwd);
	spec->cwd = px_strdup(cwd);
}

/* ---- a folder with programs of several kinds ---- */

static char dir[] = "/tmp/spawn_test.XXXXXX";

static void
put_file(const char *name, mode_t mode, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
put_dir(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
put_puppet(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_assert_int_eq(symlink(puppet_path(), path), 0);
}

static void
dir_setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	put_dir("denied");
	put_dir("good");
	put_file("denied/prog", 0644, "no program");
	put_puppet("good/prog");
	put_puppet("here");
	put_file("text", 0755, "no program either\n");
	put_file("interpreted", 0755, "#!/nonexistent/interpreter\n");
}

static void
dir_teardown(void)
{
	static const char *const names[] = { "denied/prog", "good/prog", "here", "text",
		"interpreted", "denied", "good", "" };
	char path[128];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		remove(path);
	}
}

/* A spec of NAME with arguments "exit 9", looked up in 'path' (%s stands for the folder) and
 * started in the folder. */
static struct px_spec
looked_up(const char *name, const char *path)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, name, "exit", "9");
	char text[512] = "PATH=";
	size_t len = strlen(text);

	for (; *path != '\0' && len < sizeof text - sizeof dir; path++) {
		if (*path == '%')
			len += (size_t)snprintf(text + len, sizeof text - len, "%s", dir);
		else
			text[len++] = *path;
		text[len] = '\0';
	}
	SET_ENV(&spec, text);
	set_cwd(&spec, dir);
	return spec;
}

/* ---- what the program is given ---- */

START_TEST(test_argv_is_exact)
{
	struct outcome o;

	run(PUPPET(PX_IO_PIPE, "argv", "", "a b", "$HOME", "x\ny", "\xff"), &o);
	ck_assert_str_eq(o.out, "[0]=\n[1]=a b\n[2]=$HOME\n[3]=x\ny\n[4]=\xff\n");
	ck_assert_str_eq(o.err, "");
	ck_assert_int_eq(o.status, 0);
}
END_TEST

START_TEST(test_arg0)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "arg0");
	struct outcome o;

	spec.arg0 = px_strdup("-another name");
	run(spec, &o);
	ck_assert_str_eq(o.out, "-another name\n");
}
END_TEST

START_TEST(test_env_is_exact)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "env");
	struct outcome o;

	SET_ENV(&spec, "B=2", "A=", "B=3");
	run(spec, &o);
	ck_assert_str_eq(o.out, "B=2\nA=\nB=3\n");
	spec = PUPPET(PX_IO_PIPE, "env");
	set_env(&spec, (const char *const[]){ NULL });
	run(spec, &o);
	ck_assert_str_eq(o.out, "");
}
END_TEST

START_TEST(test_cwd)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "cwd");
	char expected[64];
	struct outcome o;

	set_cwd(&spec, dir);
	run(spec, &o);
	snprintf(expected, sizeof expected, "%s\n", dir);
	ck_assert_str_eq(o.out, expected);
}
END_TEST

START_TEST(test_streams_are_apart)
{
	struct outcome o;

	run(PUPPET(PX_IO_PIPE, "both", "4"), &o);
	ck_assert_str_eq(o.out, "out 0\nout 2\n");
	ck_assert_str_eq(o.err, "err 1\nerr 3\n");
}
END_TEST

START_TEST(test_closed_stdin_is_empty)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "sink");
	struct px_spawned child;
	struct outcome o;

	spec.stdin_open = false;
	ck_assert_int_eq(px_spawn(&spec, &plain, &child, NULL), 0);
	ck_assert_int_eq(child.in, -1);
	px_spec_done(&spec);
	collect(&child, &o);
	ck_assert_str_eq(o.out, "0 bytes crc32 00000000\n");
}
END_TEST

static void
handler(int sig)
{
	(void)sig;
}

START_TEST(test_signals_are_reset)
{
	sigset_t set;
	struct outcome o;

	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	signal(SIGTERM, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run(PUPPET(PX_IO_PIPE, "sigmask"), &o);
	ck_assert_str_eq(o.out, "end\n");
	/* Ours are as they were. */
	sigprocmask(SIG_BLOCK, NULL, &set);
	ck_assert_int_eq(sigismember(&set, SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&set, SIGUSR2), 0);
	ck_assert(signal(SIGINT, SIG_DFL) == SIG_IGN);
}
END_TEST

/* The lines of the puppet's "fds" that are not about 0, 1 or 2. */
static size_t
lines_above_stdio(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text = strchrnul(text, '\n') + 1)
		n += text[0] < '0' || text[0] > '2' || text[1] != ' ';
	return n;
}

START_TEST(test_no_other_descriptor)
{
	enum px_io io = _i == 0 ? PX_IO_PIPE : PX_IO_PTY;
	struct outcome o;

	ck_assert_int_eq(fcntl(STDERR_FILENO, F_DUPFD, 100), 100);
	ck_assert_int_ne(fcntl(STDERR_FILENO, F_DUPFD, 3), -1);
	run(PUPPET(io, "fds"), &o);
	ck_assert_ptr_nonnull(strstr(o.out, "0 "));
	ck_assert_msg(lines_above_stdio(o.out) == 0, "%s", o.out);
}
END_TEST

START_TEST(test_umask)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "umask");
	struct outcome o;

	umask(0027);
	spec.umask = 0751;
	run(spec, &o);
	ck_assert_str_eq(o.out, "0751\n");
	spec = PUPPET(PX_IO_PIPE, "umask");
	spec.umask = 0;
	run(spec, &o);
	ck_assert_str_eq(o.out, "0000\n");
	run(PUPPET(PX_IO_PIPE, "umask"), &o);
	ck_assert_str_eq(o.out, "0027\n");
	ck_assert_int_eq(umask(0), 0027);
}
END_TEST

static void
add_limit(struct px_spec *spec, int resource, rlim_t value)
{
	spec->limits[spec->nlimits].resource = resource;
	spec->limits[spec->nlimits++].value = value;
}

START_TEST(test_limits)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "limits");
	struct outcome o;

	add_limit(&spec, RLIMIT_CPU, 77);
	add_limit(&spec, RLIMIT_AS, 1 << 30);
	add_limit(&spec, RLIMIT_NOFILE, 33);
	add_limit(&spec, RLIMIT_FSIZE, 4096);
	run(spec, &o);
	/* SIGXCPU at the soft limit says why; SIGKILL at the hard one would not. */
	ck_assert_msg(strncmp(o.out,
			  "cpuSeconds 77 78\nmemoryBytes 1073741824 1073741824\n"
			  "openFiles 33 33\nfileSizeBytes 4096 4096\n",
			  90) == 0,
	    "%s", o.out);
}
END_TEST

START_TEST(test_unlimited_cpu)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "limits");
	struct outcome o;

	add_limit(&spec, RLIMIT_CPU, RLIM_INFINITY);
	run(spec, &o);
	ck_assert_msg(strncmp(o.out, "cpuSeconds -1 -1\n", 17) == 0, "%s", o.out);
}
END_TEST

START_TEST(test_soft_open_files)
{
	struct px_spawn_extra extra = { .cgroup_fd = -1, .open_files = 64 };
	struct px_spec spec = PUPPET(PX_IO_PIPE, "limits");
	char expected[64];
	struct rlimit ours;
	struct outcome o;

	getrlimit(RLIMIT_NOFILE, &ours);
	snprintf(expected, sizeof expected, "openFiles 64 %lld\n", (long long)ours.rlim_max);
	run_with(&spec, &extra, &o);
	ck_assert_ptr_nonnull(strstr(o.out, expected));
	/* What the spec says wins. */
	spec = PUPPET(PX_IO_PIPE, "limits");
	add_limit(&spec, RLIMIT_NOFILE, 50);
	run_with(&spec, &extra, &o);
	ck_assert_ptr_nonnull(strstr(o.out, "openFiles 50 50\n"));
}
END_TEST

START_TEST(test_mark)
{
	struct px_spawn_extra extra = { .cgroup_fd = -1, .mark = px_mark_make(5, 6, 7) };
	struct px_spec spec = PUPPET(PX_IO_PIPE, "no-read");
	struct px_spawned child;
	struct rlimit limit;

	ck_assert_int_eq(px_spawn(&spec, &extra, &child, NULL), 0);
	ck_assert_int_eq(prlimit(child.pid, RLIMIT_RTTIME, NULL, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, extra.mark);
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	spawned_close(&child);
	px_spec_done(&spec);
}
END_TEST

/* ---- terminals ---- */

START_TEST(test_pty_is_the_controlling_terminal)
{
	struct outcome o;

	run(PUPPET(PX_IO_PTY, "ctty"), &o);
	ck_assert_str_eq(o.out,
	    "terminal yes\r\nsession leader yes\r\ngroup leader yes\r\nforeground yes\r\n"
	    "fd 0 tty yes\r\nfd 1 tty yes\r\nfd 2 tty yes\r\n");
}
END_TEST

START_TEST(test_pipes_have_none)
{
	struct outcome o;

	run(PUPPET(PX_IO_PIPE, "ctty"), &o);
	ck_assert_ptr_nonnull(strstr(o.out, "terminal no\nsession leader yes\ngroup leader yes\n"));
}
END_TEST

START_TEST(test_pty_modes)
{
	struct outcome o;

	run(PUPPET(PX_IO_PTY, "tty-modes"), &o);
	ck_assert_ptr_nonnull(strstr(o.out, "iutf8 1"));
	ck_assert_ptr_nonnull(strstr(o.out, "echo 1 icanon 1 isig 1"));
}
END_TEST

START_TEST(test_pty_size)
{
	struct px_spec spec = SPEC(PX_IO_PTY, "stty", "size");
	struct outcome o;

	spec.rows = 65535;
	spec.cols = 1;
	run(spec, &o);
	ck_assert_str_eq(o.out, "65535 1\r\n");
}
END_TEST

START_TEST(test_our_ends)
{
	enum px_io io = _i == 0 ? PX_IO_PIPE : PX_IO_PTY;
	struct px_spec spec = PUPPET(io, "exit", "0");
	struct px_spawned child;
	struct outcome o;

	ck_assert_int_eq(px_spawn(&spec, &plain, &child, NULL), 0);
	const int fds[] = { child.in, child.out, child.err != -1 ? child.err : child.out };
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		ck_assert_int_eq(fcntl(fds[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	}
	ck_assert_int_eq(fcntl(child.pidfd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(child.in == child.out, io == PX_IO_PTY);
	px_spec_done(&spec);
	collect(&child, &o);
}
END_TEST

/* ---- looking for the program ---- */

/* 'name' is found, or the errno says why not. */
static const struct {
	const char *name, *path;
	int sys;
} look_ups[] = {
	{ "prog", "%/good", 0 },
	{ "prog", "/nonexistent:%/text:%/good", 0 }, /* neither there nor a folder */
	{ "prog", "%/denied:%/good", 0 },
	{ "prog", "%/denied", EACCES },
	{ "prog", "%/denied:/nonexistent", EACCES }, /* is remembered */
	{ "prog", "/nonexistent", ENOENT },
	{ "here", "", 0 }, /* an empty element is the working directory: the child's */
	{ "here", ":/nonexistent", 0 },
	{ "here", "/nonexistent:", 0 },
	{ "here", "/nonexistent::/also", 0 },
	{ "here", "/nonexistent", ENOENT },
	{ "prog", "good", 0 }, /* a relative element too */
	{ "good/prog", "/nonexistent", 0 },
	{ "good", "%", EACCES }, /* a folder */
	{ "text", "%:%/good", ENOEXEC },
	{ "interpreted", "%", ENOENT },
};

START_TEST(test_look_up)
{
	struct px_spec spec = looked_up(look_ups[_i].name, look_ups[_i].path);
	struct outcome o;

	setenv("PATH", "/usr/bin:/bin", 1); /* ours is not asked */
	if (look_ups[_i].sys != 0) {
		fails(spec, look_ups[_i].sys, "exec", look_ups[_i].name);
		return;
	}
	run(spec, &o);
	ck_assert_int_eq(WEXITSTATUS(o.status), 9);
}
END_TEST

START_TEST(test_only_the_childs_path_counts)
{
	setenv("PATH", dir, 1);
	fails(looked_up("here", "/nonexistent"), ENOENT, "exec", "here");
}
END_TEST

START_TEST(test_no_path_has_a_default)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "true");
	struct outcome o;

	SET_ENV(&spec, "NOPATH=x");
	run(spec, &o);
	ck_assert_int_eq(o.status, 0);
}
END_TEST

START_TEST(test_no_look_up_when_prepared)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "true");

	spec.search_path = false;
	fails(spec, ENOENT, "exec", "true");
}
END_TEST

/* ---- failures ---- */

START_TEST(test_bad_cwd)
{
	struct px_spec spec = PUPPET(_i == 0 ? PX_IO_PIPE : PX_IO_PTY, "cwd");
	char file[64];

	set_cwd(&spec, "/nonexistent/here");
	fails(spec, ENOENT, "cwd", "/nonexistent/here");
	snprintf(file, sizeof file, "%s/text", dir);
	spec = PUPPET(PX_IO_PIPE, "cwd");
	set_cwd(&spec, file);
	fails(spec, ENOTDIR, "cwd", file);
}
END_TEST

START_TEST(test_bad_program)
{
	fails(SPEC(_i == 0 ? PX_IO_PIPE : PX_IO_PTY, "/nonexistent/program"), ENOENT, "exec",
	    "/nonexistent/program");
}
END_TEST

START_TEST(test_bad_limit)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "true");

	add_limit(&spec, RLIMIT_NOFILE, INT64_MAX); /* over fs.nr_open, for anyone */
	fails(spec, EPERM, "limits", "true");
}
END_TEST

START_TEST(test_bad_cgroup)
{
	struct px_spawn_extra extra = { .cgroup_fd = open(dir, O_RDONLY | O_CLOEXEC) };
	struct px_spec spec = SPEC(PX_IO_PIPE, "true");

	fails_with(&spec, &extra, ENOENT, "cgroup", "true");
	close(extra.cgroup_fd);
}
END_TEST

/* Nothing but the program's own descriptors is needed then. */
START_TEST(test_start_without_pipe)
{
	struct px_spawn_extra extra = { .cgroup_fd = -1, .lends = vfork_lends() };
	struct px_spec spec = SPEC(PX_IO_PIPE, "echo", "x");
	struct px_spawned child;
	struct outcome o;

	ck_assert_int_eq(px_spawn(&spec, &extra, &child, NULL), 0);
	ck_assert(child.lent == extra.lends);
	px_spec_done(&spec);
	collect(&child, &o);
	ck_assert_str_eq(o.out, "x\n");
	ck_assert_int_eq(o.status, 0);
}
END_TEST

static void
name_of(pid_t pid, char *out, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	n = read(fd, out, size - 1);
	ck_assert_int_gt(n, 0);
	out[n - 1] = '\0';
	close(fd);
}

/* Whoever looks at once does not see our own name. */
START_TEST(test_name)
{
	enum { ROUNDS = 50 };
	struct px_spawn_extra extra = { .cgroup_fd = -1, .lends = vfork_lends() };
	char name[64];

	for (int i = 0; i < ROUNDS; i++) {
		struct px_spec spec = SPEC(PX_IO_PIPE, "cat");
		struct px_spawned child;
		struct outcome o;

		spec.stdin_open = true;
		ck_assert_int_eq(px_spawn(&spec, &extra, &child, NULL), 0);
		name_of(child.pid, name, sizeof name);
		ck_assert_str_eq(name, "cat");
		px_spec_done(&spec);
		close(child.in);
		child.in = -1;
		collect(&child, &o);
	}
}
END_TEST

START_TEST(test_long_argument)
{
	char *huge = px_alloc(1 << 18);
	struct px_spec spec;

	memset(huge, 'x', (1 << 18) - 1);
	spec = SPEC(PX_IO_PIPE, "true", huge);
	fails(spec, E2BIG, "exec", "true");
	free(huge);
}
END_TEST

/* With room for one descriptor more each time, every place that opens one fails in turn. */
START_TEST(test_descriptors_run_out)
{
	enum px_io io = _i == 0 ? PX_IO_PIPE : PX_IO_PTY;
	struct px_spec spec = PUPPET(io, "exit", "0");
	struct px_err err = { 0 };
	struct px_spawned child;
	struct outcome o;
	int failures = 0, lowest = dup(STDERR_FILENO);
	struct rlimit limit;
	size_t before;

	close(lowest);
	before = count_fds();
	getrlimit(RLIMIT_NOFILE, &limit);
	for (limit.rlim_cur = (rlim_t)lowest;; limit.rlim_cur++, failures++) {
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit.rlim_cur, limit.rlim_max });
		if (px_spawn(&spec, &plain, &child, &err) == 0)
			break;
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit.rlim_max, limit.rlim_max });
		ck_assert_int_eq(err.code, PX_E_SPAWN);
		ck_assert_int_eq(err.sys, EMFILE);
		ck_assert_ptr_nonnull(err.step);
		ck_assert_uint_eq(count_fds(), before);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	}
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit.rlim_max, limit.rlim_max });
	ck_assert_int_ge(failures, io == PX_IO_PIPE ? 8 : 4);
	px_spec_done(&spec);
	collect(&child, &o);
	ck_assert_int_eq(o.status, 0);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

/* ---- a process with threads, or without standard streams ---- */

enum { SPAWNERS = 8, ROUNDS = 200 };

static void *
spawner(void *arg)
{
	size_t *wrong = arg;

	for (int i = 0; i < ROUNDS; i++) {
		bool good = i % 4 != 3;
		struct px_spec spec = good
					  ? PUPPET(i % 2 == 0 ? PX_IO_PIPE : PX_IO_PTY, "exit", "7")
					  : SPEC(PX_IO_PIPE, "/nonexistent/program");
		struct px_spawned child;
		struct px_err err = { 0 };
		int status = 0;

		if (px_spawn(&spec, &plain, &child, &err) == 0) {
			*wrong += !good;
			waitpid(child.pid, &status, 0);
			*wrong += WEXITSTATUS(status) != 7;
			spawned_close(&child);
		} else {
			*wrong += good || err.sys != ENOENT;
		}
		px_spec_done(&spec);
	}
	return NULL;
}

static void *
allocator(void *arg)
{
	const bool *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
		for (size_t size = 16; size < 100000; size *= 3) {
			char *p = malloc(size);

			*(volatile char *)p = 1;
			free(p);
		}
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t spawners[SPAWNERS], busy;
	size_t wrong[SPAWNERS] = { 0 }, before = count_fds();
	bool stop = false;

	ck_assert_int_eq(pthread_create(&busy, NULL, allocator, &stop), 0);
	for (size_t i = 0; i < SPAWNERS; i++)
		ck_assert_int_eq(pthread_create(&spawners[i], NULL, spawner, &wrong[i]), 0);
	for (size_t i = 0; i < SPAWNERS; i++) {
		pthread_join(spawners[i], NULL);
		ck_assert_uint_eq(wrong[i], 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(busy, NULL);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* In a process that lacks some of its standard streams our own descriptors get their numbers. */
START_TEST(test_without_standard_streams)
{
	enum px_io io = _i / 8 == 0 ? PX_IO_PIPE : PX_IO_PTY;
	struct px_spec good = PUPPET(io, "fds"), bad = SPEC(io, "/nonexistent/program");
	struct px_spawned child;
	struct outcome o;

	for (int fd = 0; fd < 3; fd++)
		if ((_i >> fd & 1) != 0)
			close(fd);
	fails_with(&bad, &plain, ENOENT, "exec", "/nonexistent/program");
	ck_assert_int_eq(px_spawn(&good, &plain, &child, NULL), 0);
	px_spec_done(&good);
	collect(&child, &o);
	ck_assert_int_eq(o.status, 0);
	ck_assert_msg(lines_above_stdio(o.out) == 0, "%s", o.out);
	for (int fd = '0'; fd < '3'; fd++)
		ck_assert_msg(strchr(o.out, fd) != NULL, "%s", o.out);
	ck_assert_str_eq(o.err, "");
}
END_TEST

static Suite *
spawn_suite(void)
{
	Suite *s = suite_create("spawn");
	TCase *given = tcase_create("given"), *found = tcase_create("found"),
	      *failing = tcase_create("failing"), *process = tcase_create("process");

	tcase_add_checked_fixture(given, dir_setup, dir_teardown);
	tcase_add_test(given, test_argv_is_exact);
	tcase_add_test(given, test_arg0);
	tcase_add_test(given, test_env_is_exact);
	tcase_add_test(given, test_cwd);
	tcase_add_test(given, test_streams_are_apart);
	tcase_add_test(given, test_closed_stdin_is_empty);
	tcase_add_test(given, test_signals_are_reset);
	tcase_add_loop_test(given, test_no_other_descriptor, 0, 2);
	tcase_add_test(given, test_umask);
	tcase_add_test(given, test_limits);
	tcase_add_test(given, test_unlimited_cpu);
	tcase_add_test(given, test_soft_open_files);
	tcase_add_test(given, test_mark);
	tcase_add_test(given, test_pty_is_the_controlling_terminal);
	tcase_add_test(given, test_pipes_have_none);
	tcase_add_test(given, test_pty_modes);
	tcase_add_test(given, test_pty_size);
	tcase_add_loop_test(given, test_our_ends, 0, 2);
	suite_add_tcase(s, given);

	tcase_add_checked_fixture(found, dir_setup, dir_teardown);
	tcase_add_loop_test(found, test_look_up, 0, sizeof look_ups / sizeof look_ups[0]);
	tcase_add_test(found, test_only_the_childs_path_counts);
	tcase_add_test(found, test_no_path_has_a_default);
	tcase_add_test(found, test_no_look_up_when_prepared);
	suite_add_tcase(s, found);

	tcase_add_checked_fixture(failing, dir_setup, dir_teardown);
	tcase_add_loop_test(failing, test_bad_cwd, 0, 2);
	tcase_add_loop_test(failing, test_bad_program, 0, 2);
	tcase_add_test(failing, test_bad_limit);
	tcase_add_test(failing, test_bad_cgroup);
	tcase_add_test(process, test_start_without_pipe);
	tcase_add_test(process, test_name);
	tcase_add_test(failing, test_long_argument);
	tcase_add_loop_test(failing, test_descriptors_run_out, 0, 2);
	suite_add_tcase(s, failing);

	tcase_set_timeout(process, 50);
	tcase_add_test(process, test_threads);
	tcase_add_loop_test(process, test_without_standard_streams, 0, 16);
	suite_add_tcase(s, process);
	return s;
}

int
main(void)
{
	return run_suite(spawn_suite());
}

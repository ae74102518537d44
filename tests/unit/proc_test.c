#include "proc/proc.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"
#include "cases.h"
#include "child_spec.h"
#include "proc/input.h"
#include "proc/procs.h"

enum { HOUR_MS = 3600 * 1000, GROUP = 3 };

/* One process and all that was told about it; the rules that always hold are checked as it comes.
 */
struct watched {
	struct px_proc *proc;
	struct evbuffer *text[2];
	size_t room, largest;
	struct px_exit exit;
	bool exited, closed;
	size_t at_exit[2]; /* bytes that had come by then */
};

static struct event_base *base;
static struct px_procs *procs;
static struct watched one, other;

static size_t
on_room(void *arg)
{
	const struct watched *w = arg;

	return w->room;
}

static void
on_output(void *arg, unsigned stream, const void *data, size_t len)
{
	struct watched *w = arg;

	ck_assert(!w->closed);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, w->room);
	if (len > w->largest)
		w->largest = len;
	evbuffer_add(w->text[stream], data, len);
}

static void
on_exited(void *arg, const struct px_exit *exit)
{
	struct watched *w = arg;

	ck_assert(!w->exited && !w->closed);
	w->exited = true;
	w->exit = *exit;
	for (size_t i = 0; i < 2; i++)
		w->at_exit[i] = evbuffer_get_length(w->text[i]);
}

static void
on_closed(void *arg)
{
	struct watched *w = arg;

	ck_assert(w->exited && !w->closed);
	w->closed = true;
}

static void
on_failed(void *arg, const char *message)
{
	(void)arg;
	ck_abort_msg("%s", message);
}

static const struct px_proc_ops ops = { on_room, on_output, on_exited, on_closed, on_failed, NULL };

static void
watched_init(struct watched *w)
{
	*w = (struct watched){ .room = SIZE_MAX };
	w->text[0] = evbuffer_new();
	w->text[1] = evbuffer_new();
}

static void
watched_done(struct watched *w)
{
	px_proc_free(w->proc);
	evbuffer_free(w->text[0]);
	evbuffer_free(w->text[1]);
}

static void
setup_with(bool subreaper)
{
	struct px_procs_options options = { .stdin_queue_bytes = 4096, .subreaper = subreaper };

	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	procs = px_procs_new(base, &options);
	watched_init(&one);
	watched_init(&other);
}

static void
setup(void)
{
	setup_with(false);
}

static void
setup_subreaper(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	setup_with(true);
}

static void
teardown(void)
{
	watched_done(&one);
	watched_done(&other);
	px_procs_free(procs);
	event_base_free(base);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

#define until(condition)                                    \
	do {                                                \
		while (!(condition))                        \
			event_base_loop(base, EVLOOP_ONCE); \
	} while (0)

/* The loop has nothing to wait for while the condition is decided elsewhere. */
#define until_polled(condition)           \
	do {                              \
		while (!(condition)) {    \
			turn();           \
			poll(NULL, 0, 1); \
		}                         \
	} while (0)

static void
start_in(struct watched *w, uint32_t group, struct px_spec spec)
{
	static uint32_t serial = 7;
	struct px_err err = { 0 };

	ck_assert_msg(px_proc_start(procs, &spec, group, serial++, &ops, NULL, &w->proc, &err) == 0,
	    "%s", err.text);
	px_proc_set_arg(w->proc, w);
	px_spec_done(&spec);
}

static void
start(struct px_spec spec)
{
	start_in(&one, GROUP, spec);
}

static bool
has_text(struct watched *w, const char *text)
{
	struct evbuffer_ptr at = evbuffer_search(w->text[0], text, strlen(text), NULL);

	return at.pos != -1;
}

static void
text_is(unsigned stream, const char *expected)
{
	size_t len = evbuffer_get_length(one.text[stream]);

	ck_assert_uint_eq(len, strlen(expected));
	if (len > 0)
		ck_assert_mem_eq(evbuffer_pullup(one.text[stream], -1), expected, len);
}

/* The pid in a line "pid N". */
static pid_t
told_pid(struct watched *w)
{
	char text[256] = "";
	size_t len;

	until(has_text(w, "pid ") && has_text(w, "\n"));
	len = evbuffer_get_length(w->text[0]);
	ck_assert_uint_lt(len, sizeof text);
	evbuffer_copyout(w->text[0], text, len);
	text[strcspn(text, "\r\n")] = '\0';
	return (pid_t)strtonum(text + 4, 2, INT32_MAX, NULL);
}

static bool
alive(pid_t pid)
{
	char path[32], text[512] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 && strstr(text, ") Z ") == NULL && strstr(text, ") X ") == NULL;
}

static enum px_io
io_of(int i)
{
	return i == 0 ? PX_IO_PIPE : PX_IO_PTY;
}

/* ---- the end ---- */

START_TEST(test_exit)
{
	struct px_procs_stats stats;

	start(SPEC(io_of(_i), "sh", "-c", "echo out; echo err >&2; exit 7"));
	ck_assert(px_proc_running(one.proc));
	ck_assert_int_gt(px_proc_pid(one.proc), 1);
	ck_assert_int_eq(px_proc_master(one.proc) != -1, _i == 1);
	px_procs_stats(procs, &stats);
	ck_assert_uint_eq(stats.running, 1);
	ck_assert_uint_eq(stats.ptys, (size_t)_i);
	until(one.closed);
	text_is(0, _i == 0 ? "out\n" : "out\r\nerr\r\n");
	text_is(1, _i == 0 ? "err\n" : "");
	ck_assert_int_eq(one.exit.code, 7);
	ck_assert_int_eq(one.exit.signal, 0);
	ck_assert(!one.exit.core_dumped);
	ck_assert(!one.exit.output_open);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_SELF);
	ck_assert_int_ge(one.exit.usage.wall_ms, 0);
	ck_assert_int_gt(one.exit.usage.max_rss_bytes, 0);
	ck_assert(!px_proc_running(one.proc));
	ck_assert(px_proc_exited(one.proc));
	ck_assert(!px_proc_output_open(one.proc));
	ck_assert(!px_input_is_open(px_proc_input(one.proc)));
	ck_assert_int_eq(px_proc_stdin(one.proc), -1);
	ck_assert(!px_proc_signal(one.proc, SIGTERM));
	px_procs_stats(procs, &stats);
	ck_assert_uint_eq(stats.running, 0);
	ck_assert_uint_eq(stats.spawned, 1);
	ck_assert_uint_eq(stats.bytes_read, _i == 0 ? 8 : 10);
	px_proc_wake(one.proc);
	turn();
}
END_TEST

static const int deaths[] = { SIGHUP, SIGKILL, SIGSEGV, SIGTERM, 34, 63, 64 };

START_TEST(test_death_by_signal)
{
	char number[8];

	snprintf(number, sizeof number, "%d", deaths[_i]);
	start(PUPPET(PX_IO_PIPE, "die", number));
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, deaths[_i]);
	ck_assert_int_eq(one.exit.code, 128 + deaths[_i]);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_SELF);
}
END_TEST

START_TEST(test_client_signal)
{
	static const int signals[] = { SIGUSR1, SIGKILL, SIGXCPU };

	start(PUPPET(PX_IO_PTY, "no-read"));
	until(has_text(&one, "ready"));
	ck_assert(px_proc_signal(one.proc, 0));
	ck_assert(px_proc_signal(one.proc, signals[_i]));
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, signals[_i]);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_CLIENT);
}
END_TEST

/* The client's signal was survived; the death was by another one, and not the client's. */
START_TEST(test_another_signal)
{
	start(PUPPET(PX_IO_PIPE, "ignore-term"));
	until(has_text(&one, "ready"));
	ck_assert(px_proc_signal(one.proc, SIGINT));
	kill(px_proc_pid(one.proc), SIGKILL);
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, SIGKILL);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_SELF);
}
END_TEST

/* By its name, which a shell's child has only once it has become the program. */
static bool
in_foreground(const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tcgetpgrp(px_proc_master(one.proc)));
	if ((file = fopen(path, "re")) == NULL)
		return false;
	if (fgets(comm, sizeof(comm), file) != NULL)
		comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
	return strcmp(comm, name) == 0;
}

START_TEST(test_foreground_group_gets_the_signal)
{
	start(SPEC(PX_IO_PTY, "bash", "-c",
	    "set -m; trap 'echo shell' USR1; sleep 1000; echo status $?; exit 5"));
	until_polled(in_foreground("sleep"));
	ck_assert(px_proc_signal(one.proc, SIGUSR1));
	until(one.closed);
	ck_assert(has_text(&one, "status 138"));
	ck_assert(!has_text(&one, "shell"));
}
END_TEST

START_TEST(test_cpu_limit)
{
	struct px_spec spec = PUPPET(PX_IO_PIPE, "spin");

	spec.limits[0].resource = RLIMIT_CPU;
	spec.limits[0].value = 1;
	spec.nlimits = 1;
	start(spec);
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, SIGXCPU);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_LIMIT);
	ck_assert_int_gt(one.exit.usage.user_ms + one.exit.usage.system_ms, 0);
}
END_TEST

/* Streams that end early make nothing of the order. */
START_TEST(test_streams_end_first)
{
	start(PUPPET(PX_IO_PIPE, "close-output"));
	until(!px_proc_output_open(one.proc));
	ck_assert(!one.exited);
	ck_assert(px_proc_running(one.proc));
	kill(px_proc_pid(one.proc), SIGKILL);
	until(one.closed);
	ck_assert(!one.exit.output_open);
}
END_TEST

START_TEST(test_failed_start)
{
	struct px_spec spec = SPEC(io_of(_i), "/nonexistent/program");
	struct px_procs_stats stats;
	struct px_err err = { 0 };

	ck_assert_int_eq(px_proc_start(procs, &spec, 1, 1, &ops, NULL, &one.proc, &err), -1);
	ck_assert_int_eq(err.code, PX_E_SPAWN);
	ck_assert_ptr_null(one.proc);
	px_procs_stats(procs, &stats);
	ck_assert_uint_eq(stats.spawn_failures, 1);
	ck_assert_uint_eq(stats.running + stats.ptys + stats.spawned, 0);
	ck_assert(px_procs_idle(procs));
	px_spec_done(&spec);
}
END_TEST

/* While a debugger holds the dead child, wait4(2) does not give it to us. */
START_TEST(test_held_by_a_tracer)
{
	int told[2], go[2];
	pid_t tracer, pid;
	char c = 0;

	ck_assert_int_eq(pipe2(told, O_CLOEXEC) | pipe2(go, O_CLOEXEC), 0);
	start(PUPPET(PX_IO_PIPE, "no-read"));
	until(has_text(&one, "ready"));
	pid = px_proc_pid(one.proc);
	if ((tracer = fork()) == 0) {
		siginfo_t info;

		c = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? 'y' : 'n';
		(void)!write(told[1], &c, 1);
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
		(void)!write(told[1], &c, 1);
		(void)!read(go[0], &c, 1);
		_exit(0);
	}
	ck_assert_int_eq(read(told[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	kill(pid, SIGKILL);
	ck_assert_int_eq(read(told[0], &c, 1), 1);
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert(px_proc_running(one.proc));
	ck_assert_int_eq(write(go[1], &c, 1), 1);
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, SIGKILL);
	ck_assert_int_eq(waitpid(tracer, NULL, 0), tracer);
	close(told[0]);
	close(told[1]);
	close(go[0]);
	close(go[1]);
}
END_TEST

/* ---- descendants ---- */

static char fifo[] = "/tmp/proc_test.XXXXXX";

static void
fifo_make(void)
{
	close(mkstemp(fifo));
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
}

START_TEST(test_held_streams)
{
	int fd;

	fifo_make();
	start(PUPPET(io_of(_i), "hold-output", fifo));
	until(one.exited);
	ck_assert(one.exit.output_open);
	ck_assert(px_proc_output_open(one.proc));
	ck_assert_int_eq(one.exit.code, 0);
	turn();
	ck_assert(!one.closed);
	ck_assert_int_ne(fd = open(fifo, O_WRONLY | O_CLOEXEC), -1);
	close(fd);
	until(one.closed);
	text_is(0, _i == 0 ? "late\n" : "late\r\n");
	ck_assert_uint_eq(one.at_exit[0], 0);
	unlink(fifo);
}
END_TEST

/* stdin ends with the child, for a descendant too. */
START_TEST(test_held_stdin)
{
	start(PUPPET(PX_IO_PIPE, "hold-output", "-"));
	until(one.closed);
	text_is(0, "late\n");
}
END_TEST

/* All that the child wrote comes before its exit, whatever else is written to the same stream. */
START_TEST(test_a_descendant_floods)
{
	start(SPEC(io_of(_i % 2), "sh", "-c",
	    "trap '' HUP; yes flood & head -c 150000 /dev/zero; echo; echo THE END; exit 5"));
	until(one.exited);
	ck_assert(has_text(&one, "THE END"));
	ck_assert_int_eq(one.exit.code, 5);
	ck_assert(one.exit.output_open);
	ck_assert(!one.closed);
}
END_TEST

/* With every process going at once, on a terminal, where the kernel cannot tell how much is to
 * come. */
START_TEST(test_output_is_complete)
{
	start(PUPPET(io_of(_i % 2), "spew", "300000"));
	until(one.exited);
	ck_assert_uint_eq(evbuffer_get_length(one.text[0]), 300000);
}
END_TEST

START_TEST(test_terminal_opened_again)
{
	int fd;

	fifo_make();
	start(SPEC(PX_IO_PTY, "sh", "-c",
	    "echo 1st; exec </dev/null >/dev/null 2>&1; read x <\"$0\"; echo 2nd >/dev/tty; exit 4",
	    fifo));
	ck_assert_int_ne(fd = open(fifo, O_WRONLY | O_CLOEXEC), -1);
	/* Nobody has the terminal open now: let the stream see it. */
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert(!one.exited);
	ck_assert_int_eq(write(fd, "\n", 1), 1);
	close(fd);
	until(one.closed);
	text_is(0, "1st\r\n2nd\r\n");
	ck_assert_int_eq(one.exit.code, 4);
	unlink(fifo);
}
END_TEST

/* ---- room ---- */

START_TEST(test_no_room_pauses)
{
	one.room = 0;
	start(PUPPET(io_of(_i), "spew", "1000000"));
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert(!one.exited);
	ck_assert_uint_eq(evbuffer_get_length(one.text[0]), 0);
	one.room = 100;
	px_proc_wake(one.proc);
	until(evbuffer_get_length(one.text[0]) > 10000);
	ck_assert_uint_eq(one.largest, 100);
	one.room = 0;
	turn();
	turn();
	one.room = SIZE_MAX;
	px_proc_wake(one.proc);
	until(one.closed);
	ck_assert_uint_eq(evbuffer_get_length(one.text[0]), 1000000);
	ck_assert_uint_eq(one.at_exit[0], 1000000);
}
END_TEST

/* The exit waits for the output, and the output for room. */
START_TEST(test_exit_waits_for_room)
{
	one.room = 0;
	start(SPEC(io_of(_i), "sh", "-c", "echo abc; echo def >&2"));
	until_polled(!px_proc_running(one.proc));
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert(!one.exited);
	one.room = 1;
	px_proc_wake(one.proc);
	until(one.closed);
	ck_assert_uint_eq(one.at_exit[0], _i == 0 ? 4 : 10);
	ck_assert_uint_eq(one.at_exit[1], _i == 0 ? 4 : 0);
}
END_TEST

START_TEST(test_largest_chunk)
{
	struct px_spec spec = PUPPET(io_of(_i), "spew", "100000");

	spec.chunk_max = 1000;
	start(spec);
	until(one.closed);
	ck_assert_uint_le(one.largest, 1000);
	ck_assert_uint_eq(evbuffer_get_length(one.text[0]), 100000);
}
END_TEST

/* ---- terminate ---- */

START_TEST(test_terminate_gracefully)
{
	start(PUPPET(io_of(_i), "signals"));
	until(has_text(&one, "ready"));
	px_proc_terminate(one.proc, HOUR_MS, PX_CAUSE_DISCONNECT);
	ck_assert(!px_procs_idle(procs));
	until(one.closed);
	ck_assert(has_text(&one, "TERM"));
	ck_assert_int_eq(one.exit.code, 3);
	ck_assert_int_eq(one.exit.signal, 0);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_DISCONNECT);
	until(px_procs_idle(procs));
}
END_TEST

START_TEST(test_terminate_ends_what_is_stopped)
{
	start(PUPPET(io_of(_i), "signals"));
	until(has_text(&one, "ready"));
	kill(px_proc_pid(one.proc), SIGSTOP);
	px_proc_terminate(one.proc, HOUR_MS, PX_CAUSE_CLIENT);
	until(one.closed);
	ck_assert_int_eq(one.exit.code, 3);
}
END_TEST

START_TEST(test_terminate_kills_after_the_grace)
{
	start(PUPPET(io_of(_i), "ignore-term"));
	until(has_text(&one, "ready"));
	px_proc_terminate(one.proc, 20, PX_CAUSE_TIMEOUT);
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, SIGKILL);
	ck_assert_int_eq(one.exit.code, 137);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_TIMEOUT);
}
END_TEST

/* The earlier deadline holds, and the first cause. */
START_TEST(test_terminate_again)
{
	start(PUPPET(PX_IO_PTY, "ignore-term"));
	until(has_text(&one, "ready"));
	px_proc_terminate(one.proc, HOUR_MS, PX_CAUSE_CLIENT);
	turn();
	ck_assert(!one.exited);
	px_proc_terminate(one.proc, _i == 0 ? 0 : 10, PX_CAUSE_SHUTDOWN);
	px_proc_terminate(one.proc, HOUR_MS, PX_CAUSE_TIMEOUT);
	until(one.closed);
	ck_assert_int_eq(one.exit.signal, SIGKILL);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_CLIENT);
}
END_TEST

/* It had ended by itself before anybody asked it to. */
START_TEST(test_terminate_comes_too_late)
{
	siginfo_t info;

	start(PUPPET(PX_IO_PIPE, "exit", "6"));
	waitid(P_PID, (id_t)px_proc_pid(one.proc), &info, WEXITED | WNOWAIT);
	ck_assert(px_proc_running(one.proc));
	ck_assert(!px_proc_signal(one.proc, SIGKILL));
	px_proc_terminate(one.proc, 0, PX_CAUSE_CLIENT);
	until(one.closed);
	ck_assert_int_eq(one.exit.code, 6);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_SELF);
	until(px_procs_idle(procs));
}
END_TEST

static const char *const runaways[] = { "setsid-child", "daemonize" };

START_TEST(test_terminate_reaches_runaways)
{
	pid_t pid;

	start(PUPPET(io_of(_i % 2), runaways[_i / 2]));
	pid = told_pid(&one);
	ck_assert_int_ne(pid, px_proc_pid(one.proc));
	if (_i / 2 == 1)
		until(one.exited);
	ck_assert(alive(pid));
	px_proc_terminate(one.proc, HOUR_MS, PX_CAUSE_CLIENT);
	until(px_procs_idle(procs));
	ck_assert(!alive(pid));
}
END_TEST

/* Descriptors run out for everybody at times: what cannot be seen now is looked for again. */
START_TEST(test_terminate_without_descriptors)
{
	struct rlimit old;
	pid_t pid;

	start(PUPPET(PX_IO_PIPE, "setsid-child"));
	pid = told_pid(&one);
	getrlimit(RLIMIT_NOFILE, &old);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, old.rlim_max });
	px_proc_terminate(one.proc, 0, PX_CAUSE_CLIENT);
	until_polled(one.closed || !px_proc_running(one.proc));
	for (int i = 0; i < 20; i++) {
		turn();
		poll(NULL, 0, 1);
	}
	ck_assert(!px_procs_idle(procs));
	setrlimit(RLIMIT_NOFILE, &old);
	until(px_procs_idle(procs));
	ck_assert(!alive(pid));
}
END_TEST

/* ---- freeing ---- */

START_TEST(test_free_kills_and_reaps)
{
	pid_t pid = 0, child;

	if (_i == 0) {
		start(PUPPET(PX_IO_PTY, "ignore-term"));
		until(has_text(&one, "ready"));
	} else {
		start(PUPPET(PX_IO_PIPE, runaways[_i - 1]));
		pid = told_pid(&one);
	}
	if (_i == 2)
		until(one.exited);
	child = px_proc_pid(one.proc);
	px_proc_free(one.proc);
	one.proc = NULL;
	until(px_procs_idle(procs));
	ck_assert(!alive(child));
	ck_assert(pid == 0 || !alive(pid));
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), -1);
}
END_TEST

/* An ending under way keeps its deadline without its process. */
START_TEST(test_free_keeps_the_grace)
{
	pid_t pid;

	start(PUPPET(PX_IO_PIPE, "ignore-term"));
	until(has_text(&one, "ready"));
	pid = px_proc_pid(one.proc);
	if (_i == 0)
		px_proc_terminate(one.proc, HOUR_MS, PX_CAUSE_CLIENT);
	else
		px_procs_stop_group(procs, GROUP, HOUR_MS, PX_CAUSE_CLIENT);
	px_proc_free(one.proc);
	one.proc = NULL;
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert(alive(pid));
	ck_assert(!px_procs_idle(procs));
	px_procs_hurry(procs);
	until(px_procs_idle(procs));
	ck_assert(!alive(pid));
}
END_TEST

/* What is told of a running process is told to nobody once it is freed. */
START_TEST(test_free_with_output_waiting)
{
	start(PUPPET(io_of(_i), "spew", "1000000"));
	event_base_loop(base, EVLOOP_ONCE);
	px_proc_free(one.proc);
	one.proc = NULL;
	until(px_procs_idle(procs));
	ck_assert(!one.exited);
}
END_TEST

START_TEST(test_freed_before_everything)
{
	start(PUPPET(io_of(_i), "ignore-term"));
	px_proc_free(NULL);
	/* teardown: the process, then the manager, which waits for it. */
}
END_TEST

/* ---- all of them ---- */

START_TEST(test_stop_group)
{
	start_in(&one, GROUP, PUPPET(PX_IO_PIPE, "signals"));
	start_in(&other, GROUP + 1, PUPPET(PX_IO_PTY, "signals"));
	until(has_text(&one, "ready") && has_text(&other, "ready"));
	px_procs_stop_group(procs, GROUP, HOUR_MS, PX_CAUSE_DISCONNECT);
	until(one.closed);
	ck_assert_int_eq(one.exit.cause, PX_CAUSE_DISCONNECT);
	ck_assert(!other.exited);
	ck_assert(!has_text(&other, "TERM"));
	px_procs_stop_all(procs, HOUR_MS, PX_CAUSE_SHUTDOWN);
	until(other.closed);
	ck_assert_int_eq(other.exit.cause, PX_CAUSE_SHUTDOWN);
	ck_assert_int_eq(other.exit.code, 3);
	until(px_procs_idle(procs));
}
END_TEST

START_TEST(test_hurry)
{
	start(PUPPET(PX_IO_PIPE, "ignore-term"));
	start_in(&other, GROUP, PUPPET(PX_IO_PIPE, "ignore-term"));
	until(has_text(&one, "ready") && has_text(&other, "ready"));
	px_procs_stop_all(procs, HOUR_MS, PX_CAUSE_SHUTDOWN);
	turn();
	px_procs_hurry(procs);
	until(one.closed && other.closed && px_procs_idle(procs));
	ck_assert_int_eq(one.exit.signal, SIGKILL);
	ck_assert_int_eq(other.exit.cause, PX_CAUSE_SHUTDOWN);
}
END_TEST

/* Orphans come to us, are reaped, and are found by their mark when their process is long gone. */
START_TEST(test_orphans)
{
	pid_t pid;

	start(PUPPET(PX_IO_PIPE, "daemonize"));
	pid = told_pid(&one);
	until(one.closed);
	px_procs_stop_group(procs, GROUP, _i == 0 ? HOUR_MS : 0, PX_CAUSE_CLIENT);
	while (!px_procs_idle(procs)) {
		event_base_loop(base, EVLOOP_ONCE);
		px_procs_reap(procs);
	}
	px_procs_reap(procs);
	ck_assert(!alive(pid));
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(test_reap_without_a_loop)
{
	siginfo_t info;

	start(PUPPET(PX_IO_PIPE, "exit", "8"));
	waitid(P_PID, (id_t)px_proc_pid(one.proc), &info, WEXITED | WNOWAIT);
	px_procs_reap(procs);
	ck_assert(one.exited && one.closed);
	ck_assert_int_eq(one.exit.code, 8);
	/* A child that has no process any more. */
	start_in(&other, GROUP, PUPPET(PX_IO_PIPE, "exit", "8"));
	waitid(P_PID, (id_t)px_proc_pid(other.proc), &info, WEXITED | WNOWAIT);
	px_proc_free(other.proc);
	other.proc = NULL;
	ck_assert(!px_procs_idle(procs));
	px_procs_reap(procs);
	until(px_procs_idle(procs));
}
END_TEST

static Suite *
proc_suite(void)
{
	Suite *s = suite_create("proc");
	TCase *end = tcase_create("end"), *kin = tcase_create("kin"), *room = tcase_create("room"),
	      *stop = tcase_create("stop"), *adopting = tcase_create("adopting");

	tcase_set_timeout(end, 20);
	tcase_add_checked_fixture(end, setup, teardown);
	tcase_add_loop_test(end, test_exit, 0, 2);
	tcase_add_loop_test(end, test_death_by_signal, 0, sizeof deaths / sizeof deaths[0]);
	tcase_add_loop_test(end, test_client_signal, 0, 3);
	tcase_add_test(end, test_another_signal);
	tcase_add_test(end, test_foreground_group_gets_the_signal);
	tcase_add_test(end, test_cpu_limit);
	tcase_add_test(end, test_streams_end_first);
	tcase_add_loop_test(end, test_failed_start, 0, 2);
	tcase_add_test(end, test_held_by_a_tracer);
	suite_add_tcase(s, end);

	tcase_set_timeout(kin, 20);
	tcase_add_checked_fixture(kin, setup, teardown);
	tcase_add_loop_test(kin, test_held_streams, 0, 2);
	tcase_add_test(kin, test_held_stdin);
	tcase_add_loop_test(kin, test_a_descendant_floods, 0, 6);
	tcase_add_loop_test(kin, test_output_is_complete, 0, 10);
	tcase_add_test(kin, test_terminal_opened_again);
	suite_add_tcase(s, kin);

	tcase_set_timeout(room, 20);
	tcase_add_checked_fixture(room, setup, teardown);
	tcase_add_loop_test(room, test_no_room_pauses, 0, 2);
	tcase_add_loop_test(room, test_exit_waits_for_room, 0, 2);
	tcase_add_loop_test(room, test_largest_chunk, 0, 2);
	suite_add_tcase(s, room);

	tcase_set_timeout(stop, 20);
	tcase_add_checked_fixture(stop, setup, teardown);
	tcase_add_loop_test(stop, test_terminate_gracefully, 0, 2);
	tcase_add_loop_test(stop, test_terminate_ends_what_is_stopped, 0, 2);
	tcase_add_loop_test(stop, test_terminate_kills_after_the_grace, 0, 2);
	tcase_add_loop_test(stop, test_terminate_again, 0, 2);
	tcase_add_test(stop, test_terminate_comes_too_late);
	tcase_add_loop_test(stop, test_terminate_reaches_runaways, 0, 4);
	tcase_add_test(stop, test_terminate_without_descriptors);
	tcase_add_loop_test(stop, test_free_kills_and_reaps, 0, 3);
	tcase_add_loop_test(stop, test_free_keeps_the_grace, 0, 2);
	tcase_add_loop_test(stop, test_free_with_output_waiting, 0, 2);
	tcase_add_loop_test(stop, test_freed_before_everything, 0, 2);
	tcase_add_test(stop, test_stop_group);
	tcase_add_test(stop, test_hurry);
	suite_add_tcase(s, stop);

	tcase_set_timeout(adopting, 20);
	tcase_add_checked_fixture(adopting, setup_subreaper, teardown);
	tcase_add_loop_test(adopting, test_exit, 0, 2);
	tcase_add_loop_test(adopting, test_orphans, 0, 2);
	tcase_add_test(adopting, test_reap_without_a_loop);
	suite_add_tcase(s, adopting);
	return s;
}

int
main(void)
{
	return run_suite(proc_suite());
}

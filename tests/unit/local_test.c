#include "local/local.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

enum { WAIT_MS = 60000, BIG = 4 * 1024 * 1024 };

static struct px_client *client;

#define CMD(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *
puppet(void)
{
	const char *path = getenv("PX_CHILD");

	ck_assert_msg(path != NULL, "PX_CHILD is not set");
	return path;
}

static struct px_client *
embed(const struct px_client_options *options)
{
	struct px_client *made;
	struct px_error err = { 0 };

	ck_assert_msg(px_client_embed(options, &made, &err) == 0, "%s", err.text);
	return made;
}

static void
setup(void)
{
	client = embed(NULL);
}

static void
teardown(void)
{
	px_client_free(client);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static struct px_answer *
answer(int64_t request)
{
	struct px_error err = { 0 };
	struct px_answer *a = px_client_await(client, request, WAIT_MS, &err);

	ck_assert_msg(a != NULL, "%s", err.text);
	return a;
}

static void
done(int64_t request)
{
	px_answer_free(answer(request));
}

static void
refused(int64_t request, int number, const char *kind, const char *text)
{
	struct px_error err = { 0 };

	ck_assert_int_ge(request, 0);
	ck_assert_ptr_null(px_client_await(client, request, WAIT_MS, &err));
	ck_assert_int_eq(err.code, PX_ERROR_REFUSED);
	ck_assert_int_eq(err.number, number);
	ck_assert_str_eq(err.kind, kind);
	ck_assert_str_eq(err.text, text);
}

static int64_t
start(const char *session, const char *const *argv)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };

	return px_client_start(
	    client, &(struct px_command){ .session = session, .argv = argv, .env = env }, NULL);
}

static struct px_event *
next(const char *session)
{
	struct px_error err = { 0 };
	struct px_event *event = px_client_next(client, session, WAIT_MS, &err);

	ck_assert_msg(event != NULL, "%s", err.text);
	return event;
}

/* Takes events up to the session's close; the output is told by 'text', which has room for it. */
static void
follow(const char *session, char *text, size_t size, struct px_end *out_end)
{
	struct px_event *event;
	size_t len = 0;
	bool exited = false;

	for (;; px_event_free(event)) {
		event = next(session);
		if (event->type == PX_EVENT_OUTPUT) {
			ck_assert_uint_lt(len + event->output.len, size);
			memcpy(text + len, event->output.data, event->output.len);
			len += event->output.len;
		} else if (event->type == PX_EVENT_EXITED) {
			exited = true;
			*out_end = event->exited.end;
		} else {
			break;
		}
	}
	ck_assert_int_eq(event->type, PX_EVENT_CLOSED);
	ck_assert(exited);
	px_event_free(event);
	text[len] = '\0';
}

/* ---- methods ---- */

START_TEST(test_greeting)
{
	const struct px_greeting *greeting = px_client_greeting(client);

	ck_assert_str_eq(greeting->server_name, "libptyexec");
	ck_assert_ptr_nonnull(greeting->workspace);
	ck_assert_ptr_nonnull(greeting->resume_token);
	ck_assert_int_eq(greeting->cwd[0], '/');
	ck_assert_int_eq(greeting->shell[0], '/');
	ck_assert_uint_gt(greeting->nlimits, 0);
	ck_assert_str_eq(greeting->limits[0].name, "maxProcesses");
}
END_TEST

START_TEST(test_pipes)
{
	struct px_end end;
	struct px_answer *a;
	char text[64];

	a = answer(start("a", CMD("sh", "-c", "cat; exit 7")));
	ck_assert_str_eq(a->start.session, "a");
	ck_assert_int_gt(a->start.pid, 1);
	ck_assert(!a->start.existing);
	px_answer_free(a);
	done(px_client_write(client, "a", "hello", 5, NULL));
	done(px_client_close_stdin(client, "a", NULL));
	follow("a", text, sizeof text, &end);
	ck_assert_str_eq(text, "hello");
	ck_assert_int_eq(end.exit_code, 7);
	ck_assert_ptr_null(end.signal);
	ck_assert_str_eq(end.cause, "self");
	a = answer(start("a", CMD("sh", "-c", "cat; exit 7")));
	ck_assert(a->start.existing);
	px_answer_free(a);
	done(px_client_release(client, "a", NULL));
}
END_TEST

START_TEST(test_terminal)
{
	const char *const argv[] = { puppet(), "size", NULL };
	struct px_answer *a;
	struct px_event *event;

	a = answer(px_client_start(client,
	    &(struct px_command){
		.session = "t", .argv = argv, .pty = true, .rows = 24, .cols = 80 },
	    NULL));
	px_answer_free(a);
	event = next("t");
	ck_assert_int_eq(event->type, PX_EVENT_OUTPUT);
	ck_assert_int_eq(event->output.stream, PX_STREAM_TERMINAL);
	ck_assert_mem_eq(event->output.data, "24x80", 5);
	px_event_free(event);
	done(px_client_resize(client, "t", 30, 100, NULL));
	event = next("t");
	ck_assert_mem_eq(event->output.data, "30x100", 6);
	px_event_free(event);
	a = answer(px_client_inspect(client, "t", NULL));
	ck_assert(a->inspect.row.pty && a->inspect.row.running && a->inspect.terminal);
	ck_assert_int_eq(a->inspect.row.rows, 30);
	ck_assert_int_eq(a->inspect.row.cols, 100);
	ck_assert_int_eq(a->inspect.row.subscribers, 1);
	ck_assert_int_eq(a->inspect.foreground_group, a->inspect.row.pid);
	ck_assert_int_gt(a->inspect.total_bytes[PX_STREAM_TERMINAL], 10);
	px_answer_free(a);
	a = answer(px_client_signal(client, "t", "KILL", NULL));
	ck_assert(a->signal.delivered);
	px_answer_free(a);
	a = answer(px_client_wait(client, "t", NULL, NULL));
	ck_assert_str_eq(a->wait.reason, "exit");
	ck_assert(a->wait.exited);
	ck_assert_int_eq(a->wait.end.exit_code, 128 + SIGKILL);
	ck_assert_str_eq(a->wait.end.signal, "KILL");
	ck_assert_str_eq(a->wait.end.cause, "client");
	ck_assert_int_gt(a->wait.end.resources.max_rss_bytes, 0);
	px_answer_free(a);
}
END_TEST

START_TEST(test_run_and_communicate)
{
	const char *const argv[] = { "/usr/bin/tr", "a-z", "A-Z", NULL };
	struct px_answer *a;

	a = answer(px_client_run(client, &(struct px_command){ .argv = argv }, "text", 4, 0, NULL));
	ck_assert_ptr_nonnull(a->finish.start.session);
	ck_assert_str_eq(a->finish.wait.reason, "exit");
	ck_assert_int_eq(a->finish.wait.end.exit_code, 0);
	ck_assert_uint_eq(a->finish.snapshot.stream[PX_STREAM_STDOUT].len, 4);
	ck_assert_str_eq(a->finish.snapshot.stream[PX_STREAM_STDOUT].data, "TEXT");
	ck_assert_str_eq(a->finish.snapshot.stream[PX_STREAM_STDERR].data, "");
	ck_assert_uint_eq(a->finish.snapshot.stream[PX_STREAM_TERMINAL].len, 0);
	px_answer_free(a);
	done(start("c", CMD("cat")));
	a = answer(px_client_communicate(client, "c", "more", 4, 0, NULL));
	ck_assert_ptr_null(a->finish.start.session);
	ck_assert_str_eq(a->finish.snapshot.stream[PX_STREAM_STDOUT].data, "more");
	px_answer_free(a);
	done(start("s", CMD("sleep", "1000")));
	a = answer(px_client_communicate(client, "s", NULL, 0, 1, NULL));
	ck_assert_str_eq(a->finish.wait.reason, "timeout");
	ck_assert(a->finish.snapshot.running && !a->finish.wait.exited);
	px_answer_free(a);
}
END_TEST

/* More input than the pipe and the queue hold: it waits, and its end behind it. */
START_TEST(test_input_that_waits)
{
	char *input = calloc(1, BIG);
	struct px_answer *a;

	ck_assert_ptr_nonnull(input);
	done(start("s", CMD("sleep", "1000")));
	a = answer(px_client_communicate(client, "s", input, BIG, 1, NULL));
	ck_assert_str_eq(a->finish.wait.reason, "timeout");
	px_answer_free(a);
	done(start("c", CMD("sh", "-c", "wc -c")));
	a = answer(px_client_communicate(client, "c", input, BIG, 0, NULL));
	ck_assert_str_eq(a->finish.snapshot.stream[PX_STREAM_STDOUT].data, "4194304\n");
	px_answer_free(a);
	free(input);
}
END_TEST

START_TEST(test_wait_and_read)
{
	struct px_answer *a;

	done(start("w", CMD("sh", "-c", "echo one; echo two >&2; read x; echo three")));
	a = answer(px_client_wait(
	    client, "w", &(struct px_until){ .match = "two", .from_seq = true }, NULL));
	ck_assert_str_eq(a->wait.reason, "match");
	ck_assert(!a->wait.exited);
	px_answer_free(a);
	a = answer(px_client_wait(client, "w", &(struct px_until){ .timeout_ms = 1 }, NULL));
	ck_assert_str_eq(a->wait.reason, "timeout");
	px_answer_free(a);
	a = answer(
	    px_client_wait(client, "w", &(struct px_until){ .bytes = 8, .from_seq = true }, NULL));
	ck_assert_str_eq(a->wait.reason, "bytes");
	px_answer_free(a);
	a = answer(px_client_wait(client, "w", &(struct px_until){ .idle_ms = 1 }, NULL));
	ck_assert_str_eq(a->wait.reason, "idle");
	px_answer_free(a);
	a = answer(px_client_read(client, "w", 0, 1, 0, NULL));
	ck_assert_uint_eq(a->read.nchunks, 1);
	ck_assert_int_eq(a->read.next_seq, 2);
	px_answer_free(a);
	a = answer(px_client_read(client, "w", 0, 0, 0, NULL));
	ck_assert_uint_eq(a->read.nchunks, 2);
	ck_assert_int_eq(a->read.next_seq, 3);
	ck_assert_uint_eq(a->read.chunks[0].len, 4);
	ck_assert(!a->read.exited && !a->read.closed);
	px_answer_free(a);
	done(px_client_write(client, "w", "\n", 1, NULL));
	a = answer(px_client_read(client, "w", 2, 0, WAIT_MS, NULL));
	ck_assert_int_ge(a->read.nchunks, 1);
	ck_assert_mem_eq(a->read.chunks[0].data, "three\n", 6);
	ck_assert_int_eq(a->read.chunks[0].seq, 3);
	px_answer_free(a);
	a = answer(px_client_snapshot(client, "w", NULL));
	ck_assert_int_eq(a->snapshot.stream[PX_STREAM_STDOUT].total, 10);
	px_answer_free(a);
}
END_TEST

START_TEST(test_subscribe_and_list)
{
	struct px_answer *a;
	struct px_event *event;
	struct px_end end;
	char text[16];

	done(start("l", CMD("sh", "-c", "echo x")));
	follow("l", text, sizeof text, &end);
	done(px_client_unsubscribe(client, "l", NULL));
	a = answer(px_client_subscribe(client, "l", 0, NULL));
	ck_assert_int_eq(a->subscribe.next_seq, 4);
	ck_assert_int_eq(a->subscribe.lost_bytes, 0);
	px_answer_free(a);
	follow("l", text, sizeof text, &end);
	ck_assert_str_eq(text, "x\n");
	a = answer(px_client_subscribe(client, "l", 2, NULL));
	px_answer_free(a);
	event = next("l");
	ck_assert_int_eq(event->type, PX_EVENT_CLOSED);
	ck_assert_int_eq(event->seq, 3);
	px_event_free(event);
	a = answer(px_client_list(client, NULL));
	ck_assert_uint_eq(a->list.nrows, 1);
	ck_assert_str_eq(a->list.rows[0].session, "l");
	ck_assert_str_eq(a->list.rows[0].argv[1], "-c");
	ck_assert_ptr_null(a->list.rows[0].argv[3]);
	ck_assert(a->list.rows[0].exited && !a->list.rows[0].running);
	ck_assert_int_gt(a->list.rows[0].exited_at_ms, 0);
	px_answer_free(a);
	a = answer(px_client_info(client, NULL));
	ck_assert_int_eq(a->info.pid, getpid());
	ck_assert_int_eq(a->info.sessions, 1);
	ck_assert_int_eq(a->info.running, 0);
	px_answer_free(a);
}
END_TEST

START_TEST(test_terminate)
{
	struct px_answer *a;

	done(start("g", CMD(puppet(), "ignore-term")));
	px_event_free(next("g"));
	a = answer(px_client_terminate(client, "g", 10, NULL));
	ck_assert(a->terminate.running);
	px_answer_free(a);
	a = answer(px_client_terminate(client, "g", PX_TERMINATE_FORCE, NULL));
	ck_assert(!a->terminate.running);
	px_answer_free(a);
	done(start("f", CMD("sleep", "1000")));
	a = answer(px_client_terminate(client, "f", PX_TERMINATE_FORCE, NULL));
	ck_assert(a->terminate.running);
	px_answer_free(a);
	done(start("d", CMD("sleep", "1000")));
	a = answer(px_client_terminate(client, "d", PX_TERMINATE_GRACE, NULL));
	ck_assert(a->terminate.running);
	px_answer_free(a);
}
END_TEST

/* ---- refusals: the protocol's numbers, kinds and words ---- */

START_TEST(test_refusals)
{
	struct px_error err = { 0 };

	refused(px_client_write(client, "no", "x", 1, NULL), -32004, "unknownSession",
	    "unknown session id no");
	refused(start("a b", CMD("true")), -32602, "invalidParams",
	    "\"sessionId\" must match [A-Za-z0-9._:-]{1,128}");
	done(start("r", CMD("sleep", "1000")));
	refused(
	    start("r", CMD("sleep", "999")), -32600, "sessionExists", "session ID already exists");
	refused(px_client_release(client, "r", NULL), -32600, "sessionRunning",
	    "session 'r' is running");
	refused(px_client_resize(client, "r", 1, 1, NULL), -32602, "notATerminal",
	    "session 'r' has no terminal");
	refused(px_client_resize(client, "r", 0, 1, NULL), -32602, "invalidParams",
	    "\"rows\" must be an integer from 1 to 65535");
	refused(px_client_signal(client, "r", "SIGINT", NULL), -32602, "invalidParams",
	    "\"signal\" must be a signal's name without SIG, as \"INT\"");
	refused(px_client_wait(client, "r", &(struct px_until){ .match = "" }, NULL), -32602,
	    "invalidParams", "\"until[1]\": \"match\" must have at least 1 bytes");
	refused(
	    px_client_start(client, &(struct px_command){ .argv = CMD("x"), .cwd = "here" }, NULL),
	    -32602, "invalidParams", "direct: \"cwd\" must be an absolute path");
	ck_assert_ptr_null(
	    px_client_await(client, start("e", CMD("/no/such/program")), WAIT_MS, &err));
	ck_assert_int_eq(err.number, -32007);
	ck_assert_int_eq(err.sys, ENOENT);
	ck_assert_str_eq(err.kind, "spawnFailed");
	ck_assert_str_eq(err.step, "exec");
	done(px_client_terminate(client, "r", PX_TERMINATE_FORCE, NULL));
	done(px_client_wait(client, "r", NULL, NULL));
	ck_assert_ptr_null(
	    px_client_await(client, px_client_write(client, "r", "x", 1, NULL), WAIT_MS, &err));
	ck_assert_str_eq(err.kind, "stdinClosed");
}
END_TEST

START_TEST(test_a_workspace_that_cannot_be)
{
	struct px_client_options options;
	struct px_client *none;
	struct px_error err = { 0 };

	px_client_options_init(&options);
	options.resume_token = "abc";
	ck_assert_int_eq(px_client_embed(&options, &none, &err), -1);
	ck_assert_int_eq(err.code, PX_ERROR_REFUSED);
	ck_assert_str_eq(err.kind, "unknownToken");
	options.resume_token = NULL;
	options.workspace = "a b";
	ck_assert_int_eq(px_client_embed(&options, &none, &err), -1);
	ck_assert_str_eq(err.kind, "invalidParams");
}
END_TEST

/* ---- the runtime's own queues ---- */

static struct px_local *
runtime(unsigned capacity)
{
	struct px_client_options options;
	struct px_local *local;
	struct px_error err = { 0 };

	px_client_options_init(&options);
	options.capacity = capacity;
	ck_assert_msg(px_local_new(&options, &local, &err) == 0, "%s", err.text);
	return local;
}

static void
send_start(struct px_local *local, int64_t id, const char *session)
{
	const struct px_command command = { .argv = CMD("/bin/sleep", "1000") };
	const struct px_request request = {
		.method = PX_DO_START, .id = id, .session = session, .command = &command
	};

	ck_assert_int_eq(px_local_send(local, &request, NULL), 0);
}

static void
send_wait(struct px_local *local, int64_t id, const char *session)
{
	const struct px_request request = { .method = PX_DO_WAIT, .id = id, .session = session };

	ck_assert_int_eq(px_local_send(local, &request, NULL), 0);
}

static struct px_heard *
hear(struct px_local *local)
{
	struct px_heard_list list = TAILQ_HEAD_INITIALIZER(list);
	struct pollfd pfd = { .fd = px_local_fd(local), .events = POLLIN };
	struct px_heard *heard;

	while (TAILQ_EMPTY(&list)) {
		ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
		px_local_collect(local, &list);
	}
	heard = TAILQ_FIRST(&list);
	ck_assert_ptr_null(TAILQ_NEXT(heard, link));
	return heard;
}

static void
hears(struct px_local *local, int64_t id, const char *kind)
{
	struct px_heard *heard = hear(local);

	ck_assert_int_eq(heard->event.type, PX_EVENT_ANSWER);
	ck_assert_int_eq(heard->event.answer.request, id);
	ck_assert_str_eq(heard->event.answer.error.kind, kind);
	px_heard_free(heard);
}

START_TEST(test_overloaded_and_duplicate)
{
	struct px_local *local = runtime(_i == 0 ? 0 : 3);
	int64_t full = _i == 0 ? 1 : 3, id = 0;
	struct px_heard_list lost = TAILQ_HEAD_INITIALIZER(lost);
	struct px_heard *heard, *following;

	send_start(local, 100, "s");
	hears(local, 100, "");
	while (id < full)
		send_wait(local, ++id, "s");
	send_wait(local, full, "s");
	hears(local, full, "duplicateRequestId");
	send_wait(local, 99, "s");
	hears(local, 99, "overloaded");
	px_local_close(local);
	px_local_collect(local, &lost);
	TAILQ_FOREACH_SAFE (heard, &lost, link, following) {
		ck_assert_int_eq(heard->event.type, PX_EVENT_ANSWER);
		ck_assert_int_eq(heard->event.answer.error.code, PX_ERROR_LOST);
		px_heard_free(heard);
		id--;
	}
	ck_assert_int_eq(id, 0);
	px_local_free(local);
}
END_TEST

START_TEST(test_nothing_after_the_close)
{
	const struct px_request request = { .method = PX_DO_INFO, .id = 1 };
	struct px_local *local = runtime(1);
	struct px_error err = { 0 };

	px_local_close(local);
	ck_assert_int_eq(px_local_send(local, &request, &err), -1);
	ck_assert_int_eq(err.code, PX_ERROR_LOST);
	px_local_free(local);
}
END_TEST

/* ---- slow consumers ---- */

START_TEST(test_a_slow_consumer)
{
	bool lag = _i == 1;
	struct px_client_options options;
	struct px_event *event;
	int64_t bytes = 0, skipped = 0, expected = 0;
	char count[16];
	bool closed = false, exited = false;

	px_client_free(client);
	px_client_options_init(&options);
	options.queue_bytes = 65536;
	options.slow_consumer = lag ? PX_SLOW_LAG : PX_SLOW_BLOCK;
	client = embed(&options);
	snprintf(count, sizeof count, "%d", BIG);
	done(start("s", CMD(puppet(), "spew", count)));
	if (lag) { /* it ends although nobody takes its output */
		struct px_client *other = client;
		struct px_error err = { 0 };
		struct px_answer *a;

		a = px_client_await(other, px_client_wait(other, "s", NULL, NULL), WAIT_MS, &err);
		ck_assert_msg(a != NULL, "%s", err.text);
		px_answer_free(a);
	}
	for (; !closed; px_event_free(event)) {
		event = next("s");
		if (event->type == PX_EVENT_OUTPUT) {
			ck_assert_int_eq(event->output.offset, bytes + skipped);
			bytes += (int64_t)event->output.len;
		} else if (event->type == PX_EVENT_LAGGED) {
			skipped += event->lagged.skipped_bytes;
		}
		exited |= event->type == PX_EVENT_EXITED;
		closed = event->type == PX_EVENT_CLOSED;
	}
	ck_assert(exited);
	expected = BIG;
	ck_assert_int_eq(bytes + skipped, expected);
	ck_assert(lag ? skipped > 0 : skipped == 0);
}
END_TEST

/* ---- many, and again ---- */

START_TEST(test_many_sessions)
{
	enum { N = 300 };
	const char *const argv[] = { "/bin/sh", "-c", "echo $0; exit 3", NULL };
	struct px_event *event;
	int64_t ids[N];
	int closed = 0, exited = 0;

	px_client_free(client);
	client = embed(&(struct px_client_options){
	    .capacity = N, .queue_bytes = PX_CLIENT_QUEUE_BYTES, .grace_ms = 5000 });
	for (int i = 0; i < N; i++) {
		struct px_command command = {
			.argv = argv, .pty = i % 2 == 0, .rows = 24, .cols = 80
		};

		ids[i] = px_client_start(client, &command, NULL);
	}
	for (int i = 0; i < N; i++)
		done(ids[i]);
	for (; closed < N; px_event_free(event)) {
		event = next(NULL);
		if (event->type == PX_EVENT_EXITED) {
			ck_assert_int_eq(event->exited.end.exit_code, 3);
			exited++;
		}
		closed += event->type == PX_EVENT_CLOSED;
	}
	ck_assert_int_eq(exited, N);
}
END_TEST

static size_t
entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

START_TEST(test_nothing_is_left)
{
	size_t fds = 0, threads = 0;

	px_client_free(client);
	client = NULL;
	for (int i = 0; i < 10; i++) {
		client = embed(NULL);
		done(start("a", CMD("sleep", "1000")));
		px_client_close(client);
		px_client_close(client);
		px_client_free(client);
		client = NULL;
		if (i == 0) {
			fds = entries("/proc/self/fd");
			threads = entries("/proc/self/task");
		}
		ck_assert_uint_eq(entries("/proc/self/fd"), fds);
		ck_assert_uint_eq(entries("/proc/self/task"), threads);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	}
}
END_TEST

START_TEST(test_twice_in_one_process)
{
	struct px_client *first = client, *second = embed(NULL);
	struct px_answer *a;

	done(start("a", CMD("sleep", "1000")));
	client = second;
	a = answer(px_client_list(client, NULL));
	ck_assert_uint_eq(a->list.nrows, 0);
	px_answer_free(a);
	done(start("a", CMD("true")));
	px_client_free(first);
	done(px_client_wait(client, "a", NULL, NULL));
}
END_TEST

/* ---- the end ---- */

static void *
closer(void *arg)
{
	px_client_close(arg);
	return NULL;
}

START_TEST(test_the_end)
{
	struct px_client_options options;
	struct px_error err = { 0 };
	pthread_t thread[2];
	struct px_event *event;
	int64_t wait;

	px_client_free(client);
	px_client_options_init(&options);
	options.grace_ms = 50;
	client = embed(&options);
	done(start("i", CMD(puppet(), "ignore-term")));
	px_event_free(next("i"));
	done(start("d", CMD(puppet(), "setsid-child")));
	px_event_free(next("d"));
	wait = px_client_wait(client, "i", NULL, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, closer, client);
	ck_assert_ptr_null(px_client_await(client, wait, WAIT_MS, &err));
	ck_assert_int_eq(err.code, PX_ERROR_LOST);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	while ((event = px_client_next(client, NULL, WAIT_MS, &err)) != NULL)
		px_event_free(event);
	ck_assert_int_eq(err.code, PX_ERROR_LOST);
	ck_assert_int_eq(px_client_info(client, &err), -1);
}
END_TEST

/* ---- hosts ---- */

START_TEST(test_a_host_that_ignores_sigchld)
{
	struct px_event *event;

	signal(SIGCHLD, SIG_IGN);
	done(start("l", CMD("sh", "-c", "exit 7")));
	event = next("l");
	ck_assert_int_eq(event->type, PX_EVENT_FAILED);
	ck_assert_int_eq(event->seq, 1);
	px_event_free(event);
	event = next("l");
	ck_assert_int_eq(event->type, PX_EVENT_CLOSED);
	px_event_free(event);
}
END_TEST

START_TEST(test_a_large_host)
{
	const size_t size = (size_t)1 << 30;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct px_answer *a;

	ck_assert_ptr_ne(memory, MAP_FAILED);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	a = answer(px_client_run(
	    client, &(struct px_command){ .argv = CMD("/bin/echo", "small") }, NULL, 0, 0, NULL));
	ck_assert_str_eq(a->finish.snapshot.stream[PX_STREAM_STDOUT].data, "small\n");
	px_answer_free(a);
	munmap(memory, size);
}
END_TEST

static atomic_bool enough;
static atomic_int alarms, strangers;
static pid_t self;

/* What another thread opens has no close-on-exec flag at any moment. */
static void *
open_and_close(void *arg)
{
	int fd[2];

	while (!atomic_load(&enough)) {
		ck_assert_int_eq(pipe(fd), 0);
		close(fd[0]);
		close(fd[1]);
	}
	return arg;
}

/* The memory of a child between vfork and exec is the host's: it would be seen here. */
static void
on_alarm(int sig)
{
	(void)sig;
	atomic_fetch_add(&alarms, 1);
	if (getpid() != self)
		atomic_fetch_add(&strangers, 1);
}

static size_t
lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

START_TEST(test_a_host_with_threads_and_signals)
{
	const struct itimerval often = { .it_interval.tv_usec = 500, .it_value.tv_usec = 500 };
	const struct itimerval never = { 0 };
	const char *const argv[] = { puppet(), "fds", NULL };
	struct px_answer *a;
	pthread_t thread;

	self = getpid();
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	pthread_create(&thread, NULL, open_and_close, NULL);
	for (int i = 0; i < 50; i++) {
		a = answer(px_client_run(client,
		    &(struct px_command){ .argv = argv, .no_stdin = true }, NULL, 0, 0, NULL));
		ck_assert_int_eq(a->finish.wait.end.exit_code, 0);
		ck_assert_uint_eq(lines(a->finish.snapshot.stream[PX_STREAM_STDOUT].data), 3);
		px_answer_free(a);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	ck_assert_int_gt(atomic_load(&alarms), 0);
	ck_assert_int_eq(atomic_load(&strangers), 0);
}
END_TEST

/*
 * In the child of a fork: a host that tells the pid of a grandchild in a session
 * of its own, or where no guardian can be had, of a child; and stays.
 */
static _Noreturn void
host(int fd, bool guarded)
{
	struct px_event *event;
	struct px_answer *a;
	char text[32];

	if (!guarded)
		setenv("PTYEXECD", "/bin/false", 1);
	client = embed(NULL);
	a = answer(start("i", CMD(puppet(), "ignore-term")));
	px_event_free(next("i"));
	snprintf(text, sizeof text, "pid %d\n", (int)a->start.pid);
	if (guarded) {
		done(start("d", CMD(puppet(), "daemonize")));
		event = next("d");
		snprintf(text, sizeof text, "%.*s", (int)event->output.len,
		    (const char *)event->output.data);
	}
	if (write(fd, text, strlen(text)) == -1)
		_exit(1);
	for (;;)
		pause();
}

static bool
lives(pid_t pid)
{
	char path[64], text[512] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if ((file = fopen(path, "re")) == NULL)
		return false;
	if (fgets(text, sizeof text, file) == NULL)
		text[0] = '\0';
	fclose(file);
	return text[0] != '\0' && strstr(text, ") Z ") == NULL;
}

START_TEST(test_a_killed_host_leaves_nothing)
{
	char text[64] = "";
	pid_t pid, left;
	int fd[2];

	px_client_free(client);
	client = NULL;
	ck_assert_int_eq(pipe(fd), 0);
	if ((pid = fork()) == 0)
		host(fd[1], _i == 0);
	ck_assert_int_gt(read(fd[0], text, sizeof text - 1), 4);
	left = (pid_t)strtol(text + 4, NULL, 10);
	ck_assert(lives(left));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (lives(left))
		poll(NULL, 0, 5);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

static Suite *
local_suite(void)
{
	Suite *s = suite_create("local");
	TCase *methods = tcase_create("methods"), *queues = tcase_create("queues"),
	      *life = tcase_create("life");

	tcase_set_timeout(methods, 60);
	tcase_add_checked_fixture(methods, setup, teardown);
	tcase_add_test(methods, test_greeting);
	tcase_add_test(methods, test_pipes);
	tcase_add_test(methods, test_terminal);
	tcase_add_test(methods, test_run_and_communicate);
	tcase_add_test(methods, test_input_that_waits);
	tcase_add_test(methods, test_wait_and_read);
	tcase_add_test(methods, test_subscribe_and_list);
	tcase_add_test(methods, test_terminate);
	tcase_add_test(methods, test_refusals);
	tcase_add_test(methods, test_a_workspace_that_cannot_be);
	suite_add_tcase(s, methods);

	tcase_set_timeout(queues, 60);
	tcase_add_checked_fixture(queues, setup, teardown);
	tcase_add_loop_test(queues, test_overloaded_and_duplicate, 0, 2);
	tcase_add_test(queues, test_nothing_after_the_close);
	tcase_add_loop_test(queues, test_a_slow_consumer, 0, 2);
	suite_add_tcase(s, queues);

	tcase_set_timeout(life, 60);
	tcase_add_checked_fixture(life, setup, teardown);
	tcase_add_test(life, test_many_sessions);
	tcase_add_test(life, test_nothing_is_left);
	tcase_add_test(life, test_twice_in_one_process);
	tcase_add_test(life, test_the_end);
	tcase_add_test(life, test_a_host_that_ignores_sigchld);
	tcase_add_test(life, test_a_large_host);
	tcase_add_test(life, test_a_host_with_threads_and_signals);
	tcase_add_loop_test(life, test_a_killed_host_leaves_nothing, 0, 2);
	suite_add_tcase(s, life);
	return s;
}

int
main(void)
{
	return run_suite(local_suite());
}

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/state.h"
#include "rig/talk.h"
#include "served_cases.h"

/* Servers that are not there or go away, and the end of a client in every state. */

enum { WAITERS = 6 };

/* ---- servers that do not answer ---- */

/* A unix socket of the test's own; 'room' for connections that nobody accepts. */
struct listener {
	char dir[32], path[64], url[80];
	int fd;
};

static void
listener_open(struct listener *l, int room)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(l->dir, sizeof l->dir, "/tmp/px-end-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->dir));
	snprintf(l->path, sizeof l->path, "%s/s", l->dir);
	snprintf(l->url, sizeof l->url, "unix://%s", l->path);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", l->path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(l->fd, (const struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(l->fd, room), 0);
}

static void
listener_close(struct listener *l)
{
	close(l->fd);
	unlink(l->path);
	rmdir(l->dir);
}

static void
connect_fails(const char *url, struct talk *talk, enum px_error_code code)
{
	ck_assert_int_eq(px_client_connect(url, &talk->options, &talk->client, &talk->error), -1);
	ck_assert_msg(talk->error.code == code, "%d: %s", talk->error.code, talk->error.text);
	ck_assert_ptr_null(talk->client);
}

START_TEST(test_cannot_connect)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int queued = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct listener l;
	struct talk talk;

	talk_init(&talk);
	connect_fails("unix:///no/such/socket", &talk, PX_ERROR_CONNECT);
	ck_assert_int_eq(talk.error.sys, ENOENT);
	connect_fails("ftp://host", &talk, PX_ERROR_USAGE);

	/* The queue of those who wait to be accepted is full. */
	listener_open(&l, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", l.path);
	ck_assert_int_eq(connect(queued, (const struct sockaddr *)&at, sizeof at), 0);
	talk.options.connect_timeout_ms = 50;
	connect_fails(l.url, &talk, PX_ERROR_CONNECT);
	ck_assert_int_eq(talk.error.sys, ETIMEDOUT);
	close(queued);
	listener_close(&l);
	talk_done(&talk);
}
END_TEST

START_TEST(test_no_greeting)
{
	struct listener l;
	struct talk talk;

	talk_init(&talk);
	listener_open(&l, 8);
	talk.options.greeting_timeout_ms = 50;
	connect_fails(l.url, &talk, PX_ERROR_TIMEOUT);
	listener_close(&l);
	talk_done(&talk);
}
END_TEST

/* Answers the first connection with another protocol. */
static void *
speak_ssh(void *arg)
{
	static const char hello[] = "SSH-2.0-OpenSSH_9.2\r\n";
	int fd = accept(*(const int *)arg, NULL, NULL);

	ck_assert_int_eq(send(fd, hello, strlen(hello), MSG_NOSIGNAL), (ssize_t)strlen(hello));
	close(fd);
	return NULL;
}

START_TEST(test_another_server)
{
	struct listener l;
	struct talk talk;
	pthread_t thread;

	talk_init(&talk);
	listener_open(&l, 8);
	ck_assert_int_eq(pthread_create(&thread, NULL, speak_ssh, &l.fd), 0);
	connect_fails(l.url, &talk, PX_ERROR_PEER);
	pthread_join(thread, NULL);
	listener_close(&l);
	talk_done(&talk);
}
END_TEST

START_TEST(test_refused)
{
	struct talk talk;

	talk_init(&talk);
	talk.options.resume_token = "never given";
	connect_fails(rig_url(_i == 0 ? RIG_UNIX : RIG_WS), &talk, PX_ERROR_REFUSED);
	ck_assert_str_eq(talk.error.kind, "unknownToken");
	talk_done(&talk);
}
END_TEST

/* ---- servers that go away ---- */

START_TEST(test_server_restarted)
{
	struct rig_server server;
	struct talk talk;
	int64_t id;

	rig_server_start(&server, NULL);
	talk_init(&talk);
	talk_connect(&talk, server.unix_url);
	START(&talk, "a", "echo");
	id = px_client_wait(talk.client, "a", NULL, &talk.error);
	rig_server_restart(&server, NULL);
	/* The own workspace is gone with the server: one event, and no invented end. */
	ck_assert_ptr_null(talk_next(&talk, NULL, PX_EVENT_LOST)->session);
	talk_nothing(&talk, NULL, PX_ERROR_LOST);
	talk_nothing(&talk, "a", PX_ERROR_LOST);
	talk_fails(&talk, id, PX_ERROR_LOST);
	talk_done(&talk);
	rig_server_stop(&server);
}
END_TEST

START_TEST(test_server_restarted_with_name)
{
	struct rig_server server;
	struct talk talk;
	int64_t id;

	rig_server_start(&server, NULL);
	talk_init(&talk);
	talk.options.workspace = "shared";
	talk_connect(&talk, server.unix_url);
	START(&talk, "a", "echo");
	id = px_client_wait(talk.client, "a", NULL, &talk.error);
	rig_server_restart(&server, NULL);
	/* The name brings the workspace back, but not what was in it. */
	ck_assert_str_eq(talk_next(&talk, NULL, PX_EVENT_LOST)->session, "a");
	talk_refused(&talk, id, "unknownSession");
	START(&talk, "a", "exit", "0");
	talk_next(&talk, "a", PX_EVENT_EXITED);
	talk_done(&talk);
	rig_server_stop(&server);
}
END_TEST

START_TEST(test_detach_time_over)
{
	static const char *const flags[] = { "--detach-ttl-ms", "200", NULL };
	struct rig_server server;
	struct rig_proxy *proxy;
	struct talk talk;

	rig_server_start(&server, flags);
	proxy = rig_proxy_new(server.unix_url);
	talk_init(&talk);
	talk_connect(&talk, rig_proxy_url(proxy));
	START(&talk, "a", "echo");
	rig_proxy_refuse(proxy, true);
	rig_proxy_cut(proxy);
	ck_assert_ptr_null(talk_next(&talk, NULL, PX_EVENT_LOST)->session);
	ck_assert_int_eq(talk.event->lost.code, PX_ERROR_LOST);
	talk_done(&talk);
	rig_proxy_free(proxy);
	rig_server_stop(&server);
}
END_TEST

/* ---- the end of a client, with threads inside ---- */

struct waiter {
	pthread_t thread;
	struct px_client *client;
	int64_t request; /* or 0 */
	const char *session;
};

/* Of whichever session; the client's own end is the last one. */
static int
last_event(struct px_client *client, struct px_error *error)
{
	struct px_event *event = px_client_next(client, NULL, -1, error);
	int type;

	/* Another thread has taken it. */
	if (event == NULL)
		return PX_EVENT_LOST;
	type = event->type;
	error->code = PX_ERROR_LOST;
	px_event_free(event);
	return type;
}

/* Waits for what does not come, in one call, until the client ends. */
static void *
wait_for_ever(void *arg)
{
	struct waiter *waiter = arg;
	struct px_error error = { 0 };

	if (waiter->request != 0)
		ck_assert_ptr_null(px_client_await(waiter->client, waiter->request, -1, &error));
	else if (waiter->session != NULL)
		ck_assert_ptr_null(px_client_next(waiter->client, waiter->session, -1, &error));
	else
		ck_assert_int_eq(last_event(waiter->client, &error), PX_EVENT_LOST);
	ck_assert_msg(error.code == PX_ERROR_LOST, "%s", error.text);
	return NULL;
}

static void
waiters_start(struct talk *talk, struct waiter waiters[WAITERS])
{
	for (int i = 0; i < WAITERS; i++) {
		struct waiter *waiter = &waiters[i];

		*waiter = (struct waiter){ .client = talk->client };
		if (i < 2)
			waiter->request =
			    talk_sent(talk, px_client_wait(talk->client, "a", NULL, &talk->error));
		else if (i < 4)
			waiter->session = "a";
		ck_assert_int_eq(pthread_create(&waiter->thread, NULL, wait_for_ever, waiter), 0);
	}
}

/* Until all of them are in their call. */
static void
waiters_await_inside(const struct px_client *client)
{
	while (atomic_load(&client->users) < WAITERS)
		sched_yield();
}

static void
waiters_join(struct waiter waiters[WAITERS])
{
	for (int i = 0; i < WAITERS; i++)
		pthread_join(waiters[i].thread, NULL);
}

START_TEST(test_close_wakes_all)
{
	struct waiter waiters[WAITERS];
	struct talk talk;

	talk_init(&talk);
	talk_connect(&talk, rig_url(_i % 2 == 0 ? RIG_UNIX : RIG_WS));
	START(&talk, "a", "echo");
	waiters_start(&talk, waiters);
	/* At once, or when they are likely to wait already. */
	if (_i > 1)
		ck_assert_ptr_null(px_client_next(talk.client, "b", 20, NULL));
	px_client_close(talk.client);
	waiters_join(waiters);
	px_client_close(talk.client);
	ck_assert_int_eq(px_client_info(talk.client, &talk.error), -1);
	ck_assert_int_eq(talk.error.code, PX_ERROR_LOST);
	px_client_step(talk.client);
	talk_done(&talk);
}
END_TEST

/* Freeing waits for those who are inside. These make one call each, which must not begin later. */
START_TEST(test_free_under_waiters)
{
	struct waiter waiters[WAITERS];
	struct talk talk;

	talk_init(&talk);
	talk_connect(&talk, rig_url(_i == 0 ? RIG_UNIX : RIG_WS));
	START(&talk, "a", "echo");
	waiters_start(&talk, waiters);
	waiters_await_inside(talk.client);
	talk_leave(&talk);
	px_client_free(talk.client);
	waiters_join(waiters);
}
END_TEST

static void *
close_it(void *arg)
{
	px_client_close(arg);
	return NULL;
}

START_TEST(test_closed_by_many)
{
	struct talk talk;
	pthread_t threads[4];

	talk_init(&talk);
	ck_assert_int_eq(px_client_launch(NULL, NULL, &talk.client, &talk.error), 0);
	START(&talk, "a", "ignore-term");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, close_it, talk.client);
	px_client_close(talk.client);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	talk_done(&talk);
}
END_TEST

struct closing {
	struct talk talk;
	atomic_int calls;
};

static void
close_inside(void *arg, struct px_client *client, struct px_event *event)
{
	struct closing *closing = arg;

	px_event_free(event);
	if (atomic_fetch_add(&closing->calls, 1) == 0)
		px_client_close(client);
	ck_assert_int_eq(px_client_info(client, &closing->talk.error), -1);
	ck_assert_int_eq(closing->talk.error.code, PX_ERROR_LOST);
}

START_TEST(test_close_from_callback)
{
	struct closing closing = { 0 };
	struct waiter waiters[WAITERS];
	struct talk talk;

	talk_init(&talk);
	talk_connect(&talk, rig_url(_i == 0 ? RIG_UNIX : RIG_WS));
	START(&talk, "a", "echo");
	START(&talk, "b", "echo");
	waiters_start(&talk, waiters);
	px_client_on_event(talk.client, "b", close_inside, &closing);
	px_client_forget(talk.client, px_client_write(talk.client, "b", "x", 1, NULL));
	waiters_join(waiters);
	ck_assert_int_ge(atomic_load(&closing.calls), 1);
	talk_done(&talk);
}
END_TEST

/* There is no connection at that moment, only the wish for one. */
START_TEST(test_close_while_reconnecting)
{
	struct rig_proxy *proxy = rig_proxy_new(rig_url(_i % 2 == 0 ? RIG_UNIX : RIG_WS));
	struct waiter waiters[WAITERS];
	struct talk talk;

	talk_init(&talk);
	talk_connect(&talk, rig_proxy_url(proxy));
	START(&talk, "a", "echo");
	waiters_start(&talk, waiters);
	if (_i < 2)
		rig_proxy_refuse(proxy, true);
	else
		rig_proxy_hold(proxy, RIG_DOWN, true); /* connected, and never greeted */
	rig_proxy_cut(proxy);
	if (_i < 2)
		rig_proxy_await_refused(proxy, 2);
	else
		rig_proxy_await_connections(proxy, 2);
	px_client_close(talk.client);
	waiters_join(waiters);
	talk_done(&talk);
	rig_proxy_free(proxy);
}
END_TEST

/* What a private server runs ends with it, by force if need be. */
START_TEST(test_private_server_ends)
{
	struct talk talk;
	int64_t pid;

	talk_init(&talk);
	talk.options.grace_ms = 100;
	ck_assert_int_eq(px_client_launch(NULL, &talk.options, &talk.client, &talk.error), 0);
	pid = START(&talk, "a", "ignore-term");
	talk_next(&talk, "a", PX_EVENT_OUTPUT);
	talk_done(&talk);
	/* Its guardian sees to it, which may take a moment. */
	for (int i = 0; i < 1000 && kill((pid_t)pid, 0) == 0; i++)
		usleep(10000);
	ck_assert_int_eq(kill((pid_t)pid, 0), -1);
}
END_TEST

/* ---- signed starts ---- */

START_TEST(test_signed_start)
{
	static const char key[] = "0123456789abcdef0123456789abcdef";
	static const char *const env[] = { "A=1", NULL };
	char path[] = "/tmp/px-key-XXXXXX";
	const char *const flags[] = { "--prepared-key-file", path, NULL };
	struct talk_command puppet;
	struct rig_server server;
	struct talk talk;
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, key, strlen(key)), (ssize_t)strlen(key));
	close(fd);
	rig_server_start(&server, flags);
	talk_init(&talk);
	talk_connect(&talk, server.unix_url);
	PUPPET(&puppet, "a", "env");
	puppet.command.prepared = true;
	puppet.command.cwd = "/";
	puppet.command.env = env;
	talk_refused(
	    &talk, px_client_start(talk.client, &puppet.command, &talk.error), "forbidden");
	puppet.command.key = key;
	puppet.command.key_len = strlen(key) - 1;
	talk_refused(
	    &talk, px_client_start(talk.client, &puppet.command, &talk.error), "forbidden");
	puppet.command.key_len = strlen(key);
	talk_settle(&talk, px_client_start(talk.client, &puppet.command, &talk.error));
	ck_assert_mem_eq(talk_next(&talk, "a", PX_EVENT_OUTPUT)->output.data, "A=1\n", 4);
	talk_done(&talk);
	rig_server_stop(&server);
	unlink(path);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_end");

	tcase_add_test(tc, test_cannot_connect);
	tcase_add_test(tc, test_no_greeting);
	tcase_add_test(tc, test_another_server);
	tcase_add_loop_test(tc, test_refused, 0, 2);
	tcase_add_test(tc, test_server_restarted);
	tcase_add_test(tc, test_server_restarted_with_name);
	tcase_add_test(tc, test_detach_time_over);
	tcase_add_loop_test(tc, test_close_wakes_all, 0, 4);
	tcase_add_loop_test(tc, test_free_under_waiters, 0, 2);
	tcase_add_test(tc, test_closed_by_many);
	tcase_add_loop_test(tc, test_close_from_callback, 0, 2);
	tcase_add_loop_test(tc, test_close_while_reconnecting, 0, 4);
	tcase_add_test(tc, test_private_server_ends);
	tcase_add_test(tc, test_signed_start);
	return serve_cases(tc, NULL);
}

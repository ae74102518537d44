#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "client_peer.h"

/* The connection: greeting, requests and answers, bounds, and its end. */

/* ---- greeting ---- */

START_TEST(test_greeting)
{
	struct peer peer;
	char said[1024];

	peer_open(&peer, GREETING, strlen(GREETING), false);
	ck_assert_ptr_nonnull(peer.client);
	peer_hears(&peer, said, sizeof said);
	ck_assert_str_eq(said,
	    "{\"id\":1,\"method\":\"initialize\",\"params\":{\"clientName\":\"ptyexec\","
	    "\"protocolVersion\":\"exec-server.v1\"}}\n");
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

static const struct {
	const char *said;
	enum px_error_code code;
	const char *text; /* a part of the message */
} bad_greetings[] = {
	{ "hello\n", PX_ERROR_PEER, "malformed" },
	{ "HTTP/1.1 400 Bad Request\r\n\r\n", PX_ERROR_PEER, "no ptyexec server" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", PX_ERROR_PEER, "no ptyexec server" },
	{ "\x16\x03\x01\n", PX_ERROR_PEER, "no ptyexec server" },
	{ "1\n", PX_ERROR_PEER, "no object" },
	{ "[]\n", PX_ERROR_PEER, "no object" },
	{ "{}\n", PX_ERROR_PEER, "without method and id" },
	{ "{\"id\":2,\"result\":{}}\n", PX_ERROR_PEER, "no request" },
	{ "{\"id\":\"1\",\"result\":{}}\n", PX_ERROR_PEER, "id" },
	{ "{\"id\":1}\n", PX_ERROR_PEER, "protocolVersion" },
	{ "{\"id\":1,\"result\":7}\n", PX_ERROR_PEER, "object" },
	{ "{\"id\":1,\"id\":1,\"result\":{}}\n", PX_ERROR_PEER, "duplicate" },
	{ "{\"id\":1,\"result\":{\"protocolVersion\":\"exec-server.v9\"}}\n", PX_ERROR_PEER,
	    "exec-server.v9" },
	{ "{\"id\":1,\"result\":{\"protocolVersion\":[]}}\n", PX_ERROR_PEER, "protocolVersion" },
	{ "{\"id\":1,\"method\":\"initialize\",\"params\":{}}\n", PX_ERROR_PEER, "a request" },
	{ "{\"id\":1,\"error\":{\"code\":-32602,\"message\":\"go away\"}}\n", PX_ERROR_REFUSED,
	    "go away" },
	{ "{\"id\":1,\"error\":\"no\"}\n", PX_ERROR_PEER, "object" },
	{ "{\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what?\"}}\n", PX_ERROR_PEER,
	    "what?" },
};

START_TEST(test_bad_greeting)
{
	struct peer peer;

	peer_open(&peer, bad_greetings[_i].said, strlen(bad_greetings[_i].said), false);
	ck_assert_ptr_null(peer.client);
	ck_assert_msg(peer.error.code == bad_greetings[_i].code, "%s", peer.error.text);
	ck_assert_msg(
	    strstr(peer.error.text, bad_greetings[_i].text) != NULL, "%s", peer.error.text);
	close(peer.fd);
}
END_TEST

START_TEST(test_greeting_cut_anywhere)
{
	struct peer peer;

	for (size_t len = 0; len < strlen(GREETING); len++) {
		peer_open(&peer, GREETING, len, true);
		ck_assert_ptr_null(peer.client);
		ck_assert_int_eq(peer.error.code, PX_ERROR_LOST);
	}
	/* With the last byte it is whole, though nothing follows. */
	peer_open(&peer, GREETING, strlen(GREETING), true);
	ck_assert_ptr_nonnull(peer.client);
	next_event(&peer, PX_EVENT_LOST);
	px_client_free(peer.client);
}
END_TEST

START_TEST(test_greeting_does_not_come)
{
	struct peer peer;

	peer_open(&peer, "", 0, false);
	ck_assert_ptr_null(peer.client);
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	close(peer.fd);
	peer_open(&peer, GREETING, strlen(GREETING) - 1, false);
	ck_assert_ptr_null(peer.client);
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	close(peer.fd);
}
END_TEST

/* ---- requests and answers ---- */

START_TEST(test_await)
{
	struct px_error error = { 0 };
	const struct px_answer *answer;
	struct peer peer;
	int64_t one, two;

	peer_ready(&peer);
	one = px_client_write(peer.client, "a", "x", 1, &error);
	two = px_client_write(peer.client, "a", "y", 1, &error);
	ck_assert_int_ne(one, two);

	/* Not yet; then the second before the first, with events between that stay. */
	ck_assert_ptr_null(px_client_await(peer.client, two, 0, &error));
	ck_assert_int_eq(error.code, PX_ERROR_TIMEOUT);
	peer_says(&peer,
	    "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":4}}\n"
	    "{\"id\":3,\"result\":{\"accepted\":true}}\n"
	    "{\"id\":2,\"error\":{\"code\":-32005,\"message\":\"stdin is closed\","
	    "\"data\":{\"kind\":\"stdinClosed\"}}}\n");
	answer = px_client_await(peer.client, two, WAIT_MS, &error);
	ck_assert_ptr_nonnull(answer);
	ck_assert_int_eq(answer->request, two);
	ck_assert_ptr_null(px_client_await(peer.client, one, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_REFUSED);
	ck_assert_int_eq(error.number, -32005);
	ck_assert_str_eq(error.kind, "stdinClosed");
	ck_assert_str_eq(error.text, "stdin is closed");

	/* Its answer is taken, so there is nothing left to wait for. */
	ck_assert_ptr_null(px_client_await(peer.client, one, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_USAGE);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_CLOSED)->seq, 4);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

START_TEST(test_answer_as_event)
{
	struct px_error error = { 0 };
	const struct px_event *event;
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	id = px_client_signal(peer.client, "a", "INT", &error);
	peer_says(&peer, "{\"id\":2,\"result\":{\"delivered\":true}}\n");
	event = next_event(&peer, PX_EVENT_ANSWER);
	ck_assert_int_eq(event->answer.request, id);
	ck_assert_int_eq(event->answer.error.code, PX_ERROR_NONE);
	ck_assert(event->answer.signal.delivered);
	ck_assert_ptr_null(px_client_await(peer.client, -1, WAIT_MS, &error));
	peer_close(&peer);
}
END_TEST

START_TEST(test_spawn_failure)
{
	static const char *const argv[] = { "nosuch", NULL };
	const struct px_command command = { .session = "a", .argv = argv };
	struct px_error error = { 0 };
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	id = px_client_start(peer.client, &command, &error);
	peer_says(&peer,
	    "{\"id\":2,\"error\":{\"code\":-32007,\"message\":\"cannot run 'nosuch'\",\"data\":"
	    "{\"kind\":\"spawnFailed\",\"errno\":\"ENOENT\",\"path\":\"nosuch\",\"step\":\"exec\"}}"
	    "}\n");
	ck_assert_ptr_null(px_client_await(peer.client, id, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_REFUSED);
	ck_assert_int_eq(error.sys, ENOENT);
	ck_assert_str_eq(error.kind, "spawnFailed");
	ck_assert_str_eq(error.step, "exec");
	peer_close(&peer);
}
END_TEST

/* ---- bounds ---- */

START_TEST(test_too_many_requests)
{
	struct px_error error = { 0 };
	struct peer peer;

	peer_ready(&peer);
	for (int i = 0; i < PX_CLIENT_REQUESTS; i++)
		ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &error), 0);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "a", &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_BUSY);
	peer_says(&peer, "{\"id\":2,\"result\":{}}\n");
	next_event(&peer, PX_EVENT_ANSWER);
	ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &error), 0);
	peer_close(&peer);
}
END_TEST

START_TEST(test_too_large)
{
	struct px_error error = { 0 };
	char *data = calloc(1, 1 << 20), said[64];
	struct peer peer;

	peer_ready(&peer);
	ck_assert_int_eq(px_client_write(peer.client, "a", data, 1 << 20, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_USAGE);
	ck_assert_int_eq(px_client_write(peer.client, "a", data, SIZE_MAX, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_USAGE);
	ck_assert_int_eq(recv(peer.fd, said, sizeof said, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	free(data);
	peer_close(&peer);
}
END_TEST

/* Output without end, in messages numbered from 1. */
struct flood {
	char message[50000];
	size_t len, sent;
	int messages; /* begun */
};

/* Sends as much as goes. Returns whether anything did. */
static bool
flood_send(struct flood *flood, const struct peer *peer)
{
	bool any = false;
	ssize_t n;

	for (;; any = true) {
		if (flood->sent == flood->len) {
			flood->sent = 0;
			flood->len = (size_t)snprintf(flood->message, sizeof flood->message,
			    "{\"method\":\"process/"
			    "outputDelta\",\"params\":{\"sessionId\":\"a\",\"seq\":%d,"
			    "\"stream\":\"stdout\",\"offset\":0,\"chunk\":\"%040000d\"}}\n",
			    ++flood->messages, 0);
		}
		n = send(
		    peer->fd, flood->message + flood->sent, flood->len - flood->sent, MSG_NOSIGNAL);
		if (n == -1)
			return any;
		flood->sent += (size_t)n;
	}
}

START_TEST(test_events_not_taken)
{
	struct px_error error = { 0 };
	struct pollfd pfd = { .events = POLLIN };
	struct flood *flood = calloc(1, sizeof *flood);
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	pfd.fd = px_client_fd(peer.client);
	id = px_client_close_stdin(peer.client, "a", &error);
	while (flood_send(flood, &peer))
		px_client_step(peer.client);

	/* The queue is full: nothing wakes the caller, and what was asked has to wait. */
	ck_assert_uint_le(
	    peer.client->heard_bytes, PX_CLIENT_EVENT_BYTES + 2 * sizeof flood->message);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	ck_assert_ptr_null(px_client_await(peer.client, id, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_BUSY);

	/* Nothing was lost; the last message has not gone out whole. */
	for (int seq = 1; seq < flood->messages; seq++)
		ck_assert_int_eq(next_event(&peer, PX_EVENT_OUTPUT)->seq, seq);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_says_bytes(&peer, flood->message + flood->sent, flood->len - flood->sent);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_OUTPUT)->seq, flood->messages);
	peer_says(&peer, "{\"id\":2,\"result\":{}}\n");
	ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
	ck_assert_ptr_nonnull(px_client_await(peer.client, id, WAIT_MS, &error));
	free(flood);
	peer_close(&peer);
}
END_TEST

START_TEST(test_peer_does_not_read)
{
	struct px_error error = { 0 };
	struct pollfd pfd = { .events = POLLIN };
	char *data = calloc(1, 65536), *drop = malloc(1 << 20);
	struct peer peer;
	ssize_t n, total = 0;

	peer_ready(&peer);
	pfd.fd = px_client_fd(peer.client);
	for (int i = 0; i < 32; i++)
		ck_assert_int_gt(px_client_write(peer.client, "a", data, 65536, &error), 0);
	no_event(&peer, PX_ERROR_TIMEOUT);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);

	/* When it reads again, the descriptor says that there is something to send. */
	while ((n = recv(peer.fd, drop, 1 << 20, 0)) > 0 || poll(&pfd, 1, 0) == 1) {
		total += n > 0 ? n : 0;
		px_client_step(peer.client);
	}
	ck_assert_int_gt(total, 32 * 65536);
	free(data);
	free(drop);
	peer_close(&peer);
}
END_TEST

/* ---- the end ---- */

START_TEST(test_lost)
{
	struct px_error error = { 0 };
	const struct px_event *event;
	struct peer peer;
	int64_t one, two;

	peer_ready(&peer);
	one = px_client_close_stdin(peer.client, "a", &error);
	two = px_client_close_stdin(peer.client, "b", &error);
	peer_says(&peer,
	    "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":1}}\n{\"id\"");
	close(peer.fd);

	/* First what came before the end, then every request's answer, then the end, which stays.
	 */
	ck_assert_ptr_null(px_client_await(peer.client, two, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_LOST);
	next_event(&peer, PX_EVENT_CLOSED);
	event = next_event(&peer, PX_EVENT_ANSWER);
	ck_assert_int_eq(event->answer.request, one);
	ck_assert_int_eq(event->answer.error.code, PX_ERROR_LOST);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_LOST);
	no_event(&peer, PX_ERROR_LOST);
	no_event(&peer, PX_ERROR_LOST);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "a", &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_LOST);
	px_client_step(peer.client);
	px_client_free(peer.client);
}
END_TEST

START_TEST(test_lost_while_sending)
{
	struct px_error error = { 0 };
	char *data = calloc(1, 700000);
	struct peer peer;

	/* SIGPIPE would end this process. */
	signal(SIGPIPE, SIG_DFL);
	peer_ready(&peer);
	ck_assert_int_gt(px_client_write(peer.client, "a", data, 700000, &error), 0);
	close(peer.fd);
	ck_assert_int_gt(px_client_write(peer.client, "a", data, 700000, &error), 0);
	next_event(&peer, PX_EVENT_ANSWER);
	next_event(&peer, PX_EVENT_ANSWER);
	next_event(&peer, PX_EVENT_LOST);
	free(data);
	px_client_free(peer.client);
}
END_TEST

START_TEST(test_peer_stops_reading_only)
{
	struct px_error error = { 0 };
	struct peer peer;

	/* Its last words are heard all the same. */
	peer_ready(&peer);
	shutdown(peer.fd, SHUT_RD);
	peer_says(
	    &peer, "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":1}}\n");
	ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &error), 0);
	next_event(&peer, PX_EVENT_CLOSED);
	next_event(&peer, PX_EVENT_ANSWER);
	next_event(&peer, PX_EVENT_LOST);
	peer_close(&peer);
}
END_TEST

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

START_TEST(test_nothing_is_left)
{
	int before = open_descriptors();
	struct peer peer;

	peer_ready(&peer);
	peer_close(&peer);
	peer_open(&peer, "nonsense\n", 9, true);
	ck_assert_int_eq(open_descriptors(), before);
	px_client_free(NULL);
}
END_TEST

/* ---- private servers ---- */

/* Launches 'script' as a server, which must fail so; then there is no child left. */
static void
launch_fails(const char *script, enum px_error_code code, const char *text)
{
	char path[] = "/tmp/px-client-test-XXXXXX";
	const struct px_client_options options = { .server = path,
		.timeout_ms = code == PX_ERROR_TIMEOUT ? 100 : WAIT_MS,
		.grace_ms = 20 };
	struct px_error error = { 0 };
	struct px_client *client = NULL;
	int fd = mkostemp(path, O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_gt(dprintf(fd, "#!/bin/sh\n%s\n", script), 0);
	fchmod(fd, 0700);
	close(fd);
	ck_assert_int_eq(px_client_launch(&options, &client, &error), -1);
	unlink(path);
	ck_assert_msg(error.code == code, "%s", error.text);
	ck_assert_msg(strstr(error.text, text) != NULL, "%s", error.text);
	ck_assert_msg(strstr(error.text, path) != NULL, "%s", error.text);
	ck_assert_ptr_null(client);
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(test_launch_fails)
{
	launch_fails("exit 3", PX_ERROR_START, "ended with status 3");
	launch_fails("kill -KILL $$", PX_ERROR_START, "killed by signal 9");
	launch_fails("echo hello; exec sleep 600", PX_ERROR_PEER, "no ptyexec server");
	launch_fails("exec sleep 600", PX_ERROR_TIMEOUT, "not answered");
	/* It takes SIGKILL to end these. */
	launch_fails("trap '' TERM; exec sleep 600", PX_ERROR_TIMEOUT, "not answered");
	launch_fails("exec <&- >&-; trap '' TERM; exec sleep 600", PX_ERROR_LOST, "hung up");
}
END_TEST

START_TEST(test_no_server)
{
	const struct px_client_options options = { .server = "/no/such/ptyexecd" };
	struct px_error error = { 0 };
	struct px_client *client;
	int before = open_descriptors();

	ck_assert_int_eq(px_client_launch(&options, &client, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_START);
	ck_assert_int_eq(error.sys, ENOENT);
	ck_assert_str_eq(
	    error.text, "cannot start the server '/no/such/ptyexecd': No such file or directory");
	setenv("PTYEXECD", "/etc/passwd", 1);
	ck_assert_int_eq(px_client_launch(NULL, &client, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_START);
	ck_assert_int_eq(error.sys, EACCES);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client");

	tcase_add_test(tc, test_greeting);
	tcase_add_loop_test(
	    tc, test_bad_greeting, 0, (int)(sizeof bad_greetings / sizeof bad_greetings[0]));
	tcase_add_test(tc, test_greeting_cut_anywhere);
	tcase_add_test(tc, test_greeting_does_not_come);
	tcase_add_test(tc, test_await);
	tcase_add_test(tc, test_answer_as_event);
	tcase_add_test(tc, test_spawn_failure);
	tcase_add_test(tc, test_too_many_requests);
	tcase_add_test(tc, test_too_large);
	tcase_add_test(tc, test_events_not_taken);
	tcase_add_test(tc, test_peer_does_not_read);
	tcase_add_test(tc, test_lost);
	tcase_add_test(tc, test_lost_while_sending);
	tcase_add_test(tc, test_peer_stops_reading_only);
	tcase_add_test(tc, test_nothing_is_left);
	tcase_add_test(tc, test_launch_fails);
	tcase_add_test(tc, test_no_server);
	return run_cases(tc);
}

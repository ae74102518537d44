#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "cases.h"
#include "client/state.h"
#include "client_peer.h"

/* Answers and their requests, bounds, and the end, with a server that does what it is told. */

/* ---- requests and answers ---- */

START_TEST(test_await)
{
	struct peer peer;
	int64_t one, two;

	peer_ready(&peer);
	one = px_client_write(peer.client, "a", "x", 1, &peer.error);
	two = px_client_write(peer.client, "a", "y", 1, &peer.error);
	ck_assert_int_eq(one, 1);
	ck_assert_int_eq(two, 2);

	/* Not yet; then the second before the first, with events between that stay. */
	not_answered(&peer, two, 0, PX_ERROR_TIMEOUT);
	peer_says(&peer,
	    "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":4}}\n"
	    "{\"id\":2,\"result\":{\"accepted\":true}}\n"
	    "{\"id\":1,\"error\":{\"code\":-32005,\"message\":\"stdin is closed\","
	    "\"data\":{\"kind\":\"stdinClosed\"}}}\n");
	answered(&peer, two);
	not_answered(&peer, one, WAIT_MS, PX_ERROR_REFUSED);
	ck_assert_int_eq(peer.error.number, -32005);
	ck_assert_str_eq(peer.error.kind, "stdinClosed");
	ck_assert_str_eq(peer.error.text, "stdin is closed");

	/* Its answer is taken, so there is nothing left to wait for. */
	not_answered(&peer, one, WAIT_MS, PX_ERROR_USAGE);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_CLOSED)->seq, 4);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

START_TEST(test_failed_request)
{
	struct px_error error = { .code = PX_ERROR_REFUSED, .text = "why" };
	struct peer peer;

	peer_ready(&peer);
	ck_assert_ptr_null(px_client_await(peer.client, -1, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_REFUSED);
	ck_assert_str_eq(error.text, "why");
	ck_assert_int_eq(px_client_settle(peer.client, -1, WAIT_MS, NULL), -1);
	peer_close(&peer);
}
END_TEST

START_TEST(test_answer_as_event)
{
	const struct px_event *event;
	struct peer peer;
	int64_t id;

	peer_init(&peer);
	peer.options.answer_events = true;
	peer_greet(&peer);
	id = px_client_signal(peer.client, "a", "INT", &peer.error);
	peer_says(&peer, "{\"id\":1,\"result\":{\"delivered\":true}}\n");
	event = next_event(&peer, PX_EVENT_ANSWER);
	ck_assert_int_eq(event->answer.request, id);
	ck_assert_int_eq(event->answer.error.code, PX_ERROR_NONE);
	ck_assert(event->answer.signal.delivered);
	peer_close(&peer);
}
END_TEST

START_TEST(test_forget)
{
	struct peer peer;
	int64_t one, two;

	peer_init(&peer);
	peer.options.capacity = 2;
	peer_greet(&peer);
	one = px_client_signal(peer.client, "a", "INT", &peer.error);
	two = px_client_signal(peer.client, "a", "INT", &peer.error);
	px_client_forget(peer.client, one);
	px_client_forget(peer.client, 77);
	/* It counts until its answer is there, which nobody can have. */
	ck_assert_int_eq(px_client_signal(peer.client, "a", "INT", &peer.error), -1);
	ck_assert_int_eq(peer.error.code, PX_ERROR_BUSY);
	peer_says(&peer, "{\"id\":1,\"error\":{\"code\":1,\"message\":\"m\"}}\n"
			 "{\"id\":2,\"result\":{\"delivered\":true}}\n");
	answered(&peer, two);
	not_answered(&peer, one, WAIT_MS, PX_ERROR_USAGE);
	ck_assert_int_eq(px_client_signal(peer.client, "a", "INT", &peer.error), 3);
	/* One that has come already. */
	peer_says(&peer, "{\"id\":3,\"result\":{\"delivered\":true}}\n");
	no_event(&peer, PX_ERROR_TIMEOUT);
	px_client_forget(peer.client, 3);
	not_answered(&peer, 3, WAIT_MS, PX_ERROR_USAGE);
	peer_close(&peer);
}
END_TEST

START_TEST(test_spawn_failure)
{
	static const char *const argv[] = { "nosuch", NULL };
	const struct px_command command = { .session = "a", .argv = argv };
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	id = px_client_start(peer.client, &command, &peer.error);
	peer_says(&peer,
	    "{\"id\":1,\"error\":{\"code\":-32007,\"message\":\"cannot run 'nosuch'\",\"data\":"
	    "{\"kind\":\"spawnFailed\",\"errno\":\"ENOENT\",\"path\":\"nosuch\",\"step\":\"exec\"}}"
	    "}\n");
	not_answered(&peer, id, WAIT_MS, PX_ERROR_REFUSED);
	ck_assert_int_eq(peer.error.sys, ENOENT);
	ck_assert_str_eq(peer.error.kind, "spawnFailed");
	ck_assert_str_eq(peer.error.step, "exec");
	peer_close(&peer);
}
END_TEST

/* ---- bounds ---- */

START_TEST(test_too_many_requests)
{
	struct peer peer;

	peer_ready(&peer);
	for (int i = 0; i < PX_CLIENT_CAPACITY; i++)
		ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &peer.error), 0);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "a", &peer.error), -1);
	ck_assert_int_eq(peer.error.code, PX_ERROR_BUSY);
	ck_assert_int_eq(peer.error.number, -32001);
	ck_assert_str_eq(peer.error.kind, "overloaded");
	peer_says(&peer, "{\"id\":1,\"result\":{}}\n");
	answered(&peer, 1);
	ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &peer.error), 0);
	peer_close(&peer);
}
END_TEST

START_TEST(test_least_capacity)
{
	struct peer peer;

	peer_init(&peer);
	peer.options.capacity = 0;
	peer_greet(&peer);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "a", &peer.error), 1);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "a", &peer.error), -1);
	ck_assert_int_eq(peer.error.code, PX_ERROR_BUSY);
	peer_close(&peer);
}
END_TEST

START_TEST(test_too_large)
{
	char *data = calloc(1, 1 << 20), said[64];
	struct peer peer;

	peer_ready(&peer);
	ck_assert_int_eq(px_client_write(peer.client, "a", data, 1 << 20, &peer.error), -1);
	ck_assert_int_eq(peer.error.code, PX_ERROR_USAGE);
	ck_assert_int_eq(px_client_write(peer.client, "a", data, SIZE_MAX, &peer.error), -1);
	ck_assert_int_eq(peer.error.code, PX_ERROR_USAGE);
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
	struct pollfd pfd = { .events = POLLIN };
	struct flood *flood = calloc(1, sizeof *flood);
	struct peer peer;
	int64_t id;

	peer_init(&peer);
	peer.options.queue_bytes = 200000;
	peer_greet(&peer);
	pfd.fd = px_client_fd(peer.client);
	id = px_client_close_stdin(peer.client, "a", &peer.error);
	while (flood_send(flood, &peer))
		px_client_step(peer.client);

	/* The queue is full: nothing wakes the caller. */
	ck_assert_uint_le(peer.client->queued, 200000 + 2 * sizeof flood->message);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);

	/* Who awaits an answer gets more, but not without end. */
	not_answered(&peer, id, 0, PX_ERROR_TIMEOUT);
	while (flood_send(flood, &peer))
		ck_assert_ptr_null(px_client_await(peer.client, id, 0, &peer.error));
	not_answered(&peer, id, WAIT_MS, PX_ERROR_BUSY);
	ck_assert_uint_le(
	    peer.client->queued, PX_CLIENT_AWAIT_FACTOR * 200000 + 2 * sizeof flood->message);

	/* Nothing was lost; the last message has not gone out whole. */
	for (int seq = 1; seq < flood->messages; seq++)
		ck_assert_int_eq(next_event(&peer, PX_EVENT_OUTPUT)->seq, seq);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_says_bytes(&peer, flood->message + flood->sent, flood->len - flood->sent);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_OUTPUT)->seq, flood->messages);
	peer_says(&peer, "{\"id\":1,\"result\":{}}\n");
	ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
	answered(&peer, id);
	free(flood);
	peer_close(&peer);
}
END_TEST

START_TEST(test_peer_does_not_read)
{
	struct pollfd pfd = { .events = POLLIN };
	char *data = calloc(1, 65536), *drop = malloc(1 << 20);
	struct peer peer;
	ssize_t n, total = 0;

	peer_ready(&peer);
	pfd.fd = px_client_fd(peer.client);
	for (int i = 0; i < 32; i++)
		ck_assert_int_gt(px_client_write(peer.client, "a", data, 65536, &peer.error), 0);
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

/* First what came before the end, then every request's answer, then the end, which stays. */
START_TEST(test_lost)
{
	struct peer peer;
	int64_t one, two;

	peer_ready(&peer);
	one = px_client_close_stdin(peer.client, "a", &peer.error);
	two = px_client_close_stdin(peer.client, "b", &peer.error);
	peer_says(&peer,
	    "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":1}}\n{\"id\"");
	close(peer.fd);
	not_answered(&peer, two, WAIT_MS, PX_ERROR_LOST);
	next_event(&peer, PX_EVENT_CLOSED);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_LOST);
	not_answered(&peer, one, WAIT_MS, PX_ERROR_LOST);
	no_event(&peer, PX_ERROR_LOST);
	no_event(&peer, PX_ERROR_LOST);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "a", &peer.error), -1);
	ck_assert_int_eq(peer.error.code, PX_ERROR_LOST);
	px_client_step(peer.client);
	peer_free(&peer);
}
END_TEST

START_TEST(test_lost_with_answer_events)
{
	struct peer peer;
	int64_t id;

	peer_init(&peer);
	peer.options.answer_events = true;
	peer_greet(&peer);
	id = px_client_close_stdin(peer.client, "a", &peer.error);
	close(peer.fd);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_ANSWER)->answer.request, id);
	ck_assert_int_eq(peer.event->answer.error.code, PX_ERROR_LOST);
	next_event(&peer, PX_EVENT_LOST);
	no_event(&peer, PX_ERROR_LOST);
	peer_free(&peer);
}
END_TEST

START_TEST(test_lost_while_sending)
{
	char *data = calloc(1, 700000);
	struct peer peer;
	int64_t one, two;

	/* SIGPIPE would end this process. */
	signal(SIGPIPE, SIG_DFL);
	peer_ready(&peer);
	one = px_client_write(peer.client, "a", data, 700000, &peer.error);
	close(peer.fd);
	two = px_client_write(peer.client, "a", data, 700000, &peer.error);
	next_event(&peer, PX_EVENT_LOST);
	not_answered(&peer, one, 0, PX_ERROR_LOST);
	not_answered(&peer, two, 0, PX_ERROR_LOST);
	free(data);
	peer_free(&peer);
}
END_TEST

/* Its last words are heard all the same. */
START_TEST(test_peer_stops_reading_only)
{
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	shutdown(peer.fd, SHUT_RD);
	peer_says(
	    &peer, "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":1}}\n");
	id = px_client_close_stdin(peer.client, "a", &peer.error);
	ck_assert_int_gt(id, 0);
	next_event(&peer, PX_EVENT_CLOSED);
	next_event(&peer, PX_EVENT_LOST);
	not_answered(&peer, id, 0, PX_ERROR_LOST);
	peer_close(&peer);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_bounds");

	tcase_add_test(tc, test_await);
	tcase_add_test(tc, test_failed_request);
	tcase_add_test(tc, test_answer_as_event);
	tcase_add_test(tc, test_forget);
	tcase_add_test(tc, test_spawn_failure);
	tcase_add_test(tc, test_too_many_requests);
	tcase_add_test(tc, test_least_capacity);
	tcase_add_test(tc, test_too_large);
	tcase_add_test(tc, test_events_not_taken);
	tcase_add_test(tc, test_peer_does_not_read);
	tcase_add_test(tc, test_lost);
	tcase_add_test(tc, test_lost_with_answer_events);
	tcase_add_test(tc, test_lost_while_sending);
	tcase_add_test(tc, test_peer_stops_reading_only);
	return run_cases(tc);
}

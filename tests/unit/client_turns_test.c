#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/clock.h"
#include "cases.h"
#include "client/state.h"
#include "client_peer.h"
#include "ptyexec/exec.h"

/* Who works for a client, for how long, and what goes on when the queue is full. */

static void
peer_tells(const struct peer *peer, const char *session, int seq)
{
	char text[256];

	(void)snprintf(text, sizeof text,
	    "{\"method\":\"process/outputDelta\",\"params\":{\"sessionId\":\"%s\",\"seq\":%d,"
	    "\"stream\":\"stdout\",\"offset\":0,\"chunk\":\"eHl6\"}}\n",
	    session, seq);
	peer_says(peer, text);
}

/* ---- the least queue ---- */

static void
count_event(void *arg, struct px_client *client, struct px_event *event)
{
	int *count = arg;

	(void)client;
	if (event->type != PX_EVENT_LOST)
		ck_assert_int_eq(event->seq, ++*count);
	px_event_free(event);
}

/* What callbacks take makes room: nothing stays behind, neither in a loop of one's own ... */
START_TEST(test_callback_makes_room)
{
	struct pollfd pfd = { .events = POLLIN };
	struct peer peer;
	int count = 0;

	peer_init(&peer);
	peer.options.queue_bytes = 0;
	peer_greet(&peer);
	px_client_on_event(peer.client, "a", count_event, &count);
	for (int seq = 1; seq <= 10; seq++)
		peer_tells(&peer, "a", seq);
	pfd.fd = px_client_fd(peer.client);
	while (count < 10) {
		ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
		px_client_step(peer.client);
	}
	/* Nothing is to be done any more. */
	px_client_step(peer.client);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	peer_close(&peer);
}
END_TEST

/* ... nor in a call that waits. */
START_TEST(test_callback_before_answer)
{
	struct peer peer;
	int64_t request;
	int count = 0;

	peer_init(&peer);
	peer.options.queue_bytes = 0;
	peer_greet(&peer);
	px_client_on_event(peer.client, NULL, count_event, &count);
	request = px_client_close_stdin(peer.client, "a", &peer.error);
	for (int seq = 1; seq <= 10; seq++)
		peer_tells(&peer, "a", seq);
	peer_says(&peer, "{\"id\":1,\"result\":{}}\n");
	answered(&peer, request);
	ck_assert_int_eq(count, 10);
	peer_close(&peer);
}
END_TEST

/* An answer that is taken makes room as well. */
START_TEST(test_answer_makes_room)
{
	struct pollfd pfd = { .events = POLLIN };
	struct peer peer;
	int64_t request;

	peer_init(&peer);
	peer.options.queue_bytes = 0;
	peer_greet(&peer);
	pfd.fd = px_client_fd(peer.client);
	request = px_client_close_stdin(peer.client, "a", &peer.error);
	peer_says(&peer, "{\"id\":1,\"result\":{}}\n");
	peer_tells(&peer, "a", 1);
	px_client_step(peer.client);
	answered(&peer, request);
	ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_OUTPUT)->seq, 1);
	peer_close(&peer);
}
END_TEST

/* Taking one session's events makes room for more of it, though others' are left. */
START_TEST(test_one_session_of_two)
{
	struct px_event *event;
	struct peer peer;

	peer_init(&peer);
	peer.options.queue_bytes = 10000;
	peer_greet(&peer);
	peer_tells(&peer, "b", 1);
	for (int seq = 1; seq <= 40; seq++)
		peer_tells(&peer, "a", seq);
	for (int seq = 1; seq <= 40; seq++) {
		event = px_client_next(peer.client, "a", WAIT_MS, &peer.error);
		ck_assert_msg(event != NULL, "%s", peer.error.text);
		ck_assert_int_eq(event->seq, seq);
		px_event_free(event);
	}
	ck_assert_str_eq(next_event(&peer, PX_EVENT_OUTPUT)->session, "b");
	peer_close(&peer);
}
END_TEST

/* ---- time ---- */

/* Whenever it is told something, there is more to hear. */
static void
say_more(void *arg, struct px_client *client, struct px_event *event)
{
	(void)client;
	peer_tells(arg, event->session, (int)event->seq + 1);
	px_event_free(event);
}

/* It comes to its end though there is always something to do. */
START_TEST(test_timeout_while_others_talk)
{
	struct peer peer;

	peer_ready(&peer);
	px_client_on_event(peer.client, "b", say_more, &peer);
	peer_tells(&peer, "b", 1);
	ck_assert_ptr_null(px_client_next(peer.client, "a", SHORT_MS, &peer.error));
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

/* Longer than poll(2) can be told. */
START_TEST(test_far_deadline)
{
	const struct px_yield far = { .deadline_ms = INT64_MAX, .idle_ms = INT64_MAX };
	struct px_collected *collected;
	struct peer peer;

	peer_ready(&peer);
	peer_tells(&peer, "a", 1);
	px_client_enter(peer.client);
	ck_assert(px_client_drive(peer.client, px_now_ms() + (int64_t)INT32_MAX + WAIT_MS));
	px_client_leave(peer.client);
	peer_says(
	    &peer, "{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\",\"seq\":2}}\n");
	collected = px_collect(peer.client, "a", &far, &peer.error);
	ck_assert_msg(collected != NULL, "%s", peer.error.text);
	ck_assert(collected->closed);
	ck_assert_str_eq(collected->stream[PX_STREAM_STDOUT].data, "xyz");
	px_collected_free(collected);
	peer_close(&peer);
}
END_TEST

/* ---- input while all requests are taken ---- */

START_TEST(test_input_waits_for_a_place)
{
	const struct px_yield soon = { .deadline_ms = SHORT_MS };
	char said[4096];
	struct peer peer;

	peer_init(&peer);
	peer.options.capacity = 1;
	peer_greet(&peer);
	ck_assert_int_eq(px_client_close_stdin(peer.client, "b", &peer.error), 1);
	peer_hears(&peer, said, sizeof said);
	/* The place gets free while it is on its way. */
	peer_says(&peer, "{\"id\":1,\"result\":{}}\n");
	px_collected_free(px_communicate(peer.client, "a", "xyz", 3, &soon, &peer.error));
	ck_assert_ptr_nonnull(strstr(peer_hears(&peer, said, sizeof said), "\"chunk\":\"eHl6\""));
	peer_close(&peer);
}
END_TEST

/* ---- a server that does not know us any more ---- */

static void
serve_one(int listener, const char *said)
{
	int fd = accept(listener, NULL, NULL);
	char greeting[1024];

	ck_assert_int_gt(recv(fd, greeting, sizeof greeting, 0), 0);
	ck_assert_int_gt(send(fd, said, strlen(said), MSG_NOSIGNAL), 0);
	close(fd);
}

static void *
forgetful_main(void *arg)
{
	int listener = *(int *)arg;

	serve_one(listener, GREETING);
	serve_one(listener, "{\"id\":0,\"error\":{\"code\":-32002,\"message\":\"no such token\","
			    "\"data\":{\"kind\":\"unknownToken\"}}}\n");
	return NULL;
}

START_TEST(test_collect_from_a_forgetful_server)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/client_turns-XXXXXX", url[sizeof un.sun_path + 8];
	struct px_client *client;
	struct px_error error;
	pthread_t server;
	int listener;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(un.sun_path, sizeof un.sun_path, "%s/s", dir);
	(void)snprintf(url, sizeof url, "unix://%s", un.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&un, sizeof un), 0);
	ck_assert_int_eq(listen(listener, 2), 0);
	ck_assert_int_eq(pthread_create(&server, NULL, forgetful_main, &listener), 0);

	ck_assert_msg(px_client_connect(url, NULL, &client, &error) == 0, "%s", error.text);
	ck_assert_ptr_null(px_collect(client, "a", NULL, &error));
	ck_assert_int_eq(error.code, PX_ERROR_LOST);
	ck_assert_ptr_nonnull(strstr(error.text, "no such token"));
	px_client_free(client);
	pthread_join(server, NULL);
	close(listener);
	unlink(un.sun_path);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_turns");

	tcase_add_test(tc, test_callback_makes_room);
	tcase_add_test(tc, test_callback_before_answer);
	tcase_add_test(tc, test_answer_makes_room);
	tcase_add_test(tc, test_one_session_of_two);
	tcase_add_test(tc, test_timeout_while_others_talk);
	tcase_add_test(tc, test_far_deadline);
	tcase_add_test(tc, test_input_waits_for_a_place);
	tcase_add_test(tc, test_collect_from_a_forgetful_server);
	return run_cases(tc);
}

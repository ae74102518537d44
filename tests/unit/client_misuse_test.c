#include "cases.h"
#include "client_peer.h"

/* Calls that make no sense, and a server that makes none. */

static void
is_usage(int64_t result, struct peer *peer)
{
	ck_assert_int_eq(result, -1);
	ck_assert_msg(peer->error.code == PX_ERROR_USAGE, "%s", peer->error.text);
	peer->error.code = PX_ERROR_NONE;
}

START_TEST(test_requests)
{
	static const char *const argv[] = { "true", NULL };
	const struct px_command odd = { .argv = argv, .disposition = (enum px_disposition)7 };
	const struct px_command command = { .argv = argv };
	const struct px_until long_wait = { .idle_ms = INT64_MAX };
	const struct px_until until = { .from_seq = true, .after_seq = -1 };
	struct px_error *err;
	struct peer peer;
	char said[16];

	peer_ready(&peer);
	err = &peer.error;
	is_usage(px_client_start(peer.client, NULL, err), &peer);
	is_usage(px_client_run(peer.client, NULL, NULL, 0, 0, err), &peer);
	is_usage(px_client_start(peer.client, &odd, err), &peer);
	is_usage(px_client_write(peer.client, "a", NULL, 1, err), &peer);
	is_usage(px_client_wait(peer.client, "a", &until, err), &peer);
	is_usage(px_client_read(peer.client, "a", -1, 0, 0, err), &peer);
	is_usage(px_client_subscribe(peer.client, "a", -2, err), &peer);
	is_usage(px_client_wait(peer.client, "a", &long_wait, err), &peer);
	is_usage(px_client_run(peer.client, &command, NULL, 0, INT64_MAX, err), &peer);
	is_usage(px_client_terminate(peer.client, "a", INT64_MAX, err), &peer);
	is_usage(px_client_inspect(peer.client, NULL, err), &peer);
	is_usage(px_client_connect(NULL, NULL, NULL, err), &peer);
	ck_assert_int_eq(recv(peer.fd, said, sizeof said, 0), -1);
	/* No data is none, however much. */
	ck_assert_int_eq(px_client_communicate(peer.client, "a", NULL, SIZE_MAX, 0, err), 1);
	peer_close(&peer);
}
END_TEST

/* What will never come is not waited for. */
START_TEST(test_waiting_in_vain)
{
	struct peer peer;
	int64_t request;

	peer_ready(&peer);
	request = px_client_close_stdin(peer.client, "a", &peer.error);
	px_client_forget(peer.client, request);
	not_answered(&peer, request, -1, PX_ERROR_USAGE);
	not_answered(&peer, 0, -1, PX_ERROR_USAGE);
	not_answered(&peer, INT64_MIN, -1, PX_ERROR_USAGE);
	peer_close(&peer);
}
END_TEST

static void
take(void *arg, struct px_client *client, struct px_event *event)
{
	(void)arg;
	(void)client;
	px_event_free(event);
}

START_TEST(test_next_beside_a_callback)
{
	struct peer peer;

	peer_ready(&peer);
	px_client_on_event(peer.client, "a", take, NULL);
	ck_assert_ptr_null(px_client_next(peer.client, "a", -1, &peer.error));
	ck_assert_int_eq(peer.error.code, PX_ERROR_USAGE);
	ck_assert_ptr_null(px_client_next(peer.client, "b", 0, &peer.error));
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	px_client_on_event(peer.client, "a", NULL, NULL);
	ck_assert_ptr_null(px_client_next(peer.client, "a", 0, &peer.error));
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

/* ---- servers ---- */

static void
breaks(const char *said)
{
	struct peer peer;

	peer_ready(&peer);
	peer_says(&peer, said);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_PEER);
	peer_close(&peer);
}

#define NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(test_names_and_numbers_of_no_server)
{
	breaks("{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"\",\"seq\":1}}\n");
	breaks("{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"" NAME_64 NAME_64
	       "x\",\"seq\":1}}\n");
	breaks("{\"method\":\"process/closed\",\"params\":{\"sessionId\":\"a\","
	       "\"seq\":9223372036854775807}}\n");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_misuse");

	tcase_add_test(tc, test_requests);
	tcase_add_test(tc, test_waiting_in_vain);
	tcase_add_test(tc, test_next_beside_a_callback);
	tcase_add_test(tc, test_names_and_numbers_of_no_server);
	return run_cases(tc);
}

#include <stdio.h>

#include "cases.h"
#include "client_peer.h"

/* What becomes of the answers that a server sends. */

#define USAGE "\"usage\":{\"userMs\":1,\"systemMs\":2,\"maxRssBytes\":3,\"wallMs\":4}"

START_TEST(test_wait_answer)
{
	const struct px_until until = { 0 };
	const struct px_answer *answer;
	struct peer peer;

	peer_ready(&peer);
	px_client_wait(peer.client, "a", &until, &peer.error);
	px_client_wait(peer.client, "a", &until, &peer.error);
	peer_says(&peer, "{\"id\":1,\"result\":{\"reason\":\"idle\",\"exited\":false,\"exitCode\":"
			 "null,\"signal\":null,"
			 "\"cause\":null,\"timedOut\":false,\"nextSeq\":4,\"usage\":null}}\n"
			 "{\"id\":2,\"result\":{\"reason\":\"exit\",\"exited\":true,\"exitCode\":5,"
			 "\"signal\":null,"
			 "\"cause\":\"self\",\"timedOut\":false,\"nextSeq\":6," USAGE "}}\n");
	answer = answered(&peer, 1);
	ck_assert_str_eq(answer->wait.reason, "idle");
	ck_assert(!answer->wait.exited);
	ck_assert_int_eq(answer->wait.next_seq, 4);
	answer = answered(&peer, 2);
	ck_assert(answer->wait.exited);
	ck_assert_int_eq(answer->wait.end.exit_code, 5);
	ck_assert_ptr_null(answer->wait.end.signal);
	ck_assert_int_eq(answer->wait.end.resources.wall_ms, 4);
	peer_close(&peer);
}
END_TEST

START_TEST(test_snapshot_answer)
{
	const struct px_answer *answer;
	const struct px_kept_stream *kept;
	struct peer peer;

	peer_ready(&peer);
	px_client_snapshot(peer.client, "a", &peer.error);
	peer_says(&peer,
	    "{\"id\":1,\"result\":{\"stdout\":\"YWI=\",\"stderr\":\"\",\"terminal\":\"\","
	    "\"omitted\":"
	    "{\"stdout\":{\"offset\":1,\"bytes\":8}},\"truncated\":true,\"totalBytes\":{\"stdout\":"
	    "10,"
	    "\"stderr\":0},\"running\":false,\"exitCode\":0,\"signal\":null,\"nextSeq\":4}}\n");
	answer = answered(&peer, 1);
	ck_assert(answer->snapshot.truncated);
	ck_assert(!answer->snapshot.running);
	kept = &answer->snapshot.stream[PX_STREAM_STDOUT];
	ck_assert_uint_eq(kept->len, 2);
	ck_assert_mem_eq(kept->data, "ab", 2);
	ck_assert_int_eq(kept->total, 10);
	ck_assert_int_eq(kept->omitted_offset, 1);
	ck_assert_int_eq(kept->omitted_bytes, 8);
	kept = &answer->snapshot.stream[PX_STREAM_TERMINAL];
	ck_assert_uint_eq(kept->len, 0);
	ck_assert_int_eq(kept->omitted_bytes, 0);
	peer_close(&peer);
}
END_TEST

/* Answers to a snapshot that are none. */
static const char *const bad_answers[] = {
	"{\"id\":1}\n",
	"{\"id\":1,\"result\":null}\n",
	"{\"id\":1,\"result\":{}}\n",
	"{\"id\":1,\"result\":{\"stdout\":\"!\",\"stderr\":\"\",\"terminal\":\"\",\"omitted\":{},"
	"\"truncated\":true,\"totalBytes\":{},\"running\":false,\"nextSeq\":4}}\n",
	"{\"id\":1,\"result\":{\"stdout\":\"\",\"stderr\":\"\",\"terminal\":\"\",\"omitted\":{"
	"\"stdout\":7},"
	"\"truncated\":true,\"totalBytes\":{},\"running\":false,\"nextSeq\":4}}\n",
	"{\"id\":1,\"result\":{\"stdout\":\"\",\"stderr\":\"\",\"terminal\":\"\",\"omitted\":[],"
	"\"truncated\":true,\"totalBytes\":{},\"running\":false,\"nextSeq\":4}}\n",
	"{\"id\":1,\"error\":{}}\n",
	"{\"id\":1,\"error\":{\"code\":\"x\",\"message\":\"y\"}}\n",
	"{\"id\":1,\"error\":{\"code\":1,\"message\":\"y\",\"data\":{\"kind\":9}}}\n",
};

START_TEST(test_bad_answer)
{
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	id = px_client_snapshot(peer.client, "a", &peer.error);
	peer_says(&peer, bad_answers[_i]);
	not_answered(&peer, id, WAIT_MS, PX_ERROR_PEER);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_PEER);
	peer_close(&peer);
}
END_TEST

/* Words and messages longer than the places for them are cut, an unknown errno is none. */
START_TEST(test_long_refusal)
{
	char text[4096], word[1000];
	struct peer peer;

	memset(word, 'w', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	snprintf(text, sizeof text,
	    "{\"id\":1,\"error\":{\"code\":-2147483648,\"message\":\"%s\",\"data\":{\"kind\":\"%"
	    "s\","
	    "\"step\":\"%s\",\"errno\":\"%s\"}}}\n",
	    word, word, word, word);
	peer_ready(&peer);
	px_client_snapshot(peer.client, "a", &peer.error);
	peer_says(&peer, text);
	not_answered(&peer, 1, WAIT_MS, PX_ERROR_REFUSED);
	ck_assert_int_eq(peer.error.number, INT32_MIN);
	ck_assert_int_eq(peer.error.sys, 0);
	ck_assert_uint_eq(strlen(peer.error.text), sizeof peer.error.text - 1);
	ck_assert_uint_eq(strlen(peer.error.kind), sizeof peer.error.kind - 1);
	ck_assert_uint_eq(strlen(peer.error.step), sizeof peer.error.step - 1);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_answer");

	tcase_add_test(tc, test_wait_answer);
	tcase_add_test(tc, test_snapshot_answer);
	tcase_add_loop_test(
	    tc, test_bad_answer, 0, (int)(sizeof bad_answers / sizeof bad_answers[0]));
	tcase_add_test(tc, test_long_refusal);
	return run_cases(tc);
}

#include <stdio.h>

#include "client_peer.h"

/* Messages: what requests look like, and what becomes of what a server says. */

/* ---- out ---- */

/* Makes 'request' the next thing that the peer hears. */
#define SENDS(request, expected)                                                       \
	do {                                                                           \
		char said[2048];                                                       \
		struct px_error sending = { 0 };                                       \
		struct px_error *error = &sending;                                     \
		ck_assert_msg((request) > 0, "%s", sending.text);                      \
		ck_assert_str_eq(peer_hears(&peer, said, sizeof said), expected "\n"); \
	} while (0)

START_TEST(test_requests)
{
	const struct px_wait_until any = { .idle_ms = 5,
		.bytes = 6,
		.match = "\"x\"",
		.from_seq = true,
		.after_seq = 0,
		.timeout_ms = 7 };
	const struct px_wait_until ended = { 0 };
	struct peer peer;
	struct px_client *c;

	peer_ready(&peer);
	c = peer.client;
	SENDS(px_client_write(c, "a", "\0\xff\n", 3, error),
	    "{\"id\":2,\"method\":\"process/"
	    "write\",\"params\":{\"sessionId\":\"a\",\"chunk\":\"AP8K\"}}");
	SENDS(px_client_write(c, "a", NULL, 0, error),
	    "{\"id\":3,\"method\":\"process/"
	    "write\",\"params\":{\"sessionId\":\"a\",\"chunk\":\"\"}}");
	SENDS(px_client_close_stdin(c, "a", error),
	    "{\"id\":4,\"method\":\"process/closeStdin\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_resize(c, "a", 65535, 1, error),
	    "{\"id\":5,\"method\":\"process/"
	    "resize\",\"params\":{\"sessionId\":\"a\",\"rows\":65535,\"cols\":1}}");
	SENDS(px_client_signal(c, "a", "INT", error),
	    "{\"id\":6,\"method\":\"process/"
	    "signal\",\"params\":{\"sessionId\":\"a\",\"signal\":\"INT\"}}");
	SENDS(px_client_terminate(c, "a", PX_TERMINATE_GRACE, error),
	    "{\"id\":7,\"method\":\"process/terminate\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_terminate(c, "a", PX_TERMINATE_FORCE, error),
	    "{\"id\":8,\"method\":\"process/"
	    "terminate\",\"params\":{\"sessionId\":\"a\",\"mode\":\"force\"}}");
	SENDS(px_client_terminate(c, "a", 0, error),
	    "{\"id\":9,\"method\":\"process/terminate\",\"params\":{\"sessionId\":\"a\",\"mode\":"
	    "{\"graceful\":{\"timeoutMs\":0}}}}");
	SENDS(px_client_wait(c, "a", &ended, error),
	    "{\"id\":10,\"method\":\"process/"
	    "wait\",\"params\":{\"sessionId\":\"a\",\"until\":[\"exit\"]}}");
	SENDS(px_client_wait(c, "a", &any, error),
	    "{\"id\":11,\"method\":\"process/"
	    "wait\",\"params\":{\"sessionId\":\"a\",\"until\":[\"exit\","
	    "{\"idleMs\":5},{\"bytes\":6},{\"match\":\"\\\"x\\\"\"}],\"afterSeq\":0,\"timeoutMs\":"
	    "7}}");
	SENDS(px_client_snapshot(c, "a", error),
	    "{\"id\":12,\"method\":\"process/snapshot\",\"params\":{\"sessionId\":\"a\"}}");
	peer_close(&peer);
}
END_TEST

START_TEST(test_start)
{
	static const char *const argv[] = { "printf", "%s\n", "", NULL };
	static const char *const env[] = { "A=b=c", "E=", NULL };
	const struct px_command pipes = {
		.session = "a", .argv = argv, .cwd = "/tmp", .env = env, .timeout_ms = 5
	};
	const struct px_command pty = {
		.argv = argv + 2, .pty = true, .rows = 3, .cols = 4, .inherit_env = true
	};
	const struct px_command closed = { .session = "c", .argv = argv + 2, .no_stdin = true };
	struct peer peer;

	peer_ready(&peer);
	SENDS(px_client_start(peer.client, &pipes, error),
	    "{\"id\":2,\"method\":\"process/"
	    "start\",\"params\":{\"sessionId\":\"a\",\"direct\":{\"argv\":"
	    "[\"printf\",\"%s\\n\",\"\"],\"cwd\":\"/tmp\",\"env\":{\"A\":\"b=c\",\"E\":\"\"},"
	    "\"inheritEnv\":false,\"timeoutMs\":5},\"io\":{\"pipe\":{\"stdin\":\"open\"}}}}");
	SENDS(px_client_start(peer.client, &pty, error),
	    "{\"id\":3,\"method\":\"process/"
	    "start\",\"params\":{\"sessionId\":null,\"direct\":{\"argv\":[\"\"],"
	    "\"cwd\":null,\"env\":{},\"inheritEnv\":true},\"io\":{\"pty\":{\"rows\":3,\"cols\":4}}}"
	    "}");
	SENDS(px_client_start(peer.client, &closed, error),
	    "{\"id\":4,\"method\":\"process/"
	    "start\",\"params\":{\"sessionId\":\"c\",\"direct\":{\"argv\":[\"\"],"
	    "\"cwd\":null,\"env\":{},\"inheritEnv\":false},\"io\":{\"pipe\":{\"stdin\":\"closed\"}}"
	    "}}");
	peer_close(&peer);
}
END_TEST

/* Refused here; the connection is as good as before. */
static void
start_refused(struct peer *peer, const struct px_command *command, const char *text)
{
	struct px_error error = { 0 };

	ck_assert_int_eq(px_client_start(peer->client, command, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_USAGE);
	ck_assert_msg(strstr(error.text, text) != NULL, "%s", error.text);
}

START_TEST(test_start_refused)
{
	static const char *const none[] = { NULL };
	static const char *const good[] = { "true", NULL };
	static const char *const latin[] = { "true", "caf\xe9", NULL };
	static const char *const nameless[] = { "=x", NULL };
	struct peer peer;
	char said[512];
	struct px_error error;

	peer_ready(&peer);
	start_refused(&peer, &(const struct px_command){ .argv = NULL }, "no command");
	start_refused(&peer, &(const struct px_command){ .argv = none }, "no command");
	start_refused(&peer, &(const struct px_command){ .argv = latin }, "UTF-8");
	start_refused(&peer, &(const struct px_command){ .argv = good, .cwd = "/\xff" }, "UTF-8");
	start_refused(
	    &peer, &(const struct px_command){ .argv = good, .env = latin }, "NAME=value");
	start_refused(
	    &peer, &(const struct px_command){ .argv = good, .env = nameless }, "NAME=value");
	ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &error), 0);
	ck_assert_ptr_nonnull(strstr(
	    peer_hears(&peer, said, sizeof said), "{\"id\":2,\"method\":\"process/closeStdin\""));
	peer_close(&peer);
}
END_TEST

/* ---- in: notifications ---- */

#define USAGE                "\"usage\":{\"userMs\":1,\"systemMs\":2,\"maxRssBytes\":3,\"wallMs\":4}"
#define TELL(method, params) "{\"method\":\"process/" method "\",\"params\":{" params "}}\n"
#define OUTPUT(members)      TELL("outputDelta", "\"sessionId\":\"a\",\"seq\":1," members)

START_TEST(test_notifications)
{
	const struct px_event *event;
	struct peer peer;

	peer_ready(&peer);
	peer_says(&peer,
	    TELL("started",
		"\"sessionId\":\"a\",\"pid\":7") /* the answer to the start says the same */
	    TELL("invented", "\"x\":[]") OUTPUT(
		"\"stream\":\"stderr\",\"offset\":9007199254740993,\"chunk\":\"AP8K\",\"more\":1")
		TELL("lagged", "\"sessionId\":\"a\",\"skippedBytes\":5,\"nextSeq\":6") TELL(
		    "failed", "\"sessionId\":\"a\",\"message\":\"gone \\u0007\"") TELL("exited",
		    "\"sessionId\":\"a\",\"seq\":8,\"exitCode\":137,\"signal\":\"KILL\","
		    "\"coreDumped\":true,\"cause\":\"client\",\"outputOpen\":true," USAGE)
		    TELL("closed", "\"sessionId\":\"a\",\"seq\":9"));

	event = next_event(&peer, PX_EVENT_OUTPUT);
	ck_assert_str_eq(event->session, "a");
	ck_assert_int_eq(event->seq, 1);
	ck_assert_int_eq(event->output.stream, PX_STREAM_STDERR);
	ck_assert_int_eq(event->output.offset, 9007199254740993);
	ck_assert_uint_eq(event->output.len, 3);
	ck_assert_mem_eq(event->output.data, "\0\xff\n", 3);

	event = next_event(&peer, PX_EVENT_LAGGED);
	ck_assert_int_eq(event->lagged.skipped_bytes, 5);
	ck_assert_int_eq(event->lagged.next_seq, 6);
	ck_assert_str_eq(next_event(&peer, PX_EVENT_FAILED)->failed.message, "gone \a");

	event = next_event(&peer, PX_EVENT_EXITED);
	ck_assert_int_eq(event->seq, 8);
	ck_assert_int_eq(event->exited.end.exit_code, 137);
	ck_assert_str_eq(event->exited.end.signal, "KILL");
	ck_assert_str_eq(event->exited.end.cause, "client");
	ck_assert(event->exited.core_dumped);
	ck_assert(event->exited.output_open);
	ck_assert_int_eq(event->exited.end.resources.user_ms, 1);
	ck_assert_int_eq(event->exited.end.resources.system_ms, 2);
	ck_assert_int_eq(event->exited.end.resources.max_rss_bytes, 3);
	ck_assert_int_eq(event->exited.end.resources.wall_ms, 4);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_CLOSED)->seq, 9);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

static const char *const bad_messages[] = {
	"{\n",
	"\"x\"\n",
	"{\"method\":7}\n",
	"{\"method\":\"process/closed\"}\n",
	"{\"method\":\"process/closed\",\"params\":[]}\n",
	"{\"method\":\"process/closed\",\"id\":1,\"params\":{}}\n",
	"{\"id\":1,\"result\":{}}\n",
	"{\"id\":1.5,\"result\":{}}\n",
	TELL("closed", "\"sessionId\":\"a\""),
	TELL("closed", "\"sessionId\":\"a\",\"seq\":-1"),
	TELL("closed", "\"sessionId\":\"a\",\"seq\":1e3"),
	TELL("closed", "\"sessionId\":\"a\\u0000\",\"seq\":1"),
	TELL("closed", "\"sessionId\":7,\"seq\":1"),
	TELL("closed", "\"sessionId\":\"a\",\"seq\":1,\"seq\":1"),
	TELL("lagged", "\"sessionId\":\"a\",\"skippedBytes\":\"5\",\"nextSeq\":6"),
	TELL("failed", "\"sessionId\":\"a\""),
	OUTPUT("\"stream\":\"stdin\",\"offset\":0,\"chunk\":\"AP8K\""),
	OUTPUT("\"stream\":\"stdout\",\"offset\":0"),
	OUTPUT("\"stream\":\"stdout\",\"offset\":0,\"chunk\":\"AP8\""),
	OUTPUT("\"stream\":\"stdout\",\"offset\":0,\"chunk\":\"A\\n8K\""),
	OUTPUT("\"stream\":\"stdout\",\"offset\":0,\"chunk\":\"AB==\""),
	OUTPUT("\"stream\":\"stdout\",\"offset\":9223372036854775808,\"chunk\":\"\""),
	TELL("exited",
	    "\"sessionId\":\"a\",\"seq\":1,\"exitCode\":null,\"signal\":null,\"coreDumped\":false,"
	    "\"cause\":\"self\",\"outputOpen\":false," USAGE),
	TELL("exited",
	    "\"sessionId\":\"a\",\"seq\":1,\"exitCode\":256,\"signal\":null,\"coreDumped\":false,"
	    "\"cause\":\"self\",\"outputOpen\":false," USAGE),
	TELL("exited",
	    "\"sessionId\":\"a\",\"seq\":1,\"exitCode\":0,\"signal\":null,\"coreDumped\":false,"
	    "\"cause\":null,\"outputOpen\":false," USAGE),
	TELL("exited",
	    "\"sessionId\":\"a\",\"seq\":1,\"exitCode\":0,\"signal\":null,\"coreDumped\":false,"
	    "\"cause\":\"self\",\"outputOpen\":false,\"usage\":null"),
	TELL("exited",
	    "\"sessionId\":\"a\",\"seq\":1,\"exitCode\":0,\"signal\":null,\"coreDumped\":0,"
	    "\"cause\":\"self\",\"outputOpen\":false," USAGE),
};

START_TEST(test_bad_message)
{
	struct peer peer;

	peer_ready(&peer);
	peer_says(&peer, bad_messages[_i]);
	peer_says(&peer, TELL("closed", "\"sessionId\":\"a\",\"seq\":1")); /* too late */
	ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_PEER);
	no_event(&peer, PX_ERROR_PEER);
	peer_close(&peer);
}
END_TEST

/* Events cut anywhere: whole ones are told, and then the end. */
START_TEST(test_cut_anywhere)
{
	static const char text[] = TELL("closed", "\"sessionId\":\"a\",\"seq\":1")
	    TELL("closed", "\"sessionId\":\"b\",\"seq\":2");
	const size_t first = (size_t)(strchr(text, '\n') - text) + 1;
	struct peer peer;

	for (size_t len = 0; len < strlen(text); len++) {
		peer_ready(&peer);
		peer_says_bytes(&peer, text, len);
		close(peer.fd);
		if (len >= first)
			ck_assert_str_eq(next_event(&peer, PX_EVENT_CLOSED)->session, "a");
		ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_LOST);
		px_client_free(peer.client);
	}
}
END_TEST

/* Bytes one at a time: the same events as in one piece. */
START_TEST(test_dribble)
{
	static const char text[] =
	    OUTPUT("\"stream\":\"terminal\",\"offset\":0,\"chunk\":\"aGk=\"");
	const struct px_event *event;
	struct peer peer;

	peer_ready(&peer);
	for (size_t i = 0; i < strlen(text); i++) {
		no_event(&peer, PX_ERROR_TIMEOUT);
		peer_says_bytes(&peer, text + i, 1);
	}
	event = next_event(&peer, PX_EVENT_OUTPUT);
	ck_assert_int_eq(event->output.stream, PX_STREAM_TERMINAL);
	ck_assert_mem_eq(event->output.data, "hi", 2);
	peer_close(&peer);
}
END_TEST

/* ---- in: answers ---- */

START_TEST(test_wait_answer)
{
	const struct px_wait_until until = { 0 };
	struct px_error error = { 0 };
	const struct px_answer *answer;
	struct peer peer;

	peer_ready(&peer);
	px_client_wait(peer.client, "a", &until, &error);
	px_client_wait(peer.client, "a", &until, &error);
	peer_says(&peer, "{\"id\":2,\"result\":{\"reason\":\"idle\",\"exited\":false,\"exitCode\":"
			 "null,\"signal\":null,"
			 "\"cause\":null,\"timedOut\":false,\"nextSeq\":4,\"usage\":null}}\n"
			 "{\"id\":3,\"result\":{\"reason\":\"exit\",\"exited\":true,\"exitCode\":5,"
			 "\"signal\":null,"
			 "\"cause\":\"self\",\"timedOut\":false,\"nextSeq\":6," USAGE "}}\n");
	answer = px_client_await(peer.client, 2, WAIT_MS, &error);
	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(answer->wait.reason, "idle");
	ck_assert(!answer->wait.exited);
	ck_assert_int_eq(answer->wait.next_seq, 4);
	answer = px_client_await(peer.client, 3, WAIT_MS, &error);
	ck_assert_ptr_nonnull(answer);
	ck_assert(answer->wait.exited);
	ck_assert_int_eq(answer->wait.end.exit_code, 5);
	ck_assert_ptr_null(answer->wait.end.signal);
	ck_assert_int_eq(answer->wait.end.resources.wall_ms, 4);
	peer_close(&peer);
}
END_TEST

START_TEST(test_snapshot_answer)
{
	struct px_error error = { 0 };
	const struct px_answer *answer;
	const struct px_kept_stream *kept;
	struct peer peer;

	peer_ready(&peer);
	px_client_snapshot(peer.client, "a", &error);
	peer_says(&peer,
	    "{\"id\":2,\"result\":{\"stdout\":\"YWI=\",\"stderr\":\"\",\"terminal\":\"\","
	    "\"omitted\":"
	    "{\"stdout\":{\"offset\":1,\"bytes\":8}},\"truncated\":true,\"totalBytes\":{\"stdout\":"
	    "10,"
	    "\"stderr\":0},\"running\":false,\"exitCode\":0,\"signal\":null,\"nextSeq\":4}}\n");
	answer = px_client_await(peer.client, 2, WAIT_MS, &error);
	ck_assert_msg(answer != NULL, "%s", error.text);
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
	"{\"id\":2}\n",
	"{\"id\":2,\"result\":null}\n",
	"{\"id\":2,\"result\":{}}\n",
	"{\"id\":2,\"result\":{\"stdout\":\"!\",\"stderr\":\"\",\"terminal\":\"\",\"omitted\":{},"
	"\"truncated\":true,\"totalBytes\":{},\"running\":false,\"nextSeq\":4}}\n",
	"{\"id\":2,\"result\":{\"stdout\":\"\",\"stderr\":\"\",\"terminal\":\"\",\"omitted\":{"
	"\"stdout\":7},"
	"\"truncated\":true,\"totalBytes\":{},\"running\":false,\"nextSeq\":4}}\n",
	"{\"id\":2,\"result\":{\"stdout\":\"\",\"stderr\":\"\",\"terminal\":\"\",\"omitted\":[],"
	"\"truncated\":true,\"totalBytes\":{},\"running\":false,\"nextSeq\":4}}\n",
	"{\"id\":2,\"error\":{}}\n",
	"{\"id\":2,\"error\":{\"code\":\"x\",\"message\":\"y\"}}\n",
	"{\"id\":2,\"error\":{\"code\":1,\"message\":\"y\",\"data\":{\"kind\":9}}}\n",
};

START_TEST(test_bad_answer)
{
	struct px_error error = { 0 };
	struct peer peer;
	int64_t id;

	peer_ready(&peer);
	id = px_client_snapshot(peer.client, "a", &error);
	peer_says(&peer, bad_answers[_i]);
	ck_assert_ptr_null(px_client_await(peer.client, id, WAIT_MS, &error));
	ck_assert_msg(error.code == PX_ERROR_PEER, "%s", error.text);
	ck_assert_int_eq(next_event(&peer, PX_EVENT_LOST)->lost.code, PX_ERROR_PEER);
	peer_close(&peer);
}
END_TEST

/* Words and messages longer than the places for them are cut, an unknown errno is none. */
START_TEST(test_long_refusal)
{
	char text[4096], word[1000];
	struct px_error error = { 0 };
	struct peer peer;

	memset(word, 'w', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	snprintf(text, sizeof text,
	    "{\"id\":2,\"error\":{\"code\":-2147483648,\"message\":\"%s\",\"data\":{\"kind\":\"%"
	    "s\","
	    "\"step\":\"%s\",\"errno\":\"%s\"}}}\n",
	    word, word, word, word);
	peer_ready(&peer);
	px_client_snapshot(peer.client, "a", &error);
	peer_says(&peer, text);
	ck_assert_ptr_null(px_client_await(peer.client, 2, WAIT_MS, &error));
	ck_assert_int_eq(error.code, PX_ERROR_REFUSED);
	ck_assert_int_eq(error.number, INT32_MIN);
	ck_assert_int_eq(error.sys, 0);
	ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
	ck_assert_uint_eq(strlen(error.kind), sizeof error.kind - 1);
	ck_assert_uint_eq(strlen(error.step), sizeof error.step - 1);
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_message");

	tcase_add_test(tc, test_requests);
	tcase_add_test(tc, test_start);
	tcase_add_test(tc, test_start_refused);
	tcase_add_test(tc, test_notifications);
	tcase_add_loop_test(
	    tc, test_bad_message, 0, (int)(sizeof bad_messages / sizeof bad_messages[0]));
	tcase_add_test(tc, test_cut_anywhere);
	tcase_add_test(tc, test_dribble);
	tcase_add_test(tc, test_wait_answer);
	tcase_add_test(tc, test_snapshot_answer);
	tcase_add_loop_test(
	    tc, test_bad_answer, 0, (int)(sizeof bad_answers / sizeof bad_answers[0]));
	tcase_add_test(tc, test_long_refusal);
	return run_cases(tc);
}

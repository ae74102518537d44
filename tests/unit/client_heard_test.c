#include <stdio.h>

#include "cases.h"
#include "client_peer.h"

/* What becomes of the notifications that a server sends. */

#define USAGE                "\"usage\":{\"userMs\":1,\"systemMs\":2,\"maxRssBytes\":3,\"wallMs\":4}"
#define TELL(method, params) "{\"method\":\"process/" method "\",\"params\":{" params "}}\n"
#define OUTPUT(members)      TELL("outputDelta", "\"sessionId\":\"a\",\"seq\":1," members)

START_TEST(test_notifications)
{
	const struct px_event *event;
	struct peer peer;

	peer_ready(&peer);
	peer_says(&peer,
	    TELL("started", "\"sessionId\":\"a\",\"pid\":7") TELL("invented", "\"x\":[]") OUTPUT(
		"\"stream\":\"stderr\",\"offset\":9007199254740993,\"chunk\":\"AP8K\",\"more\":1")
		TELL("lagged", "\"sessionId\":\"a\",\"skippedBytes\":5,\"nextSeq\":6") TELL(
		    "failed", "\"sessionId\":\"a\",\"message\":\"gone \\u0007\"") TELL("exited",
		    "\"sessionId\":\"a\",\"seq\":8,\"exitCode\":137,\"signal\":\"KILL\","
		    "\"coreDumped\":true,\"cause\":\"client\",\"outputOpen\":true," USAGE)
		    TELL("closed", "\"sessionId\":\"a\",\"seq\":9"));

	event = next_event(&peer, PX_EVENT_STARTED);
	ck_assert_str_eq(event->session, "a");
	ck_assert_int_eq(event->started.pid, 7);
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
	"{\"id\":0,\"result\":{}}\n",
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
		peer_free(&peer);
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

int
main(void)
{
	TCase *tc = tcase_create("client_heard");

	tcase_add_test(tc, test_notifications);
	tcase_add_loop_test(
	    tc, test_bad_message, 0, (int)(sizeof bad_messages / sizeof bad_messages[0]));
	tcase_add_test(tc, test_cut_anywhere);
	tcase_add_test(tc, test_dribble);
	return run_cases(tc);
}

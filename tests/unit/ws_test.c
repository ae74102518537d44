#include "ws_stream.h"

#include "cases.h"

START_TEST(test_messages)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT, "{\"a\":1}");
	PUT(in, TEXT, "");
	PUT(in, BINARY, "b\0\xff");
	PUT(in, TEXT, "\xe2\x82\xac");
	check(
	    in, "message {\"a\":1}\nmessage \nmessage b\\x00\\xff\nmessage \\xe2\\x82\\xac\n", "");
}
END_TEST

static void
check_length(size_t len)
{
	struct evbuffer *in = upgraded();
	char *text = malloc(len);
	char log[100];

	memset(text, 'x', len);
	put_frame(in, TEXT, text, len);
	snprintf(log, sizeof(log), "message of %zu bytes\n", len);
	check(in, log, "");
	free(text);
}

START_TEST(test_lengths)
{
	check_length(4095);
	check_length(4096);
	check_length(4097);
	check_length(65535);
	check_length(65536);
	check_length(LIMIT);
}
END_TEST

START_TEST(test_length_borders)
{
	char text[127];
	char log[200];

	memset(text, 'x', sizeof(text));
	for (int len = 124; len <= 127; len++) {
		struct evbuffer *in = upgraded();

		put_frame(in, BINARY, text, (size_t)len);
		snprintf(log, sizeof(log), "message %.*s\n", len, text);
		check(in, log, "");
	}
}
END_TEST

START_TEST(test_fragments)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT_PART, "one ");
	PUT(in, PART, "two ");
	PUT(in, PART, "");
	PUT(in, LAST, "three");
	PUT(in, BINARY_PART, "");
	PUT(in, LAST, "");
	PUT(in, TEXT_PART, "");
	PUT(in, LAST, "end");
	check(in, "message one two three\nmessage \nmessage end\n", "");
}
END_TEST

START_TEST(test_unfinished)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT_PART, "one ");
	PUT_RAW(in, "\x80\x85\0\0\0\0abc");
	check(in, "", "");
}
END_TEST

START_TEST(test_ping)
{
	struct evbuffer *in = upgraded();
	char most[125];
	char pongs[200];

	memset(most, 'm', sizeof(most));
	PUT(in, PING, "");
	PUT(in, PING, "abc");
	put_frame(in, PING, most, sizeof(most));
	PUT(in, PONG, "not asked for");
	PUT(in, TEXT, "on");
	snprintf(pongs, sizeof(pongs), "pong \npong abc\npong %.125s\n", most);
	check(in, "message on\n", pongs);
}
END_TEST

START_TEST(test_control_inside_fragments)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT_PART, "\xe2");
	PUT(in, PING, "p\xff");
	PUT(in, PART, "\x82");
	PUT(in, PONG, "");
	PUT(in, PING, "q");
	PUT(in, LAST, "\xac");
	check(in, "message \\xe2\\x82\\xac\n", "pong p\\xff\npong q\n");
}
END_TEST

START_TEST(test_close_inside_fragments)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT_PART, "never whole");
	PUT(in, CLOSE, "\x03\xe8");
	check(in, "close ok\n", "close 1000 \n");
}
END_TEST

START_TEST(test_header_faults)
{
	static const char header[] = "malformed frame header";

	RAW_FAULT("\x81\x02hi", "frame is not masked");
	RAW_FAULT("\x81\x00", "frame is not masked");
	RAW_FAULT("\x88\x02\x03\xe8", "frame is not masked");
	FRAME_FAULT(0xc1, "x", 1002, "frame has a reserved bit set");
	FRAME_FAULT(0xa1, "x", 1002, "frame has a reserved bit set");
	FRAME_FAULT(0x91, "", 1002, "frame has a reserved bit set");
	FRAME_FAULT(0xc9, "", 1002, "frame has a reserved bit set");
	for (int opcode = 3; opcode < 16; opcode += opcode == 7 ? 4 : 1)
		FRAME_FAULT(0x80 | opcode, "x", 1002, "frame has a reserved opcode");
	RAW_FAULT("\x81\xfe\x00\x05\0\0\0\0hello", header);
	RAW_FAULT("\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello", header);
	RAW_FAULT("\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0hello", header);
	RAW_FAULT("\x81\xff\x80\0\0\0\0\0\0\x05\0\0\0\0hello", header);
	/* Control frames: one frame, at most 125 bytes. */
	RAW_FAULT("\x09\x80\0\0\0\0", header);
	RAW_FAULT("\x08\x80\0\0\0\0", header);
	RAW_FAULT("\x89\xfe\x00\x7e\0\0\0\0", header);
	RAW_FAULT("\x88\xff\0\0\0\0\0\1\0\0\0\0\0\0", header);
}
END_TEST

START_TEST(test_fragment_faults)
{
	struct evbuffer *in = upgraded();

	FRAME_FAULT(LAST, "x", 1002, "continuation frame without a message");
	FRAME_FAULT(PART, "", 1002, "continuation frame without a message");

	PUT(in, TEXT_PART, "a");
	PUT(in, TEXT, "b");
	check_fault(in, 1002, "new message inside a fragmented one");

	in = upgraded();
	PUT(in, BINARY_PART, "");
	PUT(in, BINARY_PART, "");
	check_fault(in, 1002, "new message inside a fragmented one");

	in = upgraded();
	PUT(in, TEXT_PART, "a");
	PUT(in, 0x83, "b");
	check_fault(in, 1002, "frame has a reserved opcode");
}
END_TEST

#define BAD_TEXT(text) FRAME_FAULT(TEXT, text, 1007, "text message is not UTF-8")

START_TEST(test_bad_text)
{
	BAD_TEXT("\xff");
	BAD_TEXT("ab\x80");
	BAD_TEXT("\xc0\x80");
	BAD_TEXT("\xc1\xbf");
	BAD_TEXT("\xe0\x9f\xbf");
	BAD_TEXT("\xed\xa0\x80");
	BAD_TEXT("\xf0\x8f\xbf\xbf");
	BAD_TEXT("\xf4\x90\x80\x80");
	BAD_TEXT("\xf5\x80\x80\x80");
	BAD_TEXT("\xe2\x82");
	BAD_TEXT("cut \xf0\x9f\x98");
	BAD_TEXT("\xe2(\xa1");
}
END_TEST

/* Each character of 2 to 4 bytes is fine however fragments cut it. */
START_TEST(test_text_cut_by_fragments)
{
	static const char text[] = "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf"
				   "\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct evbuffer *in = upgraded();
		struct evbuffer *log = evbuffer_new();

		put_frame(in, TEXT_PART, text, cut);
		put_frame(in, LAST, text + cut, sizeof(text) - 1 - cut);
		evbuffer_add_printf(log, "message ");
		replay_escape(log, text, sizeof(text) - 1);
		evbuffer_add(log, "\n", 2);
		check(in, (char *)evbuffer_pullup(log, -1), "");
		evbuffer_free(log);
	}
}
END_TEST

/* A wrong byte is seen when it comes, not at the end of the message. */
START_TEST(test_bad_text_ends_at_once)
{
	static const struct {
		const char *first, *second;
	} rows[] = {
		{ "a\xf4", "\x90" },
		{ "\xe0", "\x9f" },
		{ "\xed", "\xa0" },
		{ "\xf0", "\x8f" },
		{ "\xe2\x82", "(" },
		{ "\xf0\x9f\x98", "x" },
		{ "good", "\xc1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evbuffer *in = upgraded();

		put_frame(in, TEXT_PART, rows[i].first, strlen(rows[i].first));
		put_frame(in, PART, rows[i].second, strlen(rows[i].second));
		check_fault(in, 1007, "text message is not UTF-8");
	}
}
END_TEST

START_TEST(test_text_cut_at_the_end)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT_PART, "\xe2\x82");
	PUT(in, LAST, "");
	check_fault(in, 1007, "text message is not UTF-8");
}
END_TEST

#define OVER_10       "close limitExceeded: message of more than 10 bytes\n"
#define CLOSE_OVER_10 "close 1009 message of more than 10 bytes\n"

START_TEST(test_limit)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT, "0123456789");
	PUT(in, PING, "a ping is no message");
	PUT(in, TEXT, "0123456789a");
	PUT(in, TEXT, "lost");
	check_limit(
	    in, 10, "message 0123456789\n" OVER_10, "pong a ping is no message\n" CLOSE_OVER_10);
}
END_TEST

START_TEST(test_limit_by_fragments)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT_PART, "01234");
	PUT(in, LAST, "56789");
	PUT(in, BINARY_PART, "01234");
	PUT(in, PART, "");
	PUT(in, PART, "56789a");
	check_limit(in, 10, "message 0123456789\n" OVER_10, CLOSE_OVER_10);
}
END_TEST

/* Refused by what is announced: nothing of that size is waited for or allocated. */
START_TEST(test_limit_on_announced_length)
{
	struct evbuffer *in = upgraded();

	PUT_RAW(in, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x");
	check_limit(in, 10, OVER_10, CLOSE_OVER_10);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ws");

	tcase_add_test(tc, test_messages);
	tcase_add_test(tc, test_lengths);
	tcase_add_test(tc, test_length_borders);
	tcase_add_test(tc, test_fragments);
	tcase_add_test(tc, test_unfinished);
	tcase_add_test(tc, test_ping);
	tcase_add_test(tc, test_control_inside_fragments);
	tcase_add_test(tc, test_close_inside_fragments);
	tcase_add_test(tc, test_header_faults);
	tcase_add_test(tc, test_fragment_faults);
	tcase_add_test(tc, test_bad_text);
	tcase_add_test(tc, test_text_cut_by_fragments);
	tcase_add_test(tc, test_bad_text_ends_at_once);
	tcase_add_test(tc, test_text_cut_at_the_end);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_limit_by_fragments);
	tcase_add_test(tc, test_limit_on_announced_length);
	return run_cases(tc);
}

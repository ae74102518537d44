#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cases.h"

static int pipe_fds[2];
static char line[PIPE_BUF + 1];

static void
setup(void)
{
	ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC), 0);
}

static void
teardown(void)
{
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static struct px_log
text_log(void)
{
	return (struct px_log){ pipe_fds[1], PX_LOG_DEBUG, false };
}

static struct px_log
json_log(void)
{
	return (struct px_log){ pipe_fds[1], PX_LOG_DEBUG, true };
}

/* The one line that was written, without its newline; "" when nothing was. */
static const char *
read_line(void)
{
	ssize_t n = read(pipe_fds[0], line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = '\0';
	if (n > 0) {
		ck_assert_int_eq(line[n - 1], '\n');
		line[n - 1] = '\0';
		ck_assert_uint_eq(strlen(line), (size_t)n - 1);
		ck_assert_ptr_null(strchr(line, '\n'));
	}
	return line;
}

/* The line behind its time stamp, whose shape is checked. */
static const char *
text_line(void)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
	const char *s = read_line();

	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		ck_assert_msg(shape[i] == 'd' ? s[i] >= '0' && s[i] <= '9' : s[i] == shape[i],
		    "\"%s\" at %zu", s, i);
	return s + sizeof(shape) - 1;
}

static struct px_json_doc *
json_line(void)
{
	struct px_json_doc *doc;
	struct px_err err;
	const char *s = read_line();

	ck_assert_msg(px_json_parse(s, strlen(s), &doc, &err) == 0, "%s: %s", s, err.text);
	ck_assert_int_eq(px_json_root(doc)->type, PX_JSON_OBJECT);
	ck_assert_uint_eq(px_json_get(px_json_root(doc), "time")->len, 24);
	return doc;
}

START_TEST(plain_text)
{
	struct px_log log = text_log();

	px_log_event(
	    &log, PX_LOG_INFO, "start", PX_I("conn", 3), PX_S("session", "a"), PX_I("pid", 712));
	ck_assert_str_eq(text_line(), "info start conn=3 session=a pid=712");
	px_log_event(&log, PX_LOG_ERROR, "x", PX_I("min", INT64_MIN), PX_I("max", INT64_MAX));
	ck_assert_str_eq(text_line(), "error x min=-9223372036854775808 max=9223372036854775807");
	px_log_write(&log, PX_LOG_WARN, "bare", NULL, 0);
	ck_assert_str_eq(text_line(), "warn bare");
}
END_TEST

START_TEST(text_values_are_quoted_when_not_plain)
{
	static const char *const rows[][2] = { { "aZ09._:/@+-", "aZ09._:/@+-" }, { "", "\"\"" },
		{ "a b", "\"a b\"" }, { "a=b", "\"a=b\"" }, { "\"\\", "\"\\\"\\\\\"" },
		{ "\x1b[2J\r\n\t", "\"\\x1b[2J\\x0d\\x0a\\x09\"" }, { "\x7f", "\"\\x7f\"" },
		{ "\xc2\x9b"
		  "31m",
		    "\"\\xc2\\x9b31m\"" },
		{ "\xc3\xa4", "\"\\xc3\\xa4\"" }, { "\xff", "\"\\xff\"" }, { "~!", "\"~!\"" } };
	struct px_log log = text_log();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[64];

		snprintf(want, sizeof(want), "debug e v=%s", rows[i][1]);
		px_log_event(&log, PX_LOG_DEBUG, "e", PX_S("v", rows[i][0]));
		ck_assert_str_eq(text_line(), want);
	}
}
END_TEST

START_TEST(json_object)
{
	struct px_log log = json_log();
	struct px_json_doc *doc;
	const struct px_json *root;

	px_log_event(&log, PX_LOG_WARN, "exit", PX_S("session", "a \"b\" \\ \xe2\x82\xac"),
	    PX_S("absent", NULL), PX_I("status", INT64_MIN));
	doc = json_line();
	root = px_json_root(doc);
	ck_assert_uint_eq(root->count, 5);
	ck_assert(px_json_is(px_json_get(root, "level"), "warn"));
	ck_assert(px_json_is(px_json_get(root, "event"), "exit"));
	ck_assert(px_json_is(px_json_get(root, "session"), "a \"b\" \\ \xe2\x82\xac"));
	ck_assert_int_eq(px_json_get(root, "status")->integer, INT64_MIN);
	px_json_free(doc);
	px_log_write(&log, PX_LOG_WARN, "bare", NULL, 0);
	doc = json_line();
	ck_assert_uint_eq(px_json_root(doc)->count, 3);
	px_json_free(doc);
}
END_TEST

/* No byte that a terminal acts on, in either form, whatever the value holds. */
START_TEST(no_control_byte_passes)
{
	for (int json = 0; json < 2; json++) {
		struct px_log log = { pipe_fds[1], PX_LOG_DEBUG, json };

		for (int a = 1; a < 256; a++) {
			for (int b = 1; b < 256; b += a == 0xc2 ? 1 : 7) {
				const char value[] = { (char)a, (char)b, '\0' };

				px_log_event(&log, PX_LOG_INFO, "e", PX_S("v", value));
				read_line();
				for (const char *c = line; *c != '\0'; c++) {
					unsigned char byte = (unsigned char)*c;
					bool c1 = byte == 0xc2 && (unsigned char)c[1] < 0xa0;

					if (byte < ' ' || byte == 0x7f || c1)
						ck_abort_msg("%02x %02x: %s", a, b, line);
				}
				if (!px_utf8_valid(line, strlen(line)))
					ck_abort_msg("%02x %02x", a, b);
			}
		}
	}
}
END_TEST

START_TEST(json_of_invalid_utf8)
{
	static const char *const rows[][2] = { { "a\xff"
						 "b",
						   "a\xef\xbf\xbd"
						   "b" },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" }, { "\xc3", "\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\x1b\x7f\xc2\x9b", "\x1b\x7f\xc2\x9b" }, { "\xc2\xa0", "\xc2\xa0" } };
	struct px_log log = json_log();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct px_json_doc *doc;

		px_log_event(&log, PX_LOG_INFO, "e", PX_S("v", rows[i][0]));
		doc = json_line();
		ck_assert_msg(
		    px_json_is(px_json_get(px_json_root(doc), "v"), rows[i][1]), "row %zu", i);
		px_json_free(doc);
	}
}
END_TEST

START_TEST(a_long_value_is_cut_and_the_others_stay)
{
	struct px_log log = text_log();
	char value[20000];
	const char *s;
	struct px_json_doc *doc;

	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	px_log_event(&log, PX_LOG_INFO, "e", PX_S("v", value), PX_I("pid", 712));
	s = text_line();
	ck_assert_mem_eq(s, "info e v=\"aaa", 13);
	ck_assert_str_eq(s + strlen(s) - strlen("aaa...\" pid=712"), "aaa...\" pid=712");
	log = json_log();
	memset(value, '\x1b', sizeof(value) - 1);
	px_log_event(&log, PX_LOG_INFO, "e", PX_S("v", value), PX_I("pid", 712));
	doc = json_line();
	ck_assert_int_eq(px_json_get(px_json_root(doc), "pid")->integer, 712);
	px_json_free(doc);
}
END_TEST

/* However the values fill the line, it is whole: one write, one newline, valid JSON. */
START_TEST(every_fill_level)
{
	static const char *const units[] = { "a", "\"", "\x1b", "\xe2\x82\xac", "\xff", " " };
	char value[1200];

	for (int json = 0; json < 2; json++) {
		struct px_log log = { pipe_fds[1], PX_LOG_DEBUG, json };

		for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
			for (size_t len = 0; len<1150; len += len> 100 && len < 950 ? 13 : 1) {
				size_t unit = strlen(units[u]);
				struct px_json_doc *doc;

				for (size_t i = 0; i < len; i++)
					value[i] = units[u][i % unit];
				value[len] = '\0';
				px_log_event(&log, PX_LOG_INFO, "e", PX_S("a", value),
				    PX_S("b", value), PX_S("c", value), PX_S("d", value),
				    PX_I("n", INT64_MIN), PX_S("e", value), PX_I("m", INT64_MIN),
				    PX_S("f", value));
				if (json) {
					doc = json_line();
					px_json_free(doc);
				} else {
					text_line();
				}
			}
		}
	}
}
END_TEST

START_TEST(levels)
{
	struct px_log log = text_log();

	log.level = PX_LOG_WARN;
	px_log_event(&log, PX_LOG_INFO, "e", PX_I("x", 1));
	px_log_event(&log, PX_LOG_DEBUG, "e", PX_I("x", 1));
	ck_assert_str_eq(read_line(), "");
	px_log_event(&log, PX_LOG_WARN, "e", PX_I("x", 1));
	ck_assert_str_eq(text_line(), "warn e x=1");
	px_log_event(&log, PX_LOG_ERROR, "e", PX_I("x", 1));
	ck_assert_str_eq(text_line(), "error e x=1");
	px_log_event(NULL, PX_LOG_ERROR, "e", PX_I("x", 1));
	ck_assert_str_eq(read_line(), "");
}
END_TEST

START_TEST(level_words)
{
	ck_assert_int_eq(px_log_level_parse("error"), PX_LOG_ERROR);
	ck_assert_int_eq(px_log_level_parse("warn"), PX_LOG_WARN);
	ck_assert_int_eq(px_log_level_parse("info"), PX_LOG_INFO);
	ck_assert_int_eq(px_log_level_parse("debug"), PX_LOG_DEBUG);
	ck_assert_int_eq(px_log_level_parse(""), -1);
	ck_assert_int_eq(px_log_level_parse("INFO"), -1);
	ck_assert_int_eq(px_log_level_parse("info "), -1);
}
END_TEST

START_TEST(a_full_stream_loses_the_line)
{
	struct px_log log = text_log();
	char fill[4096] = { 0 };

	while (write(pipe_fds[1], fill, sizeof(fill)) > 0)
		;
	errno = ENOENT;
	px_log_event(&log, PX_LOG_INFO, "lost", PX_I("x", 1));
	ck_assert_int_eq(errno, ENOENT);
	while (read(pipe_fds[0], fill, sizeof(fill)) > 0)
		;
	px_log_event(&log, PX_LOG_INFO, "kept", PX_I("x", 1));
	ck_assert_str_eq(text_line(), "info kept x=1");
}
END_TEST

START_TEST(a_closed_stream_loses_the_line)
{
	struct px_log log = text_log();

	signal(SIGPIPE, SIG_IGN);
	close(pipe_fds[0]);
	errno = 0;
	px_log_event(&log, PX_LOG_INFO, "lost", PX_I("x", 1));
	ck_assert_int_eq(errno, 0);
	log.fd = -1;
	px_log_event(&log, PX_LOG_INFO, "lost", PX_I("x", 1));
	ck_assert_int_eq(errno, 0);
	pipe_fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, plain_text);
	tcase_add_test(tc, text_values_are_quoted_when_not_plain);
	tcase_add_test(tc, json_object);
	tcase_add_test(tc, no_control_byte_passes);
	tcase_add_test(tc, json_of_invalid_utf8);
	tcase_add_test(tc, a_long_value_is_cut_and_the_others_stay);
	tcase_add_test(tc, every_fill_level);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, level_words);
	tcase_add_test(tc, a_full_stream_loses_the_line);
	tcase_add_test(tc, a_closed_stream_loses_the_line);
	return run_cases(tc);
}

#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

enum { SIZE = 4096 };

/* 'text' in pieces of 'step' bytes; what comes out is NUL-terminated. */
static void
pass(struct px_screen *screen, bool old, const char *text, size_t len, size_t step, char *out)
{
	size_t n = 0;

	for (size_t at = 0; at < len; at += step) {
		ck_assert_uint_lt(n + step + PX_SCREEN_SEQUENCE, SIZE);
		n += px_screen_pass(
		    screen, old, text + at, step < len - at ? step : len - at, out + n);
	}
	out[n] = '\0';
}

/* What becomes of old output, however it is cut. */
static void
check_old(const char *text, const char *expected)
{
	char out[SIZE];

	for (size_t step = 1; step <= strlen(text); step++) {
		struct px_screen screen = { 0 };

		pass(&screen, true, text, strlen(text), step, out);
		ck_assert_str_eq(out, expected);
	}
}

/* What undoes 'text', however it is cut; live output is never changed. */
static void
check_undo(const char *text, const char *expected)
{
	char out[SIZE], undo[PX_SCREEN_UNDO];

	for (size_t step = 1; step <= strlen(text); step++) {
		struct px_screen screen = { 0 };

		pass(&screen, false, text, strlen(text), step, out);
		ck_assert_str_eq(out, text);
		px_screen_undo(&screen, undo);
		ck_assert_str_eq(undo, expected);
	}
}

START_TEST(test_live_output_is_unchanged)
{
	/* What sequences are made of. */
	static const char rich[] = "\033\033[]P?;0159hlcmqru\\\a\030\005\n a\300";
	char all[256 * 8], out[SIZE];
	struct px_screen screen = { 0 };
	unsigned seed = 7;

	for (int round = 0; round < 500; round++) {
		for (size_t i = 0; i < sizeof all; i++) {
			seed = seed * 1103515245 + 12345;
			all[i] = rich[(seed >> 16) % (sizeof rich - 1)];
		}
		for (size_t at = 0, n; at < sizeof all; at += n) {
			n = 1 + (seed >> 8) % 100;
			n = n < sizeof all - at ? n : sizeof all - at;
			ck_assert_uint_eq(px_screen_pass(&screen, false, all + at, n, out), n);
			ck_assert_mem_eq(out, all + at, n);
		}
	}
}
END_TEST

START_TEST(test_old_questions)
{
	check_old("a\033[cb\033[>c\033[=0c\033[0cz", "abz");
	check_old("\033[6n\033[5n\033[?6n.", ".");
	check_old("\033[?2026$p\033[4$p!", "!");
	check_old("\033[>0q\033[?u\033[18t\033[14t\033[1$w\033[1x\033[1;1;1;1;1;1*y-", "-");
	check_old("\033]11;?\033\\\033]4;1;?\a\033]52;c;aGk=\a\033]9;hello\a-", "-");
	check_old("\033P+q544e\033\\\033P$qm\033\\\033Z\005\a-", "-");
}
END_TEST

START_TEST(test_old_output_that_stays)
{
	static const char *const stay[] = { "plain \342\202\254 text\r\n\tx", "\033[31mred\033[m",
		"\033[?1049h\033[2J\033[10;20H\033[?25l", "\033]0;title\a",
		"\033]8;;http://x/\033\\", "\033(0\033(B\033=\033>\0337\0338\033c",
		"\033[22;0;0t\033[8;24;80t", "\033[4:3m", "\033[>4;2m\033[>1u\033[<u", "\033[3 q",
		"\033[1;1;2;2;3$x", "\033P1;2|abc\033\\" };

	for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
		check_old(stay[i], stay[i]);
	/* Cut off: it is shown, with what cut it off. */
	check_old("\033[3\033[31mx\033[1\030y", "\033[3\033[31mx\033[1\030y");
}
END_TEST

START_TEST(test_long_strings)
{
	char text[SIZE / 2] = "\033]52;c;", out[SIZE];
	struct px_screen screen = { 0 };

	memset(text + 7, 'x', sizeof text - 10);
	text[sizeof text - 3] = '\a';
	text[sizeof text - 2] = '.';
	pass(&screen, true, text, strlen(text), 100, out);
	ck_assert_str_eq(out, text);
	pass(&screen, true, "\033[cy", 4, 4, out);
	ck_assert_str_eq(out, "y");
}
END_TEST

/* What was held back of old output comes with the first that is not. */
START_TEST(test_from_old_to_live)
{
	struct px_screen screen = { 0 };
	char out[SIZE];

	pass(&screen, true, "a\033[", 3, 3, out);
	ck_assert_str_eq(out, "a");
	pass(&screen, false, "cb", 2, 2, out);
	ck_assert_str_eq(out, "\033[cb");
}
END_TEST

START_TEST(test_undo)
{
	check_undo("no sequence at all", "");
	check_undo("\033[31mx", "\033[m");
	check_undo("\033[?1049h\033[?1h\033=\033[?25l", "\033>\033[m\033[?1l\033[?25h\033[?1049l");
	check_undo("\033[?1049;25h\033[?1049l", "\033[m");
	check_undo("\033[?1000;1006;2004h", "\033[m\033[?1000l\033[?1006l\033[?2004l");
	check_undo("\033[?7l", "\033[m\033[?7h");
	check_undo("\033[5;20r", "\0337\033[r\0338\033[m");
	check_undo("\033[5;20r\033[r", "\033[m");
	check_undo("\033(0", "\033(B\033[m");
	check_undo("\033[3 q", "\033[0 q\033[m");
	check_undo("\033[>4;2m\033[>1u\033[>3u\033[<u", "\033[>4m\033[<1u\033[m");
	check_undo("\033[?1049h\033=\033c", "\033[m");
	check_undo("\033[?25l\033[3", "\030\033[m\033[?25h");
	check_undo("\033]0;ti", "\030\033[m");
	check_undo("\033[25h\033[?99h", "\033[m");
}
END_TEST

START_TEST(test_redo)
{
	static const char set[] = "\033[?25l\033=\033[?1049h\033[?1h\033[?1l";
	struct px_screen screen = { 0 };
	char out[SIZE], redo[PX_SCREEN_UNDO];

	px_screen_redo(&screen, redo);
	ck_assert_str_eq(redo, "");
	pass(&screen, false, set, strlen(set), 7, out);
	px_screen_redo(&screen, redo);
	ck_assert_str_eq(redo, "\033[?25l\033[?1049h\033=");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("screen");

	tcase_add_test(tc, test_live_output_is_unchanged);
	tcase_add_test(tc, test_old_questions);
	tcase_add_test(tc, test_old_output_that_stays);
	tcase_add_test(tc, test_long_strings);
	tcase_add_test(tc, test_from_old_to_live);
	tcase_add_test(tc, test_undo);
	tcase_add_test(tc, test_redo);
	return run_cases(tc);
}

#include "cli/human.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

static void
size(int64_t bytes, const char *expected)
{
	char text[PX_HUMAN_SIZE];

	px_human_size(bytes, text);
	ck_assert_str_eq(text, expected);
}

START_TEST(test_size)
{
	size(0, "0");
	size(1023, "1023");
	size(1024, "1.0K");
	size(1536, "1.5K");
	size(10 * 1024 - 1, "9.9K");
	size(10 * 1024, "10K");
	size(1024 * 1024 - 1, "1023K");
	size(1024 * 1024, "1.0M");
	size(INT64_C(1258291), "1.1M");
	size(INT64_C(34) << 30, "34G");
	size(INT64_C(5) << 40, "5.0T");
	size(INT64_MAX, "7.9E");
}
END_TEST

static void
age(int64_t ms, const char *expected)
{
	char text[PX_HUMAN_SIZE];

	px_human_age(ms, text);
	ck_assert_str_eq(text, expected);
}

START_TEST(test_age)
{
	age(-5000, "0s"); /* clocks of two machines */
	age(0, "0s");
	age(999, "0s");
	age(59999, "59s");
	age(60000, "1m");
	age(INT64_C(3600000) - 1, "59m");
	age(INT64_C(3600000), "1h");
	age(INT64_C(86400000) - 1, "23h");
	age(INT64_C(86400000) * 400, "400d");
}
END_TEST

static void
words(const char *const *argv, const char *expected)
{
	char *text = px_human_words(argv);

	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(test_words)
{
	words((const char *const[]){ NULL }, "");
	words((const char *const[]){ "ls", "-l", "/a.b", NULL }, "ls -l /a.b");
	words((const char *const[]){ "sh", "-c", "a b", "", NULL }, "sh -c 'a b' ''");
	words((const char *const[]){ "it's", "''", "$x", NULL }, "'it'\\''s' ''\\'''\\''' '$x'");
}
END_TEST

static void
harmless(const char *text, const char *expected)
{
	char *copy = strdup(text);

	px_human_harmless(copy);
	ck_assert_str_eq(copy, expected);
	free(copy);
}

START_TEST(test_harmless)
{
	harmless("", "");
	harmless("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	    "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	harmless("\x1b[31m\a\t\x7f", "?[31m???");
	harmless("a\xc2\x9b"
		 "b\xc2\xa0",
	    "a??b\xc2\xa0");
	harmless("\xff"
		 "a\xc3",
	    "?a?");
	harmless("\xe2\x82", "??");
	harmless("\xed\xa0\x80", "???");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cli_human");
	TCase *tc = tcase_create("cli_human");

	tcase_add_test(tc, test_size);
	tcase_add_test(tc, test_age);
	tcase_add_test(tc, test_words);
	tcase_add_test(tc, test_harmless);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

/* Runs on an exact heap copy, so that a sanitizer sees a read beyond the end. */
static size_t
prefix(const void *s, size_t len)
{
	char *copy = malloc(len);
	size_t n;

	if (len > 0)
		memcpy(copy, s, len);
	n = px_utf8_valid_prefix(copy, len);
	ck_assert(px_utf8_valid(copy, len) == (n == len));
	free(copy);
	return n;
}

static size_t
put_code_point(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

START_TEST(every_code_point)
{
	for (uint32_t c = 0; c < 0x200000; c++) {
		char s[4];
		size_t len = put_code_point(c, s);
		bool want = c < 0xd800 || (c > 0xdfff && c < 0x110000);

		if (px_utf8_valid(s, len) != want)
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

/* A decoder that knows only the arithmetic decides what every two and three bytes should be. */
START_TEST(every_short_sequence)
{
	uint8_t *ok = calloc(1, 1 << 24);

	for (uint32_t c = 0x80; c < 0x10000; c++) {
		char s[4];
		size_t len = put_code_point(c, s);
		uint32_t key = 0;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		for (size_t i = 0; i < len; i++)
			key = key << 8 | (uint8_t)s[i];
		ok[key] = 1;
	}
	for (uint32_t k = 0x800000; k < 0x1000000; k++) {
		char s[3] = { (char)(k >> 16), (char)(k >> 8), (char)k };
		bool want =
		    ok[k] || (ok[k >> 8] && (k & 0x80) == 0); /* two bytes and one of ASCII */

		if (px_utf8_valid(s, 3) != want)
			ck_abort_msg("%06x", k);
	}
	free(ok);
}
END_TEST

START_TEST(malformed)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
		"\xc2\x41", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff", "\xf0\x90\x80\x41", "\xe2\x82\x41" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(prefix(bad[i], strlen(bad[i])) == 0, "row %zu", i);
}
END_TEST

/* A bad byte is found at its place whatever the alignment and the run of ASCII before it. */
START_TEST(prefix_is_exact)
{
	char s[80];

	for (size_t len = 0; len < sizeof(s); len++) {
		memset(s, 'a', sizeof(s));
		ck_assert_uint_eq(prefix(s, len), len);
		for (size_t at = 0; at < len; at++) {
			memset(s, 'a', sizeof(s));
			s[at] = (char)0xff;
			ck_assert_uint_eq(prefix(s, len), at);
		}
	}
}
END_TEST

START_TEST(truncation_ends_the_prefix)
{
	static const char text[] = "a\xc3\xa4"
				   "b\xe2\x82\xac"
				   "c\xf0\x9f\x98\x80";
	static const size_t want[] = { 0, 1, 1, 3, 4, 4, 4, 7, 8, 8, 8, 8, 12 };

	for (size_t len = 0; len < sizeof(text); len++)
		ck_assert_uint_eq(prefix(text, len), want[len]);
}
END_TEST

START_TEST(nul_is_a_character)
{
	ck_assert_uint_eq(prefix("a\0b", 3), 3);
	ck_assert_uint_eq(prefix("", 0), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("utf8");

	tcase_add_test(tc, every_code_point);
	tcase_add_test(tc, every_short_sequence);
	tcase_add_test(tc, malformed);
	tcase_add_test(tc, prefix_is_exact);
	tcase_add_test(tc, truncation_ends_the_prefix);
	tcase_add_test(tc, nul_is_a_character);
	return run_cases(tc);
}

#include "wire/gather.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

START_TEST(test_empty)
{
	struct px_gather g = { 0 };

	ck_assert_int_eq(px_gather_add(&g, "", 0, NULL), 0);
	ck_assert_ptr_null(g.p);
	ck_assert(px_gather_is_text(&g, true));
	ck_assert(px_gather_is_text(&g, false));
	px_gather_clear(&g);
}
END_TEST

START_TEST(test_grows)
{
	struct px_gather g = { 0 };
	struct px_err err;
	char text[1000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (size_t len = 0; len <= sizeof(text); len++)
		ck_assert_int_eq(px_gather_add(&g, text, len, &err), 0);
	ck_assert_uint_eq(g.len, sizeof(text) * (sizeof(text) + 1) / 2);
	/* Never more than twice what it holds. */
	ck_assert_uint_le(g.cap, 2 * g.len);
	for (size_t len = 0, at = 0; len <= sizeof(text); at += len++)
		ck_assert(memcmp(g.p + at, text, len) == 0);
	px_gather_clear(&g);
	ck_assert_ptr_null(g.p);
	ck_assert_uint_eq(g.len + g.cap + g.valid, 0);
}
END_TEST

/* Every cut of one character: good so far, not good as a whole until its end. */
START_TEST(test_cut_characters)
{
	static const char *const characters[] = { "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };

	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		struct px_gather g = { 0 };
		size_t len = strlen(characters[i]);

		for (size_t n = 0; n < len; n++) {
			ck_assert_int_eq(px_gather_add(&g, characters[i] + n, 1, NULL), 0);
			ck_assert(px_gather_is_text(&g, false));
			ck_assert_int_eq(px_gather_is_text(&g, true), n + 1 == len);
		}
		px_gather_clear(&g);
	}
}
END_TEST

/* The last byte of each is the first that no continuation could make good. */
START_TEST(test_wrong_at_once)
{
	static const char *const texts[] = { "\x80", "\xbf", "\xc0", "\xc1", "\xf5", "\xff",
		"\xc2\x20", "\xe0\x9f", "\xed\xa0", "\xe1\xc2", "\xe2\x82\x41", "\xf0\x8f",
		"\xf4\x90", "\xf1\x80\xc0", "\xf1\x80\x80\x7f" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct px_gather g = { 0 };
		size_t len = strlen(texts[i]);

		ck_assert_int_eq(px_gather_add(&g, "ok", 2, NULL), 0);
		for (size_t n = 0; n < len; n++) {
			ck_assert_int_eq(px_gather_add(&g, texts[i] + n, 1, NULL), 0);
			ck_assert_msg(px_gather_is_text(&g, false) == (n + 1 < len),
			    "text %zu, byte %zu", i, n);
		}
		px_gather_clear(&g);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("gather");

	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_grows);
	tcase_add_test(tc, test_cut_characters);
	tcase_add_test(tc, test_wrong_at_once);
	return run_cases(tc);
}

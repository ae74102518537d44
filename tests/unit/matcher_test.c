#include "session/matcher.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cases.h"

enum { TEXT_MAX = 400 };

/* Few letters, so that a text repeats itself and a match often fails late. */
static void
random_text(char *out, size_t len, int letters)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (char)('a' + rand() % letters);
}

/* Where the match ends, or 'len' + 1. */
static size_t
end_of_match(const char *text, size_t len, const char *want, size_t want_len)
{
	const char *at = memmem(text, len, want, want_len);

	return at == NULL ? len + 1 : (size_t)(at - text) + want_len;
}

static void
feed_in_pieces(struct px_matcher *m, unsigned stream, const char *text, size_t len, size_t end)
{
	size_t at = 0, piece;

	while (at < len) {
		piece = (size_t)rand() % 7;
		if (piece > len - at)
			piece = len - at;
		at += piece;
		ck_assert(px_matcher_feed(m, stream, text + at - piece, piece) == (at >= end));
	}
}

START_TEST(test_against_memmem)
{
	char text[TEXT_MAX], want[TEXT_MAX];

	srand((unsigned)_i);
	for (int round = 0; round < 1000; round++) {
		size_t len = (size_t)rand() % TEXT_MAX, want_len = 1 + (size_t)rand() % 12;
		int letters = 1 + rand() % 3;
		struct px_matcher *m;

		random_text(text, len, letters);
		random_text(want, want_len, letters);
		m = px_matcher_new(want, want_len);
		feed_in_pieces(
		    m, (unsigned)rand() % 2, text, len, end_of_match(text, len, want, want_len));
		px_matcher_free(m);
	}
}
END_TEST

/* Cut once, at every place. */
START_TEST(test_every_border)
{
	static const char text[] = "aabaabaaabaabaab";
	static const char want[] = "aabaaab";
	size_t len = sizeof text - 1, end = end_of_match(text, len, want, sizeof want - 1);

	for (size_t cut = 0; cut <= len; cut++) {
		struct px_matcher *m = px_matcher_new(want, sizeof want - 1);

		ck_assert(px_matcher_feed(m, 0, text, cut) == (cut >= end));
		ck_assert(px_matcher_feed(m, 0, text + cut, len - cut));
		px_matcher_free(m);
	}
}
END_TEST

START_TEST(test_streams_do_not_join)
{
	struct px_matcher *m = px_matcher_new("abcd", 4);

	ck_assert(!px_matcher_feed(m, 0, "ab", 2));
	ck_assert(!px_matcher_feed(m, 1, "cd", 2));
	ck_assert(!px_matcher_feed(m, 1, "abc", 3));
	ck_assert(px_matcher_feed(m, 0, "cd", 2));
	ck_assert(px_matcher_feed(m, 1, "d", 1));
	px_matcher_free(m);
}
END_TEST

START_TEST(test_break)
{
	struct px_matcher *m = px_matcher_new("abcd", 4);

	px_matcher_feed(m, 0, "ab", 2);
	px_matcher_feed(m, 1, "ab", 2);
	px_matcher_break(m, 0);
	ck_assert(!px_matcher_feed(m, 0, "cd", 2));
	ck_assert(px_matcher_feed(m, 1, "cd", 2));
	px_matcher_free(m);
}
END_TEST

START_TEST(test_any_byte)
{
	static const char want[] = "\0\xff\n\0";
	struct px_matcher *m = px_matcher_new(want, 4);

	ck_assert(!px_matcher_feed(m, 0, "\0\0\xff\n", 4));
	ck_assert(px_matcher_feed(m, 0, "\0", 1));
	ck_assert(px_matcher_feed(m, 0, "anything", 8));
	px_matcher_free(m);
	px_matcher_free(NULL);
}
END_TEST

/* The longest text, of the kind that falls back furthest. */
START_TEST(test_longest)
{
	char *text = px_alloc(PX_MATCH_MAX);
	struct px_matcher *m;

	memset(text, 'a', PX_MATCH_MAX);
	text[PX_MATCH_MAX - 1] = 'b';
	m = px_matcher_new(text, PX_MATCH_MAX);
	for (int i = 0; i < 5; i++)
		ck_assert(!px_matcher_feed(m, 0, text, PX_MATCH_MAX - 1));
	ck_assert(px_matcher_feed(m, 0, "b", 1));
	px_matcher_free(m);
	free(text);
}
END_TEST

static Suite *
matcher_suite(void)
{
	Suite *s = suite_create("matcher");
	TCase *tc = tcase_create("matcher");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_against_memmem, 0, 8);
	tcase_add_test(tc, test_every_border);
	tcase_add_test(tc, test_streams_do_not_join);
	tcase_add_test(tc, test_break);
	tcase_add_test(tc, test_any_byte);
	tcase_add_test(tc, test_longest);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(matcher_suite());
}

#include "transcript/transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

/* A transcript that keeps the newest, in whole chunks. */

static void
put(struct px_transcript *t, unsigned stream, const char *text)
{
	px_transcript_append(t, stream, text, strlen(text));
}

/* Every chunk after 'after' as "number:bytes ", and "-n" in the end for what was lost. */
static const char *
told(struct px_transcript *t, uint64_t after)
{
	static char text[256];
	struct px_cursor cur;
	struct px_chunk chunk;
	uint64_t lost = 0, at_end;
	size_t n = 0;

	px_transcript_seek(t, after, &cur);
	while (px_transcript_read(t, &cur, &chunk, &at_end) == 1) {
		lost += chunk.lost;
		n += (size_t)snprintf(text + n, sizeof text - n, "%d:%.*s%.*s ", (int)chunk.seq,
		    (int)chunk.run[0].len, chunk.run[0].data, (int)chunk.run[1].len,
		    chunk.run[1].data);
	}
	snprintf(text + n, sizeof text - n, "-%d", (int)(lost + at_end));
	return text;
}

START_TEST(keeps_whole_chunks)
{
	struct px_transcript *t = px_transcript_new_tail(1, 8);
	struct px_view view;

	put(t, 0, "abc");
	put(t, 0, "def");
	ck_assert_str_eq(told(t, 0), "1:abc 2:def -0");
	put(t, 0, "gh");
	ck_assert_str_eq(told(t, 0), "1:abc 2:def 3:gh -0");
	put(t, 0, "i");
	ck_assert_str_eq(told(t, 0), "2:def 3:gh 4:i -3");
	ck_assert_str_eq(told(t, 2), "3:gh 4:i -0");
	put(t, 0, "jklmnopq");
	ck_assert_str_eq(told(t, 0), "5:jklmnopq -9");
	px_transcript_view(t, 0, &view);
	ck_assert_uint_eq(view.head.len, 0);
	ck_assert_uint_eq(view.tail[0].len + view.tail[1].len, 8);
	ck_assert_uint_eq(view.omitted_bytes, 9);
	px_transcript_free(t);
}
END_TEST

START_TEST(newest_chunk_grows)
{
	struct px_transcript *t = px_transcript_new_tail(2, 8);

	ck_assert_uint_eq(px_transcript_open_chunk(t, 0, 0), 0);
	put(t, 0, "ab");
	ck_assert_uint_eq(px_transcript_open_chunk(t, 0, 0), 2);
	ck_assert_uint_eq(px_transcript_open_chunk(t, 0, 1), 0);
	ck_assert_uint_eq(px_transcript_open_chunk(t, 1, 0), 0);
	px_transcript_grow(t, 0, "cde", 3);
	ck_assert_str_eq(told(t, 0), "1:abcde -0");
	put(t, 1, "x");
	ck_assert_uint_eq(px_transcript_open_chunk(t, 0, 0), 0);
	px_transcript_grow(t, 1, "yz", 2);
	put(t, 0, "fg");
	ck_assert_str_eq(told(t, 0), "1:abcde 2:xyz 3:fg -0");
	px_transcript_grow(t, 0, "hi", 2);
	ck_assert_str_eq(told(t, 0), "2:xyz 3:fghi -5");
	ck_assert_str_eq(told(t, 2), "3:fghi -0");
	px_transcript_mark(t);
	ck_assert_uint_eq(px_transcript_open_chunk(t, 0, 0), 0);
	ck_assert_uint_eq(px_transcript_next_seq(t), 5);
	px_transcript_free(t);
}
END_TEST

/* In one that keeps both ends, the chunk may be of the beginning. */
START_TEST(newest_chunk_grows_in_the_head)
{
	struct px_transcript *t = px_transcript_new(1, 8);

	put(t, 0, "a");
	put(t, 0, "b");
	px_transcript_grow(t, 0, "cd", 2);
	put(t, 0, "e");
	ck_assert_str_eq(told(t, 0), "1:a 2:bcd 3:e -0");
	px_transcript_free(t);
}
END_TEST

START_TEST(rewinds)
{
	struct px_transcript *t = px_transcript_new_tail(1, 16);
	struct px_cursor cur;

	px_transcript_rewind(t, 4, 1, &cur);
	ck_assert_uint_eq(cur.seq, 0);
	for (int i = 0; i < 10; i++)
		put(t, 0, "abc"); /* 30 bytes: 6 to 10 are kept whole */
	px_transcript_rewind(t, 0, 0, &cur);
	ck_assert_uint_eq(cur.seq, 0);
	px_transcript_rewind(t, 1, 1, &cur);
	ck_assert_uint_eq(cur.seq, 6);
	ck_assert_uint_eq(cur.offset[0], 18);
	px_transcript_rewind(t, 4, 1, &cur);
	ck_assert_uint_eq(cur.seq, 6);
	px_transcript_rewind(t, 5, 1, &cur);
	ck_assert_uint_eq(cur.seq, 7);
	px_transcript_rewind(t, 16, 1, &cur);
	ck_assert_uint_eq(cur.seq, 10);
	px_transcript_rewind(t, 17, 1, &cur);
	ck_assert_uint_eq(cur.seq, 10);
	px_transcript_free(t);
}
END_TEST

/* Of very small chunks the number is what counts. */
START_TEST(rewinds_by_chunks)
{
	struct px_transcript *t = px_transcript_new_tail(1, 1 << 17);
	struct px_cursor cur;

	for (int i = 0; i < 1024; i++)
		put(t, 0, "x");
	px_transcript_rewind(t, 1 << 15, 256, &cur);
	ck_assert_uint_eq(cur.seq, 256);
	ck_assert_uint_eq(px_transcript_slack(t, &cur).chunks, 256);
	put(t, 0, "x");
	ck_assert_str_eq(told(t, 1023), "1024:x 1025:x -0");
	px_transcript_free(t);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, keeps_whole_chunks);
	tcase_add_test(tc, newest_chunk_grows);
	tcase_add_test(tc, newest_chunk_grows_in_the_head);
	tcase_add_test(tc, rewinds);
	tcase_add_test(tc, rewinds_by_chunks);
	return run_cases(tc);
}

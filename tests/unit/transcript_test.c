#include "transcript/transcript.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

static void
put(struct px_transcript *t, unsigned stream, const char *text)
{
	px_transcript_append(t, stream, text, strlen(text));
}

/* Appends 'n' chunks of one byte. */
static void
put_bytes(struct px_transcript *t, unsigned stream, size_t n)
{
	while (n-- > 0)
		px_transcript_append(t, stream, "x", 1);
}

/* The bytes of up to three runs, joined. */
static const char *
joined(const struct px_run *run, size_t n, char out[64])
{
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		ck_assert_uint_lt(len + run[i].len, 64);
		if (run[i].len > 0)
			memcpy(out + len, run[i].data, run[i].len);
		len += run[i].len;
	}
	out[len] = '\0';
	return out;
}

static void
check_kept(const struct px_transcript *t, unsigned stream, const char *head, const char *tail,
    uint64_t omitted)
{
	struct px_view view;
	char text[64];

	px_transcript_view(t, stream, &view);
	ck_assert_str_eq(joined(&view.head, 1, text), head);
	ck_assert_str_eq(joined(view.tail, 2, text), tail);
	ck_assert_uint_eq(view.omitted_bytes, omitted);
	ck_assert_uint_eq(view.omitted_offset, omitted > 0 ? strlen(head) : 0);
	ck_assert_uint_eq(px_transcript_retained(t, stream), strlen(head) + strlen(tail));
}

static void
check_chunk(struct px_transcript *t, struct px_cursor *cur, uint64_t seq, unsigned stream,
    uint64_t offset, const char *text, uint64_t lost)
{
	struct px_chunk chunk;
	char got[64];

	ck_assert_int_eq(px_transcript_read(t, cur, &chunk, NULL), 1);
	ck_assert_uint_eq(chunk.seq, seq);
	ck_assert_uint_eq(chunk.stream, stream);
	ck_assert_uint_eq(chunk.offset, offset);
	ck_assert_str_eq(joined(chunk.run, 2, got), text);
	ck_assert_uint_gt(chunk.run[0].len, 0);
	ck_assert_uint_eq(chunk.lost, lost);
	ck_assert_uint_eq(cur->seq, seq);
}

static void
check_end(struct px_transcript *t, struct px_cursor *cur, uint64_t lost)
{
	struct px_chunk chunk;
	uint64_t got = 12345;

	ck_assert_int_eq(px_transcript_read(t, cur, &chunk, &got), 0);
	ck_assert_uint_eq(got, lost);
	ck_assert_uint_eq(cur->seq, px_transcript_next_seq(t) - 1);
	ck_assert_uint_eq(cur->offset[0], px_transcript_total(t, 0));
}

/* So many chunks of one byte each may come. */
static void
check_slack(const struct px_transcript *t, const struct px_cursor *cur, size_t n)
{
	struct px_slack slack = px_transcript_slack(t, cur);

	ck_assert_uint_eq(slack.bytes < slack.chunks ? slack.bytes : slack.chunks, n);
}

START_TEST(empty_holds_nothing)
{
	struct px_transcript *t = px_transcript_new(2, 1 << 20);
	struct px_cursor cur = { 7, { 7, 7 } };
	struct px_view view;

	ck_assert_uint_eq(px_transcript_next_seq(t), 1);
	ck_assert_uint_lt(px_transcript_memory(t), 1024);
	px_transcript_view(t, 1, &view);
	ck_assert_ptr_null(view.head.data);
	ck_assert_uint_eq(view.head.len + view.tail[0].len + view.tail[1].len, 0);
	px_transcript_seek(t, 99, &cur);
	ck_assert_uint_eq(cur.seq, 0);
	ck_assert_uint_eq(cur.offset[0] + cur.offset[1], 0);
	check_slack(t, &cur, 1024 * 64);
	check_end(t, &cur, 0);
	px_transcript_free(t);
	px_transcript_free(NULL);
}
END_TEST

START_TEST(keeps_both_ends)
{
	struct px_transcript *t = px_transcript_new(1, 8);

	put(t, 0, "abc");
	check_kept(t, 0, "abc", "", 0);
	put(t, 0, "defgh");
	check_kept(t, 0, "abcd", "efgh", 0);
	put(t, 0, "i");
	check_kept(t, 0, "abcd", "fghi", 1);
	put(t, 0, "jklmnopqrst");
	check_kept(t, 0, "abcd", "qrst", 12);
	ck_assert_uint_eq(px_transcript_total(t, 0), 20);
	px_transcript_free(t);
}
END_TEST

START_TEST(odd_cap_favours_the_tail)
{
	struct px_transcript *t = px_transcript_new(1, 3);

	put(t, 0, "abcdefg");
	check_kept(t, 0, "a", "fg", 4);
	px_transcript_free(t);
}
END_TEST

START_TEST(smallest_cap)
{
	struct px_transcript *t = px_transcript_new(1, 2);
	struct px_cursor cur = { 0 };

	put(t, 0, "a");
	put(t, 0, "b");
	check_slack(t, &cur, 0);
	put(t, 0, "c");
	check_kept(t, 0, "a", "c", 1);
	check_chunk(t, &cur, 1, 0, 0, "a", 0);
	check_chunk(t, &cur, 3, 0, 2, "c", 1);
	check_end(t, &cur, 0);
	px_transcript_free(t);
}
END_TEST

START_TEST(one_chunk_larger_than_all)
{
	struct px_transcript *t = px_transcript_new(1, 6);
	struct px_cursor cur = { 0 };

	put(t, 0, "0123456789");
	check_kept(t, 0, "012", "789", 4);
	check_chunk(t, &cur, 1, 0, 0, "012", 7);
	ck_assert_uint_eq(cur.offset[0], 10);
	check_end(t, &cur, 0);
	px_transcript_free(t);
}
END_TEST

START_TEST(streams_share_the_numbers)
{
	struct px_transcript *t = px_transcript_new(2, 64);
	struct px_cursor cur = { 0 };

	ck_assert_uint_eq(px_transcript_append(t, 0, "out", 3), 1);
	ck_assert_uint_eq(px_transcript_append(t, 1, "err", 3), 2);
	ck_assert_uint_eq(px_transcript_mark(t), 3);
	ck_assert_uint_eq(px_transcript_append(t, 0, "more", 4), 4);
	ck_assert_uint_eq(px_transcript_next_seq(t), 5);
	check_chunk(t, &cur, 1, 0, 0, "out", 0);
	check_chunk(t, &cur, 2, 1, 0, "err", 0);
	check_chunk(t, &cur, 4, 0, 3, "more", 0);
	ck_assert_uint_eq(cur.offset[0], 7);
	ck_assert_uint_eq(cur.offset[1], 3);
	check_end(t, &cur, 0);
	px_transcript_free(t);
}
END_TEST

START_TEST(chunk_across_the_halves_is_whole)
{
	struct px_transcript *t = px_transcript_new(1, 8);
	struct px_cursor cur = { 0 };
	struct px_chunk chunk;
	char text[64];

	put(t, 0, "ab");
	put(t, 0, "cdefg");
	check_chunk(t, &cur, 1, 0, 0, "ab", 0);
	ck_assert_int_eq(px_transcript_read(t, &cur, &chunk, NULL), 1);
	ck_assert_uint_eq(chunk.run[0].len, 2);
	ck_assert_uint_eq(chunk.run[1].len, 3);
	ck_assert_str_eq(joined(chunk.run, 2, text), "cdefg");
	px_transcript_free(t);
}
END_TEST

START_TEST(chunk_cut_by_the_hole_gives_its_head)
{
	struct px_transcript *t = px_transcript_new(1, 8);
	struct px_cursor cur = { 0 };

	put(t, 0, "abcdef"); /* ef is in the ring */
	put(t, 0, "ghi");    /* drops e */
	check_kept(t, 0, "abcd", "fghi", 1);
	check_chunk(t, &cur, 1, 0, 0, "abcd", 2); /* f is held, but not read as part of it */
	check_chunk(t, &cur, 2, 0, 6, "ghi", 0);
	check_end(t, &cur, 0);
	px_transcript_free(t);
}
END_TEST

START_TEST(chunk_cut_by_the_ring_gives_its_end)
{
	struct px_transcript *t = px_transcript_new(1, 8);
	struct px_cursor cur = { 0 };

	put(t, 0, "abcd");
	put(t, 0, "efgh");
	put(t, 0, "ij"); /* drops ef */
	check_chunk(t, &cur, 1, 0, 0, "abcd", 0);
	check_chunk(t, &cur, 2, 0, 6, "gh", 2);
	check_chunk(t, &cur, 3, 0, 8, "ij", 0);
	px_transcript_free(t);
}
END_TEST

START_TEST(chunk_that_wraps_has_two_runs)
{
	struct px_transcript *t = px_transcript_new(1, 8);
	struct px_cursor cur;
	struct px_chunk chunk;
	char text[64];

	put(t, 0, "abcdefg");
	put(t, 0, "hij");
	px_transcript_seek(t, 1, &cur);
	ck_assert_int_eq(px_transcript_read(t, &cur, &chunk, NULL), 1);
	ck_assert_uint_eq(chunk.run[0].len, 1);
	ck_assert_uint_eq(chunk.run[1].len, 2);
	ck_assert_str_eq(joined(chunk.run, 2, text), "hij");
	px_transcript_free(t);
}
END_TEST

START_TEST(loss_counts_every_stream)
{
	struct px_transcript *t = px_transcript_new(2, 4);
	struct px_cursor cur = { 0 };

	put(t, 0, "ab"); /* 1: stays */
	put(t, 1, "AB"); /* 2: stays */
	put(t, 0, "cd"); /* 3: dropped */
	put(t, 1, "CD"); /* 4: dropped */
	put(t, 1, "EF"); /* 5 */
	put(t, 0, "ef"); /* 6 */
	check_chunk(t, &cur, 1, 0, 0, "ab", 0);
	check_chunk(t, &cur, 2, 1, 0, "AB", 0);
	check_chunk(t, &cur, 5, 1, 4, "EF", 4);
	check_chunk(t, &cur, 6, 0, 4, "ef", 0);
	check_end(t, &cur, 0);
	px_transcript_free(t);
}
END_TEST

START_TEST(seek_to_known_places)
{
	struct px_transcript *t = px_transcript_new(2, 64);
	struct px_cursor cur;

	put(t, 0, "one");
	put(t, 1, "four");
	px_transcript_mark(t);
	put(t, 0, "seven");
	px_transcript_seek(t, 0, &cur);
	ck_assert_uint_eq(cur.seq + cur.offset[0] + cur.offset[1], 0);
	px_transcript_seek(t, 1, &cur);
	ck_assert_uint_eq(cur.offset[0], 3);
	ck_assert_uint_eq(cur.offset[1], 0);
	px_transcript_seek(t, 3, &cur); /* the mark: all before it is behind */
	ck_assert_uint_eq(cur.seq, 3);
	ck_assert_uint_eq(cur.offset[0], 3);
	ck_assert_uint_eq(cur.offset[1], 4);
	px_transcript_seek(t, UINT64_MAX, &cur);
	ck_assert_uint_eq(cur.seq, 4);
	ck_assert_uint_eq(cur.offset[0], 8);
	px_transcript_free(t);
}
END_TEST

START_TEST(seek_into_the_hole_counts_too_high)
{
	struct px_transcript *t = px_transcript_new(1, 4);
	struct px_cursor cur;

	put(t, 0, "ab");
	put(t, 0, "cd"); /* 2: dropped */
	put(t, 0, "ef"); /* 3: dropped */
	put(t, 0, "gh");
	px_transcript_seek(t, 3, &cur);
	ck_assert_uint_eq(cur.seq, 3);
	ck_assert_uint_eq(cur.offset[0], 2);
	check_chunk(t, &cur, 4, 0, 6, "gh", 4);
	px_transcript_free(t);
}
END_TEST

START_TEST(readers_come_back_exactly)
{
	struct px_transcript *t = px_transcript_new(1, 4);
	struct px_cursor fast = { 0 }, slow = { 0 }, back;
	int i;

	put(t, 0, "ab");
	put(t, 0, "cd");
	check_chunk(t, &fast, 1, 0, 0, "ab", 0);
	check_chunk(t, &fast, 2, 0, 2, "cd", 0);
	check_chunk(t, &slow, 1, 0, 0, "ab", 0);
	check_chunk(t, &slow, 2, 0, 2, "cd", 0);
	for (i = 0; i < 100; i++) {
		put(t, 0, "x");
		check_chunk(t, &fast, (uint64_t)i + 3, 0, (uint64_t)i + 4, "x", 0);
	}
	/* The slow one is still remembered at 2, although the fast one was there too and read on.
	 */
	px_transcript_seek(t, 2, &back);
	ck_assert_uint_eq(back.offset[0], 4);
	check_chunk(t, &back, 101, 0, 102, "x", 98);
	px_transcript_free(t);
}
END_TEST

START_TEST(ninth_reader_displaces_the_first)
{
	struct px_transcript *t = px_transcript_new(1, 4);
	struct px_cursor cur[PX_READERS_REMEMBERED + 1] = { 0 }, back;
	size_t i;

	put(t, 0, "ab");
	for (i = 0; i <= PX_READERS_REMEMBERED; i++) {
		struct px_cursor start = { 0 };

		put(t, 0, "x");
		while (start.seq < i + 2)
			ck_assert_int_eq(
			    px_transcript_read(t, &start, &(struct px_chunk){ 0 }, NULL), 1);
		cur[i] = start;
	}
	put(t, 0, "yz");
	px_transcript_seek(t, cur[0].seq, &back);
	ck_assert_uint_eq(back.offset[0], 2); /* no longer exact */
	for (i = 1; i <= PX_READERS_REMEMBERED; i++) {
		px_transcript_seek(t, cur[i].seq, &back);
		ck_assert_mem_eq(&back, &cur[i], sizeof(back));
	}
	px_transcript_free(t);
}
END_TEST

START_TEST(numbers_of_small_chunks_are_bounded)
{
	struct px_transcript *t = px_transcript_new(1, 8192);
	struct px_cursor cur = { 0 };
	uint64_t seq;

	put_bytes(t, 0, 3000);
	for (seq = 1; seq <= 512; seq++)
		check_chunk(t, &cur, seq, 0, seq - 1, "x", 0);
	check_chunk(t, &cur, 3000 - 511, 0, 3000 - 512, "x", 3000 - 1024);
	ck_assert_uint_eq(px_transcript_retained(t, 0), 3000);
	ck_assert_uint_le(px_transcript_memory(t), 2 * 3000 + 1024 * 24 + 1024);
	put_bytes(t, 0, 100000);
	ck_assert_uint_le(px_transcript_memory(t), 8192 + 1024 * 24 + 1024);
	px_transcript_free(t);
}
END_TEST

START_TEST(large_cap_knows_more_chunks)
{
	struct px_transcript *t = px_transcript_new(1, 32768);
	struct px_cursor cur = { 0 };
	uint64_t seq;

	put_bytes(t, 0, 5000);
	for (seq = 1; seq <= 1024; seq++)
		check_chunk(t, &cur, seq, 0, seq - 1, "x", 0);
	check_chunk(t, &cur, 5000 - 1023, 0, 5000 - 1024, "x", 5000 - 2048);
	px_transcript_free(t);
}
END_TEST

START_TEST(slack_is_what_may_come)
{
	struct px_transcript *t = px_transcript_new(2, 8);
	struct px_cursor start = { 0 }, cur = { 0 };

	check_slack(t, &start, 8);
	put(t, 0, "abcdef");
	check_slack(t, &start, 2);
	check_chunk(t, &cur, 1, 0, 0, "abcdef", 0);
	check_slack(t, &cur, 4); /* the ring is his */
	put(t, 1, "ABCDEFG");
	check_slack(t, &cur, 1);
	put(t, 1, "H");
	check_slack(t, &cur, 0);
	put(t, 1, "I");
	check_slack(t, &cur, 0);
	px_transcript_seek(t, UINT64_MAX, &cur);
	check_slack(t, &cur, 4);
	px_transcript_free(t);
}
END_TEST

/* Bytes and chunks are two things: a large chunk takes one place. */
START_TEST(slack_of_large_chunks)
{
	struct px_transcript *t = px_transcript_new(1, 1 << 14);
	struct px_cursor cur = { 0 };

	ck_assert_uint_eq(px_transcript_slack(t, &cur).bytes, 1 << 14);
	ck_assert_uint_eq(px_transcript_slack(t, &cur).chunks, 1024);
	put_bytes(t, 0, 10);
	px_transcript_append(t, 0, (char[4000]){ 0 }, 4000);
	ck_assert_uint_eq(px_transcript_slack(t, &cur).bytes, (1 << 14) - 4010);
	ck_assert_uint_eq(px_transcript_slack(t, &cur).chunks, 1024 - 11);
	px_transcript_free(t);
}
END_TEST

START_TEST(slack_minds_the_chunk_count)
{
	struct px_transcript *t = px_transcript_new(1, 1 << 14);
	struct px_cursor cur = { 0 }, again = { 0 };
	struct px_chunk chunk;
	uint64_t lost = 0;
	size_t slack, n;

	put_bytes(t, 0, 600);
	slack = px_transcript_slack(t, &cur).chunks;
	ck_assert_uint_eq(slack, 1024 - 600);
	put_bytes(t, 0, slack);
	check_slack(t, &cur, 0);
	for (n = 0; px_transcript_read(t, &cur, &chunk, NULL); n++)
		lost += chunk.lost;
	ck_assert_uint_eq(n, 1024);
	ck_assert_uint_eq(lost, 0);
	put_bytes(t, 0, 1);
	while (again.seq < 512)
		check_chunk(t, &again, again.seq + 1, 0, again.seq, "x", 0);
	check_chunk(t, &again, 514, 0, 513, "x", 1);
	px_transcript_free(t);
}
END_TEST

START_TEST(memory_follows_what_is_held)
{
	enum { CAP = 1 << 24 };
	struct px_transcript *t = px_transcript_new(1, CAP);
	char block[1000];
	uint64_t total = 0;

	memset(block, 'b', sizeof(block));
	while (total < 3 * CAP / 2) {
		size_t most;

		px_transcript_append(t, 0, block, sizeof(block));
		total += sizeof(block);
		most = 2 * total < CAP ? 2 * total : CAP;
		ck_assert_uint_le(px_transcript_memory(t), most + 2 * 24 * (total / 1000) + 1024);
		ck_assert_uint_ge(px_transcript_memory(t), px_transcript_retained(t, 0));
	}
	px_transcript_free(t);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("transcript");

	tcase_add_test(tc, empty_holds_nothing);
	tcase_add_test(tc, keeps_both_ends);
	tcase_add_test(tc, odd_cap_favours_the_tail);
	tcase_add_test(tc, smallest_cap);
	tcase_add_test(tc, one_chunk_larger_than_all);
	tcase_add_test(tc, streams_share_the_numbers);
	tcase_add_test(tc, chunk_across_the_halves_is_whole);
	tcase_add_test(tc, chunk_cut_by_the_hole_gives_its_head);
	tcase_add_test(tc, chunk_cut_by_the_ring_gives_its_end);
	tcase_add_test(tc, chunk_that_wraps_has_two_runs);
	tcase_add_test(tc, loss_counts_every_stream);
	tcase_add_test(tc, seek_to_known_places);
	tcase_add_test(tc, seek_into_the_hole_counts_too_high);
	tcase_add_test(tc, readers_come_back_exactly);
	tcase_add_test(tc, ninth_reader_displaces_the_first);
	tcase_add_test(tc, numbers_of_small_chunks_are_bounded);
	tcase_add_test(tc, large_cap_knows_more_chunks);
	tcase_add_test(tc, slack_is_what_may_come);
	tcase_add_test(tc, slack_minds_the_chunk_count);
	tcase_add_test(tc, slack_of_large_chunks);
	tcase_add_test(tc, memory_follows_what_is_held);
	return run_cases(tc);
}

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

START_TEST(test_empty)
{
	struct px_bytes bytes = { 0 };

	px_bytes_add(&bytes, NULL, 0);
	ck_assert_ptr_null(bytes.data);
	ck_assert_uint_eq(bytes.len, 0);
	px_bytes_add_str(&bytes, "");
	ck_assert_uint_eq(bytes.len, 1);
	ck_assert_int_eq(bytes.data[0], '\0');
	free(bytes.data);
}
END_TEST

START_TEST(test_texts)
{
	struct px_bytes bytes = { 0 };

	px_bytes_add_str(&bytes, "one");
	px_bytes_add(&bytes, "two", 3);
	px_bytes_add_str(&bytes, "three");
	ck_assert_uint_eq(bytes.len, 13);
	ck_assert(memcmp(bytes.data, "one\0twothree", 13) == 0);
	free(bytes.data);
}
END_TEST

/* Pieces of every length around what there is room for come out one behind the other. */
START_TEST(test_grows)
{
	struct px_bytes bytes = { 0 };
	char piece[5000];
	size_t sum = 0;

	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = (char)(i * 2654435761U >> 7);
	for (size_t len = 0; len <= sizeof piece; len += 7) {
		px_bytes_add(&bytes, piece, len);
		sum += len;
		ck_assert_uint_eq(bytes.len, sum);
		ck_assert_uint_le(bytes.len, bytes.room);
	}
	for (size_t len = 0, at = 0; len <= sizeof piece; at += len, len += 7)
		ck_assert(memcmp(bytes.data + at, piece, len) == 0);
	free(bytes.data);
}
END_TEST

/* More at once than doubling gives. */
START_TEST(test_large)
{
	struct px_bytes bytes = { 0 };
	char *piece = calloc(1, 1 << 20);

	px_bytes_add(&bytes, "x", 1);
	px_bytes_add(&bytes, piece, 1 << 20);
	ck_assert_uint_eq(bytes.len, 1 + (1 << 20));
	ck_assert_int_eq(bytes.data[0], 'x');
	ck_assert(memcmp(bytes.data + 1, piece, 1 << 20) == 0);
	free(piece);
	free(bytes.data);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("bytes");

	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_texts);
	tcase_add_test(tc, test_grows);
	tcase_add_test(tc, test_large);
	return run_cases(tc);
}

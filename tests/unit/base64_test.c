#include "base/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

/* A copy of exactly 'len' bytes on the heap, so that a sanitizer sees every access beyond it. */
static char *
exact(const void *data, size_t len)
{
	char *copy = malloc(len);

	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

static int64_t
decode(const char *text, size_t len, uint8_t *out_bytes, size_t size)
{
	char *in = exact(text, len);
	uint8_t *out = malloc(len / 4 * 3);
	int64_t n = px_base64_decode(in, len, out);

	ck_assert_int_ge(n, -1);
	if (n > 0 && out_bytes != NULL) {
		ck_assert_uint_le((size_t)n, size);
		memcpy(out_bytes, out, (size_t)n);
	}
	free(in);
	free(out);
	return n;
}

static int64_t
decode_str(const char *text)
{
	return decode(text, strlen(text), NULL, 0);
}

START_TEST(lengths)
{
	ck_assert_uint_eq(px_base64_encoded_len(0), 0);
	ck_assert_uint_eq(px_base64_encoded_len(1), 4);
	ck_assert_uint_eq(px_base64_encoded_len(3), 4);
	ck_assert_uint_eq(px_base64_encoded_len(4), 8);
	ck_assert_uint_eq(px_base64_encoded_len(65536), 87384);
}
END_TEST

START_TEST(rfc_vectors)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[16];
		uint8_t back[16];
		size_t len = strlen(rows[i][0]);

		px_base64_encode(rows[i][0], len, out);
		ck_assert_mem_eq(out, rows[i][1], strlen(rows[i][1]));
		ck_assert_int_eq(
		    decode(rows[i][1], strlen(rows[i][1]), back, sizeof(back)), (int64_t)len);
		ck_assert_mem_eq(back, rows[i][0], len);
	}
}
END_TEST

/* Every length against OpenSSL, at the exact size of every buffer, and back. */
START_TEST(agrees_with_openssl)
{
	unsigned seed = 12345;

	for (size_t len = 0; len <= 300; len++) {
		for (int round = 0; round < 8; round++) {
			uint8_t data[300], back[300];
			unsigned char want[408];
			size_t text_len = px_base64_encoded_len(len);
			char *in, *out = malloc(text_len);

			for (size_t i = 0; i < len; i++) {
				seed = seed * 1103515245 + 12345;
				data[i] = round == 0 ? 0xff : (uint8_t)(seed >> 16);
			}
			in = exact(data, len);
			px_base64_encode(in, len, out);
			ck_assert_int_eq(EVP_EncodeBlock(want, data, (int)len), (int)text_len);
			ck_assert_mem_eq(out, want, text_len);
			ck_assert_int_eq(decode(out, text_len, back, sizeof(back)), (int64_t)len);
			ck_assert_mem_eq(back, data, len);
			free(in);
			free(out);
		}
	}
}
END_TEST

START_TEST(large_unaligned)
{
	size_t len = 100003;
	uint8_t *data = malloc(len + 1), *back;
	char *text;

	for (size_t i = 0; i <= len; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	text = malloc(px_base64_encoded_len(len));
	back = malloc(px_base64_encoded_len(len) / 4 * 3);
	px_base64_encode(data + 1, len, text);
	ck_assert_int_eq(px_base64_decode(text, px_base64_encoded_len(len), back), (int64_t)len);
	ck_assert_mem_eq(back, data + 1, len);
	free(data);
	free(back);
	free(text);
}
END_TEST

/* Each of the 256 bytes at each position of a first, a middle and a last quad. */
START_TEST(every_other_character_is_refused)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[12];

	for (size_t at = 0; at < sizeof(text); at++) {
		for (int c = 0; c < 256; c++) {
			int64_t want = 9;

			memset(text, 'A', sizeof(text));
			text[at] = (char)c;
			if (c == 0 || strchr(alphabet, c) == NULL)
				want = c == '=' && at == sizeof(text) - 1 ? 8 : -1;
			ck_assert_int_eq(decode(text, sizeof(text), NULL, 0), want);
		}
	}
}
END_TEST

START_TEST(padding_is_strict)
{
	static const char *const bad[] = { "A", "AA", "AAA", "A=", "AA=", "AAAAA", "AAAAAA",
		"AAAAAAA", "====", "A===", "=AAA", "A=AA", "AA=A", "A=A=", "AAAA====", "AA==AAAA",
		"AAA=AAAA", "AAAA=", "AAAA==", "AAAA\n", "AAAA\r\n", " AAAA", "AA AA", "AAA ",
		"AA==\n", "AA-_", "AA= ", "AA =" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(decode_str(bad[i]) == -1, "accepted \"%s\"", bad[i]);
	ck_assert_int_eq(decode("AA\0A", 4, NULL, 0), -1);
	ck_assert_int_eq(decode_str("AA=="), 1);
	ck_assert_int_eq(decode_str("AAA="), 2);
}
END_TEST

/* Of the 64 characters before the padding, only those with zero padding bits stand. */
START_TEST(padding_bits_must_be_zero)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int v = 0; v < 64; v++) {
		char one[] = "/A==", two[] = "AAAA//A=";

		one[1] = alphabet[v];
		ck_assert_int_eq(decode(one, 4, NULL, 0), v % 16 ? -1 : 1);
		two[6] = alphabet[v];
		ck_assert_int_eq(decode(two, 8, NULL, 0), v % 4 ? -1 : 5);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("base64");

	tcase_add_test(tc, lengths);
	tcase_add_test(tc, rfc_vectors);
	tcase_add_test(tc, agrees_with_openssl);
	tcase_add_test(tc, large_unaligned);
	tcase_add_test(tc, every_other_character_is_refused);
	tcase_add_test(tc, padding_is_strict);
	tcase_add_test(tc, padding_bits_must_be_zero);
	return run_cases(tc);
}

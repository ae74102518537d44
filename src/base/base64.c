#include "base/base64.h"

#include <endian.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* The two characters of every 12-bit value, so that one look-up serves a byte and a half. */
#define PAIRS(c)                                                                              \
	c "A" c "B" c "C" c "D" c "E" c "F" c "G" c "H" c "I" c "J" c "K" c "L" c "M" c "N" c \
	  "O" c "P" c "Q" c "R" c "S" c "T" c "U" c "V" c "W" c "X" c "Y" c "Z" c "a" c "b" c \
	  "c" c "d" c "e" c "f" c "g" c "h" c "i" c "j" c "k" c "l" c "m" c "n" c "o" c "p" c \
	  "q" c "r" c "s" c "t" c "u" c "v" c "w" c "x" c "y" c "z" c "0" c "1" c "2" c "3" c \
	  "4" c "5" c "6" c "7" c "8" c "9" c "+" c "/"

/* clang-format off */
static const char pairs[64][128] = {
	PAIRS("A"), PAIRS("B"), PAIRS("C"), PAIRS("D"), PAIRS("E"), PAIRS("F"), PAIRS("G"), PAIRS("H"),
	PAIRS("I"), PAIRS("J"), PAIRS("K"), PAIRS("L"), PAIRS("M"), PAIRS("N"), PAIRS("O"), PAIRS("P"),
	PAIRS("Q"), PAIRS("R"), PAIRS("S"), PAIRS("T"), PAIRS("U"), PAIRS("V"), PAIRS("W"), PAIRS("X"),
	PAIRS("Y"), PAIRS("Z"), PAIRS("a"), PAIRS("b"), PAIRS("c"), PAIRS("d"), PAIRS("e"), PAIRS("f"),
	PAIRS("g"), PAIRS("h"), PAIRS("i"), PAIRS("j"), PAIRS("k"), PAIRS("l"), PAIRS("m"), PAIRS("n"),
	PAIRS("o"), PAIRS("p"), PAIRS("q"), PAIRS("r"), PAIRS("s"), PAIRS("t"), PAIRS("u"), PAIRS("v"),
	PAIRS("w"), PAIRS("x"), PAIRS("y"), PAIRS("z"), PAIRS("0"), PAIRS("1"), PAIRS("2"), PAIRS("3"),
	PAIRS("4"), PAIRS("5"), PAIRS("6"), PAIRS("7"), PAIRS("8"), PAIRS("9"), PAIRS("+"), PAIRS("/"),
};
/* clang-format on */

#define XX 0x80 /* no character of the alphabet */

/* clang-format off */
static const uint8_t values[256] = {
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX, XX, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
	XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX,
	XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
};
/* clang-format on */

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
px_base64_encoded_len(size_t len)
{
	return (len / 3 + (len % 3 != 0)) * 4;
}

static char *
put_pair(char *out, uint64_t bits)
{
	memcpy(out, &pairs[bits >> 6 & 63][(bits & 63) * 2], 2);
	return out + 2;
}

/* At most two bytes: the last characters and their padding. */
static void
encode_tail(const uint8_t *in, size_t len, char *out)
{
	unsigned bits = (unsigned)in[0] << 16;

	if (len == 2)
		bits |= (unsigned)in[1] << 8;
	out[0] = alphabet[bits >> 18];
	out[1] = alphabet[bits >> 12 & 63];
	out[2] = len == 2 ? alphabet[bits >> 6 & 63] : '=';
	out[3] = '=';
}

/* A step of the wide encoders takes 24 bytes to 32 characters, and loads 28. */
enum { WIDE_TAKES = 24, WIDE_GIVES = 32, WIDE_LOADS = 28 };

#ifdef __x86_64__

/*
 * Mula, Lemire: Faster Base64 Encoding and Decoding Using AVX2 Instructions (2018).
 * Each half of a register takes 12 bytes, of the 16 that are loaded, to 16
 * characters. Returns how many bytes were encoded.
 */
__attribute__((target("avx2"))) static size_t
encode_avx2(const uint8_t *in, size_t len, char *out)
{
	/* Bytes a b c go to b a c b: each 16-bit lane has all bits of two characters. */
	const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,
	    1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	/* From a value to its character, by the kind that is computed below. */
	const __m256i distance = _mm256_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
	    '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0,
	    0, 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
	    '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
	size_t done = 0;

	for (; len - done >= WIDE_LOADS; done += WIDE_TAKES, out += WIDE_GIVES) {
		__m128i low = _mm_loadu_si128((const __m128i_u *)(in + done));
		__m128i high = _mm_loadu_si128((const __m128i_u *)(in + done + 12));
		__m256i bits = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
		/* Multiplications shift the two kinds of lanes by different distances. */
		__m256i even =
		    _mm256_mulhi_epu16(_mm256_and_si256(bits, _mm256_set1_epi32(0x0fc0fc00)),
			_mm256_set1_epi32(0x04000040));
		__m256i odd =
		    _mm256_mullo_epi16(_mm256_and_si256(bits, _mm256_set1_epi32(0x003f03f0)),
			_mm256_set1_epi32(0x01000010));
		__m256i value = _mm256_or_si256(even, odd);
		/* 0 for 26..51, 1..12 above, 13 for 0..25. */
		__m256i kind = _mm256_subs_epu8(value, _mm256_set1_epi8(51));
		__m256i capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), value);

		kind = _mm256_or_si256(kind, _mm256_and_si256(capital, _mm256_set1_epi8(13)));
		_mm256_storeu_si256(
		    (__m256i_u *)out, _mm256_add_epi8(value, _mm256_shuffle_epi8(distance, kind)));
	}
	return done;
}

#endif

/* The beginning, in large steps where the processor has them. Returns how many bytes were encoded.
 */
static size_t
encode_wide(const uint8_t *in, size_t len, char *out)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return encode_avx2(in, len, out);
#endif
	(void)in;
	(void)len;
	(void)out;
	return 0;
}

void
px_base64_encode(const void *data, size_t len, char *out)
{
	const uint8_t *in = data;

	if (len >= WIDE_LOADS) {
		size_t done = encode_wide(in, len, out);

		in += done;
		len -= done;
		out += done / 3 * 4;
	}
	/* Six bytes a turn; eight are loaded, so the last turns are left to the loop below. */
	for (; len >= 8; in += 6, len -= 6) {
		uint64_t bits;

		memcpy(&bits, in, sizeof(bits));
		bits = be64toh(bits);
		out = put_pair(out, bits >> 52);
		out = put_pair(out, bits >> 40);
		out = put_pair(out, bits >> 28);
		out = put_pair(out, bits >> 16);
	}
	for (; len >= 3; in += 3, len -= 3) {
		unsigned bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];

		out = put_pair(out, bits >> 12);
		out = put_pair(out, bits);
	}
	if (len > 0)
		encode_tail(in, len, out);
}

/* The last quad, which may be padded. Returns its bytes, or -1. */
static int
decode_last(const uint8_t *in, uint8_t *out)
{
	unsigned a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];

	if (in[3] == '=') {
		d = 0;
		if (in[2] == '=')
			c = 0;
	}
	if ((a | b | c | d) & XX)
		return -1;
	if (in[3] != '=') {
		out[2] = (uint8_t)(c << 6 | d);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[0] = (uint8_t)(a << 2 | b >> 4);
		return 3;
	}
	/* Padding bits that are not zero would make a second spelling of the same bytes. */
	if (in[2] != '=') {
		if (c & 3)
			return -1;
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[0] = (uint8_t)(a << 2 | b >> 4);
		return 2;
	}
	if (b & 15)
		return -1;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	return 1;
}

int64_t
px_base64_decode(const char *text, size_t len, uint8_t *out)
{
	const uint8_t *in = (const uint8_t *)text;
	uint8_t *start = out;
	unsigned bad = 0;
	int last;

	if (len % 4 != 0)
		return -1;
	if (len == 0)
		return 0;
	for (; len > 4; in += 4, len -= 4, out += 3) {
		unsigned a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];

		bad |= a | b | c | d;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	last = decode_last(in, out);
	if (bad & XX || last == -1)
		return -1;
	return out - start + last;
}

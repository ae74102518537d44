#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the well-formed sequence at 's', or 0. 'len' is at least 1 and s[0] is not ASCII. */
static size_t
sequence_len(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	switch (s[0]) {
	case 0xe0: /* overlong below */
		low = 0xa0;
		break;
	case 0xed: /* surrogates above */
		high = 0x9f;
		break;
	case 0xf0: /* overlong below */
		low = 0x90;
		break;
	case 0xf4: /* beyond U+10FFFF above */
		high = 0x8f;
		break;
	}
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Bytes of ASCII at 's', sixteen a step while that many are left. */
static size_t
ascii_len(const unsigned char *s, size_t len)
{
	const uint64_t high_bits = 0x8080808080808080u;
	size_t i = 0;

	for (; len - i >= 16; i += 16) {
		uint64_t w[2];

		memcpy(w, s + i, sizeof(w));
		if ((w[0] | w[1]) & high_bits)
			break;
	}
	while (i < len && s[i] < 0x80)
		i++;
	return i;
}

size_t
px_utf8_valid_prefix(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t at = 0, n;

	while (at < len) {
		if (p[at] < 0x80)
			n = ascii_len(p + at, len - at);
		else
			n = sequence_len(p + at, len - at);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

bool
px_utf8_valid(const char *s, size_t len)
{
	return px_utf8_valid_prefix(s, len) == len;
}

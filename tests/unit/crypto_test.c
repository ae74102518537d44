#include "base/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static void
expect_hex(const uint8_t *bytes, size_t len, const char *want)
{
	char hex[2 * PX_SHA256_LEN + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	ck_assert_str_eq(hex, want);
}

START_TEST(sha1)
{
	uint8_t out[PX_SHA1_LEN];

	px_sha1("abc", 3, out);
	expect_hex(out, sizeof(out), "a9993e364706816aba3e25717850c26c9cd0d89d");
	px_sha1("", 0, out);
	expect_hex(out, sizeof(out), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	/* The handshake example of RFC 6455 section 1.3. */
	px_sha1("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 60, out);
	expect_hex(out, sizeof(out), "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
}
END_TEST

/* RFC 4231, test cases 1, 2 and 6. */
START_TEST(hmac)
{
	uint8_t key[131], out[PX_SHA256_LEN];

	memset(key, 0x0b, 20);
	px_hmac_sha256(key, 20, "Hi There", 8, out);
	expect_hex(
	    out, sizeof(out), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	px_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	expect_hex(
	    out, sizeof(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	px_hmac_sha256(
	    key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
	expect_hex(
	    out, sizeof(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

START_TEST(hmac_of_nothing)
{
	uint8_t out[PX_SHA256_LEN];

	px_hmac_sha256(NULL, 0, "", 0, out);
	expect_hex(
	    out, sizeof(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(sha256_in_parts)
{
	static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	uint8_t out[PX_SHA256_LEN];

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct px_sha256 *h = px_sha256_new();

		px_sha256_add(h, text, cut);
		px_sha256_add(h, text + cut, strlen(text) - cut);
		px_sha256_end(h, out);
		expect_hex(out, sizeof(out),
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	}
	px_sha256_end(px_sha256_new(), out);
	expect_hex(
	    out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(equal_secret)
{
	uint8_t a[32], b[32];

	memset(a, 7, sizeof(a));
	memcpy(b, a, sizeof(b));
	ck_assert(px_equal_secret(a, b, sizeof(a)));
	ck_assert(px_equal_secret(a, b, 0));
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] ^= 0x80;
		ck_assert(!px_equal_secret(a, b, sizeof(a)));
		ck_assert(px_equal_secret(a, b, i));
		b[i] ^= 0x80;
	}
}
END_TEST

START_TEST(random_hex)
{
	char a[33], b[33];
	bool seen[16] = { false };

	memset(a, 'x', sizeof(a));
	px_random_hex(16, a);
	px_random_hex(16, b);
	ck_assert_uint_eq(strlen(a), 32);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 32);
	ck_assert_str_ne(a, b);
	px_random_hex(0, a);
	ck_assert_str_eq(a, "");
	for (int i = 0; i < 100; i++) {
		px_random_hex(16, b);
		for (const char *c = b; *c != '\0'; c++)
			seen[*c <= '9' ? *c - '0' : *c - 'a' + 10] = true;
	}
	for (int i = 0; i < 16; i++)
		ck_assert(seen[i]);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("crypto");

	tcase_add_test(tc, sha1);
	tcase_add_test(tc, hmac);
	tcase_add_test(tc, hmac_of_nothing);
	tcase_add_test(tc, sha256_in_parts);
	tcase_add_test(tc, equal_secret);
	tcase_add_test(tc, random_hex);
	return run_cases(tc);
}

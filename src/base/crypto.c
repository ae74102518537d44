#include "base/crypto.h"

#include <limits.h>
#include <stdlib.h>

#include <bsd/stdlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/mem.h"

struct px_sha256 {
	EVP_MD_CTX *ctx;
};

/* OpenSSL fails here only when memory or the algorithm itself is missing. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

void
px_sha1(const void *data, size_t len, uint8_t out[PX_SHA1_LEN])
{
	must(EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL) == 1);
}

void
px_hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, uint8_t out[PX_SHA256_LEN])
{
	must(key_len <= INT_MAX);
	/* HMAC() takes a NULL key for "the key of last time". */
	must(
	    HMAC(EVP_sha256(), key != NULL ? key : "", (int)key_len, data, len, out, NULL) != NULL);
}

bool
px_equal_secret(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

struct px_sha256 *
px_sha256_new(void)
{
	struct px_sha256 *h = px_new(struct px_sha256);

	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL && EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1);
	return h;
}

void
px_sha256_add(struct px_sha256 *h, const void *data, size_t len)
{
	must(EVP_DigestUpdate(h->ctx, data, len) == 1);
}

void
px_sha256_end(struct px_sha256 *h, uint8_t out[PX_SHA256_LEN])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void
px_random_hex(size_t bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t byte;

	for (size_t i = 0; i < bytes; i++) {
		arc4random_buf(&byte, 1);
		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
	}
	*out = '\0';
}

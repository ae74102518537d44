#ifndef PX_BASE_CRYPTO_H
#define PX_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Thin names over OpenSSL and the system's random source. They abort when OpenSSL itself fails. */

enum { PX_SHA256_LEN = 32, PX_SHA1_LEN = 20 };

/* Only for the WebSocket handshake (RFC 6455 section 4.2.2). */
void px_sha1(const void *data, size_t len, uint8_t out[PX_SHA1_LEN]);

void px_hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, uint8_t out[PX_SHA256_LEN]);

/* In constant time. */
bool px_equal_secret(const void *a, const void *b, size_t len);

/* Incremental SHA-256: _new, any number of _add, _end fills 'out' and frees. */
struct px_sha256;
struct px_sha256 *px_sha256_new(void);
void px_sha256_add(struct px_sha256 *h, const void *data, size_t len);
void px_sha256_end(struct px_sha256 *h, uint8_t out[PX_SHA256_LEN]);

/* 2 * bytes hexadecimal digits of random data and a NUL. */
void px_random_hex(size_t bytes, char *out);

#endif

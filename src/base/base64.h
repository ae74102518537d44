#ifndef PX_BASE_BASE64_H
#define PX_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Standard base64 with padding, canonical only (RFC 4648 sections 3.5 and 4). */

/* Characters that 'len' bytes encode to, padding included, no NUL. */
size_t px_base64_encoded_len(size_t len);

/* Writes exactly px_base64_encoded_len(len) characters to 'out'; no NUL. */
void px_base64_encode(const void *data, size_t len, char *out);

/*
 * Decodes 'len' characters into 'out', which has room for len / 4 * 3 bytes.
 * Returns the number of bytes, or -1 for anything that is not canonical: other
 * characters, white space, missing padding, non-zero padding bits.
 */
int64_t px_base64_decode(const char *text, size_t len, uint8_t *out);

#endif

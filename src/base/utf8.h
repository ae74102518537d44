#ifndef PX_BASE_UTF8_H
#define PX_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (Unicode table 3-7: no overlong forms, no surrogates)? */
bool px_utf8_valid(const char *s, size_t len);

/* Bytes of the longest valid prefix. */
size_t px_utf8_valid_prefix(const char *s, size_t len);

#endif

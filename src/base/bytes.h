#ifndef PX_BASE_BYTES_H
#define PX_BASE_BYTES_H

#include <stddef.h>

/*
 * Bytes in one block of memory that grows, for what we put together ourselves:
 * it aborts when memory is out. Zeroed is empty; 'data' is whoever's the list is,
 * to be freed, and NULL until something is added.
 */
struct px_bytes {
	char *data;
	size_t len, room;
};

void px_bytes_add(struct px_bytes *bytes, const void *data, size_t len); /* a copy, at the end */
void px_bytes_add_str(struct px_bytes *bytes, const char *text);         /* with its NUL */

#endif

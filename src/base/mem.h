#ifndef PX_BASE_MEM_H
#define PX_BASE_MEM_H

#include <stddef.h>

/*
 * Allocation whose size we choose: it aborts when memory is out. A size that a
 * peer chooses goes through malloc() and a check instead.
 */
void *px_alloc(size_t size);                            /* zeroed */
void *px_realloc_array(void *p, size_t n, size_t size); /* overflow-checked; new bytes undefined */
char *px_strdup(const char *s);
char *px_strndup(const char *s, size_t len);
#define px_new(type) ((type *)px_alloc(sizeof(type)))

#endif

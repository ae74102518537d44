#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A size of 0 becomes 1, so that a result of NULL can only mean that memory is out. */

void *
px_alloc(size_t size)
{
	void *p = calloc(1, size != 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
px_realloc_array(void *p, size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	p = reallocarray(p, n, size);
	if (p == NULL)
		abort();
	return p;
}

char *
px_strdup(const char *s)
{
	char *copy = strdup(s);

	if (copy == NULL)
		abort();
	return copy;
}

char *
px_strndup(const char *s, size_t len)
{
	char *copy = strndup(s, len);

	if (copy == NULL)
		abort();
	return copy;
}

#include "fs/names.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 32, FIRST_SIZE = 1024 };

static int
list_grow(struct px_names *names)
{
	size_t room = names->room == 0 ? FIRST_ROOM : names->room * 2;
	struct px_name *list = reallocarray(names->list, room, sizeof *list);

	if (list == NULL)
		return -1;
	names->list = list;
	names->room = room;
	return 0;
}

static int
text_grow(struct px_names *names, size_t more)
{
	size_t size = names->size == 0 ? FIRST_SIZE : names->size;
	char *text;

	while (size - names->used < more)
		if (__builtin_mul_overflow(size, 2, &size))
			return -1;
	if ((text = realloc(names->text, size)) == NULL)
		return -1;
	names->text = text;
	names->size = size;
	return 0;
}

int
px_names_add(struct px_names *names, const char *text, int tag, struct px_err *err)
{
	size_t len = strlen(text) + 1;

	if ((names->count == names->room && list_grow(names) == -1) ||
	    (names->size - names->used < len && text_grow(names, len) == -1))
		return px_fail(
		    err, PX_E_NOMEM, "out of memory for a list of %zu names", names->count);
	memcpy(names->text + names->used, text, len);
	names->list[names->count++] = (struct px_name){ names->used, tag };
	names->used += len;
	return 0;
}

const char *
px_names_text(const struct px_names *names, size_t i)
{
	return names->text + names->list[i].at;
}

static int
name_compare(const void *a, const void *b, void *text)
{
	const struct px_name *left = a, *right = b;

	int order = strcmp((const char *)text + left->at, (const char *)text + right->at);

	return order != 0 ? order : (left->tag > right->tag) - (left->tag < right->tag);
}

void
px_names_sort(struct px_names *names)
{
	if (names->count > 1)
		qsort_r(names->list, names->count, sizeof *names->list, name_compare, names->text);
}

bool
px_names_has(const struct px_names *names, const char *text, int tag)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(text, px_names_text(names, middle));

		if (order == 0)
			order = (tag > names->list[middle].tag) - (tag < names->list[middle].tag);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

void
px_names_clear(struct px_names *names)
{
	names->count = 0;
	names->used = 0;
}

void
px_names_done(struct px_names *names)
{
	free(names->list);
	free(names->text);
	*names = (struct px_names){ 0 };
}

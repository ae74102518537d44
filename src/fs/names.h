#ifndef PX_FS_NAMES_H
#define PX_FS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * A list of texts with a number each, in two blocks of memory however many there
 * are. What is listed comes from a disk, so running out of memory is an error,
 * not the end. Zeroed is empty. Not locked: one thread at a time.
 */
struct px_name {
	size_t at; /* where its text begins */
	int tag;   /* what the list is about: enum px_fs_kind, an errno, a depth */
};

struct px_names {
	struct px_name *list;
	size_t count, room;
	char *text;
	size_t used, size;
};

/* Copies 'text' to the end of the list. PX_E_NOMEM. */
int px_names_add(struct px_names *names, const char *text, int tag, struct px_err *err);

/* The text of names->list[i]; valid until the next px_names_add(). */
const char *px_names_text(const struct px_names *names, size_t i);

/* By their bytes, as strcmp() has it, equal ones by number. */
void px_names_sort(struct px_names *names);

/* Is this text with this number in the list, which is sorted? */
bool px_names_has(const struct px_names *names, const char *text, int tag);

void px_names_clear(struct px_names *names); /* empty, with its memory */
void px_names_done(struct px_names *names);  /* empty, without */

#endif

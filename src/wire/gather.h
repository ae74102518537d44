#ifndef PX_WIRE_GATHER_H
#define PX_WIRE_GATHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The bytes of one message, run together as they arrive. It grows with what has
 * arrived, never with what a peer announced, and adding costs linear time in
 * all. The caller keeps it within a limit. All zero is empty.
 */
struct px_gather {
	char *p;
	size_t len;
	size_t cap;
	size_t valid; /* bytes at the front that px_gather_is_text() has found good */
};

/* Appends; PX_E_NOMEM leaves it as it was. */
int px_gather_add(struct px_gather *g, const void *data, size_t len, struct px_err *err);

/*
 * Is it UTF-8? Unless it is 'whole', its last character may lack bytes that are
 * still to come. Each byte is looked at once over all calls, so a caller can
 * ask after every piece.
 */
bool px_gather_is_text(struct px_gather *g, bool whole);

/* Empties it and gives the memory back. */
void px_gather_clear(struct px_gather *g);

#endif

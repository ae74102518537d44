#ifndef PX_SESSION_WRITE_IDS_H
#define PX_SESSION_WRITE_IDS_H

#include <stdbool.h>
#include <stddef.h>

/* The writeIds of one session that were seen lately, so that a repeated write is written once. */
struct px_write_ids;

enum { PX_WRITE_IDS_KEPT = 4096, PX_WRITE_ID_MAX = 128 };

void px_write_ids_free(struct px_write_ids *ids); /* takes NULL */

/*
 * Was 'id' seen before? If not it is remembered, and the oldest of more than
 * PX_WRITE_IDS_KEPT forgotten. '*ids' NULL is the empty set; made when needed.
 */
bool px_write_ids_seen(struct px_write_ids **ids, const char *id, size_t len);

/* As if it had never been seen: the write was refused. */
void px_write_ids_forget(struct px_write_ids *ids, const char *id, size_t len);

#endif

#ifndef PX_CLIENT_HEARD_H
#define PX_CLIENT_HEARD_H

#include <stddef.h>

#include <bsd/sys/queue.h>
#include <ptyexec/event.h>

struct px_json_doc;
struct px_known;

/* An event or answer, the memory that it points into, and its places in the queues. */
struct px_heard {
	struct px_event event; /* the first member: it is what callers hold */
	TAILQ_ENTRY(px_heard) link;
	TAILQ_ENTRY(px_heard) of_session;
	struct px_known *known; /* whose event it is, while it is queued; NULL: of no session */
	size_t cost;            /* what it counts for among the bytes of events not taken */
	struct px_heard_block *blocks;
	struct px_json_doc *doc; /* freed with it; may be NULL */
};

TAILQ_HEAD(px_heard_list, px_heard);

struct px_heard *px_heard_new(enum px_event_type type);
void px_heard_free(struct px_heard *heard); /* takes NULL */

/* Zeroed memory that lives as long as 'heard', and counts in its cost. NULL: memory is out. */
void *px_heard_alloc(struct px_heard *heard, size_t size);
/* For 'len' bytes of text or data that are filled in at once; with a NUL behind. */
char *px_heard_room(struct px_heard *heard, size_t len);
char *px_heard_copy(struct px_heard *heard, const void *data, size_t len); /* with a NUL behind */

#endif

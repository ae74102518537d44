#ifndef PX_CLIENT_PLACES_H
#define PX_CLIENT_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/tree.h>
#include <ptyexec/answer.h>

/* How far the client has come in each session that it follows over a connection. */

struct px_place {
	RB_ENTRY(px_place) by_name;
	const char *session;
	int64_t last_seq;                /* of the last event that came */
	int64_t offset[PX_STREAM_COUNT]; /* where the stream goes on; -1: not known */
	int64_t told_bytes;              /* the caller knows that so many will be missing */
	int64_t unacked_bytes, unacked_events;
	char name[]; /* what 'session' points to */
};

RB_HEAD(px_places, px_place);

struct px_place *px_place_find(struct px_places *places, const char *session);
struct px_place *px_place_get(struct px_places *places, const char *session); /* made if need be */
void px_place_remove(struct px_places *places, struct px_place *place);       /* takes NULL */
void px_places_clear(struct px_places *places);
struct px_place *px_place_next(struct px_places *places, struct px_place *after); /* NULL: first */

#endif

#ifndef PX_CLIENT_BOOKMARKS_H
#define PX_CLIENT_BOOKMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/tree.h>
#include <ptyexec/answer.h>

/* How far the client has come in each session that it follows over a connection. */

struct px_bookmark {
	RB_ENTRY(px_bookmark) by_name;
	const char *session;
	int64_t last_seq;                /* of the last event that came */
	int64_t offset[PX_STREAM_COUNT]; /* where the stream goes on; -1: not known */
	int64_t told_bytes;              /* the caller knows that so many will be missing */
	int64_t unacked_bytes, unacked_events;
	char name[]; /* what 'session' points to */
};

RB_HEAD(px_bookmarks, px_bookmark);

struct px_bookmark *px_bookmark_find(struct px_bookmarks *bookmarks, const char *session);
struct px_bookmark *px_bookmark_get(
    struct px_bookmarks *bookmarks, const char *session); /* made if need be */
void px_bookmark_remove(
    struct px_bookmarks *bookmarks, struct px_bookmark *bookmark); /* takes NULL */
void px_bookmarks_clear(struct px_bookmarks *bookmarks);
struct px_bookmark *px_bookmark_next(
    struct px_bookmarks *bookmarks, struct px_bookmark *after); /* NULL: first */

#endif

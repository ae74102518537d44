#include "client/bookmarks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int
bookmark_compare(const struct px_bookmark *a, const struct px_bookmark *b)
{
	return strcmp(a->session, b->session);
}

RB_GENERATE_INTERNAL(
    px_bookmarks, px_bookmark, by_name, bookmark_compare, static __attribute__((unused)))

struct px_bookmark *
px_bookmark_find(struct px_bookmarks *bookmarks, const char *session)
{
	struct px_bookmark key = { .session = session };

	return RB_FIND(px_bookmarks, bookmarks, &key);
}

struct px_bookmark *
px_bookmark_get(struct px_bookmarks *bookmarks, const char *session)
{
	struct px_bookmark *bookmark = px_bookmark_find(bookmarks, session);
	size_t size = strlen(session) + 1;

	if (bookmark != NULL)
		return bookmark;
	bookmark = px_alloc(sizeof *bookmark + size);
	bookmark->session = memcpy(bookmark->name, session, size);
	RB_INSERT(px_bookmarks, bookmarks, bookmark);
	return bookmark;
}

void
px_bookmark_remove(struct px_bookmarks *bookmarks, struct px_bookmark *bookmark)
{
	if (bookmark == NULL)
		return;
	RB_REMOVE(px_bookmarks, bookmarks, bookmark);
	free(bookmark);
}

void
px_bookmarks_clear(struct px_bookmarks *bookmarks)
{
	while (!RB_EMPTY(bookmarks))
		px_bookmark_remove(bookmarks, RB_ROOT(bookmarks));
}

struct px_bookmark *
px_bookmark_next(struct px_bookmarks *bookmarks, struct px_bookmark *after)
{
	return after != NULL ? RB_NEXT(px_bookmarks, bookmarks, after)
			     : RB_MIN(px_bookmarks, bookmarks);
}

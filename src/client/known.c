#include "client/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The sessions of a client by name. */

static int
known_compare(const struct px_known *a, const struct px_known *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(
    px_known_tree, px_known, by_name, known_compare, static __attribute__((unused)))

struct px_known *
px_known_find(struct px_client *client, const char *session)
{
	struct px_known key = { .name = session };

	return RB_FIND(px_known_tree, &client->known, &key);
}

struct px_known *
px_known_get(struct px_client *client, const char *session)
{
	struct px_known *known = px_known_find(client, session);
	size_t size = strlen(session) + 1;

	if (known != NULL)
		return known;
	known = px_alloc(sizeof *known + size);
	known->name = memcpy(known->bytes, session, size);
	TAILQ_INIT(&known->events);
	RB_INSERT(px_known_tree, &client->known, known);
	return known;
}

void
px_known_settle(struct px_client *client, struct px_known *known)
{
	if (known->take != NULL || !TAILQ_EMPTY(&known->events))
		return;
	RB_REMOVE(px_known_tree, &client->known, known);
	free(known);
}

void
px_known_clear(struct px_client *client)
{
	struct px_known *known, *next;

	RB_FOREACH_SAFE (known, px_known_tree, &client->known, next) {
		known->take = NULL;
		px_known_settle(client, known);
	}
}

#include "client/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int
place_compare(const struct px_place *a, const struct px_place *b)
{
	return strcmp(a->session, b->session);
}

RB_GENERATE_INTERNAL(px_places, px_place, by_name, place_compare, static __attribute__((unused)))

struct px_place *
px_place_find(struct px_places *places, const char *session)
{
	struct px_place key = { .session = session };

	return RB_FIND(px_places, places, &key);
}

struct px_place *
px_place_get(struct px_places *places, const char *session)
{
	struct px_place *place = px_place_find(places, session);
	size_t size = strlen(session) + 1;

	if (place != NULL)
		return place;
	place = px_alloc(sizeof *place + size);
	place->session = memcpy(place->name, session, size);
	RB_INSERT(px_places, places, place);
	return place;
}

void
px_place_remove(struct px_places *places, struct px_place *place)
{
	if (place == NULL)
		return;
	RB_REMOVE(px_places, places, place);
	free(place);
}

void
px_places_clear(struct px_places *places)
{
	while (!RB_EMPTY(places))
		px_place_remove(places, RB_ROOT(places));
}

struct px_place *
px_place_next(struct px_places *places, struct px_place *after)
{
	return after != NULL ? RB_NEXT(px_places, places, after) : RB_MIN(px_places, places);
}

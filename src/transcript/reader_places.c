#include "transcript/reader_places.h"

#include <string.h>

void
px_reader_places_move(struct px_reader_places *places, uint64_t from, const struct px_cursor *to)
{
	size_t i;

	for (i = 0; i < places->n && places->place[i].seq != from; i++)
		continue;
	if (i == places->n) {
		if (places->n < PX_READERS_REMEMBERED)
			places->n++;
		i = places->n - 1;
	}
	memmove(&places->place[1], &places->place[0], i * sizeof(places->place[0]));
	places->place[0] = *to;
}

const struct px_cursor *
px_reader_places_find(const struct px_reader_places *places, uint64_t seq)
{
	const struct px_cursor *best = NULL;
	size_t i;

	for (i = 0; i < places->n; i++) {
		const struct px_cursor *place = &places->place[i];

		if (place->seq <= seq && (best == NULL || place->seq > best->seq))
			best = place;
	}
	return best;
}

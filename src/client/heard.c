#include "client/heard.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

struct px_heard_block {
	struct px_heard_block *next;
	max_align_t bytes[];
};

struct px_heard *
px_heard_new(enum px_event_type type)
{
	struct px_heard *heard = px_new(struct px_heard);

	heard->event.type = type;
	heard->cost = sizeof *heard;
	return heard;
}

void
px_heard_free(struct px_heard *heard)
{
	struct px_heard_block *block;

	if (heard == NULL)
		return;
	while ((block = heard->blocks) != NULL) {
		heard->blocks = block->next;
		free(block);
	}
	px_json_free(heard->doc);
	free(heard);
}

/* 'block' may be NULL. */
static void *
add_block(struct px_heard *heard, struct px_heard_block *block, size_t size)
{
	if (block == NULL)
		return NULL;
	block->next = heard->blocks;
	heard->blocks = block;
	heard->cost += sizeof *block + size;
	return block->bytes;
}

void *
px_heard_alloc(struct px_heard *heard, size_t size)
{
	return add_block(heard, calloc(1, sizeof(struct px_heard_block) + size), size);
}

char *
px_heard_room(struct px_heard *heard, size_t len)
{
	char *room = add_block(heard, malloc(sizeof(struct px_heard_block) + len + 1), len + 1);

	if (room != NULL)
		room[len] = '\0';
	return room;
}

char *
px_heard_copy(struct px_heard *heard, const void *data, size_t len)
{
	char *copy = px_heard_room(heard, len);

	if (copy != NULL && len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* ---- what callers hold ---- */

void
px_event_free(struct px_event *event)
{
	px_heard_free((struct px_heard *)event);
}

void
px_answer_free(struct px_answer *answer)
{
	const size_t offset = offsetof(struct px_heard, event.answer);

	if (answer != NULL)
		px_heard_free((struct px_heard *)(void *)((char *)answer - offset));
}

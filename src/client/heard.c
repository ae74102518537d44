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

void *
px_heard_alloc(struct px_heard *heard, size_t size)
{
	struct px_heard_block *block = calloc(1, sizeof *block + size);

	if (block == NULL)
		return NULL;
	block->next = heard->blocks;
	heard->blocks = block;
	heard->cost += sizeof *block + size;
	return block->bytes;
}

char *
px_heard_copy(struct px_heard *heard, const void *data, size_t len)
{
	char *copy = px_heard_alloc(heard, len + 1);

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

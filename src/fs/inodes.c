#include "fs/inodes.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_SIZE = 64 };

/* Where it is, or would be: there is always a free slot. */
static struct px_inode *
slot_find(const struct px_inodes *inodes, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 40) * 0x9e3779b97f4a7c15;
	size_t mask = inodes->size - 1, i = (size_t)(hash >> 32) & mask;

	while (
	    inodes->slots[i].used && (inodes->slots[i].ino != ino || inodes->slots[i].dev != dev))
		i = (i + 1) & mask;
	return &inodes->slots[i];
}

static int
grow(struct px_inodes *inodes)
{
	struct px_inodes bigger = { NULL, inodes->count, inodes->size * 2 };

	if (inodes->size == 0)
		bigger.size = FIRST_SIZE;
	if ((bigger.slots = calloc(bigger.size, sizeof *bigger.slots)) == NULL)
		return -1;
	for (size_t i = 0; i < inodes->size; i++)
		if (inodes->slots[i].used)
			*slot_find(&bigger, inodes->slots[i].dev, inodes->slots[i].ino) =
			    inodes->slots[i];
	free(inodes->slots);
	*inodes = bigger;
	return 0;
}

int
px_inodes_add(struct px_inodes *inodes, const struct stat *st)
{
	struct px_inode *slot;

	if (inodes->count * 2 >= inodes->size && grow(inodes) == -1)
		return -1;
	slot = slot_find(inodes, st->st_dev, st->st_ino);
	if (slot->used)
		return 0;
	*slot = (struct px_inode){ st->st_dev, st->st_ino, true };
	inodes->count++;
	return 1;
}

void
px_inodes_done(struct px_inodes *inodes)
{
	free(inodes->slots);
	*inodes = (struct px_inodes){ 0 };
}

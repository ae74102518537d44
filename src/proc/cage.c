#include "proc/cage.h"

#include <stdlib.h>

void
px_cage_free(struct px_cage *cage)
{
	if (cage == NULL)
		return;
	if (cage->ended != NULL)
		cage->ended(cage->arg);
	free(cage->bwrap);
	free(cage->args);
	free(cage);
}

#include "proc/cage.h"

#include <stdlib.h>

void
px_cage_free(struct px_cage *cage)
{
	if (cage == NULL)
		return;
	if (cage->ended != NULL)
		cage->ended(cage->arg);
	for (size_t i = 0; cage->paths != NULL && cage->paths[i] != NULL; i++)
		free(cage->paths[i]);
	free(cage->paths);
	free(cage->footings);
	free(cage->bwrap);
	free(cage->args);
	free(cage);
}

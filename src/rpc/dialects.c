#include "rpc/dialect.h"

#include <string.h>

const struct px_dialect *
px_dialect_at(size_t i)
{
	static const struct px_dialect *const all[] = { &px_dialect_v1, &px_dialect_codex,
		&px_dialect_v0 };

	return i < PX_COUNT(all) ? all[i] : NULL;
}

const struct px_method *
px_dialect_method(const struct px_dialect *dialect, const char *name, size_t len)
{
	for (size_t i = 0; i < dialect->nmethods; i++)
		if (strlen(dialect->methods[i]->name) == len &&
		    memcmp(dialect->methods[i]->name, name, len) == 0)
			return dialect->methods[i];
	return NULL;
}

unsigned
px_dialect_note_bit(const struct px_dialect *dialect, const char *name, size_t len)
{
	for (unsigned i = 0; i < PX_NOTE_COUNT; i++)
		if (dialect->notes[i] != NULL && strlen(dialect->notes[i]) == len &&
		    memcmp(dialect->notes[i], name, len) == 0)
			return 1U << i;
	return 0;
}

#include "wire/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { GATHER_MIN = 512 };

int
px_gather_add(struct px_gather *g, const void *data, size_t len, struct px_err *err)
{
	size_t cap = g->cap < GATHER_MIN ? GATHER_MIN : g->cap;
	char *p;

	if (len == 0)
		return 0;
	if (len > g->cap - g->len) {
		while (cap - g->len < len) {
			if (cap > SIZE_MAX / 2)
				return px_fail(err, PX_E_NOMEM, "message too large for memory");
			cap *= 2;
		}
		if ((p = realloc(g->p, cap)) == NULL)
			return px_fail(
			    err, PX_E_NOMEM, "no memory for a message of %zu bytes", cap);
		g->p = p;
		g->cap = cap;
	}
	memcpy(g->p + g->len, data, len);
	g->len += len;
	return 0;
}

/* Could 's', which has no valid character at its front, become valid by more bytes? */
static bool
text_is_cut(const char *s, size_t len)
{
	uint8_t lead = (uint8_t)s[0];
	size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	char whole[4] = { 0 };

	if (lead < 0xc2 || lead > 0xf4 || len >= need)
		return false;
	if (len == 1)
		return true;
	/* The second byte decides; any continuation bytes may follow it. */
	memset(whole, 0x80, sizeof(whole));
	memcpy(whole, s, len);
	return px_utf8_valid(whole, need);
}

bool
px_gather_is_text(struct px_gather *g, bool whole)
{
	size_t rest;

	if (g->len == 0)
		return true;
	g->valid += px_utf8_valid_prefix(g->p + g->valid, g->len - g->valid);
	rest = g->len - g->valid;
	return rest == 0 || (!whole && text_is_cut(g->p + g->valid, rest));
}

void
px_gather_clear(struct px_gather *g)
{
	free(g->p);
	*g = (struct px_gather){ 0 };
}

#include "session/matcher.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct px_matcher {
	size_t len;
	size_t
	    matched[PX_STREAMS_MAX]; /* characters of the text that the stream's end agrees with */
	uint16_t
	    *border; /* border[i]: longest proper prefix of text[0..i] that is its suffix too */
	unsigned char text[];
};

struct px_matcher *
px_matcher_new(const void *text, size_t len)
{
	struct px_matcher *m = px_alloc(sizeof *m + len);

	m->len = len;
	memcpy(m->text, text, len);
	m->border = px_alloc(len * sizeof *m->border);
	for (size_t i = 1, k = 0; i < len; i++) {
		while (k > 0 && m->text[k] != m->text[i])
			k = m->border[k - 1];
		if (m->text[k] == m->text[i])
			k++;
		m->border[i] = (uint16_t)k;
	}
	return m;
}

void
px_matcher_free(struct px_matcher *m)
{
	if (m == NULL)
		return;
	free(m->border);
	free(m);
}

bool
px_matcher_feed(struct px_matcher *m, unsigned stream, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t k = m->matched[stream];

	for (size_t i = 0; i < len && k < m->len; i++) {
		while (k > 0 && m->text[k] != p[i])
			k = m->border[k - 1];
		if (m->text[k] == p[i])
			k++;
	}
	m->matched[stream] = k;
	return k == m->len;
}

void
px_matcher_break(struct px_matcher *m, unsigned stream)
{
	m->matched[stream] = 0;
}

#ifndef PX_SESSION_MATCHER_H
#define PX_SESSION_MATCHER_H

#include <stdbool.h>
#include <stddef.h>

#include "transcript/transcript.h"

/* Finds one literal text in streams that arrive in pieces (Knuth, Morris and Pratt: one pass, no
 * bytes kept). */
struct px_matcher;

enum { PX_MATCH_MAX = 4096 };

struct px_matcher *px_matcher_new(const void *text, size_t len); /* 1..PX_MATCH_MAX bytes, copied */
void px_matcher_free(struct px_matcher *m);                      /* takes NULL */

/* The next bytes of a stream. True from the moment the text has been seen in this stream. */
bool px_matcher_feed(struct px_matcher *m, unsigned stream, const void *data, size_t len);

/* Bytes of this stream are missing here: what was seen so far does not join what follows. */
void px_matcher_break(struct px_matcher *m, unsigned stream);

#endif

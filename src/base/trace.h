#ifndef PX_BASE_TRACE_H
#define PX_BASE_TRACE_H

#include <stdbool.h>
#include <stddef.h>

/* W3C Trace Context, https://www.w3.org/TR/trace-context/ */
enum { PX_TRACEPARENT_LEN = 55, PX_TRACESTATE_MAX = 512 };

struct px_trace {
	char parent[PX_TRACEPARENT_LEN + 1]; /* "" when absent or malformed */
	char state[PX_TRACESTATE_MAX + 1]; /* "" when absent, malformed, too long, or 'parent' is */
};

/*
 * Is it a traceparent of version 00 (section 3.2: lower-case hex, ids not all
 * zero)? A higher version (not ff) is accepted by its first 55 characters, when
 * nothing or another dash follows.
 */
bool px_traceparent_valid(const char *s, size_t len);

/*
 * Fills 'out' from both header values (either may be NULL); what is malformed
 * is left out. The parent comes out in version 00, which is what we speak.
 */
void px_trace_set(struct px_trace *out, const char *parent, size_t parent_len, const char *state,
    size_t state_len);

#endif

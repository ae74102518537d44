#ifndef PX_PROC_SPEC_BUILD_H
#define PX_PROC_SPEC_BUILD_H

#include "base/err.h"
#include "base/trace.h"
#include "proc/spec.h"

/* From what a start asks for to a px_spec, with the rules that all who start things share. */

/*
 * Copies argv (NULL-terminated), arg0 (may be NULL) and cwd after checking them
 * (PX_E_PARAMS): at least one argument, the first one not empty, an absolute
 * directory. Sets the rest of 'spec' to its neutral values. On failure there is
 * nothing to free.
 */
int px_spec_build(struct px_spec *spec, const char *const *argv, const char *cwd, const char *arg0,
    struct px_err *err);

/*
 * The environment: 'base' underneath 'env', then TRACEPARENT and TRACESTATE from
 * 'trace' where 'env' does not set them. Both lists are NULL-terminated, or NULL
 * for none.
 */
void px_spec_build_env(
    struct px_spec *spec, char *const *base, const char *const *env, const struct px_trace *trace);

/* Sets a variable that the environment, made before, has not. */
void px_spec_default_env(struct px_spec *spec, const char *name, const char *value);

/* Adds a limit; at most PX_SPEC_LIMITS in all. 'resource' is an RLIMIT_x (getrlimit(2)). */
void px_spec_add_limit(struct px_spec *spec, int resource, int64_t value);

#endif

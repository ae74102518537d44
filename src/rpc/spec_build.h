#ifndef PX_RPC_SPEC_BUILD_H
#define PX_RPC_SPEC_BUILD_H

#include "base/fields.h"
#include "base/trace.h"
#include "proc/spec.h"

/* From a start request's members to a px_spec, with the rules that all dialects share. */

/*
 * Copies argv, arg0 and cwd after checking them (PX_E_PARAMS): at least one
 * argument, the first one not empty, an absolute directory. Sets the rest of
 * 'spec' to its neutral values. On failure there is nothing to free.
 */
int px_spec_build(struct px_spec *spec, const struct px_strv *argv, const struct px_str *cwd,
    const struct px_str *arg0, struct px_err *err);

/*
 * The environment: 'base' (NULL-terminated, or NULL for none) underneath 'env',
 * then TRACEPARENT and TRACESTATE from 'trace' where 'env' does not set them.
 */
void px_spec_build_env(struct px_spec *spec, char *const *base, const struct px_strv *env,
    const struct px_trace *trace);

#endif

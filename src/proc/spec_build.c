#include "proc/spec_build.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static size_t
list_len(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

int
px_spec_build(struct px_spec *spec, const char *const *argv, const char *cwd, const char *arg0,
    struct px_err *err)
{
	if (argv[0] == NULL)
		return px_fail(err, PX_E_PARAMS, "argv must not be empty");
	if (argv[0][0] == '\0')
		return px_fail(err, PX_E_PARAMS, "argv[0] must not be empty");
	if (cwd[0] != '/')
		return px_fail(err, PX_E_PARAMS, "\"cwd\" must be an absolute path");
	*spec = (struct px_spec){ .argc = list_len(argv), .umask = -1, .search_path = true };
	spec->argv = px_alloc((spec->argc + 1) * sizeof *spec->argv);
	for (size_t i = 0; i < spec->argc; i++)
		spec->argv[i] = px_strdup(argv[i]);
	spec->cwd = px_strdup(cwd);
	if (arg0 != NULL)
		spec->arg0 = px_strdup(arg0);
	return 0;
}

static bool
same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && (b[len] == '=' || b[len] == '\0');
}

static bool
env_has(const char *const *env, const char *entry)
{
	for (; env != NULL && *env != NULL; env++)
		if (same_name(*env, entry))
			return true;
	return false;
}

/* What the server itself was started with says nothing about a request that has a trace of its own.
 */
static bool
env_takes(const char *const *env, const struct px_trace *trace, const char *entry)
{
	if (trace->parent[0] != '\0' &&
	    (same_name(entry, "TRACEPARENT") || same_name(entry, "TRACESTATE")))
		return false;
	return !env_has(env, entry);
}

static void
env_add_trace(
    struct px_spec *spec, size_t *n, const char *const *env, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;

	if (value[0] == '\0' || env_has(env, name))
		return;
	spec->env[*n] = px_alloc(size);
	snprintf(spec->env[(*n)++], size, "%s=%s", name, value);
	spec->env_traced++;
}

void
px_spec_build_env(
    struct px_spec *spec, char *const *base, const char *const *env, const struct px_trace *trace)
{
	size_t nbase = list_len((const char *const *)base), nenv = list_len(env), n = 0;

	spec->env = px_alloc((nbase + nenv + 3) * sizeof *spec->env);
	for (size_t i = 0; i < nbase; i++)
		if (env_takes(env, trace, base[i]))
			spec->env[n++] = px_strdup(base[i]);
	for (size_t i = 0; i < nenv; i++)
		spec->env[n++] = px_strdup(env[i]);
	if (trace->parent[0] == '\0')
		return;
	env_add_trace(spec, &n, env, "TRACEPARENT", trace->parent);
	env_add_trace(spec, &n, env, "TRACESTATE", trace->state);
}

/* In front: what the trace added stays at the end. */
void
px_spec_default_env(struct px_spec *spec, const char *name, const char *value)
{
	size_t n = list_len((const char *const *)spec->env),
	       size = strlen(name) + strlen(value) + 2;

	if (px_spec_env(spec, name) != NULL)
		return;
	spec->env = px_realloc_array(spec->env, n + 2, sizeof *spec->env);
	memmove(spec->env + 1, spec->env, (n + 1) * sizeof *spec->env);
	spec->env[0] = px_alloc(size);
	snprintf(spec->env[0], size, "%s=%s", name, value);
}

void
px_spec_add_limit(struct px_spec *spec, int resource, int64_t value)
{
	assert(spec->nlimits < PX_SPEC_LIMITS);
	spec->limits[spec->nlimits].resource = resource;
	spec->limits[spec->nlimits++].value = (rlim_t)value;
}

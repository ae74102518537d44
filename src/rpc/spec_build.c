#include "rpc/spec_build.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

int
px_spec_build(struct px_spec *spec, const struct px_strv *argv, const struct px_str *cwd,
    const struct px_str *arg0, struct px_err *err)
{
	if (argv->n == 0)
		return px_fail(err, PX_E_PARAMS, "argv must not be empty");
	if (argv->v[0][0] == '\0')
		return px_fail(err, PX_E_PARAMS, "argv[0] must not be empty");
	if (cwd->p[0] != '/')
		return px_fail(err, PX_E_PARAMS, "\"cwd\" must be an absolute path");
	*spec = (struct px_spec){ .argc = argv->n, .umask = -1, .search_path = true };
	spec->argv = px_alloc((argv->n + 1) * sizeof *spec->argv);
	for (size_t i = 0; i < argv->n; i++)
		spec->argv[i] = px_strdup(argv->v[i]);
	spec->cwd = px_strdup(cwd->p);
	if (arg0->p != NULL)
		spec->arg0 = px_strdup(arg0->p);
	return 0;
}

static bool
same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && (b[len] == '=' || b[len] == '\0');
}

static bool
env_has(const struct px_strv *env, const char *entry)
{
	for (size_t i = 0; i < env->n; i++)
		if (same_name(env->v[i], entry))
			return true;
	return false;
}

/* What the server itself was started with says nothing about a request that has a trace of its own.
 */
static bool
env_takes(const struct px_strv *env, const struct px_trace *trace, const char *entry)
{
	if (trace->parent[0] != '\0' &&
	    (same_name(entry, "TRACEPARENT") || same_name(entry, "TRACESTATE")))
		return false;
	return !env_has(env, entry);
}

static void
env_add_trace(
    struct px_spec *spec, size_t *n, const struct px_strv *env, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;

	if (value[0] == '\0' || env_has(env, name))
		return;
	spec->env[*n] = px_alloc(size);
	snprintf(spec->env[(*n)++], size, "%s=%s", name, value);
	spec->env_traced++;
}

void
px_spec_build_env(struct px_spec *spec, char *const *base, const struct px_strv *env,
    const struct px_trace *trace)
{
	size_t nbase = 0, n = 0;

	while (base != NULL && base[nbase] != NULL)
		nbase++;
	spec->env = px_alloc((nbase + env->n + 3) * sizeof *spec->env);
	for (size_t i = 0; i < nbase; i++)
		if (env_takes(env, trace, base[i]))
			spec->env[n++] = px_strdup(base[i]);
	for (size_t i = 0; i < env->n; i++)
		spec->env[n++] = px_strdup(env->v[i]);
	if (trace->parent[0] == '\0')
		return;
	env_add_trace(spec, &n, env, "TRACEPARENT", trace->parent);
	env_add_trace(spec, &n, env, "TRACESTATE", trace->state);
}

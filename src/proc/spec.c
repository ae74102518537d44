#include "proc/spec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proc/cage.h"

static void
strings_free(char **v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; v[i] != NULL; i++)
		free(v[i]);
	free(v);
}

void
px_spec_done(struct px_spec *spec)
{
	strings_free(spec->argv);
	spec->argv = NULL;
	px_spec_forget_env(spec);
	free(spec->arg0);
	spec->arg0 = NULL;
	free(spec->cwd);
	spec->cwd = NULL;
	px_cage_free(spec->cage);
	spec->cage = NULL;
}

void
px_spec_forget_env(struct px_spec *spec)
{
	if (spec->env == NULL)
		return;
	for (size_t i = 0; spec->env[i] != NULL; i++)
		explicit_bzero(spec->env[i], strlen(spec->env[i]));
	strings_free(spec->env);
	spec->env = NULL;
	spec->env_traced = 0;
}

const char *
px_spec_env(const struct px_spec *spec, const char *name)
{
	size_t len = strlen(name);

	for (char **e = spec->env; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

/* Every string goes in with its terminator and every list with its length, so that no two specs
 * share a text. */
static void
hash_string(struct px_sha256 *h, const char *s)
{
	assert(s != NULL);
	px_sha256_add(h, s, strlen(s) + 1);
}

static void
hash_list(struct px_sha256 *h, char **v, size_t left_out)
{
	uint64_t n = 0;

	while (v != NULL && v[n] != NULL)
		n++;
	assert(n >= left_out);
	n -= left_out;
	px_sha256_add(h, &n, sizeof n);
	for (; v != NULL && n > 0; n--)
		hash_string(h, *v++);
}

void
px_spec_fingerprint(const struct px_spec *spec, uint8_t out[PX_SHA256_LEN])
{
	struct px_sha256 *h = px_sha256_new();
	int64_t numbers[] = { spec->arg0 != NULL, spec->search_path, spec->io, spec->rows,
		spec->cols, spec->stdin_open, spec->umask, (int64_t)spec->nlimits,
		(int64_t)spec->chunk_max, spec->timeout_ms };

	hash_list(h, spec->argv, 0);
	hash_list(h, spec->env, spec->env_traced);
	hash_string(h, spec->arg0 != NULL ? spec->arg0 : "");
	hash_string(h, spec->cwd);
	px_sha256_add(h, numbers, sizeof numbers);
	for (size_t i = 0; i < spec->nlimits; i++) {
		uint64_t limit[2] = { (uint64_t)spec->limits[i].resource, spec->limits[i].value };

		px_sha256_add(h, limit, sizeof limit);
	}
	px_sha256_end(h, out);
}

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fs/uri.h"
#include "rpc/codex_fs.h"
#include "rpc/file_watch.h"

/* fs/watchMissing. */

enum { PATHS_MAX = 10000 };

struct watch_params {
	struct px_int id;
	struct px_strv missing;
	struct px_str present;
};

static const struct px_field watch_fields[] = {
	CODEX_FIELD(
	    watch_params, id, "watchId", PX_F_INT, .flags = PX_F_REQUIRED, .max = INT64_MAX),
	CODEX_FIELD(
	    watch_params, missing, "missing", PX_F_STRV, .flags = PX_F_REQUIRED, .max = PATHS_MAX),
	CODEX_FIELD(watch_params, present, "present", PX_F_STRING, .flags = 0),
};

static char *
path_copy(const char *uri, size_t len, struct px_err *err)
{
	char path[PATH_MAX];

	return px_uri_to_path(uri, len, path, err) == -1 ? NULL : px_strdup(path);
}

/* '*out' holds as many as there were before one was wrong. */
static int
paths_copy(const struct px_strv *uris, char **out, size_t *count, struct px_err *err)
{
	for (*count = 0; *count < uris->n; ++*count) {
		const char *uri = uris->v[*count];

		if ((out[*count] = path_copy(uri, strlen(uri), err)) == NULL)
			return -1;
	}
	return 0;
}

static void
paths_free(char **paths, size_t count)
{
	while (count > 0)
		free(paths[--count]);
	free(paths);
}

static int
watch_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct watch_params *p = params;
	char **paths = px_alloc((p->missing.n + 1) * sizeof *paths), *present = NULL;
	size_t count;

	if (paths_copy(&p->missing, paths, &count, err) == -1 ||
	    (p->present.p != NULL &&
		(present = path_copy(p->present.p, p->present.len, err)) == NULL)) {
		paths_free(paths, count);
		return -1;
	}
	if (count == 0 || p->id.v < call->peer->next_watch) {
		paths_free(paths, count);
		free(present);
		px_call_bool(call, "watching", false);
		return 0;
	}
	call->peer->next_watch = p->id.v < INT64_MAX ? p->id.v + 1 : INT64_MAX;
	return px_file_watch_start(call, p->id.v, paths, count, present, err);
}

const struct px_method px_codex_fs_watch =
    PX_METHOD("fs/watchMissing", 0, watch_fields, watch_params, watch_run);

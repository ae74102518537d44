#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/surroundings.h"
#include "proc/cage.h"
#include "proc/footing.h"
#include "px_paths.h"
#include "sandbox/bwrap.h"
#include "sandbox/filter.h"
#include "sandbox/policy.h"
#include "sandbox/stand_in.h"
#include "sandbox/view.h"

#define ENTER "ptyexec-enter"

enum { TRIES = 8 };

struct px_sandbox {
	char *bwrap; /* NULL: there is none */
	int enter;   /* -1: it cannot be opened */
	struct px_stand_ins *stand_ins;
};

/* What one cage holds of it. */
struct hold {
	struct px_sandbox *sandbox;
	char **paths;
	size_t count;
};

/* ---- programs ---- */

static char *
find_in_path(const char *name)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];
	size_t len;

	for (; at != NULL && *at != '\0'; at += len + (at[len] == ':')) {
		len = strcspn(at, ":");
		/* Not in the working directory, which an empty or relative element means. */
		if (*at == '/' &&
		    (size_t)snprintf(path, sizeof path, "%.*s/%s", (int)len, at, name) <
			sizeof path &&
		    access(path, X_OK) == 0)
			return px_strdup(path);
	}
	return NULL;
}

/* bubblewrap is started in another directory than ours. */
static char *
find_bwrap(const char *given)
{
	char path[PATH_MAX], *found = NULL;

	if (given == NULL || strchr(given, '/') == NULL)
		found = find_in_path(given != NULL ? given : "bwrap");
	else if (realpath(given, path) != NULL)
		found = px_strdup(path);
	return found != NULL || given == NULL ? found : px_strdup(given);
}

static int
enter_open(void)
{
	char path[PATH_MAX];

	if (px_find_beside(ENTER, path, sizeof path))
		return open(path, O_RDONLY | O_CLOEXEC);
	return open(PX_LIBEXECDIR "/" ENTER, O_RDONLY | O_CLOEXEC);
}

struct px_sandbox *
px_sandbox_new(const char *bwrap)
{
	struct px_sandbox *sandbox = px_new(struct px_sandbox);

	sandbox->bwrap = find_bwrap(bwrap);
	sandbox->enter = enter_open();
	sandbox->stand_ins = px_stand_ins_new();
	return sandbox;
}

void
px_sandbox_free(struct px_sandbox *sandbox)
{
	if (sandbox == NULL)
		return;
	px_stand_ins_free(sandbox->stand_ins);
	if (sandbox->enter != -1)
		close(sandbox->enter);
	free(sandbox->bwrap);
	free(sandbox);
}

/* ---- cages ---- */

static void
hold_free(struct hold *hold)
{
	for (size_t i = 0; i < hold->count; i++) {
		px_stand_in_drop(hold->sandbox->stand_ins, hold->paths[i]);
		free(hold->paths[i]);
	}
	free(hold->paths);
	free(hold);
}

static void
hold_on_ended(void *arg)
{
	hold_free(arg);
}

/* A directory that is there may be another's stand-in: it must stay while this one needs it. */
static int
hold_place(struct hold *hold, struct px_view_place *place, struct px_err *err)
{
	struct px_stand_ins *all = hold->sandbox->stand_ins;
	int held;

	if (place->access == PX_FS_WRITE || place->kind == PX_VIEW_FILE ||
	    place->kind == PX_VIEW_ABSENT)
		return 0;
	held = place->kind == PX_VIEW_MISSING ? px_stand_in_hold(all, place->path, err)
					      : px_stand_in_hold_found(all, place->path, err);
	if (held == -1)
		return -1;
	if (held == PX_STAND_IN_NEVER)
		place->kind = PX_VIEW_ABSENT;
	if (held != PX_STAND_IN_HELD)
		return 0;
	hold->paths = px_realloc_array(hold->paths, hold->count + 1, sizeof *hold->paths);
	hold->paths[hold->count++] = px_strdup(place->path);
	return 0;
}

static int
hold_make(struct px_sandbox *sandbox, struct px_view *view, struct hold **out, struct px_err *err)
{
	struct hold *hold = px_new(struct hold);

	hold->sandbox = sandbox;
	for (size_t i = 1; i < view->count; i++)
		if (hold_place(hold, &view->list[i], err) == -1) {
			hold_free(hold);
			return -1;
		}
	*out = hold;
	return 0;
}

/* What bubblewrap is going to mount something on, but "/", as it is now. */
static int
footings_find(const struct px_view *view, struct px_cage *cage, struct px_err *err)
{
	size_t n = 0;
	int sys;

	cage->paths = px_alloc(view->count * sizeof *cage->paths);
	cage->footings = px_alloc(view->count * sizeof *cage->footings);
	for (size_t i = 1; i < view->count; i++) {
		const struct px_view_place *place = &view->list[i];

		if (place->kind == PX_VIEW_ABSENT)
			continue;
		if ((sys = px_footing_find(place->path, &cage->footings[n])) != 0)
			return px_fail_sys(
			    err, PX_E_IO, sys, "cannot look at '%.300s'", place->path);
		cage->footings[n].covered = place->access == PX_FS_NONE;
		cage->paths[n++] = px_strdup(place->path);
	}
	return 0;
}

static int
parts_check(const struct px_sandbox *sandbox, const void *filter, struct px_err *err)
{
	if (sandbox->bwrap == NULL)
		return px_fail(err, PX_E_FORBIDDEN,
		    "this server cannot confine a program, because it has found no bubblewrap "
		    "(bwrap) in its PATH");
	if (sandbox->enter == -1)
		return px_fail(err, PX_E_FORBIDDEN,
		    "this server cannot confine a program, because " ENTER
		    ", which belongs to it, is neither beside it nor in " PX_LIBEXECDIR);
	if (filter == NULL)
		return px_fail(err, PX_E_FORBIDDEN,
		    "this server cannot confine a program on this kind of processor");
	return 0;
}

static int
cage_make(
    struct px_sandbox *sandbox, struct px_view *view, struct px_cage **out, struct px_err *err)
{
	size_t filter_len;
	const void *filter = px_filter(view->network, &filter_len);
	struct hold *hold;
	struct px_cage *cage;

	if (parts_check(sandbox, filter, err) == -1 || hold_make(sandbox, view, &hold, err) == -1)
		return -1;
	cage = px_new(struct px_cage);
	cage->bwrap = px_strdup(sandbox->bwrap);
	cage->enter = sandbox->enter;
	cage->filter = filter;
	cage->filter_len = filter_len;
	cage->ended = hold_on_ended;
	cage->arg = hold;
	px_bwrap_args(view, &cage->args, &cage->args_len);
	if (footings_find(view, cage, err) == -1) {
		px_cage_free(cage);
		return -1;
	}
	*out = cage;
	return 0;
}

/* '*out' NULL with 0: there is nothing to confine. */
static int
cage_try(struct px_sandbox *sandbox, const struct px_policy *policy, struct px_cage **out,
    struct px_err *err)
{
	struct px_view view;
	int result = 0;

	*out = NULL;
	if (px_view_make(policy, &view, err) == -1)
		return -1;
	if (!px_view_is_open(&view))
		result = cage_make(sandbox, &view, out, err);
	px_view_done(&view);
	return result;
}

int
px_sandbox_cage(struct px_sandbox *sandbox, const struct px_policy *policy, struct px_cage **out,
    struct px_err *err)
{
	struct px_cage *cage;
	struct px_err why;

	if (sandbox == NULL)
		return px_fail(err, PX_E_FORBIDDEN, "this server makes no sandboxes");
	/* What has been seen may be another process's stand-in, which has gone or is just going. */
	for (int i = 0; cage_try(sandbox, policy, &cage, &why) == -1; i++)
		if (i == TRIES || why.code != PX_E_IO ||
		    (why.sys != ENOENT && why.sys != EBUSY && why.sys != EWOULDBLOCK)) {
			if (err != NULL)
				*err = why;
			return -1;
		}
	*out = cage;
	return 0;
}

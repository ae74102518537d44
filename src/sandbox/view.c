#include "sandbox/view.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/policy.h"
#include "sandbox/resolve.h"
#include "sandbox/stand_in.h"

/* ---- the list ---- */

/* The number of the place with this path, or of the one before which it would be. */
static size_t
list_place(const struct px_view *view, const char *path, bool *out_found)
{
	size_t low = 0, high = view->count, mid;
	int order;

	*out_found = false;
	while (low < high) {
		mid = low + (high - low) / 2;
		order = strcmp(view->list[mid].path, path);
		if (order == 0) {
			*out_found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
wins(enum px_fs_access a, enum px_fs_access over)
{
	return over != PX_FS_NONE && (a == PX_FS_NONE || a > over);
}

static int
list_add(struct px_view *view, const char *path, enum px_fs_access access, enum px_view_kind kind,
    struct px_err *err)
{
	struct px_view_place *place;
	bool found;
	size_t at = list_place(view, path, &found);

	if (found) {
		if (wins(access, view->list[at].access))
			view->list[at].access = access;
		return 0;
	}
	if (view->count == PX_VIEW_MAX)
		return px_fail(err, PX_E_LIMIT, "a sandbox has more than %d places", PX_VIEW_MAX);
	if (view->count == view->room) {
		view->room = view->room == 0 ? 32 : view->room * 2;
		view->list = px_realloc_array(view->list, view->room, sizeof *view->list);
	}
	place = &view->list[at];
	memmove(place + 1, place, (view->count++ - at) * sizeof *place);
	*place = (struct px_view_place){ px_strdup(path), access, kind };
	return 0;
}

static void
list_remove(struct px_view *view, size_t at)
{
	free(view->list[at].path);
	view->count--;
	memmove(&view->list[at], &view->list[at + 1], (view->count - at) * sizeof *view->list);
}

const struct px_view_place *
px_view_find(const struct px_view *view, const char *path)
{
	char at[PATH_MAX];
	size_t len = strlen(path), place;
	bool found;

	for (; len > 1; len = (size_t)(strrchr(at, '/') - at)) {
		memcpy(at, path, len);
		at[len] = '\0';
		place = list_place(view, at, &found);
		if (found)
			return &view->list[place];
	}
	return &view->list[0];
}

/* The place above the one with this path. */
static const struct px_view_place *
place_above(const struct px_view *view, const char *path)
{
	char above[PATH_MAX];
	size_t len = (size_t)(strrchr(path, '/') - path);

	memcpy(above, path, len);
	above[len] = '\0';
	return px_view_find(view, above);
}

/* ---- from entries to places ---- */

/*
 * What is missing and shall not come to be is represented by the first name that
 * is; and what is in place of that for another sandbox is missing, too.
 */
static void
cut_at_missing(char *path, size_t there)
{
	char *end;

	path[there] = '\0';
	if (there > 1 && px_stand_in_is(path))
		return;
	path[there] = '/';
	if ((end = strchr(path + there + 1, '/')) != NULL)
		*end = '\0';
}

static void
links_note(struct px_view *view, const struct px_resolved *resolved)
{
	for (size_t i = 0; i < resolved->nlinks; i++) {
		size_t known = 0;

		while (known < view->nlinks &&
		       strcmp(view->links[known].path, resolved->link[i].path) != 0)
			known++;
		if (known < view->nlinks)
			continue;
		view->links = px_realloc_array(view->links, view->nlinks + 1, sizeof *view->links);
		view->links[view->nlinks++] =
		    (struct px_view_link){ px_strdup(resolved->link[i].path),
			    px_strdup(resolved->link[i].target) };
	}
}

/* Behind another user's closed directory there is nothing to allow, and nothing to deny. */
static bool
is_out_of_reach(const struct px_resolved *resolved, const struct px_err *err)
{
	char closed[PATH_MAX];
	const char *slash = strrchr(resolved->path, '/');
	struct stat st;

	if (err->code != PX_E_IO || err->sys != EACCES || slash == NULL)
		return false;
	snprintf(closed, sizeof closed, "%.*s/", (int)(slash - resolved->path), resolved->path);
	return stat(closed, &st) == 0 && st.st_uid != geteuid();
}

static int
entry_admit(struct px_view *view, const char *path, enum px_fs_access access, struct px_err *err)
{
	struct px_resolved resolved;
	enum px_view_kind kind;
	int result;

	if ((result = px_resolve(path, &resolved, err)) == 0) {
		links_note(view, &resolved);
		kind = resolved.directory ? PX_VIEW_DIRECTORY : PX_VIEW_FILE;
		if (resolved.there < strlen(resolved.path))
			kind = PX_VIEW_MISSING;
		/* What is not there yet cannot be written: it would have to be made first. */
		if (kind != PX_VIEW_MISSING || access != PX_FS_WRITE) {
			if (kind == PX_VIEW_MISSING)
				cut_at_missing(resolved.path, resolved.there);
			result = list_add(view, resolved.path, access, kind, err);
		}
	} else if (is_out_of_reach(&resolved, err)) {
		links_note(view, &resolved);
		result = 0;
	}
	px_resolved_done(&resolved);
	return result;
}

static int
guards_admit(struct px_view *view, const char *const *names, struct px_err *err)
{
	char path[PATH_MAX];
	struct px_view writable = { 0 };
	int result = 0;

	for (size_t i = 1; i < view->count && result == 0; i++)
		if (view->list[i].access == PX_FS_WRITE && view->list[i].kind == PX_VIEW_DIRECTORY)
			result = list_add(
			    &writable, view->list[i].path, PX_FS_WRITE, PX_VIEW_DIRECTORY, err);
	for (size_t i = 0; i < writable.count && result == 0; i++)
		for (const char *const *name = names; *name != NULL && result == 0; name++)
			if ((size_t)snprintf(path, sizeof path, "%s/%s", writable.list[i].path,
				*name) < sizeof path)
				result = entry_admit(view, path, PX_FS_READ, err);
	px_view_done(&writable);
	return result;
}

/* ---- what cannot be held ---- */

/* Who can exchange a link decides where the next sandbox's path leads. */
static int
links_check(const struct px_view *view, struct px_err *err)
{
	for (size_t i = 0; i < view->nlinks; i++)
		if (px_view_find(view, view->links[i].path)->access == PX_FS_WRITE)
			return px_fail(err, PX_E_FORBIDDEN,
			    "the sandbox has a path through the symbolic link '%s', which it may "
			    "itself change",
			    view->links[i].path);
	return 0;
}

static int
places_check(const struct px_view *view, struct px_err *err)
{
	for (size_t i = 1; i < view->count; i++)
		if (px_fs_path_is_in(view->list[i].path, "/proc") &&
		    view->list[i].access != PX_FS_READ)
			return px_fail(err, PX_E_FORBIDDEN,
			    "a sandbox has a /proc of its own, so '%s' cannot be as it is asked "
			    "for",
			    view->list[i].path);
	return links_check(view, err);
}

/* ---- simplification ---- */

static void
places_simplify(struct px_view *view)
{
	for (size_t i = 1; i < view->count;) {
		struct px_view_place *place = &view->list[i];
		const struct px_view_place *above = place_above(view, place->path);

		if (place->access == above->access || above->kind == PX_VIEW_MISSING ||
		    px_fs_path_is_in(place->path, "/proc") ||
		    (place->kind == PX_VIEW_MISSING && place->access > above->access)) {
			list_remove(view, i);
			continue;
		}
		if (place->kind == PX_VIEW_MISSING && above->access != PX_FS_WRITE)
			place->kind = PX_VIEW_ABSENT;
		i++;
	}
}

/* ---- directories that must stay where they are ---- */

/*
 * A directory that holds a mount can be renamed, and another one put in its place;
 * one that is a mount cannot. So whatever lies between a writable place and a
 * stricter one inside of it becomes a place too.
 */
static int
pins_add(struct px_view *view, struct px_err *err)
{
	char path[PATH_MAX];

	for (size_t i = 1; i < view->count; i++) {
		const struct px_view_place *place = &view->list[i],
					   *above = place_above(view, place->path);
		size_t top = strlen(above->path);
		char *slash;

		if (place->access == PX_FS_WRITE || above->access != PX_FS_WRITE ||
		    place->kind == PX_VIEW_ABSENT)
			continue;
		memcpy(path, place->path, strlen(place->path) + 1);
		slash = strrchr(path, '/');
		*slash = '\0';
		if (strlen(path) <= top)
			continue;
		/* They come before this place, which is met again then, and has one above it. */
		do {
			if (list_add(view, path, PX_FS_WRITE, PX_VIEW_DIRECTORY, err) == -1)
				return -1;
			slash = strrchr(path, '/');
			*slash = '\0';
		} while ((size_t)(slash - path) > top);
	}
	return 0;
}

/* ---- the whole ---- */

static enum px_fs_access
root_access(const struct px_policy *policy)
{
	enum px_fs_access access = PX_FS_NONE;
	bool is_said = false;

	for (size_t i = 0; i < policy->count; i++) {
		const struct px_policy_entry *entry = &policy->list[i];

		if (strcmp(entry->path, "/") != 0 || (is_said && !wins(entry->access, access)))
			continue;
		access = entry->access;
		is_said = true;
	}
	return access;
}

static int
view_fill(const struct px_policy *policy, struct px_view *view, struct px_err *err)
{
	if (list_add(view, "/", root_access(policy), PX_VIEW_DIRECTORY, err) == -1)
		return -1;
	for (size_t i = 0; i < policy->count; i++)
		if (strcmp(policy->list[i].path, "/") != 0 &&
		    entry_admit(view, policy->list[i].path, policy->list[i].access, err) == -1)
			return -1;
	if (policy->guarded != NULL && view->list[0].access != PX_FS_WRITE &&
	    guards_admit(view, policy->guarded, err) == -1)
		return -1;
	if (places_check(view, err) == -1)
		return -1;
	places_simplify(view);
	return pins_add(view, err);
}

int
px_view_make(const struct px_policy *policy, struct px_view *out, struct px_err *err)
{
	struct px_view view = { .network = policy->network };

	if (view_fill(policy, &view, err) == -1) {
		px_view_done(&view);
		return -1;
	}
	*out = view;
	return 0;
}

void
px_view_done(struct px_view *view)
{
	for (size_t i = 0; i < view->count; i++)
		free(view->list[i].path);
	for (size_t i = 0; i < view->nlinks; i++) {
		free(view->links[i].path);
		free(view->links[i].target);
	}
	free(view->list);
	free(view->links);
	*view = (struct px_view){ 0 };
}

bool
px_view_is_open(const struct px_view *view)
{
	return view->network && view->count == 1 && view->list[0].access == PX_FS_WRITE;
}

/* A sandbox's own /proc and /dev hide the machine's, in which this server's environment can be
 * read. */
struct px_fs_rule *
px_view_rules(const struct px_view *view, size_t *out_count)
{
	struct px_fs_rule *rules = px_alloc((view->count + 2) * sizeof *rules);
	size_t n = 0;

	if (!px_view_is_open(view))
		rules[n++] = (struct px_fs_rule){ "/proc", PX_FS_NONE };
	if (view->list[0].access != PX_FS_WRITE)
		rules[n++] = (struct px_fs_rule){ "/dev", PX_FS_NONE };
	for (size_t i = 0; i < view->count; i++)
		rules[n++] = (struct px_fs_rule){ view->list[i].path, view->list[i].access };
	*out_count = n;
	return rules;
}

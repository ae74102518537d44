#include "sandbox/bwrap.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "proc/enter.h"
#include "sandbox/view.h"

static void
add_on(struct px_bytes *args, const char *option, const char *path)
{
	px_bytes_add_str(args, option);
	px_bytes_add_str(args, path);
}

static void
add_bind(struct px_bytes *args, const char *option, const char *from, const char *to)
{
	add_on(args, option, from);
	px_bytes_add_str(args, to);
}

static void
add_namespaces(struct px_bytes *args, const struct px_view *view)
{
	_Static_assert(PX_ENTER_FILTER == 4, "as written here");

	/* A user's also for root, whose powers would reach outside. */
	px_bytes_add_str(args, "--unshare-user");
	px_bytes_add_str(args, "--unshare-pid");
	px_bytes_add_str(args, "--unshare-ipc");
	px_bytes_add_str(args, "--unshare-uts");
	if (!view->network)
		px_bytes_add_str(args, "--unshare-net");
	add_on(args, "--cap-drop", "ALL");
	px_bytes_add_str(args, "--die-with-parent");
	add_on(args, "--seccomp", "4");
}

/*
 * What in /proc is the whole machine's belongs to its root, who needs no capability
 * to write there: kernel.core_pattern names a program that the kernel then runs
 * outside of everything. bubblewrap covers a directory only if it is itself writable.
 * That these are covered also keeps a nested namespace from a /proc without covers
 * (mount_namespaces(7)).
 */
static void
add_proc(struct px_bytes *args)
{
	static const char *const machine[] = { "/proc/acpi", "/proc/asound", "/proc/bus",
		"/proc/cpu", "/proc/driver", "/proc/dynamic_debug", "/proc/fs", "/proc/irq",
		"/proc/latency_stats", "/proc/mtrr", "/proc/pressure", "/proc/scsi", "/proc/sys",
		"/proc/sysrq-trigger", "/proc/tty", NULL };

	add_on(args, "--proc", "/proc");
	for (const char *const *path = machine; *path != NULL; path++)
		add_bind(args, "--ro-bind-try", *path, *path);
}

static void
add_root(struct px_bytes *args, const struct px_view *view)
{
	enum px_fs_access access = view->list[0].access;

	if (access == PX_FS_WRITE)
		add_bind(args, "--dev-bind", "/", "/");
	else if (access == PX_FS_READ)
		add_bind(args, "--ro-bind", "/", "/");
	if (access != PX_FS_WRITE)
		add_on(args, "--dev", "/dev");
	add_proc(args);
}

static bool
has_places_below(const struct px_view *view, const struct px_view_place *place)
{
	for (size_t i = 1; i < view->count; i++)
		if (&view->list[i] != place && view->list[i].kind != PX_VIEW_ABSENT &&
		    px_fs_path_is_in(view->list[i].path, place->path))
			return true;
	return false;
}

/* A device cannot be opened there, so /dev/null denies what it covers. */
static void
add_denial(struct px_bytes *args, const struct px_view *view, const struct px_view_place *place)
{
	if (place->kind == PX_VIEW_FILE) {
		add_bind(args, "--ro-bind", "/dev/null", place->path);
		return;
	}
	add_on(args, "--perms", has_places_below(view, place) ? "0111" : "0000");
	add_on(args, "--tmpfs", place->path);
}

static void
add_place(struct px_bytes *args, const struct px_view *view, const struct px_view_place *place)
{
	bool devices = view->list[0].access == PX_FS_WRITE;

	if (place->kind == PX_VIEW_ABSENT)
		return;
	if (place->access == PX_FS_NONE)
		add_denial(args, view, place);
	else if (place->access == PX_FS_READ)
		add_bind(args, "--ro-bind", place->path, place->path);
	else
		add_bind(args, devices ? "--dev-bind" : "--bind", place->path, place->path);
}

/* Links are seen where what they lie in is; elsewhere they have to be made. */
static void
add_links(struct px_bytes *args, const struct px_view *view)
{
	for (size_t i = 0; i < view->nlinks; i++)
		if (px_view_find(view, view->links[i].path)->access == PX_FS_NONE)
			add_bind(args, "--symlink", view->links[i].target, view->links[i].path);
}

/* When everything is in them. */
static void
close_denied(struct px_bytes *args, const struct px_view *view)
{
	for (size_t i = view->count; i-- > 0;) {
		const struct px_view_place *place = &view->list[i];

		if (place->access == PX_FS_NONE &&
		    (place->kind == PX_VIEW_DIRECTORY || place->kind == PX_VIEW_MISSING))
			add_on(args, "--remount-ro", place->path);
	}
}

void
px_bwrap_args(const struct px_view *view, char **out, size_t *out_len)
{
	struct px_bytes args = { 0 };

	add_namespaces(&args, view);
	add_root(&args, view);
	for (size_t i = 1; i < view->count; i++)
		add_place(&args, view, &view->list[i]);
	add_links(&args, view);
	close_denied(&args, view);
	*out = args.data;
	*out_len = args.len;
}

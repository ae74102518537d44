#include "rpc/file_watch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/mem.h"
#include "fs/missing.h"
#include "rpc/call.h"
#include "rpc/files.h"

struct px_file_watch {
	struct px_peer *peer;
	struct px_call *call; /* to be answered; NULL once it is */
	int64_t id;
	atomic_bool dropped; /* freed by who arms it, who stops */
	bool arming;         /* a thread has what follows */
	char **paths;
	size_t count;
	char *present;
	struct px_missing *missing;
	bool has_failed;
	struct px_err err;
	struct event *readable; /* the loop's */
};

static void watch_arm(struct px_file_watch *watch);

static void
watch_disarm(struct px_file_watch *watch)
{
	if (watch->readable != NULL)
		event_free(watch->readable);
	watch->readable = NULL;
	px_missing_free(watch->missing);
	watch->missing = NULL;
}

static void
watch_free(struct px_file_watch *watch)
{
	watch_disarm(watch);
	for (size_t i = 0; i < watch->count; i++)
		free(watch->paths[i]);
	free(watch->paths);
	free(watch->present);
	free(watch);
}

void
px_file_watch_end(struct px_peer *peer)
{
	struct px_file_watch *watch = peer->file_watch;

	peer->file_watch = NULL;
	if (watch == NULL)
		return;
	atomic_store(&watch->dropped, true);
	if (!watch->arming)
		watch_free(watch);
}

/* What was waited for has come, or it can no longer be known: the client looks for itself. */
static void
watch_tell(struct px_file_watch *watch)
{
	struct px_peer *peer = watch->peer;
	struct px_json_out *json = px_peer_note(peer, PX_NOTE_MISSING);

	if (json != NULL) {
		px_json_open(json);
		px_json_kv_int(json, "watchId", watch->id);
		px_json_close(json);
		px_peer_note_end(peer);
	}
	px_file_watch_end(peer);
}

static void
watch_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct px_file_watch *watch = arg;
	enum px_missing_news news = px_missing_read(watch->missing);

	(void)fd;
	(void)what;
	if (news == PX_MISSING_CHANGED)
		watch_tell(watch);
	else if (news == PX_MISSING_MOVED)
		watch_arm(watch);
}

/* ---- arming ---- */

static bool
arm_run(void *arg, const atomic_bool *stop)
{
	struct px_file_watch *watch = arg;
	const struct px_missing_spec spec = { (const char *const *)watch->paths, watch->count,
		watch->present };

	(void)stop; /* the end of the connection drops the watch */
	watch->has_failed =
	    px_missing_new(&spec, &watch->dropped, &watch->missing, &watch->err) == -1;
	return true;
}

static void
arm_answer(struct px_file_watch *watch)
{
	struct px_call *call = watch->call;

	watch->call = NULL;
	if (watch->dropped)
		px_call_bool(call, "watching", false);
	else if (watch->has_failed)
		px_call_fail(call, &watch->err);
	else
		px_call_bool(call, "watching", watch->missing != NULL);
}

static void
arm_done(void *arg, bool cancelled)
{
	struct px_file_watch *watch = arg;
	bool first = watch->call != NULL;

	watch->arming = false;
	/* One that was replaced is answered no earlier: as long as it is held, its request counts.
	 */
	if (first)
		arm_answer(watch);
	if (watch->dropped || cancelled) {
		if (!watch->dropped)
			watch->peer->file_watch = NULL;
		watch_free(watch);
		return;
	}
	if (watch->missing != NULL) {
		watch->readable = event_new(watch->peer->rpc->base, px_missing_fd(watch->missing),
		    EV_READ | EV_PERSIST, watch_on_readable, watch);
		event_add(watch->readable, NULL);
	} else if (first) {
		px_file_watch_end(watch->peer);
	} else {
		watch_tell(watch);
	}
}

static int
arm_submit(struct px_file_watch *watch, struct px_err *err)
{
	static const struct px_pool_work work = { .run = arm_run, .done = arm_done };

	if (px_pool_submit(watch->peer->files, &work, watch, err) == -1)
		return -1;
	watch->arming = true;
	return 0;
}

static void
watch_arm(struct px_file_watch *watch)
{
	watch_disarm(watch);
	if (arm_submit(watch, NULL) == -1)
		watch_tell(watch);
}

/* The connection is over; what is being armed is dropped with it. */
static void
watch_cancel(void *arg)
{
	struct px_file_watch *watch = arg;

	watch->call = NULL;
}

int
px_file_watch_start(
    struct px_call *call, int64_t id, char **paths, size_t count, char *present, struct px_err *err)
{
	struct px_file_watch *watch = px_new(struct px_file_watch);
	struct px_peer *peer = call->peer;

	*watch = (struct px_file_watch){ .peer = peer,
		.call = call,
		.id = id,
		.paths = paths,
		.count = count,
		.present = present };
	px_file_watch_end(peer);
	if (px_peer_files_begin(peer, err) == -1 || arm_submit(watch, err) == -1) {
		watch_free(watch);
		return -1;
	}
	peer->file_watch = watch;
	px_call_defer(call, watch_cancel, watch);
	return 0;
}

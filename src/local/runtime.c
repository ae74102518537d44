#include "local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/daemon.h"
#include "client/error.h"
#include "local/state.h"
#include "px_version.h"
#include "session/name.h"

enum {
	STDIN_QUEUE_BYTES = 1024 * 1024,
	RETAINED_BYTES = 1024 * 1024,
	MAX_PROCESSES = 4096,
	RETENTION_MS = 600 * 1000,
	GIVE_UP_MS = 2000, /* from the use of force to the last look */
	PATH_SIZE = 4096
};

/* ---- the thread ---- */

static struct px_local_call *
queue_take(struct px_local *local)
{
	struct px_local_call *call;

	pthread_mutex_lock(&local->lock);
	if ((call = TAILQ_FIRST(&local->queued)) != NULL)
		TAILQ_REMOVE(&local->queued, call, link);
	pthread_mutex_unlock(&local->lock);
	return call;
}

static void
local_on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct px_local *local = arg;
	struct px_local_call *call;
	uint64_t count;
	bool drained;

	(void)what;
	(void)!read(fd, &count, sizeof count);
	pthread_mutex_lock(&local->lock);
	local->woken = false;
	drained = local->drained;
	local->drained = false;
	pthread_mutex_unlock(&local->lock);
	if (drained) {
		atomic_store(&local->stalled, false);
		px_follow_pump_all(local);
	}
	/* Each answer goes out before the next start, which takes a while. */
	while ((call = queue_take(local)) != NULL) {
		px_local_run(call);
		px_local_flush(local);
	}
}

static void
local_on_hurry(evutil_socket_t fd, short what, void *arg)
{
	struct px_local *local = arg;
	struct timeval tv = px_ms_tv(GIVE_UP_MS);

	(void)fd;
	(void)what;
	if (local->hurried)
		local->given_up = true;
	else
		event_add(local->hurry, &tv);
	local->hurried = true;
	px_procs_hurry(px_core_procs(local->core));
}

static void
spare_close(struct px_local *local)
{
	for (size_t i = 0; i < PX_LOCAL_SPARE; i++)
		if (local->spare[i] != -1)
			close(local->spare[i]);
	memset(local->spare, -1, sizeof local->spare);
}

/*
 * All that runs gets its grace; nobody hears of its end any more. What cannot be
 * seen to have ended, as the core makes sure of once more, is given up.
 */
static void
local_end(struct px_local *local)
{
	struct timeval tv = px_ms_tv(local->grace_ms);

	px_local_lose(local);
	px_local_files_stop(local);
	spare_close(local);
	event_del(local->wake);
	px_follow_remove_all(local);
	px_core_stop(local->core);
	event_add(local->hurry, &tv);
	while (!px_core_idle(local->core) && !local->given_up &&
	       event_base_loop(local->base, EVLOOP_ONCE) != -1)
		continue;
	px_local_files_end(local);
	px_workspace_leave(&local->member);
}

static void *
local_main(void *arg)
{
	const struct px_procs *procs;
	struct px_local *local = arg;

	pthread_setname_np(pthread_self(), "ptyexec-core");
	procs = px_core_procs(local->core);
	if (local->guardian.fd != -1)
		(void)px_guardian_arm(
		    &local->guardian, px_procs_mark(procs), px_procs_mask, local->grace_ms, NULL);
	/* It fails when the host has closed descriptors that are not its own. */
	while (!px_local_is_over(local) && event_base_loop(local->base, EVLOOP_ONCE) != -1)
		px_local_flush(local);
	local_end(local);
	px_core_free(local->core);
	px_guardian_end(&local->guardian);
	return NULL;
}

/* ---- the beginning ---- */

static void
limit_add(struct px_local *local, const char *name, int64_t value)
{
	local->limits[local->nlimits++] = (struct px_limit){ name, value };
}

static void
core_open(struct px_local *local, const struct px_client_options *options)
{
	struct px_core_options core = {
		.procs = { .stdin_queue_bytes = STDIN_QUEUE_BYTES,
		    .bound = local->guardian.fd != -1 ? PX_BOUND_UNMARKED : PX_BOUND_ALL },
		.max_running = options->max_processes > 0 ? options->max_processes : MAX_PROCESSES,
		.retained_bytes =
		    options->retained_bytes > 0 ? options->retained_bytes : RETAINED_BYTES,
		.grace_ms = local->grace_ms,
		.exited_retention_ms = RETENTION_MS,
	};

	core.max_running_per_workspace = core.max_running;
	local->core = px_core_new(local->base, &core);
	limit_add(local, "maxProcesses", (int64_t)core.max_running);
	limit_add(local, "maxProcessesPerConnection", (int64_t)core.max_running);
	limit_add(local, "maxConcurrentRequestsPerConnection", local->capacity);
	limit_add(local, "maxFileRequestsPerConnection", PX_LOCAL_FILE_REQUESTS);
	limit_add(local, "maxFileBytes", PX_LOCAL_FILE_BYTES);
	limit_add(local, "retainedOutputBytesPerProcess", (int64_t)core.retained_bytes);
	limit_add(local, "stdinQueueBytes", STDIN_QUEUE_BYTES);
	limit_add(local, "shutdownGracePeriodMs", core.grace_ms);
	limit_add(local, "exitedRetentionMs", RETENTION_MS);
}

static int
refused(const struct px_err *why, struct px_error *err)
{
	struct px_error error;

	px_error_refusal(&error, why);
	return px_error_copy(err, &error);
}

static int
workspace_join(
    struct px_local *local, const struct px_client_options *options, struct px_error *err)
{
	const char *name = options->workspace, *token = options->resume_token;
	struct px_err why;

	if (token != NULL) {
		if (px_workspace_resume(local->core, &px_terms_lasting, token, strlen(token),
			&local->member, &why) == -1)
			return refused(&why, err);
	} else if (name == NULL) {
		px_workspace_join_new(local->core, &px_terms_lasting, &local->member);
	} else {
		if (px_name_check("workspace", name, strlen(name), &why) == -1)
			return refused(&why, err);
		px_workspace_join_named(local->core, name, strlen(name), &local->member);
	}
	return 0;
}

/*
 * libevent ends the process when it gets no descriptors for a loop (an epoll set
 * and a pair for signals), so that there must be some left before it is asked.
 * Afterwards they are kept, for the looking about in /proc at the end.
 */
static bool
has_descriptors(struct px_local *local)
{
	bool found = true;

	for (size_t i = 0; i < PX_LOCAL_SPARE; i++) {
		local->spare[i] = fcntl(local->wake_fd, F_DUPFD_CLOEXEC, 0);
		found = found && local->spare[i] != -1;
	}
	return found;
}

/* A loop for one thread, whatever the host has told libevent about threads. */
static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static int
loop_open(struct px_local *local, struct px_error *err)
{
	local->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	local->out_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (local->wake_fd == -1 || local->out_fd == -1 || !has_descriptors(local))
		return px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot make an event loop");
	spare_close(local);
	if ((local->base = base_new()) == NULL || !has_descriptors(local))
		return px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot make an event loop");
	local->wake =
	    event_new(local->base, local->wake_fd, EV_READ | EV_PERSIST, local_on_wake, local);
	local->hurry = evtimer_new(local->base, local_on_hurry, local);
	event_add(local->wake, NULL);
	return 0;
}

/* No signal of the host is ever handled in our thread. */
static int
thread_start(struct px_local *local, struct px_error *err)
{
	sigset_t all, before;
	int sys;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sys = pthread_create(&local->thread, NULL, local_main, local);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (sys != 0)
		return px_error_set_sys(err, PX_ERROR_SYSTEM, sys, "cannot start a thread");
	return 0;
}

static void
guardian_open(struct px_local *local)
{
	char path[PATH_SIZE];

	local->guardian.fd = -1;
	/* Without one, the programs are bound to our thread's life instead. */
	(void)px_guardian_launch(px_daemon_program(path, sizeof path), &local->guardian, NULL);
}

static struct px_local *
local_new(const struct px_client_options *options)
{
	struct px_local *local = px_new(struct px_local);

	local->capacity = options->capacity > 0 ? options->capacity : 1;
	local->queue_bytes = options->queue_bytes > 0 ? options->queue_bytes : 1;
	local->lossy = options->slow_consumer == PX_SLOW_LAG;
	local->started_events = options->started_events;
	local->grace_ms = options->grace_ms > 0 ? options->grace_ms : 0;
	local->started_ms = px_now_ms();
	local->open = px_alloc(local->capacity * sizeof *local->open);
	px_surroundings_find(&local->surroundings);
	memset(local->spare, -1, sizeof local->spare);
	pthread_mutex_init(&local->lock, NULL);
	TAILQ_INIT(&local->queued);
	TAILQ_INIT(&local->outbox);
	TAILQ_INIT(&local->waiting);
	TAILQ_INIT(&local->follows);
	TAILQ_INIT(&local->fresh);
	return local;
}

int
px_local_new(const struct px_client_options *options, struct px_local **out, struct px_error *err)
{
	struct px_local *local = local_new(options);

	guardian_open(local);
	if (loop_open(local, err) == -1)
		goto fail;
	core_open(local, options);
	if (workspace_join(local, options, err) == -1 || thread_start(local, err) == -1) {
		px_core_free(local->core);
		goto fail;
	}
	*out = local;
	return 0;
fail:
	px_guardian_end(&local->guardian);
	px_local_free(local);
	return -1;
}

void
px_local_greeting(const struct px_local *local, struct px_greeting *out)
{
	*out = (struct px_greeting){ .server_name = "libptyexec",
		.server_version = PX_VERSION,
		.workspace = px_workspace_id(local->member.workspace),
		.resume_token = px_workspace_token(local->member.workspace),
		.hostname = local->surroundings.hostname,
		.shell = local->surroundings.shell,
		.cwd = local->surroundings.cwd,
		.home = local->surroundings.home,
		.limits = local->limits,
		.nlimits = local->nlimits };
}

/* ---- the end ---- */

void
px_local_close(struct px_local *local)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&local->lock);
	local->closing = true;
	pthread_mutex_unlock(&local->lock);
	(void)!write(local->wake_fd, &one, sizeof one);
	pthread_join(local->thread, NULL);
}

int
px_local_fd(const struct px_local *local)
{
	return local->out_fd;
}

void
px_local_free(struct px_local *local)
{
	struct px_heard *heard;

	while ((heard = TAILQ_FIRST(&local->outbox)) != NULL) {
		TAILQ_REMOVE(&local->outbox, heard, link);
		px_heard_free(heard);
	}
	if (local->wake != NULL)
		event_free(local->wake);
	if (local->hurry != NULL)
		event_free(local->hurry);
	if (local->base != NULL)
		event_base_free(local->base);
	spare_close(local);
	if (local->wake_fd != -1)
		close(local->wake_fd);
	if (local->out_fd != -1)
		close(local->out_fd);
	pthread_mutex_destroy(&local->lock);
	px_surroundings_done(&local->surroundings);
	free(local->open);
	free(local);
}

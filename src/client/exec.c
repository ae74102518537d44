#include <ptyexec/exec.h>

#include "base/clock.h"
#include "client/collect.h"
#include "client/error.h"
#include "client/state.h"

enum { INPUT_PIECE = 64 * 1024, END_MS = 10000 };

/* Input on its way: one piece at a time, so that no more than that waits for room. */
struct feed {
	const char *data;
	size_t left;
	bool ended;
	int64_t request; /* unanswered; 0: none; PX_REQUEST_SLOT: the next one has no place yet */
};

/* ---- input ---- */

static void
feed_next(struct feed *feed, struct px_client *client, const char *session)
{
	size_t piece = feed->left < INPUT_PIECE ? feed->left : INPUT_PIECE;
	struct px_error error;
	int64_t request = piece > 0 ? px_client_write(client, session, feed->data, piece, &error)
				    : px_client_close_stdin(client, session, &error);

	if (request == -1 && error.code == PX_ERROR_BUSY) {
		feed->request = PX_REQUEST_SLOT;
		return;
	}
	/* The loss of the connection is told to whoever waits for the program. */
	feed->request = request != -1 ? request : 0;
	feed->ended = piece == 0 || request == -1;
	feed->data += piece;
	feed->left -= piece;
}

/* A program that does not want more of it has not failed. */
static void
feed_step(struct feed *feed, struct px_client *client, const char *session)
{
	struct px_error error;

	if (feed->request > 0) {
		if (px_client_settle(client, feed->request, 0, &error) == -1) {
			if (error.code == PX_ERROR_TIMEOUT || error.code == PX_ERROR_BUSY)
				return;
			feed->ended = true;
		}
	}
	feed->request = 0;
	if (!feed->ended)
		feed_next(feed, client, session);
}

/* ---- the window ---- */

struct window {
	int64_t deadline, idle_ms;
	int64_t idle_at; /* when the silence will have been long enough; INT64_MAX: not yet known */
};

/* The time in 'ms', which may be any number. */
static int64_t
time_in(int64_t ms)
{
	int64_t now = px_now_ms();

	return ms < INT64_MAX - now ? now + ms : INT64_MAX;
}

static void
window_open(struct window *window, const struct px_yield *yield)
{
	*window = (struct window){ INT64_MAX, 0, INT64_MAX };
	if (yield == NULL)
		return;
	if (yield->deadline_ms > 0)
		window->deadline = time_in(yield->deadline_ms);
	window->idle_ms = yield->idle_ms;
}

static int64_t
window_end(const struct window *window)
{
	return window->idle_at < window->deadline ? window->idle_at : window->deadline;
}

/* ---- collecting ---- */

/* False: there is nothing to take now. */
static bool
take_one(struct px_client *client, const char *session, struct px_collecting *collecting,
    struct window *window, struct px_error *err)
{
	struct px_event *event = px_client_next(client, session, 0, err);

	if (event == NULL)
		return false;
	if (event->type == PX_EVENT_OUTPUT && window->idle_ms > 0)
		window->idle_at = time_in(window->idle_ms);
	px_collecting_add(collecting, event);
	px_event_free(event);
	return true;
}

/* -1: the connection is lost. */
static int
collect(struct px_client *client, const char *session, struct feed *feed, struct window *window,
    struct px_collecting *collecting, struct px_error *err)
{
	struct px_error why = { 0 };

	while (!collecting->over) {
		feed_step(feed, client, session);
		if (take_one(client, session, collecting, window, &why))
			continue;
		if (why.code != PX_ERROR_TIMEOUT)
			return px_error_copy(err, &why);
		if (px_now_ms() >= window_end(window))
			return 0;
		px_client_wait_for(client, session, feed->request, window_end(window));
	}
	return 0;
}

static struct px_collected *
communicate(struct px_client *client, const char *session, struct feed *feed,
    const struct px_yield *yield, struct px_error *err)
{
	struct px_collecting collecting;
	struct px_collected *result = NULL;
	struct window window;

	px_collecting_init(&collecting, yield != NULL ? yield->max_bytes : 0);
	window_open(&window, yield);
	if (collect(client, session, feed, &window, &collecting, err) == 0 || collecting.told)
		result = px_collecting_result(&collecting, err);
	px_collecting_done(&collecting);
	px_client_forget(client, feed->request);
	return result;
}

struct px_collected *
px_collect(struct px_client *client, const char *session, const struct px_yield *yield,
    struct px_error *err)
{
	struct feed nothing = { .ended = true };

	return communicate(client, session, &nothing, yield, err);
}

struct px_collected *
px_communicate(struct px_client *client, const char *session, const void *input, size_t len,
    const struct px_yield *yield, struct px_error *err)
{
	struct feed feed = { .data = input, .left = input != NULL ? len : 0 };

	return communicate(client, session, &feed, yield, err);
}

/* ---- a whole life ---- */

/* Its time is up; what it has written until then still comes. */
static int
end_by_force(struct px_client *client, const char *session, struct px_collecting *collecting,
    struct px_error *err)
{
	struct feed nothing = { .ended = true };
	struct window window = { px_now_ms() + END_MS, 0, INT64_MAX };

	px_client_forget(client, px_client_terminate(client, session, PX_TERMINATE_FORCE, NULL));
	return collect(client, session, &nothing, &window, collecting, err);
}

static struct px_collected *
run(struct px_client *client, const char *session, struct feed *feed, const struct px_yield *yield,
    struct px_error *err)
{
	struct px_collecting collecting;
	struct px_collected *result = NULL;
	struct window window;

	px_collecting_init(&collecting, yield != NULL ? yield->max_bytes : 0);
	window_open(&window, yield);
	window.idle_ms = 0;
	if (collect(client, session, feed, &window, &collecting, err) == 0 &&
	    (collecting.over || end_by_force(client, session, &collecting, err) == 0))
		result = px_collecting_result(&collecting, err);
	px_collecting_done(&collecting);
	px_client_forget(client, feed->request);
	px_client_forget(client, px_client_release(client, session, NULL));
	return result;
}

struct px_collected *
px_run(struct px_client *client, const struct px_command *command, const void *input, size_t len,
    const struct px_yield *yield, struct px_error *err)
{
	struct feed feed = { .data = input, .left = input != NULL ? len : 0 };
	struct px_answer *started =
	    px_client_await(client, px_client_start(client, command, err), -1, err);
	struct px_collected *result;

	if (started == NULL)
		return NULL;
	feed.ended = command->no_stdin && !command->pty;
	result = run(client, started->start.session, &feed, yield, err);
	px_answer_free(started);
	return result;
}

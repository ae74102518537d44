#include "session/wait.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "session/matcher.h"
#include "session/state.h"

struct px_wait {
	TAILQ_ENTRY(px_wait) link;
	struct px_session *session;
	px_wait_fn *done;
	void *arg;
	struct px_wait_until until;
	struct px_matcher *matcher[PX_UNTIL_MAX];
	uint64_t bytes;                   /* seen so far */
	uint64_t reached[PX_STREAMS_MAX]; /* of each stream; what follows may leave a hole */
	struct event *idle, *timeout;
};

const struct px_wait_until px_wait_until_exit = { .idle_ms = -1, .bytes = -1, .timeout_ms = -1 };

const char *
px_reason_word(enum px_reason reason)
{
	static const char *const words[] = {
		[PX_REASON_EXIT] = "exit",
		[PX_REASON_LOST] = "lost",
		[PX_REASON_IDLE] = "idle",
		[PX_REASON_BYTES] = "bytes",
		[PX_REASON_MATCH] = "match",
		[PX_REASON_EVENT] = "event",
		[PX_REASON_TIMEOUT] = "timeout",
		[PX_REASON_OPENED] = "opened",
		[PX_REASON_GONE] = "gone",
	};

	return words[reason];
}

int
px_fail_gone(struct px_err *err)
{
	return px_fail(err, PX_E_SESSION, "the session was released");
}

static void
wait_free(struct px_wait *wait)
{
	for (size_t i = 0; i < wait->until.nmatch; i++)
		px_matcher_free(wait->matcher[i]);
	if (wait->idle != NULL)
		event_free(wait->idle);
	if (wait->timeout != NULL)
		event_free(wait->timeout);
	free(wait);
}

void
px_wait_cancel(struct px_wait *wait)
{
	TAILQ_REMOVE(&wait->session->waits, wait, link);
	px_closed_settled(wait->session);
	wait_free(wait);
}

static void
wait_finish(struct px_wait *wait, enum px_reason reason)
{
	px_wait_fn *done = wait->done;
	void *arg = wait->arg;

	px_wait_cancel(wait);
	done(arg, reason);
}

static void
wait_on_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wait_finish(arg, PX_REASON_IDLE);
}

static void
wait_on_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wait_finish(arg, PX_REASON_TIMEOUT);
}

static struct event *
timer_start(
    const struct px_session *session, event_callback_fn fn, struct px_wait *wait, int64_t ms)
{
	struct event *timer = evtimer_new(session->ws->core->base, fn, wait);
	struct timeval tv = px_ms_tv(ms);

	event_add(timer, &tv);
	return timer;
}

/* One chunk of output; true when a condition is met by it. */
static bool
wait_takes(struct px_wait *wait, const struct px_chunk *chunk, enum px_reason *out_reason)
{
	bool found = false;

	if (chunk->offset != wait->reached[chunk->stream])
		for (size_t i = 0; i < wait->until.nmatch; i++)
			px_matcher_break(wait->matcher[i], chunk->stream);
	wait->reached[chunk->stream] = chunk->offset + chunk->run[0].len + chunk->run[1].len;
	for (size_t r = 0; r < sizeof chunk->run / sizeof chunk->run[0]; r++) {
		wait->bytes += chunk->run[r].len;
		for (size_t i = 0; i < wait->until.nmatch; i++)
			found |= px_matcher_feed(
			    wait->matcher[i], chunk->stream, chunk->run[r].data, chunk->run[r].len);
	}
	wait->bytes += chunk->lost;
	*out_reason = found ? PX_REASON_MATCH : PX_REASON_BYTES;
	return found || (wait->until.bytes >= 0 && wait->bytes >= (uint64_t)wait->until.bytes);
}

/* What is retained behind the place counts too. */
static bool
wait_takes_past(struct px_wait *wait, enum px_reason *out_reason)
{
	struct px_transcript *transcript = wait->session->transcript;
	struct px_cursor cursor;
	struct px_chunk chunk;

	if (!wait->until.has_after)
		return wait->until.bytes == 0 && (*out_reason = PX_REASON_BYTES, true);
	px_transcript_seek(transcript, wait->until.after, &cursor);
	while (px_transcript_read(transcript, &cursor, &chunk, NULL) == 1)
		if (wait_takes(wait, &chunk, out_reason))
			return true;
	return wait->until.bytes == 0 && (*out_reason = PX_REASON_BYTES, true);
}

static bool
event_is_there(const struct px_session *session, const struct px_wait_until *until)
{
	return session->closed ||
	       (until->has_after && px_transcript_next_seq(session->transcript) - 1 > until->after);
}

static enum px_reason
exit_reason(const struct px_session *session)
{
	return session->exit.lost ? PX_REASON_LOST : PX_REASON_EXIT;
}

static bool
wait_is_over(struct px_wait *wait, enum px_reason *out_reason)
{
	const struct px_session *session = wait->session;

	if (wait->until.opened) {
		*out_reason = PX_REASON_OPENED;
		return !session->opening;
	}
	if (wait->until.event && event_is_there(session, &wait->until)) {
		*out_reason = PX_REASON_EVENT;
		return true;
	}
	/* What is kept was written before the exit. */
	if (wait_takes_past(wait, out_reason))
		return true;
	if (!wait->until.event && session->exited) {
		*out_reason = exit_reason(session);
		return true;
	}
	*out_reason = PX_REASON_TIMEOUT;
	return wait->until.timeout_ms == 0;
}

struct px_wait *
px_wait_new(struct px_session *session, const struct px_wait_until *until, px_wait_fn *done,
    void *arg, enum px_reason *out_reason)
{
	struct px_wait *wait = px_new(struct px_wait);

	wait->session = session;
	wait->until = *until;
	if (!until->exact && until->after >= px_transcript_next_seq(session->transcript))
		wait->until.after = px_transcript_next_seq(session->transcript) - 1;
	wait->done = done;
	wait->arg = arg;
	for (size_t i = 0; i < until->nmatch; i++)
		wait->matcher[i] = px_matcher_new(until->match[i].text, until->match[i].len);
	if (wait_is_over(wait, out_reason)) {
		wait_free(wait);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&session->waits, wait, link);
	if (until->idle_ms >= 0)
		wait->idle = timer_start(session, wait_on_idle, wait, until->idle_ms);
	if (until->timeout_ms >= 0)
		wait->timeout = timer_start(session, wait_on_timeout, wait, until->timeout_ms);
	return wait;
}

void
px_waits_on_output(struct px_session *session, const struct px_chunk *chunk)
{
	struct px_wait *wait, *next;
	enum px_reason reason;

	TAILQ_FOREACH_SAFE (wait, &session->waits, link, next) {
		struct timeval tv = px_ms_tv(wait->until.idle_ms);

		if (wait->until.event && event_is_there(session, &wait->until))
			wait_finish(wait, PX_REASON_EVENT);
		else if (wait->until.event)
			continue;
		else if (wait_takes(wait, chunk, &reason))
			wait_finish(wait, reason);
		else if (wait->idle != NULL)
			event_add(wait->idle, &tv);
	}
}

static void
waits_finish(struct px_session *session, bool only_events, enum px_reason reason)
{
	struct px_wait *wait, *next;

	TAILQ_FOREACH_SAFE (wait, &session->waits, link, next) {
		if (!wait->until.event) {
			if (!only_events)
				wait_finish(wait, reason);
		} else if (reason == PX_REASON_GONE) {
			wait_finish(wait, reason);
		} else if (event_is_there(session, &wait->until)) {
			wait_finish(wait, PX_REASON_EVENT);
		}
	}
}

void
px_waits_on_opened(struct px_session *session)
{
	struct px_wait *wait, *next;

	TAILQ_FOREACH_SAFE (wait, &session->waits, link, next)
		if (wait->until.opened)
			wait_finish(wait, PX_REASON_OPENED);
}

void
px_waits_on_exit(struct px_session *session)
{
	waits_finish(session, false, exit_reason(session));
}

void
px_waits_on_closed(struct px_session *session)
{
	waits_finish(session, true, PX_REASON_EVENT);
}

void
px_waits_gone(struct px_session *session)
{
	waits_finish(session, false, PX_REASON_GONE);
}

#ifndef PX_TESTS_WATCH_READER_H
#define PX_TESTS_WATCH_READER_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "session/watch.h"
#include "shell_session.h"

enum { LOG_MAX = 4096 };

/* A subscriber that writes down what it is told. */
struct reader {
	struct px_watch *watch;
	size_t room;
	char log[LOG_MAX]; /* "o1:text" or "e1:text", "x2", "c3", "l100@4", "g", with blanks between
			    */
	size_t len;
	bool quiet; /* outputs are only counted */
	uint64_t bytes, lost, skipped, last_seq;
	uint64_t next[PX_STREAMS_MAX]; /* offsets to come */
	bool exited, closed, gone;
	void (*on_output)(struct reader *r);
};

static inline void __attribute__((format(printf, 2, 3)))
note(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->len += (size_t)vsnprintf(r->log + r->len, LOG_MAX - r->len, fmt, ap);
	va_end(ap);
	ck_assert_uint_lt(r->len, LOG_MAX);
}

static inline size_t
on_room(void *arg)
{
	return ((struct reader *)arg)->room;
}

static inline void
on_output(void *arg, struct px_session *session, const struct px_chunk *chunk)
{
	struct reader *r = arg;

	(void)session;
	ck_assert(!r->closed && !r->gone);
	ck_assert_uint_gt(chunk->seq, r->last_seq);
	r->last_seq = chunk->seq;
	ck_assert_uint_ge(chunk->offset, r->next[chunk->stream]);
	r->next[chunk->stream] = chunk->offset + chunk->run[0].len + chunk->run[1].len;
	r->bytes += chunk->run[0].len + chunk->run[1].len;
	r->lost += chunk->lost;
	if (!r->quiet) {
		note(r, "%c%" PRIu64 ":", "oe"[chunk->stream], chunk -> seq);
		for (size_t i = 0; i < 2; i++)
			note(r, "%.*s", (int)chunk->run[i].len, (const char *)chunk->run[i].data);
		note(r, " ");
	}
	if (r->on_output != NULL)
		r->on_output(r);
}

static inline void
on_exited(void *arg, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct reader *r = arg;

	ck_assert_ptr_eq(exit, px_session_exit(session));
	ck_assert_uint_gt(seq, r->last_seq);
	ck_assert(!r->exited && !r->gone);
	r->last_seq = seq;
	r->exited = true;
	note(r, "x%" PRIu64 " ", seq);
}

static inline void
on_closed(void *arg, struct px_session *session, uint64_t seq)
{
	struct reader *r = arg;

	(void)session;
	ck_assert_uint_gt(seq, r->last_seq);
	ck_assert(!r->closed && !r->gone);
	r->last_seq = seq;
	r->closed = true;
	note(r, "c%" PRIu64 " ", seq);
}

static inline void
on_failed(void *arg, struct px_session *session, uint64_t seq, const char *message)
{
	(void)arg;
	(void)session;
	(void)seq;
	ck_abort_msg("%s", message);
}

static inline void
on_lagged(void *arg, struct px_session *session, uint64_t skipped, uint64_t next_seq)
{
	struct reader *r = arg;

	(void)session;
	ck_assert(!r->closed);
	ck_assert_uint_gt(skipped, 0);
	ck_assert_uint_gt(next_seq, r->last_seq);
	r->last_seq = next_seq - 1;
	r->skipped += skipped;
	if (!r->quiet)
		note(r, "l%" PRIu64 "@%" PRIu64 " ", skipped, next_seq);
}

static inline void
on_gone(void *arg)
{
	struct reader *r = arg;

	ck_assert(!r->gone);
	r->gone = true;
	r->watch = NULL;
	note(r, "g");
}

static const struct px_watch_ops reader_ops = { on_room, on_output, on_exited, on_closed, on_failed,
	on_lagged, on_gone, NULL };

static inline void
reader_add(struct reader *r, struct px_session *session, uint64_t after, unsigned flags)
{
	*r = (struct reader){ .room = SIZE_MAX };
	r->watch = px_watch_new(session, after, flags, &reader_ops, r);
}

static inline void
told(const struct reader *r, const char *expected)
{
	ck_assert_str_eq(r->log, expected);
}

#endif

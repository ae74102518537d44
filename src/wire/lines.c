#include "wire/framer.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/mem.h"
#include "wire/gather.h"

struct px_framer {
	struct px_gather partial; /* the line so far, when its end has not arrived */
	bool closed;
};

/* One call of feed. */
struct lines_pass {
	struct px_framer *f;
	struct evbuffer *in;
	size_t limit;
	const struct px_framer_handler *handler;
	void *arg;
	struct px_err *err;
};

static struct px_framer *
lines_create(void)
{
	return px_new(struct px_framer);
}

static void
lines_destroy(struct px_framer *f)
{
	if (f == NULL)
		return;
	px_gather_clear(&f->partial);
	free(f);
}

static enum px_feed
lines_too_big(const struct lines_pass *p)
{
	if (p->handler->too_big != NULL)
		p->handler->too_big(p->arg, p->limit);
	px_fail_limit(p->err, "max_message_bytes", (int64_t)p->limit, "line of more than %zu bytes",
	    p->limit);
	p->f->closed = true;
	return PX_FEED_CLOSE;
}

static bool
line_is_blank(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	return len == 0;
}

/* A whole line without its '\n'. */
static enum px_feed
lines_deliver(const struct lines_pass *p, const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len > p->limit)
		return lines_too_big(p);
	if (line_is_blank(line, len) || p->handler->message(p->arg, line, len))
		return PX_FEED_MORE;
	return PX_FEED_PAUSE;
}

/*
 * Bytes of a line whose end is not among them. One byte over the limit is
 * accepted while it may turn out to be the '\r' of the line's end, so that the
 * verdict does not depend on how the bytes were cut.
 */
static enum px_feed
lines_keep(const struct lines_pass *p, const char *data, size_t len)
{
	struct px_gather *g = &p->f->partial;
	size_t total = g->len + len;

	if (len == 0)
		return PX_FEED_MORE;
	if (total > p->limit && (total - p->limit > 1 || data[len - 1] != '\r'))
		return lines_too_big(p);
	if (px_gather_add(g, data, len, p->err) == -1) {
		p->f->closed = true;
		return PX_FEED_CLOSE;
	}
	return PX_FEED_MORE;
}

/* Uses up at most one line of the contiguous bytes at the front of 'in', then drains it. */
static enum px_feed
lines_step(const struct lines_pass *p)
{
	struct px_gather *g = &p->f->partial;
	const char *data = (const char *)evbuffer_pullup(p->in, 1);
	size_t len = evbuffer_get_contiguous_space(p->in);
	const char *end = memchr(data, '\n', len);
	enum px_feed result;

	if (end == NULL) {
		result = lines_keep(p, data, len);
	} else {
		len = (size_t)(end - data) + 1;
		if (g->len == 0) {
			result = lines_deliver(p, data, len - 1);
		} else if ((result = lines_keep(p, data, len - 1)) == PX_FEED_MORE) {
			result = lines_deliver(p, g->p, g->len);
			px_gather_clear(g);
		}
	}
	evbuffer_drain(p->in, len);
	return result;
}

static enum px_feed
lines_feed(struct px_framer *f, struct evbuffer *in, struct evbuffer *out, size_t limit,
    const struct px_framer_handler *handler, void *arg, struct px_err *err)
{
	const struct lines_pass pass = { f, in, limit, handler, arg, err };
	enum px_feed result = PX_FEED_MORE;

	(void)out;
	if (err != NULL)
		*err = (struct px_err){ 0 };
	if (!f->closed && handler->message == NULL)
		return PX_FEED_PAUSE;
	while (!f->closed && result == PX_FEED_MORE && evbuffer_get_length(in) > 0)
		result = lines_step(&pass);
	if (!f->closed)
		return result;
	px_gather_clear(&f->partial);
	evbuffer_drain(in, evbuffer_get_length(in));
	return PX_FEED_CLOSE;
}

static void
lines_wrap(struct px_framer *f, struct evbuffer *msg, struct evbuffer *out)
{
	if (f->closed) {
		evbuffer_drain(msg, evbuffer_get_length(msg));
		return;
	}
	evbuffer_add_buffer(out, msg);
	evbuffer_add(out, "\n", 1);
}

static bool
lines_finish(struct px_framer *f, enum px_end_reason reason, const char *text, struct evbuffer *out)
{
	(void)reason;
	(void)text;
	(void)out;
	f->closed = true;
	return false;
}

static bool
lines_ping(struct px_framer *f, uint64_t number, struct evbuffer *out)
{
	(void)f;
	(void)number;
	(void)out;
	return false;
}

const struct px_framing px_framing_lines = {
	.name = "lines",
	.create = lines_create,
	.destroy = lines_destroy,
	.feed = lines_feed,
	.wrap = lines_wrap,
	.finish = lines_finish,
	.ping = lines_ping,
};

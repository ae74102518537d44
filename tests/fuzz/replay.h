#ifndef PX_TESTS_REPLAY_H
#define PX_TESTS_REPLAY_H

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "wire/framer.h"
#include "wire/http.h"

/*
 * Feeds a byte stream to a framing, cut as told, and writes down what happened.
 * However it is cut, 'log' and 'out' must come out the same. Some messages make
 * the handler act: "!wrap" sends a message, "!ping" a ping, "!finish" ends. A
 * request for /healthz is answered by the handler, any other may upgrade. It
 * aborts when a contract that has nothing to do with the bytes is broken.
 */
struct replay_cut {
	size_t slice;  /* bytes per feed; 0: all at once */
	unsigned seed; /* non-zero: pieces of 1 to 'slice' bytes at random */
	bool chained;  /* the pieces become separate chains of one feed */
	bool pause;    /* every message pauses */
};

/* Ways to cut that find most faults. */
static const struct replay_cut replay_cuts[] = {
	{ 0 },
	{ .slice = 1 },
	{ .slice = 2 },
	{ .slice = 3 },
	{ .slice = 7 },
	{ .slice = 9, .seed = 1 },
	{ .slice = 1, .chained = true },
	{ .slice = 4, .chained = true },
	{ .pause = true },
	{ .slice = 1, .pause = true },
	{ .slice = 5, .chained = true, .pause = true },
};

enum { REPLAY_CUTS = sizeof(replay_cuts) / sizeof(replay_cuts[0]) };

struct replay {
	struct px_framer *framer;
	const struct px_framing *framing;
	bool pause;
	size_t delivered; /* in the present feed */
	struct evbuffer *log, *out;
};

/* Appends printable ASCII as it is, the rest as \xNN. */
static inline void
replay_escape(struct evbuffer *to, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		if (p[i] >= ' ' && p[i] < 0x7f && p[i] != '\\')
			evbuffer_add(to, p + i, 1);
		else
			evbuffer_add_printf(to, "\\x%02x", p[i]);
}

static inline void
replay_wrap(struct replay *r, const char *text)
{
	struct evbuffer *msg = evbuffer_new();

	evbuffer_add(msg, text, strlen(text));
	r->framing->wrap(r->framer, msg, r->out);
	if (evbuffer_get_length(msg) != 0)
		abort();
	evbuffer_free(msg);
}

static inline void
replay_log_message(struct evbuffer *log, const char *text, size_t len)
{
	evbuffer_add_printf(log, "message ");
	if (len > 200)
		evbuffer_add_printf(log, "of %zu bytes", len);
	else
		replay_escape(log, text, len);
	evbuffer_add(log, "\n", 1);
}

static inline bool
replay_on_message(void *arg, const char *text, size_t len)
{
	struct replay *r = arg;

	if (r->pause && r->delivered++ > 0)
		abort();
	replay_log_message(r->log, text, len);
	if (len == 5 && memcmp(text, "!wrap", 5) == 0)
		replay_wrap(r, "wrapped");
	if (len == 5 && memcmp(text, "!ping", 5) == 0)
		r->framing->ping(r->framer, 0, r->out);
	if (len == 7 && memcmp(text, "!finish", 7) == 0)
		r->framing->finish(r->framer, PX_END_GOING_AWAY, "bye", r->out);
	return !r->pause;
}

static inline bool
replay_on_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	struct replay *r = arg;

	evbuffer_add_printf(r->log, "request %s %s %s\n", req->method, req->path,
	    req->query == NULL ? "-" : req->query);
	if (strcmp(req->path, "/healthz") != 0)
		return true;
	px_http_respond(out, 200, "text/plain", NULL, "ok", 2, strcmp(req->method, "HEAD") == 0);
	return false;
}

static inline void
replay_on_too_big(void *arg, size_t limit)
{
	struct replay *r = arg;

	evbuffer_add_printf(r->log, "too big %zu\n", limit);
	replay_wrap(r, "too big");
}

static inline void
replay_on_pong(void *arg, uint64_t number)
{
	evbuffer_add_printf(((struct replay *)arg)->log, "pong %llu\n", (unsigned long long)number);
}

/* Feeds until nothing more happens; true: closed. */
static inline bool
replay_feed(struct replay *r, struct evbuffer *in, size_t limit)
{
	static const struct px_framer_handler handler = { replay_on_message, replay_on_request,
		replay_on_too_big, replay_on_pong };
	struct px_err err = { .code = PX_E_INTERNAL };
	enum px_feed result;

	do {
		r->delivered = 0;
		result = r->framing->feed(r->framer, in, r->out, limit, &handler, r, &err);
	} while (result == PX_FEED_PAUSE);
	if (result == PX_FEED_MORE)
		return false;
	evbuffer_add_printf(r->log, "close %s", err.code == PX_OK ? "ok" : px_code_word(err.code));
	if (err.code != PX_OK)
		evbuffer_add_printf(r->log, ": %s", err.text);
	evbuffer_add(r->log, "\n", 1);
	/* A closed framer takes all and says nothing. */
	evbuffer_add(in, "\x81\x80rest\n", 7);
	if (r->framing->feed(r->framer, in, r->out, limit, &handler, r, &err) != PX_FEED_CLOSE ||
	    err.code != PX_OK || evbuffer_get_length(in) != 0)
		abort();
	return true;
}

/*
 * Appends to 'log' a line per event, to 'out' the bytes that the framing sends.
 * 'framer' is used up. 'ended' (may be NULL) is told what is left when all was
 * fed and the framing still wants more.
 */
static inline void
replay_framer(const struct px_framing *framing, struct px_framer *framer, const void *data,
    size_t len, size_t limit, struct replay_cut cut, struct evbuffer *log, struct evbuffer *out,
    void (*ended)(struct px_framer *framer, struct evbuffer *in, struct evbuffer *log))
{
	struct replay r = { framer, framing, cut.pause, 0, log, out };
	struct evbuffer *in = evbuffer_new();
	unsigned random = cut.seed;
	bool closed = false;

	for (size_t done = 0, n; done < len && !closed; done += n) {
		n = cut.slice == 0 ? len : cut.slice;
		if (cut.seed != 0)
			n = 1 + (random = random * 1103515245 + 12345) / 65536 % n;
		n = n < len - done ? n : len - done;
		if (cut.chained)
			evbuffer_add_reference(in, (const char *)data + done, n, NULL, NULL);
		else
			evbuffer_add(in, (const char *)data + done, n);
		if (!cut.chained || done + n == len)
			closed = replay_feed(&r, in, limit);
	}
	if (!closed && ended != NULL)
		ended(r.framer, in, log);
	evbuffer_free(in);
	framing->destroy(r.framer);
}

/* The same with a framer of its own. */
static inline void
replay(const struct px_framing *framing, const void *data, size_t len, size_t limit,
    struct replay_cut cut, struct evbuffer *log, struct evbuffer *out)
{
	replay_framer(framing, framing->create(), data, len, limit, cut, log, out, NULL);
}

/* The three cuts of a fuzz input: whole, in bytes, and as its first byte says. */
static inline struct replay_cut
replay_fuzz_cut(unsigned char choice, size_t i)
{
	if (i < 2)
		return (struct replay_cut){ .slice = i };
	return (struct replay_cut){
		.slice = 2 + choice % 16,
		.seed = choice & 0x10 ? choice : 0,
		.chained = (choice & 0x20) != 0,
		.pause = (choice & 0x40) != 0,
	};
}

static inline bool
replay_equal(struct evbuffer *a, struct evbuffer *b)
{
	size_t len = evbuffer_get_length(a);

	return len == evbuffer_get_length(b) &&
	       (len == 0 || memcmp(evbuffer_pullup(a, -1), evbuffer_pullup(b, -1), len) == 0);
}

#endif

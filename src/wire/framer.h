#ifndef PX_WIRE_FRAMER_H
#define PX_WIRE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct evbuffer;
struct px_http_request;

/*
 * A framing turns a byte stream into messages and back. It is pure: bytes come
 * from one evbuffer, protocol bytes (pongs, close frames, HTTP answers) go to
 * another, and no descriptor is touched, so it can be fuzzed whole.
 */

/* Why a framing asks for the end of its connection, and how a caller asks for one. */
enum px_end_reason {
	PX_END_NORMAL,     /* ws: 1000; also when the peer closed properly */
	PX_END_GOING_AWAY, /* ws: 1001, the server stops */
	PX_END_PROTOCOL,   /* ws: 1002 */
	PX_END_BAD_TEXT,   /* ws: 1007, not UTF-8 */
	PX_END_POLICY,     /* ws: 1008 */
	PX_END_TOO_BIG,    /* ws: 1009 */
	PX_END_INTERNAL    /* ws: 1011 */
};

enum px_feed {
	PX_FEED_MORE,  /* everything in 'in' that could be used was; wait for more */
	PX_FEED_PAUSE, /* the handler said pause; the rest stays in 'in' for the next feed */
	PX_FEED_CLOSE  /* flush 'out', then close; 'err' says why (PX_OK: properly) */
};

struct px_framer_handler {
	/*
	 * One whole message. 'text' is borrowed for the call and not NUL-terminated.
	 * False pauses: feed returns PX_FEED_PAUSE after this message. NULL pauses before
	 * the first: feed goes no further than an opening handshake.
	 */
	bool (*message)(void *arg, const char *text, size_t len);

	/*
	 * ws, server side only: the request head. Answers plain HTTP by appending a whole
	 * response to 'out' and returning false (the connection is closed after it),
	 * or returns true to let a correct upgrade go on (the framer writes the 101).
	 * Called for every request that parses and has one Host, upgrade or not.
	 */
	bool (*request)(void *arg, const struct px_http_request *req, struct evbuffer *out);

	/*
	 * lines only: called before PX_FEED_CLOSE when a message is over the limit,
	 * so that an error can be answered first (ws says it with close code 1009).
	 * Bad input that does not end the connection by itself is not the framer's.
	 * NULL: not wanted.
	 */
	void (*too_big)(void *arg, size_t limit);

	/* ws only: the answer to a ping with this number. NULL: not wanted. */
	void (*pong)(void *arg, uint64_t number);
};

struct px_framer;

struct px_framing {
	const char *name; /* "lines", "ws" */
	struct px_framer *(*create)(void);
	void (*destroy)(struct px_framer *f); /* takes NULL */

	/*
	 * Consumes 'in'. 'limit' is the largest message accepted now, in bytes; it
	 * may change between calls. Never returns before 'in' is used up, paused or
	 * closed. A closed framer consumes and drops.
	 */
	enum px_feed (*feed)(struct px_framer *f, struct evbuffer *in, struct evbuffer *out,
	    size_t limit, const struct px_framer_handler *handler, void *arg, struct px_err *err);

	/* Frames one message (valid UTF-8 JSON): moves the content of 'msg' to 'out', uncopied. */
	void (*wrap)(struct px_framer *f, struct evbuffer *msg, struct evbuffer *out);

	/*
	 * Ends the conversation from our side: appends what the protocol wants to
	 * 'out' (ws after the upgrade: a close frame; else nothing). After it, wrap
	 * only empties 'msg'. May be called inside message(); destroy may not. True: the peer's
	 * answer should be awaited (bounded by the caller's timer); false: close the transport once
	 * 'out' is flushed.
	 */
	bool (*finish)(
	    struct px_framer *f, enum px_end_reason reason, const char *text, struct evbuffer *out);

	/*
	 * Appends a ping to 'out'; false, and nothing, where the framing has none. With a
	 * number other than 0 the peer's answer is told by pong(): then it has read all
	 * that was put before (RFC 6455 sections 5.5.2 and 5.5.3).
	 */
	bool (*ping)(struct px_framer *f, uint64_t number, struct evbuffer *out);
};

/* One JSON text per line. Dropped: '\r' before '\n', blank lines, a last line without '\n'. */
extern const struct px_framing px_framing_lines;

/* RFC 6455, server side: HTTP/1.1 head, upgrade, frames. No extension is offered. The client's side
 * is in ws_client.h. */
extern const struct px_framing px_framing_ws;

#endif

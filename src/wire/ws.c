#include "wire/framer.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <wslay/wslay.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "wire/gather.h"
#include "wire/ws_handshake.h"

/*
 * wslay parses and unmasks frames; messages are put together here. Its own
 * message layer (wslay_event_*) is not used: it cannot be stopped between two
 * messages that arrived together, allocates the length that a frame announces,
 * answers a malformed header with an empty close frame, accepts a close frame
 * of one byte, and judges the text of a close frame by how the bytes were cut.
 */

enum { CONTROL_MAX = 125, FIN = 0x80 };

/* CLOSING: our close frame is out and the peer's is awaited. */
enum ws_state { WS_HEAD, WS_OPEN, WS_CLOSING, WS_DONE };

struct px_framer {
	enum ws_state state;
	size_t scanned; /* of the request head */
	wslay_frame_context_ptr frames;
	struct evbuffer *in; /* borrowed while feed runs */
	uint64_t left;       /* payload bytes of the present frame that have not come yet */
	uint8_t opcode;      /* of the data message that has begun; 0 when none has */
	struct px_gather message;
	uint8_t control[CONTROL_MAX];
	size_t ncontrol;
};

/* One call of feed. */
struct ws_pass {
	struct px_framer *f;
	struct evbuffer *out;
	size_t limit;
	const struct px_framer_handler *handler;
	void *arg;
	struct px_err *err;
};

/*
 * Gives wslay single bytes up to the end of a frame's header, then no more than
 * the frame's payload. So it never holds bytes behind the frame it works on,
 * and after a pause all that was not delivered is still in 'in'.
 */
static ssize_t
ws_on_recv(uint8_t *buf, size_t len, int flags, void *arg)
{
	struct px_framer *f = arg;
	size_t want = f->left == 0 ? 1 : f->left < len ? (size_t)f->left : len;
	int n = evbuffer_remove(f->in, buf, want);

	(void)flags;
	return n > 0 ? n : -1;
}

static struct px_framer *
ws_create(void)
{
	struct px_framer *f = px_new(struct px_framer);
	const struct wslay_frame_callbacks callbacks = { .recv_callback = ws_on_recv };

	if (wslay_frame_context_init(&f->frames, &callbacks, f) != 0)
		abort();
	return f;
}

static void
ws_destroy(struct px_framer *f)
{
	if (f == NULL)
		return;
	wslay_frame_context_free(f->frames);
	px_gather_clear(&f->message);
	free(f);
}

/* The header of an unfragmented, unmasked frame (RFC 6455 section 5.2). */
static void
put_header(struct evbuffer *out, uint8_t opcode, uint64_t len)
{
	uint8_t header[10] = { FIN | opcode };
	size_t extra = len <= CONTROL_MAX ? 0 : len <= UINT16_MAX ? 2 : 8;

	header[1] = extra == 0 ? (uint8_t)len : extra == 2 ? 126 : 127;
	for (size_t i = 0; i < extra; i++)
		header[2 + i] = (uint8_t)(len >> (8 * (extra - 1 - i)));
	evbuffer_add(out, header, 2 + extra);
}

static void
put_control(struct evbuffer *out, uint8_t opcode, const void *data, size_t len)
{
	put_header(out, opcode, len);
	evbuffer_add(out, data, len);
}

/* 'text' may be NULL and is cut, between characters, to what fits. */
static void
put_close(struct evbuffer *out, enum px_end_reason reason, const char *text)
{
	static const uint16_t codes[] = {
		[PX_END_NORMAL] = 1000,
		[PX_END_GOING_AWAY] = 1001,
		[PX_END_PROTOCOL] = 1002,
		[PX_END_BAD_TEXT] = 1007,
		[PX_END_POLICY] = 1008,
		[PX_END_TOO_BIG] = 1009,
		[PX_END_INTERNAL] = 1011,
	};
	uint8_t body[CONTROL_MAX] = { (uint8_t)(codes[reason] >> 8), (uint8_t)codes[reason] };
	size_t len = text == NULL ? 0 : px_utf8_valid_prefix(text, strnlen(text, CONTROL_MAX - 2));

	if (len > 0)
		memcpy(body + 2, text, len);
	put_control(out, WSLAY_CONNECTION_CLOSE, body, 2 + len);
}

/* Ends with what 'err' says, in a close frame unless one is out already. */
static enum px_feed
ws_fail(const struct ws_pass *p, enum px_end_reason reason)
{
	if (p->f->state == WS_OPEN)
		put_close(p->out, reason, p->err->text);
	p->f->state = WS_DONE;
	return PX_FEED_CLOSE;
}

static enum px_feed
ws_fail_protocol(const struct ws_pass *p, const char *why)
{
	px_fail(p->err, PX_E_REQUEST, "%s", why);
	return ws_fail(p, PX_END_PROTOCOL);
}

static enum px_feed
ws_fail_text(const struct ws_pass *p, const char *what)
{
	px_fail(p->err, PX_E_REQUEST, "%s is not UTF-8", what);
	return ws_fail(p, PX_END_BAD_TEXT);
}

/*
 * What is wrong with a frame that begins here, or NULL. wslay has checked the
 * form of its length, and that a control frame is short and not a fragment.
 */
static const char *
frame_fault(const struct px_framer *f, const struct wslay_frame_iocb *io)
{
	if (!io->mask)
		return "frame is not masked";
	if (io->rsv != 0)
		return "frame has a reserved bit set";
	switch (io->opcode) {
	case WSLAY_CONTINUATION_FRAME:
		return f->opcode == 0 ? "continuation frame without a message" : NULL;
	case WSLAY_TEXT_FRAME:
	case WSLAY_BINARY_FRAME:
		return f->opcode != 0 ? "new message inside a fragmented one" : NULL;
	case WSLAY_CONNECTION_CLOSE:
	case WSLAY_PING:
	case WSLAY_PONG:
		return NULL;
	default:
		return "frame has a reserved opcode";
	}
}

/* Section 7.4, and 1012 to 1014 registered since. 1004, 1005, 1006 and 1015 never travel. */
static bool
close_code_is_valid(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

static enum px_feed
ws_on_close(const struct ws_pass *p, const uint8_t *body, size_t len)
{
	if (len == 1)
		return ws_fail_protocol(p, "close frame of one byte");
	if (len >= 2 && !close_code_is_valid((unsigned)body[0] << 8 | body[1]))
		return ws_fail_protocol(p, "close frame with an invalid code");
	if (len > 2 && !px_utf8_valid((const char *)body + 2, len - 2))
		return ws_fail_text(p, "reason of the close frame");
	/* The code goes back as it came, or none for none (section 5.5.1). */
	if (p->f->state == WS_OPEN)
		put_control(p->out, WSLAY_CONNECTION_CLOSE, body, len < 2 ? 0 : 2);
	p->f->state = WS_DONE;
	return PX_FEED_CLOSE;
}

static enum px_feed
ws_on_control(const struct ws_pass *p, const struct wslay_frame_iocb *io)
{
	struct px_framer *f = p->f;
	size_t len;

	memcpy(f->control + f->ncontrol, io->data, io->data_length);
	f->ncontrol += io->data_length;
	if (f->left > 0)
		return PX_FEED_MORE;
	len = f->ncontrol;
	f->ncontrol = 0;
	if (io->opcode == WSLAY_CONNECTION_CLOSE)
		return ws_on_close(p, f->control, len);
	if (io->opcode == WSLAY_PING && f->state == WS_OPEN)
		put_control(p->out, WSLAY_PONG, f->control, len);
	return PX_FEED_MORE;
}

static enum px_feed
ws_deliver(const struct ws_pass *p)
{
	struct px_framer *f = p->f;
	bool more;

	more =
	    p->handler->message(p->arg, f->message.p == NULL ? "" : f->message.p, f->message.len);
	px_gather_clear(&f->message);
	return more ? PX_FEED_MORE : PX_FEED_PAUSE;
}

static enum px_feed
ws_on_data(const struct ws_pass *p, const struct wslay_frame_iocb *io)
{
	struct px_framer *f = p->f;
	bool text = f->opcode == WSLAY_TEXT_FRAME;
	bool whole = f->left == 0 && io->fin;

	if (whole)
		f->opcode = 0;
	if (f->state == WS_CLOSING) {
		px_gather_clear(&f->message);
		return PX_FEED_MORE;
	}
	/* 'left' is below 2^63 (wslay refuses more) and the others are in memory: no overflow. */
	if (f->message.len + io->data_length + f->left > p->limit) {
		px_fail_limit(p->err, "max_message_bytes", (int64_t)p->limit,
		    "message of more than %zu bytes", p->limit);
		return ws_fail(p, PX_END_TOO_BIG);
	}
	if (px_gather_add(&f->message, io->data, io->data_length, p->err) == -1)
		return ws_fail(p, PX_END_INTERNAL);
	if (text && !px_gather_is_text(&f->message, whole))
		return ws_fail_text(p, "text message");
	return whole ? ws_deliver(p) : PX_FEED_MORE;
}

/* One piece of a frame. The first holds at least one payload byte, unless there is none. */
static enum px_feed
ws_on_piece(const struct ws_pass *p, const struct wslay_frame_iocb *io)
{
	struct px_framer *f = p->f;
	bool control = wslay_is_ctrl_frame(io->opcode);
	const char *fault;

	if (f->left == 0) {
		if ((fault = frame_fault(f, io)) != NULL)
			return ws_fail_protocol(p, fault);
		f->left = io->payload_length;
		if (io->opcode == WSLAY_TEXT_FRAME || io->opcode == WSLAY_BINARY_FRAME)
			f->opcode = io->opcode;
	}
	f->left -= io->data_length;
	return control ? ws_on_control(p, io) : ws_on_data(p, io);
}

static enum px_feed
ws_read_frames(const struct ws_pass *p)
{
	enum px_feed result = PX_FEED_MORE;
	struct wslay_frame_iocb io;
	ssize_t n;

	while (result == PX_FEED_MORE) {
		n = wslay_frame_recv(p->f->frames, &io);
		if (n >= 0)
			result = ws_on_piece(p, &io);
		else if (n != WSLAY_ERR_WANT_READ)
			result = ws_fail_protocol(p, "malformed frame header");
		else if (evbuffer_get_length(p->f->in) == 0)
			break;
	}
	return result;
}

static enum px_feed
ws_feed(struct px_framer *f, struct evbuffer *in, struct evbuffer *out, size_t limit,
    const struct px_framer_handler *handler, void *arg, struct px_err *err)
{
	struct px_err unwanted;
	const struct ws_pass pass = { f, out, limit, handler, arg, err != NULL ? err : &unwanted };
	enum px_feed result = PX_FEED_MORE;

	*pass.err = (struct px_err){ 0 };
	f->in = in;
	if (f->state == WS_HEAD) {
		switch (px_ws_handshake(&f->scanned, in, out, handler, arg, pass.err)) {
		case PX_WS_HANDSHAKE_MORE:
			return PX_FEED_MORE;
		case PX_WS_HANDSHAKE_DONE:
			/* Unless the request handler called finish. */
			if (f->state == WS_HEAD)
				f->state = WS_OPEN;
			break;
		case PX_WS_HANDSHAKE_ANSWERED:
			f->state = WS_DONE;
			break;
		}
	}
	if (f->state != WS_DONE)
		result = ws_read_frames(&pass);
	if (f->state != WS_DONE)
		return result;
	px_gather_clear(&f->message);
	evbuffer_drain(in, evbuffer_get_length(in));
	return PX_FEED_CLOSE;
}

static void
ws_wrap(struct px_framer *f, struct evbuffer *msg, struct evbuffer *out)
{
	if (f->state != WS_OPEN) {
		evbuffer_drain(msg, evbuffer_get_length(msg));
		return;
	}
	put_header(out, WSLAY_TEXT_FRAME, evbuffer_get_length(msg));
	evbuffer_add_buffer(out, msg);
}

static bool
ws_finish(struct px_framer *f, enum px_end_reason reason, const char *text, struct evbuffer *out)
{
	if (f->state == WS_HEAD)
		f->state = WS_DONE;
	if (f->state == WS_OPEN) {
		put_close(out, reason, text);
		f->state = WS_CLOSING;
	}
	return f->state == WS_CLOSING;
}

static void
ws_ping(struct px_framer *f, struct evbuffer *out)
{
	if (f->state == WS_OPEN)
		put_control(out, WSLAY_PING, "", 0);
}

const struct px_framing px_framing_ws = {
	.name = "ws",
	.create = ws_create,
	.destroy = ws_destroy,
	.feed = ws_feed,
	.wrap = ws_wrap,
	.finish = ws_finish,
	.ping = ws_ping,
};

#include "wire/ws_core.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/utf8.h"

/*
 * wslay parses and unmasks frames; messages are put together here. Its own
 * message layer (wslay_event_*) is not used: it cannot be stopped between two
 * messages that arrived together, allocates the length that a frame announces,
 * answers a malformed header with an empty close frame, accepts a close frame
 * of one byte, and judges the text of a close frame by how the bytes were cut.
 */

enum { NUMBER_LEN = 8 };

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

void
px_ws_init(struct px_framer *f, const struct px_ws_side *side)
{
	const struct wslay_frame_callbacks callbacks = { .recv_callback = ws_on_recv };

	f->side = side;
	if (wslay_frame_context_init(&f->frames, &callbacks, f) != 0)
		abort();
}

void
px_ws_destroy(struct px_framer *f)
{
	if (f == NULL)
		return;
	wslay_frame_context_free(f->frames);
	px_gather_clear(&f->message);
	free(f);
}

/* Ends with what 'err' says, in a close frame unless one is out already. */
static enum px_feed
ws_fail(const struct ws_pass *p, enum px_end_reason reason)
{
	if (p->f->state == PX_WS_OPEN)
		px_ws_put_close(p->out, reason, p->err->text, p->f->side->is_client);
	p->f->state = PX_WS_DONE;
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
	if (io->mask == f->side->is_client)
		return io->mask ? "frame is masked" : "frame is not masked";
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

/* A client is told how the server closed; for a server it is the usual end. */
static void
explain_close(const struct ws_pass *p, const uint8_t *body, size_t len)
{
	char reason[PX_WS_CONTROL_MAX];
	size_t n = 0;

	if (!p->f->side->is_client || p->f->state != PX_WS_OPEN)
		return;
	for (size_t i = 2; i < len; i++)
		reason[n++] = body[i] < ' ' || body[i] == 0x7f ? '?' : (char)body[i];
	reason[n] = '\0';
	if (len < 2)
		px_fail(p->err, PX_E_IO, "the server closed the connection");
	else
		px_fail(p->err, PX_E_IO, "the server closed the connection with code %d%s%s",
		    body[0] << 8 | body[1], n > 0 ? ": " : "", reason);
}

static enum px_feed
ws_on_close(const struct ws_pass *p, const uint8_t *body, size_t len)
{
	if (len == 1)
		return ws_fail_protocol(p, "close frame of one byte");
	if (len >= 2 && !px_ws_close_code_is_valid((unsigned)body[0] << 8 | body[1]))
		return ws_fail_protocol(p, "close frame with an invalid code");
	if (len > 2 && !px_utf8_valid((const char *)body + 2, len - 2))
		return ws_fail_text(p, "reason of the close frame");
	/* The code goes back as it came, or none for none (section 5.5.1). */
	if (p->f->state == PX_WS_OPEN)
		px_ws_put_control(
		    p->out, WSLAY_CONNECTION_CLOSE, body, len < 2 ? 0 : 2, p->f->side->is_client);
	explain_close(p, body, len);
	p->f->state = PX_WS_DONE;
	return PX_FEED_CLOSE;
}

/* A number travels as 8 bytes, the highest first. */
static void
ws_on_pong(const struct ws_pass *p, const uint8_t *body, size_t len)
{
	uint64_t number = 0;

	if (len != NUMBER_LEN || p->handler->pong == NULL)
		return;
	for (size_t i = 0; i < len; i++)
		number = number << 8 | body[i];
	p->handler->pong(p->arg, number);
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
	if (io->opcode == WSLAY_PING && f->state == PX_WS_OPEN)
		px_ws_put_control(p->out, WSLAY_PONG, f->control, len, f->side->is_client);
	if (io->opcode == WSLAY_PONG && f->state == PX_WS_OPEN)
		ws_on_pong(p, f->control, len);
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
	if (f->state == PX_WS_CLOSING) {
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

	if (p->handler->message == NULL)
		return PX_FEED_PAUSE;
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

enum px_feed
px_ws_feed(struct px_framer *f, struct evbuffer *in, struct evbuffer *out, size_t limit,
    const struct px_framer_handler *handler, void *arg, struct px_err *err)
{
	struct px_err unwanted;
	const struct ws_pass pass = { f, out, limit, handler, arg, err != NULL ? err : &unwanted };
	enum px_feed result = PX_FEED_MORE;

	*pass.err = (struct px_err){ 0 };
	f->in = in;
	if (f->state == PX_WS_HEAD) {
		switch (f->side->handshake(f, in, out, handler, arg, pass.err)) {
		case PX_WS_HANDSHAKE_MORE:
			return PX_FEED_MORE;
		case PX_WS_HANDSHAKE_DONE:
			/* Unless the request handler called finish. */
			if (f->state == PX_WS_HEAD)
				f->state = PX_WS_OPEN;
			break;
		case PX_WS_HANDSHAKE_ANSWERED:
			f->state = PX_WS_DONE;
			break;
		}
	}
	if (f->state != PX_WS_DONE)
		result = ws_read_frames(&pass);
	if (f->state != PX_WS_DONE)
		return result;
	px_gather_clear(&f->message);
	evbuffer_drain(in, evbuffer_get_length(in));
	return PX_FEED_CLOSE;
}

/* A client may speak before it is answered: its caller holds that back. */
void
px_ws_wrap(struct px_framer *f, struct evbuffer *msg, struct evbuffer *out)
{
	if (f->state == PX_WS_OPEN || (f->state == PX_WS_HEAD && f->side->is_client))
		px_ws_put_data(out, WSLAY_TEXT_FRAME, msg, f->side->is_client);
	else
		evbuffer_drain(msg, evbuffer_get_length(msg));
}

bool
px_ws_finish(struct px_framer *f, enum px_end_reason reason, const char *text, struct evbuffer *out)
{
	if (f->state == PX_WS_HEAD)
		f->state = PX_WS_DONE;
	if (f->state == PX_WS_OPEN) {
		px_ws_put_close(out, reason, text, f->side->is_client);
		f->state = PX_WS_CLOSING;
	}
	return f->state == PX_WS_CLOSING;
}

bool
px_ws_ping(struct px_framer *f, uint64_t number, struct evbuffer *out)
{
	uint8_t body[NUMBER_LEN];

	if (f->state != PX_WS_OPEN)
		return false;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)(number >> (8 * (sizeof body - 1 - i)));
	px_ws_put_control(out, WSLAY_PING, body, number != 0 ? sizeof body : 0, f->side->is_client);
	return true;
}

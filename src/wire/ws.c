#include "wire/framer.h"

#include "base/mem.h"
#include "wire/ws_core.h"

/* The server's side. */

static enum px_ws_handshake
server_handshake(struct px_framer *f, struct evbuffer *in, struct evbuffer *out,
    const struct px_framer_handler *handler, void *arg, struct px_err *err)
{
	return px_ws_handshake(&f->scanned, in, out, handler, arg, err);
}

static struct px_framer *
server_create(void)
{
	static const struct px_ws_side side = { .handshake = server_handshake };
	struct px_framer *f = px_new(struct px_framer);

	px_ws_init(f, &side);
	return f;
}

const struct px_framing px_framing_ws = {
	.name = "ws",
	.create = server_create,
	.destroy = px_ws_destroy,
	.feed = px_ws_feed,
	.wrap = px_ws_wrap,
	.finish = px_ws_finish,
	.ping = px_ws_ping,
};

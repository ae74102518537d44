#ifndef PX_WIRE_WS_CORE_H
#define PX_WIRE_WS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wslay/wslay.h>

#include "wire/framer.h"
#include "wire/gather.h"
#include "wire/ws_frame.h"
#include "wire/ws_handshake.h"

/*
 * What the two sides of a WebSocket share: frames become messages, pings are
 * answered, rules are kept. The sides differ in the opening handshake and in
 * who masks. Included by ws.c and ws_client.c only, whose framings these are.
 */

/* CLOSING: our close frame is out and the peer's is awaited. */
enum px_ws_state { PX_WS_HEAD, PX_WS_OPEN, PX_WS_CLOSING, PX_WS_DONE };

struct px_ws_side {
	bool is_client; /* masks its frames, and takes unmasked ones only */

	/* Called while the state is HEAD. ANSWERED is the end: 'err' says why, as feed does. */
	enum px_ws_handshake (*handshake)(struct px_framer *f, struct evbuffer *in,
	    struct evbuffer *out, const struct px_framer_handler *handler, void *arg,
	    struct px_err *err);
};

struct px_framer {
	const struct px_ws_side *side;
	enum px_ws_state state;
	size_t scanned; /* of the peer's head */
	wslay_frame_context_ptr frames;
	struct evbuffer *in; /* borrowed while feed runs */
	uint64_t left;       /* payload bytes of the present frame that have not come yet */
	uint8_t opcode;      /* of the data message that has begun; 0 when none has */
	struct px_gather message;
	uint8_t control[PX_WS_CONTROL_MAX];
	size_t ncontrol;
};

/* 'f' is zeroed and on the heap, maybe the first member of something larger; destroy frees it. */
void px_ws_init(struct px_framer *f, const struct px_ws_side *side);

/* The calls of struct px_framing, for both sides. */
void px_ws_destroy(struct px_framer *f);
enum px_feed px_ws_feed(struct px_framer *f, struct evbuffer *in, struct evbuffer *out,
    size_t limit, const struct px_framer_handler *handler, void *arg, struct px_err *err);
void px_ws_wrap(struct px_framer *f, struct evbuffer *msg, struct evbuffer *out);
bool px_ws_finish(
    struct px_framer *f, enum px_end_reason reason, const char *text, struct evbuffer *out);
bool px_ws_ping(struct px_framer *f, uint64_t number, struct evbuffer *out);

#endif

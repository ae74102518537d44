#ifndef PX_WIRE_WS_FRAME_H
#define PX_WIRE_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/framer.h"

/* Writing WebSocket frames (RFC 6455 section 5): unfragmented, without an extension. */

struct evbuffer;

enum { PX_WS_CONTROL_MAX = 125 }; /* payload of a control frame */

/*
 * 'opcode' is a wslay_opcode; 'masked' is true for what a client sends, and
 * takes a fresh random key (section 5.3). An unmasked payload is moved, a masked
 * one copied piece by piece; 'msg' is empty afterwards. What is longer than
 * 4 MiB and not masked goes out as several frames.
 */
void px_ws_put_data(struct evbuffer *out, uint8_t opcode, struct evbuffer *msg, bool masked);
void px_ws_put_control(
    struct evbuffer *out, uint8_t opcode, const void *data, size_t len, bool masked);

/* 'text' may be NULL and is cut, between characters, to what fits. */
void px_ws_put_close(
    struct evbuffer *out, enum px_end_reason reason, const char *text, bool masked);

/* May this code stand in a close frame? 1004, 1005, 1006 and 1015 never travel. */
bool px_ws_close_code_is_valid(unsigned code);

/*
 * Writes 'len' bytes of 'from', exclusive-or with the key, to 'to', which may be
 * 'from'. 'at' is the place of the first byte in its payload.
 */
void px_ws_mask(uint8_t *to, const uint8_t *from, size_t len, const uint8_t key[4], size_t at);

#endif

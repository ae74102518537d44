#ifndef PX_TESTS_REPLAY_H
#define PX_TESTS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;
struct px_framing;

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
enum { REPLAY_CUTS = 11 };
extern const struct replay_cut replay_cuts[REPLAY_CUTS];

/* Appends to 'log' a line per event, to 'out' the bytes that the framing sends. */
void replay(const struct px_framing *framing, const void *data, size_t len, size_t limit,
    struct replay_cut cut, struct evbuffer *log, struct evbuffer *out);

/* Appends printable ASCII as it is, the rest as \xNN. */
void replay_escape(struct evbuffer *to, const void *data, size_t len);

#endif

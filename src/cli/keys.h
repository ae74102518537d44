#ifndef PX_CLI_KEYS_H
#define PX_CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What is typed at our terminal, on its way to a session: the program's, but for
 * a few keys that are for us. Pure: bytes in, bytes and actions out, however the
 * bytes are cut. Pasted text (between the marks of xterm's bracketed paste) has
 * no keys for us; a key that the terminal tells as an escape sequence, because
 * the program has asked for that (xterm's modifyOtherKeys, CSI u), is known too,
 * if it comes in one piece.
 */

enum {
	PX_KEYS_MAX = 8,
	PX_KEY_BYTES = 16,
	PX_KEYS_HELD = PX_KEYS_MAX * PX_KEY_BYTES,
	PX_KEYS_TEXT = 32
};

enum px_key_action {
	PX_KEY_NONE,
	PX_KEY_DETACH,
	PX_KEY_HELP,   /* the prefix and ? */
	PX_KEY_REDRAW, /* the prefix and r */
	PX_KEY_KILL    /* the prefix and k */
};

struct px_keys {
	unsigned char sequence[PX_KEYS_MAX]; /* detaches; all but the last one are the prefix */
	size_t n;                            /* 0: every byte is the program's */
	size_t matched;                      /* so many of them have been typed */
	unsigned char held[PX_KEYS_HELD];    /* as these bytes */
	size_t lengths[PX_KEYS_MAX];         /* each of so many */
	bool pasting;
	size_t mark; /* so many bytes of the mark that begins or ends a paste have come */
};

/*
 * "ctrl-],d": keys divided by commas, each one a character or ctrl- and one of
 * a-z @ [ \ ] ^ _; "none". -1: it is none of that.
 */
int px_keys_parse(struct px_keys *keys, const char *text);

/* The sequence without its last key, as people write it: "^]"; PX_KEYS_TEXT is enough. */
void px_keys_prefix(const struct px_keys *keys, char *out, size_t size);
char px_keys_last(const struct px_keys *keys, bool *out_ctrl); /* "^]": ']' and true */

/*
 * Takes bytes from '*data' up to the next action, or all; moves '*data' and
 * '*len' on and appends the program's bytes to 'out', which has room for '*len'
 * + PX_KEYS_HELD more.
 */
enum px_key_action px_keys_take(
    struct px_keys *keys, const char **data, size_t *len, char *out, size_t *out_len);

/* Nothing more is typed: what was held is the program's. */
void px_keys_end(struct px_keys *keys, char *out, size_t *out_len);

#endif

#ifndef PX_CLI_SCREEN_H
#define PX_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a program's output does to our terminal: so much of it as must be undone
 * when we leave a program that goes on (ctlseqs of xterm; ECMA-48). And output
 * of long ago, without what belongs to its moment: questions, which our terminal
 * would answer to a program that does not ask any more, bells, notifications,
 * the clipboard. Pure: bytes in, bytes out, however they are cut.
 */

enum { PX_SCREEN_SEQUENCE = 256, PX_SCREEN_UNDO = 512 };

/* How the terminal differs from a usual one. */
struct px_screen_marks {
	uint32_t modes; /* bits of a table */
	bool keypad, region, charset, cursor, keys;
	unsigned keyboards; /* kitty's, one upon the other */
};

struct px_screen {
	enum { PX_SCREEN_GROUND, PX_SCREEN_ESCAPE, PX_SCREEN_CSI, PX_SCREEN_STRING } state;
	char sequence[PX_SCREEN_SEQUENCE]; /* as far as it has come */
	size_t len;                        /* of it; a longer one is cut here */
	size_t unshown;                    /* so many of its last bytes are held back */
	bool escaped;                      /* in a string, after an ESC */
	struct px_screen_marks marks;
	bool touched; /* there was a sequence at all */
};

/*
 * Copies 'data' to 'out', which has room for 'len' + PX_SCREEN_SEQUENCE; returns
 * how much it has become. 'old': it is of long ago.
 */
size_t px_screen_pass(struct px_screen *screen, bool old, const char *data, size_t len, char *out);

/* What undoes it all, NUL-terminated; and what does it again, as far as that is known. */
void px_screen_undo(const struct px_screen *screen, char out[PX_SCREEN_UNDO]);
void px_screen_redo(const struct px_screen *screen, char out[PX_SCREEN_UNDO]);

#endif

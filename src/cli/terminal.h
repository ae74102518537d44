#ifndef PX_CLI_TERMINAL_H
#define PX_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

/* The terminal that standard input is, if it is one. */
struct px_terminal {
	bool raw;
	struct termios before; /* when 'raw' */
};

/* Sleeps until the shell has given us the terminal: one may be started in the background. */
void px_terminal_await(void);

/*
 * Every byte that is typed is handed on as it is, ^C too, and nothing is echoed;
 * output goes out unchanged. Does nothing without a terminal, or while it is
 * another job's (false, then). Whoever calls it calls px_terminal_restore() on
 * every way out; should we crash in between, a handler does.
 */
bool px_terminal_raw(struct px_terminal *term);
void px_terminal_restore(struct px_terminal *term);

/* The size of the terminal that we have; else what LINES and COLUMNS say; else 24 x 80. */
void px_terminal_size(uint16_t *out_rows, uint16_t *out_cols);

#endif

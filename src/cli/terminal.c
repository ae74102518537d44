#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bsd/stdlib.h>

enum { DEFAULT_ROWS = 24, DEFAULT_COLS = 80 };

void
px_terminal_raw(struct px_terminal *term)
{
	struct termios mode;

	if (term->raw || tcgetattr(STDIN_FILENO, &mode) == -1)
		return;
	term->before = mode;
	cfmakeraw(&mode);
	/* Not TCSAFLUSH: what was typed ahead is the program's. */
	term->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
}

void
px_terminal_restore(struct px_terminal *term)
{
	/* Not TCSADRAIN: it would wait for a terminal whose output is stopped. */
	if (term->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &term->before);
	term->raw = false;
}

static uint16_t
size_from(const char *variable, uint16_t otherwise)
{
	const char *value = getenv(variable), *error = NULL;
	long long n = value != NULL ? strtonum(value, 1, UINT16_MAX, &error) : 0;

	return n > 0 && error == NULL ? (uint16_t)n : otherwise;
}

void
px_terminal_size(uint16_t *out_rows, uint16_t *out_cols)
{
	struct winsize size;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
			*out_rows = size.ws_row;
			*out_cols = size.ws_col;
			return;
		}
	*out_rows = size_from("LINES", DEFAULT_ROWS);
	*out_cols = size_from("COLUMNS", DEFAULT_COLS);
}

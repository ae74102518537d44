#include "cli/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bsd/stdlib.h>

enum { DEFAULT_ROWS = 24, DEFAULT_COLS = 80 };

/* ---- crashing ---- */

static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };

enum { NCRASHES = sizeof crashes / sizeof crashes[0] };

/* What a signal handler needs is nowhere but in a variable of the program's. */
static struct {
	struct termios before;
	struct sigaction actions[NCRASHES];
} rescue;

/* tcsetattr(3) is async-signal-safe. Afterwards the crash goes on as it would have without us. */
static void
on_crash(int number)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &rescue.before);
	for (size_t i = 0; i < NCRASHES; i++)
		sigaction(crashes[i], &rescue.actions[i], NULL);
	raise(number);
}

static void
rescue_begin(const struct termios *before)
{
	struct sigaction action = { .sa_handler = on_crash };

	rescue.before = *before;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < NCRASHES; i++)
		sigaction(crashes[i], &action, &rescue.actions[i]);
}

static void
rescue_end(void)
{
	for (size_t i = 0; i < NCRASHES; i++)
		sigaction(crashes[i], &rescue.actions[i], NULL);
}

/* ---- modes ---- */

/* A terminal that does not control us has no foreground for us to be missing in. */
static bool
is_others(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground != -1 && foreground != getpgrp();
}

/* Setting the modes that there are changes nothing, and is the foreground's alone (tcsetattr(3)).
 */
void
px_terminal_await(void)
{
	struct termios mode;

	if (tcgetattr(STDIN_FILENO, &mode) == 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

bool
px_terminal_raw(struct px_terminal *term)
{
	struct termios mode;

	if (is_others())
		return false;
	if (!term->raw) {
		if (tcgetattr(STDIN_FILENO, &term->before) == -1)
			return true;
		rescue_begin(&term->before);
		term->raw = true;
	}
	mode = term->before;
	cfmakeraw(&mode);
	/* Not TCSAFLUSH: what was typed ahead is the program's. */
	tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
	return true;
}

/* Of another job's terminal, that job and its shell take care. */
void
px_terminal_restore(struct px_terminal *term)
{
	if (!term->raw)
		return;
	/* Not TCSADRAIN: it would wait for a terminal whose output is stopped. */
	if (!is_others())
		tcsetattr(STDIN_FILENO, TCSANOW, &term->before);
	rescue_end();
	term->raw = false;
}

/* ---- size ---- */

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

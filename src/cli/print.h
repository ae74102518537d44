#ifndef PX_CLI_PRINT_H
#define PX_CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/event.h>

#include "cli/screen.h"
#include "cli/sink.h"

/*
 * A session's output on its way to our standard streams, without blocking, and
 * what we have to say in between: on stderr, as long as the terminal is raw.
 */

enum { PX_PRINT_NOTE = 1024 };

struct px_print {
	struct px_sink out, err;
	bool to_screen;    /* a terminal's output to a terminal */
	bool asleep;       /* the screen is as it was found, for the time being */
	int64_t old_until; /* output with lower numbers is of long ago */
	struct px_screen screen;
	int64_t expected[PX_STREAM_COUNT]; /* the offset that each stream goes on with */

	const struct px_sink *sink; /* of 'data' */
	char *data;
	size_t at, len, room;
	char note[PX_PRINT_NOTE];
	size_t note_at, note_len;
	bool note_first; /* it goes before the rest of 'data' */
};

void px_print_init(struct px_print *print, bool pty);

/* Drops what is not written yet. */
void px_print_done(struct px_print *print);

/* Nothing waits. Only then may px_print_output() be called. */
bool px_print_is_idle(const struct px_print *print);

/* Takes an output event; where bytes of its stream are missing, a note says so. */
void px_print_output(struct px_print *print, const struct px_event *event);

/* Lines, each ending with a new line; takes the place of a note that waits. */
void px_print_note(struct px_print *print, const char *text);

/* Writes what goes. -1: the stream '*out_name' cannot be written to, with errno. */
int px_print_flush(struct px_print *print, const char **out_name);

/* The descriptor to poll for POLLOUT when something waits, else -1. */
int px_print_fd(const struct px_print *print);

/*
 * The program goes on without us: the screen becomes as it was found, and what
 * waits to be written is dropped. Or we only sleep: nothing is dropped, and the
 * screen is left as it is should something wait.
 */
void px_print_leave(struct px_print *print);
void px_print_sleep(struct px_print *print);
void px_print_wake(struct px_print *print);

#endif

#ifndef PX_CLI_TOUR_H
#define PX_CLI_TOUR_H

#include <stdbool.h>
#include <stddef.h>

#include <ptyexec/client.h>

/*
 * The steps of the tour. Each sends one request, prints it, waits for its answer
 * and prints that, and the events that come before it. 0, or -1 with 'error' set.
 */

enum { PX_TOUR_BYTES = 2048 };

struct px_tour {
	struct px_client *client; /* with 'answer_events' */
	struct px_event *event;   /* the last one; freed with the tour */
	struct px_error error;
	bool hide_output; /* output is counted only */
	bool closed;      /* the session's last event has come */
	int64_t seen_seq; /* the last number of the session that was waited for */

	/* Output that is not printed yet: pieces of one stream belong together. */
	char bytes[PX_TOUR_BYTES];
	size_t len, hidden;
	enum px_stream stream;
};

void px_tour_title(struct px_tour *tour, const char *text);
int px_tour_start(struct px_tour *tour, const struct px_command *command);
int px_tour_write(struct px_tour *tour, const char *session, const char *text);
int px_tour_close_stdin(struct px_tour *tour, const char *session);
int px_tour_wait_match(struct px_tour *tour, const char *session, const char *text);
int px_tour_wait_idle(struct px_tour *tour, const char *session, int64_t idle_ms);
int px_tour_closed(struct px_tour *tour); /* waits for the session's last event */
int px_tour_snapshot(struct px_tour *tour, const char *session);
int px_tour_terminate(struct px_tour *tour, const char *session);

#endif

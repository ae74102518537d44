#ifndef PX_CLI_ATTACH_STATE_H
#define PX_CLI_ATTACH_STATE_H

#include "cli/attach.h"
#include "cli/feed.h"
#include "cli/print.h"
#include "cli/signals.h"
#include "cli/size.h"
#include "cli/terminal.h"

/* The inside of px_attach(), for the files that share it. */

/* How far the user's wish that the program end has gone. */
enum px_ending {
	PX_ENDING_NOT,
	PX_ENDING_ASKED,
	PX_ENDING_GRACEFUL,
	PX_ENDING_FORCED,
	PX_ENDING_WITHOUT_IT
};

struct px_attached {
	struct px_client *client;
	const struct px_attach_options *options;
	struct px_attach_outcome *out;
	bool done;
	bool exited;
	bool raw; /* our terminal is to be so, as long as it is ours */
	int64_t follow_request;
	enum px_ending ending;

	struct px_terminal terminal;
	struct px_signals signals;
	struct px_print print;
	struct px_feed feed;
	struct px_size size;
};

/* ---- attach.c ---- */

void px_attached_finish(struct px_attached *a, enum px_attach_end end);
void px_attached_fail(struct px_attached *a, const struct px_error *error);

/*
 * After a request that could not be sent (-1); when that is because the
 * connection is lost, PX_EVENT_LOST tells so.
 */
void px_attached_sent(struct px_attached *a, int64_t request, const struct px_error *error);

/* ---- attach_signals.c ---- */

/* Each further wish that the program end is a stronger one; the last is meant for us. */
void px_attached_end_harder(struct px_attached *a, enum px_ending at_least, const char *name);

void px_attached_take_signals(struct px_attached *a);

#endif

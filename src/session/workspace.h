#ifndef PX_SESSION_WORKSPACE_H
#define PX_SESSION_WORKSPACE_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct px_core;
struct px_session;

/*
 * What a workspace without a name is to its client. The same terms, by their
 * address, bring it back; they outlive every workspace made under them.
 */
struct px_terms {
	bool fleeting; /* ends with its client, and has no token */

	/* The rest is for clients that come back and fetch what they missed by reading. */
	bool taken_over; /* a resume takes it from the client that still has it */
	/*
	 * Output kept of each stream, the newest; 0: px_core_options says, and half of it is
	 * the oldest. With it, while nobody watches, small chunks grow up to the spec's
	 * chunk_max before another number is given.
	 */
	size_t newest_bytes;
	/*
	 * A session counts as running until it has closed, and is kept for the detach time
	 * from then on. What its program left behind lives on until the workspace ends.
	 */
	bool kept_from_close;
};
extern const struct px_terms px_terms_lasting, px_terms_fleeting; /* all else zero */

/*
 * A set of sessions and the clients that are attached to it. An anonymous one
 * outlives its last client by the detach time; a named one lives until it is
 * empty and unattended; a fleeting one ends with its client.
 */
struct px_workspace;

/* One attached client; embedded by its owner, who attaches and detaches it. */
struct px_member {
	TAILQ_ENTRY(px_member) link;
	struct px_workspace *workspace; /* NULL: not attached */
	void (*started)(void *arg, const struct px_member *starter,
	    struct px_session *session); /* NULL: not wanted */
	/* Another has the workspace now: must px_workspace_leave(). NULL: terms forbid it. */
	void (*taken)(void *arg);
	void *arg;
};

/* Each attaches 'member' to the workspace that it finds or makes. */
struct px_workspace *px_workspace_join_new(
    struct px_core *core, const struct px_terms *terms, struct px_member *member);
struct px_workspace *px_workspace_join_named(
    struct px_core *core, const char *name, size_t len, struct px_member *member);

/*
 * By its resume token, among those of these terms. PX_E_TOKEN: unknown or expired.
 * PX_E_ATTACHED: it has a client, and the terms let it keep it.
 */
int px_workspace_resume(struct px_core *core, const struct px_terms *terms, const char *token,
    size_t len, struct px_member *member, struct px_err *err);

/* The client is gone: sessions that it started with "kill" end, the workspace's own time may begin
 * to run. */
void px_workspace_leave(struct px_member *member);

const char *px_workspace_id(const struct px_workspace *ws); /* borrowed, lives with it */
const char *px_workspace_token(
    const struct px_workspace *ws); /* NULL for named and fleeting ones */

/* By id, or NULL; the second with PX_E_SESSION. */
struct px_session *px_workspace_find(struct px_workspace *ws, const char *id, size_t len);
struct px_session *px_workspace_get(
    struct px_workspace *ws, const char *id, size_t len, struct px_err *err);

/* The sessions in the order of their starts: NULL gives the first, NULL comes after the last. */
struct px_session *px_workspace_next(struct px_workspace *ws, struct px_session *after);

#endif

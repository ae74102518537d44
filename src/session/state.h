#ifndef PX_SESSION_STATE_H
#define PX_SESSION_STATE_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "session/core.h"
#include "session/name.h"
#include "session/session.h"
#include "session/watch.h"
#include "session/workspace.h"
#include "session/write_ids.h"

struct event;

/* The structs behind this folder's headers, for the files of this folder only. */

/* Anonymous workspaces without a session that wait for their client, at most. */
enum { PX_IDLE_WORKSPACES = 256 };

enum { PX_TOKEN_BYTES = 16, PX_WORKSPACE_ID_BYTES = 8 };

RB_HEAD(px_session_tree, px_session);
TAILQ_HEAD(px_session_list, px_session);
TAILQ_HEAD(px_workspace_list, px_workspace);
TAILQ_HEAD(px_watch_list, px_watch);
TAILQ_HEAD(px_wait_list, px_wait);
TAILQ_HEAD(px_member_list, px_member);

struct px_core {
	struct event_base *base;
	struct px_core_options options;
	struct px_procs *procs;
	struct px_workspace_list workspaces;
	struct px_core_counts counts;
	uint32_t next_group;
	bool stopping;                 /* nothing is started any more */
	struct px_session_list closed; /* of terms with 'kept_from_close', by their close */
	size_t closed_bytes;           /* what their transcripts take */
	struct event *sweep; /* frees what has ended, when no callback of it is on the stack */
};

enum px_workspace_kind { PX_WORKSPACE_ANONYMOUS, PX_WORKSPACE_NAMED, PX_WORKSPACE_FLEETING };

struct px_workspace {
	TAILQ_ENTRY(px_workspace) link;
	struct px_core *core;
	enum px_workspace_kind kind;
	const struct px_terms *terms;
	char id[PX_NAME_MAX + 1];
	char token[2 * PX_TOKEN_BYTES + 1];
	uint32_t group, next_serial; /* for the marks of its processes */
	uint64_t next_id;            /* for ids that it makes */
	struct px_session_tree by_id;
	struct px_session_list sessions;  /* by start */
	struct px_session_list forgotten; /* without an id, still draining */
	size_t running,
	    exited; /* of 'sessions' and 'forgotten': not exited; of 'sessions': exited */
	struct px_member_list members;
	struct event *detach_timer;
	bool expired; /* the detach time has passed: it stays only for its "keep" sessions */
	bool ending;  /* its processes are being ended; freed when none runs */
};

struct px_session {
	RB_ENTRY(px_session) by_id;
	TAILQ_ENTRY(px_session) link, closed_link;
	struct px_workspace *ws;
	char *id;
	struct px_spec spec;
	uint8_t fingerprint[PX_SHA256_LEN];
	enum px_on_disconnect on_disconnect;
	struct px_member *starter; /* NULL: gone */
	struct px_proc *proc;
	uint32_t serial;                  /* in the marks of its processes */
	struct px_transcript *transcript; /* NULL once forgotten */
	size_t kept;                      /* bytes of each stream that it keeps */
	uint64_t unseen_after; /* nobody has seen a chunk numbered above it; UINT64_MAX: somebody
				  watches */
	struct px_watch_list watches;
	struct px_watch *parked; /* one of them, whose subscriber is gone; NULL: none */
	struct event *park_end;  /* there while 'parked' is */
	struct px_wait_list waits;
	struct px_write_ids *write_ids;
	struct event *timeout;   /* ends it; NULL without a limit */
	struct event *retention; /* made at the exit */
	bool forgotten;
	bool caged, denied;      /* in a sandbox; which seems to have made it fail */
	bool opening;            /* its program has not begun yet */
	struct px_err *unopened; /* why it never will; NULL: it has, or may */
	bool exited, closed;
	uint64_t exit_seq, closed_seq;
	size_t closed_bytes; /* its share in the core's; 0: not in that list */
	struct px_exit exit;
	int64_t started_ms, exited_ms; /* wall clock */
	int64_t last_output_ms;        /* monotonic; the start at first */
};

struct px_watch {
	TAILQ_ENTRY(px_watch) link;
	struct px_session *session;
	const struct px_watch_ops *ops;
	void *arg;
	struct px_cursor cursor;
	struct px_cursor acked; /* of a watch that acknowledges: at most 'cursor' */
	bool lossy, held, acknowledges, replays;
	bool deferred; /* what is read now, it gets from the transcript later */
	bool exit_told, close_told;
	uint64_t skipped; /* lossy: bytes passed over since the last 'lagged' */
};

int px_session_compare(const struct px_session *a, const struct px_session *b);
RB_PROTOTYPE(px_session_tree, px_session, by_id, px_session_compare)

/* For px_proc_start(): what it tells goes to its session (events.c). */
extern const struct px_proc_ops px_session_proc_ops;

/* Ends waits and watches, frees the process and the session. */
void px_session_free(struct px_session *session);

/* A forgotten session needs its transcript, watches and waits no more. */
void px_session_drop_record(struct px_session *session);

/* A session left the workspace's lists: it may be over. */
void px_workspace_on_removed(struct px_workspace *ws);

/* A process of the workspace has exited. */
void px_workspace_on_exited(struct px_workspace *ws);

/* Terminates what runs, gracefully, and frees the workspace when nothing does. */
void px_workspace_end(struct px_workspace *ws, enum px_cause cause);

/* Frees the workspace and its sessions now. */
void px_workspace_free(struct px_workspace *ws);

/* Ends what is parked in all its sessions. */
void px_workspace_unpark(struct px_workspace *ws);

/* ---- closed.c ---- */

void px_closed_add(struct px_session *session);     /* it has closed */
void px_closed_remove(struct px_session *session);  /* it is freed */
void px_closed_settled(struct px_session *session); /* nobody may wait for what it has written */
void px_closed_trim(struct px_core *core);          /* by the sweep */
/* Has everybody had all that it has written, as far as that is known? */
bool px_closed_is_settled(const struct px_session *session);

/* Told to watches by their session. */
void px_watch_on_output(struct px_watch *watch, const struct px_chunk *chunk);
void px_watch_on_end(struct px_watch *watch); /* exited or closed */
size_t px_watch_room(struct px_watch *watch);

/* Told to waits by their session. */
void px_waits_on_output(struct px_session *session, const struct px_chunk *chunk);
void px_waits_on_opened(struct px_session *session);
void px_waits_on_exit(struct px_session *session);
void px_waits_on_closed(struct px_session *session);
void px_waits_gone(struct px_session *session);

#endif

#ifndef PX_CLIENT_STATE_H
#define PX_CLIENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>
#include <ptyexec/client.h>

#include "client/daemon.h"
#include "client/link.h"

struct px_err;
struct px_json;
struct px_json_doc;
struct px_json_out;

/* The inside of a client. Nobody outside this folder includes it. */

enum {
	PX_CLIENT_REQUESTS = 64,
	PX_CLIENT_EVENT_BYTES = 1024 * 1024,
	PX_CLIENT_GREETING_MAX = 64 * 1024 /* what a server takes before it knows us */
};

/* An event and the message that it points into. */
struct px_heard {
	TAILQ_ENTRY(px_heard) link;
	struct px_event event;
	struct px_json_doc *doc; /* NULL: nothing is pointed into */
	char *text;
	size_t cost; /* what it counts for among the bytes of events not taken */
};

TAILQ_HEAD(px_heard_list, px_heard);

/* A kind of request: its method, and how its result becomes an answer (NULL: there is nothing in
 * it). */
struct px_request {
	const char *method;
	int (*result)(struct px_client *client, struct px_json_doc *doc,
	    const struct px_json *result, struct px_answer *out, struct px_err *err);
};

/* One that has not been answered. */
struct px_pending {
	int64_t id;
	const struct px_request *kind; /* NULL: the slot is free */
};

struct px_client {
	struct px_daemon daemon;
	struct px_link *link;
	int epfd; /* the link's descriptor is in it */
	int grace_ms;
	struct px_json_out *json;
	struct evbuffer *msg; /* a message being written */
	size_t message_max;   /* the largest that the server takes */
	int64_t last_id;
	struct px_pending pending[PX_CLIENT_REQUESTS];
	struct px_heard_list heard;      /* not taken yet */
	size_t heard_bytes;              /* their costs */
	struct px_heard *event, *answer; /* lent to the caller */
	bool is_lost;
	struct px_error lost; /* why */
};

#define PX_CLIENT_PROTOCOL "exec-server.v1"

/* ---- client.c ---- */

/*
 * A client over the connected stream socket 'fd', non-blocking and close-on-exec, which it takes
 * over also on failure. 'daemon' is the server at its other end, which the client takes over
 * likewise; it may have no process. Blocks for the greeting.
 */
int px_client_attach(int fd, const struct px_daemon *daemon,
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err);

/* ---- inbox.c ---- */

/* A px_link_message_fn on a client: turns a message into an event, or the client into a lost one.
 */
bool px_inbox_message(void *client, const char *text, size_t len);

/* Takes the answer to 'request' out of the events; NULL when it is not there. */
struct px_heard *px_inbox_take_answer(struct px_client *client, int64_t request);
struct px_heard *px_inbox_take(struct px_client *client); /* the first event, or NULL */

/* The connection is of no more use: every pending request is answered so, and PX_EVENT_LOST comes
 * last. */
void px_inbox_lose(struct px_client *client, const struct px_error *why);

void px_heard_free(struct px_heard *heard); /* takes NULL */

/* ---- results.c ---- */

/* How a program ended, from the object that has the members of it. */
int px_end_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_end *out, struct px_err *err);

extern const struct px_request px_request_initialize, px_request_start, px_request_write,
    px_request_close_stdin, px_request_resize, px_request_signal, px_request_terminate,
    px_request_wait, px_request_snapshot;

/* Fills 'out' from the error of an answer. */
int px_refusal_read(
    struct px_json_doc *doc, const struct px_json *error, struct px_error *out, struct px_err *err);

/* ---- notifications.c ---- */

/* Fills 'out' from a notification's params. 1: an event; 0: one that this client does not know; -1:
 * malformed. */
int px_notification_read(struct px_json_doc *doc, const char *method, const struct px_json *params,
    struct px_event *out, struct px_err *err);

/* ---- requests.c ---- */

int64_t px_client_initialize(struct px_client *client, const char *name, struct px_error *err);

#endif

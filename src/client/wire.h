#ifndef PX_CLIENT_WIRE_H
#define PX_CLIENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "client/bookmarks.h"
#include "client/daemon.h"
#include "client/link.h"
#include "client/transport.h"

struct px_address;
struct px_err;
struct px_json;
struct px_json_doc;
struct px_json_out;

/* The transport over a connection, for the files wire*.c. */

#define PX_WIRE_PROTOCOL "exec-server.v1"

enum {
	PX_WIRE_GREETING_MAX = 64 * 1024, /* what a server takes before it knows us */
	PX_WIRE_GREETING_ID = 0           /* those of the transport itself are not above 0 */
};

enum px_wire_state {
	WIRE_CONNECTING,
	WIRE_GREETING, /* connected, the answer to initialize is awaited */
	WIRE_OPEN,
	WIRE_WAITING, /* lost; to be tried again when the timer rings */
	WIRE_OVER
};

/* A request that is not answered; its text is kept for another connection. */
struct px_sent {
	TAILQ_ENTRY(px_sent) link;
	int64_t id;
	enum px_method_id method;
	char *session;     /* or NULL */
	int64_t after_seq; /* SUBSCRIBE */
	int64_t file;      /* that is open: what it works on; 0: none */
	bool on_its_way;   /* it went out on this connection or an earlier one */
	bool repeated;     /* on more than one */
	bool internal;     /* the client does not know of it */
	char *again;       /* the text that repeats it, where that is another one; or NULL */
	size_t again_len;
	size_t len;
	char text[];
};

TAILQ_HEAD(px_sent_list, px_sent);

struct px_wire {
	struct px_transport transport;
	enum px_wire_state state;
	int epfd, timer_fd;
	struct px_address *address; /* NULL: the connection was given, there is no other */
	struct px_daemon daemon;
	struct px_link *link; /* NULL while waiting */
	struct px_sent_list sent;
	unsigned lists; /* of files that have been asked for and not been told */
	struct px_bookmarks bookmarks;
	int64_t last_internal; /* counts down */
	bool greeted;          /* once */

	struct px_json_out *json;
	struct evbuffer *msg; /* a message being written */
	size_t message_max;   /* the largest that the server takes */
	bool broken, final;   /* the connection is to be given up, 'final': and no other tried */
	struct px_error why;

	/* From the options. */
	char *name, *version, *workspace, *token, *ca_file;
	int connect_timeout_ms, greeting_timeout_ms, grace_ms, silence_ms;
	bool lag, started_events, recovers, experimental;

	int64_t deadline;   /* px_now_ms(): of what the state waits for; 0: none */
	uint64_t received;  /* signs of life at the last look */
	bool asked;         /* for one, since then */
	int64_t lost_at;    /* when the connection was lost */
	int64_t backoff_ms; /* before the next attempt */
	int64_t detach_ms;  /* how long the server keeps what is ours */
	int64_t last_file;  /* the last that was opened; they are in order */
	int64_t lost_files; /* they, and those before, ended with an earlier connection */
	int64_t ack_bytes;  /* acknowledge after so many; 0: the server does not want that */
};

/* ---- wire.c ---- */

/* A client over 'address' (taken over) or, with NULL, the connected stream socket 'fd' (taken over)
 * and the server that 'daemon' is (taken over; may have no process). Blocks for the greeting. */
int px_wire_client(struct px_address *address, int fd, const struct px_daemon *daemon,
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err);

/* The server does what none of ours does: the end of this connection, and there is no other. */
void px_wire_break(struct px_wire *wire, const struct px_err *why);

/* The greeting was answered, in one way or the other. */
void px_wire_opened(struct px_wire *wire, const struct px_greeting *greeting);
void px_wire_refused(struct px_wire *wire, const struct px_error *why);

/* What the connection's state waits for has until then; 0: for ever. */
void px_wire_set_deadline(struct px_wire *wire, int64_t deadline);

/* ---- wire_out.c ---- */

int px_wire_send(struct px_transport *t, const struct px_request *request, struct px_error *err);
void px_wire_greet(struct px_wire *wire);
void px_wire_subscribe(struct px_wire *wire, const char *session, int64_t after_seq);
void px_wire_ack(struct px_wire *wire, const char *session, int64_t seq);
void px_wire_transmit(struct px_wire *wire, struct px_sent *sent);
void px_sent_free(struct px_wire *wire, struct px_sent *sent);

/* ---- wire_in.c ---- */

/* A px_link_message_fn. */
bool px_wire_message(void *wire, const char *text, size_t len);

/* ---- wire_again.c ---- */

/* The connection is gone, 'final': for good; else the next one is prepared. */
void px_wire_lost(struct px_wire *wire, const struct px_error *why, bool final);

/* Takes up on a new connection what was left on the last one. */
void px_wire_resume(struct px_wire *wire);

/* False: the file that it works on is not open any more, and it has been answered so. */
bool px_wire_check_file(struct px_wire *wire, struct px_sent *sent);

/* The request went out twice, and 'error' may only say that the first one was successful. */
void px_wire_settle_repeated(const struct px_sent *sent, struct px_error *error);

/* ---- wire_greeting.c ---- */

void px_wire_greeting_put(struct px_wire *wire, struct px_json_out *json);
int px_wire_greeting_read(
    struct px_wire *wire, struct px_heard *heard, const struct px_json *result, struct px_err *err);

/* ---- notifications.c ---- */

/* Fills the event from a notification's params. 1: an event; 0: one that this client does not know;
 * -1: malformed. */
int px_notification_read(struct px_json_doc *doc, const char *method, const struct px_json *params,
    struct px_event *out, struct px_err *err);

#endif

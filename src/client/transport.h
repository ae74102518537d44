#ifndef PX_CLIENT_TRANSPORT_H
#define PX_CLIENT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/client.h>

#include "client/heard.h"
#include "client/request.h"

/*
 * How a client reaches its sessions: over a connection (wire.c), or a core in
 * this process (local/). The client holds its lock around each call but close
 * and free, so a transport needs no lock of its own for what it does there.
 */
struct px_transport {
	const struct px_transport_ops *ops;
	struct px_client *client; /* set by px_client_attach() */
};

struct px_transport_ops {
	/*
	 * Takes a request on, whose slot in the client exists. -1: it cannot be sent.
	 * A refusal by the other side, also one that is known at once, is an answer.
	 */
	int (*send)(struct px_transport *t, const struct px_request *request, struct px_error *err);
	/* Readable (poll(2)) when step has something to do; always the same. */
	int (*fd)(const struct px_transport *t);
	/* Never blocks. Hands on what has come by px_inbox_x(), while there is room. */
	void (*step)(struct px_transport *t);
	/* Makes its descriptor readable, until the next step: there is room again. */
	void (*wake)(struct px_transport *t);
	/* Ends everything; blocks, boundedly. Called once; step and send are not called any more.
	 */
	void (*close)(struct px_transport *t);
	void (*free)(struct px_transport *t);
};

/* ---- for transports, inside step and send ---- */

/* Bytes of events (their costs) that may be handed on now; 0: hold them back. Answers always go. */
size_t px_inbox_room(const struct px_client *client);

/* Takes 'heard' over: an event of a session. */
void px_inbox_event(struct px_client *client, struct px_heard *heard);

/* Takes 'heard', of type ANSWER and with its number in it, over. */
void px_inbox_answer(struct px_client *client, struct px_heard *heard);

/* It is over: open requests are answered with 'why', and PX_EVENT_LOST comes last. */
void px_inbox_lose(struct px_client *client, const struct px_error *why);

/* ---- making a client ---- */

/* To be given a transport. NULL: 'err' says why. */
struct px_client *px_client_new(const struct px_client_options *options, struct px_error *err);

/* Gives it its transport, which it owns from now on. */
void px_client_attach(struct px_client *client, struct px_transport *t);

/* What the server said of itself, copied. Until then the client only greets. */
void px_client_greeted(struct px_client *client, const struct px_greeting *greeting);

/* Blocks until it is greeted, or lost: -1. The transport sees to it that one of both happens. */
int px_client_await_greeting(struct px_client *client, struct px_error *err);

#endif

#ifndef PX_CLIENT_STATE_H
#define PX_CLIENT_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <ptyexec/client.h>

#include "client/heard.h"
#include "client/request.h"
#include "client/transport.h"

/* The inside of a client, for the files of this folder that share it. */

/* An answer that is awaited may come behind so many times 'queue_bytes' of events. */
enum { PX_CLIENT_AWAIT_FACTOR = 16 };

/* A session about which there is something to tell, or somebody to tell it to. */
struct px_known {
	RB_ENTRY(px_known) by_name;
	const char *name;
	struct px_heard_list events; /* not taken yet, by 'of_session' */
	px_event_fn *take;           /* NULL: they are had by px_client_next() */
	void *take_arg;
	char bytes[]; /* what 'name' points to */
};

/* A request without answer. */
struct px_open_request {
	int64_t id;
	bool forgotten; /* nobody wants the answer */
};

RB_HEAD(px_known_tree, px_known);

struct px_client {
	pthread_mutex_t lock; /* for everything below */
	pthread_cond_t changed;
	struct px_transport *transport;
	int epfd;     /* readable when there is something to do: the transport's and the next */
	int wake_fd;  /* an eventfd that ends the wait of who drives */
	bool driving; /* a thread polls, without the lock */
	atomic_uint users; /* threads inside a call, counted before they have the lock */
	unsigned awaiting; /* of them, for an answer */

	unsigned capacity;
	size_t queue_bytes;
	enum px_slow_consumer slow_consumer;
	bool answer_events;
	bool experimental;

	struct px_heard *greeting_memory; /* NULL: not greeted yet */
	struct px_greeting greeting;

	char prefix[2 * 8 + 1]; /* of the names that it makes */
	int64_t last_id;
	struct px_open_request *open; /* up to 'capacity' */
	size_t nopen;

	struct px_known_tree known;
	struct px_heard_list events;  /* to be taken by px_client_next(), by 'link' */
	struct px_heard_list calling; /* to be given to a callback, by 'link' */
	struct px_heard_list answers; /* to be awaited, by 'link' */
	size_t queued;                /* the cost of all of them */
	bool full;                    /* the transport holds events back */
	bool woken;                   /* 'wake_fd' has been written and not read yet */
	px_event_fn *take_rest;       /* for events that no other callback takes */
	void *take_rest_arg;
	bool dispatching;   /* a thread gives events to callbacks */
	bool in_callback;   /* at present it is inside one, without the lock */
	unsigned switching; /* threads that wait to change who is called */
	pthread_t dispatcher;

	bool is_lost;
	struct px_error lost; /* why */
	enum { PX_CLIENT_OPEN, PX_CLIENT_CLOSING, PX_CLIENT_CLOSED } life;
};

/* ---- calls.c ---- */

/* A call that is a request: checks it, gives it a number, sends it. */
int64_t px_client_request(
    struct px_client *client, struct px_request *request, struct px_error *err);

/* ---- drive.c ---- */

/* Around every call. */
void px_client_enter(struct px_client *client);
void px_client_leave(struct px_client *client);

/* Something has been handed on or has ended: whoever waits looks again. */
void px_client_changed(struct px_client *client);

/* The descriptor for loops is readable until the next step. */
void px_client_wake(struct px_client *client);

/* The transport was told to hold back, and there is room again, which it cannot know. */
bool px_client_is_held(const struct px_client *client);

/*
 * Waits until the transport has something to do, and does it; or until another
 * thread has, or something has changed; or until the deadline. False: now the
 * deadline (px_now_ms()) has passed, whatever was done.
 */
bool px_client_drive(struct px_client *client, int64_t deadline);
int64_t px_client_deadline(int timeout_ms);

/*
 * A whole call: waits until there is an event of 'session' or the answer to
 * 'request' (0: none; PX_REQUEST_SLOT: any, so that there is a place for another
 * one), the client is lost, or the deadline has passed.
 */
enum { PX_REQUEST_SLOT = -1 };
void px_client_wait_for(
    struct px_client *client, const char *session, int64_t request, int64_t deadline);

/* ---- inbox.c ---- */

/* Takes the first event (of 'session', unless NULL), or the answer; or NULL. */
struct px_heard *px_inbox_take(struct px_client *client, const char *session);
struct px_heard *px_inbox_take_answer(struct px_client *client, int64_t request);

struct px_heard *px_inbox_remove(
    struct px_client *client, struct px_heard_list *list, struct px_heard *heard);

/* Where events of this session (NULL: of none) wait: for px_client_next(), or for a callback. */
struct px_heard_list *px_inbox_queue(struct px_client *client, const struct px_known *known);

bool px_inbox_has(struct px_client *client, const char *session);       /* an event to take */
bool px_inbox_is_called(struct px_client *client, const char *session); /* by a callback */
bool px_inbox_is_open(const struct px_client *client, int64_t request); /* will be answered */
void px_inbox_forget(struct px_client *client, int64_t request);
void px_inbox_clear(struct px_client *client);

/* ---- callbacks.c ---- */

/* Calls whom the events are for, without the lock, unless a thread does so already. */
void px_client_dispatch(struct px_client *client);

/* ---- known.c ---- */

struct px_known *px_known_get(struct px_client *client, const char *session); /* made if need be */
struct px_known *px_known_find(struct px_client *client, const char *session);
void px_known_settle(struct px_client *client, struct px_known *known); /* freed if of no use */
void px_known_clear(struct px_client *client); /* frees all, whose events are gone */

#endif

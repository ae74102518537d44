#ifndef PX_RPC_CALL_WAIT_H
#define PX_RPC_CALL_WAIT_H

#include <stdint.h>

#include "session/wait.h"

struct px_call;
struct px_session;

/* A call that is answered when something has come of a session. */
struct px_call_wait {
	struct px_call *call;
	struct px_session *session;
	/* Answers the call; 'w' is borrowed. */
	void (*answer)(const struct px_call_wait *w, enum px_reason reason);
	/* For 'answer', as its method needs them. */
	int existing;         /* a run: start's member, or -1 */
	uint64_t after, max;  /* a read: from where, and bytes at most */
	struct px_wait *wait; /* set here */
};

/*
 * Answers now or when 'until' is met; 'template' is copied. A session that goes
 * meanwhile fails the call (PX_E_SESSION).
 */
void px_call_wait(const struct px_call_wait *template, const struct px_wait_until *until);

#endif

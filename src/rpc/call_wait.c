#include "rpc/call_wait.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rpc/call.h"
#include "session/session.h"

static void
waiting_cancel(void *arg)
{
	struct px_call_wait *w = arg;

	px_wait_cancel(w->wait);
	free(w);
}

static void
waiting_done(void *arg, enum px_reason reason)
{
	struct px_call_wait w = *(struct px_call_wait *)arg;
	struct px_err err;

	free(arg);
	if (reason == PX_REASON_GONE) {
		px_session_fail_gone(w.session, &err);
		px_call_fail(w.call, &err);
	} else {
		w.answer(&w, reason);
	}
}

void
px_call_wait(const struct px_call_wait *template, const struct px_wait_until *until)
{
	struct px_call_wait *w = px_new(struct px_call_wait);
	enum px_reason reason;

	*w = *template;
	w->wait = px_wait_new(w->session, until, waiting_done, w, &reason);
	if (w->wait == NULL)
		waiting_done(w, reason);
	else
		px_call_defer(w->call, waiting_cancel, w);
}

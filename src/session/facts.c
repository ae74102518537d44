#include "base/clock.h"
#include "session/state.h"
#include "session/wait.h"

/* What can be asked of a session. */

const char *
px_session_id(const struct px_session *session)
{
	return session->id;
}

struct px_workspace *
px_session_workspace(const struct px_session *session)
{
	return session->ws;
}

const struct px_spec *
px_session_spec(const struct px_session *session)
{
	return &session->spec;
}

struct px_transcript *
px_session_transcript(struct px_session *session)
{
	return session->transcript;
}

struct px_proc *
px_session_proc(const struct px_session *session)
{
	return session->proc;
}

unsigned
px_session_streams(const struct px_session *session)
{
	return session->spec.io == PX_IO_PTY ? 1 : 2;
}

bool
px_session_running(const struct px_session *session)
{
	return !session->exited;
}

const struct px_exit *
px_session_exit(const struct px_session *session)
{
	return session->exited && !session->exit.lost ? &session->exit : NULL;
}

bool
px_session_opening(const struct px_session *session)
{
	return session->opening;
}

bool
px_session_caged(const struct px_session *session)
{
	return session->caged;
}

bool
px_session_denied(const struct px_session *session)
{
	return session->denied;
}

int
px_session_fail_gone(const struct px_session *session, struct px_err *err)
{
	if (session->unopened == NULL)
		return px_fail_gone(err);
	*err = *session->unopened;
	return -1;
}

bool
px_session_closed(const struct px_session *session)
{
	return session->closed;
}

int64_t
px_session_started_ms(const struct px_session *session)
{
	return session->started_ms;
}

int64_t
px_session_exited_ms(const struct px_session *session)
{
	return session->exited_ms;
}

int64_t
px_session_idle_ms(const struct px_session *session)
{
	return px_now_ms() - session->last_output_ms;
}

size_t
px_session_subscribers(const struct px_session *session)
{
	const struct px_watch *watch;
	size_t n = 0;

	TAILQ_FOREACH (watch, &session->watches, link)
		n += watch != session->parked;
	return n;
}

#include "session/workspace.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/park.h"
#include "session/state.h"

const struct px_terms px_terms_lasting = { .fleeting = false };
const struct px_terms px_terms_fleeting = { .fleeting = true };

static void
sweep_soon(struct px_workspace *ws)
{
	event_active(ws->core->sweep, EV_TIMEOUT, 0);
}

static bool
workspace_has_kept(const struct px_workspace *ws)
{
	const struct px_session *session;

	TAILQ_FOREACH (session, &ws->sessions, link)
		if (session->on_disconnect == PX_DISCONNECT_KEEP)
			return true;
	return false;
}

/* The detach time has passed: without a session that is to be kept it is over, else the others end.
 */
static void
workspace_on_detached(evutil_socket_t fd, short what, void *arg)
{
	struct px_workspace *ws = arg;
	struct px_session *session;

	(void)fd;
	(void)what;
	ws->expired = true;
	if (!workspace_has_kept(ws)) {
		px_workspace_end(ws, PX_CAUSE_DISCONNECT);
		return;
	}
	TAILQ_FOREACH (session, &ws->sessions, link)
		if (session->on_disconnect != PX_DISCONNECT_KEEP)
			px_session_terminate(
			    session, ws->core->options.grace_ms, PX_CAUSE_DISCONNECT);
}

/* A mark has room for so many groups: one is used again when nobody has it. */
static uint32_t
group_take(struct px_core *core)
{
	const uint32_t mask = ((uint32_t)1 << PX_MARK_GROUP_BITS) - 1;
	const struct px_workspace *ws;
	uint32_t group;

	do {
		group = core->next_group++ & mask;
		TAILQ_FOREACH (ws, &core->workspaces, link)
			if (ws->group == group)
				break;
	} while (ws != NULL);
	return group;
}

static struct px_workspace *
workspace_new(struct px_core *core, enum px_workspace_kind kind, const struct px_terms *terms)
{
	struct px_workspace *ws = px_new(struct px_workspace);
	char random[2 * PX_WORKSPACE_ID_BYTES + 1];

	ws->core = core;
	ws->kind = kind;
	ws->terms = terms;
	ws->group = group_take(core);
	ws->next_id = 1;
	RB_INIT(&ws->by_id);
	TAILQ_INIT(&ws->sessions);
	TAILQ_INIT(&ws->forgotten);
	TAILQ_INIT(&ws->members);
	px_random_hex(PX_WORKSPACE_ID_BYTES, random);
	snprintf(ws->id, sizeof ws->id, "w-%s", random);
	if (kind == PX_WORKSPACE_ANONYMOUS)
		px_random_hex(PX_TOKEN_BYTES, ws->token);
	ws->detach_timer = evtimer_new(core->base, workspace_on_detached, ws);
	TAILQ_INSERT_TAIL(&core->workspaces, ws, link);
	core->counts.workspaces++;
	return ws;
}

void
px_workspace_free(struct px_workspace *ws)
{
	struct px_core *core = ws->core;

	ws->ending = true;
	while (!TAILQ_EMPTY(&ws->sessions))
		px_session_free(TAILQ_FIRST(&ws->sessions));
	while (!TAILQ_EMPTY(&ws->forgotten))
		px_session_free(TAILQ_FIRST(&ws->forgotten));
	event_free(ws->detach_timer);
	TAILQ_REMOVE(&core->workspaces, ws, link);
	core->counts.workspaces--;
	free(ws);
}

void
px_workspace_unpark(struct px_workspace *ws)
{
	struct px_session *session;

	TAILQ_FOREACH (session, &ws->sessions, link)
		px_session_unpark(session);
}

/* The group as a whole, so that what outlived a session that is forgotten ends too. */
void
px_workspace_end(struct px_workspace *ws, enum px_cause cause)
{
	ws->ending = true;
	event_del(ws->detach_timer);
	px_workspace_unpark(ws);
	if (ws->next_serial > 0)
		px_procs_stop_group(ws->core->procs, ws->group, ws->core->options.grace_ms, cause);
	if (ws->running == 0)
		sweep_soon(ws);
}

static void
workspace_attach(struct px_workspace *ws, struct px_member *member)
{
	member->workspace = ws;
	TAILQ_INSERT_TAIL(&ws->members, member, link);
	event_del(ws->detach_timer);
	ws->expired = false;
}

struct px_workspace *
px_workspace_join_new(struct px_core *core, const struct px_terms *terms, struct px_member *member)
{
	struct px_workspace *ws = workspace_new(
	    core, terms->fleeting ? PX_WORKSPACE_FLEETING : PX_WORKSPACE_ANONYMOUS, terms);

	workspace_attach(ws, member);
	return ws;
}

struct px_workspace *
px_workspace_join_named(
    struct px_core *core, const char *name, size_t len, struct px_member *member)
{
	struct px_workspace *ws;

	TAILQ_FOREACH (ws, &core->workspaces, link)
		if (ws->kind == PX_WORKSPACE_NAMED && !ws->ending && strlen(ws->id) == len &&
		    memcmp(ws->id, name, len) == 0)
			break;
	if (ws == NULL) {
		ws = workspace_new(core, PX_WORKSPACE_NAMED, &px_terms_lasting);
		snprintf(ws->id, sizeof ws->id, "%.*s", (int)len, name);
	}
	workspace_attach(ws, member);
	return ws;
}

/* Every token is compared to its end, so that the time taken tells nothing about any of them. */
static struct px_workspace *
workspace_by_token(
    struct px_core *core, const struct px_terms *terms, const char *token, size_t len)
{
	struct px_workspace *ws, *found = NULL;

	if (len != sizeof ws->token - 1)
		return NULL;
	TAILQ_FOREACH (ws, &core->workspaces, link)
		if (ws->kind == PX_WORKSPACE_ANONYMOUS && ws->terms == terms && !ws->ending &&
		    px_equal_secret(ws->token, token, len))
			found = ws;
	return found;
}

/* The new client is there already, so that the workspace is never without one meanwhile. */
static void
workspace_take_over(struct px_workspace *ws, const struct px_member *by)
{
	struct px_member *member, *next;

	TAILQ_FOREACH_SAFE (member, &ws->members, link, next)
		if (member != by)
			member->taken(member->arg);
}

int
px_workspace_resume(struct px_core *core, const struct px_terms *terms, const char *token,
    size_t len, struct px_member *member, struct px_err *err)
{
	struct px_workspace *ws = workspace_by_token(core, terms, token, len);

	if (ws == NULL)
		return px_fail(err, PX_E_TOKEN, "unknown or expired resume token");
	if (!terms->taken_over && !TAILQ_EMPTY(&ws->members))
		return px_fail(
		    err, PX_E_ATTACHED, "workspace %s is attached to another connection", ws->id);
	workspace_attach(ws, member);
	workspace_take_over(ws, member);
	return 0;
}

static void
end_sessions_of(struct px_workspace *ws, const struct px_member *member)
{
	struct px_session *session;

	TAILQ_FOREACH (session, &ws->sessions, link) {
		if (session->starter != member)
			continue;
		session->starter = NULL;
		if (session->on_disconnect == PX_DISCONNECT_KILL)
			px_session_terminate(
			    session, ws->core->options.grace_ms, PX_CAUSE_DISCONNECT);
	}
}

static bool
workspace_is_idle(const struct px_workspace *ws)
{
	return ws->kind == PX_WORKSPACE_ANONYMOUS && !ws->ending && TAILQ_EMPTY(&ws->members) &&
	       TAILQ_EMPTY(&ws->sessions);
}

/* What holds nothing and has no client is kept for a resume, but not without bound: the oldest goes
 * first. */
static void
idle_make_room(struct px_core *core)
{
	struct px_workspace *ws, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH_REVERSE(ws, &core->workspaces, px_workspace_list, link)
	if (workspace_is_idle(ws)) {
		oldest = ws;
		n++;
	}
	if (n > PX_IDLE_WORKSPACES)
		px_workspace_end(oldest, PX_CAUSE_DISCONNECT);
}

/* Nobody is attached. */
static void
workspace_unattended(struct px_workspace *ws)
{
	struct timeval tv = px_ms_tv(ws->core->options.detach_ttl_ms);

	if (ws->ending)
		sweep_soon(ws);
	else if (ws->kind == PX_WORKSPACE_FLEETING ||
		 (ws->kind == PX_WORKSPACE_NAMED && TAILQ_EMPTY(&ws->sessions)))
		px_workspace_end(ws, PX_CAUSE_DISCONNECT);
	else
		event_add(ws->detach_timer, &tv);
	idle_make_room(ws->core);
}

void
px_workspace_leave(struct px_member *member)
{
	struct px_workspace *ws = member->workspace;

	if (ws == NULL)
		return;
	TAILQ_REMOVE(&ws->members, member, link);
	member->workspace = NULL;
	end_sessions_of(ws, member);
	if (TAILQ_EMPTY(&ws->members))
		workspace_unattended(ws);
}

void
px_workspace_on_removed(struct px_workspace *ws)
{
	if (ws->ending || !TAILQ_EMPTY(&ws->members) || !TAILQ_EMPTY(&ws->sessions))
		return;
	if (ws->kind == PX_WORKSPACE_NAMED || ws->expired)
		px_workspace_end(ws, PX_CAUSE_DISCONNECT);
}

void
px_workspace_on_exited(struct px_workspace *ws)
{
	if ((ws->ending && ws->running == 0) ||
	    ws->exited > ws->core->options.max_running_per_workspace)
		sweep_soon(ws);
}

const char *
px_workspace_id(const struct px_workspace *ws)
{
	return ws->id;
}

const char *
px_workspace_token(const struct px_workspace *ws)
{
	return ws->token[0] != '\0' ? ws->token : NULL;
}

struct px_session *
px_workspace_find(struct px_workspace *ws, const char *id, size_t len)
{
	char name[PX_NAME_MAX + 1];
	struct px_session key = { .id = name };

	if (len > PX_NAME_MAX || memchr(id, '\0', len) != NULL)
		return NULL;
	memcpy(name, id, len);
	name[len] = '\0';
	return RB_FIND(px_session_tree, &ws->by_id, &key);
}

struct px_session *
px_workspace_get(struct px_workspace *ws, const char *id, size_t len, struct px_err *err)
{
	struct px_session *session = px_workspace_find(ws, id, len);

	if (session == NULL)
		px_fail(err, PX_E_SESSION, "unknown session id %.*s",
		    len < PX_NAME_MAX ? (int)len : PX_NAME_MAX, id);
	return session;
}

struct px_session *
px_workspace_next(struct px_workspace *ws, struct px_session *after)
{
	return after == NULL ? TAILQ_FIRST(&ws->sessions) : TAILQ_NEXT(after, link);
}

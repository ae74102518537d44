#ifndef SCENE_H
#define SCENE_H

#include "rig/rig.h"
#include "rig/talk.h"

/* A connection that breaks when the test says so, and a witness beside it, which sees what has
 * arrived. */

struct scene {
	struct rig_proxy *proxy;
	struct talk talk, witness; /* through the proxy, and past it */
	struct px_client *c, *w;
	struct px_error *err;
	struct told told;
};

/* The options of both can be set before they are connected. */
static inline void
scene_init(struct scene *s, enum rig_socket way)
{
	s->proxy = rig_proxy_new(rig_url(way));
	talk_init(&s->talk);
	talk_init(&s->witness);
	told_init(&s->told);
	s->err = &s->talk.error;
}

static inline void
scene_connect(struct scene *s)
{
	talk_connect(&s->talk, rig_proxy_url(s->proxy));
	talk_connect(&s->witness, rig_url(RIG_UNIX));
	s->c = s->talk.client;
	s->w = s->witness.client;
}

static inline void
scene_end(struct scene *s)
{
	talk_done(&s->talk);
	talk_done(&s->witness);
	told_done(&s->told);
	rig_proxy_free(s->proxy);
}

/* What is asked now arrives, but its answer does not: cut before that. */
static inline void
lose_answers(struct scene *s)
{
	rig_proxy_hold(s->proxy, RIG_DOWN, true);
}

static inline void
cut(struct scene *s)
{
	rig_proxy_cut(s->proxy);
	rig_proxy_hold(s->proxy, RIG_DOWN, false);
	rig_proxy_hold(s->proxy, RIG_UP, false);
}

#endif

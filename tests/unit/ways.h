#ifndef WAYS_H
#define WAYS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/talk.h"

/*
 * One suite, all ways to a server: each scenario runs once over each of them,
 * and has the same results. The loop's number says which.
 */

enum way { WAY_LOCAL, WAY_STDIO, WAY_UNIX, WAY_WS, WAY_CUT, WAYS };

struct scene {
	enum way way;
	struct rig_proxy *proxy; /* WAY_CUT */
	struct talk talk;
	struct px_client *c;
	struct px_error *err;
	struct told told;
};

/* Each connection lasts for the greeting, and a few or many messages more. */
enum { CUT_LEAST = 4000, CUT_MOST = 30000 };

/* $PX_SEED repeats the cuts of a failure. */
static inline unsigned
way_seed(void)
{
	const char *seed = getenv("PX_SEED");

	return seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : 1;
}

/* Before: scene_init() and changes to the options. */
static inline void
scene_open(struct scene *scene)
{
	struct talk *talk = &scene->talk;
	int result = 0;

	if (scene->way == WAY_LOCAL)
		result = px_client_embed(&talk->options, &talk->client, &talk->error);
	else if (scene->way == WAY_STDIO)
		result = px_client_launch(NULL, &talk->options, &talk->client, &talk->error);
	else
		talk_connect(talk, scene->proxy != NULL   ? rig_proxy_url(scene->proxy)
				   : scene->way == WAY_WS ? rig_url(RIG_WS)
							  : rig_url(RIG_UNIX));
	ck_assert_msg(result == 0, "%s", talk->error.text);
	scene->c = talk->client;
}

static inline void
scene_init(struct scene *scene, int way)
{
	*scene = (struct scene){ .way = (enum way)way };
	talk_init(&scene->talk);
	scene->err = &scene->talk.error;
	told_init(&scene->told);
	if (scene->way != WAY_CUT)
		return;
	scene->proxy = rig_proxy_new(rig_url(RIG_WS));
	rig_proxy_cut_randomly(scene->proxy, way_seed(), CUT_LEAST, CUT_MOST);
}

/* An answer that no connection lives long enough for never comes. */
static inline void
scene_for_large_answers(struct scene *scene)
{
	if (scene->proxy != NULL)
		rig_proxy_cut_randomly(scene->proxy, way_seed(), 100 * CUT_LEAST, 100 * CUT_MOST);
}

static inline void
scene_start(struct scene *scene, int way)
{
	scene_init(scene, way);
	scene_open(scene);
}

/* Told of something else from now on. */
static inline void
scene_told_anew(struct scene *scene)
{
	told_done(&scene->told);
	told_init(&scene->told);
}

static inline void
scene_end(struct scene *scene)
{
	told_done(&scene->told);
	talk_done(&scene->talk);
	if (scene->proxy != NULL)
		rig_proxy_free(scene->proxy);
}

/* Where connections break, a signal may be lost, and only then: it is sent again. */
static inline bool
scene_signal(struct scene *scene, const char *session, const char *name)
{
	struct px_answer *answer;
	bool delivered;

	while ((answer = px_client_await(scene->c,
		    talk_sent(&scene->talk, px_client_signal(scene->c, session, name, scene->err)),
		    rig_ms(TALK_MS), scene->err)) == NULL) {
		ck_assert_int_eq(scene->way, WAY_CUT);
		ck_assert_int_eq(scene->err->code, PX_ERROR_LOST);
	}
	delivered = answer->signal.delivered;
	px_answer_free(answer);
	return delivered;
}

#endif

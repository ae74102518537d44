#include "fs/let_go.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fs/handles.h"
#include "fs/pool.h"

struct closing {
	struct px_pool_owner *owner; /* of this one alone, so that it waits for no other */
	struct px_handles *handles;
	struct px_handle *handle;
};

static bool
closing_run(void *arg, const atomic_bool *stop)
{
	struct closing *closing = arg;

	(void)stop;
	px_handles_free(closing->handles);
	px_handle_unref(closing->handle);
	return true;
}

static void
closing_done(void *arg, bool cancelled)
{
	struct closing *closing = arg;

	(void)cancelled;
	px_pool_owner_free(closing->owner);
	free(closing);
}

void
px_handles_let_go(struct px_pool *pool, struct px_handles *handles, struct px_handle *handle)
{
	static const struct px_pool_work work = {
		.run = closing_run, .done = closing_done, .lasts = true
	};
	struct closing *closing;

	if (handles == NULL && handle == NULL)
		return;
	closing = px_new(struct closing);
	closing->handles = handles;
	closing->handle = handle;
	if (pool != NULL)
		closing->owner = px_pool_owner_new(pool);
	if (pool == NULL || px_pool_submit(closing->owner, &work, closing, NULL) == -1) {
		closing_run(closing, NULL);
		closing_done(closing, false);
	}
}

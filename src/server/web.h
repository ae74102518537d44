#ifndef PX_SERVER_WEB_H
#define PX_SERVER_WEB_H

#include <stdbool.h>
#include <stdint.h>

struct evbuffer;
struct px_config;
struct px_core;
struct px_http_request;
struct px_log;
struct px_loop_watch;
struct px_net;

/* What the WebSocket port answers to HTTP, and who may upgrade. All borrowed. */
struct px_web {
	const struct px_config *config;
	struct px_core *core;
	const struct px_net *net;
	struct px_loop_watch *loop;
	const struct px_log *log;
	int64_t started_ms; /* wall clock */
	bool stopping;      /* /readyz says 503, and nobody upgrades any more */
	uint64_t refused_origins, refused_hosts;
};

/*
 * Answers 'req' into 'out' and returns false, or returns true: the upgrade may
 * go on. Origin and Host are checked before anything else, for every path.
 */
bool px_web_request(struct px_web *web, const struct px_http_request *req, struct evbuffer *out);

#endif

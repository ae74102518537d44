#include "server/web.h"

#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/log.h"
#include "server/access.h"
#include "server/metrics.h"
#include "wire/http.h"

static const char text_plain[] = "text/plain; charset=utf-8";

static bool
is_head(const struct px_http_request *req)
{
	return strcmp(req->method, "HEAD") == 0;
}

static void
answer(const struct px_http_request *req, struct evbuffer *out, int status, const char *extra,
    const char *body)
{
	px_http_respond(out, status, text_plain, extra, body, strlen(body), is_head(req));
}

/* What the peer sent goes into the log only, and not much of it. */
static void
log_refusal(const struct px_web *web, const char *key, const char *value, const char *reason)
{
	char cut[128 + 1];

	snprintf(cut, sizeof(cut), "%s", value != NULL ? value : "");
	px_log_event(web->log, PX_LOG_WARN, "refuse", PX_S("reason", reason),
	    PX_S(key, value != NULL ? cut : NULL));
}

static bool
web_grants(struct px_web *web, const struct px_http_request *req, struct evbuffer *out)
{
	const char *value;

	switch (px_access_check(web->config, req, &value)) {
	case PX_ACCESS_GRANTED:
		return true;
	case PX_ACCESS_MALFORMED:
		web->refused_hosts++;
		log_refusal(web, "host", value, "not one Host");
		answer(req, out, 400, NULL, "there is not exactly one Host header\n");
		return false;
	case PX_ACCESS_BAD_HOST:
		web->refused_hosts++;
		log_refusal(web, "host", value, "allow_host");
		answer(req, out, 403, NULL, "this Host is not in allow_host\n");
		return false;
	case PX_ACCESS_BAD_ORIGIN:
		web->refused_origins++;
		log_refusal(web, "origin", value, "allow_origin");
		answer(req, out, 403, NULL, "this Origin is not in allow_origin\n");
		return false;
	}
	return false;
}

static void
get_health(struct px_web *web, const struct px_http_request *req, struct evbuffer *out)
{
	(void)web;
	answer(req, out, 200, NULL, "ok\n");
}

static void
get_ready(struct px_web *web, const struct px_http_request *req, struct evbuffer *out)
{
	if (web->stopping)
		answer(req, out, 503, NULL, "stopping\n");
	else
		answer(req, out, 200, NULL, "ready\n");
}

static void
get_metrics(struct px_web *web, const struct px_http_request *req, struct evbuffer *out)
{
	struct evbuffer *text = evbuffer_new();

	px_metrics_put(web, text);
	px_http_respond(out, 200, "text/plain; version=0.0.4; charset=utf-8", NULL,
	    (const char *)evbuffer_pullup(text, -1), evbuffer_get_length(text), is_head(req));
	evbuffer_free(text);
}

static const struct {
	const char *path;
	void (*get)(struct px_web *web, const struct px_http_request *req, struct evbuffer *out);
} pages[] = {
	{ "/healthz", get_health },
	{ "/readyz", get_ready },
	{ "/metrics", get_metrics },
};

static void
web_page(struct px_web *web, const struct px_http_request *req, struct evbuffer *out)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(req->path, pages[i].path) != 0)
			continue;
		if (strcmp(req->method, "GET") == 0 || is_head(req))
			pages[i].get(web, req, out);
		else
			answer(req, out, 405, "Allow: GET, HEAD", "use GET or HEAD\n");
		return;
	}
	answer(req, out, 404, NULL, "not found\n");
}

bool
px_web_request(struct px_web *web, const struct px_http_request *req, struct evbuffer *out)
{
	if (!web_grants(web, req, out))
		return false;
	if (px_http_count(&req->headers, "upgrade") == 0) {
		web_page(web, req, out);
		return false;
	}
	if (strcmp(req->path, "/") != 0) {
		answer(req, out, 404, NULL, "not found; a WebSocket is at /\n");
		return false;
	}
	if (web->stopping) {
		answer(req, out, 503, NULL, "stopping\n");
		return false;
	}
	return true;
}

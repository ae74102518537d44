#include "server/listeners.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/config.h"

enum { URL_TEXT_MAX = 160 };

struct px_listeners {
	const struct px_log *log;
	bool stdio;
	struct px_listener **sockets;
	size_t nsockets;
};

static int
url_read(const struct px_config *config, const char *text, struct px_url *url, struct px_err *err)
{
	char shown[URL_TEXT_MAX];

	if (px_url_parse(text, url, err) == -1)
		return -1;
	if (url->kind != PX_URL_WS || px_addr_is_loopback(&url->addr) ||
	    config->insecure_allow_remote)
		return 0;
	px_url_format(url, shown, sizeof shown);
	return px_fail(err, PX_E_USAGE,
	    "refusing to listen on %s: whoever can reach it can run programs here "
	    "(--insecure-allow-remote if that is what you want)",
	    shown);
}

static int
sockets_open(struct px_listeners *l, struct event_base *base, const struct px_url *urls, size_t n,
    struct px_err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (urls[i].kind == PX_URL_STDIO)
			l->stdio = true;
		else if (px_listener_open(base, &urls[i], l->log, &l->sockets[l->nsockets], err) ==
			 -1)
			return -1;
		else
			l->nsockets++;
	}
	return 0;
}

int
px_listeners_open(struct event_base *base, const struct px_config *config, const struct px_log *log,
    struct px_listeners **out, struct px_err *err)
{
	const struct px_config_list *list = &config->listen;
	struct px_listeners *l = px_new(struct px_listeners);
	struct px_url *urls = px_alloc((list->n + 1) * sizeof *urls);
	int result = 0;

	l->log = log;
	l->sockets = px_alloc((list->n + 1) * sizeof(struct px_listener *));
	for (size_t i = 0; i < list->n && result == 0; i++)
		result = url_read(config, list->v[i], &urls[i], err);
	if (result == 0)
		result = sockets_open(l, base, urls, list->n, err);
	free(urls);
	if (result == -1)
		px_listeners_free(l);
	else
		*out = l;
	return result;
}

void
px_listeners_free(struct px_listeners *listeners)
{
	if (listeners == NULL)
		return;
	px_listeners_close(listeners);
	free(listeners->sockets);
	free(listeners);
}

static void
announce(const struct px_listeners *l, const char *url)
{
	if (l->log->level > PX_LOG_ERROR)
		fprintf(stderr, "ptyexecd listening on %s\n", url);
}

void
px_listeners_start(struct px_listeners *listeners, px_accept_fn *accept, void *arg)
{
	char text[URL_TEXT_MAX];

	for (size_t i = 0; i < listeners->nsockets; i++) {
		px_listener_start(listeners->sockets[i], accept, arg);
		px_url_format(px_listener_url(listeners->sockets[i]), text, sizeof text);
		announce(listeners, text);
	}
	if (listeners->stdio)
		announce(listeners, "stdio://");
}

bool
px_listeners_are_awaited(const struct px_listeners *listeners)
{
	for (size_t i = 0; i < listeners->nsockets; i++)
		if (px_listener_is_awaited(listeners->sockets[i]))
			return true;
	return false;
}

void
px_listeners_close(struct px_listeners *listeners)
{
	for (size_t i = 0; i < listeners->nsockets; i++)
		px_listener_free(listeners->sockets[i]);
	listeners->nsockets = 0;
}

bool
px_listeners_have_stdio(const struct px_listeners *listeners)
{
	return listeners->stdio;
}

bool
px_listeners_have_sockets(const struct px_listeners *listeners)
{
	return listeners->nsockets > 0;
}

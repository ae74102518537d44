#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	BACKLOG = 512,
	KEEPALIVE_IDLE_S = 30,
	KEEPALIVE_INTERVAL_S = 10,
	KEEPALIVE_COUNT = 3,
	UNSENT_BYTES = 256 * 1024,
	PAUSE_MS = 100
};

struct px_listener {
	struct px_url url;
	const struct px_log *log;
	struct evconnlistener *listener;
	struct event
	    *pause; /* accepting failed for want of descriptors: try again a little later */
	px_accept_fn *accept;
	void *arg;
	dev_t dev; /* UNIX: the file that we made */
	ino_t ino;
};

static const struct sockaddr *
unix_addr(const struct px_url *url, struct sockaddr_un *out)
{
	memset(out, 0, sizeof *out);
	out->sun_family = AF_UNIX;
	memcpy(out->sun_path, url->path, sizeof url->path);
	return (const struct sockaddr *)out;
}

/* A socket file that nobody answers on is left over from a server that was killed. */
static int
unix_clear_stale(const struct px_url *url, struct px_err *err)
{
	struct sockaddr_un addr;
	struct stat st;
	int fd, result, sys;

	if (lstat(url->path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return px_fail(err, PX_E_USAGE,
		    "cannot listen on unix://%s: there is a file that is not a socket", url->path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return px_fail_sys(err, PX_E_USAGE, errno, "cannot listen on unix://%s", url->path);
	result = connect(fd, unix_addr(url, &addr), sizeof addr);
	sys = errno;
	close(fd);
	if (result == 0 || sys != ECONNREFUSED)
		return px_fail(
		    err, PX_E_USAGE, "cannot listen on unix://%s: a server is using it", url->path);
	if (unlink(url->path) == -1)
		return px_fail_sys(
		    err, PX_E_USAGE, errno, "cannot remove the stale socket %s", url->path);
	return 0;
}

static int
unix_bind(struct px_listener *l, int fd, struct px_err *err)
{
	struct sockaddr_un addr;
	struct stat st;
	mode_t before;
	int result, sys;

	if (unix_clear_stale(&l->url, err) == -1)
		return -1;
	before = umask(0177);
	result = bind(fd, unix_addr(&l->url, &addr), sizeof addr);
	sys = errno;
	umask(before);
	if (result == -1 || lstat(l->url.path, &st) == -1)
		return px_fail_sys(err, PX_E_USAGE, sys, "cannot listen on unix://%s", l->url.path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int
tcp_bind(struct px_listener *l, int fd, struct px_err *err)
{
	socklen_t len = sizeof l->url.addr;
	char url[128];
	int on = 1;

	px_url_format(&l->url, url, sizeof url);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)&l->url.addr, l->url.addr_len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&l->url.addr, &len) == -1)
		return px_fail_sys(err, PX_E_USAGE, errno, "cannot listen on %s", url);
	return 0;
}

static void
tcp_tune(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S,
	    count = KEEPALIVE_COUNT, unsent = UNSENT_BYTES;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* What waits is with us, and counted, not in the kernel. */
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static void
listener_on_accept(
    struct evconnlistener *lev, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct px_listener *l = arg;
	struct px_url peer = { .kind = l->url.kind };
	char label[160] = "unix";

	(void)lev;
	if (l->url.kind == PX_URL_WS) {
		tcp_tune(fd);
		memcpy(&peer.addr, addr,
		    (size_t)len < sizeof peer.addr ? (size_t)len : sizeof peer.addr);
		px_url_format(&peer, label, sizeof label);
	}
	l->accept(l->arg, &l->url, fd, label);
}

static void
listener_on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct px_listener *l = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(l->listener);
}

/* EMFILE and its kin: the peer stays in the backlog, and a level-triggered loop must not spin on
 * it. */
static void
listener_on_error(struct evconnlistener *lev, void *arg)
{
	struct px_listener *l = arg;
	struct timeval tv = px_ms_tv(PAUSE_MS);
	int sys = errno;

	px_log_event(l->log, PX_LOG_ERROR, "accept", PX_S("error", px_errno_name(sys)));
	evconnlistener_disable(lev);
	event_add(l->pause, &tv);
}

int
px_listener_open(struct event_base *base, const struct px_url *url, const struct px_log *log,
    struct px_listener **out, struct px_err *err)
{
	struct px_listener *l = px_new(struct px_listener);
	int family = url->kind == PX_URL_UNIX ? AF_UNIX : url->addr.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	l->url = *url;
	l->log = log;
	if (fd == -1) {
		px_fail_sys(err, PX_E_USAGE, errno, "cannot make a socket");
		goto fail;
	}
	if ((url->kind == PX_URL_UNIX ? unix_bind(l, fd, err) : tcp_bind(l, fd, err)) == -1)
		goto fail;
	l->listener = evconnlistener_new(base, listener_on_accept, l,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, BACKLOG, fd);
	if (l->listener == NULL) {
		px_fail_sys(err, PX_E_USAGE, errno, "cannot listen");
		goto fail;
	}
	evconnlistener_set_error_cb(l->listener, listener_on_error);
	l->pause = evtimer_new(base, listener_on_pause_over, l);
	*out = l;
	return 0;
fail:
	if (fd != -1)
		close(fd);
	free(l);
	return -1;
}

void
px_listener_start(struct px_listener *listener, px_accept_fn *accept_fn, void *arg)
{
	listener->accept = accept_fn;
	listener->arg = arg;
	evconnlistener_enable(listener->listener);
}

bool
px_listener_is_awaited(const struct px_listener *listener)
{
	struct pollfd pfd = { .fd = evconnlistener_get_fd(listener->listener), .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

void
px_listener_free(struct px_listener *listener)
{
	struct stat st;

	if (listener == NULL)
		return;
	if (listener->url.kind == PX_URL_UNIX && lstat(listener->url.path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->url.path);
	evconnlistener_free(listener->listener);
	event_free(listener->pause);
	free(listener);
}

const struct px_url *
px_listener_url(const struct px_listener *listener)
{
	return &listener->url;
}

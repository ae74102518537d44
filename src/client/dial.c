#include "client/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/address.h"
#include "client/error.h"

enum { RETRY_MS = 20 };

static void
dial_close(struct px_dial *dial)
{
	if (dial->fd != -1)
		close(dial->fd);
	dial->fd = -1;
	dial->is_timer = false;
}

static bool
is_ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, 0) > 0;
}

/* A unix socket cannot be waited for until there is room in the server's queue (unix(7)). */
static int
dial_later(struct px_dial *dial)
{
	const struct itimerspec when = { .it_value.tv_nsec = RETRY_MS * 1000000L };

	dial_close(dial);
	dial->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (dial->fd == -1)
		return -1;
	dial->is_timer = true;
	return timerfd_settime(dial->fd, 0, &when, NULL);
}

/* Begins with the present place: 1, 0, or -1 with errno. */
static int
dial_place(struct px_dial *dial, const struct px_address_place *place)
{
	int on = 1;

	dial->fd = socket(place->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd == -1)
		return -1;
	if (place->addr.ss_family != AF_UNIX)
		(void)setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(dial->fd, (const struct sockaddr *)&place->addr, place->len) == 0)
		return 1;
	if (errno == EINPROGRESS || errno == EINTR)
		return 0;
	return errno == EAGAIN && place->addr.ss_family == AF_UNIX ? dial_later(dial) : -1;
}

/* How an attempt that was begun has come out: 1, 0, or -1 with errno. */
static int
dial_result(const struct px_dial *dial)
{
	int sys = 0;
	socklen_t len = sizeof sys;

	if (!is_ready(dial->fd, POLLOUT))
		return 0;
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &sys, &len) == -1)
		return -1;
	errno = sys;
	return sys == 0 ? 1 : -1;
}

int
px_dial_step(struct px_dial *dial, struct px_error *err)
{
	const struct px_address *address = dial->address;
	int result;

	if (dial->is_timer && !is_ready(dial->fd, POLLIN))
		return 0;
	if (dial->is_timer)
		dial_close(dial);
	if (dial->fd != -1) {
		if ((result = dial_result(dial)) != -1)
			return result;
		dial->sys = errno;
		dial_close(dial);
		dial->place++;
	}
	for (; dial->place < address->nplaces; dial->place++) {
		if ((result = dial_place(dial, &address->places[dial->place])) != -1)
			return result;
		dial->sys = errno;
		dial_close(dial);
	}
	return px_error_set_sys(
	    err, PX_ERROR_CONNECT, dial->sys, "cannot connect to %s", px_address_text(address));
}

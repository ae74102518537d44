#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Opens pipes and terminals anew, where O_NONBLOCK is for us alone. Files never
 * block for long and have a position that must stay shared; sockets cannot be
 * opened so.
 */
void
px_sink_init(struct px_sink *sink, int fd)
{
	char path[32];
	struct stat st;

	*sink = (struct px_sink){ .fd = fd };
	if (fstat(fd, &st) == -1)
		return;
	sink->is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	sink->fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	sink->owned = sink->fd != -1;
	if (!sink->owned) {
		/* A pipe that polls writable has room for this much (pipe(7)). */
		sink->fd = fd;
		sink->at_once = PIPE_BUF;
	}
}

void
px_sink_done(struct px_sink *sink)
{
	if (sink->owned)
		close(sink->fd);
	sink->owned = false;
}

static bool
is_writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0;
}

ssize_t
px_sink_write(const struct px_sink *sink, const void *data, size_t len)
{
	ssize_t n;

	if (sink->at_once > 0 && !is_writable(sink->fd))
		return 0;
	if (sink->at_once > 0 && len > sink->at_once)
		len = sink->at_once;
	if (sink->is_socket)
		n = send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = write(sink->fd, data, len);
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

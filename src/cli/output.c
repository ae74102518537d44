#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

static void
tell(struct px_output *output, int64_t bytes)
{
	px_complain("here %" PRId64 " bytes of '%s' are missing", bytes, output->session);
	output->told += bytes;
}

static void
forget_places(struct px_output *output, int64_t offset)
{
	for (size_t i = 0; i < PX_STREAM_COUNT; i++)
		output->next[i] = offset;
}

void
px_output_init(struct px_output *output, const char *session, bool from_start)
{
	*output = (struct px_output){ .session = session };
	forget_places(output, from_start ? 0 : -1);
}

/* A descriptor that somebody has made non-blocking is waited for. */
static bool
write_all(int fd, const char *data, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, data, len)) >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

int
px_output_put(
    struct px_output *output, enum px_stream stream, int64_t offset, const void *data, size_t len)
{
	int fd = stream == PX_STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;

	if (output->next[stream] != -1 && offset > output->next[stream])
		tell(output, offset - output->next[stream]);
	output->next[stream] = offset + (int64_t)len;
	if (write_all(fd, data, len))
		return 0;
	px_complain("cannot write to standard %s: %s", fd == STDOUT_FILENO ? "output" : "error",
	    strerror(errno));
	return -1;
}

void
px_output_lost(struct px_output *output, int64_t lost)
{
	if (lost > output->told)
		tell(output, lost - output->told);
}

void
px_output_skipped(struct px_output *output, int64_t bytes)
{
	tell(output, bytes);
	forget_places(output, -1);
}

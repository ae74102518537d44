#ifndef PX_CLI_SINK_H
#define PX_CLI_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A standard stream to write to without blocking. O_NONBLOCK is never set on
 * the stream itself: other processes share it.
 */
struct px_sink {
	int fd;     /* to write to, and to poll for POLLOUT */
	bool owned; /* 'fd' is a second opening of the same file, ours alone */
	bool is_socket;
	size_t at_once; /* the most that a write may have; 0: any */
};

void px_sink_init(struct px_sink *sink, int fd);
void px_sink_done(struct px_sink *sink);

/* Writes what goes now, perhaps 0 bytes. -1: errno. EPIPE comes without a signal if SIGPIPE is
 * blocked. */
ssize_t px_sink_write(const struct px_sink *sink, const void *data, size_t len);

#endif

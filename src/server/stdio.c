#include "server/stdio.h"

#include <fcntl.h>
#include <unistd.h>

/* The flags that it had; -1: they need not be put back. */
static int
nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || (flags & O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return -1;
	return flags;
}

void
px_stdio_take(struct px_stdio *stdio)
{
	stdio->in_flags = nonblocking(STDIN_FILENO);
	stdio->out_flags = nonblocking(STDOUT_FILENO);
}

void
px_stdio_give_back(void *arg)
{
	const struct px_stdio *stdio = arg;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (stdio->in_flags != -1)
		fcntl(STDIN_FILENO, F_SETFL, stdio->in_flags);
	if (stdio->out_flags != -1)
		fcntl(STDOUT_FILENO, F_SETFL, stdio->out_flags);
	if (nothing == -1)
		return;
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	close(nothing);
}

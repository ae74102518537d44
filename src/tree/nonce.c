#include "tree/nonce.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tree/mark.h"

int
px_nonce_claim(px_mark mark)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), len, failure;

	if (fd == -1)
		return -1;
	len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "ptyexec/mark/%05" PRIx32,
	    px_mark_nonce(mark));
	if (bind(fd, (const struct sockaddr *)&addr,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
		return fd;
	failure = errno;
	close(fd);
	errno = failure;
	return -1;
}

int
px_nonce_take(uint32_t *out_nonce)
{
	enum { TRIES = 100 };
	int fd = -1;

	for (int i = 0; fd == -1 && i < TRIES; i++) {
		*out_nonce = arc4random();
		fd = px_nonce_claim(px_mark_make(*out_nonce, 0, 0));
		if (fd == -1 && errno != EADDRINUSE)
			break;
	}
	return fd;
}

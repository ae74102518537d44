#include "server/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"

enum { KEY_MIN = 16, KEY_MAX = 65536 };

int
px_host_fix_stdio(struct px_err *err)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot open /dev/null");
	close(fd);
	return 0;
}

int
px_host_check_ready_fd(int fd, struct px_err *err)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return px_fail_sys(err, PX_E_USAGE, errno, "--ready-fd %d", fd);
	return 0;
}

void
px_host_tell_ready(int fd)
{
	(void)!write(fd, "\n", 1);
	close(fd);
}

void
px_host_raise_open_files(rlim_t *out_before)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	*out_before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int
px_host_adopt_orphans(struct px_err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot become a child subreaper");
	return 0;
}

static ssize_t
read_whole(int fd, char *buf, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size) {
		n = read(fd, buf + got, size - got);
		if (n == 0)
			break;
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)got;
}

int
px_host_read_key(const char *path, void **out, size_t *out_len, struct px_err *err)
{
	char *key = px_alloc(KEY_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), sys = errno;
	ssize_t n = -1;

	if (fd != -1) {
		n = read_whole(fd, key, KEY_MAX + 1);
		sys = errno;
		close(fd);
	}
	if (n > 0 && key[n - 1] == '\n')
		n--;
	if (n >= KEY_MIN && n <= KEY_MAX) {
		*out = key;
		*out_len = (size_t)n;
		return 0;
	}
	free(key);
	if (n == -1)
		return px_fail_sys(err, PX_E_USAGE, sys, "cannot read the key file %s", path);
	return px_fail(
	    err, PX_E_USAGE, "the key file %s must hold %d to %d bytes", path, KEY_MIN, KEY_MAX);
}

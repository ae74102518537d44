#include "proc/spawn_cage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "proc/cage.h"
#include "proc/spec.h"

static int
write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	for (; len > 0; at += n, len -= (size_t)n)
		if ((n = write(fd, at, len)) == -1) {
			if (errno != EINTR)
				return -1;
			n = 0;
		}
	return 0;
}

/* A file in memory with this content, read from its beginning. */
static int
memory_file(const char *name, const void *data, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC), sys;

	if (fd == -1)
		return -1;
	if (px_fd_above(&fd, PX_ENTER_END) == 0 && write_all(fd, data, len) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	sys = errno;
	close(fd);
	errno = sys;
	return -1;
}

/* ---- the record ---- */

static uint32_t
count(char *const *list)
{
	uint32_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static void
record_add_strings(struct px_bytes *record, char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		px_bytes_add_str(record, *list);
}

static int
record_open(const struct px_spec *spec, char *const *files, char *const *argv)
{
	const struct px_cage *cage = spec->cage;
	const struct px_enter_record head = { .terminal = spec->io == PX_IO_PTY,
		.nfootings = count(cage->paths),
		.nfiles = count(files),
		.nargv = count(argv),
		.nenv = count(spec->env) };
	struct px_bytes record = { 0 };
	int fd;

	px_bytes_add(&record, &head, sizeof head);
	if (head.nfootings > 0)
		px_bytes_add(&record, cage->footings, head.nfootings * sizeof *cage->footings);
	record_add_strings(&record, cage->paths);
	px_bytes_add_str(&record, spec->cwd);
	record_add_strings(&record, files);
	record_add_strings(&record, argv);
	record_add_strings(&record, spec->env);
	fd = memory_file("record", record.data, record.len);
	explicit_bzero(record.data, record.len);
	free(record.data);
	return fd;
}

/* ---- descriptors ---- */

/*
 * The kernel adds to each report who sent it, by the number that the process has
 * for the reader, whatever it may be in the sandbox (unix(7), SO_PASSCRED).
 */
static int
report_open(struct px_spawn_cage *cage)
{
	int fd[2], on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return -1;
	cage->report = fd[0];
	cage->fd[PX_ENTER_REPORT] = fd[1];
	if (px_fd_above(&cage->fd[PX_ENTER_REPORT], PX_ENTER_END) == -1 ||
	    setsockopt(cage->report, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1)
		return -1;
	return fcntl(cage->report, F_SETFL, O_NONBLOCK);
}

static int
text_open(struct px_spawn_cage *cage)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	cage->text = fd[0];
	cage->fd[STDERR_FILENO] = fd[1];
	if (px_fd_above(&cage->fd[STDERR_FILENO], PX_ENTER_END) == -1)
		return -1;
	return fcntl(cage->text, F_SETFL, O_NONBLOCK);
}

static int
fd_copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, PX_ENTER_END);
}

/* bubblewrap shows a terminal that is its standard output to the sandbox as /dev/console. */
static int
streams_open(const struct px_spec *spec, const struct px_spawn_io *io, struct px_spawn_cage *cage)
{
	int *null = &cage->fd[STDIN_FILENO];

	if ((*null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1 ||
	    px_fd_above(null, PX_ENTER_END) == -1)
		return -1;
	cage->fd[STDOUT_FILENO] = fd_copy(spec->io == PX_IO_PTY ? io->child[1] : *null);
	if (cage->fd[STDOUT_FILENO] == -1)
		return -1;
	for (int i = 0; i < 3; i++)
		if ((cage->fd[PX_ENTER_STDIN + i] = fd_copy(io->child[i])) == -1)
			return -1;
	return 0;
}

static int
cage_open(const struct px_spec *spec, const struct px_spawn_io *io, char *const *files,
    char *const *argv, struct px_spawn_cage *cage)
{
	const struct px_cage *asked = spec->cage;

	if (report_open(cage) == -1 || text_open(cage) == -1 || streams_open(spec, io, cage) == -1)
		return -1;
	cage->fd[PX_ENTER_ARGS] = memory_file("args", asked->args, asked->args_len);
	cage->fd[PX_ENTER_RECORD] = record_open(spec, files, argv);
	cage->fd[PX_ENTER_PROGRAM] = fd_copy(asked->enter);
	if (cage->fd[PX_ENTER_ARGS] == -1 || cage->fd[PX_ENTER_RECORD] == -1 ||
	    cage->fd[PX_ENTER_PROGRAM] == -1)
		return -1;
	if (asked->filter_len > 0 && (cage->fd[PX_ENTER_FILTER] = memory_file(
					  "filter", asked->filter, asked->filter_len)) == -1)
		return -1;
	return 0;
}

static void
argv_make(const struct px_cage *asked, struct px_spawn_cage *cage)
{
	_Static_assert(PX_ENTER_ARGS == 3 && PX_ENTER_PROGRAM == 5, "as written here");
	char *const argv[] = { asked->bwrap, (char *)"--args", (char *)"3", (char *)"--",
		(char *)PX_ENTER_PATH, NULL };

	memcpy(cage->argv, argv, sizeof argv);
	cage->files[0] = asked->bwrap;
	cage->files[1] = NULL;
}

int
px_spawn_cage_open(const struct px_spec *spec, const struct px_spawn_io *io, char *const *files,
    char *const *argv, struct px_spawn_cage *out, struct px_err *err)
{
	int sys;

	out->report = out->text = -1;
	for (int i = 0; i < PX_ENTER_END; i++)
		out->fd[i] = -1;
	argv_make(spec->cage, out);
	if (cage_open(spec, io, files, argv, out) == 0)
		return 0;
	sys = errno;
	px_spawn_cage_close(out);
	px_fail_sys(err, PX_E_SPAWN, sys, "cannot prepare a sandbox for '%s'", spec->argv[0]);
	px_spawn_err_place(err, "sandbox", spec->argv[0]);
	return -1;
}

void
px_spawn_cage_close_child(struct px_spawn_cage *cage)
{
	for (int i = 0; i < PX_ENTER_END; i++)
		px_fd_close(&cage->fd[i]);
}

void
px_spawn_cage_close(struct px_spawn_cage *cage)
{
	px_spawn_cage_close_child(cage);
	px_fd_close(&cage->report);
	px_fd_close(&cage->text);
}

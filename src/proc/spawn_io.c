#include "proc/spawn_io.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "proc/become.h"
#include "proc/spec.h"

enum { ABOVE_STDIO = STDERR_FILENO + 1 };

void
px_spawn_err_place(struct px_err *err, const char *step, const char *path)
{
	if (err == NULL)
		return;
	err->step = step;
	strlcpy(err->path, path, sizeof err->path);
}

int
px_spawn_failed(
    const char *program, const char *cwd, const struct px_report *report, struct px_err *err)
{
	static const char *const words[PX_STEP_COUNT] = {
#define PX_STEP_WORD(name, word) [PX_STEP_##name] = word,
		PX_STEP_MAP(PX_STEP_WORD)
#undef PX_STEP_WORD
	};
	bool at_cwd = report->step == PX_STEP_CWD;
	const char *step = words[report->step];

	if (at_cwd)
		px_fail_sys(
		    err, PX_E_SPAWN, report->sys, "cannot enter working directory '%s'", cwd);
	else if (report->step == PX_STEP_SANDBOX)
		px_fail(err, PX_E_SPAWN,
		    "cannot make a sandbox for '%s': something was exchanged while it was made",
		    program);
	else if (report->step == PX_STEP_EXEC)
		px_fail_sys(err, PX_E_SPAWN, report->sys, "cannot run '%s'", program);
	else
		px_fail_sys(err, PX_E_SPAWN, report->sys, "cannot start '%s' (%s)", program, step);
	px_spawn_err_place(err, step, at_cwd ? cwd : program);
	return -1;
}

void
px_fd_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int
px_fd_above(int *fd, int least)
{
	int moved;

	if (*fd >= least)
		return 0;
	if ((moved = fcntl(*fd, F_DUPFD_CLOEXEC, least)) == -1) {
		if (errno == EINVAL) /* 'least' itself is beyond what is allowed */
			errno = EMFILE;
		return -1;
	}
	close(*fd);
	*fd = moved;
	return 0;
}

/* The slave is opened through the master (TIOCGPTPEER, ioctl_tty(2)), which also works where
 * /dev/pts is another mount. */
static int
pty_open(const struct px_spec *spec, struct px_spawn_io *io)
{
	struct winsize size = { .ws_row = spec->rows, .ws_col = spec->cols };
	struct termios mode;

	if ((io->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return -1;
	io->in = io->out;
	if (grantpt(io->out) == -1 || unlockpt(io->out) == -1 ||
	    ioctl(io->out, TIOCSWINSZ, &size) == -1)
		return -1;
	if ((io->child[0] = ioctl(io->out, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1 ||
	    px_fd_above(&io->child[0], ABOVE_STDIO) == -1)
		return -1;
	if (tcgetattr(io->child[0], &mode) == -1)
		return -1;
	mode.c_iflag |= IUTF8; /* erase removes a character, not a byte, in canonical mode */
	if (tcsetattr(io->child[0], TCSANOW, &mode) == -1)
		return -1;
	io->child[1] = io->child[2] = io->child[0];
	return 0;
}

static int
pipe_open(int *reader, int *writer, int *ours)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	*reader = fd[0];
	*writer = fd[1];
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	return px_fd_above(ours == reader ? writer : reader, ABOVE_STDIO);
}

static int
stdin_open(const struct px_spec *spec, struct px_spawn_io *io)
{
	if (spec->stdin_open)
		return pipe_open(&io->child[0], &io->in, &io->in);
	if ((io->child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	return px_fd_above(&io->child[0], ABOVE_STDIO);
}

static int
pipes_open(const struct px_spec *spec, struct px_spawn_io *io)
{
	if (stdin_open(spec, io) == -1 || pipe_open(&io->out, &io->child[1], &io->out) == -1)
		return -1;
	return pipe_open(&io->err, &io->child[2], &io->err);
}

int
px_spawn_io_open(const struct px_spec *spec, struct px_spawn_io *out, struct px_err *err)
{
	struct px_spawn_io io = { { -1, -1, -1 }, -1, -1, -1 };
	bool pty = spec->io == PX_IO_PTY;
	int sys;

	if ((pty ? pty_open(spec, &io) : pipes_open(spec, &io)) == -1) {
		sys = errno;
		px_spawn_io_close(&io);
		px_fail_sys(err, PX_E_SPAWN, sys, "cannot open %s for '%s'",
		    pty ? "a pseudo-terminal" : "pipes", spec->argv[0]);
		px_spawn_err_place(err, pty ? "pty" : "pipe", spec->argv[0]);
		return -1;
	}
	*out = io;
	return 0;
}

void
px_spawn_io_close_child(struct px_spawn_io *io)
{
	if (io->child[1] == io->child[0])
		io->child[1] = io->child[2] = -1;
	for (int i = 0; i < 3; i++)
		px_fd_close(&io->child[i]);
}

void
px_spawn_io_close(struct px_spawn_io *io)
{
	px_spawn_io_close_child(io);
	if (io->in == io->out)
		io->in = -1;
	px_fd_close(&io->in);
	px_fd_close(&io->out);
	px_fd_close(&io->err);
}

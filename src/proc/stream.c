#include "proc/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"

enum {
	/* More than the kernel holds between a slave's write and a master's read: flip buffers and
	   line discipline. */
	PTY_IN_FLIGHT_MAX = 256 * 1024,
	REOPEN_WAIT_MS = 50,
	SPARSE = 1024 /* bytes: a flood comes in larger pieces */
};

/* A PTY's master lives on for the input and the window size until the px_proc is freed. */
static void
stream_close(struct px_proc_stream *stream)
{
	event_free(stream->readable);
	stream->readable = NULL;
	if (stream->reopened != NULL)
		event_free(stream->reopened);
	stream->reopened = NULL;
	if (!stream->proc->pty)
		close(stream->fd);
	stream->fd = -1;
}

static void
stream_end(struct px_proc_stream *stream)
{
	stream_close(stream);
	stream->settled = true;
	px_proc_on_stream(stream->proc);
}

static void
stream_lost(struct px_proc_stream *stream, int sys)
{
	char message[128];

	snprintf(message, sizeof message, "reading %s: %s",
	    stream->index == 1  ? "stderr"
	    : stream->proc->pty ? "the terminal"
				: "stdout",
	    strerror(sys));
	stream->proc->ops->failed(stream->proc->arg, message);
	stream_end(stream);
}

/* The reading of a stream that is settled is nobody's end any more; of one that is not, each byte
 * brings it nearer. */
static void
stream_count(struct px_proc_stream *stream, size_t n)
{
	if (!stream->proc->reaped || stream->settled)
		return;
	stream->unsettled -= n < stream->unsettled ? n : stream->unsettled;
	if (stream->unsettled == 0) {
		stream->settled = true;
		px_proc_on_stream(stream->proc);
	}
}

/*
 * Nothing to read now. A PTY's read has flushed the kernel's worker that carries
 * bytes from slave to master before it says so (n_tty_read), so after the
 * reaping this is proof that nothing of the child is on its way.
 */
static void
stream_dry(struct px_proc_stream *stream)
{
	if (stream->proc->reaped && !stream->settled) {
		stream->settled = true;
		px_proc_on_stream(stream->proc);
	}
}

static void
stream_on_reopened(evutil_socket_t fd, short what, void *arg)
{
	struct px_proc_stream *stream = arg;

	(void)fd;
	(void)what;
	event_add(stream->readable, NULL);
}

/*
 * EIO: no process has the slave open. While the child lives it may open it again
 * (/dev/tty), so this is the end only after the reaping; until then look again
 * at times, since a hung-up master is always ready and would spin the loop.
 */
static void
stream_hung_up(struct px_proc_stream *stream)
{
	struct timeval tv = px_ms_tv(REOPEN_WAIT_MS);

	if (stream->proc->reaped) {
		stream_end(stream);
		return;
	}
	if (stream->reopened == NULL)
		stream->reopened =
		    evtimer_new(stream->proc->procs->base, stream_on_reopened, stream);
	event_del(stream->readable);
	event_add(stream->reopened, &tv);
}

/*
 * Fills the scratch buffer with what there is, up to 'max': a PTY gives at most a
 * page a call, and batches make few frames. A few bytes, as a keystroke's echo,
 * go on at once: another read would most likely find nothing, and they would
 * wait for it. After the reaping, only that read tells that the child's last has come.
 */
static ssize_t
stream_gather(struct px_proc_stream *stream, size_t max, int *out_errno)
{
	unsigned char *scratch = stream->proc->procs->scratch;
	size_t got = 0;
	ssize_t n = 1;

	*out_errno = 0;
	while (got < max) {
		n = read(stream->fd, scratch + got, max - got);
		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EINTR)
			break;
		if (n > 0 && n < SPARSE && !stream->proc->reaped)
			break;
	}
	if (n == -1)
		*out_errno = errno;
	else if (n == 0)
		*out_errno = EPIPE; /* end of file, told as one number with the errors */
	return (ssize_t)got;
}

/* One read and what follows from it. False: stop reading for now. */
static bool
stream_read(struct px_proc_stream *stream)
{
	struct px_proc *proc = stream->proc;
	size_t room = proc->gate != NULL ? 0 : proc->ops->room(proc->arg), got;
	int sys;

	if (room == 0) {
		stream->paused = true;
		event_del(stream->readable);
		return false;
	}
	if (room > proc->chunk_max)
		room = proc->chunk_max;
	got = (size_t)stream_gather(stream, room, &sys);
	if (got > 0) {
		proc->procs->stats.bytes_read += got;
		proc->ops->output(proc->arg, stream->index, proc->procs->scratch, got);
		stream_count(stream, got);
	}
	if (stream->fd == -1) /* cut, now that its process is known to be over */
		return false;
	if (sys == 0)
		return true;
	if (sys == EAGAIN)
		stream_dry(stream);
	else if (sys == EPIPE)
		stream_end(stream);
	else if (sys == EIO && proc->pty)
		stream_hung_up(stream);
	else
		stream_lost(stream, sys);
	return false;
}

static void
stream_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stream_read(arg);
}

void
px_stream_init(struct px_proc_stream *stream, struct px_proc *proc, unsigned index, int fd)
{
	stream->proc = proc;
	stream->index = index;
	stream->fd = fd;
	stream->readable =
	    event_new(proc->procs->base, fd, EV_READ | EV_PERSIST, stream_on_readable, stream);
	event_add(stream->readable, NULL);
}

void
px_stream_done(struct px_proc_stream *stream)
{
	if (stream->readable != NULL)
		stream_close(stream);
}

void
px_stream_wake(struct px_proc_stream *stream)
{
	if (!stream->paused || stream->readable == NULL)
		return;
	stream->paused = false;
	event_add(stream->readable, NULL);
	/* Perhaps nothing will ever come that makes it readable, and the exit waits for somebody to
	 * see that. */
	if (stream->proc->reaped && !stream->settled)
		event_active(stream->readable, EV_READ, 0);
}

/*
 * What a pipe holds at this moment is all that the child wrote and has not been
 * read; what comes behind it is a descendant's. One byte more is asked for, so
 * that an end of file right behind is seen before the exit is told. A PTY cannot
 * tell its number: there a read that finds nothing settles it, or so many bytes
 * that the child's must be among them.
 */
void
px_stream_settle(struct px_proc_stream *stream)
{
	int held = 0;

	if (stream->fd == -1) {
		stream->settled = true;
		return;
	}
	if (stream->proc->pty)
		stream->unsettled = PTY_IN_FLIGHT_MAX;
	else
		stream->unsettled =
		    ioctl(stream->fd, FIONREAD, &held) == 0 ? (size_t)held + 1 : SIZE_MAX;
	px_stream_wake(stream); /* there may be room for the rest of a program that has ended */
	while (stream->fd != -1 && !stream->settled && !stream->paused && stream_read(stream))
		;
}

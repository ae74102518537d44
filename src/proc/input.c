#include "proc/input.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/mem.h"

enum { OP_BYTES = 256 }; /* an operation without its content, roughly */

enum op_kind { OP_WRITE, OP_EOF, OP_RESIZE };

struct px_input_op {
	TAILQ_ENTRY(px_input_op) link;
	struct px_input *in;
	enum op_kind kind;
	struct evbuffer *rest;  /* OP_WRITE: bytes not yet in the queue */
	uint16_t rows, cols;    /* OP_RESIZE */
	px_input_done_fn *done; /* NULL: nobody asks */
	void *arg;
};

struct px_input {
	TAILQ_HEAD(, px_input_op) ops;
	struct evbuffer *queue;
	struct event *writable;
	uint64_t *total; /* bytes written; NULL: nobody counts */
	size_t cap;
	int fd; /* -1: closed */
	bool pty;
	bool closing; /* an end of file on a pipe is on its way: nothing may follow it */
};

static int
closed_error(struct px_err *err)
{
	return px_fail(err, PX_E_STDIN_CLOSED, "stdin is closed");
}

static void
op_free(struct px_input_op *op)
{
	TAILQ_REMOVE(&op->in->ops, op, link);
	if (op->rest != NULL)
		evbuffer_free(op->rest);
	free(op);
}

static void
op_finish(struct px_input_op *op, const struct px_err *err)
{
	px_input_done_fn *done = op->done;
	void *arg = op->arg;

	op_free(op);
	if (done != NULL)
		done(arg, err);
}

static void
input_close(struct px_input *in)
{
	if (in->fd == -1)
		return;
	event_del(in->writable);
	evbuffer_drain(in->queue, evbuffer_get_length(in->queue));
	if (!in->pty)
		close(in->fd);
	in->fd = -1;
}

/* Takes the waiting list away first: a callback may start another operation, which is refused at
 * once. */
static void
input_fail_all(struct px_input *in)
{
	struct px_err err;

	if (TAILQ_EMPTY(&in->ops))
		return;
	closed_error(&err);
	while (!TAILQ_EMPTY(&in->ops))
		op_finish(TAILQ_FIRST(&in->ops), &err);
}

void
px_input_break(struct px_input *in)
{
	input_close(in);
	input_fail_all(in);
}

static void
input_written(struct px_input *in, size_t n)
{
	if (in->total != NULL)
		*in->total += n;
}

/* Writes as much of the queue as the kernel takes. -1: the other end is gone. */
static int
queue_flush(struct px_input *in)
{
	int n;

	while (evbuffer_get_length(in->queue) > 0) {
		if ((n = evbuffer_write(in->queue, in->fd)) >= 0)
			input_written(in, (size_t)n);
		else if (errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

static int
pty_eof_char(int fd, char *out)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) == -1 || mode.c_cc[VEOF] == _POSIX_VDISABLE)
		return -1;
	*out = (char)mode.c_cc[VEOF];
	return 0;
}

/* Tries to complete the first waiting operation. True: it is over, 'err' says how when its code is
 * set. */
static bool
op_try(struct px_input *in, struct px_input_op *op, struct px_err *err)
{
	size_t queued = evbuffer_get_length(in->queue);
	char eof;

	switch (op->kind) {
	case OP_WRITE:
		if (queued < in->cap)
			evbuffer_remove_buffer(op->rest, in->queue, in->cap - queued);
		return evbuffer_get_length(op->rest) == 0;
	case OP_EOF:
		if (queued > 0)
			return false;
		if (!in->pty)
			input_close(in);
		else if (pty_eof_char(in->fd, &eof) == -1)
			px_fail(err, PX_E_REQUEST, "the terminal has no end-of-file character");
		else
			evbuffer_add(in->queue, &eof, 1);
		return true;
	case OP_RESIZE:
		(void)px_pty_resize(in->fd, op->rows, op->cols, err);
		return true;
	}
	return true;
}

/* One round of: flush, then let the first operations in. False: nothing more can happen now. */
static bool
input_step(struct px_input *in)
{
	struct px_input_op *op;
	struct px_err err = { 0 };

	if (in->fd == -1)
		return false;
	if (queue_flush(in) == -1) {
		px_input_break(in);
		return false;
	}
	if ((op = TAILQ_FIRST(&in->ops)) == NULL)
		return false;
	if (!op_try(in, op, &err))
		return op->kind == OP_WRITE && evbuffer_get_length(in->queue) == 0;
	op_finish(op, err.code != PX_OK ? &err : NULL);
	return true;
}

static void
input_run(struct px_input *in)
{
	while (input_step(in))
		;
	if (in->fd != -1 && evbuffer_get_length(in->queue) > 0)
		event_add(in->writable, NULL);
}

static void
input_on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	input_run(arg);
}

struct px_input *
px_input_new(struct event_base *base, int fd, bool pty, size_t cap)
{
	struct px_input *in = px_new(struct px_input);

	TAILQ_INIT(&in->ops);
	in->queue = evbuffer_new();
	in->fd = fd;
	in->pty = pty;
	in->cap = cap;
	if (fd != -1)
		in->writable = event_new(base, fd, EV_WRITE, input_on_writable, in);
	return in;
}

void
px_input_count(struct px_input *in, uint64_t *total)
{
	in->total = total;
}

void
px_input_free(struct px_input *in)
{
	if (in == NULL)
		return;
	px_input_break(in);
	if (in->writable != NULL)
		event_free(in->writable);
	evbuffer_free(in->queue);
	free(in);
}

/*
 * Puts an operation at the end of the list and runs the list. The operation is
 * the caller's business only if it is still there afterwards.
 */
static int
op_start(struct px_input *in, struct px_input_op *op, px_input_done_fn *done, void *arg,
    struct px_input_op **out_op, struct px_err *err)
{
	struct px_err failed = { 0 };
	bool first = TAILQ_EMPTY(&in->ops);

	op->in = in;
	TAILQ_INSERT_TAIL(&in->ops, op, link);
	if (first && queue_flush(in) == -1) {
		op_free(op);
		px_input_break(in);
		return closed_error(err);
	}
	if (!first || !op_try(in, op, &failed)) {
		op->done = done;
		op->arg = arg;
		*out_op = op;
		if (evbuffer_get_length(in->queue) > 0)
			event_add(in->writable, NULL);
		return 0;
	}
	op_free(op);
	if (failed.code != PX_OK) {
		if (err != NULL)
			*err = failed;
		return -1;
	}
	input_run(in);
	return 1;
}

static bool
input_refuses(const struct px_input *in)
{
	return in->fd == -1 || in->closing;
}

/* What waits and was forgotten is counted against no request any more. */
static int
input_check(const struct px_input *in, struct px_err *err)
{
	const struct px_input_op *op;
	size_t sum = 0;

	if (input_refuses(in))
		return closed_error(err);
	TAILQ_FOREACH (op, &in->ops, link)
		if (op->done == NULL)
			sum += OP_BYTES + (op->rest != NULL ? evbuffer_get_length(op->rest) : 0);
	if (sum > in->cap)
		return px_fail(err, PX_E_OVERLOADED,
		    "input that nobody waits for any more holds %zu bytes", sum);
	return 0;
}

/*
 * The common case, a terminal's keystroke or a pipe with room: straight into
 * the kernel, what is left into the queue. Returns how many bytes were taken,
 * -1 when the other end is gone.
 */
static ssize_t
write_directly(struct px_input *in, const char *data, size_t len)
{
	size_t queued = evbuffer_get_length(in->queue), taken = 0, room;
	ssize_t n;

	if (!TAILQ_EMPTY(&in->ops))
		return 0;
	if (queued == 0 && len > 0) {
		while ((n = write(in->fd, data, len)) == -1 && errno == EINTR)
			;
		if (n == -1 && errno != EAGAIN)
			return -1;
		taken = n > 0 ? (size_t)n : 0;
		input_written(in, taken);
	}
	room = in->cap > queued ? in->cap - queued : 0;
	if (room > len - taken)
		room = len - taken;
	if (room > 0) {
		evbuffer_add(in->queue, data + taken, room);
		event_add(in->writable, NULL);
	}
	return (ssize_t)(taken + room);
}

int
px_input_write(struct px_input *in, const void *data, size_t len, px_input_done_fn *done, void *arg,
    struct px_input_op **out_op, struct px_err *err)
{
	struct px_input_op *op;
	struct evbuffer *rest;
	ssize_t taken;

	if (input_check(in, err) == -1)
		return -1;
	if ((taken = write_directly(in, data, len)) == -1) {
		px_input_break(in);
		return closed_error(err);
	}
	if ((size_t)taken == len && TAILQ_EMPTY(&in->ops))
		return 1;
	rest = evbuffer_new();
	if (evbuffer_add(rest, (const char *)data + taken, len - (size_t)taken) == -1) {
		evbuffer_free(rest);
		return px_fail(err, PX_E_NOMEM, "no memory for %zu bytes of input", len);
	}
	op = px_new(struct px_input_op);
	op->kind = OP_WRITE;
	op->rest = rest;
	return op_start(in, op, done, arg, out_op, err);
}

int
px_input_eof(struct px_input *in, px_input_done_fn *done, void *arg, struct px_input_op **out_op,
    struct px_err *err)
{
	struct px_input_op *op;

	/* Nothing follows it on a pipe, so there it is always taken. */
	if (in->pty ? input_check(in, err) == -1 : input_refuses(in) && closed_error(err) == -1)
		return -1;
	if (!in->pty)
		in->closing = true;
	op = px_new(struct px_input_op);
	op->kind = OP_EOF;
	return op_start(in, op, done, arg, out_op, err);
}

int
px_input_resize(struct px_input *in, uint16_t rows, uint16_t cols, px_input_done_fn *done,
    void *arg, struct px_input_op **out_op, struct px_err *err)
{
	struct px_input_op *op;

	if (in->fd == -1)
		return closed_error(err);
	if (TAILQ_EMPTY(&in->ops))
		return px_pty_resize(in->fd, rows, cols, err) == -1 ? -1 : 1;
	op = px_new(struct px_input_op);
	op->kind = OP_RESIZE;
	op->rows = rows;
	op->cols = cols;
	return op_start(in, op, done, arg, out_op, err);
}

void
px_input_forget(struct px_input_op *op)
{
	op->done = NULL;
}

void
px_input_cancel(struct px_input_op *op)
{
	struct px_input *in = op->in;

	if (op->kind == OP_EOF)
		in->closing = false;
	op_free(op);
	input_run(in);
}

bool
px_input_is_open(const struct px_input *in)
{
	return !input_refuses(in);
}

size_t
px_input_queued(const struct px_input *in)
{
	return evbuffer_get_length(in->queue);
}

int
px_pty_resize(int master, uint16_t rows, uint16_t cols, struct px_err *err)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	if (ioctl(master, TIOCSWINSZ, &size) == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot set the window size");
	return 0;
}

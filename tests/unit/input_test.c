#include "proc/input.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "cases.h"

enum { PIPE_SIZE = 4096, CAP = 1000, MAX_CALLS = 16 };

/* What the callbacks were told, in order. */
static struct world {
	struct event_base *base;
	struct px_input *in;
	uint64_t total;
	int ours, theirs; /* written by the input; read by the test */
	int calls[MAX_CALLS];
	enum px_code codes[MAX_CALLS];
	size_t ncalls;
} w;

static int numbers[MAX_CALLS];

static void
on_done(void *arg, const struct px_err *err)
{
	ck_assert_uint_lt(w.ncalls, MAX_CALLS);
	w.calls[w.ncalls] = *(int *)arg;
	w.codes[w.ncalls++] = err == NULL ? PX_OK : err->code;
	ck_assert(err == NULL || err->text[0] != '\0');
}

static void
setup(void)
{
	w = (struct world){ .base = event_base_new() };
	for (int i = 0; i < MAX_CALLS; i++)
		numbers[i] = i;
	signal(SIGPIPE, SIG_IGN);
}

static void
setup_pipe(void)
{
	int fd[2];

	setup();
	ck_assert_int_eq(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE), PIPE_SIZE);
	w.theirs = fd[0];
	w.ours = fd[1];
	w.in = px_input_new(w.base, w.ours, false, CAP);
	px_input_count(w.in, &w.total);
}

static void
setup_pty(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct termios mode;

	setup();
	ck_assert_int_eq(openpty(&w.ours, &w.theirs, NULL, NULL, &size), 0);
	tcgetattr(w.theirs, &mode);
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(w.theirs, TCSANOW, &mode);
	fcntl(w.ours, F_SETFL, O_NONBLOCK);
	fcntl(w.theirs, F_SETFL, O_NONBLOCK);
	w.in = px_input_new(w.base, w.ours, true, CAP);
	px_input_count(w.in, &w.total);
}

static void
teardown(void)
{
	px_input_free(w.in);
	event_base_free(w.base);
}

static bool
fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* Starts the write of 'len' bytes 'c' as operation 'n'. */
static int
put(int n, char c, size_t len, struct px_input_op **out_op)
{
	char *data = px_alloc(len + 1);
	struct px_input_op *op = NULL;
	int result;

	memset(data, c, len);
	result = px_input_write(w.in, data, len, on_done, &numbers[n], &op, NULL);
	free(data);
	ck_assert_int_eq(result == 0, op != NULL);
	if (out_op != NULL)
		*out_op = op;
	return result;
}

static int
resize(int n, uint16_t rows)
{
	struct px_input_op *op = NULL;

	return px_input_resize(w.in, rows, 80, on_done, &numbers[n], &op, NULL);
}

static int
end(int n, struct px_input_op **out_op)
{
	struct px_input_op *op = NULL;
	int result = px_input_eof(w.in, on_done, &numbers[n], &op, NULL);

	if (out_op != NULL)
		*out_op = op;
	return result;
}

static void
refused(int result, const struct px_err *err)
{
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(err->code, PX_E_STDIN_CLOSED);
}

static void
all_is_refused(void)
{
	struct px_input_op *op = NULL;
	struct px_err err = { 0 };

	refused(px_input_write(w.in, "x", 1, on_done, NULL, &op, &err), &err);
	refused(px_input_write(w.in, "", 0, on_done, NULL, &op, &err), &err);
	refused(px_input_eof(w.in, on_done, NULL, &op, &err), &err);
	ck_assert_int_eq(px_input_eof(w.in, on_done, NULL, &op, NULL), -1);
	ck_assert(!px_input_is_open(w.in));
	ck_assert_ptr_null(op);
}

static void
called(size_t i, int n, enum px_code code)
{
	ck_assert_uint_lt(i, w.ncalls);
	ck_assert_int_eq(w.calls[i], n);
	ck_assert_int_eq(w.codes[i], code);
}

/* Reads what there is. */
static size_t
take(char *data, size_t max)
{
	ssize_t n = read(w.theirs, data, max);

	return n > 0 ? (size_t)n : 0;
}

/* Reads 'len' bytes 'c', letting the input run whenever there is nothing. */
static void
takes(char c, size_t len)
{
	char data[PIPE_SIZE];
	size_t n, wrong = 0;

	if (isatty(w.ours))
		tcflow(w.ours, TCOON);
	while (len > 0) {
		if ((n = take(data, len < sizeof data ? len : sizeof data)) == 0)
			event_base_loop(w.base, EVLOOP_ONCE);
		for (size_t i = 0; i < n; i++)
			wrong += data[i] != c;
		len -= n;
	}
	ck_assert_uint_eq(wrong, 0);
}

static void
turn(void)
{
	event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static size_t
fill_queue(void)
{
	size_t room = CAP - px_input_queued(w.in);

	if (room > 0)
		ck_assert_int_eq(put(0, 'z', room, NULL), 1);
	return room;
}

/*
 * Brings it about that everything waits: fills the pipe, or stops the terminal's
 * flow, and then the queue. 'z' bytes; returns how many. takes() lets them flow.
 */
static size_t
fill(void)
{
	size_t len = 0, more;

	if (isatty(w.ours))
		ck_assert_int_eq(tcflow(w.ours, TCOOFF), 0);
	do {
		len += more = fill_queue();
		turn();
	} while (more > 0);
	return len;
}

/* ---- writes ---- */

START_TEST(test_straight_into_the_kernel)
{
	char data[16];

	ck_assert_int_eq(put(1, 'a', 5, NULL), 1);
	ck_assert_uint_eq(px_input_queued(w.in), 0);
	ck_assert_uint_eq(w.total, 5);
	ck_assert_uint_eq(take(data, sizeof data), 5);
	ck_assert_int_eq(memcmp(data, "aaaaa", 5), 0);
	ck_assert_int_eq(put(1, 'a', 0, NULL), 1);
	ck_assert_uint_eq(w.ncalls, 0);
	/* Nothing is watched while nothing waits. */
	ck_assert_int_eq(event_base_loop(w.base, EVLOOP_NONBLOCK), 1);
}
END_TEST

START_TEST(test_queue_is_bounded)
{
	size_t len = fill();

	ck_assert_uint_eq(px_input_queued(w.in), CAP);
	ck_assert_uint_eq(w.total, len - CAP);
	ck_assert_int_eq(put(1, 'a', 1, NULL), 0);
	ck_assert_int_eq(put(2, 'b', 100000, NULL), 0);
	turn();
	ck_assert_uint_eq(px_input_queued(w.in), CAP);
	ck_assert_uint_eq(w.ncalls, 0);
	takes('z', len);
	takes('a', 1);
	takes('b', 100000);
	ck_assert_uint_eq(w.ncalls, 2);
	called(0, 1, PX_OK);
	called(1, 2, PX_OK);
	ck_assert_uint_eq(px_input_queued(w.in), 0);
	ck_assert_uint_eq(w.total, len + 100001);
}
END_TEST

/* Done means: in the queue or in the kernel, so it is said before the other end has read it. */
START_TEST(test_done_when_queued)
{
	size_t len = fill();

	ck_assert_int_eq(put(1, 'a', CAP, NULL), 0);
	takes('z', len - CAP);
	while (w.ncalls == 0)
		event_base_loop(w.base, EVLOOP_ONCE);
	called(0, 1, PX_OK);
	takes('z', CAP);
	takes('a', CAP);
}
END_TEST

START_TEST(test_larger_than_everything)
{
	enum { MUCH = 1 << 20 };

	ck_assert_int_eq(put(1, 'm', MUCH, NULL), 0);
	ck_assert_uint_le(px_input_queued(w.in), CAP);
	takes('m', MUCH);
	called(0, 1, PX_OK);
	ck_assert_uint_eq(w.total, MUCH);
}
END_TEST

START_TEST(test_an_empty_write_waits_its_turn)
{
	size_t len = fill();

	ck_assert_int_eq(put(1, 'a', 1, NULL), 0);
	ck_assert_int_eq(put(2, '-', 0, NULL), 0);
	takes('z', len);
	takes('a', 1);
	turn();
	ck_assert_uint_eq(w.ncalls, 2);
	called(1, 2, PX_OK);
}
END_TEST

/* ---- the end of a pipe ---- */

START_TEST(test_eof_closes)
{
	char c;

	put(1, 'a', 1, NULL);
	ck_assert_int_eq(end(2, NULL), 1);
	ck_assert(!fd_is_open(w.ours));
	all_is_refused();
	takes('a', 1);
	ck_assert_int_eq(read(w.theirs, &c, 1), 0);
}
END_TEST

START_TEST(test_eof_comes_after_waiting_writes)
{
	struct px_err err = { 0 };
	size_t len = fill();
	char c;

	ck_assert_int_eq(put(1, 'a', 5000, NULL), 0);
	ck_assert_int_eq(end(2, NULL), 0);
	/* Not closed, but nothing may follow. */
	all_is_refused();
	refused(px_input_eof(w.in, on_done, NULL, NULL, &err), &err);
	takes('z', len);
	takes('a', 5000);
	while (w.ncalls < 2)
		event_base_loop(w.base, EVLOOP_ONCE);
	called(0, 1, PX_OK);
	called(1, 2, PX_OK);
	ck_assert_int_eq(read(w.theirs, &c, 1), 0);
}
END_TEST

/* Taken back, it is as if it had not been asked for: the next one closes. */
START_TEST(test_cancelled_eof)
{
	struct px_input_op *op;
	size_t len = fill();
	char c;

	ck_assert_int_eq(end(1, &op), 0);
	px_input_cancel(op);
	ck_assert(px_input_is_open(w.in));
	ck_assert_int_eq(put(2, 'a', 10, NULL), 0);
	ck_assert_int_eq(end(3, NULL), 0);
	takes('z', len);
	takes('a', 10);
	while (w.ncalls < 2)
		event_base_loop(w.base, EVLOOP_ONCE);
	called(0, 2, PX_OK);
	called(1, 3, PX_OK);
	ck_assert_int_eq(read(w.theirs, &c, 1), 0);
}
END_TEST

/* ---- breaking ---- */

START_TEST(test_break_fails_what_waits_once)
{
	fill();
	put(1, 'a', 10, NULL);
	put(2, 'b', 10, NULL);
	end(3, NULL);
	px_input_break(w.in);
	ck_assert_uint_eq(w.ncalls, 3);
	for (int i = 0; i < 3; i++)
		called((size_t)i, i + 1, PX_E_STDIN_CLOSED);
	ck_assert_uint_eq(px_input_queued(w.in), 0);
	ck_assert(!fd_is_open(w.ours));
	px_input_break(w.in);
	turn();
	ck_assert_uint_eq(w.ncalls, 3);
	all_is_refused();
}
END_TEST

START_TEST(test_reader_is_gone)
{
	struct px_input_op *op;
	struct px_err err = { 0 };

	close(w.theirs);
	refused(px_input_write(w.in, "x", 1, on_done, NULL, &op, &err), &err);
	all_is_refused();
	ck_assert_uint_eq(w.ncalls, 0);
}
END_TEST

START_TEST(test_reader_goes_while_writes_wait)
{
	fill();
	put(1, 'a', 10, NULL);
	put(2, 'b', 10, NULL);
	close(w.theirs);
	event_base_loop(w.base, EVLOOP_ONCE);
	ck_assert_uint_eq(w.ncalls, 2);
	called(0, 1, PX_E_STDIN_CLOSED);
	called(1, 2, PX_E_STDIN_CLOSED);
	all_is_refused();
}
END_TEST

/* The queue's bytes are lost with the reader; the write that finds it out is refused, the others
 * fail. */
START_TEST(test_reader_goes_before_a_write)
{
	fill();
	put(1, 'a', 10, NULL);
	close(w.theirs);
	ck_assert_int_eq(put(2, 'b', 10, NULL), 0);
	event_base_loop(w.base, EVLOOP_ONCE);
	ck_assert_uint_eq(w.ncalls, 2);
}
END_TEST

START_TEST(test_free_fails_what_waits)
{
	fill();
	put(1, 'a', 10, NULL);
	px_input_free(w.in);
	w.in = NULL;
	ck_assert_uint_eq(w.ncalls, 1);
	called(0, 1, PX_E_STDIN_CLOSED);
	ck_assert(!fd_is_open(w.ours));
	px_input_free(NULL);
}
END_TEST

START_TEST(test_closed_from_the_start)
{
	px_input_free(w.in);
	w.in = px_input_new(w.base, -1, false, CAP);
	all_is_refused();
	px_input_break(w.in);
}
END_TEST

/* ---- operations that nobody waits for any more ---- */

START_TEST(test_forget)
{
	struct px_input_op *op;
	size_t len = fill();

	put(1, 'a', 10, &op);
	put(2, 'b', 10, NULL);
	px_input_forget(op);
	takes('z', len);
	takes('a', 10);
	takes('b', 10);
	ck_assert_uint_eq(w.ncalls, 1);
	called(0, 2, PX_OK);
}
END_TEST

/* What is left behind time after time is bounded; when it has gone, all is as before. */
START_TEST(test_forgotten_without_end)
{
	struct px_input_op *op;
	struct px_err err;
	size_t len = fill();

	put(1, 'a', CAP + 1, &op);
	ck_assert_int_eq(put(2, 'b', 10, NULL), 0); /* somebody waits for both */
	px_input_forget(op);
	ck_assert_int_eq(px_input_write(w.in, "c", 1, on_done, &numbers[3], &op, &err), -1);
	ck_assert_int_eq(err.code, PX_E_OVERLOADED);
	takes('z', len);
	takes('a', CAP + 1);
	takes('b', 10);
	ck_assert_int_eq(put(4, 'd', 1, NULL), 1);
	takes('d', 1);
	fill();
	put(5, 'a', CAP + 1, &op);
	px_input_forget(op);
	ck_assert_int_eq(px_input_eof(w.in, on_done, &numbers[6], &op, NULL), 0);
}
END_TEST

/* However little each holds. */
START_TEST(test_forgotten_and_small)
{
	struct px_input_op *op;
	int n = 0;

	fill();
	while (put(1, 'a', 1, &op) == 0) {
		px_input_forget(op);
		ck_assert_int_lt(++n, CAP);
	}
	ck_assert_int_gt(n, 1);
}
END_TEST

START_TEST(test_forgotten_and_broken)
{
	struct px_input_op *op;

	fill();
	put(1, 'a', 10, &op);
	px_input_forget(op);
	px_input_break(w.in);
	ck_assert_uint_eq(w.ncalls, 0);
}
END_TEST

START_TEST(test_cancel)
{
	struct px_input_op *first, *second;
	size_t len = fill();

	put(1, 'a', 10, &first);
	put(2, 'b', 10, &second);
	put(3, 'c', 10, NULL);
	px_input_cancel(second);
	px_input_cancel(first);
	takes('z', len);
	takes('c', 10);
	turn();
	ck_assert_uint_eq(w.ncalls, 1);
	called(0, 3, PX_OK);
}
END_TEST

/* What is in the queue stays; the rest does not come. */
START_TEST(test_cancel_in_the_middle)
{
	struct px_input_op *op;
	char data[PIPE_SIZE];
	size_t len, n = 0;

	ck_assert_int_eq(put(1, 'a', 100000, &op), 0);
	px_input_cancel(op);
	ck_assert_int_eq(put(2, 'b', 1, &op), 0);
	for (; n == 0 || data[0] != 'b'; n += len)
		if ((len = take(data, 1)) == 0)
			event_base_loop(w.base, EVLOOP_ONCE);
		else
			ck_assert(data[0] == 'a' || data[0] == 'b');
	ck_assert_uint_lt(n, 100000);
	called(0, 2, PX_OK);
}
END_TEST

/* Whoever waits behind an operation that is taken back goes on at once. */
START_TEST(test_cancel_lets_the_next_in)
{
	struct px_input_op *op;

	fill();
	put(1, 'a', 10, &op);
	ck_assert_int_eq(resize(2, 50), 0);
	px_input_cancel(op);
	ck_assert_uint_eq(w.ncalls, 1);
	called(0, 2, PX_OK);
}
END_TEST

/* ---- callbacks that go on ---- */

static int again_left;

static void
on_done_again(void *arg, const struct px_err *err)
{
	struct px_input_op *op = NULL;
	int result;

	on_done(arg, err);
	if (again_left-- == 0)
		return;
	result = px_input_write(w.in, "rrrr", 4, on_done_again, arg, &op, NULL);
	ck_assert_int_eq(result, err == NULL ? 1 : -1);
	if (result == 1)
		on_done_again(arg, NULL);
}

START_TEST(test_callback_writes)
{
	struct px_input_op *op;
	size_t len = fill();

	again_left = 3;
	ck_assert_int_eq(px_input_write(w.in, "a", 1, on_done_again, &numbers[1], &op, NULL), 0);
	takes('z', len);
	takes('a', 1);
	takes('r', 12);
	ck_assert_uint_eq(w.ncalls, 4);
}
END_TEST

START_TEST(test_callback_writes_into_the_break)
{
	struct px_input_op *op;

	fill();
	again_left = 5;
	px_input_write(w.in, "a", 1, on_done_again, &numbers[1], &op, NULL);
	put(2, 'b', 1, NULL);
	px_input_break(w.in);
	ck_assert_uint_eq(w.ncalls, 2);
	called(0, 1, PX_E_STDIN_CLOSED);
	called(1, 2, PX_E_STDIN_CLOSED);
}
END_TEST

static struct px_input_op *victim;

static void
on_done_cancel(void *arg, const struct px_err *err)
{
	on_done(arg, err);
	px_input_cancel(victim);
}

static void
on_done_eof(void *arg, const struct px_err *err)
{
	on_done(arg, err);
	ck_assert_int_eq(end(5, NULL), 0);
}

static void
on_done_break(void *arg, const struct px_err *err)
{
	on_done(arg, err);
	px_input_break(w.in);
}

START_TEST(test_callback_cancels_the_next)
{
	struct px_input_op *op;
	size_t len = fill();

	px_input_write(w.in, "a", 1, on_done_cancel, &numbers[1], &op, NULL);
	put(2, 'b', 1, &victim);
	put(3, 'c', 1, NULL);
	if (_i == 1) {
		px_input_break(w.in);
		ck_assert_uint_eq(w.ncalls, 2);
		called(1, 3, PX_E_STDIN_CLOSED);
		return;
	}
	takes('z', len);
	takes('a', 1);
	takes('c', 1);
	ck_assert_uint_eq(w.ncalls, 2);
}
END_TEST

START_TEST(test_callback_ends)
{
	struct px_input_op *op;
	size_t len = fill();
	char c;

	px_input_write(w.in, "a", 1, on_done_eof, &numbers[1], &op, NULL);
	put(2, 'b', 3000, NULL);
	takes('z', len);
	takes('a', 1);
	takes('b', 3000);
	while (w.ncalls < 3)
		event_base_loop(w.base, EVLOOP_ONCE);
	called(2, 5, PX_OK);
	ck_assert_int_eq(read(w.theirs, &c, 1), 0);
}
END_TEST

START_TEST(test_callback_breaks)
{
	struct px_input_op *op;
	size_t len = fill();

	px_input_write(w.in, "a", 1, on_done_break, &numbers[1], &op, NULL);
	put(2, 'b', 1, NULL);
	takes('z', len - CAP);
	while (w.ncalls < 2)
		event_base_loop(w.base, EVLOOP_ONCE);
	called(0, 1, PX_OK);
	called(1, 2, PX_E_STDIN_CLOSED);
	all_is_refused();
}
END_TEST

/* ---- terminals ---- */

static unsigned
rows(void)
{
	struct winsize size;

	ioctl(w.theirs, TIOCGWINSZ, &size);
	return size.ws_row;
}

START_TEST(test_resize)
{
	ck_assert_int_eq(resize(1, 30), 1);
	ck_assert_uint_eq(rows(), 30);
	ck_assert_uint_eq(w.ncalls, 0);
}
END_TEST

START_TEST(test_resize_waits_for_what_was_written_before)
{
	size_t len = fill();

	ck_assert_int_eq(put(1, 'a', 10, NULL), 0);
	ck_assert_int_eq(resize(2, 31), 0);
	ck_assert_int_eq(resize(3, 32), 0);
	ck_assert_int_eq(put(4, 'b', 10, NULL), 0);
	ck_assert_uint_eq(rows(), 24);
	takes('z', len);
	takes('a', 10);
	takes('b', 10);
	ck_assert_uint_eq(rows(), 32);
	ck_assert_uint_eq(w.ncalls, 4);
	for (int i = 0; i < 4; i++)
		called((size_t)i, i + 1, PX_OK);
}
END_TEST

START_TEST(test_resize_after_the_end)
{
	struct px_input_op *op;
	struct px_err err = { 0 };

	px_input_break(w.in);
	refused(px_input_resize(w.in, 1, 1, on_done, NULL, &op, &err), &err);
	ck_assert(fd_is_open(w.ours)); /* the master is not ours to close */
}
END_TEST

static void
set_veof(cc_t c)
{
	struct termios mode;

	tcgetattr(w.theirs, &mode);
	mode.c_cc[VEOF] = c;
	ck_assert_int_eq(tcsetattr(w.theirs, TCSANOW, &mode), 0);
}

START_TEST(test_pty_eof_is_a_character)
{
	ck_assert_int_eq(end(1, NULL), 1);
	takes(4, 1);
	/* A program may read on, so that may be written on. */
	ck_assert(px_input_is_open(w.in));
	set_veof('!');
	ck_assert_int_eq(put(2, 'a', 1, NULL), 1);
	ck_assert_int_eq(end(3, NULL), 1);
	takes('a', 1);
	takes('!', 1);
}
END_TEST

/* The character is the one in force when it is its turn. */
START_TEST(test_pty_eof_waits)
{
	size_t len = fill();

	ck_assert_int_eq(end(1, NULL), 0);
	ck_assert_int_eq(put(2, 'a', 1, NULL), 0);
	set_veof('!');
	takes('z', len);
	takes('!', 1);
	takes('a', 1);
	ck_assert_uint_eq(w.ncalls, 2);
}
END_TEST

START_TEST(test_pty_without_eof_character)
{
	struct px_input_op *op = NULL;
	struct px_err err = { 0 };
	size_t len;

	set_veof(_POSIX_VDISABLE);
	ck_assert_int_eq(px_input_eof(w.in, on_done, NULL, &op, &err), -1);
	ck_assert_int_eq(err.code, PX_E_REQUEST);
	ck_assert_int_eq(px_input_eof(w.in, on_done, NULL, &op, NULL), -1);
	ck_assert(px_input_is_open(w.in));
	len = fill();
	ck_assert_int_eq(end(1, NULL), 0);
	ck_assert_int_eq(put(2, 'a', 1, NULL), 0);
	takes('z', len);
	takes('a', 1);
	called(0, 1, PX_E_REQUEST);
	called(1, 2, PX_OK);
}
END_TEST

/* A program that has closed its terminal may open it again: /dev/tty. */
START_TEST(test_pty_closed_and_opened_again)
{
	char name[64];

	ck_assert_int_eq(ptsname_r(w.ours, name, sizeof name), 0);
	close(w.theirs);
	ck_assert_int_eq(put(1, 'b', 1, NULL), 1);
	ck_assert(px_input_is_open(w.in));
	w.theirs = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ne(w.theirs, -1);
	ck_assert_int_eq(put(2, 'b', 5, NULL), 1);
	takes('b', 5);
}
END_TEST

static Suite *
input_suite(void)
{
	Suite *s = suite_create("input");
	TCase *pipe = tcase_create("pipe"), *pty = tcase_create("pty");

	tcase_add_checked_fixture(pipe, setup_pipe, teardown);
	tcase_add_test(pipe, test_straight_into_the_kernel);
	tcase_add_test(pipe, test_queue_is_bounded);
	tcase_add_test(pipe, test_done_when_queued);
	tcase_add_test(pipe, test_larger_than_everything);
	tcase_add_test(pipe, test_an_empty_write_waits_its_turn);
	tcase_add_test(pipe, test_eof_closes);
	tcase_add_test(pipe, test_eof_comes_after_waiting_writes);
	tcase_add_test(pipe, test_cancelled_eof);
	tcase_add_test(pipe, test_break_fails_what_waits_once);
	tcase_add_test(pipe, test_reader_is_gone);
	tcase_add_test(pipe, test_reader_goes_while_writes_wait);
	tcase_add_test(pipe, test_reader_goes_before_a_write);
	tcase_add_test(pipe, test_free_fails_what_waits);
	tcase_add_test(pipe, test_closed_from_the_start);
	tcase_add_test(pipe, test_forget);
	tcase_add_test(pipe, test_forgotten_without_end);
	tcase_add_test(pipe, test_forgotten_and_small);
	tcase_add_test(pipe, test_forgotten_and_broken);
	tcase_add_test(pipe, test_cancel);
	tcase_add_test(pipe, test_cancel_in_the_middle);
	tcase_add_test(pipe, test_callback_writes);
	tcase_add_test(pipe, test_callback_writes_into_the_break);
	tcase_add_loop_test(pipe, test_callback_cancels_the_next, 0, 2);
	tcase_add_test(pipe, test_callback_ends);
	tcase_add_test(pipe, test_callback_breaks);
	suite_add_tcase(s, pipe);

	tcase_add_checked_fixture(pty, setup_pty, teardown);
	tcase_add_test(pty, test_straight_into_the_kernel);
	tcase_add_test(pty, test_queue_is_bounded);
	tcase_add_test(pty, test_resize);
	tcase_add_test(pty, test_resize_waits_for_what_was_written_before);
	tcase_add_test(pty, test_resize_after_the_end);
	tcase_add_test(pty, test_pty_eof_is_a_character);
	tcase_add_test(pty, test_pty_eof_waits);
	tcase_add_test(pty, test_pty_without_eof_character);
	tcase_add_test(pty, test_pty_closed_and_opened_again);
	tcase_add_test(pty, test_forget);
	tcase_add_test(pty, test_cancel);
	tcase_add_test(pty, test_cancel_lets_the_next_in);
	tcase_add_test(pty, test_callback_writes);
	suite_add_tcase(s, pty);
	return s;
}

int
main(void)
{
	return run_suite(input_suite());
}

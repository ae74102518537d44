#ifndef PX_PROC_INPUT_H
#define PX_PROC_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;

/*
 * A child's standard input: a bounded queue in front of a non-blocking
 * descriptor. Operations take effect in the order of their calls. One that
 * finds no room waits, holding its own bytes; reading output goes on meanwhile.
 */
struct px_input;
struct px_input_op;

/* The operation has taken effect (err NULL), or never will (err set, borrowed). The op is gone
 * afterwards. */
typedef void px_input_done_fn(void *arg, const struct px_err *err);

/*
 * 'fd' is written to, never closed by this module when 'pty' is true; a pipe's
 * end belongs to the input and is closed by end of file or by _free. 'fd' -1
 * makes an input that is closed from the start. 'cap': bytes that may wait in
 * the queue.
 */
struct px_input *px_input_new(struct event_base *base, int fd, bool pty, size_t cap);

/* From now on adds to '*total', borrowed for the input's life, what the kernel takes. */
void px_input_count(struct px_input *in, uint64_t *total);

/* Fails every waiting operation with PX_E_STDIN_CLOSED; takes NULL. */
void px_input_free(struct px_input *in);

/* The child is gone or has closed its end: what is queued is dropped, waiting operations fail,
 * later ones are refused. */
void px_input_break(struct px_input *in);

/*
 * Each starts an operation. Returns 1: done, 'done' is not called; 0: waiting,
 * 'done' will be called and '*out_op' names the operation until then; -1:
 * refused (PX_E_STDIN_CLOSED; end of file on a terminal that has no end-of-file
 * character: PX_E_REQUEST; forgotten operations hold more than 'cap':
 * PX_E_OVERLOADED, but for a pipe's end of file). A write is done when all of it is in the queue or
 * in the kernel. A pipe's end of file is done when it is closed, a PTY's when
 * its current VEOF (termios(3)) has been written behind everything before it.
 */
int px_input_write(struct px_input *in, const void *data, size_t len, px_input_done_fn *done,
    void *arg, struct px_input_op **out_op, struct px_err *err);
int px_input_eof(struct px_input *in, px_input_done_fn *done, void *arg,
    struct px_input_op **out_op, struct px_err *err);

/* PTY: sets the window size, after the operations that wait. */
int px_input_resize(struct px_input *in, uint16_t rows, uint16_t cols, px_input_done_fn *done,
    void *arg, struct px_input_op **out_op, struct px_err *err);

/* The caller is no longer interested: the operation goes on, 'done' is not called. */
void px_input_forget(struct px_input_op *op);

/* The caller takes it back: what of it is not yet in the queue is dropped, 'done' is not called. */
void px_input_cancel(struct px_input_op *op);

bool px_input_is_open(const struct px_input *in);
size_t px_input_queued(
    const struct px_input *in); /* bytes accepted that the kernel has not taken */

/* A window size is two numbers and a SIGWINCH to the foreground process group when they changed
 * (ioctl_tty(2)). */
int px_pty_resize(int master, uint16_t rows, uint16_t cols, struct px_err *err);

#endif

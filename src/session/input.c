#include "session/input.h"

#include "proc/input.h"
#include "session/state.h"

/* Was it done already? From now on it counts as done. NULL: it has no id. */
static bool
write_id_seen(struct px_session *session, const char *id, size_t len)
{
	return id != NULL && px_write_ids_seen(&session->write_ids, id, len);
}

/* Passes 'result' on; what was refused may be tried again under its id. */
static int
write_id_result(struct px_session *session, const char *id, size_t len, int result)
{
	if (result == -1 && id != NULL)
		px_write_ids_forget(session->write_ids, id, len);
	return result;
}

int
px_session_write(struct px_session *session, const void *data, size_t len, const char *write_id,
    size_t write_id_len, void (*done)(void *arg, const struct px_err *err), void *arg,
    struct px_input_op **out_op, struct px_err *err)
{
	struct px_input *input = px_proc_input(session->proc);

	if (write_id_seen(session, write_id, write_id_len))
		return 1;
	return write_id_result(session, write_id, write_id_len,
	    px_input_write(input, data, len, done, arg, out_op, err));
}

int
px_session_close_stdin(struct px_session *session, const char *write_id, size_t write_id_len,
    void (*done)(void *arg, const struct px_err *err), void *arg, struct px_input_op **out_op,
    struct px_err *err)
{
	struct px_input *input = px_proc_input(session->proc);

	if (write_id_seen(session, write_id, write_id_len) || !px_input_is_open(input))
		return 1;
	return write_id_result(
	    session, write_id, write_id_len, px_input_eof(input, done, arg, out_op, err));
}

/* An operation that goes on by itself: as 0 or -1. */
static int
input_let_go(int result, struct px_input_op *op)
{
	if (result == 0)
		px_input_forget(op);
	return result == -1 ? -1 : 0;
}

int
px_session_feed(struct px_session *session, const void *data, size_t len, const char *write_id,
    size_t write_id_len, struct px_err *err)
{
	struct px_input *input = px_proc_input(session->proc);
	struct px_input_op *op = NULL;
	int result;

	if (write_id_seen(session, write_id, write_id_len))
		return 0;
	if (data != NULL) {
		result = px_input_write(input, data, len, NULL, NULL, &op, err);
		if (input_let_go(result, op) == -1)
			return write_id_result(session, write_id, write_id_len, -1);
	}
	if (!px_input_is_open(input))
		return 0;
	result = px_input_eof(input, NULL, NULL, &op, err);
	result = input_let_go(result, op);
	/* What was written stays written: under its id it must not be written again. */
	return data != NULL ? result : write_id_result(session, write_id, write_id_len, result);
}

int
px_session_resize(struct px_session *session, uint16_t rows, uint16_t cols,
    void (*done)(void *arg, const struct px_err *err), void *arg, struct px_input_op **out_op,
    struct px_err *err)
{
	if (session->spec.io != PX_IO_PTY)
		return px_fail(err, PX_E_NOT_A_PTY, "session '%s' has no terminal", session->id);
	session->spec.rows = rows;
	session->spec.cols = cols;
	if (!px_proc_running(session->proc))
		return 1;
	return px_input_resize(px_proc_input(session->proc), rows, cols, done, arg, out_op, err);
}

bool
px_session_signal(struct px_session *session, int sig)
{
	return px_proc_signal(session->proc, sig);
}

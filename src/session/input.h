#ifndef PX_SESSION_INPUT_H
#define PX_SESSION_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct px_err;
struct px_input_op;
struct px_session;

/* What a client gives to the program of a session: input, a size, signals. */

/*
 * Writes to stdin. Results as px_input_write(). A 'write_id' seen before is
 * answered 1 and not written. A waiting write that has one should be forgotten,
 * not cancelled, when its caller goes away: the caller may come back with it.
 */
int px_session_write(struct px_session *session, const void *data, size_t len, const char *write_id,
    size_t write_id_len, void (*done)(void *arg, const struct px_err *err), void *arg,
    struct px_input_op **out_op, struct px_err *err);

/* Ends stdin (see px_input_eof()); 1 too when it has ended already. 'write_id' as for a write. */
int px_session_close_stdin(struct px_session *session, const char *write_id, size_t write_id_len,
    void (*done)(void *arg, const struct px_err *err), void *arg, struct px_input_op **out_op,
    struct px_err *err);

/*
 * Writes 'data' (NULL: none) and ends stdin behind it, both on their own: nobody
 * is told when they are done. 0, also for a 'write_id' seen before, or -1: refused,
 * as a write or an end of stdin is. Data that was taken is not taken again under
 * its id, even if the end behind it was refused.
 */
int px_session_feed(struct px_session *session, const void *data, size_t len, const char *write_id,
    size_t write_id_len, struct px_err *err);

/* PX_E_NOT_A_PTY; after the exit it does nothing. Results as px_input_resize(). */
int px_session_resize(struct px_session *session, uint16_t rows, uint16_t cols,
    void (*done)(void *arg, const struct px_err *err), void *arg, struct px_input_op **out_op,
    struct px_err *err);

bool px_session_signal(struct px_session *session, int sig);

#endif

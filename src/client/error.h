#ifndef PX_CLIENT_ERROR_H
#define PX_CLIENT_ERROR_H

#include <ptyexec/error.h>

struct px_err;

/* Fills 'err' (may be NULL) and returns -1, as px_fail() does for the other kind of error. */
int px_error_set(struct px_error *err, enum px_error_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* With ": <strerror(sys)>" appended. */
int px_error_set_sys(struct px_error *err, enum px_error_code code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A copy of 'from', which is not NULL. Returns -1. */
int px_error_copy(struct px_error *err, const struct px_error *from);

/* The number of an errno's name ("ENOENT"); 0 when there is none. */
int px_error_number(const char *errno_name);

#endif

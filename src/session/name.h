#ifndef PX_SESSION_NAME_H
#define PX_SESSION_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The form of session ids and workspace names: [A-Za-z0-9._:-]{1,128}. */
enum { PX_NAME_MAX = 128 };

bool px_name_valid(const char *s, size_t len);

/* -1: PX_E_PARAMS, which says that the member 'what' is not of this form. */
int px_name_check(const char *what, const char *s, size_t len, struct px_err *err);

#endif

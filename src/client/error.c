#include "client/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/err.h"

enum { ERRNO_MAX = 4095 }; /* the kernel's own bound */

__attribute__((format(printf, 4, 0))) static void
error_fill(struct px_error *err, enum px_error_code code, int sys, const char *fmt, va_list ap)
{
	char text[sizeof err->text]; /* the arguments may point into 'err' */

	vsnprintf(text, sizeof text, fmt, ap);
	if (sys != 0) {
		strlcat(text, ": ", sizeof text);
		strlcat(text, strerror(sys), sizeof text);
	}
	*err = (struct px_error){ .code = code, .sys = sys };
	strlcpy(err->text, text, sizeof err->text);
}

int
px_error_set(struct px_error *err, enum px_error_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	error_fill(err, code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int
px_error_set_sys(struct px_error *err, enum px_error_code code, int sys, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	error_fill(err, code, sys, fmt, ap);
	va_end(ap);
	return -1;
}

int
px_error_copy(struct px_error *err, const struct px_error *from)
{
	if (err != NULL)
		*err = *from;
	return -1;
}

int
px_error_number(const char *errno_name)
{
	for (int i = 1; i <= ERRNO_MAX; i++)
		if (strcmp(px_errno_name(i), errno_name) == 0)
			return i;
	return 0;
}

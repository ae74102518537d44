#include "session/name.h"

#include <string.h>

bool
px_name_valid(const char *s, size_t len)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

	if (len == 0 || len > PX_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (memchr(allowed, s[i], sizeof allowed - 1) == NULL)
			return false;
	return true;
}

int
px_name_check(const char *what, const char *s, size_t len, struct px_err *err)
{
	if (px_name_valid(s, len))
		return 0;
	return px_fail(
	    err, PX_E_PARAMS, "\"%s\" must match [A-Za-z0-9._:-]{1,%d}", what, PX_NAME_MAX);
}

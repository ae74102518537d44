#include <stdarg.h>
#include <stdio.h>

#include "cli/command.h"

void
px_complain(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			*p = '?';
	fprintf(stderr, "ptyexec: %s\n", text);
}

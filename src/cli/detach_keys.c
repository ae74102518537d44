#include "cli/detach_keys.h"

#include <stdlib.h>

#include "cli/command.h"

static const char variable[] = "PTYEXEC_DETACH_KEYS";

int
px_detach_keys(const char *given, struct px_keys *out)
{
	const char *from = "--detach-keys", *text = given;

	if (text == NULL) {
		from = variable;
		text = getenv(variable);
	}
	if (text == NULL || *text == '\0')
		text = "ctrl-],d";
	if (px_keys_parse(out, text) == 0)
		return 0;
	px_complain("%s takes keys as in 'ctrl-],d', at most %d, or 'none', not '%s'", from,
	    PX_KEYS_MAX, text);
	return -1;
}

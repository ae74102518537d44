#ifndef SERVED_CASES_H
#define SERVED_CASES_H

#include "cases.h"
#include "rig/rig.h"

/* run_cases() with a server that all of them share, at rig_url(). */
static inline int
serve_cases(TCase *tc, const char *const *flags)
{
	struct rig_server server;
	int result;

	rig_server_start(&server, flags);
	rig_server_share(&server);
	result = run_cases(tc);
	rig_server_stop(&server);
	return result;
}

#endif

#ifndef CASES_H
#define CASES_H

#include <check.h>
#include <stdlib.h>

#include "rig/rig.h"

/* Runs the tests of one case, prints TAP, and returns what main does. */
static inline int
run_cases(TCase *tc)
{
	Suite *suite = suite_create("unit");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same with a server that all of them share, at rig_url(). */
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

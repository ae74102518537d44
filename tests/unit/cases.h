#ifndef CASES_H
#define CASES_H

#include <check.h>
#include <stdlib.h>

/* Runs all tests of a suite, prints TAP, and returns what main does. Takes the suite over. */
static inline int
run_suite(Suite *suite)
{
	SRunner *sr = srunner_create(suite);
	int failed;

	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same for tests that are one case, each with a minute. */
static inline int
run_cases(TCase *tc)
{
	Suite *suite = suite_create("unit");

	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}

#endif

#include "proc/spec_build.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"

static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static struct px_spec spec;

static void
setup(void)
{
	spec = (struct px_spec){ 0 };
}

static void
teardown(void)
{
	px_spec_done(&spec);
}

#define STRINGS(...) ((const char *[]){ __VA_ARGS__, NULL })

static const char *const nothing[] = { NULL };
static const struct px_trace no_trace = { 0 };

/* The entries with a '|' behind each. */
static void
env_is(const char *expected)
{
	char all[512] = "";
	size_t len = 0;

	for (char **e = spec.env; *e != NULL; e++)
		len += (size_t)snprintf(all + len, sizeof all - len, "%s|", *e);
	ck_assert_str_eq(all, expected);
}

static void
refused(const char *const *argv, const char *cwd, const char *expected)
{
	struct px_err err = { 0 };

	ck_assert_int_eq(px_spec_build(&spec, argv, cwd, NULL, &err), -1);
	ck_assert_int_eq(err.code, PX_E_PARAMS);
	ck_assert_str_eq(err.text, expected);
	ck_assert_ptr_null(spec.argv);
}

START_TEST(test_build)
{
	const char *argv[] = { "prog", "", NULL };
	char cwd[] = "/x";

	spec.umask = 0777;
	ck_assert_int_eq(px_spec_build(&spec, argv, cwd, "name", NULL), 0);
	cwd[1] = 'y';
	ck_assert_uint_eq(spec.argc, 2);
	ck_assert_str_eq(spec.argv[0], "prog");
	ck_assert_str_eq(spec.argv[1], "");
	ck_assert_ptr_null(spec.argv[2]);
	ck_assert_str_eq(spec.cwd, "/x");
	ck_assert_str_eq(spec.arg0, "name");
	ck_assert_int_eq(spec.umask, -1);
	ck_assert(spec.search_path);
	ck_assert_uint_eq(spec.nlimits, 0);
	ck_assert_int_eq(spec.timeout_ms, 0);
}
END_TEST

START_TEST(test_arg0)
{
	ck_assert_int_eq(px_spec_build(&spec, STRINGS("prog"), "/", NULL, NULL), 0);
	ck_assert_ptr_null(spec.arg0);
	px_spec_done(&spec);
	ck_assert_int_eq(px_spec_build(&spec, STRINGS("prog"), "/", "", NULL), 0);
	ck_assert_str_eq(spec.arg0, "");
}
END_TEST

START_TEST(test_refusals)
{
	refused(nothing, "/", "argv must not be empty");
	refused(STRINGS(""), "/", "argv[0] must not be empty");
	refused(STRINGS("prog"), "", "\"cwd\" must be an absolute path");
	refused(STRINGS("prog"), "relative", "\"cwd\" must be an absolute path");
}
END_TEST

START_TEST(test_env_is_the_callers)
{
	const char *const *env = STRINGS("B=2", "A=1");

	px_spec_build_env(&spec, NULL, env, &no_trace);
	env_is("B=2|A=1|");
	px_spec_forget_env(&spec);
	px_spec_build_env(&spec, NULL, nothing, &no_trace);
	env_is("");
}
END_TEST

START_TEST(test_env_over_base)
{
	char *base[] = { "A=base", "AB=base", "B=base", "ODD", "E=", NULL };
	const char *const *env = STRINGS("B=own", "A=", "C=own", "ODD=own");

	px_spec_build_env(&spec, base, env, &no_trace);
	env_is("AB=base|E=|B=own|A=|C=own|ODD=own|");
}
END_TEST

static struct px_trace
trace_of(const char *state)
{
	struct px_trace trace;

	px_trace_set(&trace, parent, strlen(parent), state, state != NULL ? strlen(state) : 0);
	return trace;
}

START_TEST(test_trace)
{
	const char *const *env = STRINGS("A=1");
	struct px_trace trace = trace_of("k=v");

	px_spec_build_env(&spec, NULL, env, &trace);
	env_is("A=1|TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01|"
	       "TRACESTATE=k=v|");
	ck_assert_uint_eq(spec.env_traced, 2);
	px_spec_forget_env(&spec);
	trace = trace_of(NULL);
	px_spec_build_env(&spec, NULL, env, &trace);
	env_is("A=1|TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01|");
	ck_assert_uint_eq(spec.env_traced, 1);
}
END_TEST

START_TEST(test_the_callers_trace_wins)
{
	const char *const *env = STRINGS("TRACEPARENT=mine");
	struct px_trace trace = trace_of(NULL);

	px_spec_build_env(&spec, NULL, env, &trace);
	env_is("TRACEPARENT=mine|");
	ck_assert_uint_eq(spec.env_traced, 0);
}
END_TEST

/* The server's own trace gives way as a whole, or a child would find it first. */
START_TEST(test_the_requests_trace_over_the_servers)
{
	char *base[] = { "TRACEPARENT=server", "A=1", "TRACESTATE=server", NULL };
	struct px_trace trace = trace_of(NULL);

	px_spec_build_env(&spec, base, nothing, &trace);
	env_is("A=1|TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01|");
	px_spec_forget_env(&spec);
	px_spec_build_env(&spec, base, nothing, &no_trace);
	env_is("TRACEPARENT=server|A=1|TRACESTATE=server|");
}
END_TEST

static Suite *
spec_build_suite(void)
{
	Suite *s = suite_create("spec_build");
	TCase *tc = tcase_create("spec_build");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_build);
	tcase_add_test(tc, test_arg0);
	tcase_add_test(tc, test_refusals);
	tcase_add_test(tc, test_env_is_the_callers);
	tcase_add_test(tc, test_env_over_base);
	tcase_add_test(tc, test_trace);
	tcase_add_test(tc, test_the_callers_trace_wins);
	tcase_add_test(tc, test_the_requests_trace_over_the_servers);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(spec_build_suite());
}

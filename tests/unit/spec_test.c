#include "proc/spec.h"

#include <string.h>

#include "cases.h"
#include "child_spec.h"

/* One spec with something in every member. */
static struct px_spec
full(void)
{
	struct px_spec spec = SPEC(PX_IO_PTY, "prog", "one", "two");

	spec.arg0 = px_strdup("zero");
	spec.umask = 022;
	spec.limits[0].resource = RLIMIT_CPU;
	spec.limits[0].value = 5;
	spec.limits[1].resource = RLIMIT_AS;
	spec.limits[1].value = 6;
	spec.nlimits = 2;
	spec.chunk_max = 7;
	spec.timeout_ms = 8;
	return spec;
}

static void
replace(char **at, const char *text)
{
	free(*at);
	*at = text != NULL ? px_strdup(text) : NULL;
}

/* Each makes one thing different. */
static void
change_program(struct px_spec *s)
{
	replace(&s->argv[0], "prof");
}

static void
change_argument(struct px_spec *s)
{
	replace(&s->argv[2], "twp");
}

static void
change_count(struct px_spec *s)
{
	replace(&s->argv[2], NULL);
	s->argc--;
}

static void
change_border(struct px_spec *s)
{
	replace(&s->argv[1], "onet");
	replace(&s->argv[2], "wo");
}

static void
change_arg0(struct px_spec *s)
{
	replace(&s->arg0, "zerp");
}

static void
change_arg0_absent(struct px_spec *s)
{
	replace(&s->arg0, NULL);
}

static void
change_arg0_empty(struct px_spec *s)
{
	replace(&s->arg0, "");
}

static void
change_cwd(struct px_spec *s)
{
	replace(&s->cwd, "/tmp");
}

static void
change_env(struct px_spec *s)
{
	replace(&s->env[0], "PATH=/usr/bin:/bim");
}

static void
change_env_empty(struct px_spec *s)
{
	px_spec_forget_env(s);
	s->env = strings_copy((const char *const[]){ NULL });
}

/* The same strings, divided otherwise. */
static void
change_list(struct px_spec *s)
{
	px_spec_forget_env(s);
	s->env = strings_copy((const char *const[]){ "two", "PATH=/usr/bin:/bin", NULL });
	change_count(s);
}

static void
change_search(struct px_spec *s)
{
	s->search_path = false;
}

static void
change_io(struct px_spec *s)
{
	s->io = PX_IO_PIPE;
}

static void
change_rows(struct px_spec *s)
{
	s->rows++;
}

static void
change_cols(struct px_spec *s)
{
	s->cols++;
}

static void
change_size_swapped(struct px_spec *s)
{
	s->rows = 80;
	s->cols = 24;
}

static void
change_stdin(struct px_spec *s)
{
	s->stdin_open = false;
}

static void
change_umask(struct px_spec *s)
{
	s->umask = -1;
}

static void
change_limit(struct px_spec *s)
{
	s->limits[1].value++;
}

static void
change_limit_high(struct px_spec *s)
{
	s->limits[1].value |= (rlim_t)1 << 40;
}

static void
change_resource(struct px_spec *s)
{
	s->limits[1].resource = RLIMIT_FSIZE;
}

static void
change_nlimits(struct px_spec *s)
{
	s->nlimits--;
}

static void
change_chunk(struct px_spec *s)
{
	s->chunk_max++;
}

static void
change_timeout(struct px_spec *s)
{
	s->timeout_ms++;
}

static void (*const changes[])(struct px_spec *s) = { change_program, change_argument, change_count,
	change_border, change_arg0, change_arg0_absent, change_arg0_empty, change_cwd, change_env,
	change_env_empty, change_list, change_search, change_io, change_rows, change_cols,
	change_size_swapped, change_stdin, change_umask, change_limit, change_limit_high,
	change_resource, change_nlimits, change_chunk, change_timeout };

enum { NCHANGES = sizeof changes / sizeof changes[0] };

static void
print_of(void (*change)(struct px_spec *s), uint8_t out[PX_SHA256_LEN])
{
	struct px_spec spec = full();

	if (change != NULL)
		change(&spec);
	px_spec_fingerprint(&spec, out);
	px_spec_done(&spec);
}

START_TEST(test_equal)
{
	uint8_t a[PX_SHA256_LEN], b[PX_SHA256_LEN];

	for (int i = 0; i < NCHANGES; i++) {
		print_of(changes[i], a);
		print_of(changes[i], b);
		ck_assert_mem_eq(a, b, sizeof a);
	}
}
END_TEST

/* From the first one and from each other. */
START_TEST(test_every_member_counts)
{
	uint8_t print[NCHANGES + 1][PX_SHA256_LEN];

	print_of(NULL, print[NCHANGES]);
	for (int i = 0; i < NCHANGES; i++)
		print_of(changes[i], print[i]);
	for (int i = 0; i <= NCHANGES; i++)
		for (int j = 0; j < i; j++)
			ck_assert_msg(
			    memcmp(print[i], print[j], PX_SHA256_LEN) != 0, "%d is as %d", i, j);
}
END_TEST

/* What lies behind 'nlimits' is not part of it. */
START_TEST(test_unused_limits_do_not_count)
{
	uint8_t a[PX_SHA256_LEN], b[PX_SHA256_LEN];
	struct px_spec spec = full();

	px_spec_fingerprint(&spec, a);
	spec.limits[2].value = 99;
	px_spec_fingerprint(&spec, b);
	ck_assert_mem_eq(a, b, sizeof a);
	px_spec_done(&spec);
}
END_TEST

START_TEST(test_trace_does_not_count)
{
	uint8_t a[PX_SHA256_LEN], b[PX_SHA256_LEN];
	struct px_spec spec = full();

	px_spec_fingerprint(&spec, a);
	px_spec_forget_env(&spec);
	spec.env = strings_copy(
	    (const char *const[]){ "PATH=/usr/bin:/bin", "TRACEPARENT=x", "TRACESTATE=y", NULL });
	spec.env_traced = 2;
	px_spec_fingerprint(&spec, b);
	ck_assert_mem_eq(a, b, sizeof a);
	spec.env_traced = 1;
	px_spec_fingerprint(&spec, b);
	ck_assert_mem_ne(a, b, sizeof a);
	px_spec_done(&spec);
}
END_TEST

START_TEST(test_env)
{
	static char *env[] = { "A=1", "AB=2", "B=", "C", "A=3", "=x", NULL };
	struct px_spec spec = { .env = env }, none = { 0 };

	ck_assert_str_eq(px_spec_env(&spec, "A"), "1");
	ck_assert_str_eq(px_spec_env(&spec, "AB"), "2");
	ck_assert_str_eq(px_spec_env(&spec, "B"), "");
	ck_assert_ptr_null(px_spec_env(&spec, "C"));
	ck_assert_ptr_null(px_spec_env(&spec, "D"));
	ck_assert_ptr_null(px_spec_env(&none, "A"));
}
END_TEST

START_TEST(test_done)
{
	struct px_spec spec = full();

	px_spec_forget_env(&spec);
	ck_assert_ptr_null(spec.env);
	px_spec_forget_env(&spec);
	px_spec_done(&spec);
	px_spec_done(&spec);
	ck_assert_ptr_null(spec.argv);
	ck_assert_ptr_null(spec.arg0);
	ck_assert_ptr_null(spec.cwd);
}
END_TEST

static Suite *
spec_suite(void)
{
	Suite *s = suite_create("spec");
	TCase *tc = tcase_create("spec");

	tcase_add_test(tc, test_equal);
	tcase_add_test(tc, test_every_member_counts);
	tcase_add_test(tc, test_unused_limits_do_not_count);
	tcase_add_test(tc, test_trace_does_not_count);
	tcase_add_test(tc, test_env);
	tcase_add_test(tc, test_done);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(spec_suite());
}

#include "base/trace.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* A copy of exactly 'len' bytes on the heap, so that a sanitizer sees a read beyond the end. */
static char *
exact(const char *s, size_t len)
{
	char *copy = malloc(len);

	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

static bool
valid(const char *s)
{
	size_t len = strlen(s);
	char *copy = exact(s, len);
	bool ok = px_traceparent_valid(copy, len);

	free(copy);
	return ok;
}

START_TEST(good_parents)
{
	static const char *const rows[] = { PARENT,
		"00-00000000000000000000000000000001-0000000000000001-00",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what the future holds",
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(valid(rows[i]), "%s", rows[i]);
}
END_TEST

START_TEST(bad_parents)
{
	static const char *const rows[] = { "", "00",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A",
		"0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
		"00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01", " " PARENT, PARENT " ",
		PARENT "-", PARENT "-00",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-010" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(!valid(rows[i]), "%s", rows[i]);
}
END_TEST

/* Each cut and each byte replaced by what cannot stand there. */
START_TEST(every_position_counts)
{
	char s[] = PARENT;

	for (size_t i = 0; i < PX_TRACEPARENT_LEN; i++) {
		char kept = s[i];

		s[i] = 'g';
		ck_assert(!px_traceparent_valid(s, PX_TRACEPARENT_LEN));
		s[i] = '\0';
		ck_assert(!px_traceparent_valid(s, PX_TRACEPARENT_LEN));
		s[i] = kept;
		ck_assert(!px_traceparent_valid(s, i));
	}
	ck_assert(px_traceparent_valid(s, PX_TRACEPARENT_LEN));
}
END_TEST

static const char *
state_of(struct px_trace *trace, const char *state)
{
	size_t len = strlen(state);
	char *copy = exact(state, len);

	memset(trace, 'x', sizeof(*trace));
	px_trace_set(trace, PARENT, PX_TRACEPARENT_LEN, copy, len);
	free(copy);
	ck_assert_str_eq(trace->parent, PARENT);
	return trace->state;
}

START_TEST(good_states)
{
	static const char *const rows[] = { "a=1", "congo=t61rcWkgMzE",
		"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "tenant@system=x", "0a_-*/=v",
		"a=1, b=2 ,\tc=3", "a=1,,b=2", ",a=1,", "a= leading space",
		"a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~" };
	struct px_trace trace;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(state_of(&trace, rows[i]), rows[i]);
}
END_TEST

START_TEST(bad_states)
{
	static const char *const rows[] = { "", " ", ",", ", ,", "a", "a=", "=1", "a=1=2", "A=1",
		"a b=1", "_a=1", "@a=1", "a=1\n", "a=\x1b[2J", "a=\x7f", "a=\xc3\xa4", "\xc3\xa4=1",
		"a=1,b", "a=1;b=2,c", "a= ", "a=\t1" };
	struct px_trace trace;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(state_of(&trace, rows[i])[0] == '\0', "row %zu: %s", i, rows[i]);
	px_trace_set(&trace, PARENT, PX_TRACEPARENT_LEN, "a=1\0b", 5);
	ck_assert_str_eq(trace.state, "");
	px_trace_set(&trace, PARENT, PX_TRACEPARENT_LEN, "a\0=1", 4);
	ck_assert_str_eq(trace.state, "");
}
END_TEST

START_TEST(state_limits)
{
	char state[600];
	struct px_trace trace;
	size_t len = 0;

	for (int i = 0; i < 32; i++) {
		memcpy(state + len, "a=1,", 4);
		len += 4;
	}
	state[len - 1] = '\0';
	ck_assert_str_eq(state_of(&trace, state), state);
	memcpy(state + len - 1, ",a=1", 5);
	ck_assert_str_eq(state_of(&trace, state), "");

	memset(state, 'a', sizeof(state));
	memcpy(state + 255, "=1,b=", 5);
	state[PX_TRACESTATE_MAX] = '\0';
	ck_assert_uint_eq(strlen(state_of(&trace, state)), PX_TRACESTATE_MAX);
	state[PX_TRACESTATE_MAX] = 'a';
	state[PX_TRACESTATE_MAX + 1] = '\0';
	ck_assert_str_eq(state_of(&trace, state), "");

	memset(state, 'a', sizeof(state));
	memcpy(state + 256, "=1", 3);
	ck_assert_uint_eq(strlen(state_of(&trace, state)), 258);
	memcpy(state + 256, "a=1", 4);
	ck_assert_str_eq(state_of(&trace, state), "");

	memset(state, 'a', sizeof(state));
	state[1] = '=';
	state[2 + 256] = '\0';
	ck_assert_uint_eq(strlen(state_of(&trace, state)), 258);
	state[2 + 256] = 'a';
	state[2 + 257] = '\0';
	ck_assert_str_eq(state_of(&trace, state), "");
}
END_TEST

START_TEST(state_needs_a_parent)
{
	struct px_trace trace;

	memset(&trace, 'x', sizeof(trace));
	px_trace_set(&trace, NULL, 0, "a=1", 3);
	ck_assert_str_eq(trace.parent, "");
	ck_assert_str_eq(trace.state, "");
	memset(&trace, 'x', sizeof(trace));
	px_trace_set(&trace, "00-nonsense", 11, "a=1", 3);
	ck_assert_str_eq(trace.parent, "");
	ck_assert_str_eq(trace.state, "");
	px_trace_set(&trace, PARENT, PX_TRACEPARENT_LEN, NULL, 0);
	ck_assert_str_eq(trace.parent, PARENT);
	ck_assert_str_eq(trace.state, "");
}
END_TEST

START_TEST(a_later_version_is_passed_on_as_ours)
{
	static const char later[] = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
	struct px_trace trace;

	px_trace_set(&trace, later, strlen(later), NULL, 0);
	ck_assert_str_eq(trace.parent, PARENT);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("trace");

	tcase_add_test(tc, good_parents);
	tcase_add_test(tc, bad_parents);
	tcase_add_test(tc, every_position_counts);
	tcase_add_test(tc, good_states);
	tcase_add_test(tc, bad_states);
	tcase_add_test(tc, state_limits);
	tcase_add_test(tc, state_needs_a_parent);
	tcase_add_test(tc, a_later_version_is_passed_on_as_ours);
	return run_cases(tc);
}

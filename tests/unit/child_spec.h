#ifndef PX_TESTS_CHILD_SPEC_H
#define PX_TESTS_CHILD_SPEC_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proc/spec.h"

/* A spec on the heap, as a request makes one, for the tests that start real programs. */

static inline char **
strings_copy(const char *const *strings)
{
	size_t n = 0;
	char **copy;

	while (strings[n] != NULL)
		n++;
	copy = px_alloc((n + 1) * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = px_strdup(strings[i]);
	return copy;
}

static inline struct px_spec
spec_make(enum px_io io, const char *const *argv)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct px_spec spec = { .argv = strings_copy(argv),
		.cwd = px_strdup("/"),
		.env = strings_copy(env),
		.search_path = true,
		.io = io,
		.rows = 24,
		.cols = 80,
		.stdin_open = true,
		.umask = -1 };

	while (argv[spec.argc] != NULL)
		spec.argc++;
	return spec;
}

static inline const char *
puppet_path(void)
{
	const char *path = getenv("PX_CHILD");

	ck_assert_msg(path != NULL, "PX_CHILD is not set");
	return path;
}

/* SPEC(PX_IO_PIPE, "echo", "x") runs that; PUPPET(PX_IO_PTY, "size") runs tests/child.c in that
 * mode. */
#define SPEC(io, ...)   spec_make(io, (const char *const[]){ __VA_ARGS__, NULL })
#define PUPPET(io, ...) SPEC(io, puppet_path(), __VA_ARGS__)

#endif

#ifndef PX_PROC_SPEC_H
#define PX_PROC_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/crypto.h"

struct px_cage;

/* What to run and how it is connected: everything a spawn needs, deep-copied from the request. */

enum px_io { PX_IO_PTY, PX_IO_PIPE };

enum { PX_SPEC_LIMITS = 4 };

struct px_spec {
	char **argv; /* NULL-terminated, at least one */
	size_t argc;
	char *arg0;        /* what the program sees as argv[0]; NULL: argv[0] */
	char *cwd;         /* absolute */
	char **env;        /* NULL-terminated "NAME=value" */
	size_t env_traced; /* so many at its end say who asked, not what to run */
	bool search_path;  /* look argv[0] up in the PATH of 'env' when it has no '/' */
	enum px_io io;
	uint16_t rows, cols; /* PTY; rows and columns of characters */
	bool stdin_open;     /* pipes: a pipe, else /dev/null */
	int umask;           /* -1: the server's */
	struct {
		int resource; /* RLIMIT_x, soft and hard */
		rlim_t value;
	} limits[PX_SPEC_LIMITS];
	size_t nlimits;
	size_t chunk_max;     /* largest output chunk in bytes; 0: the server's choice */
	int64_t timeout_ms;   /* > 0: terminated gracefully when it passes */
	struct px_cage *cage; /* NULL: not in a sandbox. Not part of the fingerprint */
};

/* Frees the content of 'spec', not itself. */
void px_spec_done(struct px_spec *spec);

/* Forgets the environment, which may hold secrets, once it is no longer needed. */
void px_spec_forget_env(struct px_spec *spec);

/* The value of an environment variable in 'env', or NULL; borrowed. */
const char *px_spec_env(const struct px_spec *spec, const char *name);

/*
 * Two specs with the same fingerprint start the same thing in the same way. A
 * request's trace does not count: a retry has another one.
 */
void px_spec_fingerprint(const struct px_spec *spec, uint8_t out[PX_SHA256_LEN]);

#endif

#ifndef PTYEXEC_COMMAND_H
#define PTYEXEC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What requests say. Everything is zero for "nothing special", and copied by the call that takes
 * it. */

/* What becomes of a session whose client's connection ends and does not come back. */
enum px_disposition {
	PX_DISPOSITION_DEFAULT, /* it is ended when the server's detach time has passed */
	PX_DISPOSITION_KILL,    /* it is ended as soon as the connection has */
	PX_DISPOSITION_KEEP     /* it runs on */
};

/* Soft and hard limits of setrlimit(2); 0: the server's. */
struct px_command_limits {
	int64_t cpu_seconds, memory_bytes, open_files, file_size_bytes;
};

struct px_command {
	const char *session; /* its name from now on, [A-Za-z0-9._:-]{1,128}; NULL: one is made */
	const char *const
	    *argv;        /* NULL-terminated; looked up in the PATH that the program will have */
	const char *arg0; /* what the program sees as its name; NULL: argv[0] */
	const char *cwd;  /* absolute; NULL: the server's */
	const char *const *env; /* "NAME=value", NULL-terminated, each name once; NULL: none */
	bool inherit_env;       /* the server's environment lies beneath 'env' */
	int64_t timeout_ms;     /* then the session is ended gracefully; 0: never */
	bool pty;               /* a terminal of 'rows' x 'cols', each from 1; else pipes */
	uint16_t rows, cols;
	bool no_stdin; /* pipes: /dev/null instead of a standard input to write to */
	enum px_disposition disposition;
	bool has_umask;
	unsigned umask; /* up to 0777, when 'has_umask' */
	struct px_command_limits limits;
	const char *traceparent, *tracestate; /* W3C Trace Context, for the server's log and the
						 program's environment; or NULL */
	/*
	 * Exactly as it stands: argv[0] is absolute, 'cwd' and 'env' are given and
	 * nothing is looked up or inherited. With a key, the request is signed
	 * (HMAC-SHA256) as a server with a prepared_key_file wants it.
	 */
	bool prepared;
	const void *key;
	size_t key_len;
};

/* What ends a wait: the program's exit, and any other condition that is set. */
struct px_until {
	int64_t idle_ms;   /* no output for so long; 0: no condition */
	int64_t bytes;     /* so many bytes of output; 0: no condition */
	const char *match; /* this text in the output, 1 to 4096 bytes; NULL: no condition */
	bool from_seq;     /* 'bytes' and 'match' look at what comes after number 'after_seq', kept
			      output too */
	int64_t after_seq;
	int64_t timeout_ms; /* 0: none */
};

/* px_client_terminate(): with SIGKILL at once; with the server's own grace. */
enum { PX_TERMINATE_FORCE = -1, PX_TERMINATE_GRACE = -2 };

/* px_client_subscribe(): from now on, without what is kept. */
enum { PX_AFTER_NOW = -1 };

#endif

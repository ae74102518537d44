#ifndef PTYEXEC_ERROR_H
#define PTYEXEC_ERROR_H

/* Why a call of the library failed. */
enum px_error_code {
	PX_ERROR_NONE,
	PX_ERROR_USAGE,   /* the call makes no sense, or its message is larger than the server takes
			   */
	PX_ERROR_START,   /* the server's program cannot be started, or ended before it answered */
	PX_ERROR_CONNECT, /* the server cannot be reached, or its TLS certificate is not valid */
	PX_ERROR_TIMEOUT, /* what was waited for has not come in time */
	PX_ERROR_PEER,    /* the other side is no ptyexec server, or breaks the protocol */
	PX_ERROR_LOST,    /* the connection has ended */
	PX_ERROR_REFUSED, /* the server answered the request with an error */
	PX_ERROR_BUSY,    /* too many requests without answer, or too many events not taken */
	PX_ERROR_SYSTEM   /* a system call failed here, or memory is out */
};

/*
 * A value of fixed size: it lives wherever the caller puts it and owns nothing.
 * Every call takes one last, which may be NULL, and writes it only on failure.
 */
struct px_error {
	enum px_error_code code;
	int sys;    /* START, CONNECT, SYSTEM: errno. REFUSED: the server's errno, when it told one.
		       Else 0 */
	int number; /* REFUSED: the error's JSON-RPC number */
	char kind[32];  /* REFUSED: the stable word for it, as "spawnFailed"; else "" */
	char step[16];  /* REFUSED, "spawnFailed": at which step, as "exec" or "cwd"; else "" */
	char text[512]; /* one sentence, lower case, no full stop */
};

#endif

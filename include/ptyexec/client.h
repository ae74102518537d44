#ifndef PTYEXEC_CLIENT_H
#define PTYEXEC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/error.h>
#include <ptyexec/event.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define PX_API __attribute__((visibility("default")))

/*
 * A connection to a ptyexec server (protocol exec-server.v1). It prints nothing,
 * installs no signal handler, raises no SIGPIPE and starts no thread; a client
 * is used by one thread at a time. No call waits longer than it is told to.
 */
struct px_client;

enum { PX_CLIENT_TIMEOUT_MS = 10000, PX_CLIENT_GRACE_MS = 1000 };

struct px_client_options {
	const char *name;   /* what the server's log calls the client; NULL: "ptyexec" */
	const char *server; /* the program; NULL: $PTYEXECD, else ptyexecd beside this executable,
			       else in PATH */
	const char *const *flags; /* more flags for it, up to a NULL; or NULL */
	int timeout_ms;           /* for starting and greeting; 0: PX_CLIENT_TIMEOUT_MS */
	int grace_ms; /* for the server's end in px_client_free(); 0: PX_CLIENT_GRACE_MS */
};

/*
 * Starts a private server, in a session of its own and with this process's
 * environment and directory, and greets it. 'options' may be NULL. Blocks.
 */
PX_API int px_client_launch(
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err);

/*
 * The connection ends, and with it the private server and all that it runs. Blocks until the server
 * is reaped: after 'grace_ms' it is asked by SIGTERM, after as long again killed. Takes NULL.
 */
PX_API void px_client_free(struct px_client *client);

/*
 * Requests. Each is sent, or queued to be sent, and its number (above 0) is
 * returned; -1: nothing was sent. Its answer comes as an event, unless
 * px_client_await() takes it. Those that name the same session take effect in
 * the order of the calls. What is passed in is copied.
 */
struct px_command {
	const char *session; /* its name from now on; NULL: the server makes one */
	const char *const
	    *argv;       /* NULL-terminated; looked up in the PATH that the program will have */
	const char *cwd; /* absolute; NULL: the server's */
	const char *const *env; /* "NAME=value", NULL-terminated, each name once; NULL: none */
	bool inherit_env;       /* the server's environment lies beneath 'env' */
	int64_t timeout_ms;     /* then the session is ended; 0: never */
	bool pty;               /* a terminal of 'rows' x 'cols'; else pipes */
	uint16_t rows, cols;
	bool no_stdin; /* pipes: /dev/null instead of a standard input to write to */
};
PX_API int64_t px_client_start(
    struct px_client *client, const struct px_command *command, struct px_error *err);

/* Answered when the bytes have a place in the program's input or in the queue before it. */
PX_API int64_t px_client_write(struct px_client *client, const char *session, const void *data,
    size_t len, struct px_error *err);

/* A pipe is closed; a terminal gets its end-of-file character. */
PX_API int64_t px_client_close_stdin(
    struct px_client *client, const char *session, struct px_error *err);

PX_API int64_t px_client_resize(struct px_client *client, const char *session, uint16_t rows,
    uint16_t cols, struct px_error *err);

/* 'name' without SIG: "INT". */
PX_API int64_t px_client_signal(
    struct px_client *client, const char *session, const char *name, struct px_error *err);

/* Gracefully, with SIGKILL after 'grace_ms'; PX_TERMINATE_FORCE: SIGKILL; PX_TERMINATE_GRACE: the
 * server's grace. */
enum { PX_TERMINATE_FORCE = -1, PX_TERMINATE_GRACE = -2 };
PX_API int64_t px_client_terminate(
    struct px_client *client, const char *session, int64_t grace_ms, struct px_error *err);

/* The program's exit ends the wait, and so does any other condition that is set. */
struct px_until {
	int64_t idle_ms;   /* no output for so long; 0: no condition */
	int64_t bytes;     /* so many bytes of output; 0: no condition */
	const char *match; /* this text in the output; NULL: no condition */
	bool from_seq;     /* 'bytes' and 'match' look at what comes after number 'after_seq', kept
			      output too */
	int64_t after_seq;
	int64_t timeout_ms; /* 0: none */
};
PX_API int64_t px_client_wait(struct px_client *client, const char *session,
    const struct px_until *until, struct px_error *err);

PX_API int64_t px_client_snapshot(
    struct px_client *client, const char *session, struct px_error *err);

/*
 * Waits up to 'timeout_ms' for the answer to 'request' and takes it out of the
 * events; the others stay for px_client_next(). NULL with 'err' set: the
 * request has failed (REFUSED, LOST), or has not been answered yet (TIMEOUT;
 * BUSY when events must be taken first), and the answer may still come as an
 * event. A request of -1 returns NULL at once and leaves 'err' as the failed
 * request has filled it. The answer is valid until the next px_client_await().
 */
PX_API const struct px_answer *px_client_await(
    struct px_client *client, int64_t request, int timeout_ms, struct px_error *err);

/*
 * The next event, waiting up to 'timeout_ms' for it; 0 only looks. NULL with
 * 'err' set: TIMEOUT when there is none, LOST once PX_EVENT_LOST was taken. It
 * is valid until the next px_client_next().
 */
PX_API const struct px_event *px_client_next(
    struct px_client *client, int timeout_ms, struct px_error *err);

/*
 * For a loop of one's own: the descriptor is readable (POLLIN) when there is
 * something to do, which px_client_step() does without blocking: it sends what
 * waits and turns what has come into events, up to a bound; beyond it the
 * server has to wait until events are taken. Take events until there are none
 * before polling; px_client_next() steps by itself.
 */
PX_API int px_client_fd(const struct px_client *client);
PX_API void px_client_step(struct px_client *client);

#if defined(__cplusplus)
}
#endif

#endif

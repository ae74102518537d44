#ifndef PX_CLI_REQUEST_H
#define PX_CLI_REQUEST_H

#include <ptyexec/client.h>

struct px_cli_call;

enum { PX_CLI_ANSWER_MS = 30000 }; /* for what a server answers at once */

/*
 * A client for a command about 'session', or about several (NULL). NULL: why not
 * was told; when the user's own server does not run, then no session does.
 */
struct px_client *px_cli_client(const struct px_cli_call *call, const char *session);

/*
 * The answer to 'request', which the caller frees; NULL: why there is none was
 * told. 'err' is what the request had, filled in if it was -1; 'session' is whom
 * it was about, or NULL.
 */
struct px_answer *px_cli_await(struct px_client *client, int64_t request, int timeout_ms,
    const char *session, struct px_error *err);

/* As px_cli_await() for requests whose answer says nothing more: 0 or -1. */
int px_cli_settle(struct px_client *client, int64_t request, int timeout_ms, const char *session,
    struct px_error *err);

/* Tells a failure, and what can be done about it. */
void px_cli_complain_of(const struct px_error *err, const char *session);

/* The exit status for a program that could not be started: 126 and 127 as shells have them, else
 * 125. */
int px_cli_start_status(const struct px_error *err);

#endif

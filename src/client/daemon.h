#ifndef PX_CLIENT_DAEMON_H
#define PX_CLIENT_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <ptyexec/error.h>

/* A server of our own: a child process whose standard input and output are one stream socket. */
struct px_daemon {
	pid_t pid;      /* 0: there is none, or it is reaped */
	int pidfd;      /* when 'pid' is not 0 */
	char name[128]; /* what was started, for messages; possibly cut */
};

/* The server's program: $PTYEXECD, else ptyexecd beside this executable ('buf' may hold it), else
 * a name to look up in PATH. */
const char *px_daemon_program(char *buf, size_t size);

/*
 * Starts 'argv', or with NULL a private server with the 'flags' (may be NULL)
 * besides, and hands out our end of the socket, non-blocking and close-on-exec.
 * PX_ERROR_START names the program and the reason.
 */
int px_daemon_start(struct px_daemon *daemon, const char *const *argv, const char *const *flags,
    int *out_fd, struct px_error *err);

/*
 * Reaps it, whose socket the caller has closed: waits 'grace_ms' for it to end, then as long after
 * SIGTERM, then a moment after SIGKILL. Fine without a daemon.
 */
void px_daemon_stop(struct px_daemon *daemon, int grace_ms);

/*
 * Has it ended, or does it within 'timeout_ms'? Then it is reaped, and how it ended stands in
 * 'text': "ended with status 2", "was killed by signal 9".
 */
bool px_daemon_ended(struct px_daemon *daemon, int timeout_ms, char *text, size_t size);

#endif

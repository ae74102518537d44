#ifndef PX_CLI_OWN_DAEMON_H
#define PX_CLI_OWN_DAEMON_H

struct px_own_folder;

enum {
	PX_OWN_IDLE_MS = 60000,       /* it ends when it was not needed for so long */
	PX_OWN_RETENTION_MS = 3600000 /* and keeps exited sessions that long */
};

/*
 * Starts a server in the background (daemon(7)): a session of its own, nothing
 * of ours open, its log in the folder. Returns when it listens. -1: it does not,
 * and why was told. The caller has the folder's lock.
 */
int px_own_daemon_start(const struct px_own_folder *folder);

#endif

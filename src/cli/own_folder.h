#ifndef PX_CLI_OWN_FOLDER_H
#define PX_CLI_OWN_FOLDER_H

#include <stdbool.h>

/*
 * Where the user's own server lives: $XDG_RUNTIME_DIR/ptyexec, or
 * /tmp/ptyexec-UID when that variable does not name a directory of ours. It is
 * nobody else's to look into, or it is not used.
 */
enum { PX_OWN_FOLDER_SIZE = 96, PX_OWN_URL_SIZE = 128 }; /* a socket's path ends at 107 (unix(7)) */

struct px_own_folder {
	int fd;
	char path[PX_OWN_FOLDER_SIZE];
	char url[PX_OWN_URL_SIZE]; /* of the server in it */
};

/* Where it is; 'fd' is left alone. -1: the path is too long, and that was told. */
int px_own_folder_find(struct px_own_folder *folder);

/*
 * Makes it where it is missing, unless '*out_absent' is to say so (not NULL). -1:
 * nothing is open; what is wrong was told, but for that.
 */
int px_own_folder_open(struct px_own_folder *folder, bool *out_absent);
void px_own_folder_close(struct px_own_folder *folder);

/*
 * Waits until nobody else is about to start a server. Returns the descriptor
 * that holds the lock until it is closed, or -1: what is wrong was told.
 */
int px_own_folder_lock(const struct px_own_folder *folder);

#endif

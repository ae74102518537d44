#ifndef PX_BASE_SURROUNDINGS_H
#define PX_BASE_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>

/* Where this process runs, as clients are told: absolute paths, all owned here. */
struct px_surroundings {
	char *hostname;
	char *shell; /* the user's login shell */
	char *cwd, *home;
	char *tmpdir;      /* TMPDIR; NULL: not set, or no absolute path */
	char *posix_shell; /* 'shell' if it is bash, zsh or sh, else /bin/bash or /bin/sh */
};

/* Never fails: what cannot be learned is "", "/bin/sh" or "/". Any thread. */
void px_surroundings_find(struct px_surroundings *out);
void px_surroundings_done(struct px_surroundings *s); /* also when zeroed */

/* The path of the executable 'program' in the folder of the running one, if there is such. Any
 * thread. */
bool px_find_beside(const char *program, char *path, size_t size);

#endif

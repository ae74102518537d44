#ifndef PX_PROC_SPAWN_CAGE_H
#define PX_PROC_SPAWN_CAGE_H

#include "base/err.h"
#include "proc/enter.h"
#include "proc/spawn_io.h"

struct px_launch;
struct px_spec;

/* What the start of a program in a sandbox needs besides its streams. */
struct px_spawn_cage {
	/* What becomes the child's 0, 1, ...: all above them, O_CLOEXEC; -1: none. */
	int fd[PX_ENTER_END];
	int report, text; /* ours, O_NONBLOCK: ptyexec-enter's reports, what bubblewrap says */
	char *argv[6], *files[2]; /* of bubblewrap */
};

/* Opens it all; 'files' and 'argv' are those of the program. On failure nothing stays open. */
int px_spawn_cage_open(const struct px_spec *spec, const struct px_spawn_io *io, char *const *files,
    char *const *argv, struct px_spawn_cage *out, struct px_err *err);

void px_spawn_cage_close_child(struct px_spawn_cage *cage); /* the child's ends */
void px_spawn_cage_close(struct px_spawn_cage *cage);       /* everything */

#endif

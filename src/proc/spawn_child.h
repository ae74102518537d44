#ifndef PX_PROC_SPAWN_CHILD_H
#define PX_PROC_SPAWN_CHILD_H

#include "proc/become.h"
#include "proc/spawn.h"
#include "proc/spawn_io.h"

struct px_spawn_cage;

/* Everything the child needs, prepared before vfork(2): the child makes system calls only. */
struct px_launch {
	const struct px_spec *spec;
	const struct px_spawn_io *io;
	char **argv;      /* with arg0 in place */
	char **files;     /* paths to try in turn, NULL-terminated */
	const char *name; /* the last part of them all */
	const struct px_spawn_extra *extra;
	const struct px_spawn_cage *cage; /* NULL: not in a sandbox */
	bool enter_cgroup;                /* it was not born there */
	pid_t parent;
	struct px_report *told; /* where the parent looks, if our memory is its own: PX_STEP_NONE
				   as soon as the child runs */
	int report;             /* a pipe's write end, O_CLOEXEC; -1: 'told' is enough */
};

/* Runs in the vfork child with every signal blocked; becomes the program or reports and exits. */
_Noreturn void px_spawn_child(const struct px_launch *launch);

#endif

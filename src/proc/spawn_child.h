#ifndef PX_PROC_SPAWN_CHILD_H
#define PX_PROC_SPAWN_CHILD_H

#include "proc/spawn.h"
#include "proc/spawn_io.h"

/* The step at which a start failed, told together with the errno. */
#define PX_STEP_MAP(X)                \
	X(SESSION, "session")         \
	X(TERMINAL, "terminal")       \
	X(DESCRIPTORS, "descriptors") \
	X(CGROUP, "cgroup")           \
	X(LIMITS, "limits")           \
	X(CWD, "cwd")                 \
	X(EXEC, "exec")

enum px_step {
#define PX_STEP_ENUM(name, word) PX_STEP_##name,
	PX_STEP_MAP(PX_STEP_ENUM)
#undef PX_STEP_ENUM
	    PX_STEP_COUNT
};

/* What the child writes into the report pipe when it cannot become the program; closed by exec
 * otherwise. */
struct px_report {
	int step; /* enum px_step */
	int sys;  /* errno */
};

/* Everything the child needs, prepared before vfork(2): the child makes system calls only. */
struct px_launch {
	const struct px_spec *spec;
	const struct px_spawn_io *io;
	char **argv;  /* with arg0 in place */
	char **files; /* paths to try in turn, NULL-terminated */
	const struct px_spawn_extra *extra;
	bool enter_cgroup; /* it was not born there */
	pid_t parent;
	int report; /* write end, O_CLOEXEC */
};

/* Runs in the vfork child with every signal blocked; becomes the program or reports and exits. */
_Noreturn void px_spawn_child(const struct px_launch *launch);

#endif

#ifndef PX_PROC_BECOME_H
#define PX_PROC_BECOME_H

/*
 * The last steps of a child on its way to another program: system calls only, so
 * that a vfork child and the program that begins a sandbox can both take them.
 */

/* The step at which a start failed, told together with the errno. */
#define PX_STEP_MAP(X)                \
	X(SESSION, "session")         \
	X(TERMINAL, "terminal")       \
	X(DESCRIPTORS, "descriptors") \
	X(CGROUP, "cgroup")           \
	X(LIMITS, "limits")           \
	X(SANDBOX, "sandbox")         \
	X(CWD, "cwd")                 \
	X(EXEC, "exec")

enum px_step {
#define PX_STEP_ENUM(name, word) PX_STEP_##name,
	PX_STEP_MAP(PX_STEP_ENUM)
#undef PX_STEP_ENUM
	    PX_STEP_COUNT,
	PX_STEP_NONE = PX_STEP_COUNT, /* none has failed */
	PX_STEP_UNSEEN                /* nothing is known of it */
};

/* What a child writes into its report when it cannot become the program, whose exec closes it
 * otherwise. */
struct px_report {
	int step; /* enum px_step */
	int sys;  /* errno */
};

/* Default dispositions, then an empty mask: with the parent's memory shared, no handler of the
 * parent may run. */
void px_become_reset_signals(void);

/*
 * execve(2) of the first of 'files' that can be run, as execvp(3) would look for it.
 * Returns the errno that says best why it was none of them.
 */
int px_become(char *const *files, char *const *argv, char *const *env);

#endif

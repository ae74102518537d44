#ifndef PX_PROC_PROC_H
#define PX_PROC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "tree/tree.h"

struct px_procs;
struct px_spec;
struct px_input;

/*
 * One child process: its descriptors, its standard input, its end. It knows no
 * transcript, no subscriber, no JSON. Three facts end it, in any order: it was
 * reaped, stdout (or the terminal) ended, stderr ended. 'exited' is told when it
 * was reaped (or is gone, and its status was taken by another wait(2) of this
 * process or dropped because SIGCHLD is ignored, see sigaction(2)) and what it had written has been
 * read; 'closed' when every stream has ended too. Both exactly once, in this order.
 */
struct px_proc;

/* Who ended a process, as far as this program knows; never guessed. */
enum px_cause {
	PX_CAUSE_SELF,
	PX_CAUSE_CLIENT,
	PX_CAUSE_TIMEOUT,
	PX_CAUSE_DISCONNECT,
	PX_CAUSE_SHUTDOWN,
	PX_CAUSE_LIMIT
};
const char *px_cause_word(enum px_cause cause);

struct px_usage {
	int64_t user_ms, system_ms, wall_ms;
	int64_t max_rss_bytes; /* at least our own at the start: vfork shares our memory until exec,
				  and the kernel counts it */
};

struct px_exit {
	bool lost;  /* somebody else took the status: of all this only the wall time is known */
	int code;   /* the exit status, or 128 + signal; lost: -1 */
	int signal; /* 0: it exited by itself */
	bool core_dumped;
	enum px_cause cause;
	bool output_open; /* a descendant still holds a stream */
	struct px_usage usage;
};

/* Called from the loop, never from inside px_proc_start(). A callback must not free the proc. */
struct px_proc_ops {
	/* How many bytes may be read now; 0 pauses reading until px_proc_wake(). */
	size_t (*room)(void *arg);
	/* Stream 0 is stdout or the terminal, 1 is stderr; the bytes are borrowed for the call, len
	 * > 0. */
	void (*output)(void *arg, unsigned stream, const void *data, size_t len);
	void (*exited)(void *arg, const struct px_exit *exit);
	void (*closed)(void *arg);
	/* The server lost a stream for a reason that is not the child's; it counts as ended. */
	void (*failed)(void *arg, const char *message);
	/*
	 * Of a proc that px_proc_opening(): its program has begun, or 'err' says why it never
	 * will. Before all else; nothing but an end comes after an error. NULL where no spec
	 * has a cage.
	 */
	void (*opened)(void *arg, const struct px_err *err);
};

/*
 * Starts one under 'procs', which must outlive it. 'serial' and 'group' go into
 * its mark (tree/tree.h). 'ops' is borrowed for its life. The spec's cage is taken
 * over: it ends when the whole tree has.
 */
int px_proc_start(struct px_procs *procs, struct px_spec *spec, uint32_t group, uint32_t serial,
    const struct px_proc_ops *ops, void *arg, struct px_proc **out, struct px_err *err);

/* Changes the argument of the callbacks, before the loop runs again. */
void px_proc_set_arg(struct px_proc *proc, void *arg);

/*
 * Frees it. A process that still runs, or a descendant that is left, is killed
 * by px_procs (at the deadline of an ending under way, else at once) and reaped.
 * No callback comes any more. Takes NULL.
 */
void px_proc_free(struct px_proc *proc);

/* As px_proc_free() for one that was reaped and whose streams have ended: descendants live on. */
void px_proc_leave(struct px_proc *proc);

void px_proc_wake(struct px_proc *proc);          /* room() may have grown */
pid_t px_proc_pid(const struct px_proc *proc);    /* also after the end, as a number to show */
bool px_proc_running(const struct px_proc *proc); /* not reaped yet */
bool px_proc_opening(const struct px_proc *proc); /* its sandbox is being made */
bool px_proc_exited(const struct px_proc *proc);  /* 'exited' was told */
bool px_proc_output_open(const struct px_proc *proc);
px_mark px_proc_mark(const struct px_proc *proc);
struct px_input *px_proc_input(struct px_proc *proc);
int px_proc_master(
    const struct px_proc *proc); /* the PTY's master, -1 for pipes or when it ended; borrowed */
int px_proc_stdin(
    const struct px_proc *proc); /* a pipe's write end, for inspection, or -1; borrowed */

/*
 * Sends 'sig' to the PTY's foreground process group, or to the child's group.
 * True when it was delivered to a live process. A death by this signal is then
 * the client's doing.
 */
bool px_proc_signal(struct px_proc *proc, int sig);

/*
 * Ends the whole tree: SIGTERM (and SIGHUP on a PTY, and SIGCONT so that stopped
 * ones act), after 'grace_ms' SIGKILL until nothing is left; grace 0 kills at
 * once. Asked again, the earlier deadline holds. 'cause' is reported if the end
 * comes after this.
 */
void px_proc_terminate(struct px_proc *proc, int64_t grace_ms, enum px_cause cause);

/*
 * SIGKILL to the child's own process group, for a child that was not reaped; other
 * groups of its tree live on. When it has been reaped its streams end, even if one
 * of those still holds them.
 */
void px_proc_kill_group(struct px_proc *proc, enum px_cause cause);

#endif

#ifndef PX_PROC_MANAGER_H
#define PX_PROC_MANAGER_H

#include <bsd/sys/queue.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bsd/sys/tree.h>

#include "proc/procs.h"

struct event;
struct px_cage;
struct px_gate;
struct px_stop;

/* Inside of px_procs and px_proc, for the files of this folder that share them. */

enum { PX_SCRATCH = 65536 };

RB_HEAD(px_proc_tree, px_proc);
TAILQ_HEAD(px_stop_list, px_stop);

struct px_procs {
	struct event_base *base;
	struct px_procs_options options;
	struct px_procs_stats stats;
	struct px_proc_tree children; /* not reaped, by pid */
	struct px_stop_list stops;
	struct event *stop_timer;
	uint32_t nonce; /* for marks */
	int claim;      /* to the nonce; -1: none could be made */
	bool marked;    /* children can carry marks */
	bool lends;     /* vfork(2) lends memory (px_spawned.lent) */
	bool hurry;
	bool stopping;                     /* all were told to end; nothing is started any more */
	unsigned char scratch[PX_SCRATCH]; /* every read goes through here first */
};

/* One stream that is read. */
struct px_proc_stream {
	struct px_proc *proc;
	unsigned index;
	int fd; /* -1: ended */
	struct event *readable;
	struct event *reopened; /* PTY: time to look whether somebody has the slave open again; made
				   when needed */
	bool paused;            /* room() was 0 */
	bool settled;     /* after the reaping: everything the child itself wrote has been read */
	size_t unsettled; /* after the reaping: at most so many bytes can still be the child's */
};

struct px_proc {
	RB_ENTRY(px_proc) link;
	struct px_procs *procs;
	const struct px_proc_ops *ops;
	void *arg;
	pid_t pid;
	bool reaped;
	int pidfd; /* -1: reaped, or there is none (px_spawn()) */
	struct event *reapable;
	bool pty;
	int master;       /* PTY: owned here; else -1 */
	size_t chunk_max; /* bytes in one output() at most */
	struct px_proc_stream stream[2];
	unsigned nstreams;
	struct px_input *input;
	int stdin_fd; /* a pipe's write end, owned by 'input'; -1: none */
	px_mark mark;
	unsigned long cgroup_serial;
	int cgroup_fd;
	int64_t started_us;
	struct px_cage *cage;    /* until it was reaped; then its stop's */
	struct px_gate *gate;    /* until its program has begun in its sandbox; else NULL */
	pid_t leader;            /* of the program's own group: 'pid', or in a sandbox another's */
	bool interrupted;        /* SIGINT was asked for while there was no program yet */
	struct px_stop *stop;    /* its tree is being ended; the list owns it */
	uint64_t client_signals; /* bit N - 1: the client sent signal N */
	bool asked_to_end;       /* 'cause' says by whom */
	bool cut;                /* its streams end with it */
	bool exit_told, close_told;
	enum px_cause cause;
	struct px_exit exit;
};

/* Can a process be left whose own px_proc and parents are gone? A cheap look, so that most endings
 * need no walk. */
bool px_procs_orphans_possible(const struct px_procs *procs);

int px_proc_compare(const struct px_proc *a, const struct px_proc *b);
RB_PROTOTYPE(px_proc_tree, px_proc, link, px_proc_compare)

/* Without blocking; when the child is dead, records how it ended and goes on to tell it. */
void px_proc_reap(struct px_proc *proc);

/* Whose doing its end by 'signal' (0: it has exited by itself) was. */
enum px_cause px_proc_cause(const struct px_proc *proc, int signal);

/* From now on an end is put down to 'cause', unless an earlier one was told already. */
void px_proc_blame(struct px_proc *proc, enum px_cause cause);

/* SIGHUP and SIGCONT to the groups a terminal's user would reach, for a process that is still our
 * child. */
void px_proc_hang_up(struct px_proc *proc);

#endif

#ifndef PTYEXEC_CLIENT_H
#define PTYEXEC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/answer.h>
#include <ptyexec/api.h>
#include <ptyexec/command.h>
#include <ptyexec/error.h>
#include <ptyexec/event.h>
#include <ptyexec/files.h>

PX_BEGIN_C

/*
 * A client of a ptyexec server, or of the same server core inside this process.
 * It prints nothing, installs no signal handler, raises no SIGPIPE and, but for
 * px_client_embed(), starts no thread: it works inside the calls that are made
 * on it. Any thread may call it at any time; what a call waits for, others may
 * do meanwhile. No call waits longer than it is told to, but for callbacks that it
 * makes; a timeout of -1 waits for ever.
 *
 * A thread must not be cancelled (pthread_cancel(3)) inside a call. After fork(2)
 * the child leaves a client alone, px_client_free() too; its descriptors are
 * close-on-exec. They are its own: who closes descriptors that are not his must
 * have done so before.
 */
struct px_client;

/* ---- the beginning ---- */

enum {
	PX_CLIENT_TIMEOUT_MS = 10000,
	PX_CLIENT_SILENCE_MS = 30000,
	PX_CLIENT_GRACE_MS = 5000,
	PX_CLIENT_CAPACITY = 128,
	PX_CLIENT_QUEUE_BYTES = 1024 * 1024
};

/* What happens when events are not taken as fast as they come. */
enum px_slow_consumer {
	PX_SLOW_BLOCK, /* the programs wait; nothing is lost */
	PX_SLOW_LAG    /* output is skipped and PX_EVENT_LAGGED says how much; programs go on */
};

/* px_client_options_init() fills in what is told in brackets. */
struct px_client_options {
	const char *name, *version; /* what the server's log calls the client ["ptyexec", NULL] */
	const char *workspace;      /* a named one, which is shared; [NULL]: an own one */
	const char *resume_token; /* [NULL], or that of a workspace left behind by another client */
	int connect_timeout_ms;   /* for reaching the server [PX_CLIENT_TIMEOUT_MS] */
	int greeting_timeout_ms;  /* for its answer to the greeting [PX_CLIENT_TIMEOUT_MS] */
	int silence_ms; /* ws, wss: a server that gives no sign of life for so long, asked for one,
			   is lost [PX_CLIENT_SILENCE_MS] */
	int grace_ms; /* for a private server's, or the embedded core's, end [PX_CLIENT_GRACE_MS] */
	unsigned capacity;  /* requests without answer; 0 means 1 [PX_CLIENT_CAPACITY] */
	size_t queue_bytes; /* events not taken; 0 means the least [PX_CLIENT_QUEUE_BYTES] */
	enum px_slow_consumer slow_consumer; /* [PX_SLOW_BLOCK] */
	bool started_events;                 /* PX_EVENT_STARTED is wanted [false] */
	bool answer_events; /* answers come as events too, for a single loop of one's own [false] */
	bool no_recovery;   /* the first loss of the connection is the last [false] */
	bool experimental;  /* files.h is used: what may still change [false] */
	const char *ca_file;      /* wss: PEM certificates to trust; [NULL]: the system's */
	const char *const *flags; /* px_client_launch(NULL): more flags for the server [NULL] */
	size_t retained_bytes;  /* px_client_embed(): kept per stream of a session; 0: 1 MiB [0] */
	unsigned max_processes; /* px_client_embed(): running at a time; 0: 4096 [0] */
};
PX_API void px_client_options_init(struct px_client_options *options);

/*
 * Each makes a client and blocks until it has been greeted; 'options' may be
 * NULL, and is not needed any more afterwards. CONNECT: not reached in time, or
 * at all. TIMEOUT: it does not answer. PEER: it is no ptyexec server. REFUSED:
 * it does not want us. px_client_free() ends a client.
 *
 * px_client_connect: unix://PATH, ws://HOST:PORT or wss://HOST:PORT. A name is
 * looked up here and now (getaddrinfo(3), which has no timeout).
 */
PX_API int px_client_connect(const char *url, const struct px_client_options *options,
    struct px_client **out_client, struct px_error *err);

/*
 * Starts 'argv' (looked up in PATH) as a server that speaks on its standard
 * input and output, as {"ssh", "host", "ptyexecd"}, in a session of its own and
 * with this process's environment and directory. NULL: a private server,
 * $PTYEXECD, else ptyexecd beside this executable, else in PATH. It ends with
 * the client. START: it cannot be started.
 */
PX_API int px_client_launch(const char *const *argv, const struct px_client_options *options,
    struct px_client **out_client, struct px_error *err);

/*
 * The server core on a thread of its own inside this process (and four more once
 * files are asked for): no socket, no serialization. All signals are blocked in
 * these threads, and children are waited for by pidfd: a host that reaps every child (waitpid(-1))
 * or ignores SIGCHLD takes their exit status away, and PX_EVENT_FAILED tells so. Nothing else of
 * the process is touched. Do not use the client in the child of a fork(2).
 *
 * When this process is killed, what it has started is ended by a guardian, a
 * process that is nobody's child: the program that px_client_launch(NULL) would
 * start. Where there is none, the kernel kills the programs (prctl(2),
 * PR_SET_PDEATHSIG), but not what they started themselves, of which only that on
 * a terminal gets its SIGHUP. Starting the guardian takes some milliseconds.
 */
PX_API int px_client_embed(
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err);

/* What the server said of itself; borrowed, lives as long as the client. */
struct px_greeting {
	const char *server_name, *server_version;
	const char *workspace;
	const char *resume_token; /* NULL for named workspaces */
	bool resumed;             /* the first time */
	const char *hostname, *shell, *cwd, *home;
	const struct px_limit *limits;
	size_t nlimits;
};
PX_API const struct px_greeting *px_client_greeting(const struct px_client *client);

/* ---- the end ---- */

/*
 * Ends the conversation: waiting calls return, requests without answer are
 * answered LOST, and so is everything from now on. An embedded core and a
 * private server end what they run, gracefully, then by force after 'grace_ms';
 * this blocks until they are gone. Sessions of a server elsewhere are left to
 * their disposition. May be called again, from any thread, and from a callback.
 */
PX_API void px_client_close(struct px_client *client);

/*
 * Closes it, waits until every other thread has left its calls, and frees it.
 * The client must not be used afterwards; not from a callback. Takes NULL.
 */
PX_API void px_client_free(struct px_client *client);

/* ---- requests ---- */

/*
 * Each is sent, or queued to be sent, and its number (above 0) is returned; -1:
 * nothing was sent (BUSY with kind "overloaded" when 'capacity' are unanswered).
 * Its answer waits for px_client_await() or px_client_forget(), or is an event
 * where 'answer_events' is set. Those that name the same session take effect in
 * the order of the calls. USAGE: what they say cannot be, as a time of more than
 * ten years, or no session.
 *
 * When the connection is lost and found again, requests in doubt are settled:
 * starts by the session's name, input by a number of its own, looking by being
 * done again. Only a signal whose answer was lost is answered LOST, and some about
 * files (files.h).
 */

/* Follows the session from its beginning. Answer: start. */
PX_API int64_t px_client_start(
    struct px_client *client, const struct px_command *command, struct px_error *err);

/*
 * Starts it, writes 'data' to its input and ends that, waits for its end or
 * 'timeout_ms' (0: none), and takes what its transcript keeps. Does not follow
 * it. Answer: finish.
 */
PX_API int64_t px_client_run(struct px_client *client, const struct px_command *command,
    const void *data, size_t len, int64_t timeout_ms, struct px_error *err);

/* The same for a session that is there; 'data' NULL: nothing is written. Answer: finish, without
 * its 'start'. */
PX_API int64_t px_client_communicate(struct px_client *client, const char *session,
    const void *data, size_t len, int64_t timeout_ms, struct px_error *err);

/* Answered when the bytes have a place in the program's input or in the queue before it. */
PX_API int64_t px_client_write(struct px_client *client, const char *session, const void *data,
    size_t len, struct px_error *err);

/* A pipe is closed; a terminal gets its end-of-file character. */
PX_API int64_t px_client_close_stdin(
    struct px_client *client, const char *session, struct px_error *err);

PX_API int64_t px_client_resize(struct px_client *client, const char *session, uint16_t rows,
    uint16_t cols, struct px_error *err);

/* 'name' without SIG: "INT". Answer: signal. */
PX_API int64_t px_client_signal(
    struct px_client *client, const char *session, const char *name, struct px_error *err);

/* Gracefully, with SIGKILL after 'grace_ms'; or PX_TERMINATE_FORCE, PX_TERMINATE_GRACE. Answer:
 * terminate. */
PX_API int64_t px_client_terminate(
    struct px_client *client, const char *session, int64_t grace_ms, struct px_error *err);

/* Forgets an exited session and frees its transcript. */
PX_API int64_t px_client_release(
    struct px_client *client, const char *session, struct px_error *err);

/* 'until' may be NULL: the exit. Answer: wait. */
PX_API int64_t px_client_wait(struct px_client *client, const char *session,
    const struct px_until *until, struct px_error *err);

/* All that the transcript keeps. Answer: snapshot. */
PX_API int64_t px_client_snapshot(
    struct px_client *client, const char *session, struct px_error *err);

/*
 * Output after number 'after_seq', at most 'max_bytes' of it (0: no limit, but
 * one chunk at least); with none there, waits up to 'wait_ms' for some, for the
 * exit or the close. Answer: read.
 */
PX_API int64_t px_client_read(struct px_client *client, const char *session, int64_t after_seq,
    int64_t max_bytes, int64_t wait_ms, struct px_error *err);

/* Events of the session after number 'after_seq', as far as they are kept, then those that come; or
 * PX_AFTER_NOW. Answer: subscribe. */
PX_API int64_t px_client_subscribe(
    struct px_client *client, const char *session, int64_t after_seq, struct px_error *err);
PX_API int64_t px_client_unsubscribe(
    struct px_client *client, const char *session, struct px_error *err);

/* Answers: list, inspect, info. */
PX_API int64_t px_client_list(struct px_client *client, struct px_error *err);
PX_API int64_t px_client_inspect(
    struct px_client *client, const char *session, struct px_error *err);
PX_API int64_t px_client_info(struct px_client *client, struct px_error *err);

/*
 * Waits for the answer to 'request' and takes it; the caller frees it with
 * px_answer_free(). NULL with 'err' set: the request has failed (REFUSED, LOST),
 * or has not been answered yet (TIMEOUT; BUSY when events must be taken before
 * more can be received) and may still be awaited. USAGE: nothing will come under
 * this number, which was taken, by another thread too, or forgotten, or never
 * was. Whoever cares for success only
 * may ignore it all and take NULL for "no". A request of -1 returns NULL at once
 * and leaves 'err' as the failed request has filled it.
 */
PX_API struct px_answer *px_client_await(
    struct px_client *client, int64_t request, int timeout_ms, struct px_error *err);

/* As px_client_await() for requests whose answer says nothing more: 0 or -1. */
PX_API int px_client_settle(
    struct px_client *client, int64_t request, int timeout_ms, struct px_error *err);

/* Nobody wants the answer to 'request', not even its failure. Any other number does nothing. */
PX_API void px_client_forget(struct px_client *client, int64_t request);

/* ---- events ---- */

/*
 * The next event, of any session (NULL) or of one, waiting up to 'timeout_ms'
 * for it; 0 only looks. The caller frees it with px_event_free(). Events of one
 * session come in order. NULL with 'err' set: TIMEOUT when there is none, LOST
 * when there will be none any more, USAGE when the session's go to a callback.
 * With PX_SLOW_BLOCK, events of other sessions that nobody takes hold back those
 * behind them.
 */
PX_API struct px_event *px_client_next(
    struct px_client *client, const char *session, int timeout_ms, struct px_error *err);

/*
 * From now on the session's events, those that wait too, go to 'take' instead,
 * which owns them; with 'session' NULL all events, but for answers, that no other
 * 'take' gets. What runs in another thread is waited for, so that afterwards the
 * former 'take' is not called. It is called in order, never by two threads at a time, from
 * within any call that works for the client, in that call's thread. It may call
 * everything but px_client_free(). 'take' NULL ends that. A session need not be
 * known yet.
 */
typedef void px_event_fn(void *arg, struct px_client *client, struct px_event *event);
PX_API void px_client_on_event(
    struct px_client *client, const char *session, px_event_fn *take, void *arg);

/*
 * For a loop of one's own: the descriptor stays the same and is readable
 * (POLLIN) when there is something to do, which px_client_step() does without
 * blocking: it sends what waits, receives what has come, up to 'queue_bytes' of
 * events, reconnects. Take events until there are none before polling.
 */
PX_API int px_client_fd(const struct px_client *client);
PX_API void px_client_step(struct px_client *client);

PX_END_C

#endif

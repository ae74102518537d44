#ifndef PX_SESSION_WATCH_H
#define PX_SESSION_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transcript/transcript.h"

struct px_session;
struct px_exit;

/*
 * One reader of a session's events, in order and each once: what is retained
 * after its place, then live. A lossless watch that has no room pauses the
 * child; a lossy one skips and is told how much.
 */
struct px_watch;

/* None of these may free a watch or a session; px_session_forget() is allowed. */
struct px_watch_ops {
	/* Bytes that may be given now; 0: none until px_watch_pump(). */
	size_t (*room)(void *arg);
	void (*output)(void *arg, struct px_session *session, const struct px_chunk *chunk);
	void (*exited)(
	    void *arg, struct px_session *session, uint64_t seq, const struct px_exit *exit);
	void (*closed)(void *arg, struct px_session *session, uint64_t seq);
	/* The server lost a stream ('seq' 0), or, in the place of 'exited', the program. */
	void (*failed)(void *arg, struct px_session *session, uint64_t seq, const char *message);
	void (*lagged)(void *arg, struct px_session *session, uint64_t skipped, uint64_t next_seq);
	void (*gone)(void *arg); /* the session is freed; the watch is, after this call */
	/* A held watch, px_watch_is_full() now: the child waits until it is released. May be NULL.
	 */
	void (*full)(void *arg);
};

enum { PX_WATCH_LOSSY = 1, PX_WATCH_HELD = 2, PX_WATCH_ACKNOWLEDGES = 4, PX_WATCH_REPLAYS = 8 };

/* Why a program that has ended has no exit code. */
extern const char px_status_taken[];

/*
 * Begins after sequence number 'after'. Nothing is called before the first
 * px_watch_pump(). PX_WATCH_HELD: nothing is given until px_watch_release(); the
 * child is paused only when its transcript would drop what the watch has not had.
 * PX_WATCH_ACKNOWLEDGES, not with PX_WATCH_LOSSY: what was given counts as had
 * when px_watch_ack() says so; until then the transcript keeps it, and the child is
 * paused when it would drop it. So that an exit can still be told, some of the
 * transcript is left free for what a program leaves behind when it is gone.
 * PX_WATCH_REPLAYS, not with PX_WATCH_LOSSY: the subscriber itself acknowledges
 * nothing, but may go and come back (session/park.h), and then reads what it missed
 * before px_session_had(); beginning to watch does not end what is parked. While it is
 * known what it has read (with PX_WATCH_ACKNOWLEDGES, or from px_watch_hold() on), that
 * is acknowledged in its place.
 */
struct px_watch *px_watch_new(struct px_session *session, uint64_t after, unsigned flags,
    const struct px_watch_ops *ops, void *arg);
void px_watch_free(
    struct px_watch *watch); /* takes NULL; wakes the child if this watch paused it */

void px_watch_pump(struct px_watch *watch); /* room has grown, or the watch is new */
void px_watch_release(
    struct px_watch *watch); /* ends PX_WATCH_HELD; px_watch_pump() gives what was held */
void px_watch_seek(struct px_watch *watch, uint64_t after);

/* The transcript can keep no more without dropping what the watch has not had. */
bool px_watch_is_full(const struct px_watch *watch);

/*
 * Everything up to and including 'seq' has arrived; wakes the child. False, and
 * nothing happens: the watch does not acknowledge, was not given that much, or
 * has acknowledged more.
 */
bool px_watch_ack(struct px_watch *watch, uint64_t seq);

/* The number up to which the watch has been given everything. */
uint64_t px_watch_given(const struct px_watch *watch);

/*
 * A subscriber acknowledges at the latest when it has been given, in one session
 * since what it acknowledged last, so many bytes or so many outputs: then the
 * child never waits for an acknowledgement that does not come. 'retained': the
 * transcript's bytes per stream (px_core_options).
 */
enum { PX_WATCH_ACK_OUTPUTS = 64 };
size_t px_watch_ack_bytes(size_t retained);

/* Bytes after the watch's place that are no longer held. */
uint64_t px_watch_lost(const struct px_watch *watch);

#endif

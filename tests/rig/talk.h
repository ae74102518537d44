#ifndef PX_TALK_H
#define PX_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/client.h>

/*
 * A test's conversation with a server over the public interface: each of these
 * fails the test (Check) when what is expected does not come. What is returned
 * lives until the next call of the same kind on the same talk. Threads that
 * share a client have a talk each.
 */

enum { TALK_MS = 20000 }; /* for what must come; ends only what hangs */

struct talk {
	struct px_client_options options;
	struct px_client *client;
	struct px_error error;
	struct px_event *event;
	struct px_answer *answer;
};

void talk_init(struct talk *talk); /* may be followed by changes to its options */
void talk_connect(struct talk *talk, const char *url);
void talk_done(struct talk *talk); /* frees the client too */

/* Another talk over the same client; talk_leave() ends it. */
void talk_share(struct talk *talk, struct px_client *client);
void talk_leave(struct talk *talk);

/* ---- requests ---- */

/* The command of the puppet in the mode 'words', which end with NULL; on pipes. */
struct talk_command {
	struct px_command command;
	const char *argv[12];
};
void talk_puppet(struct talk_command *out, const char *session, const char *const *words);
#define PUPPET(out, session, ...) \
	talk_puppet(out, session, (const char *const[]){ __VA_ARGS__, NULL })

int64_t talk_sent(struct talk *talk, int64_t request); /* it must have a number */
const struct px_answer *talk_answer(struct talk *talk, int64_t request);
void talk_settle(struct talk *talk, int64_t request);
void talk_refused(struct talk *talk, int64_t request, const char *kind);
void talk_fails(struct talk *talk, int64_t request, enum px_error_code code);

/* Starts the puppet on pipes (rows 0) or a terminal, and returns its pid. */
int64_t talk_start_words(
    struct talk *talk, const char *session, uint16_t rows, uint16_t cols, const char *const *words);
#define START(talk, session, ...) \
	talk_start_words(talk, session, 0, 0, (const char *const[]){ __VA_ARGS__, NULL })
#define START_PTY(talk, session, ...) \
	talk_start_words(talk, session, 24, 80, (const char *const[]){ __VA_ARGS__, NULL })

void talk_write(struct talk *talk, const char *session, const char *text);
void talk_close_stdin(struct talk *talk, const char *session);

/* ---- events ---- */

const struct px_event *talk_any(struct talk *talk, const char *session);
const struct px_event *talk_next(struct talk *talk, const char *session, enum px_event_type type);
void talk_nothing(struct talk *talk, const char *session, enum px_error_code why);

/* What was told of one session. Its events come in order, each once, and holes are counted. */
struct told {
	int64_t seq;                              /* the last one */
	int64_t offset[PX_STREAM_COUNT];          /* behind the last byte */
	int64_t received, skipped, unexplained;   /* bytes; not yet found to be missing */
	bool exited, closed, lost, failed, spews; /* 'spews': to be set: it is spew's pattern */
	struct px_end end;
	char signal[16], cause[16];
	unsigned lags;
	char *text; /* of all streams, the first KEEP bytes, NUL-terminated */
	size_t len;
};
void told_init(struct told *told);
void told_add(struct told *told, const struct px_event *event);
void told_done(struct told *told);

/* Hears the session until its close, or until its text has 'text' in it. */
void talk_hear(struct talk *talk, const char *session, struct told *told);
void talk_hear_text(struct talk *talk, const char *session, struct told *told, const char *text);

/* Is it what the puppet's "spew" writes from 'offset' on? */
bool talk_is_spew(const void *data, size_t len, int64_t offset);

#endif

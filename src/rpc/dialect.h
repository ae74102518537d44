#ifndef PX_RPC_DIALECT_H
#define PX_RPC_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fields.h"

struct px_call;
struct px_chunk;
struct px_exit;
struct px_json;
struct px_json_doc;
struct px_peer;
struct px_session;

/*
 * A dialect is a table: its methods with their parameters, the encoders of its
 * notifications, and the numbers of its errors. What methods do is the session
 * layer's; a dialect translates. One file (or a few) dialect_<name>*.c each.
 */

enum { PX_M_EXPERIMENTAL = 1, PX_M_NO_PARAMS = 2 /* or empty ones */ };

struct px_method {
	const char *name;
	unsigned flags;
	const struct px_field *fields;
	size_t nfields;
	size_t params_size;
	/*
	 * 'params' is the struct that 'fields' filled; it lives until run returns.
	 * 0: the call was answered or somebody will answer it; -1: the dispatcher
	 * answers with 'err'.
	 */
	int (*run)(struct px_call *call, const void *params, struct px_err *err);
};

#define PX_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PX_METHOD(name, flags, fields, params_struct, run)                                       \
	{                                                                                        \
		(name), (flags), (fields), PX_COUNT(fields), sizeof(struct params_struct), (run) \
	}
#define PX_METHOD_BARE(name, flags, run)           \
	{                                          \
		(name), (flags), NULL, 0, 0, (run) \
	}

/* Which notification: also the bit by which a client opts out of it. */
enum px_note {
	PX_NOTE_STARTED,
	PX_NOTE_OUTPUT,
	PX_NOTE_EXITED,
	PX_NOTE_CLOSED,
	PX_NOTE_FAILED,
	PX_NOTE_LAGGED,
	PX_NOTE_MISSING,
	PX_NOTE_COUNT
};

struct px_dialect {
	const char *name;
	bool by_version;                        /* chosen by its name as protocolVersion */
	const struct px_method *const *methods; /* the first is "initialize" */
	size_t nmethods;

	/* The initialize request with these params (an object or NULL) asks for this dialect. */
	bool (*claims)(const struct px_json *params);

	/*
	 * The envelope of protocol/codex.md, not the common one: malformed messages are answered
	 * with id -1, -32600 and this text before the reason, and a name that stands twice
	 * anywhere makes a message malformed, as being an array does; ids may be in flight twice;
	 * nothing of ours has jsonrpc; params are judged before the handshake. NULL: the common
	 * one.
	 */
	const char *malformed;
	const char *unknown[2]; /* what stands before and behind an unknown method's name */

	/* May this method be called now? The handshake's rules. 0 or -1. */
	int (*admit)(const struct px_peer *peer, const char *method, struct px_err *err);

	/*
	 * A notification from the client: true, or false to close the connection.
	 * 'params' is NULL when there are none, or none that a request could have;
	 * 'doc' is their memory.
	 */
	bool (*notified)(struct px_peer *peer, const char *method, struct px_json_doc *doc,
	    const struct px_json *params);
	bool closes_on_response; /* a response from the client ends the connection, else it is
				    ignored */

	/*
	 * What the kernel refuses is told in its own words and nothing else, "File exists (os
	 * error 17)": clients show that, and compare with it.
	 */
	bool bare_os_errors;
	const int *numbers; /* by code, where 0 is -32603; NULL: px_code_number() */

	const char
	    *notes[PX_NOTE_COUNT]; /* method names; NULL: this dialect has no such notification */
	/* Each writes the params object of its notification. */
	void (*put_started)(struct px_peer *peer, struct px_session *session);
	void (*put_output)(
	    struct px_peer *peer, struct px_session *session, const struct px_chunk *chunk);
	void (*put_exited)(struct px_peer *peer, struct px_session *session, uint64_t seq,
	    const struct px_exit *exit);
	void (*put_closed)(struct px_peer *peer, struct px_session *session, uint64_t seq);
	/* 'seq' 0: not the program, a stream. */
	void (*put_failed)(
	    struct px_peer *peer, struct px_session *session, uint64_t seq, const char *message);
	void (*put_lagged)(
	    struct px_peer *peer, struct px_session *session, uint64_t skipped, uint64_t next_seq);

	bool lost_is_exit;    /* a lost program is told as an exit with code -1 */
	bool replays;         /* subscriptions are PX_WATCH_REPLAYS */
	bool forgets_at_exit; /* a session's id is out of use, and it is no longer watched, once its
				 exit was told */
};

/* In the order in which they are asked whether they claim an initialize. */
extern const struct px_dialect px_dialect_v1;
extern const struct px_dialect px_dialect_v0;
extern const struct px_dialect px_dialect_codex;

/* i = 0, 1, ...; NULL after the last. */
const struct px_dialect *px_dialect_at(size_t i);

const struct px_method *px_dialect_method(
    const struct px_dialect *dialect, const char *name, size_t len);

/* Any dialect's bit mask for a notification's method name; 0 for an unknown one. */
unsigned px_dialect_note_bit(const struct px_dialect *dialect, const char *name, size_t len);

#endif

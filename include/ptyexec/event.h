#ifndef PTYEXEC_EVENT_H
#define PTYEXEC_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/answer.h>
#include <ptyexec/api.h>

PX_BEGIN_C

/* What a client hears without having to ask. */

enum px_event_type {
	PX_EVENT_ANSWER,  /* to a request, where 'answer_events' is set */
	PX_EVENT_STARTED, /* a session of the workspace, whoever started it */
	PX_EVENT_OUTPUT,
	PX_EVENT_EXITED, /* comes after all output of the program itself; never skipped */
	PX_EVENT_CLOSED, /* every stream has ended: the session's last event; never skipped */
	PX_EVENT_LAGGED, /* output was skipped or is no longer kept */
	PX_EVENT_FAILED, /* the server lost a stream of the program, or, with a 'seq' and in the
			    place of EXITED, the program */
	PX_EVENT_LOST /* with a session: it is not known any more, and how it ended cannot be told.
			 Without: the connection is lost for good, the client's last event */
};

struct px_event {
	enum px_event_type type;
	const char *session; /* NULL for ANSWER; LOST: see there */
	int64_t seq;         /* OUTPUT, EXITED, CLOSED, maybe FAILED; else 0 */
	union {
		struct px_answer answer;
		struct {
			int64_t pid;
		} started;
		struct {
			enum px_stream stream;
			int64_t offset; /* of the first byte in its stream */
			const void *data;
			size_t len;
		} output;
		struct {
			struct px_end end;
			bool core_dumped;
			bool output_open; /* a descendant still holds a stream */
		} exited;
		struct {
			int64_t skipped_bytes, next_seq; /* the number that events go on with */
		} lagged;
		struct {
			const char *message;
		} failed;
		struct px_error lost;
	};
};

/* Events belong to who took them; all that they point to lives as long as they. Takes NULL. Any
 * thread. */
PX_API void px_event_free(struct px_event *event);

PX_END_C

#endif

#include "session/reading.h"

#include "session/session.h"

void
px_reading_begin(
    struct px_reading *reading, struct px_session *session, uint64_t after, uint64_t max)
{
	*reading = (struct px_reading){
		.transcript = px_session_transcript(session), .max = max, .last = after
	};
	px_transcript_seek(reading->transcript, after, &reading->cursor);
}

bool
px_reading_next(struct px_reading *reading, struct px_chunk *out)
{
	struct px_cursor before = reading->cursor;
	bool first = reading->bytes == 0;
	uint64_t at_end = 0;

	if (px_transcript_read(reading->transcript, &reading->cursor, out, &at_end) == 0) {
		reading->lost += at_end;
		reading->next_seq = px_transcript_next_seq(reading->transcript);
		return false;
	}
	reading->bytes += out->run[0].len + out->run[1].len;
	if (!first && reading->bytes > reading->max) {
		reading->next_seq = (before.seq > reading->last ? before.seq : reading->last) + 1;
		return false;
	}
	reading->last = out->seq;
	reading->lost += out->lost;
	return true;
}

#ifndef PX_CLIENT_COLLECT_H
#define PX_CLIENT_COLLECT_H

#include <ptyexec/exec.h>

#include "transcript/stream_store.h"

/* A px_collected in the making. */
struct px_collecting {
	struct px_stream_store store[PX_STREAM_COUNT];
	bool told; /* something has come */
	bool over; /* nothing more is to be expected */
	int64_t skipped;
	bool exited, closed;
	struct px_end end;
	char signal[16], cause[32];
	char failure[256]; /* "": none */
};

void px_collecting_init(struct px_collecting *collecting, size_t max_bytes);
void px_collecting_done(struct px_collecting *collecting);

/* Takes in an event of the session. */
void px_collecting_add(struct px_collecting *collecting, const struct px_event *event);

/* What has been taken in so far, to be freed by px_collected_free(). NULL: memory is out. */
struct px_collected *px_collecting_result(
    const struct px_collecting *collecting, struct px_error *err);

#endif

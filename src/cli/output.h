#ifndef PX_CLI_OUTPUT_H
#define PX_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/answer.h>

/*
 * What programs have written, on its way to our own streams: stderr to stderr,
 * the others to stdout. Where bytes are missing, stderr says so at that place.
 */
struct px_output {
	const char *session;
	int64_t next[PX_STREAM_COUNT]; /* the offset to come; -1: not known yet */
	int64_t told;                  /* missing bytes of which stderr has said so */
};

/* From the first byte of each stream on, or from somewhere. */
void px_output_init(struct px_output *output, const char *session, bool from_start);

/* Blocks until all of it is out. -1: that is not possible, and was told. */
int px_output_put(
    struct px_output *output, enum px_stream stream, int64_t offset, const void *data, size_t len);

/* All 'lost' bytes are told of, those too whose place nobody knows. */
void px_output_lost(struct px_output *output, int64_t lost);

/* The server has skipped so much: told of, and no place is known any more. */
void px_output_skipped(struct px_output *output, int64_t bytes);

#endif

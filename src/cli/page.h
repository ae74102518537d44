#ifndef PX_CLI_PAGE_H
#define PX_CLI_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include <ptyexec/answer.h>

struct evbuffer;
struct px_json_out;

/*
 * Output for --json: one JSON object in one line. Names and units are those of
 * the protocol where it has them.
 */
struct px_page {
	struct evbuffer *buf;
	struct px_json_out *json; /* inside the object */
};

void px_page_open(struct px_page *page);
void px_page_print(struct px_page *page); /* on standard output, and begins the next */
void px_page_close(struct px_page *page); /* what was not printed is forgotten */

/*
 * Bytes of a program, as two members never both there: "text" where they are
 * UTF-8, else "base64".
 */
void px_page_bytes(struct px_json_out *json, const void *data, size_t len);

/* "exitCode" and "signal"; null while it runs. */
void px_page_end(struct px_json_out *json, bool exited, const struct px_end *end);

/* "name": N, or null for what has no value. */
void px_page_number(struct px_json_out *json, const char *name, bool has, int64_t n);

/* How a stream is called: "stdout". */
const char *px_stream_name(enum px_stream stream);

#endif

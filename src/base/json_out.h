#ifndef PX_BASE_JSON_OUT_H
#define PX_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/*
 * Writes JSON text into an evbuffer (yajl_gen underneath: it places commas and
 * escapes). Names are C strings. Text that is not valid UTF-8 has its bad bytes
 * replaced by U+FFFD, so what is written is always valid. A writer is reused
 * for many texts; one text at a time. Memory shortage aborts.
 */
struct px_json_out;

struct px_json_out *px_json_out_new(void);
void px_json_out_free(struct px_json_out *out); /* takes NULL */

/* Starts a new text, appended to 'buf' (borrowed until the text is complete). */
void px_json_out_begin(struct px_json_out *out, struct evbuffer *buf);

void px_json_open(struct px_json_out *out);        /* { */
void px_json_close(struct px_json_out *out);       /* } */
void px_json_open_array(struct px_json_out *out);  /* [ */
void px_json_close_array(struct px_json_out *out); /* ] */
void px_json_key(struct px_json_out *out, const char *name);
void px_json_put_null(struct px_json_out *out);
void px_json_put_bool(struct px_json_out *out, bool v);
void px_json_put_int(struct px_json_out *out, int64_t v);
void px_json_put_str(struct px_json_out *out, const char *s); /* NULL writes null */
void px_json_put_text(struct px_json_out *out, const char *s, size_t len);

/* A complete JSON value, copied as it stands. */
void px_json_put_raw(struct px_json_out *out, const char *json, size_t len);

/* A complete JSON value, moved out of 'json', which must not be the buffer that is written to. */
void px_json_put_buffer(struct px_json_out *out, struct evbuffer *json);

/* One value: the base64 string of any pieces of bytes taken as one run. Pieces may be empty. */
struct px_piece {
	const void *data;
	size_t len;
};
void px_json_put_base64(struct px_json_out *out, const struct px_piece *pieces, size_t n);

/* key and value in one call */
void px_json_kv_null(struct px_json_out *out, const char *name);
void px_json_kv_bool(struct px_json_out *out, const char *name, bool v);
void px_json_kv_int(struct px_json_out *out, const char *name, int64_t v);
void px_json_kv_str(struct px_json_out *out, const char *name, const char *s);
void px_json_kv_text(struct px_json_out *out, const char *name, const char *s, size_t len);

#endif

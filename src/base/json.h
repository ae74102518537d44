#ifndef PX_BASE_JSON_H
#define PX_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A JSON text as a read-only tree (RFC 8259, parsed by yajl). Refused as
 * PX_E_PARSE: malformed text, invalid UTF-8, a lone surrogate escape, nesting
 * deeper than PX_JSON_DEPTH, more than PX_JSON_NODES values, a second value
 * after the first, an empty text. A member name that occurs twice in one object
 * is recorded, not refused: the layer that knows the object's meaning decides.
 */
enum { PX_JSON_DEPTH = 64, PX_JSON_NODES = 262144 };

enum px_json_type {
	PX_JSON_NULL,
	PX_JSON_BOOL,
	PX_JSON_INT,    /* fits int64_t exactly, written without fraction or exponent */
	PX_JSON_NUMBER, /* any other number; 'text' is its source */
	PX_JSON_STRING,
	PX_JSON_ARRAY,
	PX_JSON_OBJECT
};

struct px_json {
	enum px_json_type type;
	bool boolean;
	int64_t integer;

	/* STRING: decoded bytes, may hold NUL, not terminated. NUMBER: its source. */
	const char *text;
	size_t len;

	/* ARRAY, OBJECT: the children in source order. */
	size_t count;
	const struct px_json *first, *next;

	/* Inside an object: the member's name, decoded, not terminated. Else NULL. */
	const char *key;
	size_t key_len;

	/* OBJECT: the first member whose name occurred before, or NULL. */
	const struct px_json *duplicate;
};

/*
 * Owns the tree and every copy made for it. Strings without escapes point into
 * the source text, which must stay as it is for as long as the document lives.
 */
struct px_json_doc;

int px_json_parse(const char *text, size_t len, struct px_json_doc **out_doc, struct px_err *err);

/* With another bound than PX_JSON_NODES, for who has asked for much. */
int px_json_parse_large(const char *text, size_t len, size_t max_nodes,
    struct px_json_doc **out_doc, struct px_err *err);
void px_json_free(struct px_json_doc *doc); /* takes NULL */
const struct px_json *px_json_root(const struct px_json_doc *doc);

/* The member 'name' of an object (the first of duplicates), or NULL; NULL also for a non-object. */
const struct px_json *px_json_get(const struct px_json *obj, const char *name);
bool px_json_is(const struct px_json *node, const char *text); /* a string equal to 'text'? */

/* Memory that lives as long as the document; NULL when memory is out (the size is the peer's). */
void *px_json_arena(struct px_json_doc *doc, size_t size);

#endif

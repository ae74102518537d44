#ifndef PX_BASE_FIELDS_H
#define PX_BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct px_json;
struct px_json_doc;

/*
 * Filling a params struct from a JSON object by a table. Each row names a
 * member, its type, where it goes, whether it must be there, and its range.
 * Failures are PX_E_PARAMS and name the member by its path ("direct.argv[2]"
 * must be a string; "rows" must be an integer from 1 to 65535; duplicate
 * member "rows"). Unknown members are ignored. An optional member may be
 * absent or null: the struct's value stays as it was (zero).
 *
 * What a type fills in:
 */
/* PX_F_STRING; PX_F_CSTR also refuses NUL inside and is NUL-terminated */
struct px_str {
	const char *p; /* NULL: absent */
	size_t len;
};
/*
 * PX_F_PATH: a px_str, NUL-terminated, shorter than PATH_MAX: an absolute path. It
 * is a string, or, which is how one that is not UTF-8 is written, {"base64": "..."}.
 * PX_F_NAME: likewise, but a file's name, which need not be absolute.
 */
/* PX_F_BYTES: a base64 string, decoded */
struct px_bytes {
	const uint8_t *p; /* NULL: absent; non-NULL also for zero bytes */
	size_t len;
};
/* PX_F_INT */
struct px_int {
	bool set;
	int64_t v;
};
/* PX_F_BOOL */
struct px_bool {
	bool set, v;
};
/* PX_F_STRV: array of NUL-free strings, PX_F_PATHV: of paths; PX_F_ENV: object of NUL-free strings
 */
struct px_strv {
	const char **v; /* NULL: absent. 'n' entries and a NULL; PX_F_ENV: "NAME=value" */
	size_t n;
};
/*
 * PX_F_OBJECT: a nested struct filled by 'sub', whose offsets start at it, and
 * at 'present_offset' of the outer struct a bool that says it was there.
 * PX_F_ANY: const struct px_json *, the node itself (also for null), NULL when absent.
 */

enum px_field_type {
	PX_F_STRING,
	PX_F_CSTR,
	PX_F_PATH,
	PX_F_NAME,
	PX_F_BYTES,
	PX_F_INT,
	PX_F_BOOL,
	PX_F_STRV,
	PX_F_PATHV,
	PX_F_ENV,
	PX_F_OBJECT,
	PX_F_ANY
};

enum { PX_F_REQUIRED = 1 };

struct px_field {
	const char *name;
	enum px_field_type type;
	size_t offset;
	unsigned flags;
	/*
	 * INT: the range. STRING, CSTR: at least 'min' bytes, at most 'max' (0: no
	 * limit). STRV, PATHV: at most 'max' entries (0: no limit).
	 */
	int64_t min, max;
	const struct px_field *sub; /* OBJECT */
	size_t nsub;
	size_t present_offset; /* OBJECT */
};

/*
 * 'obj' is an object node or NULL (as an empty object). 'out' is zeroed by the
 * caller. Everything that 'out' then points to belongs to 'doc' and lives as
 * long. An environment name that is empty or holds '=' is refused.
 */
int px_fields_fill(struct px_json_doc *doc, const struct px_json *obj,
    const struct px_field *fields, size_t nfields, void *out, struct px_err *err);

#endif

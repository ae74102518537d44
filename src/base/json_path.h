#ifndef PX_BASE_JSON_PATH_H
#define PX_BASE_JSON_PATH_H

struct px_json;
struct px_json_doc;
struct px_json_out;

/*
 * File names and paths as JSON values, whatever bytes they are: a string where
 * they are UTF-8, else {"base64": "..."}. Both forms are read, any writer of ours
 * chooses by that rule alone, so equal names are equal values.
 */

/*
 * The absolute path that 'node' stands for, shorter than PATH_MAX, as a C string
 * that lives with 'doc'. NULL: '*why' says what it must be (static text), or is
 * NULL itself when there is no memory.
 */
const char *px_json_path(struct px_json_doc *doc, const struct px_json *node, const char **why);

/* The same for a name, which may be any that is shorter than PATH_MAX. */
const char *px_json_name(struct px_json_doc *doc, const struct px_json *node, const char **why);

void px_json_put_path(struct px_json_out *out, const char *name);
void px_json_kv_path(struct px_json_out *out, const char *key, const char *name);

#endif

#include "base/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_path.h"

/* One object being read; 'up' and 'name' make the path of its members. */
struct scope {
	struct px_json_doc *doc;
	struct px_err *err;
	const struct scope *up;
	const char *name; /* NULL at the top */
};

enum { PATH_SIZE = 192, SHOWN_NAME = 32 };

static void
scope_path(const struct scope *scope, char *path, size_t size)
{
	if (scope->up == NULL) {
		path[0] = '\0';
		return;
	}
	scope_path(scope->up, path, size);
	strlcat(path, scope->name, size);
	strlcat(path, ".", size);
}

/* PX_E_PARAMS: the quoted path of member 'name', a space and the text. */
__attribute__((format(printf, 3, 4))) static int
refuse(const struct scope *scope, const char *name, const char *fmt, ...)
{
	char path[PATH_SIZE], text[128];
	va_list ap;

	scope_path(scope, path, sizeof(path));
	strlcat(path, name, sizeof(path));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return px_fail(scope->err, PX_E_PARAMS, "\"%s\" %s", path, text);
}

static int
refuse_duplicate(const struct scope *scope, const char *name)
{
	char path[PATH_SIZE];

	scope_path(scope, path, sizeof(path));
	strlcat(path, name, sizeof(path));
	return px_fail(scope->err, PX_E_PARAMS, "duplicate member \"%s\"", path);
}

static void *
scope_alloc(const struct scope *scope, size_t size)
{
	void *p = px_json_arena(scope->doc, size);

	if (p == NULL)
		px_fail(scope->err, PX_E_NOMEM, "out of memory for params");
	return p;
}

static bool
holds_nul(const struct px_json *node)
{
	return memchr(node->text, '\0', node->len) != NULL;
}

/* "name=text" or, without a name, "text" as a C string that lives with the document. */
static const char *
copy_string(
    const struct scope *scope, const char *name, size_t name_len, const struct px_json *node)
{
	size_t head = name != NULL ? name_len + 1 : 0;
	char *copy = scope_alloc(scope, head + node->len + 1);

	if (copy == NULL)
		return NULL;
	if (name != NULL) {
		memcpy(copy, name, name_len);
		copy[name_len] = '=';
	}
	memcpy(copy + head, node->text, node->len);
	copy[head + node->len] = '\0';
	return copy;
}

static int
check_string(const struct scope *scope, const struct px_field *f, const struct px_json *node)
{
	if (node->type != PX_JSON_STRING)
		return refuse(scope, f->name, "must be a string");
	if (f->min == 1 && node->len == 0)
		return refuse(scope, f->name, "must not be empty");
	if ((int64_t)node->len < f->min)
		return refuse(scope, f->name, "must have at least %" PRId64 " bytes", f->min);
	if (f->max > 0 && (int64_t)node->len > f->max)
		return refuse(scope, f->name, "must have at most %" PRId64 " bytes", f->max);
	return 0;
}

static int
fill_string(
    const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	if (check_string(scope, f, node) == -1)
		return -1;
	*(struct px_str *)to = (struct px_str){ node->text, node->len };
	return 0;
}

static int
fill_cstr(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	const char *copy;

	if (check_string(scope, f, node) == -1)
		return -1;
	if (holds_nul(node))
		return refuse(scope, f->name, "must not contain NUL");
	if ((copy = copy_string(scope, NULL, 0, node)) == NULL)
		return -1;
	*(struct px_str *)to = (struct px_str){ copy, node->len };
	return 0;
}

/* px_json_path() or px_json_name(). */
typedef const char *px_path_fn(
    struct px_json_doc *doc, const struct px_json *node, const char **why);

/* NULL: '*why' says what is wrong, or the error does. */
static const char *
take_path(const struct scope *scope, px_path_fn *read, const struct px_json *node, const char **why)
{
	const char *path = read(scope->doc, node, why);

	if (path == NULL && *why == NULL)
		px_fail(scope->err, PX_E_NOMEM, "out of memory for params");
	return path;
}

static int
fill_by(const struct scope *scope, px_path_fn *read, const struct px_field *f,
    const struct px_json *node, struct px_str *out)
{
	const char *why, *path = take_path(scope, read, node, &why);

	if (path == NULL)
		return why != NULL ? refuse(scope, f->name, "%s", why) : -1;
	*out = (struct px_str){ path, strlen(path) };
	return 0;
}

static int
fill_path(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	return fill_by(scope, px_json_path, f, node, to);
}

static int
fill_name(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	return fill_by(scope, px_json_name, f, node, to);
}

static int
fill_bytes(
    const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	uint8_t *bytes;
	int64_t len;

	if (node->type != PX_JSON_STRING)
		return refuse(scope, f->name, "must be a string");
	if ((bytes = scope_alloc(scope, node->len / 4 * 3)) == NULL)
		return -1;
	if ((len = px_base64_decode(node->text, node->len, bytes)) == -1)
		return refuse(scope, f->name, "must be standard base64 with padding");
	*(struct px_bytes *)to = (struct px_bytes){ bytes, (size_t)len };
	return 0;
}

static int
fill_int(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	if (node->type != PX_JSON_INT || node->integer < f->min || node->integer > f->max)
		return refuse(scope, f->name, "must be an integer from %" PRId64 " to %" PRId64,
		    f->min, f->max);
	*(struct px_int *)to = (struct px_int){ true, node->integer };
	return 0;
}

static int
fill_bool(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	if (node->type != PX_JSON_BOOL)
		return refuse(scope, f->name, "must be true or false");
	*(struct px_bool *)to = (struct px_bool){ true, node->boolean };
	return 0;
}

static int
refuse_item(const struct scope *scope, const struct px_field *f, size_t index, const char *why)
{
	char name[96];

	snprintf(name, sizeof(name), "%s[%zu]", f->name, index);
	return refuse(scope, name, "%s", why);
}

/* An entry of a list, likewise. */
static const char *
item_take(const struct scope *scope, const struct px_field *f, const struct px_json *item,
    const char **why)
{
	if (f->type == PX_F_PATHV)
		return take_path(scope, px_json_path, item, why);
	*why = NULL;
	if (item->type != PX_JSON_STRING)
		*why = "must be a string";
	else if (holds_nul(item))
		*why = "must not contain NUL";
	return *why == NULL ? copy_string(scope, NULL, 0, item) : NULL;
}

static int
fill_strv(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	const char **v, *why;
	size_t n = 0;

	if (node->type != PX_JSON_ARRAY)
		return refuse(scope, f->name, "must be an array of %s",
		    f->type == PX_F_PATHV ? "paths" : "strings");
	if (f->max > 0 && (int64_t)node->count > f->max)
		return refuse(scope, f->name, "must have at most %" PRId64 " entries", f->max);
	if ((v = scope_alloc(scope, (node->count + 1) * sizeof(*v))) == NULL)
		return -1;
	for (const struct px_json *item = node->first; item != NULL; item = item->next, n++) {
		if ((v[n] = item_take(scope, f, item, &why)) == NULL)
			return why != NULL ? refuse_item(scope, f, n, why) : -1;
	}
	v[n] = NULL;
	*(struct px_strv *)to = (struct px_strv){ v, n };
	return 0;
}

/* "env.NAME" with the peer's NAME made short and harmless. */
static void
env_path(const struct px_field *f, const struct px_json *var, char *path, size_t size)
{
	char shown[SHOWN_NAME + 4];
	size_t len = var->key_len < SHOWN_NAME ? var->key_len : SHOWN_NAME;

	for (size_t i = 0; i < len; i++) {
		char c = var->key[i];

		shown[i] = c > ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
	}
	strlcpy(shown + len, len < var->key_len ? "..." : "", sizeof(shown) - len);
	snprintf(path, size, "%s.%s", f->name, shown);
}

static int
check_variable(const struct scope *scope, const struct px_field *f, const struct px_json *var)
{
	char path[96];

	if (var->key_len == 0)
		return refuse(scope, f->name, "must not hold an empty name");
	if (memchr(var->key, '=', var->key_len) != NULL)
		return refuse(scope, f->name, "must not hold a name with \"=\"");
	if (memchr(var->key, '\0', var->key_len) != NULL)
		return refuse(scope, f->name, "must not hold a name with NUL");
	if (var->type == PX_JSON_STRING && !holds_nul(var))
		return 0;
	env_path(f, var, path, sizeof(path));
	return refuse(
	    scope, path, var->type != PX_JSON_STRING ? "must be a string" : "must not contain NUL");
}

static int
fill_env(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	char path[96];
	const char **v;
	size_t n = 0;

	if (node->type != PX_JSON_OBJECT)
		return refuse(scope, f->name, "must be an object of strings");
	if (node->duplicate != NULL) {
		env_path(f, node->duplicate, path, sizeof(path));
		return refuse_duplicate(scope, path);
	}
	if ((v = scope_alloc(scope, (node->count + 1) * sizeof(*v))) == NULL)
		return -1;
	for (const struct px_json *var = node->first; var != NULL; var = var->next, n++) {
		if (check_variable(scope, f, var) == -1)
			return -1;
		if ((v[n] = copy_string(scope, var->key, var->key_len, var)) == NULL)
			return -1;
	}
	v[n] = NULL;
	*(struct px_strv *)to = (struct px_strv){ v, n };
	return 0;
}

static int
fill_any(const struct scope *scope, const struct px_field *f, const struct px_json *node, void *to)
{
	(void)scope;
	(void)f;
	*(const struct px_json **)to = node;
	return 0;
}

static int (*const fillers[])(
    const struct scope *, const struct px_field *, const struct px_json *, void *) = {
	[PX_F_STRING] = fill_string,
	[PX_F_CSTR] = fill_cstr,
	[PX_F_PATH] = fill_path,
	[PX_F_NAME] = fill_name,
	[PX_F_BYTES] = fill_bytes,
	[PX_F_INT] = fill_int,
	[PX_F_BOOL] = fill_bool,
	[PX_F_STRV] = fill_strv,
	[PX_F_PATHV] = fill_strv,
	[PX_F_ENV] = fill_env,
	[PX_F_ANY] = fill_any,
};

/* Only names of ours are echoed. */
static int
check_duplicate(const struct scope *scope, const struct px_json *obj, const struct px_field *fields,
    size_t nfields)
{
	const struct px_json *dup = obj->duplicate;

	if (dup == NULL)
		return 0;
	for (size_t i = 0; i < nfields; i++)
		if (strlen(fields[i].name) == dup->key_len &&
		    memcmp(fields[i].name, dup->key, dup->key_len) == 0)
			return refuse_duplicate(scope, fields[i].name);
	if (scope->up == NULL)
		return px_fail(scope->err, PX_E_PARAMS, "params have a duplicate member");
	return refuse(scope->up, scope->name, "has a duplicate member");
}

static int fill_scope(const struct scope *scope, const struct px_json *obj,
    const struct px_field *fields, size_t nfields, char *out);

static int
fill_member(
    const struct scope *scope, const struct px_field *f, const struct px_json *node, char *out)
{
	const struct scope inner = { scope->doc, scope->err, scope, f->name };

	if (f->type != PX_F_OBJECT)
		return fillers[f->type](scope, f, node, out + f->offset);
	if (node->type != PX_JSON_OBJECT)
		return refuse(scope, f->name, "must be an object");
	*(bool *)(out + f->present_offset) = true;
	return fill_scope(&inner, node, f->sub, f->nsub, out + f->offset);
}

static int
fill_scope(const struct scope *scope, const struct px_json *obj, const struct px_field *fields,
    size_t nfields, char *out)
{
	if (obj != NULL && check_duplicate(scope, obj, fields, nfields) == -1)
		return -1;
	for (size_t i = 0; i < nfields; i++) {
		const struct px_field *f = &fields[i];
		const struct px_json *node = px_json_get(obj, f->name);
		bool required = f->flags & PX_F_REQUIRED;

		if (node != NULL && node->type == PX_JSON_NULL && !required && f->type != PX_F_ANY)
			continue;
		if (node != NULL && fill_member(scope, f, node, out) == -1)
			return -1;
		if (node == NULL && required)
			return refuse(scope, f->name, "is missing");
	}
	return 0;
}

int
px_fields_fill(struct px_json_doc *doc, const struct px_json *obj, const struct px_field *fields,
    size_t nfields, void *out, struct px_err *err)
{
	const struct scope top = { .doc = doc, .err = err };

	if (obj != NULL && obj->type == PX_JSON_NULL)
		obj = NULL;
	if (obj != NULL && obj->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS, "params must be an object");
	return fill_scope(&top, obj, fields, nfields, out);
}

#include "base/json_path.h"

#include <limits.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/utf8.h"

/* The bytes of 'node' and a NUL behind them; '*why' as px_json_path(). */
static const char *
path_bytes(struct px_json_doc *doc, const struct px_json *node, size_t *out_len, const char **why)
{
	const struct px_json *base64 = NULL;
	int64_t len = (int64_t)node->len;
	char *bytes;

	if (node->type == PX_JSON_OBJECT)
		base64 = px_json_get(node, "base64");
	*why = "must be a string or {\"base64\": string}";
	if (node->type != PX_JSON_STRING && (base64 == NULL || base64->type != PX_JSON_STRING))
		return NULL;
	*why = NULL;
	if ((bytes = px_json_arena(doc, (base64 != NULL ? base64->len / 4 * 3 : node->len) + 1)) ==
	    NULL)
		return NULL;
	*why = "must be standard base64 with padding";
	if (base64 == NULL)
		memcpy(bytes, node->text, node->len);
	else if ((len = px_base64_decode(base64->text, base64->len, (uint8_t *)bytes)) == -1)
		return NULL;
	bytes[len] = '\0';
	*out_len = (size_t)len;
	return bytes;
}

static const char *
path_check(const char *path, size_t len, const char **why)
{
	*why = "must not contain NUL";
	if (strlen(path) != len)
		return NULL;
	*why = "must be shorter than 4096 bytes";
	return len < PATH_MAX ? path : NULL;
}

const char *
px_json_path(struct px_json_doc *doc, const struct px_json *node, const char **why)
{
	const char *path;
	size_t len;

	if ((path = path_bytes(doc, node, &len, why)) == NULL)
		return NULL;
	*why = "must be an absolute path";
	return path[0] == '/' ? path_check(path, len, why) : NULL;
}

const char *
px_json_name(struct px_json_doc *doc, const struct px_json *node, const char **why)
{
	const char *name;
	size_t len;

	if ((name = path_bytes(doc, node, &len, why)) == NULL)
		return NULL;
	return path_check(name, len, why);
}

void
px_json_put_path(struct px_json_out *out, const char *name)
{
	const struct px_piece piece = { name, strlen(name) };

	if (px_utf8_valid(name, piece.len)) {
		px_json_put_text(out, name, piece.len);
		return;
	}
	px_json_open(out);
	px_json_key(out, "base64");
	px_json_put_base64(out, &piece, 1);
	px_json_close(out);
}

void
px_json_kv_path(struct px_json_out *out, const char *key, const char *name)
{
	px_json_key(out, key);
	px_json_put_path(out, name);
}

#include "rpc/codex.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "fs/uri.h"
#include "net/conn.h"
#include "sandbox/policy.h"

/* The member "sandbox": what it asks for, as a policy. */

enum { ENTRY_TEXT = 64 };

struct scene_params {
	struct px_str cwd;
	struct px_strv roots;
};

struct files_params {
	struct px_str type;
	const struct px_json *entries;
};

struct permissions_params {
	struct px_str type, network;
	bool has_files;
	struct files_params files;
};

struct sandbox_params {
	bool has_permissions, has_context;
	struct permissions_params permissions;
	struct scene_params scene, context;
};

static const struct px_field scene_fields[] = {
	CODEX_FIELD(scene_params, cwd, "cwd", PX_F_STRING, .flags = 0),
	CODEX_FIELD(scene_params, roots, "workspaceRoots", PX_F_STRV, .max = PX_POLICY_MAX),
};

static const struct px_field files_fields[] = {
	CODEX_FIELD(files_params, type, "type", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(files_params, entries, "entries", PX_F_ANY, .flags = 0),
};

static const struct px_field permissions_fields[] = {
	CODEX_FIELD(permissions_params, type, "type", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(permissions_params, network, "network", PX_F_CSTR, .flags = 0),
	CODEX_FIELD(permissions_params, files, "file_system", PX_F_OBJECT, .sub = files_fields,
	    .nsub = PX_COUNT(files_fields),
	    .present_offset = offsetof(struct permissions_params, has_files)),
};

static const struct px_field sandbox_fields[] = {
	CODEX_FIELD(sandbox_params, permissions, "permissions", PX_F_OBJECT,
	    .sub = permissions_fields, .nsub = PX_COUNT(permissions_fields), .flags = PX_F_REQUIRED,
	    .present_offset = offsetof(struct sandbox_params, has_permissions)),
	CODEX_FIELD(sandbox_params, scene.cwd, "cwd", PX_F_STRING, .flags = 0),
	CODEX_FIELD(sandbox_params, scene.roots, "workspaceRoots", PX_F_STRV, .max = PX_POLICY_MAX),
	CODEX_FIELD(sandbox_params, context, "policyContext", PX_F_OBJECT, .sub = scene_fields,
	    .nsub = PX_COUNT(scene_fields),
	    .present_offset = offsetof(struct sandbox_params, has_context)),
};

struct place_params {
	struct px_str type, path, pattern;
	bool has_value;
	struct {
		struct px_str kind, subpath;
	} value;
};

struct entry_params {
	struct px_str access, missing;
	bool has_path;
	struct place_params path;
};

#define VALUE_FIELD(member, wire_name, is)                              \
	{                                                               \
		.name = (wire_name), .type = PX_F_CSTR, .flags = (is),  \
		.offset = offsetof(struct place_params, value.member) - \
			  offsetof(struct place_params, value)          \
	}

static const struct px_field value_fields[] = {
	VALUE_FIELD(kind, "kind", PX_F_REQUIRED),
	VALUE_FIELD(subpath, "subpath", 0),
};

static const struct px_field place_fields[] = {
	CODEX_FIELD(place_params, type, "type", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(place_params, path, "path", PX_F_STRING, .flags = 0),
	CODEX_FIELD(place_params, pattern, "pattern", PX_F_STRING, .flags = 0),
	CODEX_FIELD(place_params, value, "value", PX_F_OBJECT, .sub = value_fields,
	    .nsub = PX_COUNT(value_fields),
	    .present_offset = offsetof(struct place_params, has_value)),
};

static const struct px_field entry_fields[] = {
	CODEX_FIELD(entry_params, path, "path", PX_F_OBJECT, .sub = place_fields,
	    .nsub = PX_COUNT(place_fields), .flags = PX_F_REQUIRED,
	    .present_offset = offsetof(struct entry_params, has_path)),
	CODEX_FIELD(entry_params, access, "access", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(entry_params, missing, "missing_path_behavior", PX_F_CSTR, .flags = 0),
};

/* What entries are taken to mean here. */
struct scene {
	const struct scene_params *context;
	const char *tmpdir; /* NULL: none */
	struct px_policy *policy;
};

/* ---- entries ---- */

static int
add_uri(struct scene *scene, const struct px_str *uri, const char *below, enum px_fs_access access,
    struct px_err *err)
{
	char path[PATH_MAX], whole[PATH_MAX];

	if (px_uri_to_path(uri->p, uri->len, path, err) == -1)
		return -1;
	if ((size_t)snprintf(whole, sizeof whole, "%s%s%s", strcmp(path, "/") == 0 ? "" : path,
		*below != '\0' || strcmp(path, "/") == 0 ? "/" : "", below) >= sizeof whole)
		return px_fail(err, PX_E_PARAMS, "the path is longer than %d bytes", PATH_MAX);
	return px_policy_add(scene->policy, whole, access, err);
}

/* Names of directories, each below the one before. */
static int
subpath_check(const struct px_str *subpath, struct px_err *err)
{
	const char *at = subpath->p;
	size_t len;

	if (at == NULL || *at == '\0')
		return 0;
	for (;; at += len + 1) {
		len = strcspn(at, "/");
		if (len == 0 || (len == 1 && at[0] == '.') ||
		    (len == 2 && at[0] == '.' && at[1] == '.'))
			return px_fail(err, PX_E_PARAMS,
			    "\"subpath\" must be names with single slashes between, none of them "
			    "\".\" or \"..\"");
		if (at[len] == '\0')
			return 0;
	}
}

static int
roots_add(struct scene *scene, const char *subpath, enum px_fs_access access, struct px_err *err)
{
	const struct px_strv *roots = &scene->context->roots;

	for (size_t i = 0; i < roots->n; i++) {
		const struct px_str uri = { roots->v[i], strlen(roots->v[i]) };

		if (add_uri(scene, &uri, subpath, access, err) == -1)
			return -1;
	}
	return 0;
}

static int
cwd_add(struct scene *scene, enum px_fs_access access, struct px_err *err)
{
	const struct px_str *cwd = &scene->context->cwd;

	return cwd->p == NULL ? 0 : add_uri(scene, cwd, "", access, err);
}

/* What programs need that know nothing of anybody's files. */
static int
minimal_add(struct scene *scene, enum px_fs_access access, struct px_err *err)
{
	static const char *const paths[] = { "/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32",
		"/nix/store", "/run/current-system/sw", "/sbin", "/usr" };

	for (size_t i = 0; i < PX_COUNT(paths); i++)
		if (px_policy_add(scene->policy, paths[i], access, err) == -1)
			return -1;
	return 0;
}

static int
special_add(struct scene *scene, const struct place_params *place, enum px_fs_access access,
    struct px_err *err)
{
	const char *kind = place->value.kind.p, *subpath = place->value.subpath.p;

	if (!place->has_value)
		return px_fail(err, PX_E_PARAMS, "\"path.value\" must be an object");
	if (subpath_check(&place->value.subpath, err) == -1)
		return -1;
	if (strcmp(kind, "project_roots") == 0)
		return roots_add(scene, subpath != NULL ? subpath : "", access, err);
	if (subpath != NULL)
		return px_fail(
		    err, PX_E_PARAMS, "a path of kind \"%.*s\" has no subpath", ENTRY_TEXT, kind);
	if (strcmp(kind, "root") == 0)
		return px_policy_add(scene->policy, "/", access, err);
	if (strcmp(kind, "current_working_directory") == 0)
		return cwd_add(scene, access, err);
	if (strcmp(kind, "slash_tmp") == 0)
		return px_policy_add(scene->policy, "/tmp", access, err);
	if (strcmp(kind, "tmpdir") == 0)
		return scene->tmpdir == NULL
			   ? 0
			   : px_policy_add(scene->policy, scene->tmpdir, access, err);
	if (strcmp(kind, "minimal") == 0 && access == PX_FS_READ)
		return minimal_add(scene, access, err);
	return px_fail(err, PX_E_FORBIDDEN, "this server's sandboxes know no %s of kind \"%.*s\"",
	    access == PX_FS_WRITE ? "writable path" : "path", ENTRY_TEXT, kind);
}

static int
place_add(struct scene *scene, const struct place_params *place, enum px_fs_access access,
    struct px_err *err)
{
	if (strcmp(place->type.p, "special") == 0)
		return special_add(scene, place, access, err);
	if (strcmp(place->type.p, "path") == 0 && place->path.p == NULL)
		return px_fail(err, PX_E_PARAMS, "\"path.path\" must be a string");
	if (strcmp(place->type.p, "path") == 0)
		return add_uri(scene, &place->path, "", access, err);
	if (strcmp(place->type.p, "glob_pattern") == 0 && place->pattern.p != NULL)
		return px_fail(err, PX_E_FORBIDDEN,
		    "this server's sandboxes know no patterns, as \"%.*s\"",
		    place->pattern.len < ENTRY_TEXT ? (int)place->pattern.len : ENTRY_TEXT,
		    place->pattern.p);
	return px_fail(
	    err, PX_E_PARAMS, "\"path.type\" must be \"path\", \"special\" or \"glob_pattern\"");
}

static int
access_read(const struct px_str *word, enum px_fs_access *out, struct px_err *err)
{
	static const struct {
		const char *word;
		enum px_fs_access access;
	} words[] = { { "read", PX_FS_READ }, { "write", PX_FS_WRITE }, { "deny", PX_FS_NONE },
		{ "none", PX_FS_NONE } };

	for (size_t i = 0; i < PX_COUNT(words); i++)
		if (strcmp(word->p, words[i].word) == 0) {
			*out = words[i].access;
			return 0;
		}
	return px_fail(
	    err, PX_E_PARAMS, "\"access\" must be \"read\", \"write\", \"deny\" or \"none\"");
}

static int
entry_add(struct px_call *call, struct scene *scene, const struct px_json *node, struct px_err *err)
{
	struct entry_params entry = { 0 };
	enum px_fs_access access = PX_FS_NONE;

	if (node->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS, "it must be an object");
	if (px_fields_fill(call->doc, node, entry_fields, PX_COUNT(entry_fields), &entry, err) ==
		-1 ||
	    access_read(&entry.access, &access, err) == -1)
		return -1;
	if (entry.missing.p != NULL && strcmp(entry.missing.p, "skip") != 0)
		return px_fail(err, PX_E_PARAMS, "\"missing_path_behavior\" must be \"skip\"");
	return place_add(scene, &entry.path, access, err);
}

static int
entries_add(
    struct px_call *call, struct scene *scene, const struct px_json *entries, struct px_err *err)
{
	size_t i = 0;

	if (entries == NULL || entries->type != PX_JSON_ARRAY)
		return px_fail(
		    err, PX_E_PARAMS, "\"permissions.file_system.entries\" must be an array");
	for (const struct px_json *node = entries->first; node != NULL; node = node->next, i++)
		if (entry_add(call, scene, node, err) == -1)
			return px_wrap(err, "entry %zu", i);
	return 0;
}

/* ---- the whole ---- */

static int
network_read(const struct px_str *word, bool *out, struct px_err *err)
{
	if (word->p != NULL && strcmp(word->p, "enabled") == 0)
		*out = true;
	else if (word->p == NULL || strcmp(word->p, "restricted") != 0)
		return px_fail(err, PX_E_PARAMS,
		    "\"permissions.network\" must be \"restricted\" or \"enabled\"");
	return 0;
}

static int
managed_read(struct px_call *call, const struct sandbox_params *p, const char *tmpdir,
    struct px_policy *out, struct px_err *err)
{
	/* Whoever can write these decides what runs when their owner next uses git or an agent. */
	static const char *const guarded[] = { ".git", ".agents", ".codex", ".aws", NULL };
	const struct files_params *files = &p->permissions.files;
	struct scene scene = { p->has_context ? &p->context : &p->scene, tmpdir, out };

	if (!p->permissions.has_files)
		return px_fail(err, PX_E_PARAMS, "\"permissions.file_system\" must be an object");
	if (network_read(&p->permissions.network, &out->network, err) == -1)
		return -1;
	if (strcmp(files->type.p, "unrestricted") == 0)
		return px_policy_add(out, "/", PX_FS_WRITE, err);
	if (strcmp(files->type.p, "restricted") != 0)
		return px_fail(err, PX_E_PARAMS,
		    "\"permissions.file_system.type\" must be \"restricted\" or "
		    "\"unrestricted\"");
	out->guarded = guarded;
	return entries_add(call, &scene, files->entries, err);
}

static void
log_unconfined(const struct px_call *call, const char *subject)
{
	px_log_event(call->peer->rpc->log, PX_LOG_WARN, "unconfined",
	    PX_I("conn", (int64_t)px_conn_number(call->peer->conn)), PX_S("subject", subject),
	    PX_S("reason", "codex_ignore_sandbox"));
}

static int
sandbox_read(struct px_call *call, const struct sandbox_params *p, const char *subject,
    const char *tmpdir, struct px_policy *out, struct px_err *err)
{
	const char *type = p->permissions.type.p;
	bool managed = strcmp(type, "managed") == 0;

	if (strcmp(type, "disabled") == 0)
		return 0;
	if (!managed && strcmp(type, "external") != 0)
		return px_fail(err, PX_E_PARAMS,
		    "\"permissions.type\" must be \"disabled\", \"managed\" or \"external\"");
	if (call->peer->rpc->codex.ignore_sandbox) {
		log_unconfined(call, subject);
		return 0;
	}
	if (!managed)
		return px_fail(err, PX_E_FORBIDDEN,
		    "this server does not know of any sandbox around it, so \"external\" is not "
		    "enough; let the client ask for one, or the operator say "
		    "--codex-ignore-sandbox");
	return managed_read(call, p, tmpdir, out, err) == -1 ? -1 : 1;
}

/*
 * The client does not confine anything by itself: it believes that we have done
 * what we did not refuse.
 */
int
px_codex_sandbox_read(struct px_call *call, const struct px_json *sandbox, const char *subject,
    const char *tmpdir, struct px_policy *out, struct px_err *err)
{
	struct sandbox_params p = { 0 };
	int result;

	if (sandbox == NULL || sandbox->type == PX_JSON_NULL)
		return 0;
	if (sandbox->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS, "\"sandbox\" must be an object");
	if (px_fields_fill(call->doc, sandbox, sandbox_fields, PX_COUNT(sandbox_fields), &p, err) ==
	    -1)
		return px_wrap(err, "sandbox");
	result = sandbox_read(call, &p, subject, tmpdir, out, err);
	return result == -1 ? px_wrap(err, "sandbox") : result;
}

#include <string.h>

#include "base/fields.h"
#include "base/json.h"
#include "client/error.h"
#include "client/results.h"
#include "client/rows.h"

/* What is told about files. */

static int
kind_read(const char *word, enum px_file_kind *out, struct px_err *err)
{
	static const char *const words[] = {
		[PX_KIND_OTHER] = "other",
		[PX_KIND_FILE] = "file",
		[PX_KIND_DIRECTORY] = "directory",
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum px_file_kind)i;
			return 0;
		}
	return px_fail(err, PX_E_PARAMS, "no kind of file is named \"%.32s\"", word);
}

/* ---- one file ---- */

struct metadata {
	struct px_str kind;
	struct px_bool is_symlink;
	struct px_int size, mode, modified;
};

static const struct px_field metadata_fields[] = {
	STRING(metadata, kind, "kind"),
	FLAG(metadata, is_symlink, "isSymlink"),
	ROW(metadata, size, "size", PX_F_INT, .flags = PX_F_REQUIRED, .max = INT64_MAX),
	ROW(metadata, mode, "mode", PX_F_INT, .flags = PX_F_REQUIRED, .max = 07777),
	ROW(metadata, modified, "modifiedAtMs", PX_F_INT, .flags = PX_F_REQUIRED, .min = INT64_MIN,
	    .max = INT64_MAX),
};

int
px_metadata_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct metadata in = { 0 };

	if (px_fields_fill(doc, result, metadata_fields, COUNT(metadata_fields), &in, err) == -1 ||
	    kind_read(in.kind.p, &out->metadata.kind, err) == -1)
		return -1;
	out->metadata.is_symlink = in.is_symlink.v;
	out->metadata.mode = (unsigned)in.mode.v;
	out->metadata.size = in.size.v;
	out->metadata.modified_at_ms = in.modified.v;
	return 0;
}

struct canonical {
	struct px_str path;
};

static const struct px_field canonical_fields[] = {
	ROW(canonical, path, "path", PX_F_PATH, .flags = PX_F_REQUIRED),
};

int
px_canonical_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct canonical in = { 0 };

	if (px_fields_fill(doc, result, canonical_fields, COUNT(canonical_fields), &in, err) == -1)
		return -1;
	out->canonical.path = in.path.p;
	return 0;
}

struct content {
	struct px_bytes chunk;
	struct px_bool eof;
};

static const struct px_field content_fields[] = {
	BYTES(content, chunk, "chunk"),
	ROW(content, eof, "eof", PX_F_BOOL, .flags = 0),
};

int
px_content_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct content in = { 0 };

	if (px_fields_fill(doc, result, content_fields, COUNT(content_fields), &in, err) == -1)
		return -1;
	out->content.data = in.chunk.p;
	out->content.len = in.chunk.len;
	out->content.eof = in.eof.v;
	return 0;
}

/* ---- many ---- */

struct entry {
	struct px_str name, path, kind;
};

static const struct px_field entry_fields[] = {
	ROW(entry, name, "name", PX_F_NAME, .flags = 0),
	ROW(entry, path, "path", PX_F_PATH, .flags = 0),
	STRING(entry, kind, "kind"),
};

/* In a directory by its name, in a tree by its path. */
static int
entry_read(struct px_json_doc *doc, const struct px_json *from, void *to, struct px_err *err)
{
	struct px_file_entry *out = to;
	struct entry in = { 0 };

	if (px_fields_fill(doc, from, entry_fields, COUNT(entry_fields), &in, err) == -1)
		return -1;
	out->name = in.name.p != NULL ? in.name.p : in.path.p;
	if (out->name == NULL)
		return px_fail(err, PX_E_PARAMS, "an entry without a name");
	return kind_read(in.kind.p, &out->kind, err);
}

struct failure {
	struct px_str path, sys;
};

static const struct px_field failure_fields[] = {
	ROW(failure, path, "path", PX_F_PATH, .flags = PX_F_REQUIRED),
	STRING(failure, sys, "errno"),
};

static int
failure_read(struct px_json_doc *doc, const struct px_json *from, void *to, struct px_err *err)
{
	struct px_file_failure *out = to;
	struct failure in = { 0 };

	if (px_fields_fill(doc, from, failure_fields, COUNT(failure_fields), &in, err) == -1)
		return -1;
	out->path = in.path.p;
	out->sys = px_error_number(in.sys.p);
	return 0;
}

/* As many as 'array' has, of 'size' bytes each. NULL: 'err' says why. */
static void *
rows_read(struct px_json_doc *doc, const struct px_json *array, size_t size,
    int (*read)(struct px_json_doc *doc, const struct px_json *from, void *to, struct px_err *err),
    struct px_err *err)
{
	char *rows, *row;

	if (array->type != PX_JSON_ARRAY) {
		px_fail(err, PX_E_PARAMS, "a list of files that is no array");
		return NULL;
	}
	if ((rows = row = px_json_arena(doc, array->count * size)) == NULL) {
		px_fail(err, PX_E_NOMEM, "a list of files");
		return NULL;
	}
	for (const struct px_json *node = array->first; node != NULL;
	     node = node->next, row += size) {
		if (node->type != PX_JSON_OBJECT) {
			px_fail(err, PX_E_PARAMS, "a file that is no object");
			return NULL;
		}
		if (read(doc, node, row, err) == -1)
			return NULL;
	}
	return rows;
}

struct files {
	const struct px_json *entries, *errors;
	struct px_bool truncated;
};

static const struct px_field files_fields[] = {
	ROW(files, entries, "entries", PX_F_ANY, .flags = PX_F_REQUIRED),
	ROW(files, errors, "errors", PX_F_ANY, .flags = 0),
	ROW(files, truncated, "truncated", PX_F_BOOL, .flags = 0),
};

int
px_files_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct px_file_list *list = &out->files;
	struct files in = { 0 };

	if (px_fields_fill(doc, result, files_fields, COUNT(files_fields), &in, err) == -1)
		return -1;
	list->entries = rows_read(doc, in.entries, sizeof *list->entries, entry_read, err);
	if (list->entries == NULL)
		return -1;
	list->nentries = in.entries->count;
	list->truncated = in.truncated.v;
	if (in.errors == NULL)
		return 0;
	list->failures = rows_read(doc, in.errors, sizeof *list->failures, failure_read, err);
	if (list->failures == NULL)
		return -1;
	list->nfailures = in.errors->count;
	return 0;
}

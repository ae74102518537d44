#ifndef PX_CLIENT_RESULTS_H
#define PX_CLIENT_RESULTS_H

#include <ptyexec/answer.h>

#include "client/request.h"

struct px_err;
struct px_json;
struct px_json_doc;

/*
 * From the results and errors that a server sends to answers. What is filled in
 * points into 'doc'. -1: 'err' says what no server of ours would send.
 */

/* The method's name on the wire. */
const char *px_method_name(enum px_method_id method);

int px_result_read(enum px_method_id method, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err);
int px_refusal_read(
    struct px_json_doc *doc, const struct px_json *error, struct px_error *out, struct px_err *err);

/* How a program ended, from the object that has the members of it: all, or the first two. */
int px_end_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_end *out, struct px_err *err);
int px_exit_read(struct px_json_doc *doc, const struct px_json *from, bool *out_exited,
    struct px_end *out, struct px_err *err);

/* -1: no stream has this name. */
int px_stream_read(const char *name, enum px_stream *out, struct px_err *err);

/* results_kept.c */
int px_snapshot_read(struct px_json_doc *doc, const struct px_json *from, struct px_snapshot *out,
    struct px_err *err);
int px_chunks_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_read *out, struct px_err *err);

int px_totals_read(struct px_json_doc *doc, const struct px_json *from,
    int64_t out[PX_STREAM_COUNT], struct px_err *err);

/* results_rows.c */
int px_list_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_list *out, struct px_err *err);
int px_inspected_read(struct px_json_doc *doc, const struct px_json *from, struct px_inspected *out,
    struct px_err *err);
int px_info_read(struct px_json_doc *doc, const struct px_json *from, struct px_server_info *out,
    struct px_err *err);

/* results_files.c */
int px_metadata_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err);
int px_canonical_result(struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err);
int px_content_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err);
int px_files_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err);

/* Members that are integers, in order; 'node' NULL: none. */
int px_limits_read(struct px_json_doc *doc, const struct px_json *node, const struct px_limit **out,
    size_t *out_n, struct px_err *err);

#endif

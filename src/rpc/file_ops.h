#ifndef PX_RPC_FILE_OPS_H
#define PX_RPC_FILE_OPS_H

#include <stddef.h>

#include "rpc/files.h"

struct px_str;

/* What dialects ask for in the same words, but for their own. */

/* Starts a job of px_fs_op_open, under the name 'id'. Takes it over, also on failure. */
int px_file_open(
    struct px_file_job *job, const char *id, enum px_handle_mode mode, struct px_err *err);

/* Answers with {chunk, eof}: 'len' bytes of the file that is open as 'id', or what there is.
 * PX_E_HANDLE. */
int px_file_read_block(
    struct px_call *call, const char *id, int64_t offset, size_t len, struct px_err *err);

/* Writes a block and answers with {}. PX_E_HANDLE; PX_E_PARAMS with the text 'what': no base64. */
int px_file_write_block(struct px_call *call, const char *id, int64_t offset,
    const struct px_str *base64, const char *what, struct px_err *err);

/*
 * Closes it and answers with {}, also where there is none. With px_handle_finish(),
 * which may fail, unless what was written is to be discarded.
 */
int px_file_close(struct px_call *call, const char *id, bool discard, struct px_err *err);

/*
 * Starts a job with data from base64. Takes it over, also on failure: 'code' with the text 'what'
 * for what is none, PX_E_NOMEM.
 */
int px_file_start_writing(struct px_file_job *job, const struct px_str *base64, enum px_code code,
    const char *what, struct px_err *err);

/* What was read, as a member. */
void px_file_put_data(const struct px_fs_task *task, struct px_json_out *json, const char *name);

#endif

#ifndef PX_CLIENT_ENCODE_H
#define PX_CLIENT_ENCODE_H

#include <ptyexec/error.h>

#include "client/request.h"

struct px_json_out;

/* Can JSON carry it? What is not UTF-8 would arrive as something else. -1: USAGE. */
int px_request_check(const struct px_request *request, struct px_error *err);

/* Writes the members of the request's params into an open object. */
void px_request_put(struct px_json_out *json, const struct px_request *request);

/* encode_files.c: those of a request about files. */
void px_request_put_files(struct px_json_out *json, const struct px_request *request);

/* Writes "trace", the member beside the params, where there is one. */
void px_request_put_trace(struct px_json_out *json, const struct px_request *request);

#endif

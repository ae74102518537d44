#ifndef PX_CLI_ROW_H
#define PX_CLI_ROW_H

#include <ptyexec/answer.h>

#include "cli/table.h"

struct px_json_out;

/* A session in a list, told. */

enum { PX_ROW_TEXT_SIZE = 48 };

/* "running", "exited 3", "KILL", "lost", and the colour for that. */
enum px_colour px_row_state(const struct px_session_row *row, char out[PX_ROW_TEXT_SIZE]);

/* "24x80" or "pipes". */
void px_row_io(const struct px_session_row *row, char out[PX_ROW_TEXT_SIZE]);

/* The members of process/list. */
void px_row_put(struct px_json_out *json, const struct px_session_row *row);

#endif

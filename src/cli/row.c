#include "cli/row.h"

#include <stdio.h>

#include <bsd/string.h>

#include "base/json_out.h"
#include "cli/page.h"

enum px_colour
px_row_state(const struct px_session_row *row, char out[PX_ROW_TEXT_SIZE])
{
	if (row->running) {
		strlcpy(out, "running", PX_ROW_TEXT_SIZE);
		return PX_COLOUR_GOOD;
	}
	if (!row->exited)
		strlcpy(out, "lost", PX_ROW_TEXT_SIZE);
	else if (row->end.signal != NULL)
		strlcpy(out, row->end.signal, PX_ROW_TEXT_SIZE);
	else
		snprintf(out, PX_ROW_TEXT_SIZE, "exited %d", row->end.exit_code);
	return row->exited && row->end.exit_code == 0 ? PX_COLOUR_NONE : PX_COLOUR_BAD;
}

void
px_row_io(const struct px_session_row *row, char out[PX_ROW_TEXT_SIZE])
{
	if (row->pty)
		snprintf(out, PX_ROW_TEXT_SIZE, "%dx%d", row->rows, row->cols);
	else
		strlcpy(out, "pipes", PX_ROW_TEXT_SIZE);
}

static void
put_io(struct px_json_out *json, const struct px_session_row *row)
{
	px_json_key(json, "io");
	px_json_open(json);
	px_json_key(json, row->pty ? "pty" : "pipe");
	px_json_open(json);
	if (row->pty) {
		px_json_kv_int(json, "rows", row->rows);
		px_json_kv_int(json, "cols", row->cols);
	} else {
		px_json_kv_str(json, "stdin", row->stdin_open ? "open" : "closed");
	}
	px_json_close(json);
	px_json_close(json);
}

void
px_row_put(struct px_json_out *json, const struct px_session_row *row)
{
	px_json_kv_str(json, "sessionId", row->session);
	px_json_kv_int(json, "pid", row->pid);
	px_json_key(json, "argv");
	px_json_open_array(json);
	for (size_t i = 0; row->argv[i] != NULL; i++)
		px_json_put_str(json, row->argv[i]);
	px_json_close_array(json);
	px_json_kv_str(json, "cwd", row->cwd);
	put_io(json, row);
	px_json_kv_bool(json, "running", row->running);
	px_page_end(json, row->exited, &row->end);
	px_json_kv_int(json, "startedAtMs", row->started_at_ms);
	px_page_number(json, "exitedAtMs", row->exited_at_ms != 0, row->exited_at_ms);
	px_json_kv_int(json, "retainedBytes", row->retained_bytes);
	px_json_kv_int(json, "subscribers", row->subscribers);
}

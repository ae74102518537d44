#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ptyexec/client.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/human.h"
#include "cli/page.h"
#include "cli/request.h"
#include "cli/row.h"

/* ---- for programs ---- */

static void
put_terminal(struct px_json_out *json, const struct px_inspected *seen)
{
	if (!seen->terminal) {
		px_json_kv_null(json, "foreground");
		px_json_kv_null(json, "echo");
		px_json_kv_null(json, "canonical");
		px_json_kv_null(json, "readingTerminal");
		return;
	}
	px_json_key(json, "foreground");
	px_json_open(json);
	px_page_number(json, "pgid", seen->foreground_group != 0, seen->foreground_group);
	px_json_kv_str(json, "name", seen->foreground_name);
	px_json_close(json);
	px_json_kv_bool(json, "echo", seen->echo);
	px_json_kv_bool(json, "canonical", seen->canonical);
	px_json_kv_bool(json, "readingTerminal", seen->reading_terminal);
}

/* The streams that it has. */
static bool
has_stream(const struct px_inspected *seen, int stream)
{
	return (stream == PX_STREAM_TERMINAL) == seen->row.pty;
}

static void
print_json(const struct px_inspected *seen)
{
	struct px_page page;

	px_page_open(&page);
	px_row_put(page.json, &seen->row);
	px_json_kv_int(page.json, "idleMs", seen->idle_ms);
	put_terminal(page.json, seen);
	px_json_kv_bool(page.json, "outputOpen", seen->output_open);
	px_json_kv_int(page.json, "unreadInputBytes", seen->unread_input_bytes);
	px_json_key(page.json, "totalBytes");
	px_json_open(page.json);
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		if (has_stream(seen, i))
			px_json_kv_int(
			    page.json, px_stream_name((enum px_stream)i), seen->total_bytes[i]);
	px_json_close(page.json);
	px_page_print(&page);
	px_page_close(&page);
}

/* ---- for people ---- */

static void
print_line(const char *name, const char *text)
{
	char *shown = px_strdup(text);

	px_human_harmless(shown);
	printf("%-12s %s\n", name, shown);
	free(shown);
}

/* "2026-03-01 12:00:00 (3m ago)" */
static void
print_time(const char *name, int64_t at_ms, int64_t now_ms)
{
	char when[32], age[PX_HUMAN_SIZE], text[80];
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm local;

	if (at_ms == 0)
		return;
	px_human_age(now_ms - at_ms, age);
	strftime(when, sizeof when, "%F %T", localtime_r(&seconds, &local));
	snprintf(text, sizeof text, "%s (%s ago)", when, age);
	print_line(name, text);
}

static void
print_terminal(const struct px_inspected *seen)
{
	char text[128];

	snprintf(text, sizeof text, "%s (group %" PRId64 ")%s",
	    seen->foreground_name != NULL ? seen->foreground_name : "unknown",
	    seen->foreground_group, seen->reading_terminal ? ", waits for input" : "");
	print_line("foreground", text);
	snprintf(text, sizeof text, "%s, %s", seen->echo ? "echo" : "no echo",
	    seen->canonical ? "lines" : "single characters");
	print_line("modes", text);
}

static void
print_output(const struct px_inspected *seen)
{
	char size[PX_HUMAN_SIZE], kept[PX_HUMAN_SIZE], text[128];

	for (int i = 0; i < PX_STREAM_COUNT; i++)
		if (has_stream(seen, i)) {
			px_human_size(seen->total_bytes[i], size);
			snprintf(text, sizeof text, "%s in all", size);
			print_line(px_stream_name((enum px_stream)i), text);
		}
	px_human_size(seen->row.retained_bytes, kept);
	px_human_age(seen->idle_ms, size);
	snprintf(text, sizeof text, "%s kept, %s, last %s ago", kept,
	    seen->output_open ? "open" : "closed", size);
	print_line("output", text);
	px_human_size(seen->unread_input_bytes, size);
	snprintf(text, sizeof text, "%s unread", size);
	print_line("input", text);
}

static void
print(const struct px_inspected *seen)
{
	const struct px_session_row *row = &seen->row;
	char text[PX_ROW_TEXT_SIZE], *words = px_human_words(row->argv);
	int64_t now_ms = px_wall_ms();

	print_line("name", row->session);
	print_line("command", words);
	free(words);
	print_line("directory", row->cwd != NULL ? row->cwd : "unknown");
	px_row_state(row, text);
	print_line("state", text);
	snprintf(text, sizeof text, "%" PRId64, row->pid);
	print_line("pid", text);
	print_time("started", row->started_at_ms, now_ms);
	print_time("exited", row->exited_at_ms, now_ms);
	px_row_io(row, text);
	print_line("io", text);
	if (seen->terminal)
		print_terminal(seen);
	print_output(seen);
	snprintf(text, sizeof text, "%" PRId64, row->subscribers);
	print_line("watched by", text);
}

static int
cmd_inspect(const struct px_cli_call *call)
{
	const char *session = call->operands[0];
	struct px_client *client = px_cli_client(call, session);
	struct px_answer *answer;
	struct px_error err;

	if (client == NULL)
		return PX_EXIT_FAILED;
	answer = px_cli_await(
	    client, px_client_inspect(client, session, &err), PX_CLI_ANSWER_MS, session, &err);
	if (answer != NULL)
		(call->common.json ? print_json : print)(&answer->inspect);
	px_answer_free(answer);
	px_client_free(client);
	return answer != NULL ? EXIT_SUCCESS : PX_EXIT_FAILED;
}

const struct px_cli_command px_cmd_inspect = {
	.name = "inspect",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.summary = "Tells what is known about a session",
	.help = "Its command, how it stands, who is in its terminal's foreground and whether that\n"
		"waits for input, and how much it has written.\n",
	.run = cmd_inspect,
};

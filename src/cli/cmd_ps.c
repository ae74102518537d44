#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <ptyexec/client.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/human.h"
#include "cli/page.h"
#include "cli/request.h"
#include "cli/row.h"
#include "cli/table.h"

struct ps_options {
	int all;
};

static const struct px_column columns[] = {
	{ "NAME", false },
	{ "PID", true },
	{ "STATE", false },
	{ "AGE", true },
	{ "IO", false },
	{ "SIZE", true },
	{ "COMMAND", false },
};

static void
put_row(struct px_table *table, const struct px_session_row *row, int64_t now_ms)
{
	char text[PX_ROW_TEXT_SIZE], *words = px_human_words(row->argv);
	enum px_colour colour;

	px_table_put(table, PX_COLOUR_NONE, row->session);
	snprintf(text, sizeof text, "%" PRId64, row->pid);
	px_table_put(table, PX_COLOUR_NONE, text);
	colour = px_row_state(row, text);
	px_table_put(table, colour, text);
	px_human_age(now_ms - row->started_at_ms, text);
	px_table_put(table, PX_COLOUR_NONE, text);
	px_row_io(row, text);
	px_table_put(table, PX_COLOUR_NONE, text);
	px_human_size(row->retained_bytes, text);
	px_table_put(table, PX_COLOUR_NONE, text);
	px_table_put(table, PX_COLOUR_NONE, words);
	free(words);
}

static void
print_table(const struct px_list *list, bool all)
{
	struct px_table *table = px_table_new(columns, sizeof columns / sizeof columns[0]);
	int64_t now_ms = px_wall_ms();

	for (size_t i = 0; i < list->nrows; i++)
		if (all || list->rows[i].running)
			put_row(table, &list->rows[i], now_ms);
	px_table_print(table);
	px_table_free(table);
}

static void
print_json(const struct px_list *list, bool all)
{
	struct px_page page;

	px_page_open(&page);
	px_json_key(page.json, "sessions");
	px_json_open_array(page.json);
	for (size_t i = 0; i < list->nrows; i++)
		if (all || list->rows[i].running) {
			px_json_open(page.json);
			px_row_put(page.json, &list->rows[i]);
			px_json_close(page.json);
		}
	px_json_close_array(page.json);
	px_page_print(&page);
	px_page_close(&page);
}

static int
ps(const struct px_list *list, const struct px_cli_call *call)
{
	const struct ps_options *options = call->options;

	(call->common.json ? print_json : print_table)(list, options->all);
	return EXIT_SUCCESS;
}

static int
cmd_ps(const struct px_cli_call *call)
{
	static const struct px_list nothing;
	struct px_answer *answer;
	struct px_client *client;
	struct px_error err;
	bool absent;
	int status = PX_EXIT_FAILED;

	if ((client = px_cli_connect_running(&call->common.target, &absent)) == NULL)
		return absent ? ps(&nothing, call) : PX_EXIT_FAILED;
	answer = px_cli_await(client, px_client_list(client, &err), PX_CLI_ANSWER_MS, NULL, &err);
	if (answer != NULL)
		status = ps(&answer->list, call);
	px_answer_free(answer);
	px_client_free(client);
	return status;
}

static const struct px_cli_option options[] = {
	{ 'a', "all", PX_OPTION_FLAG, offsetof(struct ps_options, all), .value = 1,
	    .help = "those too that have ended and are still known" },
	{ 0 },
};

const struct px_cli_command px_cmd_ps = {
	.name = "ps",
	.operands = "",
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.options = options,
	.options_size = sizeof(struct ps_options),
	.summary = "Lists the sessions that run",
	.help =
	    "STATE is 'running', 'exited N', the signal that ended the program, or 'lost' when\n"
	    "how it ended cannot be told. AGE is since the start, SIZE what is kept of the\n"
	    "output. On a terminal, lines end where it does; $NO_COLOR keeps colours away.\n",
	.run = cmd_ps,
};

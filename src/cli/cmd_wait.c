#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ptyexec/client.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/page.h"
#include "cli/request.h"

struct wait_options {
	int64_t idle_ms, timeout_ms, since_seq;
	const char *match;
	int from_now;
};

static void
put_resources(struct px_json_out *json, const struct px_resources *used)
{
	px_json_key(json, "usage");
	px_json_open(json);
	px_json_kv_int(json, "userMs", used->user_ms);
	px_json_kv_int(json, "systemMs", used->system_ms);
	px_json_kv_int(json, "maxRssBytes", used->max_rss_bytes);
	px_json_kv_int(json, "wallMs", used->wall_ms);
	px_json_close(json);
}

static void
print(const struct px_waited *waited)
{
	struct px_page page;

	px_page_open(&page);
	px_json_kv_str(page.json, "reason", waited->reason);
	px_json_kv_bool(page.json, "exited", waited->exited);
	px_page_end(page.json, waited->exited, &waited->end);
	px_json_kv_str(page.json, "cause", waited->exited ? waited->end.cause : NULL);
	if (waited->exited)
		put_resources(page.json, &waited->end.resources);
	else
		px_json_kv_null(page.json, "usage");
	px_json_kv_int(page.json, "nextSeq", waited->next_seq);
	px_page_print(&page);
	px_page_close(&page);
}

static int
status_of(const struct px_waited *waited, const char *session, bool conditional)
{
	if (strcmp(waited->reason, "timeout") == 0)
		return PX_EXIT_TIMED_OUT;
	if (strcmp(waited->reason, "exit") == 0)
		return conditional ? PX_EXIT_NO : waited->end.exit_code;
	if (strcmp(waited->reason, "idle") == 0 || strcmp(waited->reason, "match") == 0)
		return EXIT_SUCCESS;
	px_complain("the program of '%s' is gone, and how it ended cannot be told", session);
	return PX_EXIT_FAILED;
}

static int
wait_for(struct px_client *client, const char *session, const struct px_until *until, bool json)
{
	struct px_error err;
	struct px_answer *answer =
	    px_cli_await(client, px_client_wait(client, session, until, &err), -1, session, &err);
	int status;

	if (answer == NULL)
		return PX_EXIT_FAILED;
	if (json)
		print(&answer->wait);
	status = status_of(&answer->wait, session, until->idle_ms > 0 || until->match != NULL);
	px_answer_free(answer);
	return status;
}

static int
cmd_wait(const struct px_cli_call *call)
{
	const struct wait_options *options = call->options;
	const struct px_until until = { .idle_ms = options->idle_ms,
		.match = options->match,
		.from_seq = !options->from_now,
		.after_seq = options->since_seq,
		.timeout_ms = options->timeout_ms };
	struct px_client *client;
	int status;

	if (options->from_now && options->since_seq > 0) {
		px_complain("--new and --since-seq exclude each other");
		return PX_EXIT_FAILED;
	}
	if ((client = px_cli_client(call, call->operands[0])) == NULL)
		return PX_EXIT_FAILED;
	status = wait_for(client, call->operands[0], &until, call->common.json);
	px_client_free(client);
	return status;
}

#define AT(member) offsetof(struct wait_options, member)

static const struct px_cli_option options[] = {
	{ 0, "idle", PX_OPTION_NUMBER, AT(idle_ms), .min = 1, .max = INT64_C(315360000000),
	    .argument = "MS", .help = "or until it has written nothing for so many milliseconds" },
	{ 0, "match", PX_OPTION_TEXT, AT(match), .argument = "TEXT",
	    .help = "or until this text has come in its output; what is kept of\n"
		    "that counts too" },
	{ 0, "since-seq", PX_OPTION_NUMBER, AT(since_seq), .min = 0, .max = PX_SEQ_MAX,
	    .argument = "N", .help = "--match looks at what came after number N only" },
	{ 0, "new", PX_OPTION_FLAG, AT(from_now), .value = 1,
	    .help = "--match looks at what comes from now on only" },
	{ 0, "timeout", PX_OPTION_SECONDS, AT(timeout_ms), .min = 1, .argument = "SECONDS",
	    .help = "or until so much time has passed" },
	{ 0 },
};

const struct px_cli_command px_cmd_wait = {
	.name = "wait",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET | PX_CLI_JSON | PX_CLI_RELAYS_STATUS,
	.options = options,
	.options_size = sizeof(struct wait_options),
	.summary = "Waits until a session's program has ended",
	.help =
	    "Exit status: the program's, 128+N if signal N ended it. With --idle or --match: 0\n"
	    "when that has come, 1 when the program ended before. 124 when the time of\n"
	    "--timeout was up, 125 if ptyexec failed.\n",
	.run = cmd_wait,
};

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <ptyexec/client.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/page.h"
#include "cli/request.h"

enum { READ_BYTES = 1024 * 1024 };

struct logs_options {
	int64_t since_seq;
	int follow;
};

struct logs {
	struct px_client *client;
	const char *session;
	struct px_output output;
	struct px_page page; /* with 'json' */
	bool json;
};

/* ---- printing ---- */

static int
put_chunk(struct logs *logs, const struct px_output_chunk *chunk)
{
	if (!logs->json)
		return px_output_put(
		    &logs->output, chunk->stream, chunk->offset, chunk->data, chunk->len);
	px_json_kv_int(logs->page.json, "seq", chunk->seq);
	px_json_kv_str(logs->page.json, "stream", px_stream_name(chunk->stream));
	px_json_kv_int(logs->page.json, "offset", chunk->offset);
	px_page_bytes(logs->page.json, chunk->data, chunk->len);
	px_page_print(&logs->page);
	return 0;
}

/* With 'json', holes are in the offsets. */
static void
put_lost(struct logs *logs, int64_t lost)
{
	if (!logs->json)
		px_output_lost(&logs->output, lost);
}

static int
put_exited(struct logs *logs, const struct px_event *event)
{
	if (!logs->json)
		return 0;
	px_json_kv_int(logs->page.json, "seq", event->seq);
	px_page_end(logs->page.json, true, &event->exited.end);
	px_json_kv_str(logs->page.json, "cause", event->exited.end.cause);
	px_page_print(&logs->page);
	return 0;
}

static void
put_skipped(struct logs *logs, const struct px_event *event)
{
	if (!logs->json) {
		px_output_skipped(&logs->output, event->lagged.skipped_bytes);
		return;
	}
	px_json_kv_int(logs->page.json, "skippedBytes", event->lagged.skipped_bytes);
	px_json_kv_int(logs->page.json, "nextSeq", event->lagged.next_seq);
	px_page_print(&logs->page);
}

/* ---- what is there ---- */

static struct px_answer *
read_after(struct logs *logs, int64_t after_seq)
{
	struct px_error err;
	int64_t request =
	    px_client_read(logs->client, logs->session, after_seq, READ_BYTES, 0, &err);

	return px_cli_await(logs->client, request, PX_CLI_ANSWER_MS, logs->session, &err);
}

/* The number of the last thing that the session has told; beyond the end counts as the end. */
static int64_t
last_seq(struct logs *logs)
{
	struct px_answer *answer = read_after(logs, PX_SEQ_MAX);
	int64_t seq = answer != NULL ? answer->read.next_seq - 1 : -1;

	px_answer_free(answer);
	return seq;
}

static int
put_read(struct logs *logs, const struct px_read *got, int64_t until_seq)
{
	int64_t lost = logs->output.told + got->lost_bytes;

	for (size_t i = 0; i < got->nchunks && got->chunks[i].seq <= until_seq; i++)
		if (put_chunk(logs, &got->chunks[i]) == -1)
			return -1;
	put_lost(logs, lost);
	return 0;
}

/* In pieces, up to where the session was when we came: one that never stops writing has no end. */
static int
print_kept(struct logs *logs, int64_t after_seq)
{
	int64_t until_seq = last_seq(logs);
	int result = until_seq != -1 ? 0 : -1;
	struct px_answer *answer;

	while (result == 0 && after_seq < until_seq) {
		if ((answer = read_after(logs, after_seq)) == NULL)
			return -1;
		after_seq = answer->read.next_seq - 1;
		result = put_read(logs, &answer->read, until_seq);
		px_answer_free(answer);
	}
	return result;
}

/* ---- what comes ---- */

enum { FOLLOW_FAILED = -1, FOLLOW_ON, FOLLOW_OVER };

static int
follow_on_event(struct logs *logs, const struct px_event *event)
{
	struct px_output_chunk chunk;

	switch (event->type) {
	case PX_EVENT_OUTPUT:
		chunk = (struct px_output_chunk){ event->seq, event->output.stream,
			event->output.offset, event->output.data, event->output.len };
		return put_chunk(logs, &chunk) == -1 ? FOLLOW_FAILED : FOLLOW_ON;
	case PX_EVENT_EXITED:
		put_exited(logs, event);
		return FOLLOW_ON;
	case PX_EVENT_LAGGED:
		put_skipped(logs, event);
		return FOLLOW_ON;
	case PX_EVENT_FAILED:
		px_complain("'%s': %s", logs->session, event->failed.message);
		return FOLLOW_FAILED;
	case PX_EVENT_LOST:
		px_complain("%s", event->lost.text);
		return FOLLOW_FAILED;
	case PX_EVENT_CLOSED:
		return FOLLOW_OVER;
	case PX_EVENT_ANSWER:
	case PX_EVENT_STARTED:
		break;
	}
	return FOLLOW_ON;
}

/* Events up to number 'until_seq', or without end; what they come to. */
static int
follow_until(struct logs *logs, int64_t until_seq)
{
	int state = FOLLOW_ON;
	struct px_event *event;
	struct px_error err;
	int64_t seq = 0;

	while (state == FOLLOW_ON && seq < until_seq) {
		if ((event = px_client_next(logs->client, NULL, -1, &err)) == NULL) {
			px_complain("%s", err.text);
			return FOLLOW_FAILED;
		}
		if (event->seq > seq)
			seq = event->seq;
		state = follow_on_event(logs, event);
		px_event_free(event);
		fflush(stdout);
		if (ferror(stdout))
			return FOLLOW_FAILED;
	}
	return state;
}

/* The missing bytes lie in what is kept: when that is through, all of them are told. */
static int
follow(struct logs *logs, int64_t after_seq)
{
	struct px_error err;
	struct px_answer *answer = px_cli_await(logs->client,
	    px_client_subscribe(logs->client, logs->session, after_seq, &err), PX_CLI_ANSWER_MS,
	    logs->session, &err);
	int64_t kept, lost;
	int state;

	if (answer == NULL)
		return -1;
	kept = answer->subscribe.next_seq - 1;
	lost = answer->subscribe.lost_bytes;
	px_answer_free(answer);
	state = kept > after_seq ? follow_until(logs, kept) : FOLLOW_ON;
	put_lost(logs, lost);
	if (state == FOLLOW_ON)
		state = follow_until(logs, INT64_MAX);
	return state == FOLLOW_OVER ? 0 : -1;
}

/* ---- the command ---- */

static int
cmd_logs(const struct px_cli_call *call)
{
	const struct logs_options *options = call->options;
	struct logs logs = { .session = call->operands[0], .json = call->common.json };
	int result;

	if ((logs.client = px_cli_client(call, logs.session)) == NULL)
		return PX_EXIT_FAILED;
	px_output_init(&logs.output, logs.session, options->since_seq == 0);
	px_page_open(&logs.page);
	result = options->follow ? follow(&logs, options->since_seq)
				 : print_kept(&logs, options->since_seq);
	px_page_close(&logs.page);
	px_client_free(logs.client);
	return result == 0 ? EXIT_SUCCESS : PX_EXIT_FAILED;
}

static const struct px_cli_option options[] = {
	{ 'f', "follow", PX_OPTION_FLAG, offsetof(struct logs_options, follow), .value = 1,
	    .help = "go on with what comes, until the session is closed" },
	{ 0, "since-seq", PX_OPTION_NUMBER, offsetof(struct logs_options, since_seq), .min = 0,
	    .max = PX_SEQ_MAX, .argument = "N", .help = "only what came after number N" },
	{ 0 },
};

const struct px_cli_command px_cmd_logs = {
	.name = "logs",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.options = options,
	.options_size = sizeof(struct logs_options),
	.summary = "Prints a session's output",
	.help = "As the program wrote it; what it wrote to stderr to stderr. Of much output the\n"
		"middle is not kept: stderr tells where it is missing and how much. With -f, a\n"
		"reader that is slower than the program holds the program up.\n"
		"\n"
		"--json prints an object per line: output {seq, stream, offset, text or base64};\n"
		"with -f also the end {seq, exitCode, signal, cause} and, where the server had to\n"
		"leave out something, {skippedBytes, nextSeq}. Bytes that are not UTF-8 (a\n"
		"character may be cut) come as base64.\n",
	.run = cmd_logs,
};

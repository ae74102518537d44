#include <stdlib.h>

#include <ptyexec/client.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/page.h"
#include "cli/request.h"

static void
put_stream(struct px_json_out *json, enum px_stream stream, const struct px_kept_stream *kept)
{
	px_json_key(json, px_stream_name(stream));
	px_json_open(json);
	px_page_bytes(json, kept->data, kept->len);
	px_json_kv_int(json, "totalBytes", kept->total);
	px_json_kv_int(json, "omittedBytes", kept->omitted_bytes);
	px_page_number(json, "omittedOffset", kept->omitted_bytes > 0, kept->omitted_offset);
	px_json_close(json);
}

static int
print_json(const struct px_snapshot *snapshot)
{
	struct px_page page;

	px_page_open(&page);
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		put_stream(page.json, (enum px_stream)i, &snapshot->stream[i]);
	px_json_kv_bool(page.json, "truncated", snapshot->truncated);
	px_json_kv_bool(page.json, "running", snapshot->running);
	px_page_end(page.json, snapshot->exited, &snapshot->end);
	px_json_kv_int(page.json, "nextSeq", snapshot->next_seq);
	px_page_print(&page);
	px_page_close(&page);
	return EXIT_SUCCESS;
}

/* The beginning, and, with a word about what is missing before it, the end. */
static int
print_stream(struct px_output *output, enum px_stream stream, const struct px_kept_stream *kept)
{
	const char *data = kept->data;
	size_t head = kept->len;

	if (kept->omitted_bytes > 0 && (size_t)kept->omitted_offset < kept->len)
		head = (size_t)kept->omitted_offset;
	if (px_output_put(output, stream, 0, data, head) == -1)
		return -1;
	return px_output_put(
	    output, stream, (int64_t)head + kept->omitted_bytes, data + head, kept->len - head);
}

static int
print(const struct px_snapshot *snapshot, const char *session)
{
	struct px_output output;

	px_output_init(&output, session, true);
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		if (print_stream(&output, (enum px_stream)i, &snapshot->stream[i]) == -1)
			return PX_EXIT_FAILED;
	return EXIT_SUCCESS;
}

static int
cmd_snapshot(const struct px_cli_call *call)
{
	const char *session = call->operands[0];
	struct px_client *client = px_cli_client(call, session);
	struct px_answer *answer;
	struct px_error err;
	int status = PX_EXIT_FAILED;

	if (client == NULL)
		return PX_EXIT_FAILED;
	answer = px_cli_await(
	    client, px_client_snapshot(client, session, &err), PX_CLI_ANSWER_MS, session, &err);
	if (answer != NULL)
		status = call->common.json ? print_json(&answer->snapshot)
					   : print(&answer->snapshot, session);
	px_answer_free(answer);
	px_client_free(client);
	return status;
}

const struct px_cli_command px_cmd_snapshot = {
	.name = "snapshot",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.summary = "Prints what is kept of a session's output, stream by stream",
	.help =
	    "All of stdout (or the terminal), then all of stderr to stderr, as of one moment;\n"
	    "'ptyexec logs' has them in the order in which they came. --json has the state too;\n"
	    "bytes are \"text\", or \"base64\" where they are not UTF-8.\n",
	.run = cmd_snapshot,
};

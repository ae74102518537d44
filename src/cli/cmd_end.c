#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include <ptyexec/client.h>

#include "cli/command.h"
#include "cli/request.h"

/* Commands about the end of sessions, one or several. */

/* ---- kill ---- */

struct kill_options {
	int64_t grace_ms; /* 0: the server's own */
	int force;
};

/* As many as may be asked at once are, so that all of them take no longer than one. */
static int
kill_all(struct px_client *client, char *const *sessions, int n, int64_t grace_ms)
{
	int64_t requests[PX_CLIENT_CAPACITY];
	struct px_error errs[PX_CLIENT_CAPACITY];
	int status = EXIT_SUCCESS, count;

	for (; n > 0; sessions += count, n -= count) {
		count = n < PX_CLIENT_CAPACITY ? n : PX_CLIENT_CAPACITY;
		for (int i = 0; i < count; i++)
			requests[i] = px_client_terminate(client, sessions[i], grace_ms, &errs[i]);
		for (int i = 0; i < count; i++)
			if (px_cli_settle(client, requests[i], -1, sessions[i], &errs[i]) == -1)
				status = PX_EXIT_FAILED;
	}
	return status;
}

static int
cmd_kill(const struct px_cli_call *call)
{
	const struct kill_options *options = call->options;
	struct px_client *client;
	int64_t grace_ms = options->grace_ms > 0 ? options->grace_ms : PX_TERMINATE_GRACE;
	int status;

	if (options->force && options->grace_ms > 0) {
		px_complain("--force gives no --grace");
		return PX_EXIT_USAGE;
	}
	if ((client = px_cli_client(call, call->operands[0])) == NULL)
		return PX_EXIT_FAILED;
	status = kill_all(client, call->operands, call->noperands,
	    options->force ? PX_TERMINATE_FORCE : grace_ms);
	px_client_free(client);
	return status;
}

static const struct px_cli_option kill_rows[] = {
	{ 0, "grace", PX_OPTION_SECONDS, offsetof(struct kill_options, grace_ms), .min = 1,
	    .argument = "SECONDS", .help = "from asking to killing; without it, the server's (5)" },
	{ 0, "force", PX_OPTION_FLAG, offsetof(struct kill_options, force), .value = 1,
	    .help = "SIGKILL at once" },
	{ 0 },
};

const struct px_cli_command px_cmd_kill = {
	.name = "kill",
	.operands = "NAME...",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.flags = PX_CLI_TARGET,
	.options = kill_rows,
	.options_size = sizeof(struct kill_options),
	.summary = "Ends sessions: everything that runs in them",
	.help =
	    "SIGTERM, to a terminal SIGHUP too; SIGKILL for those that are left after the grace.\n"
	    "Returns when the programs are gone. The sessions stay known; 'ptyexec rm' forgets\n"
	    "them.\n",
	.run = cmd_kill,
};

/* ---- rm ---- */

struct rm_options {
	int force;
};

/* Killed, and waited for: 0 also when it did not run any more. */
static int
end(struct px_client *client, const char *session)
{
	struct px_error err;
	struct px_answer *answer;

	if (px_cli_settle(client, px_client_terminate(client, session, PX_TERMINATE_FORCE, &err),
		PX_CLI_ANSWER_MS, session, &err) == -1)
		return -1;
	answer =
	    px_cli_await(client, px_client_wait(client, session, NULL, &err), -1, session, &err);
	px_answer_free(answer);
	return answer != NULL ? 0 : -1;
}

static int
forget(struct px_client *client, const char *session)
{
	struct px_error err;

	return px_cli_settle(
	    client, px_client_release(client, session, &err), PX_CLI_ANSWER_MS, session, &err);
}

static int
cmd_rm(const struct px_cli_call *call)
{
	const struct rm_options *options = call->options;
	struct px_client *client = px_cli_client(call, call->operands[0]);
	int status = EXIT_SUCCESS;

	if (client == NULL)
		return PX_EXIT_FAILED;
	for (char *const *session = call->operands; *session != NULL; session++)
		if ((options->force && end(client, *session) == -1) ||
		    forget(client, *session) == -1)
			status = PX_EXIT_FAILED;
	px_client_free(client);
	return status;
}

static const struct px_cli_option rm_rows[] = {
	{ 'f', "force", PX_OPTION_FLAG, offsetof(struct rm_options, force), .value = 1,
	    .help = "kill what still runs" },
	{ 0 },
};

const struct px_cli_command px_cmd_rm = {
	.name = "rm",
	.operands = "NAME...",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.flags = PX_CLI_TARGET,
	.options = rm_rows,
	.options_size = sizeof(struct rm_options),
	.summary = "Forgets sessions that have ended, and their output",
	.help = "The names are free again. One that runs is refused, and the others are forgotten\n"
		"all the same.\n",
	.run = cmd_rm,
};

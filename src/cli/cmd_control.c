#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bsd/stdlib.h>

#include <ptyexec/client.h>

#include "cli/command.h"
#include "cli/request.h"

/* Commands of one short request about one session. */

/* ---- close-stdin ---- */

static int
cmd_close_stdin(const struct px_cli_call *call)
{
	const char *session = call->operands[0];
	struct px_client *client = px_cli_client(call, session);
	struct px_error err;
	int result;

	if (client == NULL)
		return PX_EXIT_FAILED;
	result = px_cli_settle(
	    client, px_client_close_stdin(client, session, &err), PX_CLI_ANSWER_MS, session, &err);
	px_client_free(client);
	return result == 0 ? EXIT_SUCCESS : PX_EXIT_FAILED;
}

const struct px_cli_command px_cmd_close_stdin = {
	.name = "close-stdin",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET,
	.summary = "Ends a session's input",
	.help = "A pipe is closed; a terminal gets its end-of-file character, usually ^D, which\n"
		"counts at the beginning of a line.\n",
	.run = cmd_close_stdin,
};

/* ---- resize ---- */

static bool
size_parse(const char *text, uint16_t *out_rows, uint16_t *out_cols)
{
	const char *row_error = NULL, *col_error = NULL;
	char *copy = strdup(text), *cols = copy != NULL ? strchr(copy, 'x') : NULL;
	bool parsed = false;

	if (cols != NULL) {
		*cols++ = '\0';
		*out_rows = (uint16_t)strtonum(copy, 1, UINT16_MAX, &row_error);
		*out_cols = (uint16_t)strtonum(cols, 1, UINT16_MAX, &col_error);
		parsed = row_error == NULL && col_error == NULL;
	}
	free(copy);
	return parsed;
}

static int
cmd_resize(const struct px_cli_call *call)
{
	const char *session = call->operands[0];
	struct px_client *client;
	struct px_error err;
	uint16_t rows, cols;
	int result;

	if (!size_parse(call->operands[1], &rows, &cols)) {
		px_complain(
		    "a size is ROWSxCOLS, each from 1 to 65535, not '%s'", call->operands[1]);
		return PX_EXIT_USAGE;
	}
	if ((client = px_cli_client(call, session)) == NULL)
		return PX_EXIT_FAILED;
	result = px_cli_settle(client, px_client_resize(client, session, rows, cols, &err),
	    PX_CLI_ANSWER_MS, session, &err);
	px_client_free(client);
	return result == 0 ? EXIT_SUCCESS : PX_EXIT_FAILED;
}

const struct px_cli_command px_cmd_resize = {
	.name = "resize",
	.operands = "NAME ROWSxCOLS",
	.min_operands = 2,
	.max_operands = 2,
	.flags = PX_CLI_TARGET,
	.summary = "Gives a session's terminal another size",
	.help = "Programs on it get SIGWINCH if the size has changed.\n",
	.run = cmd_resize,
};

/* ---- signal ---- */

enum { SIGNAL_SIZE = 16 };

/* "INT", "SIGINT", "int" and "2" are the same; what it is not is the server's to refuse. */
static void
signal_name(const char *text, char out[SIGNAL_SIZE])
{
	const char *error = NULL, *name = NULL;
	int number = (int)strtonum(text, 1, 64, &error);

	if (error == NULL)
		name = sigabbrev_np(number);
	if (name == NULL)
		name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	snprintf(out, SIGNAL_SIZE, "%s", name);
	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
}

static int
send_signal(struct px_client *client, const char *session, const char *name)
{
	struct px_error err;
	struct px_answer *answer = px_cli_await(
	    client, px_client_signal(client, session, name, &err), PX_CLI_ANSWER_MS, session, &err);
	bool delivered;

	if (answer == NULL)
		return PX_EXIT_FAILED;
	delivered = answer->signal.delivered;
	px_answer_free(answer);
	if (!delivered)
		px_complain("nobody is left in '%s' to get the signal", session);
	return delivered ? EXIT_SUCCESS : PX_EXIT_NO;
}

static int
cmd_signal(const struct px_cli_call *call)
{
	const char *session = call->operands[0];
	struct px_client *client = px_cli_client(call, session);
	char name[SIGNAL_SIZE];
	int status;

	if (client == NULL)
		return PX_EXIT_FAILED;
	signal_name(call->operands[1], name);
	status = send_signal(client, session, name);
	px_client_free(client);
	return status;
}

const struct px_cli_command px_cmd_signal = {
	.name = "signal",
	.operands = "NAME SIGNAL",
	.min_operands = 2,
	.max_operands = 2,
	.flags = PX_CLI_TARGET,
	.summary = "Sends a signal to a session's program",
	.help = "INT, SIGINT or 2. On a terminal it goes to the group in the foreground, as ^C\n"
		"does; on pipes to the program's group. Exit status: 1 when nobody was left.\n",
	.run = cmd_signal,
};

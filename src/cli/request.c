#include "cli/request.h"

#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connect.h"

/* What the kinds of refusal mean to somebody at a terminal, around the session's name. */
static const struct {
	const char *kind, *before, *after;
} refusals[] = {
	{ "unknownSession", "no session is named ", "; 'ptyexec ps -a' lists them" },
	{ "sessionRunning", "", " is still running; 'ptyexec kill' ends it, 'ptyexec rm -f' both" },
	{ "stdinClosed", "", " takes no more input" },
	{ "notATerminal", "", " has no terminal: it runs on pipes" },
};

void
px_cli_complain_of(const struct px_error *err, const char *session)
{
	if (err->code == PX_ERROR_TIMEOUT) {
		px_complain("the server does not answer");
		return;
	}
	for (size_t i = 0; session != NULL && i < sizeof refusals / sizeof refusals[0]; i++)
		if (strcmp(err->kind, refusals[i].kind) == 0) {
			px_complain("%s'%s'%s", refusals[i].before, session, refusals[i].after);
			return;
		}
	px_complain("%s", err->text);
}

struct px_client *
px_cli_client(const struct px_cli_call *call, const char *session)
{
	struct px_client *client;
	bool absent;

	client = px_cli_connect_running(&call->common.target, &absent);
	if (absent && session != NULL)
		px_complain("no session is named '%s': your server does not run", session);
	else if (absent)
		px_complain("your server does not run; 'ptyexec start' and 'ptyexec server start' "
			    "start it");
	return client;
}

struct px_answer *
px_cli_await(struct px_client *client, int64_t request, int timeout_ms, const char *session,
    struct px_error *err)
{
	struct px_answer *answer = px_client_await(client, request, timeout_ms, err);

	if (answer == NULL)
		px_cli_complain_of(err, session);
	return answer;
}

int
px_cli_settle(struct px_client *client, int64_t request, int timeout_ms, const char *session,
    struct px_error *err)
{
	if (px_client_settle(client, request, timeout_ms, err) == 0)
		return 0;
	px_cli_complain_of(err, session);
	return -1;
}

int
px_cli_start_status(const struct px_error *err)
{
	if (strcmp(err->kind, "spawnFailed") != 0 || strcmp(err->step, "exec") != 0)
		return PX_EXIT_FAILED;
	return err->sys == ENOENT ? PX_EXIT_NOT_FOUND : PX_EXIT_CANNOT_RUN;
}

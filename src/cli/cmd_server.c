#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <ptyexec/client.h>

#include "cli/command.h"
#include "cli/connect.h"
#include "cli/request.h"
#include "cli/server_facts.h"

enum { STOP_MS = 30000 };

struct server_options {
	int force;
};

/* ---- info ---- */

static struct px_answer *
ask_info(struct px_client *client)
{
	struct px_error err;

	return px_cli_await(client, px_client_info(client, &err), PX_CLI_ANSWER_MS, NULL, &err);
}

static int
print_info(const struct px_cli_call *call, struct px_client *client, bool limits)
{
	struct px_answer *answer = ask_info(client);
	char url[PX_CLI_URL_SIZE];

	if (answer == NULL)
		return PX_EXIT_FAILED;
	px_cli_url(&call->common.target, url);
	if (call->common.json)
		px_server_facts_print_json(&answer->info, url);
	else
		px_server_facts_print(&answer->info, url, limits);
	px_answer_free(answer);
	return EXIT_SUCCESS;
}

static int
cmd_info(const struct px_cli_call *call)
{
	struct px_client *client = px_cli_client(call, NULL);
	int status;

	if (client == NULL)
		return PX_EXIT_FAILED;
	status = print_info(call, client, true);
	px_client_free(client);
	return status;
}

const struct px_cli_command px_cmd_info = {
	.name = "info",
	.operands = "",
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.summary = "Tells what is known about the server",
	.help = "",
	.run = cmd_info,
};

/* ---- server ---- */

static int
server_start(const struct px_cli_call *call)
{
	struct px_client *client = px_cli_connect(&call->common.target);
	int status;

	if (client == NULL)
		return PX_EXIT_FAILED;
	status = print_info(call, client, false);
	px_client_free(client);
	return status;
}

/* 'absent' may be told as the answer, or was a failure that is told already. */
static int
not_running(const struct px_cli_call *call, bool absent)
{
	char url[PX_CLI_URL_SIZE];

	if (!absent)
		return PX_EXIT_FAILED;
	px_cli_url(&call->common.target, url);
	if (call->common.json)
		px_server_facts_print_json(NULL, url);
	else
		printf("your server does not run; it would listen on %s\n", url);
	return PX_EXIT_NO;
}

static int
server_status(const struct px_cli_call *call)
{
	bool absent;
	struct px_client *client = px_cli_connect_running(&call->common.target, &absent);
	int status;

	if (client == NULL)
		return not_running(call, absent);
	status = print_info(call, client, false);
	px_client_free(client);
	return status;
}

/*
 * The process that the server says it is, which cannot become another one: it
 * answers again after we have got hold of it. -1: told.
 */
static int
hold_server(struct px_client *client, bool force)
{
	struct px_answer *first = ask_info(client), *second;
	int fd = -1;

	if (first != NULL && first->info.running > 0 && !force)
		px_complain("sessions are running: %" PRId64 "; 'ptyexec server stop --force' ends "
			    "them too",
		    first->info.running);
	else if (first != NULL && (fd = pidfd_open((pid_t)first->info.pid, 0)) == -1)
		px_complain("cannot find the server's process: %s", strerror(errno));
	px_answer_free(first);
	if (fd == -1)
		return -1;
	second = ask_info(client);
	px_answer_free(second);
	if (second != NULL)
		return fd;
	close(fd);
	return -1;
}

static int
await_end(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int got;

	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) == -1 && errno != ESRCH) {
		px_complain("cannot end the server: %s", strerror(errno));
		return -1;
	}
	while ((got = poll(&pfd, 1, STOP_MS)) == -1 && errno == EINTR)
		;
	if (got > 0)
		return 0;
	px_complain("the server was told to end, and has not done so yet");
	return -1;
}

static int
server_stop(const struct px_cli_call *call)
{
	const struct server_options *options = call->options;
	bool absent;
	struct px_client *client = px_cli_connect_running(&call->common.target, &absent);
	int pidfd, result = -1;

	if (client == NULL)
		return absent ? EXIT_SUCCESS : PX_EXIT_FAILED;
	pidfd = hold_server(client, options->force);
	/* A connection would be waited for at the end. */
	px_client_free(client);
	if (pidfd != -1) {
		result = await_end(pidfd);
		close(pidfd);
	}
	return result == 0 ? EXIT_SUCCESS : PX_EXIT_FAILED;
}

static const struct {
	const char *name;
	int (*run)(const struct px_cli_call *call);
	bool own_only;
} verbs[] = {
	{ "start", server_start, true },
	{ "status", server_status, false },
	{ "stop", server_stop, true },
};

static int
cmd_server(const struct px_cli_call *call)
{
	const char *verb = call->operands[0];
	const struct server_options *options = call->options;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		if (verbs[i].own_only && call->common.target.url != NULL) {
			px_complain("'server %s' is about your own server, not about '%s'", verb,
			    call->common.target.url);
			return PX_EXIT_USAGE;
		}
		if (options->force && verbs[i].run != server_stop) {
			px_complain("'server %s' takes no --force", verb);
			return PX_EXIT_USAGE;
		}
		return verbs[i].run(call);
	}
	px_complain("'server' takes start, status or stop, not '%s'", verb);
	return PX_EXIT_USAGE;
}

static const struct px_cli_option options[] = {
	{ 0, "force", PX_OPTION_FLAG, offsetof(struct server_options, force), .value = 1,
	    .help = "stop: even if sessions run, which are ended" },
	{ 0 },
};

const struct px_cli_command px_cmd_server = {
	.name = "server",
	.operands = "start|status|stop",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.options = options,
	.options_size = sizeof(struct server_options),
	.summary = "Starts, shows or stops your own server",
	.help =
	    "It listens in $XDG_RUNTIME_DIR/ptyexec (without such a directory of yours: in\n"
	    "/tmp/ptyexec-UID), which nobody else may enter, and writes its log there. Commands\n"
	    "that start sessions start it. It ends when for a minute nobody was connected and\n"
	    "no session was known; of those that have exited, the last 256 are known for an\n"
	    "hour, or until they are removed. 'stop' asks running programs to end, and kills\n"
	    "them after 5 seconds.\n"
	    "\n"
	    "Exit status of 'status': 0 when it runs, 1 when it does not.\n",
	.run = cmd_server,
};

#include "cli/start.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/request.h"

enum { PROGRAM_MAX = 64, NAME_SIZE = PROGRAM_MAX + 16 };

enum outcome { STARTED, NAME_TAKEN, NOT_STARTED };

/*
 * A start in the same words finds the session that is there; who types it wants
 * a new one, so that the name is taken then too.
 */
static enum outcome
start(struct px_client *client, const struct px_command *command, struct px_answer **out,
    struct px_error *err)
{
	int64_t request = px_client_start(client, command, err);
	struct px_answer *answer = px_client_await(client, request, PX_CLI_ANSWER_MS, err);

	if (answer == NULL)
		return strcmp(err->kind, "sessionExists") == 0 ? NAME_TAKEN : NOT_STARTED;
	if (!answer->start.existing) {
		*out = answer;
		return STARTED;
	}
	px_client_forget(client, px_client_unsubscribe(client, command->session, err));
	px_answer_free(answer);
	return NAME_TAKEN;
}

static int
report(enum outcome outcome, const struct px_error *err, const char *name)
{
	if (outcome == NAME_TAKEN) {
		px_complain(
		    "a session is named '%s' already; choose another name, or make this one "
		    "free with 'ptyexec rm -f'",
		    name);
		return PX_EXIT_FAILED;
	}
	px_cli_complain_of(err, name);
	return px_cli_start_status(err);
}

/* ---- names ---- */

/* "PROGRAM-N", as far as a name may have it. */
static void
name_make(const char *program, unsigned n, char out[NAME_SIZE])
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._:-";
	const char *slash = strrchr(program, '/');

	snprintf(out, NAME_SIZE, "%.*s-%u", PROGRAM_MAX, slash != NULL ? slash + 1 : program, n);
	for (char *c = out + strspn(out, fine); *c != '\0'; c += strspn(c, fine))
		*c = '-';
}

static bool
is_listed(const struct px_list *list, const char *name)
{
	for (size_t i = 0; i < list->nrows; i++)
		if (strcmp(list->rows[i].session, name) == 0)
			return true;
	return false;
}

/* With the first name that is free, though others may be looking for one too. */
static enum outcome
start_unnamed(struct px_client *client, const struct px_command *command,
    const struct px_list *list, struct px_answer **out, struct px_error *err)
{
	struct px_command named = *command;
	enum outcome outcome = NAME_TAKEN;
	char name[NAME_SIZE];

	named.session = name;
	for (unsigned n = 1; outcome == NAME_TAKEN; n++) {
		name_make(command->argv[0], n, name);
		if (!is_listed(list, name))
			outcome = start(client, &named, out, err);
	}
	return outcome;
}

struct px_answer *
px_cli_start(struct px_client *client, const struct px_command *command, int *out_status)
{
	struct px_answer *started = NULL, *list;
	enum outcome outcome;
	struct px_error err;

	if (command->session != NULL) {
		outcome = start(client, command, &started, &err);
	} else {
		list = px_cli_await(
		    client, px_client_list(client, &err), PX_CLI_ANSWER_MS, NULL, &err);
		if (list == NULL) {
			*out_status = PX_EXIT_FAILED;
			return NULL;
		}
		outcome = start_unnamed(client, command, &list->list, &started, &err);
		px_answer_free(list);
	}
	if (outcome != STARTED)
		*out_status = report(outcome, &err, command->session);
	return started;
}

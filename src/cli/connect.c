#include "cli/connect.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "cli/command.h"
#include "cli/own_daemon.h"
#include "cli/own_folder.h"
#include "px_version.h"

enum { ATTEMPTS = 3 };

void
px_cli_url(const struct px_cli_target *target, char out[PX_CLI_URL_SIZE])
{
	struct px_own_folder folder;

	if (target->url != NULL) {
		strlcpy(out, target->url, PX_CLI_URL_SIZE);
	} else if (px_own_folder_find(&folder) == 0) {
		strlcpy(out, folder.url, PX_CLI_URL_SIZE);
	} else {
		*out = '\0';
	}
}

static struct px_client *
attempt(const char *url, const struct px_cli_target *target, struct px_error *err)
{
	struct px_client_options options;
	struct px_client *client;

	px_client_options_init(&options);
	options.version = PX_VERSION;
	options.workspace = target->workspace;
	/* A unix socket's connection ends with the server, and its sessions do too. */
	options.no_recovery = target->once || strncmp(url, "unix://", strlen("unix://")) == 0;
	if (target->attached) {
		options.answer_events = true;
		options.queue_bytes = PX_CLI_ATTACHED_QUEUE;
	}
	return px_client_connect(url, &options, &client, err) == 0 ? client : NULL;
}

/*
 * Nobody is there: no socket, one that a killed server has left, or a server
 * that was just ending because nobody needed it.
 */
static bool
is_absent(const struct px_error *err)
{
	return err->code == PX_ERROR_LOST ||
	       (err->code == PX_ERROR_CONNECT && (err->sys == ENOENT || err->sys == ECONNREFUSED ||
						     err->sys == ECONNRESET || err->sys == EPIPE));
}

static void
complain(const char *url, const struct px_error *err)
{
	if (strstr(err->text, url) != NULL)
		px_complain("%s", err->text);
	else
		px_complain("%s: %s", url, err->text);
}

/* With the lock, nobody else starts one: then it is missing for good, or has come meanwhile. */
static struct px_client *
connect_or_start(
    const struct px_own_folder *folder, const struct px_cli_target *target, struct px_error *err)
{
	struct px_client *client = NULL;
	int lock = px_own_folder_lock(folder);

	if (lock == -1)
		return NULL;
	for (int i = 0; i < ATTEMPTS; i++) {
		if ((client = attempt(folder->url, target, err)) != NULL)
			break;
		if (!is_absent(err) || i == ATTEMPTS - 1) {
			complain(folder->url, err);
			break;
		}
		if (px_own_daemon_start(folder) == -1)
			break;
	}
	close(lock);
	return client;
}

static struct px_client *
connect_own(const struct px_cli_target *target, bool *out_absent)
{
	struct px_own_folder folder;
	struct px_client *client;
	struct px_error err;

	if (px_own_folder_open(&folder, out_absent) == -1)
		return NULL;
	if ((client = attempt(folder.url, target, &err)) == NULL) {
		if (!is_absent(&err))
			complain(folder.url, &err);
		else if (out_absent != NULL)
			*out_absent = true;
		else
			client = connect_or_start(&folder, target, &err);
	}
	px_own_folder_close(&folder);
	return client;
}

static struct px_client *
connect_url(const struct px_cli_target *target)
{
	struct px_error err;
	struct px_client *client = attempt(target->url, target, &err);

	if (client == NULL)
		complain(target->url, &err);
	return client;
}

struct px_client *
px_cli_connect(const struct px_cli_target *target)
{
	return target->url != NULL ? connect_url(target) : connect_own(target, NULL);
}

struct px_client *
px_cli_connect_running(const struct px_cli_target *target, bool *out_absent)
{
	*out_absent = false;
	return target->url != NULL ? connect_url(target) : connect_own(target, out_absent);
}

#ifndef PX_CLI_CONNECT_H
#define PX_CLI_CONNECT_H

#include <stdbool.h>

#include <ptyexec/client.h>

#include "cli/options.h"

/*
 * A client of the server that 'target' names, in its workspace; freed with
 * px_client_free(). NULL: why not was told.
 */

/* Its URL, possibly cut; for the user's own server where it would be. */
enum { PX_CLI_URL_SIZE = 256 };
void px_cli_url(const struct px_cli_target *target, char out[PX_CLI_URL_SIZE]);

/*
 * How much may be on its way from a server of ours to one client, and how much
 * of that wait here: little, so that after a ^C little comes that is old.
 */
#define PX_CLI_HIGH_WATER "131072"
enum { PX_CLI_ATTACHED_QUEUE = 64 * 1024 };

/* The user's own server is started when it does not run. */
struct px_client *px_cli_connect(const struct px_cli_target *target);

/*
 * It is not: then '*out_absent' is true and nothing was told. For commands
 * that can do nothing with a server that has just begun.
 */
struct px_client *px_cli_connect_running(const struct px_cli_target *target, bool *out_absent);

#endif

#ifndef PX_CLI_START_H
#define PX_CLI_START_H

#include <ptyexec/client.h>

/*
 * Starts 'command' under its name, or without one under the first that is free
 * of PROGRAM-1, PROGRAM-2 and so on. The answer, which the caller frees; or
 * NULL: why not was told, and '*out_status' is the exit status for that.
 */
struct px_answer *px_cli_start(
    struct px_client *client, const struct px_command *command, int *out_status);

#endif

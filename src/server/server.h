#ifndef PX_SERVER_SERVER_H
#define PX_SERVER_SERVER_H

#include "base/err.h"

struct px_config;
struct px_log;

/*
 * The daemon: owns the loop, the listeners, the connections and the execution
 * core, and ends them in order.
 */
struct px_server;

/*
 * Opens every listener of 'config' (borrowed, as is 'log'). PX_E_USAGE: an
 * address or a setting is wrong; PX_E_IO: the system refused. On failure
 * nothing stays open.
 */
int px_server_new(const struct px_config *config, const struct px_log *log, struct px_server **out,
    struct px_err *err);

/* Announces the listeners on stderr and serves until SIGTERM, SIGINT, SIGHUP, or the end of a lone
 * stdio connection. */
void px_server_run(struct px_server *server);

void px_server_free(struct px_server *server); /* takes NULL */

#endif

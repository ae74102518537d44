#ifndef PX_SERVER_FRONT_H
#define PX_SERVER_FRONT_H

#include "base/err.h"
#include "rpc/rpc.h"
#include "server/web.h"

struct event_base;
struct px_config;
struct px_core;
struct px_log;
struct px_loop_watch;
struct px_net;

/* What clients meet: the connections, what they speak, and the answers to plain HTTP. */
struct px_front {
	struct px_net *net;
	struct px_loop_watch *watch;
	struct px_rpc rpc;
	struct px_web web;
};

/*
 * Fills 'front', whose address must stay; all arguments are borrowed until
 * px_front_close(). PX_E_IO: the key file or the threads for files can't be
 * had; px_front_close() is due after a failure too.
 */
int px_front_open(struct px_front *front, struct event_base *base, struct px_core *core,
    const struct px_config *config, const struct px_log *log, struct px_err *err);

/* Ends every connection; before the core goes. Does nothing to one that is all zeros. */
void px_front_close(struct px_front *front);

#endif

#ifndef PX_RIG_H
#define PX_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What tests of the client library share: a real server, and a proxy that loses
 * connections. Whatever goes wrong here ends the test with a message.
 */

_Noreturn void rig_die(const char *what);            /* errno says why */
const char *rig_program(const char *variable);       /* that it names, as $PTYEXECD */
const char *rig_child(void);                         /* tests/child.c */
int rig_number(const char *variable, int otherwise); /* from 1; what the environment says */
int rig_ms(int ms);                                  /* stretched by $PX_TIME_SCALE */

/* ---- a server ---- */

struct rig_server {
	pid_t pid;
	int log; /* what it says on stderr */
	char dir[64], path[80], unix_url[96], ws_url[64];
};

/* Returns when it listens, on a unix socket and on a WebSocket. 'flags' may be NULL. */
void rig_server_start(struct rig_server *server, const char *const *flags);

/* It must end in order. */
void rig_server_stop(struct rig_server *server);

/* kill -9 and another one on the same unix socket. */
void rig_server_restart(struct rig_server *server, const char *const *flags);

/* For the children of this process: where it is. */
enum rig_socket { RIG_UNIX, RIG_WS };
void rig_server_share(const struct rig_server *server);
const char *rig_url(enum rig_socket kind);

/* ---- a proxy ---- */

enum rig_way { RIG_UP, RIG_DOWN }; /* to the server, to the client */

struct rig_proxy;

/* In front of a unix:// or ws:// URL, on a socket of the same kind; a thread of its own. */
struct rig_proxy *rig_proxy_new(const char *upstream);
void rig_proxy_free(struct rig_proxy *proxy);
const char *rig_proxy_url(const struct rig_proxy *proxy);

/* Ends every connection now, on both sides; what was on its way is lost. */
void rig_proxy_cut(struct rig_proxy *proxy);

/* Nothing more goes this way, or it does again; also for connections to come. */
void rig_proxy_hold(struct rig_proxy *proxy, enum rig_way way, bool hold);

/* The present connections end in this direction, and live on in the other one. */
void rig_proxy_end(struct rig_proxy *proxy, enum rig_way way);

/* Whoever comes is hung up on at once. */
void rig_proxy_refuse(struct rig_proxy *proxy, bool refuse);

/* Ends each connection after between 'least' and 'most' bytes, counted over both ways. */
void rig_proxy_cut_randomly(struct rig_proxy *proxy, unsigned seed, size_t least, size_t most);

/* Those that have been made to the server so far; waits until there are so many. */
unsigned rig_proxy_connections(struct rig_proxy *proxy);
void rig_proxy_await_connections(struct rig_proxy *proxy, unsigned count);

/* Waits until so many have been refused. */
void rig_proxy_await_refused(struct rig_proxy *proxy, unsigned count);

#endif

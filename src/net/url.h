#ifndef PX_NET_URL_H
#define PX_NET_URL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/un.h>

#include "base/err.h"

/* Where a server listens: stdio://, unix://PATH, ws://IP:PORT. */

enum px_url_kind { PX_URL_STDIO, PX_URL_UNIX, PX_URL_WS };

struct px_url {
	enum px_url_kind kind;
	char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* UNIX */
	struct sockaddr_storage addr;                         /* WS */
	socklen_t addr_len;
};

/* PX_E_USAGE for anything else; the text says what was expected. */
int px_url_parse(const char *text, struct px_url *out, struct px_err *err);

/* "ws://127.0.0.1:4500", "ws://[::1]:4500", "unix:///run/x", "stdio://" into 'out'. */
void px_url_format(const struct px_url *url, char *out, size_t size);

bool px_addr_is_loopback(const struct sockaddr_storage *addr);

#endif

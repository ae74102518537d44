#ifndef PX_CLI_SERVER_FACTS_H
#define PX_CLI_SERVER_FACTS_H

#include <ptyexec/answer.h>

/* Tells about a server, with its limits or without. */
void px_server_facts_print(const struct px_server_info *info, const char *url, bool limits);

/* The members of server/info, and "url". NULL: "running" is false, and there is nothing else. */
void px_server_facts_print_json(const struct px_server_info *info, const char *url);

#endif

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <event2/buffer.h>

#include "client/address.h"
#include "client/link.h"

/* ws_client URL: sends back every message of the server there, and prints how it ended. */

static bool
send_back(void *arg, const char *text, size_t len)
{
	struct evbuffer *msg = evbuffer_new();

	evbuffer_add(msg, text, len);
	px_link_send(*(struct px_link **)arg, msg);
	evbuffer_free(msg);
	return true;
}

int
main(int argc, char **argv)
{
	struct pollfd pfd = { .fd = epoll_create1(EPOLL_CLOEXEC), .events = POLLIN };
	struct px_address *address = NULL;
	struct px_link *link = NULL;
	struct px_error err = { 0 };

	if (argc != 2 || px_address_parse(argv[1], &address, &err) == -1 ||
	    px_link_open(address, pfd.fd, NULL, &link, &err) == -1) {
		(void)fprintf(stderr, "ws_client: %s\n", argc == 2 ? err.text : "no URL");
		px_address_free(address);
		return EXIT_FAILURE;
	}
	while (px_link_step(link, send_back, &link, &err) == 0)
		(void)poll(&pfd, 1, -1);
	puts(err.text);
	px_link_close(link);
	px_address_free(address);
	return EXIT_SUCCESS;
}

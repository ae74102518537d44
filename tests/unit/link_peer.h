#ifndef LINK_PEER_H
#define LINK_PEER_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "cases.h"
#include "client/address.h"
#include "client/link.h"
#include "wire/framer.h"

/* A link that is driven by a test, and servers for it to talk to. */

enum { WAIT_MS = 20000, ECHO_MAX = 128 * 1024 * 1024 };

/* ---- the link ---- */

struct near {
	int epfd;
	struct px_link *link;
	struct evbuffer *got; /* each message and a '\n' */
	size_t messages, bytes;
	bool has_ended;
	struct px_error err;
};

static inline bool
near_on_message(void *arg, const char *text, size_t len)
{
	struct near *near = arg;

	near->messages++;
	near->bytes += len;
	evbuffer_add(near->got, text, len);
	evbuffer_add(near->got, "\n", 1);
	return true;
}

static inline struct near
near_new(void)
{
	return (struct near){ .epfd = epoll_create1(EPOLL_CLOEXEC), .got = evbuffer_new() };
}

/* Begins; false: it failed at once, and 'err' says why. */
static inline bool
near_open_with(struct near *near, const char *url, const char *ca_file)
{
	const struct px_link_options options = { ca_file };
	struct px_address *address;

	*near = near_new();
	ck_assert_msg(px_address_parse(url, &address, &near->err) == 0, "%s", near->err.text);
	near->has_ended =
	    px_link_open(address, near->epfd, &options, &near->link, &near->err) == -1;
	px_address_free(address);
	return !near->has_ended;
}

static inline void
near_open(struct near *near, const char *url)
{
	ck_assert_msg(near_open_with(near, url, NULL), "%s", near->err.text);
}

static inline void
near_close(struct near *near)
{
	struct pollfd pfd = { near->epfd, POLLIN, 0 };

	px_link_close(near->link);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	close(near->epfd);
	evbuffer_free(near->got);
}

/* Waits until there is something to do, and does it. */
static inline void
near_turn(struct near *near)
{
	struct pollfd pfd = { near->epfd, POLLIN, 0 };

	ck_assert_msg(poll(&pfd, 1, WAIT_MS) == 1, "nothing to do");
	near->has_ended = px_link_step(near->link, near_on_message, near, &near->err) == -1;
}

/* Does what there is to do now. */
static inline void
near_settle(struct near *near)
{
	struct pollfd pfd = { near->epfd, POLLIN, 0 };

	while (!near->has_ended && poll(&pfd, 1, 0) == 1)
		near_turn(near);
}

static inline void
near_until_open(struct near *near)
{
	while (!px_link_is_open(near->link)) {
		near_turn(near);
		ck_assert_msg(!near->has_ended, "%s", near->err.text);
	}
}

static inline void
near_until_messages(struct near *near, size_t n)
{
	while (near->messages < n) {
		near_turn(near);
		ck_assert_msg(!near->has_ended || near->messages >= n, "%s", near->err.text);
	}
}

static inline void
near_until_sent(struct near *near)
{
	while (px_link_unsent(near->link) > 0) {
		near_turn(near);
		ck_assert_msg(!near->has_ended, "%s", near->err.text);
	}
}

static inline void
near_must_end(struct near *near, enum px_error_code code, int sys, const char *part)
{
	while (!near->has_ended)
		near_turn(near);
	ck_assert_msg(strstr(near->err.text, part) != NULL, "%s", near->err.text);
	ck_assert_int_eq(near->err.code, code);
	ck_assert_int_eq(near->err.sys, sys);
}

static inline void
near_say(struct near *near, const void *text, size_t len)
{
	struct evbuffer *msg = evbuffer_new();

	evbuffer_add(msg, text, len);
	px_link_send(near->link, msg);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	evbuffer_free(msg);
}

static inline void
near_must_have(struct near *near, const char *text)
{
	evbuffer_add(near->got, "", 1);
	ck_assert_str_eq((char *)evbuffer_pullup(near->got, -1), text);
	evbuffer_drain(near->got, evbuffer_get_length(near->got));
}

/* ---- sockets ---- */

/* A bound socket on 127.0.0.1; 'backlog' -1: it does not listen. */
static inline int
far_listen(int backlog, unsigned *out_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	if (backlog >= 0)
		ck_assert_int_eq(listen(fd, backlog), 0);
	*out_port = ntohs(addr.sin_port);
	return fd;
}

/* ---- a server that sends back what it is told, as a WebSocket, maybe over TLS ---- */

struct echo {
	int listener;
	unsigned port;
	SSL_CTX *tls; /* NULL: none */
	pthread_t thread;
	struct px_framer *framer;
	struct evbuffer *out;
	bool agreed;       /* TLS was set up, or is not wanted */
	bool said_goodbye; /* a close frame came */
	bool notified;     /* and a close_notify */
};

static inline bool
echo_on_message(void *arg, const char *text, size_t len)
{
	struct echo *echo = arg;
	struct evbuffer *msg = evbuffer_new();

	evbuffer_add(msg, text, len);
	px_framing_ws.wrap(echo->framer, msg, echo->out);
	evbuffer_free(msg);
	return true;
}

/* One read, one feed, and all that it gives is written. False: the end. */
static inline bool
echo_turn(struct echo *echo, int fd, SSL *ssl, struct evbuffer *in)
{
	static const struct px_framer_handler handler = { .message = echo_on_message };
	static char buf[1 << 17];
	enum px_feed result;
	struct px_err err;
	ssize_t n = ssl != NULL ? SSL_read(ssl, buf, sizeof buf) : read(fd, buf, sizeof buf);

	echo->notified =
	    n <= 0 && ssl != NULL && SSL_get_error(ssl, (int)n) == SSL_ERROR_ZERO_RETURN;
	if (n <= 0)
		return false;
	evbuffer_add(in, buf, (size_t)n);
	result = px_framing_ws.feed(echo->framer, in, echo->out, ECHO_MAX, &handler, echo, &err);
	echo->said_goodbye |= result == PX_FEED_CLOSE && err.code == PX_OK;
	while (evbuffer_get_length(echo->out) > 0) {
		n = evbuffer_copyout(echo->out, buf, sizeof buf);
		n = ssl != NULL ? SSL_write(ssl, buf, (int)n)
				: send(fd, buf, (size_t)n, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		evbuffer_drain(echo->out, (size_t)n);
	}
	evbuffer_drain(echo->out, evbuffer_get_length(echo->out));
	return true;
}

static inline void *
echo_main(void *arg)
{
	struct echo *echo = arg;
	struct evbuffer *in = evbuffer_new();
	SSL *ssl = NULL;
	sigset_t pipe;
	int fd;

	/* In this thread only: what the client does must not need it. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	fd = accept4(echo->listener, NULL, NULL, SOCK_CLOEXEC);
	if (echo->tls != NULL) {
		ssl = SSL_new(echo->tls);
		SSL_set_fd(ssl, fd);
	}
	echo->agreed = ssl == NULL || SSL_accept(ssl) == 1;
	while (echo->agreed && echo_turn(echo, fd, ssl, in))
		;
	SSL_free(ssl);
	close(fd);
	evbuffer_free(in);
	return NULL;
}

/* Takes over 'tls'. */
static inline void
echo_start(struct echo *echo, SSL_CTX *tls)
{
	*echo = (struct echo){ .tls = tls };
	echo->listener = far_listen(5, &echo->port);
	echo->framer = px_framing_ws.create();
	echo->out = evbuffer_new();
	ck_assert_int_eq(pthread_create(&echo->thread, NULL, echo_main, echo), 0);
}

/* Once the client has gone. */
static inline void
echo_stop(struct echo *echo)
{
	ck_assert_int_eq(pthread_join(echo->thread, NULL), 0);
	close(echo->listener);
	px_framing_ws.destroy(echo->framer);
	evbuffer_free(echo->out);
	SSL_CTX_free(echo->tls);
}

/* A message of 'size' bytes goes there and comes back as it was. */
static inline void
near_echoes(struct near *near, size_t size)
{
	char *text = malloc(size);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)(' ' + (i * 2654435761U >> 13) % 90);
	near_say(near, text, size);
	near_until_messages(near, near->messages + 1);
	ck_assert_uint_eq(near->bytes, size);
	ck_assert_uint_eq(evbuffer_get_length(near->got), size + 1);
	ck_assert(memcmp(evbuffer_pullup(near->got, -1), text, size) == 0);
	evbuffer_drain(near->got, size + 1);
	near->bytes = 0;
	free(text);
}

#endif

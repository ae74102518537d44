#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ptyexec/client.h>

#include "client/wire.h"

/* The other end of a client's connection, played by a test. */

#define GREETING                                                                              \
	"{\"id\":0,\"result\":{\"protocolVersion\":\"exec-server.v1\",\"limits\":"            \
	"{\"maxMessageBytes\":1048576},\"server\":{\"name\":\"ptyexecd\",\"version\":\"1\"}," \
	"\"resumeToken\":null}}\n"

enum { WAIT_MS = 10000, SHORT_MS = 50 };

struct peer {
	int fd;
	struct px_client_options options;
	struct px_client *client; /* NULL: it did not come about */
	struct px_error error;    /* why; and why the last call has failed */
	struct px_event *event;   /* the last one that was taken */
	struct px_answer *answer; /* the last one that was awaited */
};

static inline void
peer_says_bytes(const struct peer *peer, const char *data, size_t len)
{
	ck_assert_int_eq(send(peer->fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void
peer_says(const struct peer *peer, const char *text)
{
	peer_says_bytes(peer, text, strlen(text));
}

static inline void
peer_init(struct peer *peer)
{
	*peer = (struct peer){ 0 };
	px_client_options_init(&peer->options);
}

/* Lets a client greet a peer that has said 'len' bytes, and has closed if 'closed'. */
static inline void
peer_connect(struct peer *peer, const char *said, size_t len, bool closed)
{
	const struct px_daemon nobody = { .name = "peer" };
	int pair[2];

	/* What has come is read before the time is looked at. */
	peer->options.greeting_timeout_ms = SHORT_MS;
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	peer->fd = pair[1];
	peer_says_bytes(peer, said, len);
	if (closed)
		close(peer->fd);
	if (px_wire_client(NULL, pair[0], &nobody, &peer->options, &peer->client, &peer->error) ==
	    -1)
		ck_assert_int_ne(peer->error.code, PX_ERROR_NONE);
}

static inline void
peer_open(struct peer *peer, const char *said, size_t len, bool closed)
{
	peer_init(peer);
	peer_connect(peer, said, len, closed);
}

/* What was taken, and the client; the test has closed the descriptor. */
static inline void
peer_free(struct peer *peer)
{
	px_event_free(peer->event);
	px_answer_free(peer->answer);
	px_client_free(peer->client);
}

static inline void
peer_close(struct peer *peer)
{
	close(peer->fd);
	peer_free(peer);
}

/* A client, with the options that were set, that has been greeted; what it said is out of the way.
 */
static inline void
peer_greet(struct peer *peer)
{
	char greeting[1024];

	peer_connect(peer, GREETING, strlen(GREETING), false);
	ck_assert_msg(peer->client != NULL, "%s", peer->error.text);
	ck_assert_int_gt(recv(peer->fd, greeting, sizeof greeting, 0), 0);
}

static inline void
peer_ready(struct peer *peer)
{
	peer_init(peer);
	peer_greet(peer);
}

/* The text that the client has sent, which is small and there already. */
static inline const char *
peer_hears(const struct peer *peer, char *buf, size_t size)
{
	ssize_t n;

	px_client_step(peer->client);
	n = recv(peer->fd, buf, size - 1, 0);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	return buf;
}

/* Valid until the next one. */
static inline const struct px_event *
next_event(struct peer *peer, enum px_event_type type)
{
	px_event_free(peer->event);
	peer->event = px_client_next(peer->client, NULL, WAIT_MS, &peer->error);
	ck_assert_msg(peer->event != NULL, "%s", peer->error.text);
	ck_assert_int_eq(peer->event->type, type);
	return peer->event;
}

static inline void
no_event(struct peer *peer, enum px_error_code why)
{
	ck_assert_ptr_null(px_client_next(peer->client, NULL, 0, &peer->error));
	ck_assert_msg(peer->error.code == why, "%s", peer->error.text);
}

/* Valid until the next one. */
static inline const struct px_answer *
answered(struct peer *peer, int64_t request)
{
	px_answer_free(peer->answer);
	peer->answer = px_client_await(peer->client, request, WAIT_MS, &peer->error);
	ck_assert_msg(peer->answer != NULL, "%s", peer->error.text);
	ck_assert_int_eq(peer->answer->request, request);
	return peer->answer;
}

/* 'error' of the peer says more. */
static inline void
not_answered(struct peer *peer, int64_t request, int timeout_ms, enum px_error_code why)
{
	ck_assert_ptr_null(px_client_await(peer->client, request, timeout_ms, &peer->error));
	ck_assert_msg(peer->error.code == why, "%s", peer->error.text);
}

#endif

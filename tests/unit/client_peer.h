#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ptyexec/client.h>

#include "client/state.h"

/* The other end of a client's connection, played by a test. */

#define GREETING                                                                              \
	"{\"id\":1,\"result\":{\"protocolVersion\":\"exec-server.v1\",\"limits\":"            \
	"{\"maxMessageBytes\":1048576},\"server\":{\"name\":\"ptyexecd\",\"version\":\"1\"}," \
	"\"resumeToken\":null}}\n"

enum { WAIT_MS = 10000 };

struct peer {
	int fd;
	struct px_client *client; /* NULL: it did not come about */
	struct px_error error;    /* why */
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

/* Lets a client greet a peer that has said 'len' bytes, and has closed if 'closed'. */
static inline void
peer_open(struct peer *peer, const char *said, size_t len, bool closed)
{
	const struct px_client_options options = { .timeout_ms = closed ? WAIT_MS : 50 };
	const struct px_daemon nobody = { 0 };
	int pair[2];

	*peer = (struct peer){ 0 };
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	peer->fd = pair[1];
	peer_says_bytes(peer, said, len);
	if (closed)
		close(peer->fd);
	if (px_client_attach(pair[0], &nobody, &options, &peer->client, &peer->error) == -1)
		ck_assert_int_ne(peer->error.code, PX_ERROR_NONE);
}

static inline void
peer_close(struct peer *peer)
{
	close(peer->fd);
	px_client_free(peer->client);
}

/* A client that has been greeted; what it said is out of the way. */
static inline void
peer_ready(struct peer *peer)
{
	char greeting[1024];

	peer_open(peer, GREETING, strlen(GREETING), false);
	ck_assert_msg(peer->client != NULL, "%s", peer->error.text);
	ck_assert_int_gt(recv(peer->fd, greeting, sizeof greeting, 0), 0);
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

static inline const struct px_event *
next_event(const struct peer *peer, enum px_event_type type)
{
	struct px_error error = { 0 };
	const struct px_event *event = px_client_next(peer->client, WAIT_MS, &error);

	ck_assert_msg(event != NULL, "%s", error.text);
	ck_assert_int_eq(event->type, type);
	return event;
}

static inline void
no_event(const struct peer *peer, enum px_error_code why)
{
	struct px_error error = { 0 };

	ck_assert_ptr_null(px_client_next(peer->client, 0, &error));
	ck_assert_int_eq(error.code, why);
}

static inline int
run_cases(TCase *tc)
{
	Suite *suite = suite_create("client");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

#include "link_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../fuzz/asked.h"

/* ---- helpers ---- */

static const char *
ws_url(unsigned port, char buf[64])
{
	snprintf(buf, 64, "ws://127.0.0.1:%u/p?q", port);
	return buf;
}

/* A link to a listener of this test, and the other end of its connection with the request read. */
struct call {
	struct near near;
	int listener, fd;
	struct evbuffer *request;
};

/* Reads until 'wanted' bytes or the end of a head are in 'to', while the link does its part. */
static void
far_read(struct call *call, struct evbuffer *to, size_t wanted)
{
	char buf[4096];
	ssize_t n;

	while (wanted != 0 ? evbuffer_get_length(to) < wanted
			   : evbuffer_search(to, "\r\n\r\n", 4, NULL).pos < 0) {
		near_settle(&call->near);
		n = recv(call->fd, buf, sizeof buf, MSG_DONTWAIT);
		ck_assert(n > 0 || (n == -1 && errno == EAGAIN));
		if (n > 0)
			evbuffer_add(to, buf, (size_t)n);
	}
}

static void
call_begin(struct call *call)
{
	char url[64];
	unsigned port;

	*call = (struct call){ .listener = far_listen(5, &port), .request = evbuffer_new() };
	near_open(&call->near, ws_url(port, url));
	call->fd = accept4(call->listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ne(call->fd, -1);
	far_read(call, call->request, 0);
}

static void
far_send(struct call *call, const void *data, size_t len)
{
	ck_assert_int_eq(send(call->fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* 'text' with the right accept in place of ACCEPT. */
static void
far_answer(struct call *call, const char *text, size_t len)
{
	struct evbuffer *answer = fitted(call->request, text, len);

	far_send(call, evbuffer_pullup(answer, -1), evbuffer_get_length(answer));
	evbuffer_free(answer);
}

#define ANSWER(call, text) far_answer(call, text, sizeof(text) - 1)

static void
call_end(struct call *call)
{
	near_close(&call->near);
	if (call->fd != -1)
		close(call->fd);
	close(call->listener);
	evbuffer_free(call->request);
}

static void
far_hang_up(struct call *call)
{
	close(call->fd);
	call->fd = -1;
}

/* ---- reaching a server ---- */

START_TEST(test_refused)
{
	struct near near;
	char url[64];
	unsigned port;
	int fd = far_listen(-1, &port);

	near_open_with(&near, ws_url(port, url), NULL);
	near_must_end(&near, PX_ERROR_CONNECT, ECONNREFUSED, "cannot connect to ws://127.0.0.1:");
	ck_assert_ptr_nonnull(strstr(near.err.text, "/p: Connection refused"));
	near_close(&near);
	close(fd);
}
END_TEST

START_TEST(test_no_socket)
{
	struct near near;

	ck_assert(!near_open_with(&near, "unix:///nowhere/socket", NULL));
	near_must_end(&near, PX_ERROR_CONNECT, ENOENT,
	    "cannot connect to unix:///nowhere/socket: No such file");
	ck_assert_ptr_null(near.link);
	near_close(&near);
}
END_TEST

/* The places are tried in turn: here nobody is at the first two. */
START_TEST(test_next_place)
{
	struct near near = near_new();
	struct px_address *address;
	struct px_address_place *places;
	unsigned port, other;
	int nobody = far_listen(-1, &other), listener = far_listen(5, &port), fd;
	char url[64];

	ck_assert_int_eq(px_address_parse(ws_url(port, url), &address, NULL), 0);
	places = calloc(3, sizeof *places);
	places[2] = places[0] = address->places[0];
	((struct sockaddr_in *)&places[0].addr)->sin_port = htons((uint16_t)other);
	places[1].len = places[0].len; /* of no family that there is */
	free(address->places);
	address->places = places;
	address->nplaces = 3;
	ck_assert_int_eq(px_link_open(address, near.epfd, NULL, &near.link, &near.err), 0);
	px_address_free(address);
	near_settle(&near);
	ck_assert(!near.has_ended);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ne(fd, -1);
	near_close(&near);
	close(fd);
	close(listener);
	close(nobody);
}
END_TEST

/* Fills the queue of a listener; the sockets that did it. */
static size_t
fill_queue(const struct sockaddr *addr, socklen_t len, int *fds, size_t max)
{
	struct pollfd pfd;

	for (size_t n = 0; n < max; n++) {
		fds[n] = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		pfd = (struct pollfd){ fds[n], POLLOUT, 0 };
		/* On the loopback a connection is made within connect(2), or waits. */
		if (connect(fds[n], addr, len) == -1 && poll(&pfd, 1, 0) != 1)
			return n + 1;
		if (errno == EAGAIN)
			return n + 1;
	}
	ck_abort_msg("the queue has no end");
	return 0;
}

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Nobody answers; nothing is to be done until somebody does. */
START_TEST(test_no_answer)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct near near;
	struct pollfd pfd;
	unsigned port;
	int fds[16], listener = far_listen(0, &port), one;
	char url[64];
	size_t n;

	addr.sin_port = htons((uint16_t)port);
	errno = 0;
	n = fill_queue((struct sockaddr *)&addr, sizeof addr, fds, 16);
	near_open(&near, ws_url(port, url));
	pfd = (struct pollfd){ near.epfd, POLLIN, 0 };
	ck_assert_int_eq(poll(&pfd, 1, 50), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(px_link_step(near.link, near_on_message, &near, &near.err), 0);
	ck_assert(!px_link_is_open(near.link));
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	/* The kernel repeats what was dropped. */
	close_all(fds, n);
	for (int accepted = 0; accepted < 64 && poll(&pfd, 1, 0) == 0; accepted++) {
		one = accept(listener, NULL, NULL);
		ck_assert_int_ne(one, -1);
		close(one);
	}
	near_turn(&near);
	close(listener);
	near_close(&near);
}
END_TEST

/* A unix socket whose queue is full refuses; it is asked again. */
START_TEST(test_unix_queue)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/ptyexec-link-XXXXXX", url[sizeof addr.sun_path + 8];
	struct near near;
	int fds[16], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), one;
	size_t n;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", dir);
	snprintf(url, sizeof url, "unix://%s", addr.sun_path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	errno = 0;
	n = fill_queue((struct sockaddr *)&addr, sizeof addr, fds, 16);
	near_open(&near, url);
	near_say(&near, "hello", 5);
	for (int i = 0; i < 3; i++)
		near_turn(&near);
	ck_assert(!px_link_is_open(near.link));
	ck_assert_uint_eq(px_link_unsent(near.link), 6);
	for (size_t i = 0; i + 1 < n; i++)
		close(accept(listener, NULL, NULL));
	near_until_open(&near);
	near_until_sent(&near);
	one = accept(listener, NULL, NULL);
	ck_assert_int_eq(recv(one, url, sizeof url, 0), 6);
	ck_assert_mem_eq(url, "hello\n", 6);
	near_close(&near);
	close(one);
	close(listener);
	close_all(fds, n);
	unlink(addr.sun_path);
	rmdir(dir);
}
END_TEST

/* ---- the upgrade ---- */

static const struct {
	const char *answer;
	enum px_error_code code;
	const char *text;
} endings[] = {
	{ "", PX_ERROR_CONNECT, "hung up before the connection was open" },
	{ "HTTP/1.1 101 Switching Pro", PX_ERROR_CONNECT,
	    "hung up before the connection was open" },
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\ngo away\n", PX_ERROR_PEER,
	    "/p does not open a WebSocket: HTTP 403 Forbidden: go away" },
	{ "HTTP/1.1 502 Bad Gateway\r\n\r\nnobody", PX_ERROR_PEER,
	    "does not open a WebSocket: HTTP 502 Bad Gateway: nobody" },
	{ "{\"id\":1}\r\n\r\n", PX_ERROR_PEER,
	    "does not open a WebSocket: response does not begin" },
	{ SWITCHED, PX_ERROR_LOST, "the connection to the server was lost" },
	{ SWITCHED "\x83\x01", PX_ERROR_LOST, "the connection to the server was lost" },
	{ SWITCHED "\x83\x01x", PX_ERROR_PEER, "it breaks the protocol: frame has a reserved" },
	{ SWITCHED "\x88\x05\x03\xe9"
		   "bye",
	    PX_ERROR_LOST, "the server closed the connection with code 1001: bye" },
};

START_TEST(test_ending)
{
	struct call call;

	call_begin(&call);
	far_answer(&call, endings[_i].answer, strlen(endings[_i].answer));
	far_hang_up(&call);
	near_must_end(&call.near, endings[_i].code, 0, endings[_i].text);
	/* It stays so. */
	ck_assert_int_eq(px_link_step(call.near.link, near_on_message, &call.near, NULL), -1);
	call_end(&call);
}
END_TEST

START_TEST(test_reset)
{
	const struct linger now = { 1, 0 };
	struct call call;

	call_begin(&call);
	ck_assert_int_eq(setsockopt(call.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
	far_hang_up(&call);
	near_must_end(&call.near, PX_ERROR_CONNECT, ECONNRESET, "Connection reset by peer");
	call_end(&call);
}
END_TEST

/* Each byte is a turn of its own; what came before the end is handed out. */
START_TEST(test_bytes)
{
	static const char text[] = SWITCHED "\x81\x02hi\x01\x01\xc3\x89\x01x\x80\x01\xa4\x82\x00"
					    "\x81\x05"
					    "three\x88\x02\x03\xe8";
	struct call call;
	struct evbuffer *answer;

	call_begin(&call);
	answer = fitted(call.request, text, sizeof text - 1);
	while (evbuffer_get_length(answer) > 0) {
		far_send(&call, evbuffer_pullup(answer, 1), 1);
		evbuffer_drain(answer, 1);
		near_turn(&call.near);
	}
	near_must_end(&call.near, PX_ERROR_LOST, 0, "with code 1000");
	near_must_have(&call.near, "hi\n\xc3\xa4\n\nthree\n");
	evbuffer_free(answer);
	call_end(&call);
}
END_TEST

/* What was said before the upgrade follows it, in order, and before what is said afterwards. */
START_TEST(test_early)
{
	struct evbuffer *masked = evbuffer_new(), *plain = evbuffer_new();
	struct call call;

	call_begin(&call);
	near_say(&call.near, "one", 3);
	near_say(&call.near, "two", 3);
	ck_assert_uint_eq(px_link_unsent(call.near.link), 2 * (2 + 4 + 3));
	ck_assert_int_eq(recv(call.fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	ANSWER(&call, SWITCHED);
	near_until_open(&call.near);
	near_say(&call.near, "three", 5);
	px_link_ping(call.near.link);
	ck_assert_uint_eq(px_link_unsent(call.near.link), 0);
	far_read(&call, masked, 2 * 9 + 11 + 6);
	unmask(masked, plain);
	ck_assert_mem_eq(evbuffer_pullup(plain, -1), "\x81\x03one\x81\x03two\x81\x05three\x89", 19);
	evbuffer_free(masked);
	evbuffer_free(plain);
	call_end(&call);
}
END_TEST

/* Nothing wanted, nothing handed out and nothing to wake for; the upgrade goes on all the same. */
START_TEST(test_nothing_wanted)
{
	struct call call;
	struct pollfd pfd;

	call_begin(&call);
	pfd = (struct pollfd){ call.near.epfd, POLLIN, 0 };
	ANSWER(&call, SWITCHED "\x81\x02hi");
	while (!px_link_is_open(call.near.link)) {
		ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
		ck_assert_int_eq(px_link_step(call.near.link, NULL, NULL, &call.near.err), 0);
	}
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	ck_assert_int_eq(
	    px_link_step(call.near.link, near_on_message, &call.near, &call.near.err), 0);
	near_must_have(&call.near, "hi\n");
	call_end(&call);
}
END_TEST

/* ---- the end ---- */

START_TEST(test_goodbye)
{
	struct echo echo;
	struct near near;
	char url[64];

	echo_start(&echo, NULL);
	near_open(&near, ws_url(echo.port, url));
	near_until_open(&near);
	near_close(&near);
	echo_stop(&echo);
	ck_assert(echo.said_goodbye);
	px_link_close(NULL);
}
END_TEST

/* A peer that has gone: no signal, and what it had said comes first. */
START_TEST(test_adopted_ends)
{
	static const char text[] = "one\ntwo\nunfini";
	struct near near = near_new();
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(px_link_adopt(pair[0], near.epfd, &near.link, &near.err), 0);
	ck_assert(px_link_is_open(near.link));
	px_link_ping(near.link);
	ck_assert_uint_eq(px_link_unsent(near.link), 0);
	ck_assert_int_eq(write(pair[1], text, sizeof text - 1), (ssize_t)sizeof text - 1);
	close(pair[1]);
	for (int i = 0; i < 3; i++)
		near_say(&near, "anybody?", 8);
	near_must_end(&near, PX_ERROR_LOST, 0, "the connection to the server was lost");
	near_must_have(&near, "one\ntwo\n");
	near_close(&near);
}
END_TEST

/* What cannot be watched is refused, and closed. */
START_TEST(test_adopt_fails)
{
	struct near near = near_new();
	int file = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(px_link_adopt(file, near.epfd, &near.link, &near.err), -1);
	ck_assert_int_eq(near.err.code, PX_ERROR_SYSTEM);
	ck_assert_int_eq(near.err.sys, EPERM);
	ck_assert_int_eq(fcntl(file, F_GETFD), -1);
	near_close(&near);
}
END_TEST

/* ---- large messages ---- */

START_TEST(test_large)
{
	struct echo echo;
	struct near near;
	char url[64];

	echo_start(&echo, NULL);
	near_open(&near, ws_url(echo.port, url));
	near_echoes(&near, 1);
	near_echoes(&near, 125);
	near_echoes(&near, 126);
	near_echoes(&near, 65535);
	near_echoes(&near, 65536);
	near_echoes(&near, 64 * 1024 * 1024);
	near_close(&near);
	echo_stop(&echo);
	ck_assert(echo.said_goodbye);
}
END_TEST

/* ---- our own server ---- */

static const char *const listens[] = { "ws://127.0.0.1:0", "unix://" };

/* Starts a server, and reads from its stderr where it listens. */
static pid_t
server_start(const char *listen, char url[256])
{
	const char *argv[] = { getenv("PTYEXECD"), "--listen", listen, NULL };
	posix_spawn_file_actions_t actions;
	char line[512];
	const char *at;
	int pipes[2];
	FILE *lines;
	pid_t pid;

	ck_assert_ptr_nonnull(argv[0]);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	ck_assert_int_eq(
	    posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	lines = fdopen(pipes[0], "r");
	do
		ck_assert_ptr_nonnull(fgets(line, sizeof line, lines));
	while ((at = strstr(line, "listening on ")) == NULL);
	snprintf(url, 256, "%s", at + strlen("listening on "));
	url[strcspn(url, "\n")] = '\0';
	fclose(lines);
	return pid;
}

START_TEST(test_server)
{
	static const char hello[] =
	    "{\"id\":1,\"method\":\"initialize\",\"params\":"
	    "{\"clientName\":\"t\",\"protocolVersion\":\"exec-server.v1\"}}";
	static const char info[] = "{\"id\":2,\"method\":\"server/info\"}";
	char dir[] = "/tmp/ptyexec-link-XXXXXX", listen[64], url[256];
	struct near near;
	pid_t pid;
	int status;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(
	    listen, sizeof listen, "%s%s%s", listens[_i], _i == 1 ? dir : "", _i == 1 ? "/s" : "");
	pid = server_start(listen, url);
	near_open(&near, url);
	near_say(&near, hello, sizeof hello - 1);
	near_until_messages(&near, 1);
	near_say(&near, info, sizeof info - 1);
	near_until_messages(&near, 2);
	evbuffer_add(near.got, "", 1);
	ck_assert_ptr_nonnull(strstr(
	    (char *)evbuffer_pullup(near.got, -1), "\"protocolVersion\":\"exec-server.v1\""));
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	near_must_end(&near, PX_ERROR_LOST, 0, _i == 0 ? "with code 1001" : "was lost");
	near_close(&near);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("link");

	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_no_socket);
	tcase_add_test(tc, test_next_place);
	tcase_add_test(tc, test_no_answer);
	tcase_add_test(tc, test_unix_queue);
	tcase_add_loop_test(tc, test_ending, 0, sizeof endings / sizeof endings[0]);
	tcase_add_test(tc, test_reset);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_early);
	tcase_add_test(tc, test_nothing_wanted);
	tcase_add_test(tc, test_goodbye);
	tcase_add_test(tc, test_adopted_ends);
	tcase_add_test(tc, test_adopt_fails);
	tcase_add_test(tc, test_large);
	tcase_add_loop_test(tc, test_server, 0, sizeof listens / sizeof listens[0]);
	return run_cases(tc);
}

#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A client that costs as little as a client can, since its time is part of what
 * is measured: blocking reads into one buffer, no JSON parser.
 */

enum {
	BUFFER = 1024 * 1024,
	WS_HEADER_MAX = 14,
	WS_TEXT = 0x81,
	WS_MASKED = 0x80,
	HAS_WITHIN = 256
};

struct bench_client {
	enum bench_transport transport;
	int in, out;
	char *buf;
	size_t begin, end; /* received and not yet given out */
};

/* ---- sending ---- */

/* The mask of zeroes leaves the payload as it is (RFC 6455 section 5.3) and costs the server the
 * same. */
static size_t
put_ws_header(char *header, size_t len)
{
	size_t n = 0, bytes = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;

	header[n++] = (char)WS_TEXT;
	header[n++] = (char)(WS_MASKED | (bytes == 0 ? len : bytes == 2 ? 126 : 127));
	while (bytes > 0)
		header[n++] = (char)(len >> 8 * --bytes);
	memset(header + n, 0, 4);
	return n + 4;
}

void
bench_send(struct bench_client *client, const char *format, ...)
{
	char header[WS_HEADER_MAX];
	size_t header_len = 0;
	va_list ap;
	char *text;
	int len;

	va_start(ap, format);
	len = vasprintf(&text, format, ap);
	va_end(ap);
	if (len == -1)
		bench_die("memory");
	if (client->transport == BENCH_WS)
		header_len = put_ws_header(header, (size_t)len);
	else
		text[len++] = '\n'; /* in the place of the NUL */
	if ((text = realloc(text, header_len + (size_t)len)) == NULL)
		bench_die("memory");
	memmove(text + header_len, text, (size_t)len);
	memcpy(text, header, header_len);
	bench_write_all(client->out, text, header_len + (size_t)len);
	free(text);
}

/* ---- receiving ---- */

/* Reads more behind what is there. */
static void
fill(struct bench_client *client)
{
	ssize_t n;

	if (client->begin > 0) {
		memmove(client->buf, client->buf + client->begin, client->end - client->begin);
		client->end -= client->begin;
		client->begin = 0;
	}
	if (client->end == BUFFER) {
		fputs("bench: a message is too large\n", stderr);
		exit(EXIT_FAILURE);
	}
	while ((n = read(client->in, client->buf + client->end, BUFFER - client->end)) == -1)
		if (errno != EINTR)
			bench_die("read from the server");
	if (n == 0) {
		fputs("bench: the server has closed the connection\n", stderr);
		exit(EXIT_FAILURE);
	}
	client->end += (size_t)n;
}

static const char *
receive_line(struct bench_client *client, size_t *out_len)
{
	size_t seen = 0;
	const char *start, *end;

	for (;;) {
		start = client->buf + client->begin;
		end = memchr(start + seen, '\n', client->end - client->begin - seen);
		if (end != NULL)
			break;
		seen = client->end - client->begin;
		fill(client);
	}
	*out_len = (size_t)(end - start);
	client->begin += *out_len + 1;
	return start;
}

static void
want(struct bench_client *client, size_t len)
{
	while (client->end - client->begin < len)
		fill(client);
}

/* The server's frames are whole and without a mask. A ping is one more message, which nobody looks
 * for. */
static const char *
receive_frame(struct bench_client *client, size_t *out_len)
{
	size_t header = 2, len, extra;
	const unsigned char *p;

	want(client, header);
	p = (unsigned char *)client->buf + client->begin;
	len = p[1];
	extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (extra > 0) {
		header += extra;
		want(client, header);
		p = (unsigned char *)client->buf + client->begin;
		len = 0;
		for (size_t i = 0; i < extra; i++)
			len = len << 8 | p[2 + i];
	}
	want(client, header + len);
	p = (unsigned char *)client->buf + client->begin + header;
	client->begin += header + len;
	*out_len = len;
	return (const char *)p;
}

const char *
bench_receive(struct bench_client *client, size_t *out_len)
{
	return client->transport == BENCH_WS ? receive_frame(client, out_len)
					     : receive_line(client, out_len);
}

int
bench_has(const char *message, size_t len, const char *text)
{
	return memmem(message, len < HAS_WITHIN ? len : HAS_WITHIN, text, strlen(text)) != NULL;
}

const char *
bench_await(struct bench_client *client, const char *text, size_t *out_len)
{
	const char *message;
	size_t len;

	for (;;) {
		message = bench_receive(client, &len);
		if (bench_has(message, len, "\"error\":{") ||
		    bench_has(message, len, "process/failed")) {
			fprintf(stderr, "bench: the server says: %.*s\n", (int)len, message);
			exit(EXIT_FAILURE);
		}
		if (bench_has(message, len, text))
			break;
	}
	if (out_len != NULL)
		*out_len = len;
	return message;
}

/* ---- connecting ---- */

static int
connect_unix(const struct bench_server *server)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", server->path);
	if (fd == -1 || connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1)
		bench_die(server->path);
	return fd;
}

static int
connect_tcp(const struct bench_server *server)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)server->port),
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1 || connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1)
		bench_die("connect to the WebSocket's port");
	return fd;
}

/* The key is the RFC's example; nobody here needs the answer to it. */
static void
upgrade(struct bench_client *client, unsigned port)
{
	char request[256];
	const char *end;
	int len = snprintf(request, sizeof request,
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
	    port);

	bench_write_all(client->out, request, (size_t)len);
	do
		fill(client);
	while ((end = memmem(client->buf, client->end, "\r\n\r\n", 4)) == NULL);
	if (memmem(client->buf, client->end, " 101 ", 5) == NULL) {
		fprintf(stderr, "bench: no upgrade: %.*s\n", (int)client->end, client->buf);
		exit(EXIT_FAILURE);
	}
	client->begin = (size_t)(end - client->buf) + 4;
}

static struct bench_client *
client_open(const struct bench_server *server, enum bench_transport transport)
{
	struct bench_client *client = calloc(1, sizeof *client);

	if (client == NULL || (client->buf = malloc(BUFFER)) == NULL)
		bench_die("memory");
	client->transport = transport;
	if (transport == BENCH_STDIO) {
		client->in = server->out;
		client->out = server->in;
	} else {
		client->in = transport == BENCH_UNIX ? connect_unix(server) : connect_tcp(server);
		client->out = client->in;
	}
	if (transport == BENCH_WS)
		upgrade(client, server->port);
	return client;
}

struct bench_client *
bench_connect(const struct bench_server *server, enum bench_transport transport)
{
	struct bench_client *client = client_open(server, transport);

	bench_send(client,
	    "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"bench\","
	    "\"protocolVersion\":\"exec-server.v1\"}}");
	bench_await(client, "\"id\":0,", NULL);
	return client;
}

struct bench_client *
bench_connect_codex(const struct bench_server *server)
{
	struct bench_client *client = client_open(server, BENCH_WS);

	bench_send(client,
	    "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"bench\","
	    "\"resumeSessionId\":null}}");
	bench_await(client, "\"id\":0", NULL);
	bench_send(client, "{\"method\":\"initialized\",\"params\":{}}");
	return client;
}

void
bench_disconnect(struct bench_client *client)
{
	if (client->transport != BENCH_STDIO)
		close(client->in);
	free(client->buf);
	free(client);
}

void
bench_drain(struct bench_client *client)
{
	while (read(client->in, client->buf, BUFFER) > 0)
		;
	client->begin = client->end = 0;
}

/* A PTY gives the puppet's line as it is: the puppet is in raw mode when it writes it. */
void
bench_start_echo(struct bench_client *client, const char *session)
{
	bench_send(client,
	    "{\"id\":1,\"method\":\"process/start\",\"params\":{\"sessionId\":\"%s\","
	    "\"direct\":{\"argv\":[\"%s\",\"raw-echo\"]},\"io\":{\"pty\":{\"rows\":24,"
	    "\"cols\":80}}}}",
	    session, bench_program("PX_CHILD"));
	bench_await(client, "\"chunk\":\"cmVhZHkK\"", NULL);
}

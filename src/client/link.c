#include "client/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/address.h"
#include "client/dial.h"
#include "client/error.h"
#include "client/tls.h"
#include "wire/framer.h"
#include "wire/ws_client.h"

enum { READ_SIZE = 64 * 1024, READS = 16, SEND_PIECES = 16 };

/* A bound on what a broken peer can make us keep; a snapshot of the largest usual transcripts fits
 * in. */
enum { MESSAGE_MAX = 256 * 1024 * 1024 };

struct px_link {
	struct px_address *address; /* NULL: adopted */
	struct px_dial dial;        /* its fd is the link's */
	bool is_connected;
	bool was_open; /* from then on messages go to 'out' */
	bool sending_failed;
	int epfd;
	unsigned interest; /* the epoll events asked for at present */
	const struct px_framing *framing;
	struct px_framer *framer;
	struct px_tls *tls;                /* NULL: none */
	struct evbuffer *in, *out;         /* the framing's */
	struct evbuffer *raw_in, *raw_out; /* the socket's: the same two unless there is TLS */
	struct evbuffer *early;            /* messages, framed, until it is open */
	uint64_t received;                 /* bytes, from the socket */
};

/* ---- waiting ---- */

/* Without any interest it goes out of the set: a hang-up is reported whatever was asked for. */
static int
link_want(struct px_link *link, unsigned interest)
{
	struct epoll_event event = { .events = interest, .data.fd = link->dial.fd };
	int op = interest == 0         ? EPOLL_CTL_DEL
		 : link->interest == 0 ? EPOLL_CTL_ADD
				       : EPOLL_CTL_MOD;

	if (interest == link->interest)
		return 0;
	if (epoll_ctl(link->epfd, op, link->dial.fd, &event) == -1)
		return -1;
	link->interest = interest;
	return 0;
}

static unsigned
writing(const struct px_link *link)
{
	return evbuffer_get_length(link->raw_out) > 0 ? EPOLLOUT : 0;
}

static int
watch_failed(struct px_error *err)
{
	return px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot watch a connection");
}

/* ---- sending ---- */

bool
px_link_is_open(const struct px_link *link)
{
	return link->is_connected && (link->tls == NULL || px_tls_is_open(link->tls)) &&
	       (link->framing != &px_framing_ws_client || px_ws_client_is_open(link->framer));
}

/* What the peer does not take is dropped: the end of its own messages, which may still come, tells
 * the rest. */
static void
link_transmit(struct px_link *link)
{
	struct evbuffer_iovec pieces[SEND_PIECES];
	struct msghdr msg = { 0 };
	ssize_t sent;
	int n;

	while (!link->sending_failed && evbuffer_get_length(link->raw_out) > 0) {
		n = evbuffer_peek(link->raw_out, -1, NULL, pieces, SEND_PIECES);
		msg.msg_iov = pieces;
		msg.msg_iovlen = (size_t)(n < SEND_PIECES ? n : SEND_PIECES);
		sent = sendmsg(link->dial.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			evbuffer_drain(link->raw_out, (size_t)sent);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			link->sending_failed = true;
	}
	if (link->sending_failed)
		evbuffer_drain(link->raw_out, evbuffer_get_length(link->raw_out));
}

static void
link_flush(struct px_link *link)
{
	if (!link->was_open && px_link_is_open(link)) {
		link->was_open = true;
		evbuffer_add_buffer(link->out, link->early);
	}
	if (link->tls != NULL && px_tls_is_open(link->tls))
		px_tls_send(link->tls, link->out);
	if (link->is_connected)
		link_transmit(link);
}

/* After something was put into 'out' between two steps. */
static void
link_pushed(struct px_link *link)
{
	link_flush(link);
	if (link->is_connected)
		(void)link_want(link, (link->interest & EPOLLIN) | writing(link));
}

void
px_link_send(struct px_link *link, struct evbuffer *msg)
{
	link_flush(link);
	link->framing->wrap(link->framer, msg, link->was_open ? link->out : link->early);
	link_pushed(link);
}

uint64_t
px_link_received(const struct px_link *link)
{
	return link->received;
}

void
px_link_ping(struct px_link *link)
{
	(void)link->framing->ping(link->framer, 0, link->out);
	link_pushed(link);
}

size_t
px_link_unsent(const struct px_link *link)
{
	size_t plain = link->out == link->raw_out ? 0 : evbuffer_get_length(link->out);

	return evbuffer_get_length(link->early) + plain + evbuffer_get_length(link->raw_out);
}

/* ---- receiving ---- */

/* As feed reports: no server would do that, or it has closed, or no memory here. */
static int
feed_failed(const struct px_link *link, const struct px_err *why, struct px_error *err)
{
	if (why->code == PX_E_NOMEM)
		return px_error_set(err, PX_ERROR_SYSTEM, "no memory for what the server sends");
	if (why->code == PX_E_IO)
		return px_error_set(err, PX_ERROR_LOST, "%s", why->text);
	if (!link->was_open && link->address != NULL)
		return px_error_set(err, PX_ERROR_PEER, "%s does not open a WebSocket: %s",
		    px_address_text(link->address), why->text);
	return px_error_set(err, PX_ERROR_PEER, "it breaks the protocol: %s", why->text);
}

/* The stream has ended after an answer that is no upgrade, and 'err' says so. */
static bool
was_refused(const struct px_link *link, struct px_error *err)
{
	struct px_err why;

	if (link->was_open || link->framing != &px_framing_ws_client ||
	    !px_ws_client_was_refused(link->framer, link->in, &why))
		return false;
	feed_failed(link, &why, err);
	return true;
}

/* The socket has ended, with the errno 'sys' or in order. */
static int
link_ended(const struct px_link *link, int sys, struct px_error *err)
{
	if (was_refused(link, err))
		return -1;
	if (!link->was_open && sys != 0)
		return px_error_set_sys(err, PX_ERROR_CONNECT, sys, "cannot connect to %s",
		    px_address_text(link->address));
	if (!link->was_open)
		return px_error_set(err, PX_ERROR_CONNECT,
		    "%s hung up before the connection was open", px_address_text(link->address));
	if (sys != 0 && sys != ECONNRESET)
		return px_error_set_sys(
		    err, PX_ERROR_LOST, sys, "the connection to the server was lost");
	return px_error_set(err, PX_ERROR_LOST, "the connection to the server was lost");
}

/* Up to READ_SIZE bytes into 'raw_in'. 1: some; 0: none now; -1: the end. */
static int
link_read(struct px_link *link, struct px_error *err)
{
	struct evbuffer_iovec space;
	ssize_t n;

	if (evbuffer_reserve_space(link->raw_in, READ_SIZE, &space, 1) != 1)
		return px_error_set(err, PX_ERROR_SYSTEM, "no memory for what the server sends");
	do
		n = recv(link->dial.fd, space.iov_base, READ_SIZE, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		space.iov_len = (size_t)n;
		evbuffer_commit_space(link->raw_in, &space, 1);
		link->received += (uint64_t)n;
		return 1;
	}
	if (n == -1 && errno == EAGAIN && !link->sending_failed)
		return 0;
	return link_ended(link, n == -1 && errno != EAGAIN ? errno : 0, err);
}

/* Before it is open it goes no further than that, so that what was held back leaves first. */
static enum px_feed
link_feed(
    struct px_link *link, const struct px_framer_handler *handler, void *arg, struct px_err *why)
{
	static const struct px_framer_handler nobody = { 0 };
	const struct px_framing *framing = link->framing;
	enum px_feed result;

	if (!link->was_open) {
		result = framing->feed(
		    link->framer, link->in, link->out, MESSAGE_MAX, &nobody, NULL, why);
		link_flush(link);
		if (result != PX_FEED_PAUSE)
			return result;
	}
	return framing->feed(link->framer, link->in, link->out, MESSAGE_MAX, handler, arg, why);
}

/* 1: the taker of messages has had enough; 0: there is nothing more now; -1: the end. */
static int
link_receive(
    struct px_link *link, const struct px_framer_handler *handler, void *arg, struct px_error *err)
{
	struct px_err why;
	bool tls_ended;

	for (int reads = 0;; reads++) {
		tls_ended = link->tls != NULL && px_tls_receive(link->tls, link->in, err) == -1;
		switch (link_feed(link, handler, arg, &why)) {
		case PX_FEED_PAUSE:
			return 1;
		case PX_FEED_CLOSE:
			return feed_failed(link, &why, err);
		case PX_FEED_MORE:
			break;
		}
		if (tls_ended) {
			(void)was_refused(link, err);
			return -1;
		}
		if (reads == READS)
			return 0;
		switch (link_read(link, err)) {
		case 0:
			return 0;
		case -1:
			return -1;
		}
	}
}

/* ---- the beginning, a turn and the end ---- */

/* 1: connected; 0: not yet; -1. The descriptor may be another one afterwards. */
static int
link_connect(struct px_link *link, struct px_error *err)
{
	unsigned interest;
	int result;

	(void)link_want(link, 0);
	if ((result = px_dial_step(&link->dial, err)) == -1)
		return -1;
	link->is_connected = result == 1;
	interest = link->is_connected    ? EPOLLIN | EPOLLOUT
		   : link->dial.is_timer ? EPOLLIN
					 : EPOLLOUT;
	return link_want(link, interest) == -1 ? watch_failed(err) : result;
}

int
px_link_step(struct px_link *link, px_link_message_fn *message, void *arg, struct px_error *err)
{
	const struct px_framer_handler handler = { .message = message };
	int got;

	if (!link->is_connected && (got = link_connect(link, err)) != 1)
		return got;
	link_flush(link);
	got = link_receive(link, &handler, arg, err);
	link_flush(link);
	if (got == -1)
		return -1;
	if (link_want(link, (got == 0 ? EPOLLIN : 0) | writing(link)) == -1)
		return watch_failed(err);
	return 0;
}

static struct px_link *
link_new(int epfd, const struct px_framing *framing)
{
	struct px_link *link = px_new(struct px_link);

	link->dial.fd = -1;
	link->epfd = epfd;
	link->framing = framing;
	link->framer = framing->create();
	link->in = link->raw_in = evbuffer_new();
	link->out = link->raw_out = evbuffer_new();
	link->early = evbuffer_new();
	return link;
}

static int
link_secure(struct px_link *link, const char *ca_file, struct px_error *err)
{
	if (!link->address->is_tls)
		return 0;
	link->raw_in = evbuffer_new();
	link->raw_out = evbuffer_new();
	return px_tls_new(
	    link->address->host, ca_file, link->raw_in, link->raw_out, &link->tls, err);
}

int
px_link_open(const struct px_address *address, int epfd, const struct px_link_options *options,
    struct px_link **out, struct px_error *err)
{
	struct px_link *link =
	    link_new(epfd, address->is_ws ? &px_framing_ws_client : &px_framing_lines);

	link->address = px_address_copy(address);
	link->dial.address = link->address;
	if (address->is_ws)
		px_ws_client_hello(link->framer, address->authority, address->target, link->out);
	if (link_secure(link, options != NULL ? options->ca_file : NULL, err) == -1 ||
	    link_connect(link, err) == -1) {
		px_link_close(link);
		return -1;
	}
	*out = link;
	return 0;
}

int
px_link_adopt(int fd, int epfd, struct px_link **out, struct px_error *err)
{
	struct px_link *link = link_new(epfd, &px_framing_lines);

	link->dial.fd = fd;
	link->is_connected = true;
	if (link_want(link, EPOLLIN) == -1) {
		watch_failed(err);
		px_link_close(link);
		return -1;
	}
	*out = link;
	return 0;
}

static void
link_free(struct px_link *link)
{
	px_tls_free(link->tls);
	link->framing->destroy(link->framer);
	if (link->raw_in != link->in)
		evbuffer_free(link->raw_in);
	if (link->raw_out != link->out)
		evbuffer_free(link->raw_out);
	evbuffer_free(link->in);
	evbuffer_free(link->out);
	evbuffer_free(link->early);
	px_address_free(link->address);
	free(link);
}

void
px_link_close(struct px_link *link)
{
	if (link == NULL)
		return;
	(void)link_want(link, 0);
	if (link->is_connected) {
		(void)link->framing->finish(link->framer, PX_END_NORMAL, NULL, link->out);
		link_flush(link);
		if (link->tls != NULL)
			px_tls_close(link->tls);
		link_flush(link);
	}
	if (link->dial.fd != -1)
		close(link->dial.fd);
	link_free(link);
}

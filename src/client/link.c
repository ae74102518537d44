#include "client/link.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/err.h"
#include "client/error.h"
#include "wire/framer.h"

enum { READ_SIZE = 64 * 1024, READS = 16, SEND_PIECES = 16 };

/* A bound on what a broken peer can make us keep; a snapshot of the largest usual transcripts fits
 * in. */
enum { MESSAGE_MAX = 256 * 1024 * 1024 };

/* Without any interest it goes out of the set: a hang-up is reported whatever was asked for. */
static void
link_want(struct px_link *link, unsigned interest)
{
	struct epoll_event event = { .events = interest };
	int op = interest == 0         ? EPOLL_CTL_DEL
		 : link->interest == 0 ? EPOLL_CTL_ADD
				       : EPOLL_CTL_MOD;

	if (interest != link->interest && epoll_ctl(link->epfd, op, link->fd, &event) == 0)
		link->interest = interest;
}

int
px_link_init(struct px_link *link, int fd, struct px_error *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	*link = (struct px_link){ .fd = fd, .interest = EPOLLIN };
	link->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (link->epfd == -1 || epoll_ctl(link->epfd, EPOLL_CTL_ADD, fd, &event) == -1) {
		px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot watch a connection");
		if (link->epfd != -1)
			close(link->epfd);
		close(fd);
		*link = (struct px_link){ 0 };
		return -1;
	}
	link->framer = px_framing_lines.create();
	link->in = evbuffer_new();
	link->out = evbuffer_new();
	return 0;
}

void
px_link_done(struct px_link *link)
{
	if (link->framer == NULL)
		return;
	close(link->epfd);
	close(link->fd);
	px_framing_lines.destroy(link->framer);
	evbuffer_free(link->in);
	evbuffer_free(link->out);
	*link = (struct px_link){ 0 };
}

/* What the peer does not take is dropped: the end of its own messages, which may still come, tells
 * the rest. */
static void
link_flush(struct px_link *link)
{
	struct evbuffer_iovec pieces[SEND_PIECES];
	struct msghdr msg = { 0 };
	ssize_t sent;
	int n;

	while (!link->sending_failed && evbuffer_get_length(link->out) > 0) {
		n = evbuffer_peek(link->out, -1, NULL, pieces, SEND_PIECES);
		msg.msg_iov = pieces;
		msg.msg_iovlen = (size_t)(n < SEND_PIECES ? n : SEND_PIECES);
		sent = sendmsg(link->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			evbuffer_drain(link->out, (size_t)sent);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			link->sending_failed = true;
	}
	if (link->sending_failed)
		evbuffer_drain(link->out, evbuffer_get_length(link->out));
}

void
px_link_send(struct px_link *link, struct evbuffer *msg)
{
	px_framing_lines.wrap(link->framer, msg, link->out);
	link_flush(link);
	link_want(
	    link, (link->interest & EPOLLIN) | (evbuffer_get_length(link->out) > 0 ? EPOLLOUT : 0));
}

/* Up to READ_SIZE bytes into 'in'. 1: some; 0: none now; -1: the end. */
static int
link_read(struct px_link *link, struct px_error *err)
{
	struct evbuffer_iovec space;
	ssize_t n;

	if (evbuffer_reserve_space(link->in, READ_SIZE, &space, 1) != 1)
		return px_error_set(err, PX_ERROR_SYSTEM, "no memory for what the server sends");
	do
		n = recv(link->fd, space.iov_base, READ_SIZE, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		space.iov_len = (size_t)n;
		evbuffer_commit_space(link->in, &space, 1);
		return 1;
	}
	if (n == -1 && errno == EAGAIN && !link->sending_failed)
		return 0;
	if (n == -1 && errno != EAGAIN && errno != ECONNRESET)
		return px_error_set_sys(
		    err, PX_ERROR_LOST, errno, "the connection to the server was lost");
	return px_error_set(err, PX_ERROR_LOST, "the connection to the server was lost");
}

/* As lines_feed() reports: what a server would not do, or no memory here. */
static int
feed_failed(const struct px_err *why, struct px_error *err)
{
	if (why->code == PX_E_NOMEM)
		return px_error_set(err, PX_ERROR_SYSTEM, "no memory for what the server sends");
	return px_error_set(err, PX_ERROR_PEER, "it breaks the protocol: %s", why->text);
}

/* 1: the taker of messages has had enough; 0: there is nothing more now; -1: the end. */
static int
link_receive(
    struct px_link *link, const struct px_framer_handler *handler, void *arg, struct px_error *err)
{
	struct px_err why;

	for (int reads = 0;; reads++) {
		switch (px_framing_lines.feed(
		    link->framer, link->in, link->out, MESSAGE_MAX, handler, arg, &why)) {
		case PX_FEED_PAUSE:
			return 1;
		case PX_FEED_CLOSE:
			return feed_failed(&why, err);
		case PX_FEED_MORE:
			break;
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

int
px_link_step(struct px_link *link, px_link_message_fn *message, void *arg, struct px_error *err)
{
	const struct px_framer_handler handler = { .message = message };
	int got;

	link_flush(link);
	got = message != NULL ? link_receive(link, &handler, arg, err) : 1;
	if (got == -1)
		return -1;
	link_want(
	    link, (got == 0 ? EPOLLIN : 0) | (evbuffer_get_length(link->out) > 0 ? EPOLLOUT : 0));
	return 0;
}

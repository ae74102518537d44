#include "cli/feed.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

enum { READ_SIZE = 48 * 1024 };

/* The index of 'request', or PX_FEED_WRITES. */
static size_t
place(const struct px_feed *feed, int64_t request)
{
	size_t i = 0;

	while (i < PX_FEED_WRITES && feed->writes[i] != request)
		i++;
	return i;
}

bool
px_feed_wants(const struct px_feed *feed)
{
	return !feed->ended && place(feed, 0) < PX_FEED_WRITES;
}

/*
 * A terminal's end-of-file character ends the input only at the start of a line;
 * inside one it just hands over what is there, so that it takes two.
 */
static int
feed_end(struct px_feed *feed, struct px_error *err)
{
	feed->ended = true;
	if (feed->pty && feed->in_line &&
	    px_client_close_stdin(feed->client, feed->session, err) == -1)
		return -1;
	return px_client_close_stdin(feed->client, feed->session, err) == -1 ? -1 : 0;
}

int
px_feed_read(struct px_feed *feed, struct px_error *err)
{
	char buf[READ_SIZE];
	ssize_t n = read(STDIN_FILENO, buf, sizeof buf);
	int64_t request;

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return feed_end(feed, err);
	feed->in_line = buf[n - 1] != '\n';
	if ((request = px_client_write(feed->client, feed->session, buf, (size_t)n, err)) == -1) {
		feed->ended = true;
		return -1;
	}
	feed->writes[place(feed, 0)] = request;
	return 0;
}

void
px_feed_answered(struct px_feed *feed, const struct px_answer *answer)
{
	size_t i = place(feed, answer->request);

	if (i == PX_FEED_WRITES)
		return;
	feed->writes[i] = 0;
	/* The program takes no more; it may go on without. */
	if (answer->error.code != PX_ERROR_NONE)
		feed->ended = true;
}

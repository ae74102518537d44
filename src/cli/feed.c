#include "cli/feed.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

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
	if (feed->ended || feed->left > 0)
		return false;
	return feed->keys.n > 0 ? feed->queued < PX_FEED_TYPED : feed->queued == 0;
}

/* ---- sending ---- */

/*
 * A terminal's end-of-file character ends the input only at the start of a line;
 * inside one it just hands over what is there, so that it takes two.
 */
static int
send_end(struct px_feed *feed, struct px_error *err)
{
	feed->end_due = false;
	if (feed->pty && feed->in_line &&
	    px_client_close_stdin(feed->client, feed->session, err) == -1)
		return -1;
	return px_client_close_stdin(feed->client, feed->session, err) == -1 ? -1 : 0;
}

static int
send_queue(struct px_feed *feed, struct px_error *err)
{
	size_t free_place = place(feed, 0);
	int64_t request;

	if (feed->queued > 0 && free_place < PX_FEED_WRITES) {
		request =
		    px_client_write(feed->client, feed->session, feed->queue, feed->queued, err);
		if (request == -1) {
			feed->ended = true;
			return -1;
		}
		feed->in_line = feed->queue[feed->queued - 1] != '\n';
		feed->writes[free_place] = request;
		feed->queued = 0;
	}
	return feed->end_due && feed->queued == 0 ? send_end(feed, err) : 0;
}

int
px_feed_answered(struct px_feed *feed, const struct px_answer *answer, struct px_error *err)
{
	size_t i = place(feed, answer->request);

	if (i == PX_FEED_WRITES)
		return 0;
	feed->writes[i] = 0;
	if (answer->error.code == PX_ERROR_NONE)
		return send_queue(feed, err);
	/* The program takes no more, and may go on without; the keys for us are still read. */
	feed->mute = true;
	feed->end_due = false;
	feed->queued = 0;
	feed->ended = feed->keys.n == 0;
	return 0;
}

/* ---- reading ---- */

static void
read_end(struct px_feed *feed)
{
	feed->ended = true;
	px_keys_end(&feed->keys, feed->queue, &feed->queued);
	feed->end_due = feed->closes && !feed->mute;
}

void
px_feed_read(struct px_feed *feed)
{
	ssize_t n = read(STDIN_FILENO, feed->in, sizeof feed->in);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		read_end(feed);
		return;
	}
	feed->next = feed->in;
	feed->left = (size_t)n;
}

int
px_feed_next(struct px_feed *feed, enum px_key_action *out, struct px_error *err)
{
	*out = px_keys_take(&feed->keys, &feed->next, &feed->left, feed->queue, &feed->queued);
	if (feed->mute)
		feed->queued = 0;
	return send_queue(feed, err);
}

#include "rpc/proof.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/conn.h"
#include "rpc/peer.h"
#include "rpc/sub.h"
#include "session/core.h"
#include "session/watch.h"

/* Whoever does not answer that long counts as one who does not come back in time either. */
static void
proof_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct px_peer *peer = arg;

	(void)fd;
	(void)what;
	if (!peer->proof.answers)
		return;
	px_log_event(peer->rpc->log, PX_LOG_INFO, "mute",
	    PX_I("conn", (int64_t)px_conn_number(peer->conn)),
	    PX_S("peer", px_conn_label(peer->conn)));
	peer->proof.answers = false;
	px_subs_let_go(peer);
}

static void
proof_put(struct px_peer *peer)
{
	struct px_proof *proof = &peer->proof;
	struct timeval tv = px_ms_tv(px_core_options(peer->rpc->core)->detach_ttl_ms);

	if (!px_conn_probe(peer->conn))
		return;
	proof->asked = true;
	proof->again = false;
	proof->bytes = proof->outputs = 0;
	px_subs_asked(peer);
	event_add(proof->late, &tv);
}

void
px_proof_begin(struct px_peer *peer)
{
	peer->proof.late = evtimer_new(peer->rpc->base, proof_on_late, peer);
	proof_put(peer);
}

void
px_proof_end(struct px_peer *peer)
{
	if (peer->proof.late != NULL)
		event_free(peer->proof.late);
	peer->proof = (struct px_proof){ .late = NULL };
}

void
px_proof_ask(struct px_peer *peer)
{
	if (peer->proof.asked)
		peer->proof.again = true;
	else if (peer->proof.late != NULL)
		proof_put(peer);
}

static bool
proof_is_due(const struct px_peer *peer)
{
	const struct px_proof *proof = &peer->proof;

	return proof->outputs >= PX_WATCH_ACK_OUTPUTS ||
	       proof->bytes >= px_watch_ack_bytes(peer->rpc->codex.terms.newest_bytes);
}

void
px_proof_given(struct px_peer *peer, size_t bytes)
{
	struct px_proof *proof = &peer->proof;

	proof->bytes += bytes;
	proof->outputs++;
	if (!proof->asked && proof_is_due(peer))
		px_proof_ask(peer);
}

void
px_proof_answered(struct px_peer *peer)
{
	struct px_proof *proof = &peer->proof;
	bool first = !proof->answers;

	event_del(proof->late);
	proof->answers = true;
	px_subs_answered(peer, first);
	proof->asked = false;
	/* Of what a mute client was given not all need be kept: so the rest of it waits for an
	 * answer that is sure to come. */
	if (proof->again || (first && proof->outputs > 0) || proof_is_due(peer))
		px_proof_ask(peer);
}

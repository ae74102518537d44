#include "base/log.h"
#include "net/conn.h"
#include "rpc/sub.h"
#include "rpc/v1.h"

/* process/ack, a notification: nothing answers it, so what makes no sense is logged and ignored. */

struct ack_params {
	struct px_str id;
	struct px_int seq;
};

static const struct px_field ack_fields[] = {
	V1_FIELD(ack_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(ack_params, seq, "seq", PX_F_INT, .flags = PX_F_REQUIRED, .max = INT64_MAX),
};

static void
ack_ignore(const struct px_peer *peer, const char *why)
{
	px_log_event(peer->rpc->log, PX_LOG_DEBUG, "ignore",
	    PX_I("conn", (int64_t)px_conn_number(peer->conn)), PX_S("notification", "process/ack"),
	    PX_S("reason", why));
}

void
px_v1_ack(struct px_peer *peer, struct px_json_doc *doc, const struct px_json *params)
{
	struct ack_params p = { 0 };
	struct px_session *session;
	struct px_err err;

	if (px_fields_fill(doc, params, ack_fields, PX_COUNT(ack_fields), &p, &err) == -1) {
		ack_ignore(peer, err.text);
		return;
	}
	session = px_workspace_find(peer->member.workspace, p.id.p, p.id.len);
	if (session == NULL)
		ack_ignore(peer, "unknown session");
	else if (!px_sub_ack(peer, session, (uint64_t)p.seq.v))
		ack_ignore(peer, "no such place to acknowledge");
}

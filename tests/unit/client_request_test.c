#include <stdio.h>

#include "cases.h"
#include "client/state.h"
#include "client_peer.h"

/* What requests look like on the wire. */

/* The names that the client makes are known. */
static void
peer_named(struct peer *peer)
{
	peer_ready(peer);
	snprintf(peer->client->prefix, sizeof peer->client->prefix, "p");
}

/* Makes 'request' the next thing that the peer hears. */
#define SENDS(request, expected)                                                       \
	do {                                                                           \
		char said[2048];                                                       \
		struct px_error sending = { 0 };                                       \
		struct px_error *error = &sending;                                     \
		ck_assert_msg((request) > 0, "%s", sending.text);                      \
		ck_assert_str_eq(peer_hears(&peer, said, sizeof said), expected "\n"); \
	} while (0)

START_TEST(test_input)
{
	struct peer peer;
	struct px_client *c;

	peer_named(&peer);
	c = peer.client;
	SENDS(px_client_write(c, "a", "\0\xff\n", 3, error),
	    "{\"id\":1,\"method\":\"process/write\",\"params\":"
	    "{\"sessionId\":\"a\",\"writeId\":\"p-1\",\"chunk\":\"AP8K\"}}");
	SENDS(px_client_write(c, "a", NULL, 0, error),
	    "{\"id\":2,\"method\":\"process/write\",\"params\":"
	    "{\"sessionId\":\"a\",\"writeId\":\"p-2\",\"chunk\":\"\"}}");
	SENDS(px_client_close_stdin(c, "a", error),
	    "{\"id\":3,\"method\":\"process/closeStdin\",\"params\":"
	    "{\"sessionId\":\"a\",\"writeId\":\"p-3\"}}");
	SENDS(px_client_communicate(c, "a", "x", 1, 9, error),
	    "{\"id\":4,\"method\":\"process/communicate\",\"params\":"
	    "{\"sessionId\":\"a\",\"writeId\":\"p-4\",\"chunk\":\"eA==\",\"timeoutMs\":9}}");
	SENDS(px_client_communicate(c, "a", NULL, 0, 0, error),
	    "{\"id\":5,\"method\":\"process/communicate\",\"params\":"
	    "{\"sessionId\":\"a\",\"writeId\":\"p-5\"}}");
	SENDS(px_client_resize(c, "a", 65535, 1, error),
	    "{\"id\":6,\"method\":\"process/resize\",\"params\":"
	    "{\"sessionId\":\"a\",\"rows\":65535,\"cols\":1}}");
	peer_close(&peer);
}
END_TEST

START_TEST(test_ending)
{
	struct peer peer;
	struct px_client *c;

	peer_named(&peer);
	c = peer.client;
	SENDS(px_client_signal(c, "a", "INT", error),
	    "{\"id\":1,\"method\":\"process/signal\",\"params\":"
	    "{\"sessionId\":\"a\",\"signal\":\"INT\"}}");
	SENDS(px_client_terminate(c, "a", PX_TERMINATE_GRACE, error),
	    "{\"id\":2,\"method\":\"process/terminate\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_terminate(c, "a", PX_TERMINATE_FORCE, error),
	    "{\"id\":3,\"method\":\"process/terminate\",\"params\":"
	    "{\"sessionId\":\"a\",\"mode\":\"force\"}}");
	SENDS(px_client_terminate(c, "a", 0, error),
	    "{\"id\":4,\"method\":\"process/terminate\",\"params\":{\"sessionId\":\"a\",\"mode\":"
	    "{\"graceful\":{\"timeoutMs\":0}}}}");
	SENDS(px_client_release(c, "a", error),
	    "{\"id\":5,\"method\":\"process/release\",\"params\":{\"sessionId\":\"a\"}}");
	peer_close(&peer);
}
END_TEST

START_TEST(test_waiting)
{
	const struct px_until any = { .idle_ms = 5,
		.bytes = 6,
		.match = "\"x\"",
		.from_seq = true,
		.after_seq = 0,
		.timeout_ms = 7 };
	const struct px_until ended = { 0 };
	struct peer peer;
	struct px_client *c;

	peer_named(&peer);
	c = peer.client;
	SENDS(px_client_wait(c, "a", NULL, error),
	    "{\"id\":1,\"method\":\"process/wait\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_wait(c, "a", &ended, error),
	    "{\"id\":2,\"method\":\"process/wait\",\"params\":"
	    "{\"sessionId\":\"a\",\"until\":[\"exit\"]}}");
	SENDS(px_client_wait(c, "a", &any, error),
	    "{\"id\":3,\"method\":\"process/wait\",\"params\":"
	    "{\"sessionId\":\"a\",\"until\":[\"exit\",{\"idleMs\":5},{\"bytes\":6},"
	    "{\"match\":\"\\\"x\\\"\"}],\"afterSeq\":0,\"timeoutMs\":7}}");
	peer_close(&peer);
}
END_TEST

START_TEST(test_looking)
{
	struct peer peer;
	struct px_client *c;

	peer_named(&peer);
	c = peer.client;
	SENDS(px_client_snapshot(c, "a", error),
	    "{\"id\":1,\"method\":\"process/snapshot\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_read(c, "a", 0, 0, 0, error),
	    "{\"id\":2,\"method\":\"process/"
	    "read\",\"params\":{\"sessionId\":\"a\",\"afterSeq\":0}}");
	SENDS(px_client_read(c, "a", 1, 2, 3, error),
	    "{\"id\":3,\"method\":\"process/read\",\"params\":"
	    "{\"sessionId\":\"a\",\"afterSeq\":1,\"maxBytes\":2,\"waitMs\":3}}");
	SENDS(px_client_subscribe(c, "a", 5, error),
	    "{\"id\":4,\"method\":\"process/subscribe\",\"params\":"
	    "{\"sessionId\":\"a\",\"afterSeq\":5}}");
	SENDS(px_client_subscribe(c, "a", PX_AFTER_NOW, error),
	    "{\"id\":5,\"method\":\"process/subscribe\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_unsubscribe(c, "a", error),
	    "{\"id\":6,\"method\":\"process/unsubscribe\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_list(c, error), "{\"id\":7,\"method\":\"process/list\",\"params\":{}}");
	SENDS(px_client_inspect(c, "a", error),
	    "{\"id\":8,\"method\":\"process/inspect\",\"params\":{\"sessionId\":\"a\"}}");
	SENDS(px_client_info(c, error), "{\"id\":9,\"method\":\"server/info\",\"params\":{}}");
	peer_close(&peer);
}
END_TEST

START_TEST(test_start)
{
	static const char *const argv[] = { "printf", "%s\n", "", NULL };
	static const char *const env[] = { "A=b=c", "E=", NULL };
	const struct px_command pipes = { .session = "a", .argv = argv };
	const struct px_command pty = { .argv = argv + 2, .pty = true, .rows = 3, .cols = 4 };
	const struct px_command all = { .session = "c",
		.argv = argv + 2,
		.arg0 = "zero",
		.cwd = "/tmp",
		.env = env,
		.inherit_env = true,
		.timeout_ms = 5,
		.no_stdin = true,
		.disposition = PX_DISPOSITION_KEEP,
		.has_umask = true,
		.umask = 077,
		.limits = { .cpu_seconds = 1, .memory_bytes = 2, .open_files = 3 },
		.traceparent = "tp",
		.tracestate = "ts" };
	struct peer peer;

	peer_named(&peer);
	SENDS(px_client_start(peer.client, &pipes, error),
	    "{\"id\":1,\"method\":\"process/start\",\"params\":{\"sessionId\":\"a\",\"direct\":"
	    "{\"argv\":[\"printf\",\"%s\\n\",\"\"],\"cwd\":null,\"env\":{},\"rlimits\":{}},\"io\":{"
	    "\"pipe\":{\"stdin\":\"open\"}}}}");
	SENDS(px_client_run(peer.client, &pty, "x", 1, 8, error),
	    "{\"id\":2,\"method\":\"process/run\",\"params\":{\"sessionId\":\"p-2\",\"direct\":"
	    "{\"argv\":[\"\"],\"cwd\":null,\"env\":{},\"rlimits\":{}},\"io\":{\"pty\":{\"rows\":3,"
	    "\"cols\":4}},\"chunk\":\"eA==\","
	    "\"timeoutMs\":8}}");
	SENDS(px_client_start(peer.client, &all, error),
	    "{\"id\":3,\"method\":\"process/start\",\"params\":{\"sessionId\":\"c\",\"direct\":"
	    "{\"argv\":[\"\"],\"cwd\":\"/tmp\",\"env\":{\"A\":\"b=c\",\"E\":\"\"},\"arg0\":"
	    "\"zero\",\"inheritEnv\":true,\"timeoutMs\":5,\"umask\":63,\"rlimits\":"
	    "{\"cpuSeconds\":1,\"memoryBytes\":2,\"openFiles\":3}},\"io\":{\"pipe\":{\"stdin\":"
	    "\"closed\"}},\"onDisconnect\":\"keep\"},\"trace\":{\"traceparent\":\"tp\","
	    "\"tracestate\":\"ts\"}}");
	peer_close(&peer);
}
END_TEST

/* The signature is one over the text that stands beside it. */
START_TEST(test_signed_start)
{
	static const char *const argv[] = { "/bin/true", NULL }, *const none[] = { NULL };
	const struct px_command command = { .session = "a",
		.argv = argv,
		.cwd = "/",
		.env = none,
		.prepared = true,
		.key = "k\0y",
		.key_len = 3 };
	struct peer peer;
	char said[2048];

	peer_named(&peer);
	ck_assert_int_gt(px_client_start(peer.client, &command, &peer.error), 0);
	peer_hears(&peer, said, sizeof said);
	/* printf '{"argv":["/bin/true"],"cwd":"/","env":{},"rlimits":{}}' | openssl dgst -sha256
	 * -mac HMAC -macopt hexkey:6b0079 -binary | base64 */
	ck_assert_str_eq(said,
	    "{\"id\":1,\"method\":\"process/start\",\"params\":{\"sessionId\":\"a\",\"prepared\":"
	    "{\"spec\":"
	    "\"eyJhcmd2IjpbIi9iaW4vdHJ1ZSJdLCJjd2QiOiIvIiwiZW52Ijp7fSwicmxpbWl0cyI6e319\","
	    "\"signature\":\"cUuWbL7B1i0sNcvGYXdwtpzGsOgAJr+t+ANEhtbRVrA=\"},"
	    "\"io\":{\"pipe\":{\"stdin\":\"open\"}}}}\n");
	peer_close(&peer);
}
END_TEST

/* Refused here; the connection is as good as before. */
static void
start_refused(struct peer *peer, const struct px_command *command, const char *text)
{
	ck_assert_int_eq(px_client_start(peer->client, command, &peer->error), -1);
	ck_assert_int_eq(peer->error.code, PX_ERROR_USAGE);
	ck_assert_msg(strstr(peer->error.text, text) != NULL, "%s", peer->error.text);
}

START_TEST(test_start_refused)
{
	static const char *const none[] = { NULL };
	static const char *const good[] = { "true", NULL };
	static const char *const latin[] = { "true", "caf\xe9", NULL };
	static const char *const nameless[] = { "=x", NULL };
	struct peer peer;
	char said[512];

	peer_named(&peer);
	start_refused(&peer, &(const struct px_command){ .argv = NULL }, "no command");
	start_refused(&peer, &(const struct px_command){ .argv = none }, "no command");
	start_refused(&peer, &(const struct px_command){ .argv = latin }, "UTF-8");
	start_refused(&peer, &(const struct px_command){ .argv = good, .cwd = "/\xff" }, "UTF-8");
	start_refused(
	    &peer, &(const struct px_command){ .argv = good, .env = latin }, "NAME=value");
	start_refused(
	    &peer, &(const struct px_command){ .argv = good, .env = nameless }, "NAME=value");
	ck_assert_int_gt(px_client_close_stdin(peer.client, "a", &peer.error), 0);
	ck_assert_ptr_nonnull(
	    strstr(peer_hears(&peer, said, sizeof said), "\"method\":\"process/closeStdin\""));
	peer_close(&peer);
}
END_TEST

/* What makes no sense is told here and not sent. */
START_TEST(test_usage)
{
	struct peer peer;
	struct px_client *c;
	struct px_error *error = &peer.error;

	peer_named(&peer);
	c = peer.client;
	ck_assert_int_eq(px_client_snapshot(c, NULL, error), -1);
	ck_assert_int_eq(error->code, PX_ERROR_USAGE);
	ck_assert_int_eq(px_client_signal(c, "a", NULL, NULL), -1);
	ck_assert_int_eq(px_client_signal(c, "a", "\xff", error), -1);
	ck_assert_int_eq(px_client_terminate(c, "a", -3, error), -1);
	ck_assert_int_eq(
	    px_client_wait(c, "a", &(const struct px_until){ .match = "\xff" }, error), -1);
	ck_assert_int_eq(px_client_inspect(c, "\xff", error), -1);
	ck_assert_int_eq(error->code, PX_ERROR_USAGE);
	px_client_step(c);
	ck_assert_int_eq(recv(peer.fd, &(char){ 0 }, 1, 0), -1);
	peer_close(&peer);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_request");

	tcase_add_test(tc, test_input);
	tcase_add_test(tc, test_ending);
	tcase_add_test(tc, test_waiting);
	tcase_add_test(tc, test_looking);
	tcase_add_test(tc, test_start);
	tcase_add_test(tc, test_signed_start);
	tcase_add_test(tc, test_start_refused);
	tcase_add_test(tc, test_usage);
	return run_cases(tc);
}

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cases.h"
#include "client_peer.h"

/* The first words of both sides, and servers that have none. */

/* ---- greeting ---- */

START_TEST(test_greeting)
{
	struct peer peer;
	char said[1024];

	peer_open(&peer, GREETING, strlen(GREETING), false);
	ck_assert_ptr_nonnull(peer.client);
	ck_assert_str_eq(peer_hears(&peer, said, sizeof said),
	    "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"ptyexec\","
	    "\"protocolVersion\":\"exec-server.v1\",\"capabilities\":{"
	    "\"optOutNotificationMethods\":[\"process/started\"]}}}\n");
	no_event(&peer, PX_ERROR_TIMEOUT);
	peer_close(&peer);
}
END_TEST

START_TEST(test_greeting_options)
{
	struct peer peer;
	char said[1024];

	peer_init(&peer);
	peer.options.name = "n\"";
	peer.options.version = "7";
	peer.options.resume_token = "t";
	peer.options.slow_consumer = PX_SLOW_LAG;
	peer.options.started_events = true;
	peer_connect(&peer, GREETING, strlen(GREETING), false);
	ck_assert_ptr_nonnull(peer.client);
	ck_assert_str_eq(peer_hears(&peer, said, sizeof said),
	    "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientName\":\"n\\\"\","
	    "\"clientVersion\":\"7\",\"protocolVersion\":\"exec-server.v1\",\"resumeToken\":\"t\","
	    "\"capabilities\":{\"slowConsumer\":\"lag\"}}}\n");
	peer_close(&peer);
}
END_TEST

START_TEST(test_what_the_server_says)
{
	static const char text[] =
	    "{\"id\":0,\"result\":{\"protocolVersion\":\"exec-server.v1\",\"server\":{\"name\":"
	    "\"s\","
	    "\"version\":\"1.2\"},\"workspace\":\"w-1\",\"resumeToken\":\"t0\",\"resumed\":true,"
	    "\"limits\":{\"maxMessageBytes\":70000,\"detachTtlMs\":5},\"environment\":{\"os\":"
	    "\"linux\",\"hostname\":\"h\",\"shell\":\"/bin/sh\",\"cwd\":\"/\",\"home\":\"/"
	    "root\"}}}\n";
	const struct px_greeting *greeting;
	struct peer peer;

	peer_open(&peer, text, strlen(text), false);
	ck_assert_ptr_nonnull(peer.client);
	greeting = px_client_greeting(peer.client);
	ck_assert_str_eq(greeting->server_name, "s");
	ck_assert_str_eq(greeting->server_version, "1.2");
	ck_assert_str_eq(greeting->workspace, "w-1");
	ck_assert_str_eq(greeting->resume_token, "t0");
	ck_assert(greeting->resumed);
	ck_assert_str_eq(greeting->hostname, "h");
	ck_assert_str_eq(greeting->shell, "/bin/sh");
	ck_assert_str_eq(greeting->cwd, "/");
	ck_assert_str_eq(greeting->home, "/root");
	ck_assert_uint_eq(greeting->nlimits, 2);
	ck_assert_str_eq(greeting->limits[1].name, "detachTtlMs");
	ck_assert_int_eq(greeting->limits[1].value, 5);
	peer_close(&peer);
}
END_TEST

static const struct {
	const char *said;
	enum px_error_code code;
	const char *text; /* a part of the message */
} bad_greetings[] = {
	{ "hello\n", PX_ERROR_PEER, "malformed" },
	{ "HTTP/1.1 400 Bad Request\r\n\r\n", PX_ERROR_PEER, "no ptyexec server" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", PX_ERROR_PEER, "no ptyexec server" },
	{ "\x16\x03\x01\n", PX_ERROR_PEER, "no ptyexec server" },
	{ "1\n", PX_ERROR_PEER, "no object" },
	{ "[]\n", PX_ERROR_PEER, "no object" },
	{ "{}\n", PX_ERROR_PEER, "without method and id" },
	{ "{\"id\":1,\"result\":{}}\n", PX_ERROR_PEER, "no request" },
	{ "{\"id\":-1,\"result\":{}}\n", PX_ERROR_PEER, "no request" },
	{ "{\"id\":\"0\",\"result\":{}}\n", PX_ERROR_PEER, "id" },
	{ "{\"id\":0}\n", PX_ERROR_PEER, "protocolVersion" },
	{ "{\"id\":0,\"result\":7}\n", PX_ERROR_PEER, "object" },
	{ "{\"id\":0,\"id\":0,\"result\":{}}\n", PX_ERROR_PEER, "duplicate" },
	{ "{\"id\":0,\"result\":{\"protocolVersion\":\"exec-server.v9\"}}\n", PX_ERROR_PEER,
	    "exec-server.v9" },
	{ "{\"id\":0,\"result\":{\"protocolVersion\":[]}}\n", PX_ERROR_PEER, "protocolVersion" },
	{ "{\"id\":0,\"method\":\"initialize\",\"params\":{}}\n", PX_ERROR_PEER, "a request" },
	{ "{\"id\":0,\"error\":{\"code\":-32602,\"message\":\"go away\"}}\n", PX_ERROR_REFUSED,
	    "go away" },
	{ "{\"id\":0,\"error\":\"no\"}\n", PX_ERROR_PEER, "object" },
	{ "{\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what?\"}}\n", PX_ERROR_PEER,
	    "what?" },
};

START_TEST(test_bad_greeting)
{
	struct peer peer;

	peer_open(&peer, bad_greetings[_i].said, strlen(bad_greetings[_i].said), false);
	ck_assert_ptr_null(peer.client);
	ck_assert_msg(peer.error.code == bad_greetings[_i].code, "%s", peer.error.text);
	ck_assert_msg(
	    strstr(peer.error.text, bad_greetings[_i].text) != NULL, "%s", peer.error.text);
	close(peer.fd);
}
END_TEST

START_TEST(test_greeting_cut_anywhere)
{
	struct peer peer;

	for (size_t len = 0; len < strlen(GREETING); len++) {
		peer_open(&peer, GREETING, len, true);
		ck_assert_ptr_null(peer.client);
		ck_assert_int_eq(peer.error.code, PX_ERROR_LOST);
	}
	/* With the last byte it is whole, though nothing follows. */
	peer_open(&peer, GREETING, strlen(GREETING), true);
	ck_assert_ptr_nonnull(peer.client);
	next_event(&peer, PX_EVENT_LOST);
	peer_free(&peer);
}
END_TEST

START_TEST(test_greeting_does_not_come)
{
	struct peer peer;

	peer_open(&peer, "", 0, false);
	ck_assert_ptr_null(peer.client);
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	close(peer.fd);
	peer_open(&peer, GREETING, strlen(GREETING) - 1, false);
	ck_assert_ptr_null(peer.client);
	ck_assert_int_eq(peer.error.code, PX_ERROR_TIMEOUT);
	close(peer.fd);
}
END_TEST

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

START_TEST(test_nothing_is_left)
{
	int before = open_descriptors();
	struct peer peer;

	peer_ready(&peer);
	peer_close(&peer);
	peer_open(&peer, "nonsense\n", 9, true);
	ck_assert_int_eq(open_descriptors(), before);
	px_client_free(NULL);
}
END_TEST

/* ---- launched servers ---- */

/* Launches 'script' as a server, which must fail so; then there is no child left. */
static void
launch_fails(const char *script, enum px_error_code code, const char *text)
{
	char path[] = "/tmp/px-client-test-XXXXXX";
	const char *const argv[] = { path, NULL };
	struct px_client_options options;
	struct px_error error = { 0 };
	struct px_client *client = NULL;
	int fd = mkostemp(path, O_CLOEXEC);

	px_client_options_init(&options);
	options.greeting_timeout_ms = code == PX_ERROR_TIMEOUT ? 100 : WAIT_MS;
	options.grace_ms = 20;
	ck_assert_int_ne(fd, -1);
	ck_assert_int_gt(dprintf(fd, "#!/bin/sh\n%s\n", script), 0);
	fchmod(fd, 0700);
	close(fd);
	ck_assert_int_eq(px_client_launch(argv, &options, &client, &error), -1);
	unlink(path);
	ck_assert_msg(error.code == code, "%s", error.text);
	ck_assert_msg(strstr(error.text, text) != NULL, "%s", error.text);
	ck_assert_msg(strstr(error.text, path) != NULL, "%s", error.text);
	ck_assert_ptr_null(client);
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(test_launch_fails)
{
	launch_fails("exit 3", PX_ERROR_START, "ended with status 3");
	launch_fails("kill -KILL $$", PX_ERROR_START, "killed by signal 9");
	launch_fails("echo hello; exec sleep 600", PX_ERROR_PEER, "no ptyexec server");
	launch_fails("exec sleep 600", PX_ERROR_TIMEOUT, "not answered");
	/* It takes SIGKILL to end these. */
	launch_fails("trap '' TERM; exec sleep 600", PX_ERROR_TIMEOUT, "not answered");
	launch_fails("exec <&- >&-; trap '' TERM; exec sleep 600", PX_ERROR_LOST, "hung up");
}
END_TEST

START_TEST(test_no_server)
{
	static const char *const nobody[] = { "/no/such/ptyexecd", NULL }, *const empty[] = {
		NULL
	};
	struct px_error error = { 0 };
	struct px_client *client;
	int before = open_descriptors();

	ck_assert_int_eq(px_client_launch(nobody, NULL, &client, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_START);
	ck_assert_int_eq(error.sys, ENOENT);
	ck_assert_str_eq(
	    error.text, "cannot start the server '/no/such/ptyexecd': No such file or directory");
	setenv("PTYEXECD", "/etc/passwd", 1);
	ck_assert_int_eq(px_client_launch(NULL, NULL, &client, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_START);
	ck_assert_int_eq(error.sys, EACCES);
	ck_assert_int_eq(px_client_launch(empty, NULL, &client, &error), -1);
	ck_assert_int_eq(error.code, PX_ERROR_USAGE);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_greeting");

	tcase_add_test(tc, test_greeting);
	tcase_add_test(tc, test_greeting_options);
	tcase_add_test(tc, test_what_the_server_says);
	tcase_add_loop_test(
	    tc, test_bad_greeting, 0, (int)(sizeof bad_greetings / sizeof bad_greetings[0]));
	tcase_add_test(tc, test_greeting_cut_anywhere);
	tcase_add_test(tc, test_greeting_does_not_come);
	tcase_add_test(tc, test_nothing_is_left);
	tcase_add_test(tc, test_launch_fails);
	tcase_add_test(tc, test_no_server);
	return run_cases(tc);
}

#include "server/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"
#include "cases.h"
#include "net/net.h"
#include "server/config.h"
#include "server/loop_watch.h"
#include "session/core.h"
#include "wire/http.h"

static struct event_base *base;
static struct px_config config;
static struct px_log log_;
static int log_end; /* where the log's lines can be read */
static struct px_web web;
static char response[65536];

static void
setup(void)
{
	static char *origins[] = { "https://app.example" };
	struct px_core_options core = { .max_running = 1 };
	struct px_net_options net = { .max_connections = 1 };
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	log_end = fd[0];
	log_ = (struct px_log){ fd[1], PX_LOG_DEBUG, false };
	base = event_base_new();
	config.allow_origin = (struct px_config_list){ origins, 1 };
	web = (struct px_web){ .config = &config,
		.core = px_core_new(base, &core),
		.net = px_net_new(base, &net),
		.loop = px_loop_watch_new(base),
		.log = &log_ };
}

static void
teardown(void)
{
	px_loop_watch_free(web.loop);
	px_net_free((struct px_net *)(uintptr_t)web.net);
	px_core_free(web.core);
	event_base_free(base);
	close(log_end);
	close(log_.fd);
}

/* Sends a whole head; what is answered is in 'response'. True: the upgrade may go on. */
static bool
ask_head(const char *text)
{
	struct evbuffer *out = evbuffer_new();
	char *head = strdup(text);
	struct px_http_request req;
	struct px_err err = { 0 };
	bool upgrade;
	int n;

	ck_assert_msg(px_http_parse(head, strlen(head), &req, &err) == 0, "%s", err.text);
	upgrade = px_web_request(&web, &req, out);
	n = evbuffer_remove(out, response, sizeof(response) - 1);
	ck_assert_int_eq(evbuffer_get_length(out), 0);
	ck_assert_int_eq(upgrade, n == 0); /* either answers or lets go on */
	response[n > 0 ? n : 0] = '\0';
	evbuffer_free(out);
	free(head);
	return upgrade;
}

static bool
ask(const char *method, const char *path, const char *headers)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path,
	    headers);
	return ask_head(text);
}

/* The answer has this status, says that the connection ends, and has a Content-Length that is
 * right. */
static const char *
answered(int status)
{
	const char *body = strstr(response, "\r\n\r\n"), *length;
	char line[32];

	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	ck_assert_msg(strncmp(response, line, strlen(line)) == 0, "%s", response);
	ck_assert_ptr_nonnull(body);
	ck_assert_ptr_nonnull(strstr(response, "\r\nConnection: close\r\n"));
	ck_assert_ptr_nonnull(length = strstr(response, "\r\nContent-Length: "));
	body += 4;
	if (*body != '\0')
		ck_assert_uint_eq(strtoul(length + 18, NULL, 10), strlen(body));
	return body;
}

static bool
has_line(const char *line)
{
	return strstr(response, line) != NULL;
}

static const char *
logged(void)
{
	static char text[8192];
	ssize_t n = read(log_end, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(test_health)
{
	ask("GET", "/healthz", "");
	ck_assert_str_eq(answered(200), "ok\n");
	ck_assert(has_line("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	ask("GET", "/healthz?x=y", "");
	ck_assert_str_eq(answered(200), "ok\n");
	web.stopping = true;
	ask("GET", "/healthz", "");
	ck_assert_str_eq(answered(200), "ok\n");
	ask_head("GET /healthz HTTP/1.0\r\n\r\n");
	ck_assert_str_eq(answered(200), "ok\n");
}
END_TEST

START_TEST(test_ready)
{
	ask("GET", "/readyz", "");
	ck_assert_str_eq(answered(200), "ready\n");
	web.stopping = true;
	ask("GET", "/readyz", "");
	ck_assert_str_eq(answered(503), "stopping\n");
	ask("HEAD", "/readyz", "");
	ck_assert_str_eq(answered(503), "");
}
END_TEST

START_TEST(test_metrics)
{
	ask("GET", "/metrics", "");
	ck_assert_ptr_nonnull(strstr(answered(200), "\nptyexec_connections 0\n"));
	ck_assert(has_line("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
}
END_TEST

/* A HEAD gets the length of the body, and no body. */
START_TEST(test_head)
{
	ask("HEAD", "/healthz", "");
	ck_assert_str_eq(answered(200), "");
	ck_assert(has_line("\r\nContent-Length: 3\r\n"));
	ask("HEAD", "/metrics", "");
	ck_assert_str_eq(answered(200), "");
	ck_assert(!has_line("\r\nContent-Length: 0\r\n"));
	ask("HEAD", "/nothing", "");
	ck_assert_str_eq(answered(404), "");
	ask("HEAD", "/healthz", "Origin: http://evil\r\n");
	ck_assert_str_eq(answered(403), "");
}
END_TEST

static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "GETS",
	"PRI", "head", "G" };

START_TEST(test_methods)
{
	static const char *const paths[] = { "/healthz", "/readyz", "/metrics" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ask(methods[_i], paths[i], "");
		answered(405);
		ck_assert(has_line("\r\nAllow: GET, HEAD\r\n"));
	}
	ask(methods[_i], "/other", "");
	answered(404);
}
END_TEST

static const char *const nowhere[] = { "/", "//", "/healthz/", "//healthz", "/HEALTHZ", "/healthzz",
	"/health", "/metrics/x", "/%68ealthz", "/./healthz", "/favicon.ico", "/?", "/a?/metrics",
	"/metrics;x", "/../metrics" };

START_TEST(test_paths)
{
	ask("GET", nowhere[_i], "");
	ck_assert_str_eq(answered(404), "not found\n");
	if (strncmp(nowhere[_i], "/?", 2) == 0 || strcmp(nowhere[_i], "/") == 0)
		return;
	ck_assert(!ask("GET", nowhere[_i], "Upgrade: websocket\r\nConnection: Upgrade\r\n"));
	answered(404);
}
END_TEST

START_TEST(test_upgrade)
{
	static const char upgrade[] = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

	ck_assert(ask("GET", "/", upgrade));
	ck_assert(ask("GET", "/?workspace=a", upgrade));
	/* What is wrong with one of these the handshake says. */
	ck_assert(ask("POST", "/", upgrade));
	ck_assert(ask("GET", "/", "Upgrade: h2c\r\n"));
	ck_assert(!ask("GET", "/healthz", upgrade));
	answered(404);
	ck_assert(!ask("GET", "/metrics", upgrade));
	answered(404);
	web.stopping = true;
	ck_assert(!ask("GET", "/", upgrade));
	answered(503);
	ck_assert_uint_eq(web.refused_hosts, 0);
	ck_assert_uint_eq(web.refused_origins, 0);
}
END_TEST

START_TEST(test_upgrade_from_a_page)
{
	ck_assert(ask("GET", "/", "Upgrade: websocket\r\nOrigin: https://app.example\r\n"));
	ck_assert(!ask("GET", "/", "Upgrade: websocket\r\nOrigin: https://evil.example\r\n"));
	answered(403);
	ck_assert_uint_eq(web.refused_origins, 1);
	ck_assert(!ask_head(
	    "GET / HTTP/1.1\r\nHost: rebound.example:8080\r\nUpgrade: websocket\r\n\r\n"));
	answered(403);
	ck_assert_uint_eq(web.refused_hosts, 1);
}
END_TEST

/* Also for paths that do not exist: who may not ask learns nothing. */
START_TEST(test_refused_everywhere)
{
	static const char *const paths[] = { "/", "/healthz", "/readyz", "/metrics", "/nothing" };
	char text[256];

	for (size_t i = 0; i < 5; i++) {
		ask("GET", paths[i], "Origin: null\r\n");
		answered(403);
		ask("DELETE", paths[i], "Origin: null\r\n");
		answered(403);
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: evil\r\n\r\n", paths[i]);
		ask_head(text);
		answered(403);
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n\r\n", paths[i]);
		ask_head(text);
		answered(400);
	}
	ck_assert_uint_eq(web.refused_origins, 10);
	ck_assert_uint_eq(web.refused_hosts, 10);
}
END_TEST

START_TEST(test_refusal_is_logged_once)
{
	const char *line;

	ask("GET", "/", "Origin: https://evil.example\r\n");
	line = logged();
	ck_assert_ptr_nonnull(
	    strstr(line, " warn refuse reason=allow_origin origin=https://evil.example\n"));
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	ask_head("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	ck_assert_ptr_nonnull(
	    strstr(logged(), " warn refuse reason=allow_host host=evil.example\n"));
	ask_head("GET / HTTP/1.1\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(logged(), " warn refuse reason=\"not one Host\"\n"));
}
END_TEST

START_TEST(test_logged_value_is_cut_and_escaped)
{
	char headers[2048] = "Origin: \xc2\x9b"
			     "31m";
	char wanted[256];
	const char *line;
	size_t len = strlen(headers);

	memset(headers + len, 'a', 1000);
	memcpy(headers + len + 1000, "\r\n", 3);
	ask("GET", "/", headers);
	answered(403);
	line = logged();
	ck_assert_ptr_null(strchr(line, '\x9b'));
	ck_assert_uint_lt(strlen(line), 256);
	memset(wanted, 'a', 123);
	wanted[123] = '\0';
	ck_assert_ptr_nonnull(strstr(line, wanted));
	wanted[123] = 'a';
	wanted[124] = '\0';
	ck_assert_ptr_null(strstr(line, wanted));
	ck_assert_ptr_null(strstr(response, "31m")); /* nothing comes back */
}
END_TEST

static Suite *
web_suite(void)
{
	Suite *s = suite_create("web");
	TCase *tc = tcase_create("web");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_health);
	tcase_add_test(tc, test_ready);
	tcase_add_test(tc, test_metrics);
	tcase_add_test(tc, test_head);
	tcase_add_loop_test(tc, test_methods, 0, sizeof(methods) / sizeof(methods[0]));
	tcase_add_loop_test(tc, test_paths, 0, sizeof(nowhere) / sizeof(nowhere[0]));
	tcase_add_test(tc, test_upgrade);
	tcase_add_test(tc, test_upgrade_from_a_page);
	tcase_add_test(tc, test_refused_everywhere);
	tcase_add_test(tc, test_refusal_is_logged_once);
	tcase_add_test(tc, test_logged_value_is_cut_and_escaped);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(web_suite());
}

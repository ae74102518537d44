#include "server/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "server/config.h"
#include "wire/http.h"

static char *origins[] = { "https://app.example", "http://127.0.0.1:3000", "null" };
static char *hosts[] = { "box.example", "ci.example:8443", "Mixed.Example", "" };

static const struct px_config closed;
static const struct px_config open_to_some = {
	.allow_origin = { origins, 3 },
	.allow_host = { hosts, 4 },
};

/* Header lines, each with its CRLF; the value at fault is left in 'fault'. */
static char fault[4096];

static enum px_access
check(const struct px_config *config, int minor, const char *lines)
{
	struct px_http_request req;
	struct px_err err = { 0 };
	enum px_access access;
	const char *value;
	char *head;
	int len;

	len = asprintf(&head, "GET / HTTP/1.%d\r\n%s\r\n", minor, lines);
	ck_assert_int_gt(len, 0);
	ck_assert_msg(px_http_parse(head, (size_t)len, &req, &err) == 0, "%s: %s", lines, err.text);
	access = px_access_check(config, &req, &value);
	ck_assert_msg(access != PX_ACCESS_GRANTED || value == NULL, "%s", lines);
	snprintf(fault, sizeof(fault), "%s", value != NULL ? value : "(none)");
	free(head);
	return access;
}

static void
host(const struct px_config *config, const char *value, enum px_access wanted)
{
	char lines[4096];

	snprintf(lines, sizeof(lines), "Host: %s\r\n", value);
	ck_assert_msg(check(config, 1, lines) == wanted, "Host: %s", value);
	if (wanted != PX_ACCESS_GRANTED)
		ck_assert_str_eq(fault, value);
}

static void
origin(const struct px_config *config, const char *value, enum px_access wanted)
{
	char lines[4096];

	snprintf(lines, sizeof(lines), "Host: localhost\r\nOrigin: %s\r\n", value);
	ck_assert_msg(check(config, 1, lines) == wanted, "Origin: %s", value);
	if (wanted != PX_ACCESS_GRANTED)
		ck_assert_str_eq(fault, value);
}

static const char *const local_hosts[] = { "localhost", "localhost:80", "localhost:0",
	"localhost:65535", "LOCALHOST", "LocalHost:8080", "localhost.", "localhost.:8080",
	"localhost:00080", "127.0.0.1", "127.0.0.1:8080", "0.0.0.0", "192.168.1.7:1",
	"255.255.255.255", "[::1]", "[::1]:8080", "[::]", "[FE80::1]", "[::ffff:127.0.0.1]:9",
	"[2001:db8:1111:2222:3333:4444:5555:6666]:65535" };

START_TEST(test_host_that_no_name_server_decides)
{
	host(&closed, local_hosts[_i], PX_ACCESS_GRANTED);
}
END_TEST

static const char *const foreign_hosts[] = { "", ":80", ".", "..", "example.com", "example.com:80",
	"box.example",
	/* near an allowed one */
	"localhost.example.com", "xlocalhost", "localhostx", "localhost..", ".localhost",
	"a.localhost", "localhost\t.", "local host", "localhost:", "localhost:x", "localhost:80x",
	"localhost:+80", "localhost:-1", "localhost: 80", "localhost:65536",
	"localhost:99999999999999999999", "localhost:80:80", "localhost:80.",
	/* what some parsers make an address of */
	"127.1", "127.0.0.1.", "127.0.0.01", "0x7f.0.0.1", "0x7f000001", "2130706433",
	"127.0.0.256", "127.0.0.1.example.com", "127.0.0.1.nip.io:80", "::1", "::1:80", "[::1",
	"::1]", "[]", "[", "]", "[]:80", "[::1]x", "[::1]:", "[::1].", "[[::1]]", "[127.0.0.1]",
	"[localhost]", "[::1%lo]", "[fe80::1%25eth0]:80", "[::1%]", "[v1.x]", "[::1]:80:80",
	"[0000:0000:0000:0000:0000:ffff:127.127.127.1277]",
	/* somebody else's syntax */
	"user@localhost", "localhost@evil.example", "localhost:80@evil.example",
	"127.0.0.1@evil.example", "evil.example#localhost", "evil.example/localhost",
	"evil.example?localhost", "evil.example\\localhost", "http://localhost", "localhost,evil",
	"localhost;", "%6cocalhost", "\xc5\x82ocalhost", "loc\302\255lhost",
	"localhost\xe3\x80\x82", "*" };

START_TEST(test_host_that_is_refused)
{
	struct px_config config = closed;
	char *star = "*";
	const char *value = foreign_hosts[_i];

	host(&config, value, PX_ACCESS_BAD_HOST);
	config.allow_host = (struct px_config_list){ &star, 1 };
	/* An entry is no pattern. */
	host(&config, value, strcmp(value, "*") == 0 ? PX_ACCESS_GRANTED : PX_ACCESS_BAD_HOST);
}
END_TEST

START_TEST(test_host_that_is_listed)
{
	const struct px_config *c = &open_to_some;

	host(c, "box.example", PX_ACCESS_GRANTED);
	host(c, "BOX.EXAMPLE", PX_ACCESS_GRANTED);
	host(c, "box.example.", PX_ACCESS_GRANTED);
	host(c, "box.example:1", PX_ACCESS_GRANTED);
	host(c, "box.example.:1", PX_ACCESS_GRANTED);
	host(c, "mixed.example:99", PX_ACCESS_GRANTED);
	host(c, "ci.example:8443", PX_ACCESS_GRANTED);
	host(c, "CI.example:8443", PX_ACCESS_GRANTED);
	host(c, "ci.example", PX_ACCESS_BAD_HOST);
	host(c, "ci.example:443", PX_ACCESS_BAD_HOST);
	host(c, "ci.example:84430", PX_ACCESS_BAD_HOST);
	host(c, "sub.box.example", PX_ACCESS_BAD_HOST);
	host(c, "box.example.evil", PX_ACCESS_BAD_HOST);
	host(c, "box.exampl", PX_ACCESS_BAD_HOST);
	host(c, "box.example:", PX_ACCESS_BAD_HOST);
	host(c, "box.example..", PX_ACCESS_BAD_HOST);
	/* The empty entry matches nothing. */
	host(c, "", PX_ACCESS_BAD_HOST);
	host(c, ":80", PX_ACCESS_BAD_HOST);
	host(c, ".", PX_ACCESS_BAD_HOST);
	host(c, ".:80", PX_ACCESS_BAD_HOST);
}
END_TEST

START_TEST(test_host_of_absurd_length)
{
	char value[2000];

	memset(value, 'a', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	host(&open_to_some, value, PX_ACCESS_BAD_HOST);
	memset(value, '1', sizeof(value) - 1);
	host(&open_to_some, value, PX_ACCESS_BAD_HOST);
	value[0] = '[';
	host(&open_to_some, value, PX_ACCESS_BAD_HOST);
	value[sizeof(value) - 2] = ']';
	host(&open_to_some, value, PX_ACCESS_BAD_HOST);
	memcpy(value, "localhost:", 10);
	value[sizeof(value) - 2] = '1';
	host(&open_to_some, value, PX_ACCESS_BAD_HOST);
}
END_TEST

START_TEST(test_number_of_hosts)
{
	ck_assert_int_eq(check(&closed, 1, ""), PX_ACCESS_MALFORMED);
	ck_assert_str_eq(fault, "(none)");
	ck_assert_int_eq(check(&closed, 0, ""), PX_ACCESS_GRANTED);
	ck_assert_int_eq(check(&closed, 0, "Host: localhost\r\n"), PX_ACCESS_GRANTED);
	ck_assert_int_eq(check(&closed, 0, "Host: evil.example\r\n"), PX_ACCESS_BAD_HOST);
	ck_assert_int_eq(
	    check(&closed, 1, "Host: localhost\r\nhOST: localhost\r\n"), PX_ACCESS_MALFORMED);
	ck_assert_int_eq(
	    check(&closed, 1, "Host: localhost\r\nHost: evil.example\r\n"), PX_ACCESS_MALFORMED);
	ck_assert_int_eq(
	    check(&closed, 0, "Host: localhost\r\nHost: localhost\r\n"), PX_ACCESS_MALFORMED);
	ck_assert_int_eq(check(&closed, 1, "X-Forwarded-Host: localhost\r\n"), PX_ACCESS_MALFORMED);
	/* Without a Host an Origin is looked at all the same. */
	ck_assert_int_eq(check(&closed, 0, "Origin: http://a\r\n"), PX_ACCESS_BAD_ORIGIN);
}
END_TEST

START_TEST(test_origin_is_refused_unless_listed)
{
	static const char *const all[] = { "", "null", "http://localhost", "http://127.0.0.1",
		"https://app.example", "file://", "*" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		origin(&closed, all[i], PX_ACCESS_BAD_ORIGIN);
}
END_TEST

START_TEST(test_origin_is_compared_letter_by_letter)
{
	const struct px_config *c = &open_to_some;
	static const char *const others[] = { "", "NULL", "nul", "null null",
		"https://app.example/", "https://app.example.", "https://app.example:443",
		"http://app.example", "HTTPS://app.example", "https://APP.example",
		"https://app.example.evil", "https://user@app.example",
		"https://app.example@evil.example", "https://evil.example/https://app.example",
		"https://app.example, null", "https://app.example null", "http://127.0.0.1",
		"http://127.0.0.1:30000", "http://127.0.0.1:300", "http://localhost:3000",
		"app.example", "*" };

	origin(c, "https://app.example", PX_ACCESS_GRANTED);
	origin(c, "http://127.0.0.1:3000", PX_ACCESS_GRANTED);
	origin(c, "null", PX_ACCESS_GRANTED);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		origin(c, others[i], PX_ACCESS_BAD_ORIGIN);
}
END_TEST

START_TEST(test_origin_entries_are_not_patterns)
{
	char *entries[] = { "*", "" };
	struct px_config config = { .allow_origin = { entries, 2 } };

	origin(&config, "https://app.example", PX_ACCESS_BAD_ORIGIN);
	origin(&config, "", PX_ACCESS_BAD_ORIGIN);
	origin(&config, "*", PX_ACCESS_GRANTED); /* which no browser says */
}
END_TEST

START_TEST(test_every_origin_counts)
{
	const struct px_config *c = &open_to_some;

	ck_assert_int_eq(
	    check(c, 1, "Host: localhost\r\nOrigin: null\r\nOrigin: null\r\n"), PX_ACCESS_GRANTED);
	ck_assert_int_eq(
	    check(c, 1, "Host: localhost\r\nOrigin: null\r\nX: y\r\norigin: http://evil\r\n"),
	    PX_ACCESS_BAD_ORIGIN);
	ck_assert_str_eq(fault, "http://evil");
	ck_assert_int_eq(check(c, 1, "Origin: http://evil\r\nOrigin: null\r\nHost: localhost\r\n"),
	    PX_ACCESS_BAD_ORIGIN);
	ck_assert_int_eq(
	    check(c, 1, "Host: localhost\r\nOrigin: null\r\nOrigin:\r\n"), PX_ACCESS_BAD_ORIGIN);
	ck_assert_str_eq(fault, "");
}
END_TEST

START_TEST(test_both_are_needed)
{
	ck_assert_int_eq(
	    check(&open_to_some, 1, "Host: evil.example\r\nOrigin: null\r\n"), PX_ACCESS_BAD_HOST);
	ck_assert_int_eq(check(&open_to_some, 1, "Host: box.example\r\nOrigin: http://evil\r\n"),
	    PX_ACCESS_BAD_ORIGIN);
	ck_assert_int_eq(
	    check(&open_to_some, 1, "Host: box.example\r\nOrigin: https://app.example\r\n"),
	    PX_ACCESS_GRANTED);
}
END_TEST

static Suite *
access_suite(void)
{
	Suite *s = suite_create("access");
	TCase *tc = tcase_create("access");

	tcase_add_loop_test(tc, test_host_that_no_name_server_decides, 0,
	    sizeof(local_hosts) / sizeof(local_hosts[0]));
	tcase_add_loop_test(
	    tc, test_host_that_is_refused, 0, sizeof(foreign_hosts) / sizeof(foreign_hosts[0]));
	tcase_add_test(tc, test_host_that_is_listed);
	tcase_add_test(tc, test_host_of_absurd_length);
	tcase_add_test(tc, test_number_of_hosts);
	tcase_add_test(tc, test_origin_is_refused_unless_listed);
	tcase_add_test(tc, test_origin_is_compared_letter_by_letter);
	tcase_add_test(tc, test_origin_entries_are_not_patterns);
	tcase_add_test(tc, test_every_origin_counts);
	tcase_add_test(tc, test_both_are_needed);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(access_suite());
}

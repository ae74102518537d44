#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "cases.h"
#include "client/address.h"

static struct px_address *
good(const char *url)
{
	struct px_address *address;
	struct px_error err = { 0 };

	ck_assert_msg(px_address_parse(url, &address, &err) == 0, "%s: %s", url, err.text);
	ck_assert_uint_ge(address->nplaces, 1);
	return address;
}

static const struct {
	const char *url, *path;
} unix_urls[] = {
	{ "unix:///run/x.sock", "/run/x.sock" },
	{ "unix:/run/x.sock", "/run/x.sock" },
	{ "unix://x.sock", "x.sock" },
	{ "unix:x?y#z", "x?y#z" },
	{ "UNIX:///a b", "/a b" },
};

START_TEST(test_unix)
{
	struct px_address *address = good(unix_urls[_i].url);
	const struct sockaddr_un *un = (const struct sockaddr_un *)&address->places[0].addr;

	ck_assert(!address->is_ws);
	ck_assert(!address->is_tls);
	ck_assert_uint_eq(address->nplaces, 1);
	ck_assert_int_eq(un->sun_family, AF_UNIX);
	ck_assert_str_eq(un->sun_path, unix_urls[_i].path);
	ck_assert_str_eq(px_address_text(address), unix_urls[_i].url);
	px_address_free(address);
}
END_TEST

/* The longest path fills the kernel's struct up to its NUL. */
START_TEST(test_unix_length)
{
	struct sockaddr_un un;
	char url[sizeof un.sun_path + 16] = "unix:/";
	struct px_address *address;
	struct px_error err = { 0 };

	memset(url + 6, 'x', sizeof un.sun_path - 2);
	address = good(url);
	ck_assert_str_eq(((const struct sockaddr_un *)&address->places[0].addr)->sun_path, url + 5);
	px_address_free(address);
	memcpy(url + strlen(url), "x", 2);
	ck_assert_int_eq(px_address_parse(url, &address, &err), -1);
	ck_assert_int_eq(err.code, PX_ERROR_USAGE);
	ck_assert_ptr_nonnull(strstr(err.text, "at most 107 bytes"));
}
END_TEST

static const struct {
	const char *url, *host, *authority, *target, *text;
	int port;
	bool is_tls;
} ws_urls[] = {
	{ "ws://127.0.0.1:4500", "127.0.0.1", "127.0.0.1:4500", "/", NULL, 4500, false },
	{ "ws://127.0.0.1", "127.0.0.1", "127.0.0.1", "/", NULL, 80, false },
	{ "ws://127.0.0.1:80/", "127.0.0.1", "127.0.0.1", "/", NULL, 80, false },
	{ "ws://127.0.0.1:443/", "127.0.0.1", "127.0.0.1:443", "/", NULL, 443, false },
	{ "wss://127.0.0.1/a/b", "127.0.0.1", "127.0.0.1", "/a/b", NULL, 443, true },
	{ "wss://127.0.0.1:80", "127.0.0.1", "127.0.0.1:80", "/", NULL, 80, true },
	{ "WsS://[::1]", "::1", "[::1]", "/", NULL, 443, true },
	{ "ws://[::1]:1?q=%20/", "::1", "[::1]:1", "/?q=%20/", "ws://[::1]:1", 1, false },
	{ "ws://[::ffff:1.2.3.4]:65535", "::ffff:1.2.3.4", "[::ffff:1.2.3.4]:65535", "/", NULL,
	    65535, false },
	{ "ws://127.0.0.1:5/p?token=secret", "127.0.0.1", "127.0.0.1:5", "/p?token=secret",
	    "ws://127.0.0.1:5/p", 5, false },
	{ "ws://localhost:7", "localhost", "localhost:7", "/", NULL, 7, false },
};

static int
port_of(const struct px_address_place *place)
{
	if (place->addr.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&place->addr)->sin_port);
	ck_assert_int_eq(place->addr.ss_family, AF_INET6);
	return ntohs(((const struct sockaddr_in6 *)&place->addr)->sin6_port);
}

static void
check_ws(const struct px_address *address, size_t i)
{
	ck_assert(address->is_ws);
	ck_assert_int_eq(address->is_tls, ws_urls[i].is_tls);
	ck_assert_str_eq(address->host, ws_urls[i].host);
	ck_assert_str_eq(address->authority, ws_urls[i].authority);
	ck_assert_str_eq(address->target, ws_urls[i].target);
	ck_assert_str_eq(
	    px_address_text(address), ws_urls[i].text != NULL ? ws_urls[i].text : ws_urls[i].url);
	for (size_t n = 0; n < address->nplaces; n++)
		ck_assert_int_eq(port_of(&address->places[n]), ws_urls[i].port);
}

START_TEST(test_ws)
{
	struct px_address *address = good(ws_urls[_i].url);
	struct px_address *copy = px_address_copy(address);

	check_ws(address, (size_t)_i);
	px_address_free(address);
	check_ws(copy, (size_t)_i);
	px_address_free(copy);
}
END_TEST

START_TEST(test_numbers)
{
	struct px_address *address = good("ws://192.0.2.7:9");
	char text[INET6_ADDRSTRLEN];

	ck_assert_uint_eq(address->nplaces, 1);
	ck_assert_str_eq(
	    inet_ntop(AF_INET, &((struct sockaddr_in *)&address->places[0].addr)->sin_addr, text,
		sizeof text),
	    "192.0.2.7");
	px_address_free(address);
	address = good("ws://[2001:db8::9]:9");
	ck_assert_uint_eq(address->nplaces, 1);
	ck_assert_str_eq(
	    inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address->places[0].addr)->sin6_addr, text,
		sizeof text),
	    "2001:db8::9");
	px_address_free(address);
}
END_TEST

static const struct {
	const char *url, *text;
} bad_urls[] = {
	{ "http://h:1", "unsupported URL `http://h:1`; expected unix://PATH, ws://HOST:PORT or "
			"wss://HOST:PORT" },
	{ "", "unsupported URL ``" },
	{ "/run/x", "unsupported URL" },
	{ "ws:/h", "unsupported URL" },
	{ " ws://h", "unsupported URL" },
	{ "unix://", "there is no path; expected unix://PATH" },
	{ "unix:", "there is no path" },
	{ "ws://", "there is no host" },
	{ "ws://:80", "there is no host" },
	{ "ws:///x", "there is no host" },
	{ "ws://?x", "there is no host" },
	{ "ws://[]:1", "there is no host" },
	{ "ws://[::1", "not an IPv6 address" },
	{ "ws://[host]:1", "not an IPv6 address" },
	{ "ws://[::1%eth0]:1", "not an IPv6 address" },
	{ "ws://[::1]1", "a character that cannot be in one" },
	{ "ws://::1", "there is no host" },
	{ "ws://a b", "a character that cannot be in one" },
	{ "ws://h\xc3\xa4user", "a character that cannot be in one" },
	{ "ws://me@h", "a user name in it is not supported" },
	{ "ws://me:pw@h:1", "a user name in it is not supported" },
	{ "ws://h:", "the port is not a number from 1 to 65535" },
	{ "ws://h:0", "the port is not a number from 1 to 65535" },
	{ "ws://h:65536", "the port is not a number from 1 to 65535" },
	{ "ws://h:-1", "the port is not a number from 1 to 65535" },
	{ "ws://h: 1", "the port is not a number from 1 to 65535" },
	{ "ws://h:1x/", "the port is not a number from 1 to 65535" },
	{ "ws://h:00000000000000000001", "the port is not a number from 1 to 65535" },
	{ "ws://h:1/#x", "a part behind '#' is not supported" },
	{ "ws://h#x", "a part behind '#' is not supported" },
	{ "ws://h/a b", "must be written as %XX" },
	{ "ws://h/%2", "must be written as %XX" },
	{ "ws://h/\r\nX: y", "must be written as %XX" },
};

START_TEST(test_bad)
{
	struct px_address *address = NULL;
	struct px_error err = { 0 };

	ck_assert_int_eq(px_address_parse(bad_urls[_i].url, &address, &err), -1);
	ck_assert_ptr_null(address);
	ck_assert_int_eq(err.code, PX_ERROR_USAGE);
	ck_assert_msg(strstr(err.text, bad_urls[_i].text) != NULL, "%s", err.text);
	ck_assert_int_eq(px_address_parse(bad_urls[_i].url, &address, NULL), -1);
}
END_TEST

START_TEST(test_long_host)
{
	char url[400] = "ws://";
	struct px_address *address;
	struct px_error err = { 0 };

	memset(url + 5, 'x', 254);
	ck_assert_int_eq(px_address_parse(url, &address, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "the host is too long"));
}
END_TEST

/* Names under "invalid" have no address (RFC 6761), and a number that is none is not looked up. */
START_TEST(test_no_address)
{
	struct px_address *address;
	struct px_error err = { 0 };

	ck_assert_int_eq(px_address_parse("ws://[1:2]:1", &address, &err), -1);
	ck_assert_int_eq(err.code, PX_ERROR_CONNECT);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot find the address of '1:2': "));
	ck_assert_int_eq(px_address_parse("ws://nobody.invalid:1", &address, &err), -1);
	ck_assert_int_eq(err.code, PX_ERROR_CONNECT);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot find the address of 'nobody.invalid': "));
	px_address_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("address");

	tcase_add_loop_test(tc, test_unix, 0, sizeof unix_urls / sizeof unix_urls[0]);
	tcase_add_test(tc, test_unix_length);
	tcase_add_loop_test(tc, test_ws, 0, sizeof ws_urls / sizeof ws_urls[0]);
	tcase_add_test(tc, test_numbers);
	tcase_add_loop_test(tc, test_bad, 0, sizeof bad_urls / sizeof bad_urls[0]);
	tcase_add_test(tc, test_long_host);
	tcase_add_test(tc, test_no_address);
	return run_cases(tc);
}

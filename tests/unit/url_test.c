#include "net/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"

/* What parses comes out as it went in, or as 'normal'. */
static const struct {
	const char *text, *normal;
	enum px_url_kind kind;
	bool loopback;
} good[] = {
	{ "stdio://", NULL, PX_URL_STDIO, false },
	{ "unix:///run/x.sock", NULL, PX_URL_UNIX, false },
	{ "unix://relative/x", NULL, PX_URL_UNIX, false },
	{ "ws://127.0.0.1:4500", NULL, PX_URL_WS, true },
	{ "ws://127.255.0.9:0", NULL, PX_URL_WS, true },
	{ "ws://128.0.0.1:65535", NULL, PX_URL_WS, false },
	{ "ws://0.0.0.0:1", NULL, PX_URL_WS, false },
	{ "ws://[::1]:80", NULL, PX_URL_WS, true },
	{ "ws://[0:0:0:0:0:0:0:1]:080", "ws://[::1]:80", PX_URL_WS, true },
	{ "ws://[::]:80", NULL, PX_URL_WS, false },
	{ "ws://[::ffff:127.0.0.1]:80", NULL, PX_URL_WS, false },
	{ "ws://[2001:db8:1111:2222:3333:4444:5555:6666]:65535", NULL, PX_URL_WS, false },
};

START_TEST(test_good)
{
	const char *expected = good[_i].normal != NULL ? good[_i].normal : good[_i].text;
	struct px_url url;
	struct px_err err = { 0 };
	char text[160];

	ck_assert_msg(px_url_parse(good[_i].text, &url, &err) == 0, "%s", err.text);
	ck_assert_int_eq(url.kind, good[_i].kind);
	px_url_format(&url, text, sizeof text);
	ck_assert_str_eq(text, expected);
	if (url.kind == PX_URL_WS)
		ck_assert(px_addr_is_loopback(&url.addr) == good[_i].loopback);
}
END_TEST

static const char *const bad[] = { "", "stdio:", "stdio://x", "STDIO://", "unix:/x", "unix://",
	"http://127.0.0.1:1", "wss//", "ws:/127.0.0.1:1", "ws://", "ws://127.0.0.1",
	"ws://127.0.0.1:", "ws://:80", "ws://127.0.0.1:65536", "ws://127.0.0.1:-1",
	"ws://127.0.0.1:+1", "ws://127.0.0.1: 1", "ws://127.0.0.1:1 ", "ws://127.0.0.1:1/",
	"ws://127.0.0.1:1x", "ws://127.0.0.1:0x10", "ws://127.0.0.1:99999999999999999999",
	"ws://127.0.0:1", "ws://127.0.0.1.1:1", "ws://256.0.0.1:1", " ws://127.0.0.1:1",
	"ws://localhost:1", "ws://::1:80", "ws://[::1]", "ws://[::1]80", "ws://[::1:80",
	"ws://::1]:80", "ws://[]:80", "ws://[127.0.0.1]:80", "ws://[fe80::1%eth0]:80",
	"ws://[[::1]]:80",
	"ws://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80" };

START_TEST(test_bad)
{
	struct px_url url = { .addr_len = 4711 };
	struct px_err err = { 0 };

	ck_assert_msg(px_url_parse(bad[_i], &url, &err) == -1, "%s", bad[_i]);
	ck_assert_int_eq(err.code, PX_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.text, "expected"));
	ck_assert_uint_eq(url.addr_len, 4711);
	ck_assert_int_eq(px_url_parse(bad[_i], &url, NULL), -1);
}
END_TEST

START_TEST(test_messages)
{
	struct px_url url;
	struct px_err err;

	px_url_parse("ws://localhost:1234", &url, &err);
	ck_assert_str_eq(err.text,
	    "invalid websocket --listen URL `ws://localhost:1234`; expected `ws://IP:PORT`");
	px_url_parse("http://127.0.0.1:1234", &url, &err);
	ck_assert_str_eq(err.text,
	    "unsupported --listen URL `http://127.0.0.1:1234`; expected `stdio://`, "
	    "`unix://PATH`, `ws://IP:PORT`");
}
END_TEST

START_TEST(test_address)
{
	struct px_url url;
	struct sockaddr_in *in4 = (struct sockaddr_in *)&url.addr;

	ck_assert_int_eq(px_url_parse("ws://1.2.3.4:258", &url, NULL), 0);
	ck_assert_uint_eq(url.addr_len, sizeof *in4);
	ck_assert_uint_eq(ntohs(in4->sin_port), 258);
	ck_assert_uint_eq(ntohl(in4->sin_addr.s_addr), 0x01020304);
	ck_assert_int_eq(px_url_parse("ws://[::1]:258", &url, NULL), 0);
	ck_assert_uint_eq(url.addr_len, sizeof(struct sockaddr_in6));
}
END_TEST

/* As long as the kernel takes, and one more. */
START_TEST(test_longest_path)
{
	char text[160] = "unix://", back[160];
	struct px_url url;
	struct px_err err = { 0 };

	memset(text + 7, 'p', sizeof url.path - 1);
	ck_assert_int_eq(px_url_parse(text, &url, NULL), 0);
	px_url_format(&url, back, sizeof back);
	ck_assert_str_eq(back, text);
	text[7 + sizeof url.path - 1] = 'p';
	ck_assert_int_eq(px_url_parse(text, &url, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "107 bytes"));
}
END_TEST

START_TEST(test_other_family_is_not_loopback)
{
	struct sockaddr_storage addr = { .ss_family = AF_UNIX };

	ck_assert(!px_addr_is_loopback(&addr));
}
END_TEST

static Suite *
url_suite(void)
{
	Suite *s = suite_create("url");
	TCase *tc = tcase_create("url");

	tcase_add_loop_test(tc, test_good, 0, sizeof good / sizeof good[0]);
	tcase_add_loop_test(tc, test_bad, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(tc, test_messages);
	tcase_add_test(tc, test_address);
	tcase_add_test(tc, test_longest_path);
	tcase_add_test(tc, test_other_family_is_not_loopback);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(url_suite());
}

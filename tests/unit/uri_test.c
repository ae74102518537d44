#include "fs/uri.h"

#include <string.h>

#include "cases.h"

/* A URI, its path, and the URI of that if it is another. */
static const struct {
	const char *uri, *path, *normal;
} good[] = {
	{ "file:///", "/", NULL },
	{ "file:///a", "/a", NULL },
	{ "file:///a/b.c", "/a/b.c", NULL },
	{ "file:///a%20b%23%25%C3%A9.txt", "/a b#%\xc3\xa9.txt", NULL },
	{ "file:///%3F%22%3C%3E%5C%60%7B%7D%7F%01", "/?\"<>\\`{}\x7f\x01", NULL },
	{ "file:///~!$&'()*+,;=:@^[]|-._", "/~!$&'()*+,;=:@^[]|-._", NULL },
	{ "file:///C:/x", "/C:/x", NULL },
	{ "file:///%ff%fe", "/\xff\xfe", "file:///%FF%FE" },
	{ "file:///%66", "/f", "file:///f" },
	{ "file:///%2566", "/%66", NULL },
	{ "file:///%252e%252e/x", "/%2e%2e/x", "file:///%252e%252e/x" },
	{ "file:///a b", "/a b", "file:///a%20b" },
	{ "file:///a/", "/a", "file:///a" },
	{ "file:///a//b///", "/a/b", "file:///a/b" },
	{ "file:////a", "/a", "file:///a" },
	{ "file:///a/./b/.", "/a/b", "file:///a/b" },
	{ "file:///a/../b", "/b", "file:///b" },
	{ "file:///a/b/..", "/a", "file:///a" },
	{ "file:///a/b/../..", "/", "file:///" },
	{ "file:///../../etc", "/etc", "file:///etc" },
	{ "file:///a/%2e%2E/b/%2e", "/b", "file:///b" },
	{ "file:///a/.../..b/.c", "/a/.../..b/.c", NULL },
	{ "file:/a", "/a", "file:///a" },
	{ "FILE:///a", "/a", "file:///a" },
	{ "file://localhost/a", "/a", "file:///a" },
	{ "file://LOCALHOST/", "/", "file:///" },
};

START_TEST(test_good)
{
	char path[PATH_MAX], uri[PX_URI_MAX];
	const char *normal = good[_i].normal != NULL ? good[_i].normal : good[_i].uri;
	struct px_err err = { 0 };

	ck_assert_msg(
	    px_uri_to_path(good[_i].uri, strlen(good[_i].uri), path, &err) == 0, "%s", err.text);
	ck_assert_str_eq(path, good[_i].path);
	ck_assert_int_eq(px_uri_from_path(path, uri, sizeof uri, &err), (int)strlen(normal));
	ck_assert_str_eq(uri, normal);
}
END_TEST

static const struct {
	const char *uri, *why;
} bad[] = {
	{ "", "begin with file:" },
	{ "/etc/passwd", "begin with file:" },
	{ "http:///a", "begin with file:" },
	{ " file:///a", "begin with file:" },
	{ "file", "begin with file:" },
	{ "file:", "not absolute" },
	{ "file:a", "not absolute" },
	{ "file:a/b", "not absolute" },
	{ "file://", "not absolute" },
	{ "file://host/a", "host" },
	{ "file://localhost", "host" },
	{ "file://localhosts/a", "host" },
	{ "file://127.0.0.1/a", "host" },
	{ "file://../a", "host" },
	{ "file:///a%00", "NUL" },
	{ "file:///a%00/../b", "NUL" },
	{ "file:///a%2Fb", "encoded slash" },
	{ "file:///..%2f..%2fb", "encoded slash" },
	{ "file:///a?x", "query" },
	{ "file:///a#x", "fragment" },
	{ "file:///a\\b", "backslash" },
	{ "file:///a%", "hexadecimal" },
	{ "file:///a%4", "hexadecimal" },
	{ "file:///a%zz", "hexadecimal" },
	{ "file:///a%4g", "hexadecimal" },
	{ "file:///?", "query" },
	{ "file:///\x01\x1b[31m?", "control character" },
	{ "file:///a\nb", "control character" },
	{ "file:///a ", "space at its end" },
	{ " file:///a", "begin with file:" },
};

START_TEST(test_bad)
{
	char path[PATH_MAX] = "untouched";
	struct px_err err = { 0 };

	ck_assert_msg(
	    px_uri_to_path(bad[_i].uri, strlen(bad[_i].uri), path, &err) == -1, "%s", bad[_i].uri);
	ck_assert_int_eq(err.code, PX_E_PARAMS);
	ck_assert_msg(strstr(err.text, bad[_i].why) != NULL, "%s", err.text);
	ck_assert_ptr_null(strpbrk(err.text, "\x01\x1b"));
	ck_assert_str_eq(path, "untouched");
	ck_assert_int_eq(px_uri_to_path(bad[_i].uri, strlen(bad[_i].uri), path, NULL), -1);
}
END_TEST

START_TEST(test_bare_nul)
{
	char path[PATH_MAX];
	struct px_err err = { 0 };

	ck_assert_int_eq(px_uri_to_path("file:///a\0b", 11, path, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
}
END_TEST

/* The longest path and one byte more; how long the URI is does not matter. */
START_TEST(test_longest)
{
	static char uri[4 * PATH_MAX], back[PX_URI_MAX];
	char path[PATH_MAX];
	struct px_err err = { 0 };
	size_t len = strlen("file:///");

	memcpy(uri, "file:///", len);
	for (size_t i = 0; i < PATH_MAX - 2; i++, len += 3)
		memcpy(uri + len, "%01", 3);
	ck_assert_int_eq(px_uri_to_path(uri, len, path, &err), 0);
	ck_assert_uint_eq(strlen(path), PATH_MAX - 1);
	ck_assert_int_eq(px_uri_from_path(path, back, sizeof back, &err), (int)len);
	ck_assert_int_eq(memcmp(back, uri, len), 0);
	ck_assert_int_eq(px_uri_from_path(path, back, len, &err), -1);
	ck_assert_int_eq(err.code, PX_E_LIMIT);
	uri[len++] = 'x';
	ck_assert_int_eq(px_uri_to_path(uri, len, path, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "longer"));
	memcpy(uri + len - 1, "/.", 2);
	ck_assert_int_eq(px_uri_to_path(uri, len + 1, path, &err), -1);
}
END_TEST

START_TEST(test_relative_path)
{
	char uri[PX_URI_MAX];
	struct px_err err = { 0 };

	ck_assert_int_eq(px_uri_from_path("a/b", uri, sizeof uri, &err), -1);
	ck_assert_int_eq(err.code, PX_E_PARAMS);
	ck_assert_int_eq(px_uri_from_path("", uri, sizeof uri, &err), -1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("uri");

	tcase_add_loop_test(tc, test_good, 0, sizeof good / sizeof good[0]);
	tcase_add_loop_test(tc, test_bad, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(tc, test_bare_nul);
	tcase_add_test(tc, test_longest);
	tcase_add_test(tc, test_relative_path);
	return run_cases(tc);
}

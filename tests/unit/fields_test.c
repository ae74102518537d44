#include "base/fields.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cases.h"

struct pty {
	struct px_int rows, cols;
};
struct io {
	struct pty pty;
	bool has_pty;
};
struct params {
	struct px_str string, cstr, limited, path, name;
	struct px_bytes bytes;
	struct px_int number, big;
	struct px_bool flag;
	struct px_strv argv, few, paths, env;
	const struct px_json *any;
	struct io io;
	bool has_io;
};

static const struct px_field pty_fields[] = {
	{ .name = "rows",
	    .type = PX_F_INT,
	    .offset = offsetof(struct pty, rows),
	    .flags = PX_F_REQUIRED,
	    .min = 1,
	    .max = 65535 },
	{ .name = "cols",
	    .type = PX_F_INT,
	    .offset = offsetof(struct pty, cols),
	    .min = 1,
	    .max = 65535 },
};

static const struct px_field io_fields[] = {
	{ .name = "pty",
	    .type = PX_F_OBJECT,
	    .offset = offsetof(struct io, pty),
	    .sub = pty_fields,
	    .nsub = 2,
	    .present_offset = offsetof(struct io, has_pty) },
};

#define AT(member) offsetof(struct params, member)

static const struct px_field fields[] = {
	{ .name = "string", .type = PX_F_STRING, .offset = AT(string) },
	{ .name = "cstr", .type = PX_F_CSTR, .offset = AT(cstr), .min = 1 },
	{ .name = "limited", .type = PX_F_STRING, .offset = AT(limited), .min = 2, .max = 4 },
	{ .name = "path", .type = PX_F_PATH, .offset = AT(path) },
	{ .name = "name", .type = PX_F_NAME, .offset = AT(name) },
	{ .name = "paths", .type = PX_F_PATHV, .offset = AT(paths), .max = 3 },
	{ .name = "bytes", .type = PX_F_BYTES, .offset = AT(bytes) },
	{ .name = "number", .type = PX_F_INT, .offset = AT(number), .min = -5, .max = 10 },
	{ .name = "big", .type = PX_F_INT, .offset = AT(big), .min = INT64_MIN, .max = INT64_MAX },
	{ .name = "flag", .type = PX_F_BOOL, .offset = AT(flag) },
	{ .name = "argv", .type = PX_F_STRV, .offset = AT(argv) },
	{ .name = "few", .type = PX_F_STRV, .offset = AT(few), .max = 2 },
	{ .name = "env", .type = PX_F_ENV, .offset = AT(env) },
	{ .name = "any", .type = PX_F_ANY, .offset = AT(any) },
	{ .name = "io",
	    .type = PX_F_OBJECT,
	    .offset = AT(io),
	    .sub = io_fields,
	    .nsub = 1,
	    .present_offset = AT(has_io) },
};

static const struct px_field required_fields[] = {
	{ .name = "string", .type = PX_F_STRING, .offset = AT(string), .flags = PX_F_REQUIRED },
};

static struct px_json_doc *doc;
static struct params out;
static struct px_err err;

static void
teardown(void)
{
	px_json_free(doc);
}

static int
fill_with(const struct px_field *rows, size_t n, const char *json, size_t len)
{
	px_json_free(doc);
	doc = NULL;
	memset(&out, 0, sizeof(out));
	memset(&err, 0, sizeof(err));
	ck_assert_msg(px_json_parse(json, len, &doc, &err) == 0, "%s: %s", json, err.text);
	return px_fields_fill(doc, px_json_root(doc), rows, n, &out, &err);
}

static void
fill(const char *json)
{
	ck_assert_msg(
	    fill_with(fields, sizeof(fields) / sizeof(fields[0]), json, strlen(json)) == 0,
	    "%s: %s", json, err.text);
}

static void
refuse(const char *json, const char *text)
{
	ck_assert_msg(
	    fill_with(fields, sizeof(fields) / sizeof(fields[0]), json, strlen(json)) == -1,
	    "accepted %s", json);
	ck_assert_int_eq(err.code, PX_E_PARAMS);
	ck_assert_str_eq(err.text, text);
}

START_TEST(absent_and_null_leave_zero)
{
	static const struct params zero;

	fill("{}");
	ck_assert_mem_eq(&out, &zero, sizeof(out));
	fill("{\"unknown\":[{\"deep\":1}],\"ROWS\":1}");
	ck_assert_mem_eq(&out, &zero, sizeof(out));
	fill("{\"string\":null,\"cstr\":null,\"limited\":null,\"bytes\":null,\"number\":null,"
	     "\"flag\":null,\"argv\":null,\"env\":null,\"io\":null}");
	ck_assert_mem_eq(&out, &zero, sizeof(out));
	fill("null");
	ck_assert_mem_eq(&out, &zero, sizeof(out));
}
END_TEST

START_TEST(every_type)
{
	fill("{\"string\":\"a\\u0000b\",\"cstr\":\"h\\u00e4\",\"limited\":\"abc\",\"bytes\":\"AP8="
	     "\","
	     "\"number\":7,\"flag\":true,\"argv\":[\"sh\",\"\",\"-c\"],"
	     "\"env\":{\"A\":\"1\",\"B\":\"\",\"C D\":\"x=y\"},"
	     "\"any\":{\"x\":1},\"io\":{\"pty\":{\"rows\":24,\"cols\":80}}}");
	ck_assert_uint_eq(out.string.len, 3);
	ck_assert_mem_eq(out.string.p, "a\0b", 3);
	ck_assert_str_eq(out.cstr.p, "h\xc3\xa4");
	ck_assert_uint_eq(out.cstr.len, 3);
	ck_assert_uint_eq(out.limited.len, 3);
	ck_assert_uint_eq(out.bytes.len, 2);
	ck_assert_mem_eq(out.bytes.p, "\0\xff", 2);
	ck_assert(out.number.set && out.number.v == 7);
	ck_assert(out.flag.set && out.flag.v);
	ck_assert_uint_eq(out.argv.n, 3);
	ck_assert_str_eq(out.argv.v[0], "sh");
	ck_assert_str_eq(out.argv.v[1], "");
	ck_assert_str_eq(out.argv.v[2], "-c");
	ck_assert_ptr_null(out.argv.v[3]);
	ck_assert_uint_eq(out.env.n, 3);
	ck_assert_str_eq(out.env.v[0], "A=1");
	ck_assert_str_eq(out.env.v[1], "B=");
	ck_assert_str_eq(out.env.v[2], "C D=x=y");
	ck_assert_ptr_null(out.env.v[3]);
	ck_assert_int_eq(out.any->type, PX_JSON_OBJECT);
	ck_assert(out.has_io && out.io.has_pty);
	ck_assert(out.io.pty.rows.v == 24 && out.io.pty.cols.v == 80);
}
END_TEST

START_TEST(empty_is_not_absent)
{
	fill("{\"string\":\"\",\"bytes\":\"\",\"argv\":[],\"env\":{},\"flag\":false,\"number\":0,"
	     "\"any\":null,"
	     "\"io\":{}}");
	ck_assert(out.string.p != NULL && out.string.len == 0);
	ck_assert(out.bytes.p != NULL && out.bytes.len == 0);
	ck_assert(out.argv.v != NULL && out.argv.n == 0 && out.argv.v[0] == NULL);
	ck_assert(out.env.v != NULL && out.env.n == 0 && out.env.v[0] == NULL);
	ck_assert(out.flag.set && !out.flag.v);
	ck_assert(out.number.set && out.number.v == 0);
	ck_assert(out.any != NULL && out.any->type == PX_JSON_NULL);
	ck_assert(out.has_io && !out.io.has_pty);
}
END_TEST

START_TEST(params_must_be_an_object)
{
	static const char *const rows[] = { "[]", "[{}]", "1", "\"x\"", "true", "1.5" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuse(rows[i], "params must be an object");
}
END_TEST

START_TEST(null_obj_is_an_empty_object)
{
	ck_assert_int_eq(fill_with(required_fields, 1, "{\"string\":\"x\"}", 14), 0);
	ck_assert_int_eq(px_fields_fill(doc, NULL, required_fields, 1, &out, &err), -1);
	ck_assert_str_eq(err.text, "\"string\" is missing");
	ck_assert_int_eq(px_fields_fill(doc, NULL, fields, 2, &out, &err), 0);
}
END_TEST

START_TEST(required)
{
	ck_assert_int_eq(fill_with(required_fields, 1, "{}", 2), -1);
	ck_assert_int_eq(err.code, PX_E_PARAMS);
	ck_assert_str_eq(err.text, "\"string\" is missing");
	ck_assert_int_eq(fill_with(required_fields, 1, "null", 4), -1);
	ck_assert_str_eq(err.text, "\"string\" is missing");
	ck_assert_int_eq(fill_with(required_fields, 1, "{\"string\":null}", 15), -1);
	ck_assert_str_eq(err.text, "\"string\" must be a string");
	refuse("{\"io\":{\"pty\":{\"cols\":1}}}", "\"io.pty.rows\" is missing");
	refuse("{\"io\":{\"pty\":{\"rows\":null}}}",
	    "\"io.pty.rows\" must be an integer from 1 to 65535");
}
END_TEST

/* Each field with a value of every type that is not its own. */
START_TEST(wrong_types)
{
	static const char *const values[] = { "true", "1", "1.5", "\"AAAA\"", "[\"a\"]",
		"{\"a\":\"b\"}" };
	static const struct {
		const char *name, *text, *own;
	} rows[] = {
		{ "string", "must be a string", "\"AAAA\"" },
		{ "cstr", "must be a string", "\"AAAA\"" },
		{ "limited", "must be a string", "\"AAAA\"" },
		{ "bytes", "must be a string", "\"AAAA\"" },
		{ "number", "must be an integer from -5 to 10", "1" },
		{ "flag", "must be true or false", "true" },
		{ "argv", "must be an array of strings", "[\"a\"]" },
		{ "env", "must be an object of strings", "{\"a\":\"b\"}" },
		{ "io", "must be an object", "{\"a\":\"b\"}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			char json[64], text[80];

			snprintf(json, sizeof(json), "{\"%s\":%s}", rows[i].name, values[k]);
			snprintf(text, sizeof(text), "\"%s\" %s", rows[i].name, rows[i].text);
			if (strcmp(values[k], rows[i].own) == 0)
				fill(json);
			else
				refuse(json, text);
		}
	}
}
END_TEST

START_TEST(integers)
{
	static const char *const bad[] = { "-6", "11", "1.0", "1e0", "1e3", "-0.0", "0.5", "\"1\"",
		"9223372036854775808", "-9223372036854775809", "18446744073709551617" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"number\":%s}", bad[i]);
		refuse(json, "\"number\" must be an integer from -5 to 10");
	}
	fill("{\"number\":-5}");
	ck_assert_int_eq(out.number.v, -5);
	fill("{\"number\":10}");
	ck_assert_int_eq(out.number.v, 10);
	fill("{\"big\":9223372036854775807}");
	ck_assert_int_eq(out.big.v, INT64_MAX);
	fill("{\"big\":-9223372036854775808}");
	ck_assert_int_eq(out.big.v, INT64_MIN);
	refuse("{\"big\":9223372036854775808}",
	    "\"big\" must be an integer from -9223372036854775808 to 9223372036854775807");
	refuse("{\"io\":{\"pty\":{\"rows\":65536}}}",
	    "\"io.pty.rows\" must be an integer from 1 to 65535");
	refuse("{\"io\":{\"pty\":{\"rows\":0}}}",
	    "\"io.pty.rows\" must be an integer from 1 to 65535");
	refuse("{\"io\":{\"pty\":{\"rows\":1,\"cols\":-1}}}",
	    "\"io.pty.cols\" must be an integer from 1 to 65535");
}
END_TEST

START_TEST(strings)
{
	refuse("{\"cstr\":\"\"}", "\"cstr\" must not be empty");
	refuse("{\"cstr\":\"a\\u0000\"}", "\"cstr\" must not contain NUL");
	refuse("{\"limited\":\"a\"}", "\"limited\" must have at least 2 bytes");
	refuse("{\"limited\":\"\"}", "\"limited\" must have at least 2 bytes");
	refuse("{\"limited\":\"abcde\"}", "\"limited\" must have at most 4 bytes");
	refuse("{\"limited\":\"\\u20ac\\u20ac\"}", "\"limited\" must have at most 4 bytes");
	fill("{\"limited\":\"ab\"}");
	fill("{\"limited\":\"abcd\"}");
	ck_assert_mem_eq(out.limited.p, "abcd", 4);
}
END_TEST

START_TEST(bytes)
{
	static const char *const bad[] = { "A", "AA", "AAA", "AA=", "AAAA\\n", "AB==", "AA-_",
		" AAAA", "====", "AAAA AAAA", "\\u0000AAA", "\\u00e4AA" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"bytes\":\"%s\"}", bad[i]);
		refuse(json, "\"bytes\" must be standard base64 with padding");
	}
	fill("{\"bytes\":\"\\u0041AAA\"}");
	ck_assert_uint_eq(out.bytes.len, 3);
}
END_TEST

START_TEST(string_arrays)
{
	refuse("{\"argv\":[1]}", "\"argv[0]\" must be a string");
	refuse("{\"argv\":[\"a\",\"b\",null]}", "\"argv[2]\" must be a string");
	refuse("{\"argv\":[\"a\",[]]}", "\"argv[1]\" must be a string");
	refuse("{\"argv\":[\"a\\u0000\"]}", "\"argv[0]\" must not contain NUL");
	refuse("{\"few\":[\"a\",\"b\",\"c\"]}", "\"few\" must have at most 2 entries");
	fill("{\"few\":[\"a\",\"b\"]}");
	ck_assert_uint_eq(out.few.n, 2);
}
END_TEST

/* The bytes of a path, in one form or the other. */
START_TEST(paths)
{
	char longest[PATH_MAX + 16];

	fill("{\"path\":\"/a \\u00e4\",\"paths\":[\"/\",{\"base64\":\"L/8=\"}]}");
	ck_assert_str_eq(out.path.p, "/a \xc3\xa4");
	ck_assert_uint_eq(out.path.len, 5);
	ck_assert_uint_eq(out.paths.n, 2);
	ck_assert_str_eq(out.paths.v[0], "/");
	ck_assert_str_eq(out.paths.v[1], "/\xff");
	refuse("{\"path\":7}", "\"path\" must be a string or {\"base64\": string}");
	refuse("{\"path\":{}}", "\"path\" must be a string or {\"base64\": string}");
	refuse("{\"path\":{\"base64\":1}}", "\"path\" must be a string or {\"base64\": string}");
	refuse("{\"path\":{\"base64\":\"L\"}}", "\"path\" must be standard base64 with padding");
	refuse("{\"path\":{\"base64\":\"YQ==\"}}", "\"path\" must be an absolute path");
	refuse("{\"path\":\"\"}", "\"path\" must be an absolute path");
	refuse("{\"path\":\"a/b\"}", "\"path\" must be an absolute path");
	refuse("{\"path\":\"/\\u0000\"}", "\"path\" must not contain NUL");
	refuse("{\"path\":{\"base64\":\"LwAv\"}}", "\"path\" must not contain NUL");
	refuse("{\"paths\":\"/\"}", "\"paths\" must be an array of paths");
	refuse("{\"paths\":[\"/\",\"a\"]}", "\"paths[1]\" must be an absolute path");
	refuse("{\"paths\":[\"/\",\"/\",\"/\",\"/\"]}", "\"paths\" must have at most 3 entries");
	snprintf(longest, sizeof(longest), "{\"path\":\"/%0*d\"}", PATH_MAX - 2, 0);
	fill(longest);
	snprintf(longest, sizeof(longest), "{\"path\":\"/%0*d\"}", PATH_MAX - 1, 0);
	refuse(longest, "\"path\" must be shorter than 4096 bytes");
}
END_TEST

/* A name is what a path is, and need not be absolute. */
START_TEST(names)
{
	fill("{\"name\":\"a\"}");
	ck_assert_str_eq(out.name.p, "a");
	fill("{\"name\":{\"base64\":\"Yf8=\"}}");
	ck_assert_str_eq(out.name.p, "a\xff");
	ck_assert_uint_eq(out.name.len, 2);
	refuse("{\"name\":7}", "\"name\" must be a string or {\"base64\": string}");
	refuse("{\"name\":\"a\\u0000\"}", "\"name\" must not contain NUL");
}
END_TEST

START_TEST(environments)
{
	refuse("{\"env\":{\"A\":1}}", "\"env.A\" must be a string");
	refuse("{\"env\":{\"A\":null}}", "\"env.A\" must be a string");
	refuse("{\"env\":{\"A\":\"x\\u0000\"}}", "\"env.A\" must not contain NUL");
	refuse("{\"env\":{\"\":\"x\"}}", "\"env\" must not hold an empty name");
	refuse("{\"env\":{\"A=B\":\"x\"}}", "\"env\" must not hold a name with \"=\"");
	refuse("{\"env\":{\"=\":\"x\"}}", "\"env\" must not hold a name with \"=\"");
	refuse("{\"env\":{\"A\\u0000B\":\"x\"}}", "\"env\" must not hold a name with NUL");
	refuse("{\"env\":{\"A\":\"1\",\"B\":\"2\",\"A\":\"1\"}}", "duplicate member \"env.A\"");
	refuse("{\"env\":{\"\\u001b[2J\\\"\\\\\\u00e4 x\":1}}",
	    "\"env.?[2J??\?\?\?x\" must be a string");
	refuse("{\"env\":{\"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345\":1}}",
	    "\"env.ABCDEFGHIJKLMNOPQRSTUVWXYZ012345\" must be a string");
	refuse("{\"env\":{\"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456\":1}}",
	    "\"env.ABCDEFGHIJKLMNOPQRSTUVWXYZ012345...\" must be a string");
}
END_TEST

START_TEST(duplicates)
{
	refuse("{\"number\":1,\"number\":1}", "duplicate member \"number\"");
	refuse("{\"number\":1,\"numbe\\u0072\":1}", "duplicate member \"number\"");
	refuse("{\"io\":{\"pty\":{\"rows\":1,\"rows\":2}}}", "duplicate member \"io.pty.rows\"");
	refuse("{\"io\":{},\"io\":{}}", "duplicate member \"io\"");
	refuse("{\"evil\":1,\"evil\":1}", "params have a duplicate member");
	refuse("{\"io\":{\"evil\":1,\"evil\":1}}", "\"io\" has a duplicate member");
	refuse("{\"io\":{\"pty\":{\"rows\":1,\"evil\":1,\"evil\":1}}}",
	    "\"io.pty\" has a duplicate member");
	fill("{\"any\":{\"a\":1,\"a\":2}}");
	ck_assert_ptr_nonnull(out.any->duplicate);
}
END_TEST

START_TEST(err_may_be_null)
{
	fill("{}");
	ck_assert_int_eq(px_fields_fill(doc, NULL, required_fields, 1, &out, NULL), -1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fields");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, absent_and_null_leave_zero);
	tcase_add_test(tc, every_type);
	tcase_add_test(tc, empty_is_not_absent);
	tcase_add_test(tc, params_must_be_an_object);
	tcase_add_test(tc, null_obj_is_an_empty_object);
	tcase_add_test(tc, required);
	tcase_add_test(tc, wrong_types);
	tcase_add_test(tc, integers);
	tcase_add_test(tc, strings);
	tcase_add_test(tc, bytes);
	tcase_add_test(tc, string_arrays);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, names);
	tcase_add_test(tc, environments);
	tcase_add_test(tc, duplicates);
	tcase_add_test(tc, err_may_be_null);
	return run_cases(tc);
}

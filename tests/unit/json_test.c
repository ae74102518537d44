#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cases.h"

/* A document and the exact heap copy that it borrows from, so that a sanitizer sees the edges. */
struct parsed {
	char *text;
	struct px_json_doc *doc;
	const struct px_json *root;
	struct px_err err;
};

static bool
parse_bytes(struct parsed *p, const char *text, size_t len)
{
	p->text = malloc(len);
	if (len > 0)
		memcpy(p->text, text, len);
	p->doc = (struct px_json_doc *)p; /* must stay as it was on failure */
	memset(&p->err, 0, sizeof(p->err));
	if (px_json_parse(p->text, len, &p->doc, &p->err) == 0) {
		p->root = px_json_root(p->doc);
		ck_assert_ptr_nonnull(p->root);
		return true;
	}
	ck_assert_ptr_eq(p->doc, p);
	ck_assert_int_ne(p->err.code, PX_OK);
	ck_assert_str_ne(p->err.text, "");
	ck_assert_ptr_null(strchr(p->err.text, '\n'));
	p->doc = NULL;
	return false;
}

static bool
parse(struct parsed *p, const char *text)
{
	return parse_bytes(p, text, strlen(text));
}

static void
done(struct parsed *p)
{
	px_json_free(p->doc);
	free(p->text);
}

static bool
accepts(const char *text, size_t len)
{
	struct parsed p;
	bool ok = parse_bytes(&p, text, len);

	if (!ok)
		ck_assert_int_eq(p.err.code, PX_E_PARSE);
	done(&p);
	return ok;
}

/* The string that is the whole text. */
static void
expect_string(const char *json, const char *want, size_t want_len)
{
	struct parsed p;

	ck_assert_msg(parse(&p, json), "%s: %s", json, p.err.text);
	ck_assert_int_eq(p.root->type, PX_JSON_STRING);
	ck_assert_uint_eq(p.root->len, want_len);
	ck_assert_mem_eq(p.root->text, want, want_len);
	done(&p);
}

START_TEST(types_and_links)
{
	struct parsed p;
	const struct px_json *node;

	ck_assert(parse(&p, " {\"n\":null,\"t\":true,\"f\":false,\"i\":-7,\"d\":1.50,\"s\":\"x\","
			    "\"a\":[1,[],{}],\"o\":{}} \r\n\t"));
	node = p.root;
	ck_assert_int_eq(node->type, PX_JSON_OBJECT);
	ck_assert_uint_eq(node->count, 8);
	ck_assert_ptr_null(node->key);
	ck_assert_ptr_null(node->next);
	node = node->first;
	ck_assert_int_eq(node->type, PX_JSON_NULL);
	ck_assert_mem_eq(node->key, "n", 1);
	ck_assert_uint_eq(node->key_len, 1);
	node = node->next;
	ck_assert(node->type == PX_JSON_BOOL && node->boolean);
	node = node->next;
	ck_assert(node->type == PX_JSON_BOOL && !node->boolean);
	node = node->next;
	ck_assert(node->type == PX_JSON_INT && node->integer == -7);
	node = node->next;
	ck_assert(node->type == PX_JSON_NUMBER && node->len == 4);
	ck_assert_mem_eq(node->text, "1.50", 4);
	node = node->next;
	ck_assert(px_json_is(node, "x"));
	node = node->next;
	ck_assert(node->type == PX_JSON_ARRAY && node->count == 3);
	ck_assert_ptr_null(node->first->key);
	ck_assert_int_eq(node->first->integer, 1);
	ck_assert(node->first->next->type == PX_JSON_ARRAY && node->first->next->count == 0);
	ck_assert_ptr_null(node->first->next->first);
	ck_assert_int_eq(node->first->next->next->type, PX_JSON_OBJECT);
	ck_assert_ptr_null(node->first->next->next->next);
	node = node->next;
	ck_assert(node->type == PX_JSON_OBJECT && node->count == 0);
	ck_assert_ptr_null(node->next);
	ck_assert_ptr_null(p.root->duplicate);
	done(&p);
}
END_TEST

START_TEST(scalars_as_the_whole_text)
{
	static const struct {
		const char *text;
		enum px_json_type type;
	} rows[] = { { "null", PX_JSON_NULL }, { "true", PX_JSON_BOOL }, { "12", PX_JSON_INT },
		{ " 0 ", PX_JSON_INT }, { "1e3", PX_JSON_NUMBER }, { "\"\"", PX_JSON_STRING },
		{ "[]", PX_JSON_ARRAY } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;

		ck_assert_msg(parse(&p, rows[i].text), "%s: %s", rows[i].text, p.err.text);
		ck_assert_int_eq(p.root->type, rows[i].type);
		done(&p);
	}
}
END_TEST

START_TEST(integers_are_exact)
{
	static const struct {
		const char *text;
		int64_t value;
	} rows[] = { { "0", 0 }, { "-0", 0 }, { "-1", -1 },
		{ "9007199254740993", 9007199254740993 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN }, { "9223372036854775806", INT64_MAX - 1 },
		{ "-9223372036854775807", INT64_MIN + 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char array[64];
		struct parsed p;

		ck_assert(parse(&p, rows[i].text));
		ck_assert_msg(p.root->type == PX_JSON_INT, "%s", rows[i].text);
		ck_assert_int_eq(p.root->integer, rows[i].value);
		done(&p);
		snprintf(array, sizeof(array), "[%s]", rows[i].text);
		ck_assert(parse(&p, array));
		ck_assert_int_eq(p.root->first->integer, rows[i].value);
		done(&p);
	}
}
END_TEST

START_TEST(other_numbers_keep_their_source)
{
	static const char *const rows[] = { "9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "99999999999999999999999999999999999999", "1.0", "1e3",
		"1E3", "-0.0", "1e+2", "0e0", "1.5e-400", "1e999999" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;

		ck_assert(parse(&p, rows[i]));
		ck_assert_msg(p.root->type == PX_JSON_NUMBER, "%s", rows[i]);
		ck_assert_uint_eq(p.root->len, strlen(rows[i]));
		ck_assert_mem_eq(p.root->text, rows[i], p.root->len);
		done(&p);
	}
}
END_TEST

START_TEST(escapes)
{
	expect_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
	expect_string("\"a\\u0000b\"", "a\0b", 3);
	expect_string("\"\\u0041\\u00e4\\u20AC\\uFFFF\"", "A\xc3\xa4\xe2\x82\xac\xef\xbf\xbf", 9);
	expect_string("\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4);
	expect_string("\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
	expect_string("\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80", 6);
	expect_string("\"\\\\ud800\"", "\\ud800", 6); /* a backslash and plain letters */
	expect_string("\"\\\\\\\\\\u0041\"", "\\\\A", 3);
	expect_string("\"\x7f\xc3\xa4\"", "\x7f\xc3\xa4", 3);
}
END_TEST

START_TEST(lone_surrogates_are_refused)
{
	static const char *const rows[] = { "\"\\ud800\"", "\"\\udc00\"", "\"\\udfff\"",
		"\"\\uDBFF\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
		"\"\\ud800\\ud800\"", "\"\\ud800\\ud800\\udc00\"", "\"\\udc00\\ud800\"",
		"\"\\udc00\\udc00\"", "\"\\ud83d\\ude00\\ude00\"", "\"\\ud83d\\\\ude00\"",
		"\"\\\\\\ud800\"", "{\"\\ud800\":1}", "\"\\ud800\\u\"", "\"\\ud800\\", "\"\\ud800",
		"\"\\ud80" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(!accepts(rows[i], strlen(rows[i])), "accepted %s", rows[i]);
}
END_TEST

START_TEST(malformed_is_refused)
{
	static const char *const rows[] = { "", " ", "\n", "{", "}", "[", "]", "[1", "[1,", "[1,]",
		"[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}",
		"[1 2]", "tru", "True", "nul", "nulll", "NaN", "Infinity", "-", "+1", "01", "-01",
		"1.", ".5", "1e", "1e+", "0x10", "'a'", "\"", "\"a", "\"\\", "\"\\x41\"",
		"\"\\u12\"", "\"\\u123g\"", "\"a\nb\"", "\"\t\"", "/* c */ 1", "1 // c", "1 2",
		"{} {}", "{}x", "{} \"", "{} \"a", "1 \"", "1 \"\\", "1 \"\\u00", "[] tr", "[] -",
		"null,", "[}", "{]", "\xef\xbb\xbf{}", "1\v", "\f1", "[\v]", "[1]]", "{}}",
		"\"a\" \"b\"", "1,2", "{\"a\":1 \"b\":2}", "{\"a\":1:2}", "[1:2]", ":", "," };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(!accepts(rows[i], strlen(rows[i])), "accepted %s", rows[i]);
	ck_assert(!accepts("1\0", 2));
	ck_assert(!accepts("\0", 1));
	ck_assert(!accepts("\"a\0b\"", 5));
	ck_assert(!accepts("{}\0", 3));
	ck_assert(!accepts(NULL, 0));
}
END_TEST

/* Each cut of a good text is refused, with no read beyond the cut. */
START_TEST(truncation_is_refused)
{
	static const char text[] =
	    "{\"a\":[1.5e3,true,null,\"x\\u00e4\\ud83d\\ude00\xe2\x82\xac\"],"
	    "\"b\":{\"c\":false,\"d\":-12}}";

	ck_assert(accepts(text, strlen(text)));
	for (size_t len = 0; len < strlen(text); len++)
		ck_assert_msg(!accepts(text, len), "accepted %zu bytes", len);
}
END_TEST

START_TEST(invalid_utf8_is_refused)
{
	static const char *const rows[] = { "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\xc3", "{\"\x80\":1}", "{}\xff",
		"\"\xf8\x88\x80\x80\x80\"" };
	struct parsed p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(!accepts(rows[i], strlen(rows[i])), "row %zu", i);
	ck_assert(!parse(&p, "[\"ab\xff\"]"));
	ck_assert_str_eq(p.err.text, "invalid UTF-8 at byte 4");
	done(&p);
}
END_TEST

/* 'opens' containers of which every other is an object when 'mixed'. */
static bool
accepts_depth(size_t levels, bool mixed)
{
	char text[4096];
	size_t len = 0;
	bool ok;

	for (size_t i = 0; i < levels; i++)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "%s", mixed && i % 2 ? "{\"a\":" : "[");
	text[len++] = '1';
	for (size_t i = levels; i-- > 0;)
		text[len++] = mixed && i % 2 ? '}' : ']';
	ok = accepts(text, len);
	return ok;
}

START_TEST(depth_is_bounded)
{
	char *deep = malloc(1000000);

	ck_assert(accepts_depth(1, false));
	ck_assert(accepts_depth(PX_JSON_DEPTH, false));
	ck_assert(accepts_depth(PX_JSON_DEPTH, true));
	ck_assert(!accepts_depth(PX_JSON_DEPTH + 1, false));
	ck_assert(!accepts_depth(PX_JSON_DEPTH + 1, true));
	memset(deep, '[', 1000000);
	ck_assert(!accepts(deep, 1000000));
	free(deep);
}
END_TEST

/* One array with 'n' - 1 elements: 'n' values. */
static bool
accepts_values(size_t n)
{
	char *text = malloc(2 * n + 2);
	size_t len = 0;
	bool ok;

	text[len++] = '[';
	for (size_t i = 0; i + 1 < n; i++) {
		text[len++] = '0';
		text[len++] = ',';
	}
	text[len - 1] = ']';
	ok = accepts(text, len);
	free(text);
	return ok;
}

START_TEST(values_are_bounded)
{
	ck_assert(accepts_values(PX_JSON_NODES - 1));
	ck_assert(accepts_values(PX_JSON_NODES));
	ck_assert(!accepts_values(PX_JSON_NODES + 1));
	ck_assert(!accepts_values(PX_JSON_NODES + 1000));
}
END_TEST

START_TEST(another_bound)
{
	struct px_json_doc *doc;
	struct px_err err;

	ck_assert_int_eq(px_json_parse_large("[1,2]", 5, 3, &doc, &err), 0);
	px_json_free(doc);
	ck_assert_int_eq(px_json_parse_large("[1,2]", 5, 2, &doc, &err), -1);
	ck_assert_str_eq(err.text, "JSON text of more than 2 values");
}
END_TEST

START_TEST(plain_strings_point_into_the_source)
{
	struct parsed p;
	const struct px_json *m;

	ck_assert(parse(&p, "{\"key\":\"plain\",\"k\\n\":\"esc\\n\",\"e\":\"\"}"));
	m = p.root->first;
	ck_assert(m->key == p.text + 2 && m->text == p.text + 8);
	m = m->next;
	ck_assert(m->text < p.text ||
		  m->text >= p.text + strlen("{\"key\":\"plain\",\"k\\n\":\"esc\\n\""));
	ck_assert_mem_eq(m->key, "k\n", 2);
	ck_assert_mem_eq(m->text, "esc\n", 4);
	ck_assert_uint_eq(m->next->len, 0);
	ck_assert_ptr_nonnull(m->next->text);
	done(&p);
}
END_TEST

/* Decoded copies of many sizes stay whole, whatever block they land in. */
START_TEST(many_escaped_strings)
{
	size_t size = 4 << 20, len = 0;
	char *text = malloc(size);
	struct parsed p;
	size_t n = 0;

	text[len++] = '[';
	for (; n < 1500; n++) {
		text[len++] = '"';
		text[len++] = '\\';
		text[len++] = 't';
		memset(text + len, 'a' + (int)(n % 26), n);
		len += n;
		text[len++] = '"';
		text[len++] = ',';
	}
	text[len - 1] = ']';
	ck_assert(parse_bytes(&p, text, len));
	n = 0;
	for (const struct px_json *s = p.root->first; s != NULL; s = s->next, n++) {
		ck_assert_uint_eq(s->len, n + 1);
		ck_assert_int_eq(s->text[0], '\t');
		for (size_t i = 1; i <= n; i++)
			if (s->text[i] != 'a' + (int)(n % 26))
				ck_abort_msg("string %zu", n);
	}
	ck_assert_uint_eq(n, 1500);
	done(&p);
	free(text);
}
END_TEST

START_TEST(errors_say_where_and_do_not_echo)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "[1,]", "malformed JSON at byte 4: unallowed token at this point in JSON text" },
		{ "[1", "malformed JSON at byte 2: premature EOF" },
		{ "{} {", "malformed JSON at byte 4: trailing garbage" },
		{ "{} \"secret", "malformed JSON at byte 10: trailing garbage" },
		{ "\"\\ud800\"", "lone surrogate escape at byte 1" },
		{ "", "empty JSON text" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;

		ck_assert(!parse(&p, rows[i].json));
		ck_assert_str_eq(p.err.text, rows[i].text);
		done(&p);
	}
	ck_assert_int_eq(px_json_parse("[", 1, &(struct px_json_doc *){ NULL }, NULL), -1);
}
END_TEST

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

/* The memory maps of a sanitizer and of valgrind leave no room for a limit on the address space. */
static bool
can_limit_memory(void)
{
#ifdef SANITIZED
	return false;
#else
	const char *preload = getenv("LD_PRELOAD");

	return preload == NULL || strstr(preload, "vgpreload") == NULL;
#endif
}

/* What memory a text needs beyond fixed sizes is the peer's choice: running out is an answer. */
START_TEST(memory_shortage_is_an_error)
{
	struct rlimit limit = { 0, 0 };
	size_t size = 48u << 20;
	char *escaped = malloc(size);
	struct px_json_doc *doc = NULL;
	struct px_err err;

	if (!can_limit_memory()) {
		free(escaped);
		return;
	}
	memset(escaped, 'x', size);
	escaped[0] = escaped[size - 1] = '"';
	escaped[1] = '\\';
	escaped[2] = 'n';
	limit.rlim_cur = limit.rlim_max = 64u << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_assert_int_eq(px_json_parse(escaped, size, &doc, &err), -1);
	ck_assert_int_eq(err.code, PX_E_NOMEM);
	ck_assert_ptr_null(doc);
	ck_assert_int_eq(px_json_parse("[1]", 3, &doc, &err), 0);
	px_json_free(doc);
	free(escaped);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, types_and_links);
	tcase_add_test(tc, scalars_as_the_whole_text);
	tcase_add_test(tc, integers_are_exact);
	tcase_add_test(tc, other_numbers_keep_their_source);
	tcase_add_test(tc, escapes);
	tcase_add_test(tc, lone_surrogates_are_refused);
	tcase_add_test(tc, malformed_is_refused);
	tcase_add_test(tc, truncation_is_refused);
	tcase_add_test(tc, invalid_utf8_is_refused);
	tcase_add_test(tc, depth_is_bounded);
	tcase_add_test(tc, values_are_bounded);
	tcase_add_test(tc, another_bound);
	tcase_add_test(tc, plain_strings_point_into_the_source);
	tcase_add_test(tc, many_escaped_strings);
	tcase_add_test(tc, errors_say_where_and_do_not_echo);
	tcase_add_test(tc, memory_shortage_is_an_error);
	return run_cases(tc);
}

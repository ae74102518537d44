#include "base/json_out.h"

#include <event2/buffer.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "cases.h"

static struct px_json_out *out;
static struct evbuffer *buf;

static void
setup(void)
{
	out = px_json_out_new();
	buf = evbuffer_new();
	px_json_out_begin(out, buf);
}

static void
teardown(void)
{
	px_json_out_free(out);
	evbuffer_free(buf);
}

/* What was written is 'want' and is JSON; the buffer is empty afterwards. */
static void
expect(const char *want)
{
	size_t len = evbuffer_get_length(buf);
	char *text = malloc(len + 1);
	struct px_json_doc *doc;
	struct px_err err;

	ck_assert_int_eq(evbuffer_remove(buf, text, len), (int)len);
	text[len] = '\0';
	ck_assert_str_eq(text, want);
	ck_assert_msg(px_json_parse(text, len, &doc, &err) == 0, "%s", err.text);
	px_json_free(doc);
	free(text);
}

START_TEST(every_kind)
{
	px_json_open(out);
	px_json_kv_null(out, "n");
	px_json_kv_bool(out, "t", true);
	px_json_kv_bool(out, "f", false);
	px_json_kv_int(out, "min", INT64_MIN);
	px_json_kv_int(out, "max", INT64_MAX);
	px_json_kv_str(out, "s", "x");
	px_json_kv_str(out, "null", NULL);
	px_json_kv_text(out, "nul", "a\0b", 3);
	px_json_key(out, "a");
	px_json_open_array(out);
	px_json_put_int(out, 0);
	px_json_put_null(out);
	px_json_put_bool(out, true);
	px_json_put_str(out, "");
	px_json_open(out);
	px_json_close(out);
	px_json_open_array(out);
	px_json_close_array(out);
	px_json_close_array(out);
	px_json_close(out);
	expect("{\"n\":null,\"t\":true,\"f\":false,\"min\":-9223372036854775808,"
	       "\"max\":9223372036854775807,\"s\":\"x\",\"null\":null,\"nul\":\"a\\u0000b\","
	       "\"a\":[0,null,true,\"\",{},[]]}");
}
END_TEST

START_TEST(reuse_after_whole_and_unfinished_texts)
{
	px_json_put_int(out, 1);
	expect("1");
	px_json_out_begin(out, buf);
	px_json_put_str(out, "two");
	expect("\"two\"");
	px_json_out_begin(out, buf);
	px_json_open(out);
	px_json_key(out, "left open");
	evbuffer_drain(buf, evbuffer_get_length(buf));
	px_json_out_begin(out, buf);
	px_json_open_array(out);
	px_json_close_array(out);
	expect("[]");
}
END_TEST

START_TEST(appends_to_what_is_there)
{
	char text[8] = "";

	evbuffer_add(buf, "x", 1);
	px_json_put_null(out);
	ck_assert_int_eq(evbuffer_remove(buf, text, sizeof(text)), 5);
	ck_assert_str_eq(text, "xnull");
}
END_TEST

START_TEST(escaping)
{
	px_json_put_text(out, "\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa4\xf0\x9f\x98\x80", 17);
	expect("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\xc3\xa4\xf0\x9f\x98\x80\"");
}
END_TEST

START_TEST(every_byte_comes_back)
{
	for (int c = 0; c < 128; c++) {
		char text[16], byte = (char)c;
		size_t len;
		struct px_json_doc *doc;
		struct px_err err;

		px_json_out_begin(out, buf);
		px_json_put_text(out, &byte, 1);
		len = (size_t)evbuffer_remove(buf, text, sizeof(text));
		ck_assert_int_eq(px_json_parse(text, len, &doc, &err), 0);
		ck_assert_uint_eq(px_json_root(doc)->len, 1);
		ck_assert_int_eq(px_json_root(doc)->text[0], c);
		px_json_free(doc);
	}
}
END_TEST

#define R "\xef\xbf\xbd"

START_TEST(invalid_utf8_is_repaired)
{
	static const char *const rows[][2] = { { "\xff", R },
		{ "a\xff\xfe"
		  "b",
		    "a" R R "b" },
		{ "\xc3", R }, { "\xe2\x82", R R }, { "\xc0\x80", R R }, { "\xed\xa0\x80", R R R },
		{ "\xe2\x82\xac\xe2\x82", "\xe2\x82\xac" R R },
		{ "x\x80y\n\xc3\xa4", "x" R "y\\n\xc3\xa4" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[64];

		px_json_out_begin(out, buf);
		px_json_put_str(out, rows[i][0]);
		snprintf(want, sizeof(want), "\"%s\"", rows[i][1]);
		expect(want);
	}
}
END_TEST

START_TEST(invalid_utf8_in_bulk)
{
	size_t len = 100000;
	char *bad = malloc(len), *want = malloc(3 * len + 3);

	memset(bad, 0xff, len);
	for (size_t i = 0; i < len; i++)
		memcpy(want + 1 + 3 * i, R, 3);
	want[0] = want[3 * len + 1] = '"';
	want[3 * len + 2] = '\0';
	px_json_put_text(out, bad, len);
	expect(want);
	free(bad);
	free(want);
}
END_TEST

START_TEST(raw_takes_part_in_separators)
{
	px_json_open(out);
	px_json_key(out, "a");
	px_json_put_raw(out, "{\"x\":[1,2]}", 11);
	px_json_key(out, "b");
	px_json_open_array(out);
	px_json_put_raw(out, "1", 1);
	px_json_put_raw(out, "\"s\"", 3);
	px_json_put_int(out, 3);
	px_json_close_array(out);
	px_json_close(out);
	expect("{\"a\":{\"x\":[1,2]},\"b\":[1,\"s\",3]}");
	px_json_out_begin(out, buf);
	px_json_put_raw(out, "12.50", 5);
	expect("12.50");
}
END_TEST

START_TEST(base64_takes_part_in_separators)
{
	struct px_piece foo = { "foo", 3 };

	px_json_open(out);
	px_json_key(out, "a");
	px_json_put_base64(out, &foo, 1);
	px_json_key(out, "b");
	px_json_open_array(out);
	px_json_put_base64(out, NULL, 0);
	px_json_put_base64(out, &(struct px_piece){ NULL, 0 }, 1);
	px_json_put_base64(out, &(struct px_piece){ "fo", 2 }, 1);
	px_json_close_array(out);
	px_json_close(out);
	expect("{\"a\":\"Zm9v\",\"b\":[\"\",\"\",\"Zm8=\"]}");
}
END_TEST

/* The run cut in three at 'a' and 'b'; the pieces are exact heap copies. */
static void
put_cut(const uint8_t *data, size_t a, size_t b, size_t len)
{
	const size_t cuts[4] = { 0, a, b, len };
	struct px_piece pieces[3];
	uint8_t *copies[3];

	for (int i = 0; i < 3; i++) {
		size_t n = cuts[i + 1] - cuts[i];

		copies[i] = malloc(n);
		for (size_t k = 0; k < n; k++)
			copies[i][k] = data[cuts[i] + k];
		pieces[i] = (struct px_piece){ copies[i], n };
	}
	px_json_out_begin(out, buf);
	px_json_put_base64(out, pieces, 3);
	for (int i = 0; i < 3; i++)
		free(copies[i]);
}

START_TEST(base64_pieces_are_one_run)
{
	uint8_t data[24];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 200);
	for (size_t len = 0; len <= sizeof(data); len++) {
		char want[40] = "\"";
		size_t text_len = px_base64_encoded_len(len);

		px_base64_encode(data, len, want + 1);
		want[text_len + 1] = '"';
		want[text_len + 2] = '\0';
		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				put_cut(data, a, b, len);
				expect(want);
			}
		}
	}
}
END_TEST

START_TEST(base64_large_after_text)
{
	size_t len = 300001, text_len = px_base64_encoded_len(len);
	uint8_t *data = malloc(len);
	char *want = malloc(text_len + 5), *got = malloc(text_len + 5);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 11 + i / 253);
	want[0] = '[';
	want[1] = want[text_len + 2] = '"';
	want[text_len + 3] = ']';
	px_base64_encode(data, len, want + 2);
	px_json_open_array(out);
	px_json_put_base64(out,
	    (struct px_piece[]){
		{ data, 100000 }, { data + 100000, 1 }, { data + 100001, 200000 } },
	    3);
	px_json_close_array(out);
	ck_assert_uint_eq(evbuffer_get_length(buf), text_len + 4);
	evbuffer_remove(buf, got, text_len + 4);
	ck_assert_mem_eq(got, want, text_len + 4);
	free(data);
	free(want);
	free(got);
}
END_TEST

/* However long it is, and wherever it is cut into chains. */
START_TEST(base64_in_steps)
{
	static const size_t lens[] = { 783359, 783360, 783361, 1566720, 1566721, 2000000 };
	size_t len = lens[_i], text_len = px_base64_encoded_len(len);
	uint8_t *data = malloc(len);
	char *want = malloc(text_len + 2), *got = malloc(text_len + 2);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 11 + i / 253);
	want[0] = want[text_len + 1] = '"';
	px_base64_encode(data, len, want + 1);
	px_json_put_base64(out, &(struct px_piece){ data, len }, 1);
	ck_assert_uint_eq(evbuffer_get_length(buf), text_len + 2);
	evbuffer_remove(buf, got, text_len + 2);
	ck_assert(memcmp(got, want, text_len + 2) == 0);
	free(data);
	free(want);
	free(got);
}
END_TEST

/* A value that was written elsewhere takes part in separators, and is moved. */
START_TEST(buffers)
{
	struct evbuffer *value = evbuffer_new();

	px_json_open(out);
	px_json_kv_int(out, "a", 1);
	px_json_key(out, "b");
	evbuffer_add_printf(value, "[true]");
	px_json_put_buffer(out, value);
	ck_assert_uint_eq(evbuffer_get_length(value), 0);
	px_json_kv_int(out, "c", 2);
	px_json_close(out);
	expect("{\"a\":1,\"b\":[true],\"c\":2}");
	evbuffer_free(value);
}
END_TEST

START_TEST(nesting)
{
	char want[201];

	for (int i = 0; i < 100; i++)
		px_json_open_array(out);
	for (int i = 0; i < 100; i++)
		px_json_close_array(out);
	memset(want, '[', 100);
	memset(want + 100, ']', 100);
	want[200] = '\0';
	ck_assert_uint_eq(evbuffer_get_length(buf), 200);
	ck_assert_mem_eq(evbuffer_pullup(buf, -1), want, 200);
}
END_TEST

START_TEST(a_value_in_place_of_a_name_aborts)
{
	px_json_open(out);
	px_json_put_int(out, 1);
}
END_TEST

START_TEST(a_second_value_aborts)
{
	px_json_put_int(out, 1);
	px_json_put_raw(out, "2", 1);
}
END_TEST

START_TEST(free_takes_null)
{
	px_json_out_free(NULL);
	px_json_put_null(out);
	expect("null");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("json_out");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_kind);
	tcase_add_test(tc, reuse_after_whole_and_unfinished_texts);
	tcase_add_test(tc, appends_to_what_is_there);
	tcase_add_test(tc, escaping);
	tcase_add_test(tc, every_byte_comes_back);
	tcase_add_test(tc, invalid_utf8_is_repaired);
	tcase_add_test(tc, invalid_utf8_in_bulk);
	tcase_add_test(tc, raw_takes_part_in_separators);
	tcase_add_test(tc, base64_takes_part_in_separators);
	tcase_add_test(tc, base64_pieces_are_one_run);
	tcase_add_test(tc, base64_large_after_text);
	tcase_add_loop_test(tc, base64_in_steps, 0, 6);
	tcase_add_test(tc, buffers);
	tcase_add_test(tc, nesting);
	tcase_add_test_raise_signal(tc, a_value_in_place_of_a_name_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, a_second_value_aborts, SIGABRT);
	tcase_add_test(tc, free_takes_null);
	return run_cases(tc);
}

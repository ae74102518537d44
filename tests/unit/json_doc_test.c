#include "base/json.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

struct parsed {
	struct px_json_doc *doc;
	const struct px_json *root;
	char *text; /* borrowed by the document */
};

static void
parse_bytes(struct parsed *p, const char *text, size_t len)
{
	struct px_err err;

	p->text = malloc(len);
	memcpy(p->text, text, len);
	ck_assert_msg(px_json_parse(p->text, len, &p->doc, &err) == 0, "%s", err.text);
	p->root = px_json_root(p->doc);
}

static void
parse(struct parsed *p, const char *text)
{
	parse_bytes(p, text, strlen(text));
}

static void
done(struct parsed *p)
{
	px_json_free(p->doc);
	free(p->text);
}

START_TEST(duplicates_in_small_objects)
{
	struct parsed p;

	parse(&p, "{\"a\":1,\"b\":2,\"a\":3,\"b\":4}");
	ck_assert_ptr_nonnull(p.root->duplicate);
	ck_assert_int_eq(p.root->duplicate->integer, 3);
	ck_assert_int_eq(px_json_get(p.root, "a")->integer, 1);
	done(&p);
	parse(&p, "{\"a\":1,\"\\u0061\":2}");
	ck_assert_int_eq(p.root->duplicate->integer, 2);
	done(&p);
	parse(&p, "{\"\":1,\"\":2}");
	ck_assert_int_eq(p.root->duplicate->integer, 2);
	done(&p);
	parse(&p, "{\"a\":{\"a\":1},\"A\":1,\"aa\":1,\"a\\u0000\":1}");
	ck_assert_ptr_null(p.root->duplicate);
	ck_assert_ptr_null(p.root->first->duplicate);
	done(&p);
	parse(&p, "[{\"a\":1,\"a\":1},{\"a\":1}]");
	ck_assert_ptr_nonnull(p.root->first->duplicate);
	ck_assert_ptr_null(p.root->first->next->duplicate);
	done(&p);
}
END_TEST

/* 'n' members m0, m1, ...; member 'again' (if below n) has the name of member 'of'. */
static void
check_big_object(size_t n, size_t of, size_t again)
{
	char *text = malloc(n * 24 + 3);
	size_t len = 0;
	struct parsed p;

	text[len++] = '{';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 24, "\"m%zu\":%zu,", i == again ? of : i, i);
	text[len - 1] = '}';
	parse_bytes(&p, text, len);
	ck_assert_uint_eq(p.root->count, n);
	if (again < n) {
		ck_assert_ptr_nonnull(p.root->duplicate);
		ck_assert_int_eq(p.root->duplicate->integer, (int64_t)again);
	} else {
		ck_assert_ptr_null(p.root->duplicate);
	}
	done(&p);
	free(text);
}

START_TEST(duplicates_in_objects_of_every_size)
{
	for (size_t n = 2; n <= 40; n++) {
		check_big_object(n, 0, n);
		for (size_t again = 1; again < n; again++)
			for (size_t of = 0; of < again; of += 3)
				check_big_object(n, of, again);
	}
	check_big_object(100000, 0, 100000);
	check_big_object(100000, 5, 99999);
	check_big_object(100000, 99998, 99999);
}
END_TEST

START_TEST(earliest_of_many_duplicates)
{
	char text[4096] = "{";
	struct parsed p;

	for (int i = 0; i < 200; i++)
		snprintf(
		    text + strlen(text), sizeof(text) - strlen(text), "\"k%d\":%d,", i % 50, i);
	text[strlen(text) - 1] = '}';
	parse(&p, text);
	ck_assert_int_eq(p.root->duplicate->integer, 50);
	ck_assert_int_eq(px_json_get(p.root, "k7")->integer, 7);
	done(&p);
}
END_TEST

START_TEST(get_and_is)
{
	struct parsed p;

	parse(&p, "{\"ab\":\"x\",\"a\":\"xy\",\"z\":\"x\\u0000\",\"l\":[1]}");
	ck_assert(px_json_is(px_json_get(p.root, "ab"), "x"));
	ck_assert(px_json_is(px_json_get(p.root, "a"), "xy"));
	ck_assert(!px_json_is(px_json_get(p.root, "a"), "x"));
	ck_assert(!px_json_is(px_json_get(p.root, "z"), "x"));
	ck_assert(!px_json_is(px_json_get(p.root, "l"), ""));
	ck_assert(!px_json_is(NULL, ""));
	ck_assert_ptr_null(px_json_get(p.root, ""));
	ck_assert_ptr_null(px_json_get(p.root, "abc"));
	ck_assert_ptr_null(px_json_get(px_json_get(p.root, "l"), "a"));
	ck_assert_ptr_null(px_json_get(NULL, "a"));
	done(&p);
}
END_TEST

START_TEST(arena)
{
	struct parsed p;
	unsigned char *pieces[200];

	parse(&p, "1");
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = px_json_arena(p.doc, i * 50);
		ck_assert_ptr_nonnull(pieces[i]);
		ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i * 50);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t at = 0; at < i * 50; at++)
			if (pieces[i][at] != i)
				ck_abort_msg("piece %zu", i);
	ck_assert_ptr_nonnull(px_json_arena(p.doc, 0));
	ck_assert_ptr_null(px_json_arena(p.doc, SIZE_MAX));
	ck_assert_ptr_null(px_json_arena(p.doc, SIZE_MAX - 8));
	ck_assert_ptr_nonnull(px_json_arena(p.doc, 1 << 20));
	done(&p);
	px_json_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("json_doc");

	tcase_add_test(tc, duplicates_in_small_objects);
	tcase_add_test(tc, duplicates_in_objects_of_every_size);
	tcase_add_test(tc, earliest_of_many_duplicates);
	tcase_add_test(tc, get_and_is);
	tcase_add_test(tc, arena);
	return run_cases(tc);
}

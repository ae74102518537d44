#include "session/write_ids.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"

static struct px_write_ids *ids;

static void
teardown(void)
{
	px_write_ids_free(ids);
}

static bool
seen(const char *id)
{
	return px_write_ids_seen(&ids, id, strlen(id));
}

static bool
seen_number(int n)
{
	char id[16];

	snprintf(id, sizeof id, "%d", n);
	return seen(id);
}

START_TEST(test_first_and_second)
{
	ck_assert(!seen("a"));
	ck_assert(seen("a"));
	ck_assert(!seen("b"));
	ck_assert(seen("a"));
	ck_assert(seen("b"));
}
END_TEST

/* Names are bytes: a prefix, or what follows a NUL, makes another one. */
START_TEST(test_bytes)
{
	char longest[PX_WRITE_ID_MAX];

	ck_assert(!px_write_ids_seen(&ids, "ab", 2));
	ck_assert(!px_write_ids_seen(&ids, "ab", 1));
	ck_assert(!px_write_ids_seen(&ids, "a\0b", 3));
	ck_assert(!px_write_ids_seen(&ids, "a\0c", 3));
	ck_assert(px_write_ids_seen(&ids, "a\0b", 3));
	ck_assert(!px_write_ids_seen(&ids, "", 0));
	ck_assert(px_write_ids_seen(&ids, "", 0));
	memset(longest, 'x', sizeof longest);
	ck_assert(!px_write_ids_seen(&ids, longest, sizeof longest));
	ck_assert(!px_write_ids_seen(&ids, longest, sizeof longest - 1));
	ck_assert(px_write_ids_seen(&ids, longest, sizeof longest));
}
END_TEST

START_TEST(test_id_is_copied)
{
	char id[] = "abc";

	ck_assert(!seen(id));
	id[0] = 'x';
	ck_assert(seen("abc"));
	ck_assert(!seen(id));
}
END_TEST

START_TEST(test_the_oldest_is_forgotten)
{
	for (int i = 0; i < PX_WRITE_IDS_KEPT; i++)
		ck_assert(!seen_number(i));
	for (int i = 0; i < PX_WRITE_IDS_KEPT; i++)
		ck_assert(seen_number(i));
	ck_assert(!seen_number(PX_WRITE_IDS_KEPT));
	ck_assert(seen_number(1));
	ck_assert(!seen_number(0)); /* now known again, and 1 is forgotten for it */
	ck_assert(seen_number(0));
	ck_assert(seen_number(2));
	ck_assert(!seen_number(1));
}
END_TEST

START_TEST(test_forget)
{
	px_write_ids_forget(NULL, "a", 1);
	seen("a");
	seen("b");
	px_write_ids_forget(ids, "a", 1);
	px_write_ids_forget(ids, "a", 1);
	px_write_ids_forget(ids, "never", 5);
	ck_assert(seen("b"));
	ck_assert(!seen("a"));
}
END_TEST

/* What was forgotten takes no place. */
START_TEST(test_forgotten_ones_make_room)
{
	for (int i = 0; i < PX_WRITE_IDS_KEPT; i++)
		seen_number(i);
	px_write_ids_forget(ids, "7", 1);
	ck_assert(!seen("new"));
	ck_assert(seen_number(0));
}
END_TEST

static Suite *
write_ids_suite(void)
{
	Suite *s = suite_create("write_ids");
	TCase *tc = tcase_create("write_ids");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_first_and_second);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_id_is_copied);
	tcase_add_test(tc, test_the_oldest_is_forgotten);
	tcase_add_test(tc, test_forget);
	tcase_add_test(tc, test_forgotten_ones_make_room);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(write_ids_suite());
}

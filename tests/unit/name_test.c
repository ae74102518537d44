#include "session/name.h"

#include <ctype.h>
#include <string.h>

#include "cases.h"

START_TEST(test_every_byte)
{
	for (int c = 0; c < 256; c++) {
		char s[] = { 'a', (char)c, 'b' };
		bool allowed = c < 128 && c != 0 && (isalnum(c) || strchr("._:-", c) != NULL);

		ck_assert_msg(px_name_valid(s, 3) == allowed, "byte %d", c);
		ck_assert_msg(px_name_valid(s + 1, 1) == allowed, "byte %d alone", c);
	}
}
END_TEST

START_TEST(test_length)
{
	char s[PX_NAME_MAX + 1];

	memset(s, 'x', sizeof s);
	ck_assert(!px_name_valid(s, 0));
	ck_assert(px_name_valid(s, 1));
	ck_assert(px_name_valid(s, PX_NAME_MAX));
	ck_assert(!px_name_valid(s, PX_NAME_MAX + 1));
}
END_TEST

static Suite *
name_suite(void)
{
	Suite *s = suite_create("name");
	TCase *tc = tcase_create("name");

	tcase_add_test(tc, test_every_byte);
	tcase_add_test(tc, test_length);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(name_suite());
}

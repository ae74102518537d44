#include "session/denial.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"

/* The guess whether a sandbox made a program fail, as the Codex CLI's own server guesses. */

static const struct {
	const char *out, *err;
	int code;
	bool denied;
} guesses[] = {
	{ "Operation not permitted\n", "", 1, true },
	{ "Permission denied\n", "", 1, true },
	{ "", "Permission denied\n", 1, true },
	{ "Read-only file system\n", "", 1, true },
	{ "seccomp\n", "", 1, true },
	{ "sandbox\n", "", 1, true },
	{ "Sandbox(\n", "", 1, true },
	{ "landlock\n", "", 1, true },
	{ "failed to write file\n", "", 1, true },
	{ "PERMISSION DENIED\n", "", 1, true },
	{ "\377permission denied\377", "", 1, true },
	{ "EACCES\n", "", 1, false },
	{ "access denied\n", "", 1, false },
	{ "not allowed\n", "", 1, false },
	{ "EROFS\n", "", 1, false },
	{ "Bad system call\n", "", 1, false },
	{ "permission  denied\n", "", 1, false },
	{ "permission\ndenied\n", "", 1, false },
	{ "permissiondenied\n", "", 1, false },
	{ "readonly file system\n", "", 1, false },
	{ "read only file system\n", "", 1, false },
	{ "permission ", "denied\n", 1, true },
	{ "permission denied\n", "", 0, false },
	{ "permission denied\n", "", 2, true },
	{ "permission denied\n", "", 3, true },
	{ "permission denied\n", "", 126, true },
	{ "permission denied\n", "", 127, true },
	{ "permission denied\n", "", 130, true },
	{ "permission denied\n", "", 137, true },
	{ "permission denied\n", "", 255, true },
	{ "", "", 1, false },
	{ "", "", 2, false },
	{ "", "", 126, false },
	{ "", "", 127, false },
	{ "", "", 137, false },
	{ "", "", 159, true },
};

START_TEST(test_guesses)
{
	struct px_denial denial = { .found = false };

	px_denial_feed(&denial, 0, guesses[_i].out, strlen(guesses[_i].out));
	px_denial_feed(&denial, 1, guesses[_i].err, strlen(guesses[_i].err));
	ck_assert_int_eq(px_denial_is_likely(&denial, guesses[_i].code), guesses[_i].denied);
}
END_TEST

static bool
fed_in_pieces(const char *text, size_t piece)
{
	struct px_denial denial = { .found = false };
	size_t len = strlen(text), n;

	for (size_t at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		px_denial_feed(&denial, 0, text + at, n);
		/* What the other stream brings meanwhile is nothing to this one. */
		px_denial_feed(&denial, 1, "Q", 1);
	}
	return px_denial_is_likely(&denial, 1);
}

/* A word is found wherever pieces end in it. */
START_TEST(test_pieces)
{
	for (size_t piece = 1; piece < 64; piece++) {
		ck_assert(fed_in_pieces("xxxxxxx Operation NOT permitted yyyy", piece));
		ck_assert(fed_in_pieces("sandbox", piece));
		ck_assert(!fed_in_pieces("sandbo x; operation not permitte; andbox", piece));
	}
}
END_TEST

/* Across the pieces in which a long text is looked at. */
START_TEST(test_long)
{
	static char text[16384];

	for (size_t at = 4000; at < 4200; at++) {
		struct px_denial denial = { .found = false };

		memset(text, 'a', sizeof text);
		memcpy(text + at, "landlock", 8);
		px_denial_feed(&denial, 0, text, sizeof text);
		ck_assert(denial.found);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("denial");

	tcase_add_loop_test(tc, test_guesses, 0, sizeof guesses / sizeof guesses[0]);
	tcase_add_test(tc, test_pieces);
	tcase_add_test(tc, test_long);
	return run_cases(tc);
}

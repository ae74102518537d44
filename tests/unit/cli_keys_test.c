#include "cli/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

/* What came of typing something: the program's bytes, with {ACTION} where there was one. */
struct session {
	struct px_keys keys;
	char seen[4096];
};

static const char *const names[] = { "", "{detach}", "{help}", "{redraw}", "{kill}" };

static void
begin(struct session *s, const char *keys)
{
	*s = (struct session){ 0 };
	ck_assert_msg(px_keys_parse(&s->keys, keys) == 0, "'%s'", keys);
}

static void
add(struct session *s, const char *data, size_t len)
{
	size_t at = strlen(s->seen);

	ck_assert_uint_lt(at + len, sizeof s->seen);
	memcpy(s->seen + at, data, len);
}

/* 'len' bytes in one piece. */
static void
type_piece(struct session *s, const char *data, size_t len)
{
	char out[1024 + PX_KEYS_HELD];
	enum px_key_action action;
	size_t out_len;

	do {
		out_len = 0;
		action = px_keys_take(&s->keys, &data, &len, out, &out_len);
		ck_assert(action != PX_KEY_NONE || len == 0);
		add(s, out, out_len);
		add(s, names[action], strlen(names[action]));
	} while (len > 0);
}

static void
type_end(struct session *s)
{
	char out[PX_KEYS_HELD];
	size_t len = 0;

	px_keys_end(&s->keys, out, &len);
	add(s, out, len);
}

/* Whole, byte by byte, and cut in two everywhere: each time the same must come of it. */
static void
check(const char *keys, const char *typed, const char *expected)
{
	size_t len = strlen(typed);
	struct session s;

	for (size_t cut = 0; cut <= len; cut++) {
		begin(&s, keys);
		type_piece(&s, typed, cut);
		type_piece(&s, typed + cut, len - cut);
		type_end(&s);
		ck_assert_str_eq(s.seen, expected);
	}
	begin(&s, keys);
	for (size_t i = 0; i < len; i++)
		type_piece(&s, typed + i, 1);
	type_end(&s);
	ck_assert_str_eq(s.seen, expected);
}

static void
check_whole(const char *keys, const char *typed, const char *expected)
{
	struct session s;

	begin(&s, keys);
	type_piece(&s, typed, strlen(typed));
	type_end(&s);
	ck_assert_str_eq(s.seen, expected);
}

START_TEST(test_usual_keys)
{
	static const char usual[] = "ctrl-],d";

	check(usual, "ls\r", "ls\r");
	check(usual, "\035d", "{detach}");
	check(usual, "a\035dz", "a{detach}z");
	check(usual, "\035?\035r\035k\035d", "{help}{redraw}{kill}{detach}");
	check(usual, "\035\035", "\035");
	check(usual, "\035\035d", "\035d");
	check(usual, "\035\035\035d", "\035{detach}");
	check(usual, "\035x", "\035x");
	check(usual, "\035D\035", "\035D\035");
	check(usual, "d?rk", "d?rk");
}
END_TEST

START_TEST(test_other_keys)
{
	check("ctrl-p,ctrl-q", "\020\021", "{detach}");
	check("ctrl-p,ctrl-q", "\020q\020\020\035d", "\020q\020\035d");
	check("ctrl-\\", "a\034b", "a{detach}b");
	check("ctrl-a,ctrl-a", "\001\001", "{detach}");
	check("a,a,b", "aaab", "a{detach}");
	check("a,b,a,c", "ababac", "ab{detach}");
	check("a,b,a,c", "abax", "abax");
	check("a,b,a,c", "aba?", "{help}");
	check("~,.", "~.~~~x", "{detach}~~x");
	check("ctrl-],r", "\035r", "{detach}");
	check("none", "\035d\035?", "\035d\035?");
}
END_TEST

START_TEST(test_pasted_text)
{
	check("ctrl-],d", "\033[200~x\035dy\033[201~\035d", "\033[200~x\035dy\033[201~{detach}");
	check("ctrl-],d", "\033[200~\033[201\035d\033[201~", "\033[200~\033[201\035d\033[201~");
	check("ctrl-],d", "\033\033[200~\035d\033[201~", "\033\033[200~\035d\033[201~");
	check("ctrl-],d", "\035\033[200~d\033[201~", "\035\033[200~d\033[201~");
	check("ctrl-],d", "\033[201~\035d", "\033[201~{detach}");
	check("ctrl-[,d", "\033\033[200~\033d\033[201~\033d", "\033[200~\033d\033[201~{detach}");
}
END_TEST

/* A terminal sends such a key in one piece; in another case it is the program's. */
START_TEST(test_keys_as_sequences)
{
	check_whole("ctrl-],d", "\033[27;5;93~d", "{detach}");
	check_whole("ctrl-],d", "\033[93;5ud", "{detach}");
	check_whole("ctrl-],d", "\033[93;5u\033[93;5u", "\033[93;5u");
	check_whole("ctrl-],d", "\033[93;5ux", "\033[93;5ux");
	check_whole("ctrl-a,ctrl-b", "\033[27;5;97~\033[98;5u", "{detach}");
	check_whole(
	    "ctrl-],d", "\033[27;6;93~d\033[93;3ud\033[A", "\033[27;6;93~d\033[93;3ud\033[A");
	check_whole("ctrl-],d", "\033[99999;5u\033[;5u\033[5u", "\033[99999;5u\033[;5u\033[5u");
	check_whole("ctrl-],d", "\033[27;5;93", "\033[27;5;93");
	check_whole("ctrl-],d", "\033[200~\033[93;5ud\033[201~", "\033[200~\033[93;5ud\033[201~");
}
END_TEST

START_TEST(test_notation)
{
	static const char *const wrong[] = { "", ",", "a,", ",a", "ctrl-", "ctrl-,d", "ctrl-1",
		"ctrl-A", "ctrl-]d", "ab", "a b", "\303\274", "a,,b", "ctrl-?",
		"a,b,c,d,e,f,g,h,i" };
	struct px_keys keys;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(px_keys_parse(&keys, wrong[i]) == -1, "'%s'", wrong[i]);
	ck_assert(px_keys_parse(&keys, "ctrl-@,ctrl-[,ctrl-\\,ctrl-^,ctrl-_,ctrl-z,~,d") == 0);
	ck_assert_uint_eq(keys.n, 8);
	ck_assert_mem_eq(keys.sequence, "\000\033\034\036\037\032~d", 8);
}
END_TEST

START_TEST(test_telling)
{
	char text[PX_KEYS_TEXT];
	struct px_keys keys;
	bool ctrl;

	ck_assert(px_keys_parse(&keys, "ctrl-a,x,ctrl-]") == 0);
	px_keys_prefix(&keys, text, sizeof text);
	ck_assert_str_eq(text, "^A x");
	ck_assert(px_keys_last(&keys, &ctrl) == ']' && ctrl);
	ck_assert(px_keys_parse(&keys, "q") == 0);
	px_keys_prefix(&keys, text, sizeof text);
	ck_assert_str_eq(text, "");
	ck_assert(px_keys_last(&keys, &ctrl) == 'q' && !ctrl);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("keys");

	tcase_add_test(tc, test_usual_keys);
	tcase_add_test(tc, test_other_keys);
	tcase_add_test(tc, test_pasted_text);
	tcase_add_test(tc, test_keys_as_sequences);
	tcase_add_test(tc, test_notation);
	tcase_add_test(tc, test_telling);
	return run_cases(tc);
}

#include "proc/env_policy.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "cases.h"

static char *server_env[] = { "PATH=/bin", "HOME=/root", "API_KEY=1", "KEYBOARD=us", "my_secret=2",
	"PASSWORD_X=3", "Lang=C", "EMPTY=", NULL };

/* The environment in one text, its entries separated by blanks. */
static const char *
applied(struct px_env_policy policy, char *const *base)
{
	static char text[512];
	char **env = px_env_policy_apply(&policy, base);

	text[0] = '\0';
	for (size_t i = 0; env[i] != NULL; i++) {
		if (i > 0)
			strlcat(text, " ", sizeof text);
		strlcat(text, env[i], sizeof text);
	}
	free(env);
	return text;
}

START_TEST(test_inherit)
{
	ck_assert_str_eq(
	    applied(
		(struct px_env_policy){ .inherit = PX_ENV_ALL, .keep_secrets = true }, server_env),
	    "PATH=/bin HOME=/root API_KEY=1 KEYBOARD=us my_secret=2 PASSWORD_X=3 Lang=C EMPTY=");
	ck_assert_str_eq(applied((struct px_env_policy){ .inherit = PX_ENV_CORE }, server_env),
	    "PATH=/bin HOME=/root Lang=C");
	ck_assert_str_eq(applied((struct px_env_policy){ .inherit = PX_ENV_NONE }, server_env), "");
	ck_assert_str_eq(applied((struct px_env_policy){ .inherit = PX_ENV_ALL }, NULL), "");
}
END_TEST

START_TEST(test_secrets)
{
	ck_assert_str_eq(applied((struct px_env_policy){ .inherit = PX_ENV_ALL }, server_env),
	    "PATH=/bin HOME=/root PASSWORD_X=3 Lang=C EMPTY=");
}
END_TEST

START_TEST(test_order)
{
	static const char *const exclude[] = { "p*", "?ANG", NULL };
	static const char *const set[] = { "PATH=/usr/bin", "A_TOKEN=x", "OTHER=y", NULL };
	static const char *const only[] = { "path", "*_t*", "home", NULL };
	struct px_env_policy policy = { .inherit = PX_ENV_ALL, .exclude = exclude };

	ck_assert_str_eq(applied(policy, server_env), "HOME=/root EMPTY=");
	policy.set = set;
	ck_assert_str_eq(
	    applied(policy, server_env), "HOME=/root EMPTY= PATH=/usr/bin A_TOKEN=x OTHER=y");
	policy.include_only = only;
	ck_assert_str_eq(applied(policy, server_env), "HOME=/root PATH=/usr/bin A_TOKEN=x");
	policy.exclude = NULL;
	ck_assert_str_eq(applied(policy, server_env), "HOME=/root PATH=/usr/bin A_TOKEN=x");
}
END_TEST

static const struct {
	const char *pattern, *entry;
	bool matches;
} patterns[] = {
	{ "PATH", "path=x", true },
	{ "PATH", "PATHS", false },
	{ "PATH", "PAT", false },
	{ "", "", true },
	{ "", "a", false },
	{ "*", "", true },
	{ "*", "anything=a*b", true },
	{ "?", "", false },
	{ "?", "a", true },
	{ "a*b*c", "aXbYbZc", true },
	{ "a*b*c", "aXbYbZ", false },
	{ "**a", "ba=c", true },
	{ "[a]", "a", false },
	{ "[a]", "[A]", true },
	{ "a=b", "a=b", false },
	{ "*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    false },
};

START_TEST(test_patterns)
{
	ck_assert_int_eq(
	    px_env_name_matches(patterns[_i].pattern, patterns[_i].entry), patterns[_i].matches);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, test_inherit);
	tcase_add_test(tc, test_secrets);
	tcase_add_test(tc, test_order);
	tcase_add_loop_test(tc, test_patterns, 0, sizeof patterns / sizeof patterns[0]);
	return run_cases(tc);
}

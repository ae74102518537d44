#include "cli/options.h"

#include <limits.h>
#include <stdlib.h>

#include "cases.h"
#include "cli/command.h"

struct values {
	int flag, other;
	const char *text;
	struct px_texts texts;
	int64_t number, ms;
};

#define AT(member) offsetof(struct values, member)

static const struct px_cli_option rows[] = {
	{ 'f', "flag", PX_OPTION_FLAG, AT(flag), .value = 7, .help = "" },
	{ 'F', NULL, PX_OPTION_FLAG, AT(flag), .value = -7, .help = "" },
	{ 'o', "other", PX_OPTION_FLAG, AT(other), .value = 1, .help = "" },
	{ 't', "text", PX_OPTION_TEXT, AT(text), .argument = "TEXT", .help = "" },
	{ 0, "texts", PX_OPTION_TEXTS, AT(texts), .argument = "TEXT", .help = "" },
	{ 'n', "number", PX_OPTION_NUMBER, AT(number), .min = -3, .max = 9, .argument = "N",
	    .help = "" },
	{ 0, "time", PX_OPTION_SECONDS, AT(ms), .min = 1, .argument = "SECONDS", .help = "" },
	{ 0 },
};

static const struct px_cli_command any = {
	.name = "any",
	.operands = "...",
	.max_operands = INT_MAX,
	.flags = PX_CLI_TARGET | PX_CLI_JSON,
	.options = rows,
	.options_size = sizeof(struct values),
};

/* Reads the words, which end with NULL; the values and the operands are in 'call'. */
static int
parse(struct px_cli_call *call, const struct px_cli_command *command, const char *const *words)
{
	int n = 0;

	*call = (struct px_cli_call){ .command = command };
	while (words[n] != NULL)
		n++;
	return px_cli_parse(call, n, (char **)words);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(test_forms)
{
	struct px_cli_call call;
	const struct values *v;

	ck_assert_int_eq(parse(&call, &any,
			     WORDS("-f", "-tone", "--number", "-2", "--texts=a", "x", "--texts", "",
				 "--time=0.25", "-", "--json", "--url", "u")),
	    0);
	v = call.options;
	ck_assert_int_eq(v->flag, 7);
	ck_assert_int_eq(v->other, 0);
	ck_assert_str_eq(v->text, "one");
	ck_assert_int_eq(v->number, -2);
	ck_assert_int_eq(v->ms, 250);
	ck_assert_uint_eq(v->texts.n, 2);
	ck_assert_str_eq(v->texts.v[0], "a");
	ck_assert_str_eq(v->texts.v[1], "");
	ck_assert_ptr_null(v->texts.v[2]);
	ck_assert_int_eq(call.noperands, 2);
	ck_assert_str_eq(call.operands[0], "x");
	ck_assert_str_eq(call.operands[1], "-");
	ck_assert_ptr_null(call.operands[2]);
	ck_assert_int_eq(call.common.json, 1);
	ck_assert_str_eq(call.common.target.url, "u");
	px_cli_call_done(&call);

	/* Letters together, the last with its value; the last of several counts. */
	ck_assert_int_eq(parse(&call, &any, WORDS("-foFn9", "-n", "3", "--text=a=b")), 0);
	v = call.options;
	ck_assert_int_eq(v->flag, -7);
	ck_assert_int_eq(v->other, 1);
	ck_assert_int_eq(v->number, 3);
	ck_assert_str_eq(v->text, "a=b");
	px_cli_call_done(&call);
}
END_TEST

START_TEST(test_end_of_options)
{
	struct px_cli_command last = any;
	struct px_cli_call call;

	ck_assert_int_eq(parse(&call, &any, WORDS("a", "--", "-f", "--", "--nope")), 0);
	ck_assert_int_eq(((const struct values *)call.options)->flag, 0);
	ck_assert_int_eq(call.noperands, 4);
	ck_assert_str_eq(call.operands[2], "--");
	px_cli_call_done(&call);

	/* "--" as a value is one. */
	ck_assert_int_eq(parse(&call, &any, WORDS("--text", "--", "-f", "a")), 0);
	ck_assert_str_eq(((const struct values *)call.options)->text, "--");
	ck_assert_int_eq(((const struct values *)call.options)->flag, 7);
	px_cli_call_done(&call);

	last.flags |= PX_CLI_WORDS_LAST;
	ck_assert_int_eq(parse(&call, &last, WORDS("-f", "ls", "-o", "--", "--nope")), 0);
	ck_assert_int_eq(((const struct values *)call.options)->other, 0);
	ck_assert_int_eq(call.noperands, 4);
	px_cli_call_done(&call);
}
END_TEST

START_TEST(test_wrong)
{
	static const char *const wrong[][3] = {
		{ "-x" },
		{ "-fx" },
		{ "--nope" },
		{ "--fla" },
		{ "--flag=1" },
		{ "--text" },
		{ "-t" },
		{ "--text=" },
		{ "--text", "" },
		{ "-n", "10" },
		{ "-n", "-4" },
		{ "-n", "" },
		{ "-n", "3x" },
		{ "--time", "0" },
		{ "--time", "-1" },
		{ "--time", "inf" },
		{ "--time", "315360001" },
		{ "--time", "1s" },
		{ "--=" },
	};
	struct px_cli_call call;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const char *const words[] = { wrong[i][0], wrong[i][1], NULL };

		ck_assert_msg(parse(&call, &any, words) == -1, "row %zu", i);
		px_cli_call_done(&call);
	}
}
END_TEST

START_TEST(test_operands)
{
	struct px_cli_command two = any;
	struct px_cli_call call;

	two.min_operands = two.max_operands = 2;
	for (int n = 0; n < 4; n++) {
		const char *words[] = { "a", "b", "c", NULL };

		words[n] = NULL;
		ck_assert_int_eq(parse(&call, &two, words), n == 2 ? 0 : -1);
		px_cli_call_done(&call);
	}
	/* Who asks for help need not know. */
	ck_assert_int_eq(parse(&call, &two, WORDS("-h")), 0);
	ck_assert_int_eq(call.common.help, 1);
	px_cli_call_done(&call);
}
END_TEST

START_TEST(test_common)
{
	struct px_cli_common common = { 0 };
	struct px_cli_command quiet = any;
	struct px_cli_call call;

	ck_assert_int_eq(
	    px_cli_parse_common(&common, 4, (char *[]){ "--workspace", "w", "--json", "ps", NULL }),
	    3);
	ck_assert_str_eq(common.target.workspace, "w");
	ck_assert_int_eq(px_cli_parse_common(&common, 1, (char *[]){ "-x", NULL }), -1);

	setenv("PTYEXEC_URL", "", 1);
	unsetenv("PTYEXEC_WORKSPACE");
	common = (struct px_cli_common){ 0 };
	px_cli_common_complete(&common);
	ck_assert_ptr_null(common.target.url);
	ck_assert_str_eq(common.target.workspace, "default");
	setenv("PTYEXEC_URL", "env", 1);
	setenv("PTYEXEC_WORKSPACE", "env", 1);
	common = (struct px_cli_common){ .target.url = "given" };
	px_cli_common_complete(&common);
	ck_assert_str_eq(common.target.url, "given");
	ck_assert_str_eq(common.target.workspace, "env");

	/* Not every command takes all of them. */
	quiet.flags = 0;
	for (size_t i = 0; i < 3; i++) {
		static const char *const words[][2] = { { "--json" }, { "--url=x" },
			{ "--workspace=x" } };

		ck_assert_int_eq(parse(&call, &quiet, words[i]), -1);
		px_cli_call_done(&call);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cli_options");
	TCase *tc = tcase_create("cli_options");

	tcase_add_test(tc, test_forms);
	tcase_add_test(tc, test_end_of_options);
	tcase_add_test(tc, test_wrong);
	tcase_add_test(tc, test_operands);
	tcase_add_test(tc, test_common);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "cli/command.h"

#define SECONDS_MAX 315360000.0 /* ten years, the protocol's bound */

/* ---- the common ones ---- */

#define AT(member) .offset = offsetof(struct px_cli_common, member)

const struct px_cli_option px_cli_common_options[] = {
	{ 0, "url", PX_OPTION_TEXT, AT(target.url), .argument = "URL",
	    .help = "the server: unix://PATH, ws://HOST:PORT or wss://HOST:PORT. Default:\n"
		    "$PTYEXEC_URL, else your own, which is started when it is needed" },
	{ 0, "workspace", PX_OPTION_TEXT, AT(target.workspace), .argument = "NAME",
	    .help = "the set of sessions. Default: $PTYEXEC_WORKSPACE, else \"default\"" },
	{ 0, "json", PX_OPTION_FLAG, AT(json), .value = 1, .help = "print JSON" },
	{ 'h', "help", PX_OPTION_FLAG, AT(help), .value = 1, .help = "print this text" },
	{ 0 },
};

bool
px_cli_common_applies(const struct px_cli_option *option, unsigned flags)
{
	switch (option->offset) {
	case offsetof(struct px_cli_common, target.url):
	case offsetof(struct px_cli_common, target.workspace):
		return (flags & PX_CLI_TARGET) != 0;
	case offsetof(struct px_cli_common, json):
		return (flags & PX_CLI_JSON) != 0;
	default:
		return true;
	}
}

/* ---- values ---- */

static int
value_refused(const char *shown, const struct px_cli_option *option, const char *text)
{
	if (option->kind == PX_OPTION_SECONDS)
		px_complain("%s takes a number of seconds, not '%s'", shown, text);
	else if (option->kind == PX_OPTION_NUMBER)
		px_complain("%s takes a number from %" PRId64 " to %" PRId64 ", not '%s'", shown,
		    option->min, option->max, text);
	else
		px_complain("%s takes a value that is not empty", shown);
	return -1;
}

static bool
seconds_read(const char *text, int64_t min_ms, int64_t *out_ms)
{
	double seconds;
	char *end;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno != 0 || end == text || *end != '\0' || !(seconds >= 0 && seconds <= SECONDS_MAX))
		return false;
	*out_ms = (int64_t)(seconds * 1000);
	if (*out_ms < min_ms && seconds > 0)
		*out_ms = min_ms;
	return *out_ms >= min_ms;
}

static void
texts_add(struct px_texts *texts, const char *text)
{
	texts->v = px_realloc_array(texts->v, texts->n + 2, sizeof *texts->v);
	texts->v[texts->n++] = text;
	texts->v[texts->n] = NULL;
}

/* 'text' is NULL for a FLAG. 'shown' is the option as it was written. */
static int
value_put(void *into, const struct px_cli_option *option, const char *shown, const char *text)
{
	void *member = (char *)into + option->offset;
	const char *error = NULL;
	int64_t number;

	switch (option->kind) {
	case PX_OPTION_FLAG:
		*(int *)member = option->value;
		return 0;
	case PX_OPTION_TEXT:
		if (*text == '\0')
			return value_refused(shown, option, text);
		*(const char **)member = text;
		return 0;
	case PX_OPTION_TEXTS:
		texts_add(member, text);
		return 0;
	case PX_OPTION_NUMBER:
		number = strtonum(text, option->min, option->max, &error);
		if (error != NULL)
			return value_refused(shown, option, text);
		*(int64_t *)member = number;
		return 0;
	case PX_OPTION_SECONDS:
		if (!seconds_read(text, option->min, member))
			return value_refused(shown, option, text);
		return 0;
	}
	return -1;
}

/* ---- words ---- */

/* Where options go: those of a command and the common ones, or the common ones alone. */
struct parse {
	struct px_cli_call *call; /* or NULL */
	struct px_cli_common *common;
	char **argv;
	int argc, at;
};

const struct px_cli_option *
px_cli_option_find(const struct px_cli_option *rows, const char *name, size_t len, char letter)
{
	for (const struct px_cli_option *row = rows; px_cli_option_is_row(row); row++) {
		if (letter != 0 && row->letter == letter)
			return row;
		if (name != NULL && row->name != NULL && strlen(row->name) == len &&
		    memcmp(row->name, name, len) == 0)
			return row;
	}
	return NULL;
}

/* The row, and the struct that it fills. */
static const struct px_cli_option *
option_find(const struct parse *p, const char *name, size_t len, char letter, void **out_into)
{
	const struct px_cli_command *command = p->call != NULL ? p->call->command : NULL;
	const struct px_cli_option *row;

	if (command != NULL &&
	    (row = px_cli_option_find(command->options, name, len, letter)) != NULL) {
		*out_into = p->call->options;
		return row;
	}
	row = px_cli_option_find(px_cli_common_options, name, len, letter);
	if (row != NULL && command != NULL && !px_cli_common_applies(row, command->flags))
		row = NULL;
	*out_into = p->common;
	return row;
}

static int
unknown(const struct parse *p, const char *shown)
{
	const char *name = p->call != NULL ? p->call->command->name : "";

	px_complain("no option is named '%s'; 'ptyexec help%s%s' lists them", shown,
	    *name != '\0' ? " " : "", name);
	return -1;
}

static int
put(struct parse *p, const struct px_cli_option *row, void *into, const char *shown,
    const char *text)
{
	if (row->kind != PX_OPTION_FLAG && text == NULL) {
		if (p->at == p->argc) {
			px_complain("%s needs a value", shown);
			return -1;
		}
		text = p->argv[p->at++];
	}
	return value_put(into, row, shown, text);
}

/* "--name", "--name=value" */
static int
parse_long(struct parse *p, const char *word)
{
	size_t len = strcspn(word + 2, "=");
	const char *text = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
	char *shown = px_strndup(word, 2 + len);
	const struct px_cli_option *row;
	int result = -1;
	void *into;

	if ((row = option_find(p, word + 2, len, 0, &into)) == NULL)
		unknown(p, shown);
	else if (row->kind == PX_OPTION_FLAG && text != NULL)
		px_complain("%s takes no value", shown);
	else
		result = put(p, row, into, shown, text);
	free(shown);
	return result;
}

/* "-x", "-xVALUE", "-xyz" */
static int
parse_short(struct parse *p, const char *word)
{
	const struct px_cli_option *row;
	void *into;

	for (const char *c = word + 1; *c != '\0'; c++) {
		const char shown[] = { '-', *c, '\0' };
		const char *rest = c[1] != '\0' ? c + 1 : NULL;

		if ((row = option_find(p, NULL, 0, *c, &into)) == NULL)
			return unknown(p, shown);
		if (put(p, row, into, shown, row->kind == PX_OPTION_FLAG ? NULL : rest) == -1)
			return -1;
		if (row->kind != PX_OPTION_FLAG)
			return 0;
	}
	return 0;
}

enum word { WORD_OPTION, WORD_END, WORD_OPERAND, WORD_WRONG };

/* Takes the option or the "--" at 'at'; an operand is left there. */
static enum word
parse_word(struct parse *p)
{
	const char *word = p->argv[p->at];
	int result;

	if (word[0] != '-' || word[1] == '\0')
		return WORD_OPERAND;
	p->at++;
	if (strcmp(word, "--") == 0)
		return WORD_END;
	result = word[1] == '-' ? parse_long(p, word) : parse_short(p, word);
	return result == 0 ? WORD_OPTION : WORD_WRONG;
}

static int
operands_check(const struct px_cli_call *call)
{
	const struct px_cli_command *command = call->command;

	if (call->common.help)
		return 0;
	if (call->noperands < command->min_operands) {
		px_complain(
		    "something is missing: ptyexec %s %s", command->name, command->operands);
		return -1;
	}
	if (call->noperands > command->max_operands) {
		px_complain("'%s' is too much: ptyexec %s %s",
		    call->operands[command->max_operands], command->name, command->operands);
		return -1;
	}
	return 0;
}

int
px_cli_parse(struct px_cli_call *call, int argc, char **argv)
{
	struct parse p = { call, &call->common, argv, argc, 0 };
	bool ended = false; /* no option comes any more */

	call->options = px_alloc(call->command->options_size + 1);
	call->operands = px_alloc(((size_t)argc + 1) * sizeof *call->operands);
	while (p.at < argc) {
		enum word word = ended ? WORD_OPERAND : parse_word(&p);

		if (word == WORD_WRONG)
			return -1;
		if (word == WORD_OPERAND)
			call->operands[call->noperands++] = argv[p.at++];
		if (word == WORD_END ||
		    (word == WORD_OPERAND && (call->command->flags & PX_CLI_WORDS_LAST) != 0))
			ended = true;
	}
	return operands_check(call);
}

void
px_cli_call_done(struct px_cli_call *call)
{
	const struct px_cli_option *row = call->command->options;

	for (; px_cli_option_is_row(row); row++)
		if (row->kind == PX_OPTION_TEXTS)
			free(((struct px_texts *)(void *)((char *)call->options + row->offset))->v);
	free(call->options);
	free(call->operands);
}

int
px_cli_parse_common(struct px_cli_common *common, int argc, char **argv)
{
	struct parse p = { NULL, common, argv, argc, 0 };
	enum word word = WORD_OPTION;

	while (p.at < argc && word == WORD_OPTION)
		word = parse_word(&p);
	return word == WORD_WRONG ? -1 : p.at;
}

static const char *
from_environment(const char *given, const char *variable, const char *otherwise)
{
	const char *value = given != NULL ? given : getenv(variable);

	return value != NULL && *value != '\0' ? value : otherwise;
}

void
px_cli_common_complete(struct px_cli_common *common)
{
	struct px_cli_target *target = &common->target;

	target->url = from_environment(target->url, "PTYEXEC_URL", NULL);
	target->workspace = from_environment(target->workspace, "PTYEXEC_WORKSPACE", "default");
}

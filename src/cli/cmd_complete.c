#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ptyexec/client.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/complete.h"
#include "cli/connect.h"
#include "cli/human.h"
#include "cli/request.h"
#include "cli/row.h"

/* A candidate, if it begins as the word does. What it means is up to a line's end. */
static void
offer(const struct px_cli_cursor *cursor, const char *word, const char *meaning)
{
	if (strncmp(word, cursor->begun, strlen(cursor->begun)) != 0)
		return;
	printf("%.*s%s\t", cursor->kept, cursor->begun - cursor->kept, word);
	for (; *meaning != '\0' && *meaning != '\n'; meaning++)
		putchar((unsigned char)*meaning < ' ' || *meaning == 0x7f ? '?' : *meaning);
	putchar('\n');
}

static void
offer_commands(const struct px_cli_cursor *cursor)
{
	const struct px_cli_command *command;

	for (size_t i = 0; (command = px_cli_command_at(i)) != NULL; i++)
		offer(cursor, command->name, command->summary);
	if (!cursor->of_help)
		offer(cursor, "help", "How a command is used");
}

static void
offer_option(const struct px_cli_cursor *cursor, const struct px_cli_option *row)
{
	char word[64];

	if (row->name != NULL)
		snprintf(word, sizeof word, "--%s", row->name);
	else
		snprintf(word, sizeof word, "-%c", row->letter);
	offer(cursor, word, row->help);
}

static void
offer_options(const struct px_cli_cursor *cursor)
{
	const struct px_cli_command *command = cursor->command;
	unsigned flags = command != NULL ? command->flags : PX_CLI_TARGET | PX_CLI_JSON;
	const struct px_cli_option *row = command != NULL ? command->options : NULL;

	for (; px_cli_option_is_row(row); row++)
		offer_option(cursor, row);
	for (row = px_cli_common_options; px_cli_option_is_row(row); row++)
		if (px_cli_common_applies(row, flags))
			offer_option(cursor, row);
	if (command == NULL)
		offer(cursor, "--version", "print the version");
}

static void
offer_list(const struct px_cli_cursor *cursor, const struct px_list *list)
{
	for (size_t i = 0; i < list->nrows; i++) {
		const struct px_session_row *row = &list->rows[i];
		char state[PX_ROW_TEXT_SIZE], meaning[256], *words = px_human_words(row->argv);

		px_row_state(row, state);
		snprintf(meaning, sizeof meaning, "%s: %s", state, words);
		offer(cursor, row->session, meaning);
		free(words);
	}
}

/* A server is not started for it. */
static void
offer_sessions(struct px_cli_cursor *cursor)
{
	struct px_client *client;
	struct px_answer *answer;
	bool absent;

	px_cli_common_complete(&cursor->common);
	cursor->common.target.once = true;
	if ((client = px_cli_connect_running(&cursor->common.target, &absent)) == NULL)
		return;
	answer = px_client_await(client, px_client_list(client, NULL), PX_CLI_ANSWER_MS, NULL);
	if (answer != NULL)
		offer_list(cursor, &answer->list);
	px_answer_free(answer);
	px_client_free(client);
}

static void
offer_signals(const struct px_cli_cursor *cursor)
{
	for (int i = 1; i < SIGRTMIN; i++)
		if (sigabbrev_np(i) != NULL)
			offer(cursor, sigabbrev_np(i), sigdescr_np(i));
}

/* "start|stop" */
static void
offer_choice(const struct px_cli_cursor *cursor, const char *choice, size_t len)
{
	char *copy = px_strndup(choice, len), *rest = copy, *word;

	while ((word = strsep(&rest, "|")) != NULL)
		offer(cursor, word, "");
	free(copy);
}

/* The operand's place in the usage, "NAME [TEXT]...": the last one may stand for several. */
static const char *
operand_shape(const struct px_cli_cursor *cursor, size_t *out_len)
{
	const char *shape = cursor->command->operands;

	if (cursor->operand >= cursor->command->max_operands)
		shape = "";
	for (int i = 0; i < cursor->operand && strchr(shape, ' ') != NULL; i++)
		shape = strchr(shape, ' ') + 1;
	*out_len = strcspn(shape, " .");
	return shape;
}

static void
answer_operand(struct px_cli_cursor *cursor)
{
	size_t len;
	const char *shape = operand_shape(cursor, &len);

	if ((cursor->command->flags & PX_CLI_WORDS_LAST) != 0) {
		printf("command %d\n", cursor->first_operand);
		return;
	}
	puts("words");
	if (len == 4 && memcmp(shape, "NAME", len) == 0)
		offer_sessions(cursor);
	else if (len == 6 && memcmp(shape, "SIGNAL", len) == 0)
		offer_signals(cursor);
	else if (memchr(shape, '|', len) != NULL)
		offer_choice(cursor, shape, len);
}

static void
answer_value(const struct px_cli_cursor *cursor)
{
	const char *shape = cursor->option->argument;

	puts(strcmp(shape, "DIR") == 0 ? "dirs" : strcmp(shape, "FILE") == 0 ? "files" : "words");
}

static int
cmd_complete(const struct px_cli_call *call)
{
	struct px_cli_cursor cursor;

	px_cli_cursor_find(&cursor, call->noperands, call->operands);
	if (cursor.option != NULL) {
		answer_value(&cursor);
	} else if (cursor.command != NULL && (cursor.options_ended || cursor.begun[0] != '-')) {
		answer_operand(&cursor);
	} else {
		puts("words");
		if (cursor.lost)
			return EXIT_SUCCESS;
		if (cursor.begun[0] == '-')
			offer_options(&cursor);
		else
			offer_commands(&cursor);
	}
	return EXIT_SUCCESS;
}

const struct px_cli_command px_cmd_complete = {
	.name = "complete",
	.operands = "[--] WORD...",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.flags = PX_CLI_WORDS_LAST,
	.summary = "Tells a shell how a command line can go on",
	.help = "The last WORD is what is being typed, possibly empty; those before it stand\n"
		"between 'ptyexec' and it. The first line printed says what it can be: 'words',\n"
		"which follow, one per line, with a tab and what they mean; 'files'; 'dirs'; or\n"
		"'command N', when the words from N on are another program's command line.\n",
	.run = cmd_complete,
};

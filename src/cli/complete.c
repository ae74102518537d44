#include "cli/complete.h"

#include <string.h>

#include "cli/command.h"

/* The row that "--name..." means here, of the command or common to all. */
static const struct px_cli_option *
option_find(const struct px_cli_cursor *cursor, const char *name, size_t len, char letter)
{
	const struct px_cli_command *command = cursor->command;
	const struct px_cli_option *row = NULL;

	if (command != NULL)
		row = px_cli_option_find(command->options, name, len, letter);
	if (row == NULL)
		row = px_cli_option_find(px_cli_common_options, name, len, letter);
	return row;
}

/* The option of this word that takes a value, or NULL; '*out_text' is the value, if it is there. */
static const struct px_cli_option *
option_read(const struct px_cli_cursor *cursor, const char *word, const char **out_text)
{
	const struct px_cli_option *row = NULL;

	*out_text = NULL;
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		row = option_find(cursor, word + 2, len, 0);
		if (word[2 + len] == '=')
			*out_text = word + 2 + len + 1;
		return row != NULL && row->kind != PX_OPTION_FLAG ? row : NULL;
	}
	for (const char *c = word + 1; *c != '\0'; c++) {
		row = option_find(cursor, NULL, 0, *c);
		if (row == NULL || row->kind == PX_OPTION_FLAG)
			continue;
		if (c[1] != '\0')
			*out_text = c + 1;
		return row;
	}
	return NULL;
}

/* What a list of sessions depends on. */
static void
option_note(struct px_cli_cursor *cursor, const struct px_cli_option *row, const char *text)
{
	struct px_cli_target *target = &cursor->common.target;

	if (row == px_cli_option_find(px_cli_common_options, "url", 3, 0))
		target->url = text;
	if (row == px_cli_option_find(px_cli_common_options, "workspace", 9, 0))
		target->workspace = text;
}

/* A word that is no option; 'at' is its index. */
static void
operand_read(struct px_cli_cursor *cursor, const char *word, int at)
{
	if (cursor->command != NULL) {
		if (cursor->operand++ == 0)
			cursor->first_operand = at;
		if ((cursor->command->flags & PX_CLI_WORDS_LAST) != 0)
			cursor->options_ended = true;
	} else if (strcmp(word, "help") == 0 && !cursor->of_help) {
		cursor->of_help = true;
	} else {
		cursor->command = px_cli_command_find(word);
		cursor->lost = cursor->command == NULL || cursor->of_help;
	}
}

void
px_cli_cursor_find(struct px_cli_cursor *cursor, int nwords, char **words)
{
	const struct px_cli_option *row;
	const char *text;

	*cursor = (struct px_cli_cursor){ .begun = words[nwords - 1] };
	for (int i = 0; i < nwords - 1; i++) {
		const char *word = words[i];

		if (cursor->options_ended || word[0] != '-' || word[1] == '\0') {
			operand_read(cursor, word, i);
		} else if (strcmp(word, "--") == 0) {
			cursor->options_ended = true;
		} else if ((row = option_read(cursor, word, &text)) != NULL) {
			if (text == NULL && ++i == nwords - 1)
				cursor->option = row;
			else
				option_note(cursor, row, text != NULL ? text : words[i]);
		}
	}
	if (cursor->operand == 0)
		cursor->first_operand = nwords - 1;
	if (cursor->option == NULL && !cursor->options_ended && cursor->begun[0] == '-' &&
	    cursor->begun[1] == '-' && strchr(cursor->begun, '=') != NULL) {
		cursor->option = option_read(cursor, cursor->begun, &text);
		cursor->lost = cursor->option == NULL;
		cursor->kept = (int)(strchr(cursor->begun, '=') + 1 - cursor->begun);
		cursor->begun += cursor->kept;
	}
}

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ptyexec/client.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/request.h"

enum { READ_SIZE = 64 * 1024 };

struct send_options {
	const char *file;
	int no_newline;
};

/* However long the program takes to make room for it. */
static int
send_bytes(struct px_client *client, const char *session, const void *data, size_t len)
{
	struct px_error err;

	return px_cli_settle(
	    client, px_client_write(client, session, data, len, &err), -1, session, &err);
}

/* What ends a line: Enter types a carriage return, which a terminal turns into a newline for those
 * who want one. -1: it was told why that is not known. */
static int
line_end(struct px_client *client, const char *session, char *out)
{
	struct px_error err;
	struct px_answer *answer = px_cli_await(
	    client, px_client_inspect(client, session, &err), PX_CLI_ANSWER_MS, session, &err);

	if (answer == NULL)
		return -1;
	*out = answer->inspect.row.pty ? '\r' : '\n';
	px_answer_free(answer);
	return 0;
}

static int
send_words(struct px_client *client, const char *session, char *const *words, bool newline)
{
	size_t len = 0, size = 1;
	char *text, *to;
	int result = 0;

	for (size_t i = 0; words[i] != NULL; i++)
		size += strlen(words[i]) + 1;
	to = text = px_alloc(size);
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			*to++ = ' ';
		to = stpcpy(to, words[i]);
	}
	len = (size_t)(to - text);
	if (newline)
		result = line_end(client, session, &text[len++]);
	if (result == 0)
		result = send_bytes(client, session, text, len);
	free(text);
	return result;
}

static int
send_stream(struct px_client *client, const char *session, int fd, const char *name)
{
	char *buf = px_alloc(READ_SIZE);
	int result = 0;
	ssize_t n = 1;

	while (result == 0 && n != 0) {
		if ((n = read(fd, buf, READ_SIZE)) > 0) {
			result = send_bytes(client, session, buf, (size_t)n);
		} else if (n == -1 && errno != EINTR) {
			px_complain("cannot read %s: %s", name, strerror(errno));
			result = -1;
		}
	}
	free(buf);
	return result;
}

static int
send_file(struct px_client *client, const char *session, const char *file)
{
	int fd, result;

	if (file == NULL || strcmp(file, "-") == 0)
		return send_stream(client, session, STDIN_FILENO, "standard input");
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1) {
		px_complain("cannot read '%s': %s", file, strerror(errno));
		return -1;
	}
	result = send_stream(client, session, fd, file);
	close(fd);
	return result;
}

static int
cmd_send(const struct px_cli_call *call)
{
	const struct send_options *options = call->options;
	const char *session = call->operands[0];
	struct px_client *client;
	int result;

	if (options->file != NULL && call->noperands > 1) {
		px_complain("send the file or the text, not both");
		return PX_EXIT_USAGE;
	}
	if ((client = px_cli_client(call, session)) == NULL)
		return PX_EXIT_FAILED;
	result = call->noperands > 1
		     ? send_words(client, session, call->operands + 1, !options->no_newline)
		     : send_file(client, session, options->file);
	px_client_free(client);
	return result == 0 ? EXIT_SUCCESS : PX_EXIT_FAILED;
}

static const struct px_cli_option options[] = {
	{ 'n', "no-newline", PX_OPTION_FLAG, offsetof(struct send_options, no_newline), .value = 1,
	    .help = "the text alone, without an end of line" },
	{ 0, "file", PX_OPTION_TEXT, offsetof(struct send_options, file), .argument = "FILE",
	    .help = "what is in this file, as it stands; - is standard input" },
	{ 0 },
};

const struct px_cli_command px_cmd_send = {
	.name = "send",
	.operands = "NAME [TEXT]...",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.flags = PX_CLI_TARGET | PX_CLI_WORDS_LAST,
	.options = options,
	.options_size = sizeof(struct send_options),
	.summary = "Sends input to a session",
	.help = "The words of TEXT, with a space between them, and what Enter types: a carriage\n"
		"return for a session on a terminal, a newline for one on pipes. Without TEXT,\n"
		"standard input as it stands. Returns when the session has room for all of it.\n",
	.run = cmd_send,
};

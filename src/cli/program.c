#include "cli/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/terminal.h"

/* ---- directory ---- */

static int
fill_cwd(struct px_program *program, const char *given, enum px_program_place place)
{
	char *here = NULL;

	if (given == NULL && place != PX_PROGRAM_LOCAL)
		return 0;
	if (given != NULL && given[0] == '/') {
		program->cwd = px_strdup(given);
	} else if (place == PX_PROGRAM_REMOTE) {
		px_complain("--cwd of another server takes an absolute path, not '%s'", given);
		return -1;
	} else if ((here = getcwd(NULL, 0)) == NULL) {
		px_complain("cannot find out the present directory: %s", strerror(errno));
		return -1;
	} else if (given == NULL) {
		program->cwd = px_strdup(here);
	} else if (asprintf(&program->cwd, "%s/%s", here, given) == -1) {
		program->cwd = NULL;
	}
	free(here);
	program->command.cwd = program->cwd;
	return 0;
}

/* ---- environment ---- */

/* The place of the variable that 'text' sets among the first 'n'; 'n' when it is new. */
static size_t
env_find(const char *const *env, size_t n, const char *text)
{
	size_t len = strcspn(text, "=") + 1, i = 0;

	while (i < n && strncmp(env[i], text, len) != 0)
		i++;
	return i;
}

static bool
env_can_be_sent(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals != NULL && equals != text && px_utf8_valid(text, strlen(text));
}

/* The last of several --env with one name counts. */
static int
env_add(struct px_program *program, size_t *n, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t i;

	if (equals == NULL || equals == text) {
		px_complain("--env takes NAME=VALUE, not '%s'", text);
		return -1;
	}
	i = env_find(program->env, *n, text);
	program->env[i] = text;
	if (i == *n)
		(*n)++;
	return 0;
}

static int
fill_env(struct px_program *program, const struct px_program_options *options,
    enum px_program_place place)
{
	size_t nours = 0, n = 0;

	while (environ[nours] != NULL)
		nours++;
	program->env = px_alloc((nours + options->env.n + 1) * sizeof *program->env);
	for (size_t i = 0; i < nours; i++) {
		bool wanted = place == PX_PROGRAM_LOCAL ||
			      (place == PX_PROGRAM_REMOTE && program->command.pty &&
				  strncmp(environ[i], "TERM=", strlen("TERM=")) == 0);

		if (wanted && env_can_be_sent(environ[i]) &&
		    env_find(program->env, n, environ[i]) == n)
			program->env[n++] = environ[i];
	}
	for (size_t i = 0; i < options->env.n; i++)
		if (env_add(program, &n, options->env.v[i]) == -1)
			return -1;
	program->command.env = program->env;
	program->command.inherit_env = place != PX_PROGRAM_LOCAL;
	return 0;
}

/* ---- all of it ---- */

int
px_program_fill(struct px_program *program, const struct px_program_options *options,
    char *const *argv, enum px_program_place place)
{
	struct px_command *command = &program->command;

	*program = (struct px_program){ 0 };
	command->argv = (const char *const *)argv;
	command->timeout_ms = options->timeout_ms;
	command->pty = options->terminal == 1 || (options->terminal == 0 && isatty(STDIN_FILENO));
	if (command->pty)
		px_terminal_size(&command->rows, &command->cols);
	if (place == PX_PROGRAM_LOCAL) {
		command->has_umask = true;
		command->umask = umask(0);
		umask(command->umask);
	}
	if (fill_cwd(program, options->cwd, place) == -1 || fill_env(program, options, place) == -1)
		return -1;
	return 0;
}

void
px_program_done(struct px_program *program)
{
	free(program->cwd);
	free(program->env);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"
#include "proc/guardian.h"
#include "px_version.h"
#include "rpc/dialect.h"
#include "server/config.h"
#include "server/server.h"

enum { EXIT_USAGE = 2 };

static int
print_help(void)
{
	struct evbuffer *text = evbuffer_new();

	px_config_help(text);
	while (evbuffer_get_length(text) > 0 && evbuffer_write(text, STDOUT_FILENO) > 0)
		;
	evbuffer_free(text);
	return EXIT_SUCCESS;
}

/* For the check that every method has a golden dialogue. */
static int
print_methods(void)
{
	const struct px_dialect *dialect;

	for (size_t i = 0; (dialect = px_dialect_at(i)) != NULL; i++)
		for (size_t m = 0; m < dialect->nmethods; m++)
			printf("%s %s\n", dialect->name, dialect->methods[m]->name);
	return EXIT_SUCCESS;
}

static int
complain(const struct px_err *err)
{
	fprintf(stderr, "ptyexecd: %s\n", err->text);
	return err->code == PX_E_USAGE ? EXIT_USAGE : EXIT_FAILURE;
}

static int
serve(const struct px_config *config)
{
	const struct px_log log = { .fd = STDERR_FILENO,
		.level = (enum px_log_level)px_log_level_parse(config->log_level),
		.json = strcmp(config->log_format, "json") == 0 };
	struct px_server *server;
	struct px_err err;

	if (px_server_new(config, &log, &server, &err) == -1)
		return complain(&err);
	px_server_run(server);
	px_server_free(server);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	enum px_config_action action;
	struct px_config config;
	struct px_err err;
	int status;

	if (argc == 2 && strcmp(argv[1], "--list-methods") == 0)
		return print_methods();
	if (argc == 2 && strcmp(argv[1], PX_GUARDIAN_FLAG) == 0)
		px_guardian_serve();
	px_config_init(&config);
	if (px_config_parse(&config, argc, argv, &action, &err) == -1) {
		status = complain(&err);
	} else if (action == PX_CONFIG_HELP) {
		status = print_help();
	} else if (action == PX_CONFIG_VERSION) {
		printf("ptyexecd %s\n", PX_VERSION);
		status = EXIT_SUCCESS;
	} else {
		status = serve(&config);
	}
	px_config_done(&config);
	libevent_global_shutdown();
	return status;
}

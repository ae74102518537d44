/* Loads the library that is its argument, uses it, unloads it, twice; nothing of it stays mapped.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ptyexec/ptyexec.h>

static bool
is_mapped(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[4096];

	while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
		found = found || strstr(line, name) != NULL;
	if (maps != NULL)
		fclose(maps);
	return found;
}

static void
look_up(void *library, const char *name, void *out_function)
{
	void *found = dlsym(library, name);

	if (found == NULL) {
		fprintf(stderr, "unload: %s\n", dlerror());
		exit(1);
	}
	memcpy(out_function, &found, sizeof found);
}

static int
client_make(void *library, bool embedded, struct px_client **out_client, struct px_error *err)
{
	__typeof__(&px_client_launch) launch;
	__typeof__(&px_client_embed) embed;

	look_up(library, "px_client_launch", &launch);
	look_up(library, "px_client_embed", &embed);
	return embedded ? embed(NULL, out_client, err) : launch(NULL, NULL, out_client, err);
}

/* A whole life of a client, with a program that answers. */
static int
use(void *library, bool embedded)
{
	static const char *const argv[] = { "echo", "hello", NULL };
	const struct px_command command = { .argv = argv, .inherit_env = true };
	__typeof__(&px_run) run;
	__typeof__(&px_collected_free) collected_free;
	__typeof__(&px_client_free) client_free;
	struct px_collected *collected;
	struct px_client *client;
	struct px_error error;

	look_up(library, "px_run", &run);
	look_up(library, "px_collected_free", &collected_free);
	look_up(library, "px_client_free", &client_free);
	if (client_make(library, embedded, &client, &error) == -1 ||
	    (collected = run(client, &command, NULL, 0, NULL, &error)) == NULL) {
		fprintf(stderr, "unload: %s\n", error.text);
		return -1;
	}
	fputs(collected->stream[PX_STREAM_STDOUT].data, stdout);
	collected_free(collected);
	client_free(client);
	return 0;
}

int
main(int argc, char **argv)
{
	void *library;

	for (int i = 0; argc == 2 && i < 4; i++) {
		if ((library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL)) == NULL) {
			fprintf(stderr, "unload: %s\n", dlerror());
			return 1;
		}
		if (use(library, i % 2 == 1) == -1 || !is_mapped("libptyexec"))
			return 1;
		if (dlclose(library) != 0 || is_mapped("libptyexec")) {
			fprintf(stderr, "unload: it is still there\n");
			return 1;
		}
	}
	return argc == 2 ? 0 : 2;
}

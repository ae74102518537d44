/*
 * Arbitrary bytes as a config file or, when the first is 'a', as a command line
 * whose arguments end with newlines. What is accepted is within its ranges; what
 * is refused says why and leaves the config as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "server/config.h"
#include "server/config_setting.h"

enum { ARGS_MAX = 64 };

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static const void *
slot(const struct px_config *config, const struct px_setting *s)
{
	return (const char *)config + s->offset;
}

static void
check_value(const struct px_config *config, const struct px_setting *s)
{
	size_t i;

	if (s->type == PX_SETTING_INT) {
		const int64_t *v = slot(config, s);

		must(*v >= s->min && *v <= s->max);
	} else if (s->type == PX_SETTING_LIST) {
		const struct px_config_list *list = slot(config, s);

		must(list->n >= (size_t)s->min);
		for (i = 0; i < list->n; i++)
			must(px_setting_takes(s, list->v[i], strlen(list->v[i])));
	} else if (s->type != PX_SETTING_BOOL) {
		char *const *text = slot(config, s);

		must(*text == NULL ? s->text == NULL : px_setting_takes(s, *text, strlen(*text)));
	}
}

static void
check_preset(const struct px_config *config, const struct px_setting *s)
{
	if (s->type == PX_SETTING_INT) {
		must(*(const int64_t *)slot(config, s) == s->preset);
	} else if (s->type == PX_SETTING_BOOL) {
		must(*(const bool *)slot(config, s) == (s->preset != 0));
	} else if (s->type == PX_SETTING_LIST) {
		const struct px_config_list *list = slot(config, s);

		must(list->n == (s->text != NULL));
		must(s->text == NULL || strcmp(list->v[0], s->text) == 0);
	} else {
		char *const *text = slot(config, s);

		must((*text == NULL) == (s->text == NULL));
		must(s->text == NULL || strcmp(*text, s->text) == 0);
	}
}

/*
 * The input's lines as argv[1..]. A --config would read any file of this
 * machine, so it is made another word.
 */
static int
apply_lines(struct px_config *config, char *text, struct px_err *err)
{
	char *argv[ARGS_MAX + 1] = { (char *)"ptyexecd" }, *end;
	enum px_config_action action;
	int argc = 1;

	while (argc < ARGS_MAX && (end = strchr(text, '\n')) != NULL) {
		*end = '\0';
		if (strncmp(text, "--config", 8) == 0)
			text[2] = 'k';
		argv[argc++] = text;
		text = end + 1;
	}
	return px_config_parse(config, argc, argv, &action, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const struct px_setting *s;
	struct px_config config;
	struct px_err err = { 0 };
	size_t i;
	int ret;

	must(text != NULL);
	px_config_init(&config);
	if (size > 0 && data[0] == 'a') {
		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\0';
		ret = apply_lines(&config, text, &err);
	} else {
		ret = px_config_apply_json(&config, "f", (const char *)data, size, &err);
	}
	must(ret == 0 || (err.code == PX_E_USAGE && err.text[0] != '\0'));
	for (i = 0; (s = px_setting_at(i)) != NULL; i++) {
		check_value(&config, s);
		if (ret == -1)
			check_preset(&config, s);
	}
	px_config_done(&config);
	free(text);
	return 0;
}

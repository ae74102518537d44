#include "server/config_setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/mem.h"
#include "server/config.h"

const struct px_setting *
px_setting_by_key(const char *key, size_t len)
{
	const struct px_setting *s;
	size_t i;

	for (i = 0; (s = px_setting_at(i)) != NULL; i++)
		if (strlen(s->key) == len && memcmp(s->key, key, len) == 0)
			return s;
	return NULL;
}

void
px_setting_flag(const struct px_setting *setting, char out[PX_FLAG_SIZE])
{
	char *p;

	snprintf(out, PX_FLAG_SIZE, "--%s", setting->key);
	for (p = out; *p != '\0'; p++)
		if (*p == '_')
			*p = '-';
}

const struct px_setting *
px_setting_by_flag(const char *flag, size_t len)
{
	const struct px_setting *s;
	char name[PX_FLAG_SIZE];
	size_t i;

	for (i = 0; (s = px_setting_at(i)) != NULL; i++) {
		px_setting_flag(s, name);
		if (strlen(name + 2) == len && memcmp(name + 2, flag, len) == 0)
			return s;
	}
	return NULL;
}

static void
setting_choices(const struct px_setting *setting, char *out, size_t size)
{
	size_t i;

	strlcpy(out, "one of ", size);
	for (i = 0; setting->choices[i] != NULL; i++) {
		strlcat(out, i > 0 ? ", " : "", size);
		strlcat(out, setting->choices[i], size);
	}
	if (setting->or_path)
		strlcat(out, ", or an absolute path", size);
}

void
px_setting_expected(const struct px_setting *setting, char out[PX_EXPECTED_SIZE])
{
	switch (setting->type) {
	case PX_SETTING_INT:
		snprintf(out, PX_EXPECTED_SIZE, "an integer from %" PRId64 " to %" PRId64,
		    setting->min, setting->max);
		break;
	case PX_SETTING_BOOL:
		strlcpy(out, "true or false", PX_EXPECTED_SIZE);
		break;
	case PX_SETTING_STRING:
	case PX_SETTING_LIST:
		strlcpy(out, "a non-empty string", PX_EXPECTED_SIZE);
		break;
	case PX_SETTING_CHOICE:
		setting_choices(setting, out, PX_EXPECTED_SIZE);
		break;
	}
}

bool
px_setting_takes(const struct px_setting *setting, const char *text, size_t len)
{
	size_t i;

	if (len == 0 || memchr(text, '\0', len) != NULL)
		return false;
	if (setting->type != PX_SETTING_CHOICE)
		return true;
	for (i = 0; setting->choices[i] != NULL; i++)
		if (strlen(setting->choices[i]) == len &&
		    memcmp(setting->choices[i], text, len) == 0)
			return true;
	return setting->or_path && text[0] == '/';
}

static void *
setting_slot(const struct px_setting *setting, struct px_config *config)
{
	return (char *)config + setting->offset;
}

void
px_setting_put_int(const struct px_setting *setting, struct px_config *config, int64_t v)
{
	*(int64_t *)setting_slot(setting, config) = v;
}

void
px_setting_put_bool(const struct px_setting *setting, struct px_config *config, bool v)
{
	*(bool *)setting_slot(setting, config) = v;
}

void
px_setting_clear(const struct px_setting *setting, struct px_config *config)
{
	if (setting->type == PX_SETTING_LIST) {
		struct px_config_list *list = setting_slot(setting, config);

		while (list->n > 0)
			free(list->v[--list->n]);
		free(list->v);
		list->v = NULL;
	} else if (setting->type == PX_SETTING_STRING || setting->type == PX_SETTING_CHOICE) {
		char **text = setting_slot(setting, config);

		free(*text);
		*text = NULL;
	}
}

void
px_setting_put_text(
    const struct px_setting *setting, struct px_config *config, const char *text, size_t len)
{
	if (setting->type == PX_SETTING_LIST) {
		struct px_config_list *list = setting_slot(setting, config);

		list->v = px_realloc_array(list->v, list->n + 1, sizeof(*list->v));
		list->v[list->n++] = px_strndup(text, len);
	} else {
		px_setting_clear(setting, config);
		*(char **)setting_slot(setting, config) = px_strndup(text, len);
	}
}

#include "server/config.h"

#include <string.h>

#include "server/config_setting.h"

void
px_config_init(struct px_config *config)
{
	const struct px_setting *s;
	size_t i;

	memset(config, 0, sizeof(*config));
	for (i = 0; (s = px_setting_at(i)) != NULL; i++) {
		if (s->type == PX_SETTING_INT)
			px_setting_put_int(s, config, s->preset);
		else if (s->type == PX_SETTING_BOOL)
			px_setting_put_bool(s, config, s->preset != 0);
		else if (s->text != NULL)
			px_setting_put_text(s, config, s->text, strlen(s->text));
	}
}

void
px_config_done(struct px_config *config)
{
	const struct px_setting *s;
	size_t i;

	for (i = 0; (s = px_setting_at(i)) != NULL; i++)
		px_setting_clear(s, config);
}

bool
px_config_limit(const struct px_config *config, size_t i, const char **out_name, int64_t *out_value)
{
	const struct px_setting *s;
	size_t row;

	for (row = 0; (s = px_setting_at(row)) != NULL; row++) {
		if (s->limit == NULL || i-- > 0)
			continue;
		*out_name = s->limit;
		memcpy(out_value, (const char *)config + s->offset, sizeof(*out_value));
		return true;
	}
	return false;
}

bool
px_config_allows_direct(const struct px_config *config)
{
	return config->allow_direct_exec && config->prepared_key_file == NULL;
}

bool
px_config_offers_files(const struct px_config *config)
{
	if (strcmp(config->files, "auto") != 0)
		return strcmp(config->files, "on") == 0;
	return config->prepared_key_file == NULL &&
	       (config->allow_direct_exec || config->allow_prepared_exec);
}

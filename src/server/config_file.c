#include "server/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/config.h"
#include "server/config_setting.h"

/* A file's path and a key stand in messages: as much of them as leaves room for the rest. */
enum { NAME_SHOWN = 200, KEY_SHOWN = 64 };

static bool
list_fits(const struct px_setting *setting, const struct px_json *node)
{
	const struct px_json *item;

	if (node->type != PX_JSON_ARRAY || node->count < (size_t)setting->min)
		return false;
	for (item = node->first; item != NULL; item = item->next)
		if (item->type != PX_JSON_STRING ||
		    !px_setting_takes(setting, item->text, item->len))
			return false;
	return true;
}

static bool
node_fits(const struct px_setting *setting, const struct px_json *node)
{
	switch (setting->type) {
	case PX_SETTING_INT:
		return node->type == PX_JSON_INT && node->integer >= setting->min &&
		       node->integer <= setting->max;
	case PX_SETTING_BOOL:
		return node->type == PX_JSON_BOOL;
	case PX_SETTING_STRING:
	case PX_SETTING_CHOICE:
		return node->type == PX_JSON_STRING &&
		       px_setting_takes(setting, node->text, node->len);
	case PX_SETTING_LIST:
		return list_fits(setting, node);
	}
	return false;
}

static void
node_store(const struct px_setting *setting, struct px_config *config, const struct px_json *node)
{
	const struct px_json *item;

	switch (setting->type) {
	case PX_SETTING_INT:
		px_setting_put_int(setting, config, node->integer);
		break;
	case PX_SETTING_BOOL:
		px_setting_put_bool(setting, config, node->boolean);
		break;
	case PX_SETTING_STRING:
	case PX_SETTING_CHOICE:
		px_setting_put_text(setting, config, node->text, node->len);
		break;
	case PX_SETTING_LIST:
		px_setting_clear(setting, config);
		for (item = node->first; item != NULL; item = item->next)
			px_setting_put_text(setting, config, item->text, item->len);
		break;
	}
}

/* A key as it may be shown: cut, and without what a terminal would obey. */
static const char *
shown_key(const struct px_json *node, char out[KEY_SHOWN + 1])
{
	size_t i;

	for (i = 0; i < node->key_len && i < KEY_SHOWN; i++)
		out[i] = iscntrl((unsigned char)node->key[i]) ? '?' : node->key[i];
	out[i] = '\0';
	return out;
}

static int
member_check(const struct px_json *node, const char *name, struct px_err *err)
{
	const struct px_setting *setting = px_setting_by_key(node->key, node->key_len);
	char expected[PX_EXPECTED_SIZE], key[KEY_SHOWN + 1];

	if (setting == NULL)
		return px_fail(err, PX_E_USAGE, "%.*s: unknown key \"%s\"", NAME_SHOWN, name,
		    shown_key(node, key));
	if (node_fits(setting, node))
		return 0;
	if (setting->type == PX_SETTING_LIST)
		return px_fail(err, PX_E_USAGE,
		    "%.*s: \"%s\" must be %s array of non-empty strings", NAME_SHOWN, name,
		    setting->key, setting->min > 0 ? "a non-empty" : "an");
	px_setting_expected(setting, expected);
	return px_fail(
	    err, PX_E_USAGE, "%.*s: \"%s\" must be %s", NAME_SHOWN, name, setting->key, expected);
}

/* All members are checked before the first is stored: a failure leaves the config as it was. */
static int
object_apply(
    struct px_config *config, const char *name, const struct px_json *root, struct px_err *err)
{
	const struct px_json *node;
	char key[KEY_SHOWN + 1];

	if (root->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_USAGE, "%.*s: not a JSON object", NAME_SHOWN, name);
	if (root->duplicate != NULL)
		return px_fail(err, PX_E_USAGE, "%.*s: duplicate key \"%s\"", NAME_SHOWN, name,
		    shown_key(root->duplicate, key));
	for (node = root->first; node != NULL; node = node->next)
		if (member_check(node, name, err) == -1)
			return -1;
	for (node = root->first; node != NULL; node = node->next)
		node_store(px_setting_by_key(node->key, node->key_len), config, node);
	return 0;
}

int
px_config_apply_json(
    struct px_config *config, const char *name, const char *text, size_t len, struct px_err *err)
{
	struct px_json_doc *doc;
	struct px_err cause;
	int ret;

	if (px_json_parse(text, len, &doc, &cause) == -1)
		return px_fail(err, PX_E_USAGE, "%.*s: %s", NAME_SHOWN, name, cause.text);
	ret = object_apply(config, name, px_json_root(doc), err);
	px_json_free(doc);
	return ret;
}

/* Reads up to 'size' bytes; a pipe may give them in pieces. -1 with errno set. */
static ssize_t
read_up_to(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, out + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
px_config_apply_file(struct px_config *config, const char *path, struct px_err *err)
{
	char *text;
	ssize_t len;
	int fd, sys, ret;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return px_fail_sys(err, PX_E_USAGE, errno, "cannot read %.*s", NAME_SHOWN, path);
	text = px_alloc(PX_CONFIG_FILE_MAX + 1);
	len = read_up_to(fd, text, PX_CONFIG_FILE_MAX + 1);
	sys = errno;
	close(fd);
	if (len == -1)
		ret = px_fail_sys(err, PX_E_USAGE, sys, "cannot read %.*s", NAME_SHOWN, path);
	else if (len > PX_CONFIG_FILE_MAX)
		ret = px_fail(err, PX_E_USAGE, "%.*s: larger than %d bytes", NAME_SHOWN, path,
		    PX_CONFIG_FILE_MAX);
	else
		ret = px_config_apply_json(config, path, text, (size_t)len, err);
	free(text);
	return ret;
}

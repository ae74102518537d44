#include "fs/rules.h"

#include <bsd/string.h>
#include <string.h>

bool
px_fs_path_is_in(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (strncmp(path, top, len) != 0)
		return false;
	return path[len] == '\0' || path[len] == '/' || (len > 0 && top[len - 1] == '/');
}

static int
refuse(const char *path, enum px_fs_access wanted, struct px_err *err)
{
	px_fail(err, PX_E_FORBIDDEN, "the sandbox does not allow to %s `%.300s`",
	    wanted == PX_FS_WRITE ? "change" : "read", path);
	if (err != NULL)
		strlcpy(err->path, path, sizeof err->path);
	return -1;
}

int
px_fs_rules_check(
    const struct px_fs_rules *rules, const char *path, enum px_fs_access wanted, struct px_err *err)
{
	const struct px_fs_rule *best = NULL;
	size_t best_len = 0;

	if (rules == NULL)
		return 0;
	for (size_t i = 0; i < rules->count; i++) {
		const struct px_fs_rule *rule = &rules->list[i];
		size_t len = strlen(rule->path);

		if (len >= best_len && px_fs_path_is_in(path, rule->path)) {
			best = rule;
			best_len = len;
		}
	}
	if (best == NULL || best->access < wanted)
		return refuse(path, wanted, err);
	return 0;
}

int
px_fs_rules_check_tree(
    const struct px_fs_rules *rules, const char *tree, enum px_fs_access wanted, struct px_err *err)
{
	if (px_fs_rules_check(rules, tree, wanted, err) == -1)
		return -1;
	for (size_t i = 0; rules != NULL && i < rules->count; i++) {
		const char *below = rules->list[i].path;

		if (px_fs_path_is_in(below, tree) &&
		    px_fs_rules_check(rules, below, wanted, err) == -1)
			return -1;
	}
	return 0;
}

#include "proc/env_policy.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

static size_t
name_length(const char *entry)
{
	return strcspn(entry, "=");
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Of several stars only the last one ever has to be tried again: linear in each of them. */
bool
px_env_name_matches(const char *pattern, const char *entry)
{
	const char *end = entry + name_length(entry), *star = NULL, *tried = NULL;

	while (entry < end) {
		if (*pattern == '*') {
			star = ++pattern;
			tried = entry;
		} else if (*pattern == '?' || (*pattern != '\0' && same_letter(*pattern, *entry))) {
			pattern++;
			entry++;
		} else if (star != NULL) {
			pattern = star;
			entry = ++tried;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
matches_any(const char *const *patterns, const char *entry)
{
	for (; patterns != NULL && *patterns != NULL; patterns++)
		if (px_env_name_matches(*patterns, entry))
			return true;
	return false;
}

static bool
base_entry_stays(const struct px_env_policy *policy, const char *entry)
{
	static const char *const core[] = { "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH",
		"SHELL", "TEMP", "TMP", "TMPDIR", "USER", NULL };
	static const char *const secrets[] = { "*KEY*", "*SECRET*", "*TOKEN*", NULL };

	if (policy->inherit == PX_ENV_NONE ||
	    (policy->inherit == PX_ENV_CORE && !matches_any(core, entry)))
		return false;
	if (!policy->keep_secrets && matches_any(secrets, entry))
		return false;
	return !matches_any(policy->exclude, entry);
}

static bool
is_set(const struct px_env_policy *policy, const char *entry)
{
	size_t len = name_length(entry);

	for (const char *const *set = policy->set; set != NULL && *set != NULL; set++)
		if (name_length(*set) == len && memcmp(*set, entry, len) == 0)
			return true;
	return false;
}

static bool
is_included(const struct px_env_policy *policy, const char *entry)
{
	if (policy->include_only == NULL || policy->include_only[0] == NULL)
		return true;
	return matches_any(policy->include_only, entry);
}

static size_t
list_length(char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

char **
px_env_policy_apply(const struct px_env_policy *policy, char *const *base)
{
	size_t room = list_length(base) + list_length((char *const *)policy->set) + 1, n = 0;
	char **env = px_alloc(room * sizeof *env);

	for (; base != NULL && *base != NULL; base++)
		if (base_entry_stays(policy, *base) && !is_set(policy, *base) &&
		    is_included(policy, *base))
			env[n++] = *base;
	for (const char *const *set = policy->set; set != NULL && *set != NULL; set++)
		if (is_included(policy, *set))
			env[n++] = (char *)*set;
	env[n] = NULL;
	return env;
}

#ifndef PX_PROC_ENV_POLICY_H
#define PX_PROC_ENV_POLICY_H

#include <stdbool.h>

/*
 * Which variables a program gets. The steps, in this order: 'inherit' makes the
 * base from the server's own environment; names like secrets (*KEY*, *SECRET*,
 * *TOKEN*) go, unless 'keep_secrets'; 'exclude' goes; 'set' is added, whatever its
 * names; of all that, only 'include_only' stays, unless it is empty. Patterns are
 * of whole names, in any case, with '*' and '?'. Pure.
 */
enum px_env_inherit {
	PX_ENV_ALL,
	PX_ENV_CORE, /* HOME, LANG, LC_ALL, LC_CTYPE, LOGNAME, PATH, SHELL, TEMP, TMP, TMPDIR, USER
		      */
	PX_ENV_NONE
};

/* The lists are NULL-terminated, or NULL for none. */
struct px_env_policy {
	enum px_env_inherit inherit;
	bool keep_secrets;
	const char *const *exclude, *const *include_only; /* patterns */
	const char *const *set;                           /* "NAME=value" */
};

/*
 * What 'policy' makes of 'base' ("NAME=value", NULL-terminated). The array is the
 * caller's to free; its strings are borrowed from 'base' and 'set'.
 */
char **px_env_policy_apply(const struct px_env_policy *policy, char *const *base);

/* Does 'pattern' stand for the name that ends at 'entry's '=' or end? */
bool px_env_name_matches(const char *pattern, const char *entry);

#endif

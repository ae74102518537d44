#ifndef PX_SERVER_CONFIG_SETTING_H
#define PX_SERVER_CONFIG_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct px_config;

/*
 * The settings, one row each. The parsers of flags and files, the help, the
 * defaults and the limits told to clients all go by this table.
 */
enum px_setting_type {
	PX_SETTING_INT,    /* int64_t */
	PX_SETTING_BOOL,   /* bool */
	PX_SETTING_STRING, /* char *, not empty; NULL when unset */
	PX_SETTING_CHOICE, /* char *, one of 'choices', or an absolute path if 'or_path' */
	PX_SETTING_LIST    /* struct px_config_list of strings that are not empty */
};

enum px_setting_unit { PX_UNIT_NONE, PX_UNIT_BYTES, PX_UNIT_MS };

enum px_setting_group { PX_GROUP_LISTEN, PX_GROUP_PROCESS, PX_GROUP_LIMIT, PX_GROUP_LOG };

struct px_setting {
	const char *key; /* snake_case; the flag has dashes */
	enum px_setting_type type;
	enum px_setting_group group;
	size_t offset;             /* in struct px_config */
	int64_t min, max, preset;  /* INT: range and default. BOOL: default. LIST: at least 'min' */
	enum px_setting_unit unit; /* INT */
	const char *text; /* STRING, CHOICE, LIST: the default (a list's only entry), or NULL */
	const char *const *choices; /* CHOICE: ends with NULL */
	bool or_path;               /* CHOICE */
	const char *argument;       /* what the help calls the value; NULL for BOOL */
	const char *limit;          /* its name when told to clients, or NULL */
	const char *help;           /* one line, a sentence */
};

/* Row 'i', or NULL behind the last. */
const struct px_setting *px_setting_at(size_t i);

/* The setting of a file's key, and of a flag without its dashes ("max-processes"); NULL: none. */
const struct px_setting *px_setting_by_key(const char *key, size_t len);
const struct px_setting *px_setting_by_flag(const char *flag, size_t len);

/* Writes the flag with its leading dashes ("--max-processes"). */
enum { PX_FLAG_SIZE = 64 };
void px_setting_flag(const struct px_setting *setting, char out[PX_FLAG_SIZE]);

/* Writes what a single value must be: "an integer from 1 to 1000000", "one of text, json". */
enum { PX_EXPECTED_SIZE = 128 };
void px_setting_expected(const struct px_setting *setting, char out[PX_EXPECTED_SIZE]);

/* Does a text of 'len' bytes do for a STRING, a CHOICE or an entry of a LIST? */
bool px_setting_takes(const struct px_setting *setting, const char *text, size_t len);

/* Stores a value that does; a text is copied. A list is emptied and then added to. */
void px_setting_put_int(const struct px_setting *setting, struct px_config *config, int64_t v);
void px_setting_put_bool(const struct px_setting *setting, struct px_config *config, bool v);
void px_setting_put_text(
    const struct px_setting *setting, struct px_config *config, const char *text, size_t len);
void px_setting_clear(const struct px_setting *setting, struct px_config *config);

#endif

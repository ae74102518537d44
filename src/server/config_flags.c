#include "server/config.h"

#include <string.h>

#include "server/config_file.h"
#include "server/config_setting.h"

/* One option of the command line, taken apart. */
struct flag {
	const struct px_setting *setting; /* NULL: --config */
	const char *value;                /* NULL: a boolean flag alone */
	bool no;                          /* --no-name */
};

/* As much of an argument as a message shows. */
enum { SHOWN = 200 };

/*
 * A decimal integer; with 'suffixes' also one followed by K, M or G. False for
 * anything else and for what int64_t cannot hold.
 */
static bool
integer_parse(const char *text, bool suffixes, int64_t *out)
{
	static const char units[] = "KMG";
	const char *unit;
	int64_t v = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *text - '0', &v))
			return false;
	if (*text != '\0' && suffixes && (unit = strchr(units, *text)) != NULL) {
		if (__builtin_mul_overflow(v, INT64_C(1) << 10 * (unit - units + 1), &v))
			return false;
		text++;
	}
	*out = v;
	return *text == '\0';
}

static bool
flag_integer(const struct flag *flag, int64_t *out)
{
	const struct px_setting *s = flag->setting;

	return integer_parse(flag->value, s->unit == PX_UNIT_BYTES, out) && *out >= s->min &&
	       *out <= s->max;
}

static bool
flag_boolean(const struct flag *flag, bool *out)
{
	*out = flag->value == NULL ? !flag->no : strcmp(flag->value, "true") == 0;
	return flag->value == NULL || *out || strcmp(flag->value, "false") == 0;
}

static bool
flag_fits(const struct flag *flag)
{
	int64_t integer;
	bool boolean;

	switch (flag->setting->type) {
	case PX_SETTING_INT:
		return flag_integer(flag, &integer);
	case PX_SETTING_BOOL:
		return flag_boolean(flag, &boolean);
	default:
		return px_setting_takes(flag->setting, flag->value, strlen(flag->value));
	}
}

static void
flag_store(const struct flag *flag, struct px_config *config)
{
	int64_t integer;
	bool boolean;

	switch (flag->setting->type) {
	case PX_SETTING_INT:
		if (flag_integer(flag, &integer))
			px_setting_put_int(flag->setting, config, integer);
		break;
	case PX_SETTING_BOOL:
		if (flag_boolean(flag, &boolean))
			px_setting_put_bool(flag->setting, config, boolean);
		break;
	default:
		px_setting_put_text(flag->setting, config, flag->value, strlen(flag->value));
	}
}

/* Splits "name", "name=value" or "no-name", the dashes being off; false: no such option. */
static bool
flag_split(const char *name, struct flag *out)
{
	const char *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);

	*out = (struct flag){ .value = equals != NULL ? equals + 1 : NULL };
	if (len == strlen("config") && strncmp(name, "config", len) == 0)
		return true;
	if ((out->setting = px_setting_by_flag(name, len)) != NULL)
		return true;
	if (len < 3 || strncmp(name, "no-", 3) != 0)
		return false;
	out->no = true;
	out->setting = px_setting_by_flag(name + 3, len - 3);
	return out->setting != NULL && out->setting->type == PX_SETTING_BOOL;
}

/* Takes the option at argv[*i] and moves '*i' behind it and its value. */
static int
flag_next(int argc, char **argv, int *i, struct flag *out, struct px_err *err)
{
	const char *arg = argv[(*i)++];
	int shown = (int)strcspn(arg, "=");

	if (arg[0] != '-' || arg[1] == '\0')
		return px_fail(err, PX_E_USAGE, "unexpected argument \"%.*s\"", SHOWN, arg);
	if (shown > SHOWN)
		shown = SHOWN;
	if (arg[1] != '-' || !flag_split(arg + 2, out))
		return px_fail(err, PX_E_USAGE, "unknown option %.*s", shown, arg);
	if (out->no && out->value != NULL)
		return px_fail(err, PX_E_USAGE, "%.*s takes no value", shown, arg);
	if (out->value != NULL || (out->setting != NULL && out->setting->type == PX_SETTING_BOOL))
		return 0;
	if (*i == argc)
		return px_fail(err, PX_E_USAGE, "%s needs a value", arg);
	out->value = argv[(*i)++];
	return 0;
}

static int
flag_check(const struct flag *flag, struct px_err *err)
{
	char expected[PX_EXPECTED_SIZE], name[PX_FLAG_SIZE];

	if (flag_fits(flag))
		return 0;
	px_setting_flag(flag->setting, name);
	px_setting_expected(flag->setting, expected);
	return px_fail(
	    err, PX_E_USAGE, "%s: \"%.*s\" is not %s", name, SHOWN, flag->value, expected);
}

/* The first pass: checks everything, stores nothing, and ends at --help or --version. */
static int
flags_check(int argc, char **argv, const char **out_file, enum px_config_action *out_action,
    struct px_err *err)
{
	struct flag flag;
	int i = 1;

	*out_file = NULL;
	*out_action = PX_CONFIG_RUN;
	while (i < argc) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			*out_action = PX_CONFIG_HELP;
		else if (strcmp(argv[i], "--version") == 0)
			*out_action = PX_CONFIG_VERSION;
		if (*out_action != PX_CONFIG_RUN)
			return 0;
		if (flag_next(argc, argv, &i, &flag, err) == -1)
			return -1;
		if (flag.setting != NULL) {
			if (flag_check(&flag, err) == -1)
				return -1;
			continue;
		}
		if (*out_file != NULL)
			return px_fail(err, PX_E_USAGE, "--config given twice");
		*out_file = flag.value;
	}
	return 0;
}

/* The second pass. The flags of a list together replace what it held. */
static void
flags_store(struct px_config *config, int argc, char **argv)
{
	struct flag flag;
	int i;

	for (i = 1; i < argc && flag_next(argc, argv, &i, &flag, NULL) == 0;)
		if (flag.setting != NULL && flag.setting->type == PX_SETTING_LIST)
			px_setting_clear(flag.setting, config);
	for (i = 1; i < argc && flag_next(argc, argv, &i, &flag, NULL) == 0;)
		if (flag.setting != NULL)
			flag_store(&flag, config);
}

int
px_config_parse(struct px_config *config, int argc, char **argv, enum px_config_action *out_action,
    struct px_err *err)
{
	enum px_config_action action;
	const char *file;

	if (flags_check(argc, argv, &file, &action, err) == -1)
		return -1;
	if (action == PX_CONFIG_RUN) {
		if (file != NULL && px_config_apply_file(config, file, err) == -1)
			return -1;
		flags_store(config, argc, argv);
	}
	*out_action = action;
	return 0;
}

#include "server/config.h"

#include <inttypes.h>
#include <stdio.h>

#include <event2/buffer.h>

#include "server/config_setting.h"

static const char *const group_titles[] = {
	[PX_GROUP_LISTEN] = "Listening and connections",
	[PX_GROUP_PROCESS] = "Processes",
	[PX_GROUP_LIMIT] = "Limits",
	[PX_GROUP_LOG] = "Log",
};

static const char help_head[] = "usage: ptyexecd [--listen URL]... [--config FILE] [option]...\n"
				"\n"
				"Runs programs for its clients, on pseudo-terminals or pipes, and "
				"carries their input, output and\n"
				"exit status over JSON-RPC. A client that was cut off can come "
				"back and read on where it stopped.\n"
				"\n"
				"An option takes its value as \"--name VALUE\" or "
				"\"--name=VALUE\". BYTES may end in K, M or G\n"
				"(1024, 1024^2, 1024^3); MS are milliseconds.\n"
				"\n"
				"General:\n"
				"  --config FILE\n"
				"        Read settings from a JSON object first: "
				"\"max_processes\": 4096 is --max-processes 4096.\n"
				"        An option given here wins over the file.\n"
				"  --help, --version\n"
				"        Print this text or the version, and exit.\n";

static const char help_examples[] =
    "\n"
    "Examples:\n"
    "  ptyexecd\n"
    "        Serve one client on standard input and output.\n"
    "  ptyexecd --listen unix:///run/user/1000/ptyexec.sock --max-processes 64\n"
    "        Serve this user's programs on a socket.\n"
    "  ptyexecd --listen ws://127.0.0.1:0 --config /etc/ptyexecd.json --log-format json\n"
    "        Serve WebSocket clients on a free port, which is then printed.\n";

/* An integer in the shortest form that a flag takes: 64M rather than 67108864. */
static const char *
shown_integer(const struct px_setting *setting, int64_t v, char out[32])
{
	static const char units[] = { 'K', 'M', 'G' };
	int unit = -1;

	if (setting->unit == PX_UNIT_BYTES)
		for (; v > 0 && v % 1024 == 0 && unit < 2; unit++)
			v /= 1024;
	if (unit == -1)
		snprintf(out, 32, "%" PRId64, v);
	else
		snprintf(out, 32, "%" PRId64 "%c", v, units[unit]);
	return out;
}

/* What may be given, and what holds otherwise. */
static void
help_values(const struct px_setting *s, struct evbuffer *out)
{
	char expected[PX_EXPECTED_SIZE], min[32], max[32], preset[32];

	switch (s->type) {
	case PX_SETTING_INT:
		evbuffer_add_printf(out, " From %s to %s, default %s.",
		    shown_integer(s, s->min, min), shown_integer(s, s->max, max),
		    shown_integer(s, s->preset, preset));
		break;
	case PX_SETTING_BOOL:
		evbuffer_add_printf(out, " Default %s.", s->preset != 0 ? "yes" : "no");
		break;
	case PX_SETTING_CHOICE:
		px_setting_expected(s, expected);
		evbuffer_add_printf(out, "\n        O%s; default %s.", expected + 1, s->text);
		break;
	case PX_SETTING_STRING:
	case PX_SETTING_LIST:
		evbuffer_add_printf(out, " Default %s.", s->text != NULL ? s->text : "none");
		break;
	}
}

static void
help_setting(const struct px_setting *s, struct evbuffer *out)
{
	char flag[PX_FLAG_SIZE];

	px_setting_flag(s, flag);
	if (s->type == PX_SETTING_BOOL)
		evbuffer_add_printf(out, "  --[no-]%s\n", flag + 2);
	else
		evbuffer_add_printf(out, "  %s %s\n", flag, s->argument);
	evbuffer_add_printf(out, "        %s", s->help);
	help_values(s, out);
	evbuffer_add_printf(out, "\n");
}

void
px_config_help(struct evbuffer *out)
{
	const struct px_setting *s, *before = NULL;
	size_t i;

	evbuffer_add(out, help_head, sizeof(help_head) - 1);
	for (i = 0; (s = px_setting_at(i)) != NULL; before = s, i++) {
		if (before == NULL || before->group != s->group)
			evbuffer_add_printf(out, "\n%s:\n", group_titles[s->group]);
		help_setting(s, out);
	}
	evbuffer_add(out, help_examples, sizeof(help_examples) - 1);
}

#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "cases.h"

enum { ARGS_MAX = 16 };

/* The arguments up to the NULL, as argv[1..]. */
#define parse(config, action, err, ...) \
	parse_args((config), (action), (err), (const char *[]){ __VA_ARGS__, NULL })

static int
parse_args(struct px_config *config, enum px_config_action *action, struct px_err *err,
    const char *const *args)
{
	char *argv[ARGS_MAX] = { (char *)"ptyexecd" };
	int argc;

	for (argc = 1; args[argc - 1] != NULL; argc++) {
		ck_assert_int_lt(argc, ARGS_MAX - 1);
		argv[argc] = (char *)args[argc - 1];
	}
	return px_config_parse(config, argc, argv, action, err);
}

/* The arguments are refused with exactly this message, and nothing was applied. */
#define check_refused(text, ...) check_refused_args((text), (const char *[]){ __VA_ARGS__, NULL })

static void
check_refused_args(const char *text, const char *const *args)
{
	struct px_config config;
	struct px_err err = { 0 };
	enum px_config_action action = PX_CONFIG_VERSION;

	px_config_init(&config);
	ck_assert_int_eq(parse_args(&config, &action, &err, args), -1);
	ck_assert_str_eq(err.text, text);
	ck_assert_int_eq(err.code, PX_E_USAGE);
	ck_assert_int_eq(action, PX_CONFIG_VERSION);
	ck_assert_int_eq(config.max_connections, 1024);
	ck_assert_uint_eq(config.listen.n, 1);
	px_config_done(&config);
}

static void
check_file_refused(const char *json, const char *text)
{
	struct px_config config;
	struct px_err err = { 0 };

	px_config_init(&config);
	ck_assert_int_eq(
	    px_config_apply_json(&config, "/etc/p.json", json, strlen(json), &err), -1);
	ck_assert_str_eq(err.text, text);
	ck_assert_int_eq(err.code, PX_E_USAGE);
	ck_assert_int_eq(config.max_connections, 1024);
	px_config_done(&config);
}

/* A file with this content; the name belongs to the caller, who unlinks it. */
static char *
new_file(const void *content, size_t len)
{
	char name[] = "/tmp/px-config-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
	close(fd);
	return strdup(name);
}

START_TEST(defaults)
{
	struct px_config c;

	px_config_init(&c);
	ck_assert_uint_eq(c.listen.n, 1);
	ck_assert_str_eq(c.listen.v[0], "stdio://");
	ck_assert_uint_eq(c.allow_origin.n + c.allow_host.n, 0);
	ck_assert(!c.insecure_allow_remote);
	ck_assert_int_eq(c.shutdown_grace_period_ms, 5000);
	ck_assert_int_eq(c.max_processes_per_connection, 256);
	ck_assert_int_eq(c.max_processes, 4096);
	ck_assert_int_eq(c.max_connections, 1024);
	ck_assert_int_eq(c.retained_output_bytes_per_process, 1 << 20);
	ck_assert_int_eq(c.max_message_bytes, 64 << 20);
	ck_assert_int_eq(c.max_concurrent_requests_per_connection, 128);
	ck_assert_int_eq(c.stdin_queue_bytes, 1 << 20);
	ck_assert_int_eq(c.outbound_high_water_bytes, 4 << 20);
	ck_assert_int_eq(c.detach_ttl_ms, 80000);
	ck_assert_int_eq(c.exited_retention_ms, 600000);
	ck_assert_int_eq(c.initialize_timeout_ms, 10000);
	ck_assert(c.allow_direct_exec && c.allow_prepared_exec);
	ck_assert_ptr_null(c.prepared_key_file);
	ck_assert_str_eq(c.cgroup, "auto");
	ck_assert_str_eq(c.log_level, "info");
	ck_assert_str_eq(c.log_format, "text");
	px_config_done(&c);
	px_config_done(&c); /* nothing is left to free */
}
END_TEST

START_TEST(flags_of_every_type)
{
	struct px_config c;
	enum px_config_action action;

	px_config_init(&c);
	ck_assert_int_eq(
	    parse(&c, &action, NULL, "--max-processes", "7", "--detach-ttl-ms=0",
		"--insecure-allow-remote", "--no-allow-direct-exec", "--allow-prepared-exec=false",
		"--prepared-key-file", "k=v", "--cgroup=/sys/fs/cgroup/x", "--log-level", "debug"),
	    0);
	ck_assert_int_eq(action, PX_CONFIG_RUN);
	ck_assert_int_eq(c.max_processes, 7);
	ck_assert_int_eq(c.detach_ttl_ms, 0);
	ck_assert(c.insecure_allow_remote && !c.allow_direct_exec && !c.allow_prepared_exec);
	ck_assert_str_eq(c.prepared_key_file, "k=v");
	ck_assert_str_eq(c.cgroup, "/sys/fs/cgroup/x");
	ck_assert_str_eq(c.log_level, "debug");
	px_config_done(&c);
}
END_TEST

START_TEST(later_flag_wins)
{
	struct px_config c;
	enum px_config_action action;

	px_config_init(&c);
	ck_assert_int_eq(parse(&c, &action, NULL, "--log-level=warn", "--log-level=error",
			     "--insecure-allow-remote", "--no-insecure-allow-remote"),
	    0);
	ck_assert_str_eq(c.log_level, "error");
	ck_assert(!c.insecure_allow_remote);
	px_config_done(&c);
}
END_TEST

START_TEST(list_flags_replace_and_collect)
{
	struct px_config c;
	enum px_config_action action;

	px_config_init(&c);
	ck_assert_int_eq(parse(&c, &action, NULL, "--listen", "unix:///a", "--allow-host=h",
			     "--listen=ws://127.0.0.1:0"),
	    0);
	ck_assert_uint_eq(c.listen.n, 2);
	ck_assert_str_eq(c.listen.v[0], "unix:///a");
	ck_assert_str_eq(c.listen.v[1], "ws://127.0.0.1:0");
	ck_assert_uint_eq(c.allow_host.n, 1);
	px_config_done(&c);
}
END_TEST

START_TEST(sizes_take_suffixes)
{
	struct px_config c;
	enum px_config_action action;

	px_config_init(&c);
	ck_assert_int_eq(
	    parse(&c, &action, NULL, "--max-message-bytes=1K", "--stdin-queue-bytes", "3M",
		"--outbound-high-water-bytes=1G", "--retained-output-bytes-per-process=0002"),
	    0);
	ck_assert_int_eq(c.max_message_bytes, 1024);
	ck_assert_int_eq(c.stdin_queue_bytes, 3 << 20);
	ck_assert_int_eq(c.outbound_high_water_bytes, 1 << 30);
	ck_assert_int_eq(c.retained_output_bytes_per_process, 2);
	px_config_done(&c);
}
END_TEST

static const char *const bad_integers[] = { "", " 1", "1 ", "+1", "-1", "0x10", "1e3", "abc", "1K",
	"0", "1000001", "9223372036854775808", "18446744073709551617",
	"99999999999999999999999999999999" };

START_TEST(integers_are_strict)
{
	const char *bad = bad_integers[_i];
	char text[256];

	snprintf(
	    text, sizeof(text), "--max-processes: \"%s\" is not an integer from 1 to 1000000", bad);
	check_refused(text, "--max-connections=5", "--max-processes", bad);
}
END_TEST

static const char *const bad_sizes[] = { "K", "1k", "1KB", "1KK", "2G", "1.5M", "9007199254740993K",
	"8589934592G", "1T" };

START_TEST(sizes_are_strict)
{
	char arg[128], text[256];

	snprintf(arg, sizeof(arg), "--stdin-queue-bytes=%s", bad_sizes[_i]);
	snprintf(text, sizeof(text),
	    "--stdin-queue-bytes: \"%s\" is not an integer from 1 to 1073741824", bad_sizes[_i]);
	check_refused(text, arg);
}
END_TEST

START_TEST(bad_command_lines)
{
	check_refused("unknown option --foo", "--foo");
	check_refused("unknown option --foo", "--foo=bar");
	check_refused("unknown option --max_processes", "--max_processes", "1");
	check_refused("unknown option --max", "--max", "1");
	check_refused("unknown option -x", "-x");
	check_refused("unknown option --", "--", "x");
	check_refused("unknown option --", "--=1");
	check_refused("unknown option --no-", "--no-");
	check_refused("unknown option --no-cgroup", "--no-cgroup");
	check_refused("unknown option --no-config", "--no-config");
	check_refused("unexpected argument \"x\"", "--max-connections", "3", "x");
	check_refused("unexpected argument \"-\"", "-");
	check_refused("unexpected argument \"\"", "");
	check_refused("--max-processes needs a value", "--max-processes");
	check_refused("--listen needs a value", "--listen=ok", "--listen");
	check_refused("--config needs a value", "--config");
	check_refused("--config given twice", "--config=/a", "--config", "/b");
	check_refused("--no-allow-direct-exec takes no value", "--no-allow-direct-exec=true");
	check_refused("--allow-direct-exec: \"1\" is not true or false", "--allow-direct-exec=1");
	check_refused("unexpected argument \"true\"", "--allow-direct-exec", "true");
	check_refused("--listen: \"\" is not a non-empty string", "--listen=");
	check_refused(
	    "--log-level: \"loud\" is not one of error, warn, info, debug", "--log-level=loud");
	check_refused(
	    "--cgroup: \"x/y\" is not one of auto, off, or an absolute path", "--cgroup", "x/y");
	check_refused("cannot read /does/not/exist: No such file or directory", "--config",
	    "/does/not/exist", "--max-connections=3");
	check_refused("cannot read /: Is a directory", "--config=/");
}
END_TEST

START_TEST(long_arguments_are_cut_in_messages)
{
	char arg[2000] = "--log-level=", path[2000] = "/", unknown[2000] = "--";
	struct px_config c;
	struct px_err err;
	enum px_config_action action;

	memset(arg + 12, 'x', sizeof(arg) - 13);
	memset(path + 1, 'p', sizeof(path) - 2);
	memset(unknown + 2, 'u', sizeof(unknown) - 3);
	px_config_init(&c);
	ck_assert_int_eq(parse(&c, &action, &err, arg), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "xxx\" is not one of error, warn, info, debug"));
	ck_assert_int_eq(parse(&c, &action, &err, "--config", path), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "ppp: File name too long"));
	ck_assert_int_eq(parse(&c, &action, &err, unknown), -1);
	ck_assert_uint_lt(strlen(err.text), 256);
	px_config_done(&c);
}
END_TEST

START_TEST(help_and_version_end_the_line)
{
	struct px_config c;
	enum px_config_action action;

	px_config_init(&c);
	ck_assert_int_eq(parse(&c, &action, NULL, "--max-processes=3", "--help", "--bogus"), 0);
	ck_assert_int_eq(action, PX_CONFIG_HELP);
	ck_assert_int_eq(parse(&c, &action, NULL, "-h"), 0);
	ck_assert_int_eq(action, PX_CONFIG_HELP);
	ck_assert_int_eq(parse(&c, &action, NULL, "--config", "/nope", "--version"), 0);
	ck_assert_int_eq(action, PX_CONFIG_VERSION);
	ck_assert_int_eq(c.max_processes, 4096);
	ck_assert_int_eq(parse(&c, &action, NULL, "--listen", "--help"), 0); /* a value */
	ck_assert_int_eq(action, PX_CONFIG_RUN);
	ck_assert_str_eq(c.listen.v[0], "--help");
	px_config_done(&c);
	check_refused("unknown option --bogus", "--bogus", "--help");
}
END_TEST

START_TEST(file_of_every_type)
{
	static const char json[] =
	    "{\"max_processes\": 7, \"insecure_allow_remote\": true, \"allow_direct_exec\": false,"
	    " \"listen\": [\"unix:///a\", \"unix:///b\"], \"allow_origin\": [],"
	    " \"prepared_key_file\": \"/k\", \"cgroup\": \"off\", \"log_format\": \"js\\u006fn\"}";
	struct px_config c;

	px_config_init(&c);
	ck_assert_int_eq(px_config_apply_json(&c, "f", json, strlen(json), NULL), 0);
	ck_assert_int_eq(c.max_processes, 7);
	ck_assert(c.insecure_allow_remote && !c.allow_direct_exec && c.allow_prepared_exec);
	ck_assert_uint_eq(c.listen.n, 2);
	ck_assert_str_eq(c.listen.v[1], "unix:///b");
	ck_assert_uint_eq(c.allow_origin.n, 0);
	ck_assert_str_eq(c.prepared_key_file, "/k");
	ck_assert_str_eq(c.cgroup, "off");
	ck_assert_str_eq(c.log_format, "json");
	ck_assert_int_eq(px_config_apply_json(&c, "f", "{}", 2, NULL), 0);
	ck_assert_int_eq(c.max_processes, 7);
	px_config_done(&c);
}
END_TEST

START_TEST(bad_files)
{
	check_file_refused("[]", "/etc/p.json: not a JSON object");
	check_file_refused("{\"max_connections\":3,\"foo\":1}", "/etc/p.json: unknown key \"foo\"");
	check_file_refused("{\"max-processes\":3}", "/etc/p.json: unknown key \"max-processes\"");
	check_file_refused("{\"\":3}", "/etc/p.json: unknown key \"\"");
	check_file_refused("{\"config\":\"x\"}", "/etc/p.json: unknown key \"config\"");
	check_file_refused("{\"cgroup\\u0000\":\"off\"}", "/etc/p.json: unknown key \"cgroup?\"");
	check_file_refused("{\"\\u001b[2J\":1}", "/etc/p.json: unknown key \"?[2J\"");
	check_file_refused("{\"max_processes\":1,\"max_processes\":1}",
	    "/etc/p.json: duplicate key \"max_processes\"");
	check_file_refused("{\"prepared_key_file\":\"\"}",
	    "/etc/p.json: \"prepared_key_file\" must be a non-empty string");
	check_file_refused("{\"prepared_key_file\":\"a\\u0000b\"}",
	    "/etc/p.json: \"prepared_key_file\" must be a non-empty string");
	check_file_refused("{\"prepared_key_file\":null}",
	    "/etc/p.json: \"prepared_key_file\" must be a non-empty string");
	check_file_refused("{\"allow_direct_exec\":1}",
	    "/etc/p.json: \"allow_direct_exec\" must be true or false");
	check_file_refused(
	    "{\"log_format\":\"xml\"}", "/etc/p.json: \"log_format\" must be one of text, json");
	check_file_refused("{\"listen\":[]}",
	    "/etc/p.json: \"listen\" must be a non-empty array of non-empty strings");
	check_file_refused("{\"allow_host\":\"h\"}",
	    "/etc/p.json: \"allow_host\" must be an array of non-empty strings");
	check_file_refused("{\"allow_host\":[\"h\",\"\"]}",
	    "/etc/p.json: \"allow_host\" must be an array of non-empty strings");
}
END_TEST

static const char *const bad_json_integers[] = { "0", "1000001", "-1", "1.0", "1e3", "\"7\"",
	"true", "null", "[1]", "9223372036854775808", "1e999" };

START_TEST(file_integers_are_strict)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"max_connections\":3,\"max_processes\":%s}",
	    bad_json_integers[_i]);
	check_file_refused(
	    json, "/etc/p.json: \"max_processes\" must be an integer from 1 to 1000000");
}
END_TEST

static const char *const bad_json[] = { "", " ", "{", "{\"listen\":}", "{}{}", "\xff", "nul" };

START_TEST(malformed_files)
{
	struct px_config c;
	struct px_err err;

	px_config_init(&c);
	ck_assert_int_eq(
	    px_config_apply_json(&c, "/p", bad_json[_i], strlen(bad_json[_i]), &err), -1);
	ck_assert_int_eq(err.code, PX_E_USAGE);
	ck_assert_int_eq(strncmp(err.text, "/p: ", 4), 0);
	ck_assert_uint_gt(strlen(err.text), 4);
	px_config_done(&c);
}
END_TEST

START_TEST(flags_win_over_the_file)
{
	static const char json[] =
	    "{\"max_processes\": 7, \"max_connections\": 8, \"allow_direct_exec\": false,"
	    " \"listen\": [\"unix:///a\", \"unix:///b\"], \"allow_host\": [\"x\"]}";
	char *name = new_file(json, strlen(json));
	struct px_config c;
	enum px_config_action action;

	px_config_init(&c);
	ck_assert_int_eq(parse(&c, &action, NULL, "--max-processes=9", "--listen", "stdio://",
			     "--allow-direct-exec", "--config", name),
	    0);
	ck_assert_int_eq(c.max_processes, 9);
	ck_assert_int_eq(c.max_connections, 8);
	ck_assert(c.allow_direct_exec);
	ck_assert_uint_eq(c.listen.n, 1);
	ck_assert_str_eq(c.listen.v[0], "stdio://");
	ck_assert_uint_eq(c.allow_host.n, 1);
	px_config_done(&c);
	unlink(name);
	free(name);
}
END_TEST

START_TEST(file_size_is_bounded)
{
	enum { MOST = 1 << 20 };
	char *text = malloc(MOST + 1), *name, want[128];
	struct px_config c;
	struct px_err err;
	enum px_config_action action;

	memset(text, ' ', MOST + 1);
	memcpy(text, "{}", 2);
	px_config_init(&c);
	name = new_file(text, MOST);
	ck_assert_int_eq(parse(&c, &action, &err, "--config", name), 0);
	unlink(name);
	free(name);
	name = new_file(text, MOST + 1);
	ck_assert_int_eq(parse(&c, &action, &err, "--config", name), -1);
	snprintf(want, sizeof(want), "%s: larger than 1048576 bytes", name);
	ck_assert_str_eq(err.text, want);
	ck_assert_int_eq(parse(&c, &action, &err, "--config=/dev/zero"), -1);
	ck_assert_str_eq(err.text, "/dev/zero: larger than 1048576 bytes");
	unlink(name);
	free(name);
	free(text);
	px_config_done(&c);
}
END_TEST

START_TEST(help_is_complete_and_narrow)
{
	static const char usage[] =
	    "usage: ptyexecd [--listen URL]... [--config FILE] [option]...\n";
	struct evbuffer *buf = evbuffer_new();
	char *help, *line, *rest;

	px_config_help(buf);
	evbuffer_add(buf, "", 1);
	help = (char *)evbuffer_pullup(buf, -1);
	ck_assert_int_eq(strncmp(help, usage, strlen(usage)), 0);
	ck_assert_ptr_nonnull(strstr(help, "  --max-message-bytes BYTES\n"));
	ck_assert_ptr_nonnull(strstr(help, "From 1K to 1G, default 64M."));
	ck_assert_ptr_nonnull(strstr(help, "  --[no-]allow-direct-exec\n"));
	ck_assert_ptr_nonnull(strstr(help, "One of auto, off, or an absolute path; default auto."));
	ck_assert_ptr_nonnull(strstr(help, "\nExamples:\n"));
	for (line = help; *line != '\0'; line = rest + 1) {
		ck_assert_ptr_nonnull(rest = strchr(line, '\n'));
		ck_assert_msg(rest - line <= 100, "%.*s", (int)(rest - line), line);
	}
	evbuffer_free(buf);
}
END_TEST

/* Files are where any program may be started, unless they are asked for or forbidden. */
static const struct {
	const char *files;
	bool direct, prepared;
	const char *key;
	bool offered;
} offers[] = {
	{ "auto", true, true, NULL, true },
	{ "auto", true, false, NULL, true },
	{ "auto", false, true, NULL, true },
	{ "auto", true, true, "key", false },
	{ "auto", false, true, "key", false },
	{ "auto", false, false, NULL, false },
	{ "on", false, true, "key", true },
	{ "on", false, false, NULL, true },
	{ "off", true, true, NULL, false },
};

START_TEST(files)
{
	struct px_config c = { .files = strdup(offers[_i].files),
		.allow_direct_exec = offers[_i].direct,
		.allow_prepared_exec = offers[_i].prepared,
		.prepared_key_file = offers[_i].key != NULL ? strdup(offers[_i].key) : NULL };

	ck_assert_int_eq(px_config_offers_files(&c), offers[_i].offered);
	px_config_done(&c);
}
END_TEST

START_TEST(limits_are_all_the_numbers)
{
	struct px_config c;
	const char *name = NULL;
	int64_t value = 0, sum = 0;
	size_t i;
	int known = 0;

	px_config_init(&c);
	c.shutdown_grace_period_ms = 4711;
	for (i = 0; px_config_limit(&c, i, &name, &value); i++) {
		ck_assert_ptr_null(strchr(name, '_'));
		known += strcmp(name, "shutdownGracePeriodMs") == 0 && value == 4711;
		known += strcmp(name, "maxProcessesPerConnection") == 0 && value == 256;
		sum += value;
	}
	ck_assert_uint_eq(i, 15);
	ck_assert_int_eq(known, 2);
	ck_assert_int_eq(sum, 4711 + 256 + 4096 + 1024 + 128 + 80000 + 600000 + 10000 + 256 +
				  ((INT64_C(1) + 64 + 1 + 4 + 44 + 256) << 20));
	ck_assert(!px_config_limit(&c, 99, &name, &value));
	px_config_done(&c);
}
END_TEST

#define N_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	TCase *tc = tcase_create("config");

	tcase_add_test(tc, defaults);
	tcase_add_test(tc, flags_of_every_type);
	tcase_add_test(tc, later_flag_wins);
	tcase_add_test(tc, list_flags_replace_and_collect);
	tcase_add_test(tc, sizes_take_suffixes);
	tcase_add_loop_test(tc, integers_are_strict, 0, N_OF(bad_integers));
	tcase_add_loop_test(tc, sizes_are_strict, 0, N_OF(bad_sizes));
	tcase_add_test(tc, bad_command_lines);
	tcase_add_test(tc, long_arguments_are_cut_in_messages);
	tcase_add_test(tc, help_and_version_end_the_line);
	tcase_add_test(tc, file_of_every_type);
	tcase_add_test(tc, bad_files);
	tcase_add_loop_test(tc, file_integers_are_strict, 0, N_OF(bad_json_integers));
	tcase_add_loop_test(tc, malformed_files, 0, N_OF(bad_json));
	tcase_add_test(tc, flags_win_over_the_file);
	tcase_add_test(tc, file_size_is_bounded);
	tcase_add_test(tc, help_is_complete_and_narrow);
	tcase_add_loop_test(tc, files, 0, N_OF(offers));
	tcase_add_test(tc, limits_are_all_the_numbers);
	return run_cases(tc);
}

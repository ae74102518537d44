#include "cli/server_facts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json_out.h"
#include "cli/human.h"
#include "cli/page.h"

void
px_server_facts_print(const struct px_server_info *info, const char *url, bool limits)
{
	char age[PX_HUMAN_SIZE];

	px_human_age(info->uptime_ms, age);
	printf("%-12s %s %s\n", "server", info->name, info->version);
	printf("%-12s %s\n", "url", url);
	printf("%-12s %" PRId64 "\n", "pid", info->pid);
	printf("%-12s %s\n", "up", age);
	printf(
	    "%-12s %" PRId64 " (%" PRId64 " running)\n", "sessions", info->sessions, info->running);
	printf("%-12s %" PRId64 "\n", "workspaces", info->workspaces);
	printf("%-12s %" PRId64 "\n", "connections", info->connections);
	for (size_t i = 0; limits && i < info->nlimits; i++)
		printf("%-12s %s %" PRId64 "\n", i == 0 ? "limits" : "", info->limits[i].name,
		    info->limits[i].value);
}

static void
put(struct px_json_out *json, const struct px_server_info *info)
{
	px_json_kv_str(json, "name", info->name);
	px_json_kv_str(json, "version", info->version);
	px_json_kv_int(json, "pid", info->pid);
	px_json_kv_int(json, "uptimeMs", info->uptime_ms);
	px_json_key(json, "limits");
	px_json_open(json);
	for (size_t i = 0; i < info->nlimits; i++)
		px_json_kv_int(json, info->limits[i].name, info->limits[i].value);
	px_json_close(json);
	px_json_key(json, "counts");
	px_json_open(json);
	px_json_kv_int(json, "connections", info->connections);
	px_json_kv_int(json, "workspaces", info->workspaces);
	px_json_kv_int(json, "sessions", info->sessions);
	px_json_kv_int(json, "running", info->running);
	px_json_close(json);
}

void
px_server_facts_print_json(const struct px_server_info *info, const char *url)
{
	struct px_page page;

	px_page_open(&page);
	px_json_kv_bool(page.json, "running", info != NULL);
	px_json_kv_str(page.json, "url", url);
	if (info != NULL)
		put(page.json, info);
	px_page_print(&page);
	px_page_close(&page);
}

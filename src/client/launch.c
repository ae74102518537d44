#include <ptyexec/client.h>

#include "client/address.h"
#include "client/error.h"
#include "client/wire.h"

/* Ways to a server. */

/* What a caller left out. */
static void
with_defaults(const struct px_client_options *given, struct px_client_options *out)
{
	struct px_client_options defaults;

	px_client_options_init(&defaults);
	*out = given != NULL ? *given : defaults;
	if (out->connect_timeout_ms <= 0)
		out->connect_timeout_ms = defaults.connect_timeout_ms;
	if (out->greeting_timeout_ms <= 0)
		out->greeting_timeout_ms = defaults.greeting_timeout_ms;
	if (out->silence_ms <= 0)
		out->silence_ms = defaults.silence_ms;
	if (out->grace_ms < 0)
		out->grace_ms = 0;
}

int
px_client_connect(const char *url, const struct px_client_options *options,
    struct px_client **out_client, struct px_error *err)
{
	const struct px_daemon nobody = { 0 };
	struct px_client_options all;
	struct px_address *address;

	if (url == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "there is no URL");
	with_defaults(options, &all);
	if (px_address_parse(url, &address, err) == -1)
		return -1;
	return px_wire_client(address, -1, &nobody, &all, out_client, err);
}

int
px_client_launch(const char *const *argv, const struct px_client_options *options,
    struct px_client **out_client, struct px_error *err)
{
	struct px_client_options all;
	struct px_daemon daemon;
	int fd;

	with_defaults(options, &all);
	if (px_daemon_start(&daemon, argv, all.flags, &fd, err) == -1)
		return -1;
	return px_wire_client(NULL, fd, &daemon, &all, out_client, err);
}

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/trace.h"
#include "local/state.h"
#include "proc/spec_build.h"
#include "session/name.h"

/* What protocol/exec-server.v1.md says of process/start, for a typed command. */

static int
check_range(const char *what, int64_t value, int64_t min, int64_t max, struct px_err *err)
{
	if (value >= min && value <= max)
		return 0;
	return px_fail(err, PX_E_PARAMS, "\"%s\" must be an integer from %lld to %lld", what,
	    (long long)min, (long long)max);
}

static int
check_env(const char *const *env, struct px_err *err)
{
	for (const char *const *var = env; var != NULL && *var != NULL; var++)
		if (strchr(*var, '=') == NULL || **var == '=')
			return px_fail(err, PX_E_PARAMS, "\"env\": '%s' is no NAME=value", *var);
	return 0;
}

/* Exactly as it stands. There is nobody between who could change it, so that no signature is
 * needed. */
static int
check_prepared(const struct px_command *command, struct px_err *err)
{
	if (command->cwd == NULL || command->env == NULL)
		return px_fail(err, PX_E_PARAMS, "missing member \"%s\"",
		    command->cwd == NULL ? "cwd" : "env");
	if (command->argv[0] != NULL && command->argv[0][0] != '/')
		return px_fail(err, PX_E_PARAMS, "\"argv[0]\" must be an absolute path");
	return 0;
}

static int
check_numbers(const struct px_command *command, struct px_err *err)
{
	const struct px_command_limits *limits = &command->limits;

	if (command->has_umask && check_range("umask", command->umask, 0, 0777, err) == -1)
		return -1;
	if (limits->cpu_seconds > 0 &&
	    check_range("rlimits.cpuSeconds", limits->cpu_seconds, 0, INT32_MAX, err) == -1)
		return -1;
	if (limits->open_files > 0 &&
	    check_range("rlimits.openFiles", limits->open_files, 0, INT32_MAX, err) == -1)
		return -1;
	return check_env(command->env, err);
}

static void
add_limit(struct px_spec *spec, int resource, int64_t value)
{
	if (value > 0)
		px_spec_add_limit(spec, resource, value);
}

static void
spec_finish(struct px_spec *spec, const struct px_command *command)
{
	const struct px_command_limits *limits = &command->limits;

	if (command->timeout_ms > 0)
		spec->timeout_ms = command->timeout_ms;
	if (command->has_umask)
		spec->umask = (int)command->umask;
	spec->search_path = !command->prepared;
	add_limit(spec, RLIMIT_CPU, limits->cpu_seconds);
	add_limit(spec, RLIMIT_AS, limits->memory_bytes);
	add_limit(spec, RLIMIT_NOFILE, limits->open_files);
	add_limit(spec, RLIMIT_FSIZE, limits->file_size_bytes);
	spec->io = command->pty ? PX_IO_PTY : PX_IO_PIPE;
	spec->rows = command->rows;
	spec->cols = command->cols;
	spec->stdin_open = !command->no_stdin;
}

static int
check_io(const struct px_local_call *call, const struct px_command *command, struct px_err *err)
{
	if (command->pty)
		return check_range("io.pty.rows", command->rows, 1, UINT16_MAX, err) == -1 ||
			       check_range("io.pty.cols", command->cols, 1, UINT16_MAX, err) == -1
			   ? -1
			   : 0;
	if (command->no_stdin && call->data != NULL)
		return px_fail(
		    err, PX_E_STDIN_CLOSED, "\"chunk\" needs \"io.pipe.stdin\" to be \"open\"");
	return 0;
}

int
px_local_command(struct px_local_call *call, const struct px_command *command,
    const char *default_cwd, struct px_err *err)
{
	static const enum px_on_disconnect dispositions[] = {
		[PX_DISPOSITION_DEFAULT] = PX_DISCONNECT_DEFAULT,
		[PX_DISPOSITION_KILL] = PX_DISCONNECT_KILL,
		[PX_DISPOSITION_KEEP] = PX_DISCONNECT_KEEP,
	};
	const char *cwd = command->cwd != NULL ? command->cwd : default_cwd;
	struct px_trace trace = { 0 };

	if (call->session != NULL &&
	    px_name_check("sessionId", call->session, strlen(call->session), err) == -1)
		return -1;
	if (check_io(call, command, err) == -1)
		return -1;
	if (check_numbers(command, err) == -1 ||
	    (command->prepared && check_prepared(command, err) == -1) ||
	    px_spec_build(&call->spec, command->argv, cwd, command->arg0, err) == -1)
		return px_wrap(err, command->prepared ? "prepared" : "direct");
	if (command->traceparent != NULL)
		px_trace_set(&trace, command->traceparent, strlen(command->traceparent),
		    command->tracestate,
		    command->tracestate != NULL ? strlen(command->tracestate) : 0);
	px_spec_build_env(&call->spec, command->inherit_env ? environ : NULL, command->env, &trace);
	spec_finish(&call->spec, command);
	call->on_disconnect = dispositions[command->disposition];
	return 0;
}

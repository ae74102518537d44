#include "client/state.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/error.h"

/* The requests of the public interface: each is one struct for the transport. */

enum { OVERLOADED = -32001, NAME_SIZE = 64 };

/* Ten years, as the protocol has it; so that times can be added up. */
#define TIME_MAX_MS INT64_C(315360000000)

static int
overloaded(const struct px_client *client, struct px_error *err)
{
	px_error_set(
	    err, PX_ERROR_BUSY, "overloaded: %u requests wait for their answers", client->capacity);
	if (err != NULL) {
		snprintf(err->kind, sizeof err->kind, "overloaded");
		err->number = OVERLOADED;
	}
	return -1;
}

static const char *
name_put(const struct px_client *client, const struct px_request *request, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s-%" PRId64, client->prefix, request->id);
	return name;
}

/* Names of a client's own, and of its writes, are used once: they begin with its random prefix. */
static void
fill_names(const struct px_client *client, struct px_request *request, char session[NAME_SIZE],
    char write[NAME_SIZE])
{
	if (request->command != NULL && request->session == NULL)
		request->session = name_put(client, request, session);
	if (request->method == PX_DO_WRITE || request->method == PX_DO_CLOSE_STDIN ||
	    request->method == PX_DO_COMMUNICATE)
		request->write_id = name_put(client, request, write);
}

/* The lock is held. */
static int64_t
submit(struct px_client *client, struct px_request *request, struct px_error *err)
{
	char session[NAME_SIZE], write[NAME_SIZE];

	if (client->is_lost)
		return px_error_copy(err, &client->lost);
	if (client->nopen == client->capacity)
		return overloaded(client, err);
	request->id = ++client->last_id;
	fill_names(client, request, session, write);
	client->open[client->nopen++] = (struct px_open_request){ .id = request->id };
	if (client->transport->ops->send(client->transport, request, err) == -1) {
		client->nopen--;
		return -1;
	}
	return request->id;
}

static int
check_times(const struct px_request *request, struct px_error *err)
{
	const int64_t times[] = { request->timeout_ms, request->grace_ms, request->wait_ms,
		request->command != NULL ? request->command->timeout_ms : 0,
		request->until != NULL ? request->until->timeout_ms : 0,
		request->until != NULL ? request->until->idle_ms : 0 };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		if (times[i] > TIME_MAX_MS)
			return px_error_set(err, PX_ERROR_USAGE,
			    "a time of %" PRId64 " ms; at most %" PRId64, times[i], TIME_MAX_MS);
	return 0;
}

int64_t
px_client_request(struct px_client *client, struct px_request *request, struct px_error *err)
{
	bool names = request->method != PX_DO_LIST && request->method != PX_DO_INFO &&
		     request->command == NULL && request->files == NULL;
	int64_t id;

	if (names && request->session == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "no session is named");
	if (request->data == NULL && request->len > 0 &&
	    (request->method == PX_DO_WRITE || request->files != NULL))
		return px_error_set(err, PX_ERROR_USAGE, "there is no data");
	if (request->data == NULL)
		request->len = 0;
	if (check_times(request, err) == -1)
		return -1;
	px_client_enter(client);
	id = submit(client, request, err);
	px_client_leave(client);
	return id;
}

static int64_t
request_session(
    struct px_client *client, enum px_method_id method, const char *session, struct px_error *err)
{
	return px_client_request(
	    client, &(struct px_request){ .method = method, .session = session }, err);
}

/* ---- starting ---- */

static int
check_command(const struct px_command *command, struct px_error *err)
{
	if (command == NULL || command->argv == NULL || command->argv[0] == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "there is no command");
	if (command->disposition < PX_DISPOSITION_DEFAULT ||
	    command->disposition > PX_DISPOSITION_KEEP)
		return px_error_set(
		    err, PX_ERROR_USAGE, "a disposition of %d", (int)command->disposition);
	return 0;
}

int64_t
px_client_start(struct px_client *client, const struct px_command *command, struct px_error *err)
{
	if (check_command(command, err) == -1)
		return -1;
	return px_client_request(client,
	    &(struct px_request){
		.method = PX_DO_START, .session = command->session, .command = command },
	    err);
}

int64_t
px_client_run(struct px_client *client, const struct px_command *command, const void *data,
    size_t len, int64_t timeout_ms, struct px_error *err)
{
	if (check_command(command, err) == -1)
		return -1;
	return px_client_request(client,
	    &(struct px_request){ .method = PX_DO_RUN,
		.session = command->session,
		.command = command,
		.data = data,
		.len = len,
		.timeout_ms = timeout_ms },
	    err);
}

int64_t
px_client_communicate(struct px_client *client, const char *session, const void *data, size_t len,
    int64_t timeout_ms, struct px_error *err)
{
	return px_client_request(client,
	    &(struct px_request){ .method = PX_DO_COMMUNICATE,
		.session = session,
		.data = data,
		.len = len,
		.timeout_ms = timeout_ms },
	    err);
}

/* ---- input and signals ---- */

int64_t
px_client_write(struct px_client *client, const char *session, const void *data, size_t len,
    struct px_error *err)
{
	return px_client_request(client,
	    &(struct px_request){
		.method = PX_DO_WRITE, .session = session, .data = data, .len = len },
	    err);
}

int64_t
px_client_close_stdin(struct px_client *client, const char *session, struct px_error *err)
{
	return request_session(client, PX_DO_CLOSE_STDIN, session, err);
}

int64_t
px_client_resize(struct px_client *client, const char *session, uint16_t rows, uint16_t cols,
    struct px_error *err)
{
	return px_client_request(client,
	    &(struct px_request){
		.method = PX_DO_RESIZE, .session = session, .rows = rows, .cols = cols },
	    err);
}

int64_t
px_client_signal(
    struct px_client *client, const char *session, const char *name, struct px_error *err)
{
	if (name == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "no signal is named");
	return px_client_request(client,
	    &(struct px_request){ .method = PX_DO_SIGNAL, .session = session, .signal = name },
	    err);
}

int64_t
px_client_terminate(
    struct px_client *client, const char *session, int64_t grace_ms, struct px_error *err)
{
	if (grace_ms < PX_TERMINATE_GRACE)
		return px_error_set(err, PX_ERROR_USAGE, "a grace of %" PRId64 " ms", grace_ms);
	return px_client_request(client,
	    &(struct px_request){
		.method = PX_DO_TERMINATE, .session = session, .grace_ms = grace_ms },
	    err);
}

int64_t
px_client_release(struct px_client *client, const char *session, struct px_error *err)
{
	return request_session(client, PX_DO_RELEASE, session, err);
}

/* ---- waiting and looking ---- */

static int
check_after(int64_t after_seq, int64_t least, struct px_error *err)
{
	if (after_seq >= least)
		return 0;
	return px_error_set(err, PX_ERROR_USAGE, "events after number %" PRId64, after_seq);
}

int64_t
px_client_wait(struct px_client *client, const char *session, const struct px_until *until,
    struct px_error *err)
{
	if (until != NULL && until->from_seq && check_after(until->after_seq, 0, err) == -1)
		return -1;
	return px_client_request(client,
	    &(struct px_request){ .method = PX_DO_WAIT, .session = session, .until = until }, err);
}

int64_t
px_client_snapshot(struct px_client *client, const char *session, struct px_error *err)
{
	return request_session(client, PX_DO_SNAPSHOT, session, err);
}

int64_t
px_client_read(struct px_client *client, const char *session, int64_t after_seq, int64_t max_bytes,
    int64_t wait_ms, struct px_error *err)
{
	if (check_after(after_seq, 0, err) == -1)
		return -1;
	return px_client_request(client,
	    &(struct px_request){ .method = PX_DO_READ,
		.session = session,
		.after_seq = after_seq,
		.max_bytes = max_bytes,
		.wait_ms = wait_ms },
	    err);
}

int64_t
px_client_subscribe(
    struct px_client *client, const char *session, int64_t after_seq, struct px_error *err)
{
	if (check_after(after_seq, PX_AFTER_NOW, err) == -1)
		return -1;
	return px_client_request(client,
	    &(struct px_request){
		.method = PX_DO_SUBSCRIBE, .session = session, .after_seq = after_seq },
	    err);
}

int64_t
px_client_unsubscribe(struct px_client *client, const char *session, struct px_error *err)
{
	return request_session(client, PX_DO_UNSUBSCRIBE, session, err);
}

int64_t
px_client_list(struct px_client *client, struct px_error *err)
{
	return request_session(client, PX_DO_LIST, NULL, err);
}

int64_t
px_client_inspect(struct px_client *client, const char *session, struct px_error *err)
{
	return request_session(client, PX_DO_INSPECT, session, err);
}

int64_t
px_client_info(struct px_client *client, struct px_error *err)
{
	return request_session(client, PX_DO_INFO, NULL, err);
}

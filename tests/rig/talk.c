#include "talk.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

enum { KEEP = 1024 * 1024, SPEW_PERIOD = 65521 };

/* ---- the conversation ---- */

void
talk_init(struct talk *talk)
{
	*talk = (struct talk){ 0 };
	px_client_options_init(&talk->options);
	talk->options.connect_timeout_ms = talk->options.greeting_timeout_ms = rig_ms(TALK_MS);
}

void
talk_connect(struct talk *talk, const char *url)
{
	int result = px_client_connect(url, &talk->options, &talk->client, &talk->error);

	ck_assert_msg(result == 0, "%s: %s", url, talk->error.text);
}

void
talk_share(struct talk *talk, struct px_client *client)
{
	talk_init(talk);
	talk->client = client;
}

void
talk_leave(struct talk *talk)
{
	px_event_free(talk->event);
	px_answer_free(talk->answer);
}

void
talk_done(struct talk *talk)
{
	talk_leave(talk);
	px_client_free(talk->client);
}

/* ---- requests ---- */

void
talk_puppet(struct talk_command *out, const char *session, const char *const *words)
{
	size_t n = 1;

	*out = (struct talk_command){ .command = { .session = session } };
	out->argv[0] = rig_child();
	for (; *words != NULL; words++) {
		ck_assert_uint_lt(n, sizeof out->argv / sizeof out->argv[0] - 1);
		out->argv[n++] = *words;
	}
	out->command.argv = out->argv;
}

int64_t
talk_sent(struct talk *talk, int64_t request)
{
	ck_assert_msg(request > 0, "%s", talk->error.text);
	return request;
}

const struct px_answer *
talk_answer(struct talk *talk, int64_t request)
{
	talk_sent(talk, request);
	px_answer_free(talk->answer);
	talk->answer = px_client_await(talk->client, request, rig_ms(TALK_MS), &talk->error);
	ck_assert_msg(talk->answer != NULL, "request %d: %s", (int)request, talk->error.text);
	ck_assert_int_eq(talk->answer->request, request);
	ck_assert_int_eq(talk->answer->error.code, PX_ERROR_NONE);
	return talk->answer;
}

void
talk_settle(struct talk *talk, int64_t request)
{
	int result;

	talk_sent(talk, request);
	result = px_client_settle(talk->client, request, rig_ms(TALK_MS), &talk->error);
	ck_assert_msg(result == 0, "request %d: %s", (int)request, talk->error.text);
}

void
talk_fails(struct talk *talk, int64_t request, enum px_error_code code)
{
	talk_sent(talk, request);
	ck_assert_ptr_null(px_client_await(talk->client, request, rig_ms(TALK_MS), &talk->error));
	ck_assert_msg(talk->error.code == code, "%d: %s", talk->error.code, talk->error.text);
}

void
talk_refused(struct talk *talk, int64_t request, const char *kind)
{
	talk_fails(talk, request, PX_ERROR_REFUSED);
	ck_assert_str_eq(talk->error.kind, kind);
}

int64_t
talk_start_words(
    struct talk *talk, const char *session, uint16_t rows, uint16_t cols, const char *const *words)
{
	struct talk_command puppet;
	const struct px_answer *answer;

	talk_puppet(&puppet, session, words);
	puppet.command.pty = rows > 0;
	puppet.command.rows = rows;
	puppet.command.cols = cols;
	answer = talk_answer(talk, px_client_start(talk->client, &puppet.command, &talk->error));
	ck_assert_str_eq(answer->start.session, session);
	ck_assert_int_gt(answer->start.pid, 0);
	return answer->start.pid;
}

void
talk_write(struct talk *talk, const char *session, const char *text)
{
	talk_settle(talk, px_client_write(talk->client, session, text, strlen(text), &talk->error));
}

void
talk_close_stdin(struct talk *talk, const char *session)
{
	talk_settle(talk, px_client_close_stdin(talk->client, session, &talk->error));
}

/* ---- events ---- */

const struct px_event *
talk_any(struct talk *talk, const char *session)
{
	px_event_free(talk->event);
	talk->event = px_client_next(talk->client, session, rig_ms(TALK_MS), &talk->error);
	ck_assert_msg(talk->event != NULL, "%s", talk->error.text);
	if (session != NULL)
		ck_assert_str_eq(talk->event->session, session);
	return talk->event;
}

const struct px_event *
talk_next(struct talk *talk, const char *session, enum px_event_type type)
{
	ck_assert_int_eq(talk_any(talk, session)->type, type);
	return talk->event;
}

void
talk_nothing(struct talk *talk, const char *session, enum px_error_code why)
{
	ck_assert_ptr_null(px_client_next(talk->client, session, 0, &talk->error));
	ck_assert_msg(talk->error.code == why, "%d: %s", talk->error.code, talk->error.text);
}

bool
talk_is_spew(const void *data, size_t len, int64_t offset)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < len; i++, offset++) {
		uint32_t x = (uint32_t)(offset % SPEW_PERIOD) * 2654435761u;

		if (((const char *)data)[i] != alphabet[(x ^ x >> 15) >> 26])
			return false;
	}
	return true;
}

void
told_init(struct told *told)
{
	*told = (struct told){ .text = calloc(1, KEEP + 1) };
	ck_assert_ptr_nonnull(told->text);
}

void
told_done(struct told *told)
{
	free(told->text);
}

static void
keep_text(struct told *told, const char *data, size_t len)
{
	if (len > KEEP - told->len)
		len = KEEP - told->len;
	memcpy(told->text + told->len, data, len);
	told->len += len;
	told->text[told->len] = '\0';
}

static void
add_output(struct told *told, const struct px_event *event)
{
	int64_t *offset = &told->offset[event->output.stream];
	int64_t hole = event->output.offset - *offset;
	const char *data = event->output.data;

	ck_assert_uint_gt(event->output.len, 0);
	/* What is missing was told before. */
	ck_assert_int_ge(hole, 0);
	told->unexplained -= hole;
	ck_assert_int_ge(told->unexplained, 0);
	ck_assert_msg(!told->spews || talk_is_spew(data, event->output.len, event->output.offset),
	    "wrong bytes at %ld", (long)event->output.offset);
	*offset = event->output.offset + (int64_t)event->output.len;
	told->received += (int64_t)event->output.len;
	keep_text(told, data, event->output.len);
}

static void
add_exit(struct told *told, const struct px_event *event)
{
	ck_assert(!told->exited);
	told->exited = true;
	told->end = event->exited.end;
	snprintf(told->signal, sizeof told->signal, "%s",
	    told->end.signal != NULL ? told->end.signal : "");
	snprintf(
	    told->cause, sizeof told->cause, "%s", told->end.cause != NULL ? told->end.cause : "");
	told->end.signal = told->end.cause = NULL;
}

static void
add_lag(struct told *told, const struct px_event *event)
{
	ck_assert_int_gt(event->lagged.skipped_bytes, 0);
	ck_assert_int_gt(event->lagged.next_seq, told->seq);
	told->lags++;
	told->skipped += event->lagged.skipped_bytes;
	told->unexplained += event->lagged.skipped_bytes;
}

void
told_add(struct told *told, const struct px_event *event)
{
	ck_assert(!told->closed && !told->lost);
	if (event->type == PX_EVENT_OUTPUT || event->type == PX_EVENT_EXITED ||
	    event->type == PX_EVENT_CLOSED) {
		/* Each once and in order, and without a hole where none was told. */
		ck_assert_int_gt(event->seq, told->seq);
		if (told->unexplained == 0)
			ck_assert_int_eq(event->seq, told->seq + 1);
		told->seq = event->seq;
	}
	switch (event->type) {
	case PX_EVENT_OUTPUT:
		add_output(told, event);
		break;
	case PX_EVENT_EXITED:
		add_exit(told, event);
		break;
	case PX_EVENT_CLOSED:
		told->closed = true;
		break;
	case PX_EVENT_LAGGED:
		add_lag(told, event);
		break;
	case PX_EVENT_LOST:
		told->lost = true;
		break;
	case PX_EVENT_FAILED:
		told->failed = true;
		break;
	default:
		break;
	}
}

void
talk_hear(struct talk *talk, const char *session, struct told *told)
{
	while (!told->closed && !told->lost)
		told_add(told, talk_any(talk, session));
}

void
talk_hear_text(struct talk *talk, const char *session, struct told *told, const char *text)
{
	while (strstr(told->text, text) == NULL) {
		ck_assert_msg(!told->closed && !told->lost, "no '%s' in '%s'", text, told->text);
		told_add(told, talk_any(talk, session));
	}
}

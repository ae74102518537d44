/*
 * A byte stream through the line framing: what comes out must be what a model
 * of one page says, and the same however the stream is cut. The first two bytes
 * choose the cut and the limit.
 */
#include "must.h"
#include "replay.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_blank(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
			return false;
	return true;
}

static bool
is_text(const char *s, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(s, text, len) == 0;
}

/* The whole stream is known, so the model just looks at one line after the other. */
static void
model(const char *s, size_t len, size_t limit, struct evbuffer *log, struct evbuffer *out)
{
	while (len > 0) {
		const char *lf = memchr(s, '\n', len);
		size_t line = lf == NULL ? len : (size_t)(lf - s);
		size_t taken = lf == NULL ? len : line + 1;

		if (line > 0 && s[line - 1] == '\r')
			line--;
		if (line > limit) {
			evbuffer_add_printf(log,
			    "too big %zu\nclose limitExceeded: line of more than %zu bytes\n",
			    limit, limit);
			evbuffer_add_printf(out, "too big\n");
			return;
		}
		if (lf != NULL && !is_blank(s, line)) {
			replay_log_message(log, s, line);
			if (is_text(s, line, "!wrap"))
				evbuffer_add_printf(out, "wrapped\n");
			if (is_text(s, line, "!finish")) {
				evbuffer_add_printf(log, "close ok\n");
				return;
			}
		}
		s += taken;
		len -= taken;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *want_log = evbuffer_new();
	struct evbuffer *want_out = evbuffer_new();
	size_t limit;

	if (size >= 2) {
		limit = data[1];
		model((const char *)data + 2, size - 2, limit, want_log, want_out);
		for (size_t i = 0; i < 3; i++) {
			struct evbuffer *log = evbuffer_new();
			struct evbuffer *out = evbuffer_new();

			replay(&px_framing_lines, data + 2, size - 2, limit,
			    replay_fuzz_cut(data[0], i), log, out);
			MUST(replay_equal(log, want_log) && replay_equal(out, want_out));
			evbuffer_free(log);
			evbuffer_free(out);
		}
	}
	evbuffer_free(want_log);
	evbuffer_free(want_out);
	return 0;
}

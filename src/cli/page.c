#include "cli/page.h"

#include <stdio.h>

#include <event2/buffer.h>

#include "base/json_out.h"
#include "base/utf8.h"

static void
page_begin(struct px_page *page)
{
	px_json_out_begin(page->json, page->buf);
	px_json_open(page->json);
}

void
px_page_open(struct px_page *page)
{
	page->buf = evbuffer_new();
	page->json = px_json_out_new();
	page_begin(page);
}

void
px_page_print(struct px_page *page)
{
	size_t len;

	px_json_close(page->json);
	len = evbuffer_get_length(page->buf);
	fwrite(evbuffer_pullup(page->buf, -1), 1, len, stdout);
	putchar('\n');
	evbuffer_drain(page->buf, len);
	page_begin(page);
}

void
px_page_close(struct px_page *page)
{
	px_json_out_free(page->json);
	evbuffer_free(page->buf);
}

void
px_page_bytes(struct px_json_out *json, const void *data, size_t len)
{
	const struct px_piece piece = { data, len };

	if (px_utf8_valid(data, len)) {
		px_json_kv_text(json, "text", data, len);
	} else {
		px_json_key(json, "base64");
		px_json_put_base64(json, &piece, 1);
	}
}

void
px_page_end(struct px_json_out *json, bool exited, const struct px_end *end)
{
	px_page_number(json, "exitCode", exited, end->exit_code);
	px_json_kv_str(json, "signal", exited ? end->signal : NULL);
}

void
px_page_number(struct px_json_out *json, const char *name, bool has, int64_t n)
{
	if (has)
		px_json_kv_int(json, name, n);
	else
		px_json_kv_null(json, name);
}

const char *
px_stream_name(enum px_stream stream)
{
	static const char *const names[PX_STREAM_COUNT] = { "stdout", "stderr", "terminal" };

	return names[stream];
}

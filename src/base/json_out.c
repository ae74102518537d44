#include "base/json_out.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <yajl/yajl_gen.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/utf8.h"

/*
 * Bytes to a chain of the buffer, which with its head is 1 MiB then: what has to be
 * cut into frames is moved by whole chains, the rest copied. A multiple of 3.
 */
enum { BASE64_STEP = 3 * 261120 };

struct px_json_out {
	yajl_gen gen;
	struct evbuffer *buf; /* borrowed */
};

static void
on_print(void *arg, const char *s, size_t len)
{
	struct px_json_out *out = arg;

	if (len > 0 && evbuffer_add(out->buf, s, len) == -1)
		abort();
}

/* yajl_gen fails only when values and names come in an order that makes no JSON. */
static void
must(yajl_gen_status status)
{
	if (status != yajl_gen_status_ok)
		abort();
}

struct px_json_out *
px_json_out_new(void)
{
	struct px_json_out *out = px_new(struct px_json_out);

	out->gen = yajl_gen_alloc(NULL);
	if (out->gen == NULL)
		abort();
	yajl_gen_config(out->gen, yajl_gen_print_callback, on_print, out);
	return out;
}

void
px_json_out_free(struct px_json_out *out)
{
	if (out == NULL)
		return;
	yajl_gen_free(out->gen);
	free(out);
}

void
px_json_out_begin(struct px_json_out *out, struct evbuffer *buf)
{
	yajl_gen_reset(out->gen, NULL);
	out->buf = buf;
}

void
px_json_open(struct px_json_out *out)
{
	must(yajl_gen_map_open(out->gen));
}

void
px_json_close(struct px_json_out *out)
{
	must(yajl_gen_map_close(out->gen));
}

void
px_json_open_array(struct px_json_out *out)
{
	must(yajl_gen_array_open(out->gen));
}

void
px_json_close_array(struct px_json_out *out)
{
	must(yajl_gen_array_close(out->gen));
}

void
px_json_key(struct px_json_out *out, const char *name)
{
	px_json_put_text(out, name, strlen(name));
}

void
px_json_put_null(struct px_json_out *out)
{
	must(yajl_gen_null(out->gen));
}

void
px_json_put_bool(struct px_json_out *out, bool v)
{
	must(yajl_gen_bool(out->gen, v));
}

void
px_json_put_int(struct px_json_out *out, int64_t v)
{
	must(yajl_gen_integer(out->gen, v));
}

void
px_json_put_str(struct px_json_out *out, const char *s)
{
	if (s == NULL)
		px_json_put_null(out);
	else
		px_json_put_text(out, s, strlen(s));
}

/* Every byte that is not part of well-formed UTF-8 becomes U+FFFD. */
static void
put_repaired(struct px_json_out *out, const char *s, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const size_t rlen = sizeof(replacement) - 1;
	char *text = px_realloc_array(NULL, len, rlen);
	size_t used = 0;

	while (len > 0) {
		size_t good = px_utf8_valid_prefix(s, len);

		memcpy(text + used, s, good);
		used += good;
		s += good;
		len -= good;
		if (len > 0) {
			memcpy(text + used, replacement, rlen);
			used += rlen;
			s++;
			len--;
		}
	}
	must(yajl_gen_string(out->gen, (const unsigned char *)text, used));
	free(text);
}

void
px_json_put_text(struct px_json_out *out, const char *s, size_t len)
{
	if (px_utf8_valid(s, len))
		must(yajl_gen_string(out->gen, (const unsigned char *)s, len));
	else
		put_repaired(out, s, len);
}

/* Whatever comes next is a value that is appended to the buffer past yajl_gen. */
static void
begin_value(struct px_json_out *out)
{
	must(yajl_gen_number(out->gen, "", 0));
}

void
px_json_put_raw(struct px_json_out *out, const char *json, size_t len)
{
	begin_value(out);
	on_print(out, json, len);
}

void
px_json_put_buffer(struct px_json_out *out, struct evbuffer *json)
{
	begin_value(out);
	if (evbuffer_add_buffer(out->buf, json) == -1)
		abort();
}

/* Encodes the pieces as one run; up to two bytes wait for the next piece to make three. */
static char *
encode_pieces(const struct px_piece *pieces, size_t n, char *text)
{
	uint8_t pending[3];
	size_t npending = 0;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *data = pieces[i].data;
		size_t len = pieces[i].len, whole;

		while (npending > 0 && npending < 3 && len > 0) {
			pending[npending++] = *data++;
			len--;
		}
		if (npending == 3) {
			px_base64_encode(pending, 3, text);
			text += 4;
			npending = 0;
		}
		if (len == 0)
			continue;
		whole = len - len % 3;
		px_base64_encode(data, whole, text);
		text += px_base64_encoded_len(whole);
		for (; whole < len; whole++)
			pending[npending++] = data[whole];
	}
	px_base64_encode(pending, npending, text);
	return text + px_base64_encoded_len(npending);
}

/* Text of the pieces, in one chain of the buffer; with what opens or closes the value. */
static void
put_encoded(struct px_json_out *out, const char *open, const struct px_piece *pieces, size_t n,
    const char *close)
{
	struct evbuffer_iovec space;
	size_t total = 0;
	char *text;

	for (size_t i = 0; i < n; i++)
		total += pieces[i].len;
	if (evbuffer_reserve_space(
		out->buf, (ev_ssize_t)px_base64_encoded_len(total) + 2, &space, 1) != 1)
		abort();
	text = stpcpy(space.iov_base, open);
	text = encode_pieces(pieces, n, text);
	if (close[0] != '\0')
		*text++ = close[0];
	space.iov_len = (size_t)(text - (char *)space.iov_base);
	if (evbuffer_commit_space(out->buf, &space, 1) == -1)
		abort();
}

void
px_json_put_base64(struct px_json_out *out, const struct px_piece *pieces, size_t n)
{
	const char *open = "\"";
	struct px_piece rest;

	begin_value(out);
	if (n != 1 || pieces->len <= BASE64_STEP) {
		put_encoded(out, open, pieces, n, "\"");
		return;
	}
	for (rest = *pieces; rest.len > BASE64_STEP; open = "") {
		const struct px_piece step = { rest.data, BASE64_STEP };

		put_encoded(out, open, &step, 1, "");
		rest.data = (const char *)rest.data + BASE64_STEP;
		rest.len -= BASE64_STEP;
	}
	put_encoded(out, "", &rest, 1, "\"");
}

void
px_json_kv_null(struct px_json_out *out, const char *name)
{
	px_json_key(out, name);
	px_json_put_null(out);
}

void
px_json_kv_bool(struct px_json_out *out, const char *name, bool v)
{
	px_json_key(out, name);
	px_json_put_bool(out, v);
}

void
px_json_kv_int(struct px_json_out *out, const char *name, int64_t v)
{
	px_json_key(out, name);
	px_json_put_int(out, v);
}

void
px_json_kv_str(struct px_json_out *out, const char *name, const char *s)
{
	px_json_key(out, name);
	px_json_put_str(out, s);
}

void
px_json_kv_text(struct px_json_out *out, const char *name, const char *s, size_t len)
{
	px_json_key(out, name);
	px_json_put_text(out, s, len);
}

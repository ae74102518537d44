#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/utf8.h"
#include "wire/ws_frame.h"

/* What the hot paths are made of, alone in memory: bulk work beside memcpy(3), messages by the
 * piece. */

enum { ROUNDS = 15, BULK = 65536, BULK_TURNS = 400, MESSAGE_TURNS = 20000 };

static unsigned char bytes[BULK], copy[BULK];
static char text[BULK / 3 * 4 + 8];
static volatile int64_t sink; /* keeps the compiler from leaving the work out */

static void
turn_memcpy(void)
{
	memcpy(copy, bytes, BULK);
	sink += copy[BULK / 2];
}

static void
turn_encode(void)
{
	px_base64_encode(bytes, BULK, text);
	sink += text[BULK / 2];
}

static void
turn_decode(void)
{
	sink += px_base64_decode(text, px_base64_encoded_len(BULK), copy);
}

static void
turn_utf8(void)
{
	sink += px_utf8_valid(text, BULK);
}

static void
turn_mask(void)
{
	static const uint8_t key[4] = { 1, 2, 3, 4 };

	px_ws_mask(copy, bytes, BULK, key, 1);
	sink += copy[BULK / 2];
}

static void
measure_bulk(void (*turn)(void), struct bench_series *speed)
{
	int64_t begun = bench_now_ns();

	for (int i = 0; i < BULK_TURNS; i++)
		turn();
	bench_add(speed, (double)BULK * BULK_TURNS / (double)(bench_now_ns() - begun));
}

static void
put_note(struct px_json_out *json, struct evbuffer *buf, size_t len)
{
	const struct px_piece piece = { bytes, len };

	px_json_out_begin(json, buf);
	px_json_open(json);
	px_json_kv_str(json, "method", "process/outputDelta");
	px_json_key(json, "params");
	px_json_open(json);
	px_json_kv_str(json, "sessionId", "session-1");
	px_json_kv_int(json, "seq", 12345);
	px_json_kv_str(json, "stream", "terminal");
	px_json_kv_int(json, "offset", 123456);
	px_json_key(json, "chunk");
	px_json_put_base64(json, &piece, 1);
	px_json_close(json);
	px_json_close(json);
	evbuffer_drain(buf, evbuffer_get_length(buf));
}

static void
measure_note(size_t len, int turns, struct bench_series *cost)
{
	struct px_json_out *json = px_json_out_new();
	struct evbuffer *buf = evbuffer_new();
	int64_t begun = bench_now_ns();

	for (int i = 0; i < turns; i++)
		put_note(json, buf, len);
	bench_add(cost, (double)(bench_now_ns() - begun) / turns);
	evbuffer_free(buf);
	px_json_out_free(json);
}

static void
measure_parse(struct bench_series *cost)
{
	static const char request[] = "{\"id\":3,\"method\":\"process/write\",\"params\":"
				      "{\"sessionId\":\"session-1\",\"chunk\":\"eA==\"}}";
	int64_t begun = bench_now_ns();

	for (int i = 0; i < MESSAGE_TURNS; i++) {
		struct px_json_doc *doc;
		struct px_err err;

		if (px_json_parse(request, sizeof request - 1, &doc, &err) == -1)
			bench_die(err.text);
		px_json_free(doc);
	}
	bench_add(cost, (double)(bench_now_ns() - begun) / MESSAGE_TURNS);
}

int
main(void)
{
	static const struct {
		const char *name;
		void (*turn)(void);
	} bulk[] = {
		{ "memcpy", turn_memcpy },
		{ "px_base64_encode", turn_encode },
		{ "px_base64_decode, of the bytes it makes", turn_decode },
		{ "px_utf8_valid, of ASCII", turn_utf8 },
		{ "px_ws_mask", turn_mask },
	};
	enum { NBULK = sizeof bulk / sizeof bulk[0] };
	struct bench_series speed[NBULK] = { 0 }, parse = { 0 }, small = { 0 }, large = { 0 };

	for (size_t i = 0; i < BULK; i++)
		bytes[i] = (unsigned char)(i * 2654435761U >> 13);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < NBULK; i++)
			measure_bulk(bulk[i].turn, &speed[i]);
		measure_parse(&parse);
		measure_note(1, MESSAGE_TURNS, &small);
		measure_note(BULK, BULK_TURNS, &large);
	}
	bench_title("codecs, 64 KiB at a time: %d rounds in turn", ROUNDS);
	bench_head("speed", "GB/s", "memcpy");
	for (size_t i = 0; i < NBULK; i++)
		bench_line(bulk[i].name, &speed[i], &speed[0]);
	bench_head("messages", "nanoseconds", "parse");
	bench_line("parse of a process/write", &parse, &parse);
	bench_line("outputDelta of one byte", &small, &parse);
	bench_line("outputDelta of 64 KiB", &large, &parse);
	return EXIT_SUCCESS;
}

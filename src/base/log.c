#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

/*
 * A line under construction, at most PIPE_BUF bytes, so that a pipe takes it as
 * a whole or not at all. What is kept back behind LINE_ROOM closes a cut value
 * and the line. No value takes more than VALUE_ROOM, so that a long one does not
 * push the others out.
 */
enum { LINE_ROOM = PIPE_BUF - 16, VALUE_ROOM = 1024, NUMBER_ROOM = 24 };

struct line {
	char bytes[PIPE_BUF];
	size_t len, room;
	bool json;
	bool cut; /* something did not fit into 'room' */
};

static const char *const level_words[] = {
	[PX_LOG_ERROR] = "error",
	[PX_LOG_WARN] = "warn",
	[PX_LOG_INFO] = "info",
	[PX_LOG_DEBUG] = "debug",
};

/* All of it or, once something did not fit, nothing. */
static void
line_put(struct line *line, const char *s, size_t len)
{
	if (line->cut || len > line->room - line->len) {
		line->cut = true;
		return;
	}
	memcpy(line->bytes + line->len, s, len);
	line->len += len;
}

static void
line_puts(struct line *line, const char *s)
{
	line_put(line, s, strlen(s));
}

/* Goes into the room that line_put() keeps back. */
static void
line_close(struct line *line, const char *s)
{
	for (; *s != '\0'; s++)
		line->bytes[line->len++] = *s;
}

static bool
is_plain(const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "._:/@+-";

	return s[0] != '\0' && s[strspn(s, plain)] == '\0';
}

static void
line_put_hex(struct line *line, const char *prefix, unsigned byte)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "%s%02x", prefix, byte);

	line_put(line, text, (size_t)len);
}

/* Printable ASCII stays; every other byte is hexadecimal. */
static void
line_put_text_byte(struct line *line, unsigned char c)
{
	if (c == '"' || c == '\\')
		line_put(line, (char[]){ '\\', (char)c }, 2);
	else if (c >= ' ' && c <= '~')
		line_put(line, (char[]){ (char)c }, 1);
	else
		line_put_hex(line, "\\x", c);
}

/* One character of JSON text from 's'; returns the bytes it took. Controls include C1 and DEL. */
static size_t
line_put_json_char(struct line *line, const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];
	size_t n = 1;

	if (c == '"' || c == '\\') {
		line_put(line, (char[]){ '\\', (char)c }, 2);
	} else if (c < ' ' || c == 0x7f) {
		line_put_hex(line, "\\u00", c);
	} else if (c < 0x80) {
		line_put(line, s, 1);
	} else {
		n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
		if (n > len || !px_utf8_valid(s, n)) {
			line_puts(line, "\\ufffd");
			return 1;
		}
		if (c == 0xc2 && (unsigned char)s[1] < 0xa0)
			line_put_hex(line, "\\u00", (unsigned char)s[1]);
		else
			line_put(line, s, n);
	}
	return n;
}

/* A value that does not fit is cut between two characters and ends in "...". */
static void
line_put_quoted(struct line *line, const char *s)
{
	size_t len = strlen(s), at = 0;

	line_puts(line, "\"");
	if (line->len + VALUE_ROOM < line->room)
		line->room = line->len + VALUE_ROOM;
	while (at < len && !line->cut) {
		if (line->json) {
			at += line_put_json_char(line, s + at, len - at);
		} else {
			line_put_text_byte(line, (unsigned char)s[at]);
			at++;
		}
	}
	line_close(line, line->cut ? "...\"" : "\"");
	line->room = LINE_ROOM;
	line->cut = false;
}

static void
line_put_str(struct line *line, const char *s)
{
	if (!line->json && is_plain(s) && strlen(s) <= line->room - line->len &&
	    strlen(s) <= VALUE_ROOM)
		line_puts(line, s);
	else
		line_put_quoted(line, s);
}

/* A field without room for its name and the beginning of a value is left out. */
static void
line_put_field(struct line *line, const struct px_log_field *f)
{
	char number[NUMBER_ROOM];

	if (line->len > LINE_ROOM || LINE_ROOM - line->len < strlen(f->key) + NUMBER_ROOM + 4)
		return;
	line_puts(line, line->json ? ",\"" : " ");
	line_puts(line, f->key);
	line_puts(line, line->json ? "\":" : "=");
	if (f->type == PX_LOG_INT) {
		snprintf(number, sizeof(number), "%" PRId64, f->i);
		line_puts(line, number);
	} else {
		line_put_str(line, f->s);
	}
}

static void
line_put_time(struct line *line)
{
	int64_t ms = px_wall_ms();
	time_t seconds = (time_t)(ms / 1000);
	char day[24], text[40];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(ms % 1000));
	line_puts(line, text);
}

void
px_log_write(const struct px_log *log, enum px_log_level level, const char *event,
    const struct px_log_field *fields, size_t nfields)
{
	struct line line;
	int saved = errno;
	ssize_t written;

	if (log == NULL || level > log->level)
		return;
	line.len = 0;
	line.room = LINE_ROOM;
	line.json = log->json;
	line.cut = false;
	line_puts(&line, line.json ? "{\"time\":\"" : "");
	line_put_time(&line);
	line_puts(&line, line.json ? "\",\"level\":\"" : " ");
	line_puts(&line, level_words[level]);
	line_puts(&line, line.json ? "\",\"event\":" : " ");
	line_put_str(&line, event);
	for (size_t i = 0; i < nfields; i++)
		if (fields[i].type == PX_LOG_INT || fields[i].s != NULL)
			line_put_field(&line, &fields[i]);
	line_close(&line, line.json ? "}\n" : "\n");
	/* A stream that cannot take it now loses the line: nobody may wait for a log. */
	written = write(log->fd, line.bytes, line.len);
	(void)written;
	errno = saved;
}

int
px_log_level_parse(const char *word)
{
	for (int level = PX_LOG_ERROR; level <= PX_LOG_DEBUG; level++)
		if (strcmp(word, level_words[level]) == 0)
			return level;
	return -1;
}

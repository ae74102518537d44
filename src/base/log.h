#ifndef PX_BASE_LOG_H
#define PX_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * One line per event on 'out' (stderr in the daemon): as text
 *   2026-01-31T12:00:00.123Z info start conn=3 session=a pid=712
 * or as one JSON object with members time, level, event and the fields. Values
 * are escaped: no control byte of a peer reaches a terminal; a text value that
 * is not plain stands in quotes, a very long one is cut. Never given to it:
 * bytes of anyone's input or output, values of environment variables. A line is
 * written with one write call; a stream that cannot take it loses the line and
 * never blocks longer than the stream itself does.
 */
enum px_log_level { PX_LOG_ERROR, PX_LOG_WARN, PX_LOG_INFO, PX_LOG_DEBUG };

struct px_log {
	int fd;
	enum px_log_level level;
	bool json;
};

/* Field constructors; the strings are borrowed for the call. A NULL string leaves the field out. */
struct px_log_field {
	const char *key;
	enum { PX_LOG_STR, PX_LOG_INT } type;
	const char *s;
	int64_t i;
};
#define PX_S(key, value) ((struct px_log_field){ (key), PX_LOG_STR, (value), 0 })
#define PX_I(key, value) ((struct px_log_field){ (key), PX_LOG_INT, NULL, (value) })

/*
 * px_log_event(log, PX_LOG_INFO, "exit", PX_S("session", id), PX_I("status", 3));
 * With NULL for 'log' nothing is written.
 */
#define px_log_event(log, level, event, ...)                                                \
	px_log_write((log), (level), (event), (const struct px_log_field[]){ __VA_ARGS__ }, \
	    sizeof((const struct px_log_field[]){ __VA_ARGS__ }) / sizeof(struct px_log_field))

void px_log_write(const struct px_log *log, enum px_log_level level, const char *event,
    const struct px_log_field *fields, size_t nfields);

/* "error", "warn", "info", "debug" to a level; -1 for anything else. */
int px_log_level_parse(const char *word);

#endif

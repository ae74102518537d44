#include "cli/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"

void
px_human_size(int64_t bytes, char out[PX_HUMAN_SIZE])
{
	static const char units[] = "KMGTPE";
	const char *unit = units;
	int64_t n = bytes;

	if (bytes < 1024) {
		snprintf(out, PX_HUMAN_SIZE, "%" PRId64, bytes);
		return;
	}
	for (; n >= INT64_C(1024) * 1024; n /= 1024)
		unit++;
	if (n < INT64_C(10) * 1024)
		snprintf(out, PX_HUMAN_SIZE, "%" PRId64 ".%" PRId64 "%c", n / 1024,
		    n % 1024 * 10 / 1024, *unit);
	else
		snprintf(out, PX_HUMAN_SIZE, "%" PRId64 "%c", n / 1024, *unit);
}

void
px_human_age(int64_t ms, char out[PX_HUMAN_SIZE])
{
	static const struct {
		int64_t seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	int64_t seconds = ms > 0 ? ms / 1000 : 0;
	size_t i = 0;

	while (units[i].seconds > 1 && seconds < units[i].seconds)
		i++;
	snprintf(out, PX_HUMAN_SIZE, "%" PRId64 "%c", seconds / units[i].seconds, units[i].name);
}

static bool
is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_^";

	return *word != '\0' && word[strspn(word, plain)] == '\0';
}

/* 'to' has room for it. */
static char *
word_put(char *to, const char *word)
{
	if (is_plain(word))
		return stpcpy(to, word);
	*to++ = '\'';
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			to = stpcpy(to, "'\\'");
		*to++ = *word;
	}
	*to++ = '\'';
	return to;
}

char *
px_human_words(const char *const *words)
{
	size_t size = 1;
	char *text, *to;

	for (size_t i = 0; words[i] != NULL; i++)
		size += strlen(words[i]) * 4 + 3;
	to = text = px_alloc(size);
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			*to++ = ' ';
		to = word_put(to, words[i]);
	}
	return text;
}

static bool
is_control(const char *p)
{
	return (unsigned char)*p < ' ' || *p == '\x7f' ||
	       ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0);
}

/* A C1 character is two bytes, and the second is a '?' of its own then. */
void
px_human_harmless(char *text)
{
	size_t len = strlen(text), valid;
	char *p = text;

	while ((valid = px_utf8_valid_prefix(p, len - (size_t)(p - text))), p[valid] != '\0') {
		p[valid] = '?';
		p += valid + 1;
	}
	for (p = text; *p != '\0'; p++)
		if (is_control(p)) {
			if ((unsigned char)*p == 0xc2)
				*p++ = '?';
			*p = '?';
		}
}

bool
px_human_wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') && term != NULL &&
	       *term != '\0' && strcmp(term, "dumb") != 0;
}

size_t
px_human_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

#include "session/denial.h"

#include <signal.h>
#include <string.h>

#include "session/reading.h"
#include "session/session.h"

enum { SIGNALLED = 128, PIECE = 4096, LOOKED_AT = 1024 * 1024 };

static const char *const words[] = { "operation not permitted", "permission denied",
	"read-only file system", "seccomp", "sandbox", "landlock", "failed to write file" };

static bool
has_word(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (memmem(text, len, words[i], strlen(words[i])) != NULL)
			return true;
	return false;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A piece, with what was kept in front of it. */
static void
look(struct px_denial *denial, size_t which, const char *data, size_t len)
{
	char text[PX_DENIAL_KEPT + PIECE];
	size_t kept = denial->end[which].len;

	memcpy(text, denial->end[which].text, kept);
	for (size_t i = 0; i < len; i++)
		text[kept + i] = lower(data[i]);
	len += kept;
	denial->found |= has_word(text, len);
	kept = len < PX_DENIAL_KEPT ? len : PX_DENIAL_KEPT;
	memcpy(denial->end[which].text, text + len - kept, kept);
	denial->end[which].len = kept;
}

void
px_denial_feed(struct px_denial *denial, unsigned stream, const void *data, size_t len)
{
	const char *at = data;

	for (size_t n; len > 0 && !denial->found; at += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		look(denial, stream, at, n);
		look(denial, PX_DENIAL_STREAMS, at, n);
	}
}

bool
px_denial_is_likely(const struct px_denial *denial, int exit_code)
{
	return exit_code != 0 && (denial->found || exit_code == SIGNALLED + SIGSYS);
}

bool
px_denial_of(struct px_session *session, int exit_code)
{
	struct px_denial denial = { .found = false };
	struct px_reading reading;
	struct px_chunk chunk;
	uint64_t total;

	if (exit_code == 0)
		return false;
	px_reading_begin(&reading, session, 0, UINT64_MAX);
	while (px_reading_next(&reading, &chunk)) {
		total = px_transcript_total(px_session_transcript(session), chunk.stream);
		for (int i = 0; i < 2 && total - chunk.offset <= LOOKED_AT; i++)
			px_denial_feed(&denial, chunk.stream, chunk.run[i].data, chunk.run[i].len);
	}
	return px_denial_is_likely(&denial, exit_code);
}

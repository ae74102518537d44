#include "base/trace.h"

#include <string.h>

/* Offsets in 00-<32 hex: trace id>-<16 hex: parent id>-<2 hex: flags>. */
enum { TRACE_ID = 3, PARENT_ID = 36, FLAGS = 53 };

enum { STATE_MEMBERS = 32, STATE_PART = 256 }; /* of the list; of a key or a value */

static bool
is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
			return false;
	return true;
}

static bool
is_id(const char *s, size_t len)
{
	size_t zeros = 0;

	while (zeros < len && s[zeros] == '0')
		zeros++;
	return zeros < len && is_hex(s, len);
}

bool
px_traceparent_valid(const char *s, size_t len)
{
	if (len < PX_TRACEPARENT_LEN)
		return false;
	if (!is_hex(s, 2) || memcmp(s, "ff", 2) == 0)
		return false;
	/* Version 00 ends here; a later one may go on behind another dash. */
	if (len > PX_TRACEPARENT_LEN && (memcmp(s, "00", 2) == 0 || s[PX_TRACEPARENT_LEN] != '-'))
		return false;
	return s[TRACE_ID - 1] == '-' && is_id(s + TRACE_ID, PARENT_ID - 1 - TRACE_ID) &&
	       s[PARENT_ID - 1] == '-' && is_id(s + PARENT_ID, FLAGS - 1 - PARENT_ID) &&
	       s[FLAGS - 1] == '-' && is_hex(s + FLAGS, PX_TRACEPARENT_LEN - FLAGS);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_state_key(const char *s, size_t len)
{
	if (len == 0 || len > STATE_PART || !is_lower_or_digit(s[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_lower_or_digit(s[i]) && (s[i] == '\0' || strchr("_-*/@", s[i]) == NULL))
			return false;
	return true;
}

/* Printable ASCII without ',' and '='; the space that must not be last has been trimmed. */
static bool
is_state_value(const char *s, size_t len)
{
	if (len == 0 || len > STATE_PART)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~' || s[i] == ',' || s[i] == '=')
			return false;
	return true;
}

/* One list member without the white space around it. */
static bool
is_state_member(const char *s, size_t len)
{
	const char *equals = memchr(s, '=', len);
	size_t key_len;

	if (equals == NULL)
		return false;
	key_len = (size_t)(equals - s);
	return is_state_key(s, key_len) && is_state_value(equals + 1, len - key_len - 1);
}

/* Section 3.3: up to 32 members between commas, empty ones allowed, at least one that is not. */
static bool
is_state(const char *s, size_t len)
{
	const char *end = s + len;
	size_t members = 0;

	if (len > PX_TRACESTATE_MAX)
		return false;
	for (const char *next = s; next != NULL; s = next) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma != NULL ? comma : end;

		next = comma != NULL ? comma + 1 : NULL;
		while (s < stop && is_space(s[0]))
			s++;
		while (s < stop && is_space(stop[-1]))
			stop--;
		if (s == stop)
			continue;
		if (++members > STATE_MEMBERS || !is_state_member(s, (size_t)(stop - s)))
			return false;
	}
	return members > 0;
}

void
px_trace_set(struct px_trace *out, const char *parent, size_t parent_len, const char *state,
    size_t state_len)
{
	out->parent[0] = out->state[0] = '\0';
	if (parent == NULL || !px_traceparent_valid(parent, parent_len))
		return;
	/* Section 3.2: what is passed on is of the version that we know. */
	memcpy(out->parent, parent, PX_TRACEPARENT_LEN);
	memcpy(out->parent, "00", 2);
	out->parent[PX_TRACEPARENT_LEN] = '\0';
	if (state == NULL || !is_state(state, state_len))
		return;
	memcpy(out->state, state, state_len);
	out->state[state_len] = '\0';
}

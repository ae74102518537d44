#include "cli/keys.h"

#include <stdio.h>
#include <string.h>

#define CTRL(c) ((c)&0x1f)

static const char paste_begins[] = "\033[200~", paste_ends[] = "\033[201~";

static const struct {
	int key;
	enum px_key_action action;
} commands[] = {
	{ '?', PX_KEY_HELP },
	{ 'r', PX_KEY_REDRAW },
	{ 'k', PX_KEY_KILL },
};

/* ---- notation ---- */

/* One key from the beginning of 'text'; returns its length, 0: it is none. */
static size_t
notation_read(const char *text, unsigned char *out)
{
	static const char ctrl[] = "ctrl-", fine[] = "@[\\]^_";
	size_t skip = sizeof ctrl - 1;

	if (strncmp(text, ctrl, skip) == 0) {
		*out = CTRL((unsigned char)text[skip]);
		if (text[skip] != '\0' &&
		    ((text[skip] >= 'a' && text[skip] <= 'z') || strchr(fine, text[skip]) != NULL))
			return skip + 1;
		return 0;
	}
	*out = (unsigned char)text[0];
	return text[0] > ' ' && text[0] <= '~' && text[0] != ',' ? 1 : 0;
}

int
px_keys_parse(struct px_keys *keys, const char *text)
{
	size_t len;

	*keys = (struct px_keys){ 0 };
	if (strcmp(text, "none") == 0)
		return 0;
	for (;;) {
		if (keys->n == PX_KEYS_MAX ||
		    (len = notation_read(text, &keys->sequence[keys->n])) == 0)
			return -1;
		keys->n++;
		text += len;
		if (*text == '\0')
			return 0;
		if (*text++ != ',')
			return -1;
	}
}

char
px_keys_last(const struct px_keys *keys, bool *out_ctrl)
{
	unsigned char key = keys->sequence[keys->n - 1];

	*out_ctrl = key < ' ';
	return (char)(key < ' ' ? key | '@' : key);
}

void
px_keys_prefix(const struct px_keys *keys, char *out, size_t size)
{
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i + 1 < keys->n && len < size; i++) {
		int key = keys->sequence[i];

		len += (size_t)snprintf(out + len, size - len, "%s%s%c", i > 0 ? " " : "",
		    key < ' ' ? "^" : "", key < ' ' ? key | '@' : key);
	}
}

/* ---- reading ---- */

/* A key, and the bytes that it came as. */
struct typed {
	int key;
	const char *bytes;
	size_t len;
};

/* Up to 'end'; returns how many digits there were. */
static size_t
digits_read(const char *p, const char *end, unsigned *out)
{
	size_t n = 0;

	for (*out = 0; n < 4 && p + n < end && p[n] >= '0' && p[n] <= '9'; n++)
		*out = *out * 10 + (unsigned)(p[n] - '0');
	return n;
}

/* "text" at 'p'; moves on behind it. */
static bool
skip(const char **p, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *p) < len || memcmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

/*
 * Ctrl and another key as xterm's modifyOtherKeys (CSI 27 ; 5 ; CODE ~) and as
 * CSI CODE ; 5 u tell it; 5 is 1 + Ctrl.
 */
static bool
sequence_read(const char *data, size_t len, struct typed *out)
{
	const char *p = data, *end = data + len;
	bool is_other;
	unsigned code;
	size_t digits;

	if (!skip(&p, end, "\033["))
		return false;
	is_other = skip(&p, end, "27;5;");
	digits = digits_read(p, end, &code);
	p += digits;
	if (digits == 0 || !skip(&p, end, is_other ? "~" : ";5u"))
		return false;
	if ((code < '@' || code > '_') && (code < 'a' || code > 'z'))
		return false;
	*out = (struct typed){ .key = CTRL(code), .bytes = data, .len = (size_t)(p - data) };
	return out->len <= PX_KEY_BYTES;
}

static struct typed
typed_read(const char *data, size_t len)
{
	struct typed typed = { .key = (unsigned char)*data, .bytes = data, .len = 1 };

	if (*data == '\033')
		(void)sequence_read(data, len, &typed);
	return typed;
}

/* Each byte that is not typed as a sequence of its own passes here, also what is pasted. */
static void
watch_for_paste(struct px_keys *keys, char byte)
{
	const char *mark = keys->pasting ? paste_ends : paste_begins;

	if (byte != mark[keys->mark])
		keys->mark = 0;
	if (byte == mark[keys->mark] && mark[++keys->mark] == '\0') {
		keys->pasting = !keys->pasting;
		keys->mark = 0;
	}
}

/* ---- matching ---- */

static void
emit(char *out, size_t *out_len, const void *bytes, size_t len)
{
	memcpy(out + *out_len, bytes, len);
	*out_len += len;
}

static size_t
held_bytes(const struct px_keys *keys, size_t nkeys)
{
	size_t len = 0;

	for (size_t i = 0; i < nkeys; i++)
		len += keys->lengths[i];
	return len;
}

/* The first 'n' of the keys that are held are the program's. */
static void
release(struct px_keys *keys, size_t n, char *out, size_t *out_len)
{
	size_t len = held_bytes(keys, n), all = held_bytes(keys, keys->matched);

	emit(out, out_len, keys->held, len);
	memmove(keys->held, keys->held + len, all - len);
	memmove(keys->lengths, keys->lengths + n, (keys->matched - n) * sizeof *keys->lengths);
	keys->matched -= n;
}

/* The next key does not go on with the sequence: how much is there of another beginning of it? */
static size_t
border(const struct px_keys *keys)
{
	size_t len = keys->matched - 1;

	while (memcmp(keys->sequence + keys->matched - len, keys->sequence, len) != 0)
		len--;
	return len;
}

static void
hold(struct px_keys *keys, const struct typed *typed)
{
	memcpy(keys->held + held_bytes(keys, keys->matched), typed->bytes, typed->len);
	keys->lengths[keys->matched++] = typed->len;
}

/* After the prefix: a key for us. */
static enum px_key_action
command_find(const struct px_keys *keys, int key)
{
	if (keys->matched == 0 || keys->matched + 1 != keys->n)
		return PX_KEY_NONE;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (commands[i].key == key)
			return commands[i].action;
	return PX_KEY_NONE;
}

static enum px_key_action
key_take(struct px_keys *keys, const struct typed *typed, char *out, size_t *out_len)
{
	enum px_key_action action;

	for (;;) {
		if (typed->key == keys->sequence[keys->matched]) {
			if (keys->matched + 1 < keys->n) {
				hold(keys, typed);
				return PX_KEY_NONE;
			}
			keys->matched = 0;
			return PX_KEY_DETACH;
		}
		if ((action = command_find(keys, typed->key)) != PX_KEY_NONE) {
			keys->matched = 0;
			return action;
		}
		/* The prefix twice is the prefix once, for the program. */
		if (keys->matched == 1 && keys->n == 2 && typed->key == keys->sequence[0])
			keys->matched = 0;
		if (keys->matched == 0) {
			emit(out, out_len, typed->bytes, typed->len);
			return PX_KEY_NONE;
		}
		release(keys, keys->matched - border(keys), out, out_len);
	}
}

/* ---- all of it ---- */

enum px_key_action
px_keys_take(struct px_keys *keys, const char **data, size_t *len, char *out, size_t *out_len)
{
	enum px_key_action action = PX_KEY_NONE;

	if (keys->n == 0 && *len > 0) {
		emit(out, out_len, *data, *len);
		*data += *len;
		*len = 0;
	}
	while (*len > 0 && action == PX_KEY_NONE) {
		struct typed typed = typed_read(*data, *len);
		bool pasted = keys->pasting;

		if (typed.len == 1 || pasted) {
			typed = (struct typed){ (unsigned char)**data, *data, 1 };
			watch_for_paste(keys, **data);
			pasted = pasted || keys->pasting;
		}
		*data += typed.len;
		*len -= typed.len;
		if (pasted) {
			px_keys_end(keys, out, out_len);
			emit(out, out_len, typed.bytes, typed.len);
		} else {
			action = key_take(keys, &typed, out, out_len);
		}
	}
	return action;
}

void
px_keys_end(struct px_keys *keys, char *out, size_t *out_len)
{
	release(keys, keys->matched, out, out_len);
}

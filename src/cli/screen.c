#include "cli/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

enum { BEL = 7, ENQ = 5, CAN = 0x18, SUB = 0x1a, ESC = 0x1b };

/* ---- modes ---- */

/* DEC private modes that would be in the way of whatever comes next, and how to leave them. */
static const struct {
	int number;
	bool usual;
} modes[] = {
	{ 1, false }, /* cursor keys send other codes */
	{ 5, false }, /* reverse video */
	{ 6, false }, /* positions count within the scrolling region */
	{ 7, true },  /* lines wrap */
	{ 9, false }, { 1000, false }, { 1002, false }, { 1003, false }, /* the mouse is reported */
	{ 1004, false },                                                 /* so is the focus */
	{ 1005, false }, { 1006, false }, { 1015, false }, { 1016, false }, /* how the mouse is */
	{ 2004, false },                                 /* pasted text is marked */
	{ 2026, false },                                 /* nothing is drawn for now */
	{ 2048, false },                                 /* sizes are reported */
	{ 25, true },                                    /* the cursor shows */
	{ 47, false }, { 1047, false }, { 1049, false }, /* another screen: left last of all */
};

enum { NMODES = sizeof modes / sizeof modes[0] };

static void
mode_set(struct px_screen *screen, long number, bool on)
{
	for (size_t i = 0; i < NMODES; i++) {
		if (modes[i].number != number)
			continue;
		if (on == modes[i].usual)
			screen->marks.modes &= ~(UINT32_C(1) << i);
		else
			screen->marks.modes |= UINT32_C(1) << i;
	}
}

/* CSI ? N ; N ... h or l */
static void
modes_set(struct px_screen *screen, const char *params, bool on)
{
	char *end;

	for (const char *p = params;; p = end + 1) {
		mode_set(screen, strtol(p, &end, 10), on);
		if (*end != ';')
			return;
	}
}

/* ---- sequences ---- */

/* A control sequence, ESC [ to its final byte, NUL-terminated. */
static void
csi_obey(struct px_screen *screen)
{
	const char *params = screen->sequence + 2;
	char last = screen->sequence[screen->len - 1], before = screen->sequence[screen->len - 2];
	bool is_private = *params == '?';

	if ((last == 'h' || last == 'l') && is_private)
		modes_set(screen, params + 1, last == 'h');
	else if (last == 'r' && *params != '?' && before != '$')
		screen->marks.region = *params != 'r';
	else if (last == 'q' && before == ' ')
		screen->marks.cursor = screen->len > 4 && *params != '0';
	else if (last == 'm' && *params == '>')
		screen->marks.keys = true;
	else if (last == 'u' && *params == '>')
		screen->marks.keyboards++;
	else if (last == 'u' && *params == '<' && screen->marks.keyboards > 0)
		screen->marks.keyboards--;
}

static void
escape_obey(struct px_screen *screen)
{
	switch (screen->sequence[1]) {
	case '=':
	case '>':
		screen->marks.keypad = screen->sequence[1] == '=';
		break;
	case '(':
		screen->marks.charset = screen->sequence[2] != 'B';
		break;
	case 'c': /* the terminal starts anew */
		screen->marks = (struct px_screen_marks){ 0 };
		break;
	}
}

static bool
csi_asks(const char *params, char before, char last)
{
	static const int reports[] = { 11, 13, 14, 15, 16, 18, 19, 20, 21 };

	switch (last) {
	case 'c':
	case 'n':
	case 'i': /* prints on paper */
		return true;
	case 'p':
	case 'w':
		return before == '$';
	case 'q':
		return *params == '>';
	case 'u':
		return *params == '?';
	case 'x':
		return before != '$';
	case 'y':
		return before == '*';
	case 't':
		for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++)
			if (strtol(params, NULL, 10) == reports[i])
				return true;
		return false;
	default:
		return false;
	}
}

/* OSC N ; ...: questions, the clipboard, notifications. DCS: settings and capabilities asked for.
 */
static bool
string_asks(const char *text)
{
	long number = strtol(text + 2, NULL, 10);

	if (text[1] == 'P')
		return strncmp(text + 2, "$q", 2) == 0 || strncmp(text + 2, "+q", 2) == 0;
	if (text[1] != ']')
		return false;
	return number == 9 || number == 52 || number == 99 || number == 777 ||
	       strstr(text, ";?") != NULL;
}

/* Of a complete sequence: does it belong to its moment? */
static bool
sequence_asks(const struct px_screen *screen)
{
	const char *text = screen->sequence;

	switch (screen->state) {
	case PX_SCREEN_CSI:
		return csi_asks(text + 2, text[screen->len - 2], text[screen->len - 1]);
	case PX_SCREEN_STRING:
		return string_asks(text);
	case PX_SCREEN_ESCAPE:
		return text[1] == 'Z';
	case PX_SCREEN_GROUND:
		break;
	}
	return false;
}

/* ---- bytes ---- */

struct copy {
	char *out;
	size_t len;
	bool old;
};

static void
show(struct px_screen *screen, struct copy *copy)
{
	memcpy(copy->out + copy->len, screen->sequence + screen->len - screen->unshown,
	    screen->unshown);
	copy->len += screen->unshown;
	screen->unshown = 0;
}

/* A sequence is complete, or is given up. */
static void
sequence_end(struct px_screen *screen, struct copy *copy, bool complete)
{
	bool drop;

	screen->sequence[screen->len] = '\0';
	complete = complete && screen->len + 1 < sizeof screen->sequence;
	drop = copy->old && complete && sequence_asks(screen);
	if (complete && screen->state == PX_SCREEN_CSI)
		csi_obey(screen);
	else if (complete && screen->state == PX_SCREEN_ESCAPE)
		escape_obey(screen);
	if (drop)
		screen->unshown = 0;
	show(screen, copy);
	screen->state = PX_SCREEN_GROUND;
	screen->len = 0;
}

static void
sequence_begin(struct px_screen *screen)
{
	screen->state = PX_SCREEN_ESCAPE;
	screen->sequence[0] = ESC;
	screen->len = screen->unshown = 1;
	screen->escaped = false;
	screen->touched = true;
}

/* What is too long is a string with text in it, an image perhaps: shown as it comes. */
static void
sequence_add(struct px_screen *screen, struct copy *copy, char c)
{
	if (screen->len + 1 < sizeof screen->sequence) {
		screen->sequence[screen->len++] = c;
		screen->unshown++;
		return;
	}
	show(screen, copy);
	copy->out[copy->len++] = c;
}

static void
on_escape(struct px_screen *screen, struct copy *copy, char c)
{
	sequence_add(screen, copy, c);
	if (screen->len > 2 || strchr(" #%()*+-./", c) == NULL) {
		if (screen->len == 2 && c == '[')
			screen->state = PX_SCREEN_CSI;
		else if (screen->len == 2 && strchr("]PX^_", c) != NULL)
			screen->state = PX_SCREEN_STRING;
		else
			sequence_end(screen, copy, c >= '0' && c <= '~');
	}
}

static void
on_string(struct px_screen *screen, struct copy *copy, char c)
{
	sequence_add(screen, copy, c);
	if (c == BEL || (screen->escaped && c == '\\'))
		sequence_end(screen, copy, true);
	else if (screen->escaped)
		sequence_end(screen, copy, false);
	else
		screen->escaped = c == ESC;
}

static void
on_byte(struct px_screen *screen, struct copy *copy, char c)
{
	bool restarts = c == ESC && screen->state != PX_SCREEN_STRING;

	if (screen->state == PX_SCREEN_GROUND && !restarts) {
		if (!copy->old || (c != BEL && c != ENQ))
			copy->out[copy->len++] = c;
	} else if (restarts) {
		sequence_end(screen, copy, false);
		sequence_begin(screen);
	} else if (c == CAN || c == SUB) {
		sequence_add(screen, copy, c);
		sequence_end(screen, copy, false);
	} else if (screen->state == PX_SCREEN_STRING) {
		on_string(screen, copy, c);
	} else if ((unsigned char)c < ' ') {
		/* It acts at once, in the middle of the sequence: so it may as well come before. */
		if (!copy->old)
			show(screen, copy);
		copy->out[copy->len++] = c;
	} else if (screen->state == PX_SCREEN_ESCAPE) {
		on_escape(screen, copy, c);
	} else {
		sequence_add(screen, copy, c);
		if (c >= '@' && c <= '~')
			sequence_end(screen, copy, true);
	}
}

size_t
px_screen_pass(struct px_screen *screen, bool old, const char *data, size_t len, char *out)
{
	struct copy copy = { .out = out, .old = old };
	const char *end = data + len, *next;

	while (data < end) {
		if (screen->state == PX_SCREEN_GROUND && !old) {
			next = memchr(data, ESC, (size_t)(end - data));
			next = next != NULL ? next : end;
			memcpy(out + copy.len, data, (size_t)(next - data));
			copy.len += (size_t)(next - data);
			data = next;
		}
		if (data < end)
			on_byte(screen, &copy, *data++);
	}
	if (!old)
		show(screen, &copy);
	return copy.len;
}

/* ---- leaving and coming back ---- */

/* The modes that are not as usual, made so or unmade. */
static void
modes_put(const struct px_screen *screen, bool unmake, char out[PX_SCREEN_UNDO])
{
	char text[32];

	for (size_t i = 0; i < NMODES; i++)
		if ((screen->marks.modes & UINT32_C(1) << i) != 0) {
			snprintf(text, sizeof text, "\033[?%d%c", modes[i].number,
			    modes[i].usual == unmake ? 'h' : 'l');
			strlcat(out, text, PX_SCREEN_UNDO);
		}
}

void
px_screen_undo(const struct px_screen *screen, char out[PX_SCREEN_UNDO])
{
	const struct px_screen_marks *marks = &screen->marks;
	char text[32];

	*out = '\0';
	if (!screen->touched)
		return;
	/* CAN ends a sequence that was cut off. */
	strlcat(out, screen->state != PX_SCREEN_GROUND ? "\030" : "", PX_SCREEN_UNDO);
	strlcat(out, marks->region ? "\0337\033[r\0338" : "", PX_SCREEN_UNDO);
	strlcat(out, marks->keypad ? "\033>" : "", PX_SCREEN_UNDO);
	strlcat(out, marks->charset ? "\033(B" : "", PX_SCREEN_UNDO);
	strlcat(out, marks->cursor ? "\033[0 q" : "", PX_SCREEN_UNDO);
	strlcat(out, marks->keys ? "\033[>4m" : "", PX_SCREEN_UNDO);
	if (marks->keyboards > 0) {
		snprintf(text, sizeof text, "\033[<%uu", marks->keyboards);
		strlcat(out, text, PX_SCREEN_UNDO);
	}
	strlcat(out, "\033[m", PX_SCREEN_UNDO);
	modes_put(screen, true, out);
}

void
px_screen_redo(const struct px_screen *screen, char out[PX_SCREEN_UNDO])
{
	*out = '\0';
	modes_put(screen, false, out);
	strlcat(out, screen->marks.keypad ? "\033=" : "", PX_SCREEN_UNDO);
}

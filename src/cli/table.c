#include "cli/table.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/human.h"

enum { GAP = 2 };

struct cell {
	char *text;
	size_t width; /* in characters; each is taken to be one column wide */
	enum px_colour colour;
};

struct px_table {
	const struct px_column *columns;
	size_t ncolumns;
	struct cell *cells;
	size_t n, room;
};

static const char *const colours[] = {
	[PX_COLOUR_STRONG] = "\x1b[1m",
	[PX_COLOUR_GOOD] = "\x1b[32m",
	[PX_COLOUR_BAD] = "\x1b[31m",
};

/* ---- text ---- */

static bool
is_first_byte(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* What a terminal would obey (ISO 6429: C0, DEL, and C1 in UTF-8) or could not read. */
static void
make_harmless(char *text)
{
	size_t len = strlen(text), valid;

	for (char *p = text;
	     (valid = px_utf8_valid_prefix(p, len - (size_t)(p - text))), p[valid] != '\0';
	     p += valid + 1)
		p[valid] = '?';
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			*p = '?';
		else if ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0)
			p[1] = (char)0xbf; /* an upside-down question mark */
}

static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += is_first_byte(*text);
	return n;
}

/* The bytes of the first 'width' characters. */
static size_t
bytes_of(const char *text, size_t width)
{
	size_t i = 0;

	for (; text[i] != '\0'; i++)
		if (is_first_byte(text[i]) && width-- == 0)
			break;
	return i;
}

/* ---- the table ---- */

struct px_table *
px_table_new(const struct px_column *columns, size_t ncolumns)
{
	struct px_table *table = px_new(struct px_table);

	table->columns = columns;
	table->ncolumns = ncolumns;
	for (size_t i = 0; i < ncolumns; i++)
		px_table_put(table, PX_COLOUR_STRONG, columns[i].name);
	return table;
}

void
px_table_free(struct px_table *table)
{
	if (table == NULL)
		return;
	while (table->n > 0)
		free(table->cells[--table->n].text);
	free(table->cells);
	free(table);
}

void
px_table_put(struct px_table *table, enum px_colour colour, const char *text)
{
	struct cell *cell;

	if (table->n == table->room) {
		table->room = 2 * table->room + table->ncolumns;
		table->cells = px_realloc_array(table->cells, table->room, sizeof *table->cells);
	}
	cell = &table->cells[table->n++];
	cell->text = px_strdup(text);
	cell->colour = colour;
	make_harmless(cell->text);
	cell->width = width_of(cell->text);
}

/* ---- printing ---- */

static size_t
column_width(const struct px_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->n; i += table->ncolumns)
		if (table->cells[i].width > width)
			width = table->cells[i].width;
	return width;
}

/* The cell in its column of 'width'; 'room' is what is left of the line, and becomes less. */
static void
cell_print(
    const struct cell *cell, size_t width, bool right, bool last, bool coloured, size_t *room)
{
	size_t shown = cell->width < *room ? cell->width : *room;
	size_t pad = (width < *room ? width : *room) - shown;
	const char *colour = coloured ? colours[cell->colour] : NULL;

	printf("%*s%s%.*s%s", right ? (int)pad : 0, "", colour != NULL ? colour : "",
	    (int)bytes_of(cell->text, shown), cell->text, colour != NULL ? "\x1b[0m" : "");
	if (last)
		return;
	*room -= shown + pad;
	pad = (right ? 0 : pad) + (GAP < *room ? GAP : *room);
	*room -= GAP < *room ? GAP : *room;
	printf("%*s", (int)pad, "");
}

void
px_table_print(const struct px_table *table)
{
	size_t *widths = px_alloc(table->ncolumns * sizeof *widths);
	size_t screen = px_human_width(), room = 0, column;
	bool coloured = px_human_wants_colour();

	for (column = 0; column < table->ncolumns; column++)
		widths[column] = column_width(table, column);
	for (size_t i = 0; i < table->n; i++) {
		bool last = (column = i % table->ncolumns) == table->ncolumns - 1;

		if (column == 0)
			room = screen > 0 ? screen : SIZE_MAX;
		cell_print(&table->cells[i], widths[column], table->columns[column].right, last,
		    coloured, &room);
		if (last)
			putchar('\n');
	}
	free(widths);
}

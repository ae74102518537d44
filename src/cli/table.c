#include "cli/table.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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
	px_human_harmless(cell->text);
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

/* As many of 'width' spaces as there is room for on the line. */
static void
spaces_print(size_t width, size_t *room)
{
	size_t n = width < *room ? width : *room;

	printf("%*s", (int)n, "");
	*room -= n;
}

static void
text_print(const struct cell *cell, bool coloured, size_t *room)
{
	size_t n = cell->width < *room ? cell->width : *room;
	const char *colour = coloured ? colours[cell->colour] : NULL;

	printf("%s%.*s%s", colour != NULL ? colour : "", (int)bytes_of(cell->text, n), cell->text,
	    colour != NULL ? "\x1b[0m" : "");
	*room -= n;
}

static void
row_print(const struct px_table *table, const struct cell *cells, const size_t *widths,
    size_t screen, bool coloured)
{
	size_t room = screen > 0 ? screen : SIZE_MAX;

	for (size_t i = 0; i < table->ncolumns; i++) {
		size_t pad = widths[i] - cells[i].width;
		bool right = table->columns[i].right, last = i == table->ncolumns - 1;

		spaces_print(i > 0 ? GAP : 0, &room);
		spaces_print(right ? pad : 0, &room);
		text_print(&cells[i], coloured, &room);
		spaces_print(right || last ? 0 : pad, &room);
	}
	putchar('\n');
}

void
px_table_print(const struct px_table *table)
{
	size_t *widths = px_alloc(table->ncolumns * sizeof *widths), screen = px_human_width();
	bool coloured = px_human_wants_colour();

	for (size_t column = 0; column < table->ncolumns; column++)
		widths[column] = column_width(table, column);
	for (size_t i = 0; i < table->n; i += table->ncolumns)
		row_print(table, &table->cells[i], widths, screen, coloured);
	free(widths);
}

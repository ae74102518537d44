#ifndef PX_CLI_TABLE_H
#define PX_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Rows of cells in columns as wide as they must be. Control characters are shown
 * as '?'. On a terminal, lines are cut where it ends.
 */
struct px_table;

enum px_colour { PX_COLOUR_NONE, PX_COLOUR_STRONG, PX_COLOUR_GOOD, PX_COLOUR_BAD };

struct px_column {
	const char *name;
	bool right; /* aligned to the right */
};

struct px_table *px_table_new(const struct px_column *columns, size_t ncolumns); /* borrowed */
void px_table_free(struct px_table *table);                                      /* takes NULL */

/* The next cell, row by row; 'text' is copied. */
void px_table_put(struct px_table *table, enum px_colour colour, const char *text);

/* On standard output, with a line of the columns' names above. */
void px_table_print(const struct px_table *table);

#endif

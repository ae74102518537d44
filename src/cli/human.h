#ifndef PX_CLI_HUMAN_H
#define PX_CLI_HUMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How things are told to a person. */

enum { PX_HUMAN_SIZE = 24 };

/* "512", "1.2M", "34G": powers of 1024. */
void px_human_size(int64_t bytes, char out[PX_HUMAN_SIZE]);

/* "3s", "12m", "5h", "2d". */
void px_human_age(int64_t ms, char out[PX_HUMAN_SIZE]);

/* Words as a shell would take them: "sh -c 'a b'". The caller frees it. */
char *px_human_words(const char *const *words);

/* Makes '?' of what a terminal would obey (ISO 6429: C0, DEL, C1) and of what is no UTF-8. */
void px_human_harmless(char *text);

/* Is this standard output for eyes, and do they want colours (no-color.org)? */
bool px_human_wants_colour(void);

/* The columns of the terminal that standard output is; 0: it is none. */
size_t px_human_width(void);

#endif

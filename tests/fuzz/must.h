#ifndef MUST_H
#define MUST_H

#include <stdio.h>
#include <stdlib.h>

/* What holds whatever the input is. It is no assertion that a build could leave out. */
#define MUST(cond)                                                                 \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                   \
		}                                                                  \
	} while (0)

#endif

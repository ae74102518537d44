#ifndef PX_TREE_MARK_H
#define PX_TREE_MARK_H

#include <stdbool.h>

#include "tree/tree.h"

/*
 * A mark, from the top: bit 63 clear and bit 62 set, which no sane limit has and
 * which keeps it apart from RLIM_INFINITY; the manager's nonce; group; serial.
 */
enum { PX_MARK_NONCE_BITS = 18 };

/* Of its manager: PX_MARK_NONCE_BITS. */
uint32_t px_mark_nonce(px_mark mark);

/* Is this number a mark of any manager at all? */
bool px_mark_valid(px_mark mark);

/*
 * Do two numbers agree in 'mask'? They must be marks of one and the same manager, whatever the mask
 * says.
 */
bool px_mark_match(px_mark a, px_mark b, px_mark mask);

#endif

#ifndef PX_TREE_NONCE_H
#define PX_TREE_NONCE_H

#include <stdint.h>

#include "tree/tree.h"

/*
 * Whose marks are whose: a nonce belongs to one manager of the machine at a time,
 * for two that had the same would end each other's processes. Whoever has it has
 * bound a socket to its name in the abstract namespace (unix(7)), of which the
 * kernel lets go when the descriptor is closed or its process has died. Managers
 * of different network namespaces do not see each other's names.
 */

/* Takes the nonce of 'mark'. The descriptor to close when it is needed no longer; -1 with errno,
 * EADDRINUSE: it is somebody's. */
int px_nonce_claim(px_mark mark);

/*
 * Takes one that is nobody's. The descriptor, or -1 where no socket can be had or
 * all that were tried are taken: 'out_nonce' is then a random one, which with 18
 * bits is most likely nobody else's.
 */
int px_nonce_take(uint32_t *out_nonce);

#endif

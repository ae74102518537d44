#ifndef PX_SANDBOX_BWRAP_H
#define PX_SANDBOX_BWRAP_H

#include <stddef.h>

struct px_view;

/*
 * The arguments, each with its NUL, with which bubblewrap makes a sandbox of this
 * view (bwrap(1)): '*out' is to be freed. In it: namespaces of its own for users,
 * processes, IPC and the host's name, and for the network unless the view has it; no
 * capability; /proc of its own, and a /dev of a few devices unless all of "/" may be
 * written. It ends with who has started it. Pure.
 */
void px_bwrap_args(const struct px_view *view, char **out, size_t *out_len);

#endif

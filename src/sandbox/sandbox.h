#ifndef PX_SANDBOX_SANDBOX_H
#define PX_SANDBOX_SANDBOX_H

#include "base/err.h"

struct px_cage;
struct px_policy;

/*
 * The making of sandboxes: where bubblewrap and ptyexec-enter are, and the
 * directories that sandboxes in use need (sandbox/stand_in.h). One thread; outlives
 * every cage it has made.
 */
struct px_sandbox;

/*
 * 'bwrap' is bubblewrap's path; it is looked for in PATH when it has no slash, and
 * NULL is "bwrap". Never fails: what is not there is said when a sandbox is asked
 * for.
 */
struct px_sandbox *px_sandbox_new(const char *bwrap);
void px_sandbox_free(struct px_sandbox *sandbox); /* takes NULL */

/*
 * A cage for one process under this policy, for its px_spec; NULL with 0 when the
 * policy allows everything. PX_E_FORBIDDEN: 'sandbox' is NULL, there is no
 * bubblewrap, or what px_view_make() says.
 */
int px_sandbox_cage(struct px_sandbox *sandbox, const struct px_policy *policy,
    struct px_cage **out, struct px_err *err);

#endif

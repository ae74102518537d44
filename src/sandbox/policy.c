#include "sandbox/policy.h"

#include <stdlib.h>

#include "base/mem.h"

int
px_policy_add(
    struct px_policy *policy, const char *path, enum px_fs_access access, struct px_err *err)
{
	if (policy->count == PX_POLICY_MAX)
		return px_fail(
		    err, PX_E_LIMIT, "a sandbox has more than %d entries", PX_POLICY_MAX);
	if (policy->count == policy->room) {
		policy->room = policy->room == 0 ? 16 : policy->room * 2;
		policy->list = px_realloc_array(policy->list, policy->room, sizeof *policy->list);
	}
	policy->list[policy->count].path = px_strdup(path);
	policy->list[policy->count++].access = access;
	return 0;
}

void
px_policy_done(struct px_policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		free(policy->list[i].path);
	free(policy->list);
	*policy = (struct px_policy){ 0 };
}

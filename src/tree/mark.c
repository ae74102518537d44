#include "tree/mark.h"

#include <errno.h>
#include <sys/resource.h>

enum {
	MARK_GROUP_SHIFT = PX_MARK_SERIAL_BITS,
	MARK_NONCE_SHIFT = MARK_GROUP_SHIFT + PX_MARK_GROUP_BITS,
	MARK_TAG_SHIFT = MARK_NONCE_SHIFT + PX_MARK_NONCE_BITS,
};

_Static_assert(MARK_TAG_SHIFT == 62, "the tag takes the two highest bits");
_Static_assert(sizeof(rlim_t) == sizeof(px_mark), "a limit holds a mark");

static uint64_t
mark_field(uint32_t value, unsigned bits, unsigned shift)
{
	return ((uint64_t)value & (((uint64_t)1 << bits) - 1)) << shift;
}

px_mark
px_mark_make(uint32_t nonce, uint32_t group, uint32_t serial)
{
	return (uint64_t)1 << MARK_TAG_SHIFT |
	       mark_field(nonce, PX_MARK_NONCE_BITS, MARK_NONCE_SHIFT) |
	       mark_field(group, PX_MARK_GROUP_BITS, MARK_GROUP_SHIFT) |
	       mark_field(serial, PX_MARK_SERIAL_BITS, 0);
}

uint32_t
px_mark_nonce(px_mark mark)
{
	return (uint32_t)(mark >> MARK_NONCE_SHIFT) & (((uint32_t)1 << PX_MARK_NONCE_BITS) - 1);
}

bool
px_mark_valid(px_mark mark)
{
	return mark >> MARK_TAG_SHIFT == 1;
}

bool
px_mark_match(px_mark a, px_mark b, px_mark mask)
{
	mask |= UINT64_MAX << MARK_NONCE_SHIFT;
	return px_mark_valid(a) && ((a ^ b) & mask) == 0;
}

/*
 * The hard limit stays as it is: once lowered, only a privileged process may raise it, and a nested
 * manager sets marks of its own.
 */
int
px_mark_set(px_mark mark)
{
	struct rlimit limit;

	if (!px_mark_valid(mark)) {
		errno = EINVAL;
		return -1;
	}
	if (getrlimit(RLIMIT_RTTIME, &limit) == -1)
		return -1;
	limit.rlim_cur = mark;
	return setrlimit(RLIMIT_RTTIME, &limit); /* EINVAL when the hard limit is lower */
}

#ifndef PX_PROC_FOOTING_H
#define PX_PROC_FOOTING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What lies at a path that a sandbox is made of. Between the look at it and its
 * mounting, another program could exchange it for a link to somewhere else; so
 * ptyexec-enter looks again, at what has been mounted. System calls only.
 */
struct px_footing {
	uint64_t dev, ino;
	uint32_t mounted; /* it is the root of a mount, not a part of one */
	uint32_t
	    covered; /* something else was put over it on purpose: 'dev' and 'ino' do not matter */
};

/* 0, or the errno: ELOOP when there is a symbolic link in the path. */
int px_footing_find(const char *path, struct px_footing *out);

/* 0: it is mounted there; ESTALE: it is not, or that cannot be seen. */
int px_footing_check(const char *path, const struct px_footing *expected);

#endif

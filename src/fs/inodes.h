#ifndef PX_FS_INODES_H
#define PX_FS_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* A set of files, by what a stat says that they are. Zeroed is empty; one thread at a time. */
struct px_inode {
	dev_t dev;
	ino_t ino;
	bool used;
};

struct px_inodes {
	struct px_inode *slots;
	size_t count, size; /* 'size': a power of 2 */
};

/* 1: it is new. 0: it was there. -1: out of memory. */
int px_inodes_add(struct px_inodes *inodes, const struct stat *st);
void px_inodes_done(struct px_inodes *inodes);

#endif

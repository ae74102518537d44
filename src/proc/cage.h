#ifndef PX_PROC_CAGE_H
#define PX_PROC_CAGE_H

#include <stddef.h>

struct px_footing;

/*
 * How a program is started in a sandbox: bubblewrap (bwrap(1)) makes it and runs
 * ptyexec-enter there, which becomes the program. Who makes a cage decides what
 * it holds; here it is only used.
 */
struct px_cage {
	char *bwrap; /* path */
	int enter;   /* ptyexec-enter, open; borrowed */
	char *args;  /* bubblewrap's arguments, each with its NUL */
	size_t args_len;
	char **paths; /* what it is mounted on, NULL-terminated, and what is there */
	struct px_footing *footings;
	const void *filter; /* for PX_ENTER_FILTER; static */
	size_t filter_len;
	void (*ended)(void *arg); /* nothing lives in it any more; NULL: nobody wants to know */
	void *arg;
};

/* Tells 'ended' and frees it. Takes NULL. */
void px_cage_free(struct px_cage *cage);

#endif

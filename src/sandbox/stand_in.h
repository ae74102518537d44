#ifndef PX_SANDBOX_STAND_IN_H
#define PX_SANDBOX_STAND_IN_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Directories that stand for what must not come to be: a mount needs something to
 * be mounted on, so an empty directory that nobody may write is made where nothing
 * is, and goes when the last who needs it does, of this and of other processes (each
 * holds a shared lock on it, flock(2)). One that a killed process has left behind is
 * known by being empty and by its mode, which is like no other's, and goes the same
 * way. One thread.
 */
struct px_stand_ins;

/* Does what is there look like one? Any thread. */
bool px_stand_in_is(const char *path);

struct px_stand_ins *px_stand_ins_new(void);
void px_stand_ins_free(struct px_stand_ins *all); /* gives up what is still held. Takes NULL */

enum px_stand_in {
	PX_STAND_IN_OTHER, /* something else is there */
	PX_STAND_IN_HELD,  /* 'path' is one, and is held until px_stand_in_drop() */
	PX_STAND_IN_NEVER  /* nothing is there, and nobody of this user can make anything */
};

/* An enum px_stand_in, having made one if nothing was there; or -1. */
int px_stand_in_hold(struct px_stand_ins *all, const char *path, struct px_err *err);

/* The same, but makes none: PX_STAND_IN_OTHER if nothing is there. */
int px_stand_in_hold_found(struct px_stand_ins *all, const char *path, struct px_err *err);

void px_stand_in_drop(struct px_stand_ins *all, const char *path);

#endif

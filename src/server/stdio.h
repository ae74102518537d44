#ifndef PX_SERVER_STDIO_H
#define PX_SERVER_STDIO_H

/*
 * Standard input and output as a connection. They may be shared with whoever
 * started us, as a terminal is: their flags are put back. What goes on without that
 * connection has /dev/null in their place, so that the peer sees its end.
 */
struct px_stdio {
	int in_flags, out_flags; /* as they were found; -1: not changed */
};

void px_stdio_take(struct px_stdio *stdio); /* neither blocks from now on */
void px_stdio_give_back(void *arg);         /* a struct px_stdio: the connection is over */

#endif

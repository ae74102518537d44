#ifndef PX_SANDBOX_FILTER_H
#define PX_SANDBOX_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The system calls that are refused in a sandbox (EPERM), as a program for
 * seccomp(2); '*out_len' in bytes; static. Always: the kernel's key rings, which no
 * namespace separates, and terminal input for others (TIOCSTI, TIOCLINUX). Without the
 * network: every socket but connected pairs and streams of AF_UNIX, and the calls
 * that would reach somebody with one, since a socket in the file system is not
 * behind the network's namespace. A program of another architecture is killed.
 * NULL: this machine's architecture is not known here.
 */
const void *px_filter(bool network, size_t *out_len);

#endif

#ifndef PX_FS_URI_H
#define PX_FS_URI_H

#include <limits.h>
#include <stddef.h>

#include "base/err.h"

/*
 * file: URIs (RFC 8089) and absolute paths. Pure: nothing is looked up. A path
 * here is bytes without NUL that begins with a slash, as the kernel takes it,
 * and need not be UTF-8.
 */

/* Room for the URI of every path shorter than PATH_MAX, with its NUL. */
enum { PX_URI_MAX = 8 + 3 * PATH_MAX };

/*
 * The path of "file:///a%20b", percent-encoding undone once, into 'out' of
 * PATH_MAX bytes. "." and ".." are resolved by their names alone, repeated and
 * trailing slashes left out, as a URL's are (WHATWG URL, "path state"); so the
 * result is normal, and equal for equal URIs. The host may be empty or
 * "localhost". A bare '?', '#' or '\' is refused, since others read it
 * differently, and so is %2F: no name holds a slash.
 * 'uri' may hold anything, NUL included. PX_E_PARAMS: says what is wrong.
 */
int px_uri_to_path(const char *uri, size_t len, char out[PATH_MAX], struct px_err *err);

/*
 * The URI of an absolute path into 'out' of 'size' bytes: everything but
 * letters, digits, and those of !$&'()*+,-./:;=@[]^_|~ is written as %XX.
 * Returns its length, or -1 with PX_E_PARAMS (relative) or PX_E_LIMIT (no room).
 */
int px_uri_from_path(const char *path, char *out, size_t size, struct px_err *err);

#endif

/*
 * Any bytes as a URI and as a path. What is taken is an absolute normal path,
 * whose own URI leads back to it and is its own normal form.
 */
#include "fs/uri.h"
#include "must.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_normal(const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/' || (len > 1 && path[len - 1] == '/') || strstr(path, "//") != NULL ||
	    strstr(path, "/./") != NULL || strstr(path, "/../") != NULL)
		return false;
	return !(len >= 2 && strcmp(path + len - 2, "/.") == 0) &&
	       !(len >= 3 && strcmp(path + len - 3, "/..") == 0);
}

/* A path of ours to its URI and back. */
static void
there_and_back(const char *path)
{
	static char uri[PX_URI_MAX];
	char back[PATH_MAX];
	struct px_err err = { 0 };
	int len = px_uri_from_path(path, uri, sizeof uri, &err);

	MUST(len > 0 && (size_t)len == strlen(uri));
	for (const char *s = uri; *s != '\0'; s++)
		MUST(*s > ' ' && *s < 0x7f);
	MUST(px_uri_to_path(uri, (size_t)len, back, &err) == 0);
	if (is_normal(path))
		MUST(strcmp(back, path) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[PATH_MAX];
	struct px_err err = { 0 };

	memset(path, 'x', sizeof path);
	if (px_uri_to_path((const char *)data, size, path, &err) == 0) {
		MUST(memchr(path, '\0', sizeof path) != NULL && is_normal(path));
		there_and_back(path);
	} else {
		MUST(err.code == PX_E_PARAMS && err.text[0] != '\0' && path[0] == 'x');
	}
	if (size > 0 && size < PATH_MAX && data[0] == '/') {
		memcpy(path, data, size);
		path[size] = '\0';
		there_and_back(path);
	}
	return 0;
}

#include "fs/uri.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* ---- to a path ---- */

/* Of an untrusted URI as much as an error can show, without what is not printable. */
struct shown {
	char text[80];
};

static struct shown
show(const char *uri, size_t len)
{
	struct shown shown = { "" };
	size_t n = len < sizeof shown.text - 4 ? len : sizeof shown.text - 4;

	for (size_t i = 0; i < n; i++)
		shown.text[i] = uri[i] > ' ' && uri[i] < 0x7f ? uri[i] : '?';
	if (n < len)
		memcpy(shown.text + n, "...", 3);
	return shown;
}

static int
refuse(const char *uri, size_t len, const char *why, struct px_err *err)
{
	return px_fail(
	    err, PX_E_PARAMS, "`%s` is not the URI of a file: %s", show(uri, len).text, why);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte at 's', which has 'len' left; moves '*used'. NULL, or what is wrong. */
static const char *
byte_decode(const char *s, size_t len, char *out, size_t *used)
{
	int high, low;

	*used = 1;
	*out = *s;
	if (*s != '\0' && (unsigned char)*s < ' ')
		return "a control character, which some leave out; write it as %XX in a name";
	if (*s == '?' || *s == '#')
		return "a query or fragment; write %3F for '?' and %23 for '#' in a name";
	if (*s == '\\')
		return "a backslash, which some take for a slash; write %5C in a name";
	if (*s == '%') {
		if (len < 3 || (high = hex_digit(s[1])) == -1 || (low = hex_digit(s[2])) == -1)
			return "'%' without two hexadecimal digits; write %25 for '%' in a name";
		*used = 3;
		*out = (char)(high * 16 + low);
		if (*out == '/')
			return "an encoded slash, which no name can hold";
	}
	return *out == '\0' ? "a NUL byte, which no path can hold" : NULL;
}

struct path {
	char *text;
	size_t len;     /* without a trailing slash: 0 for the root */
	size_t segment; /* where the segment that is being read begins, its slash before it */
};

/* The segment has been read: a name stays, "." goes, and ".." takes the name before it along. */
static void
segment_end(struct path *path)
{
	size_t len = path->len - path->segment;
	const char *text = path->text + path->segment;

	if (len == 2 && memcmp(text, "..", 2) == 0) {
		path->len = path->segment - 1;
		while (path->len > 0 && path->text[--path->len] != '/')
			;
	} else if (len == 0 || (len == 1 && *text == '.')) {
		path->len = path->segment - 1;
	}
}

/* What follows the host, which begins with a slash. NULL, or what is wrong. */
static const char *
path_decode(const char *s, size_t len, char out[PATH_MAX])
{
	struct path path = { out, 0, 0 };
	const char *wrong;
	size_t used;
	char c;

	for (; len > 0; s += used, len -= used) {
		if ((wrong = byte_decode(s, len, &c, &used)) != NULL)
			return wrong;
		if (*s == '/' && path.segment > 0)
			segment_end(&path);
		if (path.len + 2 > PATH_MAX)
			return "longer than a path can be";
		out[path.len++] = c;
		if (*s == '/')
			path.segment = path.len;
	}
	segment_end(&path);
	if (path.len == 0)
		out[path.len++] = '/';
	out[path.len] = '\0';
	return NULL;
}

static bool
begins_with(const char *s, size_t len, const char *text)
{
	return len >= strlen(text) && strncasecmp(s, text, strlen(text)) == 0;
}

int
px_uri_to_path(const char *uri, size_t len, char out[PATH_MAX], struct px_err *err)
{
	char path[PATH_MAX];
	const char *rest = uri, *wrong;
	size_t left = len;

	if (len > 0 && uri[len - 1] == ' ')
		return refuse(
		    uri, len, "a space at its end, which some leave out; write %20 in a name", err);
	if (!begins_with(rest, left, "file:"))
		return refuse(uri, len, "it does not begin with file:", err);
	rest += 5;
	left -= 5;
	if (begins_with(rest, left, "//")) {
		rest += 2;
		left -= 2;
		if (begins_with(rest, left, "localhost/")) {
			rest += 9;
			left -= 9;
		} else if (left > 0 && *rest != '/') {
			return refuse(uri, len, "it names a host", err);
		}
	}
	if (left == 0 || *rest != '/')
		return refuse(uri, len, "its path is not absolute", err);
	if ((wrong = path_decode(rest, left, path)) != NULL)
		return refuse(uri, len, wrong, err);
	memcpy(out, path, strlen(path) + 1);
	return 0;
}

/* ---- from a path ---- */

/* What the url crate of Rust leaves as it is in a path, which clients compare with. */
static bool
is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("\"#%<>?\\`{}", c) == NULL;
}

int
px_uri_from_path(const char *path, char *out, size_t size, struct px_err *err)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char scheme[] = "file://";
	size_t len = sizeof scheme - 1;

	if (path[0] != '/')
		return px_fail(err, PX_E_PARAMS, "`%.200s` is not an absolute path", path);
	for (const char *s = path; *s != '\0'; s++)
		len += is_plain((unsigned char)*s) ? 1 : 3;
	if (len >= size)
		return px_fail_limit(
		    err, "path", PATH_MAX, "a path of %zu bytes is too long", strlen(path));
	memcpy(out, scheme, sizeof scheme - 1);
	out += sizeof scheme - 1;
	for (; *path != '\0'; path++) {
		unsigned char c = (unsigned char)*path;

		if (is_plain(c)) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out = '\0';
	return (int)len;
}

#include "tree/cgroup_self.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

/* Undoes \ooo, which stands for blanks, newlines and backslashes (proc_pid_mountinfo(5)); in place.
 */
static void
self_unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else
			*to++ = *s;
	}
	*to = '\0';
}

/*
 * What 'own' is called below 'root', the directory of the hierarchy that is mounted; NULL when it
 * is not below.
 */
static const char *
self_below(const char *root, const char *own)
{
	size_t len = strlen(root);

	if (strncmp(own, "/..", 3) == 0)
		return NULL; /* outside of our cgroup namespace: cgroup_namespaces(7) */
	if (strcmp(root, "/") == 0)
		return own;
	if (strncmp(own, root, len) != 0 || (own[len] != '/' && own[len] != '\0'))
		return NULL;
	return own + len;
}

int
px_cgroup_self_locate(char *line, const char *own, char *out, size_t size)
{
	enum { ROOT = 3, POINT = 4, FIELDS = 6 };
	char *field[FIELDS], *rest = line;
	const char *below;
	int n;

	for (n = 0; n < FIELDS && rest != NULL; n++)
		field[n] = strsep(&rest, " ");
	if (n < FIELDS || rest == NULL)
		return -1;
	/* Optional fields follow, up to a lone hyphen; fields 1 to 6 hold none. */
	if (strncmp(rest, "- ", 2) != 0 && (rest = strstr(rest, " - ")) != NULL)
		rest++;
	if (rest == NULL || strncmp(rest, "- cgroup2 ", 10) != 0)
		return -1;
	self_unescape(field[ROOT]);
	self_unescape(field[POINT]);
	if ((below = self_below(field[ROOT], own)) == NULL)
		return -1;
	n = snprintf(out, size, "%s%s", field[POINT], below);
	return n >= 0 && (size_t)n < size ? 0 : -1;
}

/* The path in the line "0::PATH" of /proc/self/cgroup (cgroups(7)). */
static int
self_path(char *out, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t room = 0;
	int found = -1;

	if (file == NULL)
		return -1;
	errno = ENOENT;
	while (found == -1 && getline(&line, &room, file) != -1) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0 && strlcpy(out, line + 3, size) < size)
			found = 0;
	}
	free(line);
	fclose(file);
	return found;
}

int
px_cgroup_self_open(void)
{
	char own[PATH_MAX], path[PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *mounts;
	int fd = -1;

	if (self_path(own, sizeof(own)) == -1 ||
	    (mounts = fopen("/proc/self/mountinfo", "re")) == NULL)
		return -1;
	errno = ENOENT;
	while (fd == -1 && getline(&line, &room, mounts) != -1) {
		if (px_cgroup_self_locate(line, own, path, sizeof(path)) == 0)
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	free(line);
	fclose(mounts);
	return fd;
}

#include "base/surroundings.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { USER_MAX = 16384 };

/* The user's entry, whose strings are in 'buf'; NULL: there is none. */
static const struct passwd *
find_user(struct passwd *user, char *buf)
{
	struct passwd *found = NULL;

	return getpwuid_r(getuid(), user, buf, USER_MAX, &found) == 0 ? found : NULL;
}

static char *
path_or(const char *path, const char *otherwise)
{
	return px_strdup(path != NULL && path[0] == '/' ? path : otherwise);
}

static const char *
find_posix_shell(const char *login)
{
	static const char *const names[] = { "bash", "zsh", "sh" };
	const char *name = strrchr(login, '/') + 1;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0 && access(login, X_OK) == 0)
			return login;
	return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

void
px_surroundings_find(struct px_surroundings *out)
{
	char name[HOST_NAME_MAX + 1] = "", *buf = px_alloc(USER_MAX), *cwd = getcwd(NULL, 0);
	const char *home = getenv("HOME"), *tmpdir = getenv("TMPDIR");
	const struct passwd *user;
	struct passwd entry;

	user = find_user(&entry, buf);
	(void)gethostname(name, sizeof name - 1);
	out->hostname = px_strdup(name);
	out->shell = path_or(user != NULL ? user->pw_shell : NULL, "/bin/sh");
	out->cwd = path_or(cwd, "/");
	out->home = home != NULL && home[0] == '/'
			? px_strdup(home)
			: path_or(user != NULL ? user->pw_dir : NULL, "/");
	out->tmpdir = tmpdir != NULL && tmpdir[0] == '/' ? px_strdup(tmpdir) : NULL;
	out->posix_shell = px_strdup(find_posix_shell(out->shell));
	free(cwd);
	free(buf);
}

void
px_surroundings_done(struct px_surroundings *s)
{
	free(s->hostname);
	free(s->shell);
	free(s->cwd);
	free(s->home);
	free(s->tmpdir);
	free(s->posix_shell);
}

bool
px_find_beside(const char *program, char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (len <= 0)
		return false;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash + 1 - path) + strlen(program) + 1 > size)
		return false;
	memcpy(slash + 1, program, strlen(program) + 1);
	return access(path, X_OK) == 0;
}

#include "base/surroundings.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
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

void
px_surroundings_find(struct px_surroundings *out)
{
	char name[HOST_NAME_MAX + 1] = "", *buf = px_alloc(USER_MAX), *cwd = getcwd(NULL, 0);
	const char *home = getenv("HOME");
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
}

#include "tree/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tree/mark.h"

/*
 * A /proc that was mounted for another pid namespace lists numbers that mean
 * other processes to us, and signalling by them would hit strangers.
 */
static bool
procfs_is_ours(int fd)
{
	char link[32], self[32];
	ssize_t n = readlinkat(fd, "self", link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = '\0';
	snprintf(self, sizeof(self), "%d", (int)getpid());
	return strcmp(link, self) == 0;
}

DIR *
px_procfs_open(void)
{
	DIR *proc;
	int fd, saved;

	if ((fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return NULL;
	if (!procfs_is_ours(fd)) {
		close(fd);
		errno = EXDEV;
		return NULL;
	}
	if ((proc = fdopendir(fd)) == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
	}
	return proc;
}

pid_t
px_procfs_next(DIR *dir)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		if ((entry = readdir(dir)) == NULL)
			return errno == 0 ? 0 : -1;
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			return (pid_t)strtol(entry->d_name, NULL, 10);
	}
}

static int
procfs_openat(int dir_fd, const char *path, int flags)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | flags);

	if (fd == -1 && (errno == ENOENT || errno == EACCES || errno == EPERM))
		errno = ESRCH;
	return fd;
}

static int
procfs_end(int fd, int result)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return result;
}

int
px_procfs_read(int proc_fd, pid_t pid, const char *file, char *buf, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	if ((fd = procfs_openat(proc_fd, path, 0)) == -1)
		return -1;
	n = read(fd, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return procfs_end(fd, n >= 0 ? 0 : -1);
}

/* The number that was given out last, in our pid namespace: the end of /proc/loadavg
 * (proc_loadavg(5)); 0 for unknown. */
static pid_t
procfs_last_pid(int proc_fd)
{
	char text[128];
	const char *at;
	int fd = procfs_openat(proc_fd, "loadavg", 0);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ' ');
	return at != NULL ? (pid_t)strtol(at, NULL, 10) : 0;
}

static void
procfs_walk_list(struct px_procfs_walk *walk, pid_t last)
{
	walk->listing = true;
	walk->at = walk->last = last;
	rewinddir(walk->proc);
}

void
px_procfs_walk_begin(struct px_procfs_walk *walk, DIR *proc)
{
	walk->proc = proc;
	procfs_walk_list(walk, procfs_last_pid(dirfd(proc)));
}

/*
 * Numbers are given out rising. When they have begun anew, or when so many are
 * new that a listing costs less, everything is listed again.
 */
pid_t
px_procfs_walk_next(struct px_procfs_walk *walk)
{
	enum { FAR = 1000 };
	pid_t pid;

	for (;;) {
		if (walk->listing && (pid = px_procfs_next(walk->proc)) != 0)
			return pid;
		walk->listing = false;
		if (walk->at < walk->last)
			return ++walk->at;
		pid = procfs_last_pid(dirfd(walk->proc));
		if (pid == 0 || pid == walk->last)
			return 0;
		if (pid < walk->last || pid - walk->last > FAR)
			procfs_walk_list(walk, pid);
		walk->last = pid;
	}
}

/* The name in parentheses is the process's own choice and may hold anything but NUL. */
bool
px_procfs_parse_stat(const char *text, struct px_procfs_stat *out)
{
	enum { PPID = 4, THREADS = 20, START = 22 }; /* as proc_pid_stat(5) counts the fields */
	const char *at = strrchr(text, ')');
	long long field[START + 1];
	char state, *end;

	if (at == NULL || at[1] != ' ' || at[2] == '\0')
		return false;
	state = at[2];
	at += 3;
	for (int i = PPID; i <= START; i++, at = end) {
		field[i] = strtoll(at, &end, 10);
		if (end == at)
			return false;
	}
	out->ppid = (pid_t)field[PPID];
	out->threads = (unsigned)field[THREADS];
	/* A main thread that has ended alone is shown as a zombie while the other threads run on.
	 */
	out->state = state;
	out->zombie = state == 'X' || (state == 'Z' && field[THREADS] <= 1);
	out->start = (uint64_t)field[START];
	return true;
}

int
px_procfs_stat(int proc_fd, pid_t pid, struct px_procfs_stat *out)
{
	char text[1024];

	if (px_procfs_read(proc_fd, pid, "stat", text, sizeof(text)) == -1)
		return -1;
	if (!px_procfs_parse_stat(text, out)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

px_mark
px_procfs_parse_limits(const char *text)
{
	static const char label[] = "Max realtime timeout";
	const char *line = strstr(text, label);
	uint64_t soft;

	if (line == NULL || sscanf(line + sizeof(label) - 1, "%" SCNu64, &soft) != 1)
		return 0; /* "unlimited" among others */
	return px_mark_valid(soft) ? soft : 0;
}

/*
 * prlimit(2) answers twenty times faster than a file of /proc, but not about
 * processes of other users, setuid programs among them, which may be ours to
 * signal all the same; the file tells everyone.
 */
int
px_procfs_mark(int proc_fd, pid_t pid, px_mark *out)
{
	struct rlimit limit;
	char text[4096];

	if (prlimit(pid, RLIMIT_RTTIME, NULL, &limit) == 0) {
		*out = px_mark_valid(limit.rlim_cur) ? limit.rlim_cur : 0;
		return 0;
	}
	if (errno != EPERM)
		return -1;
	*out = 0;
	if (kill(pid, 0) == -1)
		return errno == EPERM ? 0 : -1;
	if (px_procfs_read(proc_fd, pid, "limits", text, sizeof(text)) == -1)
		return -1;
	*out = px_procfs_parse_limits(text);
	return 0;
}

bool
px_mark_is_on(pid_t pid, px_mark mark)
{
	DIR *proc = px_procfs_open();
	px_mark found = 0;
	bool is = proc != NULL && px_procfs_mark(dirfd(proc), pid, &found) == 0 && found == mark;

	if (proc != NULL)
		closedir(proc);
	return is;
}

bool
px_procfs_has_children(int proc_fd)
{
	return faccessat(proc_fd, "thread-self/children", R_OK, 0) == 0;
}

/* The file holds "PID PID "; a number may be cut in two by the end of a read(). */
static int
procfs_thread_children(int fd, px_procfs_child_fn *fn, void *arg)
{
	char buf[4096];
	pid_t pid = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
			} else if (pid != 0) {
				fn(pid, arg);
				pid = 0;
			}
		}
	}
	return n == 0 ? 0 : -1;
}

static int
procfs_children_of(int dir_fd, const char *path, px_procfs_child_fn *fn, void *arg)
{
	int fd = procfs_openat(dir_fd, path, 0);

	return fd == -1 ? -1 : procfs_end(fd, procfs_thread_children(fd, fn, arg));
}

int
px_procfs_children(int proc_fd, pid_t pid, unsigned threads, px_procfs_child_fn *fn, void *arg)
{
	const struct dirent *entry;
	char path[64];
	int fd, result = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "%d/task/%d/children", (int)pid, (int)pid);
	if (threads == 1)
		return procfs_children_of(proc_fd, path, fn, arg);
	snprintf(path, sizeof(path), "%d/task", (int)pid);
	if ((fd = procfs_openat(proc_fd, path, O_DIRECTORY)) == -1)
		return -1;
	if ((tasks = fdopendir(fd)) == NULL)
		return procfs_end(fd, -1);
	while (result == 0 && (errno = 0, entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.20s/children", entry->d_name);
		result = procfs_children_of(fd, path, fn, arg);
	}
	if (entry == NULL && errno != 0)
		result = -1;
	fd = errno;
	closedir(tasks);
	errno = fd;
	return result;
}

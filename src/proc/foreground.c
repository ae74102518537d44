#include "proc/foreground.h"

#include <string.h>
#include <unistd.h>

#include "proc/tty_wait.h"
#include "tree/procfs.h"

static void
member_name(int proc_fd, pid_t pid, char *out, size_t size)
{
	size_t len;

	if (px_procfs_read(proc_fd, pid, "comm", out, size) == -1) {
		out[0] = '\0';
		return;
	}
	len = strlen(out);
	if (len > 0 && out[len - 1] == '\n') /* the file's; the name may hold others */
		out[len - 1] = '\0';
}

/* True when nothing is left to be learned from other members. */
static bool
member_look(struct px_tty_wait *wait, pid_t pid, pid_t group, struct px_foreground *out)
{
	struct px_procfs_stat stat;

	if (getpgid(pid) != group || px_procfs_stat(wait->proc_fd, pid, &stat) == -1 || stat.zombie)
		return false;
	if (out->name[0] == '\0')
		member_name(wait->proc_fd, pid, out->name, sizeof(out->name));
	if (!out->reading)
		out->reading = px_tty_wait_process(wait, pid, stat.threads, stat.state);
	return out->reading && out->name[0] != '\0';
}

/*
 * Nothing lists the members of a group, so unless the leader tells all, each
 * process of the machine is asked for its group: one short system call.
 */
void
px_foreground_look(int master, pid_t group, struct px_foreground *out)
{
	struct px_tty_wait wait;
	DIR *proc = px_procfs_open();
	pid_t pid;

	*out = (struct px_foreground){ 0 };
	if (proc == NULL)
		return;
	if (px_tty_wait_init(&wait, dirfd(proc), master) == 0 &&
	    !member_look(&wait, group, group, out))
		while ((pid = px_procfs_next(proc)) > 0)
			if (pid != group && member_look(&wait, pid, group, out))
				break;
	closedir(proc);
}

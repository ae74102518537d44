#include "proc/facts.h"

#include <bsd/string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "proc/foreground.h"
#include "proc/input.h"
#include "proc/proc.h"

static void
foreground_facts(int master, struct px_facts *out)
{
	struct px_foreground foreground;
	pid_t group = tcgetpgrp(master);

	if (group <= 0)
		return;
	out->foreground_group = group;
	px_foreground_look(master, group, &foreground);
	strlcpy(out->foreground_name, foreground.name, sizeof(out->foreground_name));
	out->reading = foreground.reading;
}

/*
 * All is asked through the master, which answers for the terminal. The modes
 * come last: a program sets them before it reads, so a reader is never told with
 * the modes of the time before.
 */
static void
terminal_facts(int master, struct px_facts *out)
{
	struct termios mode;

	foreground_facts(master, out);
	if (tcgetattr(master, &mode) == -1)
		return;
	out->echo = (mode.c_lflag & ECHO) != 0;
	out->canonical = (mode.c_lflag & ICANON) != 0;
}

void
px_facts_gather(struct px_proc *proc, struct px_facts *out)
{
	int master = px_proc_master(proc), pipe = px_proc_stdin(proc), held;

	*out = (struct px_facts){
		.terminal = master != -1,
		.unread_input = px_input_queued(px_proc_input(proc)),
	};
	if (pipe != -1 && ioctl(pipe, FIONREAD, &held) == 0)
		out->unread_input += (size_t)held;
	if (master != -1)
		terminal_facts(master, out);
}

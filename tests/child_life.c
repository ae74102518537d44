#include "child.h"

#include <sys/ioctl.h>
#include <sys/resource.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int
child_mode_exit(char **arg)
{
	return (int)child_number(arg[0]);
}

int
child_mode_die(char **arg)
{
	const struct rlimit none = { 0, 0 };
	int sig = (int)child_number(arg[0]);

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	raise(sig);
	return child_die("survived the signal");
}

int
child_mode_ignore_term(char **arg)
{
	(void)arg;
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	child_say("ready");
	return child_wait_forever();
}

/* Prints the name of each signal it gets; ends with status 3 on SIGTERM. */
int
child_mode_signals(char **arg)
{
	sigset_t set;
	int sig;

	(void)arg;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child_say("ready");
	for (;;) {
		if (sigwait(&set, &sig) != 0)
			return child_die("sigwait");
		child_say(sigabbrev_np(sig));
		if (sig == SIGTERM)
			return 3;
	}
}

int
child_mode_size(char **arg)
{
	struct winsize ws;
	sigset_t set;
	int sig;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == -1)
			return child_die("TIOCGWINSZ");
		printf("%ux%u\n", ws.ws_row, ws.ws_col);
		fflush(stdout);
		sigwait(&set, &sig);
	}
}

/* The parent exits at once; a descendant keeps the streams until FIFO (or "-": its stdin) ends,
 * then writes "late". */
int
child_mode_hold_output(char **arg)
{
	char byte;
	int fd;
	pid_t pid;

	if ((pid = fork()) != 0)
		return pid == -1 ? child_die("fork") : 0;
	signal(SIGHUP, SIG_IGN);
	fd = strcmp(arg[0], "-") == 0 ? STDIN_FILENO : open(arg[0], O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return child_die(arg[0]);
	while (child_read(fd, &byte, 1) > 0)
		;
	child_say("late");
	return 0;
}

int
child_mode_daemonize(char **arg)
{
	int null, ends[2];
	char byte;
	pid_t pid;

	(void)arg;
	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		return child_die("fork");
	if (pid > 0) {
		close(ends[1]);
		return child_read(ends[0], &byte, 1) == 0 ? 0 : child_die("daemon");
	}
	setsid();
	if ((pid = fork()) != 0)
		_exit(pid == -1);
	printf("pid %d\n", (int)getpid());
	fflush(stdout);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return child_die("/dev/null");
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(ends[1]);
	return child_wait_forever();
}

int
child_mode_setsid_child(char **arg)
{
	pid_t pid;

	(void)arg;
	if ((pid = fork()) == -1)
		return child_die("fork");
	if (pid == 0) {
		setsid();
		printf("pid %d\n", (int)getpid());
		fflush(stdout);
	}
	return child_wait_forever();
}

/* A chain of N descendants, each the parent of the next; "ready" comes when the last one stands. */
int
child_mode_tree(char **arg)
{
	signal(SIGHUP, SIG_IGN);
	for (long long n = child_number(arg[0]);; n--) {
		pid_t pid = n > 0 ? fork() : 0;

		if (pid == -1)
			return child_die("fork");
		if (n == 0) {
			child_say("ready");
			return child_wait_forever();
		}
		if (pid > 0) {
			printf("pid %d\n", (int)pid);
			fflush(stdout);
			return child_wait_forever();
		}
	}
}

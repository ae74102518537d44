#include "child.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

int
child_mode_env(char **arg)
{
	(void)arg;
	for (char **e = environ; *e != NULL; e++)
		child_say(*e);
	return 0;
}

int
child_mode_argv(char **arg)
{
	for (size_t i = 0; arg[i] != NULL; i++)
		printf("[%zu]=%s\n", i, arg[i]);
	return 0;
}

int
child_mode_arg0(char **arg)
{
	child_say(arg[-2]);
	return 0;
}

int
child_mode_cwd(char **arg)
{
	char path[PATH_MAX];

	(void)arg;
	if (getcwd(path, sizeof(path)) == NULL)
		return child_die("getcwd");
	child_say(path);
	return 0;
}

int
child_mode_fds(char **arg)
{
	struct dirent *e;
	DIR *dir = opendir("/proc/self/fd");
	char target[PATH_MAX];

	(void)arg;
	if (dir == NULL)
		return child_die("/proc/self/fd");
	while ((e = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

		if (n < 0 || child_number(e->d_name) == dirfd(dir))
			continue;
		target[n] = '\0';
		printf("%s %s\n", e->d_name, target);
	}
	closedir(dir);
	return 0;
}

int
child_mode_sigmask(char **arg)
{
	sigset_t blocked;
	struct sigaction sa;

	(void)arg;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(&blocked, sig) == 1)
			printf("blocked %d\n", sig);
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL)
			printf("ignored %d\n", sig);
	}
	child_say("end");
	return 0;
}

int
child_mode_ctty(char **arg)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	(void)arg;
	printf("terminal %s\n", fd == -1 ? "no" : "yes");
	printf("session leader %s\n", getsid(0) == getpid() ? "yes" : "no");
	printf("group leader %s\n", getpgrp() == getpid() ? "yes" : "no");
	printf("foreground %s\n", fd != -1 && tcgetpgrp(fd) == getpgrp() ? "yes" : "no");
	for (int i = 0; i < 3; i++)
		printf("fd %d tty %s\n", i, isatty(i) ? "yes" : "no");
	return 0;
}

int
child_mode_umask(char **arg)
{
	(void)arg;
	printf("%04o\n", (unsigned)umask(0));
	return 0;
}

int
child_mode_limits(char **arg)
{
	static const struct {
		const char *name;
		int which;
	} rows[] = { { "cpuSeconds", RLIMIT_CPU }, { "memoryBytes", RLIMIT_AS },
		{ "openFiles", RLIMIT_NOFILE }, { "fileSizeBytes", RLIMIT_FSIZE },
		{ "coreBytes", RLIMIT_CORE } };
	struct rlimit lim;

	(void)arg;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		getrlimit((__rlimit_resource_t)rows[i].which, &lim);
		printf("%s %lld %lld\n", rows[i].name, (long long)lim.rlim_cur,
		    (long long)lim.rlim_max);
	}
	return 0;
}

int
child_mode_tty_modes(char **arg)
{
	struct termios t;

	(void)arg;
	if (tcgetattr(STDIN_FILENO, &t) == -1)
		return child_die("tcgetattr");
	printf("echo %d icanon %d isig %d iexten %d icrnl %d ixon %d iutf8 %d opost %d onlcr %d\n",
	    (t.c_lflag & ECHO) != 0, (t.c_lflag & ICANON) != 0, (t.c_lflag & ISIG) != 0,
	    (t.c_lflag & IEXTEN) != 0, (t.c_iflag & ICRNL) != 0, (t.c_iflag & IXON) != 0,
	    (t.c_iflag & IUTF8) != 0, (t.c_oflag & OPOST) != 0, (t.c_oflag & ONLCR) != 0);
	printf("intr %d eof %d erase %d\n", t.c_cc[VINTR], t.c_cc[VEOF], t.c_cc[VERASE]);
	return 0;
}

int
child_mode_spin(char **arg)
{
	(void)arg;
	for (volatile unsigned long n = 1; n != 0; n++)
		;
	return 0;
}

int
child_mode_alloc(char **arg)
{
	size_t len = (size_t)child_number(arg[0]);
	char *p = malloc(len);

	if (p == NULL)
		return child_die("malloc");
	for (size_t i = 0; i < len; i += 4096)
		((volatile char *)p)[i] = 1;
	child_say("allocated");
	free(p);
	return 0;
}

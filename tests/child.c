/*
 * The puppet that tests run as a child: each mode does one thing and says on
 * its output what the test waits for. "ready" lines mean that handlers and
 * terminal modes are in place, so no test has to sleep.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* tests/lib/px/pattern.py makes the same bytes: a prime period, so that a lost page or buffer
 * shows. */
enum { PATTERN_PERIOD = 65521, BUFFER = 65536 };

static int
die(const char *what)
{
	fprintf(stderr, "child: %s: %s\n", what, strerror(errno));
	return 111;
}

static long long
number(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n < 0) {
		fprintf(stderr, "child: not a number: %s\n", text);
		exit(112);
	}
	return n;
}

static void
say(const char *line)
{
	printf("%s\n", line);
	fflush(stdout);
}

static int
write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, p, len)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static ssize_t
read_some(int fd, void *out, size_t len)
{
	ssize_t n;

	do
		n = read(fd, out, len);
	while (n == -1 && errno == EINTR);
	return n;
}

static void
set_raw(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) == -1)
		return;
	cfmakeraw(&t);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static uint32_t
crc32_add(uint32_t crc, const unsigned char *p, size_t len)
{
	crc = ~crc;
	while (len-- > 0) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
	}
	return ~crc;
}

static int
wait_forever(void)
{
	while (pause() == -1)
		;
	return 0;
}

/* Reads until end of file or 'want' bytes, 'step' at a time with 'delay' between, then prints count
 * and checksum. */
static int
sink(unsigned long long want, size_t step, const struct timespec *delay)
{
	static unsigned char buf[BUFFER];
	unsigned long long total = 0;
	uint32_t crc = 0;
	ssize_t n;

	while (total < want) {
		if (step > want - total)
			step = (size_t)(want - total);
		if ((n = read_some(STDIN_FILENO, buf, step)) <= 0)
			break;
		crc = crc32_add(crc, buf, (size_t)n);
		total += (unsigned long long)n;
		if (delay != NULL)
			nanosleep(delay, NULL);
	}
	printf("%llu bytes crc32 %08x\n", total, crc);
	fflush(stdout);
	return 0;
}

static int
mode_spew(char **arg)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static char block[PATTERN_PERIOD];
	long long left = number(arg[0]);
	int fd = arg[1] != NULL && strcmp(arg[1], "stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;

	for (uint32_t i = 0; i < PATTERN_PERIOD; i++) {
		uint32_t x = i * 2654435761u;
		block[i] = alphabet[(x ^ x >> 15) >> 26];
	}
	for (long long n; left > 0; left -= n) {
		n = left < PATTERN_PERIOD ? left : PATTERN_PERIOD;
		if (write_all(fd, block, (size_t)n) == -1)
			return die("write");
	}
	return 0;
}

static int
mode_bytes(char **arg)
{
	unsigned char all[256];

	set_raw();
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (long long n = number(arg[0]); n > 0; n--)
		if (write_all(STDOUT_FILENO, all, sizeof(all)) == -1)
			return die("write");
	return 0;
}

static int
mode_both(char **arg)
{
	char line[64];

	for (long long i = 0, n = number(arg[0]); i < n; i++) {
		int fd = i % 2 == 0 ? STDOUT_FILENO : STDERR_FILENO;
		int len = snprintf(line, sizeof(line), "%s %lld\n", i % 2 == 0 ? "out" : "err", i);
		if (write_all(fd, line, (size_t)len) == -1)
			return die("write");
	}
	return 0;
}

static int
mode_close_output(char **arg)
{
	(void)arg;
	say("ready");
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	return wait_forever();
}

static int
copy_input(void)
{
	static char buf[BUFFER];
	ssize_t n;

	while ((n = read_some(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (write_all(STDOUT_FILENO, buf, (size_t)n) == -1)
			return die("write");
	return n == 0 || errno == EIO ? 0 : die("read");
}

static int
mode_echo(char **arg)
{
	(void)arg;
	return copy_input();
}

static int
mode_raw_echo(char **arg)
{
	(void)arg;
	set_raw();
	say("ready");
	return copy_input();
}

static int
mode_echo_lines(char **arg)
{
	char *line = NULL;
	size_t cap = 0;

	(void)arg;
	say("ready");
	while (getline(&line, &cap, stdin) > 0) {
		printf("echo:%s", line);
		fflush(stdout);
	}
	free(line);
	return 0;
}

static int
mode_sink(char **arg)
{
	(void)arg;
	return sink(ULLONG_MAX, BUFFER, NULL);
}

static int
mode_raw_sink(char **arg)
{
	set_raw();
	say("ready");
	return sink((unsigned long long)number(arg[0]), BUFFER, NULL);
}

static int
mode_read_slow(char **arg)
{
	const struct timespec delay = { 0, 1000000 };
	long long step = number(arg[0]);

	set_raw();
	say("ready");
	return sink(ULLONG_MAX, step < BUFFER ? (size_t)step : BUFFER, &delay);
}

static int
mode_no_read(char **arg)
{
	(void)arg;
	set_raw();
	say("ready");
	return wait_forever();
}

static int
mode_eof(char **arg)
{
	char buf[4096];
	long long total = 0;
	ssize_t n;

	(void)arg;
	say("ready");
	while ((n = read_some(STDIN_FILENO, buf, sizeof(buf))) > 0)
		total += n;
	if (n == -1)
		return die("read");
	printf("eof after %lld bytes\n", total);
	return 0;
}

static int
mode_password(char **arg)
{
	struct termios t;
	char line[256];

	(void)arg;
	if (tcgetattr(STDIN_FILENO, &t) == -1)
		return die("tcgetattr");
	t.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
	say("password:");
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	printf("got %zu characters\n", strcspn(line, "\n"));
	return 0;
}

static int
mode_exit(char **arg)
{
	return (int)number(arg[0]);
}

static int
mode_die(char **arg)
{
	const struct rlimit none = { 0, 0 };
	int sig = (int)number(arg[0]);

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	raise(sig);
	return die("survived the signal");
}

static int
mode_ignore_term(char **arg)
{
	(void)arg;
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	say("ready");
	return wait_forever();
}

/* Prints the name of each signal it gets; ends with status 3 on signal N, SIGTERM by default. */
static int
mode_signals(char **arg)
{
	int last = arg[0] != NULL ? (int)number(arg[0]) : SIGTERM, sig;
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say("ready");
	for (;;) {
		if (sigwait(&set, &sig) != 0)
			return die("sigwait");
		say(sigabbrev_np(sig));
		if (sig == last)
			return 3;
	}
}

static int
mode_size(char **arg)
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
			return die("TIOCGWINSZ");
		printf("%ux%u\n", ws.ws_row, ws.ws_col);
		fflush(stdout);
		sigwait(&set, &sig);
	}
}

/* The parent exits at once; a descendant keeps the streams until FIFO (or "-": its stdin) ends,
 * then writes "late". */
static int
mode_hold_output(char **arg)
{
	char byte;
	int fd;
	pid_t pid;

	signal(SIGHUP, SIG_IGN); /* before the parent's end hangs up a terminal */
	if ((pid = fork()) != 0)
		return pid == -1 ? die("fork") : 0;
	fd = strcmp(arg[0], "-") == 0 ? STDIN_FILENO : open(arg[0], O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return die(arg[0]);
	while (read_some(fd, &byte, 1) > 0)
		;
	say("late");
	return 0;
}

static int
mode_daemonize(char **arg)
{
	int null, ends[2];
	char byte;
	pid_t pid;

	(void)arg;
	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		return die("fork");
	if (pid > 0) {
		close(ends[1]);
		return read_some(ends[0], &byte, 1) == 0 ? 0 : die("daemon");
	}
	setsid();
	if ((pid = fork()) != 0)
		_exit(pid == -1);
	printf("pid %d\n", (int)getpid());
	fflush(stdout);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return die("/dev/null");
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(ends[1]);
	return wait_forever();
}

static int
mode_setsid_child(char **arg)
{
	pid_t pid;

	(void)arg;
	if ((pid = fork()) == -1)
		return die("fork");
	if (pid == 0) {
		setsid();
		printf("pid %d\n", (int)getpid());
		fflush(stdout);
	}
	return wait_forever();
}

/* Stays, while a descendant goes on in a child of its own, N times, each time in a new session. */
static int
mode_respawn(char **arg)
{
	long long n = number(arg[0]);
	pid_t pid;

	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if ((pid = fork()) > 0)
		return wait_forever();
	say("ready");
	for (; pid == 0 && n > 0; n--) {
		setsid();
		if ((pid = fork()) > 0)
			_exit(0);
	}
	return pid == -1 ? die("fork") : 0;
}

/* A chain of N descendants, each the parent of the next; "ready" comes when the last one stands. */
static int
mode_tree(char **arg)
{
	signal(SIGHUP, SIG_IGN);
	for (long long n = number(arg[0]);; n--) {
		pid_t pid = n > 0 ? fork() : 0;

		if (pid == -1)
			return die("fork");
		if (n == 0) {
			say("ready");
			return wait_forever();
		}
		if (pid > 0) {
			printf("pid %d\n", (int)pid);
			fflush(stdout);
			return wait_forever();
		}
	}
}

static int
mode_env(char **arg)
{
	(void)arg;
	for (char **e = environ; *e != NULL; e++)
		say(*e);
	return 0;
}

static int
mode_argv(char **arg)
{
	for (size_t i = 0; arg[i] != NULL; i++)
		printf("[%zu]=%s\n", i, arg[i]);
	return 0;
}

static int
mode_arg0(char **arg)
{
	say(arg[-2]);
	return 0;
}

static int
mode_cwd(char **arg)
{
	char path[PATH_MAX];

	(void)arg;
	if (getcwd(path, sizeof(path)) == NULL)
		return die("getcwd");
	say(path);
	return 0;
}

static int
mode_fds(char **arg)
{
	struct dirent *e;
	DIR *dir = opendir("/proc/self/fd");
	char target[PATH_MAX];

	(void)arg;
	if (dir == NULL)
		return die("/proc/self/fd");
	while ((e = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

		if (n < 0 || number(e->d_name) == dirfd(dir))
			continue;
		target[n] = '\0';
		printf("%s %s\n", e->d_name, target);
	}
	closedir(dir);
	return 0;
}

static int
mode_sigmask(char **arg)
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
	say("end");
	return 0;
}

static int
mode_ctty(char **arg)
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

static int
mode_umask(char **arg)
{
	(void)arg;
	printf("%04o\n", (unsigned)umask(0));
	return 0;
}

static int
mode_limits(char **arg)
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

static int
mode_tty_modes(char **arg)
{
	struct termios t;

	(void)arg;
	if (tcgetattr(STDIN_FILENO, &t) == -1)
		return die("tcgetattr");
	printf("echo %d icanon %d isig %d iexten %d icrnl %d ixon %d iutf8 %d opost %d onlcr %d\n",
	    (t.c_lflag & ECHO) != 0, (t.c_lflag & ICANON) != 0, (t.c_lflag & ISIG) != 0,
	    (t.c_lflag & IEXTEN) != 0, (t.c_iflag & ICRNL) != 0, (t.c_iflag & IXON) != 0,
	    (t.c_iflag & IUTF8) != 0, (t.c_oflag & OPOST) != 0, (t.c_oflag & ONLCR) != 0);
	printf("intr %d eof %d erase %d\n", t.c_cc[VINTR], t.c_cc[VEOF], t.c_cc[VERASE]);
	return 0;
}

static int
mode_spin(char **arg)
{
	(void)arg;
	for (volatile unsigned long n = 1; n != 0; n++)
		;
	return 0;
}

static int
mode_alloc(char **arg)
{
	size_t len = (size_t)number(arg[0]);
	char *p = malloc(len);

	if (p == NULL)
		return die("malloc");
	for (size_t i = 0; i < len; i += 4096)
		((volatile char *)p)[i] = 1;
	say("allocated");
	free(p);
	return 0;
}

static const struct mode {
	const char *name;
	int nargs; /* required */
	int (*run)(char **arg);
	const char *help;
} modes[] = {
	{ "spew", 1, mode_spew, "N [stdout|stderr]: N bytes of the pattern" },
	{ "bytes", 1, mode_bytes, "N: all 256 byte values, N times, raw" },
	{ "both", 1, mode_both, "N: N lines, to stdout and stderr in turn" },
	{ "close-output", 0, mode_close_output, "ready, then closes its streams and stays" },
	{ "echo", 0, mode_echo, "copies stdin to stdout" },
	{ "raw-echo", 0, mode_raw_echo, "raw mode, ready, then as echo" },
	{ "echo-lines", 0, mode_echo_lines, "ready, then echo:LINE for each line" },
	{ "sink", 0, mode_sink, "reads to end of file, prints count and CRC-32" },
	{ "raw-sink", 1, mode_raw_sink,
	    "N: raw mode, ready, reads N bytes, prints count and CRC-32" },
	{ "read-slow", 1, mode_read_slow, "N: as raw-sink to end of file, N bytes a millisecond" },
	{ "no-read", 0, mode_no_read, "raw mode, ready, never reads" },
	{ "eof", 0, mode_eof, "ready, reads to end of file, says so" },
	{ "password", 0, mode_password, "echo off, asks, reads a line" },
	{ "exit", 1, mode_exit, "N: exit status N" },
	{ "die", 1, mode_die, "N: ends by signal N" },
	{ "ignore-term", 0, mode_ignore_term, "ready; TERM, HUP and INT do nothing" },
	{ "signals", 0, mode_signals,
	    "[N]: ready, then the name of each signal; N (TERM) ends it with 3" },
	{ "size", 0, mode_size, "ROWSxCOLS now and after each SIGWINCH" },
	{ "hold-output", 1, mode_hold_output,
	    "FIFO|-: exits; a descendant holds the streams until it ends" },
	{ "daemonize", 0, mode_daemonize, "pid N, from a daemon that stays" },
	{ "setsid-child", 0, mode_setsid_child,
	    "pid N, from a child in its own session; both stay" },
	{ "respawn", 1, mode_respawn,
	    "N: stays; ready, from a descendant that goes on in a child of its own, N times" },
	{ "tree", 1, mode_tree, "N: a chain of N descendants, pid N of each, ready" },
	{ "env", 0, mode_env, "the environment" },
	{ "argv", 0, mode_argv, "...: the arguments after the mode" },
	{ "arg0", 0, mode_arg0, "argv[0]" },
	{ "cwd", 0, mode_cwd, "the working directory" },
	{ "fds", 0, mode_fds, "open descriptors and what they are" },
	{ "sigmask", 0, mode_sigmask, "blocked and ignored signals, then end" },
	{ "ctty", 0, mode_ctty, "controlling terminal, session and group" },
	{ "umask", 0, mode_umask, "the file mode mask" },
	{ "limits", 0, mode_limits, "resource limits, soft and hard" },
	{ "tty-modes", 0, mode_tty_modes, "terminal flags and characters" },
	{ "spin", 0, mode_spin, "uses the processor" },
	{ "alloc", 1, mode_alloc, "N: touches N bytes of memory" },
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0 && argc - 2 >= modes[i].nargs)
			return modes[i].run(argv + 2);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		fprintf(stderr, "%s %s %s\n", argc > 0 ? argv[0] : "child", modes[i].name,
		    modes[i].help);
	return 2;
}

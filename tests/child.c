#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
child_die(const char *what)
{
	fprintf(stderr, "child: %s: %s\n", what, strerror(errno));
	return 111;
}

long long
child_number(const char *text)
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

void
child_say(const char *line)
{
	printf("%s\n", line);
	fflush(stdout);
}

int
child_wait_forever(void)
{
	while (pause() == -1)
		;
	return 0;
}

ssize_t
child_read(int fd, void *out, size_t len)
{
	ssize_t n;

	do
		n = read(fd, out, len);
	while (n == -1 && errno == EINTR);
	return n;
}

static const struct mode {
	const char *name;
	int nargs; /* required */
	int (*run)(char **arg);
	const char *help;
} modes[] = {
	{ "spew", 1, child_mode_spew, "N [stdout|stderr]: N bytes of the pattern" },
	{ "bytes", 1, child_mode_bytes, "N: all 256 byte values, N times, raw" },
	{ "both", 1, child_mode_both, "N: N lines, to stdout and stderr in turn" },
	{ "close-output", 0, child_mode_close_output, "ready, then closes its streams and stays" },
	{ "echo", 0, child_mode_echo, "copies stdin to stdout" },
	{ "raw-echo", 0, child_mode_raw_echo, "raw mode, ready, then as echo" },
	{ "echo-lines", 0, child_mode_echo_lines, "ready, then echo:LINE for each line" },
	{ "sink", 0, child_mode_sink, "reads to end of file, prints count and CRC-32" },
	{ "raw-sink", 1, child_mode_raw_sink,
	    "N: raw mode, ready, reads N bytes, prints count and CRC-32" },
	{ "read-slow", 1, child_mode_read_slow,
	    "N: as raw-sink to end of file, N bytes a millisecond" },
	{ "no-read", 0, child_mode_no_read, "raw mode, ready, never reads" },
	{ "eof", 0, child_mode_eof, "ready, reads to end of file, says so" },
	{ "password", 0, child_mode_password, "echo off, asks, reads a line" },
	{ "exit", 1, child_mode_exit, "N: exit status N" },
	{ "die", 1, child_mode_die, "N: ends by signal N" },
	{ "ignore-term", 0, child_mode_ignore_term, "ready; TERM, HUP and INT do nothing" },
	{ "signals", 0, child_mode_signals,
	    "ready, then the name of each signal; TERM ends it with 3" },
	{ "size", 0, child_mode_size, "ROWSxCOLS now and after each SIGWINCH" },
	{ "hold-output", 1, child_mode_hold_output,
	    "FIFO|-: exits; a descendant holds the streams until it ends" },
	{ "daemonize", 0, child_mode_daemonize, "pid N, from a daemon that stays" },
	{ "setsid-child", 0, child_mode_setsid_child,
	    "pid N, from a child in its own session; both stay" },
	{ "tree", 1, child_mode_tree, "N: a chain of N descendants, pid N of each, ready" },
	{ "env", 0, child_mode_env, "the environment" },
	{ "argv", 0, child_mode_argv, "...: the arguments after the mode" },
	{ "arg0", 0, child_mode_arg0, "argv[0]" },
	{ "cwd", 0, child_mode_cwd, "the working directory" },
	{ "fds", 0, child_mode_fds, "open descriptors and what they are" },
	{ "sigmask", 0, child_mode_sigmask, "blocked and ignored signals, then end" },
	{ "ctty", 0, child_mode_ctty, "controlling terminal, session and group" },
	{ "umask", 0, child_mode_umask, "the file mode mask" },
	{ "limits", 0, child_mode_limits, "resource limits, soft and hard" },
	{ "tty-modes", 0, child_mode_tty_modes, "terminal flags and characters" },
	{ "spin", 0, child_mode_spin, "uses the processor" },
	{ "alloc", 1, child_mode_alloc, "N: touches N bytes of memory" },
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

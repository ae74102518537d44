#include "child.h"

#include <errno.h>
#include <limits.h>
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
		if ((n = child_read(STDIN_FILENO, buf, step)) <= 0)
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

int
child_mode_spew(char **arg)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static char block[PATTERN_PERIOD];
	long long left = child_number(arg[0]);
	int fd = arg[1] != NULL && strcmp(arg[1], "stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;

	for (uint32_t i = 0; i < PATTERN_PERIOD; i++) {
		uint32_t x = i * 2654435761u;
		block[i] = alphabet[(x ^ x >> 15) >> 26];
	}
	for (long long n; left > 0; left -= n) {
		n = left < PATTERN_PERIOD ? left : PATTERN_PERIOD;
		if (write_all(fd, block, (size_t)n) == -1)
			return child_die("write");
	}
	return 0;
}

int
child_mode_bytes(char **arg)
{
	unsigned char all[256];

	set_raw();
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (long long n = child_number(arg[0]); n > 0; n--)
		if (write_all(STDOUT_FILENO, all, sizeof(all)) == -1)
			return child_die("write");
	return 0;
}

int
child_mode_both(char **arg)
{
	char line[64];

	for (long long i = 0, n = child_number(arg[0]); i < n; i++) {
		int fd = i % 2 == 0 ? STDOUT_FILENO : STDERR_FILENO;
		int len = snprintf(line, sizeof(line), "%s %lld\n", i % 2 == 0 ? "out" : "err", i);
		if (write_all(fd, line, (size_t)len) == -1)
			return child_die("write");
	}
	return 0;
}

int
child_mode_close_output(char **arg)
{
	(void)arg;
	child_say("ready");
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	return child_wait_forever();
}

static int
copy_input(void)
{
	static char buf[BUFFER];
	ssize_t n;

	while ((n = child_read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (write_all(STDOUT_FILENO, buf, (size_t)n) == -1)
			return child_die("write");
	return n == 0 || errno == EIO ? 0 : child_die("read");
}

int
child_mode_echo(char **arg)
{
	(void)arg;
	return copy_input();
}

int
child_mode_raw_echo(char **arg)
{
	(void)arg;
	set_raw();
	child_say("ready");
	return copy_input();
}

int
child_mode_echo_lines(char **arg)
{
	char *line = NULL;
	size_t cap = 0;

	(void)arg;
	child_say("ready");
	while (getline(&line, &cap, stdin) > 0) {
		printf("echo:%s", line);
		fflush(stdout);
	}
	free(line);
	return 0;
}

int
child_mode_sink(char **arg)
{
	(void)arg;
	return sink(ULLONG_MAX, BUFFER, NULL);
}

int
child_mode_raw_sink(char **arg)
{
	set_raw();
	child_say("ready");
	return sink((unsigned long long)child_number(arg[0]), BUFFER, NULL);
}

int
child_mode_read_slow(char **arg)
{
	const struct timespec delay = { 0, 1000000 };
	long long step = child_number(arg[0]);

	set_raw();
	child_say("ready");
	return sink(ULLONG_MAX, step < BUFFER ? (size_t)step : BUFFER, &delay);
}

int
child_mode_no_read(char **arg)
{
	(void)arg;
	set_raw();
	child_say("ready");
	return child_wait_forever();
}

int
child_mode_eof(char **arg)
{
	char buf[4096];
	long long total = 0;
	ssize_t n;

	(void)arg;
	child_say("ready");
	while ((n = child_read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		total += n;
	if (n == -1)
		return child_die("read");
	printf("eof after %lld bytes\n", total);
	return 0;
}

int
child_mode_password(char **arg)
{
	struct termios t;
	char line[256];

	(void)arg;
	if (tcgetattr(STDIN_FILENO, &t) == -1)
		return child_die("tcgetattr");
	t.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
	child_say("password:");
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	printf("got %zu characters\n", strcspn(line, "\n"));
	return 0;
}

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "proc/enter.h"

/*
 * ptyexec-enter: the first program in a sandbox (proc/enter.h). It is what a child
 * of ptyexecd is outside of one, the leader of a session and of a terminal, and
 * then becomes the program that was asked for. Linked statically, for a sandbox
 * need not have a C library.
 */

enum { EXIT_FAILED = 127, EXIT_MISUSED = 2 };

static void
report(int step, int sys)
{
	const struct px_report said = { step, sys };

	if (write(PX_ENTER_REPORT, &said, sizeof said) != sizeof said)
		_exit(EXIT_FAILED);
}

static _Noreturn void
fail(enum px_step step, int sys)
{
	report((int)step, sys);
	_exit(EXIT_FAILED);
}

/* The next 'n' strings of the record as a list. */
static char **
strings_take(char **at, const char *end, uint32_t n)
{
	char **list = calloc((size_t)n + 1, sizeof *list);

	if (list == NULL)
		fail(PX_STEP_EXEC, ENOMEM);
	for (uint32_t i = 0; i < n; i++) {
		if (*at >= end)
			_exit(EXIT_MISUSED);
		list[i] = *at;
		*at += strlen(*at) + 1;
	}
	return list;
}

static struct px_enter_record *
record_map(const char **out_end)
{
	struct stat st;
	char *record;

	if (fstat(PX_ENTER_RECORD, &st) == -1 ||
	    st.st_size <= (off_t)sizeof(struct px_enter_record))
		_exit(EXIT_MISUSED);
	record = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, PX_ENTER_RECORD, 0);
	if (record == MAP_FAILED || record[st.st_size - 1] != '\0')
		_exit(EXIT_MISUSED);
	*out_end = record + st.st_size;
	return (struct px_enter_record *)record;
}

static void
place_streams(void)
{
	for (int i = 0; i < 3; i++)
		if (dup2(PX_ENTER_STDIN + i, i) == -1)
			fail(PX_STEP_DESCRIPTORS, errno);
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		fail(PX_STEP_DESCRIPTORS, errno);
}

static void
footings_check(const struct px_enter_record *record, char *const *paths)
{
	int sys;

	for (uint32_t i = 0; i < record->nfootings; i++)
		if ((sys = px_footing_check(paths[i], &record->footings[i])) != 0)
			fail(PX_STEP_SANDBOX, sys);
}

int
main(void)
{
	const char *end;
	const struct px_enter_record *record = record_map(&end);
	char *at = (char *)(record->footings + record->nfootings), **paths, **cwd, **files, **argv,
	     **env;

	paths = strings_take(&at, end, record->nfootings);
	cwd = strings_take(&at, end, 1);
	files = strings_take(&at, end, record->nfiles);
	argv = strings_take(&at, end, record->nargv);
	env = strings_take(&at, end, record->nenv);
	px_become_reset_signals();
	if (setsid() == -1)
		fail(PX_STEP_SESSION, errno);
	place_streams();
	if (record->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) == -1)
		fail(PX_STEP_TERMINAL, errno);
	footings_check(record, paths);
	report(PX_ENTER_HERE, 0);
	if (chdir(*cwd) == -1)
		fail(PX_STEP_CWD, errno);
	fail(PX_STEP_EXEC, px_become(files, argv, env));
}

#ifndef PX_TESTS_CHILD_H
#define PX_TESTS_CHILD_H

#include <sys/types.h>

/*
 * The puppet that tests run as a child: each mode does one thing and says on
 * its output what the test waits for. "ready" lines mean that handlers and
 * terminal modes are in place, so no test has to sleep. A mode gets the
 * arguments behind its name and returns the exit status.
 */

int child_die(const char *what);	  /* says why, by errno; returns 111 */
long long child_number(const char *text); /* 0 or more; anything else ends the program with 112 */
void child_say(const char *line);	  /* one line, at once */
int child_wait_forever(void);
ssize_t child_read(int fd, void *out, size_t len); /* read(2) that goes on after a signal */

/* In child_io.c. */
int child_mode_spew(char **arg);
int child_mode_bytes(char **arg);
int child_mode_both(char **arg);
int child_mode_close_output(char **arg);
int child_mode_echo(char **arg);
int child_mode_raw_echo(char **arg);
int child_mode_echo_lines(char **arg);
int child_mode_sink(char **arg);
int child_mode_raw_sink(char **arg);
int child_mode_read_slow(char **arg);
int child_mode_no_read(char **arg);
int child_mode_eof(char **arg);
int child_mode_password(char **arg);

/* In child_life.c. */
int child_mode_exit(char **arg);
int child_mode_die(char **arg);
int child_mode_ignore_term(char **arg);
int child_mode_signals(char **arg);
int child_mode_size(char **arg);
int child_mode_hold_output(char **arg);
int child_mode_daemonize(char **arg);
int child_mode_setsid_child(char **arg);
int child_mode_tree(char **arg);

/* In child_given.c. */
int child_mode_env(char **arg);
int child_mode_argv(char **arg);
int child_mode_arg0(char **arg);
int child_mode_cwd(char **arg);
int child_mode_fds(char **arg);
int child_mode_sigmask(char **arg);
int child_mode_ctty(char **arg);
int child_mode_umask(char **arg);
int child_mode_limits(char **arg);
int child_mode_tty_modes(char **arg);
int child_mode_spin(char **arg);
int child_mode_alloc(char **arg);

#endif

#include "proc/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "proc/enter.h"
#include "proc/spawn.h"
#include "proc/spawn_io.h"
#include "proc/spec.h"

enum { TEXT_MAX = 300 };

struct px_gate {
	int report, text;
	struct event *readable;
	char *program, *cwd;
	pid_t leader;
	px_gate_fn *done;
	void *arg;
};

/* Of what bubblewrap has said, the first line without its name. */
static void
text_read(const struct px_gate *gate, char *out, size_t size)
{
	static const char name[] = "bwrap: ";
	ssize_t n = read(gate->text, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (strncmp(out, name, sizeof name - 1) == 0)
		memmove(out, out + sizeof name - 1, strlen(out) - (sizeof name - 1) + 1);
}

static int
fail_unmade(const struct px_gate *gate, struct px_err *err)
{
	char text[TEXT_MAX];

	text_read(gate, text, sizeof text);
	px_fail(err, PX_E_SPAWN, "cannot make a sandbox for '%s': %s", gate->program,
	    text[0] != '\0' ? text : "bubblewrap has ended without a word");
	px_spawn_err_place(err, "sandbox", gate->program);
	return -1;
}

static pid_t
sender(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred cred;

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(&cred, CMSG_DATA(c), sizeof cred);
	return cred.pid;
}

/* 1: a report, 0: the end, -1: nothing now. */
static int
report_read(const struct px_gate *gate, struct px_report *out, pid_t *out_pid)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { out, sizeof *out };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof control.buf };
	ssize_t n;

	while ((n = recvmsg(gate->report, &msg, MSG_CMSG_CLOEXEC)) == -1 && errno == EINTR)
		;
	if (n == -1)
		return errno == EAGAIN ? -1 : 0;
	*out_pid = sender(&msg);
	return n == sizeof *out;
}

/* 1: it has begun, 0: not yet, -1: it never will. 'last': nobody is left to report anything. */
static int
gate_look(struct px_gate *gate, bool last, struct px_err *err)
{
	struct px_report report;
	pid_t pid;
	int got;

	while ((got = report_read(gate, &report, &pid)) == 1) {
		if (report.step == PX_ENTER_HERE)
			gate->leader = pid;
		else if (report.step >= 0 && report.step < PX_STEP_COUNT)
			return px_spawn_failed(gate->program, gate->cwd, &report, err);
	}
	if (got == -1 && !last)
		return 0;
	return gate->leader > 0 ? 1 : fail_unmade(gate, err);
}

static void
gate_step(struct px_gate *gate, bool last)
{
	struct px_err err;
	int result = gate_look(gate, last, &err);

	if (result == 0)
		return;
	event_del(gate->readable);
	gate->done(gate->arg, result == 1 ? NULL : &err);
}

static void
gate_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	gate_step(arg, false);
}

struct px_gate *
px_gate_new(struct event_base *base, int report, int text, const struct px_spec *spec,
    px_gate_fn *done, void *arg)
{
	struct px_gate *gate = px_new(struct px_gate);

	gate->report = report;
	gate->text = text;
	gate->program = px_strdup(spec->argv[0]);
	gate->cwd = px_strdup(spec->cwd);
	gate->done = done;
	gate->arg = arg;
	gate->readable = event_new(base, report, EV_READ | EV_PERSIST, gate_on_readable, gate);
	event_add(gate->readable, NULL);
	return gate;
}

void
px_gate_free(struct px_gate *gate)
{
	if (gate == NULL)
		return;
	event_free(gate->readable);
	close(gate->report);
	close(gate->text);
	free(gate->program);
	free(gate->cwd);
	free(gate);
}

void
px_gate_settle(struct px_gate *gate)
{
	gate_step(gate, true);
}

pid_t
px_gate_leader(const struct px_gate *gate)
{
	return gate->leader;
}

#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include <ptyexec/event.h>

/* Output goes where it belongs, the end becomes '*out_status'. False: nothing more will come. */
static inline bool
show(const struct px_event *event, int *out_status)
{
	switch (event->type) {
	case PX_EVENT_OUTPUT:
		fwrite(event->output.data, 1, event->output.len,
		    event->output.stream == PX_STREAM_STDERR ? stderr : stdout);
		return true;
	case PX_EVENT_EXITED:
		*out_status = event->exited.end.exit_code;
		return true;
	case PX_EVENT_ANSWER:
		if (event->answer.error.code == PX_ERROR_NONE)
			return true;
		fprintf(stderr, "%s\n", event->answer.error.text);
		return false;
	case PX_EVENT_FAILED:
		fprintf(stderr, "%s\n", event->failed.message);
		return false;
	case PX_EVENT_LOST:
		fprintf(stderr, "%s\n", event->lost.text);
		return false;
	case PX_EVENT_CLOSED:
		return false;
	default:
		return true;
	}
}

#endif

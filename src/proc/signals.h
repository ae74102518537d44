#ifndef PX_PROC_SIGNALS_H
#define PX_PROC_SIGNALS_H

#include "base/err.h"

/* The signal called 'name' without SIG ("INT"), or -1; the second with PX_E_PARAMS. */
int px_signal_number(const char *name);
int px_signal_parse(const char *name, struct px_err *err);

/* The name without SIG of signal 'sig'("RT" for a real-time one), NULL for 0; static text. */
const char *px_signal_name(int sig);

#endif

#ifndef PX_PROC_SIGNALS_H
#define PX_PROC_SIGNALS_H

/* The signal called 'name' without SIG ("INT"), or -1. */
int px_signal_number(const char *name);

/* The name without SIG of signal 'sig'("RT" for a real-time one), NULL for 0; static text. */
const char *px_signal_name(int sig);

#endif

#ifndef PX_SERVER_METRICS_H
#define PX_SERVER_METRICS_H

struct evbuffer;
struct px_web;

/* Appends all metrics as Prometheus' text format 0.0.4. Reads counters, and a few files of
 * /proc/self. */
void px_metrics_put(struct px_web *web, struct evbuffer *out);

#endif

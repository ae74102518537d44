#ifndef PTYEXEC_API_H
#define PTYEXEC_API_H

#define PX_API __attribute__((visibility("default")))

#if defined(__cplusplus)
#define PX_BEGIN_C extern "C" {
#define PX_END_C   }
#else
#define PX_BEGIN_C
#define PX_END_C
#endif

#endif

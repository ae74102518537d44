#ifndef PTYEXEC_PTYEXEC_H
#define PTYEXEC_PTYEXEC_H

/* libptyexec: running programs through a ptyexec server, or inside this process. libptyexec(3). */

#include <ptyexec/client.h>
#include <ptyexec/exec.h>
#include <ptyexec/files.h>

#endif

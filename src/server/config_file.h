#ifndef PX_SERVER_CONFIG_FILE_H
#define PX_SERVER_CONFIG_FILE_H

#include "base/err.h"

struct px_config;

enum { PX_CONFIG_FILE_MAX = 1 << 20 };

/*
 * Reads a config file of at most that many bytes and applies it, wholly or not
 * at all. Blocks while reading. Failures are PX_E_USAGE and name the file.
 */
int px_config_apply_file(struct px_config *config, const char *path, struct px_err *err);

#endif

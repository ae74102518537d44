#ifndef PX_CLI_DETACH_KEYS_H
#define PX_CLI_DETACH_KEYS_H

#include "cli/keys.h"
#include "cli/options.h"

/* The option that says which keys leave a session, in a command's table. */
#define PX_DETACH_KEYS_OPTION(type, member)                                                  \
	{                                                                                    \
		0, "detach-keys", PX_OPTION_TEXT, offsetof(type, member),                    \
		    .argument = "KEYS",                                                      \
		    .help = "that leave the session: keys with commas between, each one a\n" \
			    "character or ctrl- and a letter or @[\\]^_; or \"none\".\n"     \
			    "Default: $PTYEXEC_DETACH_KEYS, else ctrl-],d"                   \
	}

/* From what was given, or NULL: from the environment. -1: what is wrong was told. */
int px_detach_keys(const char *given, struct px_keys *out);

/* What help says about them. */
#define PX_DETACH_KEYS_HELP                                                                 \
	"At a terminal, every key is typed to the session, but for these: ^] d leaves it\n" \
	"as it is, ^] ? shows help, ^] r makes a full-screen program draw again, ^] k\n"    \
	"ends the program, ^] ^] types one ^].\n"

#endif

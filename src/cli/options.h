#ifndef PX_CLI_OPTIONS_H
#define PX_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct px_cli_call;
struct px_cli_command;

/* The type of the member that an option fills in. */
enum px_option_kind {
	PX_OPTION_FLAG,    /* int: becomes 'value' */
	PX_OPTION_TEXT,    /* const char *: not empty */
	PX_OPTION_TEXTS,   /* struct px_texts: may be repeated */
	PX_OPTION_NUMBER,  /* int64_t: from 'min' to 'max' */
	PX_OPTION_SECONDS, /* int64_t: milliseconds, given as seconds with a fraction; from 'min' up
			      to the protocol's ten years */
};

/* The largest number of an event that is asked for: more than there will ever be (2^53, what JSON
 * carries everywhere). */
#define PX_SEQ_MAX (INT64_C(1) << 53)

struct px_texts {
	const char **v; /* NULL-terminated, or NULL when there is none */
	size_t n;
};

struct px_cli_option {
	char letter;      /* 't' for -t, or 0 */
	const char *name; /* "timeout" for --timeout, or NULL */
	enum px_option_kind kind;
	size_t offset;        /* of the member */
	int value;            /* FLAG */
	int64_t min, max;     /* NUMBER, SECONDS ('min' in milliseconds) */
	const char *argument; /* what the help calls the value; NULL for FLAG */
	const char *help;     /* for lines of any length; '\n' begins a new one */
};

/* Is it one, or what ends a table? Takes NULL, a table without rows. */
static inline bool
px_cli_option_is_row(const struct px_cli_option *row)
{
	return row != NULL && (row->letter != 0 || row->name != NULL);
}

/* The row of a name of 'len' bytes, or of a letter; or NULL. 'rows' may be NULL. */
const struct px_cli_option *px_cli_option_find(
    const struct px_cli_option *rows, const char *name, size_t len, char letter);

/* What most commands take, each as far as its flags say. */
struct px_cli_target {
	const char *url;       /* of the server; NULL: the user's own */
	const char *workspace; /* never NULL */
	bool once;             /* the first loss of the connection is the last */
	bool attached;         /* for px_attach() */
};

struct px_cli_common {
	struct px_cli_target target;
	int json, help;
};

/* Their rows, into struct px_cli_common; the last one has no letter and no name. */
extern const struct px_cli_option px_cli_common_options[];

/* Does the command of 'flags' take that one? */
bool px_cli_common_applies(const struct px_cli_option *option, unsigned flags);

/*
 * Reads argv[0..argc), what follows the command's name, into 'call', of which
 * 'command' and 'common' are set: options that were given before the name stay.
 * --name VALUE, --name=VALUE, -x VALUE, -xVALUE, -xy; "--" ends them. -1: what is
 * wrong was told. px_cli_call_done() frees what 'call' then has, also on failure.
 */
int px_cli_parse(struct px_cli_call *call, int argc, char **argv);
void px_cli_call_done(struct px_cli_call *call);

/*
 * Reads the common options at the beginning of argv[0..argc); returns how many
 * words they were, or -1 when something was wrong and told.
 */
int px_cli_parse_common(struct px_cli_common *common, int argc, char **argv);

/* What stands in the environment where an option was not given: PTYEXEC_URL, PTYEXEC_WORKSPACE. */
void px_cli_common_complete(struct px_cli_common *common);

#endif

#ifndef PX_BASE_ERR_H
#define PX_BASE_ERR_H

#include <stdint.h>

/*
 * The one error type. It lives on the caller's stack, holds fixed-size text and
 * therefore can describe running out of memory. A function that can fail takes
 * it last, returns 0 or -1, and leaves its outputs untouched on failure.
 *
 * The first column is the code, the second the stable word that clients see as
 * data.kind, the third the JSON-RPC number that goes with it unless a dialect
 * has one of its own.
 */
#define PX_ERR_MAP(X)                                      \
	X(PARSE, "parseError", -32700)                     \
	X(REQUEST, "invalidRequest", -32600)               \
	X(METHOD, "methodNotFound", -32601)                \
	X(PARAMS, "invalidParams", -32602)                 \
	X(INTERNAL, "internalError", -32603)               \
	X(NOMEM, "outOfMemory", -32603)                    \
	X(DUPLICATE, "duplicateRequestId", -32600)         \
	X(NOT_INITIALIZED, "notInitialized", -32600)       \
	X(INITIALIZED, "alreadyInitialized", -32600)       \
	X(VERSION, "unsupportedVersion", -32602)           \
	X(EXPERIMENTAL, "experimentalApiRequired", -32600) \
	X(OVERLOADED, "overloaded", -32001)                \
	X(SESSION, "unknownSession", -32004)               \
	X(TOKEN, "unknownToken", -32004)                   \
	X(HANDLE, "unknownHandle", -32004)                 \
	X(NO_FILE, "noSuchFile", -32004)                   \
	X(STDIN_CLOSED, "stdinClosed", -32005)             \
	X(FORBIDDEN, "forbidden", -32006)                  \
	X(SPAWN, "spawnFailed", -32007)                    \
	X(LIMIT, "limitExceeded", -32008)                  \
	X(ATTACHED, "alreadyAttached", -32009)             \
	X(EXISTS, "sessionExists", -32600)                 \
	X(RUNNING, "sessionRunning", -32600)               \
	X(NOT_A_PTY, "notATerminal", -32602)               \
	X(CANCELLED, "cancelled", -32603)                  \
	X(IO, "ioError", -32603)                           \
	X(USAGE, "usage", -32603)

/* clang-format off */
enum px_code {
	PX_OK = 0,
#define PX_ERR_ENUM(code, word, number) PX_E_##code,
	PX_ERR_MAP(PX_ERR_ENUM)
#undef PX_ERR_ENUM
	PX_E_COUNT
};
/* clang-format on */

struct px_err {
	enum px_code code;
	int sys; /* errno of the system call that failed, or 0 */
	const char
	    *limit; /* PX_E_LIMIT, _OVERLOADED: the limit's config key (static text), or NULL */
	const char *step; /* PX_E_SPAWN: the step that failed (static text), or NULL */
	int64_t value;    /* of the limit */
	char path[256];   /* PX_E_SPAWN: the program or directory concerned, possibly cut; or "" */
	char text[512];   /* one sentence, lower case, no full stop; never empty after a failure */
};

/* Fills 'err' (may be NULL) and returns -1, so that failing is one line: return px_fail(...). */
int px_fail(struct px_err *err, enum px_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As px_fail(), with ": <strerror(sys)>" appended to the text and 'sys' kept. */
int px_fail_sys(struct px_err *err, enum px_code code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* PX_E_LIMIT naming the limit and its value. */
int px_fail_limit(struct px_err *err, const char *limit, int64_t value, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "<context>: " before the text on the way up; returns -1. Code and facts stay. */
int px_wrap(struct px_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* The analyzer does not follow variadic functions: this tells it what they return. */
#define px_fail(...)                    \
	__extension__({                 \
		(px_fail)(__VA_ARGS__); \
		-1;                     \
	})
#define px_fail_sys(...)                    \
	__extension__({                     \
		(px_fail_sys)(__VA_ARGS__); \
		-1;                         \
	})
#define px_fail_limit(...)                    \
	__extension__({                       \
		(px_fail_limit)(__VA_ARGS__); \
		-1;                           \
	})
#define px_wrap(...)                    \
	__extension__({                 \
		(px_wrap)(__VA_ARGS__); \
		-1;                     \
	})
#endif

/* The stable word of a code ("unknownSession"); static text. */
const char *px_code_word(enum px_code code);

/* The number of a code: -32004. */
int px_code_number(enum px_code code);

/* The name of an errno ("ENOENT"), or "EUNKNOWN"; static text. */
const char *px_errno_name(int sys);

#endif

#ifndef PTYEXEC_FILES_H
#define PTYEXEC_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/api.h>
#include <ptyexec/error.h>

PX_BEGIN_C

/*
 * Files where the programs run, read and changed with the server's rights. This
 * is experimental, in the protocol too, and may still change: the client's option
 * 'experimental' must be set (USAGE). A server that offers no files refuses all
 * of it ("forbidden"; an old one "methodNotFound").
 *
 * A path is absolute, shorter than 4096 bytes (USAGE), of any bytes, and means
 * what it means to the kernel; slashes at its end count for nothing. FIFOs,
 * sockets and devices are told of, removed, and never opened. What the kernel
 * refuses is REFUSED with its errno in 'sys'; kind "noSuchFile" is ENOENT,
 * "invalidRequest" what is not asked of such a file.
 */

struct px_client;

/* ---- what is asked for ---- */

/* Added up; one that a call does not name is USAGE. */
enum {
	PX_FILE_NO_FOLLOW = 1, /* of every path: one with a symbolic link in it is refused */
	PX_FILE_RECURSIVE = 2, /* a directory with what is in it, or with what is missing above */
	PX_FILE_FORCE = 4,     /* what is not there is no error */
	PX_FILE_REPLACE = 8,   /* opened for new content instead of to be read */
	PX_FILE_DISCARD = 16   /* closed without becoming the content */
};

enum {
	PX_FILE_BLOCK_MAX = 1024 * 1024,
	PX_WALK_MAX = 1000000 /* of directories and of entries */
};

/* All zero is a walk without more bounds than the presets. */
struct px_walk {
	int64_t levels;          /* of directories that are read; 1: the first alone; 0: all */
	int64_t max_directories; /* that are read, up to PX_WALK_MAX; 0: 10,000 */
	int64_t max_entries;     /* that are told, up to PX_WALK_MAX; 0: 100,000 */
	bool follow_directories; /* links to directories are told, and read, as directories; other
				    links never are told */
	bool prune_hidden; /* directories whose names begin with a dot are told, and not read */
};

/* ---- what is told ---- */

enum px_file_kind { PX_KIND_OTHER, PX_KIND_FILE, PX_KIND_DIRECTORY };

/* Of what a link leads to, but for 'is_symlink'. */
struct px_file_metadata {
	enum px_file_kind kind;
	bool is_symlink;
	unsigned mode; /* permissions, 0 to 07777 */
	int64_t size;
	int64_t modified_at_ms; /* since 1970 */
};

/* All of a file, or a block of it. */
struct px_file_content {
	const void *data;
	size_t len;
	bool eof; /* of a block: less than was asked for was there */
};

struct px_file_entry {
	const char *name; /* in a directory; of a walk the whole path */
	enum px_file_kind kind;
};

struct px_file_failure {
	const char *path;
	int sys; /* errno */
};

struct px_file_list {
	const struct px_file_entry *entries;
	size_t nentries;
	/* The next are a walk's. */
	const struct px_file_failure *failures; /* what could not be read */
	size_t nfailures;
	bool truncated; /* a bound was reached */
};

/* ---- requests ---- */

/*
 * As those of client.h: each returns the number that its answer will have, or -1.
 * A client's requests about files take effect in the order of the calls; those
 * that only look are done at the same time. They hold up nothing else.
 *
 * When the connection is lost and found again, they are done again. Where that
 * fails and the first time may be the reason (a directory is there that was to be
 * made, a file is not that was to be removed), the answer is LOST: nobody can
 * tell. What was open ended with the connection: see px_client_open_file().
 */

/* NO_FOLLOW. Answer: metadata. */
PX_API int64_t px_client_stat(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/* The path without links, "." and "..". It must exist. NO_FOLLOW. Answer: canonical. */
PX_API int64_t px_client_canonicalize(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/*
 * All of a regular file. One of more than the server's limit "maxFileBytes" (44
 * MiB) is refused, "invalidRequest". NO_FOLLOW. Answer: content.
 */
PX_API int64_t px_client_read_file(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/*
 * Makes 'data' all that is in the file: whoever reads it has all of the new
 * content or all of the old, which stays after an error. Mode and owner stay; a
 * new file gets 0666 under the server's umask. USAGE: more than the server takes
 * in a message ("maxMessageBytes", in base64). NO_FOLLOW.
 */
PX_API int64_t px_client_write_file(struct px_client *client, const char *path, const void *data,
    size_t len, unsigned flags, struct px_error *err);

/* RECURSIVE: with what is missing above, and it may exist. NO_FOLLOW. */
PX_API int64_t px_client_make_directory(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/* A link is removed, not what it leads to. RECURSIVE, FORCE, NO_FOLLOW. */
PX_API int64_t px_client_remove(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/*
 * A file with its permissions, as px_client_write_file() does it; a link as a
 * link; with RECURSIVE a directory, also into one that exists, where FIFOs,
 * sockets and devices are left out. Not into itself. NO_FOLLOW.
 */
PX_API int64_t px_client_copy(struct px_client *client, const char *from, const char *to,
    unsigned flags, struct px_error *err);

/* In no order; links as what they lead to, broken ones left out. More than 1,000,000 are
 * "limitExceeded". NO_FOLLOW. Answer: files. */
PX_API int64_t px_client_read_directory(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/* What is below, breadth first, names in order, each directory once. 'walk' may be NULL.
 * NO_FOLLOW. Answer: files. */
PX_API int64_t px_client_walk(struct px_client *client, const char *path,
    const struct px_walk *walk, unsigned flags, struct px_error *err);

/*
 * A regular file, to be read by blocks; with REPLACE for new content, which takes
 * the place of the old at once when it is closed, and never otherwise. NO_FOLLOW.
 * The number that this returns is also the file's in the calls below, which need
 * not wait for the answer; for -1 they return -1 at once, and leave 'err' as it is.
 * It is open until it is closed, the client ends, or the connection is lost:
 * afterwards those calls are answered LOST. More than 128 are "limitExceeded".
 */
PX_API int64_t px_client_open_file(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err);

/* 'len' from 1 to PX_FILE_BLOCK_MAX. Not open: "unknownHandle". Answer: content. */
PX_API int64_t px_client_read_block(
    struct px_client *client, int64_t file, int64_t offset, size_t len, struct px_error *err);

/* Likewise. What is left out before 'offset' is zeros. */
PX_API int64_t px_client_write_block(struct px_client *client, int64_t file, int64_t offset,
    const void *data, size_t len, struct px_error *err);

/*
 * The file is not open afterwards in any case; none that is open is no error. New
 * content that lacks a block which could not be written is refused, and the old
 * stays. DISCARD.
 */
PX_API int64_t px_client_close_file(
    struct px_client *client, int64_t file, unsigned flags, struct px_error *err);

PX_END_C

#endif

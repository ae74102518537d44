#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <ptyexec/client.h>

#include "cases.h"
#include "fs_dir.h"

/* An embedded core on a file system that does not answer: FUSE, spoken by the test itself. */

enum { WAIT_MS = 60000 };

static int device = -1;

static void
reply(uint64_t unique, const void *data, size_t len)
{
	struct {
		struct fuse_out_header head;
		char data[256];
	} out = { .head = { .len = (uint32_t)(sizeof out.head + len), .unique = unique } };

	if (len > 0)
		memcpy(out.data, data, len);
	ck_assert_int_eq(write(device, &out, out.head.len), out.head.len);
}

static struct fuse_attr
attributes(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
		.blksize = 512 };
}

/* Every name is an empty file, which opens; nothing else is answered. */
static void
serve(const struct fuse_in_header *in)
{
	enum { FIRST = FUSE_ROOT_ID + 1 };

	if (in->opcode == FUSE_INIT)
		reply(in->unique,
		    &(struct fuse_init_out){
			.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 1 << 16 },
		    sizeof(struct fuse_init_out));
	else if (in->opcode == FUSE_LOOKUP)
		reply(in->unique,
		    &(struct fuse_entry_out){ .nodeid = FIRST, .attr = attributes(FIRST) },
		    sizeof(struct fuse_entry_out));
	else if (in->opcode == FUSE_GETATTR)
		reply(in->unique, &(struct fuse_attr_out){ .attr = attributes(in->nodeid) },
		    sizeof(struct fuse_attr_out));
	else if (in->opcode == FUSE_OPEN)
		reply(in->unique, &(struct fuse_open_out){ .fh = 1 }, sizeof(struct fuse_open_out));
}

static void *
serve_all(void *arg)
{
	static _Alignas(struct fuse_in_header) char request[1 << 18];

	while (read(device, request, sizeof request) > 0)
		serve((const struct fuse_in_header *)request);
	return arg;
}

/* In a mount namespace of this process. False: it may not be done here. */
static bool
hung_open(pthread_t *out_thread)
{
	char options[80];

	if (geteuid() != 0 || (device = open("/dev/fuse", O_RDWR | O_CLOEXEC)) == -1)
		return false;
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("hung", fs_top, "fuse", MS_NOSUID | MS_NODEV, options) == -1) {
		close(device);
		return false;
	}
	ck_assert_int_eq(pthread_create(out_thread, NULL, serve_all, NULL), 0);
	return true;
}

static void
hung_close(pthread_t thread)
{
	/* Forced: who waits is told, and so is who reads. */
	ck_assert_int_eq(umount2(fs_top, MNT_FORCE | MNT_DETACH), 0);
	pthread_join(thread, NULL);
	close(device);
}

/* The end waits for a file that cannot be closed, and not for ever: open, or being closed. */
START_TEST(test_the_end_of_an_open_file)
{
	struct px_client_options options;
	struct px_client *client;
	struct px_error err = { 0 };
	pthread_t thread;
	int64_t file;

	if (!hung_open(&thread))
		return;
	px_client_options_init(&options);
	options.experimental = true;
	ck_assert_msg(px_client_embed(&options, &client, &err) == 0, "%s", err.text);
	file = px_client_open_file(client, fs_at("file"), 0, &err);
	ck_assert_msg(px_client_settle(client, file, WAIT_MS, &err) == 0, "%s", err.text);
	if (_i == 1)
		ck_assert_int_gt(px_client_close_file(client, file, 0, &err), 0);
	px_client_free(client);
	hung_close(thread);
	fs_top_remove();
	/* What a thread that is left behind uses is left, too, and is no leak to be looked for. */
	_exit(0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("local_hung");

	tcase_add_checked_fixture(tc, fs_top_make, fs_top_remove);
	tcase_add_loop_exit_test(tc, test_the_end_of_an_open_file, 0, 0, 2);
	return run_cases(tc);
}

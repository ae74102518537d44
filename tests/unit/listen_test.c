#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "cases.h"

static struct event_base *base;
static struct px_listener *listener;
static char dir[] = "/tmp/listen_test.XXXXXX";
static struct px_url unix_url;

static struct accepted {
	int n, fd;
	enum px_url_kind kind;
	char label[160];
} accepted;

static void
on_accept(void *arg, const struct px_url *url, int fd, const char *label)
{
	ck_assert_ptr_eq(arg, &accepted);
	accepted.n++;
	accepted.fd = fd;
	accepted.kind = url->kind;
	snprintf(accepted.label, sizeof accepted.label, "%s", label);
}

static void
setup(void)
{
	char text[128];

	base = event_base_new();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(text, sizeof text, "unix://%s/s", dir);
	ck_assert_int_eq(px_url_parse(text, &unix_url, NULL), 0);
}

static void
teardown(void)
{
	px_listener_free(listener);
	event_base_free(base);
	unlink(unix_url.path);
	rmdir(dir);
}

static struct px_url
url_of(const char *text)
{
	struct px_url url;

	ck_assert_int_eq(px_url_parse(text, &url, NULL), 0);
	return url;
}

static void
open_at(const struct px_url *url)
{
	struct px_err err = { 0 };

	ck_assert_msg(px_listener_open(base, url, NULL, &listener, &err) == 0, "%s", err.text);
	ck_assert_ptr_nonnull(listener);
}

/* It fails and says why; no descriptor is left. */
static void
fails(const struct px_url *url, const char *text)
{
	struct px_listener *l = NULL;
	struct px_err err = { 0 };
	int before = dup(0);

	close(before);
	ck_assert_int_eq(px_listener_open(base, url, NULL, &l, &err), -1);
	ck_assert_int_eq(err.code, PX_E_USAGE);
	ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
	ck_assert_ptr_null(l);
	ck_assert_int_eq(dup(0), before);
	close(before);
}

static int
connect_to(const struct px_url *url)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	bool local = url->kind == PX_URL_UNIX;
	int fd = socket(local ? AF_UNIX : url->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	memcpy(addr.sun_path, url->path, sizeof url->path);
	result = local ? connect(fd, (struct sockaddr *)&addr, sizeof addr)
		       : connect(fd, (const struct sockaddr *)&url->addr, url->addr_len);
	ck_assert_msg(result == 0, "%s", strerror(errno));
	return fd;
}

/* A socket's file, bound and left. */
static void
make_stale(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	close(fd);
}

static bool
file_is_there(void)
{
	struct stat st;

	return lstat(unix_url.path, &st) == 0;
}

/* ---- unix sockets ---- */

START_TEST(test_mode)
{
	struct stat st;

	umask(0);
	open_at(&unix_url);
	ck_assert_int_eq(lstat(unix_url.path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(umask(0), 0);
	px_listener_free(listener);
	listener = NULL;
	ck_assert(!file_is_there());
}
END_TEST

START_TEST(test_stale_socket_is_replaced)
{
	int fd;

	make_stale(unix_url.path);
	open_at(&unix_url);
	fd = connect_to(&unix_url);
	close(fd);
}
END_TEST

START_TEST(test_live_socket_is_not)
{
	int fd;

	open_at(&unix_url);
	fails(&unix_url, "a server is using it");
	fd = connect_to(&unix_url); /* it still works */
	close(fd);
}
END_TEST

START_TEST(test_other_files_are_not)
{
	char path[sizeof unix_url.path];
	int fd;

	fd = open(unix_url.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	fails(&unix_url, "not a socket");
	ck_assert(file_is_there());
	unlink(unix_url.path);
	/* What a link points to is not looked at. */
	snprintf(path, sizeof path, "%s/t", dir);
	make_stale(path);
	ck_assert_int_eq(symlink(path, unix_url.path), 0);
	fails(&unix_url, "not a socket");
	ck_assert(file_is_there());
	unlink(path);
}
END_TEST

START_TEST(test_no_folder)
{
	struct px_url url = url_of("unix:///nonexistent/folder/s");

	fails(&url, "No such file or directory");
}
END_TEST

/* A stale socket that may not be removed. */
START_TEST(test_stale_socket_of_another)
{
	if (geteuid() != 0)
		return;
	make_stale(unix_url.path);
	ck_assert_int_eq(chmod(unix_url.path, 0777) | chmod(dir, 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	fails(&unix_url, "Permission denied");
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert(file_is_there());
}
END_TEST

/* The file at the end is somebody else's when ours was replaced. */
START_TEST(test_anothers_file_stays)
{
	open_at(&unix_url);
	unlink(unix_url.path);
	make_stale(unix_url.path);
	px_listener_free(listener);
	listener = NULL;
	ck_assert(file_is_there());
	px_listener_free(NULL);
}
END_TEST

START_TEST(test_file_is_removed_already)
{
	open_at(&unix_url);
	unlink(unix_url.path);
}
END_TEST

/* ---- addresses ---- */

static const char *const any_port[] = { "ws://127.0.0.1:0", "ws://[::1]:0" };

START_TEST(test_any_port)
{
	struct px_url url = url_of(any_port[_i]);
	char text[160];

	open_at(&url);
	px_url_format(px_listener_url(listener), text, sizeof text);
	ck_assert_int_eq(strncmp(text, any_port[_i], strlen(any_port[_i]) - 1), 0);
	ck_assert_str_ne(text, any_port[_i]);
	fails(px_listener_url(listener), "Address already in use");
}
END_TEST

START_TEST(test_address_of_nobody_here)
{
	struct px_url url = url_of("ws://203.0.113.1:0");

	fails(&url, "Cannot assign requested address");
}
END_TEST

/* ---- accepting ---- */

START_TEST(test_accept)
{
	struct px_url url = _i == 0 ? unix_url : url_of(any_port[_i - 1]);
	int fd, on = 0;
	socklen_t len = sizeof on;

	open_at(&url);
	fd = connect_to(px_listener_url(listener));
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(accepted.n, 0); /* not started */
	px_listener_start(listener, on_accept, &accepted);
	while (accepted.n == 0)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(accepted.n, 1);
	ck_assert_int_eq(accepted.kind, url.kind);
	ck_assert_int_eq(fcntl(accepted.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(accepted.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	if (_i == 0) {
		ck_assert_str_eq(accepted.label, "unix");
	} else {
		getsockopt(accepted.fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
		ck_assert_int_ne(on, 0);
		ck_assert_int_eq(
		    strncmp(accepted.label, any_port[_i - 1], strlen(any_port[_i - 1]) - 1), 0);
	}
	ck_assert_int_eq(write(fd, "x", 1), 1);
	while (read(accepted.fd, &on, 1) != 1)
		;
	close(fd);
	close(accepted.fd);
}
END_TEST

/* Without descriptors the peer stays in the queue, and is served when there are some again. */
START_TEST(test_out_of_descriptors)
{
	struct rlimit old, none;
	int fd;

	open_at(&unix_url);
	px_listener_start(listener, on_accept, &accepted);
	fd = connect_to(&unix_url);
	event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	ck_assert_int_eq(accepted.n, 1);
	close(accepted.fd);
	close(fd);
	fd = connect_to(&unix_url);
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){ 0, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(accepted.n, 1);
	while (accepted.n == 1)
		event_base_loop(base, EVLOOP_ONCE);
	close(accepted.fd);
	close(fd);
}
END_TEST

/* Not every machine has it. */
static bool
has_ipv6(void)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd != -1 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0;

	if (fd != -1)
		close(fd);
	return has;
}

static Suite *
listen_suite(void)
{
	int addresses = has_ipv6() ? 2 : 1;
	Suite *s = suite_create("listen");
	TCase *tc = tcase_create("listen");

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_mode);
	tcase_add_test(tc, test_stale_socket_is_replaced);
	tcase_add_test(tc, test_live_socket_is_not);
	tcase_add_test(tc, test_other_files_are_not);
	tcase_add_test(tc, test_no_folder);
	tcase_add_test(tc, test_stale_socket_of_another);
	tcase_add_test(tc, test_anothers_file_stays);
	tcase_add_test(tc, test_file_is_removed_already);
	tcase_add_loop_test(tc, test_any_port, 0, addresses);
	tcase_add_test(tc, test_address_of_nobody_here);
	tcase_add_loop_test(tc, test_accept, 0, 1 + addresses);
	tcase_add_test(tc, test_out_of_descriptors);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(listen_suite());
}

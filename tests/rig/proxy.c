#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS = 16, PIECE = 64 * 1024 };

/* One direction of a connection: what was read here and not yet written there. */
struct flow {
	char bytes[PIECE];
	size_t at, len;
	bool ended; /* and told to the other side */
};

struct pair {
	bool used;
	int fd[2]; /* by where it leads: to the server, to the client */
	struct flow flow[2];
	size_t budget; /* bytes before it is cut; 0: no end */
};

struct rig_proxy {
	pthread_t thread;
	pthread_mutex_t lock; /* for everything below */
	pthread_cond_t changed;
	int listener, wake;
	struct sockaddr_storage upstream;
	socklen_t upstream_len;
	char dir[64], url[128];
	struct pair *pairs;

	bool stopping, cutting, hold[2], ending[2], refusing;
	unsigned seed;
	size_t least, most;
	unsigned connections, refused;
};

/* ---- addresses ---- */

static socklen_t
unix_address(const char *path, struct sockaddr_storage *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)out;

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(un->sun_path, sizeof un->sun_path, "%s", path);
	return sizeof *un;
}

static socklen_t
tcp_address(unsigned port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;

	*in = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	return sizeof *in;
}

static void
listen_on(struct rig_proxy *proxy, const struct sockaddr_storage *at, socklen_t len)
{
	proxy->listener = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (proxy->listener == -1 ||
	    bind(proxy->listener, (const struct sockaddr *)at, len) == -1 ||
	    listen(proxy->listener, PAIRS) == -1)
		rig_die("proxy: listen");
}

static void
open_unix(struct rig_proxy *proxy, const char *path)
{
	struct sockaddr_storage at;
	char own[80];

	proxy->upstream_len = unix_address(path, &proxy->upstream);
	snprintf(proxy->dir, sizeof proxy->dir, "/tmp/px-proxy-XXXXXX");
	if (mkdtemp(proxy->dir) == NULL)
		rig_die("proxy: mkdtemp");
	snprintf(own, sizeof own, "%s/socket", proxy->dir);
	snprintf(proxy->url, sizeof proxy->url, "unix://%s", own);
	listen_on(proxy, &at, unix_address(own, &at));
}

static void
open_tcp(struct rig_proxy *proxy, unsigned port)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof at;

	proxy->upstream_len = tcp_address(port, &proxy->upstream);
	listen_on(proxy, &at, tcp_address(0, &at));
	getsockname(proxy->listener, (struct sockaddr *)&at, &len);
	snprintf(proxy->url, sizeof proxy->url, "ws://127.0.0.1:%u",
	    ntohs(((const struct sockaddr_in *)&at)->sin_port));
}

/* ---- connections ---- */

static void
pair_close(struct pair *pair)
{
	close(pair->fd[RIG_UP]);
	close(pair->fd[RIG_DOWN]);
	pair->used = false;
}

static struct pair *
pair_free(struct rig_proxy *proxy)
{
	for (int i = 0; i < PAIRS; i++)
		if (!proxy->pairs[i].used)
			return &proxy->pairs[i];
	return NULL;
}

static void
accept_one(struct rig_proxy *proxy)
{
	struct pair *pair = pair_free(proxy);
	int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int server = -1;

	if (client == -1)
		return;
	if (!proxy->refusing && pair != NULL)
		server = socket(proxy->upstream.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server == -1 ||
	    connect(server, (const struct sockaddr *)&proxy->upstream, proxy->upstream_len) == -1) {
		close(client);
		if (server != -1)
			close(server);
		proxy->refused++;
		return;
	}
	pair->used = true;
	pair->fd[RIG_UP] = server;
	pair->fd[RIG_DOWN] = client;
	pair->flow[RIG_UP].at = pair->flow[RIG_UP].len = 0;
	pair->flow[RIG_DOWN].at = pair->flow[RIG_DOWN].len = 0;
	pair->flow[RIG_UP].ended = pair->flow[RIG_DOWN].ended = false;
	pair->budget = proxy->most == 0 ? 0
					: proxy->least + (size_t)rand_r(&proxy->seed) %
							     (proxy->most - proxy->least + 1);
	proxy->connections++;
}

/* Moves what there is one way. False: the connection is over. */
static bool
flow_move(struct pair *pair, enum rig_way way)
{
	struct flow *flow = &pair->flow[way];
	ssize_t n;

	if (flow->ended)
		return true;
	if (flow->at == flow->len) {
		n = recv(pair->fd[!way], flow->bytes, sizeof flow->bytes, MSG_DONTWAIT);
		if (n == -1)
			return errno == EAGAIN;
		if (n == 0) {
			shutdown(pair->fd[way], SHUT_WR);
			flow->ended = true;
			return !pair->flow[!way].ended;
		}
		flow->at = 0;
		flow->len = (size_t)n;
	}
	n = send(pair->fd[way], flow->bytes + flow->at, flow->len - flow->at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1)
		return errno == EAGAIN;
	flow->at += (size_t)n;
	if (pair->budget == 0)
		return true;
	if (pair->budget <= (size_t)n)
		return false;
	pair->budget -= (size_t)n;
	return true;
}

/* ---- the thread ---- */

static void
obey(struct rig_proxy *proxy)
{
	for (int i = 0; i < PAIRS; i++) {
		struct pair *pair = &proxy->pairs[i];

		for (int way = RIG_UP; way <= RIG_DOWN; way++)
			if (pair->used && proxy->ending[way] && !pair->flow[way].ended) {
				shutdown(pair->fd[way], SHUT_WR);
				pair->flow[way].ended = true;
			}
		if (pair->used && proxy->cutting)
			pair_close(pair);
	}
	proxy->cutting = proxy->ending[RIG_UP] = proxy->ending[RIG_DOWN] = false;
	pthread_cond_broadcast(&proxy->changed);
}

/* What may go this way at present: read here, or write there. */
static void
flow_watch(
    const struct rig_proxy *proxy, const struct pair *pair, enum rig_way way, struct pollfd *pfd)
{
	const struct flow *flow = &pair->flow[way];

	if (flow->ended || proxy->hold[way])
		return;
	if (flow->at == flow->len)
		pfd[!way].events |= POLLIN;
	else
		pfd[way].events |= POLLOUT;
}

static void
watch(const struct rig_proxy *proxy, struct pollfd pfd[2 + 2 * PAIRS])
{
	pfd[0] = (struct pollfd){ .fd = proxy->wake, .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = proxy->listener, .events = POLLIN };
	for (int i = 0; i < PAIRS; i++) {
		const struct pair *pair = &proxy->pairs[i];
		struct pollfd *of_pair = pfd + 2 + 2 * i;

		of_pair[RIG_UP] = of_pair[RIG_DOWN] = (struct pollfd){ .fd = -1 };
		if (!pair->used)
			continue;
		flow_watch(proxy, pair, RIG_UP, of_pair);
		flow_watch(proxy, pair, RIG_DOWN, of_pair);
		/* A hang-up is reported whatever was asked for. */
		for (int way = RIG_UP; way <= RIG_DOWN; way++)
			if (of_pair[way].events != 0)
				of_pair[way].fd = pair->fd[way];
	}
}

static void
turn(struct rig_proxy *proxy, const struct pollfd pfd[2 + 2 * PAIRS])
{
	if (pfd[1].revents != 0)
		accept_one(proxy);
	for (int i = 0; i < PAIRS; i++) {
		struct pair *pair = &proxy->pairs[i];

		for (int way = RIG_UP; way <= RIG_DOWN; way++)
			if (pair->used && !proxy->hold[way] &&
			    (pfd[2 + 2 * i].revents | pfd[3 + 2 * i].revents) != 0 &&
			    !flow_move(pair, way))
				pair_close(pair);
	}
	obey(proxy);
}

static void *
run(void *arg)
{
	struct pollfd pfd[2 + 2 * PAIRS];
	struct rig_proxy *proxy = arg;
	uint64_t count;

	pthread_mutex_lock(&proxy->lock);
	while (!proxy->stopping) {
		watch(proxy, pfd);
		pthread_mutex_unlock(&proxy->lock);
		if (poll(pfd, 2 + 2 * PAIRS, -1) == -1 && errno != EINTR)
			rig_die("proxy: poll");
		(void)!read(proxy->wake, &count, sizeof count);
		pthread_mutex_lock(&proxy->lock);
		turn(proxy, pfd);
	}
	pthread_mutex_unlock(&proxy->lock);
	return NULL;
}

/* ---- orders ---- */

static void
wake(struct rig_proxy *proxy)
{
	const uint64_t one = 1;

	(void)!write(proxy->wake, &one, sizeof one);
}

struct rig_proxy *
rig_proxy_new(const char *upstream)
{
	struct rig_proxy *proxy = calloc(1, sizeof *proxy);
	sigset_t all, before;

	if (proxy == NULL || (proxy->pairs = calloc(PAIRS, sizeof *proxy->pairs)) == NULL)
		rig_die("proxy: calloc");
	pthread_mutex_init(&proxy->lock, NULL);
	pthread_cond_init(&proxy->changed, NULL);
	if ((proxy->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		rig_die("proxy: eventfd");
	if (strncmp(upstream, "unix://", 7) == 0)
		open_unix(proxy, upstream + 7);
	else
		open_tcp(proxy, (unsigned)strtoul(strrchr(upstream, ':') + 1, NULL, 10));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&proxy->thread, NULL, run, proxy) != 0)
		rig_die("proxy: pthread_create");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return proxy;
}

void
rig_proxy_free(struct rig_proxy *proxy)
{
	char path[80];

	pthread_mutex_lock(&proxy->lock);
	proxy->stopping = true;
	wake(proxy);
	pthread_mutex_unlock(&proxy->lock);
	pthread_join(proxy->thread, NULL);
	for (int i = 0; i < PAIRS; i++)
		if (proxy->pairs[i].used)
			pair_close(&proxy->pairs[i]);
	close(proxy->listener);
	close(proxy->wake);
	if (proxy->dir[0] != '\0') {
		snprintf(path, sizeof path, "%s/socket", proxy->dir);
		unlink(path);
		rmdir(proxy->dir);
	}
	pthread_mutex_destroy(&proxy->lock);
	pthread_cond_destroy(&proxy->changed);
	free(proxy->pairs);
	free(proxy);
}

const char *
rig_proxy_url(const struct rig_proxy *proxy)
{
	return proxy->url;
}

/* Sets a flag that the thread clears when it has obeyed. */
static void
order(struct rig_proxy *proxy, bool *flag)
{
	pthread_mutex_lock(&proxy->lock);
	*flag = true;
	wake(proxy);
	while (*flag)
		pthread_cond_wait(&proxy->changed, &proxy->lock);
	pthread_mutex_unlock(&proxy->lock);
}

void
rig_proxy_cut(struct rig_proxy *proxy)
{
	order(proxy, &proxy->cutting);
}

void
rig_proxy_end(struct rig_proxy *proxy, enum rig_way way)
{
	order(proxy, &proxy->ending[way]);
}

/* The thread does nothing without the lock, so from now on it is so. */
static void
set(struct rig_proxy *proxy, bool *flag, bool value)
{
	pthread_mutex_lock(&proxy->lock);
	*flag = value;
	wake(proxy);
	pthread_mutex_unlock(&proxy->lock);
}

void
rig_proxy_hold(struct rig_proxy *proxy, enum rig_way way, bool hold)
{
	set(proxy, &proxy->hold[way], hold);
}

void
rig_proxy_refuse(struct rig_proxy *proxy, bool refuse)
{
	set(proxy, &proxy->refusing, refuse);
}

void
rig_proxy_cut_randomly(struct rig_proxy *proxy, unsigned seed, size_t least, size_t most)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->seed = seed;
	proxy->least = least;
	proxy->most = most;
	pthread_mutex_unlock(&proxy->lock);
}

unsigned
rig_proxy_connections(struct rig_proxy *proxy)
{
	unsigned count;

	pthread_mutex_lock(&proxy->lock);
	count = proxy->connections;
	pthread_mutex_unlock(&proxy->lock);
	return count;
}

/* The test's own time limit ends what does not come. */
static void
await(struct rig_proxy *proxy, const unsigned *counter, unsigned count)
{
	pthread_mutex_lock(&proxy->lock);
	while (*counter < count)
		pthread_cond_wait(&proxy->changed, &proxy->lock);
	pthread_mutex_unlock(&proxy->lock);
}

void
rig_proxy_await_connections(struct rig_proxy *proxy, unsigned count)
{
	await(proxy, &proxy->connections, count);
}

void
rig_proxy_await_refused(struct rig_proxy *proxy, unsigned count)
{
	await(proxy, &proxy->refused, count);
}

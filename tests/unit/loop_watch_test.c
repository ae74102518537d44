#include "server/loop_watch.h"

#include <stdlib.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "base/clock.h"
#include "cases.h"

static struct event_base *base;
static struct px_loop_watch *watch;

static void
setup(void)
{
	base = event_base_new();
	watch = px_loop_watch_new(base);
}

static void
teardown(void)
{
	px_loop_watch_free(watch);
	event_base_free(base);
}

/* Turns the loop until at least 'count' samples are there. */
static struct px_loop_latency
until(uint64_t count)
{
	struct px_loop_latency seen;

	for (;;) {
		px_loop_watch_read(watch, &seen);
		if (seen.count >= count)
			return seen;
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static uint64_t
bucket_sum(const struct px_loop_latency *seen)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PX_LOOP_BUCKETS; i++)
		sum += seen->bucket[i];
	return sum;
}

START_TEST(test_buckets_ascend)
{
	for (size_t i = 1; i < PX_LOOP_BUCKETS; i++)
		ck_assert_int_lt(px_loop_bucket_us(i - 1), px_loop_bucket_us(i));
	ck_assert_int_eq(px_loop_bucket_us(PX_LOOP_BUCKETS - 1), INT64_MAX);
}
END_TEST

START_TEST(test_samples_add_up)
{
	struct px_loop_latency seen;

	px_loop_watch_read(watch, &seen);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_uint_eq(bucket_sum(&seen), 0);
	ck_assert_int_eq(seen.max_us, 0);
	seen = until(3);
	ck_assert_uint_eq(bucket_sum(&seen), seen.count);
	ck_assert_int_ge(seen.sum_us, seen.max_us);
	ck_assert_int_ge(seen.max_us, 0);
}
END_TEST

static void
on_stall(evutil_socket_t fd, short what, void *arg)
{
	int64_t end = px_now_us() + *(int64_t *)arg;

	(void)fd;
	(void)what;
	while (px_now_us() < end)
		;
}

/* The timer expires every 100 ms: in 450 ms it is late four times, at least by 350, 250, 150 and 50
 * ms. */
START_TEST(test_long_turn)
{
	int64_t busy_us = 450000;
	struct px_loop_latency before = until(1), seen;

	event_base_once(base, -1, EV_TIMEOUT, on_stall, &busy_us, NULL);
	seen = until(before.count + 4);
	ck_assert_uint_eq(bucket_sum(&seen), seen.count);
	ck_assert_int_ge(seen.sum_us - before.sum_us, 350000 + 250000 + 150000 + 50000);
	ck_assert_uint_ge(seen.bucket[9] + seen.bucket[10] + seen.bucket[11], 1);
	ck_assert_int_ge(seen.max_us, 350000);
	px_loop_watch_read(watch, &seen);
	ck_assert_int_eq(seen.max_us, 0);
}
END_TEST

/* Nothing is due until somebody asks: the loop would block here, and finds no event to run. */
START_TEST(test_nobody_asked)
{
	int64_t busy_us = 250000;
	struct px_loop_latency seen;

	event_base_once(base, -1, EV_TIMEOUT, on_stall, &busy_us, NULL);
	event_base_loop(base, EVLOOP_ONCE);
	event_base_loop(base, EVLOOP_NONBLOCK);
	px_loop_watch_read(watch, &seen);
	ck_assert_uint_eq(seen.count, 0);
}
END_TEST

/* Without a descriptor left it measures nothing, and nothing breaks. */
START_TEST(test_no_descriptor)
{
	struct rlimit before, none;
	struct px_loop_watch *blind;
	struct px_loop_latency seen;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	blind = px_loop_watch_new(base);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	px_loop_watch_read(blind, &seen);
	px_loop_watch_read(blind, &seen);
	ck_assert_uint_eq(seen.count, 0);
	px_loop_watch_free(blind);
}
END_TEST

static Suite *
loop_watch_suite(void)
{
	Suite *s = suite_create("loop_watch");
	TCase *tc = tcase_create("loop_watch");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_buckets_ascend);
	tcase_add_test(tc, test_samples_add_up);
	tcase_add_test(tc, test_long_turn);
	tcase_add_test(tc, test_nobody_asked);
	tcase_add_test(tc, test_no_descriptor);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(loop_watch_suite());
}

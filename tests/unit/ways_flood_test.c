#include <stdlib.h>

#include "served_cases.h"
#include "ways.h"

/*
 * Five ways: 200 MB arrive to the byte, in order and each once, however often the
 * connection breaks. $PX_RUNS says how often the breaking way is gone, each time
 * with cuts at other moments.
 */

enum { RUNS = 2, FLOOD_CUT_LEAST = 100000, FLOOD_CUT_MOST = 30000000 };

static void
flood(struct scene *s)
{
	scene_open(s);
	s->told.spews = true;
	START(&s->talk, "a", "spew", "200000000");
	talk_hear(&s->talk, "a", &s->told);
	ck_assert_int_eq(s->told.received, 200000000);
	ck_assert_uint_eq(s->told.lags, 0);
	ck_assert(s->told.exited);
	ck_assert_int_eq(s->told.end.exit_code, 0);
}

START_TEST(test_flood)
{
	struct scene s;

	scene_init(&s, _i);
	flood(&s);
	scene_end(&s);
}
END_TEST

START_TEST(test_flood_cut)
{
	struct scene s;
	unsigned connections;

	scene_init(&s, WAY_CUT);
	rig_proxy_cut_randomly(s.proxy, way_seed() + (unsigned)_i, FLOOD_CUT_LEAST, FLOOD_CUT_MOST);
	flood(&s);
	connections = rig_proxy_connections(s.proxy);
	ck_assert_uint_gt(connections, 5);
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ways_flood");

	if (getenv("PX_RUNS") == NULL)
		tcase_add_loop_test(tc, test_flood, 0, WAY_CUT);
	tcase_add_loop_test(tc, test_flood_cut, 0, rig_number("PX_RUNS", RUNS));
	return serve_cases(tc, NULL);
}

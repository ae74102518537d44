#include "session/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cases.h"
#include "session/name.h"
#include "session/state.h"
#include "shell_session.h"

enum { SOON_MS = 5, HOUR_MS = 3600 * 1000 };

static void
setup(void)
{
	core_setup((struct px_core_options){ .grace_ms = HOUR_MS });
}

/* Detached workspaces, and exited sessions, go soon. */
static void
setup_fleeting_time(void)
{
	core_setup((struct px_core_options){ .grace_ms = HOUR_MS, .detach_ttl_ms = SOON_MS });
}

static void
setup_short_retention(void)
{
	core_setup((struct px_core_options){ .exited_retention_ms = SOON_MS });
}

static void
setup_limits(void)
{
	core_setup((struct px_core_options){ .max_running = 3, .max_running_per_workspace = 2 });
}

static struct px_core_counts
counts(void)
{
	struct px_core_counts c;

	px_core_counts(core, &c);
	return c;
}

static int
try_start(struct px_workspace *in, const char *id, struct px_spec spec, struct px_session **out,
    struct px_err *err)
{
	struct px_session_request req = {
		.id = id, .id_len = id != NULL ? strlen(id) : 0, .spec = &spec, .starter = &member
	};
	bool existing;
	int result = px_session_start(in, &req, out, &existing, err);

	px_spec_done(&spec);
	return result == -1 ? -1 : existing;
}

/* One that runs until it is ended. */
static struct px_session *
start_in(struct px_workspace *in, struct px_member *starter, enum px_on_disconnect on_disconnect)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "sleep", "1000");
	struct px_session_request req = {
		.spec = &spec, .starter = starter, .on_disconnect = on_disconnect
	};
	struct px_session *session;
	bool existing;

	ck_assert_int_eq(px_session_start(in, &req, &session, &existing, NULL), 0);
	return session;
}

static void
finish(struct px_session *session)
{
	px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	until(px_session_closed(session));
}

static void
refused(int result, const struct px_err *err, enum px_code code)
{
	ck_assert_int_eq(result, -1);
	ck_assert_str_eq(px_code_word(err->code), px_code_word(code));
	ck_assert_str_ne(err->text, "");
}

/* ---- joining ---- */

START_TEST(test_new_ones_differ)
{
	struct px_member a = { 0 }, b = { 0 };
	struct px_workspace *one = px_workspace_join_new(core, &px_terms_lasting, &a);
	struct px_workspace *fleeting = px_workspace_join_new(core, &px_terms_fleeting, &b);

	ck_assert_ptr_eq(a.workspace, one);
	ck_assert_str_ne(px_workspace_id(one), px_workspace_id(fleeting));
	ck_assert(px_name_valid(px_workspace_id(one), strlen(px_workspace_id(one))));
	ck_assert_uint_ge(strlen(px_workspace_token(one)), 32);
	ck_assert_str_ne(px_workspace_token(one), px_workspace_token(ws));
	ck_assert_ptr_null(px_workspace_token(fleeting));
	ck_assert_uint_eq(counts().workspaces, 3);
	px_workspace_leave(&a);
	px_workspace_leave(&b);
	ck_assert_ptr_null(b.workspace);
	px_workspace_leave(&b);
	turn();
	ck_assert_uint_eq(counts().workspaces, 2);
}
END_TEST

/* A loop of clients that come and go must not fill the memory with what they leave. */
START_TEST(test_idle_ones_have_a_bound)
{
	struct px_member who = { 0 };
	char first[64], last[64];
	struct px_err err;

	for (int i = 0; i < PX_IDLE_WORKSPACES + 1; i++) {
		struct px_workspace *idle = px_workspace_join_new(core, &px_terms_lasting, &who);

		snprintf(i == 0 ? first : last, sizeof(last), "%s", px_workspace_token(idle));
		px_workspace_leave(&who);
	}
	turn();
	ck_assert_uint_eq(counts().workspaces, 1 + PX_IDLE_WORKSPACES);
	refused(px_workspace_resume(core, &px_terms_lasting, first, strlen(first), &who, &err),
	    &err, PX_E_TOKEN);
	ck_assert_int_eq(
	    px_workspace_resume(core, &px_terms_lasting, last, strlen(last), &who, NULL), 0);
	px_workspace_leave(&who);
}
END_TEST

START_TEST(test_named_is_shared)
{
	struct px_member a = { 0 }, b = { 0 }, c = { 0 };
	struct px_workspace *one = px_workspace_join_named(core, "shared-x", 6, &a);
	struct px_session *session;

	ck_assert_str_eq(px_workspace_id(one), "shared");
	ck_assert_ptr_null(px_workspace_token(one));
	ck_assert_ptr_eq(px_workspace_join_named(core, "shared", 6, &b), one);
	ck_assert_ptr_ne(px_workspace_join_named(core, "share", 5, &c), one);
	session = start_in(one, &a, PX_DISCONNECT_DEFAULT);
	ck_assert_ptr_eq(px_workspace_next(one, NULL), session);
	px_workspace_leave(&a);
	px_workspace_leave(&c);
	turn();
	ck_assert(px_session_running(session));
	ck_assert_ptr_eq(px_workspace_join_named(core, "shared", 6, &a), one);
	px_workspace_leave(&a);
	px_workspace_leave(&b);
	turn();
	/* Not empty: it waits. Emptied, it goes. */
	ck_assert_ptr_eq(px_workspace_join_named(core, "shared", 6, &a), one);
	finish(session);
	ck_assert_int_eq(px_session_release(session, NULL), 0);
	px_workspace_leave(&a);
	turn();
	ck_assert_uint_eq(counts().workspaces, 1);
}
END_TEST

/* An anonymous one's id is not a name by which others may come in. */
START_TEST(test_ids_are_not_names)
{
	struct px_member a = { 0 };
	const char *id = px_workspace_id(ws);

	ck_assert_ptr_ne(px_workspace_join_named(core, id, strlen(id), &a), ws);
	px_workspace_leave(&a);
}
END_TEST

START_TEST(test_longest_name)
{
	struct px_member a = { 0 }, b = { 0 };
	char name[PX_NAME_MAX];
	struct px_workspace *one;

	memset(name, 'n', sizeof name);
	one = px_workspace_join_named(core, name, sizeof name, &a);
	ck_assert_uint_eq(strlen(px_workspace_id(one)), PX_NAME_MAX);
	ck_assert_ptr_eq(px_workspace_join_named(core, name, sizeof name, &b), one);
	px_workspace_leave(&a);
	px_workspace_leave(&b);
}
END_TEST

START_TEST(test_resume)
{
	char token[128], wrong[128];
	struct px_member other = { 0 };
	struct px_err err = { 0 };
	size_t len;

	len = (size_t)snprintf(token, sizeof token, "%s", px_workspace_token(ws));
	memcpy(wrong, token, sizeof wrong);
	wrong[0] = wrong[0] == '0' ? '1' : '0';
	refused(px_workspace_resume(core, &px_terms_lasting, token, len, &other, &err), &err,
	    PX_E_ATTACHED);
	px_workspace_leave(&member);
	refused(px_workspace_resume(core, &px_terms_lasting, wrong, len, &other, &err), &err,
	    PX_E_TOKEN);
	refused(px_workspace_resume(core, &px_terms_lasting, token, len - 1, &other, &err), &err,
	    PX_E_TOKEN);
	refused(px_workspace_resume(core, &px_terms_lasting, token, len + 1, &other, &err), &err,
	    PX_E_TOKEN);
	refused(
	    px_workspace_resume(core, &px_terms_lasting, "", 0, &other, &err), &err, PX_E_TOKEN);
	memset(wrong, 0, sizeof wrong);
	refused(px_workspace_resume(core, &px_terms_lasting, wrong, len, &other, &err), &err,
	    PX_E_TOKEN);
	ck_assert_ptr_null(other.workspace);
	ck_assert_int_eq(px_workspace_resume(core, &px_terms_lasting, token, len, &other, &err), 0);
	ck_assert_ptr_eq(other.workspace, ws);
	refused(px_workspace_resume(core, &px_terms_lasting, token, len, &member, &err), &err,
	    PX_E_ATTACHED);
	px_workspace_leave(&other);
}
END_TEST

/* ---- leaving ---- */

START_TEST(test_kill_at_once)
{
	struct px_session *kill = start_in(ws, &member, PX_DISCONNECT_KILL),
			  *keep = start_in(ws, &member, PX_DISCONNECT_KEEP),
			  *wait = start_in(ws, &member, PX_DISCONNECT_DEFAULT);

	px_workspace_leave(&member);
	until(px_session_closed(kill));
	ck_assert_int_eq(px_session_exit(kill)->signal, SIGTERM);
	ck_assert_int_eq(px_session_exit(kill)->cause, PX_CAUSE_DISCONNECT);
	ck_assert(px_session_running(keep));
	ck_assert(px_session_running(wait));
	ck_assert_uint_eq(counts().workspaces, 1);
}
END_TEST

/* Of several clients, the one that leaves takes its own. */
START_TEST(test_kill_ones_own)
{
	struct px_member a = { 0 }, b = { 0 };
	struct px_workspace *one = px_workspace_join_named(core, "n", 1, &a);
	struct px_session *as, *bs;

	px_workspace_join_named(core, "n", 1, &b);
	as = start_in(one, &a, PX_DISCONNECT_KILL);
	bs = start_in(one, &b, PX_DISCONNECT_KILL);
	px_workspace_leave(&a);
	until(px_session_closed(as));
	ck_assert(px_session_running(bs));
	px_workspace_leave(&b);
	until(px_session_closed(bs));
}
END_TEST

START_TEST(test_fleeting_ends_with_its_client)
{
	struct px_member a = { 0 };
	struct px_workspace *one = px_workspace_join_new(core, &px_terms_fleeting, &a);

	start_in(one, &a, PX_DISCONNECT_KEEP);
	start_in(one, &a, PX_DISCONNECT_DEFAULT);
	ck_assert_uint_eq(counts().running, 2);
	px_workspace_leave(&a);
	until(counts().workspaces == 1);
	ck_assert_uint_eq(counts().running, 0);
	ck_assert_uint_eq(counts().sessions, 0);
	until(px_core_idle(core));
}
END_TEST

START_TEST(test_detach_time)
{
	struct px_member other = { 0 };
	struct px_err err = { 0 };
	char token[128];

	snprintf(token, sizeof token, "%s", px_workspace_token(ws));
	start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	px_workspace_leave(&member);
	until(counts().workspaces == 0);
	ck_assert_uint_eq(counts().running, 0);
	refused(px_workspace_resume(core, &px_terms_lasting, token, strlen(token), &other, &err),
	    &err, PX_E_TOKEN);
	until(px_core_idle(core));
}
END_TEST

/* From the moment its end has begun nobody comes back into it, though its programs may take their
 * time. */
START_TEST(test_no_resume_into_an_ending)
{
	struct px_member other = { 0 };
	struct px_err err = { 0 };
	struct px_session *session =
	    session_start(SPEC(PX_IO_PIPE, "bash", "-c", "trap '' TERM; echo ready; read x"));
	char token[128];

	snprintf(token, sizeof token, "%s", px_workspace_token(ws));
	until(px_transcript_total(px_session_transcript(session), 0) == 6);
	px_workspace_leave(&member);
	until(ws->ending);
	refused(px_workspace_resume(core, &px_terms_lasting, token, strlen(token), &other, &err),
	    &err, PX_E_TOKEN);
	ck_assert(px_session_running(session));
	px_procs_hurry(px_core_procs(core));
	until(counts().workspaces == 0);
}
END_TEST

START_TEST(test_keep_holds_the_workspace)
{
	struct px_session *keep = start_in(ws, &member, PX_DISCONNECT_KEEP),
			  *rest = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	struct px_member other = { 0 };
	char token[128];

	snprintf(token, sizeof token, "%s", px_workspace_token(ws));
	px_workspace_leave(&member);
	until(px_session_closed(rest));
	ck_assert_int_eq(px_session_exit(rest)->cause, PX_CAUSE_DISCONNECT);
	ck_assert(px_session_running(keep));
	ck_assert_int_eq(
	    px_workspace_resume(core, &px_terms_lasting, token, strlen(token), &other, NULL), 0);
	/* Attended again, it does not go when it becomes empty. */
	finish(keep);
	ck_assert_int_eq(px_session_release(keep, NULL), 0);
	ck_assert_int_eq(px_session_release(rest, NULL), 0);
	turn();
	ck_assert_uint_eq(counts().workspaces, 1);
	px_workspace_leave(&other);
	until(counts().workspaces == 0);
}
END_TEST

START_TEST(test_resumed_in_time)
{
	struct px_session *session = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	struct px_member other = { 0 };
	struct timeval tv = { .tv_usec = 4 * SOON_MS * 1000 };

	px_workspace_leave(&member);
	ck_assert_int_eq(px_workspace_resume(core, &px_terms_lasting, px_workspace_token(ws),
			     strlen(px_workspace_token(ws)), &other, NULL),
	    0);
	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
	ck_assert(px_session_running(session));
}
END_TEST

/* ---- sessions ---- */

START_TEST(test_retention)
{
	struct px_session *session = session_start(SPEC(PX_IO_PIPE, "true"));
	char id[PX_NAME_MAX + 1];

	snprintf(id, sizeof id, "%s", px_session_id(session));
	ck_assert_uint_eq(counts().sessions, 1);
	until(counts().sessions == 0);
	ck_assert_ptr_null(px_workspace_find(ws, id, strlen(id)));
	ck_assert_ptr_null(px_workspace_next(ws, NULL));
}
END_TEST

START_TEST(test_release)
{
	struct px_session *session = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	struct px_err err = { 0 };

	refused(px_session_release(session, &err), &err, PX_E_RUNNING);
	finish(session);
	ck_assert_int_eq(px_session_release(session, &err), 0);
	ck_assert_uint_eq(counts().sessions, 0);
	ck_assert_uint_eq(counts().running, 0);
}
END_TEST

START_TEST(test_ids)
{
	struct px_session *a, *b, *c;
	struct px_err err = { 0 };
	char longest[PX_NAME_MAX + 2];

	ck_assert_int_eq(try_start(ws, "session-2", SPEC(PX_IO_PIPE, "true"), &b, &err), 0);
	a = session_start(SPEC(PX_IO_PIPE, "true"));
	c = session_start(SPEC(PX_IO_PIPE, "true"));
	ck_assert_str_eq(px_session_id(a), "session-1");
	ck_assert_str_eq(px_session_id(c), "session-3");
	ck_assert_ptr_eq(px_workspace_find(ws, "session-2x", 9), b);
	ck_assert_ptr_null(px_workspace_find(ws, "session-2x", 10));
	ck_assert_ptr_null(px_workspace_find(ws, "session-2", 8));
	ck_assert_ptr_null(px_workspace_find(ws, "session-2\0", 10));
	ck_assert_ptr_null(px_workspace_find(ws, "", 0));
	memset(longest, 'x', sizeof longest);
	ck_assert_ptr_null(px_workspace_find(ws, longest, sizeof longest));
	/* In the order of their starts. */
	ck_assert_ptr_eq(px_workspace_next(ws, NULL), b);
	ck_assert_ptr_eq(px_workspace_next(ws, b), a);
	ck_assert_ptr_eq(px_workspace_next(ws, a), c);
	ck_assert_ptr_null(px_workspace_next(ws, c));
}
END_TEST

START_TEST(test_existing)
{
	struct px_session_request req = { .id = "x", .id_len = 1, .unique = true };
	struct px_session *first, *again = NULL;
	struct px_err err = { 0 };
	struct px_spec spec;
	bool existing;

	ck_assert_int_eq(try_start(ws, "x", SPEC(PX_IO_PIPE, "sleep", "1000"), &first, &err), 0);
	ck_assert_int_eq(try_start(ws, "x", SPEC(PX_IO_PIPE, "sleep", "1000"), &again, &err), 1);
	ck_assert_ptr_eq(again, first);
	refused(
	    try_start(ws, "x", SPEC(PX_IO_PIPE, "sleep", "1001"), &again, &err), &err, PX_E_EXISTS);
	spec = SPEC(PX_IO_PIPE, "sleep", "1000");
	req.spec = &spec;
	refused(px_session_start(ws, &req, &again, &existing, &err), &err, PX_E_EXISTS);
	px_spec_done(&spec);
	ck_assert_uint_eq(counts().running, 1);
	/* Also when it has ended. */
	finish(first);
	ck_assert_int_eq(try_start(ws, "x", SPEC(PX_IO_PIPE, "sleep", "1000"), &again, &err), 1);
	ck_assert_int_eq(px_session_release(first, NULL), 0);
	ck_assert_int_eq(try_start(ws, "x", SPEC(PX_IO_PIPE, "sleep", "1000"), &again, &err), 0);
}
END_TEST

/* The environment is not kept. */
START_TEST(test_environment_is_forgotten)
{
	struct px_session *session = session_start(SPEC(PX_IO_PIPE, "true"));

	ck_assert_ptr_null(px_session_spec(session)->env);
	ck_assert_str_eq(px_session_spec(session)->argv[0], "true");
}
END_TEST

START_TEST(test_limits)
{
	struct px_member a = { 0 };
	struct px_workspace *second = px_workspace_join_new(core, &px_terms_lasting, &a);
	struct px_session *first, *session;
	struct px_err err = { 0 };

	first = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	refused(try_start(ws, NULL, SPEC(PX_IO_PIPE, "true"), &session, &err), &err, PX_E_LIMIT);
	ck_assert_str_eq(err.limit, "max_processes_per_connection");
	ck_assert_int_eq(err.value, 2);
	start_in(second, &a, PX_DISCONNECT_DEFAULT);
	refused(
	    try_start(second, NULL, SPEC(PX_IO_PIPE, "true"), &session, &err), &err, PX_E_LIMIT);
	ck_assert_str_eq(err.limit, "max_processes");
	finish(first);
	ck_assert_int_eq(try_start(second, NULL, SPEC(PX_IO_PIPE, "true"), &session, &err), 0);
	px_workspace_leave(&a);
}
END_TEST

/* So many exited ones are kept, be it that they end one after the other or together; the oldest
 * goes. */
START_TEST(test_exited_limit)
{
	struct px_session *session[3], *running;
	struct px_err err = { 0 };

	for (size_t i = 0; i < 2; i++) {
		session[i] = session_start(SPEC(PX_IO_PIPE, "true"));
		until(px_session_closed(session[i]));
	}
	turn();
	ck_assert_uint_eq(counts().sessions, 2);
	/* A start that fails costs nobody his session. */
	refused(try_start(ws, NULL, SPEC(PX_IO_PIPE, "/nonexistent"), &running, &err), &err,
	    PX_E_SPAWN);
	ck_assert_uint_eq(counts().sessions, 2);
	running = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	session[2] = session_start(SPEC(PX_IO_PIPE, "true"));
	until(px_session_closed(session[2]));
	until(counts().sessions == 3);
	ck_assert_ptr_eq(px_workspace_next(ws, NULL), session[1]);
	finish(running);
	until(counts().sessions == 2);
	ck_assert_ptr_eq(px_workspace_next(ws, NULL), running);
	ck_assert_ptr_eq(px_workspace_next(ws, running), session[2]);
}
END_TEST

START_TEST(test_stopping)
{
	struct px_session *session = start_in(ws, &member, PX_DISCONNECT_KEEP);
	struct px_err err = { 0 };

	ck_assert(!px_core_idle(core));
	px_core_stop(core);
	refused(
	    try_start(ws, NULL, SPEC(PX_IO_PIPE, "true"), &session, &err), &err, PX_E_OVERLOADED);
	until(px_session_closed(session));
	ck_assert_int_eq(px_session_exit(session)->cause, PX_CAUSE_SHUTDOWN);
	until(px_core_idle(core));
}
END_TEST

START_TEST(test_timeout)
{
	struct px_spec spec = SPEC(PX_IO_PIPE, "sleep", "1000");
	struct px_session *session;

	spec.timeout_ms = SOON_MS;
	session = session_start(spec);
	until(px_session_closed(session));
	ck_assert_int_eq(px_session_exit(session)->cause, PX_CAUSE_TIMEOUT);
	ck_assert_int_eq(px_session_exit(session)->signal, SIGTERM);
}
END_TEST

static const struct px_member *told_starter;
static struct px_session *told_session;

static void
on_started(void *arg, const struct px_member *starter, struct px_session *session)
{
	ck_assert_ptr_eq(arg, &told_starter);
	told_starter = starter;
	told_session = session;
}

START_TEST(test_members_hear_of_a_start)
{
	struct px_member a = { 0 }, b = { .started = on_started, .arg = &told_starter };
	struct px_workspace *one = px_workspace_join_named(core, "n", 1, &a);
	struct px_session *session;

	px_workspace_join_named(core, "n", 1, &b);
	session = start_in(one, &a, PX_DISCONNECT_DEFAULT);
	ck_assert_ptr_eq(told_session, session);
	ck_assert_ptr_eq(told_starter, &a);
	start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	ck_assert_ptr_eq(told_session, session);
	px_workspace_leave(&a);
	px_workspace_leave(&b);
}
END_TEST

/* ---- numbers that go round ---- */

/* A workspace that ends takes with it what bears its number, so no other may bear it too. */
START_TEST(test_groups_go_round)
{
	struct px_session *old = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	struct px_member a = { 0 };
	struct px_workspace *later;

	core->next_group = (uint32_t)1 << PX_MARK_GROUP_BITS;
	later = px_workspace_join_new(core, &px_terms_fleeting, &a);
	start_in(later, &a, PX_DISCONNECT_DEFAULT);
	px_workspace_leave(&a);
	until(counts().workspaces == 1);
	until(px_core_idle(core) || counts().running == 1);
	ck_assert(px_session_running(old));
}
END_TEST

START_TEST(test_serials_go_round)
{
	struct px_session *old = start_in(ws, &member, PX_DISCONNECT_DEFAULT), *later;

	ws->next_serial = (uint32_t)1 << PX_MARK_SERIAL_BITS;
	later = start_in(ws, &member, PX_DISCONNECT_DEFAULT);
	finish(later);
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert(px_session_running(old));
}
END_TEST

static Suite *
workspace_suite(void)
{
	Suite *s = suite_create("workspace");
	TCase *tc = tcase_create("workspace"), *detach = tcase_create("detach"),
	      *retention = tcase_create("retention"), *limits = tcase_create("limits");

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, core_teardown);
	tcase_add_test(tc, test_new_ones_differ);
	tcase_add_test(tc, test_idle_ones_have_a_bound);
	tcase_add_test(tc, test_named_is_shared);
	tcase_add_test(tc, test_ids_are_not_names);
	tcase_add_test(tc, test_longest_name);
	tcase_add_test(tc, test_resume);
	tcase_add_test(tc, test_kill_at_once);
	tcase_add_test(tc, test_kill_ones_own);
	tcase_add_test(tc, test_fleeting_ends_with_its_client);
	tcase_add_test(tc, test_release);
	tcase_add_test(tc, test_ids);
	tcase_add_test(tc, test_existing);
	tcase_add_test(tc, test_environment_is_forgotten);
	tcase_add_test(tc, test_stopping);
	tcase_add_test(tc, test_timeout);
	tcase_add_test(tc, test_members_hear_of_a_start);
	tcase_add_test(tc, test_groups_go_round);
	tcase_add_test(tc, test_serials_go_round);
	suite_add_tcase(s, tc);

	tcase_set_timeout(detach, 20);
	tcase_add_checked_fixture(detach, setup_fleeting_time, core_teardown);
	tcase_add_test(detach, test_detach_time);
	tcase_add_test(detach, test_no_resume_into_an_ending);
	tcase_add_test(detach, test_keep_holds_the_workspace);
	tcase_add_test(detach, test_resumed_in_time);
	suite_add_tcase(s, detach);

	tcase_add_checked_fixture(retention, setup_short_retention, core_teardown);
	tcase_add_test(retention, test_retention);
	suite_add_tcase(s, retention);

	tcase_add_checked_fixture(limits, setup_limits, core_teardown);
	tcase_add_test(limits, test_limits);
	tcase_add_test(limits, test_exited_limit);
	suite_add_tcase(s, limits);
	return s;
}

int
main(void)
{
	return run_suite(workspace_suite());
}

#include <errno.h>

#include "client_peer.h"
#include "fs_dir.h"
#include "scene.h"
#include "served_cases.h"

/* Requests about files on the wire, answers that are none, and connections that break amid them. */

/* ---- what is said ---- */

static void
experimental_peer(struct peer *peer)
{
	peer_init(peer);
	peer->options.experimental = true;
	peer_greet(peer);
}

START_TEST(test_greeting)
{
	char said[1024];
	struct peer peer;

	peer_init(&peer);
	peer.options.experimental = true;
	peer_connect(&peer, GREETING, strlen(GREETING), false);
	said[recv(peer.fd, said, sizeof said - 1, 0)] = '\0';
	ck_assert_ptr_nonnull(strstr(said, "\"experimentalApi\":true"));
	peer_close(&peer);
}
END_TEST

static void
says(struct peer *peer, int64_t request, const char *text)
{
	char said[1024], expected[1024];

	ck_assert_msg(request > 0, "%s", peer->error.text);
	snprintf(
	    expected, sizeof expected, "{\"id\":%d,\"method\":\"fs/%s}}\n", (int)request, text);
	ck_assert_str_eq(peer_hears(peer, said, sizeof said), expected);
}

START_TEST(test_requests)
{
	static const struct px_walk walk = { 1, 2, 3, true, true };
	struct px_error *err;
	struct px_client *c;
	struct peer peer;

	experimental_peer(&peer);
	c = peer.client;
	err = &peer.error;
	says(&peer, px_client_stat(c, "/a", 0, err), "getMetadata\",\"params\":{\"path\":\"/a\"");
	says(&peer, px_client_canonicalize(c, "/\xff", PX_FILE_NO_FOLLOW, err),
	    "canonicalize\",\"params\":{\"path\":{\"base64\":\"L/8=\"},\"followSymlinks\":false");
	says(&peer, px_client_write_file(c, "/a", NULL, 0, 0, err),
	    "writeFile\",\"params\":{\"path\":\"/a\",\"chunk\":\"\"");
	says(&peer, px_client_make_directory(c, "/a", PX_FILE_RECURSIVE, err),
	    "createDirectory\",\"params\":{\"path\":\"/a\",\"recursive\":true");
	says(&peer, px_client_remove(c, "/a", PX_FILE_FORCE, err),
	    "remove\",\"params\":{\"path\":\"/a\",\"force\":true");
	says(&peer, px_client_copy(c, "/a", "/b", 0, err),
	    "copy\",\"params\":{\"from\":\"/a\",\"to\":\"/b\"");
	says(&peer, px_client_walk(c, "/a", &walk, 0, err),
	    "walk\",\"params\":{\"path\":\"/"
	    "a\",\"maxDepth\":0,\"maxDirectories\":2,\"maxEntries\":3"
	    ",\"followDirectorySymlinks\":true,\"pruneHiddenDirectories\":true");
	says(&peer, px_client_open_file(c, "/a", PX_FILE_REPLACE, err),
	    "open\",\"params\":{\"path\":\"/a\",\"mode\":\"replace\",\"handleId\":\"8\"");
	says(&peer, px_client_read_block(c, 8, 5, 6, err),
	    "readBlock\",\"params\":{\"handleId\":\"8\",\"offset\":5,\"length\":6");
	says(&peer, px_client_write_block(c, 8, 5, "x", 1, err),
	    "writeBlock\",\"params\":{\"handleId\":\"8\",\"offset\":5,\"chunk\":\"eA==\"");
	says(&peer, px_client_close_file(c, 8, PX_FILE_DISCARD, err),
	    "close\",\"params\":{\"discard\":true,\"handleId\":\"8\"");
	peer_close(&peer);
}
END_TEST

/* ---- answers that no server of ours gives ---- */

static const struct {
	enum { STAT, CANONICALIZE, READ, LIST } asked;
	const char *result;
} bad_answers[] = {
	{ STAT, "{}" },
	{ STAT,
	    "{\"kind\":\"pipe\",\"isSymlink\":false,\"size\":1,\"mode\":0,\"modifiedAtMs\":0}" },
	{ STAT, "{\"kind\":\"file\",\"isSymlink\":0,\"size\":1,\"mode\":0,\"modifiedAtMs\":0}" },
	{ STAT,
	    "{\"kind\":\"file\",\"isSymlink\":false,\"size\":-1,\"mode\":0,\"modifiedAtMs\":0}" },
	{ STAT,
	    "{\"kind\":\"file\",\"isSymlink\":false,\"size\":1,\"mode\":4096,\"modifiedAtMs\":0}" },
	{ CANONICALIZE, "{\"path\":\"relative\"}" },
	{ CANONICALIZE, "{\"path\":null}" },
	{ READ, "{\"chunk\":\"!\"}" },
	{ READ, "{\"chunk\":\"\",\"eof\":1}" },
	{ LIST, "{}" },
	{ LIST, "{\"entries\":null}" },
	{ LIST, "{\"entries\":{}}" },
	{ LIST, "{\"entries\":[7]}" },
	{ LIST, "{\"entries\":[{\"kind\":\"file\"}]}" },
	{ LIST, "{\"entries\":[{\"name\":\"a\"}]}" },
	{ LIST, "{\"entries\":[{\"name\":\"a\\u0000\",\"kind\":\"file\"}]}" },
	{ LIST, "{\"entries\":[{\"name\":{\"base64\":\"!\"},\"kind\":\"file\"}]}" },
	{ LIST, "{\"entries\":[],\"errors\":[7]}" },
	{ LIST, "{\"entries\":[],\"errors\":[{\"path\":\"/a\"}]}" },
	{ LIST, "{\"entries\":[],\"errors\":[],\"truncated\":0}" },
};

START_TEST(test_bad_answer)
{
	struct peer peer;
	char text[512];
	int64_t id;

	experimental_peer(&peer);
	id = bad_answers[_i].asked == STAT ? px_client_stat(peer.client, "/", 0, &peer.error)
	     : bad_answers[_i].asked == CANONICALIZE
		 ? px_client_canonicalize(peer.client, "/", 0, &peer.error)
	     : bad_answers[_i].asked == READ
		 ? px_client_read_file(peer.client, "/", 0, &peer.error)
		 : px_client_walk(peer.client, "/", NULL, 0, &peer.error);
	snprintf(text, sizeof text, "{\"id\":1,\"result\":%s}\n", bad_answers[_i].result);
	peer_says(&peer, text);
	not_answered(&peer, id, WAIT_MS, PX_ERROR_PEER);
	peer_close(&peer);
}
END_TEST

START_TEST(test_odd_answers)
{
	const struct px_answer *answer;
	struct peer peer;

	experimental_peer(&peer);
	px_client_walk(peer.client, "/", NULL, 0, &peer.error);
	px_client_read_file(peer.client, "/", 0, &peer.error);
	peer_says(&peer, "{\"id\":1,\"result\":{\"entries\":[{\"path\":{\"base64\":\"L/8=\"},"
			 "\"kind\":\"other\"}],\"errors\":[{\"path\":\"/b\",\"errno\":\"EWHAT\"}],"
			 "\"truncated\":true}}\n{\"id\":2,\"result\":{\"chunk\":\"\"}}\n");
	answer = answered(&peer, 1);
	ck_assert_str_eq(answer->files.entries[0].name, "/\xff");
	ck_assert_int_eq(answer->files.entries[0].kind, PX_KIND_OTHER);
	ck_assert_int_eq(answer->files.failures[0].sys, 0);
	ck_assert(answer->files.truncated);
	answer = answered(&peer, 2);
	ck_assert_ptr_nonnull(answer->content.data);
	ck_assert_uint_eq(answer->content.len, 0);
	peer_close(&peer);
}
END_TEST

/* ---- connections that break ---- */

static void
scene_open(struct scene *s)
{
	scene_init(s, RIG_UNIX);
	s->talk.options.experimental = s->witness.options.experimental = true;
	scene_connect(s);
}

static void
witness_sees(struct scene *s, const char *name, bool there)
{
	for (;;) {
		int64_t request = px_client_stat(s->w, fs_at(name), 0, &s->witness.error);
		int result = px_client_settle(s->w, request, rig_ms(TALK_MS), &s->witness.error);

		ck_assert(result == 0 || strcmp(s->witness.error.kind, "noSuchFile") == 0);
		if ((result == 0) == there)
			return;
	}
}

/* Done once, it cannot be done again, and nobody can tell who has done it. */
START_TEST(test_change_in_doubt)
{
	struct scene s;
	int64_t request;

	scene_open(&s);
	fs_put("file", "");
	lose_answers(&s);
	request = px_client_remove(s.c, fs_at("file"), 0, s.err);
	witness_sees(&s, "file", false);
	cut(&s);
	talk_fails(&s.talk, request, PX_ERROR_LOST);
	lose_answers(&s);
	request = px_client_make_directory(s.c, fs_at("dir"), 0, s.err);
	witness_sees(&s, "dir", true);
	cut(&s);
	talk_fails(&s.talk, request, PX_ERROR_LOST);
	fs_link("nowhere", "link");
	lose_answers(&s);
	request = px_client_copy(s.c, fs_at("link"), fs_at("link2"), 0, s.err);
	while (!fs_is_there("link2"))
		witness_sees(&s, "dir", true);
	cut(&s);
	talk_fails(&s.talk, request, PX_ERROR_LOST);
	scene_end(&s);
}
END_TEST

/* What can be done twice is, and what did not arrive is done once. */
START_TEST(test_change_done_again)
{
	struct scene s;
	int64_t request[4];

	scene_open(&s);
	fs_put("old", "x");
	lose_answers(&s);
	request[0] = px_client_make_directory(s.c, fs_at("a/b"), PX_FILE_RECURSIVE, s.err);
	request[1] = px_client_copy(s.c, fs_at("old"), fs_at("copy"), 0, s.err);
	request[2] = px_client_remove(s.c, fs_at("old"), PX_FILE_FORCE, s.err);
	request[3] = px_client_write_file(s.c, fs_at("new"), "text", 4, 0, s.err);
	witness_sees(&s, "new", true);
	fs_put("old", "again");
	cut(&s);
	for (size_t i = 0; i < 4; i++)
		talk_settle(&s.talk, request[i]);
	fs_has("new", "text");
	rig_proxy_hold(s.proxy, RIG_UP, true);
	request[0] = px_client_make_directory(s.c, fs_at("dir"), 0, s.err);
	request[1] = px_client_stat(s.c, fs_at("dir"), 0, s.err);
	px_client_step(s.c);
	ck_assert(!fs_is_there("dir"));
	cut(&s);
	talk_settle(&s.talk, request[0]);
	talk_settle(&s.talk, request[1]);
	scene_end(&s);
}
END_TEST

/* Content that was to be replaced is the old one, and the caller is told. */
START_TEST(test_open_file_is_lost)
{
	struct scene s;
	int64_t file, other;

	scene_open(&s);
	fs_put("file", "old");
	file = px_client_open_file(s.c, fs_at("file"), PX_FILE_REPLACE, s.err);
	other = px_client_open_file(s.c, fs_at("file"), 0, s.err);
	talk_settle(&s.talk, file);
	talk_settle(&s.talk, px_client_write_block(s.c, file, 0, "new", 3, s.err));
	talk_settle(&s.talk, other);
	cut(&s);
	talk_fails(&s.talk, px_client_close_file(s.c, file, 0, s.err), PX_ERROR_LOST);
	talk_fails(&s.talk, px_client_read_block(s.c, other, 0, 1, s.err), PX_ERROR_LOST);
	/* Now that the next connection is there, too. */
	talk_fails(&s.talk, px_client_close_file(s.c, other, 0, s.err), PX_ERROR_LOST);
	fs_has("file", "old");
	other = px_client_open_file(s.c, fs_at("file"), 0, s.err);
	ck_assert_uint_eq(
	    talk_answer(&s.talk, px_client_read_block(s.c, other, 0, 9, s.err))->content.len, 3);
	scene_end(&s);
}
END_TEST

/* Whether the new content took its place is not known: no answer has come to the closing. */
START_TEST(test_close_in_doubt)
{
	struct scene s;
	int64_t file, closing;

	scene_open(&s);
	file = px_client_open_file(s.c, fs_at("file"), PX_FILE_REPLACE, s.err);
	talk_settle(&s.talk, file);
	lose_answers(&s);
	closing = px_client_close_file(s.c, file, 0, s.err);
	witness_sees(&s, "file", true);
	cut(&s);
	talk_fails(&s.talk, closing, PX_ERROR_LOST);
	scene_end(&s);
}
END_TEST

/* When not even the opening was answered, all of it is done again. */
START_TEST(test_open_in_doubt)
{
	struct scene s;
	int64_t file, writing, closing;

	scene_open(&s);
	lose_answers(&s);
	file = px_client_open_file(s.c, fs_at("file"), PX_FILE_REPLACE, s.err);
	writing = px_client_write_block(s.c, file, 0, "text", 4, s.err);
	closing = px_client_close_file(s.c, file, 0, s.err);
	witness_sees(&s, "file", true);
	cut(&s);
	talk_settle(&s.talk, file);
	talk_settle(&s.talk, writing);
	talk_settle(&s.talk, closing);
	fs_has("file", "text");
	scene_end(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client_files");

	tcase_add_checked_fixture(tc, fs_top_make, fs_top_remove);
	tcase_add_test(tc, test_greeting);
	tcase_add_test(tc, test_requests);
	tcase_add_loop_test(
	    tc, test_bad_answer, 0, (int)(sizeof bad_answers / sizeof bad_answers[0]));
	tcase_add_test(tc, test_odd_answers);
	tcase_add_test(tc, test_change_in_doubt);
	tcase_add_test(tc, test_change_done_again);
	tcase_add_test(tc, test_open_file_is_lost);
	tcase_add_test(tc, test_close_in_doubt);
	tcase_add_test(tc, test_open_in_doubt);
	return serve_cases(tc, NULL);
}

#include "session/write_ids.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct write_id {
	RB_ENTRY(write_id) by_name;
	TAILQ_ENTRY(write_id) by_age;
	size_t len;
	const char *text; /* behind the struct; a search key points elsewhere */
};

RB_HEAD(id_tree, write_id);

struct px_write_ids {
	struct id_tree tree;
	TAILQ_HEAD(, write_id) age;
	size_t n;
};

static int
id_compare(const struct write_id *a, const struct write_id *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->text, b->text, a->len);
}

RB_GENERATE_INTERNAL(id_tree, write_id, by_name, id_compare, static __attribute__((unused)))

static void
id_remove(struct px_write_ids *ids, struct write_id *id)
{
	RB_REMOVE(id_tree, &ids->tree, id);
	TAILQ_REMOVE(&ids->age, id, by_age);
	ids->n--;
	free(id);
}

static struct write_id *
id_find(struct px_write_ids *ids, const char *text, size_t len)
{
	struct write_id key = { .len = len, .text = text };

	return RB_FIND(id_tree, &ids->tree, &key);
}

static void
id_add(struct px_write_ids *ids, const char *text, size_t len)
{
	struct write_id *id = px_alloc(sizeof *id + len);

	memcpy(id + 1, text, len);
	id->text = (const char *)(id + 1);
	id->len = len;
	RB_INSERT(id_tree, &ids->tree, id);
	TAILQ_INSERT_TAIL(&ids->age, id, by_age);
	if (++ids->n > PX_WRITE_IDS_KEPT)
		id_remove(ids, TAILQ_FIRST(&ids->age));
}

void
px_write_ids_free(struct px_write_ids *ids)
{
	if (ids == NULL)
		return;
	while (!TAILQ_EMPTY(&ids->age))
		id_remove(ids, TAILQ_FIRST(&ids->age));
	free(ids);
}

bool
px_write_ids_seen(struct px_write_ids **ids, const char *id, size_t len)
{
	if (*ids == NULL) {
		*ids = px_new(struct px_write_ids);
		RB_INIT(&(*ids)->tree);
		TAILQ_INIT(&(*ids)->age);
	}
	if (id_find(*ids, id, len) != NULL)
		return true;
	id_add(*ids, id, len);
	return false;
}

void
px_write_ids_forget(struct px_write_ids *ids, const char *id, size_t len)
{
	struct write_id *found = ids != NULL ? id_find(ids, id, len) : NULL;

	if (found != NULL)
		id_remove(ids, found);
}

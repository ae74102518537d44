#include "base/json_doc.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BYTES = 1920,     /* inside the document itself: some twenty values cost one malloc */
	BLOCK_BYTES = 8 * 1024, /* the next one; each is twice the one before it, up to: */
	BLOCK_BYTES_MAX = 256 * 1024,
	SMALL_OBJECT = 16 /* members up to which each is compared with each */
};

struct block {
	struct block *next;
	alignas(max_align_t) unsigned char bytes[];
};

struct px_json_doc {
	const struct px_json *root;
	struct block *blocks;      /* newest first */
	unsigned char *free_bytes; /* of the block in use */
	size_t nfree, next_block;
	alignas(max_align_t) unsigned char first[FIRST_BYTES];
};

void *
px_json_arena(struct px_json_doc *doc, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *block;
	size_t block_size;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = size == 0 ? align : (size + align - 1) & ~(align - 1);
	if (size > doc->nfree) {
		block_size = size > doc->next_block / 2 ? size : doc->next_block;
		block = malloc(sizeof(*block) + block_size);
		if (block == NULL)
			return NULL;
		block->next = doc->blocks;
		doc->blocks = block;
		if (block_size == size) /* one for itself; the block in use stays in use */
			return block->bytes;
		doc->free_bytes = block->bytes;
		doc->nfree = block_size;
		if (doc->next_block < BLOCK_BYTES_MAX)
			doc->next_block *= 2;
	}
	p = doc->free_bytes;
	doc->free_bytes += size;
	doc->nfree -= size;
	return p;
}

struct px_json_doc *
px_json_doc_new(void)
{
	struct px_json_doc *doc = malloc(sizeof(*doc));

	if (doc == NULL)
		return NULL;
	doc->root = NULL;
	doc->blocks = NULL;
	doc->free_bytes = doc->first;
	doc->nfree = sizeof(doc->first);
	doc->next_block = BLOCK_BYTES;
	return doc;
}

void
px_json_free(struct px_json_doc *doc)
{
	struct block *block, *next;

	if (doc == NULL)
		return;
	for (block = doc->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(doc);
}

void
px_json_doc_set_root(struct px_json_doc *doc, const struct px_json *root)
{
	doc->root = root;
}

const struct px_json *
px_json_root(const struct px_json_doc *doc)
{
	return doc->root;
}

const struct px_json *
px_json_get(const struct px_json *obj, const char *name)
{
	size_t len = strlen(name);

	if (obj == NULL || obj->type != PX_JSON_OBJECT)
		return NULL;
	for (const struct px_json *m = obj->first; m != NULL; m = m->next)
		if (m->key_len == len && memcmp(m->key, name, len) == 0)
			return m;
	return NULL;
}

bool
px_json_is(const struct px_json *node, const char *text)
{
	size_t len = strlen(text);

	return node != NULL && node->type == PX_JSON_STRING && node->len == len &&
	       memcmp(node->text, text, len) == 0;
}

static bool
same_key(const struct px_json *a, const struct px_json *b)
{
	return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

static const struct px_json *
small_duplicate(const struct px_json *object)
{
	for (const struct px_json *m = object->first; m != NULL; m = m->next)
		for (const struct px_json *before = object->first; before != m;
		     before = before->next)
			if (same_key(before, m))
				return m;
	return NULL;
}

struct member {
	const struct px_json *node;
	size_t index;
};

static int
member_compare(const void *va, const void *vb)
{
	const struct member *a = va, *b = vb;
	int order;

	if (a->node->key_len != b->node->key_len)
		return a->node->key_len < b->node->key_len ? -1 : 1;
	order = memcmp(a->node->key, b->node->key, a->node->key_len);
	if (order != 0)
		return order;
	return a->index < b->index ? -1 : 1;
}

/* Sorts the members by name and source order, so that equal names are neighbours. */
static int
big_duplicate(struct px_json *object)
{
	struct member *members = reallocarray(NULL, object->count, sizeof(*members));
	size_t n = 0, earliest = object->count;

	if (members == NULL)
		return -1;
	for (const struct px_json *m = object->first; m != NULL; m = m->next, n++)
		members[n] = (struct member){ m, n };
	qsort(members, n, sizeof(*members), member_compare);
	for (size_t i = 1; i < n; i++)
		if (members[i].index < earliest && same_key(members[i - 1].node, members[i].node)) {
			earliest = members[i].index;
			object->duplicate = members[i].node;
		}
	free(members);
	return 0;
}

int
px_json_find_duplicate(struct px_json *object)
{
	if (object->count > SMALL_OBJECT)
		return big_duplicate(object);
	object->duplicate = small_duplicate(object);
	return 0;
}

#include "base/json.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/json_doc.h"
#include "base/mem.h"
#include "base/utf8.h"

struct parser {
	struct px_json_doc *doc;
	const char *text;
	size_t len;
	yajl_handle yajl;
	size_t nodes, max_nodes;
	unsigned depth;
	struct {
		struct px_json *node, *last; /* a container and its newest child */
	} open[PX_JSON_DEPTH];
	const char *key; /* of the value to come */
	size_t key_len;
	struct px_err *err;
	jmp_buf no_memory;
};

static int
parser_no_memory(struct parser *p)
{
	px_fail(p->err, PX_E_NOMEM, "out of memory for a JSON text of %zu bytes", p->len);
	return 0;
}

/* A new value, linked into the innermost open container. NULL fails the parse. */
static struct px_json *
parser_add(struct parser *p, enum px_json_type type)
{
	struct px_json *node, *parent;

	if (p->nodes == p->max_nodes) {
		px_fail(p->err, PX_E_PARSE, "JSON text of more than %zu values", p->max_nodes);
		return NULL;
	}
	if ((node = px_json_arena(p->doc, sizeof(*node))) == NULL) {
		parser_no_memory(p);
		return NULL;
	}
	p->nodes++;
	*node = (struct px_json){ .type = type };
	if (p->depth == 0) {
		px_json_doc_set_root(p->doc, node);
		return node;
	}
	parent = p->open[p->depth - 1].node;
	if (parent->type == PX_JSON_OBJECT) {
		node->key = p->key;
		node->key_len = p->key_len;
	}
	if (parent->count++ == 0)
		parent->first = node;
	else
		p->open[p->depth - 1].last->next = node;
	p->open[p->depth - 1].last = node;
	return node;
}

/* The bytes themselves when they are part of the source, a copy when they are yajl's. */
static const char *
parser_keep(struct parser *p, const void *s, size_t len)
{
	uintptr_t at = (uintptr_t)s, start = (uintptr_t)p->text;
	char *copy;

	if (at >= start && at < start + p->len)
		return s;
	if ((copy = px_json_arena(p->doc, len)) == NULL) {
		parser_no_memory(p);
		return NULL;
	}
	memcpy(copy, s, len);
	return copy;
}

static int
on_null(void *arg)
{
	return parser_add(arg, PX_JSON_NULL) != NULL;
}

static int
on_boolean(void *arg, int value)
{
	struct px_json *node = parser_add(arg, PX_JSON_BOOL);

	if (node == NULL)
		return 0;
	node->boolean = value != 0;
	return 1;
}

/* The value of digits with an optional minus that fits int64_t; false for any other number. */
static bool
number_is_int(const char *s, size_t len, int64_t *out)
{
	bool negative = s[0] == '-';
	int64_t v = 0;

	for (size_t i = negative; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v))
			return false;
		/* Towards the sign, since -2^63 has no positive counterpart. */
		if (__builtin_add_overflow(v, negative ? '0' - s[i] : s[i] - '0', &v))
			return false;
	}
	*out = v;
	return true;
}

static int
on_number(void *arg, const char *s, size_t len)
{
	struct parser *p = arg;
	struct px_json *node = parser_add(p, PX_JSON_NUMBER);

	if (node == NULL)
		return 0;
	if (number_is_int(s, len, &node->integer)) {
		node->type = PX_JSON_INT;
		return 1;
	}
	node->text = parser_keep(p, s, len);
	node->len = len;
	return node->text != NULL;
}

static int
on_string(void *arg, const unsigned char *s, size_t len)
{
	struct parser *p = arg;
	struct px_json *node = parser_add(p, PX_JSON_STRING);

	if (node == NULL)
		return 0;
	node->text = parser_keep(p, s, len);
	node->len = len;
	return node->text != NULL;
}

static int
on_key(void *arg, const unsigned char *s, size_t len)
{
	struct parser *p = arg;

	p->key = parser_keep(p, s, len);
	p->key_len = len;
	return p->key != NULL;
}

static int
parser_open(struct parser *p, enum px_json_type type)
{
	struct px_json *node;

	if (p->depth == PX_JSON_DEPTH) {
		px_fail(p->err, PX_E_PARSE, "JSON nested deeper than %d levels at byte %zu",
		    PX_JSON_DEPTH, yajl_get_bytes_consumed(p->yajl) - 1);
		return 0;
	}
	if ((node = parser_add(p, type)) == NULL)
		return 0;
	p->open[p->depth].node = node;
	p->open[p->depth].last = NULL;
	p->depth++;
	return 1;
}

static int
on_start_map(void *arg)
{
	return parser_open(arg, PX_JSON_OBJECT);
}

static int
on_start_array(void *arg)
{
	return parser_open(arg, PX_JSON_ARRAY);
}

static int
on_end_map(void *arg)
{
	struct parser *p = arg;

	if (px_json_find_duplicate(p->open[--p->depth].node) == -1)
		return parser_no_memory(p);
	return 1;
}

static int
on_end_array(void *arg)
{
	struct parser *p = arg;

	p->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/*
 * yajl does not check its allocations. Those of fixed size go through px_alloc().
 * Only its buffers grow with the text, by realloc: a failure there leaves the
 * buffer as it was and jumps out, after which yajl_free() is in order.
 */
static void *
yajl_on_malloc(void *arg, size_t size)
{
	(void)arg;
	return px_alloc(size);
}

static void *
yajl_on_realloc(void *arg, void *old, size_t size)
{
	struct parser *p = arg;
	void *grown = realloc(old, size);

	if (grown == NULL)
		longjmp(p->no_memory, 1);
	return grown;
}

static void
yajl_on_free(void *arg, void *old)
{
	(void)arg;
	free(old);
}

/* The code unit of the four hexadecimal digits at 's', or -1. */
static int
hex_unit(const char *s)
{
	int unit = 0;

	for (int i = 0; i < 4; i++) {
		int c = s[i] | 0x20;

		if (s[i] >= '0' && s[i] <= '9')
			unit = unit << 4 | (s[i] - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/*
 * The first surrogate escape that is not half of a pair, or NULL; yajl would
 * decode it to something else. A backslash outside of a string or before
 * nonsense is left to yajl, which refuses it.
 */
static const char *
lone_surrogate(const char *s, const char *end)
{
	while ((s = memchr(s, '\\', (size_t)(end - s))) != NULL && end - s >= 6) {
		int unit = s[1] == 'u' ? hex_unit(s + 2) : -1;

		if (unit < 0xd800 || unit > 0xdfff) {
			s += 2;
			continue;
		}
		if (unit > 0xdbff || end - s < 12 || s[6] != '\\' || s[7] != 'u')
			return s;
		unit = hex_unit(s + 8);
		if (unit < 0xdc00 || unit > 0xdfff)
			return s;
		s += 12;
	}
	return NULL;
}

/* What yajl makes of the failure, as one clause: its text reads "lexical error: <clause>.\n". */
static int
parser_malformed(struct parser *p, size_t at)
{
	char *text = (char *)yajl_get_error(p->yajl, 0, NULL, 0);
	char *clause = strstr(text, ": ");

	clause = clause != NULL ? clause + 2 : text;
	clause[strcspn(clause, ".\n")] = '\0';
	px_fail(p->err, PX_E_PARSE, "malformed JSON at byte %zu: %s", at, clause);
	yajl_free_error(p->yajl, (unsigned char *)text);
	return -1;
}

/*
 * yajl takes the end of the text for a space, behind which it does not miss the
 * end of a string that began after the value. A newline cannot be in a string.
 */
static int
parser_feed(struct parser *p)
{
	yajl_status status;
	size_t at = p->len;

	status = yajl_parse(p->yajl, (const unsigned char *)p->text, p->len);
	if (status == yajl_status_error)
		at = yajl_get_bytes_consumed(p->yajl);
	if (status == yajl_status_ok)
		status = yajl_parse(p->yajl, (const unsigned char *)"\n", 1);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(p->yajl);
	if (status == yajl_status_error)
		return parser_malformed(p, at);
	return status == yajl_status_ok ? 0 : -1;
}

static int
parser_run(struct parser *p)
{
	if (setjmp(p->no_memory) != 0) {
		parser_no_memory(p);
		return -1;
	}
	return parser_feed(p);
}

/* What yajl would let pass, although RFC 8259 does not. */
static int
check_text(const char *text, size_t len, struct px_err *err)
{
	size_t valid = px_utf8_valid_prefix(text, len);
	const char *lone, *space;

	if (len == 0)
		return px_fail(err, PX_E_PARSE, "empty JSON text");
	if (valid != len)
		return px_fail(err, PX_E_PARSE, "invalid UTF-8 at byte %zu", valid);
	if ((space = memchr(text, '\v', len)) != NULL || (space = memchr(text, '\f', len)) != NULL)
		return px_fail(err, PX_E_PARSE, "control character at byte %td", space - text);
	if ((lone = lone_surrogate(text, text + len)) != NULL)
		return px_fail(err, PX_E_PARSE, "lone surrogate escape at byte %td", lone - text);
	return 0;
}

int
px_json_parse(const char *text, size_t len, struct px_json_doc **out_doc, struct px_err *err)
{
	return px_json_parse_large(text, len, PX_JSON_NODES, out_doc, err);
}

int
px_json_parse_large(const char *text, size_t len, size_t max_nodes, struct px_json_doc **out_doc,
    struct px_err *err)
{
	struct parser p;
	yajl_alloc_funcs memory = { yajl_on_malloc, yajl_on_realloc, yajl_on_free, &p };
	int result;

	if (check_text(text, len, err) == -1)
		return -1;
	p.text = text;
	p.len = len;
	p.nodes = 0;
	p.max_nodes = max_nodes;
	p.depth = 0;
	p.err = err;
	if ((p.doc = px_json_doc_new()) == NULL)
		return px_fail(err, PX_E_NOMEM, "out of memory for a JSON text");
	p.yajl = yajl_alloc(&callbacks, &memory, &p);
	/* check_text() has the stricter notion of UTF-8. */
	yajl_config(p.yajl, yajl_dont_validate_strings, 1);
	result = parser_run(&p);
	yajl_free(p.yajl);
	if (result == 0)
		*out_doc = p.doc;
	else
		px_json_free(p.doc);
	return result;
}

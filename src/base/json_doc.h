#ifndef PX_BASE_JSON_DOC_H
#define PX_BASE_JSON_DOC_H

#include "base/json.h"

/* The document as the parser builds it. Nobody else includes this. */

struct px_json_doc *px_json_doc_new(void); /* NULL when memory is out */
void px_json_doc_set_root(struct px_json_doc *doc, const struct px_json *root);

/* Fills object->duplicate once all members are linked. -1: memory is out. */
int px_json_find_duplicate(struct px_json *object);

#endif

#include "base/bytes.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST = 4096 };

void
px_bytes_add(struct px_bytes *bytes, const void *data, size_t len)
{
	size_t room = bytes->room > 0 ? bytes->room : FIRST;

	if (len == 0)
		return;
	while (room - bytes->len < len)
		room *= 2;
	if (room > bytes->room) {
		bytes->data = px_realloc_array(bytes->data, room, 1);
		bytes->room = room;
	}
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

void
px_bytes_add_str(struct px_bytes *bytes, const char *text)
{
	px_bytes_add(bytes, text, strlen(text) + 1);
}

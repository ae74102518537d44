#ifndef PX_CLIENT_ROWS_H
#define PX_CLIENT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/fields.h"

/* Rows of field tables: 'member' of 'struct type' is filled from the member 'name' of an object. */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROW(type, member, name, kind, ...)                                 \
	{                                                                  \
		(name), (kind), offsetof(struct type, member), __VA_ARGS__ \
	}
#define STRING(type, member, name)       ROW(type, member, name, PX_F_CSTR, .flags = PX_F_REQUIRED)
#define MAYBE_STRING(type, member, name) ROW(type, member, name, PX_F_CSTR, .flags = 0)
/* No count of ours is larger, so that sums of two are exact. */
#define NUMBER_MAX  (INT64_MAX / 2)
#define SESSION_MAX 128
#define SESSION(type, member)                                                       \
	ROW(type, member, "sessionId", PX_F_CSTR, .flags = PX_F_REQUIRED, .min = 1, \
	    .max = SESSION_MAX)
#define NUMBER(type, member, name) \
	ROW(type, member, name, PX_F_INT, .flags = PX_F_REQUIRED, .max = NUMBER_MAX)
#define MAYBE_NUMBER(type, member, name) ROW(type, member, name, PX_F_INT, .max = NUMBER_MAX)
#define FLAG(type, member, name)         ROW(type, member, name, PX_F_BOOL, .flags = PX_F_REQUIRED)
#define BYTES(type, member, name)        ROW(type, member, name, PX_F_BYTES, .flags = PX_F_REQUIRED)
#define OBJECT(type, member, name, rows, there)                                  \
	ROW(type, member, name, PX_F_OBJECT, .sub = (rows), .nsub = COUNT(rows), \
	    .present_offset = offsetof(struct type, there))

#endif

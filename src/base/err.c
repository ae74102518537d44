#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

static const char *const code_words[PX_E_COUNT] = { [PX_OK] = "ok",
#define PX_ERR_WORD(code, word, number) [PX_E_##code] = word,
	PX_ERR_MAP(PX_ERR_WORD)
#undef PX_ERR_WORD
};

static const int code_numbers[PX_E_COUNT] = {
#define PX_ERR_NUMBER(code, word, number) [PX_E_##code] = number,
	PX_ERR_MAP(PX_ERR_NUMBER)
#undef PX_ERR_NUMBER
};

/* The text is built aside first: an argument may point into 'err' itself. */
__attribute__((format(printf, 4, 0))) static void
err_set(struct px_err *err, enum px_code code, int sys, const char *fmt, va_list ap)
{
	char text[sizeof(err->text)];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (text[0] == '\0')
		strlcpy(text, px_code_word(code), sizeof(text));
	if (sys != 0) {
		const char *reason = strerrordesc_np(sys);
		size_t used = strlen(text);

		if (reason != NULL)
			snprintf(text + used, sizeof(text) - used, ": %s", reason);
		else
			snprintf(text + used, sizeof(text) - used, ": error %d", sys);
	}
	err->code = code;
	err->sys = sys;
	err->limit = NULL;
	err->step = NULL;
	err->value = 0;
	err->path[0] = '\0';
	memcpy(err->text, text, sizeof(text));
}

int(px_fail)(struct px_err *err, enum px_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	err_set(err, code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int(px_fail_sys)(struct px_err *err, enum px_code code, int sys, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	err_set(err, code, sys, fmt, ap);
	va_end(ap);
	return -1;
}

int(px_fail_limit)(struct px_err *err, const char *limit, int64_t value, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	err_set(err, PX_E_LIMIT, 0, fmt, ap);
	va_end(ap);
	err->limit = limit;
	err->value = value;
	return -1;
}

int(px_wrap)(struct px_err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strlcat(text, ": ", sizeof(text));
	strlcat(text, err->text, sizeof(text));
	memcpy(err->text, text, sizeof(text));
	return -1;
}

const char *
px_code_word(enum px_code code)
{
	if ((unsigned)code >= PX_E_COUNT)
		return code_words[PX_E_INTERNAL];
	return code_words[code];
}

int
px_code_number(enum px_code code)
{
	if ((unsigned)code >= PX_E_COUNT)
		return code_numbers[PX_E_INTERNAL];
	return code_numbers[code];
}

const char *
px_errno_name(int sys)
{
	const char *name = sys > 0 ? strerrorname_np(sys) : NULL;

	return name != NULL ? name : "EUNKNOWN";
}

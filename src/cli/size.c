#include "cli/size.h"

#include "base/clock.h"
#include "cli/terminal.h"

enum { REDRAW_MS = 100 }; /* for a program to look at the smaller size */

int
px_size_tell(struct px_size *size, struct px_error *err)
{
	uint16_t rows, cols;

	px_terminal_size(&rows, &cols);
	if (size->restore_at != 0)
		rows = rows > 1 ? rows - 1 : 2;
	if (!size->follows || size->request != 0 || (rows == size->rows && cols == size->cols))
		return 0;
	size->rows = rows;
	size->cols = cols;
	if ((size->request = px_client_resize(size->client, size->session, rows, cols, err)) != -1)
		return 0;
	size->request = 0;
	return -1;
}

int
px_size_answered(struct px_size *size, const struct px_answer *answer, struct px_error *err)
{
	if (size->request == 0 || answer->request != size->request)
		return 0;
	size->request = 0;
	return px_size_tell(size, err);
}

int
px_size_redraw(struct px_size *size, struct px_error *err)
{
	if (!size->follows || size->restore_at != 0)
		return 0;
	size->restore_at = px_now_ms() + REDRAW_MS;
	return px_size_tell(size, err);
}

int
px_size_timeout_ms(const struct px_size *size)
{
	int64_t left = size->restore_at - px_now_ms();

	if (size->restore_at == 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

int
px_size_tick(struct px_size *size, struct px_error *err)
{
	if (size->restore_at == 0 || px_now_ms() < size->restore_at)
		return 0;
	size->restore_at = 0;
	return px_size_tell(size, err);
}

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * Stands in for libFuzzer: gives every file of a corpus directory to the fuzz
 * target it is linked with, in the order of their names, as one TAP test. A
 * target says that something is wrong by ending the process.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;
	uint8_t *data = NULL;
	int result = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return -1;
	/* Exactly as long as the file, so that a sanitizer sees each step beyond its end. */
	if (fstat(fileno(f), &st) == 0 && (data = malloc((size_t)st.st_size)) != NULL &&
	    fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size) {
		(void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
		result = 0;
	}
	free(data);
	(void)fclose(f);
	return result;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	int n = argc == 2 ? scandir(argv[1], &entries, is_visible, alphasort) : -1;
	int bad = n <= 0;

	/* The plan goes out first: without the result after it, a crash is a failure. */
	puts("1..1");
	(void)fflush(stdout);
	for (int i = 0; i < n; i++) {
		if (replay(argv[1], entries[i]->d_name) == -1) {
			printf("# cannot read %s\n", entries[i]->d_name);
			bad = 1;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%sok 1 - %d inputs\n", bad ? "not " : "", n < 0 ? 0 : n);
	return bad;
}

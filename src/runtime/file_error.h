/* What the system says about a failed call, in the C locale and as a message begins. */
#ifndef FJ_FILE_ERROR_H
#define FJ_FILE_ERROR_H

#include <stddef.h>

enum { FILE_ERROR_TEXT = 80 };

void file_error_text(char *text, size_t size, int code);

#endif

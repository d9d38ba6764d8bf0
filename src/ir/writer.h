/* A text that grows in an arena. */
#ifndef FJ_WRITER_H
#define FJ_WRITER_H

#include "arena.h"

typedef struct writer {
    arena *ar;
    char *text; /* ends with 0; NULL: nothing was written */
    int32_t length, capacity;
    bool failed; /* no memory: the text is not complete */
} writer;

void write_bytes(writer *w, const char *bytes, size_t n);
void write_text(writer *w, const char *text);
void write_format(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

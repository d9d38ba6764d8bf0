/* Diagnostics: a row of diag.def, a place in a source, a sentence with the values involved.
 * Collected into the caller's plain-data jit_error; the first JIT_MAX_DIAGNOSTICS are kept. */
#ifndef FJ_DIAG_H
#define FJ_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "fusejit.h"

/* A text and its name. Spans are byte ranges in it. */
typedef struct source {
    const char *name;
    const char *text;
    int32_t length; /* bytes */
    bool prelude;   /* ours: errors inside it are reported at the user's call */
} source;

typedef struct span {
    int32_t start, length; /* bytes */
} span;

typedef enum diag_code {
#define DIAG(code, name, status, title, explanation, example) DIAG_##name = code,
#include "diag.def"
#undef DIAG
} diag_code;

typedef struct diag {
    jit_error *out;    /* never NULL: diag_init points it at the caller's or at `own` */
    const source *src; /* where spans lie; NULL: messages have no place */
    const struct arena
        *memory;  /* diag_no_memory asks whether its limit was the reason; or NULL */
    int32_t last; /* the message that a hint belongs to; -1: it was dropped */
    jit_error own;
} diag;

/* Clears *err (may be NULL) and starts collecting. */
void diag_init(diag *d, jit_error *err, const source *src);
bool diag_failed(const diag *d);
int32_t diag_count(const diag *d);

/* One message at a place. A second message at the same place is dropped: it is a consequence. */
void diag_at(diag *d, diag_code code, span at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_at_va(diag *d, diag_code code, span at, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));
/* A message about no text. */
void diag_plain(diag *d, diag_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a hint to the last message made (ignored if that one was dropped). */
void diag_hint(diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The usual one: status and code of "out of memory", or of the memory limit. */
void diag_no_memory(diag *d);
/* Continues with the state before `mark` = diag_count(): forgets all messages made since. */
void diag_rewind(diag *d, int32_t mark);

/* The candidate nearest to `name` by edit distance, if near enough to suggest; else NULL. */
const char *diag_nearest(const char *name, const char *const *candidates, int32_t n);

/* Line and column (from 1, columns in Unicode characters) of a byte offset. */
void diag_position(const source *src, int32_t offset, int32_t *line, int32_t *column);

/* Rows of diag.def, for docs and `explain`. */
typedef struct diag_row {
    int32_t code;
    jit_status status;
    const char *name, *title, *explanation, *example;
} diag_row;
const diag_row *diag_find(int32_t code); /* NULL: no such code */
const diag_row *diag_rows(int32_t *n);

#endif

/* Arguments for an expression whose names have no value: arrays of points. */
#ifndef FJ_REPL_POINTS_H
#define FJ_REPL_POINTS_H

#include "session.h"

typedef enum points_kind {
    POINTS_UNIT, /* between 0 and 1 */
    POINTS_WIDE  /* of many magnitudes, special values first */
} points_kind;

typedef struct points_request {
    const char *text;
    int64_t n;
    points_kind kind;
    bool interpret;
} points_request;

typedef struct points {
    value made[JIT_MAX_OPERANDS];
    const char *name[JIT_MAX_OPERANDS];
    int n;
    jit_dtype type;
    jit_array form; /* its rank and extents */
} points;

/* Compiles the text and binds it to variables, and names without one to points: f32, or integers
 * where the expression needs them. Free both in any case. Returns an exit code. */
int points_compile(points *p, session *s, const points_request *r, expression *e);
void points_free(points *p);
/* "x, y    f32[65536], from 0 to 1", if there are any. */
void points_print(const points *p, FILE *f);

/* An expression over arrays takes them whole, as one sample. */
bool points_are_whole(const jit_function_info *info);

#endif

/* One function lowered, simplified, expanded and interpreted; the outcome as text. */
#ifndef FJ_LOWER_CASE_H
#define FJ_LOWER_CASE_H

#include "pipeline.h"

/* A row of a table: function f of the program, on one element. types: "f32,i32"; args: "1,2.5"
 * (inf, nan too); expect: what lower_case_run gives, such as "f32 0.5, i32 3", with " flags 1"
 * if a status flag was set, or "E0204" for the first error. */
typedef struct lower_case {
    const char *program, *types, *args, *expect;
} lower_case;

/* In a static buffer. */
const char *lower_case_run(const lower_case *c, pipeline_end end);
/* All rows, as lowered and as expanded. */
void lower_case_check(const lower_case *rows, int n);

/* A compiled program with its arena; free with lower_text_free. program NULL: see err. */
typedef struct lower_text {
    source src;
    jit_error err;
    diag d;
    arena *ar;
    program *program;
} lower_text;
void lower_text_make(lower_text *t, const char *text);
void lower_text_free(lower_text *t);
graph *lower_text_graph(lower_text *t, const char *fn, const char *types, pipeline_end end);

#define LOWER_CHECK(rows) lower_case_check(rows, (int)(sizeof(rows) / sizeof *(rows)))

#endif

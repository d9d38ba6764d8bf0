/* What writes a random array program: names in scope, expressions (random_array_expression.c). */
#ifndef RANDOM_ARRAY_WRITER_H
#define RANDOM_ARRAY_WRITER_H

#include <stdbool.h>

#include "random_array_program.h"

enum { MAX_ARRAYS = 24, MAX_SCALARS = 16, MAX_INDICES = 10 };

typedef struct array_name {
    char text[16];
    array_type type; /* dtype: as read, f16 and bf16 are f32 */
    bool variable;
} array_name;

typedef struct scalar_name {
    char text[16];
    jit_dtype type;
    bool variable;
} scalar_name;

typedef struct index_name {
    char text[16];
    array_extent extent;
    bool found; /* the extent is that of its plain subscripts, which must agree */
} index_name;

typedef struct writer {
    random_source r;
    random_array_program *p;
    size_t used;
    jit_dtype real; /* f32 or f64 */
    array_name array[MAX_ARRAYS];
    scalar_name scalar[MAX_SCALARS];
    index_name index[MAX_INDICES];
    int n_arrays, n_scalars, n_indices, serial, in_loop, sums;
} writer;

extern const char size_name[N_SIZES];

int pick(writer *w, int n);
void put(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_extent(writer *w, const array_extent *e);
void put_dims(writer *w, const array_type *t);
array_extent plain_extent(int dim);
array_extent extent_in_use(writer *w);
index_name *add_index(writer *w, array_extent e);
/* A number of type t (real, i64 or bool), in the indices that are bound. */
void number(writer *w, jit_dtype t, int depth);
/* An array of the shape of t, or what broadcasts to it, of the type real. */
void whole_array(writer *w, const array_type *t, int depth);
/* An element of an array whose axis has that extent, with this index there; false: none has. */
bool plain_use(writer *w, jit_dtype t, const index_name *i);

#endif

/* What the calls of linear algebra have in common: operands checked and broadcast, a walk over
 * the matrices of the batch, results that are written when all of them are there.
 *
 *   linalg_begin -> linalg_input.. -> linalg_batch -> linalg_output_add.. -> linalg_block..
 *     -> while (linalg_next) { linalg_load, LAPACK, linalg_at } -> linalg_end
 *
 * Errors are sticky: after one every step does nothing, and linalg_next is false. */
#ifndef FJ_LINALG_H
#define FJ_LINALG_H

#include <stdbool.h>

#include "array.h"
#include "blas.h"
#include "fpmode.h"

enum { LINALG_INPUTS = 2, LINALG_OUTPUTS = 4, LINALG_BLOCKS = 12, LINALG_NAME = 112 };

typedef struct linalg_operand {
    const char *name;
    jit_array array; /* after linalg_batch its batch axes are those of the call */
    int32_t core;    /* the last axes: 0 (a number), 1 (a vector: one column), 2 (a matrix) */
    int64_t rows, cols; /* of one matrix */
} linalg_operand;

typedef struct linalg_output {
    const char *name;
    jit_array *array; /* the host's; NULL: not wanted */
    jit_array packed; /* our own memory, of the result's shape: each matrix column-major;
                         direct: the array itself, C-contiguous if it is made */
    int64_t bytes;    /* of one matrix */
    bool direct, made;
} linalg_output;

typedef struct linalg {
    const char *call; /* "jit_solve" */
    diag d;
    const blas_routines *blas;
    jit_dtype dtype; /* JIT_F32 or JIT_F64 */
    int64_t size;    /* of an element */
    int32_t n_in, n_out, n_blocks, batch_rank;
    linalg_operand in[LINALG_INPUTS];
    linalg_output out[LINALG_OUTPUTS];
    int64_t batch[JIT_MAX_RANK];
    int64_t n_batch, at; /* matrices; the one that is worked on */
    void *block[LINALG_BLOCKS];
    bool running; /* between blas_enter and blas_leave */
    fpmode mode;
} linalg;

typedef enum linalg_use {
    LINALG_NEEDED,
    LINALG_OPTIONAL, /* array may be NULL: not wanted */
    /* needed, and written where it lies unless it overlaps an input: then nothing may fail once
     * linalg_next was true */
    LINALG_DIRECT
} linalg_use;

/* A result: its name, where it goes, its core shape. */
typedef struct linalg_result {
    const char *name;
    jit_array *array;
    int32_t core;
    int64_t rows, cols;
    jit_dtype dtype; /* JIT_NONE: that of the call */
    linalg_use use;
} linalg_result;

void linalg_begin(linalg *l, const char *call, jit_error *err);
/* An array of f32 or f64 whose last `core` axes are a matrix or a vector. */
void linalg_input(linalg *l, const char *name, const jit_array *a, int32_t core);
/* Whether all is well so far and input i is square; its order is in[i].rows. */
bool linalg_square(linalg *l, int32_t i);
/* Finds the element type and the shape of the batch, opens the library. */
bool linalg_batch(linalg *l);
void linalg_output_add(linalg *l, const linalg_result *r);
/* Memory for count elements of `size` bytes, freed by linalg_end; NULL without memory. */
void *linalg_block(linalg *l, int64_t count, int64_t size);
/* Memory for rows x cols elements of the call's type. */
void *linalg_matrix(linalg *l, int64_t rows, int64_t cols);

/* To the next matrix of the batch; false after the last, and after an error. */
bool linalg_next(linalg *l);
/* This matrix of input i, column-major with `ld` elements from column to column. */
void linalg_load(const linalg *l, int32_t i, void *to, int64_t ld);
/* Where this matrix begins in an array with the call's batch axes. */
char *linalg_place(const linalg *l, const jit_array *a);
/* This matrix of output i, column-major; NULL if it is not wanted. Not for direct ones. */
void *linalg_at(const linalg *l, int32_t i);
/* Refuses NaN and infinity in `m`, this matrix of input i; lower: below the diagonal only. */
bool linalg_finite(linalg *l, int32_t i, const void *m, bool lower);
/* "a" or, in a batch, "a[0,2]": this matrix of input i, in text of LINALG_NAME bytes. */
const char *linalg_name(const linalg *l, int32_t i, char *text);
/* Writes the outputs, if nothing failed, and frees everything. */
jit_status linalg_end(linalg *l);

/* Element i of numbers of the call's type. */
double linalg_get(const linalg *l, const void *m, int64_t i);
void linalg_put(const linalg *l, void *m, int64_t i, double v);
/* The workspace that a query left in work[0], and at least `least`; over the limit: an error. */
blas_int linalg_lwork(linalg *l, const void *work, int64_t least);
/* Refuses matrices over `most` rows or columns: LAPACK counts its workspace in 32 bits. */
bool linalg_within(linalg *l, int32_t i, int64_t most);

#endif

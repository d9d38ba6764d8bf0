/* Array functions made by hand, and runs of them against the interpreter at every level. */
#ifndef FJ_TEST_ARRAY_MADE_H
#define FJ_TEST_ARRAY_MADE_H

#include "array_compared.h"

typedef struct made { /* a graph being made */
    arena *ar;
    jit_error err;
    diag d;
    graph *g;
    node dim[8];
    node yes;
} made;

made begin(const char *name, int32_t n_dims);
node input(made *m, jit_dtype t, const node *extent, int32_t rank);
node weights(made *m, jit_dtype t, const node *extent, int32_t rank);
void give(made *m, node n);
node axis(made *m, node extent);
node at1(made *m, node a, node i);
node at2(made *m, node a, node i, node j);
node map1(made *m, node i, node v);
node map2(made *m, node i, node j, node v);
node fold1(made *m, node i, fold_kind k, fold_order o, node x, node y);
node op1(made *m, op o, node a);
node op2(made *m, op o, node a, node b);
node real(made *m, jit_dtype t, double v);
node whole(made *m, int64_t v);

cell small(random_state *r, jit_dtype t, int32_t i);
cell any(random_state *r, jit_dtype t, int32_t i);

/* The same for dimensions that are known; constant: so are the elements of all weights. */
graph *fixed_copy(const made *m, const int64_t *dim, bool constant);

/* g into `to`, an empty graph, for dimensions that are known. */
void fix_dims(graph *to, const graph *g, const int64_t *dim);

/* As expand_for makes it without fused multiply-add, in the same arena. */
const graph *without_fma(const graph *g);

/* Whether the LLVM IR of g, a graph of m, has these words. The end of m. */
bool llvm_says(made *m, const graph *g, const char *words);

typedef made (*maker)(jit_dtype t);

/* For n triples of dimensions, known and free. products: the call does some of them. */
typedef struct run_dims {
    const int64_t (*of)[3];
    int32_t n;
} run_dims;
void run(maker make, jit_dtype t, run_dims dims, draw from, bool products);
/* ... `like` says how: rows 0: several numbers of them. */
void run_layouts(maker make, jit_dtype t, run_dims dims, draw from, array_layout like);

#define RUN(make, t, dims, from)                                                               \
    run(make, t, (run_dims){ dims, (int32_t)(sizeof dims / sizeof dims[0]) }, from, false)

#endif

/* Reductions of scalars.c, once the values are there. */
#ifndef FJ_SCALARS_FOLD_H
#define FJ_SCALARS_FOLD_H

#include "graph.h"

typedef struct
    scalars_values {   /* of the elements in C order, `last` of them along the last axis */
    const node *x, *y; /* y: the second factors of FOLD_DOT */
    int32_t n, last;
} scalars_values;

/* In g; as `fold` says. 0: it has no such form. */
node scalars_fold(graph *g, const node_data *fold, const scalars_values *v);

#endif

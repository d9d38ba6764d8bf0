/* scalars_make: an array function whose arrays have few elements, as a function of scalars: one
 * input for each element of an array that differs from sample to sample, one output for each element
 * of a result. Maps, reductions and subscripts are written out, so nothing but arithmetic is left, for
 * which samples are what elements are to a scalar function.
 * needs   a graph that is expanded     leaves   a graph of its own; one axis of 9 elements or more,
 *                                               an element chosen by data, a dimension or the
 *                                               position of the sample that is used, an array as
 *                                               a variable of a loop: there is no such function
 * keeps   every result bit and flag: reductions in their order (graph.h)
 * cost    what is written out, of which there is a limit */
#ifndef FJ_SCALARS_H
#define FJ_SCALARS_H

#include "graph.h"

enum {
    SCALARS_AXIS = 8,      /* elements of an axis, */
    SCALARS_ARRAY = 16,    /* of an input that differs by sample or an output, */
    SCALARS_MOST = 64,     /* of all of those, and of an array between them, */
    SCALARS_SHARED = 64,   /* of others that are read, */
    SCALARS_NODES = 2400,  /* nodes that are made, */
    SCALARS_STEPS = 20000, /* and that are looked at */
    SCALARS_LANES = 8      /* of a reduction of so few (fold_lanes) */
};

typedef struct scalars_operand { /* of the array function, inputs and then outputs */
    int32_t first,
        n; /* inputs or outputs of the scalar one: its elements; n = 0: it is shared */
} scalars_operand;

typedef struct scalars_shared { /* an element of a shared input */
    int32_t input, element;
} scalars_shared;

typedef struct scalars {
    graph *g;
    scalars_operand *operand;
    int32_t n_inputs, n_operands; /* of the array function */
    /* Uniform own_uniforms + i of g is that element. */
    scalars_shared shared[SCALARS_SHARED];
    int32_t n_shared, own_uniforms;
} scalars;

/* Whether g has few elements and nodes: cheap, and no promise that there is one. */
bool scalars_fit(const graph *g);
/* In g's arena; NULL: there is none, or no memory. */
scalars *scalars_make(const graph *g);

#endif

/* Random graphs and values for differential tests. The same seed gives the same graph. */
#ifndef FJ_RANDOM_GRAPH_H
#define FJ_RANDOM_GRAPH_H

#include "graph.h"

typedef struct random_state {
    uint64_t s;
} random_state;

/* The number in FUSEJIT_SEED, else one from the clock; written to stderr as FUSEJIT_SEED=... */
uint64_t random_seed(void);
uint64_t random_bits(random_state *r);
int32_t random_below(random_state *r, int32_t n); /* 0 .. n-1 */
/* Half of them special (0, -0, 1, -1, limits, infinities, NaN, subnormals), half random bits or
 * ordinary numbers. */
cell random_cell(random_state *r, jit_dtype t);

/* The special values of a type; n is set. */
const cell *special_cells(jit_dtype t, int32_t *n);
/* Same bits, or both NaN. */
bool same_cell(jit_dtype t, cell a, cell b);

typedef struct random_options {
    int32_t n_nodes;     /* about; default 30                                          */
    int32_t n_inputs;    /* default 3                                                  */
    int32_t n_outputs;   /* default 2                                                  */
    bool loops;          /* nested twice at most, at most 4 rounds each                */
    bool rare;           /* half of the loops run at most once, as rare cases do       */
    bool math;           /* operators that need expansion                              */
    bool flags_in_loops; /* operators that set flags inside loops, without guards      */
    bool fast;           /* some nodes carry NODE_FAST, @ulp and @abs                  */
    bool floats_only;    /* values in f32, f64 and bool                                */
    bool simplify;       /* apply the rules while making it                            */
} random_options;

/* A graph that verifies, whose values do not depend on the sign and payload of any NaN, and
 * which has no mad. NULL: no memory. */
graph *random_graph(arena *ar, diag *d, uint64_t seed, const random_options *o);

#endif

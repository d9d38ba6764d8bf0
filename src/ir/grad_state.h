/* What the files of grad.h share. */
#ifndef FJ_GRAD_STATE_H
#define FJ_GRAD_STATE_H

#include "grad.h"

typedef struct grad_use { /* what one user of a node adds to its gradient */
    struct grad_use *next;
    node region;     /* that `value` is computed in: a map, fold or loop; 0: none of those */
    const node *sub; /* of an element of the array; NULL: of the scalar or of all elements */
    node value;      /* an array if all elements are meant */
} grad_use;

typedef struct grad_kept { /* a dear node's values: an array over the axes that it depends on */
    node array;
    int32_t n;
    node axis[GRAPH_MAX_RANK]; /* n of them, and behind those a map's own */
} grad_kept;

typedef struct grad_scratch {   /* of grad_copy.c, by node */
    struct grad_scratch *inner; /* for what lies deeper */
    int32_t *stamp, now;
    uint8_t *bits;
    node *to, *reached;
    int32_t n, cap_stamp, cap_bits, cap_to, cap_reached;
} grad_scratch;

typedef struct grad_state {
    lowering *lw;
    graph *g;
    span at;
    node n_nodes; /* of the computation; what is made after has no entry in the arrays below */
    const node *owner;
    bool *live;       /* the result depends on it */
    bool *varies;     /* it depends on what the derivative is taken by */
    bool *guarded;    /* all that uses it may be under a condition */
    bool *dear;       /* a fold or loop inside a map or fold: stored where it is needed */
    node first_dear;  /* n_nodes: none */
    grad_kept **kept; /* of a dear node */
    node *settled;    /* of a map or fold that reads dear nodes: what reads them from there */
    bool *reads;      /* outside of maps and folds: it depends on such */
    node *element;    /* the map whose value it is, and which is cheaper to read; 0: none */
    grad_use **uses;
    node *settled_later; /* of a map, fold or loop made since, as settled; n_later of them */
    int32_t n_later, cap_later;
    bool all_kept; /* kept, settled and element are final */
    node **after;  /* of a loop: per variable the gradient of its last value */
    grad_scratch scratch;
} grad_state;

bool grad_error(grad_state *d, node n, const char *what); /* false */
bool grad_no_memory(grad_state *d);                       /* false */

/* The axes of a region and those around it, up to `outer` (not included), outermost first.
 * Their number; -1 and an error: too many, or a loop between. */
int32_t grad_axes(grad_state *d, node region, node outer, node *axes);

/* grad_copy.c */
typedef struct grad_change { /* nodes, mostly axes, and what stands in their place */
    const node *from, *to;
    int32_t n;
} grad_change;
/* n with the change; what is dear is read from where it is kept. 0: an error. */
node grad_copy(grad_state *d, node n, grad_change c);
/* Whether n depends on one of the axes. */
bool grad_depends(grad_state *d, node n, const node *axes, int32_t n_axes);
/* Those of the axes of a region and around it that n depends on; -1: an error. */
int32_t grad_free_axes(grad_state *d, node n, node region, node *axes);
/* Stores what is dear; sets dear, kept, settled, element. */
bool grad_keep(grad_state *d);

/* grad_sum.c */
bool grad_fresh_axes(grad_state *d, const node *axes, int32_t n, node *to);
node grad_of_scalar(grad_state *d, node n);   /* from its uses */
node grad_add(grad_state *d, node a, node b); /* a may be 0 */
node grad_sum(grad_state *d, const node *axes, int32_t n, node term);
/* An expression in a region with the values of `own` axes: stored, and read where it was, with
 * `at` in their place. */
node grad_store(grad_state *d, node term, node region, const node *own, const node *at,
                int32_t n_own);
/* Indices of the element of that number, the last one fastest; the number of all elements. */
node grad_indices(grad_state *d, const node *extent, int32_t n, node number, node *index);
/* The sum of an expression in a region over the axes up to `outer`. */
node grad_sum_over(grad_state *d, node term, node region, node outer);

/* grad_array.c */
node grad_of_array(grad_state *d, node array);
/* `sum`, an array, and what a use in a loop adds to it in one round. */
node grad_add_to_array(grad_state *d, node sum, const grad_use *u, node loop);
node grad_zero(grad_state *d, node like);  /* of its type */
node grad_zeros(grad_state *d, node like); /* and shape */

/* grad.c */
bool grad_give(grad_state *d, node to, grad_use use);

node grad_total(grad_state *d, node n); /* from its uses */
bool grad_pass(grad_state *d, node n);  /* ... and to its operands */

/* grad_fold.c */
bool grad_fold(grad_state *d, node n, node g);

/* grad_loop.c: after: per variable the gradient of its last value; 0: none */
bool grad_loop(grad_state *d, node loop, const node *after);

#endif

/* The IR: pure values of one element, nodes in one array, operands smaller than their users.
 *
 *   arg #i        the i-th input, already of the element type it is stored in
 *   uniform #i    the i-th uniform argument (one value per call)
 *   const bits    a value
 *   index         u64: the element's position in the result, C order
 *   seed          u64: the call's seed
 *   phi init      a variable of a loop; belongs to the one `loop` that names it
 *   loop          operands phi 1..k, cond, next 1..k; imm = k. Per element:
 *                     v = init;  while (cond(v)) v = next(v)      (all next from the old v)
 *                 A node belongs to a loop if it depends on one of its phis other than through
 *                 a proj of that loop; everything else is invariant and computed outside. Each
 *                 back-edge costs one unit of fuel.
 *   proj #i       the i-th variable of a finished loop
 *   everything else: a row of ops.def applied to operands of one type (see op_rule)
 *
 * A node is typed and looked up (CSE) when it is made, and simplified by the rules that the
 * graph was given. Sticky: after an error graph_* return node 0 and do nothing, and an operand 0
 * gives node 0. */
#ifndef FJ_GRAPH_H
#define FJ_GRAPH_H

#include "arena.h"
#include "diag.h"
#include "ops.h"

typedef int32_t node; /* index; 0: the error value */

enum {
    NODE_FAST = 1
}; /* node_data.relaxed: @fast: reassociate, contract, no NaN or infinity */

typedef struct node_data {
    uint16_t op;
    uint8_t dtype;   /* jit_dtype; JIT_NONE for loop */
    uint8_t relaxed; /* NODE_FAST */
    int32_t n_in;
    int32_t first_in; /* operands are graph.in[first_in ...] */
    uint64_t imm;     /* arg, uniform, proj: number; const: type_encode bits; loop: n phis */
    span at;          /* in the user's source; length 0: nowhere */
} node_data;

typedef struct graph_output {
    node value;
    const char *name; /* NULL: unnamed */
} graph_output;

typedef struct graph_input {
    const char *name;
    jit_dtype dtype; /* as stored in the array (inputs) or in its 8-byte cell (uniforms) */
} graph_input;

typedef struct graph {
    arena *ar;
    diag *d;
    const char *name; /* of the function */
    node_data *nodes; /* [0] is the error node */
    int32_t n_nodes, cap_nodes;
    node *in;
    int32_t n_in, cap_in;
    graph_input *inputs, *uniforms; /* of the function */
    int32_t n_inputs, n_uniforms;
    graph_output *outputs; /* value's dtype is what is stored */
    int32_t n_outputs;
    int32_t max_nodes;
    bool simplify;   /* apply rules.def to each node made */
    bool failed;     /* sticky */
    bool ftz;        /* @ftz */
    uint8_t relaxed; /* what nodes made now carry */
    int32_t *table;  /* CSE: hash -> node */
    int32_t table_size;
} graph;

graph *graph_new(arena *ar, diag *d, const char *name, int32_t max_nodes);

node graph_apply(graph *g, op o, const node *in, span at); /* arity from ops.def */
node graph_apply1(graph *g, op o, node a, span at);
node graph_apply2(graph *g, op o, node a, node b, span at);
node graph_apply3(graph *g, op o, node a, node b, node c, span at);
node graph_cast(graph *g, jit_dtype to, node a, span at); /* a itself if it is of that type */
node graph_bitcast(graph *g, jit_dtype to, node a, span at);
node graph_const(graph *g, jit_dtype t, cell v);
node graph_real(graph *g, jit_dtype t, double v); /* converted to t, integer types too */
node graph_arg(graph *g, int32_t i);              /* of inputs[i].dtype */
node graph_uniform(graph *g, int32_t i);          /* of uniforms[i].dtype */
node graph_leaf(graph *g, op o);                  /* index, seed */

/* Loops: make the phis, then the body from them, then close. graph_loop gives the loop's node;
 * its results are projs. */
node graph_phi(graph *g, node init, span at);
node graph_loop(graph *g, const node *phis, int32_t n, node cond, const node *next, span at);
node graph_proj(graph *g, node loop, int32_t i);

const node_data *graph_node(const graph *g, node n);
node graph_in(const graph *g, node n, int32_t i);
bool graph_is_const(const graph *g, node n, cell *v); /* v may be NULL */
jit_dtype graph_dtype(const graph *g, node n);

/* A copy with only what the outputs need, each node remade (and so simplified, if dst->simplify)
 * in order; `rewrite` (may be NULL) may make another node in its place: it is given the old graph
 * and node and its operands in the new graph, and returns the new node, or -1 for "as it was". */
typedef node (*graph_rewrite)(void *user, graph *dst, const graph *src, node old,
                              const node *in);
bool graph_rebuild(graph *dst, const graph *src, graph_rewrite rewrite, void *user);

/* Which loop each node belongs to: owner[n] = the innermost loop node, or 0. The loop node
 * itself belongs to the loop around it. Array of n_nodes in the graph's arena; NULL: no memory. */
node *graph_owners(const graph *g);

/* The same text for the same graph whatever it was called: for cache keys. See print.h. */

#endif

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
 * Arrays are pure values too. A node with a shape is an array, whose extents are i64 nodes that
 * depend on dims, constants and uniforms alone; one without is a scalar.
 *
 *   arg #i              of an input with a shape: an array (all its core dimensions)
 *   dim #i              i64: a dimension, one value per call
 *   axis extent         i64: an index, 0 .. extent-1; bound by the one map or fold that names it
 *   map axes.. value..  the array of the axes' extents with element [axes] = value; imm: how many
 *                       values follow the first
 *   also #i map         the array of the map's i-th value, i > 0, computed in the same loop
 *   fold axes.. value   a scalar: the value over all the axes; imm: fold_kind, fold_order. The
 *                       last operand of FOLD_DOT is a second factor: axes.. x y
 *   at array i..        a scalar: an element. The subscripts are in range: see bound
 *   bound i extent when i64: i where 0 <= i < extent; elsewhere 0, and if `when` holds the call
 *                       fails (imm: number of the site in graph.sites). An `at` with a bound is
 *                       not read where it is out of range: it is then 0
 *   put array i.. value when
 *                       the array with one element replaced, if `when`; in place where the old
 *                       array is not used after it
 *   select, phi, proj   take arrays of one shape too
 *
 * A node belongs to a map or fold as to a loop: if it depends on one of its axes. A value
 * of a map that does not is computed outside it.
 *
 * A node is typed and looked up (CSE) when it is made, and simplified by the rules that the
 * graph was given. Sticky: after an error graph_* return node 0 and do nothing, and an operand 0
 * gives node 0. */
#ifndef FJ_GRAPH_H
#define FJ_GRAPH_H

#include "arena.h"
#include "diag.h"
#include "ops.h"
#include "tables.h"

typedef int32_t node; /* index; 0: the error value */

enum {
    NODE_FAST = 1
}; /* node_data.relaxed: @fast: reassociate, contract, no NaN or infinity */

typedef struct node_data {
    uint8_t op;
    uint8_t dtype;    /* jit_dtype; JIT_NONE for loop */
    uint16_t relaxed; /* NODE_FAST, and what accuracy was asked for: see tier.h */
    int32_t n_in;
    int32_t first_in; /* operands are graph.in[first_in ...] */
    int32_t shape;    /* arrays: graph.shapes[shape]; 0: a scalar */
    uint64_t imm;     /* arg, uniform, dim, proj: number; const: type_encode bits; loop: n phis;
                         fold: kind and order; bound: site;
                         map: values after the first; also: which of them */
    span at;          /* in the user's source; length 0: nowhere */
} node_data;

typedef enum fold_kind {
    FOLD_SUM,
    FOLD_DOT, /* sum of x*y: s = mad(x, y, s) */
    FOLD_PROD,
    FOLD_MIN,
    FOLD_MAX,
    FOLD_ANY,
    FOLD_ALL,
    FOLD_ARGMIN, /* i64, the number of the first; of one axis */
    FOLD_ARGMAX
} fold_kind;

/* The order in which SUM, DOT and PROD of floats are computed: part of the value. The others
 * are exact. All axes but the last are taken one after the other, in either order.
 *   SEQUENTIAL  s = 0; s = s + value for each element of the last axis in turn
 *   TREE        of n elements of the last axis: blocks of FOLD_BLOCK one after the other, each
 *               added to the sum so far. In a block lane l of L (fold_lanes) takes the elements
 *               l, l+L, l+2L, ... in turn, from 0; then lane l += lane l+h for h = L/2, L/4, .. 1
 */
typedef enum fold_order { FOLD_TREE, FOLD_SEQUENTIAL } fold_order;
enum { FOLD_BLOCK = 4096 };
static inline int32_t fold_lanes(jit_dtype t, int64_t n)
{
    return n < 128 ? 8 : t == JIT_F64 ? 32 : 64;
}

enum {
    GRAPH_MAX_RANK = JIT_MAX_RANK,
    GRAPH_MAX_TABLES = 16,
    GRAPH_MAX_VALUES = 8,                            /* of a map */
    GRAPH_MAX_IN = GRAPH_MAX_RANK + GRAPH_MAX_VALUES /* operands; of loops more */
};

typedef struct graph_shape {
    int32_t rank;
    node extent[GRAPH_MAX_RANK]; /* i64 */
} graph_shape;

typedef struct graph_site { /* a subscript that is checked when it is executed, or of a check */
    const char *array;      /* name, for messages; NULL: unnamed */
    int32_t axis;           /* which subscript, from 0; -1: `array` is a reduction of nothing */
    span at;
} graph_site;

/* What must hold of a call before it runs: 0 <= value < extent, if `when`. i64, i64 and bool
 * nodes that depend on dims, constants and uniforms alone. */
typedef struct graph_check {
    node value, extent, when;
    int32_t site;
} graph_check;

typedef struct graph_output {
    node value;
    const char *name; /* NULL: unnamed */
} graph_output;

typedef struct graph_input {
    const char *name;
    jit_dtype dtype; /* as stored in the array (inputs) or in its 8-byte cell (uniforms) */
    int32_t shape;   /* inputs: core dimensions, see node_data; 0: a scalar */
    bool shared;     /* inputs: one array for all samples (an array after `;`, a parameter) */
    /* inputs: and for all calls, of extents that depend on nothing: code may ask for it in panels
     * (codegen_object.panel) */
    bool constant;
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
    const char **dims; /* names of the dimensions; NULL where a dimension has none */
    int32_t n_dims;
    graph_shape *shapes; /* [0]: of scalars */
    int32_t n_shapes, cap_shapes;
    graph_site *sites;
    int32_t n_sites, cap_sites;
    graph_check *checks;
    int32_t n_checks, cap_checks;
    lookup_table tables[GRAPH_MAX_TABLES]; /* of f32, that the compiler made: see graph_table */
    int32_t n_tables;
    graph_output *outputs; /* value's dtype is what is stored */
    int32_t n_outputs;
    int32_t max_nodes;
    bool simplify;    /* apply rules.def to each node made */
    bool failed;      /* sticky */
    bool ftz;         /* @ftz */
    bool portable;    /* @portable: mad is fma on every machine */
    uint16_t relaxed; /* what nodes made now carry */
    int32_t *table;   /* CSE: hash -> node */
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

/* Arrays. A shape is looked up: equal extents give an equal number. An input's shape is set in
 * g->inputs before graph_arg; the extents must be older than the nodes of that shape. */
int32_t graph_shape_of(graph *g, const node *extent, int32_t rank); /* 0: an error, or rank 0 */
node graph_dim(graph *g, int32_t i);
node graph_axis(graph *g, node extent, span at); /* a new one each time */
node graph_map(graph *g, const node *axes, int32_t n, node value, span at);
/* in: n axes, then the values. */
node graph_map_all(graph *g, const node *in, int32_t n, int32_t n_values, span at);
node graph_also(graph *g, node map, int32_t i); /* i = 0: the map itself */
/* y: the second factor of FOLD_DOT, else 0 */
typedef struct graph_fold_spec {
    fold_kind kind;
    fold_order order;
    node x, y;
} graph_fold_spec;
node graph_fold(graph *g, const node *axes, int32_t n, graph_fold_spec f, span at);
node graph_at(graph *g, node array, const node *subscript, span at); /* one per axis */
node graph_bound(graph *g, node i, node extent, node when, graph_site site);
node graph_put(graph *g, node array, const node *subscript, node value, node when, span at);
bool graph_add_check(graph *g, node value, node extent, node when, graph_site site);

/* Tables that lookup reads: the fixed ones and, after them, those of the graph. add: the `which` of column 0,
 * or -1 if the graph has GRAPH_MAX_TABLES; elements are not copied. */
int32_t graph_add_table(graph *g, lookup_table t);
const lookup_table *graph_table(const graph *g, jit_dtype t, uint64_t which, int32_t *column);
/* Of a lookup in one of the graph's own tables; NULL: n is another node. */
const lookup_table *graph_own_table(const graph *g, node n, int32_t *column);

static inline fold_kind graph_fold_kind(const node_data *d)
{
    return (fold_kind)(d->imm & 0xff);
}
static inline fold_order graph_fold_order(const node_data *d)
{
    return (fold_order)(d->imm >> 8 & 0xff);
}
static inline int32_t graph_n_values(const node_data *d) /* of a map */
{
    return (int32_t)d->imm + 1;
}
/* How many axes a map or fold binds: its first operands. */
static inline int32_t graph_n_axes(const node_data *d)
{
    bool dot = d->op == OP_fold && graph_fold_kind(d) == FOLD_DOT;
    return d->n_in - (dot ? 2 : d->op == OP_map ? graph_n_values(d) : 1);
}
/* How many of the first operands are the node's own: axes, or the phis of a loop. */
int32_t graph_n_variables(const node_data *d);
bool graph_has_arrays(
    const graph *g); /* an array function: dims, maps, folds or array inputs */
const graph_shape *graph_shape_at(const graph *g, node n); /* rank 0: a scalar */
/* The value of an i64 or bool node that depends on dims, constants and uniforms alone (an
 * extent, a check), without overflow: false if it would, or depends on something else. Uniforms
 * are cells of their types; NULL if none is needed. Memory is taken from ar. */
typedef struct graph_known {
    const int64_t *dims;
    const cell *uniforms;
} graph_known;
bool graph_value(const graph *g, node n, const graph_known *k, arena *ar, int64_t *out);

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
/* The same, with old node -> new node in `map`, of src's n_nodes: what `rewrite` sets there holds
 * for nodes to come. */
typedef struct graph_copying {
    graph_rewrite rewrite;
    void *user;
    node *map;
} graph_copying;
bool graph_rebuild_to(graph *dst, const graph *src, graph_copying how);

/* Which loop, map or fold each node belongs to: owner[n] = the innermost such node, or 0. It
 * belongs itself to the one around it. Array of n_nodes in the graph's arena; NULL: no memory. */
node *graph_owners(const graph *g);

/* The same text for the same graph whatever it was called: for cache keys. See print.h. */

#endif

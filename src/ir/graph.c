/* Making nodes: typing, lookup, loops. */
#include "graph.h"

#include <string.h>

#include "graph_intern.h"
#include "simplify.h"

_Static_assert(OP_COUNT <= UINT8_MAX, "node_data.op");

enum { FIRST_TABLE = 256, NO_LIMIT = INT32_MAX - 1 };

graph *graph_new(arena *ar, diag *d, const char *name, int32_t max_nodes)
{
    graph *g = arena_alloc(ar, sizeof *g);
    if (!g) {
        diag_no_memory(d);
        return NULL;
    }
    *g = (graph){ .ar = ar, .d = d, .name = name };
    g->max_nodes = max_nodes > 0 && max_nodes < NO_LIMIT ? max_nodes : NO_LIMIT;
    g->table_size = FIRST_TABLE;
    g->table = arena_alloc(ar, FIRST_TABLE * sizeof *g->table);
    if (!g->table || !arena_grow(ar, (void **)&g->nodes, sizeof *g->nodes, &g->cap_nodes, 1) ||
        !arena_grow(ar, (void **)&g->shapes, sizeof *g->shapes, &g->cap_shapes, 1)) {
        diag_no_memory(d);
        return NULL;
    }
    g->nodes[0] = (node_data){ .op = OP_none };
    g->n_nodes = 1;
    g->shapes[0] = (graph_shape){ 0 };
    g->n_shapes = 1;
    return g;
}

/* -------------------------------------------------------------------------- errors */

node graph_no_memory(graph *g)
{
    diag_no_memory(g->d);
    g->failed = true;
    return 0;
}

node graph_broken(graph *g, op o, const char *what)
{
    diag_plain(g->d, DIAG_internal, "graph: %s in operator %s", what, op_info(o)->name);
    g->failed = true;
    return 0;
}

static node too_many(graph *g, span at)
{
    diag_at(g->d, DIAG_node_limit, at,
            "the function needs more than %d operations after inlining (jit_limits.nodes)",
            (int)g->max_nodes);
    g->failed = true;
    return 0;
}

bool graph_usable(const graph *g, const node *in, int32_t n)
{
    if (g->failed)
        return false;
    for (int32_t i = 0; i < n; i++)
        if (in[i] <= 0 || in[i] >= g->n_nodes)
            return false;
    return true;
}

/* -------------------------------------------------------------------------- lookup */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* Two checks of one subscript are one, whatever their sites. */
static uint64_t key_of(const node_data *n)
{
    return n->op == OP_bound ? 0 : n->imm;
}

static uint64_t hash_of(const node_data *n, const node *in)
{
    uint64_t h = mix((uint64_t)n->op << 24 | (uint64_t)n->dtype << 16 | n->relaxed, key_of(n));
    for (int32_t i = 0; i < n->n_in; i++)
        h = mix(h, (uint64_t)in[i]);
    return h;
}

static bool same(const graph *g, node a, const node_data *n, const node *in)
{
    const node_data *m = &g->nodes[a];
    return m->op == n->op && m->dtype == n->dtype && m->relaxed == n->relaxed &&
           key_of(m) == key_of(n) && m->n_in == n->n_in &&
           (n->n_in == 0 || memcmp(g->in + m->first_in, in, (size_t)n->n_in * sizeof *in) == 0);
}

/* The slot of an equal node, or the empty slot where it belongs. Slots hold 0 when empty. */
static int32_t *slot_of(const graph *g, const node_data *n, const node *in)
{
    uint64_t mask = (uint64_t)g->table_size - 1;
    uint64_t i = hash_of(n, in) & mask;
    while (g->table[i] != 0 && !same(g, g->table[i], n, in))
        i = (i + 1) & mask;
    return &g->table[i];
}

static bool is_shared(op o)
{
    return !(op_info(o)->flags & OP_IMPURE);
}

/* Kept at most half full. */
static bool grow_table(graph *g)
{
    if (g->n_nodes < g->table_size / 2)
        return true;
    int32_t size = g->table_size * 2;
    int32_t *larger = arena_alloc(g->ar, (size_t)size * sizeof *larger);
    if (!larger)
        return false;
    g->table = larger;
    g->table_size = size;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = &g->nodes[n];
        if (is_shared((op)d->op))
            *slot_of(g, d, g->in + d->first_in) = n;
    }
    return true;
}

/* The node equal to n on operands in, made if there is none. */
node graph_intern(graph *g, node_data n, const node *in)
{
    n.relaxed = g->relaxed;
    bool shared = is_shared((op)n.op);
    if (shared) {
        int32_t found = *slot_of(g, &n, in);
        if (found != 0)
            return found;
    }
    if (g->n_nodes > g->max_nodes)
        return too_many(g, n.at);
    if (n.n_in > INT32_MAX - g->n_in)
        return too_many(g, n.at);
    if (!grow_table(g) ||
        !arena_grow(g->ar, (void **)&g->nodes, sizeof *g->nodes, &g->cap_nodes,
                    g->n_nodes + 1) ||
        !arena_grow(g->ar, (void **)&g->in, sizeof *g->in, &g->cap_in, g->n_in + n.n_in))
        return graph_no_memory(g);
    n.first_in = g->n_in;
    if (n.n_in > 0)
        memcpy(g->in + g->n_in, in, (size_t)n.n_in * sizeof *in);
    if (shared)
        *slot_of(g, &n, in) = g->n_nodes;
    g->n_in += n.n_in;
    g->nodes[g->n_nodes] = n;
    return g->n_nodes++;
}

/* -------------------------------------------------------------------------- operators */

/* Operators take scalars; only select takes arrays, of one shape. */
static bool shaped(const graph *g, op o, const node *in, node_data *made)
{
    for (int32_t i = 0; i < made->n_in; i++)
        if (g->nodes[in[i]].shape != 0 && (o != OP_select || i == 0))
            return false;
    made->shape = o == OP_select ? g->nodes[in[1]].shape : 0;
    return o != OP_select || made->shape == g->nodes[in[2]].shape;
}

static node make(graph *g, node_data n, const node *in)
{
    if (g->simplify) {
        node simpler = simplify_node(g, (op)n.op, (jit_dtype)n.dtype, in, n.n_in, n.at);
        if (g->failed)
            return 0;
        if (simpler >= 0)
            return simpler;
    }
    return graph_intern(g, n, in);
}

/* Constants go second, else the older node first: equal sums are found whatever their order. */
static void order_operands(const graph *g, op o, node *in)
{
    if (!(op_info(o)->flags & OP_COMMUTES))
        return;
    bool first = g->nodes[in[0]].op == OP_const, second = g->nodes[in[1]].op == OP_const;
    if (first != second ? first : in[0] > in[1]) {
        node a = in[0];
        in[0] = in[1];
        in[1] = a;
    }
}

node graph_apply(graph *g, op o, const node *operands, span at)
{
    const op_row *r = op_info(o);
    node in[3] = { 0 };
    jit_dtype types[3] = { JIT_NONE };
    if (r->arity < 1 || r->rule == RULE_CAST)
        return g->failed ? 0 : graph_broken(g, o, "an operator that has its own function");
    if (!graph_usable(g, operands, r->arity))
        return 0;
    for (int32_t i = 0; i < r->arity; i++) {
        in[i] = operands[i];
        if (r->rule == RULE_FLOAT && type_is_integer(graph_dtype(g, in[i])))
            in[i] = graph_cast(g, JIT_F64, in[i], at);
        types[i] = graph_dtype(g, in[i]);
    }
    jit_dtype t = op_type(o, types);
    if (g->failed || t == JIT_NONE)
        return g->failed ? 0 : graph_broken(g, o, "operands of wrong types");
    order_operands(g, o, in);
    node_data n = { (uint8_t)o, (uint8_t)t, .n_in = r->arity, .at = at };
    return shaped(g, o, in, &n) ? make(g, n, in) : graph_broken(g, o, "an array as an operand");
}

node graph_apply1(graph *g, op o, node a, span at)
{
    return graph_apply(g, o, &a, at);
}

node graph_apply2(graph *g, op o, node a, node b, span at)
{
    return graph_apply(g, o, (node[]){ a, b }, at);
}

node graph_apply3(graph *g, op o, node a, node b, node c, span at)
{
    return graph_apply(g, o, (node[]){ a, b, c }, at);
}

int32_t graph_add_table(graph *g, lookup_table t)
{
    if (g->n_tables == GRAPH_MAX_TABLES)
        return -1;
    g->tables[g->n_tables] = t;
    return (TABLE_COUNT + g->n_tables++) * TABLE_COLUMNS;
}

const lookup_table *graph_table(const graph *g, jit_dtype t, uint64_t which, int32_t *column)
{
    if (table_is_fixed(which))
        return table_find(t, which, column);
    uint64_t number = which / TABLE_COLUMNS - TABLE_COUNT;
    *column = (int32_t)(which % TABLE_COLUMNS);
    bool there = number < (uint64_t)g->n_tables && g->tables[number].type == t &&
                 *column < g->tables[number].columns;
    return there ? &g->tables[number] : NULL;
}

const lookup_table *graph_own_table(const graph *g, node n, int32_t *column)
{
    cell which;
    bool own = graph_node(g, n)->op == OP_lookup &&
               graph_is_const(g, graph_in(g, n, 1), &which) && !table_is_fixed(which.u);
    return own ? graph_table(g, graph_dtype(g, n), which.u, column) : NULL;
}

static node convert(graph *g, node_data n, node a)
{
    if (!graph_usable(g, &a, 1))
        return 0;
    if (graph_dtype(g, a) == (jit_dtype)n.dtype)
        return a;
    if (g->nodes[a].shape != 0)
        return graph_broken(g, (op)n.op, "an array as an operand");
    if (!op_casts((op)n.op, graph_dtype(g, a), (jit_dtype)n.dtype))
        return graph_broken(g, (op)n.op, "a conversion that does not exist");
    return make(g, n, &a);
}

node graph_cast(graph *g, jit_dtype to, node a, span at)
{
    return convert(g, (node_data){ OP_cast, (uint8_t)to, .n_in = 1, .at = at }, a);
}

node graph_bitcast(graph *g, jit_dtype to, node a, span at)
{
    return convert(g, (node_data){ OP_bitcast, (uint8_t)to, .n_in = 1, .at = at }, a);
}

/* -------------------------------------------------------------------------- leaves */

/* Leaves are the same whether made in relaxed code or not. */
static node leaf(graph *g, op o, jit_dtype t, uint64_t imm)
{
    if (g->failed)
        return 0;
    if (t == JIT_NONE)
        return graph_broken(g, o, "no type");
    uint16_t relaxed = g->relaxed;
    g->relaxed = 0;
    node n =
        graph_intern(g, (node_data){ .op = (uint8_t)o, .dtype = (uint8_t)t, .imm = imm }, NULL);
    g->relaxed = relaxed;
    return n;
}

node graph_const(graph *g, jit_dtype t, cell v)
{
    return leaf(g, OP_const, t, type_encode(t, v));
}

node graph_real(graph *g, jit_dtype t, double v)
{
    uint32_t flags = 0;
    return graph_const(g, t, op_eval(OP_cast, JIT_F64, t, &(cell){ .f = v }, &flags));
}

node graph_arg(graph *g, int32_t i)
{
    bool known = i >= 0 && i < g->n_inputs;
    node n = leaf(g, OP_arg, known ? g->inputs[i].dtype : JIT_NONE, (uint64_t)i);
    if (n != 0)
        g->nodes[n].shape = g->inputs[i].shape;
    return n;
}

node graph_uniform(graph *g, int32_t i)
{
    bool known = i >= 0 && i < g->n_uniforms;
    return leaf(g, OP_uniform, known ? g->uniforms[i].dtype : JIT_NONE, (uint64_t)i);
}

node graph_leaf(graph *g, op o)
{
    return leaf(g, o, o == OP_index || o == OP_seed ? JIT_U64 : JIT_NONE, 0);
}

node graph_dim(graph *g, int32_t i)
{
    return leaf(g, OP_dim, i >= 0 && i < g->n_dims ? JIT_I64 : JIT_NONE, (uint64_t)i);
}

/* -------------------------------------------------------------------------- loops */

node graph_phi(graph *g, node init, span at)
{
    if (!graph_usable(g, &init, 1))
        return 0;
    jit_dtype t = graph_dtype(g, init);
    if (t == JIT_NONE)
        return graph_broken(g, OP_phi, "a loop as a value");
    node_data n = { OP_phi, (uint8_t)t, .n_in = 1, .shape = g->nodes[init].shape, .at = at };
    return graph_intern(g, n, &init);
}

node graph_loop(graph *g, const node *phis, int32_t n, node cond, const node *next, span at)
{
    if (!graph_usable(g, phis, n) || !graph_usable(g, next, n) || !graph_usable(g, &cond, 1))
        return 0;
    if (graph_dtype(g, cond) != JIT_BOOL)
        return graph_broken(g, OP_loop, "a condition that is not bool");
    node *in = arena_alloc(g->ar, (2 * (size_t)n + 1) * sizeof *in);
    if (!in)
        return graph_no_memory(g);
    for (int32_t i = 0; i < n; i++) {
        if (g->nodes[phis[i]].op != OP_phi ||
            graph_dtype(g, next[i]) != graph_dtype(g, phis[i]) ||
            g->nodes[next[i]].shape != g->nodes[phis[i]].shape)
            return graph_broken(g, OP_loop, "a variable of another type");
        in[i] = phis[i];
        in[n + 1 + i] = next[i];
    }
    in[n] = cond;
    node_data loop = { .op = OP_loop, .n_in = 2 * n + 1, .imm = (uint64_t)n, .at = at };
    return graph_intern(g, loop, in);
}

node graph_proj(graph *g, node loop, int32_t i)
{
    if (!graph_usable(g, &loop, 1))
        return 0;
    const node_data *l = graph_node(g, loop);
    if (l->op != OP_loop || i < 0 || (uint64_t)i >= l->imm)
        return graph_broken(g, OP_proj, "no such loop variable");
    node phi = graph_in(g, loop, i);
    cell once;
    if (g->simplify && graph_is_const(g, graph_in(g, loop, (int32_t)l->imm), &once) && !once.u)
        return graph_in(g, phi, 0); /* a loop that never runs */
    node_data n = { OP_proj, (uint8_t)graph_dtype(g, phi), .n_in = 1, .imm = (uint64_t)i };
    n.at = l->at;
    n.shape = g->nodes[phi].shape;
    return graph_intern(g, n, &loop);
}

/* -------------------------------------------------------------------------- looking */

const node_data *graph_node(const graph *g, node n)
{
    return &g->nodes[n];
}

node graph_in(const graph *g, node n, int32_t i)
{
    return g->in[g->nodes[n].first_in + i];
}

bool graph_is_const(const graph *g, node n, cell *v)
{
    const node_data *d = &g->nodes[n];
    if (d->op != OP_const)
        return false;
    if (v)
        *v = type_decode((jit_dtype)d->dtype, d->imm);
    return true;
}

jit_dtype graph_dtype(const graph *g, node n)
{
    return (jit_dtype)g->nodes[n].dtype;
}

/* graph_owners: which loop, map or fold (here all called loops, and phis and axes variables) each
 * node belongs to.
 *
 * A loop inside another closes first, so of the loops whose variables a node depends on the
 * innermost has the smallest number. What a loop's nodes use from other loops tells which loops
 * are around it: around[l] is the innermost of them found so far, and these links form a chain
 * outwards. The cost is nodes times the depth of loops. */
#include "graph.h"

/* Loop `inner` lies in loop `outer`: inserts outer into inner's chain, kept in rising order. */
static void nest(node *around, node inner, node outer)
{
    while (outer > inner) {
        node next = around[inner];
        if (next == outer)
            return;
        if (next == 0 || outer < next) {
            around[inner] = outer;
            inner = outer;
            outer = next;
        } else {
            inner = next;
        }
    }
}

static node innermost(const graph *g, const node *owner, node n, node own)
{
    node best = own;
    const node_data *d = graph_node(g, n);
    for (int32_t i = 0; i < d->n_in; i++) {
        node o = owner[graph_in(g, n, i)];
        if (o != 0 && (best == 0 || o < best))
            best = o;
    }
    return best;
}

static void nest_operands(const graph *g, const node *owner, node *around, node n)
{
    const node_data *d = graph_node(g, n);
    for (int32_t i = 0; i < d->n_in; i++) {
        node o = owner[graph_in(g, n, i)];
        if (o > owner[n])
            nest(around, owner[n], o);
    }
}

int32_t graph_n_variables(const node_data *d)
{
    bool binds = d->op == OP_map || d->op == OP_fold;
    return d->op == OP_loop ? (int32_t)d->imm : binds ? graph_n_axes(d) : 0;
}

static void own(const graph *g, node *owner, node *around, node n)
{
    const node_data *d = graph_node(g, n);
    if (d->op == OP_proj) {
        owner[n] = owner[graph_in(g, n, 0)];
        return;
    }
    bool variable = d->op == OP_phi || d->op == OP_axis;
    owner[n] = graph_n_variables(d) > 0 ? n : innermost(g, owner, n, variable ? owner[n] : 0);
    if (owner[n] != 0)
        nest_operands(g, owner, around, n);
    if (owner[n] == n)
        owner[n] = around[n];
}

node *graph_owners(const graph *g)
{
    size_t size = (size_t)g->n_nodes * sizeof(node);
    node *owner = arena_alloc(g->ar, size), *around = arena_alloc(g->ar, size);
    if (!owner || !around)
        return NULL;
    for (node n = 1; n < g->n_nodes; n++)
        for (int32_t i = 0; i < graph_n_variables(graph_node(g, n)); i++)
            owner[graph_in(g, n, i)] = n;
    for (node n = 1; n < g->n_nodes; n++)
        own(g, owner, around, n);
    return owner;
}

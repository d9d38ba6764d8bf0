/* array_panels: which matrices products read in panels (panel.h). In vectors along the columns,
 * each at a whole number of vectors from the first column, a strip of K rows is one piece of
 * memory; in C order it is K pieces, which share few places of the caches where rows are a large
 * power of two apart.
 * needs   vectors and rows chosen    source   Goto, van de Geijn 2008, "Anatomy of
 *                                             High-Performance Matrix Multiplication" */
#include "array_nest.h"
#include "panel.h"

/* The map in vectors whose columns n reads side by side, row after row; NULL: it reads otherwise. */
static array_bind *map_along(const array_nest *a, node n)
{
    const graph *g = a->g;
    node column = graph_in(g, n, 2), owner = a->t->region[column];
    array_bind *b = owner && a->bind_at[owner] >= 0 ? &a->binds[a->bind_at[owner]] : NULL;
    node fold = a->t->region[n];
    if (!fold || graph_node(g, fold)->op != OP_fold)
        return NULL;
    if (!b || !b->vector || b->lanes < 2 || graph_node(g, owner)->op != OP_map ||
        graph_in(g, owner, b->n_axes - 1) != column || !array_in_last(a, n, b) ||
        array_coefficient(g, graph_in(g, n, 1), column) != 0)
        return NULL;
    return b;
}

static bool is_paired(const graph *g, const node_data *array)
{
    return array->op == OP_arg && array->dtype == JIT_BF16 && g->inputs[array->imm].constant;
}

bool array_in_pairs(const array_nest *a, node n)
{
    return array_panel_of(a, n) && is_paired(a->g, graph_node(a->g, graph_in(a->g, n, 0)));
}

/* The width of panels that suits all who read the array; 0: none does. */
static int32_t width_for(const array_nest *a, node array)
{
    const graph *g = a->g;
    int32_t width = 0;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        for (int32_t i = 0; a->t->used[n] && i < d->n_in; i++) {
            if (graph_in(g, n, i) != array)
                continue;
            const array_bind *b = d->op == OP_at ? map_along(a, n) : NULL;
            int32_t vectors = is_paired(g, graph_node(g, array)) ? 2 : 1;
            if (!b || (width != 0 && width != vectors * b->lanes))
                return 0;
            width = vectors * b->lanes;
        }
    }
    return width;
}

static void mark_maps(array_nest *a, node array)
{
    for (node n = 1; n < a->g->n_nodes; n++)
        if (a->t->used[n] && graph_node(a->g, n)->op == OP_at && graph_in(a->g, n, 0) == array)
            map_along(a, n)->panels = true;
}

/* Whether a call can gain by packing it: small ones are read well as they are. */
static bool may_be_large(const graph *g, const graph_shape *s, jit_dtype t)
{
    cell rows, columns;
    return !graph_is_const(g, s->extent[0], &rows) ||
           !graph_is_const(g, s->extent[1], &columns) ||
           (double)rows.i * (double)columns.i * (type_bits(t) / 8) >= (double)PANEL_LARGE;
}

/* It is copied as it lies. */
static bool is_output(const graph *g, node n)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i].value == n)
            return true;
    return false;
}

static bool is_candidate(const array_nest *a, node n)
{
    const graph *g = a->g;
    const node_data *d = graph_node(g, n);
    if (d->op != OP_arg || g->shapes[d->shape].rank != 2 || is_output(g, n))
        return false;
    return g->inputs[d->imm].constant ||
           (!a->products && may_be_large(g, &g->shapes[d->shape], (jit_dtype)d->dtype));
}

int32_t array_panel_of(const array_nest *a, node n)
{
    const node_data *array = graph_node(a->g, graph_in(a->g, n, 0));
    return array->op == OP_arg ? a->panel[array->imm] : 0;
}

void array_panels(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (!a->t->used[n] || !is_candidate(a, n))
            continue;
        a->panel[d->imm] = width_for(a, n);
        if (a->panel[d->imm])
            mark_maps(a, n);
    }
}

/* A row times a large matrix in C order. A strip of columns reads a short piece of every row of
 * it, far apart; what the machine reads ahead is of use if rows are read as they lie. So the
 * matrix is swept, some of its rows at a time over all columns, and the sums wait in the
 * elements of the result:
 *
 *     for j             y[j] = 0
 *     for k by ROWS       for j          y[j] += x[k] w[k, j], and so on to k + ROWS - 1
 *     for j             y[j] = what the map does with y[j]
 *
 * needs   no other fold in the map; operands of the fold that depend on its axis and the
 *         column alone       keeps   the order of each sum       cost   a pass over y for each
 *         ROWS of w */
#include <string.h>

#include "array_fold.h"
#include "array_pace.h"
#include "emit.h"
#include "panel.h"
#include "values.h"

enum { ROWS = 8, VECTORS = 2 };

typedef struct sweep {
    array_code *c;
    const array_bind *b, *fold;
    folding f;
    node factor, matrix;   /* what is the same for all columns; the element of the matrix */
    nest_list same, other; /* nodes of the fold's axis: for all columns, for each */
    const ir_value *range; /* of columns, relative to c->origin */
    ir_value *held;        /* [row][node of same]: scalar, spread */
} sweep;

/* -------------------------------------------------------------------------- which */

static const array_bind *only_bind_in(const array_nest *a, const array_bind *b)
{
    const array_bind *found = NULL;
    for (int32_t i = 0; i < a->n_binds; i++) {
        const array_bind *inner = &a->binds[i];
        if (inner == b || !array_ancestor(a, inner->n, b->n))
            continue;
        if (found)
            return NULL;
        found = inner;
    }
    return found;
}

static bool is_product(const array_code *c, const array_bind *b, const array_bind *fold)
{
    const array_nest *a = c->a;
    jit_dtype t = graph_dtype(a->g, b->n);
    const node_data *d = graph_node(a->g, fold->n);
    return d->op == OP_fold && graph_fold_kind(d) == FOLD_DOT && fold->n_axes == 1 &&
           !fold->vector && !fold_is_tree(a, fold->n) && a->t->region[fold->n] == b->n &&
           a->level[fold->n] == b->n_axes - 1 && a->t->varies[fold->n] &&
           graph_dtype(a->g, fold->n) == t && (t == JIT_F32 || t == JIT_F64);
}

/* An element of a given matrix whose last subscript is the column. */
static bool is_matrix(const sweep *s, node n)
{
    const array_nest *a = s->c->a;
    node column = graph_in(a->g, s->b->n, s->b->n_axes - 1);
    const node_data *array = graph_node(a->g, graph_in(a->g, n, 0));
    return array->op == OP_arg && !a->g->inputs[array->imm].constant &&
           graph_node(a->g, n)->n_in == 3 && graph_in(a->g, n, 2) == column &&
           !a->t->varies[graph_in(a->g, n, 1)];
}

static bool is_plain(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    if (d->op == OP_at)
        for (int32_t i = 1; i < d->n_in; i++)
            if (graph_node(a->g, graph_in(a->g, n, i))->op == OP_bound)
                return false;
    return d->op == OP_at || (op_info((op)d->op)->rule != RULE_LEAF && d->shape == 0 &&
                              !(op_info((op)d->op)->flags & OP_FLAGS));
}

/* Nothing is read that the map computes for each column. */
static bool stands_alone(const sweep *s, node n)
{
    const array_nest *a = s->c->a;
    for (int32_t i = 0; i < graph_node(a->g, n)->n_in; i++) {
        node in = graph_in(a->g, n, i);
        bool column = n == s->matrix && i == 2;
        if (!column && a->t->region[in] == s->b->n && array_in_last(a, in, s->b) &&
            !graph_is_const(a->g, in, NULL))
            return false;
    }
    return true;
}

/* The nodes of the fold's axis, apart. */
static bool split(sweep *s)
{
    const array_nest *a = s->c->a;
    const nest_list *all = &s->fold->level[0];
    size_t bytes = ((size_t)all->n + 1) * sizeof *all->node;
    s->same.node = arena_alloc(a->g->ar, bytes);
    s->other.node = arena_alloc(a->g->ar, bytes);
    s->held = arena_alloc(a->g->ar, ((size_t)all->n + 1) * 2 * ROWS * sizeof *s->held);
    if (!s->same.node || !s->other.node || !s->held)
        return false;
    for (int32_t i = 0; i < all->n; i++) {
        node n = all->node[i];
        nest_list *to = a->t->varies[n] ? &s->other : &s->same;
        if (!is_plain(a, n) ||
            (a->t->varies[n] && graph_node(a->g, n)->op == OP_at && s->matrix))
            return false;
        if (a->t->varies[n] && graph_node(a->g, n)->op == OP_at)
            s->matrix = n;
        else if (a->t->varies[n] && graph_node(a->g, n)->op != OP_cast)
            return false;
        to->node[to->n++] = n;
    }
    for (int32_t i = 0; s->matrix && i < all->n; i++)
        if (!stands_alone(s, all->node[i]))
            return false;
    return s->matrix && is_matrix(s, s->matrix);
}

static bool find(sweep *s)
{
    array_code *c = s->c;
    const array_nest *a = c->a;
    if (c->rows > 1 || c->together || c->samples || (c->origin && !c->alone) ||
        c->e->full == 1 || c->e->values->is_cut || a->t->region[s->b->n] ||
        !(s->fold = only_bind_in(a, s->b)) || !is_product(c, s->b, s->fold) || !split(s))
        return false;
    node x = graph_in(a->g, s->fold->n, 1), y = graph_in(a->g, s->fold->n, 2);
    s->factor = a->t->varies[x] ? y : x;
    s->f = (folding){ .c = c, .b = s->fold, .kind = FOLD_DOT, .x = x, .y = y, .rows = 1 };
    s->f.t = graph_dtype(a->g, x);
    s->f.row = c->e->values->row;
    return a->t->varies[x] != a->t->varies[y] && stands_alone(s, s->fold->n);
}

static array_panel *panel_of(const sweep *s)
{
    const graph *g = s->c->a->g;
    return &s->c->panel[graph_node(g, graph_in(g, s->matrix, 0))->imm];
}

/* Whether the matrix is one that is better swept: large, and not packed for the call. */
static ir_value is_large(const sweep *s)
{
    array_code *c = s->c;
    emitter *e = c->e;
    const graph *g = c->a->g;
    node array = graph_in(g, s->matrix, 0);
    const array_panel *panel = panel_of(s);
    int64_t size = type_bits(graph_dtype(g, array)) / 8;
    ir_value columns = array_extent(c, graph_in(g, s->b->n, s->b->n_axes - 1));
    ir_value all = build_mul(e, columns, array_rounds(c, s->fold, 0));
    ir_value large =
        build_icmp(e, LLVMIntSGE, all, build_i64(e, c->a->sweep ? 0 : PANEL_LARGE / size));
    if (panel->width)
        large = build_and(e, large, build_icmp(e, LLVMIntEQ, panel->column, build_i64(e, 1)));
    return large;
}

/* -------------------------------------------------------------------------- sums */

static ir_value column_at(const sweep *s, const array_loop *l)
{
    return s->c->origin ? build_add(s->c->e, s->c->origin, l->i) : l->i;
}

static ir_value sum_at(const sweep *s, ir_value j, int32_t u)
{
    array_code *c = s->c;
    emitter *e = c->e;
    ir_value p = array_element(c, array_pointer(c, c->a->storage[s->b->n]), s->f.t,
                               array_map_index(c, s->b, j));
    return build_offset(e, p, build_i64(e, (int64_t)u * e->full * type_bits(s->f.t) / 8));
}

static void clear_sums(sweep *s)
{
    array_code *c = s->c;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, s->range[0], s->range[1], c->e->full))
        return;
    build_store(c->e, fold_identity(&s->f), sum_at(s, column_at(s, &l), 0), 1);
    array_loop_end(c, &l);
}

/* -------------------------------------------------------------------------- rows */

static void move_held(sweep *s, int32_t r, bool take)
{
    emitter *e = s->c->e;
    ir_value *held = s->held + (size_t)r * 2 * (size_t)(s->same.n + 1);
    for (int32_t i = 0; i <= s->same.n; i++) {
        node n = i < s->same.n ? s->same.node[i] : s->f.axis;
        ir_value *at[2] = { values_scalar(e, n), values_at(e, n) };
        for (int32_t k = 0; k < 2; k++)
            if (take)
                held[2 * i + k] = *at[k];
            else
                *at[k] = held[2 * i + k];
    }
}

/* What row k + r of the matrix is multiplied with, once for all columns. */
static void hold_row(sweep *s, ir_value k, int32_t r)
{
    array_code *c = s->c;
    array_set_axis(c, s->f.axis, build_add(c->e, k, build_i64(c->e, r)));
    array_list(c, &s->same, 1);
    (void)values_get(c->e, s->factor, 0);
    move_held(s, r, true);
}

static void add_rows(sweep *s, int32_t rows)
{
    array_code *c = s->c;
    emitter *e = c->e;
    array_loop l = { 0 };
    ir_value sum[VECTORS];
    if (!array_loop_begin(c, &l, s->range[0], s->range[1], (int64_t)e->full * c->vectors))
        return;
    ir_value j = column_at(s, &l);
    array_set_lanes(c, graph_in(e->g, s->b->n, s->b->n_axes - 1), j);
    for (int32_t u = 0; u < c->vectors; u++)
        sum[u] = build_load(e, build_type(e, s->f.t), sum_at(s, j, u), 1);
    for (int32_t r = 0; r < rows; r++) {
        move_held(s, r, false);
        array_list(c, &s->other, c->vectors);
        for (int32_t u = 0; u < c->vectors; u++)
            sum[u] = fold_join(&s->f, sum[u], u);
    }
    for (int32_t u = 0; u < c->vectors; u++)
        build_store(e, sum[u], sum_at(s, j, u), 1);
    array_loop_end(c, &l);
}

static void sweep_rows(sweep *s, ir_value from, ir_value to, int32_t rows)
{
    array_code *c = s->c;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, from, to, rows))
        return;
    array_tick(c, s->b);
    for (int32_t r = 0; r < rows; r++)
        hold_row(s, l.i, r);
    add_rows(s, rows);
    array_loop_end(c, &l);
}

/* -------------------------------------------------------------------------- all */

static void finish(sweep *s)
{
    array_code *c = s->c;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, s->range[0], s->range[1], (int64_t)c->e->full * c->vectors))
        return;
    ir_value j = column_at(s, &l);
    c->swept = s->fold->n;
    c->sums = sum_at(s, j, 0);
    array_one_strip(c, s->b, j, NULL);
    c->swept = 0;
    array_loop_end(c, &l);
}

void array_take_sums(array_code *c, node fold)
{
    emitter *e = c->e;
    jit_dtype t = graph_dtype(e->g, fold);
    int32_t lanes = e->lanes;
    e->lanes = e->full;
    for (int32_t u = 0; u < c->vectors; u++) {
        ir_value at = build_i64(e, (int64_t)u * e->full * type_bits(t) / 8);
        values_set(e, fold, u,
                   build_load(e, build_type(e, t), build_offset(e, c->sums, at), 1));
    }
    e->lanes = lanes;
}

static void run(sweep *s)
{
    array_code *c = s->c;
    int32_t vectors = c->vectors, width = panel_of(s)->width;
    s->f.axis = graph_in(c->a->g, s->fold->n, 0);
    ir_value n = array_rounds(c, s->fold, 0), whole = array_whole(c, n, ROWS);
    c->vectors = vectors % VECTORS == 0 ? VECTORS : 1;
    panel_of(s)->width = 0; /* as is_large has asked */
    clear_sums(s);
    sweep_rows(s, build_i64(c->e, 0), whole, ROWS);
    sweep_rows(s, whole, n, 1);
    c->vectors = vectors;
    panel_of(s)->width = width;
    finish(s);
}

bool array_sweep(array_code *c, const array_bind *b, const ir_value *range, ir_block *after)
{
    emitter *e = c->e;
    sweep s = { .c = c, .b = b, .range = range };
    int64_t known;
    *after = NULL;
    if (!find(&s))
        return false;
    ir_value large = is_large(&s);
    if (LLVMIsAConstantInt(large)) {
        known = (int64_t)LLVMConstIntGetZExtValue(large);
        if (known)
            run(&s);
        return known != 0;
    }
    ir_block yes = build_block(e, "sweep"), no = build_block(e, "strips");
    *after = build_block(e, "swept");
    build_branch(e, large, yes, no);
    LLVMPositionBuilderAtEnd(e->b, yes);
    run(&s);
    LLVMBuildBr(e->b, *after);
    LLVMPositionBuilderAtEnd(e->b, no);
    return false;
}

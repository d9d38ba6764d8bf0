/* Random array graphs: expressions over what is in scope; maps, folds and loops open scopes. */
#include "random_array_graph.h"

#include "random_graph.h"

enum {
    MOST_ARRAYS = 64,
    MOST_SCALARS = 256,
    MOST_AXES = 32,
    N_EXTENTS = 6,
    N_INPUTS = 4,
    MATRIX = 2, /* the input that products are of */
    MOST_SIBLINGS = 4,
    MOST_OUTPUTS = 4 + MOST_SIBLINGS
};

typedef struct maker {
    graph *g;
    random_state r;
    random_array_options o;
    node extent[N_EXTENTS]; /* d0, d1, d2, d0 + 1, 4, 1 */
    node arrays[MOST_ARRAYS], scalars[MOST_SCALARS], axes[MOST_AXES];
    int32_t n_arrays, n_scalars, n_axes, depth, n_gathers; /* around what is made */
    node yes;
} maker;

static const span nowhere = { 0, 0 };

static int32_t below(maker *m, int32_t n)
{
    return random_below(&m->r, n);
}

static jit_dtype any_type(maker *m)
{
    static const jit_dtype types[] = { JIT_F32, JIT_F32, JIT_F32, JIT_F64,
                                       JIT_F64, JIT_I32, JIT_I64, JIT_BOOL };
    return types[below(m, 8)];
}

static node number(maker *m, int64_t v)
{
    return graph_const(m->g, JIT_I64, (cell){ .i = v });
}

static node any_extent(maker *m)
{
    return m->extent[below(m, N_EXTENTS)];
}

static void keep_scalar(maker *m, node n)
{
    if (m->n_scalars < MOST_SCALARS)
        m->scalars[m->n_scalars++] = n;
}

static void keep_array(maker *m, node n)
{
    if (m->n_arrays < MOST_ARRAYS)
        m->arrays[m->n_arrays++] = n;
}

/* -------------------------------------------------------------------------- subscripts */

static node expression(maker *m, jit_dtype t, int32_t depth);

/* An axis in scope of that extent (or axis + 1 for extent + 1), 0: none found. */
static node axis_for(maker *m, node extent)
{
    for (int32_t tries = 0; tries < 6 && m->n_axes > 0; tries++) {
        node axis = m->axes[below(m, m->n_axes)], e = graph_in(m->g, axis, 0);
        if (e == extent)
            return axis;
        if (e == m->extent[0] && extent == m->extent[3])
            return below(m, 2) ? axis : graph_apply2(m->g, OP_add, axis, number(m, 1), nowhere);
    }
    return 0;
}

static node in_range(maker *m, node i, node extent)
{
    node low = graph_apply2(m->g, OP_ge, i, number(m, 0), nowhere);
    node high = graph_apply2(m->g, OP_lt, i, extent, nowhere);
    return graph_apply2(m->g, OP_and, low, high, nowhere);
}

static node guarded(maker *m, node extent, node *guard, int32_t depth)
{
    m->n_gathers++;
    node i = below(m, 2) && m->n_axes > 0
                 ? graph_apply2(m->g, OP_add, m->axes[below(m, m->n_axes)],
                                number(m, below(m, 5) - 2), nowhere)
                 : graph_cast(m->g, JIT_I64, expression(m, JIT_I32, depth), nowhere);
    m->n_gathers--;
    node fits = in_range(m, i, extent);
    *guard = graph_apply2(m->g, OP_and, *guard, fits, nowhere);
    return graph_bound(m->g, i, extent, *guard, (graph_site){ .array = "a" });
}

/* An element of the array; elsewhere a constant. 0: no subscripts found. */
static node element(maker *m, node array)
{
    graph *g = m->g;
    graph_shape s = *graph_shape_at(g, array);
    node subscript[GRAPH_MAX_RANK] = { 0 }, guard = m->yes;
    for (int32_t i = 0; i < s.rank; i++) {
        subscript[i] = axis_for(m, s.extent[i]);
        if (subscript[i] == 0 && (s.extent[i] == m->extent[3] || s.extent[i] == m->extent[5]))
            subscript[i] = number(m, 0);
        if (subscript[i] == 0 && s.extent[i] == m->extent[4])
            subscript[i] = number(m, below(m, 4));
        if (subscript[i] == 0 && m->o.gathers && m->n_gathers < 2)
            subscript[i] = guarded(m, s.extent[i], &guard, 1);
        if (subscript[i] == 0)
            return 0;
    }
    node n = graph_at(g, array, subscript, nowhere);
    if (guard == m->yes)
        return n;
    node other = graph_const(g, graph_dtype(g, n), (cell){ 0 });
    return graph_apply3(g, OP_select, guard, n, other, nowhere);
}

/* -------------------------------------------------------------------------- scopes */

typedef struct scope {
    int32_t n_scalars, n_axes, n_arrays;
} scope;

static scope open(maker *m)
{
    m->depth++;
    return (scope){ m->n_scalars, m->n_axes, m->n_arrays };
}

static void close(maker *m, scope s)
{
    m->depth--;
    m->n_scalars = s.n_scalars;
    m->n_axes = s.n_axes;
    m->n_arrays = s.n_arrays;
}

static int32_t open_axes(maker *m, node *axes, int32_t most)
{
    int32_t n = 1 + below(m, most);
    for (int32_t i = 0; i < n; i++) {
        axes[i] = graph_axis(m->g, any_extent(m), nowhere);
        if (m->n_axes < MOST_AXES)
            m->axes[m->n_axes++] = axes[i];
    }
    return n;
}

static void check_not_empty(maker *m, const node *axes, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        graph_add_check(m->g, number(m, 0), graph_in(m->g, axes[i], 0), m->yes,
                        (graph_site){ .array = "a" });
}

static fold_kind kind_for(maker *m, jit_dtype t)
{
    static const fold_kind kinds[] = { FOLD_SUM,  FOLD_DOT, FOLD_DOT,
                                       FOLD_PROD, FOLD_MIN, FOLD_MAX };
    if (t == JIT_BOOL)
        return below(m, 2) ? FOLD_ANY : FOLD_ALL;
    fold_kind k = kinds[below(m, 6)];
    return k == FOLD_DOT && type_is_integer(t) ? FOLD_SUM : k;
}

/* A fold of type t: also the place of the extreme of another type. */
static node fold(maker *m, jit_dtype t, int32_t depth)
{
    graph *g = m->g;
    node axes[2];
    scope s = open(m);
    graph_fold_spec f = { .kind = kind_for(m, t), .order = (fold_order)below(m, 2) };
    bool place = t == JIT_I64 && below(m, 2);
    int32_t n = open_axes(m, axes, place ? 1 : 2);
    if (place)
        f.kind = below(m, 2) ? FOLD_ARGMIN : FOLD_ARGMAX;
    f.x = expression(m, place ? JIT_F32 : t, depth);
    f.y = f.kind == FOLD_DOT ? expression(m, t, depth) : 0;
    bool extreme = place || f.kind == FOLD_MIN || f.kind == FOLD_MAX;
    if (extreme)
        check_not_empty(m, axes, n);
    node v = graph_fold(g, axes, n, f, nowhere);
    close(m, s);
    if (extreme && type_is_float(t)) /* one zero */
        v = graph_apply2(g, OP_add, v, graph_real(g, t, 0), nowhere);
    return v;
}

/* for i in 0 .. 3 { s = expression } */
static node scalar_loop(maker *m, jit_dtype t, int32_t depth)
{
    graph *g = m->g;
    node phi[2], next[2];
    node init = expression(m, t, depth);
    scope s = open(m);
    phi[0] = graph_phi(g, number(m, 0), nowhere);
    phi[1] = graph_phi(g, init, nowhere);
    node cond = graph_apply2(g, OP_lt, phi[0], number(m, 1 + below(m, 3)), nowhere);
    keep_scalar(m, phi[1]);
    next[0] = graph_apply2(g, OP_add, phi[0], number(m, 1), nowhere);
    next[1] = expression(m, t, depth);
    close(m, s);
    return graph_proj(g, graph_loop(g, phi, 2, cond, next, nowhere), 1);
}

static node map(maker *m, jit_dtype t, int32_t depth)
{
    node axes[3];
    scope s = open(m);
    int32_t n = open_axes(m, axes, 2 + (below(m, 4) == 0));
    node value = expression(m, t, depth);
    close(m, s);
    return graph_map(m->g, axes, n, value, nowhere);
}

/* -------------------------------------------------------------------------- expressions */

/* An element, a scalar or an index, if one is found that can be of type t. */
static node leaf(maker *m, jit_dtype t)
{
    for (int32_t tries = 0; tries < 8; tries++) {
        int32_t n = m->n_arrays + m->n_scalars + m->n_axes;
        int32_t i = below(m, below(m, 3) && m->n_arrays > 0 ? m->n_arrays : n), late;
        node v = 0;
        if (i < m->n_arrays) {
            late = below(m, m->n_arrays); /* rather a late one */
            v = element(m, m->arrays[i > late ? i : late]);
        } else if (i < m->n_arrays + m->n_scalars) {
            v = m->scalars[i - m->n_arrays];
        } else {
            v = m->axes[i - m->n_arrays - m->n_scalars];
        }
        if (v != 0 && (graph_dtype(m->g, v) == t || (t != JIT_BOOL && below(m, 2))))
            return graph_cast(m->g, t, v, nowhere);
    }
    return graph_const(m->g, t,
                       type_round(t, type_is_float(t) ? (cell){ .f = below(m, 9) * 0.5 - 2 }
                                                      : (cell){ .i = below(m, 5) - 1 }));
}

static node truth(maker *m, int32_t depth)
{
    static const op compares[] = { OP_lt, OP_ge, OP_eq, OP_ne };
    if (below(m, 3) == 0)
        return graph_apply2(m->g, below(m, 2) ? OP_and : OP_xor, expression(m, JIT_BOOL, depth),
                            expression(m, JIT_BOOL, depth), nowhere);
    jit_dtype t = below(m, 2) ? JIT_F32 : JIT_I64;
    op o = compares[below(m, 4)];
    node a = expression(m, t, depth);
    return graph_apply2(m->g, o, a, expression(m, t, depth), nowhere);
}

static node converted(maker *m, jit_dtype t, int32_t depth)
{
    jit_dtype from = any_type(m);
    return graph_cast(m->g, t, expression(m, from, depth), nowhere);
}

static node arithmetic(maker *m, jit_dtype t, int32_t depth)
{
    static const op both[] = { OP_add, OP_sub, OP_mul, OP_min, OP_max, OP_add, OP_mul };
    static const op real[] = { OP_sqrt, OP_abs, OP_neg, OP_floor };
    static const op math[] = { OP_exp, OP_tanh, OP_erf, OP_log1p };
    if (type_is_float(t) && below(m, 6) == 0) {
        op o = real[below(m, 4)];
        return graph_apply1(m->g, o, expression(m, t, depth), nowhere);
    }
    if (type_is_float(t) && m->o.math && below(m, 6) == 0) {
        op o = math[below(m, 4)];
        return graph_apply1(m->g, o, expression(m, t, depth), nowhere);
    }
    op o = type_is_float(t) && below(m, 8) == 0 ? OP_div : both[below(m, 7)];
    node a = expression(m, t, depth);
    return graph_apply2(m->g, o, a, expression(m, t, depth), nowhere);
}

static node expression(maker *m, jit_dtype t, int32_t depth)
{
    if (depth <= 0 || below(m, 6) == 0)
        return leaf(m, t);
    int32_t choice = below(m, 12);
    if (choice == 0 && m->depth < 3 && t != JIT_I32)
        return fold(m, t, depth - 1);
    if (choice == 1 && m->depth < 3 && m->o.loops)
        return scalar_loop(m, t, depth - 1);
    if (choice == 2) {
        node p = expression(m, JIT_BOOL, depth - 1), a = expression(m, t, depth - 1);
        return graph_apply3(m->g, OP_select, p, a, expression(m, t, depth - 1), nowhere);
    }
    if (choice == 3 && m->depth == 1 && m->n_arrays < MOST_ARRAYS) { /* an array inside */
        keep_array(m, map(m, t, depth - 1));
        return leaf(m, t);
    }
    if (t == JIT_BOOL)
        return truth(m, depth - 1);
    return choice == 4 ? converted(m, t, depth - 1) : arithmetic(m, t, depth - 1);
}

/* -------------------------------------------------------------------------- arrays */

/* Whether a loop goes on: what it computes alone, no elements at its counter. */
static node goes_on(maker *m, node in_range, node v)
{
    jit_dtype t = graph_dtype(m->g, v);
    if (!m->o.whiles)
        return in_range;
    node more = t == JIT_BOOL ? v : graph_apply2(m->g, OP_lt, v, expression(m, t, 1), nowhere);
    return graph_apply2(m->g, OP_and, in_range, more, nowhere);
}

/* for i in 0 .. n { a[i ..] = expression if condition }, over the first axis */
static node array_loop(maker *m, node array)
{
    graph *g = m->g;
    graph_shape s = *graph_shape_at(g, array);
    node phi[3], next[3], subscript[GRAPH_MAX_RANK];
    jit_dtype t = graph_dtype(g, array);
    node init = expression(m, t, 1);
    scope outer = open(m);
    phi[0] = graph_phi(g, number(m, 0), nowhere);
    phi[1] = graph_phi(g, array, nowhere);
    phi[2] = graph_phi(g, init, nowhere);
    node cond = graph_apply2(g, OP_lt, phi[0], s.extent[0], nowhere), guard = m->yes;
    cond = goes_on(m, cond, phi[2]);
    subscript[0] = phi[0];
    for (int32_t i = 1; i < s.rank; i++)
        subscript[i] = guarded(m, s.extent[i], &guard, 1);
    keep_scalar(m, graph_at(g, phi[1], subscript, nowhere));
    keep_scalar(m, phi[2]);
    next[2] = expression(m, t, 3);
    node when = below(m, 2)
                    ? guard
                    : graph_apply2(g, OP_and, guard, expression(m, JIT_BOOL, 2), nowhere);
    next[1] = graph_put(g, phi[1], subscript, next[2], when, nowhere);
    next[0] = graph_apply2(g, OP_add, phi[0], number(m, 1), nowhere);
    close(m, outer);
    node loop = graph_loop(g, phi, 3, cond, next, nowhere);
    keep_scalar(m, graph_proj(g, loop, 2));
    return graph_proj(g, loop, 1);
}

/* Another array of that shape and type, or itself. */
static node partner(maker *m, node array)
{
    for (int32_t i = 0; i < m->n_arrays; i++) {
        node other = m->arrays[(i + array) % m->n_arrays];
        if (other != array &&
            graph_node(m->g, other)->shape == graph_node(m->g, array)->shape &&
            graph_dtype(m->g, other) == graph_dtype(m->g, array))
            return other;
    }
    return array;
}

static node open_axis(maker *m, node extent)
{
    node axis = graph_axis(m->g, extent, nowhere);
    if (m->n_axes < MOST_AXES)
        m->axes[m->n_axes++] = axis;
    return axis;
}

/* sum over k of expression(k) * w[k, j] (or w[j, k]), in any order; what w[k, j] is multiplied with
 * does not know j. */
static node product_of(maker *m, node w, node j, bool turned)
{
    graph *g = m->g;
    const graph_shape s = *graph_shape_at(g, w);
    jit_dtype t = graph_dtype(g, w);
    scope outer = open(m);
    node k = open_axis(m, s.extent[turned]);
    graph_fold_spec f = { .kind = FOLD_DOT,
                          .order = below(m, 4) ? FOLD_SEQUENTIAL : FOLD_TREE };
    f.x = expression(m, t, below(m, 3));
    f.y = graph_at(g, w, (node[]){ turned ? j : k, turned ? k : j }, nowhere);
    if (below(m, 4) == 0)
        f.y = graph_apply2(g, OP_max, f.y, graph_real(g, t, 0), nowhere);
    if (below(m, 2)) {
        node x = f.x;
        f.x = f.y;
        f.y = x;
    }
    node v = graph_fold(g, &k, 1, f, nowhere);
    close(m, outer);
    return v;
}

/* A row, or each of several, times the matrix, and what is done with that. */
static node product(maker *m)
{
    node w = graph_arg(m->g, MATRIX);
    node axes[2];
    int32_t n = 0;
    scope s = open(m);
    bool turned = below(m, 3) == 0;
    if (turned || below(m, 4) == 0)
        axes[n++] = open_axis(m, any_extent(m));
    node j = graph_axis(m->g, graph_shape_at(m->g, w)->extent[!turned], nowhere);
    axes[n++] = j;
    node v = product_of(m, w, j, turned);
    if (m->n_axes < MOST_AXES)
        m->axes[m->n_axes++] = j;
    if (below(m, 2))
        v = graph_apply2(m->g, OP_add, v, leaf(m, graph_dtype(m->g, w)), nowhere);
    v = graph_map(m->g, axes, n, v, nowhere);
    close(m, s);
    return v;
}

/* A map of the old array's shape that reads it at its axes. */
static node sibling(maker *m, node old)
{
    static const jit_dtype types[] = { JIT_F32, JIT_F32, JIT_F64, JIT_I32 };
    static const op ops[] = { OP_add, OP_sub, OP_mul };
    graph_shape s = *graph_shape_at(m->g, old);
    node axes[GRAPH_MAX_RANK];
    jit_dtype t = types[below(m, 4)];
    scope outer = open(m);
    for (int32_t i = 0; i < s.rank; i++)
        axes[i] = open_axis(m, s.extent[i]);
    node v = graph_cast(m->g, t, graph_at(m->g, old, axes, nowhere), nowhere);
    for (int32_t i = below(m, 3); i >= 0; i--)
        v = graph_apply2(m->g, ops[below(m, 3)], v, leaf(m, t), nowhere);
    v = graph_map(m->g, axes, s.rank, v, nowhere);
    close(m, outer);
    return v;
}

/* As an optimiser makes them: results that read the same, or one another. */
static void make_siblings(maker *m)
{
    node old = m->arrays[m->n_arrays - 1 - below(m, m->n_arrays < 3 ? m->n_arrays : 3)];
    for (int32_t i = 1 + below(m, MOST_SIBLINGS); i > 0; i--) {
        node made = sibling(m, old);
        m->g->outputs[m->g->n_outputs++].value = made;
        old = below(m, 2) ? old : made;
        if (below(m, 3) == 0)
            keep_array(m, made);
    }
}

static void make_array(maker *m)
{
    node old = m->n_arrays > 0 ? m->arrays[below(m, m->n_arrays)] : 0;
    int32_t choice = below(m, 10);
    if (choice == 0 && old != 0) {
        node p = expression(m, JIT_BOOL, 2);
        keep_array(m, graph_apply3(m->g, OP_select, p, old, partner(m, old), nowhere));
    } else if (choice <= 2 && old != 0 && m->o.loops) {
        keep_array(m, array_loop(m, old));
    } else if (choice == 3) {
        jit_dtype t = any_type(m);
        keep_scalar(m, t == JIT_I32 ? expression(m, t, 3) : fold(m, t, 3));
    } else {
        jit_dtype t = any_type(m);
        keep_array(m, map(m, t, 4));
    }
}

/* -------------------------------------------------------------------------- the function */

static bool begin(maker *m, arena *ar)
{
    graph *g = m->g;
    g->inputs = arena_alloc(ar, N_INPUTS * sizeof *g->inputs);
    g->uniforms = arena_alloc(ar, sizeof *g->uniforms);
    g->dims = arena_alloc(ar, RANDOM_DIMS * sizeof *g->dims);
    g->outputs = arena_alloc(ar, MOST_OUTPUTS * sizeof *g->outputs);
    if (!g->inputs || !g->uniforms || !g->dims || !g->outputs)
        return false;
    g->n_inputs = N_INPUTS;
    g->n_uniforms = 1;
    g->uniforms[0].dtype = JIT_F64;
    g->n_dims = RANDOM_DIMS;
    m->yes = graph_const(g, JIT_BOOL, (cell){ .u = 1 });
    for (int32_t i = 0; i < RANDOM_DIMS; i++)
        m->extent[i] = graph_dim(g, i);
    m->extent[3] = graph_apply2(g, OP_add, m->extent[0], number(m, 1), nowhere);
    m->extent[4] = number(m, 4);
    m->extent[5] = number(m, 1);
    return true;
}

static void make_matrix(maker *m)
{
    graph *g = m->g;
    graph_input *w = &g->inputs[MATRIX];
    node extent[2] = { m->extent[below(m, RANDOM_DIMS)], m->extent[below(m, RANDOM_DIMS)] };
    w->dtype = below(m, 2) ? JIT_F32 : JIT_F64;
    w->shape = graph_shape_of(g, extent, 2);
}

static void make_inputs(maker *m)
{
    graph *g = m->g;
    for (int32_t i = 0; i < N_INPUTS; i++) {
        node extent[2] = { any_extent(m), any_extent(m) };
        g->inputs[i].dtype = any_type(m);
        g->inputs[i].shared = below(m, 3) == 0;
        if (i < N_INPUTS - 1)
            g->inputs[i].shape = graph_shape_of(g, extent, 1 + below(m, 2));
        if (i == MATRIX && m->o.products)
            make_matrix(m);
        node n = graph_arg(g, i);
        if (g->inputs[i].shape != 0)
            keep_array(m, n);
        else
            keep_scalar(m, n);
    }
    keep_scalar(m, graph_uniform(g, 0));
}

static void choose_outputs(maker *m)
{
    graph *g = m->g;
    for (int32_t i = 0; i < 2 && i < m->n_arrays; i++)
        g->outputs[g->n_outputs++].value = m->arrays[m->n_arrays - 1 - i];
    if (below(m, 2))
        g->outputs[g->n_outputs++].value = m->arrays[below(m, m->n_arrays)];
    if (below(m, 2))
        g->outputs[g->n_outputs++].value = m->scalars[m->n_scalars - 1];
}

graph *random_array_graph(arena *ar, diag *d, uint64_t seed, const random_array_options *o)
{
    maker m = { .g = graph_new(ar, d, "random", 0), .r = { seed }, .o = *o };
    int32_t n = o->n_arrays > 0 ? o->n_arrays : 8;
    if (!m.g || !begin(&m, ar))
        return NULL;
    make_inputs(&m);
    for (int32_t i = 0; i < n; i++)
        make_array(&m);
    if (o->products)
        keep_array(&m, product(&m));
    if (below(&m, 2))
        make_siblings(&m);
    choose_outputs(&m);
    return m.g->failed ? NULL : m.g;
}

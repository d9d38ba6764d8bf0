/* Reductions over ranges that depend on data or on other indices: loops.
 *
 *     sum[j in 0 .. i+1](x[j])        s = 0;  j = 0;  while (j < i+1) { s = s + x[j];  j = j + 1 }
 *
 * Several indices are loops in one another. The mean is a sum divided by a count. */
#include "lower_state.h"

typedef struct looping {
    lowering *lw;
    const ast_expr *e;
    ast_redop o; /* SUM for a mean */
    const node *from, *to, *extent;
    value_type type; /* of the accumulator; UNKNOWN: to be found */
} looping;

typedef struct state { /* of the accumulators */
    node v[3]; /* value; for ARG and MIN, MAX: whether there is one; for ARG: the index */
    int32_t n;
} state;

static bool is_arg(ast_redop o)
{
    return o == REDOP_ARGMIN || o == REDOP_ARGMAX;
}

static bool is_least(ast_redop o)
{
    return o == REDOP_MIN || o == REDOP_ARGMIN;
}

static bool needs_any(ast_redop o)
{
    return o == REDOP_MIN || o == REDOP_MAX || is_arg(o);
}

static value_type accumulated_in(ast_redop o, value_type t)
{
    if (o == REDOP_SUM || o == REDOP_PROD) {
        if (t == JIT_BOOL)
            return JIT_I64;
        if (t > 0 && type_is_integer((jit_dtype)t))
            return type_is_unsigned((jit_dtype)t) ? JIT_U64 : JIT_I64;
    }
    return t;
}

static node start_value(looping *l)
{
    graph *g = l->lw->g;
    jit_dtype t = type_weak_node(l->lw, l->type);
    if (t == JIT_BOOL)
        return l->o == REDOP_ALL ? l->lw->yes : l->lw->no;
    return graph_real(g, t, l->o == REDOP_PROD ? 1 : 0);
}

static state start(looping *l)
{
    state s = { { start_value(l) }, 1 };
    if (needs_any(l->o))
        s.v[s.n++] = l->lw->no;
    if (is_arg(l->o))
        s.v[s.n++] = extent_const(l->lw, 0);
    return s;
}

/* Better than the best so far: NaN beats all but a NaN, of equals the first stays. */
static node better(looping *l, node x, node best, span at)
{
    lowering *lw = l->lw;
    graph *g = lw->g;
    bool boolean = graph_dtype(g, x) == JIT_BOOL;
    if (boolean)
        return is_least(l->o) ? node_and(lw, node_not(lw, x, at), best, at)
                              : node_and(lw, x, node_not(lw, best, at), at);
    node than = graph_apply2(g, is_least(l->o) ? OP_lt : OP_gt, x, best, at);
    if (!type_is_float(graph_dtype(g, x)))
        return than;
    node odd = graph_apply1(g, OP_isnan, x, at), was = graph_apply1(g, OP_isnan, best, at);
    return node_and(lw, node_or(lw, than, odd, at), node_not(lw, was, at), at);
}

static state step(looping *l, state s, node x, node index)
{
    lowering *lw = l->lw;
    graph *g = lw->g;
    span at = lower_place(lw, l->e->op);
    state r = s;
    const node_data *d = graph_node(g, x);
    bool product = d->op == OP_mul && type_is_float((jit_dtype)d->dtype);
    switch (l->o) {
    case REDOP_SUM:
        r.v[0] = product
                     ? graph_apply3(g, OP_mad, graph_in(g, x, 0), graph_in(g, x, 1), s.v[0], at)
                     : graph_apply2(g, OP_add, s.v[0], x, at);
        return r;
    case REDOP_PROD:
        r.v[0] = graph_apply2(g, OP_mul, s.v[0], x, at);
        return r;
    case REDOP_ANY:
        r.v[0] = node_or(lw, s.v[0], x, at);
        return r;
    case REDOP_ALL:
        r.v[0] = node_and(lw, s.v[0], x, at);
        return r;
    default:
        break;
    }
    node first = node_not(lw, s.v[1], at);
    node take = node_or(lw, first, better(l, x, s.v[0], at), at);
    r.v[0] = node_select(lw, take, x, s.v[0], at);
    r.v[1] = lw->yes;
    if (is_arg(l->o))
        r.v[2] = node_select(lw, take, index, s.v[2], at);
    return r;
}

static bool body_node(looping *l, node *out)
{
    lowering *lw = l->lw;
    value v = lower_number(lw, l->e->u.reduce.body);
    value_type t = type_of_value(lw, v);
    bool logic = l->o == REDOP_ANY || l->o == REDOP_ALL;
    if (t == TYPE_UNKNOWN)
        return false;
    if (logic && t != JIT_BOOL) {
        lower_error(lw, DIAG_condition, l->e->op, "'%s' takes bool, not %s",
                    ast_redop_text(l->o), type_text(t));
        diag_hint(lw->d, "write '!= 0'");
        return false;
    }
    if (!value_only_scalar(lw, v, "what is reduced over such a range", l->e->u.reduce.body->at))
        return false;
    if (l->type == TYPE_UNKNOWN) {
        bool mean = l->e->u.reduce.op == REDOP_MEAN;
        bool integer = t == JIT_BOOL || (t > 0 && type_is_integer((jit_dtype)t));
        l->type = mean && t == TYPE_WEAK_INTEGER ? TYPE_WEAK_REAL
                  : mean && integer              ? (value_type)JIT_F64
                                                 : accumulated_in(l->o, t);
    }
    if (t == JIT_BOOL && l->type != JIT_BOOL)
        v = value_cast(lw, v, (jit_dtype)l->type, l->e->op);
    v = value_as(lw, v, l->type, l->e->op);
    *out = v.kind == VALUE_POISON ? 0 : v.u.node;
    return *out != 0;
}

/* Index number k and those after it; s: the accumulators before, then after. */
static bool nest(looping *l, int32_t k, state *s)
{
    lowering *lw = l->lw;
    graph *g = lw->g;
    span at = lower_place(lw, l->e->op);
    node phis[4], next[4], active = lw->active, within = lw->within;
    node from = l->from[k] ? l->from[k] : extent_const(lw, 0);
    node to = l->to[k] ? l->to[k] : l->extent[k];
    state in = *s;
    phis[0] = graph_phi(g, from, at);
    for (int32_t i = 0; i < s->n; i++)
        in.v[i] = phis[i + 1] = graph_phi(g, s->v[i], at);
    node more = graph_apply2(g, OP_lt, phis[0], to, at);
    lw->active = node_and(lw, active, more, at);
    node condition = lw->active;
    int32_t n_ranges = lw->n_ranges;
    bool fine = scope_bind(lw, l->e->u.reduce.binders[k].name, BIND_INDEX, value_weak(phis[0]));
    index_add_range(lw, phis[0], from, to);
    if (fine && k + 1 < l->e->u.reduce.n_binders) {
        fine = nest(l, k + 1, &in);
    } else if (fine) {
        node x = 0;
        fine = body_node(l, &x);
        in = fine ? step(l, in, x, phis[0]) : in;
    }
    lw->n_ranges = n_ranges;
    lw->active = active;
    lw->within = within;
    if (!fine)
        return false;
    next[0] = graph_apply2(g, OP_add, phis[0], extent_const(lw, 1), at);
    for (int32_t i = 0; i < s->n; i++)
        next[i + 1] = in.v[i];
    node loop = graph_loop(g, phis, s->n + 1, condition, next, at);
    for (int32_t i = 0; i < s->n; i++)
        s->v[i] = graph_proj(g, loop, i + 1);
    return loop != 0;
}

/* The type of what is reduced: the body is lowered once for it. */
static bool find_type(looping *l)
{
    lowering *lw = l->lw;
    int32_t bindings = lw->n_bindings, n_ranges = lw->n_ranges, n_checks = lw->g->n_checks;
    node active = lw->active, x = 0;
    span at = lower_place(lw, l->e->op);
    node unknown = 0;
    bool fine = true;
    for (int32_t k = 0; fine && k < l->e->u.reduce.n_binders; k++) {
        unknown = graph_phi(lw->g, extent_const(lw, 0), at);
        fine = scope_bind(lw, l->e->u.reduce.binders[k].name, BIND_INDEX, value_weak(unknown));
    }
    if (fine) /* not executed: nothing is checked once */
        lw->active = graph_apply2(lw->g, OP_lt, unknown, unknown, at);
    fine = fine && body_node(l, &x);
    lw->active = active;
    lw->g->n_checks = n_checks;
    lw->n_ranges = n_ranges;
    scope_pop(lw, bindings);
    return fine;
}

/* An error where nothing was reduced: a subscript 1 of an axis of 1. */
static node demanded(looping *l, node v, node any)
{
    lowering *lw = l->lw;
    span at = lower_place(lw, l->e->op);
    graph_site site = { ast_redop_text(l->o), -1, at };
    node i = node_select(lw, any, extent_const(lw, 0), extent_const(lw, 1), at);
    node zero = graph_bound(lw->g, i, extent_const(lw, 1), lw->active, site);
    node fine = graph_apply2(lw->g, OP_eq, zero, extent_const(lw, 0), at);
    jit_dtype t = graph_dtype(lw->g, v);
    node none = t == JIT_BOOL ? lw->no : graph_real(lw->g, t, 0);
    return graph_apply3(lw->g, OP_select, fine, v, none, at);
}

static value counted(looping *l, node sum)
{
    lowering *lw = l->lw;
    span at = lower_place(lw, l->e->op);
    looping c = *l;
    state s = { { extent_const(lw, 0) }, 1 };
    ast_expr one = { .kind = EXPR_INTEGER, .at = l->e->at, .op = l->e->op, .u.integer = 1 };
    ast_expr e = *l->e;
    e.u.reduce.body = &one;
    e.u.reduce.op = REDOP_SUM;
    c.e = &e;
    c.type = TYPE_WEAK_INTEGER;
    if (!nest(&c, 0, &s))
        return value_poison();
    node n = graph_cast(lw->g, graph_dtype(lw->g, sum), s.v[0], at);
    node q = graph_apply2(lw->g, OP_div, sum, n, at);
    return l->type < 0 ? value_weak(q) : value_node(q);
}

value reduce_loop(lowering *lw, const ast_expr *e, const node *from, const node *to,
                  const node *extent)
{
    ast_redop o = e->u.reduce.op == REDOP_MEAN ? REDOP_SUM : e->u.reduce.op;
    looping l = { lw, e, o, from, to, extent, TYPE_UNKNOWN };
    if (is_arg(o) && e->u.reduce.n_binders != 1) {
        lower_error(lw, DIAG_reduce_one, e->op, "'%s' takes one index, not %d",
                    ast_redop_text(o), (int)e->u.reduce.n_binders);
        return value_poison();
    }
    if (!find_type(&l))
        return value_poison();
    state s = start(&l);
    if (!nest(&l, 0, &s))
        return value_poison();
    if (e->u.reduce.op == REDOP_MEAN)
        return counted(&l, s.v[0]);
    if (is_arg(o))
        return value_node(demanded(&l, s.v[2], s.v[1]));
    node v = needs_any(o) ? demanded(&l, s.v[0], s.v[1]) : s.v[0];
    return l.type < 0 ? value_weak(v) : value_node(v);
}

/* Reductions: sum[i, k in a .. b](e), and sum(x), mean(x; axis = 0) of whole arrays.
 *
 * Extents that are known before a run make one fold; a range that depends on data or on another
 * index makes a loop. A sum of products of floats is a FOLD_DOT: each product is added by a
 * fused multiply-add. */
#include "lower_state.h"

#include <string.h>

/* ------------------------------------------------------------------------------ types */

typedef struct reduction {
    ast_redop o;
    span at;
    fold_kind kind;
    value_type type; /* of the operand, converted */
    bool weak;       /* the result */
} reduction;

static fold_kind kind_of(ast_redop o, bool boolean)
{
    switch (o) {
    case REDOP_SUM:
    case REDOP_MEAN:
        return FOLD_SUM;
    case REDOP_PROD:
        return FOLD_PROD;
    case REDOP_MIN:
        return boolean ? FOLD_ALL : FOLD_MIN;
    case REDOP_MAX:
        return boolean ? FOLD_ANY : FOLD_MAX;
    case REDOP_ANY:
        return FOLD_ANY;
    case REDOP_ALL:
        return FOLD_ALL;
    case REDOP_ARGMIN:
        return FOLD_ARGMIN;
    case REDOP_ARGMAX:
        return FOLD_ARGMAX;
    }
    return FOLD_SUM;
}

/* What a value of type t is reduced in. */
static value_type reduced_in(ast_redop o, value_type t)
{
    bool integer = t > 0 && type_is_integer((jit_dtype)t);
    if (o == REDOP_SUM || o == REDOP_PROD) {
        if (t == JIT_BOOL)
            return JIT_I64;
        return integer ? (type_is_unsigned((jit_dtype)t) ? JIT_U64 : JIT_I64) : t;
    }
    if (o == REDOP_MEAN)
        return t == TYPE_WEAK_INTEGER ? TYPE_WEAK_REAL : t == JIT_BOOL || integer ? JIT_F64 : t;
    return t;
}

/* The operand as it is reduced; POISON: there is none. */
static value operand(lowering *lw, reduction *r, value body)
{
    value_type t = type_of_value(lw, body);
    if (t == TYPE_UNKNOWN)
        return value_poison();
    if ((r->o == REDOP_ANY || r->o == REDOP_ALL) && t != JIT_BOOL) {
        lower_error(lw, DIAG_condition, r->at, "'%s' takes bool, not %s", ast_redop_text(r->o),
                    type_text(t));
        diag_hint(lw->d, "write '!= 0'");
        return value_poison();
    }
    r->kind = kind_of(r->o, t == JIT_BOOL);
    r->type = reduced_in(r->o, t);
    r->weak = r->type < 0 && r->kind != FOLD_ARGMIN && r->kind != FOLD_ARGMAX;
    if (t == JIT_BOOL && r->type != JIT_BOOL)
        return value_cast(lw, body, (jit_dtype)r->type, r->at);
    return value_as(lw, body, r->type, r->at);
}

/* ------------------------------------------------------------------------------ products */

typedef struct copying { /* of a map's value for other subscripts */
    lowering *lw;
    node first, last;
    node *made; /* by node - first; 0: not copied */
} copying;

enum { MOST_COPIED = 64 };

static node copied(const copying *c, node n)
{
    return n >= c->first && n <= c->last && c->made[n - c->first] ? c->made[n - c->first] : n;
}

static node copy_one(copying *c, node n)
{
    graph *g = c->lw->g;
    const node_data d = *graph_node(g, n);
    node in[GRAPH_MAX_RANK + 1];
    for (int32_t i = 0; i < d.n_in; i++)
        in[i] = copied(c, graph_in(g, n, i));
    switch ((op)d.op) {
    case OP_cast:
        return graph_cast(g, (jit_dtype)d.dtype, in[0], d.at);
    case OP_bitcast:
        return graph_bitcast(g, (jit_dtype)d.dtype, in[0], d.at);
    case OP_at:
        return graph_at(g, in[0], in + 1, d.at);
    default:
        return graph_apply(g, (op)d.op, in, d.at);
    }
}

/* Scalars computed without loops, folds and maps of their own. */
static bool can_copy(const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    bool leaf = op_info((op)d->op)->rule == RULE_LEAF && d->op != OP_at;
    return !leaf && d->shape == 0 && d->n_in <= GRAPH_MAX_RANK + 1;
}

/* Element [subscript] of a small map, computed anew; 0: it is not one. */
static node inlined(lowering *lw, node at)
{
    graph *g = lw->g;
    node map = graph_in(g, at, 0), made[MOST_COPIED];
    const node_data *d = graph_node(g, map);
    if (d->op != OP_map)
        return 0;
    int32_t n = d->n_in - 1;
    node last = graph_in(g, map, n), first = last;
    for (int32_t i = 0; i < n; i++)
        first = graph_in(g, map, i) < first ? graph_in(g, map, i) : first;
    if (last - first >= MOST_COPIED)
        return 0;
    memset(made, 0, sizeof made);
    copying c = { lw, first, last, made };
    for (int32_t i = 0; i < n; i++)
        made[graph_in(g, map, i) - first] = graph_in(g, at, i + 1);
    for (node k = first; k <= last; k++) {
        bool depends = false;
        for (int32_t i = 0; i < graph_node(g, k)->n_in; i++)
            depends = depends || copied(&c, graph_in(g, k, i)) != graph_in(g, k, i);
        if (!depends || made[k - first])
            continue;
        if (!can_copy(g, k))
            return 0;
        made[k - first] = copy_one(&c, k);
    }
    return copied(&c, last);
}

/* x*y, or an element of a small map of such a product. */
static bool is_product(lowering *lw, node *n)
{
    jit_dtype t = graph_dtype(lw->g, *n);
    if (t != JIT_F32 && t != JIT_F64)
        return false;
    const node_data *d = graph_node(lw->g, *n);
    if (d->op == OP_mul)
        return true;
    if (d->op != OP_at)
        return false;
    const node_data *map = graph_node(lw->g, graph_in(lw->g, *n, 0));
    if (map->op != OP_map ||
        graph_node(lw->g, graph_in(lw->g, graph_in(lw->g, *n, 0), map->n_in - 1))->op != OP_mul)
        return false;
    node own = inlined(lw, *n);
    if (!own || graph_node(lw->g, own)->op != OP_mul)
        return false;
    *n = own;
    return true;
}

/* ------------------------------------------------------------------------------ folds */

static bool needs_elements(fold_kind k)
{
    return k == FOLD_MIN || k == FOLD_MAX || k == FOLD_ARGMIN || k == FOLD_ARGMAX;
}

static void of_nothing(lowering *lw, const reduction *r)
{
    lower_error(lw, DIAG_reduce_empty, r->at, "'%s' of nothing has no value",
                ast_redop_text(r->o));
}

/* The axes must have elements: checked once per call where that is not known. */
static bool have_elements(lowering *lw, const reduction *r, const node *axes, int32_t n)
{
    bool boolean_min = r->o == REDOP_MIN || r->o == REDOP_MAX;
    if (!needs_elements(r->kind) && !boolean_min)
        return true;
    for (int32_t i = 0; i < n; i++) {
        node extent = graph_in(lw->g, axes[i], 0);
        cell v;
        graph_site site = { ast_redop_text(r->o), -1, lower_place(lw, r->at) };
        if (extent_at_least(lw, extent, 1))
            continue;
        if (graph_is_const(lw->g, extent, &v)) {
            of_nothing(lw, r);
            return false;
        }
        check_once(lw, extent_const(lw, 0), extent, site);
    }
    return true;
}

static bool is_sequential(const lowering *lw)
{
    for (const frame *f = lw->frame; f; f = f->up)
        for (int32_t i = 0; f->fn && i < f->fn->n_attrs; i++)
            if (strcmp(f->fn->attrs[i].name, "seq") == 0)
                return true;
    return false;
}

static node fold(lowering *lw, const reduction *r, const node *axes, int32_t n, node x)
{
    graph_fold_spec f = { .kind = r->kind, .x = x };
    f.order = is_sequential(lw) ? FOLD_SEQUENTIAL : FOLD_TREE;
    if (r->kind == FOLD_SUM && is_product(lw, &x)) {
        f.kind = FOLD_DOT;
        f.x = graph_in(lw->g, x, 0);
        f.y = graph_in(lw->g, x, 1);
    }
    return graph_fold(lw->g, axes, n, f, lower_place(lw, r->at));
}

static value divided(lowering *lw, const reduction *r, value sum, node count)
{
    jit_dtype t = graph_dtype(lw->g, sum.u.node);
    node n = graph_cast(lw->g, t, count, lower_place(lw, r->at));
    node q = graph_apply2(lw->g, OP_div, sum.u.node, n, lower_place(lw, r->at));
    return r->weak ? value_weak(q) : value_node(q);
}

static value typed(const reduction *r, node n)
{
    return r->weak ? value_weak(n) : value_node(n);
}

static value fold_scalar(lowering *lw, reduction *r, const node *axes, int32_t n, value body)
{
    value x = operand(lw, r, body);
    if (x.kind == VALUE_POISON || !have_elements(lw, r, axes, n))
        return value_poison();
    node one = value_to_node(lw, x, type_weak_node(lw, r->type), r->at);
    value v = typed(r, fold(lw, r, axes, n, one));
    if (r->o != REDOP_MEAN || v.kind == VALUE_POISON)
        return v;
    node count = extent_const(lw, 1);
    for (int32_t i = 0; i < n; i++)
        count = extent_mul(lw, count, graph_in(lw->g, axes[i], 0));
    return divided(lw, r, v, count);
}

/* body: of one element of the axes; an array is reduced element by element. */
value reduce_over(lowering *lw, ast_redop o, const node *axes, int32_t n, value body, span at)
{
    reduction r = { .o = o, .at = at };
    graph_shape s = value_shape(lw, body);
    node outer[GRAPH_MAX_RANK];
    if (body.kind <= VALUE_POISON || body.kind >= VALUE_TUPLE)
        return value_poison();
    if ((o == REDOP_ARGMIN || o == REDOP_ARGMAX) && n != 1) {
        lower_error(lw, DIAG_reduce_one, at, "'%s' takes one index, not %d", ast_redop_text(o),
                    (int)n);
        return value_poison();
    }
    if (n > GRAPH_MAX_RANK) {
        lower_error(lw, DIAG_too_many_axes, at, "%d indices: at most %d", (int)n,
                    (int)GRAPH_MAX_RANK);
        return value_poison();
    }
    if (s.rank == 0)
        return fold_scalar(lw, &r, axes, n, body);
    if (!array_axes(lw, &s, outer, at))
        return value_poison();
    value one = fold_scalar(lw, &r, axes, n, lower_array_at(lw, body, outer, at));
    return one.kind == VALUE_POISON ? one : lower_array_map(lw, outer, s.rank, one, at);
}

/* ------------------------------------------------------------------------------ indices */

typedef struct binders { /* of one reduction */
    const ast_expr *e;
    int32_t n;
    node *from, *extent, *to; /* from: 0 where the index begins at 0 */
    bool known;
} binders;

static node bound_of(lowering *lw, const ast_expr *e)
{
    value v = lower_number(lw, e);
    value_type t = type_of_value(lw, v);
    if (t == TYPE_UNKNOWN || !value_only_scalar(lw, v, "a bound", e->at))
        return 0;
    if (t == TYPE_WEAK_REAL || (t > 0 && !type_is_integer((jit_dtype)t))) {
        lower_error(lw, DIAG_integer_needed, e->at, "a bound of an index is an integer, not %s",
                    type_text(t));
        return 0;
    }
    return extent_node(lw, value_to_node(lw, v, JIT_I64, e->at));
}

/* to - from, at least 0 */
static node length_of(lowering *lw, node from, node to)
{
    node n = extent_sub(lw, to, from);
    cell v;
    if (extent_at_least(lw, n, 0))
        return n;
    if (graph_is_const(lw->g, n, &v))
        return extent_const(lw, v.i > 0 ? v.i : 0);
    return graph_apply2(lw->g, OP_max, n, extent_const(lw, 0), (span){ 0, 0 });
}

static bool plain_extents(lowering *lw, binders *b)
{
    const ast_expr *e = b->e;
    index_use *use = arena_alloc(lw->ar, ((size_t)b->n + 1) * sizeof *use);
    if (!use)
        return lower_no_memory(lw);
    for (int32_t i = 0; i < b->n; i++)
        use[i].name = e->u.reduce.binders[i].from ? "" : e->u.reduce.binders[i].name;
    index_extents(lw, e->u.reduce.body, use, b->n);
    for (int32_t i = 0; i < b->n; i++) {
        const ast_binder *binder = &e->u.reduce.binders[i];
        if (binder->from)
            continue;
        if (!use[i].extent && !use[i].wrong)
            index_unknown(lw, binder->name, binder->at, true);
        if (!use[i].extent || use[i].wrong)
            return false;
        b->extent[i] = use[i].extent;
    }
    return true;
}

static bool ranges(lowering *lw, binders *b)
{
    for (int32_t i = 0; i < b->n; i++) {
        const ast_binder *binder = &b->e->u.reduce.binders[i];
        if (!binder->from)
            continue;
        b->from[i] = bound_of(lw, binder->from);
        b->to[i] = bound_of(lw, binder->to);
        if (!b->from[i] || !b->to[i])
            return false;
        b->extent[i] = length_of(lw, b->from[i], b->to[i]);
        b->known = b->known && extent_known(lw, b->extent[i]);
    }
    return true;
}

static bool unique_names(lowering *lw, const ast_expr *e)
{
    for (int32_t i = 0; i < e->u.reduce.n_binders; i++)
        for (int32_t k = 0; k < i; k++)
            if (strcmp(e->u.reduce.binders[i].name, e->u.reduce.binders[k].name) == 0) {
                lower_error(lw, DIAG_duplicate_name, e->u.reduce.binders[i].at,
                            "index '%s' is there twice", e->u.reduce.binders[i].name);
                return false;
            }
    return true;
}

static value fold_known(lowering *lw, const binders *b, node *axes)
{
    const ast_expr *e = b->e;
    span at = lower_place(lw, e->op);
    for (int32_t i = 0; i < b->n; i++) {
        axes[i] = graph_axis(lw->g, b->extent[i], at);
        node index =
            b->from[i] ? graph_apply2(lw->g, OP_add, axes[i], b->from[i], at) : axes[i];
        cell zero;
        if (b->from[i] && graph_is_const(lw->g, b->from[i], &zero) && zero.i == 0)
            index = axes[i];
        if (!axes[i] ||
            !scope_bind(lw, e->u.reduce.binders[i].name, BIND_INDEX, value_weak(index)))
            return value_poison();
    }
    if (!axes_push(lw, axes, b->n))
        return value_poison();
    value body = lower_number(lw, e->u.reduce.body);
    axes_pop(lw, b->n);
    value v = reduce_over(lw, e->u.reduce.op, axes, b->n, body, e->op);
    bool arg = e->u.reduce.op == REDOP_ARGMIN || e->u.reduce.op == REDOP_ARGMAX;
    if (!arg || !b->from[0] || v.kind != VALUE_NODE)
        return v;
    return lower_apply(lw, OP_add, (value[]){ v, value_node(b->from[0]) }, 2, e->op);
}

value lower_reduce(lowering *lw, const ast_expr *e)
{
    binders b = { .e = e, .n = e->u.reduce.n_binders, .known = true };
    size_t n = (size_t)b.n + 1;
    int32_t bindings = lw->n_bindings;
    b.from = arena_alloc(lw->ar, n * sizeof *b.from);
    b.to = arena_alloc(lw->ar, n * sizeof *b.to);
    b.extent = arena_alloc(lw->ar, n * sizeof *b.extent);
    node *axes = arena_alloc(lw->ar, n * sizeof *axes);
    if (!b.from || !b.to || !b.extent || !axes) {
        lower_no_memory(lw);
        return value_poison();
    }
    if (!unique_names(lw, e) || !ranges(lw, &b) || !plain_extents(lw, &b))
        return value_poison();
    value v = b.known ? fold_known(lw, &b, axes) : reduce_loop(lw, e, b.from, b.to, b.extent);
    scope_pop(lw, bindings);
    return v;
}

/* ------------------------------------------------------------------------------ whole arrays */

/* axis = 0: of the array; the last one without. -1 and a message if there is no such axis. */
static int32_t axis_argument(lowering *lw, const ast_expr *e, const char *name, value x)
{
    int32_t rank = value_shape(lw, x).rank;
    if (e->u.call.n_uniforms == 0)
        return rank - 1;
    const ast_arg *a = &e->u.call.uniforms[0];
    if (a->value->kind == EXPR_TUPLE) {
        lower_error(lw, DIAG_not_constant, a->value->at, "the axis is a constant integer");
        diag_hint(lw->d, "several at once: %s[i,j](x[i,j])", name);
        return -1;
    }
    value v = lower_number(lw, a->value);
    if (a->name && strcmp(a->name, "axis") != 0) {
        lower_error(lw, DIAG_unknown_argument, a->at, "'%s' has no uniform argument '%s'", name,
                    a->name);
        diag_hint(lw->d, "it is 'axis'");
        return -1;
    }
    if (v.kind == VALUE_POISON)
        return -1;
    if (v.kind != VALUE_INTEGER) {
        lower_error(lw, DIAG_not_constant, a->value->at, "the axis is a constant integer");
        return -1;
    }
    wide axis = v.u.integer < 0 ? v.u.integer + rank : v.u.integer;
    if (axis >= 0 && axis < rank)
        return (int32_t)axis;
    lower_error(lw, DIAG_reduce_axis, a->value->at, "there is no axis %lld: %s has %d",
                (long long)v.u.integer, value_text(lw, x), (int)rank);
    return -1;
}

static value reduce_axis(lowering *lw, ast_redop o, value x, int32_t axis, span at)
{
    graph_shape s = value_shape(lw, x);
    node axes[GRAPH_MAX_RANK], outer[GRAPH_MAX_RANK];
    int32_t n = 0;
    if (!array_axes(lw, &s, axes, at))
        return value_poison();
    for (int32_t i = 0; i < s.rank; i++)
        if (i != axis)
            outer[n++] = axes[i];
    value v = reduce_over(lw, o, &axes[axis], 1, lower_array_at(lw, x, axes, at), at);
    return n == 0 || v.kind == VALUE_POISON ? v : lower_array_map(lw, outer, n, v, at);
}

value lower_whole_reduce(lowering *lw, const ast_expr *e, ast_redop o)
{
    const char *name = ast_redop_text(o);
    if (e->u.call.n_args != 1 || e->u.call.n_uniforms > 1) {
        lower_error(lw, e->u.call.n_args < 1 ? DIAG_missing_argument : DIAG_argument_count,
                    e->op, "'%s' takes an array, and 'axis' after ';'", name);
        diag_hint(lw->d, "as in %s(x; axis = 0)", name);
        return value_poison();
    }
    if (e->u.call.args[0].name) {
        lower_error(lw, DIAG_unknown_argument, e->u.call.args[0].at,
                    "the arguments of '%s' have no names", name);
        return value_poison();
    }
    value x = lower_number(lw, e->u.call.args[0].value);
    graph_shape s = value_shape(lw, x);
    if (x.kind == VALUE_POISON)
        return x;
    if (s.rank == 0) {
        const ast_expr *a = e->u.call.args[0].value;
        lower_error(lw, DIAG_array_needed, a->at, "'%s' takes an array, not %s", name,
                    type_text(type_of_value(lw, x)));
        if (a->kind == EXPR_NAME)
            diag_hint(lw->d, "an array is declared with dimensions, as in %s: [n]", a->u.name);
        return value_poison();
    }
    int32_t axis = axis_argument(lw, e, name, x);
    return axis < 0 ? value_poison() : reduce_axis(lw, o, x, axis, e->op);
}

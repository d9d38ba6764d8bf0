/* Subscripts: elements and rows of arrays, how each is checked, and the extents that plain
 * subscripts give to indices.
 *
 * A subscript that is in range whatever the dimensions are is not checked. One that is affine in
 * the indices, and executed for all of them, is checked once per call by its extreme values;
 * all others for each element, where it is executed. */
#include "lower_state.h"

#include <string.h>

/* ------------------------------------------------------------------------------ checks */

/* All axes around have elements: what is lowered is executed. */
static node all_executed(lowering *lw)
{
    node when = lw->yes;
    for (int32_t i = 0; i < lw->n_axes; i++) {
        node extent = graph_in(lw->g, lw->axes[i], 0);
        cell v;
        if (graph_is_const(lw->g, extent, &v) && v.i > 0)
            continue;
        if (!extent_known(lw, extent))
            continue;
        node any = graph_apply2(lw->g, OP_gt, extent, extent_const(lw, 0), (span){ 0, 0 });
        when = node_and(lw, when, any, (span){ 0, 0 });
    }
    return when;
}

void check_once(lowering *lw, node v, node extent, graph_site site)
{
    enum { RECENT = 64 };
    graph *g = lw->g;
    node when = all_executed(lw);
    for (int32_t i = g->n_checks - 1; i >= 0 && i >= g->n_checks - RECENT; i--) {
        const graph_check *c = &g->checks[i];
        if (c->value == v && c->extent == extent && c->when == when)
            return;
    }
    (void)graph_add_check(g, v, extent, when, site);
}

static void never_in_range(lowering *lw, const subscript_bounds *b, node extent,
                           graph_site site)
{
    bool negative = extent_at_least(lw, extent_sub(lw, extent_const(lw, -1), b->wrong), 0);
    lower_error(lw, DIAG_subscript_fixed, site.at,
                "subscript %s is out of range: axis %d%s%s%s has extent %s",
                extent_text(lw, b->wrong), (int)site.axis, site.array ? " of '" : "",
                site.array ? site.array : "", site.array ? "'" : "", extent_text(lw, extent));
    if (negative)
        diag_hint(lw->d, "negative subscripts do not count from the end");
}

node subscript_checked(lowering *lw, node i, node extent, graph_site site)
{
    subscript_bounds b;
    bool always = lw->active == lw->yes;
    if (!i || !extent)
        return 0;
    subscript_range r = extent_range(lw, i, extent, &b);
    if (r == SUBSCRIPT_PROVEN)
        return i;
    if (r == SUBSCRIPT_WRONG && always) {
        never_in_range(lw, &b, extent, site);
        return 0;
    }
    site.at = lower_place(lw, site.at);
    if (r == SUBSCRIPT_AFFINE && always) {
        node last = extent_sub(lw, extent, extent_const(lw, 1));
        if (!extent_at_least(lw, b.least, 0))
            check_once(lw, b.least, extent, site);
        if (!extent_at_least(lw, extent_sub(lw, last, b.most), 0))
            check_once(lw, b.most, extent, site);
        return i;
    }
    return graph_bound(lw->g, i, extent, lw->active, site);
}

void index_add_range(lowering *lw, node i, node from, node to)
{
    void *array = lw->ranges;
    if (!arena_grow(lw->ar, &array, sizeof *lw->ranges, &lw->cap_ranges, lw->n_ranges + 1)) {
        lower_no_memory(lw);
        return;
    }
    lw->ranges = array;
    lw->ranges[lw->n_ranges++] = (index_range){ i, from, to };
}

/* ------------------------------------------------------------------------------ reading */

/* A name that is no value here (a function's name is none). */
static bool is_unknown_name(lowering *lw, const ast_expr *e)
{
    return e->kind == EXPR_NAME && !scope_find(lw, e->u.name) &&
           !program_const(lw->p, e->u.name, lw->frame->src, lw->d);
}

node subscript_node(lowering *lw, const ast_expr *e)
{
    if (is_unknown_name(lw, e)) {
        lower_error(lw, DIAG_index_unbound, e->at, "index '%s' is not bound", e->u.name);
        diag_hint(lw->d, "bind it on the left, y[%s] = ..., or by a reduction, sum[%s](...)",
                  e->u.name, e->u.name);
        return 0;
    }
    value v = lower_number(lw, e);
    value_type t = type_of_value(lw, v);
    if (t == TYPE_UNKNOWN)
        return 0;
    if (t == TYPE_WEAK_REAL || (t > 0 && !type_is_integer((jit_dtype)t))) {
        lower_error(lw, DIAG_integer_needed, e->at, "a subscript is an integer, not %s",
                    value_text(lw, v));
        return 0;
    }
    if (!value_only_scalar(lw, v, "a subscript", e->at))
        return 0;
    return value_to_node(lw, v, JIT_I64, e->at);
}

static bool right_subscripts(lowering *lw, const ast_expr *e, value base)
{
    graph_shape s = value_shape(lw, base);
    const ast_expr *b = e->u.index.base;
    const char *name = b->kind == EXPR_NAME ? b->u.name : "this";
    if (s.rank == 0 && b->kind == EXPR_INDEX) {
        lower_error(lw, DIAG_no_axes, b->at, "an element is a number and has no subscripts");
        return false;
    }
    if (s.rank == 0) {
        lower_error(lw, DIAG_no_axes, b->at, "'%s' is a number and has no subscripts", name);
        if (b->kind == EXPR_NAME)
            diag_hint(lw->d, "an array is declared with dimensions, as in %s: [n]", name);
        return false;
    }
    if (e->u.index.n <= s.rank)
        return true;
    lower_error(lw, DIAG_no_axes, e->u.index.subscripts[s.rank]->at,
                "'%s' is %s: it takes %d subscript%s, not %d", name, value_text(lw, base),
                (int)s.rank, s.rank == 1 ? "" : "s", (int)e->u.index.n);
    return false;
}

/* Whether one of the subscripts is made of the axis. */
static bool made_of(lowering *lw, const node *subscript, int32_t n, node axis)
{
    enum { NEAR = 4000 };
    bool *reads = NULL;
    node last = 0;
    for (int32_t i = 0; i < n; i++)
        last = subscript[i] > last ? subscript[i] : last;
    if (last >= axis && last - axis < NEAR)
        reads = arena_alloc(lw->ar, (size_t)(last - axis + 1) * sizeof *reads);
    for (int32_t i = 0; i < n && reads; i++)
        if (subscript[i] >= axis)
            reads[subscript[i] - axis] = true;
    for (node at = last; at > axis && reads; at--)
        for (int32_t i = 0; reads[at - axis] && i < graph_node(lw->g, at)->n_in; i++)
            if (graph_in(lw->g, at, i) >= axis)
                reads[graph_in(lw->g, at, i) - axis] = true;
    return reads && reads[0];
}

/* An element that is the same along an axis around is read before the axis is gone through, even
 * if that has no elements: then what was checked for its elements does not hold. */
static void guard_invariant(lowering *lw, const graph_shape *s, node *subscript, int32_t n)
{
    bool guarded = false;
    int32_t around = lw->n_axes;
    lw->n_axes = 0; /* else an axis says that its extent has elements */
    for (int32_t i = 0; i < around && !guarded; i++)
        guarded = !extent_at_least(lw, graph_in(lw->g, lw->axes[i], 0), 1) &&
                  !made_of(lw, subscript, n, lw->axes[i]);
    for (int32_t i = 0; i < n && guarded; i++) {
        subscript_bounds b;
        op o = (op)graph_node(lw->g, subscript[i])->op;
        if (o != OP_bound &&
            extent_range(lw, subscript[i], s->extent[i], &b) != SUBSCRIPT_PROVEN)
            subscript[i] = graph_bound(lw->g, subscript[i], s->extent[i], lw->no,
                                       (graph_site){ NULL, i, { 0, 0 } });
    }
    lw->n_axes = around;
}

/* The rest of the axes, where subscripts are given for the first n. */
static value row(lowering *lw, value base, node *subscript, int32_t n, span at)
{
    graph_shape s = value_shape(lw, base), rest = { .rank = s.rank - n };
    node axes[GRAPH_MAX_RANK];
    for (int32_t i = n; i < s.rank; i++)
        rest.extent[i - n] = s.extent[i];
    if (!array_axes(lw, &rest, axes, at))
        return value_poison();
    for (int32_t i = n; i < s.rank; i++)
        subscript[i] = axes[i - n];
    return lower_array_map(lw, axes, rest.rank, lower_array_at(lw, base, subscript, at), at);
}

value lower_index(lowering *lw, const ast_expr *e)
{
    node subscript[GRAPH_MAX_RANK] = { 0 };
    const ast_expr *b = e->u.index.base;
    value base = lower_expr(lw, b);
    int32_t n = e->u.index.n;
    bool fine = base.kind != VALUE_POISON;
    if (fine && (base.kind == VALUE_TUPLE || base.kind == VALUE_FUNCTION))
        base = lower_number(lw, b); /* for its message */
    fine = fine && base.kind != VALUE_POISON && right_subscripts(lw, e, base);
    graph_shape s = value_shape(lw, base);
    for (int32_t i = 0; i < n && !lw->stop; i++) {
        const ast_expr *sub = e->u.index.subscripts[i];
        node k = subscript_node(lw, sub);
        graph_site site = { b->kind == EXPR_NAME ? b->u.name : NULL, i, sub->at };
        if (fine && i < s.rank)
            subscript[i] = subscript_checked(lw, k, s.extent[i], site);
        fine = fine && subscript[i] != 0;
    }
    if (!fine || lw->stop)
        return value_poison();
    guard_invariant(lw, &s, subscript, n);
    return n < s.rank ? row(lw, base, subscript, n, e->at)
                      : lower_array_at(lw, base, subscript, e->at);
}

/* ------------------------------------------------------------------------------ extents */

typedef struct search {
    lowering *lw;
    index_use *use;
    int32_t n, depth;
} search;

static index_use *find_use(const search *s, const char *name)
{
    for (int32_t i = s->n - 1; i >= 0; i--)
        if (strcmp(s->use[i].name, name) == 0)
            return &s->use[i];
    return NULL;
}

static void search_expr(search *s, const ast_expr *e);

static bool mentions(const search *s, const ast_expr *e)
{
    index_use *use = s->use;
    free_names names;
    for (int32_t i = 0; i < s->n; i++)
        if (!lower_free_names(s->lw->p, e, &use[i].name, 1, s->lw->ar, &names))
            return true;
        else
            for (int32_t k = 0; k < names.n; k++)
                if (strcmp(names.name[k], use[i].name) == 0)
                    return true;
    return false;
}

/* The shape of what stands before subscripts; false: not to be known here. */
static bool base_shape(search *s, const ast_expr *e, graph_shape *out)
{
    lowering *lw = s->lw;
    if (e->kind == EXPR_INDEX) {
        if (!base_shape(s, e->u.index.base, out) || e->u.index.n >= out->rank)
            return false;
        out->rank -= e->u.index.n;
        memmove(out->extent, out->extent + e->u.index.n,
                (size_t)out->rank * sizeof *out->extent);
        return true;
    }
    value v = value_poison();
    if (e->kind == EXPR_NAME) {
        const binding *b = scope_find(lw, e->u.name);
        v = !b ? v : b->slot >= 0 ? lw->slots[b->slot].now : b->value;
    } else if (!mentions(s, e)) {
        v = lower_expr(lw, e);
    }
    *out = value_shape(lw, v);
    return out->rank > 0;
}

static const char *base_name(const ast_expr *e)
{
    while (e->kind == EXPR_INDEX)
        e = e->u.index.base;
    return e->kind == EXPR_NAME ? e->u.name : "an array";
}

static void use_extent(search *s, index_use *u, node extent, const ast_expr *at)
{
    lowering *lw = s->lw;
    const char *array = base_name(at);
    if (u->extent == 0) {
        u->extent = extent;
        u->array = array;
    } else if (u->extent != extent && !u->wrong) {
        u->wrong = true;
        lower_error(lw, DIAG_index_differs, at->at,
                    "index '%s' goes to %s in '%s' and to %s in '%s'", u->name,
                    extent_text(lw, u->extent), u->array, extent_text(lw, extent), array);
    }
}

static void search_index(search *s, const ast_expr *e)
{
    graph_shape shape;
    bool plain = false;
    for (int32_t i = 0; i < e->u.index.n; i++) {
        const ast_expr *sub = e->u.index.subscripts[i];
        plain = plain || (sub->kind == EXPR_NAME && find_use(s, sub->u.name));
        search_expr(s, sub);
    }
    search_expr(s, e->u.index.base);
    if (!plain)
        return;
    bool known = base_shape(s, e->u.index.base, &shape);
    for (int32_t i = 0; i < e->u.index.n; i++) {
        const ast_expr *sub = e->u.index.subscripts[i];
        index_use *u = sub->kind == EXPR_NAME ? find_use(s, sub->u.name) : NULL;
        if (u && known && i < shape.rank)
            use_extent(s, u, shape.extent[i], e);
        else if (u && !known && !u->extent && s->lw->n_errors > 0)
            u->wrong = true; /* of something that was wrong before */
    }
}

/* Indices of a reduction hide those of the same name outside. */
static void search_reduce(search *s, const ast_expr *e)
{
    const char **hidden = arena_alloc(s->lw->ar, ((size_t)s->n + 1) * sizeof *hidden);
    for (int32_t i = 0; i < e->u.reduce.n_binders; i++) {
        const ast_binder *b = &e->u.reduce.binders[i];
        if (b->from) {
            search_expr(s, b->from);
            search_expr(s, b->to);
        }
    }
    if (!hidden) {
        lower_no_memory(s->lw);
        return;
    }
    for (int32_t i = 0; i < s->n; i++) {
        hidden[i] = s->use[i].name;
        for (int32_t k = 0; k < e->u.reduce.n_binders; k++)
            if (strcmp(e->u.reduce.binders[k].name, hidden[i]) == 0)
                s->use[i].name = "";
    }
    search_expr(s, e->u.reduce.body);
    for (int32_t i = 0; i < s->n; i++)
        s->use[i].name = hidden[i];
}

static void search_call(search *s, const ast_expr *e)
{
    for (int32_t i = 0; i < e->u.call.n_args; i++)
        search_expr(s, e->u.call.args[i].value);
    for (int32_t i = 0; i < e->u.call.n_uniforms; i++)
        search_expr(s, e->u.call.uniforms[i].value);
    if (e->u.call.callee->kind != EXPR_NAME)
        search_expr(s, e->u.call.callee);
}

/* Left operands in a loop: their number is no depth. */
static void search_binary(search *s, const ast_expr *e)
{
    const ast_expr **right = NULL;
    int32_t n = 0, cap = 0;
    for (; e->kind == EXPR_BINARY; e = e->u.binary.x) {
        void *array = right;
        if (!arena_grow(s->lw->ar, &array, sizeof *right, &cap, n + 1)) {
            lower_no_memory(s->lw);
            return;
        }
        right = array;
        right[n++] = e->u.binary.y;
    }
    search_expr(s, e);
    while (n > 0)
        search_expr(s, right[--n]);
}

static void search_expr(search *s, const ast_expr *e)
{
    enum { MAX_DEPTH = 1024 };
    if (s->depth >= MAX_DEPTH || !lower_step(s->lw, e->at))
        return;
    s->depth++;
    switch (e->kind) {
    case EXPR_UNARY:
        search_expr(s, e->u.unary.x);
        break;
    case EXPR_BINARY:
        search_binary(s, e);
        break;
    case EXPR_SELECT:
        search_expr(s, e->u.select.condition);
        search_expr(s, e->u.select.yes);
        search_expr(s, e->u.select.no);
        break;
    case EXPR_CALL:
        search_call(s, e);
        break;
    case EXPR_INDEX:
        search_index(s, e);
        break;
    case EXPR_REDUCE:
        search_reduce(s, e);
        break;
    case EXPR_TUPLE:
        for (int32_t i = 0; i < e->u.tuple.n; i++)
            search_expr(s, e->u.tuple.items[i]);
        break;
    default:
        break;
    }
    s->depth--;
}

void index_extents(lowering *lw, const ast_expr *e, index_use *use, int32_t n)
{
    search s = { .lw = lw, .use = use, .n = n };
    search_expr(&s, e);
}

void index_unknown(lowering *lw, const char *name, span at, bool reduction)
{
    lower_error(lw, DIAG_index_extent, at, "the extent of index '%s' is not known", name);
    if (reduction)
        diag_hint(lw->d, "use it as a subscript, x[%s], or write [%s in 0 .. n]", name, name);
    else
        diag_hint(lw->d, "use it as a subscript, x[%s], or declare its extent, r[%s]: [n]",
                  name, name);
}

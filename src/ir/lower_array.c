/* Arrays as values: shapes, elements, broadcasting, and scalar operations lifted over elements.
 *
 * An array is made as a map, and read by `at`; a later pass puts a map that is cheap, or read
 * once, in its readers' place. Shapes broadcast from the right: an axis whose extent is the
 * constant 1 stretches, all others are the same node. */
#include "lower_state.h"

/* ------------------------------------------------------------------------------ looking */

static bool is_node(value v)
{
    return v.kind == VALUE_NODE || v.kind == VALUE_WEAK_NODE;
}

graph_shape value_shape(const lowering *lw, value v)
{
    return is_node(v) ? *graph_shape_at(lw->g, v.u.node) : (graph_shape){ 0 };
}

bool value_is_array(const lowering *lw, value v)
{
    return is_node(v) && graph_node(lw->g, v.u.node)->shape != 0;
}

bool values_have_array(const lowering *lw, const value *v, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (value_is_array(lw, v[i]))
            return true;
    return false;
}

const char *value_text(lowering *lw, value v)
{
    const char *type = type_text(type_of_value(lw, v));
    graph_shape s = value_shape(lw, v);
    if (s.rank == 0)
        return type;
    const char *text = type_of_value(lw, v) > 0
                           ? arena_format(lw->ar, "%s%s", type, extents_text(lw, &s))
                           : extents_text(lw, &s);
    return text ? text : type;
}

bool value_only_scalar(lowering *lw, value v, const char *what, span at)
{
    if (!value_is_array(lw, v))
        return true;
    lower_error(lw, DIAG_scalar_needed, at, "%s is one number, not %s", what,
                value_text(lw, v));
    return false;
}

/* ------------------------------------------------------------------------------ axes */

bool axes_push(lowering *lw, const node *axes, int32_t n)
{
    void *array = lw->axes;
    if (!arena_grow(lw->ar, &array, sizeof *lw->axes, &lw->cap_axes, lw->n_axes + n))
        return lower_no_memory(lw);
    lw->axes = array;
    for (int32_t i = 0; i < n; i++)
        lw->axes[lw->n_axes++] = axes[i];
    return true;
}

void axes_pop(lowering *lw, int32_t n)
{
    lw->n_axes -= n;
}

bool array_axes(lowering *lw, const graph_shape *s, node *axes, span at)
{
    for (int32_t i = 0; i < s->rank; i++)
        if (!(axes[i] = graph_axis(lw->g, s->extent[i], lower_place(lw, at))))
            return false;
    return s->rank > 0;
}

/* ------------------------------------------------------------------------------ elements */

static value like(value v, node n)
{
    return v.kind == VALUE_WEAK_NODE ? value_weak(n) : value_node(n);
}

value lower_array_at(lowering *lw, value array, const node *subscript, span at)
{
    return like(array, graph_at(lw->g, array.u.node, subscript, lower_place(lw, at)));
}

value lower_array_map(lowering *lw, const node *axes, int32_t n, value element, span at)
{
    value_type t = type_of_value(lw, element);
    if (t == TYPE_UNKNOWN)
        return value_poison();
    node one = value_to_node(lw, element, type_weak_node(lw, t), at);
    node map = graph_map(lw->g, axes, n, one, lower_place(lw, at));
    return t < 0 ? value_weak(map) : value_node(map);
}

value array_fill(lowering *lw, value scalar, const graph_shape *s, span at)
{
    node axes[GRAPH_MAX_RANK];
    if (!array_axes(lw, s, axes, at))
        return value_poison();
    return lower_array_map(lw, axes, s->rank, scalar, at);
}

value array_zeros(lowering *lw, value_type t, const graph_shape *s)
{
    bool boolean = t == JIT_BOOL;
    value zero = t == TYPE_WEAK_REAL ? value_real(0) : value_integer(0);
    if (t > 0)
        zero = boolean ? value_bool(lw, false) : value_node(graph_real(lw->g, (jit_dtype)t, 0));
    return array_fill(lw, zero, s, (span){ 0, 0 });
}

value array_aligned(lowering *lw, value v, const node *axes, int32_t n, span at)
{
    graph_shape s = value_shape(lw, v);
    node subscript[GRAPH_MAX_RANK];
    cell one;
    if (s.rank == 0)
        return v;
    for (int32_t i = 0; i < s.rank; i++) {
        node axis = axes[n - s.rank + i];
        bool stretched = graph_in(lw->g, axis, 0) != s.extent[i] &&
                         graph_is_const(lw->g, s.extent[i], &one) && one.i == 1;
        subscript[i] = stretched ? extent_const(lw, 0) : axis;
    }
    return lower_array_at(lw, v, subscript, at);
}

/* ------------------------------------------------------------------------------ shapes */

static bool is_one(const lowering *lw, node extent)
{
    cell v;
    return graph_is_const(lw->g, extent, &v) && v.i == 1;
}

/* *s stretched by t as well. */
static bool join_shapes(lowering *lw, graph_shape *s, const graph_shape *t, span at)
{
    graph_shape r = s->rank >= t->rank ? *s : *t;
    const graph_shape *other = s->rank >= t->rank ? t : s;
    for (int32_t i = 0; i < other->rank; i++) {
        node *a = &r.extent[r.rank - other->rank + i], b = other->extent[i];
        if (*a == b || is_one(lw, b))
            continue;
        if (!is_one(lw, *a)) {
            lower_error(lw, DIAG_broadcast, at, "cannot broadcast %s with %s",
                        extents_text(lw, s), extents_text(lw, t));
            return false;
        }
        *a = b;
    }
    *s = r;
    return true;
}

bool array_broadcast_shape(lowering *lw, const value *v, int32_t n, graph_shape *out, span at)
{
    *out = (graph_shape){ 0 };
    for (int32_t i = 0; i < n; i++) {
        graph_shape s = value_shape(lw, v[i]);
        if (s.rank > 0 && !join_shapes(lw, out, &s, at))
            return false;
    }
    return true;
}

static bool same_shape(const graph_shape *a, const graph_shape *b)
{
    bool same = a->rank == b->rank;
    for (int32_t i = 0; same && i < a->rank; i++)
        same = a->extent[i] == b->extent[i];
    return same;
}

value array_broadcast(lowering *lw, value v, const graph_shape *s, span at)
{
    graph_shape own = value_shape(lw, v), all = *s;
    node axes[GRAPH_MAX_RANK];
    if (v.kind <= VALUE_POISON || v.kind >= VALUE_TUPLE)
        return value_poison();
    if (same_shape(&own, s))
        return v;
    bool fits = own.rank <= s->rank;
    for (int32_t i = 0; fits && i < own.rank; i++) {
        node wanted = s->extent[s->rank - own.rank + i];
        fits = own.extent[i] == wanted || is_one(lw, own.extent[i]);
    }
    if (!fits) {
        lower_error(lw, DIAG_broadcast, at, "%s does not broadcast to %s",
                    extents_text(lw, &own), extents_text(lw, s));
        return value_poison();
    }
    if (!array_axes(lw, &all, axes, at))
        return value_poison();
    return lower_array_map(lw, axes, s->rank, array_aligned(lw, v, axes, s->rank, at), at);
}

/* ------------------------------------------------------------------------------ lifting */

value array_lift(lowering *lw, const value *v, int32_t n, lift_function f, void *user, span at)
{
    enum { MOST = 8 };
    value element[MOST];
    graph_shape s;
    node axes[GRAPH_MAX_RANK];
    if (n > MOST || !array_broadcast_shape(lw, v, n, &s, at) || !array_axes(lw, &s, axes, at) ||
        !axes_push(lw, axes, s.rank))
        return value_poison();
    for (int32_t i = 0; i < n; i++)
        element[i] = array_aligned(lw, v[i], axes, s.rank, at);
    value r = f(lw, user, element, at);
    axes_pop(lw, s.rank);
    return lower_array_map(lw, axes, s.rank, r, at);
}

typedef struct lifted {
    op op;
    int32_t n;
    value_type type;
    jit_dtype dtype;
} lifted;

static value lift_op(lowering *lw, void *user, const value *element, span at)
{
    const lifted *l = user;
    return lower_apply(lw, l->op, element, l->n, at);
}

value array_apply(lowering *lw, op o, const value *v, int32_t n, span at)
{
    lifted l = { .op = o, .n = n };
    return array_lift(lw, v, n, lift_op, &l, at);
}

static value lift_choose(lowering *lw, void *user, const value *element, span at)
{
    (void)user;
    return lower_choose(lw, element[0].u.node, element[1], element[2], at);
}

value lower_array_choose(lowering *lw, value c, value yes, value no, span at)
{
    return array_lift(lw, (value[]){ c, yes, no }, 3, lift_choose, NULL, at);
}

static value lift_as(lowering *lw, void *user, const value *element, span at)
{
    return value_as(lw, element[0], ((const lifted *)user)->type, at);
}

value array_as(lowering *lw, value v, value_type t, span at)
{
    lifted l = { .type = t };
    if (graph_dtype(lw->g, v.u.node) == type_weak_node(lw, t))
        return t < 0 ? value_weak(v.u.node) : value_node(v.u.node);
    return array_lift(lw, &v, 1, lift_as, &l, at);
}

static value lift_declared(lowering *lw, void *user, const value *element, span at)
{
    return value_declared(lw, element[0], ((const lifted *)user)->dtype, at);
}

value array_declared(lowering *lw, value v, jit_dtype t, span at)
{
    lifted l = { .dtype = t };
    if (graph_dtype(lw->g, v.u.node) == t)
        return value_node(v.u.node);
    return array_lift(lw, &v, 1, lift_declared, &l, at);
}

static value lift_cast(lowering *lw, void *user, const value *element, span at)
{
    return value_cast(lw, element[0], ((const lifted *)user)->dtype, at);
}

value array_cast(lowering *lw, value v, jit_dtype t, span at)
{
    lifted l = { .dtype = t };
    return array_lift(lw, &v, 1, lift_cast, &l, at);
}

static value lift_stored(lowering *lw, void *user, const value *element, span at)
{
    (void)at;
    return value_stored(lw, element[0].u.node, ((const lifted *)user)->dtype);
}

value array_stored(lowering *lw, node stored, jit_dtype declared)
{
    jit_dtype t = declared == JIT_NONE ? graph_dtype(lw->g, stored) : declared;
    lifted l = { .dtype = declared };
    value v = value_node(stored);
    if (graph_dtype(lw->g, stored) == type_compute(t))
        return v;
    return array_lift(lw, &v, 1, lift_stored, &l, graph_node(lw->g, stored)->at);
}

static value lift_cast_node(lowering *lw, void *user, const value *element, span at)
{
    node n = graph_cast(lw->g, ((const lifted *)user)->dtype, element[0].u.node,
                        lower_place(lw, at));
    return value_node(n);
}

/* Also to f16 and bf16, which no value of the language has: for what is stored. */
node array_cast_node(lowering *lw, node n, jit_dtype t, span at)
{
    lifted l = { .dtype = t };
    value v = value_node(n);
    if (n == 0 || graph_dtype(lw->g, n) == t)
        return n;
    if (!value_is_array(lw, v))
        return graph_cast(lw->g, t, n, lower_place(lw, at));
    v = array_lift(lw, &v, 1, lift_cast_node, &l, at);
    return v.kind == VALUE_NODE ? v.u.node : 0;
}

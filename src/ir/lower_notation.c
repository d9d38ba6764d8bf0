/* Index notation on the left: y[i,j] = e, y[i] += e, let r[i,j] = e, and single elements.
 *
 *     every subscript a new index    one map over the array
 *     some subscripts are values     a map that keeps the other elements
 *     all of them are values         put: one element
 *     an index inside a subscript    all values first, then puts, one after the other
 *
 * All of e is evaluated before the array changes: it is pure. */
#include "lower_state.h"

#include <string.h>

typedef struct left { /* of one assignment */
    const ast_stmt *s;
    graph_shape shape;
    int32_t n;                  /* subscripts */
    bool plain[GRAPH_MAX_RANK]; /* that are an index */
    index_use *use;             /* the indices */
    node *axis;                 /* and their axes */
    int32_t n_use, cap_use;
    bool scatter;
} left;

/* ------------------------------------------------------------------------------ indices */

static bool own_const(lowering *lw, const char *name)
{
    const_slot *c = program_const(lw->p, name, lw->frame->src, lw->d);
    bool inside = lw->frame->prelude;
    return c && (inside || !(c->ast->src && c->ast->src->prelude));
}

/* A name that is bound here: on the left it is a value, not an index. */
static bool is_bound(lowering *lw, const char *name)
{
    return scope_find(lw, name) || own_const(lw, name);
}

static index_use *add_index(lowering *lw, left *l, const char *name)
{
    void *array = l->use;
    for (int32_t i = 0; i < l->n_use; i++)
        if (strcmp(l->use[i].name, name) == 0)
            return &l->use[i];
    if (!arena_grow(lw->ar, &array, sizeof *l->use, &l->cap_use, l->n_use + 1)) {
        lower_no_memory(lw);
        return NULL;
    }
    l->use = array;
    l->use[l->n_use] = (index_use){ .name = name };
    return &l->use[l->n_use++];
}

static bool is_known(lowering *lw, const char *name)
{
    return is_bound(lw, name) || program_const(lw->p, name, lw->frame->src, lw->d) ||
           program_callee(lw->p, name, lw->frame->src, lw->d).kind != CALLEE_NONE;
}

/* Names inside a subscript that nothing binds. */
static void inner_indices(lowering *lw, left *l, const ast_expr *e)
{
    free_names names;
    if (!lower_free_names(lw->p, e, NULL, 0, lw->ar, &names))
        return;
    for (int32_t i = 0; i < names.n; i++)
        if (!is_known(lw, names.name[i])) {
            l->scatter = true;
            (void)add_index(lw, l, names.name[i]);
        }
}

static void find_indices(lowering *lw, left *l)
{
    for (int32_t i = 0; i < l->n && !lw->stop; i++) {
        const ast_expr *e = l->s->u.assign.subscripts[i];
        l->plain[i] = e->kind == EXPR_NAME && !is_bound(lw, e->u.name);
        if (l->plain[i]) {
            int32_t before = l->n_use;
            index_use *u = add_index(lw, l, e->u.name);
            l->scatter = l->scatter || l->n_use == before; /* y[i,i] */
            if (u && !u->extent)
                u->extent = l->shape.extent[i];
        }
    }
    for (int32_t i = 0; i < l->n && !lw->stop; i++)
        if (!l->plain[i])
            inner_indices(lw, l, l->s->u.assign.subscripts[i]);
}

/* Extents of those that no declared axis gives. */
static bool find_extents(lowering *lw, left *l, const ast_expr *e)
{
    int32_t errors = lw->n_errors;
    for (int32_t i = 0; i < l->n_use; i++) {
        index_use *u = &l->use[i];
        if (u->extent)
            continue;
        index_extents(lw, e, u, 1);
        for (int32_t k = 0; k < l->n && !u->extent; k++)
            if (!l->plain[k])
                index_extents(lw, l->s->u.assign.subscripts[k], u, 1);
        if (!u->extent && !u->wrong)
            index_unknown(lw, u->name, e->at, false);
        if (!u->extent || u->wrong)
            return false;
    }
    return lw->n_errors == errors && !lw->stop;
}

/* Binds the indices to axes of their extents. */
static bool open_indices(lowering *lw, left *l)
{
    l->axis = arena_alloc(lw->ar, ((size_t)l->n_use + 1) * sizeof *l->axis);
    if (!l->axis)
        return lower_no_memory(lw);
    for (int32_t i = 0; i < l->n_use; i++) {
        l->axis[i] = graph_axis(lw->g, l->use[i].extent, lower_place(lw, l->s->at));
        if (!l->axis[i] || !scope_bind(lw, l->use[i].name, BIND_INDEX, value_weak(l->axis[i])))
            return false;
    }
    return axes_push(lw, l->axis, l->n_use);
}

static node axis_of(const left *l, const ast_expr *e)
{
    for (int32_t i = 0; i < l->n_use; i++)
        if (e->kind == EXPR_NAME && strcmp(l->use[i].name, e->u.name) == 0)
            return l->axis[i];
    return 0;
}

/* ------------------------------------------------------------------------------ storing */

static value stored_value(lowering *lw, int32_t s, value v, value_type t, span at)
{
    return stmt_brought(lw, s, v, t, at);
}

/* The array in slot s with elements of type t. */
static value retyped(lowering *lw, int32_t s, value_type t)
{
    value now = lw->slots[s].now;
    graph_shape shape = value_shape(lw, now);
    if (type_of_value(lw, now) == t)
        return now;
    value v = value_as(lw, now, t, (span){ 0, 0 });
    return v.kind == VALUE_POISON ? array_zeros(lw, t, &shape) : v;
}

static value chosen(lowering *lw, node c, value new, value old, span at)
{
    return c == lw->yes ? new : lower_choose(lw, c, new, old, at);
}

void assign_array(lowering *lw, int32_t s, const char *name, value v, span at)
{
    graph_shape shape = lw->g->shapes[lw->slots[s].shape];
    v = array_broadcast(lw, v, &shape, at);
    if (v.kind == VALUE_POISON) {
        scope_store(lw, s, v, true);
        return;
    }
    value_type t = stmt_type(lw, s, name, type_of_value(lw, v), at);
    v = stored_value(lw, s, v, t, at);
    if (lw->within != lw->yes && v.kind != VALUE_POISON &&
        lw->slots[s].now.kind != VALUE_POISON)
        v = chosen(lw, lw->within, v, retyped(lw, s, t), at);
    scope_store(lw, s, v, true);
}

/* ------------------------------------------------------------------------------ assignments */

typedef struct target {
    int32_t slot;
    value old; /* the array before */
    node subscript[GRAPH_MAX_RANK];
    node axes[GRAPH_MAX_RANK]; /* of the whole array */
    node where;                /* in a map: the elements that change */
} target;

static span value_at(const left *l)
{
    return l->s->u.assign.value->at;
}

static value combined(lowering *lw, const left *l, value old, value v)
{
    const ast_stmt *s = l->s;
    return s->u.assign.compound
               ? lower_binary_apply(lw, s->u.assign.op, old, v, s->u.assign.op_at)
               : v;
}

static node left_subscript(lowering *lw, const left *l, int32_t k)
{
    const ast_expr *e = l->s->u.assign.subscripts[k];
    graph_site site = { l->s->u.assign.name.name, k, e->at };
    return subscript_checked(lw, subscript_node(lw, e), l->shape.extent[k], site);
}

/* One element, where `within` holds. */
static void assign_element(lowering *lw, const left *l, target *t)
{
    const char *name = l->s->u.assign.name.name;
    for (int32_t k = 0; k < l->n; k++)
        if (!(t->subscript[k] = left_subscript(lw, l, k)))
            return;
    value v = lower_number(lw, l->s->u.assign.value);
    if (v.kind == VALUE_POISON || !value_only_scalar(lw, v, "an element", value_at(l)))
        return;
    value old = lower_array_at(lw, t->old, t->subscript, value_at(l));
    v = combined(lw, l, old, v);
    if (v.kind == VALUE_POISON)
        return;
    value_type type = stmt_type(lw, t->slot, name, type_of_value(lw, v), value_at(l));
    value all = retyped(lw, t->slot, type);
    value one = stored_value(lw, t->slot, v, type, value_at(l));
    if (all.kind == VALUE_POISON || type_of_value(lw, one) == TYPE_UNKNOWN)
        return;
    node n = value_to_node(lw, one, graph_dtype(lw->g, all.u.node), value_at(l));
    node put =
        graph_put(lw->g, all.u.node, t->subscript, n, lw->within, lower_place(lw, l->s->at));
    scope_store(lw, t->slot, all.kind == VALUE_WEAK_NODE ? value_weak(put) : value_node(put),
                true);
}

/* Axes for the whole array; those of subscripts that are values are new. */
static bool map_axes(lowering *lw, const left *l, target *t, const node *subscript)
{
    span at = lower_place(lw, l->s->at);
    t->where = lw->within;
    for (int32_t k = 0; k < l->shape.rank; k++) {
        bool index = k < l->n && l->plain[k];
        t->axes[k] = index ? axis_of(l, l->s->u.assign.subscripts[k])
                           : graph_axis(lw->g, l->shape.extent[k], at);
        if (!t->axes[k])
            return false;
        if (k < l->n && !index) {
            node here = graph_apply2(lw->g, OP_eq, t->axes[k], subscript[k], at);
            t->where = node_and(lw, t->where, here, at);
        }
    }
    return true;
}

/* What stands at the axes that have no subscript: e may be an array over these. */
static value rest_of(lowering *lw, const left *l, const target *t, value v)
{
    graph_shape rest = { .rank = l->shape.rank - l->n };
    for (int32_t k = 0; k < rest.rank; k++)
        rest.extent[k] = l->shape.extent[l->n + k];
    if (rest.rank == 0)
        return value_only_scalar(lw, v, "an element", value_at(l)) ? v : value_poison();
    v = array_broadcast(lw, v, &rest, value_at(l));
    return v.kind == VALUE_POISON ? v : lower_array_at(lw, v, t->axes + l->n, value_at(l));
}

static void assign_map(lowering *lw, const left *l, target *t)
{
    const char *name = l->s->u.assign.name.name;
    for (int32_t k = 0; k < l->n; k++)
        if (!l->plain[k] && !(t->subscript[k] = left_subscript(lw, l, k)))
            return;
    value v = lower_number(lw, l->s->u.assign.value);
    if (v.kind == VALUE_POISON || !map_axes(lw, l, t, t->subscript))
        return;
    v = rest_of(lw, l, t, v);
    if (v.kind == VALUE_POISON)
        return;
    v = combined(lw, l, lower_array_at(lw, t->old, t->axes, value_at(l)), v);
    if (v.kind == VALUE_POISON)
        return;
    value_type type = stmt_type(lw, t->slot, name, type_of_value(lw, v), value_at(l));
    v = stored_value(lw, t->slot, v, type, value_at(l));
    if (t->where != lw->yes && v.kind != VALUE_POISON) {
        value all = retyped(lw, t->slot, type);
        v = chosen(lw, t->where, v, lower_array_at(lw, all, t->axes, value_at(l)), value_at(l));
    }
    scope_store(lw, t->slot, lower_array_map(lw, t->axes, l->shape.rank, v, value_at(l)), true);
}

/* ------------------------------------------------------------------------------ scatter */

typedef struct scatter {
    node subscript[GRAPH_MAX_RANK]; /* arrays over the indices */
    node value;
    node at[64]; /* the indices of one step */
} scatter;

/* The indices stand for new axes: each map has its own. */
static bool reopen_indices(lowering *lw, left *l)
{
    axes_pop(lw, l->n_use);
    return open_indices(lw, l);
}

/* The arrays of what is stored and where, over all indices; v is over the open axes. */
static bool scatter_arrays(lowering *lw, left *l, scatter *s, value v)
{
    span at = value_at(l);
    value map = lower_array_map(lw, l->axis, l->n_use, v, at);
    s->value = map.kind == VALUE_POISON ? 0 : map.u.node;
    for (int32_t k = 0; k < l->n && s->value; k++) {
        node i = reopen_indices(lw, l) ? left_subscript(lw, l, k) : 0;
        map = i ? lower_array_map(lw, l->axis, l->n_use, value_weak(i), at) : value_poison();
        s->subscript[k] = map.kind == VALUE_POISON ? 0 : map.u.node;
        if (!s->subscript[k])
            return false;
    }
    return s->value != 0;
}

/* The indices of step number i, the last one fastest. */
static void scatter_indices(lowering *lw, const left *l, scatter *s, node i)
{
    span at = { 0, 0 };
    for (int32_t k = l->n_use - 1; k >= 0; k--) {
        node extent = l->use[k].extent;
        s->at[k] = k > 0 ? graph_apply2(lw->g, OP_mod, i, extent, at) : i;
        i = k > 0 ? graph_apply2(lw->g, OP_floordiv, i, extent, at) : i;
    }
}

static node scatter_step(lowering *lw, const left *l, const scatter *s, node array)
{
    node subscript[GRAPH_MAX_RANK];
    graph *g = lw->g;
    span at = lower_place(lw, l->s->at);
    for (int32_t k = 0; k < l->n; k++) {
        node i = graph_at(g, s->subscript[k], s->at, at);
        graph_site site = { l->s->u.assign.name.name, k, at };
        subscript[k] = graph_bound(g, i, l->shape.extent[k], lw->yes, site);
    }
    value v = value_node(graph_at(g, s->value, s->at, at));
    value old = value_node(graph_at(g, array, subscript, at));
    v = combined(lw, l, old, v);
    node n = v.kind == VALUE_POISON ? 0 : value_to_node(lw, v, graph_dtype(g, array), at);
    return graph_put(g, array, subscript, n, lw->yes, at);
}

static void assign_scatter(lowering *lw, left *l, target *t)
{
    scatter s;
    graph *g = lw->g;
    span at = lower_place(lw, l->s->at);
    value v = lower_number(lw, l->s->u.assign.value);
    if (v.kind == VALUE_POISON || !value_only_scalar(lw, v, "an element", value_at(l)) ||
        l->n_use > GRAPH_MAX_RANK)
        return;
    if (l->n < l->shape.rank) {
        lower_error(lw, DIAG_no_axes, l->s->u.assign.name.at,
                    "'%s' has %d axes and %d subscripts here", l->s->u.assign.name.name,
                    (int)l->shape.rank, (int)l->n);
        return;
    }
    value_type type = type_of_value(lw, v);
    if (l->s->u.assign.compound)
        type = type_join(type_of_value(lw, t->old), type);
    type = stmt_type(lw, t->slot, l->s->u.assign.name.name, type, value_at(l));
    v = stored_value(lw, t->slot, v, type, value_at(l));
    value all = retyped(lw, t->slot, type);
    if (type_of_value(lw, v) == TYPE_UNKNOWN || all.kind == VALUE_POISON ||
        !scatter_arrays(lw, l, &s, v))
        return;
    node total = extent_const(lw, 1), phis[2], next[2];
    for (int32_t i = 0; i < l->n_use; i++)
        total = extent_mul(lw, total, l->use[i].extent);
    total = node_select(lw, lw->within, total, extent_const(lw, 0), at);
    phis[0] = graph_phi(g, extent_const(lw, 0), at);
    phis[1] = graph_phi(g, all.u.node, at);
    scatter_indices(lw, l, &s, phis[0]);
    node more = graph_apply2(g, OP_lt, phis[0], total, at);
    next[0] = graph_apply2(g, OP_add, phis[0], extent_const(lw, 1), at);
    next[1] = scatter_step(lw, l, &s, phis[1]);
    node loop = graph_loop(g, phis, 2, more, next, at);
    node array = graph_proj(g, loop, 1);
    scope_store(lw, t->slot,
                all.kind == VALUE_WEAK_NODE ? value_weak(array) : value_node(array), true);
}

/* ------------------------------------------------------------------------------ statements */

static bool left_shape(lowering *lw, left *l, int32_t variable)
{
    const ast_name *name = &l->s->u.assign.name;
    value now = lw->slots[variable].now;
    l->shape = value_shape(lw, now);
    l->n = l->s->u.assign.n_subscripts;
    if (now.kind == VALUE_POISON)
        return false;
    if (l->shape.rank == 0 && now.kind != VALUE_NONE) {
        lower_error(lw, DIAG_no_axes, name->at, "'%s' is a number and has no subscripts",
                    name->name);
        diag_hint(lw->d, "an array is declared with dimensions, as in var %s: [n] = 0",
                  name->name);
        return false;
    }
    if (l->shape.rank > 0 && l->n > l->shape.rank) {
        lower_error(lw, DIAG_no_axes, name->at, "'%s' is %s: it takes %d subscript%s, not %d",
                    name->name, value_text(lw, now), (int)l->shape.rank,
                    l->shape.rank == 1 ? "" : "s", (int)l->n);
        return false;
    }
    if (l->n > GRAPH_MAX_RANK) {
        lower_error(lw, DIAG_too_many_axes, name->at, "%d axes: an array has at most %d",
                    (int)l->n, (int)GRAPH_MAX_RANK);
        return false;
    }
    return true;
}

/* A result without declared dimensions: it has those of the indices. */
static void assign_new(lowering *lw, left *l, int32_t variable)
{
    const char *name = l->s->u.assign.name.name;
    for (int32_t i = 0; i < l->n; i++)
        if (!l->plain[i] || l->scatter) {
            lower_error(lw, DIAG_index_extent, l->s->u.assign.name.at,
                        "the dimensions of '%s' are not known", name);
            diag_hint(lw->d, "declare them, as in -> %s: [n]", name);
            return;
        }
    value v = lower_number(lw, l->s->u.assign.value);
    if (v.kind == VALUE_POISON || !value_only_scalar(lw, v, "an element", value_at(l)))
        return;
    if (l->s->u.assign.compound) {
        lower_error(lw, DIAG_not_set, l->s->u.assign.name.at, "'%s' is read before it is set",
                    name);
        return;
    }
    v = lower_array_map(lw, l->axis, l->n_use, v, value_at(l));
    stmt_assign(lw, variable, name, v, value_at(l));
}

void lower_index_assign(lowering *lw, const ast_stmt *s)
{
    left l = { .s = s };
    target t = { .slot = stmt_slot(lw, s) };
    int32_t bindings = lw->n_bindings, axes = lw->n_axes;
    if (t.slot < 0 || !left_shape(lw, &l, t.slot)) {
        (void)lower_step(lw, s->at);
        return;
    }
    t.old = lw->slots[t.slot].now;
    find_indices(lw, &l);
    if (find_extents(lw, &l, s->u.assign.value) && open_indices(lw, &l)) {
        if (l.shape.rank == 0)
            assign_new(lw, &l, t.slot);
        else if (l.scatter)
            assign_scatter(lw, &l, &t);
        else if (l.n_use == 0 && l.n == l.shape.rank)
            assign_element(lw, &l, &t);
        else
            assign_map(lw, &l, &t);
    }
    axes_pop(lw, lw->n_axes - axes);
    scope_pop(lw, bindings);
}

/* ------------------------------------------------------------------------------ let */

static bool let_indices(lowering *lw, left *l)
{
    const ast_stmt *s = l->s;
    for (int32_t i = 0; i < s->u.let.n_dims; i++) {
        const ast_expr *e = s->u.let.dims[i];
        if (e->kind != EXPR_NAME) {
            lower_error(lw, DIAG_index_unbound, e->at, "an index of a 'let' is a name");
            return false;
        }
        int32_t before = l->n_use;
        if (!add_index(lw, l, e->u.name))
            return false;
        if (l->n_use == before) {
            lower_error(lw, DIAG_duplicate_name, e->at, "index '%s' is there twice", e->u.name);
            return false;
        }
    }
    return true;
}

/* let r[i,j]: [m,n] = e */
static bool let_extents(lowering *lw, left *l)
{
    const ast_type *type = &l->s->u.let.type;
    graph_shape shape = { 0 };
    if (type->given && type->n_dims > 0) {
        if (!type_shape(lw, type, &shape))
            return false;
        if (shape.rank != l->n_use) {
            lower_error(lw, DIAG_rank, type->at, "%d indices and %d dimensions", (int)l->n_use,
                        (int)shape.rank);
            return false;
        }
    }
    for (int32_t i = 0; i < l->n_use; i++)
        l->use[i].extent = i < shape.rank ? shape.extent[i] : 0;
    index_extents(lw, l->s->u.let.value, l->use, shape.rank > 0 ? 0 : l->n_use);
    for (int32_t i = 0; i < l->n_use; i++) {
        if (!l->use[i].extent && !l->use[i].wrong)
            index_unknown(lw, l->use[i].name, l->s->u.let.dims[i]->at, false);
        if (!l->use[i].extent || l->use[i].wrong)
            return false;
    }
    return l->n_use <= GRAPH_MAX_RANK;
}

/* let r[i] = e with e an array over further axes. */
static value let_value(lowering *lw, const left *l, value v)
{
    span at = l->s->u.let.value->at;
    graph_shape rest = value_shape(lw, v);
    node axes[2 * GRAPH_MAX_RANK];
    memcpy(axes, l->axis, (size_t)l->n_use * sizeof *axes);
    if (rest.rank + l->n_use > GRAPH_MAX_RANK) {
        lower_error(lw, DIAG_too_many_axes, at, "%d axes: an array has at most %d",
                    (int)(rest.rank + l->n_use), (int)GRAPH_MAX_RANK);
        return value_poison();
    }
    if (rest.rank > 0) {
        if (!array_axes(lw, &rest, axes + l->n_use, at))
            return value_poison();
        v = lower_array_at(lw, v, axes + l->n_use, at);
    }
    jit_dtype scalar = l->s->u.let.type.given ? l->s->u.let.type.scalar : JIT_NONE;
    if (scalar != JIT_NONE)
        v = value_declared(lw, v, scalar, at);
    return v.kind == VALUE_POISON ? v : lower_array_map(lw, axes, l->n_use + rest.rank, v, at);
}

void lower_index_let(lowering *lw, const ast_stmt *s)
{
    left l = { .s = s };
    int32_t bindings = lw->n_bindings, axes = lw->n_axes;
    value v = value_poison();
    if (let_indices(lw, &l) && let_extents(lw, &l) && open_indices(lw, &l)) {
        v = lower_number(lw, s->u.let.value);
        axes_pop(lw, lw->n_axes - axes);
        v = v.kind == VALUE_POISON ? v : let_value(lw, &l, v);
    }
    axes_pop(lw, lw->n_axes - axes);
    scope_pop(lw, bindings);
    (void)scope_bind(lw, s->u.let.names[0].name, BIND_LET, v);
}

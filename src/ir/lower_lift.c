/* Calls on arrays: a function over numbers, or over arrays of fewer axes, is applied to each
 * element or row: the axes before its core dimensions broadcast, as in a call from outside. */
#include "lower_state.h"

typedef struct lifting {
    const ast_fn *fn;
    value *args;
    graph_shape lead; /* axes before the core dimensions */
    int32_t n_args;
    span at;
} lifting;

static int32_t core_rank(const ast_param *p)
{
    return type_is_array(&p->type) ? p->type.n_dims : 0;
}

static bool uniform_fits(lowering *lw, const ast_fn *fn, const ast_param *p, value v, span at)
{
    int32_t rank = value_shape(lw, v).rank;
    if (rank == core_rank(p) || !value_is_array(lw, v))
        return true;
    lower_error(lw, DIAG_uniform_array, at,
                "uniform argument '%s' of '%s' does not broadcast: it is %s, not %s", p->name,
                fn->name, core_rank(p) ? "an array" : "one number", value_text(lw, v));
    if (core_rank(p) == 0)
        diag_hint(lw->d, "what differs from element to element stands before ';'");
    return false;
}

/* The leading axes of all arguments, broadcast. */
static bool leading_shape(lowering *lw, lifting *l)
{
    value *lead = arena_alloc(lw->ar, ((size_t)l->n_args + 1) * sizeof *lead);
    if (!lead)
        return lower_no_memory(lw);
    for (int32_t i = 0; i < l->n_args; i++) {
        const ast_param *p = &l->fn->args[i];
        graph_shape s = value_shape(lw, l->args[i]);
        s.rank -= core_rank(p);
        if (s.rank < 0 && value_is_array(lw, l->args[i])) {
            lower_error(lw, DIAG_rank, l->at, "argument '%s' of '%s' has %d axes, not %d: %s",
                        p->name, l->fn->name, (int)core_rank(p), (int)(s.rank + core_rank(p)),
                        value_text(lw, l->args[i]));
            return false;
        }
        lead[i] =
            s.rank > 0 ? array_fill(lw, value_bool(lw, false), &s, l->at) : value_integer(0);
    }
    return array_broadcast_shape(lw, lead, l->n_args, &l->lead, l->at);
}

/* What one call gets of an argument: the element or row at the leading axes. */
static value part(lowering *lw, const lifting *l, int32_t i, const node *axes)
{
    value v = l->args[i];
    graph_shape s = value_shape(lw, v), rest = { .rank = core_rank(&l->fn->args[i]) };
    node subscript[GRAPH_MAX_RANK], core[GRAPH_MAX_RANK];
    int32_t lead = s.rank - rest.rank;
    if (s.rank == 0 || lead == 0)
        return v;
    for (int32_t k = 0; k < lead; k++) {
        node axis = axes[l->lead.rank - lead + k];
        bool same = graph_in(lw->g, axis, 0) == s.extent[k];
        subscript[k] = same ? axis : extent_const(lw, 0);
    }
    for (int32_t k = 0; k < rest.rank; k++)
        rest.extent[k] = s.extent[lead + k];
    if (rest.rank == 0)
        return lower_array_at(lw, v, subscript, l->at);
    if (!array_axes(lw, &rest, core, l->at))
        return value_poison();
    for (int32_t k = 0; k < rest.rank; k++)
        subscript[lead + k] = core[k];
    return lower_array_map(lw, core, rest.rank, lower_array_at(lw, v, subscript, l->at), l->at);
}

/* One result over the leading axes, and its own after them. */
static value gathered(lowering *lw, const lifting *l, value v, const node *lead)
{
    node axes[2 * GRAPH_MAX_RANK];
    graph_shape s = value_shape(lw, v);
    if (v.kind <= VALUE_POISON || v.kind >= VALUE_TUPLE)
        return value_poison();
    if (s.rank + l->lead.rank > GRAPH_MAX_RANK) {
        lower_error(lw, DIAG_too_many_axes, l->at, "%d axes: an array has at most %d",
                    (int)(s.rank + l->lead.rank), (int)GRAPH_MAX_RANK);
        return value_poison();
    }
    for (int32_t i = 0; i < l->lead.rank; i++)
        axes[i] = lead[i];
    if (s.rank > 0) {
        if (!array_axes(lw, &s, axes + l->lead.rank, l->at))
            return value_poison();
        v = lower_array_at(lw, v, axes + l->lead.rank, l->at);
    }
    return lower_array_map(lw, axes, l->lead.rank + s.rank, v, l->at);
}

/* Result number k of the call, over axes of its own; all: every result as it is for one element.
 */
static value one_result(lowering *lw, const lifting *l, int32_t k, value *all)
{
    const ast_fn *fn = l->fn;
    int32_t n = fn->n_args + fn->n_uniforms;
    node axes[GRAPH_MAX_RANK];
    value *args = arena_alloc(lw->ar, ((size_t)n + 1) * sizeof *args);
    *all = value_poison();
    if (!args) {
        lower_no_memory(lw);
        return value_poison();
    }
    if (!array_axes(lw, &l->lead, axes, l->at) || !axes_push(lw, axes, l->lead.rank))
        return value_poison();
    for (int32_t i = 0; i < n; i++)
        args[i] = i < fn->n_args ? part(lw, l, i, axes) : l->args[i];
    *all = inline_function(lw, fn, args, l->at);
    axes_pop(lw, l->lead.rank);
    return gathered(lw, l, all->kind == VALUE_TUPLE ? all->u.items[k] : *all, axes);
}

/* A function with several results is lowered for each: an axis belongs to one map. */
static value call_lifted(lowering *lw, lifting *l)
{
    value all;
    int32_t site = lw->site;
    value first = one_result(lw, l, 0, &all);
    if (all.kind != VALUE_TUPLE)
        return first;
    value *items = arena_alloc(lw->ar, (size_t)all.n * sizeof *items);
    if (!items) {
        lower_no_memory(lw);
        return value_poison();
    }
    int32_t n = all.n;
    items[0] = first;
    for (int32_t i = 1; i < n; i++) {
        lw->site = site; /* the same random numbers */
        items[i] = one_result(lw, l, i, &all);
    }
    return (value){ .kind = VALUE_TUPLE, .n = n, .u.items = items };
}

value lift_call(lowering *lw, const ast_fn *fn, value *args, span at)
{
    lifting l = { .fn = fn, .args = args, .n_args = fn->n_args, .at = at };
    if (!values_have_array(lw, args, fn->n_args + fn->n_uniforms))
        return inline_function(lw, fn, args, at);
    for (int32_t i = 0; i < fn->n_uniforms; i++)
        if (!uniform_fits(lw, fn, &fn->uniforms[i], args[fn->n_args + i], at))
            return value_poison();
    if (!leading_shape(lw, &l))
        return value_poison();
    return l.lead.rank > 0 ? call_lifted(lw, &l) : inline_function(lw, fn, args, at);
}

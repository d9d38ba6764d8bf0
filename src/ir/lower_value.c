/* Values of expressions: weak and typed, promotion, conversion to nodes. */
#include <math.h>

#include "lower_state.h"

value value_poison(void)
{
    return (value){ .kind = VALUE_POISON };
}

value value_integer(wide v)
{
    return (value){ .kind = VALUE_INTEGER, .u.integer = v };
}

value value_real(double v)
{
    return (value){ .kind = VALUE_REAL, .u.real = v };
}

value value_node(node n)
{
    return (value){ .kind = n ? VALUE_NODE : VALUE_POISON, .u.node = n };
}

value value_weak(node n)
{
    return (value){ .kind = n ? VALUE_WEAK_NODE : VALUE_POISON, .u.node = n };
}

value value_bool(lowering *lw, bool v)
{
    return value_node(v ? lw->yes : lw->no);
}

bool value_is_constant(value v)
{
    return v.kind == VALUE_INTEGER || v.kind == VALUE_REAL;
}

bool value_is_weak(value v)
{
    return value_is_constant(v) || v.kind == VALUE_WEAK_NODE;
}

bool value_same(value a, value b)
{
    if (a.kind != b.kind) {
        return false;
    }
    switch (a.kind) {
    case VALUE_INTEGER:
        return a.u.integer == b.u.integer;
    case VALUE_REAL:
        return type_encode(JIT_F64, (cell){ .f = a.u.real }) ==
               type_encode(JIT_F64, (cell){ .f = b.u.real });
    case VALUE_NODE:
    case VALUE_WEAK_NODE:
        return a.u.node == b.u.node;
    default:
        return a.kind == VALUE_NONE || a.kind == VALUE_POISON;
    }
}

value_type type_of_value(const lowering *lw, value v)
{
    switch (v.kind) {
    case VALUE_INTEGER:
        return TYPE_WEAK_INTEGER;
    case VALUE_REAL:
        return TYPE_WEAK_REAL;
    case VALUE_NODE:
        return (value_type)graph_dtype(lw->g, v.u.node);
    case VALUE_WEAK_NODE:
        return type_is_float(graph_dtype(lw->g, v.u.node)) ? TYPE_WEAK_REAL : TYPE_WEAK_INTEGER;
    default:
        return TYPE_UNKNOWN;
    }
}

value_type type_join(value_type a, value_type b)
{
    if (a == b || b == TYPE_UNKNOWN) {
        return a;
    }
    if (a == TYPE_UNKNOWN) {
        return b;
    }
    if (a == TYPE_CONFLICT || b == TYPE_CONFLICT) {
        return TYPE_CONFLICT;
    }
    if (a < 0 && b < 0) {
        return TYPE_WEAK_REAL;
    }
    value_type typed = a > 0 ? a : b, other = a > 0 ? b : a;
    if (typed == JIT_BOOL || other == JIT_BOOL) {
        return TYPE_CONFLICT;
    }
    if (other == TYPE_WEAK_INTEGER) {
        return typed;
    }
    if (other == TYPE_WEAK_REAL) {
        return type_is_float((jit_dtype)typed) ? typed : (value_type)JIT_F64;
    }
    jit_dtype common = type_promote((jit_dtype)a, (jit_dtype)b);
    return common == JIT_NONE ? TYPE_CONFLICT : (value_type)common;
}

const char *type_text(value_type t)
{
    switch (t) {
    case TYPE_WEAK_INTEGER:
        return "an untyped integer";
    case TYPE_WEAK_REAL:
        return "an untyped real";
    default:
        return t > 0 ? type_name((jit_dtype)t) : "unknown";
    }
}

jit_dtype type_weak_node(const lowering *lw, value_type t)
{
    if (t > 0) {
        return (jit_dtype)t;
    }
    return t == TYPE_WEAK_INTEGER ? JIT_I64 : lw->frame->float_type;
}

/* ------------------------------------------------------------------------------ conversion */

static const char *wide_text(lowering *lw, wide v)
{
    return v < 0 ? arena_format(lw->ar, "%lld", (long long)v)
                 : arena_format(lw->ar, "%llu", (unsigned long long)v);
}

static node constant_integer(lowering *lw, wide v, jit_dtype t, span at)
{
    if (type_is_float(t)) {
        double real = t == JIT_F64 ? (double)v : (double)(float)v;
        return graph_real(lw->g, t, real);
    }
    if (!weak_fits(v, t)) {
        const char *digits = wide_text(lw, v);
        lower_error(lw, DIAG_weak_range, at, "%s does not fit %s", digits ? digits : "it",
                    type_name(t));
        return 0;
    }
    return graph_const(lw->g, t, (cell){ .u = (uint64_t)v });
}

/* A select of constants stays one: its sides are converted, not its result. */
static node cast_weak(lowering *lw, node n, jit_dtype t, int32_t depth)
{
    const node_data *d = graph_node(lw->g, n);
    span at = d->at;
    cell v;
    if ((jit_dtype)d->dtype == t) {
        return n;
    }
    if (graph_is_const(lw->g, n, &v) && !type_is_integer(t)) {
        return type_is_integer((jit_dtype)d->dtype) ? constant_integer(lw, v.i, t, at)
                                                    : graph_real(lw->g, t, v.f);
    }
    if (d->op == OP_select && depth < 16) {
        node c = graph_in(lw->g, n, 0);
        node yes = cast_weak(lw, graph_in(lw->g, n, 1), t, depth + 1);
        node no = cast_weak(lw, graph_in(lw->g, n, 2), t, depth + 1);
        return graph_apply3(lw->g, OP_select, c, yes, no, at);
    }
    return graph_cast(lw->g, t, n, at);
}

static node not_number(lowering *lw, value_type from, jit_dtype t, span at)
{
    if (t == JIT_BOOL) {
        lower_error(lw, DIAG_unsafe_cast, at, "%s does not convert to bool", type_text(from));
        diag_hint(lw->d, "write '!= 0'");
    } else {
        lower_error(lw, DIAG_unsafe_cast, at, "%s does not convert to %s", type_text(from),
                    type_name(t));
        diag_hint(lw->d, "write %s(...)", type_name(t));
    }
    return 0;
}

node value_to_node(lowering *lw, value v, jit_dtype t, span at)
{
    value_type from = type_of_value(lw, v);
    if (from == TYPE_UNKNOWN) {
        return 0;
    }
    at = v.at.length > 0 ? v.at : at;
    if (from < 0 && t == JIT_BOOL) {
        return not_number(lw, from, t, at);
    }
    if (from == TYPE_WEAK_REAL && type_is_integer(t)) {
        return not_number(lw, from, t, at);
    }
    if (value_is_array(lw, v)) {
        v = array_as(lw, v, (value_type)t, at);
        return v.kind == VALUE_POISON ? 0 : v.u.node;
    }
    switch (v.kind) {
    case VALUE_INTEGER:
        return constant_integer(lw, v.u.integer, t, at);
    case VALUE_REAL:
        return graph_real(lw->g, t, v.u.real);
    case VALUE_WEAK_NODE:
        return cast_weak(lw, v.u.node, t, 0);
    default:
        return graph_cast(lw->g, t, v.u.node, lower_place(lw, at));
    }
}

value value_as(lowering *lw, value v, value_type t, span at)
{
    value_type from = type_of_value(lw, v);
    if (from == TYPE_UNKNOWN || t == TYPE_UNKNOWN || t == TYPE_CONFLICT) {
        return value_poison();
    }
    jit_dtype to = type_weak_node(lw, t);
    if ((from == JIT_BOOL) != (to == JIT_BOOL)) {
        return value_poison();
    }
    if (value_is_array(lw, v)) {
        return array_as(lw, v, t, at);
    }
    /* A pass on types that are still too narrow: its result is thrown away. */
    bool narrows = t < 0 && (from > 0 || from < t);
    node n = narrows ? graph_real(lw->g, to, 0) : value_to_node(lw, v, to, at);
    return t < 0 ? value_weak(n) : value_node(n);
}

value value_declared(lowering *lw, value v, jit_dtype t, span at)
{
    value_type from = type_of_value(lw, v);
    jit_dtype to = type_compute(t);
    if (from == TYPE_UNKNOWN) {
        return value_poison();
    }
    if (from > 0 && !type_casts_safely((jit_dtype)from, to)) {
        not_number(lw, from, t, at);
        return value_poison();
    }
    if (value_is_array(lw, v)) {
        return array_declared(lw, v, t, at);
    }
    node n = value_to_node(lw, v, to, at);
    return value_stored(lw, to == t ? n : graph_cast(lw->g, t, n, lower_place(lw, at)), t);
}

value value_stored(lowering *lw, node stored, jit_dtype declared)
{
    span at = graph_node(lw->g, stored)->at;
    if (graph_node(lw->g, stored)->shape != 0) {
        return array_stored(lw, stored, declared);
    }
    jit_dtype t = declared == JIT_NONE ? graph_dtype(lw->g, stored) : declared;
    return value_node(stored ? graph_cast(lw->g, type_compute(t), stored, at) : 0);
}

/* ------------------------------------------------------------------------------ T(x) */

static value cast_constant(lowering *lw, double v, jit_dtype t, span at)
{
    if (t == JIT_BOOL) {
        return value_bool(lw, v != 0);
    }
    if (type_is_integer(t) && fabs(v) < 9e18 && weak_fits((wide)v, t)) {
        return value_node(constant_integer(lw, (wide)v, t, at));
    }
    return value_node(graph_cast(lw->g, t, graph_real(lw->g, JIT_F64, v), at));
}

static node cast_node(lowering *lw, node n, jit_dtype t, span at)
{
    jit_dtype from = graph_dtype(lw->g, n);
    if (from == t) {
        return n;
    }
    if (t == JIT_BOOL) {
        return graph_apply2(lw->g, OP_ne, n, graph_real(lw->g, from, 0), at);
    }
    if (type_is_float(from) && type_is_integer(t)) {
        n = node_select(lw, lw->active, n, graph_real(lw->g, from, 0), at);
    }
    return graph_cast(lw->g, t, n, at);
}

value value_cast(lowering *lw, value v, jit_dtype t, span at)
{
    span place = lower_place(lw, at);
    jit_dtype to = type_compute(t);
    node n = 0;
    if (value_is_array(lw, v)) {
        return array_cast(lw, v, t, at);
    }
    switch (v.kind) {
    case VALUE_INTEGER:
        if (t == JIT_BOOL) {
            return value_bool(lw, v.u.integer != 0);
        }
        n = constant_integer(lw, v.u.integer, to, at);
        break;
    case VALUE_REAL:
        if (!type_is_float(t)) {
            return cast_constant(lw, v.u.real, t, place);
        }
        n = graph_real(lw->g, t == to ? t : JIT_F64, v.u.real);
        break;
    case VALUE_NODE:
    case VALUE_WEAK_NODE:
        n = t == to ? cast_node(lw, v.u.node, t, place) : v.u.node;
        break;
    default:
        return value_poison();
    }
    return t == to ? value_node(n) : value_stored(lw, graph_cast(lw->g, t, n, place), t);
}

bool value_constant_cell(lowering *lw, value v, jit_dtype t, span at, cell *out)
{
    if (v.kind == VALUE_NONE || v.kind == VALUE_POISON) {
        return false;
    }
    int32_t before = diag_count(lw->d);
    value typed = value_declared(lw, v, type_compute(t), at); /* rounded to t below */
    if (typed.kind == VALUE_NODE && graph_is_const(lw->g, typed.u.node, out)) {
        *out = type_round(t, *out);
        return true;
    }
    if (diag_count(lw->d) == before && !lw->stop && !lw->g->failed) {
        lower_error(lw, DIAG_not_constant, at, "not a constant");
    }
    return false;
}

/* ------------------------------------------------------------------------------ bool nodes */

node node_not(lowering *lw, node a, span at)
{
    if (a == lw->yes || a == lw->no) {
        return a == lw->yes ? lw->no : lw->yes;
    }
    if (graph_node(lw->g, a)->op == OP_not) {
        return graph_in(lw->g, a, 0);
    }
    return graph_apply1(lw->g, OP_not, a, at);
}

node node_and(lowering *lw, node a, node b, span at)
{
    if (a == lw->no || b == lw->no) {
        return lw->no;
    }
    if (a == lw->yes || a == b) {
        return b;
    }
    return b == lw->yes ? a : graph_apply2(lw->g, OP_and, a, b, at);
}

node node_or(lowering *lw, node a, node b, span at)
{
    if (a == lw->yes || b == lw->yes) {
        return lw->yes;
    }
    if (a == lw->no || a == b) {
        return b;
    }
    return b == lw->no ? a : graph_apply2(lw->g, OP_or, a, b, at);
}

node node_select(lowering *lw, node c, node yes, node no, span at)
{
    if (c == lw->yes || yes == no) {
        return yes;
    }
    if (c == lw->no) {
        return no;
    }
    if (yes == lw->yes) {
        return node_or(lw, c, no, at);
    }
    if (no == lw->no) {
        return node_and(lw, c, yes, at);
    }
    if (yes == lw->no) {
        return node_and(lw, node_not(lw, c, at), no, at);
    }
    if (no == lw->yes) {
        return node_or(lw, node_not(lw, c, at), yes, at);
    }
    return graph_apply3(lw->g, OP_select, c, yes, no, at);
}

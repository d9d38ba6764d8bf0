/* Constants of a program, computed once, and dimensions. */
#include "lower_state.h"

static value stored_value(lowering *lw, const const_slot *c)
{
    switch (c->kind) {
    case VALUE_INTEGER:
        return value_integer(c->integer);
    case VALUE_REAL:
        return value_real(c->real);
    case VALUE_NODE:
        return value_bool(lw, c->truth);
    default:
        return value_poison();
    }
}

static void keep(lowering *lw, const_slot *c, value v)
{
    c->kind = v.kind;
    switch (v.kind) {
    case VALUE_INTEGER:
        c->integer = v.u.integer;
        return;
    case VALUE_REAL:
        c->real = v.u.real;
        return;
    case VALUE_NODE:
        if (v.u.node == lw->yes || v.u.node == lw->no) {
            c->truth = v.u.node == lw->yes;
            return;
        }
        break;
    default:
        break;
    }
    if (v.kind != VALUE_POISON) {
        lower_error(lw, DIAG_not_constant, c->ast->value->at,
                    "a constant has no type; this is %s", type_text(type_of_value(lw, v)));
    }
    c->kind = VALUE_POISON;
}

value lower_const(lowering *lw, const_slot *c, span at)
{
    frame f;
    if (c->state == CONST_DONE) {
        return stored_value(lw, c);
    }
    if (c->state == CONST_BUSY) {
        lower_error(lw, DIAG_const_cycle, at, "constant '%s' depends on itself", c->ast->name);
        return value_poison();
    }
    node active = lw->active;
    lw->active = lw->yes;
    c->state = CONST_BUSY;
    lower_enter(lw, &f, NULL, c->ast->src, at);
    keep(lw, c, lower_number(lw, c->ast->value));
    lower_leave(lw);
    /* Given up for a limit: the next use tries again. */
    c->state = lw->stop ? CONST_NEW : CONST_DONE;
    lw->active = active;
    return stored_value(lw, c);
}

bool lower_dim(lowering *lw, value v, span at, value *out)
{
    if (v.kind == VALUE_INTEGER && v.u.integer >= 0 && v.u.integer <= (wide)INT64_MAX) {
        *out = v;
        return true;
    }
    if (v.kind == VALUE_WEAK_NODE && type_of_value(lw, v) == TYPE_WEAK_INTEGER &&
        !value_is_array(lw, v) && extent_known(lw, v.u.node)) {
        *out = extent_value(lw, extent_node(lw, v.u.node));
        return true;
    }
    if (v.kind == VALUE_INTEGER) {
        lower_error(lw, DIAG_weak_range, at, "a dimension is from 0 to 2^63-1");
    } else if (v.kind != VALUE_POISON) {
        lower_error(lw, DIAG_not_constant, at, "a dimension is a constant integer, not %s",
                    type_text(type_of_value(lw, v)));
    }
    *out = value_poison();
    return false;
}

/* One function per operator of ops.def that codegen has to emit: emit_<name>, found through a
 * table that the X-macro builds. An operator with OP_EXPAND is gone by then, except that the
 * integer forms of numeric ones stay. */
#ifndef FJ_EMIT_H
#define FJ_EMIT_H

#include "build.h"

typedef struct emit_args {
    node n;
    op o;
    jit_dtype in, out; /* types of the first operand (of select: the second) and the result */
    int32_t n_in;
    ir_value v[3];
    bool is_const[3];
    cell constant[3];
} emit_args;

#define OP(name, arity, rule, flags, value, adjoint, lo, hi, ulp_f32, ulp_f64, doc)            \
    ir_value emit_##name(emitter *e, const emit_args *a);
#include "ops.def"
#undef OP

/* The nodes of a list and the loops in it, for all vectors of a group. Leaves that vary have
 * been set before. */
void emit_list(emitter *e, const nest_list *l, int32_t vectors);
void emit_node(emitter *e, node n, int32_t vectors);       /* one that is no leaf */
void emit_control(emitter *e, node loop, int32_t vectors); /* emit_control.c */

/* Ends the call if it has been cancelled; if no fuel is left for one more. */
void emit_check_cancel(emitter *e);
void emit_use_fuel(emitter *e);

/* o on values that are no nodes. */
ir_value emit_value(emitter *e, op o, jit_dtype t, const ir_value *v, int32_t n);

/* Lanes in `mask` set JIT_FLAG_... `flag`, if they execute this. */
void emit_raise(emitter *e, uint32_t flag, ir_value mask);
/* Stores what has been raised. Before control leaves the place where that was computed. */
void emit_flush_flags(emitter *e);

/* A function of a call, by its address, that returns flags; the builder and the frame are in it. */
ir_value emit_begin_call(emitter *e, const char *name);
void emit_begin_flags(emitter *e); /* in its entry, if something sets flags */
void emit_return_flags(emitter *e, uint32_t more);

/* Conversions that several operators share. */
ir_value emit_widen(emitter *e, ir_value f32);  /* f32 -> f64 */
ir_value emit_to_odd(emitter *e, ir_value f64); /* f64 -> f32, rounded to odd */
ir_value emit_select_by_nan(emitter *e, ir_value tested, ir_value yes, ir_value no);
ir_value emit_scaled(emitter *e, jit_dtype t, ir_value x, ir_value n_i32); /* x * 2**n */

#endif

/* Reductions of the interpreter, in the order that graph.h says. */
#include "eval_fold.h"

#include <math.h>

static cell operate(const step *s, op o, jit_dtype t, const cell *in, eval_fold *f)
{
    step one = { .op = (uint8_t)o, .in_type = (uint8_t)t };
    one.out_type = (uint8_t)(op_info(o)->rule == RULE_COMPARE ? JIT_BOOL : t);
    one.flushes = s->flushes && eval_flushes(o, t);
    return eval_operator(&one, in, &f->flags);
}

static op operator_of(fold_kind kind)
{
    static const op ops[] = {
        [FOLD_SUM] = OP_add, [FOLD_DOT] = OP_add,   [FOLD_PROD] = OP_mul,
        [FOLD_MIN] = OP_min, [FOLD_MAX] = OP_max,   [FOLD_ANY] = OP_or,
        [FOLD_ALL] = OP_and, [FOLD_ARGMIN] = OP_lt, [FOLD_ARGMAX] = OP_gt
    };
    return ops[kind];
}

static bool is_tree(const step *s)
{
    fold_kind k = eval_fold_kind(s);
    jit_dtype t = (jit_dtype)s->in_type;
    return (t == JIT_F32 || t == JIT_F64) &&
           (k == FOLD_SUM || k == FOLD_DOT || k == FOLD_PROD) &&
           (fold_order)(s->imm >> 8 & 0xff) == FOLD_TREE;
}

static cell identity(const step *s)
{
    fold_kind k = eval_fold_kind(s);
    if (k == FOLD_PROD && type_is_float((jit_dtype)s->in_type))
        return (cell){ .f = 1 };
    return (cell){ .u = k == FOLD_PROD || k == FOLD_ALL };
}

void eval_fold_begin(eval_fold *f, const step *s, int64_t n)
{
    *f = (eval_fold){ .total = identity(s), .n = n };
    for (int32_t i = 0; i < EVAL_LANES; i++)
        f->lane[i] = f->total;
}

static bool is_nan(jit_dtype t, cell v)
{
    return type_is_float(t) && isnan(v.f);
}

/* The first of equals, the first NaN: total is the best value so far, lane[0] its number. */
static void choose(const step *s, eval_fold *f, cell v)
{
    jit_dtype t = (jit_dtype)s->in_type;
    cell in[3] = { v, f->total, { 0 } };
    bool better =
        !f->any || is_nan(t, v) || operate(s, operator_of(eval_fold_kind(s)), t, in, f).u;
    if (!better || (f->any && is_nan(t, f->total)))
        return;
    f->total = v;
    f->lane[0].i = f->position;
}

static void add_lanes(const step *s, eval_fold *f, int32_t lanes)
{
    jit_dtype t = (jit_dtype)s->in_type;
    op o = operator_of(eval_fold_kind(s));
    for (int32_t h = lanes / 2; h > 0; h /= 2)
        for (int32_t i = 0; i < h; i++)
            f->lane[i] = operate(s, o, t, (cell[]){ f->lane[i], f->lane[i + h], { 0 } }, f);
    f->total = operate(s, o, t, (cell[]){ f->total, f->lane[0], { 0 } }, f);
    for (int32_t i = 0; i < lanes; i++)
        f->lane[i] = identity(s);
}

static cell join(const step *s, eval_fold *f, cell sum, const cell *v)
{
    jit_dtype t = (jit_dtype)s->in_type;
    cell x = v[0], y = v[1];
    if (eval_fold_kind(s) == FOLD_DOT)
        return operate(s, OP_mad, t, (cell[]){ x, y, sum }, f);
    return operate(s, operator_of(eval_fold_kind(s)), t, (cell[]){ sum, x, { 0 } }, f);
}

void eval_fold_add(eval_fold *f, const step *s, const cell *v)
{
    fold_kind k = eval_fold_kind(s);
    jit_dtype t = (jit_dtype)s->in_type;
    if (k == FOLD_ARGMIN || k == FOLD_ARGMAX) {
        choose(s, f, v[0]);
    } else if (is_tree(s)) {
        int32_t lanes = fold_lanes(t, f->n), block = (int32_t)(f->position % FOLD_BLOCK);
        cell *lane = &f->lane[block % lanes];
        *lane = join(s, f, *lane, v);
        if (block == FOLD_BLOCK - 1 || f->position == f->n - 1)
            add_lanes(s, f, lanes);
    } else {
        bool first = !f->any && (k == FOLD_MIN || k == FOLD_MAX);
        f->total = first ? v[0] : join(s, f, f->total, v);
    }
    f->any = true;
    f->position = f->position == f->n - 1 ? 0 : f->position + 1;
}

cell eval_fold_result(const eval_fold *f, const step *s)
{
    fold_kind k = eval_fold_kind(s);
    bool extreme = k == FOLD_MIN || k == FOLD_MAX;
    if (extreme && type_is_float((jit_dtype)s->in_type)) /* 0 whatever the order of -0 and 0 */
        return (cell){ .f = f->total.f + 0 };
    return k == FOLD_ARGMIN || k == FOLD_ARGMAX ? f->lane[0] : f->total;
}

/* The interpreter of scalar graphs: runs the steps that eval_plan.c has laid out. */
#include "eval_plan.h"

#include <float.h>
#include <math.h>

size_t eval_scratch(const eval_plan *p)
{
    return (size_t)p->n_slots * sizeof(cell);
}

/* -------------------------------------------------------------------------- running */

static cell flush(jit_dtype t, cell v)
{
    double least = t == JIT_F32 ? (double)FLT_MIN : DBL_MIN;
    if ((t == JIT_F32 || t == JIT_F64) && fabs(v.f) < least)
        v.f = copysign(0, v.f);
    return v;
}

bool eval_flushes(op o, jit_dtype in)
{
    bool moves_bits = o == OP_select || o == OP_neg || o == OP_abs || o == OP_copysign ||
                      o == OP_bitcast || op_info(o)->rule == RULE_TEST;
    return (in == JIT_F32 || in == JIT_F64) && !moves_bits;
}

cell eval_operator(const step *s, const cell *v, uint32_t *flags)
{
    cell in[3] = { v[0], v[1], v[2] };
    jit_dtype t = (jit_dtype)s->in_type, to = (jit_dtype)s->out_type;
    if (!s->flushes)
        return op_eval((op)s->op, t, to, in, flags);
    for (int i = 0; i < 3; i++)
        in[i] = i == 0 || op_info((op)s->op)->rule != RULE_SCALE ? flush(t, in[i]) : in[i];
    return flush(to, op_eval((op)s->op, t, to, in, flags));
}

jit_status eval_back(int64_t *fuel, const volatile int32_t *cancel)
{
    if (cancel && *cancel)
        return JIT_ERR_CANCELLED;
    if (*fuel == 0)
        return JIT_ERR_FUEL;
    if (*fuel > 0)
        --*fuel;
    return JIT_OK;
}

cell eval_lookup(const eval_plan *p, const step *s, cell index)
{
    int32_t row = (int32_t)(index.u & (uint64_t)(s->rank - 1));
    return type_decode(JIT_F32, (uint32_t)p->operands[s->first + row]);
}

static cell run_step(const eval_plan *p, const step *s, const cell *slots, eval_call *c)
{
    const cell in[3] = { slots[s->in[0]], slots[s->in[1]], slots[s->in[2]] };
    switch ((step_kind)s->kind) {
    case STEP_LOOKUP:
        return eval_lookup(p, s, in[0]);
    case STEP_OPERATOR:
        return eval_operator(s, in, &c->flags);
    case STEP_CONST:
        return s->value;
    case STEP_ARG:
        return c->in[s->number];
    case STEP_UNIFORM:
        return c->uniform[s->number];
    case STEP_INDEX:
        return (cell){ .u = c->index };
    case STEP_SEED:
        return (cell){ .u = c->seed };
    default:
        return in[0];
    }
}

jit_status eval_run(const eval_plan *p, eval_call *c, void *scratch)
{
    cell *slots = scratch;
    slots[0].u = 0; /* what unused operands read */
    for (int32_t i = 0; i < p->n_steps;) {
        const step *s = &p->steps[i++];
        if (s->kind == STEP_TEST) {
            i = slots[s->in[0]].u ? i : s->to;
        } else if (s->kind == STEP_BACK) {
            jit_status stop = eval_back(&c->fuel, c->cancel);
            if (stop != JIT_OK)
                return stop;
            i = s->to;
        } else if (s->kind == STEP_AGAIN) {
            i = s->to;
        } else {
            slots[s->slot] = run_step(p, s, slots, c);
        }
    }
    for (int32_t i = 0; i < p->n_outputs; i++)
        c->out[i] = slots[p->outputs[i].slot];
    return JIT_OK;
}

/* One sample after the other by eval_array_run. */
#include "gufunc_eval.h"

#include "interpret.h"

typedef struct sample {
    eval_operand operand[MAX_ARRAY_OPERANDS];
    int64_t stride[MAX_ARRAY_OPERANDS][GRAPH_MAX_RANK];
} sample;

/* Core elements are neighbours in C order. */
static void set_strides(sample *s, const jit_kernel *k, const int64_t *extents)
{
    const dims_plan *p = &k->gufunc->dims;
    for (int32_t i = 0; i < p->n_operands; i++) {
        int64_t step = k->size[i];
        for (int32_t axis = p->rank[i] - 1; axis >= 0; axis--) {
            s->stride[i][axis] = step;
            step *= extents[p->first[i] + axis];
        }
        s->operand[i].stride = s->stride[i];
    }
}

uint32_t gufunc_flag_of(jit_status status)
{
    switch (status) {
    case JIT_OK:
        return 0;
    case JIT_ERR_FUEL:
        return KERNEL_OUT_OF_FUEL;
    case JIT_ERR_CANCELLED:
        return KERNEL_CANCELLED;
    case JIT_ERR_INDEX:
        return KERNEL_OUT_OF_RANGE;
    case JIT_ERR_MEMORY:
        return KERNEL_NO_MEMORY;
    default:
        return KERNEL_BROKEN;
    }
}

uint32_t gufunc_interpret(const jit_kernel *k, const array_call *call, gufunc_values v)
{
    sample s;
    jit_status status = JIT_OK;
    eval_array_call e = { .in = s.operand,
                          .out = s.operand + k->n_in,
                          .uniform = v.uniforms,
                          .dim = call->dim,
                          .seed = call->seed,
                          .cancel = call->cancel };
    set_strides(&s, k, v.extents);
    for (int64_t row = 0; row < call->rows && status == JIT_OK; row++) {
        for (int32_t i = 0; i < k->n_in + k->n_out; i++)
            s.operand[i].data = call->data[i] + row * call->row_step[i];
        e.index = call->index + (uint64_t)row * call->index_step;
        e.fuel = call->fuel == INT64_MAX ? -1 : call->fuel;
        status = eval_array_run(k->plan, &e);
    }
    if (status == JIT_ERR_INDEX)
        *call->fault = (kernel_fault){ e.fault.site, e.fault.value, e.fault.extent };
    return e.flags | gufunc_flag_of(status);
}

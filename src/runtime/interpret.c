/* Blocks by the interpreter: loads, eval_run, stores. */
#include "interpret.h"

#include "uniform.h"

typedef struct scratch {
    cell in[JIT_MAX_OPERANDS], out[JIT_MAX_OPERANDS], uniform[MAX_UNIFORMS];
} scratch;

typedef struct interpreter {
    const jit_kernel *k;
    const kernel_call *call;
    scratch *cells;
    void *eval; /* scratch of eval_run */
    eval_call e;
} interpreter;

static jit_status one_element(interpreter *p, int64_t row, int64_t i)
{
    const jit_kernel *k = p->k;
    const kernel_call *call = p->call;
    for (int32_t a = 0; a < k->n_in; a++)
        p->cells->in[a] =
            type_load((jit_dtype)k->dtype[a],
                      call->data[a] + row * call->row_step[a] + i * call->step[a]);
    p->e.index = call->index + (uint64_t)(row * call->index_row_step + i * call->index_step);
    p->e.fuel = call->fuel == INT64_MAX ? -1 : call->fuel;
    jit_status status = eval_run(k->plan, &p->e, p->eval);
    for (int32_t o = k->n_in; status == JIT_OK && o < k->n_in + k->n_out; o++)
        type_store((jit_dtype)k->dtype[o],
                   call->data[o] + row * call->row_step[o] + i * call->step[o],
                   p->cells->out[o - k->n_in]);
    return status;
}

static uint32_t run_rows(interpreter *p)
{
    for (int64_t row = 0; row < p->call->rows; row++)
        for (int64_t i = 0; i < p->call->n; i++) {
            jit_status status = one_element(p, row, i);
            if (status != JIT_OK)
                return p->e.flags |
                       (status == JIT_ERR_FUEL ? KERNEL_OUT_OF_FUEL : KERNEL_CANCELLED);
        }
    return p->e.flags;
}

uint32_t interpret_block(const jit_kernel *k, const kernel_call *call)
{
    size_t size = sizeof(scratch) + eval_scratch(k->plan);
    scratch *s = memory_resize(&k->context->allocator, NULL, 0, size);
    if (!s)
        return KERNEL_NO_MEMORY;
    interpreter p = { .k = k, .call = call, .cells = s, .eval = s + 1 };
    p.e = (eval_call){ .in = s->in,
                       .uniform = s->uniform,
                       .out = s->out,
                       .seed = call->seed,
                       .cancel = call->cancel };
    uniform_decode(k, call->uniform, s->uniform);
    uint32_t flags = run_rows(&p);
    memory_resize(&k->context->allocator, s, size, 0);
    return flags;
}

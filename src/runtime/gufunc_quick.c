/* Runs of array functions without the machinery of gufunc_run: one batch axis at most, packed
 * core elements, no overlap, a small workspace, one thread. No mistake is explained here: what is
 * not plain is left to gufunc_run. */
#include "array.h"
#include "constants.h"
#include "drive.h"
#include "fpmode.h"
#include "gufunc.h"
#include "uniform.h"

typedef struct quick {
    array_call call;
    char *data[MAX_ARRAY_OPERANDS];
    int64_t row_step[MAX_ARRAY_OPERANDS];
    uintptr_t low[MAX_ARRAY_OPERANDS], high[MAX_ARRAY_OPERANDS];
    int64_t dims[DIMS_MOST], extents[DIMS_MOST_ROOTS];
    uint64_t cells[MAX_UNIFORMS];
    cell uniforms[MAX_UNIFORMS];
} quick;

/* Inputs of the call: what follows is the kernel's own, of the right shape. */
static inline int32_t count_given(const jit_kernel *k)
{
    return k->constants ? k->n_in - k->n_params : k->n_in;
}

/* The next operand of the call after i. */
static inline int32_t after(const jit_kernel *k, int32_t i)
{
    return i + 1 == count_given(k) ? k->n_in : i + 1;
}

static inline int32_t first_operand(const jit_kernel *k)
{
    return count_given(k) > 0 ? 0 : k->n_in;
}

static const jit_array *array_at(const jit_kernel *k, const jit_args *args, int32_t i)
{
    return i < k->n_in ? &args->in[i] : &args->out[i - k->n_in];
}

/* The samples: the extent of the batch axis that some operand has; 1 if none has. */
static bool count_rows(const jit_kernel *k, const jit_args *args, int64_t *rows)
{
    const int32_t *core = k->gufunc->dims.rank;
    *rows = -1;
    for (int32_t i = first_operand(k); i < k->n_in + k->n_out; i = after(k, i)) {
        const jit_array *a = array_at(k, args, i);
        int32_t lead = a->rank - core[i];
        bool batch = lead == 1 && !k->gufunc->shared[i];
        if ((lead != 0 && !batch) || a->rank > JIT_MAX_RANK || (int)a->dtype != k->dtype[i] ||
            !a->data || (batch && *rows >= 0 && a->shape[0] != *rows))
            return false;
        *rows = batch ? a->shape[0] : *rows;
    }
    for (int32_t i = 0; i < k->n_out; i++)
        if (*rows >= 0 && args->out[i].rank == core[k->n_in + i])
            return false;
    *rows = *rows < 0 ? 1 : *rows;
    return *rows > 0;
}

static bool find_extents(quick *q, const jit_kernel *k, const jit_args *args)
{
    const dims_plan *p = &k->gufunc->dims;
    const int64_t *core[MAX_ARRAY_INPUTS];
    int32_t given = count_given(k);
    for (int32_t i = 0; i < k->n_in; i++) {
        const jit_array *a = i < given ? &args->in[i] : &k->constants->array[i - given];
        core[i] = a->shape + (a->rank - p->rank[i]);
    }
    return dims_find(p, core, q->uniforms, q->dims, q->extents).kind == DIMS_FINE;
}

/* Packed, of the extents found; its bytes. */
static bool set_operand(quick *q, const jit_kernel *k, const jit_array *a, int32_t i)
{
    const dims_plan *p = &k->gufunc->dims;
    const int64_t *extent = q->call.dim == q->dims ? q->extents : k->gufunc->fixed;
    int32_t core = p->rank[i], lead = a->rank - core;
    int64_t bytes = k->size[i], reach;
    for (int32_t axis = core - 1; axis >= 0; axis--) {
        int64_t n = a->shape[lead + axis];
        if (n != extent[p->first[i] + axis] || n <= 0 ||
            (n != 1 && a->stride[lead + axis] != bytes) ||
            __builtin_mul_overflow(bytes, n, &bytes))
            return false;
    }
    q->data[i] = a->data;
    q->row_step[i] = lead ? a->stride[0] : 0;
    if (q->row_step[i] < 0 ||
        __builtin_mul_overflow(q->row_step[i], q->call.rows - 1, &reach) ||
        (i >= k->n_in && q->row_step[i] < bytes && q->call.rows > 1))
        return false;
    q->low[i] = (uintptr_t)a->data;
    q->high[i] = q->low[i] + (uintptr_t)reach + (uintptr_t)bytes;
    return q->low[i] < q->high[i];
}

static bool set_operands(quick *q, const jit_kernel *k, const jit_args *args)
{
    for (int32_t i = first_operand(k); i < k->n_in + k->n_out; i = after(k, i))
        if (!set_operand(q, k, array_at(k, args, i), i))
            return false;
    for (int32_t i = count_given(k); i < k->n_in; i++) {
        q->data[i] = k->constants->array[i - count_given(k)].data;
        q->row_step[i] = 0;
    }
    for (int32_t o = k->n_in; o < k->n_in + k->n_out; o++)
        for (int32_t i = first_operand(k); i < o; i = after(k, i))
            if (q->low[i] < q->high[o] && q->low[o] < q->high[i])
                return false;
    return true;
}

static bool plain(const jit_kernel *k, const jit_args *args)
{
    int32_t given = count_given(k);
    return k->gufunc->entry && args->n_in == given && args->n_out == k->n_out && args->out &&
           (args->in || given == 0) && !(k->constants && args->params) &&
           (args->threads == 0 || args->threads == 1) && !args->cancel;
}

/* Uniforms, and the dimensions where the kernel was not made for fixed ones. */
static bool set_values(quick *q, const jit_kernel *k, const jit_args *args, int64_t *bytes)
{
    const gufunc *f = k->gufunc;
    bool defaults = args->n_uniform == 0 && k->all_defaults;
    q->call.uniform = defaults ? k->defaults : uniform_cells(k, args, q->cells, NULL);
    if (!q->call.uniform)
        return false;
    q->call.dim = f->fixed;
    *bytes = f->fixed_workspace;
    if (f->fixed && *bytes <= GUFUNC_STACK)
        return true;
    if (f->fixed)
        return workspace_bytes(&f->workspace, &(graph_known){ NULL, NULL }, q->call.rows,
                               bytes);
    q->call.dim = q->dims;
    uniform_decode(k, q->call.uniform, q->uniforms);
    return find_extents(q, k, args) &&
           workspace_bytes(&f->workspace, &(graph_known){ q->dims, q->uniforms }, q->call.rows,
                           bytes);
}

/* The caller's workspace, aligned; NULL: it is too small. */
static char *given_room(const jit_args *args, int64_t bytes)
{
    size_t skip = (64 - (uintptr_t)args->workspace % 64) % 64;
    bool fits = args->workspace && args->workspace_bytes >= (size_t)bytes + skip;
    return fits ? (char *)args->workspace + skip : NULL;
}

bool gufunc_run_quick(const jit_kernel *k, jit_args *args, uint32_t *flags)
{
    quick q;
    kernel_fault fault;
    _Alignas(64) char workspace[GUFUNC_STACK];
    char *room = workspace;
    int64_t bytes;
    if (!plain(k, args) || !count_rows(k, args, &q.call.rows) ||
        !set_values(&q, k, args, &bytes) || !set_operands(&q, k, args))
        return false;
    if (bytes > (int64_t)sizeof workspace && !(room = given_room(args, bytes)))
        return false;
    q.call.data = q.data;
    q.call.row_step = q.row_step;
    q.call.index = 0;
    q.call.index_step = 1;
    q.call.seed = args->seed;
    q.call.fuel = drive_fuel(k, args);
    q.call.cancel = &drive_never_cancelled;
    q.call.workspace = room;
    q.call.fault = &fault;
    fpmode saved = fpmode_enter(k->ftz);
    *flags = args->flags = k->gufunc->entry(&q.call);
    fpmode_leave(saved);
    return !(*flags & KERNEL_OUT_OF_RANGE); /* gufunc_run says which */
}

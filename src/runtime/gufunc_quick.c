/* Runs of array functions without the machinery of gufunc_run: one batch axis at most, packed
 * core elements, no overlap, a small workspace, one thread. No mistake is explained here: what is
 * not plain is left to gufunc_run. Where the kernel was made for fixed extents, arrays are only
 * compared with those (gufunc_fixed.h). */
#include "array.h"
#include "constants.h"
#include "drive.h"
#include "fpmode.h"
#include "gufunc_fixed.h"
#include "panel.h"
#include "uniform.h"

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

static bool plain(const jit_kernel *k, const jit_args *args)
{
    int32_t given = count_given(k);
    return k->gufunc->entry && args->n_in == given && args->n_out == k->n_out && args->out &&
           (args->in || given == 0) && !(k->constants && args->params) &&
           (args->threads == 0 || args->threads == 1) && !args->cancel;
}

static inline void set_constants(const jit_kernel *k, char **data, int64_t *row_step)
{
    int32_t given = count_given(k);
    for (int32_t i = given; i < k->n_in; i++) {
        data[i] = k->constants->array[i - given].data;
        row_step[i] = 0;
    }
}

/* The caller's workspace, aligned; NULL: it is too small. */
static char *given_room(const jit_args *args, int64_t bytes)
{
    size_t skip = (64 - (uintptr_t)args->workspace % 64) % 64;
    bool fits = args->workspace && args->workspace_bytes >= (size_t)bytes + skip;
    return fits ? (char *)args->workspace + skip : NULL;
}

static const uint8_t c_order[MAX_ARRAY_INPUTS];

/* What does not depend on the arrays; uniform, dim, rows, data, row_step and workspace are set. */
static inline void run(const jit_kernel *k, jit_args *args, array_call *call, uint32_t *flags)
{
    kernel_fault fault;
    call->panels = c_order;
    call->product = k->gufunc->product;
    call->product_context = &k->gufunc->rule;
    call->index = 0;
    call->index_step = 1;
    call->seed = args->seed;
    call->fuel = drive_fuel(k, args);
    call->cancel = &drive_never_cancelled;
    call->fault = &fault;
    call->part = &gufunc_whole;
    fpmode saved = fpmode_enter(k->ftz);
    *flags = args->flags = k->gufunc->entry(call);
    fpmode_leave(saved);
}

/* -------------------------------------------------------------------------- fixed extents */

typedef struct fixed_call {
    array_call call;
    char *data[MAX_OPERANDS];
    int64_t row_step[MAX_OPERANDS];
    char *end[JIT_MAX_OPERANDS]; /* of the outputs' elements */
    uint64_t cells[MAX_UNIFORMS];
} fixed_call;

typedef struct fixed_seen { /* in registers */
    int64_t rows;           /* -1 until an operand with a batch axis is met */
    fixed_pair difference;  /* not 0: some extent or stride is another */
} fixed_seen;

/* Bytes from the first element of the first sample to the last of the last; 0: not plain. */
static inline int64_t batch_bytes(const fixed_operand *o, const jit_array *a, fixed_seen *seen)
{
    int64_t rows = a->shape[0], reach;
    if ((seen->rows >= 0 && rows != seen->rows) || rows <= 0 || a->stride[0] < 0 ||
        __builtin_mul_overflow(a->stride[0], rows - 1, &reach) ||
        __builtin_add_overflow(reach, o->bytes, &reach))
        return 0;
    seen->rows = rows;
    return reach;
}

/* Bytes of its elements; 0: it is not plain. Extents and strides are compared with no branch for
 * each. */
static inline int64_t fixed_bytes(const fixed_operand *o, const jit_array *a, fixed_seen *seen)
{
    uint64_t kind = fixed_kind(a);
    int64_t bytes = o->bytes, lead = kind != o->single;
    if (lead && (kind != o->batched || (bytes = batch_bytes(o, a, seen)) == 0))
        return 0;
    const int64_t *shape = a->shape + lead, *stride = a->stride + lead;
    seen->difference |= fixed_difference(&o->pair[0], shape, stride);
    for (int32_t p = 1; p < o->n_pairs; p++)
        seen->difference |= fixed_difference(&o->pair[p], shape + 2 * p, stride + 2 * p);
    return a->data ? bytes : 0;
}

/* Operand i, which must not overlap outputs 0 to n-1. The end of its elements; NULL: not plain. */
static inline char *set_operand(fixed_call *c, const jit_kernel *k, const jit_array *a,
                                fixed_seen *seen, int32_t i, int32_t n)
{
    const fixed_operand *o = &k->gufunc->operand[i];
    int64_t bytes = fixed_bytes(o, a, seen);
    char *at = a->data, *end = at + bytes;
    c->data[i] = at;
    c->row_step[i] = fixed_kind(a) == o->single ? 0 : a->stride[0];
    for (int32_t j = 0; j < n; j++)
        if (c->data[k->n_in + j] < end && at < c->end[j])
            return NULL;
    return bytes == 0 ? NULL : end;
}

/* Each output has the batch axis if any operand has, and its samples lie apart. */
static inline bool outputs_are_apart(const fixed_call *c, const jit_kernel *k,
                                     const jit_args *args, int64_t rows)
{
    const fixed_operand *o = k->gufunc->operand + k->n_in;
    for (int32_t i = 0; rows >= 0 && i < k->n_out; i++)
        if (fixed_kind(&args->out[i]) == o[i].single ||
            (c->row_step[k->n_in + i] < o[i].bytes && rows > 1))
            return false;
    return true;
}

static inline bool set_fixed(fixed_call *c, const jit_kernel *k, const jit_args *args)
{
    fixed_seen seen = { -1, { 0, 0 } };
    for (int32_t i = 0; i < k->n_out; i++)
        if (!(c->end[i] = set_operand(c, k, &args->out[i], &seen, k->n_in + i, i)))
            return false;
    for (int32_t i = 0; i < count_given(k); i++)
        if (!set_operand(c, k, &args->in[i], &seen, i, k->n_out))
            return false;
    set_constants(k, c->data, c->row_step);
    if ((seen.difference[0] | seen.difference[1]) != 0 ||
        !outputs_are_apart(c, k, args, seen.rows))
        return false;
    c->call.rows = seen.rows < 0 ? 1 : seen.rows;
    c->call.dim = k->gufunc->fixed;
    c->call.data = c->data;
    c->call.row_step = c->row_step;
    return true;
}

/* Bytes of workspace, or as many as are certainly enough if those lie on the stack. */
static bool fixed_room(const gufunc *f, int64_t rows, int64_t *bytes)
{
    *bytes = f->fixed_workspace;
    if (*bytes <= GUFUNC_STACK)
        return true;
    *bytes = f->sample_workspace;
    if (rows == 1 || (rows < GUFUNC_STACK && *bytes <= GUFUNC_STACK / rows))
        return true;
    return workspace_bytes(&f->workspace, &(graph_known){ NULL, NULL }, rows, bytes);
}

static bool run_fixed(const jit_kernel *k, jit_args *args, uint32_t *flags)
{
    fixed_call c;
    _Alignas(64) char workspace[GUFUNC_STACK];
    int64_t bytes;
    bool defaults = args->n_uniform == 0 && k->all_defaults;
    c.call.uniform = defaults ? k->defaults : uniform_cells(k, args, c.cells, NULL);
    if (!c.call.uniform || !set_fixed(&c, k, args) ||
        !fixed_room(k->gufunc, c.call.rows, &bytes))
        return false;
    c.call.workspace = bytes <= GUFUNC_STACK ? workspace : given_room(args, bytes);
    if (!c.call.workspace)
        return false;
    run(k, args, &c.call, flags);
    return true;
}

/* -------------------------------------------------------------------------- free extents */

typedef struct quick {
    array_call call;
    char *data[MAX_ARRAY_OPERANDS];
    int64_t row_step[MAX_ARRAY_OPERANDS];
    uintptr_t low[MAX_ARRAY_OPERANDS], high[MAX_ARRAY_OPERANDS];
    int64_t dims[DIMS_MOST], extents[DIMS_MOST_ROOTS];
    uint64_t cells[MAX_UNIFORMS];
    cell uniforms[MAX_UNIFORMS];
} quick;

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
static bool set_free_operand(quick *q, const jit_kernel *k, const jit_array *a, int32_t i)
{
    const dims_plan *p = &k->gufunc->dims;
    int32_t core = p->rank[i], lead = a->rank - core;
    int64_t bytes = k->size[i], reach;
    for (int32_t axis = core - 1; axis >= 0; axis--) {
        int64_t n = a->shape[lead + axis];
        if (n != q->extents[p->first[i] + axis] || n <= 0 ||
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

/* A matrix that is large enough: gufunc_run decides. */
static bool may_use_panels(const quick *q, const jit_kernel *k)
{
    for (int32_t i = 0; k->gufunc->panel && i < count_given(k); i++)
        if (k->gufunc->panel[i] < 0 && q->high[i] - q->low[i] >= PANEL_LARGE)
            return true;
    return false;
}

/* The inputs from `first` on must not overlap an output. */
static bool set_operands(quick *q, const jit_kernel *k, const jit_args *args, int32_t first)
{
    for (int32_t i = first_operand(k); i < k->n_in + k->n_out; i = after(k, i))
        if (!set_free_operand(q, k, array_at(k, args, i), i))
            return false;
    set_constants(k, q->data, q->row_step);
    if (may_use_panels(q, k))
        return false;
    for (int32_t o = k->n_in; o < k->n_in + k->n_out; o++)
        for (int32_t i = first_operand(k); i < o; i = after(k, i))
            if (i >= first && q->low[i] < q->high[o] && q->low[o] < q->high[i])
                return false;
    return true;
}

static bool set_uniforms(quick *q, const jit_kernel *k, const jit_args *args)
{
    q->call.uniform = uniform_cells(k, args, q->cells, NULL);
    if (q->call.uniform)
        uniform_decode(k, q->call.uniform, q->uniforms);
    return q->call.uniform != NULL;
}

static bool run_free(const jit_kernel *k, jit_args *args, int32_t first, uint32_t *flags)
{
    quick q;
    _Alignas(64) char workspace[GUFUNC_STACK];
    int64_t bytes;
    if (!count_rows(k, args, &q.call.rows) || !set_uniforms(&q, k, args) ||
        !find_extents(&q, k, args) ||
        !workspace_bytes(&k->gufunc->workspace, &(graph_known){ q.dims, q.uniforms },
                         q.call.rows, &bytes) ||
        !set_operands(&q, k, args, first))
        return false;
    q.call.workspace = bytes <= GUFUNC_STACK ? workspace : given_room(args, bytes);
    if (!q.call.workspace)
        return false;
    q.call.dim = q.dims;
    q.call.data = q.data;
    q.call.row_step = q.row_step;
    run(k, args, &q.call, flags);
    return true;
}

bool gufunc_run_quick(const jit_kernel *k, jit_args *args, uint32_t *flags)
{
    const gufunc *f = k->gufunc;
    if (!plain(k, args) || (f->fixed && (!f->operand || f->panel)))
        return false;
    if (!(f->operand ? run_fixed(k, args, flags) : run_free(k, args, 0, flags)))
        return false;
    return !(*flags & KERNEL_OUT_OF_RANGE); /* gufunc_run says which */
}

bool gufunc_run_onto(const jit_kernel *k, jit_args *args, uint32_t *flags)
{
    return k->gufunc && plain(k, args) && !k->gufunc->fixed && run_free(k, args, 1, flags);
}

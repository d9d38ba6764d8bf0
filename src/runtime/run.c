/* jit_run. Most runs are over rows or whole packed arrays that do not overlap: these are
 * recognised and started at once, without lock, allocation or system call. Everything else, and
 * every mistake, takes the checked path of call.c. */
#include <string.h>

#include "call.h"
#include "drive.h"
#include "few.h"
#include "fpmode.h"
#include "gufunc.h"
#include "params.h"
#include "uniform.h"

typedef struct direct { /* a run of one row */
    kernel_call call;
    bool packed; /* all of it */
    char *data[MAX_OPERANDS];
    int64_t step[MAX_OPERANDS];
    uintptr_t low[MAX_OPERANDS], high[MAX_OPERANDS];
    uint64_t cells[MAX_UNIFORMS];
} direct;

static bool packed(const jit_array *a, int64_t size)
{
    for (int32_t i = a->rank - 1; i >= 0; i--) {
        if (a->stride[i] != size)
            return false;
        size *= a->shape[i];
    }
    return true;
}

/* The step of an operand that, seen as one row, has the n elements of `like` or one. */
static inline bool row_step(const jit_array *a, const jit_array *like, int64_t size,
                            int64_t *step)
{
    if (a->rank == 0) {
        *step = 0;
        return true;
    }
    if (a->rank != like->rank)
        return false;
    if (a->rank == 1) {
        *step = a->shape[0] == like->shape[0] ? a->stride[0] : 0;
        return a->shape[0] == like->shape[0] || a->shape[0] == 1;
    }
    *step = size;
    return memcmp(a->shape, like->shape, (size_t)a->rank * sizeof a->shape[0]) == 0 &&
           packed(a, size);
}

static inline bool set_operand(direct *r, const jit_kernel *k, int32_t i, const jit_array *a,
                               const jit_array *like)
{
    int64_t step, reach, size = k->size[i];
    if ((int)a->dtype != k->dtype[i] || !a->data || !row_step(a, like, size, &step) ||
        __builtin_mul_overflow(r->call.n - 1, step, &reach))
        return false;
    uintptr_t at = (uintptr_t)a->data;
    r->data[i] = a->data;
    r->step[i] = step;
    r->packed &= step == size;
    r->low[i] = reach < 0 ? at + (uintptr_t)reach : at;
    r->high[i] = (reach < 0 ? at : at + (uintptr_t)reach) + (uintptr_t)size;
    return r->low[i] < r->high[i];
}

static bool set_operands(direct *r, const jit_kernel *k, const jit_args *args)
{
    const jit_array *like = &args->out[0];
    r->packed = true;
    for (int32_t i = 0; i < k->n_in; i++)
        if (!set_operand(r, k, i, &args->in[i], like))
            return false;
    for (int32_t i = 0; i < k->n_out; i++)
        if (args->out[i].rank != like->rank ||
            !set_operand(r, k, k->n_in + i, &args->out[i], like))
            return false;
    return true;
}

static bool apart(const direct *r, int32_t a, int32_t b)
{
    return r->high[a] <= r->low[b] || r->high[b] <= r->low[a];
}

static bool memory_is_plain(const direct *r, const jit_kernel *k)
{
    for (int32_t o = k->n_in; o < k->n_in + k->n_out; o++) {
        int64_t step = r->step[o] < 0 ? -r->step[o] : r->step[o];
        if (step < k->size[o] && r->call.n > 1)
            return false;
        for (int32_t i = 0; i < o; i++)
            if (!apart(r, i, o) && (i >= k->n_in || r->data[i] != r->data[o] ||
                                    r->step[i] != r->step[o] || k->size[i] != k->size[o]))
                return false;
    }
    return true;
}

static bool count_row(const jit_array *a, int64_t *n)
{
    *n = 1;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->shape[i] <= 0 || __builtin_mul_overflow(*n, a->shape[i], n))
            return false;
    return true;
}

/* Large enough for threads, streaming or looking at cancel: the driver knows how. */
static bool small(const jit_kernel *k, const jit_args *args, int64_t n)
{
    if (n >= DRIVE_CANCEL_GRAIN)
        return false;
    return args->threads == 0 || args->threads == 1 || n < 2 * drive_grain(k);
}

static bool set_direct(direct *r, const jit_kernel *k, const jit_args *args)
{
    if (args->n_in != k->n_in || args->n_out != k->n_out || !args->out ||
        (!args->in && k->n_in > 0))
        return false;
    int32_t rank = args->out[0].rank;
    if (rank < 0 || rank > JIT_MAX_RANK || !count_row(&args->out[0], &r->call.n) ||
        !small(k, args, r->call.n))
        return false;
    return set_operands(r, k, args) && memory_is_plain(r, k);
}

static uint32_t run_block(direct *r, const jit_kernel *k)
{
    r->call.rows = 1;
    r->call.data = r->data;
    r->call.step = r->step;
    r->call.row_step = r->step;
    r->call.index_row_step = 0;
    fpmode saved = fpmode_enter(k->ftz);
    uint32_t flags = drive_block(k, &r->call);
    fpmode_leave(saved);
    return flags;
}

static inline uint32_t enter(direct *r, const jit_kernel *k, char *const *data, int64_t n)
{
    r->call.data = data;
    r->call.n = n;
    return k->block(&r->call);
}

/* One group through buffers, which are filled before the modes are read: see few.h. */
static uint32_t run_few(direct *r, const jit_kernel *k)
{
    few_buffers b;
    few_row row = { r->data, r->step, r->call.n };
    few_bring(&b, &k->shape, &row);
    r->call.valid = row.count;
    fpmode saved = fpmode_enter(k->ftz);
    uint32_t flags = enter(r, k, b.data, k->shape.group);
    fpmode_leave(saved);
    if (flags < KERNEL_OUT_OF_FUEL)
        few_take(&b, &k->shape, &row);
    return flags;
}

static uint32_t run_whole(direct *r, const jit_kernel *k)
{
    r->call.valid = r->call.n;
    fpmode saved = fpmode_enter(k->ftz);
    uint32_t flags = enter(r, k, r->data, r->call.n);
    fpmode_leave(saved);
    return flags;
}

/* Whole groups in place and what is left of the row by run_few's way. */
static uint32_t run_whole_and_few(direct *r, const jit_kernel *k, int64_t whole)
{
    few_buffers b;
    char *data[MAX_OPERANDS];
    few_row rest = { data, r->step, r->call.n - whole };
    for (int32_t i = 0; i < k->shape.n_operands; i++)
        data[i] = r->data[i] + whole * r->step[i];
    few_bring(&b, &k->shape, &rest);
    r->call.valid = whole;
    fpmode saved = fpmode_enter(k->ftz);
    uint32_t flags = enter(r, k, r->data, whole);
    r->call.valid = rest.count;
    r->call.index = (uint64_t)whole;
    bool done = flags < KERNEL_OUT_OF_FUEL;
    flags |= done ? enter(r, k, b.data, k->shape.group) : 0;
    fpmode_leave(saved);
    if (done)
        few_take(&b, &k->shape, &rest);
    return flags;
}

static uint32_t run_direct(direct *r, const jit_kernel *k)
{
    int64_t n = r->call.n, whole = block_whole(&k->shape, n);
    r->call.index = 0;
    r->call.index_step = 1;
    if (n <= k->shape.few && whole == 0)
        return run_few(r, k);
    if (r->packed && n == whole)
        return run_whole(r, k);
    if (r->packed && n - whole <= k->shape.few)
        return run_whole_and_few(r, k, whole);
    return run_block(r, k);
}

static jit_status copy_error(const jit_error *from, jit_error *err)
{
    if (err && from->status != JIT_OK)
        *err = *from;
    return from->status;
}

/* Out of line: a jit_error is 5 KB, and the short path has no use for it. */
static __attribute__((noinline)) jit_status run_with_checks(const jit_kernel *k, jit_args *args,
                                                            jit_error *err)
{
    diag d;
    diag_init(&d, NULL, NULL);
    if (!k || !args)
        diag_plain(&d, DIAG_null_argument, "jit_run: the %s is null", k ? "args" : "kernel");
    else
        (void)call_run(k, args, &d);
    return copy_error(d.out, err);
}

static __attribute__((noinline)) jit_status report_stop(const jit_kernel *k, jit_args *args,
                                                        uint32_t flags, jit_error *err)
{
    diag d;
    diag_init(&d, NULL, NULL);
    (void)call_finish(k, args, flags, &d);
    return copy_error(d.out, err);
}

static __attribute__((noinline)) bool run_quick_params(const jit_kernel *k, jit_args *args,
                                                       uint32_t *flags)
{
    params_call c;
    if (!params_bind(&c, k, args, NULL) || !k->gufunc || !gufunc_run_quick(k, &c.args, flags))
        return false;
    args->flags = c.args.flags;
    return true;
}

bool call_run_quick(const jit_kernel *k, jit_args *args, uint32_t *flags)
{
    direct r;
    if (k->n_params > 0 && !(k->constants && k->gufunc))
        return run_quick_params(k, args, flags);
    if (k->gufunc)
        return gufunc_run_quick(k, args, flags);
    if (!set_direct(&r, k, args))
        return false;
    bool defaults = args->n_uniform == 0 && k->all_defaults;
    const uint64_t *cells = defaults ? k->defaults : uniform_cells(k, args, r.cells, NULL);
    if (!cells)
        return false;
    drive_settings(&r.call, k, args, cells);
    *flags = args->flags = run_direct(&r, k);
    return true;
}

jit_status jit_run(const jit_kernel *k, jit_args *args, jit_error *err)
{
    uint32_t flags;
    if (!k || !args || !call_run_quick(k, args, &flags))
        return run_with_checks(k, args, err);
    return flags < KERNEL_OUT_OF_FUEL ? JIT_OK : report_stop(k, args, flags, err);
}

/* Blocks of a long reduction, dealt out to threads: see ufunc_blocks.h. */
#include "ufunc_blocks.h"

#include <stdatomic.h>

#include "call.h"
#include "drive.h"

enum { GRAIN = 1 << 18 }; /* elements for which another thread is worth waking */

int64_t ufunc_blocks_count(int64_t n)
{
    return n / UFUNC_BLOCK + (n % UFUNC_BLOCK != 0);
}

static int64_t blocks_of(const ufunc_blocks *b)
{
    return b->out.shape[b->out.rank - b->core];
}

/* The core of task i's part of an array: `size` elements of its axis, at most. */
static jit_array cut(const ufunc_blocks *b, const jit_array *a, int64_t i, int64_t size)
{
    int32_t lead = a->rank - b->core;
    int64_t blocks = blocks_of(b), sample = i / blocks, from = i % blocks * size;
    jit_array v = { .data = (char *)a->data + from * a->stride[lead],
                    .dtype = a->dtype,
                    .rank = b->core };
    for (int32_t axis = lead - 1; axis >= 0; axis--) {
        v.data = (char *)v.data + sample % a->shape[axis] * a->stride[axis];
        sample /= a->shape[axis];
    }
    for (int32_t axis = 0; axis < b->core; axis++) {
        v.shape[axis] = a->shape[lead + axis];
        v.stride[axis] = a->stride[lead + axis];
    }
    int64_t left = v.shape[0] - from;
    v.shape[0] = left < size ? left : size;
    return v;
}

/* Without the axis that has been reduced. */
static void drop_first(jit_array *v)
{
    v->rank--;
    v->shape[0] = v->shape[1];
    v->stride[0] = v->stride[1];
}

static bool run_block(const ufunc_blocks *b, int64_t i, uint32_t *flags, diag *d)
{
    jit_array in[UFUNC_INPUTS], out = cut(b, &b->out, i, 1);
    jit_args args = *b->args;
    uint32_t raised;
    for (int32_t k = 0; k < b->n_in; k++)
        in[k] = k < b->n_cut ? cut(b, &b->in[k], i, UFUNC_BLOCK) : b->in[k];
    drop_first(&out);
    args.in = in;
    args.n_in = b->n_in;
    args.out = &out;
    args.n_out = 1;
    args.threads = 1;
    args.workspace = NULL;
    args.workspace_bytes = 0;
    bool ok = call_run_quick(b->k, &args, &raised) ? call_finish(b->k, &args, raised, d)
                                                   : call_run(b->k, &args, d);
    *flags = args.flags;
    return ok;
}

/* ---------------------------------------------------------------- all */

typedef struct blocks_run {
    const ufunc_blocks *b;
    atomic_uint flags;
    atomic_bool failed;
} blocks_run;

static void run_task(void *arg, int64_t i)
{
    blocks_run *r = arg;
    uint32_t flags = 0;
    diag d;
    if (atomic_load_explicit(&r->failed, memory_order_relaxed))
        return;
    diag_init(&d, NULL, NULL);
    if (!run_block(r->b, i, &flags, &d))
        atomic_store(&r->failed, true);
    if (flags)
        atomic_fetch_or(&r->flags, flags);
}

static bool run_in_order(blocks_run *r, int64_t n, diag *d)
{
    uint32_t flags = 0;
    bool ok = true;
    for (int64_t i = 0; i < n && ok; i++) {
        ok = run_block(r->b, i, &flags, d);
        r->flags |= flags;
    }
    return ok;
}

/* A run that failed is done again by one thread: what is reported is what fails first there. */
bool ufunc_blocks_run(const ufunc_blocks *b, diag *d)
{
    blocks_run r = { .b = b };
    int64_t n = jit_array_count(&b->out), worth = jit_array_count(&b->in[0]) / GRAIN;
    int64_t threads = drive_threads(b->k, b->args);
    if (b->core > 1)
        n /= b->out.shape[b->out.rank - 1];
    threads = threads < worth ? threads : worth;
    if (threads > 1)
        drive_tasks(b->k, &(drive_job){ (int32_t)threads, n, run_task, &r });
    bool ok = threads > 1 && !r.failed;
    ok = ok || run_in_order(&r, n, d);
    b->args->flags = r.flags;
    return ok;
}

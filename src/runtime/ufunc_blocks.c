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

typedef struct part { /* of the axis of a sample */
    int64_t sample, from, n;
} part;

static part part_of(const ufunc_blocks *b, int64_t sample, int64_t at)
{
    int64_t length = b->in[0].shape[b->in[0].rank - b->core];
    if (!b->from) {
        int64_t from = at * UFUNC_BLOCK, left = length - from;
        return (part){ sample, from, left < UFUNC_BLOCK ? left : UFUNC_BLOCK };
    }
    int64_t n = b->to[at] - b->from[at];
    return (part){ sample, b->from[at], n > 0 ? n : 1 };
}

/* The core of an array there. What is behind its axes is not set: there may be many small parts. */
static void cut(jit_array *v, const ufunc_blocks *b, const jit_array *a, part p)
{
    int32_t lead = a->rank - b->core;
    v->data = (char *)a->data + p.from * a->stride[lead];
    v->dtype = a->dtype;
    v->rank = b->core;
    for (int32_t axis = lead - 1; axis >= 0; axis--) {
        v->data = (char *)v->data + p.sample % a->shape[axis] * a->stride[axis];
        p.sample /= a->shape[axis];
    }
    v->shape[0] = p.n;
    v->stride[0] = a->stride[lead];
    v->shape[1] = b->core > 1 ? a->shape[lead + 1] : 1;
    v->stride[1] = b->core > 1 ? a->stride[lead + 1] : 0;
}

/* Without the axis that has been reduced. */
static void drop_first(jit_array *v)
{
    v->rank--;
    v->shape[0] = v->shape[1];
    v->stride[0] = v->stride[1];
}

/* Blocks are short: between two of them it is seen whether the run was cancelled. */
static bool run_block(const ufunc_blocks *b, int64_t i, uint32_t *flags, diag *d)
{
    int64_t blocks = blocks_of(b), sample = i / blocks, at = i - sample * blocks;
    part p = part_of(b, sample, at);
    jit_array in[UFUNC_INPUTS], out;
    jit_args args = *b->args;
    uint32_t raised = *drive_cancel(&args) ? KERNEL_CANCELLED : 0;
    for (int32_t k = 0; k < b->n_cut; k++)
        cut(&in[k], b, &b->in[k], p);
    for (int32_t k = b->n_cut; k < b->n_in; k++)
        in[k] = b->in[k];
    cut(&out, b, &b->out, (part){ sample, at, 1 });
    drop_first(&out);
    args.in = in;
    args.n_in = b->n_in;
    args.out = &out;
    args.n_out = 1;
    args.threads = 1;
    args.cancel = NULL;
    args.workspace = NULL;
    args.workspace_bytes = 0;
    bool done = raised || call_run_quick(b->k, &args, &raised);
    bool ok = done ? call_finish(b->k, &args, raised, d) : call_run(b->k, &args, d);
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

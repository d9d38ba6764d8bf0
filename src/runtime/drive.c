/* Blocks and chunks.
 *
 * A chunk is a range of positions, counted along the innermost axis first. It is cut into a
 * piece of a row, whole rows, and again a piece of a row, for each position of the outer axes.
 */
#include "drive.h"

#include "fpmode.h"

enum {
    GRAIN = 16384,      /* elements a chunk has at least */
    GRAIN_LOOPS = 1024, /* of a kernel with loops, whose elements cost more */
    CHUNKS_PER_THREAD = 8,
    CHUNK_MULTIPLE = 64 /* elements: chunks begin where vectors and cache lines do */
};

const volatile int32_t drive_never_cancelled = 0;

bool drive_streams(const jit_kernel *k, int64_t bytes)
{
    int64_t cache = k->context->target.llc_bytes;
    return k->shape.streams > 0 && cache > 0 && bytes >= k->shape.streams * (cache / 2);
}

int64_t drive_grain(const jit_kernel *k)
{
    return k->loops ? GRAIN_LOOPS : GRAIN;
}

/* ---------------------------------------------------------------- one range */

typedef struct cursor {
    const jit_kernel *k;
    const space *s;
    kernel_call call;
    char *data[MAX_OPERANDS];
    int64_t at[JIT_MAX_RANK];
} cursor;

static void place(cursor *c, int64_t position)
{
    for (int32_t axis = 0; axis < c->s->rank; axis++) {
        c->at[axis] = position % c->s->shape[axis];
        position /= c->s->shape[axis];
    }
}

/* The largest block that begins here and has at most `count` elements. */
static void choose_block(cursor *c, int64_t count)
{
    const space *s = c->s;
    c->call.n = s->shape[0] - c->at[0] < count ? s->shape[0] - c->at[0] : count;
    c->call.rows = 1;
    if (c->call.n == s->shape[0] && s->rank > 1) {
        int64_t rows = count / s->shape[0];
        c->call.rows = s->shape[1] - c->at[1] < rows ? s->shape[1] - c->at[1] : rows;
    }
}

static void aim(cursor *c)
{
    const space *s = c->s;
    for (int32_t i = 0; i < s->n; i++)
        c->data[i] = s->data[i];
    c->call.index = s->index;
    for (int32_t axis = 0; axis < s->rank; axis++) {
        if (c->at[axis] == 0)
            continue;
        for (int32_t i = 0; i < s->n; i++)
            c->data[i] += c->at[axis] * s->stride[axis][i];
        c->call.index += (uint64_t)(c->at[axis] * s->stride[axis][s->n]);
    }
}

static void advance(cursor *c)
{
    const space *s = c->s;
    c->at[0] += c->call.n;
    if (c->at[0] < s->shape[0] || s->rank == 1)
        return;
    c->at[0] = 0;
    c->at[1] += c->call.rows;
    for (int32_t axis = 1; axis + 1 < s->rank && c->at[axis] == s->shape[axis]; axis++) {
        c->at[axis] = 0;
        c->at[axis + 1]++;
    }
}

static uint32_t run_range(const jit_kernel *k, const space *s, const kernel_call *base,
                          int64_t start, int64_t count)
{
    cursor c;
    c.k = k;
    c.s = s;
    c.call = *base;
    c.call.data = c.data;
    c.call.step = s->stride[0];
    c.call.row_step = s->rank > 1 ? s->stride[1] : s->stride[0];
    c.call.index_step = s->stride[0][s->n];
    c.call.index_row_step = c.call.row_step[s->n];
    uint32_t flags = 0;
    place(&c, start);
    while (count > 0 && flags < KERNEL_OUT_OF_FUEL) {
        choose_block(&c, count);
        aim(&c);
        flags |= drive_block(k, &c.call);
        advance(&c);
        count -= c.call.n * c.call.rows;
    }
    return flags;
}

/* ---------------------------------------------------------------- chunks */

typedef struct chunks {
    const jit_kernel *k;
    const space *s;
    const kernel_call *base;
    int64_t size; /* elements */
    atomic_uint flags;
} chunks;

/* A chunk that fails stops those that have not begun. */
static void run_chunk(void *arg, int64_t i)
{
    chunks *c = arg;
    if (c->flags >= KERNEL_OUT_OF_FUEL)
        return;
    if (*c->base->cancel) {
        atomic_fetch_or(&c->flags, KERNEL_CANCELLED);
        return;
    }
    int64_t start = i * c->size, left = c->s->total - start;
    fpmode saved = fpmode_enter(c->k->ftz);
    uint32_t flags = run_range(c->k, c->s, c->base, start, left < c->size ? left : c->size);
    fpmode_leave(saved);
    if (flags)
        atomic_fetch_or(&c->flags, flags);
}

static int64_t chunk_size(const jit_kernel *k, int64_t total, int32_t threads)
{
    int64_t size = total / ((int64_t)threads * CHUNKS_PER_THREAD) + 1;
    if (size < drive_grain(k))
        size = drive_grain(k);
    return (size + CHUNK_MULTIPLE - 1) / CHUNK_MULTIPLE * CHUNK_MULTIPLE;
}

int32_t drive_threads(const jit_kernel *k, const jit_args *args)
{
    if (args->threads >= 0)
        return args->threads > 0 ? args->threads : 1;
    const jit_parallel *host = &k->context->parallel;
    return host->run && host->threads > 0 ? host->threads : threads_cores();
}

void drive_tasks(const jit_kernel *k, const drive_job *job)
{
    const jit_parallel *host = &k->context->parallel;
    if (host->run)
        host->run(host->user, job->n, job->task, job->arg);
    else
        threads_run(k->context->pools, job->threads,
                    &(threads_job){ job->n, job->task, job->arg });
}

static void deal(chunks *c, int32_t threads)
{
    int64_t n = (c->s->total + c->size - 1) / c->size;
    if (threads > 1)
        drive_tasks(c->k, &(drive_job){ threads, n, run_chunk, c });
    else
        for (int64_t i = 0; i < n && c->flags < KERNEL_OUT_OF_FUEL; i++)
            run_chunk(c, i);
}

/* Non-temporal stores pay when an output is contiguous, too large for the cache, and no input.
 */
static bool streams(const jit_kernel *k, const space *s)
{
    int64_t bytes = 0;
    bool contiguous = false;
    for (int32_t o = k->n_in; o < s->n; o++) {
        bytes += s->total * k->size[o];
        bool alone = s->stride[0][o] == k->size[o];
        for (int32_t i = 0; i < k->n_in; i++)
            alone = alone && s->data[i] != s->data[o];
        contiguous |= alone;
    }
    return contiguous && drive_streams(k, bytes);
}

uint32_t drive_space(const jit_kernel *k, const space *s, const jit_args *args,
                     const uint64_t *cells)
{
    if (s->total == 0)
        return 0;
    kernel_call base;
    drive_settings(&base, k, args, cells);
    base.streaming = streams(k, s);
    int32_t threads = s->total < 2 * drive_grain(k) ? 1 : drive_threads(k, args);
    chunks c = { .k = k, .s = s, .base = &base, .size = s->total };
    if (threads > 1)
        c.size = chunk_size(k, s->total, threads);
    else if (args->cancel)
        c.size = DRIVE_CANCEL_GRAIN;
    deal(&c, threads);
    return c.flags;
}

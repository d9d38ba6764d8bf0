/* Runs of array functions. */
#include "gufunc.h"

#include <string.h>

#include "array.h"
#include "array_view.h"
#include "broadcast.h"
#include "call.h"
#include "drive.h"
#include "fpmode.h"
#include "gufunc_eval.h"
#include "uniform.h"

enum { CHUNK_BYTES = 128 << 10, STACK_BYTES = 16 << 10, ALIGN = 64 };

typedef struct operand {
    jit_array a;      /* core axes; data of the first sample */
    int64_t bytes;    /* of the core elements */
    bool packed;      /* its core elements are not neighbours: they go through a buffer */
    int64_t offset;   /* of the buffer in the workspace */
    int64_t row_step; /* bytes from sample to sample along the innermost batch axis */
} operand;

typedef struct batch {
    int32_t rank; /* axes, outermost first, neighbours merged; at least 1 */
    int64_t shape[JIT_MAX_RANK];
    int64_t stride[JIT_MAX_RANK][MAX_OPERANDS]; /* bytes */
    int64_t total;                              /* samples */
} batch;

typedef struct gufunc_call {
    const jit_kernel *k;
    const gufunc *f;
    jit_args *args;
    const uint64_t *cells;
    cell uniforms[MAX_UNIFORMS];
    int64_t dims[DIMS_MOST], extents[DIMS_MOST_ROOTS];
    jit_array in[JIT_MAX_OPERANDS]; /* as given, or copies */
    size_t copied[JIT_MAX_OPERANDS];
    int32_t batch_rank;
    int64_t batch_shape[JIT_MAX_RANK];
    operand op[MAX_OPERANDS];
    batch b;
    int64_t chunk; /* samples that the buffers hold */
    int64_t buffer_bytes, workspace_bytes;
} gufunc_call;

static int32_t core_rank(const gufunc_call *c, int32_t i)
{
    return c->f->dims.rank[i];
}

static int32_t n_operands(const gufunc_call *c)
{
    return c->k->n_in + c->k->n_out;
}

/* -------------------------------------------------------------------------- binding */

static bool check_rank(const gufunc_call *c, int32_t i, diag *d)
{
    char what[OPERAND_TEXT];
    int32_t rank = c->in[i].rank, core = core_rank(c, i);
    if (rank >= core && (rank == core || !c->f->shared[i]))
        return true;
    diag_plain(d, DIAG_core_rank, "%s has %d ax%s: it needs %s%d",
               kernel_operand(c->k, i, what), (int)rank, rank == 1 ? "is" : "es",
               c->f->shared[i] ? "" : "at least ", (int)core);
    return false;
}

/* The other argument whose extent is the same dimension, for the message; -1: none. */
static int32_t other_with_dim(const gufunc_call *c, const dims_fault *at, int32_t dim)
{
    const dims_plan *p = &c->f->dims;
    for (int32_t i = 0; dim >= 0 && i < p->n_inputs; i++)
        for (int32_t k = 0; k < p->rank[i]; k++)
            if (i != at->operand && p->is_dim[p->first[i] + k] == dim)
                return i;
    return -1;
}

static void report_differ(const gufunc_call *c, const dims_fault *at, diag *d)
{
    const dims_plan *p = &c->f->dims;
    char one[OPERAND_TEXT], text[OPERAND_TEXT];
    int32_t dim = p->is_dim[p->first[at->operand] + at->axis];
    int32_t other = other_with_dim(c, at, dim);
    kernel_operand(c->k, at->operand, one);
    if (other >= 0 && p->name[dim])
        diag_plain(d, DIAG_dim_differs, "dimension '%.40s' is %lld by %s and %lld by %s",
                   p->name[dim], (long long)at->want, kernel_operand(c->k, other, text),
                   (long long)at->have, one);
    else
        diag_plain(d, DIAG_dim_differs, "core axis %d of %s has %lld elements: it needs %lld",
                   (int)at->axis, one, (long long)at->have, (long long)at->want);
}

static void report_range(const gufunc_call *c, int64_t site, int64_t have, int64_t extent,
                         diag *d)
{
    const gufunc_site *s = &c->f->sites[site];
    diag_plain(d, DIAG_subscript_range,
               "subscript %d of '%.60s' is %lld: it has %lld element%s", (int)s->axis + 1,
               s->array, (long long)have, (long long)extent, extent == 1 ? "" : "s");
}

static bool report_fault(const gufunc_call *c, const dims_fault *at, diag *d)
{
    char what[OPERAND_TEXT];
    switch (at->kind) {
    case DIMS_FINE:
        return true;
    case DIMS_DIFFER:
        report_differ(c, at, d);
        break;
    case DIMS_NO_VALUE:
        diag_plain(d, DIAG_dim_value, "core axis %d of %s cannot have %lld elements",
                   (int)at->axis, kernel_operand(c->k, at->operand, what), (long long)at->have);
        break;
    case DIMS_TOO_LARGE:
        diag_plain(d, DIAG_dim_value, "an extent of %s would be too large", c->k->name);
        break;
    case DIMS_OUT_OF_RANGE:
        report_range(c, at->site, at->have, at->want, d);
        break;
    }
    return false;
}

static bool find_dims(gufunc_call *c, diag *d)
{
    const int64_t *core[JIT_MAX_OPERANDS];
    for (int32_t i = 0; i < c->k->n_in; i++) {
        if (!check_rank(c, i, d))
            return false;
        core[i] = c->in[i].shape + (c->in[i].rank - core_rank(c, i));
    }
    dims_fault fault = dims_find(&c->f->dims, core, c->uniforms, c->dims, c->extents);
    return report_fault(c, &fault, d);
}

/* -------------------------------------------------------------------------- batch axes */

static jit_array batch_of(const jit_array *a, int32_t core)
{
    jit_array b = *a;
    b.rank -= core;
    return b;
}

static bool widen(gufunc_call *c, int32_t i, const jit_array *a, diag *d)
{
    char what[OPERAND_TEXT], left[SHAPE_TEXT], right[SHAPE_TEXT];
    jit_array b = batch_of(a, core_rank(c, i));
    int64_t before[JIT_MAX_RANK];
    int32_t rank = c->batch_rank;
    memcpy(before, c->batch_shape, sizeof before);
    if (broadcast_widen(&c->batch_rank, c->batch_shape, &b))
        return true;
    diag_plain(d, DIAG_no_broadcast, "cannot broadcast batch axes %s with %s: %s",
               shape_text(left, rank, before), shape_text(right, b.rank, b.shape),
               kernel_operand(c->k, i, what));
    return false;
}

static bool output_shape(const gufunc_call *c, int32_t i, jit_array *shape, diag *d)
{
    int32_t o = c->k->n_in + i, core = core_rank(c, o);
    const int64_t *extent = c->extents + c->f->dims.first[o];
    int64_t count, sizes[JIT_MAX_RANK];
    char what[OPERAND_TEXT];
    if (c->batch_rank + core > JIT_MAX_RANK) {
        diag_plain(d, DIAG_array_rank, "%s would have %d axes: %d are the most",
                   kernel_operand(c->k, o, what), (int)(c->batch_rank + core), JIT_MAX_RANK);
        return false;
    }
    memcpy(sizes, c->batch_shape, (size_t)c->batch_rank * sizeof *sizes);
    memcpy(sizes + c->batch_rank, extent, (size_t)core * sizeof *sizes);
    *shape = jit_array_of((jit_dtype)c->k->dtype[o], NULL, c->batch_rank + core, sizes);
    if (array_elements(shape->rank, shape->shape, c->k->size[o], &count))
        return true;
    diag_plain(d, DIAG_dim_value, "%s would be too large", kernel_operand(c->k, o, what));
    return false;
}

static bool same_shape(const jit_array *a, const jit_array *b)
{
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]) == 0;
}

static bool check_output(const gufunc_call *c, int32_t i, diag *d)
{
    const jit_array *o = &c->args->out[i];
    char what[OPERAND_TEXT], have[SHAPE_TEXT], want[SHAPE_TEXT];
    jit_array shape;
    if (!output_shape(c, i, &shape, d))
        return false;
    if (array_to_be_made(o) || same_shape(o, &shape))
        return true;
    diag_plain(d, DIAG_output_shape, "%s has the shape %s, not %s",
               kernel_operand(c->k, c->k->n_in + i, what), shape_text(have, o->rank, o->shape),
               shape_text(want, shape.rank, shape.shape));
    return false;
}

static bool find_batch(gufunc_call *c, diag *d)
{
    c->batch_rank = 0;
    for (int32_t i = 0; i < c->k->n_in; i++)
        if (!c->f->shared[i] && !widen(c, i, &c->in[i], d))
            return false;
    for (int32_t i = 0; i < c->k->n_out; i++) {
        const jit_array *o = &c->args->out[i];
        int32_t at = c->k->n_in + i;
        if (!array_to_be_made(o) && o->rank >= core_rank(c, at) && !widen(c, at, o, d))
            return false;
    }
    for (int32_t i = 0; i < c->k->n_out; i++)
        if (!check_output(c, i, d))
            return false;
    return true;
}

/* -------------------------------------------------------------------------- overlap */

static bool copy_input(gufunc_call *c, int32_t i)
{
    jit_array from = c->in[i], to = jit_array_of(from.dtype, NULL, from.rank, from.shape);
    size_t bytes = (size_t)jit_array_count(&from) * jit_dtype_size(from.dtype);
    to.data = memory_resize(&c->k->context->allocator, NULL, 0, bytes);
    if (!to.data)
        return false;
    array_move(&to, &from);
    c->in[i] = to;
    c->copied[i] = bytes;
    return true;
}

static bool same_view(const jit_array *a, const jit_array *b)
{
    return a->data == b->data && a->dtype == b->dtype && same_shape(a, b) &&
           memcmp(a->stride, b->stride, (size_t)a->rank * sizeof a->stride[0]) == 0;
}

/* An input that is an output is copied: code reads its inputs while it writes. */
static bool separate_input(gufunc_call *c, int32_t i, const jit_array *o, int32_t output,
                           diag *d)
{
    char one[OPERAND_TEXT], other[OPERAND_TEXT];
    if (c->copied[i] > 0 || !array_overlap(&c->in[i], o))
        return true;
    if (same_view(&c->in[i], o) || (c->args->options & JIT_COPY_OVERLAP)) {
        if (copy_input(c, i))
            return true;
        diag_no_memory(d);
        return false;
    }
    diag_plain(d, DIAG_overlap, "%s overlaps %s in part",
               kernel_operand(c->k, c->k->n_in + output, one), kernel_operand(c->k, i, other));
    diag_hint(d, "use other memory, or the option JIT_COPY_OVERLAP");
    return false;
}

static bool separate(gufunc_call *c, diag *d)
{
    char one[OPERAND_TEXT], other[OPERAND_TEXT];
    for (int32_t i = 0; i < c->k->n_out; i++) {
        const jit_array *o = &c->args->out[i];
        int32_t at = c->k->n_in + i;
        if (array_to_be_made(o))
            continue;
        if (array_overlaps_itself(o)) {
            diag_plain(d, DIAG_output_stride, "elements of %s overlap each other",
                       kernel_operand(c->k, at, one));
            return false;
        }
        for (int32_t j = 0; j < i; j++)
            if (array_overlap(o, &c->args->out[j])) {
                diag_plain(d, DIAG_outputs_overlap, "%s overlaps %s",
                           kernel_operand(c->k, at, one),
                           kernel_operand(c->k, c->k->n_in + j, other));
                return false;
            }
        for (int32_t j = 0; j < c->k->n_in; j++)
            if (!separate_input(c, j, o, i, d))
                return false;
    }
    return true;
}

static void free_copies(gufunc_call *c)
{
    for (int32_t i = 0; i < c->k->n_in; i++)
        if (c->copied[i] > 0)
            memory_resize(&c->k->context->allocator, c->in[i].data, c->copied[i], 0);
}

/* -------------------------------------------------------------------------- layout */

static bool core_is_packed(const jit_array *core, int64_t size)
{
    for (int32_t i = core->rank - 1; i >= 0; i--) {
        if (core->shape[i] != 1 && core->stride[i] != size)
            return false;
        size *= core->shape[i];
    }
    return true;
}

static const jit_array *array_at(const gufunc_call *c, int32_t i)
{
    return i < c->k->n_in ? &c->in[i] : &c->args->out[i - c->k->n_in];
}

static void set_operand(gufunc_call *c, int32_t i)
{
    const jit_array *a = array_at(c, i);
    int32_t core = core_rank(c, i), lead = a->rank - core;
    operand *o = &c->op[i];
    *o = (operand){ .a = { .data = a->data, .dtype = a->dtype, .rank = core } };
    o->bytes = c->k->size[i];
    for (int32_t axis = 0; axis < core; axis++) {
        o->a.shape[axis] = a->shape[lead + axis];
        o->a.stride[axis] = a->stride[lead + axis];
        o->bytes *= a->shape[lead + axis];
    }
    o->packed = o->bytes > 0 && !core_is_packed(&o->a, c->k->size[i]);
}

static int64_t batch_stride(const gufunc_call *c, int32_t i, int32_t axis)
{
    const jit_array *a = array_at(c, i);
    int32_t lead = a->rank - core_rank(c, i), own = axis - (c->batch_rank - lead);
    return own < 0 || a->shape[own] == 1 ? 0 : a->stride[own];
}

static bool merges(const gufunc_call *c, const int64_t *outer, int32_t axis)
{
    for (int32_t i = 0; i < n_operands(c); i++) {
        int64_t whole;
        if (__builtin_mul_overflow(batch_stride(c, i, axis), c->batch_shape[axis], &whole) ||
            whole != outer[i])
            return false;
    }
    return true;
}

static void set_batch(gufunc_call *c)
{
    batch *b = &c->b;
    b->total = 1;
    b->rank = 0;
    for (int32_t axis = 0; axis < c->batch_rank; axis++) {
        b->total *= c->batch_shape[axis];
        if (c->batch_shape[axis] == 1)
            continue;
        bool merged = b->rank > 0 && merges(c, b->stride[b->rank - 1], axis);
        int32_t to = merged ? b->rank - 1 : b->rank++;
        b->shape[to] = merged ? b->shape[to] * c->batch_shape[axis] : c->batch_shape[axis];
        for (int32_t i = 0; i < n_operands(c); i++)
            b->stride[to][i] = batch_stride(c, i, axis);
    }
    if (b->rank == 0) {
        b->shape[b->rank++] = 1;
        memset(b->stride[0], 0, sizeof b->stride[0]);
    }
}

static int64_t rounded_up(int64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Buffers for what is packed: `chunk` samples of it, or one of what is the same for all. */
static void set_buffers(gufunc_call *c)
{
    int64_t per_sample = 0;
    const int64_t *step = c->b.stride[c->b.rank - 1];
    for (int32_t i = 0; i < n_operands(c); i++)
        per_sample += c->op[i].packed ? c->op[i].bytes : 0;
    c->chunk = per_sample > 0 ? CHUNK_BYTES / per_sample + 1 : INT64_MAX;
    if (c->chunk > c->b.shape[c->b.rank - 1])
        c->chunk = c->b.shape[c->b.rank - 1];
    c->buffer_bytes = 0;
    for (int32_t i = 0; i < n_operands(c); i++) {
        operand *o = &c->op[i];
        o->row_step = o->packed && step[i] != 0 ? o->bytes : step[i];
        if (!o->packed)
            continue;
        o->offset = c->buffer_bytes;
        c->buffer_bytes += rounded_up(step[i] == 0 ? o->bytes : o->bytes * c->chunk);
    }
}

/* -------------------------------------------------------------------------- running */

typedef struct worker { /* one thread's part */
    const gufunc_call *c;
    char *space; /* buffers, then the code's workspace */
    char *at[MAX_OPERANDS];
    int64_t index; /* of the first sample of the chunk */
    kernel_fault fault;
} worker;

static void move_samples(const worker *w, int32_t i, int64_t n, bool in)
{
    const operand *o = &w->c->op[i];
    int64_t step = w->c->b.stride[w->c->b.rank - 1][i];
    jit_array buffer = jit_array_of(o->a.dtype, w->space + o->offset, o->a.rank, o->a.shape);
    jit_array place = o->a;
    place.data = w->at[i];
    for (int64_t s = 0; s < (step == 0 ? 1 : n); s++) {
        array_move(in ? &buffer : &place, in ? &place : &buffer);
        buffer.data = (char *)buffer.data + o->bytes;
        place.data = (char *)place.data + step;
    }
}

static uint32_t run_chunk(worker *w, int64_t n)
{
    const gufunc_call *c = w->c;
    char *data[MAX_OPERANDS];
    int64_t row_step[MAX_OPERANDS];
    for (int32_t i = 0; i < n_operands(c); i++) {
        data[i] = c->op[i].packed ? w->space + c->op[i].offset : w->at[i];
        row_step[i] = c->op[i].row_step;
        if (c->op[i].packed && i < c->k->n_in)
            move_samples(w, i, n, true);
    }
    array_call call = { .rows = n,
                        .data = data,
                        .row_step = row_step,
                        .dim = c->dims,
                        .uniform = c->cells,
                        .index = (uint64_t)w->index,
                        .index_step = 1,
                        .seed = c->args->seed,
                        .fuel = drive_fuel(c->k, c->args),
                        .cancel = drive_cancel(c->args),
                        .workspace = w->space + c->buffer_bytes,
                        .fault = &w->fault };
    uint32_t flags =
        c->f->entry ? c->f->entry(&call)
                    : gufunc_interpret(c->k, &call, (gufunc_values){ c->uniforms, c->extents });
    for (int32_t i = c->k->n_in; i < n_operands(c); i++)
        if (c->op[i].packed)
            move_samples(w, i, n, false);
    return flags;
}

/* Points at sample `index`; gives how many follow it along the innermost axis, itself included. */
static int64_t aim(worker *w, int64_t index)
{
    const gufunc_call *c = w->c;
    int64_t rest = index, left = 0;
    for (int32_t i = 0; i < n_operands(c); i++)
        w->at[i] = c->op[i].a.data;
    for (int32_t axis = c->b.rank - 1; axis >= 0; axis--) {
        int64_t at = rest % c->b.shape[axis];
        rest /= c->b.shape[axis];
        left = axis == c->b.rank - 1 ? c->b.shape[axis] - at : left;
        for (int32_t i = 0; i < n_operands(c); i++)
            w->at[i] += at * c->b.stride[axis][i];
    }
    w->index = index;
    return left;
}

static uint32_t run_samples(worker *w, int64_t first, int64_t end)
{
    uint32_t flags = 0;
    fpmode saved = fpmode_enter(w->c->k->ftz);
    while (first < end && flags < KERNEL_OUT_OF_FUEL) {
        int64_t n = aim(w, first);
        n = n < end - first ? n : end - first;
        n = n < w->c->chunk ? n : w->c->chunk;
        flags |= run_chunk(w, n);
        first += n;
    }
    fpmode_leave(saved);
    return flags;
}

typedef struct crew {
    const gufunc_call *c;
    worker *workers;
    int64_t part; /* samples of each */
    atomic_uint flags;
} crew;

static void run_part(void *arg, int64_t i)
{
    crew *t = arg;
    int64_t first = i * t->part, end = first + t->part;
    end = end < t->c->b.total ? end : t->c->b.total;
    if (atomic_load(&t->flags) >= KERNEL_OUT_OF_FUEL)
        return;
    uint32_t flags = run_samples(&t->workers[i], first, end);
    if (flags)
        atomic_fetch_or(&t->flags, flags);
}

static int32_t part_count(const gufunc_call *c)
{
    enum { GRAIN_BYTES = 64 << 10 };
    int64_t bytes = 0;
    for (int32_t i = 0; i < n_operands(c); i++)
        bytes += c->op[i].bytes;
    int64_t useful = c->b.total;
    if (bytes > 0 && useful < INT64_MAX / bytes)
        useful = useful * bytes / GRAIN_BYTES;
    int64_t threads = drive_threads(c->k, c->args);
    threads = threads < useful ? threads : useful;
    threads = threads < c->b.total ? threads : c->b.total;
    return threads < 1 ? 1 : (int32_t)threads;
}

static bool finish(const gufunc_call *c, const crew *t, int32_t n, diag *d)
{
    uint32_t flags = t->flags;
    if ((flags & KERNEL_OUT_OF_RANGE) && !(flags & (KERNEL_NO_MEMORY | KERNEL_CANCELLED))) {
        c->args->flags = flags & (KERNEL_OUT_OF_FUEL - 1);
        for (int32_t i = 0; i < n; i++)
            if (t->workers[i].fault.extent >= 0) {
                const kernel_fault *at = &t->workers[i].fault;
                report_range(c, at->site, at->value, at->extent, d);
                return false;
            }
    }
    return call_finish(c->k, c->args, flags, d);
}

static bool run_crew(gufunc_call *c, worker *workers, int32_t n, diag *d)
{
    crew t = { .c = c, .workers = workers, .part = (c->b.total + n - 1) / n };
    if (n == 1)
        run_part(&t, 0);
    else
        drive_tasks(c->k, &(drive_job){ n, n, run_part, &t });
    return finish(c, &t, n, d);
}

/* Each worker has a space of its own; a single small one lies on the stack. */
static bool run_workers(gufunc_call *c, diag *d)
{
    int32_t n = part_count(c);
    int64_t each = rounded_up(c->buffer_bytes) + rounded_up(c->workspace_bytes) + ALIGN;
    int64_t head = rounded_up((int64_t)n * (int64_t)sizeof(worker));
    _Alignas(ALIGN) char small[STACK_BYTES];
    size_t bytes = (size_t)(head + n * each) + ALIGN;
    bool fits = bytes <= sizeof small;
    char *room = fits ? small : memory_resize(&c->k->context->allocator, NULL, 0, bytes);
    if (!room) {
        diag_no_memory(d);
        return false;
    }
    char *start = room + (ALIGN - (uintptr_t)room % ALIGN) % ALIGN;
    worker *workers = (worker *)(void *)start;
    for (int32_t i = 0; i < n; i++)
        workers[i] =
            (worker){ .c = c, .space = start + head + i * each, .fault = { .extent = -1 } };
    bool ok = run_crew(c, workers, n, d);
    if (!fits)
        memory_resize(&c->k->context->allocator, room, bytes, 0);
    return ok;
}

static bool make_outputs(gufunc_call *c, diag *d)
{
    for (int32_t i = 0; i < c->k->n_out; i++) {
        jit_array shape;
        if (!array_to_be_made(&c->args->out[i]))
            continue;
        if (!output_shape(c, i, &shape, d))
            return false;
        if (!array_make(&shape, false)) {
            diag_no_memory(d);
            return false;
        }
        c->args->out[i] = shape;
    }
    return true;
}

static bool run_bound(gufunc_call *c, diag *d)
{
    for (int32_t i = 0; i < n_operands(c); i++)
        set_operand(c, i);
    set_batch(c);
    if (c->b.total == 0)
        return true;
    set_buffers(c);
    c->workspace_bytes = 0;
    return run_workers(c, d);
}

bool gufunc_run(const jit_kernel *k, jit_args *args, diag *d)
{
    gufunc_call c;
    uint64_t cells[MAX_UNIFORMS];
    c.k = k;
    c.f = k->gufunc;
    c.args = args;
    c.cells = uniform_cells(k, args, cells, d);
    if (!c.cells)
        return false;
    for (int32_t i = 0; i < k->n_in; i++) {
        c.in[i] = args->in[i];
        c.copied[i] = 0;
    }
    uniform_decode(k, c.cells, c.uniforms);
    args->flags = 0;
    bool ok = find_dims(&c, d) && find_batch(&c, d) && separate(&c, d) && make_outputs(&c, d) &&
              run_bound(&c, d);
    free_copies(&c);
    return ok;
}

/* Runs of array functions. */
#include <string.h>

#include "array_view.h"
#include "call.h"
#include "drive.h"
#include "fpmode.h"
#include "gufunc_bind.h"
#include "gufunc_eval.h"
#include "gufunc_panels.h"
#include "gufunc_parts.h"

enum { CANCEL_SAMPLES = 64, CHUNK_BYTES = 128 << 10, ALIGN = 64 };

/* -------------------------------------------------------------------------- layout */

static bool core_is_packed(const operand *o, int64_t size)
{
    for (int32_t i = o->rank - 1; i >= 0; i--) {
        if (o->shape[i] != 1 && o->stride[i] != size)
            return false;
        size *= o->shape[i];
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
    int32_t core = gufunc_core_rank(c, i), lead = a->rank - core;
    operand *o = &c->op[i];
    *o = (operand){ .data = a->data, .rank = core };
    o->shape = a->shape + lead;
    o->stride = a->stride + lead;
    o->bytes = c->k->size[i];
    for (int32_t axis = 0; axis < core; axis++)
        o->bytes *= o->shape[axis];
    o->packed = o->bytes > 0 && !core_is_packed(o, c->k->size[i]);
}

static int64_t batch_stride(const gufunc_call *c, int32_t i, int32_t axis)
{
    const jit_array *a = array_at(c, i);
    int32_t lead = a->rank - gufunc_core_rank(c, i), own = axis - (c->batch_rank - lead);
    return own < 0 || a->shape[own] == 1 ? 0 : a->stride[own];
}

static bool merges(const gufunc_call *c, const int64_t *outer, int32_t axis)
{
    for (int32_t i = 0; i < gufunc_n_operands(c); i++) {
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
        for (int32_t i = 0; i < gufunc_n_operands(c); i++)
            b->stride[to][i] = batch_stride(c, i, axis);
    }
    if (b->rank == 0) {
        b->shape[b->rank++] = 1;
        memset(b->stride[0], 0, sizeof b->stride[0]);
    }
}

/* Sizes grow to TOO_MUCH and no further: operands of stride 0 can have any extents. */
static const int64_t TOO_MUCH = INT64_MAX / 4;

static int64_t capped_sum(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) || sum > TOO_MUCH ? TOO_MUCH : sum;
}

static int64_t capped_product(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) || product > TOO_MUCH ? TOO_MUCH : product;
}

static int64_t rounded_up(int64_t bytes)
{
    return capped_sum(bytes, ALIGN - 1) / ALIGN * ALIGN;
}

/* Buffers for what is packed: `chunk` samples of it, or one of what is the same for all. */
static void set_buffers(gufunc_call *c)
{
    int64_t per_sample = 0;
    const int64_t *step = c->b.stride[c->b.rank - 1];
    for (int32_t i = 0; i < gufunc_n_operands(c); i++)
        per_sample = capped_sum(per_sample, c->op[i].packed ? c->op[i].bytes : 0);
    c->chunk = per_sample > 0 ? CHUNK_BYTES / per_sample + 1 : INT64_MAX;
    if (c->args->cancel && c->chunk > CANCEL_SAMPLES)
        c->chunk = CANCEL_SAMPLES; /* it is looked at between chunks */
    if (c->chunk > c->b.shape[c->b.rank - 1])
        c->chunk = c->b.shape[c->b.rank - 1];
    c->buffer_bytes = 0;
    for (int32_t i = 0; i < gufunc_n_operands(c); i++) {
        operand *o = &c->op[i];
        o->row_step = o->packed && step[i] != 0 ? o->bytes : step[i];
        if (!o->packed)
            continue;
        o->offset = c->buffer_bytes;
        int64_t samples = step[i] == 0 ? 1 : c->chunk;
        c->buffer_bytes =
            capped_sum(c->buffer_bytes, rounded_up(capped_product(o->bytes, samples)));
    }
}

/* -------------------------------------------------------------------------- running */

typedef struct worker { /* one thread's part */
    const gufunc_call *c;
    char *space; /* buffers, then the code's workspace */
    char *at[MAX_ARRAY_OPERANDS];
    int64_t index; /* of the first sample of the chunk */
    uint32_t flags;
    kernel_fault fault;
    const gufunc_parts *parts; /* of several threads on the same samples; NULL: one */
} worker;

static void move_samples(const worker *w, int32_t i, int64_t n, bool in)
{
    const operand *o = &w->c->op[i];
    int64_t step = w->c->b.stride[w->c->b.rank - 1][i];
    jit_dtype t = (jit_dtype)w->c->k->dtype[i];
    jit_array buffer = jit_array_of(t, w->space + o->offset, o->rank, o->shape), place = buffer;
    memcpy(place.stride, o->stride, (size_t)o->rank * sizeof *o->stride);
    place.data = w->at[i];
    for (int64_t s = 0; s < (step == 0 ? 1 : n); s++) {
        array_move(in ? &buffer : &place, in ? &place : &buffer);
        buffer.data = (char *)buffer.data + o->bytes;
        place.data = (char *)place.data + step;
    }
}

static uint32_t enter(const worker *w, const array_call *call)
{
    const gufunc_call *c = w->c;
    if (!c->f->entry)
        return gufunc_interpret(c->k, call, (gufunc_values){ c->uniforms, c->extents });
    return w->parts ? gufunc_run_parts(c->k, w->parts, call) : c->f->entry(call);
}

static uint32_t run_chunk(worker *w, int64_t n)
{
    const gufunc_call *c = w->c;
    char *data[MAX_ARRAY_OPERANDS];
    int64_t row_step[MAX_ARRAY_OPERANDS];
    for (int32_t i = 0; i < gufunc_n_operands(c); i++) {
        data[i] = c->op[i].packed ? w->space + c->op[i].offset : w->at[i];
        row_step[i] = c->op[i].row_step;
        if (c->op[i].packed && i < c->k->n_in)
            move_samples(w, i, n, true);
    }
    array_call call = { .rows = n,
                        .data = data,
                        .row_step = row_step,
                        .dim = c->dims,
                        .panels = c->panels,
                        .uniform = c->cells,
                        .index = (uint64_t)w->index,
                        .index_step = 1,
                        .seed = c->args->seed,
                        .fuel = drive_fuel(c->k, c->args),
                        .cancel = drive_cancel(c->args),
                        .workspace = w->space + c->buffer_bytes,
                        .fault = &w->fault,
                        .part = &gufunc_whole,
                        .product = c->f->product,
                        .product_context = &c->f->rule };
    uint32_t flags = enter(w, &call);
    for (int32_t i = c->k->n_in; i < gufunc_n_operands(c); i++)
        if (c->op[i].packed)
            move_samples(w, i, n, false);
    return flags;
}

/* Points at sample `index`; gives how many follow it along the innermost axis, itself included. */
static int64_t aim(worker *w, int64_t index)
{
    const gufunc_call *c = w->c;
    int64_t rest = index, left = 0;
    for (int32_t i = 0; i < gufunc_n_operands(c); i++)
        w->at[i] = c->op[i].data;
    for (int32_t axis = c->b.rank - 1; axis >= 0; axis--) {
        int64_t at = rest % c->b.shape[axis];
        rest /= c->b.shape[axis];
        left = axis == c->b.rank - 1 ? c->b.shape[axis] - at : left;
        for (int32_t i = 0; i < gufunc_n_operands(c); i++)
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
        if (*drive_cancel(w->c->args)) {
            flags |= KERNEL_CANCELLED;
            break;
        }
        int64_t n = aim(w, first);
        n = n < end - first ? n : end - first;
        n = n < w->c->chunk ? n : w->c->chunk;
        n = w->parts && n > w->c->f->group ? w->c->f->group : n;
        flags |= run_chunk(w, n);
        first += n;
    }
    fpmode_leave(saved);
    return flags;
}

/* What is reported is what the first part that stopped says, as if there were one thread: parts
 * after it need not be run, those before it are. */
typedef struct crew {
    const gufunc_call *c;
    worker *workers;
    int64_t part;                /* samples of each */
    atomic_int_fast64_t stopped; /* the first part that did */
} crew;

static void stop_at(crew *t, int64_t i)
{
    int_fast64_t first = atomic_load(&t->stopped);
    while (i < first && !atomic_compare_exchange_weak(&t->stopped, &first, i))
        ;
}

static void run_part(void *arg, int64_t i)
{
    crew *t = arg;
    int64_t first = i * t->part, end = first + t->part;
    end = end < t->c->b.total ? end : t->c->b.total;
    if (atomic_load(&t->stopped) < i)
        return;
    t->workers[i].flags = run_samples(&t->workers[i], first, end);
    if (t->workers[i].flags >= KERNEL_OUT_OF_FUEL)
        stop_at(t, i);
}

/* Products by OpenBLAS: its results may depend on how many rows there are, so that all parts but
 * the last have whole blocks of samples. */
static int32_t part_count(const gufunc_call *c)
{
    enum { GRAIN_BYTES = 64 << 10 };
    int64_t bytes = 0;
    if (c->f->product && (c->b.rank > 1 || c->chunk < c->b.total))
        return 1;
    for (int32_t i = 0; i < gufunc_n_operands(c); i++)
        bytes = capped_sum(bytes, c->op[i].bytes);
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
    uint32_t flags = 0;
    int64_t last = t->stopped < n ? t->stopped : n - 1;
    for (int64_t i = 0; i <= last; i++)
        flags |= t->workers[i].flags;
    if ((flags & KERNEL_OUT_OF_RANGE) && !(flags & (KERNEL_NO_MEMORY | KERNEL_CANCELLED))) {
        const kernel_fault *at = &t->workers[last].fault;
        c->args->flags = flags & (KERNEL_OUT_OF_FUEL - 1);
        gufunc_report_range(c->f, at->site, at->value, at->extent, d);
        return false;
    }
    return call_finish(c->k, c->args, flags, d);
}

static bool run_crew(gufunc_call *c, worker *workers, int32_t n, diag *d)
{
    int64_t part = c->b.total / n + (c->b.total % n != 0);
    if (c->f->product && part % CODEGEN_ROWS != 0)
        part += CODEGEN_ROWS - part % CODEGEN_ROWS;
    crew t = { .c = c, .workers = workers, .part = part, .stopped = n };
    if (n == 1)
        run_part(&t, 0);
    else
        drive_tasks(c->k, &(drive_job){ n, n, run_part, &t });
    return finish(c, &t, n, d);
}

/* Each worker has a space of its own. */
typedef struct room {
    int32_t n; /* workers: on samples of their own; 1: perhaps several on the same ones */
    gufunc_parts parts;
    int64_t head, each; /* bytes: of all workers' structs and of panels; of one's space */
    size_t bytes;       /* of it all, wherever it begins */
} room;

/* On samples of their own; or, where there are few, all on the same. Samples that a kernel computes
 * together are not to be torn apart. */
static void choose_workers(const gufunc_call *c, room *r)
{
    enum { TOGETHER = 16 };
    int64_t each = c->f->group > 1 ? TOGETHER : 1;
    r->n = part_count(c);
    const array_call all = { .rows = c->b.total,
                             .dim = c->dims,
                             .panels = c->panels,
                             .uniform = c->cells,
                             .seed = c->args->seed };
    int32_t threads = c->b.total > 0 ? drive_threads(c->k, c->args) : 1;
    gufunc_plan_parts(&(gufunc_plan){ c->k, &all, c->uniforms, threads }, &r->parts);
    if (r->parts.threads > 1 &&
        r->parts.threads > (r->n < c->b.total / each ? r->n : c->b.total / each))
        r->n = 1;
    else
        r->parts.threads = 1;
}

static void plan_room(const gufunc_call *c, room *r)
{
    choose_workers(c, r);
    r->each = capped_sum(rounded_up(c->buffer_bytes), rounded_up(c->workspace_bytes));
    r->each = capped_sum(r->each, capped_product(r->parts.threads - 1, r->parts.own_bytes));
    r->each = capped_sum(r->each, ALIGN);
    r->head = capped_sum(rounded_up((int64_t)r->n * (int64_t)sizeof(worker)), c->panel_bytes);
    r->bytes = (size_t)capped_sum(capped_product(r->n, r->each), r->head + ALIGN);
}

static bool run_in(gufunc_call *c, const room *r, char *memory, diag *d)
{
    char *start = memory + (ALIGN - (uintptr_t)memory % ALIGN) % ALIGN;
    worker *workers = (worker *)(void *)start;
    for (int32_t i = 0; i < r->n; i++)
        workers[i] = (worker){ .c = c,
                               .space = start + r->head + i * r->each,
                               .parts = r->parts.threads > 1 ? &r->parts : NULL };
    gufunc_pack_panels(c, start + r->head - c->panel_bytes);
    return run_crew(c, workers, r->n, d);
}

/* On the stack, in the caller's workspace, or in memory of the call. */
static bool run_workers(gufunc_call *c, diag *d)
{
    _Alignas(ALIGN) char small[GUFUNC_STACK];
    const jit_allocator *a = &c->k->context->allocator;
    room r;
    plan_room(c, &r);
    if (r.bytes <= sizeof small)
        return run_in(c, &r, small, d);
    if (c->args->workspace && r.bytes < (size_t)TOO_MUCH && r.bytes <= c->args->workspace_bytes)
        return run_in(c, &r, c->args->workspace, d);
    char *memory = r.bytes < (size_t)TOO_MUCH ? memory_resize(a, NULL, 0, r.bytes) : NULL;
    if (!memory) {
        diag_no_memory(d);
        return false;
    }
    bool ok = run_in(c, &r, memory, d);
    memory_resize(a, memory, r.bytes, 0);
    return ok;
}

static bool lay_out(gufunc_call *c, diag *d)
{
    for (int32_t i = 0; i < gufunc_n_operands(c); i++)
        set_operand(c, i);
    set_batch(c);
    if (c->b.total > 0)
        set_buffers(c);
    gufunc_plan_panels(c);
    if (!workspace_bytes(&c->f->workspace, &(graph_known){ c->dims, c->uniforms }, c->b.total,
                         &c->workspace_bytes)) {
        diag_no_memory(d);
        return false;
    }
    return true;
}

/* Results without elements need no run, however many samples they have. */
static bool has_work(const gufunc_call *c)
{
    int64_t bytes = 0;
    for (int32_t i = c->k->n_in; i < gufunc_n_operands(c); i++)
        bytes |= c->op[i].bytes;
    return bytes != 0 && c->b.total > 0;
}

bool gufunc_run(const jit_kernel *k, jit_args *args, diag *d)
{
    gufunc_call c;
    args->flags = 0;
    bool ok =
        gufunc_bind(&c, k, args, d) && lay_out(&c, d) && (!has_work(&c) || run_workers(&c, d));
    gufunc_unbind(&c);
    return ok;
}

bool gufunc_room(const jit_kernel *k, jit_args *args, size_t *bytes, diag *d)
{
    gufunc_call c;
    jit_array out[JIT_MAX_OPERANDS];
    jit_args like = *args;
    for (int32_t i = 0; i < k->n_out; i++)
        out[i] = args->out[i];
    like.out = out;
    if (!gufunc_find(&c, k, &like, d))
        return false;
    for (int32_t i = 0; i < k->n_out; i++)
        if (array_to_be_made(&out[i]) && !gufunc_output_shape(&c, i, &out[i], d))
            return false;
    if (!lay_out(&c, d))
        return false;
    room r;
    plan_room(&c, &r);
    *bytes = !has_work(&c) || r.bytes <= GUFUNC_STACK ? 0 : r.bytes;
    return true;
}

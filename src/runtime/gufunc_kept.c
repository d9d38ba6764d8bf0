/* See gufunc_kept.h. */
#include "gufunc_kept.h"

#include "call.h"
#include "drive.h"
#include "fpmode.h"
#include "gufunc_eval.h"
#include "gufunc_panels.h"
#include "gufunc_parts.h"
#include "interpret.h"
#include "panel.h"
#include "uniform.h"

enum { ALIGN = 64 };

typedef struct kept_plan {
    arena *ar; /* of all that does not grow */
    int64_t dims[DIMS_MOST];
    int64_t *extents, *row_step;
    cell *slots; /* of extents */
    char **run;  /* data, or its panels */
    uint8_t *panels;
    int64_t panel_bytes, code_bytes;
    gufunc_parts parts;
    char *memory; /* panels, then the code's workspace */
    size_t memory_bytes;
    bool uniforms_matter;  /* to extents: they are found again in each run */
    const uint64_t *given; /* cells of the uniforms, */
    uint64_t cells[MAX_UNIFORMS];
    cell uniforms[MAX_UNIFORMS];
    kernel_fault fault;
    dims_fault wrong;
    eval_operand *operand; /* of the interpreter; NULL: there is code */
    int64_t (*stride)[GRAPH_MAX_RANK];
} kept_plan;

static int32_t count_operands(const jit_kernel *k)
{
    return k->n_in + k->n_out;
}

/* -------------------------------------------------------------------------- making */

static bool make_tables(gufunc_kept *c)
{
    kept_plan *p = c->plan;
    const dims_plan *dims = &c->k->gufunc->dims;
    size_t n = (size_t)count_operands(c->k) + 1;
    p->ar = arena_new(&c->k->context->allocator, 0);
    if (!p->ar)
        return false;
    p->extents = arena_alloc(p->ar, ((size_t)dims->extents.n_roots + 1) * sizeof *p->extents);
    p->slots = arena_alloc(p->ar, ((size_t)dims->extents.n_steps + 1) * sizeof *p->slots);
    p->row_step = arena_alloc(p->ar, n * sizeof *p->row_step);
    p->run = arena_alloc(p->ar, n * sizeof *p->run);
    c->data = arena_alloc(p->ar, n * sizeof *c->data);
    p->panels = arena_alloc(p->ar, n);
    if (c->k->plan) {
        p->operand = arena_alloc(p->ar, n * sizeof *p->operand);
        p->stride = arena_alloc(p->ar, n * sizeof *p->stride);
    }
    return !arena_failed(p->ar);
}

gufunc_kept *gufunc_kept_new(jit_kernel *k, int32_t threads, diag *d)
{
    jit_context *context = k->context;
    gufunc_kept *c = context_alloc(context, sizeof *c);
    kept_plan *p = context_alloc(context, sizeof *p);
    if (c)
        *c = (gufunc_kept){ .k = k, .plan = p };
    if (c && p && make_tables(c)) {
        c->threads = drive_threads(k, &(jit_args){ .threads = threads });
        return c;
    }
    diag_no_memory(d);
    if (c) {
        gufunc_kept_free(c);
        return NULL;
    }
    context_release(context, p, sizeof *p);
    kernel_destroy(k);
    return NULL;
}

void gufunc_kept_free(gufunc_kept *c)
{
    if (!c)
        return;
    jit_context *context = c->k->context;
    context->references++;
    if (c->plan) {
        arena_free(c->plan->ar);
        context_release(context, c->plan->memory, c->plan->memory_bytes);
        context_release(context, c->plan, sizeof *c->plan);
    }
    kernel_destroy(c->k);
    context_release(context, c, sizeof *c);
    context_give(context);
}

/* -------------------------------------------------------------------------- dimensions */

const int64_t *gufunc_kept_extents(const gufunc_kept *c, int32_t i)
{
    return c->plan->extents + c->k->gufunc->dims.first[i];
}

static int64_t operand_bytes(const gufunc_kept *c, int32_t i)
{
    int64_t bytes = c->k->size[i];
    for (int32_t axis = 0; axis < c->k->gufunc->dims.rank[i]; axis++)
        bytes *= gufunc_kept_extents(c, i)[axis];
    return bytes;
}

/* How often an element of a matrix is read, if a result has as many columns. */
static int64_t reuse_of(const gufunc_kept *c, int64_t columns)
{
    const jit_kernel *k = c->k;
    int64_t most = 1;
    for (int32_t i = k->n_in; i < count_operands(k); i++) {
        int32_t rank = k->gufunc->dims.rank[i];
        if (rank == 0 || gufunc_kept_extents(c, i)[rank - 1] != columns)
            continue;
        int64_t rows = operand_bytes(c, i) / k->size[i] / columns;
        most = rows > most ? rows : most;
    }
    return most;
}

static panel_shape panel_of(const gufunc_kept *c, int32_t i)
{
    const int64_t *extent = gufunc_kept_extents(c, i);
    return (panel_shape){ .rows = extent[0],
                          .columns = extent[1],
                          .width = -c->k->gufunc->panel[i],
                          .size = c->k->size[i] };
}

/* Of matrix i, rounded up; 0: it is read as it lies. */
static int64_t panel_room(const gufunc_kept *c, int32_t i)
{
    size_t bytes;
    if (c->k->gufunc->panel[i] >= 0 || operand_bytes(c, i) < PANEL_LARGE)
        return 0;
    panel_shape s = panel_of(c, i);
    if (!gufunc_panels_pay(operand_bytes(c, i), reuse_of(c, s.columns)) ||
        !panel_bytes(&s, &bytes) || bytes > (size_t)INT64_MAX / 4)
        return 0;
    return (int64_t)((bytes + PANEL_ALIGN - 1) & -(size_t)PANEL_ALIGN);
}

static void plan_panels(gufunc_kept *c)
{
    kept_plan *p = c->plan;
    p->panel_bytes = 0;
    for (int32_t i = 0; c->k->gufunc->panel && i < c->k->n_in; i++) {
        int64_t bytes = panel_room(c, i);
        p->panels[i] = bytes > 0;
        p->panel_bytes += bytes;
    }
}

static void set_strides(const gufunc_kept *c)
{
    for (int32_t i = 0; c->plan->operand && i < count_operands(c->k); i++) {
        int64_t step = c->k->size[i];
        for (int32_t axis = c->k->gufunc->dims.rank[i] - 1; axis >= 0; axis--) {
            c->plan->stride[i][axis] = step;
            step *= gufunc_kept_extents(c, i)[axis];
        }
        c->plan->operand[i].stride = c->plan->stride[i];
    }
}

static void set_call(const gufunc_kept *c, array_call *call)
{
    kept_plan *p = c->plan;
    *call = (array_call){ .rows = 1,
                          .row_step = p->row_step,
                          .dim = p->dims,
                          .panels = p->panels,
                          .uniform = p->given ? p->given : p->cells,
                          .index_step = 1,
                          .fuel = c->k->fuel,
                          .cancel = &drive_never_cancelled,
                          .fault = &p->fault,
                          .part = &gufunc_whole,
                          .product = c->k->gufunc->product,
                          .product_context = &c->k->gufunc->rule };
}

/* Grows only. */
static bool have_memory(gufunc_kept *c, diag *d)
{
    kept_plan *p = c->plan;
    jit_context *context = c->k->context;
    size_t own = (size_t)(p->parts.threads - 1) * (size_t)p->parts.own_bytes;
    size_t wanted = (size_t)p->panel_bytes + (size_t)p->code_bytes + own + 2 * ALIGN;
    c->workspace_bytes = p->memory_bytes;
    if (wanted <= p->memory_bytes)
        return true;
    char *memory = context_alloc(context, wanted);
    if (!memory) {
        diag_no_memory(d);
        return false;
    }
    context_release(context, p->memory, p->memory_bytes);
    p->memory = memory;
    c->workspace_bytes = p->memory_bytes = wanted;
    return true;
}

/* Of the extents that are known now. */
static bool plan_run(gufunc_kept *c, const cell *uniforms, diag *d)
{
    kept_plan *p = c->plan;
    array_call call;
    const graph_known known = { p->dims, uniforms };
    set_strides(c);
    p->parts = (gufunc_parts){ .threads = 1 };
    p->code_bytes = p->panel_bytes = 0;
    if (c->k->plan)
        return have_memory(c, d);
    plan_panels(c);
    if (!workspace_bytes(&c->k->gufunc->workspace, &known, 1, &p->code_bytes)) {
        diag_no_memory(d);
        return false;
    }
    set_call(c, &call);
    call.data = c->data;
    gufunc_plan_parts(&(gufunc_plan){ c->k, &call, uniforms, c->threads }, &p->parts);
    return have_memory(c, d);
}

static bool find_extents(gufunc_kept *c, const cell *uniforms)
{
    kept_plan *p = c->plan;
    const graph_known known = { p->dims, uniforms };
    p->wrong = dims_given(&c->k->gufunc->dims, &known, p->slots, p->extents);
    return p->wrong.kind == DIMS_FINE;
}

static void report_extents(const gufunc_kept *c, diag *d)
{
    const dims_fault *at = &c->plan->wrong;
    if (at->kind == DIMS_OUT_OF_RANGE)
        gufunc_report_range(c->k->gufunc, at->site, at->have, at->want, d);
    else
        diag_plain(d, DIAG_dim_value, "an extent of %s would be too large", c->k->name);
}

bool gufunc_kept_resize(gufunc_kept *c, int64_t dim, diag *d)
{
    kept_plan *p = c->plan;
    for (int32_t i = 0; i < c->k->gufunc->dims.n_dims; i++)
        p->dims[i] = dim;
    p->uniforms_matter = !find_extents(c, NULL) && p->wrong.kind == DIMS_TOO_LARGE;
    if (p->uniforms_matter)
        return true;
    if (p->wrong.kind == DIMS_FINE)
        return plan_run(c, NULL, d);
    report_extents(c, d);
    return false;
}

/* -------------------------------------------------------------------------- running */

static uint32_t interpret(gufunc_kept *c, uint64_t seed)
{
    kept_plan *p = c->plan;
    eval_array_call e = { .in = p->operand,
                          .out = p->operand + c->k->n_in,
                          .uniform = p->uniforms,
                          .dim = p->dims,
                          .seed = seed,
                          .fuel = c->k->fuel == INT64_MAX ? -1 : c->k->fuel,
                          .cancel = &drive_never_cancelled };
    for (int32_t i = 0; i < count_operands(c->k); i++)
        p->operand[i].data = c->data[i];
    jit_status status = eval_array_run(c->k->plan, &e);
    if (status == JIT_ERR_INDEX)
        p->fault = (kernel_fault){ e.fault.site, e.fault.value, e.fault.extent };
    return gufunc_flag_of(status);
}

static void pack_panels(gufunc_kept *c, char *memory)
{
    kept_plan *p = c->plan;
    for (int32_t i = 0; i < count_operands(c->k); i++) {
        p->run[i] = c->data[i];
        if (i >= c->k->n_in || !p->panels[i])
            continue;
        panel_shape s = panel_of(c, i);
        panel_pack(&s, memory, c->data[i]);
        p->run[i] = memory;
        memory += panel_room(c, i);
    }
}

static uint32_t enter(gufunc_kept *c, uint64_t seed)
{
    kept_plan *p = c->plan;
    array_call call;
    char *memory = p->memory + (ALIGN - (uintptr_t)p->memory % ALIGN) % ALIGN;
    set_call(c, &call);
    call.seed = seed;
    call.data = c->data;
    call.workspace = memory + p->panel_bytes;
    if (p->panel_bytes > 0) {
        pack_panels(c, memory);
        call.data = p->run;
    }
    fpmode saved = fpmode_enter(c->k->ftz);
    uint32_t flags = p->parts.threads > 1 ? gufunc_run_parts(c->k, &p->parts, &call)
                                          : c->k->gufunc->entry(&call);
    fpmode_leave(saved);
    return flags;
}

/* KERNEL_BROKEN here: these uniforms, or the extents that they give. */
uint32_t gufunc_kept_run(gufunc_kept *c, const kept_values *v)
{
    kept_plan *p = c->plan;
    const jit_kernel *k = c->k;
    diag quiet;
    const jit_args args = { .uniform = v->uniform, .n_uniform = k->n_uniform };
    p->given = uniform_cells(k, &args, p->cells, NULL);
    if (!p->given)
        return KERNEL_BROKEN;
    if (k->plan || p->uniforms_matter)
        uniform_decode(k, p->given, p->uniforms);
    if (p->uniforms_matter) {
        diag_init(&quiet, NULL, NULL);
        if (!find_extents(c, p->uniforms) || !plan_run(c, p->uniforms, &quiet))
            return p->wrong.kind == DIMS_FINE ? KERNEL_NO_MEMORY : KERNEL_BROKEN;
    }
    uint32_t flags = k->plan ? interpret(c, v->seed) : enter(c, v->seed);
    return flags & ~(uint32_t)(KERNEL_OUT_OF_FUEL - 1);
}

void gufunc_kept_explain(const gufunc_kept *c, const kept_values *v, uint32_t flags, diag *d)
{
    uint64_t unused[MAX_UNIFORMS];
    const kernel_fault *at = &c->plan->fault;
    jit_args args = { .uniform = v->uniform, .n_uniform = c->k->n_uniform };
    if (c->plan->wrong.kind != DIMS_FINE)
        report_extents(c, d);
    else if (!uniform_cells(c->k, &args, unused, d))
        return;
    else if ((flags & KERNEL_OUT_OF_RANGE) && !(flags & KERNEL_NO_MEMORY))
        gufunc_report_range(c->k->gufunc, at->site, at->value, at->extent, d);
    else
        (void)call_finish(c->k, &args, flags, d);
}

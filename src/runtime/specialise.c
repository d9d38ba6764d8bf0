/* One compile:
 *
 *   request -resolve-> specialisation -pipeline-> graph -codegen-> object -link-> kernel
 *
 * The program is used under the module's lock; code generation and what follows are not, so
 * that different functions compile side by side. */
#include "specialise.h"

#include <string.h>

#include "constants.h"
#include "gufunc.h"
#include "rounds.h"

typedef struct compile {
    jit_module *m;
    arena *ar; /* of this compile only */
    diag *d;
    resolved r;
    graph *g;
    codegen_plan plan;
    double lower_ms, codegen_ms, link_ms;
    codegen_object object;
} compile;

/* ---------------------------------------------------------------- what codegen is told */

static bool all_given(const uniform_default *u, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!u[i].given)
            return false;
    return true;
}

/* Arguments and the one result all f32, or all f64. */
static bool scalar_types(const graph *g)
{
    if (g->n_outputs != 1)
        return false;
    jit_dtype t = graph_dtype(g, g->outputs[0].value);
    for (int32_t i = 0; i < g->n_inputs; i++)
        if (g->inputs[i].dtype != t)
            return false;
    return t == JIT_F32 || t == JIT_F64;
}

bool specialise_plan(codegen_plan *plan, jit_module *m, graph *g, const resolved *r, diag *d)
{
    if (r->params)
        constants_mark(g, r->spec.n_in);
    size_t n = (size_t)g->n_uniforms;
    plan->defaults = arena_alloc(g->ar, (n + 1) * sizeof *plan->defaults);
    cell *cells = arena_alloc(g->ar, (n + 1) * sizeof *cells);
    if (!plan->defaults || !cells) {
        diag_no_memory(d);
        return false;
    }
    if (!lower_defaults(m->program, r->fn, plan->defaults, g->n_uniforms, g->ar, d))
        return false;
    for (size_t i = 0; i < n; i++)
        cells[i] = plan->defaults[i].value;
    bool raw = all_given(plan->defaults, g->n_uniforms) && !graph_has_arrays(g);
    plan->options = (codegen_options){
        .target = &m->context->target,
        .allocator = &m->context->allocator,
        .entry_loop = raw && (r->entries & JIT_ENTRY_LOOP),
        .entry_scalar = raw && (r->entries & JIT_ENTRY_SCALAR) && scalar_types(g),
        .defaults = cells,
        .whole = r->alone,
        .samples = r->one ? SAMPLES_ONE : SAMPLES_CHOOSE,
        .large = r->kept,
        .over = r->over,
        .spare = &m->context->spare,
    };
    return true;
}

/* ---------------------------------------------------------------- the kernel's own copies */

static bool has_long_loop(const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++)
        if (graph_node(g, n)->op == OP_loop && rounds_at_most(g, n) == 0)
            return true;
    return false;
}

static bool has_op(const graph *g, op wanted)
{
    for (node i = 1; i < g->n_nodes; i++)
        if (graph_node(g, i)->op == wanted)
            return true;
    return false;
}

static bool copy_names(jit_kernel *k, const graph *g)
{
    const char **names = arena_alloc(k->ar, (size_t)(k->n_in + k->n_out) * sizeof *names);
    k->name = arena_text(k->ar, g->name, strlen(g->name));
    for (int32_t i = 0; names && i < k->n_in + k->n_out; i++) {
        const char *name = i < k->n_in ? g->inputs[i].name : g->outputs[i - k->n_in].name;
        names[i] = arena_text(k->ar, name ? name : "", name ? strlen(name) : 0);
    }
    k->operand_name = names;
    return names && k->name;
}

static bool copy_uniforms(jit_kernel *k, const graph *g, const uniform_default *from)
{
    size_t n = (size_t)k->n_uniform;
    kernel_uniform *u = arena_alloc(k->ar, (n + 1) * sizeof *u);
    uint64_t *cells = arena_alloc(k->ar, (n + 1) * sizeof *cells);
    if (!u || !cells)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *name = g->uniforms[i].name ? g->uniforms[i].name : "";
        u[i] = (kernel_uniform){ .name = arena_text(k->ar, name, strlen(name)),
                                 .dtype = g->uniforms[i].dtype,
                                 .has_default = from[i].given };
        if (from[i].given)
            cells[i] = kernel_cell(u[i].dtype, from[i].value);
    }
    k->uniform = u;
    k->defaults = cells;
    k->all_defaults = all_given(from, k->n_uniform);
    return !arena_failed(k->ar);
}

static void describe_type(jit_kernel_info *info, const jit_kernel *k, int32_t i, jit_dtype t)
{
    int32_t output = i - k->n_in;
    if (output >= 0 && output < JIT_MAX_OPERANDS)
        info->out_dtype[output] = t;
    else if (i < info->n_in && i < JIT_MAX_OPERANDS) /* what follows are parameters */
        info->in_dtype[i] = t;
}

static bool copy_types(jit_kernel *k, const graph *g)
{
    size_t n = (size_t)(k->n_in + k->n_out);
    uint8_t *dtype = arena_alloc(k->ar, 2 * n), *size = dtype ? dtype + n : NULL;
    for (int32_t i = 0; dtype && i < k->n_in + k->n_out; i++) {
        jit_dtype t =
            i < k->n_in ? g->inputs[i].dtype : graph_dtype(g, g->outputs[i - k->n_in].value);
        dtype[i] = (uint8_t)t;
        size[i] = (uint8_t)jit_dtype_size(t);
        describe_type(&k->info, k, i, t);
    }
    k->dtype = dtype;
    k->size = size;
    return dtype != NULL;
}

static void set_facts(jit_kernel *k, const compile *c)
{
    const graph *g = c->g;
    const jit_limits *limits = &c->m->context->limits;
    k->n_in = g->n_inputs;
    k->n_out = g->n_outputs;
    k->n_params = c->r.spec.param ? 0 : g->n_inputs - c->r.spec.n_in;
    k->n_uniform = g->n_uniforms;
    k->ftz = g->ftz;
    k->portable = g->portable;
    k->loops = has_long_loop(g);
    k->indexed = has_op(g, OP_index);
    k->fuel = limits->fuel < 0 ? INT64_MAX : limits->fuel;
    k->info = (jit_kernel_info){ .parse_ms = c->m->parse_ms,
                                 .n_in = k->n_in - k->n_params,
                                 .n_out = k->n_out,
                                 .n_uniform = k->n_uniform,
                                 .flops = c->r.flops };
}

static bool count_kernel(jit_context *context, diag *d)
{
    int64_t live = atomic_fetch_add(&context->live_kernels, 1);
    if (live < context->limits.live_kernels)
        return true;
    context->live_kernels--;
    diag_plain(d, DIAG_kernel_limit, "%lld kernels are alive, as many as the limit allows",
               (long long)live);
    return false;
}

/* A kernel that holds what it needs but has no code yet; kernel_destroy frees it. */
static jit_kernel *make_shell(const compile *c)
{
    jit_context *context = c->m->context;
    if (!count_kernel(context, c->d))
        return NULL;
    jit_kernel *k = context_alloc(context, sizeof *k);
    if (!k) {
        context->live_kernels--;
        diag_no_memory(c->d);
        return NULL;
    }
    k->context = context;
    context->references++;
    k->cache = c->m->cache;
    kernel_cache_retain(k->cache);
    atomic_init(&k->references, 1);
    set_facts(k, c);
    k->ar = arena_new(&context->allocator, 0);
    bool room = k->ar && copy_types(k, c->g) && copy_names(k, c->g) &&
                copy_uniforms(k, c->g, c->plan.defaults);
    if (!room)
        diag_no_memory(c->d);
    if (room && graph_has_arrays(c->g))
        k->gufunc = gufunc_make(c->g, c->r.kept, k->ar, c->d);
    if (room && (k->gufunc || !graph_has_arrays(c->g)))
        return k;
    kernel_destroy(k);
    return NULL;
}

void kernel_destroy(jit_kernel *k)
{
    jit_context *context = k->context;
    engine_unlink(context->engine, &k->code);
    if (k->plan)
        eval_free(k->plan);
    constants_free(k);
    arena_free(k->ar);
    kernel_cache_give(k->cache);
    context_release(context, k, sizeof *k);
    context->live_kernels--;
    context_give(context);
}

/* ---------------------------------------------------------------- compiling */

/* LLVM needs room in proportion to the graph: measured 0.2 MB and 6 KB a node. */
static bool reserve_for(const graph *g, diag *d)
{
    enum { BASE = 8 << 20, PER_NODE = 16 << 10 };
    if (memory_reserve((size_t)BASE + (size_t)g->n_nodes * PER_NODE))
        return true;
    diag_no_memory(d);
    return false;
}

/* Before the code, which is made for it. */
static bool decide_products(compile *c, jit_kernel *k)
{
    if (!k->gufunc || c->m->interpret)
        return true;
    products_rule *rule = &k->gufunc->rule;
    if (!products_decide(rule, c->m->context, c->r.blas_from, c->d))
        return false;
    c->plan.options.products = products_any(rule) && !c->g->portable;
    k->gufunc->product = c->plan.options.products ? products_do : NULL;
    return true;
}

static bool generate(compile *c)
{
    double start = module_clock();
    bool ok =
        reserve_for(c->g, c->d) && codegen_compile(c->g, &c->plan.options, &c->object, c->d);
    c->codegen_ms = module_clock() - start;
    return ok;
}

static void dump_code(const compile *c)
{
    static const struct {
        char letter;
        codegen_text_kind kind;
    } stage[] = { { 'n', CODEGEN_NEST }, { 'l', CODEGEN_LLVM }, { 'a', CODEGEN_ASM } };
    const pipeline_dump *dump = &c->m->dump;
    for (size_t i = 0; dump->letters && i < sizeof stage / sizeof stage[0]; i++) {
        if (!strchr(dump->letters, stage[i].letter) || diag_failed(c->d))
            continue;
        char *text = codegen_text(c->g, &c->plan.options, stage[i].kind, c->d);
        if (text)
            dump->write(dump->user, stage[i].letter, c->g->name, text);
    }
}

static bool take_constants(const compile *c, jit_kernel *k)
{
    return !c->r.params || k->n_params == 0 ||
           constants_take(k, c->r.params, c->object.panel, c->d);
}

/* An interpreter is done with small work before code for it is made. */
static bool is_small(const compile *c)
{
    enum { WORK = 300000, /* operations */ ROUND = 16 };
    const graph *g = c->g;
    const node *owner = c->r.once ? graph_owners(g) : NULL;
    int64_t work = g->n_nodes;
    for (node n = 1; owner && n < g->n_nodes; n++) {
        int32_t o = graph_node(g, n)->op;
        if (o == OP_fold || (o == OP_loop && !rounds_are_free(g, owner, n)))
            return false;
        work += o == OP_loop ? ROUND * rounds_at_most(g, n) : 0;
    }
    return owner && c->r.elements < WORK / work;
}

static bool add_code(compile *c, jit_kernel *k)
{
    if (c->m->interpret || is_small(c)) {
        k->plan = eval_prepare(&k->context->allocator, c->g);
        if (!k->plan)
            diag_no_memory(c->d);
        return k->plan && take_constants(c, k);
    }
    if (!decide_products(c, k))
        return false;
    dump_code(c);
    if (diag_failed(c->d) || !generate(c))
        return false;
    double start = module_clock();
    bool ok = engine_link(k->context->engine, c->object.bytes, c->object.size, &k->code, c->d);
    c->link_ms = module_clock() - start;
    k->block = k->code.block;
    k->shape = c->object.shape;
    if (ok && k->gufunc && !gufunc_set_code(k->gufunc, k->block, &c->object, c->g, k->ar)) {
        diag_no_memory(c->d);
        ok = false;
    }
    ok = ok && take_constants(c, k);
    k->info.vector_lanes = c->object.vector_lanes;
    k->info.interleave = c->object.interleave;
    k->info.code_bytes = (int64_t)k->code.bytes;
    codegen_free(&c->plan.options, &c->object);
    return ok;
}

static bool lower(compile *c)
{
    jit_module *m = c->m;
    pipeline_end end = m->interpret == INTERPRET_LOWERED ? PIPELINE_SSA : PIPELINE_MATH;
    double start = module_clock();
    pthread_mutex_lock(&m->lock);
    c->g = pipeline_run(m->program, &c->r.spec, end, &m->dump, c->ar, c->d);
    bool ok = c->g && specialise_plan(&c->plan, m, c->g, &c->r, c->d);
    pthread_mutex_unlock(&m->lock);
    c->lower_ms += module_clock() - start;
    return ok;
}

static jit_kernel *build(compile *c)
{
    jit_kernel *k = lower(c) ? make_shell(c) : NULL;
    if (!k)
        return NULL;
    if (!add_code(c, k)) {
        kernel_destroy(k);
        return NULL;
    }
    k->info.lower_ms = c->lower_ms;
    k->info.codegen_ms = c->codegen_ms;
    k->info.link_ms = c->link_ms;
    return k;
}

/* ---------------------------------------------------------------- finding */

static bool resolve(compile *c, const request *r)
{
    double start = module_clock();
    pthread_mutex_lock(&c->m->lock);
    bool ok = request_resolve(&c->r, c->m, r, c->ar, c->d);
    pthread_mutex_unlock(&c->m->lock);
    c->lower_ms = module_clock() - start;
    return ok;
}

jit_kernel *specialise_resolved(jit_module *m, const resolved *r, diag *d)
{
    compile c = { .m = m, .d = d, .r = *r };
    c.ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    const source *before = d->src;
    d->memory = c.ar;
    jit_kernel *k = c.ar ? build(&c) : NULL;
    if (!c.ar)
        diag_no_memory(d);
    d->memory = NULL;
    d->src = before;
    arena_free(c.ar);
    return k;
}

/* A request that left result types open is the same kernel as the one that names them. */
static jit_kernel *build_named(compile *c, const request *open)
{
    request named = *open;
    unsigned char buffer[KEY_BUFFER];
    named.types.n_out = c->r.spec.n_out;
    memcpy(named.types.out, c->r.spec.out, (size_t)named.types.n_out * sizeof(jit_dtype));
    kernel_key key = request_key(&named, buffer, &c->ar, &c->m->context->allocator);
    bool must_make = false;
    jit_kernel *k = key.bytes ? kernel_cache_get(c->m->cache, key, &must_make) : NULL;
    if (must_make) {
        k = build(c);
        kernel_cache_made(c->m->cache, key, k);
    } else if (!k) {
        diag_no_memory(c->d);
    }
    return k;
}

static jit_kernel *make(jit_module *m, const request *r, diag *d)
{
    compile c = { .m = m, .d = d };
    c.ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    if (!c.ar) {
        diag_no_memory(d);
        return NULL;
    }
    const source *before = d->src;
    jit_kernel *k = NULL;
    d->memory = c.ar;
    if (resolve(&c, r))
        k = c.r.open && !r->params ? build_named(&c, r) : build(&c);
    d->memory = NULL;
    d->src = before;
    arena_free(c.ar);
    return k;
}

jit_kernel *specialise(jit_module *m, const request *r, diag *d)
{
    if (r->params)
        return make(m, r, d);
    unsigned char buffer[KEY_BUFFER];
    arena *ar = NULL;
    kernel_key key = request_key(r, buffer, &ar, &m->context->allocator);
    bool must_make = false;
    jit_kernel *k = key.bytes ? kernel_cache_get(m->cache, key, &must_make) : NULL;
    if (must_make) {
        k = make(m, r, d);
        kernel_cache_made(m->cache, key, k);
    } else if (!k) {
        diag_no_memory(d);
    }
    arena_free(ar);
    return k;
}

/* ---------------------------------------------------------------- kept by the module */

jit_kernel *specialise_find_kept(jit_module *m, const request *r)
{
    unsigned char buffer[KEY_BUFFER];
    arena *ar = NULL;
    kernel_key key = request_key(r, buffer, &ar, &m->context->allocator);
    jit_kernel *k = key.bytes ? kernel_cache_find_pinned(m->cache, key) : NULL;
    arena_free(ar);
    return k;
}

jit_kernel *specialise_kept(jit_module *m, const request *r, diag *d)
{
    jit_kernel *k = specialise_find_kept(m, r);
    if (k)
        return k;
    k = specialise(m, r, d);
    if (k)
        kernel_cache_pin(m->cache, k);
    return k;
}

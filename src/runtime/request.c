/* Requests for kernels, checked against the program. */
#include "request.h"

#include <stdio.h>
#include <string.h>

#include "constants.h"
#include "dims.h"
#include "flops.h"

/* ---------------------------------------------------------------- reading */

const ast_fn *request_function(jit_module *m, const char *name, diag *d)
{
    const ast_fn *fn = program_load(m->program, name, d);
    if (fn || diag_failed(d))
        return fn;
    diag_plain(d, DIAG_no_such_function, "there is no function '%.60s'", name);
    int32_t n;
    const char *const *names = program_names(m->program, &n);
    const char *near = names ? diag_nearest(name, names, n) : NULL;
    if (near)
        diag_hint(d, "did you mean '%s'?", near);
    return NULL;
}

const ast_param *request_input(const ast_fn *fn, int32_t i)
{
    if (i < fn->n_args)
        return &fn->args[i];
    i -= fn->n_args;
    for (int32_t u = 0; u < fn->n_uniforms; u++)
        if (fn->uniforms[u].type.n_dims > 0 && i-- == 0)
            return &fn->uniforms[u];
    return NULL;
}

int32_t request_count_inputs(const ast_fn *fn)
{
    int32_t n = fn->n_args;
    while (request_input(fn, n))
        n++;
    return n;
}

/* The last ones may be left to their defaults. */
static bool check_arity(const ast_fn *fn, int32_t n_in, diag *d)
{
    int32_t n = request_count_inputs(fn), least = n;
    while (least > 0 && request_input(fn, least - 1)->value)
        least--;
    if (n_in >= least && n_in <= n)
        return true;
    if (least < n)
        diag_plain(d, DIAG_operand_count, "%s has %d to %d arguments, not %d", fn->name,
                   (int)least, (int)n, (int)n_in);
    else
        diag_plain(d, DIAG_operand_count, "%s has %d argument%s, not %d", fn->name, (int)n,
                   n == 1 ? "" : "s", (int)n_in);
    return false;
}

static bool check_size(const ast_fn *fn, diag *d)
{
    if (request_count_inputs(fn) <= JIT_MAX_OPERANDS && fn->n_results <= JIT_MAX_OPERANDS &&
        fn->n_uniforms <= MAX_UNIFORMS)
        return true;
    diag_plain(d, DIAG_too_many_operands,
               "%s has %d arguments, %d uniforms and %d results: called from C it may have %d, "
               "%d and %d",
               fn->name, (int)fn->n_args, (int)fn->n_uniforms, (int)fn->n_results,
               JIT_MAX_OPERANDS, MAX_UNIFORMS, JIT_MAX_OPERANDS);
    return false;
}

static bool declared_types(signature_types *s, jit_module *m, const char *name, diag *d)
{
    *s = (signature_types){ 0 };
    pthread_mutex_lock(&m->lock);
    const ast_fn *fn = request_function(m, name, d);
    bool ok = fn && check_size(fn, d);
    for (int32_t i = 0; ok && i < request_count_inputs(fn); i++) {
        jit_dtype t = request_input(fn, i)->type.scalar;
        s->in[s->n_in++] = t == JIT_NONE ? JIT_F32 : t;
    }
    pthread_mutex_unlock(&m->lock);
    return ok;
}

static bool check_weights(const jit_prepare_options *o, diag *d)
{
    if (o->weights != JIT_NONE && o->weights != JIT_BF16) {
        const char *name = jit_dtype_name(o->weights);
        diag_plain(d, DIAG_option_value, "jit_prepare_options.weights is %s (%d)", name,
                   (int)o->weights);
        diag_hint(d, "0 or JIT_BF16");
        return false;
    }
    if (o->weights == JIT_NONE || o->params)
        return true;
    diag_plain(d, DIAG_option_value, "jit_prepare_options.weights is %s, and params is null",
               jit_dtype_name(o->weights));
    return false;
}

static bool check_blas_from(const jit_prepare_options *o, diag *d)
{
    if (o->blas_from >= 0 || o->blas_from == JIT_BLAS_MEASURED)
        return true;
    diag_plain(d, DIAG_option_value, "jit_prepare_options.blas_from is %g", o->blas_from);
    diag_hint(d, "a number of operations, JIT_BLAS_MEASURED, or 0 for compiled products");
    return false;
}

bool request_read(request *r, jit_module *m, const char *name, const char *text,
                  const jit_prepare_options *options, diag *d)
{
    jit_prepare_options o;
    *r = (request){ .name = name };
    if (!m || !name) {
        diag_plain(d, DIAG_null_argument, "the %s is null", m ? "name" : "module");
        return false;
    }
    if (!options_read(&o, sizeof o, options, d))
        return false;
    if (o.n_statics < 0 || (o.n_statics > 0 && !o.statics) || o.n_statics > MAX_UNIFORMS) {
        diag_plain(d, DIAG_option_value, "jit_prepare_options.n_statics is %d",
                   (int)o.n_statics);
        return false;
    }
    if (o.entries & ~(JIT_ENTRY_LOOP | JIT_ENTRY_SCALAR)) {
        diag_plain(d, DIAG_option_value, "jit_prepare_options.entries is %d", (int)o.entries);
        return false;
    }
    if (!check_weights(&o, d) || !check_blas_from(&o, d))
        return false;
    r->statics = o.statics;
    r->n_statics = o.n_statics;
    r->entries = o.entries;
    r->params = o.params;
    r->weights = o.weights;
    r->blas_from = o.blas_from;
    return text ? signature_parse(&r->types, text, d) : declared_types(&r->types, m, name, d);
}

/* ---------------------------------------------------------------- keys */

typedef struct writer {
    unsigned char *at; /* NULL: counts only */
    size_t size;
} writer;

static void put(writer *w, const void *bytes, size_t n)
{
    if (w->at && n > 0)
        memcpy(w->at + w->size, bytes, n);
    w->size += n;
}

static void put_types(writer *w, const jit_dtype *types, int32_t n)
{
    unsigned char count = (unsigned char)n;
    put(w, &count, 1);
    for (int32_t i = 0; i < n; i++) {
        unsigned char t = (unsigned char)types[i];
        put(w, &t, 1);
    }
}

static void put_dims(writer *w, const signature_types *s)
{
    for (int32_t i = 0; i < 2 * JIT_MAX_OPERANDS; i++) {
        bool there = i < JIT_MAX_OPERANDS ? i < s->n_in : i - JIT_MAX_OPERANDS < s->n_out;
        if (!there)
            continue;
        put(w, &s->rank[i], 1);
        put(w, s->extent[i], (size_t)s->rank[i] * sizeof s->extent[i][0]);
    }
}

static void put_text(writer *w, const char *text)
{
    put(w, text ? text : "", strlen(text ? text : "") + 1);
}

static void put_request(writer *w, const request *r)
{
    unsigned char entries = (unsigned char)r->entries;
    put_text(w, r->name);
    put(w, &entries, 1);
    put(w, &r->shared, sizeof r->shared);
    put(w, &r->blas_from, sizeof r->blas_from);
    put_types(w, r->types.in, r->types.n_in);
    put_types(w, r->types.out, r->types.n_out);
    if (r->types.has_dims)
        put_dims(w, &r->types);
    for (int32_t i = 0; i < r->n_statics; i++) {
        put_text(w, r->statics[i].name);
        put_text(w, r->statics[i].function);
        put(w, &r->statics[i].dim, sizeof r->statics[i].dim);
    }
}

kernel_key request_key(const request *r, unsigned char *buffer, arena **ar,
                       const jit_allocator *a)
{
    writer w = { NULL, 0 };
    put_request(&w, r);
    w.at = buffer;
    if (w.size > KEY_BUFFER) {
        if (!*ar)
            *ar = arena_new(a, 0);
        w.at = *ar ? arena_alloc(*ar, w.size) : NULL;
    }
    kernel_key key = { w.at, w.size };
    w.size = 0;
    if (w.at)
        put_request(&w, r);
    return key;
}

/* ---------------------------------------------------------------- checks */

static bool check_inputs(const ast_fn *fn, const signature_types *s, diag *d)
{
    for (int32_t i = 0; i < s->n_in; i++) {
        jit_dtype declared = request_input(fn, i)->type.scalar, given = s->in[i];
        if (declared == JIT_NONE || type_casts_safely(given, declared))
            continue;
        diag_plain(d, DIAG_input_type,
                   "argument '%s' of %s is %s: %s does not cast to it safely",
                   request_input(fn, i)->name, fn->name, jit_dtype_name(declared),
                   jit_dtype_name(given));
        return false;
    }
    return true;
}

static const ast_param *find_uniform(const ast_fn *fn, const char *name)
{
    for (int32_t i = 0; name && i < fn->n_uniforms; i++)
        if (strcmp(fn->uniforms[i].name, name) == 0)
            return &fn->uniforms[i];
    return NULL;
}

static const jit_static *find_static(const request *r, const char *name)
{
    for (int32_t i = 0; i < r->n_statics; i++)
        if (r->statics[i].name && strcmp(r->statics[i].name, name) == 0)
            return &r->statics[i];
    return NULL;
}

static bool check_given(const ast_fn *fn, const jit_static *s, diag *d)
{
    const ast_param *u = find_uniform(fn, s->name);
    if (!u || !(u->type.is_fn || u->type.is_dim)) {
        diag_plain(d, DIAG_static_value, "%s has no fn or dim argument '%.60s'", fn->name,
                   s->name ? s->name : "");
        return false;
    }
    if (u->type.is_fn == (s->function != NULL))
        return true;
    diag_plain(d, DIAG_static_value, "'%s' of %s is a %s argument", u->name, fn->name,
               u->type.is_fn ? "fn" : "dim");
    return false;
}

static bool check_statics(const ast_fn *fn, const request *r, diag *d)
{
    for (int32_t i = 0; i < r->n_statics; i++)
        if (!check_given(fn, &r->statics[i], d))
            return false;
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        const ast_param *u = &fn->uniforms[i];
        if (!(u->type.is_fn || u->type.is_dim) || u->value || find_static(r, u->name))
            continue;
        diag_plain(d, DIAG_static_value, "%s argument '%s' of %s has no value",
                   u->type.is_fn ? "fn" : "dim", u->name, fn->name);
        diag_hint(d, "give it by jit_prepare_options.statics, or a default in the program");
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- resolving */

static bool copy_statics(resolved *out, const request *r, arena *ar)
{
    static_arg *to = arena_alloc(ar, ((size_t)r->n_statics + 1) * sizeof *to);
    if (!to)
        return false;
    for (int32_t i = 0; i < r->n_statics; i++)
        to[i] = (static_arg){ r->statics[i].name, r->statics[i].function, r->statics[i].dim };
    out->spec.statics = to;
    out->spec.n_statics = r->n_statics;
    return true;
}

static jit_dtype natural_type(const graph *g, int32_t i)
{
    return graph_dtype(g, g->outputs[i].value);
}

static bool check_outputs(const graph *g, const request *r, diag *d)
{
    int32_t params = g->n_inputs - r->types.n_in,
            most = graph_has_arrays(g) ? MAX_PARAMS : JIT_MAX_OPERANDS - r->types.n_in;
    if (params > most) {
        diag_plain(d, DIAG_too_many_operands,
                   "%s has %d parameters: called from C it may have %d", g->name, (int)params,
                   (int)most);
        return false;
    }
    if (g->n_outputs > JIT_MAX_OPERANDS) {
        diag_plain(d, DIAG_too_many_operands, "%s has %d results: called from C it may have %d",
                   g->name, (int)g->n_outputs, JIT_MAX_OPERANDS);
        return false;
    }
    if (r->types.n_out != 0 && r->types.n_out != g->n_outputs) {
        diag_plain(d, DIAG_operand_count, "%s has %d result%s, not %d", g->name,
                   (int)g->n_outputs, g->n_outputs == 1 ? "" : "s", (int)r->types.n_out);
        return false;
    }
    for (int32_t i = 0; i < r->types.n_out; i++) {
        jit_dtype from = natural_type(g, i), to = r->types.out[i];
        if (to == JIT_NONE || from == to || type_casts_same_kind(from, to))
            continue;
        diag_plain(d, DIAG_output_type, "a result of %s is %s: it cannot be stored as %s",
                   g->name, jit_dtype_name(from), jit_dtype_name(to));
        return false;
    }
    return true;
}

/* The core extents of operand i as the signature gives them, -1 where it does not. */
static bool given_extents(const request *r, const dims_plan *p, int32_t i, int64_t *core)
{
    bool input = i < p->n_inputs;
    int32_t at = input ? i : JIT_MAX_OPERANDS + i - p->n_inputs, rank = p->rank[i];
    bool there = input ? i < r->types.n_in : i - p->n_inputs < r->types.n_out;
    int32_t given = there ? r->types.rank[at] : 0;
    for (int32_t k = 0; k < rank; k++)
        core[k] = given < rank ? -1 : r->types.extent[at][given - rank + k];
    return given == 0 || given >= rank;
}

/* "argument 'x'", "result 1" */
enum { OPERAND_WORDS = 96 };
static const char *operand_words(const graph *g, int32_t i, char *text)
{
    bool input = i < g->n_inputs;
    if (input && g->inputs[i].name)
        (void)snprintf(text, OPERAND_WORDS, "argument '%.60s'", g->inputs[i].name);
    else
        (void)snprintf(text, OPERAND_WORDS, "%s %d", input ? "argument" : "result",
                       (int)(input ? i : i - g->n_inputs) + 1);
    return text;
}

static bool check_extents(const request *r, const graph *g, const dims_plan *p,
                          int64_t (*core)[JIT_MAX_RANK], diag *d)
{
    char what[OPERAND_WORDS];
    for (int32_t i = 0; i < p->n_operands; i++) {
        bool input = i < p->n_inputs;
        bool fits = given_extents(r, p, i, core[i]);
        bool batch = input && i < r->types.n_in && r->types.rank[i] > p->rank[i];
        if (fits && !(batch && g->inputs[i].shared))
            continue;
        diag_plain(d, DIAG_core_rank, "%s of %s has %d core dimension%s%s",
                   operand_words(g, i, what), g->name, (int)p->rank[i],
                   p->rank[i] == 1 ? "" : "s", fits ? " and no batch axes" : "");
        return false;
    }
    return true;
}

/* Where the signature gives one argument batch axes and another none, that is the same array for
 * all samples: "f32[B,784], f32[784,128]". */
static uint32_t shared_inputs(const request *r, const dims_plan *p)
{
    uint32_t plain = 0;
    bool batch = false;
    for (int32_t i = 0; i < p->n_inputs && i < r->types.n_in; i++) {
        int32_t given = r->types.rank[i], core = p->rank[i];
        plain |= given > 0 && given == core ? (uint32_t)1 << i : 0;
        batch |= given > core;
    }
    return batch ? plain : 0;
}

/* Dimensions are written, and no argument has any in front of its own. */
static bool is_one_sample(const request *r, const dims_plan *p)
{
    bool array = false;
    for (int32_t i = 0; i < p->n_inputs && i < r->types.n_in; i++) {
        if (r->types.rank[i] != p->rank[i])
            return false;
        array |= p->rank[i] > 0;
    }
    return array;
}

static void report_param(const graph *g, const dims_fault *at, diag *d)
{
    const char *name = g->inputs[at->operand].name;
    if (at->kind == DIMS_DIFFER)
        diag_plain(d, DIAG_param_shape,
                   "axis %d of parameter '%.100s' has %lld elements: %.60s needs %lld",
                   (int)at->axis, name, (long long)at->have, g->name, (long long)at->want);
    else
        diag_plain(d, DIAG_param_shape,
                   "axis %d of parameter '%.100s' of %.60s cannot have %lld elements",
                   (int)at->axis, name, g->name, (long long)at->have);
}

/* The signature's numbers, and parameters that are known, fix dimensions: the kernel is made for
 * them. */
static bool fix_dims(resolved *out, const request *r, const graph *g, arena *ar, diag *d)
{
    dims_plan p;
    int64_t(*core)[JIT_MAX_RANK], *dims;
    const int64_t **rows;
    if ((!r->types.has_dims && !r->params) || !graph_has_arrays(g))
        return true;
    if (!dims_make(&p, g, ar, d))
        return false;
    core = arena_alloc(ar, (size_t)p.n_operands * sizeof *core);
    rows = arena_alloc(ar, (size_t)p.n_operands * sizeof *rows);
    dims = arena_alloc(ar, ((size_t)p.n_dims + 1) * sizeof *dims);
    if (!core || !rows || !dims || !check_extents(r, g, &p, core, d))
        return false;
    if (r->params)
        constants_extents(r->params, g, r->types.n_in, core);
    for (int32_t i = 0; i < p.n_operands; i++)
        rows[i] = core[i];
    dims_fault fault = dims_find_some(&p, rows, dims);
    out->spec.dims = dims;
    out->spec.shared |= shared_inputs(r, &p);
    out->one = is_one_sample(r, &p);
    if (fault.kind == DIMS_FINE)
        return true;
    bool input = fault.operand < p.n_inputs;
    if (input && fault.operand >= r->types.n_in) {
        report_param(g, &fault, d);
        return false;
    }
    char what[OPERAND_WORDS];
    diag_plain(d, DIAG_dim_differs,
               "core axis %d of %s of %s is %lld in the signature: it is %lld", (int)fault.axis,
               operand_words(g, fault.operand, what), g->name, (long long)fault.have,
               (long long)fault.want);
    return false;
}

/* Lowers once for the results' own types. */
static bool resolve_outputs(resolved *out, jit_module *m, const request *r, arena *ar, diag *d)
{
    specialisation natural = out->spec;
    jit_dtype *types = arena_alloc(ar, JIT_MAX_OPERANDS * sizeof *types);
    graph *g = types ? pipeline_run(m->program, &natural, PIPELINE_OPT, NULL, ar, d) : NULL;
    if (!g || !check_outputs(g, r, d) ||
        (r->params && !constants_check(r->params, g, r->types.n_in, d)))
        return false;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        jit_dtype asked = r->types.n_out ? r->types.out[i] : JIT_NONE;
        out->open |= asked == JIT_NONE;
        types[i] = asked == JIT_NONE ? natural_type(g, i) : asked;
    }
    if (!fix_dims(out, r, g, ar, d))
        return false;
    out->spec.weights = r->weights;
    out->spec.out = types;
    out->spec.n_out = g->n_outputs;
    out->flops = flops_count(g, out->spec.dims);
    return true;
}

void request_machine(specialisation *s, const jit_context *c)
{
    s->unfused = !c->target.fma;
    s->scales = c->target.masks;
}

bool request_resolve(resolved *out, jit_module *m, const request *r, arena *ar, diag *d)
{
    *out = (resolved){ .fn = request_function(m, r->name, d) };
    const ast_fn *fn = out->fn;
    if (!fn || !check_size(fn, d) || !check_arity(fn, r->types.n_in, d) ||
        !check_inputs(fn, &r->types, d) || !check_statics(fn, r, d))
        return false;
    out->entries = r->entries;
    out->blas_from = r->blas_from;
    out->spec.fn = fn;
    request_machine(&out->spec, m->context);
    out->spec.in = r->types.in;
    out->spec.n_in = r->types.n_in;
    out->spec.shared = r->shared;
    out->params = r->params;
    bool ok = copy_statics(out, r, ar) && resolve_outputs(out, m, r, ar, d);
    if (!ok && !diag_failed(d))
        diag_no_memory(d);
    return ok;
}

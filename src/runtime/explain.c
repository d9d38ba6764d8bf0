/* Explaining a kernel in a dozen lines. */
#include "explain.h"

#include <string.h>

#include "drive.h"

typedef struct page {
    arena *ar;
    char *text; /* NULL once memory is gone */
} page;

static void add(page *p, const char *key, const char *value)
{
    if (p->text && value)
        p->text = arena_format(p->ar, "%s%-10s %s\n", p->text, key, value);
    else
        p->text = NULL;
}

static const char *types_text(arena *ar, const uint8_t *types, int32_t n)
{
    const char *text = "";
    for (int32_t i = 0; i < n && text; i++)
        text = arena_format(ar, "%s%s%s", text, i ? ", " : "",
                            jit_dtype_name((jit_dtype)types[i]));
    return text;
}

static void add_types(page *p, const jit_kernel *k)
{
    const char *in = types_text(p->ar, k->dtype, k->n_in);
    const char *out = types_text(p->ar, k->dtype + k->n_in, k->n_out);
    add(p, "types", in && out ? arena_format(p->ar, "%s -> %s", in, out) : NULL);
    if (k->info.flops < 0)
        add(p, "work", "depends on dimensions: a signature such as f32[B,64] fixes them");
    else
        add(p, "work",
            arena_format(p->ar, "%lld operations %s, as written", (long long)k->info.flops,
                         k->gufunc ? "a sample" : "an element"));
}

static void add_target(page *p, const target *t)
{
    add(p, "cpu",
        arena_format(p->ar, "%s: vectors of %d bytes, %d registers%s%s", t->cpu,
                     (int)t->vector_bytes, (int)t->vector_registers,
                     t->fma ? ", fused multiply-add" : "", t->masks ? ", lane masks" : ""));
}

static void add_vectors(page *p, const jit_kernel *k)
{
    int32_t lanes = k->info.vector_lanes, together = k->info.interleave;
    if (lanes <= 1) {
        add(p, "vectors", "none: one element at a time");
        return;
    }
    add(p, "vectors",
        arena_format(p->ar, "%d lanes; %d vector%s at a time%s", (int)lanes, (int)together,
                     together == 1 ? "" : "s",
                     together > 1 ? ", so that their latencies overlap"
                                  : ": the elements have enough independent work, or loops"));
}

static void add_memory(page *p, const jit_kernel *k)
{
    long long half = (long long)k->context->target.llc_bytes / 2;
    add(p, "stores",
        k->shape.streams && half > 0
            ? arena_format(p->ar,
                           "non-temporal when outputs take %lld KiB or more (half the last "
                           "cache), are contiguous and no input",
                           half >> 10)
            : "ordinary");
    add(p, "layouts", "contiguous operands in place; others, and the ends of rows, by buffers");
}

static void add_control(page *p, const jit_kernel *k)
{
    if (k->loops)
        add(p, "loops",
            arena_format(p->ar, "run while any lane is active; fuel %lld a vector",
                         (long long)k->fuel));
    if (k->ftz)
        add(p, "modes", "subnormals are flushed (@ftz)");
    else
        add(p, "modes", "IEEE: to nearest even, subnormals kept, exceptions masked");
    if (k->indexed)
        add(p, "index", "uses the element's position (rand, randn)");
    add(p, "threads",
        k->gufunc ? "on request; each takes a range of samples"
                  : arena_format(p->ar, "on request; chunks of at least %d elements",
                                 (int)drive_grain(k)));
}

static bool expands(const graph *g, node i, op o)
{
    return graph_node(g, i)->op == o && (op_info(o)->flags & OP_EXPAND);
}

/* The mathematical functions of the graph, with how often each occurs and its error bound. */
static void add_math(page *p, const graph *g)
{
    bool any = false;
    for (op o = OP_none + 1; o < OP_COUNT; o++) {
        int32_t n = 0;
        jit_dtype t = JIT_NONE;
        for (node i = 1; i < g->n_nodes; i++)
            if (expands(g, i, o)) {
                n++;
                t = graph_dtype(g, i);
            }
        if (n == 0 || !type_is_float(t))
            continue;
        const op_row *row = op_info(o);
        double ulp = t == JIT_F64 ? row->ulp_f64 : row->ulp_f32;
        add(p, any ? "" : "math",
            arena_format(p->ar, "%s x %d, inline, %s", row->name, (int)n,
                         ulp > 0 ? arena_format(p->ar, "within %g ulp", ulp) : "exact"));
        any = true;
    }
    if (!any)
        add(p, "math", "no function that needs a definition: hardware operations only");
}

static void add_cost(page *p, const jit_kernel *k)
{
    const jit_kernel_info *i = &k->info;
    add(p, "code", arena_format(p->ar, "%lld bytes of pages", (long long)i->code_bytes));
    add(p, "compile",
        arena_format(p->ar, "parse %.2f, lower %.2f, codegen %.2f, link %.2f ms", i->parse_ms,
                     i->lower_ms, i->codegen_ms, i->link_ms));
}

static const graph *simplified(jit_module *m, const request *r, arena *ar, diag *d)
{
    resolved out;
    pthread_mutex_lock(&m->lock);
    const graph *g = request_resolve(&out, m, r, ar, d)
                         ? pipeline_run(m->program, &out.spec, PIPELINE_OPT, NULL, ar, d)
                         : NULL;
    pthread_mutex_unlock(&m->lock);
    return g;
}

static void add_kernel(page *p, const jit_kernel *k)
{
    add_types(p, k);
    if (k->plan) {
        add(p, "engine", "the reference interpreter, one element at a time (interpret)");
        return;
    }
    add_target(p, &k->context->target);
    if (k->gufunc) {
        add(p, "layouts",
            "core axes that are neighbours in C order in place; others by buffers");
        add(p, "batch", "any axes in front; arrays without them are the same for all samples");
    } else {
        add_vectors(p, k);
        add_memory(p, k);
    }
    add_control(p, k);
    add_cost(p, k);
}

/* What runs: the nests of an array function. */
static void add_nests(page *p, jit_module *m, const request *r, diag *d)
{
    resolved out;
    codegen_plan plan;
    pthread_mutex_lock(&m->lock);
    graph *g = request_resolve(&out, m, r, p->ar, d)
                   ? pipeline_run(m->program, &out.spec, PIPELINE_MATH, NULL, p->ar, d)
                   : NULL;
    char *nests = g && specialise_plan(&plan, m, g, &out, d)
                      ? codegen_text(g, &plan.options, CODEGEN_NEST, d)
                      : NULL;
    pthread_mutex_unlock(&m->lock);
    p->text = p->text && nests ? arena_format(p->ar, "%s%s", p->text, nests) : NULL;
}

char *explain_text(jit_module *m, const request *r, arena *ar, diag *d)
{
    jit_kernel *k = specialise(m, r, d);
    const graph *g = k ? simplified(m, r, ar, d) : NULL;
    page p = { .ar = ar };
    if (g) {
        p.text = arena_text(ar, "", 0);
        add(&p, "function", g->name);
        add_kernel(&p, k);
        add_math(&p, g);
        if (k->gufunc && !k->plan)
            add_nests(&p, m, r, d);
    }
    if (k)
        kernel_cache_drop(k);
    return p.text;
}

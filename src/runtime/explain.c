/* Explaining a kernel in a dozen lines. */
#include "explain.h"

#include <string.h>

#include "definition.h"
#include "drive.h"
#include "piecewise.h"

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
    long long cache = (long long)k->context->target.llc_bytes;
    add(p, "stores",
        k->shape.streams > 0 && cache > 0
            ? arena_format(p->ar,
                           "non-temporal when outputs take %lld KiB or more (%g of the last "
                           "cache), are contiguous and no input",
                           k->shape.streams * (cache / 2) >> 10, k->shape.streams / 2.0)
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
    if (k->portable)
        add(p, "", "the same bits on every machine (@portable)");
    if (k->indexed)
        add(p, "index", "uses the element's position (rand, randn)");
    add(p, "threads",
        k->gufunc ? "on request; each takes a range of samples"
                  : arena_format(p->ar, "on request; chunks of at least %d elements",
                                 (int)drive_grain(k)));
}

static bool expands(const graph *g, node i)
{
    const node_data *d = graph_node(g, i);
    return (op_info((op)d->op)->flags & OP_EXPAND) && type_is_float((jit_dtype)d->dtype);
}

/* How many nodes are made by the definition that makes n; 0 if an earlier one was counted. */
static int32_t count_alike(const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    int32_t count = 0;
    for (node i = 1; i < g->n_nodes; i++) {
        const node_data *e = graph_node(g, i);
        bool alike = e->op == d->op && e->dtype == d->dtype && e->relaxed == d->relaxed;
        if (alike && i < n)
            return 0;
        count += alike;
    }
    return count;
}

static const char *bound_text(arena *ar, tier t)
{
    const char *ulp = tier_ulp(t) == 0.5 ? "correctly rounded"
                                         : arena_format(ar, "within %g ulp", tier_ulp(t));
    const char *abs = tier_abs(t) > 0 ? arena_format(ar, " or %g", tier_abs(t)) : "";
    return ulp && abs ? arena_format(ar, "%s%s", ulp, abs) : NULL;
}

/* Operators that only the prelude writes have the name of what is made of them. */
static const char *known_as(const op_row *row)
{
    if (!(row->flags & OP_HIDDEN))
        return row->name;
    return row == op_info(OP_normal_part) ? "gelu" : "sigmoid";
}

static int32_t degree_of(const lookup_table *t)
{
    int32_t degree = t->columns - 1;
    for (bool zero = true; zero && degree > 0; degree -= zero)
        for (int32_t row = 0; row < t->rows; row++)
            zero = zero && table_element(t, (uint64_t)row, degree) == 0;
    return degree;
}

/* Functions of one value that are asked for within @abs. */
static bool add_piecewise(page *p, const graph *g)
{
    for (int32_t i = 0; i < g->n_tables; i++)
        add(p, i > 0 ? "" : "math",
            arena_format(p->ar,
                         "a function of one value by %d polynomials of degree %d: within what "
                         "@abs asks for",
                         (int)g->tables[i].rows, (int)degree_of(&g->tables[i])));
    return g->n_tables > 0;
}

/* The mathematical functions of the graph: how often each occurs, by which definition it is
 * made, and the error bound of that. */
static void add_math(page *p, jit_module *m, const graph *g)
{
    bool any = add_piecewise(p, g);
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        int32_t count = expands(g, n) ? count_alike(g, n) : 0;
        const op_row *row = op_info((op)d->op);
        definition chosen;
        if (count == 0 ||
            !definition_choose(m->program, row->name, (jit_dtype)d->dtype, d->relaxed, &chosen))
            continue;
        bool exact = row->flags & OP_EXACT;
        const char *bound = exact ? "exact" : bound_text(p->ar, chosen.promise);
        bool met = d->relaxed == 0 || tier_meets(chosen.promise, d->relaxed);
        if (bound)
            add(p, any ? "" : "math",
                arena_format(p->ar, "%s x %d, inline, %s: %s%s", known_as(row), (int)count,
                             chosen.name, bound, met ? "" : ", the best there is"));
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
    g = g ? piecewise_graph(m->program, g, pipeline_fuses(&out.spec, g), ar, d) : NULL;
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
        pthread_mutex_lock(&m->lock); /* definitions are parsed */
        add_math(&p, m, g);
        pthread_mutex_unlock(&m->lock);
        if (k->gufunc && !k->plan)
            add_nests(&p, m, r, d);
    }
    if (k)
        kernel_cache_drop(k);
    return p.text;
}

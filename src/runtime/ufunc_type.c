/* What f makes of types, and what f is: an operation that the IR knows, or just some function. */
#include <string.h>

#include "ops.h"
#include "request.h"
#include "type.h"
#include "ufunc.h"

/* ---------------------------------------------------------------- which operation */

typedef struct fold_row {
    op o;
    bool of_bool; /* OP_and, OP_or of bool; else of anything else */
    ufunc_fold fold;
} fold_row;

static const fold_row folds[] = {
    { OP_add, false, { .word = "sum", .widens = true, .identity = true, .value = 0 } },
    { OP_mul, false, { .word = "prod", .widens = true, .identity = true, .value = 1 } },
    { OP_min, false, { .word = "min", .needs_one = true } },
    { OP_max, false, { .word = "max", .needs_one = true } },
    { OP_or, true, { .word = "any", .identity = true, .value = 0 } },
    { OP_and, true, { .word = "all", .identity = true, .value = 1 } },
    { OP_or, false, { .identity = true, .value = 0 } },
    { OP_and, false, { .identity = true, .value = -1 } },
    { OP_xor, false, { .identity = true, .value = 0 } },
    { OP_xor, true, { .identity = true, .value = 0 } },
    { OP_hypot, false, { .identity = true, .value = 0 } },
    { OP_logaddexp, false, { .identity = true, .value = -__builtin_inf() } },
};

/* The two arguments, as they are, in one operation. */
static const ufunc_fold *find_fold(const graph *g, jit_dtype t)
{
    if (g->n_inputs != 2 || g->n_outputs != 1)
        return NULL;
    node result = g->outputs[0].value;
    const node_data *d = graph_node(g, result);
    if (d->n_in != 2 || graph_dtype(g, result) != t)
        return NULL;
    const node_data *x = graph_node(g, graph_in(g, result, 0));
    const node_data *y = graph_node(g, graph_in(g, result, 1));
    if (x->op != OP_arg || y->op != OP_arg || x->imm == y->imm)
        return NULL;
    for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++)
        if (folds[i].o == (op)d->op && folds[i].of_bool == (t == JIT_BOOL))
            return &folds[i].fold;
    return NULL;
}

/* ---------------------------------------------------------------- types */

static bool is_brief(const graph *g)
{
    enum { FEW = 16 };
    bool brief = g->n_nodes <= FEW;
    for (node n = 1; n < g->n_nodes && brief; n++) {
        op o = (op)graph_node(g, n)->op;
        brief = o != OP_loop && !(op_info(o)->flags & OP_EXPAND);
    }
    return brief;
}

static bool read_graph(const jit_ufunc *u, const graph *g, ufunc_typing *t, diag *d)
{
    t->n_out = g->n_outputs;
    t->brief = is_brief(g);
    for (int32_t i = 0; i < g->n_outputs; i++) {
        t->out[i] = type_compute(graph_dtype(g, g->outputs[i].value));
        if (graph_node(g, g->outputs[i].value)->shape != 0) {
            diag_plain(d, DIAG_no_ufunc, "a result of %s is an array", u->fn->name);
            return false;
        }
    }
    if (g->n_inputs > t->n_in) {
        diag_plain(d, DIAG_no_ufunc, "%s has parameters", u->fn->name);
        return false;
    }
    t->fold = t->n_in == 2 && t->in[0] == t->in[1] ? find_fold(g, t->in[0]) : NULL;
    return true;
}

static bool lower(jit_ufunc *u, ufunc_typing *t, arena *ar, diag *d)
{
    jit_module *m = u->m;
    resolved r;
    request q = { .name = u->fn->name, .statics = u->statics, .n_statics = u->n_statics };
    q.types.n_in = t->n_in;
    memcpy(q.types.in, t->in, (size_t)t->n_in * sizeof t->in[0]);
    graph *g = NULL;
    pthread_mutex_lock(&m->lock);
    if (request_resolve(&r, m, &q, ar, d))
        g = pipeline_run(m->program, &r.spec, PIPELINE_OPT, NULL, ar, d);
    pthread_mutex_unlock(&m->lock);
    return g && read_graph(u, g, t, d);
}

static bool find_new(jit_ufunc *u, ufunc_typing *t, diag *d)
{
    const source *before = d->src;
    arena *ar = arena_new(&u->m->context->allocator, (size_t)u->m->context->limits.memory);
    d->memory = ar;
    bool ok = ar && lower(u, t, ar, d);
    if (!ok && !diag_failed(d))
        diag_no_memory(d);
    d->memory = NULL;
    d->src = before;
    arena_free(ar);
    return ok;
}

static const ufunc_typing *find_known(const jit_ufunc *u, const ufunc_typing *t)
{
    for (const ufunc_typing *k = u->typings; k; k = k->next)
        if (k->n_in == t->n_in && memcmp(k->in, t->in, (size_t)t->n_in * sizeof t->in[0]) == 0)
            return k;
    return NULL;
}

/* Two threads may both find the same: it is then listed twice. */
static bool keep(jit_ufunc *u, const ufunc_typing *t)
{
    pthread_mutex_lock(&u->lock);
    ufunc_typing *copy = arena_alloc(u->ar, sizeof *copy);
    if (copy) {
        *copy = *t;
        copy->next = u->typings;
        u->typings = copy;
    }
    pthread_mutex_unlock(&u->lock);
    return copy != NULL;
}

bool ufunc_type_results(jit_ufunc *u, const jit_dtype *in, int32_t n_in, ufunc_typing *out,
                        diag *d)
{
    *out = (ufunc_typing){ .n_in = n_in };
    memcpy(out->in, in, (size_t)n_in * sizeof *in);
    pthread_mutex_lock(&u->lock);
    const ufunc_typing *known = find_known(u, out);
    if (known)
        *out = *known;
    pthread_mutex_unlock(&u->lock);
    if (known)
        return true;
    if (!find_new(u, out, d))
        return false;
    if (keep(u, out))
        return true;
    diag_no_memory(d);
    return false;
}

/* ---------------------------------------------------------------- of a reduction */

static bool find_pair(jit_ufunc *u, jit_dtype t, ufunc_typing *out, diag *d)
{
    return ufunc_type_results(u, (jit_dtype[]){ t, t }, 2, out, d);
}

/* Sums and products of narrow integers are wide: whether that is what f is. */
static bool find_wide(jit_ufunc *u, jit_dtype x, ufunc_typing *out, diag *d)
{
    if (x != JIT_BOOL && (!type_is_integer(x) || type_bits(x) == 64))
        return false;
    int32_t mark = diag_count(d);
    if (find_pair(u, type_is_unsigned(x) ? JIT_U64 : JIT_I64, out, d))
        return out->fold && out->fold->widens;
    if (d->out->status == JIT_ERR_PROGRAM)
        diag_rewind(d, mark);
    return false;
}

static bool report_open(const jit_ufunc *u, const ufunc_typing *t, diag *d)
{
    diag_plain(d, DIAG_ufunc_type,
               "%s of two %s is %s: a reduction needs a result of the same type", u->fn->name,
               jit_dtype_name(t->in[0]), jit_dtype_name(t->out[0]));
    diag_hint(d, "jit_method.dtype names the type to compute in");
    return false;
}

static bool report_results(const jit_ufunc *u, const ufunc_typing *t, diag *d)
{
    diag_plain(d, DIAG_no_ufunc, "%s has %d results: this method is of one", u->fn->name,
               (int)t->n_out);
    return false;
}

bool ufunc_type_reduced(jit_ufunc *u, jit_dtype x, jit_dtype asked, ufunc_typing *out, diag *d)
{
    x = type_compute(asked != JIT_NONE ? asked : x);
    if (asked == JIT_NONE && find_wide(u, x, out, d))
        return true;
    if (diag_failed(d) || !find_pair(u, x, out, d))
        return false;
    jit_dtype both = asked != JIT_NONE ? JIT_NONE : type_promote(x, out->out[0]);
    if (out->out[0] != x && both != JIT_NONE && both != x && !find_pair(u, both, out, d))
        return false;
    if (out->n_out != 1)
        return report_results(u, out, d);
    return out->out[0] == out->in[0] || report_open(u, out, d);
}

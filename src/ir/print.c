/* The graph as text; print_parse.c reads it back. Independent of the locale. */
#include "print.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct text {
    arena *ar;
    char *bytes;
    int32_t length, capacity;
    bool failed;
} text;

static void put(text *t, const char *bytes)
{
    size_t n = strlen(bytes);
    if (t->failed || n > (size_t)(INT32_MAX - 1 - t->length) ||
        !arena_grow(t->ar, (void **)&t->bytes, 1, &t->capacity, t->length + (int32_t)n + 1)) {
        t->failed = true;
        return;
    }
    memcpy(t->bytes + t->length, bytes, n + 1);
    t->length += (int32_t)n;
}

static void __attribute__((format(printf, 2, 3))) putf(text *t, const char *format, ...)
{
    char line[128]; /* names go through put: only numbers and words of ours come here */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    put(t, line);
}

/* -------------------------------------------------------------------------- values */

/* As %a, but with a point in every locale, and NaN with its bits. */
static void put_float(text *t, jit_dtype type, double v)
{
    int exponent = 0;
    const char *sign = signbit(v) ? "-" : "";
    if (isnan(v)) {
        putf(t, "nan:0x%" PRIx64, type_encode(type, (cell){ .f = v }));
    } else if (isinf(v)) {
        putf(t, "%sinf", sign);
    } else if (v == 0) {
        putf(t, "%s0x0p+0", sign);
    } else {
        uint64_t bits = (uint64_t)ldexp(frexp(fabs(v), &exponent), 53);
        int32_t digits = 13;
        for (bits &= UINT64_MAX >> 12; digits > 0 && (bits & 15) == 0; bits >>= 4)
            digits--;
        putf(t, digits > 0 ? "%s0x1.%0*" PRIx64 "p%+d" : "%s0x1%.*" PRIx64 "p%+d", sign,
             (int)digits, bits, exponent - 1);
    }
}

static void put_const(text *t, jit_dtype type, cell v)
{
    if (type_is_float(type))
        put_float(t, type, v.f);
    else if (type == JIT_BOOL)
        put(t, v.u ? "true" : "false");
    else if (type_is_signed(type))
        putf(t, "%" PRId64, v.i);
    else
        putf(t, "%" PRIu64, v.u);
}

/* -------------------------------------------------------------------------- nodes */

const char *print_fold_kind(fold_kind k)
{
    static const char *const words[] = {
        [FOLD_SUM] = "sum", [FOLD_DOT] = "dot",       [FOLD_PROD] = "prod",
        [FOLD_MIN] = "min", [FOLD_MAX] = "max",       [FOLD_ANY] = "any",
        [FOLD_ALL] = "all", [FOLD_ARGMIN] = "argmin", [FOLD_ARGMAX] = "argmax"
    };
    return words[k];
}

static void put_loop(text *t, const graph *g, node n)
{
    int32_t k = (int32_t)graph_node(g, n)->imm;
    for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
        put(t, i == k || i == k + 1 ? " |" : "");
        putf(t, " %%%d", (int)graph_in(g, n, i));
    }
    put(t, k == 0 ? " |" : "");
}

static void put_type(text *t, const graph *g, jit_dtype type, int32_t shape)
{
    const graph_shape *s = &g->shapes[shape];
    put(t, type_name(type));
    for (int32_t i = 0; i < s->rank; i++)
        putf(t, "%s%%%d", i == 0 ? "[" : " ", (int)s->extent[i]);
    put(t, s->rank > 0 ? "]" : "");
}

static void put_name(text *t, const char *name, bool named)
{
    put(t, named && name && *name ? name : "_");
}

static void put_site(text *t, const graph *g, int32_t site, bool named)
{
    putf(t, " #%d ", (int)site);
    put_name(t, g->sites[site].array, named);
    putf(t, " %d", (int)g->sites[site].axis);
}

static void put_operands(text *t, const graph *g, node n, bool named)
{
    const node_data *d = graph_node(g, n);
    if (d->op == OP_arg || d->op == OP_uniform || d->op == OP_proj || d->op == OP_dim)
        putf(t, " #%" PRIu64, d->imm);
    if (d->op == OP_bound)
        put_site(t, g, (int32_t)d->imm, named);
    if (d->op == OP_fold)
        putf(t, " %s%s", print_fold_kind(graph_fold_kind(d)),
             graph_fold_order(d) == FOLD_SEQUENTIAL ? " seq" : "");
    for (int32_t i = 0; i < d->n_in; i++)
        putf(t, " %%%d", (int)graph_in(g, n, i));
}

static void put_node(text *t, const graph *g, node n, bool named)
{
    const node_data *d = graph_node(g, n);
    putf(t, "  %%%d = %s", (int)n, op_info((op)d->op)->name);
    if (d->op == OP_const) {
        put(t, " ");
        put_const(t, (jit_dtype)d->dtype, type_decode((jit_dtype)d->dtype, d->imm));
    } else if (d->op == OP_loop) {
        put_loop(t, g, n);
    } else {
        put_operands(t, g, n, named);
    }
    if (d->op != OP_loop) {
        put(t, " : ");
        put_type(t, g, (jit_dtype)d->dtype, d->shape);
    }
    put(t, d->relaxed & NODE_FAST ? " fast\n" : "\n");
}

static void put_check(text *t, const graph *g, const graph_check *c, bool named)
{
    put(t, "  check");
    put_site(t, g, c->site, named);
    putf(t, " %%%d %%%d %%%d\n", (int)c->value, (int)c->extent, (int)c->when);
}

/* -------------------------------------------------------------------------- the function */

static void put_dims(text *t, const graph *g, bool named)
{
    for (int32_t i = 0; i < g->n_dims; i++) {
        put(t, i == 0 ? "[" : ", ");
        put_name(t, g->dims[i], named);
    }
    put(t, g->n_dims > 0 ? "]" : "");
}

static void put_inputs(text *t, const graph *g, const graph_input *in, bool named)
{
    int32_t n = in == g->inputs ? g->n_inputs : g->n_uniforms;
    for (int32_t i = 0; i < n; i++) {
        put(t, i > 0 ? ", " : "");
        put_name(t, in[i].name, named);
        put(t, in[i].constant ? ": constant " : in[i].shared ? ": shared " : ": ");
        put_type(t, g, in[i].dtype, in[i].shape);
    }
}

static void put_header(text *t, const graph *g, bool named)
{
    put(t, "fn ");
    put_name(t, g->name, named);
    put_dims(t, g, named);
    put(t, "(");
    if (g->n_inputs > 0)
        put_inputs(t, g, g->inputs, named);
    put(t, g->n_uniforms > 0 ? g->n_inputs > 0 ? "; " : ";" : "");
    if (g->n_uniforms > 0)
        put_inputs(t, g, g->uniforms, named);
    put(t, ") -> (");
    for (int32_t i = 0; i < g->n_outputs; i++) {
        put(t, i > 0 ? ", " : "");
        put_name(t, g->outputs[i].name, named);
        put(t, ": ");
        put_type(t, g, graph_dtype(g, g->outputs[i].value),
                 graph_node(g, g->outputs[i].value)->shape);
    }
    put(t, g->ftz ? ") ftz\n" : ")\n");
}

static char *print(arena *ar, const graph *g, bool named)
{
    text t = { .ar = ar };
    put_header(&t, g, named);
    for (node n = 1; n < g->n_nodes; n++)
        put_node(&t, g, n, named);
    for (int32_t i = 0; i < g->n_checks; i++)
        put_check(&t, g, &g->checks[i], named);
    put(&t, "  return");
    for (int32_t i = 0; i < g->n_outputs; i++)
        putf(&t, "%s %%%d", i > 0 ? "," : "", (int)g->outputs[i].value);
    put(&t, "\n");
    return t.failed ? NULL : t.bytes;
}

char *print_graph(arena *ar, const graph *g)
{
    return print(ar, g, true);
}

char *print_canonical(arena *ar, const graph *g)
{
    return print(ar, g, false);
}

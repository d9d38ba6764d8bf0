/* The graph as text; print_parse.c reads it back. Independent of the locale. */
#include "print.h"

#include <inttypes.h>
#include <math.h>

#include "tier.h"
#include "writer.h"

/* -------------------------------------------------------------------------- values */

/* As %a, but with a point in every locale, and NaN with its bits. */
static void put_float(writer *t, jit_dtype type, double v)
{
    int exponent = 0;
    const char *sign = signbit(v) ? "-" : "";
    if (isnan(v)) {
        write_format(t, "nan:0x%" PRIx64, type_encode(type, (cell){ .f = v }));
    } else if (isinf(v)) {
        write_format(t, "%sinf", sign);
    } else if (v == 0) {
        write_format(t, "%s0x0p+0", sign);
    } else {
        uint64_t bits = (uint64_t)ldexp(frexp(fabs(v), &exponent), 53);
        int32_t digits = 13;
        for (bits &= UINT64_MAX >> 12; digits > 0 && (bits & 15) == 0; bits >>= 4)
            digits--;
        write_format(t, digits > 0 ? "%s0x1.%0*" PRIx64 "p%+d" : "%s0x1%.*" PRIx64 "p%+d", sign,
                     (int)digits, bits, exponent - 1);
    }
}

static void put_const(writer *t, jit_dtype type, cell v)
{
    if (type_is_float(type))
        put_float(t, type, v.f);
    else if (type == JIT_BOOL)
        write_text(t, v.u ? "true" : "false");
    else if (type_is_signed(type))
        write_format(t, "%" PRId64, v.i);
    else
        write_format(t, "%" PRIu64, v.u);
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

static void put_loop(writer *t, const graph *g, node n)
{
    int32_t k = (int32_t)graph_node(g, n)->imm;
    for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
        write_text(t, i == k || i == k + 1 ? " |" : "");
        write_format(t, " %%%d", (int)graph_in(g, n, i));
    }
    write_text(t, k == 0 ? " |" : "");
}

static void put_type(writer *t, const graph *g, jit_dtype type, int32_t shape)
{
    const graph_shape *s = &g->shapes[shape];
    write_text(t, type_name(type));
    for (int32_t i = 0; i < s->rank; i++)
        write_format(t, "%s%%%d", i == 0 ? "[" : " ", (int)s->extent[i]);
    write_text(t, s->rank > 0 ? "]" : "");
}

static void put_name(writer *t, const char *name, bool named)
{
    write_text(t, named && name && *name ? name : "_");
}

static void put_site(writer *t, const graph *g, int32_t site, bool named)
{
    write_format(t, " #%d ", (int)site);
    put_name(t, g->sites[site].array, named);
    write_format(t, " %d", (int)g->sites[site].axis);
}

static void put_operands(writer *t, const graph *g, node n, bool named)
{
    const node_data *d = graph_node(g, n);
    if (d->op == OP_arg || d->op == OP_uniform || d->op == OP_proj || d->op == OP_dim ||
        d->op == OP_also || (d->op == OP_map && d->imm > 0))
        write_format(t, " #%" PRIu64, d->imm);
    if (d->op == OP_bound)
        put_site(t, g, (int32_t)d->imm, named);
    if (d->op == OP_fold)
        write_format(t, " %s%s", print_fold_kind(graph_fold_kind(d)),
                     graph_fold_order(d) == FOLD_SEQUENTIAL ? " seq" : "");
    for (int32_t i = 0; i < d->n_in; i++)
        write_format(t, " %%%d", (int)graph_in(g, n, i));
}

static void put_node(writer *t, const graph *g, node n, bool named)
{
    const node_data *d = graph_node(g, n);
    write_format(t, "  %%%d = %s", (int)n, op_info((op)d->op)->name);
    if (d->op == OP_const) {
        write_text(t, " ");
        put_const(t, (jit_dtype)d->dtype, type_decode((jit_dtype)d->dtype, d->imm));
    } else if (d->op == OP_loop) {
        put_loop(t, g, n);
    } else {
        put_operands(t, g, n, named);
    }
    if (d->op != OP_loop) {
        write_text(t, " : ");
        put_type(t, g, (jit_dtype)d->dtype, d->shape);
    }
    char marks[TIER_TEXT_SIZE];
    tier_print(d->relaxed, marks);
    write_format(t, "%s\n", marks);
}

static void put_check(writer *t, const graph *g, const graph_check *c, bool named)
{
    write_text(t, "  check");
    put_site(t, g, c->site, named);
    write_format(t, " %%%d %%%d %%%d\n", (int)c->value, (int)c->extent, (int)c->when);
}

/* -------------------------------------------------------------------------- the function */

static void put_dims(writer *t, const graph *g, bool named)
{
    for (int32_t i = 0; i < g->n_dims; i++) {
        write_text(t, i == 0 ? "[" : ", ");
        put_name(t, g->dims[i], named);
    }
    write_text(t, g->n_dims > 0 ? "]" : "");
}

static void put_inputs(writer *t, const graph *g, const graph_input *in, bool named)
{
    int32_t n = in == g->inputs ? g->n_inputs : g->n_uniforms;
    for (int32_t i = 0; i < n; i++) {
        write_text(t, i > 0 ? ", " : "");
        put_name(t, in[i].name, named);
        write_text(t, in[i].constant ? ": constant " : in[i].shared ? ": shared " : ": ");
        put_type(t, g, in[i].dtype, in[i].shape);
    }
}

static void put_header(writer *t, const graph *g, bool named)
{
    write_text(t, "fn ");
    put_name(t, g->name, named);
    put_dims(t, g, named);
    write_text(t, "(");
    if (g->n_inputs > 0)
        put_inputs(t, g, g->inputs, named);
    write_text(t, g->n_uniforms > 0 ? g->n_inputs > 0 ? "; " : ";" : "");
    if (g->n_uniforms > 0)
        put_inputs(t, g, g->uniforms, named);
    write_text(t, ") -> (");
    for (int32_t i = 0; i < g->n_outputs; i++) {
        write_text(t, i > 0 ? ", " : "");
        put_name(t, g->outputs[i].name, named);
        write_text(t, ": ");
        put_type(t, g, graph_dtype(g, g->outputs[i].value),
                 graph_node(g, g->outputs[i].value)->shape);
    }
    write_format(t, ")%s%s\n", g->ftz ? " ftz" : "", g->portable ? " portable" : "");
}

static void put_table(writer *t, const lookup_table *table)
{
    write_format(t, "  table %d %d", (int)table->rows, (int)table->columns);
    for (int32_t i = 0; i < table->rows * table->columns; i++) {
        write_text(t, " ");
        put_float(t, JIT_F32,
                  table_element(table, (uint64_t)(i / table->columns), i % table->columns));
    }
    write_text(t, "\n");
}

static char *print(arena *ar, const graph *g, bool named)
{
    writer t = { .ar = ar };
    put_header(&t, g, named);
    for (int32_t i = 0; i < g->n_tables; i++)
        put_table(&t, &g->tables[i]);
    for (node n = 1; n < g->n_nodes; n++)
        put_node(&t, g, n, named);
    for (int32_t i = 0; i < g->n_checks; i++)
        put_check(&t, g, &g->checks[i], named);
    write_text(&t, "  return");
    for (int32_t i = 0; i < g->n_outputs; i++)
        write_format(&t, "%s %%%d", i > 0 ? "," : "", (int)g->outputs[i].value);
    write_text(&t, "\n");
    return t.failed ? NULL : t.text;
}

char *print_graph(arena *ar, const graph *g)
{
    return print(ar, g, true);
}

char *print_canonical(arena *ar, const graph *g)
{
    return print(ar, g, false);
}

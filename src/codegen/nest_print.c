/* nest_print: the nest as text, one node a line as print.h writes them. */
#include "nest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct printer {
    const nest *t;
    char *text;
    int32_t size, capacity;
    bool failed;
} printer;

static void put(printer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(printer *p, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || p->failed)
        return;
    int32_t length = n < (int)sizeof line ? n : (int)sizeof line - 1;
    void *text = p->text;
    if (!arena_grow(p->t->g->ar, &text, 1, &p->capacity, p->size + length + 1)) {
        p->failed = true;
        return;
    }
    p->text = text;
    memcpy(p->text + p->size, line, (size_t)length + 1);
    p->size += length;
}

static const char *name_of(const char *name)
{
    return name ? name : "-";
}

static void put_constant(printer *p, node n)
{
    cell c = { .u = 0 };
    jit_dtype t = graph_dtype(p->t->g, n);
    (void)graph_is_const(p->t->g, n, &c);
    if (type_is_float(t))
        put(p, " %a", c.f);
    else if (type_is_signed(t))
        put(p, " %lld", (long long)c.i);
    else
        put(p, " %llu", (unsigned long long)c.u);
}

static void put_operands(printer *p, node n)
{
    const graph *g = p->t->g;
    for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
        node in = graph_in(g, n, i);
        if (graph_is_const(g, in, NULL))
            put_constant(p, in);
        else if (graph_node(g, in)->op == OP_proj)
            put(p, " %%%d#%d", (int)graph_in(g, in, 0), (int)graph_node(g, in)->imm);
        else
            put(p, " %%%d", (int)in);
    }
}

static void put_list(printer *p, const nest_list *l, int32_t depth);

static void put_loop(printer *p, node loop, int32_t depth)
{
    const graph *g = p->t->g;
    const nest_loop *l = &p->t->loops[p->t->loop_at[loop]];
    int32_t n = (int32_t)graph_node(g, loop)->imm;
    put(p, "%*s%%%d = %s", depth, "", (int)loop, l->once ? "at most once" : "loop");
    for (int32_t i = 0; i < n; i++) {
        node phi = graph_in(g, loop, i);
        put(p, "%s %%%d: %s from", i ? "," : "", (int)phi, type_name(graph_dtype(g, phi)));
        put_operands(p, phi);
        put(p, " next %%%d", (int)graph_in(g, loop, n + 1 + i));
    }
    put(p, "\n");
    put_list(p, &l->head, depth + 2);
    node cond = graph_in(g, loop, n);
    put(p, "%*swhile %s%%%d\n", depth, "", p->t->varies[cond] ? "any " : "", (int)cond);
    put_list(p, &l->body, depth + 2);
}

static void put_list(printer *p, const nest_list *l, int32_t depth)
{
    const graph *g = p->t->g;
    for (int32_t i = 0; i < l->n; i++) {
        node n = l->node[i];
        const node_data *d = graph_node(g, n);
        if (p->t->loop_at[n] >= 0) {
            put_loop(p, n, depth);
            continue;
        }
        put(p, "%*s%%%d = %s", depth, "", (int)n, op_info((op)d->op)->name);
        if (d->op == OP_arg || d->op == OP_uniform)
            put(p, " #%d", (int)d->imm);
        put_operands(p, n);
        put(p, " : %s%s\n", type_name((jit_dtype)d->dtype), p->t->varies[n] ? "" : " uniform");
    }
}

static void put_buffers(printer *p)
{
    const nest *t = p->t;
    for (int32_t i = 0; i < t->n_buffers; i++) {
        const nest_buffer *b = &t->buffers[i];
        put(p, "  %s %s: %s[", b->output ? "out" : "in ", name_of(b->name),
            type_name(b->dtype));
        for (int32_t a = 0; a < t->n_axes; a++)
            put(p, "%s%s", a ? ", " : "", t->axis[a].name);
        put(p, "]%s", b->value ? "" : " unused");
        if (b->output)
            put(p, " = %%%d", (int)b->value);
        put(p, "\n");
    }
}

char *nest_print(const nest *t)
{
    printer p = { .t = t };
    put(&p, "nest %s: %d lanes, %d vectors at a time, weight %lld%s%s\n", name_of(t->g->name),
        (int)t->lanes, (int)t->interleave, (long long)t->weight, t->streams ? ", streams" : "",
        t->cut ? ", cut" : "");
    for (int32_t a = 0; a < t->n_axes; a++)
        put(&p, "  axis %s: parallel%s\n", t->axis[a].name,
            a == t->n_axes - 1 ? ", in vectors" : "");
    put_buffers(&p);
    put(&p, "  once:\n");
    put_list(&p, &t->once, 4);
    put(&p, "  body:\n");
    put_list(&p, &t->body, 4);
    return p.failed ? NULL : p.text;
}

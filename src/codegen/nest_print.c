/* nest_print: the nest as text, one node a line as print.h writes them. */
#include "nest.h"
#include "writer.h"

typedef struct printer {
    const nest *t;
    writer out;
} printer;

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
        write_format(&p->out, " %a", c.f);
    else if (type_is_signed(t))
        write_format(&p->out, " %lld", (long long)c.i);
    else
        write_format(&p->out, " %llu", (unsigned long long)c.u);
}

static void put_operands(printer *p, node n)
{
    const graph *g = p->t->g;
    for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
        node in = graph_in(g, n, i);
        if (graph_is_const(g, in, NULL))
            put_constant(p, in);
        else if (graph_node(g, in)->op == OP_proj)
            write_format(&p->out, " %%%d#%d", (int)graph_in(g, in, 0),
                         (int)graph_node(g, in)->imm);
        else
            write_format(&p->out, " %%%d", (int)in);
    }
}

static void put_list(printer *p, const nest_list *l, int32_t depth);

static void put_loop(printer *p, node loop, int32_t depth)
{
    const graph *g = p->t->g;
    const nest_loop *l = &p->t->loops[p->t->loop_at[loop]];
    int32_t n = (int32_t)graph_node(g, loop)->imm;
    write_format(&p->out, "%*s%%%d = %s", depth, "", (int)loop,
                 l->once ? "at most once" : "loop");
    for (int32_t i = 0; i < n; i++) {
        node phi = graph_in(g, loop, i);
        write_format(&p->out, "%s %%%d: %s from", i ? "," : "", (int)phi,
                     type_name(graph_dtype(g, phi)));
        put_operands(p, phi);
        write_format(&p->out, " next %%%d", (int)graph_in(g, loop, n + 1 + i));
    }
    write_format(&p->out, "\n");
    put_list(p, &l->head, depth + 2);
    node cond = graph_in(g, loop, n);
    write_format(&p->out, "%*swhile %s%%%d\n", depth, "", p->t->varies[cond] ? "any " : "",
                 (int)cond);
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
        write_format(&p->out, "%*s%%%d = %s", depth, "", (int)n, op_info((op)d->op)->name);
        if (d->op == OP_arg || d->op == OP_uniform)
            write_format(&p->out, " #%d", (int)d->imm);
        put_operands(p, n);
        write_format(&p->out, " : %s%s\n", type_name((jit_dtype)d->dtype),
                     p->t->varies[n] ? "" : " uniform");
    }
}

static void put_buffers(printer *p)
{
    const nest *t = p->t;
    for (int32_t i = 0; i < t->n_buffers; i++) {
        const nest_buffer *b = &t->buffers[i];
        write_format(&p->out, "  %s %s: %s[", b->output ? "out" : "in ", name_of(b->name),
                     type_name(b->dtype));
        for (int32_t a = 0; a < t->n_axes; a++)
            write_format(&p->out, "%s%s", a ? ", " : "", t->axis[a].name);
        write_format(&p->out, "]%s", b->value ? "" : " unused");
        if (b->output)
            write_format(&p->out, " = %%%d", (int)b->value);
        write_format(&p->out, "\n");
    }
}

char *nest_print(const nest *t)
{
    printer p = { .t = t, .out = { .ar = t->g->ar } };
    write_format(&p.out, "nest %s: %d lanes, %d vectors at a time, weight %lld%s%s\n",
                 name_of(t->g->name), (int)t->lanes, (int)t->interleave, (long long)t->weight,
                 t->streams ? ", streams" : "", t->cut ? ", cut" : "");
    for (int32_t a = 0; a < t->n_axes; a++)
        write_format(&p.out, "  axis %s: parallel%s\n", t->axis[a].name,
                     a == t->n_axes - 1 ? ", in vectors" : "");
    put_buffers(&p);
    write_format(&p.out, "  once:\n");
    put_list(&p, &t->once, 4);
    write_format(&p.out, "  body:\n");
    put_list(&p, &t->body, 4);
    return p.out.failed ? NULL : p.out.text;
}

/* array_nest_print: the nests of an array function as text. */

#include "array_nest.h"
#include "print.h"
#include "writer.h"

static void put_indent(writer *t, int32_t depth)
{
    for (int32_t i = 0; i < depth && i < 24; i++)
        write_format(t, "  ");
}

static void put_storage(writer *t, const array_nest *a, node n)
{
    const array_storage *s = &a->storages[a->storage[n]];
    if (s->kind == STORAGE_WORK)
        write_format(t, " in workspace %d", (int)s->piece);
    else
        write_format(t, " in %s %d", s->kind == STORAGE_INPUT ? "input" : "output",
                     (int)s->number);
    if (s->kind == STORAGE_INPUT && a->panel[s->number])
        write_format(t, ", panels of %d columns", (int)a->panel[s->number]);
}

/* A constant as its value, else the node's number. */
static void put_operand(writer *t, const graph *g, node n)
{
    cell c;
    jit_dtype type = graph_dtype(g, n);
    if (!graph_is_const(g, n, &c))
        write_format(t, "%%%d", (int)n);
    else if (type_is_float(type))
        write_format(t, "%.*g", type == JIT_F64 ? 17 : 9, c.f);
    else if (type_is_signed(type))
        write_format(t, "%lld", (long long)c.i);
    else
        write_format(t, "%llu", (unsigned long long)c.u);
}

static const char *name_of(const graph *g, const node_data *d)
{
    const char *name = d->op == OP_arg       ? g->inputs[d->imm].name
                       : d->op == OP_uniform ? g->uniforms[d->imm].name
                       : d->op == OP_dim     ? g->dims[d->imm]
                                             : NULL;
    return name ? name : "";
}

static void put_node(writer *t, const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    write_format(t, "%%%d = %s", (int)n, op_info((op)d->op)->name);
    if (d->op == OP_fold)
        write_format(t, " %s%s", print_fold_kind(graph_fold_kind(d)),
                     graph_fold_order(d) == FOLD_SEQUENTIAL ? " seq" : "");
    if (*name_of(a->g, d))
        write_format(t, " %.60s", name_of(a->g, d));
    for (int32_t i = 0; i < d->n_in && i < 12; i++) {
        write_format(t, " ");
        put_operand(t, a->g, graph_in(a->g, n, i));
    }
    if (d->shape != 0)
        put_storage(t, a, n);
    const array_bind *b = array_bind_of(a, n);
    if (b && b->product)
        write_format(t, " with %%%d, %d rows at a time", (int)b->product, (int)b->block);
    for (int32_t i = 1; b && i < GRAPH_MAX_VALUES; i++)
        if (b->also[i])
            put_storage(t, a, b->also[i]);
    write_format(t, "\n");
}

static void put_axis(writer *t, const array_nest *a, const array_bind *b, int32_t d)
{
    node axis = graph_in(a->g, b->n, d);
    write_format(t, "for %%%d below ", (int)axis);
    put_operand(t, a->g, graph_in(a->g, axis, 0));
    if (b->vector && d == b->n_axes - 1)
        write_format(t, ": vectors of %d, %d at a time%s", (int)b->lanes, (int)b->vectors,
                     b->masks ? "" : ", rest as scalars");
    if (axis == b->row_axis)
        write_format(t, ": %d rows together", (int)b->rows);
    write_format(t, "\n");
}

static void put_list(writer *t, const array_nest *a, const nest_list *l, int32_t depth);

static void put_bind(writer *t, const array_nest *a, const array_bind *b, int32_t depth)
{
    for (int32_t d = 0; d < b->n_axes; d++) {
        put_indent(t, depth + d + 1);
        put_axis(t, a, b, d);
        put_list(t, a, &b->level[d], depth + d + 2);
    }
}

static void put_loop(writer *t, const array_nest *a, node loop, int32_t depth)
{
    const nest_loop *l = &a->t->loops[a->t->loop_at[loop]];
    put_indent(t, depth + 1);
    write_format(t, "%s\n", l->once ? "at most once, if" : "while");
    put_list(t, a, &l->head, depth + 2);
    put_indent(t, depth + 1);
    write_format(t, "do\n");
    put_list(t, a, &l->body, depth + 2);
}

/* As deep as maps, folds and loops lie in one another: the depth of the source. */
static void put_list(writer *t, const array_nest *a, const nest_list *l, int32_t depth)
{
    for (int32_t i = 0; i < l->n; i++) {
        node n = l->node[i];
        put_indent(t, depth);
        put_node(t, a, n);
        if (array_bind_of(a, n))
            put_bind(t, a, array_bind_of(a, n), depth);
        if (a->t->loop_at[n] >= 0)
            put_loop(t, a, n, depth);
    }
}

char *array_nest_print(const array_nest *a)
{
    writer t = { .ar = a->g->ar };
    write_format(&t, "nest %s:\n  once per call\n", a->g->name ? a->g->name : "_");
    put_list(&t, a, &a->extents, 2);
    put_list(&t, a, &a->call, 2);
    put_list(&t, a, &a->once, 2);
    if (a->group)
        write_format(&t, "  for groups of %d samples: vectors of %d, %d at a time\n",
                     (int)a->group, (int)a->lanes, (int)a->vectors);
    else
        write_format(&t,
                     a->block > 1 && !a->together ? "  for blocks of %d samples\n"
                                                  : "  for each sample\n",
                     (int)a->block);
    for (int32_t i = 0; i < a->n_stages; i++) {
        if (a->block > 1 && !a->together && a->stages[i].list.n)
            write_format(
                &t,
                a->stages[i].rows ? "  stage: rows of %d samples\n"
                                  : "  stage: sample by sample\n",
                a->stages[i].rows ? (int)array_bind_of(a, a->stages[i].list.node[0])->rows : 1);
        if (a->stages[i].together || (a->together && i == 0))
            write_format(&t, "  %d samples together where axes are below %d\n", ARRAY_TOGETHER,
                         ARRAY_SHORT);
        put_list(&t, a, &a->stages[i].list, 2);
    }
    for (int32_t i = 0; i < a->g->n_outputs; i++)
        write_format(&t, "  out %s = %%%d\n",
                     a->g->outputs[i].name ? a->g->outputs[i].name : "_",
                     (int)a->g->outputs[i].value);
    return t.failed ? NULL : t.text;
}

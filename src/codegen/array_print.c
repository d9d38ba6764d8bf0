/* array_nest_print: the nests of an array function as text. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array_nest.h"
#include "print.h"

typedef struct text {
    arena *ar;
    char *bytes;
    int32_t length, capacity;
    bool failed;
} text;

static void __attribute__((format(printf, 2, 3))) put(text *t, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    n = n < 0 ? 0 : n < (int)sizeof line ? n : (int)sizeof line - 1;
    if (t->failed ||
        !arena_grow(t->ar, (void **)&t->bytes, 1, &t->capacity, t->length + n + 1)) {
        t->failed = true;
        return;
    }
    memcpy(t->bytes + t->length, line, (size_t)n + 1);
    t->length += n;
}

static void put_indent(text *t, int32_t depth)
{
    for (int32_t i = 0; i < depth && i < 24; i++)
        put(t, "  ");
}

static void put_storage(text *t, const array_nest *a, node n)
{
    const array_storage *s = &a->storages[a->storage[n]];
    if (s->kind == STORAGE_WORK)
        put(t, " in workspace %d", (int)s->piece);
    else
        put(t, " in %s %d", s->kind == STORAGE_INPUT ? "input" : "output", (int)s->number);
    if (s->kind == STORAGE_INPUT && a->panel[s->number])
        put(t, ", panels of %d columns", (int)a->panel[s->number]);
}

/* A constant as its value, else the node's number. */
static void put_operand(text *t, const graph *g, node n)
{
    cell c;
    jit_dtype type = graph_dtype(g, n);
    if (!graph_is_const(g, n, &c))
        put(t, "%%%d", (int)n);
    else if (type_is_float(type))
        put(t, "%.*g", type == JIT_F64 ? 17 : 9, c.f);
    else if (type_is_signed(type))
        put(t, "%lld", (long long)c.i);
    else
        put(t, "%llu", (unsigned long long)c.u);
}

static const char *name_of(const graph *g, const node_data *d)
{
    const char *name = d->op == OP_arg       ? g->inputs[d->imm].name
                       : d->op == OP_uniform ? g->uniforms[d->imm].name
                       : d->op == OP_dim     ? g->dims[d->imm]
                                             : NULL;
    return name ? name : "";
}

static void put_node(text *t, const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    put(t, "%%%d = %s", (int)n, op_info((op)d->op)->name);
    if (d->op == OP_fold)
        put(t, " %s%s", print_fold_kind(graph_fold_kind(d)),
            graph_fold_order(d) == FOLD_SEQUENTIAL ? " seq" : "");
    if (*name_of(a->g, d))
        put(t, " %.60s", name_of(a->g, d));
    for (int32_t i = 0; i < d->n_in && i < 12; i++) {
        put(t, " ");
        put_operand(t, a->g, graph_in(a->g, n, i));
    }
    if (d->shape != 0)
        put_storage(t, a, n);
    put(t, "\n");
}

static void put_axis(text *t, const array_nest *a, const array_bind *b, int32_t d)
{
    node axis = graph_in(a->g, b->n, d);
    put(t, "for %%%d below ", (int)axis);
    put_operand(t, a->g, graph_in(a->g, axis, 0));
    if (b->vector && d == b->n_axes - 1)
        put(t, ": vectors of %d, %d at a time%s", (int)b->lanes, (int)b->vectors,
            b->masks ? "" : ", rest as scalars");
    if (axis == b->row_axis)
        put(t, ": %d rows together", (int)b->rows);
    put(t, "\n");
}

static void put_list(text *t, const array_nest *a, const nest_list *l, int32_t depth);

static void put_bind(text *t, const array_nest *a, const array_bind *b, int32_t depth)
{
    for (int32_t d = 0; d < b->n_axes; d++) {
        put_indent(t, depth + d + 1);
        put_axis(t, a, b, d);
        put_list(t, a, &b->level[d], depth + d + 2);
    }
}

static void put_loop(text *t, const array_nest *a, node loop, int32_t depth)
{
    const nest_loop *l = &a->t->loops[a->t->loop_at[loop]];
    put_indent(t, depth + 1);
    put(t, "%s\n", l->once ? "at most once, if" : "while");
    put_list(t, a, &l->head, depth + 2);
    put_indent(t, depth + 1);
    put(t, "do\n");
    put_list(t, a, &l->body, depth + 2);
}

/* As deep as maps, folds and loops lie in one another: the depth of the source. */
static void put_list(text *t, const array_nest *a, const nest_list *l, int32_t depth)
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
    text t = { .ar = a->g->ar };
    put(&t, "nest %s:\n  once per call\n", a->g->name ? a->g->name : "_");
    put_list(&t, a, &a->extents, 2);
    put_list(&t, a, &a->call, 2);
    put_list(&t, a, &a->once, 2);
    if (a->group)
        put(&t, "  for groups of %d samples: vectors of %d, %d at a time\n", (int)a->group,
            (int)a->lanes, (int)a->vectors);
    else
        put(&t,
            a->block > 1 && !a->together ? "  for blocks of %d samples\n"
                                         : "  for each sample\n",
            (int)a->block);
    for (int32_t i = 0; i < a->n_stages; i++) {
        if (a->block > 1 && !a->together && a->stages[i].list.n)
            put(&t,
                a->stages[i].rows ? "  stage: rows of %d samples\n"
                                  : "  stage: sample by sample\n",
                a->stages[i].rows ? (int)array_bind_of(a, a->stages[i].list.node[0])->rows : 1);
        if (a->stages[i].together || (a->together && i == 0))
            put(&t, "  %d samples together where axes are below %d\n", ARRAY_TOGETHER,
                ARRAY_SHORT);
        put_list(&t, a, &a->stages[i].list, 2);
    }
    for (int32_t i = 0; i < a->g->n_outputs; i++)
        put(&t, "  out %s = %%%d\n", a->g->outputs[i].name ? a->g->outputs[i].name : "_",
            (int)a->g->outputs[i].value);
    return t.failed ? NULL : t.bytes;
}

/* The order of a nest's body: every node after what it needs, and chains beside each other. */
#include <criterion/criterion.h>

#include "nest.h"

enum { LINKS = 12 };

/* Two chains of additions, one after the other, whose last links are multiplied. */
static graph *two_chains(arena *ar, diag *d)
{
    static graph_input in[2] = { { .name = "x", .dtype = JIT_F32 },
                                 { .name = "y", .dtype = JIT_F32 } };
    static graph_output out[1];
    graph *g = graph_new(ar, d, "f", 1000);
    node end[2];
    g->inputs = in;
    g->n_inputs = 2;
    for (int32_t k = 0; k < 2; k++) {
        node x = graph_arg(g, k);
        end[k] = x;
        for (int32_t i = 0; i < LINKS; i++)
            end[k] = graph_apply2(g, OP_add, end[k], x, (span){ 0, 0 });
    }
    out[0] = (graph_output){ .value = graph_apply2(g, OP_mul, end[0], end[1], (span){ 0, 0 }) };
    g->outputs = out;
    g->n_outputs = 1;
    return g;
}

static nest *make(arena *ar, diag *d, int32_t interleave)
{
    static target t;
    cr_assert(target_init(&t, NULL, d));
    nest_options o = { .target = &t, .interleave = interleave };
    nest *made = nest_make(two_chains(ar, d), &o, d);
    cr_assert(made);
    return made;
}

/* How often the next node is of the other chain; every operand has to stand before its user. */
static int32_t changes(const nest *t)
{
    const graph *g = t->g;
    int32_t n = 0;
    node y = t->buffers[1].value; /* the second chain begins with it */
    for (int32_t i = 0; i < t->body.n; i++) {
        node at = t->body.node[i];
        for (int32_t k = 0; k < graph_node(g, at)->n_in; k++) {
            int32_t place = 0;
            while (place < i && t->body.node[place] != graph_in(g, at, k))
                place++;
            cr_expect_lt(place, i, "operand %d of node %d", (int)k, (int)at);
        }
        bool first = at<y, before = i> 0 && t->body.node[i - 1] < y;
        n += i > 0 && first != before;
    }
    return n;
}

Test(nest_order, chains_alternate_where_two_vectors_are_beside_each_other)
{
    diag d;
    diag_init(&d, NULL, NULL);
    arena *ar = arena_new(NULL, 1 << 20);
    nest *two = make(ar, &d, 2), *four = make(ar, &d, 4);
    cr_expect(two->ordered);
    cr_expect_not(four->ordered);
    cr_expect_geq(changes(two), LINKS);
    cr_expect_eq(changes(four), 1);
    arena_free(ar);
}

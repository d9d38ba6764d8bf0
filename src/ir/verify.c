/* Checks the rules of graph.h. Each check gives NULL or a sentence; the first found is told. */
#include "verify.h"

typedef struct verify {
    arena *ar;
    const graph *g;
    node *loop_of; /* of a phi */
    node *owner;
} verify;

static const char *no_memory = "no memory to verify";

static const char *sentence(const verify *v, node n, const char *what)
{
    const char *name = op_info((op)v->g->nodes[n].op)->name;
    const char *s = arena_format(v->ar, "%%%d (%s): %s", (int)n, name, what);
    return s ? s : no_memory;
}

/* -------------------------------------------------------------------------- one node */

static const char *check_operands(const verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    if (d->op == OP_none || d->op >= OP_COUNT)
        return sentence(v, n, "no such operator");
    if (d->n_in < 0 || d->first_in < 0 || d->n_in > g->n_in - d->first_in)
        return sentence(v, n, "operands outside the graph");
    for (int32_t i = 0; i < d->n_in; i++) {
        node in = graph_in(g, n, i);
        if (in <= 0 || in >= n)
            return sentence(v, n, "an operand that does not come before it");
        if (g->nodes[in].op == OP_loop && d->op != OP_proj)
            return sentence(v, n, "a loop as an operand");
    }
    return NULL;
}

static const char *check_input(const verify *v, node n, const graph_input *in, int32_t n_in)
{
    const node_data *d = &v->g->nodes[n];
    if (d->imm >= (uint64_t)n_in)
        return sentence(v, n, "no such argument");
    return in[d->imm].dtype == (jit_dtype)d->dtype
               ? NULL
               : sentence(v, n, "not of the argument's type");
}

static const char *check_const(const verify *v, node n)
{
    const node_data *d = &v->g->nodes[n];
    jit_dtype t = (jit_dtype)d->dtype;
    if (type_bits(t) == 0)
        return sentence(v, n, "no type");
    if (type_encode(t, type_decode(t, d->imm)) != d->imm)
        return sentence(v, n, "bits that its type does not have");
    return NULL;
}

static const char *check_loop(verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    if (d->imm > INT32_MAX / 2 || d->n_in != 2 * (int32_t)d->imm + 1 || d->dtype != JIT_NONE)
        return sentence(v, n, "operands that are not phis, condition and next values");
    int32_t k = (int32_t)d->imm;
    if (graph_dtype(g, graph_in(g, n, k)) != JIT_BOOL)
        return sentence(v, n, "a condition that is not bool");
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(g, n, i);
        if (g->nodes[phi].op != OP_phi)
            return sentence(v, n, "a variable that is no phi");
        if (v->loop_of[phi] != 0)
            return sentence(v, n, "a variable that has a loop already");
        if (graph_dtype(g, graph_in(g, n, k + 1 + i)) != graph_dtype(g, phi))
            return sentence(v, n, "a next value of another type than its variable");
        v->loop_of[phi] = n;
    }
    return NULL;
}

static const char *check_proj(const verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    if (d->n_in != 1 || g->nodes[graph_in(g, n, 0)].op != OP_loop)
        return sentence(v, n, "an operand that is no loop");
    node loop = graph_in(g, n, 0);
    if (d->imm >= g->nodes[loop].imm)
        return sentence(v, n, "no such loop variable");
    bool same = graph_dtype(g, graph_in(g, loop, (int32_t)d->imm)) == (jit_dtype)d->dtype;
    return same ? NULL : sentence(v, n, "not of its variable's type");
}

static const char *check_leaf(verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    switch ((op)d->op) {
    case OP_loop:
        return check_loop(v, n);
    case OP_proj:
        return check_proj(v, n);
    case OP_phi:
        if (d->n_in != 1)
            return sentence(v, n, "wrong number of operands");
        return graph_dtype(g, graph_in(g, n, 0)) == (jit_dtype)d->dtype
                   ? NULL
                   : sentence(v, n, "not of its first value's type");
    default:
        break;
    }
    if (d->n_in != 0)
        return sentence(v, n, "wrong number of operands");
    if (d->op == OP_const)
        return check_const(v, n);
    if (d->op == OP_arg)
        return check_input(v, n, g->inputs, g->n_inputs);
    if (d->op == OP_uniform)
        return check_input(v, n, g->uniforms, g->n_uniforms);
    return d->dtype == JIT_U64 ? NULL : sentence(v, n, "not u64");
}

static const char *check_node(verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    const char *wrong = check_operands(v, n);
    if (wrong)
        return wrong;
    const op_row *r = op_info((op)d->op);
    if (r->rule == RULE_LEAF)
        return check_leaf(v, n);
    if (d->n_in != r->arity)
        return sentence(v, n, "wrong number of operands");
    jit_dtype in[3] = { JIT_NONE };
    for (int32_t i = 0; i < d->n_in; i++)
        in[i] = graph_dtype(g, graph_in(g, n, i));
    bool typed = r->rule == RULE_CAST ? op_casts((op)d->op, in[0], (jit_dtype)d->dtype)
                                      : op_type((op)d->op, in) == (jit_dtype)d->dtype;
    return typed && d->dtype != JIT_NONE ? NULL : sentence(v, n, "types that do not fit");
}

/* -------------------------------------------------------------------------- all */

/* Values of a loop leave it only through proj. */
static const char *check_scope(const verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    if (d->op == OP_phi && v->loop_of[n] == 0)
        return sentence(v, n, "a phi without a loop");
    node first = d->op == OP_phi ? v->owner[graph_in(g, n, 0)] : 0;
    if (first != 0 && first <= v->loop_of[n])
        return sentence(v, n, "a first value from inside its loop");
    if (d->op != OP_loop && v->owner[n] != 0 && v->owner[n] <= n)
        return sentence(v, n, "uses the inside of a loop that is closed");
    for (int32_t i = 0; d->op == OP_loop && i < d->n_in; i++) {
        node o = v->owner[graph_in(g, n, i)];
        if (o != 0 && o < n)
            return sentence(v, n, "uses the inside of a loop that is closed");
    }
    return NULL;
}

static const char *check_outputs(const verify *v)
{
    const graph *g = v->g;
    if (g->n_outputs < 1 || !g->outputs)
        return "no outputs";
    for (int32_t i = 0; i < g->n_outputs; i++) {
        node n = g->outputs[i].value;
        if (n <= 0 || n >= g->n_nodes)
            return "an output that is no node";
        if (graph_dtype(g, n) == JIT_NONE)
            return sentence(v, n, "a loop as an output");
        if (v->owner[n] != 0)
            return sentence(v, n, "an output inside a loop");
    }
    return NULL;
}

const char *verify_graph(arena *ar, const graph *g)
{
    verify v = { .ar = ar, .g = g };
    const char *wrong = NULL;
    if (g->failed)
        return "the graph has an error";
    v.loop_of = arena_alloc(ar, (size_t)g->n_nodes * sizeof *v.loop_of);
    if (!v.loop_of)
        return no_memory;
    for (node n = 1; n < g->n_nodes && !wrong; n++)
        wrong = check_node(&v, n);
    if (wrong)
        return wrong;
    v.owner = graph_owners(g);
    if (!v.owner)
        return no_memory;
    for (node n = 1; n < g->n_nodes && !wrong; n++)
        wrong = check_scope(&v, n);
    return wrong ? wrong : check_outputs(&v);
}

/* Checks the rules of graph.h. Each check gives NULL or a sentence; the first found is told. */
#include "verify.h"

typedef struct verify {
    arena *ar;
    const graph *g;
    node *loop_of; /* of a phi; of an axis the map or fold */
    bool *known;   /* depends on dims, constants and uniforms alone */
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
    return in[d->imm].dtype == (jit_dtype)d->dtype && in[d->imm].shape == d->shape
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
        if (graph_dtype(g, graph_in(g, n, k + 1 + i)) != graph_dtype(g, phi) ||
            g->nodes[graph_in(g, n, k + 1 + i)].shape != g->nodes[phi].shape)
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
    const node_data *variable = &g->nodes[graph_in(g, loop, (int32_t)d->imm)];
    return variable->dtype == d->dtype && variable->shape == d->shape
               ? NULL
               : sentence(v, n, "not of its variable's type");
}

/* -------------------------------------------------------------------------- arrays */

static bool is_number(const verify *v, node n)
{
    return graph_dtype(v->g, n) == JIT_I64 && v->g->nodes[n].shape == 0;
}

static bool is_scalar(const verify *v, node n, jit_dtype t)
{
    return graph_dtype(v->g, n) == t && v->g->nodes[n].shape == 0;
}

static const char *check_axes(verify *v, node n, int32_t n_axes)
{
    const graph *g = v->g;
    if (n_axes < 1 || n_axes > GRAPH_MAX_RANK)
        return sentence(v, n, "no axes, or too many");
    for (int32_t i = 0; i < n_axes; i++) {
        node axis = graph_in(g, n, i);
        if (g->nodes[axis].op != OP_axis)
            return sentence(v, n, "an axis that is none");
        if (v->loop_of[axis] != 0)
            return sentence(v, n, "an axis that another map or fold has");
        v->loop_of[axis] = n;
    }
    return NULL;
}

static const char *check_map(verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    if (d->imm >= GRAPH_MAX_VALUES)
        return sentence(v, n, "too many values");
    int32_t k = graph_n_axes(d);
    const char *wrong = check_axes(v, n, k);
    if (wrong)
        return wrong;
    if (!is_scalar(v, graph_in(g, n, k), (jit_dtype)d->dtype))
        return sentence(v, n, "not of its value's type");
    for (int32_t i = k; i < d->n_in; i++)
        if (g->nodes[graph_in(g, n, i)].shape != 0)
            return sentence(v, n, "a value that is an array");
    const graph_shape *s = graph_shape_at(g, n);
    bool same = s->rank == k;
    for (int32_t i = 0; same && i < s->rank; i++)
        same = s->extent[i] == graph_in(g, graph_in(g, n, i), 0);
    return same ? NULL : sentence(v, n, "not of its axes' shape");
}

static const char *check_also(const verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    const node_data *map = d->n_in == 1 ? &g->nodes[graph_in(g, n, 0)] : d;
    if (map->op != OP_map || d->imm < 1 || d->imm > map->imm)
        return sentence(v, n, "no such value of a map");
    node value = graph_in(g, graph_in(g, n, 0), graph_n_axes(map) + (int32_t)d->imm);
    return graph_dtype(g, value) == (jit_dtype)d->dtype && d->shape == map->shape
               ? NULL
               : sentence(v, n, "not of its value's type");
}

static const char *check_fold(verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    int32_t k = graph_n_axes(d);
    const char *wrong = check_axes(v, n, k);
    if (wrong)
        return wrong;
    jit_dtype t = graph_dtype(g, graph_in(g, n, k));
    fold_kind kind = graph_fold_kind(d);
    bool index = kind == FOLD_ARGMIN || kind == FOLD_ARGMAX;
    if (kind > FOLD_ARGMAX || graph_fold_order(d) > FOLD_SEQUENTIAL || d->shape != 0)
        return sentence(v, n, "no such fold");
    if (d->dtype != (index ? JIT_I64 : t) || (index && k != 1) || type_compute(t) != t ||
        ((kind == FOLD_ANY || kind == FOLD_ALL) && t != JIT_BOOL) ||
        (kind <= FOLD_MAX && t == JIT_BOOL))
        return sentence(v, n, "types that do not fit");
    for (int32_t i = k; i < d->n_in; i++)
        if (!is_scalar(v, graph_in(g, n, i), t))
            return sentence(v, n, "a value that is not a scalar of its type");
    return NULL;
}

static const char *check_element(const verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    node array = d->n_in > 0 ? graph_in(g, n, 0) : 0;
    int32_t rank = array ? graph_shape_at(g, array)->rank : 0;
    bool put = d->op == OP_put;
    if (rank == 0 || d->n_in != rank + (put ? 3 : 1))
        return sentence(v, n, "operands that are not an array and its subscripts");
    for (int32_t i = 1; i <= rank; i++)
        if (!is_number(v, graph_in(g, n, i)))
            return sentence(v, n, "a subscript that is not i64");
    bool fits = graph_dtype(g, array) == (jit_dtype)d->dtype &&
                d->shape == (put ? g->nodes[array].shape : 0);
    if (put)
        fits = fits && is_scalar(v, graph_in(g, n, rank + 1), (jit_dtype)d->dtype) &&
               is_scalar(v, graph_in(g, n, rank + 2), JIT_BOOL);
    return fits ? NULL : sentence(v, n, "types that do not fit");
}

static const char *check_site(const verify *v, node n)
{
    const node_data *d = &v->g->nodes[n];
    bool fits = d->n_in == 3 && is_number(v, graph_in(v->g, n, 0)) &&
                is_number(v, graph_in(v->g, n, 1)) &&
                is_scalar(v, graph_in(v->g, n, 2), JIT_BOOL) && is_number(v, n);
    if (!fits)
        return sentence(v, n, "types that do not fit");
    if (!v->known[graph_in(v->g, n, 1)])
        return sentence(v, n, "an extent that depends on more than dims and uniforms");
    return d->imm < (uint64_t)v->g->n_sites ? NULL : sentence(v, n, "no such site");
}

static const char *check_shape(const verify *v, node n)
{
    const graph *g = v->g;
    if (g->nodes[n].shape < 0 || g->nodes[n].shape >= g->n_shapes)
        return sentence(v, n, "no such shape");
    const graph_shape *s = graph_shape_at(g, n);
    for (int32_t i = 0; i < s->rank; i++)
        if (s->extent[i] <= 0 || s->extent[i] >= n || !v->known[s->extent[i]] ||
            !is_number(v, s->extent[i]))
            return sentence(v, n, "an extent that is not known before the call");
    return NULL;
}

static const char *check_axis(const verify *v, node n)
{
    const graph *g = v->g;
    if (g->nodes[n].n_in != 1 || !is_number(v, n) || !is_number(v, graph_in(g, n, 0)) ||
        !v->known[graph_in(g, n, 0)])
        return sentence(v, n, "an extent that is not known before the call");
    return NULL;
}

static const char *check_array_node(verify *v, node n)
{
    switch ((op)v->g->nodes[n].op) {
    case OP_axis:
        return check_axis(v, n);
    case OP_map:
        return check_map(v, n);
    case OP_also:
        return check_also(v, n);
    case OP_fold:
        return check_fold(v, n);
    case OP_bound:
        return check_site(v, n);
    default:
        return check_element(v, n);
    }
}

/* -------------------------------------------------------------------------- any node */

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
        return graph_dtype(g, graph_in(g, n, 0)) == (jit_dtype)d->dtype &&
                       g->nodes[graph_in(g, n, 0)].shape == d->shape
                   ? NULL
                   : sentence(v, n, "not of its first value's type");
    case OP_axis:
    case OP_map:
    case OP_also:
    case OP_fold:
    case OP_at:
    case OP_bound:
    case OP_put:
        return check_array_node(v, n);
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
    if (d->op == OP_dim)
        return d->dtype == JIT_I64 && d->imm < (uint64_t)g->n_dims
                   ? NULL
                   : sentence(v, n, "no such dimension");
    return d->dtype == JIT_U64 ? NULL : sentence(v, n, "not u64");
}

static const char *check_node(verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    const char *wrong = check_operands(v, n);
    wrong = wrong ? wrong : check_shape(v, n);
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
    for (int32_t i = 0; i < d->n_in; i++)
        if (g->nodes[graph_in(g, n, i)].shape != (d->op == OP_select && i > 0 ? d->shape : 0))
            return sentence(v, n, "an array as an operand");
    if (d->shape != 0 && d->op != OP_select)
        return sentence(v, n, "an array that cannot be one");
    if (r->rule == RULE_LOOKUP && g->nodes[graph_in(g, n, 1)].op != OP_const)
        return sentence(v, n, "a table that is no constant");
    bool typed = r->rule == RULE_CAST ? op_casts((op)d->op, in[0], (jit_dtype)d->dtype)
                                      : op_type((op)d->op, in) == (jit_dtype)d->dtype;
    return typed && d->dtype != JIT_NONE ? NULL : sentence(v, n, "types that do not fit");
}

static bool is_known(const verify *v, node n)
{
    const node_data *d = &v->g->nodes[n];
    bool known = op_info((op)d->op)->rule != RULE_LEAF && d->shape == 0;
    if (d->op == OP_const || d->op == OP_dim || d->op == OP_uniform)
        return true;
    for (int32_t i = 0; known && i < d->n_in; i++)
        known = v->known[graph_in(v->g, n, i)];
    return known;
}

static const char *check_nodes(verify *v)
{
    for (node n = 1; n < v->g->n_nodes; n++) {
        const char *wrong = check_node(v, n);
        if (wrong)
            return wrong;
        v->known[n] = is_known(v, n);
    }
    return NULL;
}

/* -------------------------------------------------------------------------- all */

/* Values of a loop leave it only through proj, those of a map or fold through itself. */
static const char *check_scope(const verify *v, node n)
{
    const graph *g = v->g;
    const node_data *d = &g->nodes[n];
    if (d->op == OP_phi && v->loop_of[n] == 0)
        return sentence(v, n, "a phi without a loop");
    node first = d->op == OP_phi ? v->owner[graph_in(g, n, 0)] : 0;
    if (first != 0 && first <= v->loop_of[n])
        return sentence(v, n, "a first value from inside its loop");
    bool closes = d->op == OP_loop || d->op == OP_map || d->op == OP_fold;
    if (!closes && v->owner[n] != 0 && v->owner[n] <= n)
        return sentence(v, n, "uses the inside of a loop that is closed");
    for (int32_t i = 0; closes && i < d->n_in; i++) {
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

static bool is_given(const verify *v, node n, jit_dtype t)
{
    return n > 0 && n < v->g->n_nodes && v->known[n] && is_scalar(v, n, t);
}

static const char *check_before_call(const verify *v)
{
    const graph *g = v->g;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        if (g->inputs[i].shape < 0 || g->inputs[i].shape >= g->n_shapes)
            return "an input without a shape";
        const graph_shape *s = &g->shapes[g->inputs[i].shape];
        for (int32_t k = 0; k < s->rank; k++)
            if (!is_given(v, s->extent[k], JIT_I64))
                return "an input whose extents are not known before the call";
            else if (g->inputs[i].constant && !graph_is_const(g, s->extent[k], NULL))
                return "a constant input whose extents are not constant";
        if (g->inputs[i].constant && !g->inputs[i].shared)
            return "a constant input that samples do not share";
    }
    for (int32_t i = 0; i < g->n_checks; i++) {
        const graph_check *c = &g->checks[i];
        if (!is_given(v, c->value, JIT_I64) || !is_given(v, c->extent, JIT_I64) ||
            !is_given(v, c->when, JIT_BOOL) || c->site < 0 || c->site >= g->n_sites)
            return "a check that cannot be made before the call";
    }
    return NULL;
}

/* Axes that nothing needs may be left over. */
static const char *check_bound_axes(const verify *v)
{
    const graph *g = v->g;
    bool *live = arena_alloc(v->ar, (size_t)g->n_nodes);
    if (!live)
        return no_memory;
    for (int32_t i = 0; i < g->n_outputs; i++)
        live[g->outputs[i].value] = true;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        for (int32_t i = 0; live[n] && i < g->nodes[n].n_in; i++)
            live[graph_in(g, n, i)] = true;
        if (live[n] && g->nodes[n].op == OP_axis && v->loop_of[n] == 0)
            return sentence(v, n, "an axis without a map or fold");
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
    v.known = arena_alloc(ar, (size_t)g->n_nodes * sizeof *v.known);
    if (!v.loop_of || !v.known)
        return no_memory;
    wrong = check_nodes(&v);
    if (wrong)
        return wrong;
    v.owner = graph_owners(g);
    if (!v.owner)
        return no_memory;
    for (node n = 1; n < g->n_nodes && !wrong; n++)
        wrong = check_scope(&v, n);
    wrong = wrong ? wrong : check_outputs(&v);
    wrong = wrong ? wrong : check_bound_axes(&v);
    return wrong ? wrong : check_before_call(&v);
}

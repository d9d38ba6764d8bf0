/* graph_rebuild: a copy of what the outputs need.
 * needs   a graph that verifies        leaves   the same, without dead nodes and loop variables
 * keeps   every result bit             cost     one walk to mark, one to copy */
#include <string.h>

#include "graph_intern.h"

typedef struct rebuild {
    graph *dst;
    const graph *src;
    uint8_t *live;
    node *stack; /* live nodes whose operands are not marked yet; each is pushed once */
    int32_t n_stack;
    node *loop_of;     /* of a phi; 0: of none, or dropped because it never changes */
    int32_t *position; /* of a phi among its loop's variables, then among those kept */
    node *map;         /* old node -> new node */
} rebuild;

static void *array_of_nodes(graph *g, const graph *src, size_t size)
{
    return arena_alloc(g->ar, (size_t)src->n_nodes * size);
}

static bool start(rebuild *r)
{
    r->live = array_of_nodes(r->dst, r->src, sizeof *r->live);
    r->stack = array_of_nodes(r->dst, r->src, sizeof *r->stack);
    r->loop_of = array_of_nodes(r->dst, r->src, sizeof *r->loop_of);
    r->position = array_of_nodes(r->dst, r->src, sizeof *r->position);
    if (!r->map)
        r->map = array_of_nodes(r->dst, r->src, sizeof *r->map);
    return r->live && r->stack && r->loop_of && r->position && r->map;
}

static node next_of(const graph *g, node loop, int32_t i)
{
    return graph_in(g, loop, (int32_t)graph_node(g, loop)->imm + 1 + i);
}

/* A variable whose next value is itself or its first value never changes. */
static void find_variables(rebuild *r)
{
    for (node n = 1; n < r->src->n_nodes; n++) {
        const node_data *d = graph_node(r->src, n);
        for (int32_t i = 0; d->op == OP_loop && i < (int32_t)d->imm; i++) {
            node phi = graph_in(r->src, n, i);
            node next = next_of(r->src, n, i);
            bool constant = next == phi || next == graph_in(r->src, phi, 0);
            r->loop_of[phi] = constant && r->dst->simplify ? 0 : n;
            r->position[phi] = i;
        }
    }
}

/* -------------------------------------------------------------------------- marking */

static void mark(rebuild *r, node n)
{
    if (r->live[n])
        return;
    r->live[n] = 1;
    r->stack[r->n_stack++] = n;
}

/* The next value of a variable is needed when both the loop and the variable are. */
static void mark_phi(rebuild *r, node phi)
{
    mark(r, graph_in(r->src, phi, 0));
    node loop = r->loop_of[phi];
    if (loop == 0)
        return;
    mark(r, loop);
    mark(r, next_of(r->src, loop, r->position[phi]));
}

static void mark_operands(rebuild *r, node n)
{
    const node_data *d = graph_node(r->src, n);
    const graph_shape *s = graph_shape_at(r->src, n);
    for (int32_t i = 0; i < s->rank; i++)
        mark(r, s->extent[i]);
    if (d->op == OP_phi)
        mark_phi(r, n);
    else if (d->op == OP_loop)
        mark(r, graph_in(r->src, n, (int32_t)d->imm)); /* variables as they are needed */
    else if (d->op == OP_proj)
        mark(r, graph_in(r->src, graph_in(r->src, n, 0), (int32_t)d->imm));
    else
        for (int32_t i = 0; i < d->n_in; i++)
            mark(r, graph_in(r->src, n, i));
}

static void mark_all(rebuild *r)
{
    for (int32_t i = 0; i < r->src->n_outputs; i++)
        mark(r, r->src->outputs[i].value);
    for (int32_t i = 0; i < r->src->n_inputs; i++) {
        const graph_shape *s = &r->src->shapes[r->src->inputs[i].shape];
        for (int32_t k = 0; k < s->rank; k++)
            mark(r, s->extent[k]);
    }
    for (int32_t i = 0; i < r->src->n_checks; i++) {
        mark(r, r->src->checks[i].value);
        mark(r, r->src->checks[i].extent);
        mark(r, r->src->checks[i].when);
    }
    while (r->n_stack > 0)
        mark_operands(r, r->stack[--r->n_stack]);
}

/* -------------------------------------------------------------------------- copying */

static node copy_loop(rebuild *r, node old)
{
    const node_data *d = graph_node(r->src, old);
    int32_t n = (int32_t)d->imm, kept = 0;
    node *phis = arena_alloc(r->dst->ar, 2 * (size_t)n * sizeof *phis);
    if (!phis) {
        diag_no_memory(r->dst->d);
        r->dst->failed = true;
        return 0;
    }
    node *next = phis + n;
    for (int32_t i = 0; i < n; i++) {
        node phi = graph_in(r->src, old, i);
        if (!r->live[phi] || r->loop_of[phi] == 0)
            continue;
        r->position[phi] = kept;
        phis[kept] = r->map[phi];
        next[kept++] = r->map[next_of(r->src, old, i)];
    }
    return graph_loop(r->dst, phis, kept, r->map[graph_in(r->src, old, n)], next, d->at);
}

static node copy_proj(rebuild *r, node old)
{
    node loop = graph_in(r->src, old, 0);
    node phi = graph_in(r->src, loop, (int32_t)graph_node(r->src, old)->imm);
    if (r->loop_of[phi] == 0)
        return r->map[phi];
    return graph_proj(r->dst, r->map[loop], r->position[phi]);
}

/* The extents are older than the arg. */
static void copy_input_shape(rebuild *r, uint64_t i)
{
    const graph_shape *s = &r->src->shapes[r->src->inputs[i].shape];
    node extent[GRAPH_MAX_RANK];
    for (int32_t k = 0; k < s->rank; k++)
        extent[k] = r->map[s->extent[k]];
    if (s->rank > 0 && i < (uint64_t)r->dst->n_inputs)
        r->dst->inputs[i].shape = graph_shape_of(r->dst, extent, s->rank);
}

static node copy_leaf(graph *g, const node_data *d)
{
    switch ((op)d->op) {
    case OP_arg:
        return graph_arg(g, (int32_t)d->imm);
    case OP_dim:
        return graph_dim(g, (int32_t)d->imm);
    case OP_uniform:
        return graph_uniform(g, (int32_t)d->imm);
    case OP_const:
        return graph_const(g, (jit_dtype)d->dtype, type_decode((jit_dtype)d->dtype, d->imm));
    default:
        return graph_leaf(g, (op)d->op);
    }
}

static node copy_plain(graph *g, const node_data *d, const node *in)
{
    if (op_info((op)d->op)->rule == RULE_LEAF)
        return copy_leaf(g, d);
    if (d->op == OP_cast)
        return graph_cast(g, (jit_dtype)d->dtype, in[0], d->at);
    if (d->op == OP_bitcast)
        return graph_bitcast(g, (jit_dtype)d->dtype, in[0], d->at);
    return graph_apply(g, (op)d->op, in, d->at);
}

static node copy_fold(graph *g, const node_data *d, const node *in)
{
    int32_t n = graph_n_axes(d);
    graph_fold_spec f = { graph_fold_kind(d), graph_fold_order(d), in[n], 0 };
    f.y = d->n_in > n + 1 ? in[n + 1] : 0;
    return graph_fold(g, in, n, f, d->at);
}

node graph_copy_node(graph *dst, const graph *src, node old, const node *in)
{
    const node_data *d = graph_node(src, old);
    switch ((op)d->op) {
    case OP_axis:
        return graph_axis(dst, in[0], d->at);
    case OP_map:
        return graph_map_all(dst, in, graph_n_axes(d), graph_n_values(d), d->at);
    case OP_also:
        return graph_also(dst, in[0], (int32_t)d->imm);
    case OP_fold:
        return copy_fold(dst, d, in);
    case OP_at:
        return graph_at(dst, in[0], in + 1, d->at);
    case OP_bound:
        return graph_bound(dst, in[0], in[1], in[2], src->sites[d->imm]);
    case OP_put:
        return graph_put(dst, in[0], in + 1, in[d->n_in - 2], in[d->n_in - 1], d->at);
    default:
        return copy_plain(dst, d, in);
    }
}

static node copy_node(rebuild *r, node old, graph_rewrite rewrite, void *user)
{
    const node_data *d = graph_node(r->src, old);
    node in[GRAPH_MAX_IN] = { 0 };
    r->dst->relaxed = d->relaxed;
    if (d->op == OP_loop)
        return copy_loop(r, old);
    if (d->op == OP_proj)
        return copy_proj(r, old);
    for (int32_t i = 0; i < d->n_in; i++)
        in[i] = r->map[graph_in(r->src, old, i)];
    if (d->op == OP_phi)
        return r->loop_of[old] == 0 ? in[0] : graph_phi(r->dst, in[0], d->at);
    if (d->op == OP_arg)
        copy_input_shape(r, d->imm);
    node made = rewrite ? rewrite(user, r->dst, r->src, old, in) : -1;
    return made >= 0 ? made : graph_copy_node(r->dst, r->src, old, in);
}

/* -------------------------------------------------------------------------- signature */

static const char *copy_name(graph *dst, const graph *src, const char *name)
{
    return !name || dst->ar == src->ar ? name : arena_text(dst->ar, name, strlen(name));
}

static graph_input *copy_inputs(graph *dst, const graph *src, const graph_input *in, int32_t n)
{
    graph_input *copy = arena_alloc(dst->ar, (size_t)(n > 0 ? n : 1) * sizeof *copy);
    for (int32_t i = 0; copy && i < n; i++)
        copy[i] = (graph_input){ .name = copy_name(dst, src, in[i].name),
                                 .dtype = in[i].dtype,
                                 .shared = in[i].shared,
                                 .constant = in[i].constant };
    return copy;
}

static bool copy_dims(graph *dst, const graph *src)
{
    if (src->n_dims == 0 || dst->dims)
        return true;
    dst->dims = arena_alloc(dst->ar, (size_t)src->n_dims * sizeof *dst->dims);
    for (int32_t i = 0; dst->dims && i < src->n_dims; i++)
        dst->dims[i] = copy_name(dst, src, src->dims[i]);
    dst->n_dims = dst->dims ? src->n_dims : 0;
    return dst->dims != NULL;
}

/* Arguments of dst are those of src, unless dst has been given its own. */
bool graph_copy_signature(graph *dst, const graph *src)
{
    if (!copy_dims(dst, src))
        return false;
    if (dst->inputs || dst->uniforms)
        return true;
    if (!dst->name)
        dst->name = copy_name(dst, src, src->name);
    dst->inputs = copy_inputs(dst, src, src->inputs, src->n_inputs);
    dst->uniforms = copy_inputs(dst, src, src->uniforms, src->n_uniforms);
    dst->n_inputs = dst->inputs ? src->n_inputs : 0;
    dst->n_uniforms = dst->uniforms ? src->n_uniforms : 0;
    memcpy(dst->tables, src->tables, sizeof dst->tables);
    dst->n_tables = src->n_tables;
    dst->ftz = src->ftz;
    dst->portable = src->portable;
    return dst->inputs && dst->uniforms;
}

static bool copy_outputs(rebuild *r)
{
    graph *dst = r->dst;
    int32_t n = r->src->n_outputs;
    graph_output *out = arena_alloc(dst->ar, (size_t)(n > 0 ? n : 1) * sizeof *out);
    for (int32_t i = 0; out && i < n; i++)
        out[i] = (graph_output){ r->map[r->src->outputs[i].value],
                                 copy_name(dst, r->src, r->src->outputs[i].name) };
    dst->outputs = out;
    dst->n_outputs = out ? n : 0;
    return out != NULL;
}

static bool copy_checks(rebuild *r)
{
    bool fine = true;
    for (int32_t i = 0; fine && i < r->src->n_checks; i++) {
        const graph_check *c = &r->src->checks[i];
        fine = graph_add_check(r->dst, r->map[c->value], r->map[c->extent], r->map[c->when],
                               r->src->sites[c->site]);
    }
    return fine;
}

bool graph_rebuild(graph *dst, const graph *src, graph_rewrite rewrite, void *user)
{
    return graph_rebuild_to(dst, src, (graph_copying){ rewrite, user, NULL });
}

bool graph_rebuild_to(graph *dst, const graph *src, graph_copying how)
{
    rebuild r = { .dst = dst, .src = src, .map = how.map };
    if (dst->failed || src->failed)
        return false;
    uint16_t relaxed = dst->relaxed;
    bool room = start(&r) && graph_copy_signature(dst, src);
    if (room) {
        find_variables(&r);
        mark_all(&r);
        for (node n = 1; n < src->n_nodes && !dst->failed; n++)
            if (r.live[n])
                r.map[n] = copy_node(&r, n, how.rewrite, how.user);
        for (int32_t i = 0; i < src->n_inputs && !dst->failed; i++)
            copy_input_shape(&r, (uint64_t)i);
        room = dst->failed || (copy_outputs(&r) && copy_checks(&r));
    }
    dst->relaxed = relaxed;
    if (!room) {
        diag_no_memory(dst->d);
        dst->failed = true;
    }
    return !dst->failed;
}

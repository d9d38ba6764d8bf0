/* grad_nodes: the sweep from the result down: see grad.h. */
#include "grad.h"

#include <stdio.h>
#include <string.h>

#include "grad_state.h"

/* -------------------------------------------------------------------------- errors */

bool grad_no_memory(grad_state *d)
{
    return lower_no_memory(d->lw);
}

bool grad_error(grad_state *d, node n, const char *what)
{
    span at = graph_node(d->g, n)->at;
    lower_error(d->lw, DIAG_no_grad, at.length > 0 ? at : d->at, "%s cannot be differentiated",
                what);
    return false;
}

/* -------------------------------------------------------------------------- marks */

static bool get_room(grad_state *d)
{
    size_t n = (size_t)d->g->n_nodes;
    arena *ar = d->lw->ar;
    d->n_nodes = d->first_dear = d->g->n_nodes;
    d->owner = graph_owners(d->g);
    d->live = arena_alloc(ar, n);
    d->varies = arena_alloc(ar, n);
    d->guarded = arena_alloc(ar, n);
    d->kept = arena_alloc(ar, n * sizeof(void *));
    d->settled = arena_alloc(ar, n * sizeof *d->settled);
    d->reads = arena_alloc(ar, n);
    d->element = arena_alloc(ar, n * sizeof *d->element);
    d->uses = arena_alloc(ar, n * sizeof(void *));
    d->after = arena_alloc(ar, n * sizeof(void *));
    return (d->owner && d->live && d->varies && d->guarded && d->kept && d->settled &&
            d->element && d->reads && d->uses && d->after) ||
           grad_no_memory(d);
}

static void need(grad_state *d, node *stack, int32_t *n, node at)
{
    if (d->live[at])
        return;
    d->live[at] = true;
    stack[(*n)++] = at;
}

static bool mark_live(grad_state *d, const grad_request *r)
{
    node *stack = arena_alloc(d->lw->ar, (size_t)d->n_nodes * sizeof *stack);
    int32_t n = 0;
    if (!stack)
        return grad_no_memory(d);
    need(d, stack, &n, r->y);
    for (int32_t i = 0; i < r->n_also; i++)
        need(d, stack, &n, r->also[i]);
    while (n > 0) {
        node at = stack[--n];
        const grad_rule *rule = grad_rule_of(d->lw, at);
        for (int32_t i = 0; i < graph_node(d->g, at)->n_in; i++)
            need(d, stack, &n, graph_in(d->g, at, i));
        for (int32_t i = 0; rule && i < rule->n_args; i++)
            if (rule->arg[i])
                need(d, stack, &n, rule->arg[i]);
    }
    return true;
}

/* Which operands a gradient goes to: from, to (not included). */
static void passes_to(const grad_state *d, node n, int32_t *from, int32_t *to)
{
    const node_data *m = graph_node(d->g, n);
    *from = 0;
    *to = m->n_in;
    if (m->op == OP_map || m->op == OP_fold)
        *from = graph_n_axes(m);
    else if (m->op == OP_at)
        *to = 1;
    else if (m->op == OP_select)
        *from = 1;
    else if (m->op == OP_stop)
        *to = 0;
    else if (m->op == OP_put || m->op == OP_phi)
        *to = 1;
}

static bool rule_varies(const grad_state *d, const grad_rule *rule)
{
    for (int32_t i = 0; i < rule->n_args; i++)
        if (rule->arg[i] && d->varies[rule->arg[i]])
            return true;
    return false;
}

/* The phi of a proj. */
static node variable_of(const grad_state *d, node proj)
{
    return graph_in(d->g, graph_in(d->g, proj, 0), (int32_t)graph_node(d->g, proj)->imm);
}

/* The next value of a phi; itself if its loop is not closed yet. */
static node next_of(const grad_state *d, node phi)
{
    node loop = d->owner[phi];
    if (loop == 0 || graph_node(d->g, loop)->op != OP_loop)
        return phi;
    int32_t k = (int32_t)graph_node(d->g, loop)->imm;
    for (int32_t i = 0; i < k; i++)
        if (graph_in(d->g, loop, i) == phi)
            return graph_in(d->g, loop, k + 1 + i);
    return phi;
}

static bool operand_varies(const grad_state *d, node n)
{
    const grad_rule *rule = grad_rule_of(d->lw, n);
    int32_t from, to;
    if (rule)
        return rule_varies(d, rule);
    op o = (op)graph_node(d->g, n)->op;
    if (o == OP_loop)
        return false;
    if (o == OP_proj)
        return d->varies[variable_of(d, n)];
    if (o == OP_phi && d->varies[next_of(d, n)])
        return true;
    if (o == OP_put && d->varies[graph_in(d->g, n, graph_node(d->g, n)->n_in - 2)])
        return true;
    passes_to(d, n, &from, &to);
    for (int32_t i = from; i < to; i++)
        if (d->varies[graph_in(d->g, n, i)])
            return true;
    return false;
}

/* Until nothing changes: the variables of loops vary by what comes after them. */
static bool mark_varying(grad_state *d, const grad_request *r)
{
    for (int32_t i = 0; i < r->n; i++)
        d->varies[r->wrt[i]] = true;
    for (bool again = true; again;) {
        again = false;
        for (node n = 1; n < d->n_nodes; n++) {
            op o = (op)graph_node(d->g, n)->op;
            if (!d->live[n] || d->varies[n] || !operand_varies(d, n))
                continue;
            if (o == OP_bitcast)
                return grad_error(d, n, "'bitcast'");
            d->varies[n] = type_is_float(graph_dtype(d->g, n));
            again = again || d->varies[n];
        }
    }
    return true;
}

/* -------------------------------------------------------------------------- giving */

bool grad_give(grad_state *d, node to, grad_use use)
{
    if (use.value == 0)
        return false;
    if (!d->varies[to])
        return true;
    grad_use *u = arena_alloc(d->lw->ar, sizeof *u);
    if (!u)
        return grad_no_memory(d);
    *u = use;
    u->next = d->uses[to];
    d->uses[to] = u;
    return true;
}

static bool is_linear(op o)
{
    return o == OP_add || o == OP_sub || o == OP_neg || o == OP_cast;
}

/* A zero gradient gives zeros, whatever the slope is. */
static node guard(grad_state *d, node g, node v)
{
    node zero = grad_zero(d, g);
    return graph_apply3(d->g, OP_select, graph_apply2(d->g, OP_eq, g, zero, d->at),
                        grad_zero(d, v), v, d->at);
}

static bool is_zero(value v)
{
    return (v.kind == VALUE_INTEGER && v.u.integer == 0) ||
           (v.kind == VALUE_REAL && v.u.real == 0);
}

static bool give_slope(grad_state *d, node n, node g, int32_t i, value v)
{
    node to = graph_in(d->g, n, i);
    if (!d->varies[to] || is_zero(v))
        return true;
    node slope = value_to_node(d->lw, v, graph_dtype(d->g, to), d->at);
    if (slope && d->guarded[n] && !is_linear((op)graph_node(d->g, n)->op))
        slope = guard(d, g, slope);
    return grad_give(d, to, (grad_use){ .region = d->owner[n], .value = slope });
}

/* What an operator's text calls x. Of a maximum or minimum that is stored anyway, itself: it is
 * above, or below, the other operand where x is. */
static node first_operand(const grad_state *d, node n)
{
    const node_data *m = graph_node(d->g, n);
    bool extreme = m->op == OP_max || m->op == OP_min;
    return extreme && d->element[n] ? n : graph_in(d->g, n, 0);
}

/* By the text in ops.def. */
static bool give_by_text(grad_state *d, node n, node g)
{
    const node_data m = *graph_node(d->g, n);
    const ast_fn *fn = program_adjoint(d->lw->p, (op)m.op, d->lw->d);
    value in[8];
    if (!fn) {
        char what[64];
        (void)snprintf(what, sizeof what, "'%s'", op_info((op)m.op)->name);
        return grad_error(d, n, what);
    }
    for (int32_t i = 0; i < m.n_in; i++)
        in[i] = value_node(i == 0 ? first_operand(d, n) : graph_in(d->g, n, i));
    in[m.n_in] = value_node(n);
    in[m.n_in + 1] = value_node(g);
    value v = inline_function(d->lw, fn, in, d->at);
    for (int32_t i = 0; i < m.n_in; i++) {
        value one = v.kind == VALUE_TUPLE ? v.u.items[i] : v;
        if (one.kind == VALUE_POISON || !give_slope(d, n, g, i, one))
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------------- the kinds of nodes */

static bool give_element(grad_state *d, node n, node g)
{
    node *sub = arena_alloc(d->lw->ar, GRAPH_MAX_RANK * sizeof *sub);
    if (!sub)
        return grad_no_memory(d);
    for (int32_t i = 1; i < graph_node(d->g, n)->n_in; i++)
        sub[i - 1] = graph_in(d->g, n, i);
    grad_use u = { .region = d->owner[n], .sub = sub, .value = g };
    return grad_give(d, graph_in(d->g, n, 0), u);
}

static bool give_map(grad_state *d, node n, node g)
{
    int32_t k = graph_n_axes(graph_node(d->g, n));
    node axes[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < k; i++)
        axes[i] = graph_in(d->g, n, i);
    node one = graph_at(d->g, g, axes, d->at);
    return grad_give(d, graph_in(d->g, n, k), (grad_use){ .region = n, .value = one });
}

static bool give_choice(grad_state *d, node n, node g)
{
    node c = graph_in(d->g, n, 0), none = grad_zeros(d, g);
    bool fine = none != 0;
    for (int32_t i = 1; fine && i < 3; i++) {
        node v = graph_apply3(d->g, OP_select, c, i == 1 ? g : none, i == 1 ? none : g, d->at);
        d->guarded[graph_in(d->g, n, i)] = true;
        fine =
            grad_give(d, graph_in(d->g, n, i), (grad_use){ .region = d->owner[n], .value = v });
    }
    return fine;
}

static bool give_cast(grad_state *d, node n, node g)
{
    node to = graph_in(d->g, n, 0);
    node v = graph_cast(d->g, graph_dtype(d->g, to), g, d->at);
    return grad_give(d, to, (grad_use){ .region = d->owner[n], .value = v });
}

/* By a `grad fn`. */
static bool give_by_rule(grad_state *d, node n, node g, const grad_rule *rule)
{
    value v = grad_rule_apply(d->lw, rule, g);
    for (int32_t i = 0; i < rule->n_args; i++) {
        value one = v.kind == VALUE_TUPLE ? v.u.items[i] : v;
        if (one.kind == VALUE_POISON)
            return false;
        if (!rule->arg[i] || !d->varies[rule->arg[i]])
            continue;
        node slope = grad_rule_slope(d->lw, rule, i, one);
        if (!grad_give(d, rule->arg[i], (grad_use){ .region = d->owner[n], .value = slope }))
            return false;
    }
    return true;
}

/* The element that is written passes its gradient to the value, the others to the array. */
static bool give_put(grad_state *d, node n, node g)
{
    int32_t rank = graph_shape_at(d->g, n)->rank;
    node sub[GRAPH_MAX_RANK], when = graph_in(d->g, n, rank + 2), zero = grad_zero(d, g);
    for (int32_t i = 0; i < rank; i++)
        sub[i] = graph_in(d->g, n, i + 1);
    node written = graph_at(d->g, g, sub, d->at), to = graph_in(d->g, n, rank + 1);
    grad_use value_use = { .region = d->owner[n] }, array_use = { .region = d->owner[n] };
    value_use.value = graph_apply3(d->g, OP_select, when, written, zero, d->at);
    array_use.value = graph_put(d->g, g, sub, zero, when, d->at);
    return grad_give(d, to, value_use) && grad_give(d, graph_in(d->g, n, 0), array_use);
}

/* The loop goes on when the last of its results was met: it is older than they are. */
static bool give_result(grad_state *d, node n, node g)
{
    node loop = graph_in(d->g, n, 0);
    size_t k = (size_t)graph_node(d->g, loop)->imm;
    if (!d->after[loop])
        d->after[loop] = arena_alloc(d->lw->ar, (k + 1) * sizeof **d->after);
    if (!d->after[loop])
        return grad_no_memory(d);
    d->after[loop][graph_node(d->g, n)->imm] = g;
    return true;
}

static bool pass_on(grad_state *d, node n, node g)
{
    const grad_rule *rule = grad_rule_of(d->lw, n);
    if (rule)
        return give_by_rule(d, n, g, rule);
    switch ((op)graph_node(d->g, n)->op) {
    case OP_map:
        return give_map(d, n, g);
    case OP_fold:
        return grad_fold(d, n, g);
    case OP_at:
        return give_element(d, n, g);
    case OP_select:
        return give_choice(d, n, g);
    case OP_cast:
        return give_cast(d, n, g);
    case OP_put:
        return give_put(d, n, g);
    case OP_proj:
        return give_result(d, n, g);
    default:
        return give_by_text(d, n, g);
    }
}

static void guard_operands(grad_state *d, node n)
{
    for (int32_t i = 0; d->guarded[n] && i < graph_node(d->g, n)->n_in; i++)
        d->guarded[graph_in(d->g, n, i)] = true;
}

static int32_t wanted(const grad_request *r, node n)
{
    for (int32_t i = 0; i < r->n; i++)
        if (r->wrt[i] == n)
            return i;
    return -1;
}

node grad_total(grad_state *d, node n)
{
    guard_operands(d, n);
    return graph_node(d->g, n)->shape != 0 ? grad_of_array(d, n) : grad_of_scalar(d, n);
}

/* The value of a product in a map, or what that is added to: the gradient is read many times. */
static bool leads_to_product(const grad_state *d, node n)
{
    enum { DEPTH = 4 };
    for (int32_t i = 0; i < DEPTH && d->owner[n] != 0; i++) {
        const node_data *m = graph_node(d->g, n);
        if (m->op == OP_fold)
            return d->varies[n] && graph_fold_kind(m) == FOLD_DOT;
        if (!is_linear((op)m->op))
            return false;
        node a = graph_in(d->g, n, 0), b = graph_in(d->g, n, m->n_in - 1);
        n = graph_node(d->g, a)->op == OP_at ? b : a;
    }
    return false;
}

static bool is_computed(const grad_state *d, node g)
{
    op o = (op)graph_node(d->g, g)->op;
    return o != OP_at && o != OP_neg && op_info(o)->rule != RULE_LEAF;
}

bool grad_pass(grad_state *d, node n)
{
    if (graph_node(d->g, n)->op == OP_loop)
        return grad_loop(d, n, d->after[n]);
    node g = grad_total(d, n);
    if (g && leads_to_product(d, n) && is_computed(d, g))
        g = grad_store(d, g, d->owner[n], NULL, NULL, 0);
    return g && pass_on(d, n, g);
}

static bool one_node(grad_state *d, grad_request *r, node n)
{
    int32_t i = wanted(r, n);
    if (i < 0)
        return grad_pass(d, n);
    r->out[i] = grad_total(d, n);
    return r->out[i] != 0;
}

static bool finish(grad_state *d, grad_request *r)
{
    for (int32_t i = 0; i < r->n; i++)
        r->out[i] =
            r->out[i] ? grad_copy(d, r->out[i], (grad_change){ 0 }) : grad_zeros(d, r->wrt[i]);
    r->value = grad_copy(d, r->y, (grad_change){ 0 });
    bool fine = r->value != 0;
    for (int32_t i = 0; i < r->n; i++)
        fine = fine && r->out[i];
    for (int32_t i = 0; i < r->n_also; i++) {
        r->also[i] = grad_copy(d, r->also[i], (grad_change){ 0 });
        fine = fine && r->also[i];
    }
    return fine;
}

bool grad_nodes(lowering *lw, grad_request *r)
{
    grad_state d = { .lw = lw, .g = lw->g, .at = r->at };
    node active = lw->active;
    memset(r->out, 0, (size_t)r->n * sizeof *r->out);
    if (!get_room(&d) || !mark_live(&d, r) || !mark_varying(&d, r) || !grad_keep(&d))
        return false;
    lw->active = lw->yes;
    node one = graph_real(lw->g, graph_dtype(lw->g, r->y), 1);
    bool fine = grad_give(&d, r->y, (grad_use){ .region = d.owner[r->y], .value = one });
    for (node n = r->y; fine && n > 0; n--)
        if (d.uses[n] || d.after[n])
            fine = one_node(&d, r, n);
    fine = fine && finish(&d, r);
    lw->active = active;
    return fine && !lw->stop && !lw->g->failed;
}

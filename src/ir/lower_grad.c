/* grad(f; x), grad(f; param), value_and_grad(f; x): functions of f's arguments; `grad fn`.
 *
 * The derivative is a function like others (ast_fn.derivative). Its body: each argument that the
 * derivative is taken by is marked by a node of its own, f is inlined on them, and grad.c goes
 * back from the result to the marks. While that is so, calls of functions with a `grad fn` leave
 * a mark as well (grad_rule), at which grad.c asks for the user's derivative. */
#include <string.h>

#include "grad.h"

/* -------------------------------------------------------------------------- the function */

static int32_t argument_named(const ast_fn *fn, const char *name)
{
    for (int32_t i = 0; i < fn->n_args + fn->n_uniforms; i++) {
        const ast_param *p = i < fn->n_args ? &fn->args[i] : &fn->uniforms[i - fn->n_args];
        if (strcmp(p->name, name) == 0)
            return i;
    }
    return -1;
}

static bool not_name(lowering *lw, const ast_arg *a, const ast_fn *fn)
{
    lower_error(lw, DIAG_grad_argument, a->at, "after ';' stand names of arguments of '%s'",
                fn->name);
    return false;
}

static bool by_argument(lowering *lw, const ast_arg *a, const ast_fn *fn, ast_derivative *d)
{
    if (a->name || a->value->kind != EXPR_NAME)
        return not_name(lw, a, fn);
    if (strcmp(a->value->u.name, "param") == 0) {
        d->params = true;
        return true;
    }
    int32_t i = argument_named(fn, a->value->u.name);
    if (i < 0) {
        lower_error(lw, DIAG_grad_argument, a->value->at, "'%s' has no argument '%s'", fn->name,
                    a->value->u.name);
        return false;
    }
    const ast_type *t = i < fn->n_args ? &fn->args[i].type : &fn->uniforms[i - fn->n_args].type;
    if (t->is_fn || t->is_dim) {
        lower_error(lw, DIAG_grad_argument, a->value->at, "argument '%s' is no number",
                    a->value->u.name);
        return false;
    }
    d->by[d->n++] = i;
    return true;
}

static bool same_derivative(const ast_derivative *a, const ast_derivative *b)
{
    return a->of == b->of && a->value_too == b->value_too && a->params == b->params &&
           a->n == b->n && memcmp(a->by, b->by, (size_t)a->n * sizeof *a->by) == 0;
}

/* One function for equal derivatives: what was learned of it stays. */
static const ast_fn *function_of(lowering *lw, const ast_derivative *d)
{
    for (int32_t i = 0; i < lw->n_derivatives; i++)
        if (same_derivative(lw->derivatives[i]->derivative, d))
            return lw->derivatives[i];
    ast_fn *fn = arena_alloc(lw->ar, sizeof *fn);
    const char *name =
        arena_format(lw->ar, "%s(%s)", d->value_too ? "value_and_grad" : "grad", d->of->name);
    void *all = lw->derivatives;
    if (!fn || !name ||
        !arena_grow(lw->ar, &all, sizeof *lw->derivatives, &lw->cap_derivatives,
                    lw->n_derivatives + 1)) {
        lower_no_memory(lw);
        return NULL;
    }
    *fn = *d->of;
    fn->name = name;
    fn->derivative = d;
    fn->results = NULL;
    fn->n_results = 0;
    fn->value = NULL;
    fn->body = (ast_block){ 0 };
    lw->derivatives = all;
    return lw->derivatives[lw->n_derivatives++] = fn;
}

static const ast_derivative *described(lowering *lw, const callee *c, const ast_fn *fn,
                                       const ast_expr *e)
{
    int32_t n = e->u.call.n_uniforms;
    ast_derivative *d = arena_alloc(lw->ar, sizeof *d);
    int32_t *by = arena_alloc(lw->ar, ((size_t)n + 1) * sizeof *by);
    if (!d || !by) {
        lower_no_memory(lw);
        return NULL;
    }
    *d = (ast_derivative){ .of = fn, .by = by, .value_too = c->name[0] == 'v' };
    for (int32_t i = 0; i < n; i++)
        if (!by_argument(lw, &e->u.call.uniforms[i], fn, d))
            return NULL;
    if (n == 0)
        d->by[d->n++] = 0;
    if (n == 0 && fn->n_args == 0) {
        lower_error(lw, DIAG_grad_argument, e->op, "'%s' has no argument to differentiate by",
                    fn->name);
        return NULL;
    }
    return d;
}

/* An operator as a function: fn exp(x) = exp(x). */
static const ast_fn *operator_fn(lowering *lw, const callee *c)
{
    const ast_fn *fn = program_operator(lw->p, c->op, lw->d);
    if (!fn)
        lower_no_memory(lw);
    return fn;
}

value lower_grad(lowering *lw, const callee *c, const ast_expr *e)
{
    bool one = e->u.call.n_args == 1 && !e->u.call.args[0].name;
    value f = one ? lower_expr(lw, e->u.call.args[0].value) : value_poison();
    if (!one || (f.kind != VALUE_FUNCTION && f.kind != VALUE_POISON) ||
        (f.kind == VALUE_FUNCTION && f.u.function->kind == CALLEE_SPECIAL)) {
        lower_error(lw, DIAG_grad_argument, e->op, "'%s' takes the name of a function",
                    c->name);
        diag_hint(lw->d, "%s(f)(x), %s(f; x, y)(x, y)", c->name, c->name);
        return value_poison();
    }
    if (f.kind != VALUE_FUNCTION || f.u.function->kind == CALLEE_UNKNOWN)
        return f;
    const ast_fn *fn =
        f.u.function->kind == CALLEE_OP ? operator_fn(lw, f.u.function) : f.u.function->fn;
    const ast_derivative *d = fn ? described(lw, c, fn, e) : NULL;
    callee *made = d ? arena_alloc(lw->ar, sizeof *made) : NULL;
    if (!made)
        return value_poison();
    *made = (callee){ .kind = CALLEE_FN, .fn = function_of(lw, d) };
    made->name = made->fn ? made->fn->name : NULL;
    return made->fn ? (value){ .kind = VALUE_FUNCTION, .u.function = made } : value_poison();
}

/* -------------------------------------------------------------------------- marks */

/* A node of its own with the value of n. */
static node marked(lowering *lw, node n, span at)
{
    node axes[GRAPH_MAX_RANK];
    graph_shape s = *graph_shape_at(lw->g, n);
    if (s.rank == 0)
        return graph_apply1(lw->g, OP_mark, n, at);
    if (!array_axes(lw, &s, axes, at))
        return 0;
    node one = graph_apply1(lw->g, OP_mark, graph_at(lw->g, n, axes, at), at);
    return graph_map(lw->g, axes, s.rank, one, at);
}

/* The argument as a number that can change a little. */
static value real_argument(lowering *lw, const ast_fn *fn, int32_t i, value v, span at)
{
    const ast_param *p = i < fn->n_args ? &fn->args[i] : &fn->uniforms[i - fn->n_args];
    value_type t = type_of_value(lw, v);
    if (t == TYPE_UNKNOWN)
        return value_poison();
    if (t == TYPE_WEAK_INTEGER || t == TYPE_WEAK_REAL)
        return value_as(lw, v, TYPE_WEAK_REAL, at);
    if (type_is_float((jit_dtype)t))
        return v;
    lower_error(lw, DIAG_grad_argument, at, "the derivative by argument '%s', which is %s",
                p->name, type_text(t));
    diag_hint(lw->d, "a derivative is taken by real numbers");
    return value_poison();
}

typedef struct marking {
    const ast_derivative *d;
    value *args, *by; /* of f; those that the derivative is taken by */
    int32_t n;
    span at;
} marking;

static bool mark_arguments(lowering *lw, marking *m, const value *given)
{
    const ast_fn *of = m->d->of;
    size_t n = (size_t)(of->n_args + of->n_uniforms);
    m->args = arena_alloc(lw->ar, (n + 1) * sizeof *m->args);
    m->by = arena_alloc(lw->ar, ((size_t)m->d->n + 1) * sizeof *m->by);
    if (!m->args || !m->by)
        return lower_no_memory(lw);
    memcpy(m->args, given, n * sizeof *given);
    for (; m->n < m->d->n; m->n++) {
        int32_t i = m->d->by[m->n];
        value v = real_argument(lw, of, i, given[i], m->at);
        if (v.kind == VALUE_POISON)
            return false;
        v.u.node = marked(lw, v.u.node, m->at);
        m->args[i] = m->by[m->n] = v;
    }
    return true;
}

/* -------------------------------------------------------------------------- the body */

/* The result of f as a node of floats; 0: it has none. */
static node differentiable(lowering *lw, const ast_fn *of, value v, span at)
{
    value_type t = type_of_value(lw, v);
    if (v.kind == VALUE_POISON)
        return 0;
    if (v.kind == VALUE_TUPLE || value_is_array(lw, v)) {
        lower_error(lw, DIAG_grad_argument, at,
                    "the result of '%s' is %s: a derivative is of "
                    "one number",
                    of->name, v.kind == VALUE_TUPLE ? "several values" : value_text(lw, v));
        return 0;
    }
    if (t == TYPE_WEAK_INTEGER || t == TYPE_WEAK_REAL)
        return value_as(lw, v, TYPE_WEAK_REAL, at).u.node;
    if (t > 0 && type_is_float((jit_dtype)t))
        return v.u.node;
    lower_error(lw, DIAG_grad_argument, at,
                "the result of '%s' is %s: a derivative is of a "
                "real number",
                of->name, type_text(t));
    return 0;
}

static value like(value by, node n)
{
    return by.kind == VALUE_WEAK_NODE ? value_weak(n) : value_node(n);
}

static bool is_node(value v)
{
    return v.kind == VALUE_NODE || v.kind == VALUE_WEAK_NODE;
}

/* all: the results of f, of which the first is y. In a check any nodes of the types will do. */
static bool derive(lowering *lw, const marking *m, node y, value all, grad_request *r)
{
    int32_t more = all.kind == VALUE_TUPLE ? all.n - 1 : 0;
    node *nodes = arena_alloc(lw->ar, (2 * (size_t)m->n + (size_t)more + 1) * sizeof *nodes);
    if (!nodes)
        return lower_no_memory(lw);
    *r = (grad_request){ .y = y, .wrt = nodes, .n = m->n, .out = nodes + m->n, .at = m->at };
    for (int32_t i = 0; i < m->n; i++)
        nodes[i] = r->out[i] = m->by[i].u.node;
    r->also = nodes + 2 * m->n;
    for (int32_t i = 1; i <= more; i++)
        if (is_node(all.u.items[i]))
            r->also[r->n_also++] = all.u.items[i].u.node;
    r->value = y;
    return lw->checking || grad_nodes(lw, r);
}

static value results(lowering *lw, const marking *m, const grad_request *r, value all)
{
    int32_t more = all.kind == VALUE_TUPLE ? all.n - 1 : 0;
    int32_t first = m->d->value_too, n = first + r->n + more;
    const value *given = more ? all.u.items : &all;
    value *items = arena_alloc(lw->ar, ((size_t)n + 1) * sizeof *items);
    if (!items) {
        lower_no_memory(lw);
        return value_poison();
    }
    items[0] = value_is_weak(given[0]) ? value_weak(r->value) : value_node(r->value);
    for (int32_t i = 0; i < r->n; i++)
        items[first + i] = like(m->by[i], r->out[i]);
    for (int32_t i = 1, k = 0; i <= more; i++)
        items[first + r->n + i - 1] =
            is_node(given[i]) ? like(given[i], r->also[k++]) : given[i];
    return n == 1 ? items[0] : (value){ .kind = VALUE_TUPLE, .n = n, .u.items = items };
}

/* The parameters follow the arguments. */
static bool add_params(lowering *lw, marking *m, const param_marks *p)
{
    if (p->n == 0 && m->d->params) {
        lower_error(lw, DIAG_grad_argument, m->at, "'%s' has no parameters", m->d->of->name);
        return false;
    }
    void *by = m->by;
    int32_t cap = m->n;
    if (!arena_grow(lw->ar, &by, sizeof *m->by, &cap, m->n + p->n + 1))
        return lower_no_memory(lw);
    m->by = by;
    for (int32_t i = 0; i < p->n; i++)
        m->by[m->n++] = p->marked[i];
    return true;
}

value lower_derivative(lowering *lw, const frame *f, const value *args)
{
    marking m = { .d = f->fn->derivative, .at = lower_place(lw, f->call) };
    const ast_fn *of = m.d->of;
    grad_request r;
    param_marks params = { .n = 0 }, *outer = lw->param_marks;
    if (!mark_arguments(lw, &m, args))
        return value_poison();
    lw->deriving++;
    lw->param_marks = m.d->params ? &params : NULL;
    value v = inline_function(lw, of, m.args, f->call);
    lw->param_marks = outer;
    lw->deriving--;
    bool several = v.kind == VALUE_TUPLE && m.d->value_too;
    node y = differentiable(lw, of, several ? v.u.items[0] : v, m.at);
    bool fine = y && add_params(lw, &m, &params) && derive(lw, &m, y, v, &r);
    return fine ? results(lw, &m, &r, v) : value_poison();
}

/* A parameter may be met more than once, where a body is lowered again. */
value lower_marked_param(lowering *lw, const char *path, value v, span at)
{
    param_marks *p = lw->param_marks;
    if (!p || v.kind == VALUE_POISON)
        return v;
    for (int32_t i = 0; i < p->n; i++)
        if (strcmp(p->path[i], path) == 0)
            return p->marked[i];
    void *paths = p->path, *all = p->marked;
    int32_t cap = p->cap;
    v.u.node = marked(lw, v.u.node, at);
    if (!arena_grow(lw->ar, &paths, sizeof *p->path, &cap, p->n + 1) ||
        !arena_grow(lw->ar, &all, sizeof *p->marked, &p->cap, p->n + 1)) {
        lower_no_memory(lw);
        return value_poison();
    }
    p->path = paths;
    p->marked = all;
    p->path[p->n] = path;
    p->marked[p->n++] = v;
    return v;
}

/* -------------------------------------------------------------------------- grad fn */

static int by_node(const grad_rule *r, node n)
{
    return (r->of > n) - (r->of < n);
}

const grad_rule *grad_rule_of(const lowering *lw, node n)
{
    int32_t low = 0, high = lw->n_rules - 1;
    while (low <= high) {
        int32_t middle = low + (high - low) / 2;
        int order = by_node(&lw->rules[middle], n);
        if (order == 0)
            return &lw->rules[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return NULL;
}

/* The call of fn gave v: if the user says how it is differentiated, that is remembered. */
value grad_rule_mark(lowering *lw, const ast_fn *fn, const value *args, value v, span at)
{
    bool own = !fn->is_grad && !fn->derivative;
    const ast_fn *rule = own ? program_grad_fn(lw->p, fn, lw->d) : NULL;
    bool real = v.kind == VALUE_NODE || v.kind == VALUE_WEAK_NODE;
    if (!rule || !real || !type_is_float(graph_dtype(lw->g, v.u.node)))
        return v;
    int32_t n = fn->n_args, all = n + fn->n_uniforms;
    void *rules = lw->rules;
    value *copy = arena_alloc(lw->ar, ((size_t)all + 1) * sizeof *copy);
    node *nodes = arena_alloc(lw->ar, ((size_t)n + 1) * sizeof *nodes);
    if (!copy || !nodes ||
        !arena_grow(lw->ar, &rules, sizeof *lw->rules, &lw->cap_rules, lw->n_rules + 1)) {
        lower_no_memory(lw);
        return value_poison();
    }
    lw->rules = rules;
    memcpy(copy, args, (size_t)all * sizeof *copy);
    for (int32_t i = 0; i < n; i++) {
        bool number = args[i].kind == VALUE_NODE || args[i].kind == VALUE_WEAK_NODE;
        nodes[i] = number ? args[i].u.node : 0;
    }
    v.u.node = marked(lw, v.u.node, lower_place(lw, at));
    lw->rules[lw->n_rules++] = (grad_rule){ v.u.node, rule, copy, nodes, n, all, at };
    return v;
}

value grad_rule_apply(lowering *lw, const grad_rule *rule, node g)
{
    value *args = arena_alloc(lw->ar, ((size_t)rule->n_values + 2) * sizeof *args);
    if (!args) {
        lower_no_memory(lw);
        return value_poison();
    }
    size_t n = (size_t)rule->n_args;
    memcpy(args, rule->value, n * sizeof *args);
    args[n] = value_node(g);
    memcpy(args + n + 1, rule->value + n, ((size_t)rule->n_values - n) * sizeof *args);
    value v = inline_function(lw, rule->fn, args, rule->at);
    int32_t count = v.kind == VALUE_TUPLE ? v.n : 1;
    if (v.kind == VALUE_POISON || count == rule->n_args)
        return v;
    lower_error(lw, DIAG_grad_rule, rule->fn->name_at,
                "'grad fn %s' gives %d value%s, not one for each of %d arguments",
                rule->fn->name, (int)count, count == 1 ? "" : "s", (int)rule->n_args);
    return value_poison();
}

node grad_rule_slope(lowering *lw, const grad_rule *rule, int32_t i, value v)
{
    node to = rule->arg[i];
    graph_shape s = *graph_shape_at(lw->g, to);
    jit_dtype t = graph_dtype(lw->g, to);
    if (s.rank == 0)
        return value_only_scalar(lw, v, "a derivative", rule->at)
                   ? value_to_node(lw, v, t, rule->at)
                   : 0;
    v = array_broadcast(lw, v, &s, rule->at);
    v = v.kind == VALUE_POISON ? v : array_as(lw, v, (value_type)t, rule->at);
    return v.kind == VALUE_NODE ? v.u.node : 0;
}

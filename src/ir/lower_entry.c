/* Entries: a function as called from the host, default values, a function on given nodes. */
#include "lower_state.h"

#include <string.h>

#include "fold_order.h"

/* ------------------------------------------------------------------------------ arguments */

static bool is_static(const ast_param *p)
{
    return p->type.given && (p->type.is_fn || p->type.is_dim);
}

/* A uniform argument that is one value, in a cell. */
static bool is_cell(const ast_param *p)
{
    return !is_static(p) && !type_is_array(&p->type);
}

static const static_arg *given_static(const specialisation *s, const char *name)
{
    for (int32_t i = 0; i < s->n_statics; i++) {
        if (strcmp(s->statics[i].name, name) == 0) {
            return &s->statics[i];
        }
    }
    return NULL;
}

static value named_function(lowering *lw, const char *name, span at)
{
    callee *c = arena_alloc(lw->ar, sizeof *c);
    if (!c) {
        lower_no_memory(lw);
        return value_poison();
    }
    *c = program_callee(lw->p, name, NULL, lw->d);
    if (c->kind == CALLEE_NONE) {
        const char *near = program_nearest(lw->p, name, false);
        lower_error(lw, DIAG_unknown_function, at, "unknown function '%s'", name);
        if (near) {
            diag_hint(lw->d, "did you mean '%s'?", near);
        }
        return value_poison();
    }
    return (value){ .kind = VALUE_FUNCTION, .u.function = c };
}

static value static_value(lowering *lw, const specialisation *s, const ast_param *p)
{
    const static_arg *given = given_static(s, p->name);
    if (!given && p->value) {
        return call_default(lw, s->fn, p, p->at);
    }
    if (!given || (p->type.is_fn && !given->function)) {
        lower_error(lw, DIAG_missing_static, p->at, "'%s' needs a value for '%s'", s->fn->name,
                    p->name);
        return value_poison();
    }
    value v = p->type.is_fn ? named_function(lw, given->function, p->at)
                            : value_integer((wide)given->dim);
    return call_bind(lw, p, v, p->at);
}

/* Input i as the value of p: converted to the declared element type. */
static value input_value(lowering *lw, const ast_param *p, int32_t i)
{
    jit_dtype declared = p->type.given ? p->type.scalar : JIT_NONE;
    node n = graph_arg(lw->g, i);
    jit_dtype stored = lw->g->inputs[i].dtype;
    if (declared != JIT_NONE && !type_casts_safely(stored, declared)) {
        lower_error(lw, DIAG_unsafe_cast, p->at,
                    "argument '%s' is %s: %s does not convert to it", p->name,
                    type_name(declared), type_name(stored));
        return value_poison();
    }
    return value_stored(lw, n, declared);
}

/* An argument that is not given: its default, for all elements of an array. */
static value default_value(lowering *lw, const specialisation *s, const ast_param *p)
{
    graph_shape shape;
    if (!p->value) {
        lower_error(lw, DIAG_missing_argument, p->at, "'%s' needs its argument '%s'",
                    s->fn->name, p->name);
        return value_poison();
    }
    value v = call_default(lw, s->fn, p, p->at);
    if (!type_is_array(&p->type)) {
        return v;
    }
    return type_shape(lw, &p->type, &shape) ? array_broadcast(lw, v, &shape, p->at)
                                            : value_poison();
}

static graph_input uniform_input(const ast_param *p)
{
    jit_dtype t = p->type.given ? p->type.scalar : JIT_F64;
    return (graph_input){ .name = p->name, .dtype = t };
}

static int32_t add_input(lowering *lw, const ast_param *p, jit_dtype t, bool shared)
{
    graph *g = lw->g;
    graph_shape shape;
    graph_input in = { .name = p->name, .dtype = t, .shared = shared };
    if (type_is_array(&p->type)) {
        if (!type_shape(lw, &p->type, &shape)) {
            return -1;
        }
        in.shape = graph_shape_of(g, shape.extent, shape.rank);
    }
    g->inputs[g->n_inputs] = in;
    return g->n_inputs++;
}

static bool declare_inputs(lowering *lw, const specialisation *s)
{
    graph *g = lw->g;
    const ast_fn *fn = s->fn;
    size_t n = (size_t)(fn->n_args + fn->n_uniforms) + 1;
    g->inputs = arena_alloc(g->ar, n * sizeof *g->inputs);
    lw->cap_inputs = (int32_t)n;
    g->uniforms = arena_alloc(g->ar, n * sizeof *g->uniforms);
    if (!g->inputs || !g->uniforms) {
        return lower_no_memory(lw);
    }
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        if (is_cell(&fn->uniforms[i])) {
            g->uniforms[g->n_uniforms++] = uniform_input(&fn->uniforms[i]);
        }
    }
    return true;
}

/* In the scope of the dimensions: arguments, then arrays after `;`. */
static void input_arguments(lowering *lw, const specialisation *s, value *args)
{
    const ast_fn *fn = s->fn;
    int32_t k = fn->n_args;
    for (int32_t i = 0; i < fn->n_args; i++) {
        const ast_param *p = &fn->args[i];
        bool shared = i < 32 && (s->shared >> i & 1); /* more are of kept calls alone */
        int32_t in = i < s->n_in ? add_input(lw, p, s->in[i], shared) : -1;
        args[i] = in >= 0        ? input_value(lw, p, in)
                  : i >= s->n_in ? default_value(lw, s, p)
                                 : value_poison();
    }
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        const ast_param *p = &fn->uniforms[i];
        if (!type_is_array(&p->type)) {
            continue;
        }
        int32_t in = k < s->n_in ? add_input(lw, p, s->in[k], true) : -1;
        args[fn->n_args + i] = in >= 0        ? input_value(lw, p, in)
                               : k >= s->n_in ? default_value(lw, s, p)
                                              : value_poison();
        k++;
    }
}

/* Dimensions that are not fixed are leaves of the graph. */
static bool entry_dims(lowering *lw, frame *f, const specialisation *s)
{
    graph *g = lw->g;
    f->dim_name = program_dims(lw->p, s->fn, &f->n_dims, lw->ar);
    value *dim = arena_alloc(lw->ar, ((size_t)f->n_dims + 1) * sizeof *dim);
    if (!dim) {
        return lower_no_memory(lw);
    }
    g->dims = (const char **)f->dim_name;
    g->n_dims = f->n_dims;
    for (int32_t i = 0; i < f->n_dims; i++) {
        bool fixed = s->dims && s->dims[i] >= 0;
        dim[i] = fixed ? value_integer((wide)s->dims[i]) : value_weak(graph_dim(g, i));
    }
    f->dim = dim;
    return true;
}

/* Untyped uniforms are weak reals in the kernel's float type, which the typed arguments decide.
 */
static value *entry_arguments(lowering *lw, const specialisation *s)
{
    const ast_fn *fn = s->fn;
    int32_t n = fn->n_args + fn->n_uniforms, u = 0;
    value *args = arena_alloc(lw->ar, (size_t)(n + 1) * sizeof *args);
    if (!args || !declare_inputs(lw, s)) {
        lower_no_memory(lw);
        return NULL;
    }
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        const ast_param *p = &fn->uniforms[i];
        if (is_static(p)) {
            args[fn->n_args + i] = static_value(lw, s, p);
        } else if (is_cell(p) && p->type.given) {
            args[fn->n_args + i] = value_stored(lw, graph_uniform(lw->g, u), p->type.scalar);
        }
        u += is_cell(p);
    }
    int32_t bindings = lw->n_bindings;
    if (dims_bind(lw, lw->frame, args)) {
        input_arguments(lw, s, args);
    }
    scope_pop(lw, bindings);
    jit_dtype real = inline_float_type(lw, args, n, JIT_F64);
    for (int32_t i = u = 0; i < fn->n_uniforms; i++) {
        const ast_param *p = &fn->uniforms[i];
        if (is_cell(p) && !p->type.given) {
            node cell_node = graph_uniform(lw->g, u);
            args[fn->n_args + i] = value_weak(graph_cast(lw->g, real, cell_node, p->at));
        }
        u += is_cell(p);
    }
    return args;
}

/* ------------------------------------------------------------------------------ results */

/* A result as it is stored: weak ones get a type, f16 and bf16 are rounded once. */
static node stored_result(lowering *lw, const specialisation *s, value v, int32_t i)
{
    const ast_fn *fn = s->fn;
    span at = fn->value ? fn->value->at : fn->name_at;
    value_type t = type_of_value(lw, v);
    node n = t == TYPE_UNKNOWN ? 0 : value_to_node(lw, v, type_weak_node(lw, t), at);
    bool typed = i < fn->n_results && !type_is_generic(&fn->results[i].type);
    jit_dtype declared = typed ? fn->results[i].type.scalar : graph_dtype(lw->g, n);
    jit_dtype wanted = s->out && i < s->n_out ? s->out[i] : JIT_NONE;
    n = array_cast_node(lw, n, declared, at);
    return wanted == JIT_NONE ? n : array_cast_node(lw, n, wanted, at);
}

static bool set_outputs(lowering *lw, const specialisation *s, value v)
{
    int32_t n = v.kind == VALUE_TUPLE ? v.n : 1;
    graph *g = lw->g;
    g->outputs = arena_alloc(g->ar, (size_t)n * sizeof *g->outputs);
    if (!g->outputs) {
        return lower_no_memory(lw);
    }
    for (int32_t i = 0; i < n; i++) {
        value one = v.kind == VALUE_TUPLE ? v.u.items[i] : v;
        const ast_result *r = i < s->fn->n_results ? &s->fn->results[i] : NULL;
        g->outputs[i].value = stored_result(lw, s, one, i);
        g->outputs[i].name = r ? r->name : NULL;
        if (!g->outputs[i].value) {
            return false;
        }
    }
    g->n_outputs = n;
    return true;
}

static bool has_attribute(const ast_fn *fn, const char *name)
{
    for (int32_t i = 0; i < fn->n_attrs; i++) {
        if (strcmp(fn->attrs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool lower_entry(lowering *lw, const specialisation *s)
{
    frame f;
    lower_enter(lw, &f, s->fn, s->fn->src, (span){ 0, 0 });
    lw->g->ftz = has_attribute(s->fn, "ftz");
    lower_take_attributes(lw, s->fn);
    value *args = entry_dims(lw, &f, s) ? entry_arguments(lw, s) : NULL;
    bool fine = args && lw->n_errors == 0 && !lw->g->failed;
    if (fine) {
        f.float_type = inline_float_type(lw, args, s->fn->n_args + s->fn->n_uniforms, JIT_F64);
        value v = inline_passes(lw, &f, args);
        fine = !lw->stop && lw->n_errors == 0 && v.kind != VALUE_POISON &&
               set_outputs(lw, s, v) && lw->n_errors == 0 && !lw->g->failed;
    }
    lower_leave(lw);
    return fine;
}

/* The loose graph was full: say so with the limit that the caller knows. */
static void say_too_large(const ast_fn *fn, diag *d, int32_t messages, int32_t nodes)
{
    static const char text[] =
        "'%s' needs more than %d operations after inlining (jit_limits.nodes)";
    diag_rewind(d, messages);
    if (d->src) {
        diag_at(d, DIAG_node_limit, fn->name_at, text, fn->name, (int)nodes);
    } else {
        diag_plain(d, DIAG_node_limit, text, fn->name, (int)nodes);
    }
}

/* The loose graph of a function; initial: the first value of the parameter of that path as its
 * only output, or NULL. */
static graph *lower_loose(program *p, const specialisation *s, const char *initial, graph *g,
                          diag *d)
{
    lowering *lw = lower_new(p, g->ar, g, d);
    if (!lw) {
        return NULL;
    }
    lw->weights = s->weights;
    lw->init_path = initial;
    if (!lower_entry(lw, s)) {
        return NULL;
    }
    if (initial && !lw->initial) {
        diag_plain(d, DIAG_no_such_param, "'%s' has no parameter '%s'", s->fn->name, initial);
        return NULL;
    }
    if (initial) {
        g->outputs[0] = (graph_output){ lw->initial, NULL };
        g->n_outputs = 1;
        g->n_checks = 0;
    }
    return g;
}

static graph *lowered(program *p, const specialisation *s, const char *initial, arena *ar,
                      diag *d)
{
    enum { SLACK = 4 }; /* nodes of passes that were thrown away */
    int32_t messages = diag_count(d);
    int32_t nodes = program_limits(p).nodes;
    int32_t loose = nodes > INT32_MAX / SLACK ? INT32_MAX : nodes * SLACK;
    const source *before = d->src;
    graph *g = graph_new(ar, d, s->fn->name, loose);
    graph *out = NULL;
    d->src = s->fn->src && s->fn->src->prelude ? NULL : s->fn->src;
    if (g && lower_loose(p, s, initial, g, d) && (out = graph_new(ar, d, s->fn->name, nodes))) {
        bool fine = graph_rebuild(out, g, NULL, NULL);
        fine = fine && (!graph_has_arrays(out) || fold_order_decide(out));
        out = fine ? out : NULL;
    }
    if (g && g->n_nodes >= loose && !arena_failed(ar)) {
        say_too_large(s->fn, d, messages, nodes);
    }
    if (!out && !diag_failed(d)) {
        if (arena_failed(ar) || arena_failed(program_arena(p)))
            diag_no_memory(d);
        else
            diag_plain(d, DIAG_internal, "'%s' could not be lowered", s->fn->name);
    }
    d->src = before;
    return out;
}

graph *lower_function(program *p, const specialisation *s, arena *ar, diag *d)
{
    return lowered(p, s, NULL, ar, d);
}

/* Without the inputs and what only they are made of. */
static graph *without_inputs(graph *g, diag *d)
{
    graph *out = graph_new(g->ar, d, g->name, 0);
    g->n_inputs = 0;
    return out && graph_rebuild(out, g, NULL, NULL) ? out : NULL;
}

static bool reads_dimension(const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++)
        if (graph_node(g, n)->op == OP_dim)
            return true;
    return false;
}

graph *lower_param_init(program *p, const specialisation *s, const char *path, arena *ar,
                        diag *d)
{
    graph *g = lowered(p, s, path, ar, d);
    if (!g)
        return NULL;
    if (!param_is_constant(g)) {
        diag_plain(d, DIAG_param_data, "the initial value of '%s' depends on an argument",
                   path);
        return NULL;
    }
    g = without_inputs(g, d);
    if (g && reads_dimension(g)) {
        diag_plain(d, DIAG_param_data,
                   "the initial value of '%s' depends on an argument's dimension", path);
        diag_hint(d, "fix it by the signature: \"f32[784]\"");
        return NULL;
    }
    return g;
}

/* ------------------------------------------------------------------------------ defaults */

static bool one_default(lowering *lw, const ast_fn *fn, const ast_param *p,
                        uniform_default *out)
{
    jit_dtype t = p->type.given ? p->type.scalar : JIT_F64;
    *out = (uniform_default){ .given = p->value != NULL };
    if (!p->value) {
        return true;
    }
    value v = call_default(lw, fn, p, p->at);
    return value_constant_cell(lw, v, t, p->value->at, &out->value);
}

bool lower_defaults(program *p, const ast_fn *fn, uniform_default *out, int32_t n, arena *ar,
                    diag *d)
{
    frame f;
    const source *before = d->src;
    graph *g = graph_new(ar, d, fn->name, program_limits(p).nodes);
    lowering *lw = g ? lower_new(p, ar, g, d) : NULL;
    if (!lw) {
        return false;
    }
    g->simplify = true; /* folds what is constant */
    lower_enter(lw, &f, fn, fn->src, (span){ 0, 0 });
    bool fine = true;
    for (int32_t i = 0, k = 0; i < fn->n_uniforms && k < n; i++) {
        if (is_cell(&fn->uniforms[i])) {
            fine = one_default(lw, fn, &fn->uniforms[i], &out[k++]) && fine;
        }
    }
    lower_leave(lw);
    d->src = before;
    return fine && !lw->stop;
}

/* ------------------------------------------------------------------------------ inlining */

/* In a lowering made by lower_new on the graph of `in`. */
bool lower_inline_in(lowering *lw, const char *name, const node *in, int32_t n_in,
                     lower_outputs out)
{
    frame f;
    callee c = program_hidden(lw->p, name, lw->d);
    value *args = arena_alloc(lw->ar, (size_t)(n_in + 1) * sizeof *args);
    if (c.kind != CALLEE_FN || !args || c.fn->n_args != n_in || c.fn->n_uniforms > 0) {
        return args ? false : lower_no_memory(lw);
    }
    for (int32_t i = 0; i < n_in; i++) {
        args[i] = value_node(in[i]);
    }
    lw->active = lw->yes;
    lower_enter(lw, &f, NULL, lw->d->src, out.at);
    f.user_at = out.at;
    value v = inline_function(lw, c.fn, args, out.at);
    lower_leave(lw);
    int32_t n = v.kind == VALUE_TUPLE ? v.n : 1;
    for (int32_t i = 0; i < n && i < out.n; i++) {
        value one = v.kind == VALUE_TUPLE ? v.u.items[i] : v;
        value_type t = type_of_value(lw, one);
        jit_dtype d = n_in > 0 ? graph_dtype(lw->g, in[0]) : JIT_F64;
        out.node[i] =
            t == TYPE_UNKNOWN ? 0 : value_to_node(lw, one, t > 0 ? (jit_dtype)t : d, out.at);
    }
    return n == out.n && v.kind != VALUE_POISON && !lw->stop && !lw->g->failed;
}

bool lower_inline(program *p, graph *g, const char *name, const node *in, int32_t n_in,
                  node *out, int32_t n_out, span at)
{
    lowering *lw = lower_new(p, g->ar, g, g->d);
    return lw && lower_inline_in(lw, name, in, n_in, (lower_outputs){ out, n_out, at });
}

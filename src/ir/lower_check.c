/* The check of a whole program: every constant, every signature, every body, called or not.
 *
 * Arguments without a type are tried as f32, then i32, bool and all others, then mixed. In a
 * check a function is lowered once for each combination of argument types (see lower_memo.c),
 * and no node matters but by its type: an argument of type t is input number t of the scratch
 * graph, a typed uniform likewise, arrays are further inputs, and dimensions are leaves.
 */
#include "lower_state.h"

#include <string.h>

enum { N_DTYPES = JIT_F64 + 1, SCRATCH_NODES = 1 << 16, WORK_PER_NODE = 50 };

static graph *scratch_graph(lowering *lw, arena *ar, diag *d)
{
    graph *g = graph_new(ar, d, "check", INT32_MAX);
    graph_input *inputs = arena_alloc(ar, N_DTYPES * sizeof *inputs);
    if (!g || !inputs) {
        diag_no_memory(d);
        return NULL;
    }
    for (int32_t t = 0; t < N_DTYPES; t++) {
        inputs[t] =
            (graph_input){ .name = "", .dtype = t == JIT_NONE ? JIT_BOOL : (jit_dtype)t };
    }
    g->inputs = g->uniforms = inputs;
    g->n_inputs = g->n_uniforms = N_DTYPES;
    if (lw) {
        lw->cap_inputs = N_DTYPES;
        lower_set_graph(lw, g);
        if (!memo_clear(lw)) { /* memos name nodes */
            return NULL;
        }
    }
    return g;
}

/* ------------------------------------------------------------------------------ signatures */

static void check_attribute(lowering *lw, const ast_attr *a)
{
    static const char *const names[] = {
        "fast", "ulp", "abs", "portable", "ftz", "seq", "kahan"
    };
    int32_t n = (int32_t)(sizeof names / sizeof *names), i = 0;
    while (i < n && strcmp(names[i], a->name) != 0) {
        i++;
    }
    if (i == n) {
        const char *near = diag_nearest(a->name, names, n);
        lower_error(lw, DIAG_unknown_attribute, a->at, "unknown attribute '@%s'", a->name);
        if (near) {
            diag_hint(lw->d, "did you mean '@%s'?", near);
        }
        return;
    }
    if (strcmp(a->name, "kahan") == 0) {
        lower_error(lw, DIAG_no_kahan, a->at, "'@kahan' is not in this version");
        return;
    }
    bool takes = strcmp(a->name, "ulp") == 0 || strcmp(a->name, "abs") == 0;
    if (takes != a->has_value) {
        lower_error(lw, DIAG_bad_attribute, a->at,
                    takes ? "'@%s' needs a value" : "'@%s' has no value", a->name);
    } else if (strcmp(a->name, "ulp") == 0 && !(a->value >= 1) && a->value != 0.5) {
        lower_error(lw, DIAG_bad_attribute, a->at,
                    "'@ulp' is 0.5 (for f32) or at least 1, not %g", a->value);
    } else if (strcmp(a->name, "abs") == 0 && !(a->value > 0)) {
        lower_error(lw, DIAG_bad_attribute, a->at, "'@abs' is above 0, not %g", a->value);
    }
}

static bool bind_once(lowering *lw, const char *name, span at)
{
    if (scope_find(lw, name)) {
        lower_error(lw, DIAG_duplicate_name, at, "'%s' is there twice", name);
        return false;
    }
    return scope_bind(lw, name, BIND_LET, value_poison());
}

static void check_default(lowering *lw, const ast_fn *fn, const ast_param *p, bool uniform)
{
    cell v;
    if (!p->value) {
        return;
    }
    if (p->type.is_fn || p->type.is_dim) {
        (void)call_default(lw, fn, p, p->at);
        return;
    }
    lw->g->simplify = true; /* folds what is constant */
    value d = call_default(lw, fn, p, p->at);
    jit_dtype t = type_is_generic(&p->type) ? JIT_F64 : p->type.scalar;
    if (d.kind == VALUE_NODE || d.kind == VALUE_WEAK_NODE || uniform) {
        (void)value_constant_cell(lw, d, t, p->value->at, &v);
    }
    lw->g->simplify = false;
}

static void check_param(lowering *lw, const ast_fn *fn, const ast_param *p, bool uniform)
{
    (void)bind_once(lw, p->name, p->at);
    if (!uniform && p->type.given && (p->type.is_fn || p->type.is_dim)) {
        lower_error(lw, DIAG_static_place, p->type.at, "'%s' arguments stand after ';'",
                    p->type.is_fn ? "fn" : "dim");
        return;
    }
    check_default(lw, fn, p, uniform);
}

static void check_result(lowering *lw, const ast_result *r)
{
    if (r->name) {
        (void)bind_once(lw, r->name, r->at);
    }
    if (r->type.given && (r->type.is_fn || r->type.is_dim)) {
        lower_error(lw, DIAG_static_place, r->type.at, "a result cannot be '%s'",
                    r->type.is_fn ? "fn" : "dim");
    }
}

static void check_signature(lowering *lw, const ast_fn *fn)
{
    for (int32_t i = 0; i < fn->n_attrs && !lw->stop; i++) {
        check_attribute(lw, &fn->attrs[i]);
    }
    for (int32_t i = 0; i < fn->n_args && !lw->stop; i++) {
        check_param(lw, fn, &fn->args[i], false);
    }
    for (int32_t i = 0; i < fn->n_uniforms && !lw->stop; i++) {
        check_param(lw, fn, &fn->uniforms[i], true);
    }
    for (int32_t i = 0; i < fn->n_results && !lw->stop; i++) {
        check_result(lw, &fn->results[i]);
    }
}

/* True if the signature is fine. */
static bool signature_fine(lowering *lw, const ast_fn *fn)
{
    frame f;
    int32_t errors = lw->n_errors;
    lower_enter(lw, &f, fn, fn->src, fn->name_at);
    check_signature(lw, fn);
    scope_pop(lw, f.first_binding);
    lower_leave(lw);
    return lw->n_errors == errors;
}

/* ------------------------------------------------------------------------------ bodies */

static value typed_argument(lowering *lw, jit_dtype t)
{
    return value_node(graph_arg(lw->g, (int32_t)type_compute(t)));
}

/* Arrays of one type and shape are one input of the scratch graph. */
static value array_argument(lowering *lw, jit_dtype t, const graph_shape *s)
{
    graph *g = lw->g;
    void *array = g->inputs;
    graph_input in = { .name = "", .dtype = type_compute(t) };
    in.shape = graph_shape_of(g, s->extent, s->rank);
    for (int32_t i = N_DTYPES; i < g->n_inputs; i++) {
        if (g->inputs[i].dtype == in.dtype && g->inputs[i].shape == in.shape) {
            return value_node(graph_arg(g, i));
        }
    }
    if (!arena_grow(lw->ar, &array, sizeof in, &lw->cap_inputs, g->n_inputs + 1)) {
        lower_no_memory(lw);
        return value_poison();
    }
    g->inputs = array; /* the uniforms stay the first of them */
    g->inputs[g->n_inputs] = in;
    return value_node(graph_arg(g, g->n_inputs++));
}

static value any_argument(lowering *lw, const ast_type *type, jit_dtype t)
{
    graph_shape s;
    if (!type_is_array(type)) {
        return typed_argument(lw, t);
    }
    return type_shape(lw, type, &s) ? array_argument(lw, t, &s) : value_poison();
}

value check_argument(lowering *lw, jit_dtype t, const graph_shape *s)
{
    return s->rank > 0 ? array_argument(lw, t, s) : typed_argument(lw, t);
}

static value static_argument(lowering *lw, const ast_fn *fn, const ast_param *p)
{
    static const callee any = { .kind = CALLEE_UNKNOWN, .name = "fn" };
    if (p->value) {
        return call_default(lw, fn, p, p->at);
    }
    return p->type.is_dim ? (value){ .kind = VALUE_NONE } /* a dimension of its own */
                          : (value){ .kind = VALUE_FUNCTION, .u.function = &any };
}

/* Dimensions of the function, and after them its `dim` arguments without a value. */
static bool check_dims(lowering *lw, frame *f, value *args)
{
    const ast_fn *fn = f->fn;
    int32_t n = 0;
    const char *const *names = program_dims(lw->p, fn, &n, lw->ar);
    size_t most = (size_t)(n + fn->n_uniforms) + 1;
    const char **all = arena_alloc(lw->ar, most * sizeof *all);
    value *dim = arena_alloc(lw->ar, most * sizeof *dim);
    if (!all || !dim) {
        return lower_no_memory(lw);
    }
    lw->g->dims = all;
    lw->g->n_dims = 0;
    for (int32_t i = 0; i < n + fn->n_uniforms; i++) {
        const ast_param *p = i < n ? NULL : &fn->uniforms[i - n];
        value *v = p ? &args[fn->n_args + i - n] : &dim[i];
        if (!p || (p->type.is_dim && v->kind == VALUE_NONE)) {
            all[lw->g->n_dims++] = p ? p->name : names[i];
            *v = value_weak(graph_dim(lw->g, lw->g->n_dims - 1));
        }
    }
    f->dim_name = names;
    f->dim = dim;
    f->n_dims = n;
    return dims_bind(lw, f, args);
}

static void fill_values(lowering *lw, const ast_fn *fn, const jit_dtype *generic, value *args)
{
    int32_t n = 0;
    for (int32_t i = 0; i < fn->n_args; i++) {
        const ast_type *t = &fn->args[i].type;
        args[i] = any_argument(lw, t, type_is_generic(t) ? generic[n++] : t->scalar);
    }
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        const ast_type *t = &fn->uniforms[i].type;
        if (t->given && !t->is_fn && !t->is_dim) {
            jit_dtype scalar = type_is_generic(t) ? generic[n++] : t->scalar;
            args[fn->n_args + i] =
                type_is_array(t)
                    ? any_argument(lw, t, scalar)
                    : value_node(graph_uniform(lw->g, (int32_t)type_compute(scalar)));
        }
    }
    jit_dtype real = inline_float_type(lw, args, fn->n_args + fn->n_uniforms, JIT_F64);
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        value *v = &args[fn->n_args + i];
        *v = v->kind == VALUE_NONE ? value_weak(graph_arg(lw->g, (int32_t)real)) : *v;
    }
}

static void fill_arguments(lowering *lw, const ast_fn *fn, const jit_dtype *generic,
                           value *args)
{
    frame f;
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        const ast_param *p = &fn->uniforms[i];
        if (p->type.is_fn || p->type.is_dim) {
            args[fn->n_args + i] = static_argument(lw, fn, p);
        }
    }
    lower_enter(lw, &f, fn, fn->src, fn->name_at);
    if (check_dims(lw, &f, args)) {
        fill_values(lw, fn, generic, args);
    }
    scope_pop(lw, f.first_binding);
    lower_leave(lw);
}

/* One attempt; false: there were errors. */
static bool try_types(lowering *lw, const ast_fn *fn, const jit_dtype *generic)
{
    int32_t errors = lw->n_errors;
    size_t n = (size_t)(fn->n_args + fn->n_uniforms) + 1;
    value *args = arena_alloc(lw->ar, n * sizeof *args);
    if (!args) {
        return lower_no_memory(lw);
    }
    fill_arguments(lw, fn, generic, args);
    value v = inline_function(lw, fn, args, fn->name_at);
    program_set_results(lw->p, fn, v.kind == VALUE_TUPLE ? v.n : v.kind != VALUE_POISON);
    return lw->n_errors == errors && !lw->stop;
}

static bool try_again(lowering *lw, const ast_fn *fn, const jit_dtype *generic,
                      int32_t messages)
{
    int32_t errors = lw->n_errors;
    if (lw->stop) {
        return false;
    }
    diag_rewind(lw->d, messages);
    bool fine = try_types(lw, fn, generic);
    lw->n_errors = fine ? errors : lw->n_errors;
    return fine;
}

static int32_t count_generic(const ast_fn *fn)
{
    int32_t n = 0;
    for (int32_t i = 0; i < fn->n_args; i++) {
        n += type_is_generic(&fn->args[i].type);
    }
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        n += type_is_array(&fn->uniforms[i].type) && type_is_generic(&fn->uniforms[i].type);
    }
    return n;
}

/* All the same type first, then, for a few arguments, every mixture of the first three. */
static bool other_types(lowering *lw, const ast_fn *fn, jit_dtype *generic, int32_t messages)
{
    static const jit_dtype types[] = { JIT_F32, JIT_I32, JIT_BOOL, JIT_F64, JIT_I64, JIT_U64,
                                       JIT_U32, JIT_I16, JIT_U16,  JIT_I8,  JIT_U8 };
    int32_t n = count_generic(fn), mixtures = 1;
    for (int32_t k = 1; k < (int32_t)(sizeof types / sizeof *types) && n > 0; k++) {
        for (int32_t i = 0; i < n; i++) {
            generic[i] = types[k];
        }
        if (try_again(lw, fn, generic, messages)) {
            return true;
        }
    }
    for (int32_t i = 0; i < n && n >= 2 && n <= 3; i++) {
        mixtures *= 3;
    }
    for (int32_t m = 1; m < mixtures; m++) {
        for (int32_t i = 0, rest = m; i < n; i++, rest /= 3) {
            generic[i] = types[rest % 3];
        }
        if (try_again(lw, fn, generic, messages)) {
            return true;
        }
    }
    return false;
}

static bool body_fine(lowering *lw, const ast_fn *fn)
{
    int32_t messages = diag_count(lw->d), errors = lw->n_errors, n = count_generic(fn);
    jit_dtype *generic = arena_alloc(lw->ar, (size_t)(n + 1) * sizeof *generic);
    if (!generic) {
        return lower_no_memory(lw);
    }
    for (int32_t i = 0; i < n; i++) {
        generic[i] = JIT_F32;
    }
    lw->n_cycle = 0;
    if (try_types(lw, fn, generic)) {
        return true;
    }
    if (lw->n_cycle == 0 && other_types(lw, fn, generic, messages)) {
        lw->n_errors = errors;
        return true;
    }
    for (int32_t i = 0; i < n; i++) {
        generic[i] = JIT_F32;
    }
    if (!lw->stop) {
        diag_rewind(lw->d, messages);
        (void)try_types(lw, fn, generic); /* for its messages */
    }
    for (int32_t i = 0; i < lw->n_cycle; i++) {
        *lw->cycle[i] = true;
    }
    return false;
}

/* ------------------------------------------------------------------------------ all of it */

static void check_function(lowering *lw, const ast_fn *fn)
{
    bool *wrong = program_fn_wrong(lw->p, fn);
    if (wrong && !*wrong && !body_fine(lw, fn) && !lw->stop) {
        *wrong = true;
    }
}

static void check_all(lowering *lw, const ast_program *tree)
{
    for (int32_t i = 0; i < tree->n_fns; i++) {
        bool *wrong = program_fn_wrong(lw->p, tree->fns[i]);
        if (wrong && !signature_fine(lw, tree->fns[i])) {
            *wrong = true;
        }
    }
    for (int32_t i = 0; i < tree->n_consts && !lw->stop; i++) {
        const_slot *c = program_const_at(lw->p, i);
        (void)lower_const(lw, c, c->ast->name_at);
    }
    for (int32_t i = 0; i < tree->n_fns && !lw->stop; i++) {
        if (lw->g->n_nodes > SCRATCH_NODES && !scratch_graph(lw, lw->ar, lw->d)) {
            return;
        }
        check_function(lw, tree->fns[i]);
    }
}

void check_program(program *p, diag *d)
{
    arena *ar = program_arena(p);
    graph *g = scratch_graph(NULL, ar, d);
    lowering *lw = g ? lower_new(p, ar, g, d) : NULL;
    if (!lw) {
        return;
    }
    lw->checking = true;
    lw->cap_inputs = N_DTYPES;
    lw->max_work = (int64_t)program_limits(p).nodes * WORK_PER_NODE;
    check_all(lw, program_tree(p));
}

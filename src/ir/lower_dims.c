/* Core dimensions: their names, the extents of types, and what they are in a call.
 *
 * A name in the [dims] of an argument or result is a dimension, unless it is an argument or a
 * constant of the program. In a call each is found from the extents of the arguments, one
 * extent that is linear in one name at a time; then all declared extents must be the given
 * ones. */
#include "lower_state.h"

#include <string.h>

bool type_is_array(const ast_type *t)
{
    return t->given && !t->is_fn && !t->is_dim && (t->n_dims > 0 || t->scalar == JIT_NONE);
}

bool type_is_generic(const ast_type *t)
{
    return !t->given || (type_is_array(t) && t->scalar == JIT_NONE);
}

bool fn_has_dims(const ast_fn *fn)
{
    for (int32_t i = 0; i < fn->n_args; i++)
        if (type_is_array(&fn->args[i].type))
            return true;
    for (int32_t i = 0; i < fn->n_uniforms; i++)
        if (type_is_array(&fn->uniforms[i].type))
            return true;
    for (int32_t i = 0; i < fn->n_results; i++)
        if (type_is_array(&fn->results[i].type))
            return true;
    return false;
}

/* ------------------------------------------------------------------------------ names */

typedef struct names {
    program *p;
    const ast_fn *fn;
    arena *ar;
    diag scratch;
    const char **name;
    int32_t n, cap, depth;
} names;

static bool is_param(const ast_fn *fn, const char *name)
{
    for (int32_t i = 0; i < fn->n_args; i++)
        if (strcmp(fn->args[i].name, name) == 0)
            return true;
    for (int32_t i = 0; i < fn->n_uniforms; i++)
        if (strcmp(fn->uniforms[i].name, name) == 0)
            return true;
    return false;
}

static void add_name(names *s, const char *name)
{
    void *array = s->name;
    for (int32_t i = 0; i < s->n; i++)
        if (strcmp(s->name[i], name) == 0)
            return;
    bool inside = s->fn->src && s->fn->src->prelude;
    const_slot *c = program_const(s->p, name, s->fn->src, &s->scratch);
    bool own = c && !inside && !(c->ast->src && c->ast->src->prelude);
    if (is_param(s->fn, name) || own ||
        !arena_grow(s->ar, &array, sizeof *s->name, &s->cap, s->n + 1))
        return;
    s->name = array;
    s->name[s->n++] = name;
}

static void scan_names(names *s, const ast_expr *e);

/* Left operands first, whose number is no depth. */
static void scan_binary(names *s, const ast_expr *e)
{
    const ast_expr **right = NULL;
    int32_t n = 0, cap = 0;
    for (; e->kind == EXPR_BINARY; e = e->u.binary.x) {
        void *array = right;
        if (!arena_grow(s->ar, &array, sizeof *right, &cap, n + 1))
            return;
        right = array;
        right[n++] = e->u.binary.y;
    }
    scan_names(s, e);
    while (n > 0)
        scan_names(s, right[--n]);
}

static void scan_names(names *s, const ast_expr *e)
{
    enum { MAX_DEPTH = 1024 };
    if (s->depth >= MAX_DEPTH)
        return;
    s->depth++;
    if (e->kind == EXPR_BINARY)
        scan_binary(s, e);
    else if (e->kind == EXPR_UNARY)
        scan_names(s, e->u.unary.x);
    else if (e->kind == EXPR_NAME)
        add_name(s, e->u.name);
    s->depth--;
}

static void scan_type(names *s, const ast_type *t)
{
    for (int32_t i = 0; i < t->n_dims; i++)
        scan_names(s, t->dims[i]);
}

const char *const *program_dims(program *p, const ast_fn *fn, int32_t *n, arena *ar)
{
    names s = { .p = p, .fn = fn, .ar = ar };
    diag_init(&s.scratch, NULL, NULL);
    for (int32_t i = 0; i < fn->n_args; i++)
        scan_type(&s, &fn->args[i].type);
    for (int32_t i = 0; i < fn->n_uniforms; i++)
        scan_type(&s, &fn->uniforms[i].type);
    for (int32_t i = 0; i < fn->n_results; i++)
        scan_type(&s, &fn->results[i].type);
    *n = s.n;
    return s.name;
}

/* ------------------------------------------------------------------------------ types */

static bool is_argument(lowering *lw, const ast_expr *e)
{
    const ast_fn *fn = lw->frame->fn;
    if (e->kind != EXPR_NAME || !fn || scope_find(lw, e->u.name) || !is_param(fn, e->u.name))
        return false;
    lower_error(lw, DIAG_dim_not_known, e->at, "'%s' is an argument, not a dimension",
                e->u.name);
    diag_hint(lw->d, "name one of them otherwise, or make it a 'dim' argument after ';'");
    return true;
}

static node dim_node(lowering *lw, const ast_expr *e)
{
    if (is_argument(lw, e))
        return 0;
    uint16_t relaxed = lw->g->relaxed;
    lw->g->relaxed = 0; /* an extent is the same node in relaxed code */
    value v = lower_number(lw, e);
    lw->g->relaxed = relaxed;
    value_type t = type_of_value(lw, v);
    if (t == TYPE_UNKNOWN || !value_only_scalar(lw, v, "a dimension", e->at))
        return 0;
    if (t == TYPE_WEAK_REAL || (t > 0 && !type_is_integer((jit_dtype)t))) {
        lower_error(lw, DIAG_integer_needed, e->at, "a dimension is an integer, not %s",
                    type_text(t));
        return 0;
    }
    node n = extent_node(lw, value_to_node(lw, v, JIT_I64, e->at));
    cell c;
    if (n && graph_is_const(lw->g, n, &c) && c.i < 0) {
        lower_error(lw, DIAG_weak_range, e->at, "a dimension is from 0 to 2^63-1, not %lld",
                    (long long)c.i);
        return 0;
    }
    if (n && !extent_known(lw, n)) {
        lower_error(lw, DIAG_dim_not_known, e->at, "a dimension cannot depend on data");
        diag_hint(lw->d, "it is made of dimensions, constants and uniform arguments");
        return 0;
    }
    return n;
}

bool type_shape(lowering *lw, const ast_type *t, graph_shape *out)
{
    *out = (graph_shape){ .rank = t->n_dims };
    if (t->n_dims > GRAPH_MAX_RANK) {
        lower_error(lw, DIAG_too_many_axes, t->at, "%d axes: an array has at most %d",
                    (int)t->n_dims, (int)GRAPH_MAX_RANK);
        return false;
    }
    for (int32_t i = 0; i < t->n_dims; i++)
        if (!(out->extent[i] = dim_node(lw, t->dims[i])))
            return false;
    return true;
}

bool dims_bind(lowering *lw, const frame *f, const value *args)
{
    for (int32_t i = 0; i < f->n_dims; i++)
        if (!scope_bind(lw, f->dim_name[i], BIND_DIM, f->dim[i]))
            return false;
    for (int32_t i = 0; args && i < f->fn->n_uniforms; i++) {
        const ast_param *p = &f->fn->uniforms[i];
        if (p->type.is_dim && !scope_bind(lw, p->name, BIND_ARGUMENT, args[f->fn->n_args + i]))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------ calls */

typedef struct equation { /* a declared extent and the one that is given */
    const ast_param *param;
    const ast_expr *e;
    node have;
    bool done;
} equation;

typedef struct solving {
    lowering *lw;
    frame *f;
    value *args;
    equation *eq;
    value *dim;
    const char **from; /* the argument that a dimension was found in */
    int32_t n;
    span at;
} solving;

static const ast_param *param_at(const ast_fn *fn, int32_t i)
{
    return i < fn->n_args ? &fn->args[i] : &fn->uniforms[i - fn->n_args];
}

/* An argument whose rank is wrong; its default, a number, is filled in later. */
static bool right_rank(solving *s, const ast_param *p, value v)
{
    lowering *lw = s->lw;
    graph_shape shape = value_shape(lw, v);
    if (shape.rank == p->type.n_dims || shape.rank == 0)
        return true;
    lower_error(lw, DIAG_rank, s->at, "argument '%s' of '%s' has %d axes, not %d: %s", p->name,
                s->f->fn->name, (int)p->type.n_dims, (int)shape.rank, value_text(lw, v));
    return false;
}

static bool collect(solving *s)
{
    const ast_fn *fn = s->f->fn;
    int32_t n = fn->n_args + fn->n_uniforms, most = 0;
    for (int32_t i = 0; i < n; i++)
        most += param_at(fn, i)->type.n_dims;
    s->eq = arena_alloc(s->lw->ar, ((size_t)most + 1) * sizeof *s->eq);
    if (!s->eq)
        return lower_no_memory(s->lw);
    for (int32_t i = 0; i < n; i++) {
        const ast_param *p = param_at(fn, i);
        if (!type_is_array(&p->type) || s->args[i].kind == VALUE_POISON)
            continue;
        if (!right_rank(s, p, s->args[i]))
            return false;
        graph_shape shape = value_shape(s->lw, s->args[i]);
        for (int32_t k = 0; k < shape.rank; k++)
            s->eq[s->n++] = (equation){ p, p->type.dims[k], shape.extent[k], false };
    }
    return true;
}

/* Which dimension is not known yet in e: its number; -1: none, -2: several. */
static int32_t open_dim(const solving *s, const ast_expr *e)
{
    names found = { .p = s->lw->p, .fn = s->f->fn, .ar = s->lw->ar };
    int32_t open = -1;
    diag_init(&found.scratch, NULL, NULL);
    scan_names(&found, e);
    for (int32_t i = 0; i < found.n; i++)
        for (int32_t k = 0; k < s->f->n_dims; k++)
            if (s->dim[k].kind == VALUE_NONE && strcmp(found.name[i], s->f->dim_name[k]) == 0)
                open = open == -1 || open == k ? k : -2;
    return open;
}

static node evaluate(solving *s, const ast_expr *e)
{
    lowering *lw = s->lw;
    int32_t bindings = lw->n_bindings;
    node n = 0;
    if (dims_bind(lw, s->f, s->args))
        n = dim_node(lw, e);
    scope_pop(lw, bindings);
    return n;
}

static const char *declared_text(lowering *lw, const ast_expr *e)
{
    const source *src = lw->frame->src;
    if (!src || e->at.length <= 0)
        return "?";
    const char *text = arena_format(lw->ar, "%.*s", (int)e->at.length, src->text + e->at.start);
    return text ? text : "?";
}

static void not_solved(solving *s, const equation *q, int32_t k)
{
    lower_error(s->lw, DIAG_dim_open, s->at,
                "dimension '%s' of '%s' does not follow from the extent %s of '%s'",
                s->f->dim_name[k], s->f->fn->name, declared_text(s->lw, q->e), q->param->name);
    diag_hint(s->lw->d,
              "solved is a number times the dimension plus what is known, as in 2*n+1; "
              "or make it a 'dim' argument after ';'");
}

/* e is linear in dimension k: the value for which it is what is given. */
static bool solve_one(solving *s, equation *q, int32_t k)
{
    lowering *lw = s->lw;
    node unknown = graph_axis(lw->g, extent_const(lw, 1), (span){ 0, 0 }), e, v;
    if (q->e->kind == EXPR_NAME) {
        s->dim[k] = extent_value(lw, q->have);
    } else {
        int32_t bindings = lw->n_bindings;
        s->dim[k] = value_weak(unknown);
        bool bound = dims_bind(lw, s->f, s->args);
        value x = bound ? lower_number(lw, q->e) : value_poison();
        scope_pop(lw, bindings);
        s->dim[k] = (value){ .kind = VALUE_NONE };
        e = x.kind == VALUE_WEAK_NODE || x.kind == VALUE_NODE ? x.u.node : 0;
        v = e ? extent_solve(lw, e, unknown, q->have) : 0;
        if (!v && e && !extent_can_solve(lw, e, unknown))
            not_solved(s, q, k);
        if (!v)
            return false;
        s->dim[k] = extent_value(lw, v);
    }
    s->from[k] = q->param->name;
    return true;
}

static void wrong_extent(solving *s, const equation *q, node want)
{
    lowering *lw = s->lw;
    const char *have = extent_text(lw, q->have), *fn = s->f->fn->name;
    int32_t k = 0;
    while (q->e->kind == EXPR_NAME && k < s->f->n_dims &&
           strcmp(s->f->dim_name[k], q->e->u.name) != 0)
        k++;
    if (q->e->kind == EXPR_NAME && k < s->f->n_dims && s->from[k]) {
        lower_error(lw, DIAG_call_dims, s->at,
                    "dimension '%s' of '%s' is %s in '%s' and %s in '%s'", s->f->dim_name[k],
                    fn, extent_text(lw, want), s->from[k], have, q->param->name);
        return;
    }
    const char *declared = declared_text(lw, q->e);
    if (want && q->e->kind != EXPR_INTEGER)
        lower_error(lw, DIAG_call_dims, s->at,
                    "argument '%s' of '%s' has extent %s where %s is declared, which is %s",
                    q->param->name, fn, have, declared, extent_text(lw, want));
    else
        lower_error(lw, DIAG_call_dims, s->at,
                    "argument '%s' of '%s' has extent %s where %s is declared", q->param->name,
                    fn, have, declared);
}

static bool solve_all(solving *s)
{
    int32_t errors = s->lw->n_errors;
    for (bool more = true; more && !s->lw->stop;) {
        more = false;
        for (int32_t pass = 0; pass < 2; pass++) /* plain names first */
            for (int32_t i = 0; i < s->n; i++) {
                equation *q = &s->eq[i];
                int32_t k =
                    q->done || (pass == 0 && q->e->kind != EXPR_NAME) ? -1 : open_dim(s, q->e);
                if (k < 0)
                    continue;
                if (!solve_one(s, q, k)) {
                    if (s->lw->n_errors == errors)
                        wrong_extent(s, q, 0);
                    return false;
                }
                q->done = more = true;
            }
    }
    return true;
}

static bool all_found(solving *s)
{
    for (int32_t k = 0; k < s->f->n_dims; k++) {
        if (s->dim[k].kind != VALUE_NONE)
            continue;
        for (int32_t i = 0; i < s->f->fn->n_args + s->f->fn->n_uniforms; i++)
            if (s->args[i].kind == VALUE_POISON)
                s->dim[k] = value_poison();
        if (s->dim[k].kind == VALUE_POISON)
            continue;
        lower_error(s->lw, DIAG_dim_open, s->at,
                    "dimension '%s' of '%s' does not follow from its arguments",
                    s->f->dim_name[k], s->f->fn->name);
        diag_hint(s->lw->d, "make it a 'dim' argument after ';'");
        return false;
    }
    return true;
}

static bool all_equal(solving *s)
{
    for (int32_t i = 0; i < s->n; i++) {
        if (s->eq[i].done)
            continue;
        node want = evaluate(s, s->eq[i].e);
        if (want != s->eq[i].have) {
            if (want)
                wrong_extent(s, &s->eq[i], want);
            return false;
        }
    }
    return true;
}

/* Numbers that are defaults of array arguments. */
static bool fill_defaults(solving *s)
{
    const ast_fn *fn = s->f->fn;
    bool fine = true;
    for (int32_t i = 0; fine && i < fn->n_args + fn->n_uniforms; i++) {
        const ast_param *p = param_at(fn, i);
        graph_shape shape;
        if (!type_is_array(&p->type) || value_is_array(s->lw, s->args[i]) ||
            s->args[i].kind == VALUE_POISON)
            continue;
        int32_t bindings = s->lw->n_bindings;
        fine = dims_bind(s->lw, s->f, s->args) && type_shape(s->lw, &p->type, &shape);
        scope_pop(s->lw, bindings);
        if (fine)
            s->args[i] = array_fill(s->lw, s->args[i], &shape, s->at);
    }
    return fine;
}

/* The dimensions of a call; in the callee's frame. */
bool dims_solve(lowering *lw, frame *f, value *args, span at)
{
    solving s = { .lw = lw, .f = f, .args = args, .at = at };
    f->dim_name = program_dims(lw->p, f->fn, &f->n_dims, lw->ar);
    s.dim = arena_alloc(lw->ar, ((size_t)f->n_dims + 1) * sizeof *s.dim);
    s.from = arena_alloc(lw->ar, ((size_t)f->n_dims + 1) * sizeof *s.from);
    if (!s.dim || !s.from)
        return lower_no_memory(lw);
    f->dim = s.dim;
    return collect(&s) && solve_all(&s) && all_found(&s) && all_equal(&s) && fill_defaults(&s);
}

#include "formula.h"

#include <math.h>

enum { MOST_FACTORS = 8, MOST_TERMS = 16, MOST_DEPTH = 100, SHORT_PRODUCT = 3 };

typedef struct formula {
    arena *ar;
    const graph *g;
    int32_t *uses, *size; /* of each node; factors if it is a product */
    const char **name;    /* of those that a let names */
    const ast_stmt **stmts;
    int32_t n_stmts, depth;
    bool failed;
} formula;

typedef struct factor {
    node of;
    int32_t power;
} factor;

typedef struct term { /* over * factors / under */
    double over, under;
    factor f[MOST_FACTORS];
    int32_t n;
} term;

typedef struct sum {
    term t[MOST_TERMS];
    int32_t n;
} sum;

static const ast_expr *expr_of(formula *w, node n);

/* -------------------------------------------------------------------------- making a tree */

static ast_expr *new_expr(formula *w, ast_expr_kind kind)
{
    ast_expr *e = arena_alloc(w->ar, sizeof *e);
    w->failed |= !e;
    if (e)
        *e = (ast_expr){ .kind = kind, .depth = 1 };
    return e;
}

static const ast_expr *name_expr(formula *w, const char *name)
{
    ast_expr *e = new_expr(w, EXPR_NAME);
    if (e)
        e->u.name = name;
    return e;
}

static const ast_expr *unary(formula *w, ast_unary kind, const ast_expr *x)
{
    ast_expr *e = x ? new_expr(w, EXPR_UNARY) : NULL;
    if (e) {
        e->u.unary.op = kind;
        e->u.unary.x = x;
    }
    return e;
}

static const ast_expr *binary(formula *w, ast_binary kind, const ast_expr *x, const ast_expr *y)
{
    ast_expr *e = x && y ? new_expr(w, EXPR_BINARY) : NULL;
    if (e) {
        e->u.binary.op = kind;
        e->u.binary.x = x;
        e->u.binary.y = y;
    }
    return e;
}

/* A number that is not negative. */
static const ast_expr *magnitude(formula *w, double v)
{
    if (isnan(v) || isinf(v))
        return name_expr(w, isnan(v) ? "nan" : "inf");
    bool whole = v < 1e15 && v == floor(v);
    ast_expr *e = new_expr(w, whole ? EXPR_INTEGER : EXPR_REAL);
    if (e && whole)
        e->u.integer = (uint64_t)v;
    else if (e)
        e->u.real = v;
    return e;
}

static const ast_expr *number(formula *w, double v)
{
    const ast_expr *e = magnitude(w, fabs(v));
    return signbit(v) && !isnan(v) ? unary(w, UNARY_NEG, e) : e;
}

static const ast_expr *call(formula *w, const ast_expr *callee, node n)
{
    int32_t n_in = graph_node(w->g, n)->n_in;
    ast_arg *args = arena_alloc(w->ar, ((size_t)n_in + 1) * sizeof *args);
    ast_expr *e = callee ? new_expr(w, EXPR_CALL) : NULL;
    w->failed |= !args;
    if (!args || !e)
        return NULL;
    for (int32_t i = 0; i < n_in; i++)
        args[i] = (ast_arg){ .value = expr_of(w, graph_in(w->g, n, i)) };
    e->u.call.callee = callee;
    e->u.call.args = args;
    e->u.call.n_args = n_in;
    return e;
}

/* -------------------------------------------------------------------------- sums, products */

static bool is_real(const formula *w, node n)
{
    return type_is_float(graph_dtype(w->g, n));
}

/* What is written where it is used: it is used once, or short. */
static bool is_open(const formula *w, node n)
{
    return !w->name[n];
}

static bool add_factor(term *t, node n, int32_t power)
{
    for (int32_t i = 0; i < t->n; i++) {
        if (t->f[i].of == n) {
            t->f[i].power += power;
            return true;
        }
    }
    if (t->n == MOST_FACTORS)
        return false;
    t->f[t->n++] = (factor){ n, power };
    return true;
}

/* t *= n**power. As deep as there are products of one factor: neg, and those of constants. */
static bool multiply(formula *w, term *t, node n, int32_t power, int32_t depth)
{
    cell v;
    op o = (op)graph_node(w->g, n)->op;
    if (graph_is_const(w->g, n, &v) && isfinite(v.f) && v.f != 0) {
        *(power > 0 ? &t->over : &t->under) *= v.f;
        return true;
    }
    bool product = o == OP_mul || o == OP_div || o == OP_neg;
    if (!product || !is_open(w, n) || depth == MOST_FACTORS)
        return add_factor(t, n, power);
    if (o == OP_neg)
        t->over = -t->over;
    if (!multiply(w, t, graph_in(w->g, n, 0), power, depth + 1))
        return false;
    return o == OP_neg ||
           multiply(w, t, graph_in(w->g, n, 1), o == OP_mul ? power : -power, depth + 1);
}

static bool same_factors(const term *a, const term *b)
{
    int32_t found = 0;
    for (int32_t i = 0; i < a->n; i++)
        for (int32_t k = 0; k < b->n; k++)
            found += a->f[i].of == b->f[k].of && a->f[i].power == b->f[k].power;
    return a->n == b->n && found == a->n && a->under == b->under;
}

static bool add_term(formula *w, sum *s, node n, double sign)
{
    term t = { .over = sign, .under = 1 };
    if (!multiply(w, &t, n, 1, 0))
        return false;
    for (int32_t i = 0; i < s->n; i++) {
        if (same_factors(&s->t[i], &t)) {
            s->t[i].over += t.over;
            return true;
        }
    }
    if (s->n == MOST_TERMS)
        return false;
    s->t[s->n++] = t;
    return true;
}

static bool add_terms(formula *w, sum *s, node n, double sign, int32_t depth)
{
    op o = (op)graph_node(w->g, n)->op;
    bool more = o == OP_add || o == OP_sub || o == OP_neg;
    if (!more || depth == MOST_TERMS || (depth > 0 && !is_open(w, n)))
        return add_term(w, s, n, sign);
    if (o == OP_neg)
        return add_terms(w, s, graph_in(w->g, n, 0), -sign, depth + 1);
    return add_terms(w, s, graph_in(w->g, n, 0), sign, depth + 1) &&
           add_terms(w, s, graph_in(w->g, n, 1), o == OP_sub ? -sign : sign, depth + 1);
}

/* The factors of positive or of negative powers, with a coefficient; NULL: none. */
static const ast_expr *factors(formula *w, const term *t, double coefficient, int32_t sign)
{
    const ast_expr *e = coefficient != 1 ? magnitude(w, coefficient) : NULL;
    for (int32_t i = 0; i < t->n; i++) {
        int32_t power = t->f[i].power * sign;
        if (power <= 0)
            continue;
        const ast_expr *x = expr_of(w, t->f[i].of);
        if (power > 1)
            x = binary(w, BINARY_POW, x, magnitude(w, power));
        e = e ? binary(w, BINARY_MUL, e, x) : x;
    }
    return e;
}

/* Without its sign. */
static const ast_expr *term_expr(formula *w, const term *t)
{
    double over = fabs(t->over), under = fabs(t->under);
    if (fmod(over, under) == 0 || frexp(under, &(int){ 0 }) == 0.5) {
        over /= under;
        under = 1;
    }
    const ast_expr *top = factors(w, t, over, 1), *bottom = factors(w, t, under, -1);
    top = top ? top : magnitude(w, 1);
    return bottom ? binary(w, BINARY_DIV, top, bottom) : top;
}

static bool is_minus(const term *t)
{
    return (t->over < 0) != (t->under < 0);
}

static const ast_expr *sum_expr(formula *w, const sum *s)
{
    const ast_expr *e = NULL;
    for (int32_t round = 0; round < 2; round++) {
        for (int32_t i = 0; i < s->n; i++) {
            const term *t = &s->t[i];
            if (t->over == 0 || is_minus(t) != (round == 1))
                continue;
            const ast_expr *x = term_expr(w, t);
            e = e            ? binary(w, round ? BINARY_SUB : BINARY_ADD, e, x)
                : round == 1 ? unary(w, UNARY_NEG, x)
                             : x;
        }
    }
    return e ? e : magnitude(w, 0);
}

/* -------------------------------------------------------------------------- nodes */

static const struct {
    op o;
    ast_binary real, logic; /* of bool where they differ */
} infix[] = {
    { OP_add, BINARY_ADD, BINARY_ADD }, { OP_sub, BINARY_SUB, BINARY_SUB },
    { OP_mul, BINARY_MUL, BINARY_MUL }, { OP_div, BINARY_DIV, BINARY_DIV },
    { OP_mod, BINARY_MOD, BINARY_MOD }, { OP_floordiv, BINARY_FLOORDIV, BINARY_FLOORDIV },
    { OP_pow, BINARY_POW, BINARY_POW }, { OP_eq, BINARY_EQ, BINARY_EQ },
    { OP_ne, BINARY_NE, BINARY_NE },    { OP_lt, BINARY_LT, BINARY_LT },
    { OP_le, BINARY_LE, BINARY_LE },    { OP_gt, BINARY_GT, BINARY_GT },
    { OP_ge, BINARY_GE, BINARY_GE },    { OP_and, BINARY_BITAND, BINARY_AND },
    { OP_or, BINARY_BITOR, BINARY_OR }, { OP_xor, BINARY_BITXOR, BINARY_NE },
    { OP_shl, BINARY_SHL, BINARY_SHL }, { OP_shr, BINARY_SHR, BINARY_SHR },
};

static const ast_expr *constant(formula *w, node n)
{
    cell v;
    jit_dtype t = graph_dtype(w->g, n);
    (void)graph_is_const(w->g, n, &v);
    if (t == JIT_BOOL)
        return name_expr(w, v.u ? "true" : "false");
    if (type_is_float(t))
        return number(w, v.f);
    bool minus = type_is_signed(t) && v.i < 0;
    ast_expr *e = new_expr(w, EXPR_INTEGER);
    if (e)
        e->u.integer = minus ? 0 - v.u : v.u;
    return minus ? unary(w, UNARY_NEG, e) : e;
}

static const ast_expr *call_one(formula *w, const char *name, const ast_expr *value)
{
    ast_arg *arg = arena_alloc(w->ar, sizeof *arg);
    ast_expr *e = new_expr(w, EXPR_CALL);
    w->failed |= !arg;
    if (!arg || !e)
        return NULL;
    *arg = (ast_arg){ .value = value };
    e->u.call.callee = name_expr(w, name);
    e->u.call.args = arg;
    e->u.call.n_args = 1;
    return e;
}

/* x/(1 + exp(-y)), where what y was rounded by is not shown, or x times half of
 * erfc(-y/sqrt(2)). */
static const ast_expr *hidden_product(formula *w, node n)
{
    cell v = { .f = 0 };
    node x = graph_in(w->g, n, 0);
    const ast_expr *y = expr_of(w, graph_in(w->g, n, 1)), *e;
    if (graph_node(w->g, n)->op != OP_normal_part) {
        e = call_one(w, "sigmoid", y);
    } else {
        e = call_one(w, "erfc", binary(w, BINARY_MUL, number(w, -0.70710678118654752), y));
        e = binary(w, BINARY_MUL, number(w, 0.5), e);
    }
    bool plain = graph_is_const(w->g, x, &v) && v.f == 1;
    return plain ? e : binary(w, BINARY_MUL, expr_of(w, x), e);
}

static const ast_expr *operation(formula *w, node n)
{
    const node_data *d = graph_node(w->g, n);
    bool logic = d->dtype == JIT_BOOL;
    for (size_t i = 0; i < sizeof infix / sizeof *infix; i++)
        if (infix[i].o == (op)d->op)
            return binary(w, logic ? infix[i].logic : infix[i].real,
                          expr_of(w, graph_in(w->g, n, 0)), expr_of(w, graph_in(w->g, n, 1)));
    if (d->op == OP_neg || d->op == OP_not)
        return unary(w,
                     d->op == OP_neg ? UNARY_NEG
                     : logic         ? UNARY_NOT
                                     : UNARY_INVERT,
                     expr_of(w, graph_in(w->g, n, 0)));
    if (d->op == OP_logistic || d->op == OP_logistic_wide || d->op == OP_normal_part)
        return hidden_product(w, n);
    if (op_find(op_info((op)d->op)->name) != (op)d->op)
        return NULL;
    return call(w, name_expr(w, op_info((op)d->op)->name), n);
}

static const ast_expr *choice(formula *w, node n)
{
    ast_expr *e = new_expr(w, EXPR_SELECT);
    if (!e)
        return NULL;
    e->u.select.condition = expr_of(w, graph_in(w->g, n, 0));
    e->u.select.yes = expr_of(w, graph_in(w->g, n, 1));
    e->u.select.no = expr_of(w, graph_in(w->g, n, 2));
    return e;
}

static const ast_expr *conversion(formula *w, node n)
{
    ast_expr *type = new_expr(w, EXPR_SCALAR);
    if (type)
        type->u.scalar = graph_dtype(w->g, n);
    return call(w, type, n);
}

/* The value of a node, whether a let names it or not. */
static const ast_expr *written(formula *w, node n)
{
    const node_data *d = graph_node(w->g, n);
    sum s = { .n = 0 };
    switch ((op)d->op) {
    case OP_arg:
        return name_expr(w, w->g->inputs[d->imm].name);
    case OP_uniform:
        return name_expr(w, w->g->uniforms[d->imm].name);
    case OP_const:
        return constant(w, n);
    case OP_cast:
        return conversion(w, n);
    case OP_select:
        return choice(w, n);
    case OP_add:
    case OP_sub:
    case OP_mul:
    case OP_div:
    case OP_neg:
        /* a name of its own stands for the whole: what is inside is open here */
        if (is_real(w, n)) {
            const char *own = w->name[n];
            w->name[n] = NULL;
            bool ordered = add_terms(w, &s, n, 1, 0);
            const ast_expr *e = ordered ? sum_expr(w, &s) : operation(w, n);
            w->name[n] = own;
            return e;
        }
        return operation(w, n);
    default:
        return operation(w, n);
    }
}

static const ast_expr *expr_of(formula *w, node n)
{
    if (w->name[n])
        return name_expr(w, w->name[n]);
    if (w->failed || ++w->depth > MOST_DEPTH) {
        w->failed = true;
        return NULL;
    }
    const ast_expr *e = written(w, n);
    w->depth--;
    w->failed |= !e;
    return e;
}

/* -------------------------------------------------------------------------- the function */

static bool is_leaf(op o)
{
    return o == OP_arg || o == OP_uniform || o == OP_const;
}

static bool is_product(op o)
{
    return o == OP_mul || o == OP_neg;
}

/* Users are counted as they are written: those of a short product are users of its factors. */
static void count_uses(formula *w)
{
    const graph *g = w->g;
    for (int32_t i = 0; i < g->n_outputs; i++)
        w->uses[g->outputs[i].value]++;
    for (node n = 1; n < g->n_nodes; n++) {
        op o = (op)graph_node(g, n)->op;
        w->size[n] = o == OP_const ? 0 : 1;
        if (is_product(o) && is_real(w, n)) {
            w->size[n] = w->size[graph_in(g, n, 0)];
            w->size[n] += o == OP_mul ? w->size[graph_in(g, n, 1)] : 0;
        }
    }
    for (node n = g->n_nodes - 1; n > 0; n--) {
        bool open = is_product((op)graph_node(g, n)->op) && w->size[n] <= SHORT_PRODUCT;
        bool twice = graph_node(g, n)->op == OP_add && graph_in(g, n, 0) == graph_in(g, n, 1);
        for (int32_t i = twice; i < graph_node(g, n)->n_in; i++)
            w->uses[graph_in(g, n, i)] += open ? w->uses[n] : w->uses[n] > 0;
    }
}

static char name_letter(const graph *g)
{
    const char *letter = "tuvwabcdefghijklmnopqrs";
    for (; letter[1]; letter++) {
        bool taken = false;
        for (int32_t i = 0; i < g->n_inputs + g->n_uniforms; i++) {
            const char *name =
                i < g->n_inputs ? g->inputs[i].name : g->uniforms[i - g->n_inputs].name;
            taken |= name[0] == *letter && name[1] >= '0' && name[1] <= '9';
        }
        if (!taken)
            break;
    }
    return *letter;
}

static bool add_let(formula *w, node n, const char *name)
{
    const ast_expr *value = expr_of(w, n);
    ast_stmt *s = arena_alloc(w->ar, sizeof *s);
    ast_name *names = arena_alloc(w->ar, sizeof *names);
    if (!value || !s || !names)
        return false;
    *names = (ast_name){ .name = name };
    *s = (ast_stmt){ .kind = STMT_LET };
    s->u.let.names = names;
    s->u.let.n_names = 1;
    s->u.let.value = value;
    w->stmts[w->n_stmts++] = s;
    w->name[n] = name;
    return true;
}

static bool add_lets(formula *w)
{
    char letter = name_letter(w->g);
    for (node n = 1; n < w->g->n_nodes && !w->failed; n++) {
        op o = (op)graph_node(w->g, n)->op;
        bool open = is_product(o) && is_real(w, n) && w->size[n] <= SHORT_PRODUCT;
        if (w->uses[n] < 2 || is_leaf(o) || open)
            continue;
        const char *name = arena_format(w->ar, "%c%d", letter, (int)w->n_stmts + 1);
        w->failed |= !name || !add_let(w, n, name);
    }
    return !w->failed;
}

static const ast_param *parameters(formula *w, const graph_input *in, int32_t n)
{
    ast_param *p = arena_alloc(w->ar, ((size_t)n + 1) * sizeof *p);
    for (int32_t i = 0; p && i < n; i++) {
        bool real = type_is_float(in[i].dtype);
        p[i] = (ast_param){ .name = in[i].name };
        p[i].type = (ast_type){ .given = !real, .scalar = in[i].dtype };
    }
    w->failed |= !p;
    return p;
}

static const ast_expr *value(formula *w)
{
    const graph *g = w->g;
    if (g->n_outputs == 1)
        return expr_of(w, g->outputs[0].value);
    const ast_expr **items = arena_alloc(w->ar, (size_t)g->n_outputs * sizeof *items);
    ast_expr *e = items ? new_expr(w, EXPR_TUPLE) : NULL;
    for (int32_t i = 0; e && i < g->n_outputs; i++)
        items[i] = expr_of(w, g->outputs[i].value);
    if (e) {
        e->u.tuple.items = items;
        e->u.tuple.n = g->n_outputs;
    }
    return e;
}

static bool add_return(formula *w, const ast_expr *e)
{
    ast_stmt *s = arena_alloc(w->ar, sizeof *s);
    const ast_expr **values = arena_alloc(w->ar, sizeof *values);
    if (!s || !values)
        return false;
    values[0] = e;
    *s = (ast_stmt){ .kind = STMT_RETURN };
    s->u.ret.values = e->kind == EXPR_TUPLE ? e->u.tuple.items : values;
    s->u.ret.n = e->kind == EXPR_TUPLE ? e->u.tuple.n : 1;
    w->stmts[w->n_stmts++] = s;
    return true;
}

static bool is_named(const graph *g)
{
    bool named = g->name && g->n_checks == 0 && !graph_has_arrays(g);
    for (int32_t i = 0; i < g->n_inputs; i++)
        named &= g->inputs[i].name != NULL;
    for (int32_t i = 0; i < g->n_uniforms; i++)
        named &= g->uniforms[i].name != NULL;
    return named;
}

const ast_fn *formula_of(arena *ar, const graph *g)
{
    formula w = { .ar = ar, .g = g };
    size_t n = (size_t)g->n_nodes + 1;
    ast_fn *fn = arena_alloc(ar, sizeof *fn);
    w.uses = arena_alloc(ar, n * sizeof *w.uses);
    w.size = arena_alloc(ar, n * sizeof *w.size);
    w.name = arena_alloc(ar, n * sizeof *w.name);
    w.stmts = arena_alloc(ar, n * sizeof *w.stmts);
    if (!fn || !w.uses || !w.size || !w.name || !w.stmts || !is_named(g))
        return NULL;
    count_uses(&w);
    const ast_expr *e = add_lets(&w) ? value(&w) : NULL;
    *fn = (ast_fn){ .name = g->name, .n_args = g->n_inputs, .n_uniforms = g->n_uniforms };
    fn->args = parameters(&w, g->inputs, g->n_inputs);
    fn->uniforms = parameters(&w, g->uniforms, g->n_uniforms);
    if (!e || w.failed || (w.n_stmts > 0 && !add_return(&w, e)))
        return NULL;
    fn->value = w.n_stmts > 0 ? NULL : e;
    fn->body = (ast_block){ w.stmts, w.n_stmts };
    return fn;
}

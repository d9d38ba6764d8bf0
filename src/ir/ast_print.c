/* The tree as text that parses back to the same tree. Left spines of binary operators are
 * walked in a loop; recursion is bounded by the tree's depth. */
#include <stdio.h>
#include <string.h>

#include "decimal.h"
#include "lex.h"
#include "parse.h"
#include "writer.h"

/* -------------------------------------------------------------------------- names of operators
 */

static const struct {
    const char *text;
    int32_t precedence;
} binaries[] = {
    [BINARY_OR] = { "||", PRECEDENCE_OR },        [BINARY_AND] = { "&&", PRECEDENCE_AND },
    [BINARY_EQ] = { "==", PRECEDENCE_COMPARE },   [BINARY_NE] = { "!=", PRECEDENCE_COMPARE },
    [BINARY_LT] = { "<", PRECEDENCE_COMPARE },    [BINARY_LE] = { "<=", PRECEDENCE_COMPARE },
    [BINARY_GT] = { ">", PRECEDENCE_COMPARE },    [BINARY_GE] = { ">=", PRECEDENCE_COMPARE },
    [BINARY_BITOR] = { "|", PRECEDENCE_BITOR },   [BINARY_BITXOR] = { "^", PRECEDENCE_BITXOR },
    [BINARY_BITAND] = { "&", PRECEDENCE_BITAND }, [BINARY_SHL] = { "<<", PRECEDENCE_SHIFT },
    [BINARY_SHR] = { ">>", PRECEDENCE_SHIFT },    [BINARY_ADD] = { "+", PRECEDENCE_ADD },
    [BINARY_SUB] = { "-", PRECEDENCE_ADD },       [BINARY_MUL] = { "*", PRECEDENCE_MUL },
    [BINARY_DIV] = { "/", PRECEDENCE_MUL },       [BINARY_FLOORDIV] = { "//", PRECEDENCE_MUL },
    [BINARY_MOD] = { "%", PRECEDENCE_MUL },       [BINARY_MATMUL] = { "@", PRECEDENCE_MUL },
    [BINARY_POW] = { "**", PRECEDENCE_POW },
};

const char *ast_binary_text(ast_binary op)
{
    return binaries[op].text;
}

int32_t ast_binary_precedence(ast_binary op)
{
    return binaries[op].precedence;
}

const char *ast_unary_text(ast_unary op)
{
    static const char *const texts[] = { "-", "+", "!", "~" };
    return texts[op];
}

const char *ast_redop_text(ast_redop op)
{
    static const char *const texts[] = { "sum", "prod",   "min",    "max", "any",
                                         "all", "argmin", "argmax", "mean" };
    return texts[op];
}

/* -------------------------------------------------------------------------- the output */

typedef struct printer {
    writer out;
    int32_t indent;
} printer;

static void put(printer *w, const char *text)
{
    write_text(&w->out, text);
}

static void put_line(printer *w)
{
    put(w, "\n");
    for (int32_t i = 0; i < w->indent; i++)
        put(w, "  ");
}

/* -------------------------------------------------------------------------- expressions */

static void put_expr(printer *w, const ast_expr *e, int32_t tighter_than);

static void put_list(printer *w, const ast_expr *const *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        put(w, i > 0 ? ", " : "");
        put_expr(w, list[i], 0);
    }
}

static void put_dims(printer *w, const ast_expr *const *list, int32_t n)
{
    if (n == 0)
        return;
    put(w, "[");
    put_list(w, list, n);
    put(w, "]");
}

static void put_arguments(printer *w, const ast_arg *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        put(w, i > 0 ? ", " : "");
        if (list[i].name) {
            put(w, list[i].name);
            put(w, " = ");
        }
        put_expr(w, list[i].value, 0);
    }
}

static void put_call(printer *w, const ast_expr *e)
{
    put_expr(w, e->u.call.callee, PRECEDENCE_POW);
    put(w, "(");
    put_arguments(w, e->u.call.args, e->u.call.n_args);
    put(w, e->u.call.n_uniforms > 0 ? "; " : "");
    put_arguments(w, e->u.call.uniforms, e->u.call.n_uniforms);
    put(w, ")");
}

static void put_reduction(printer *w, const ast_expr *e)
{
    put(w, ast_redop_text(e->u.reduce.op));
    for (int32_t i = 0; i < e->u.reduce.n_binders; i++) {
        const ast_binder *b = &e->u.reduce.binders[i];
        put(w, i > 0 ? ", " : "[");
        put(w, b->name);
        if (b->from) {
            put(w, " in ");
            put_expr(w, b->from, 0);
            put(w, " .. ");
            put_expr(w, b->to, 0);
        }
    }
    put(w, "](");
    put_expr(w, e->u.reduce.body, 0);
    put(w, ")");
}

static int32_t precedence_of(const ast_expr *e)
{
    switch (e->kind) {
    case EXPR_SELECT:
        return PRECEDENCE_SELECT;
    case EXPR_UNARY:
        return e->u.unary.op == UNARY_NOT ? PRECEDENCE_NOT : PRECEDENCE_UNARY;
    case EXPR_BINARY:
        return ast_binary_precedence(e->u.binary.op);
    case EXPR_REAL:
        return e->u.real < 0 ? PRECEDENCE_UNARY : PRECEDENCE_POSTFIX;
    default:
        return PRECEDENCE_POSTFIX;
    }
}

static bool needs_brackets(const ast_expr *e, int32_t tighter_than)
{
    return precedence_of(e) <= tighter_than || e->kind == EXPR_TUPLE;
}

/* Left operands may be as tight as their operator, but for ** and comparisons. */
static int32_t left_of(const ast_expr *e)
{
    int32_t precedence = ast_binary_precedence(e->u.binary.op);
    return precedence - (precedence != PRECEDENCE_POW && precedence != PRECEDENCE_COMPARE);
}

/* Right operands are tighter; that of ** may be ** again, or an operator in front. */
static int32_t right_of(const ast_expr *e)
{
    int32_t precedence = ast_binary_precedence(e->u.binary.op);
    return precedence == PRECEDENCE_POW ? PRECEDENCE_UNARY - 1 : precedence;
}

/* x op y op z ...: down the left spine, then up. */
static void put_binary(printer *w, const ast_expr *e)
{
    int32_t n = 0, capacity = 0;
    const ast_expr **spine = NULL;
    for (;; n++, e = e->u.binary.x) {
        void *grown = spine;
        if (!arena_grow(w->out.ar, &grown, sizeof e, &capacity, n + 1)) {
            w->out.failed = true;
            return;
        }
        spine = grown;
        spine[n] = e;
        if (e->u.binary.x->kind != EXPR_BINARY)
            break;
        put(w, needs_brackets(e->u.binary.x, left_of(e)) ? "(" : "");
    }
    put_expr(w, e->u.binary.x, left_of(e));
    for (; n >= 0; n--) {
        put(w, " ");
        put(w, ast_binary_text(spine[n]->u.binary.op));
        put(w, " ");
        put_expr(w, spine[n]->u.binary.y, right_of(spine[n]));
        put(w, n > 0 && needs_brackets(spine[n], left_of(spine[n - 1])) ? ")" : "");
    }
}

static void put_unary(printer *w, const ast_expr *e)
{
    put(w, ast_unary_text(e->u.unary.op));
    put_expr(w, e->u.unary.x,
             e->u.unary.op == UNARY_NOT ? PRECEDENCE_NOT : PRECEDENCE_UNARY - 1);
}

static void put_select(printer *w, const ast_expr *e)
{
    put_expr(w, e->u.select.condition, PRECEDENCE_SELECT);
    put(w, " ? ");
    put_expr(w, e->u.select.yes, 0);
    put(w, " : ");
    put_expr(w, e->u.select.no, 0);
}

static void put_leaf(printer *w, const ast_expr *e)
{
    char text[DECIMAL_SIZE];
    switch (e->kind) {
    case EXPR_INTEGER:
        snprintf(text, sizeof text, "%llu", (unsigned long long)e->u.integer);
        put(w, text);
        break;
    case EXPR_REAL:
        decimal_print(e->u.real, text);
        put(w, text);
        break;
    case EXPR_SCALAR:
        put(w, lex_scalars[e->u.scalar - JIT_BOOL]);
        break;
    default:
        put(w, e->u.name);
    }
}

/* What is subscripted; sum[i] would be a reduction. */
static void put_base(printer *w, const ast_expr *e)
{
    bool reduction = false;
    for (int32_t op = REDOP_SUM; op <= REDOP_MEAN && e->kind == EXPR_NAME; op++)
        reduction = reduction || !strcmp(e->u.name, ast_redop_text((ast_redop)op));
    put_expr(w, e, reduction ? PRECEDENCE_POSTFIX : PRECEDENCE_POW);
}

/* In brackets unless it binds tighter. */
static void put_expr(printer *w, const ast_expr *e, int32_t tighter_than)
{
    bool brackets = needs_brackets(e, tighter_than);
    put(w, brackets ? "(" : "");
    switch (e->kind) {
    case EXPR_UNARY:
        put_unary(w, e);
        break;
    case EXPR_BINARY:
        put_binary(w, e);
        break;
    case EXPR_SELECT:
        put_select(w, e);
        break;
    case EXPR_CALL:
        put_call(w, e);
        break;
    case EXPR_INDEX:
        put_base(w, e->u.index.base);
        put_dims(w, e->u.index.subscripts, e->u.index.n);
        break;
    case EXPR_REDUCE:
        put_reduction(w, e);
        break;
    case EXPR_TUPLE:
        put_list(w, e->u.tuple.items, e->u.tuple.n);
        break;
    default:
        put_leaf(w, e);
    }
    put(w, brackets ? ")" : "");
}

/* -------------------------------------------------------------------------- statements */

static void put_type(printer *w, const ast_type *t)
{
    if (t->is_dim || t->is_fn)
        put(w, t->is_dim ? "dim" : "fn");
    else if (t->scalar != JIT_NONE)
        put(w, lex_scalars[t->scalar - JIT_BOOL]);
    put_dims(w, t->dims, t->n_dims);
}

static void put_given_type(printer *w, const ast_type *t)
{
    if (t->given) {
        put(w, ": ");
        put_type(w, t);
    }
}

static void put_statement(printer *w, const ast_stmt *s);

static void put_block(printer *w, const ast_block *b)
{
    put(w, "{");
    w->indent++;
    for (int32_t i = 0; i < b->n; i++) {
        put_line(w);
        put_statement(w, b->stmts[i]);
    }
    w->indent--;
    put_line(w);
    put(w, "}");
}

static void put_let(printer *w, const ast_stmt *s)
{
    put(w, s->u.let.n_names > 1 ? "let (" : "let ");
    for (int32_t i = 0; i < s->u.let.n_names; i++) {
        put(w, i > 0 ? ", " : "");
        put(w, s->u.let.names[i].name);
    }
    put(w, s->u.let.n_names > 1 ? ")" : "");
    put_dims(w, s->u.let.dims, s->u.let.n_dims);
    put_given_type(w, &s->u.let.type);
    put(w, " = ");
    put_expr(w, s->u.let.value, 0);
}

static void put_assign(printer *w, const ast_stmt *s)
{
    put(w, s->u.assign.name.name);
    put_dims(w, s->u.assign.subscripts, s->u.assign.n_subscripts);
    put(w, " ");
    put(w, s->u.assign.compound ? ast_binary_text(s->u.assign.op) : "");
    put(w, "= ");
    put_expr(w, s->u.assign.value, 0);
}

static void put_if(printer *w, const ast_stmt *s)
{
    const ast_block *no = &s->u.branch.no;
    put(w, "if ");
    put_expr(w, s->u.branch.condition, 0);
    put(w, " ");
    put_block(w, &s->u.branch.yes);
    if (no->n == 0)
        return;
    put(w, " else ");
    if (no->n == 1 && no->stmts[0]->kind == STMT_IF)
        put_if(w, no->stmts[0]);
    else
        put_block(w, no);
}

static void put_for(printer *w, const ast_stmt *s)
{
    put(w, "for ");
    put(w, s->u.range.name.name);
    put(w, " in ");
    put_expr(w, s->u.range.from, 0);
    put(w, " .. ");
    put_expr(w, s->u.range.to, 0);
    if (s->u.range.by) {
        put(w, " by ");
        put_expr(w, s->u.range.by, 0);
    }
    put(w, " ");
    put_block(w, &s->u.range.body);
}

static void put_statement(printer *w, const ast_stmt *s)
{
    switch (s->kind) {
    case STMT_LET:
        put_let(w, s);
        break;
    case STMT_VAR:
    case STMT_PARAM:
        put(w, s->kind == STMT_VAR ? "var " : "param ");
        put(w, s->u.var.name.name);
        put_given_type(w, &s->u.var.type);
        put(w, " = ");
        put_expr(w, s->u.var.value, 0);
        break;
    case STMT_ASSIGN:
        put_assign(w, s);
        break;
    case STMT_IF:
        put_if(w, s);
        break;
    case STMT_WHILE:
        put(w, "while ");
        put_expr(w, s->u.loop.condition, 0);
        put(w, " ");
        put_block(w, &s->u.loop.body);
        break;
    case STMT_FOR:
        put_for(w, s);
        break;
    case STMT_BREAK:
    case STMT_CONTINUE:
        put(w, s->kind == STMT_BREAK ? "break" : "continue");
        break;
    default:
        put(w, "return ");
        put_list(w, s->u.ret.values, s->u.ret.n);
    }
}

/* -------------------------------------------------------------------------- functions */

static void put_parameters(printer *w, const ast_param *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        put(w, i > 0 ? ", " : "");
        put(w, list[i].name);
        put_given_type(w, &list[i].type);
        if (list[i].value) {
            put(w, " = ");
            put_expr(w, list[i].value, 0);
        }
    }
}

static void put_results(printer *w, const ast_fn *f)
{
    put(w, f->n_results > 0 ? " -> " : "");
    put(w, f->n_results > 1 ? "(" : "");
    for (int32_t i = 0; i < f->n_results; i++) {
        const ast_result *r = &f->results[i];
        put(w, i > 0 ? ", " : "");
        if (r->name) {
            put(w, r->name);
            put_given_type(w, &r->type);
        } else {
            put_type(w, &r->type);
        }
    }
    put(w, f->n_results > 1 ? ")" : "");
}

static void put_attributes(printer *w, const ast_fn *f)
{
    for (int32_t i = 0; i < f->n_attrs; i++) {
        char number[DECIMAL_SIZE];
        put(w, " @");
        put(w, f->attrs[i].name);
        if (f->attrs[i].has_value) {
            decimal_print(f->attrs[i].value, number);
            put(w, "(");
            put(w, number);
            put(w, ")");
        }
    }
}

static void put_fn(printer *w, const ast_fn *f)
{
    put(w, f->is_grad ? "grad fn " : "fn ");
    put(w, f->name);
    put(w, "(");
    put_parameters(w, f->args, f->n_args);
    put(w, f->n_uniforms > 0 ? "; " : "");
    put_parameters(w, f->uniforms, f->n_uniforms);
    put(w, ")");
    put_results(w, f);
    put_attributes(w, f);
    if (f->value) {
        put(w, " = ");
        put_expr(w, f->value, 0);
    } else {
        put(w, " ");
        put_block(w, &f->body);
    }
    put(w, "\n");
}

char *ast_print_fn(arena *ar, const ast_fn *fn)
{
    printer w = { .out = { .ar = ar } };
    put_fn(&w, fn);
    return w.out.failed ? NULL : w.out.text;
}

char *ast_print_expr(arena *ar, const ast_expr *e)
{
    printer w = { .out = { .ar = ar } };
    put_expr(&w, e, 0);
    return w.out.failed ? NULL : w.out.text;
}

char *ast_print(arena *ar, const ast_program *p)
{
    printer w = { .out = { .ar = ar } };
    put(&w, "");
    for (int32_t i = 0; i < p->n_consts; i++) {
        put(&w, "const ");
        put(&w, p->consts[i]->name);
        put(&w, " = ");
        put_expr(&w, p->consts[i]->value, 0);
        put(&w, "\n");
    }
    for (int32_t i = 0; i < p->n_fns; i++)
        put_fn(&w, p->fns[i]);
    return w.out.failed ? NULL : w.out.text;
}

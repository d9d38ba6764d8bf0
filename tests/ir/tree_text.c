/* The syntax tree with all its structure in brackets. */
#include "tree_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "lex.h"

typedef struct writer {
    FILE *f;
    char *text;
    size_t size;
} writer;

static void put_expr(FILE *f, const ast_expr *e);

static void put_list(FILE *f, const ast_expr *const *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        fputc(' ', f);
        put_expr(f, list[i]);
    }
}

static void put_args(FILE *f, const ast_arg *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        fprintf(f, " %s%s", list[i].name ? list[i].name : "", list[i].name ? "=" : "");
        put_expr(f, list[i].value);
    }
}

static void put_reduction(FILE *f, const ast_expr *e)
{
    fprintf(f, "(%s", ast_redop_text(e->u.reduce.op));
    for (int32_t i = 0; i < e->u.reduce.n_binders; i++) {
        const ast_binder *b = &e->u.reduce.binders[i];
        fprintf(f, " [%s", b->name);
        if (b->from) {
            fputs(" in ", f);
            put_expr(f, b->from);
            fputs(" .. ", f);
            put_expr(f, b->to);
        }
        fputc(']', f);
    }
    fputc(' ', f);
    put_expr(f, e->u.reduce.body);
    fputc(')', f);
}

static void put_leaf(FILE *f, const ast_expr *e)
{
    char number[DECIMAL_SIZE];
    switch (e->kind) {
    case EXPR_INTEGER:
        fprintf(f, "%llu", (unsigned long long)e->u.integer);
        break;
    case EXPR_REAL:
        decimal_print(e->u.real, number);
        fputs(number, f);
        break;
    case EXPR_SCALAR:
        fprintf(f, ":%s", lex_scalars[e->u.scalar - JIT_BOOL]);
        break;
    default:
        fputs(e->u.name, f);
    }
}

static void put_expr(FILE *f, const ast_expr *e)
{
    switch (e->kind) {
    case EXPR_UNARY:
        fprintf(f, "(%s ", ast_unary_text(e->u.unary.op));
        put_expr(f, e->u.unary.x);
        break;
    case EXPR_BINARY:
        fprintf(f, "(%s ", ast_binary_text(e->u.binary.op));
        put_expr(f, e->u.binary.x);
        fputc(' ', f);
        put_expr(f, e->u.binary.y);
        break;
    case EXPR_SELECT:
        fputs("(?", f);
        put_list(f,
                 (const ast_expr *[]){ e->u.select.condition, e->u.select.yes, e->u.select.no },
                 3);
        break;
    case EXPR_CALL:
        fputs("(call ", f);
        put_expr(f, e->u.call.callee);
        put_args(f, e->u.call.args, e->u.call.n_args);
        fputs(e->u.call.n_uniforms > 0 ? " ;" : "", f);
        put_args(f, e->u.call.uniforms, e->u.call.n_uniforms);
        break;
    case EXPR_INDEX:
        fputs("(index ", f);
        put_expr(f, e->u.index.base);
        put_list(f, e->u.index.subscripts, e->u.index.n);
        break;
    case EXPR_REDUCE:
        put_reduction(f, e);
        return;
    case EXPR_TUPLE:
        fputs("(,", f);
        put_list(f, e->u.tuple.items, e->u.tuple.n);
        break;
    default:
        put_leaf(f, e);
        return;
    }
    fputc(')', f);
}

static void put_type(FILE *f, const ast_type *t)
{
    if (!t->given)
        return;
    fprintf(f, ":%s%s",
            t->is_dim  ? "dim"
            : t->is_fn ? "fn"
                       : "",
            t->scalar == JIT_NONE ? "" : lex_scalars[t->scalar - JIT_BOOL]);
    if (t->n_dims > 0) {
        fputs("[", f);
        put_list(f, t->dims, t->n_dims);
        fputs(" ]", f);
    }
}

static void put_stmt(FILE *f, const ast_stmt *s);

static void put_block(FILE *f, const ast_block *b)
{
    fputs(" {", f);
    for (int32_t i = 0; i < b->n; i++) {
        fputc(' ', f);
        put_stmt(f, b->stmts[i]);
    }
    fputs(" }", f);
}

static void put_dims(FILE *f, const ast_expr *const *list, int32_t n)
{
    if (n == 0)
        return;
    fputs("[", f);
    put_list(f, list, n);
    fputs(" ]", f);
}

static void put_value(FILE *f, const ast_expr *e)
{
    fputs(" = ", f);
    put_expr(f, e);
}

static void put_let(FILE *f, const ast_stmt *s)
{
    fputs("(let", f);
    for (int32_t i = 0; i < s->u.let.n_names; i++)
        fprintf(f, " %s", s->u.let.names[i].name);
    put_dims(f, s->u.let.dims, s->u.let.n_dims);
    put_type(f, &s->u.let.type);
    put_value(f, s->u.let.value);
}

static void put_loop(FILE *f, const ast_stmt *s)
{
    if (s->kind == STMT_WHILE) {
        fputs("(while ", f);
        put_expr(f, s->u.loop.condition);
        put_block(f, &s->u.loop.body);
        return;
    }
    fprintf(f, "(for %s ", s->u.range.name.name);
    put_expr(f, s->u.range.from);
    fputs(" .. ", f);
    put_expr(f, s->u.range.to);
    if (s->u.range.by) {
        fputs(" by ", f);
        put_expr(f, s->u.range.by);
    }
    put_block(f, &s->u.range.body);
}

static void put_stmt(FILE *f, const ast_stmt *s)
{
    switch (s->kind) {
    case STMT_LET:
        put_let(f, s);
        break;
    case STMT_VAR:
    case STMT_PARAM:
        fprintf(f, "(%s %s", s->kind == STMT_VAR ? "var" : "param", s->u.var.name.name);
        put_type(f, &s->u.var.type);
        put_value(f, s->u.var.value);
        break;
    case STMT_ASSIGN:
        fprintf(f, "(set %s", s->u.assign.name.name);
        put_dims(f, s->u.assign.subscripts, s->u.assign.n_subscripts);
        fprintf(f, " %s", s->u.assign.compound ? ast_binary_text(s->u.assign.op) : "");
        put_value(f, s->u.assign.value);
        break;
    case STMT_IF:
        fputs("(if ", f);
        put_expr(f, s->u.branch.condition);
        put_block(f, &s->u.branch.yes);
        if (s->u.branch.no.n > 0)
            put_block(f, &s->u.branch.no);
        break;
    case STMT_WHILE:
    case STMT_FOR:
        put_loop(f, s);
        break;
    case STMT_RETURN:
        fputs("(return", f);
        put_list(f, s->u.ret.values, s->u.ret.n);
        break;
    default:
        fputs(s->kind == STMT_BREAK ? "(break" : "(continue", f);
    }
    fputc(')', f);
}

static void put_params(FILE *f, const ast_param *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        fprintf(f, " %s", list[i].name);
        put_type(f, &list[i].type);
        if (list[i].value) {
            fputc('=', f);
            put_expr(f, list[i].value);
        }
    }
}

static void put_fn(FILE *f, const ast_fn *fn)
{
    fprintf(f, "%s %s (", fn->is_grad ? "grad" : "fn", fn->name);
    put_params(f, fn->args, fn->n_args);
    fputs(fn->n_uniforms > 0 ? " ;" : "", f);
    put_params(f, fn->uniforms, fn->n_uniforms);
    fputs(" )", f);
    for (int32_t i = 0; i < fn->n_results; i++) {
        fprintf(f, "%s%s", i > 0 ? " " : " -> ",
                fn->results[i].name ? fn->results[i].name : "");
        put_type(f, &fn->results[i].type);
    }
    for (int32_t i = 0; i < fn->n_attrs; i++) {
        fprintf(f, " @%s", fn->attrs[i].name);
        if (fn->attrs[i].has_value)
            fprintf(f, "(%g)", fn->attrs[i].value);
    }
    if (fn->value)
        put_value(f, fn->value);
    else
        put_block(f, &fn->body);
    fputc('\n', f);
}

static void begin(writer *w)
{
    w->f = open_memstream(&w->text, &w->size);
    if (!w->f)
        abort();
}

char *tree_text(const ast_program *p)
{
    writer w;
    begin(&w);
    for (int32_t i = 0; i < p->n_consts; i++) {
        fprintf(w.f, "const %s", p->consts[i]->name);
        put_value(w.f, p->consts[i]->value);
        fputc('\n', w.f);
    }
    for (int32_t i = 0; i < p->n_fns; i++)
        put_fn(w.f, p->fns[i]);
    fclose(w.f);
    return w.text;
}

char *tree_text_expr(const ast_expr *e)
{
    writer w;
    begin(&w);
    put_expr(w.f, e);
    fclose(w.f);
    return w.text;
}

char *tree_text_type(const ast_type *t)
{
    writer w;
    begin(&w);
    put_type(w.f, t);
    fclose(w.f);
    return w.text;
}

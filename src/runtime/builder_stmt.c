/* Statements of the builder. */
#include "builder.h"

static ast_stmt *add_stmt(jit_builder *b, ast_stmt_kind kind)
{
    if (!builder_in_function(b))
        return NULL;
    open_block *block = &b->blocks[b->n_blocks - 1];
    ast_stmt *s = builder_alloc(b, sizeof *s);
    if (!s || !builder_grow(b, (void **)&block->stmts, sizeof *block->stmts, &block->capacity,
                            block->n + 1))
        return NULL;
    s->kind = kind;
    block->stmts[block->n++] = s;
    return s;
}

void jit_let(jit_builder *b, const char *name, jit_expr value)
{
    ast_stmt *s = add_stmt(b, STMT_LET);
    ast_name *names = s ? builder_alloc(b, sizeof *names) : NULL;
    if (!names)
        return;
    names->name = builder_name(b, name);
    s->u.let.names = names;
    s->u.let.n_names = 1;
    s->u.let.value = builder_expr(b, value);
}

void jit_var(jit_builder *b, const char *name, const char *type, jit_expr value)
{
    ast_stmt *s = add_stmt(b, STMT_VAR);
    if (!s)
        return;
    s->u.var.name.name = builder_name(b, name);
    if (builder_type(b, type, false, &s->u.var.type))
        s->u.var.value = builder_expr(b, value);
}

void jit_assign(jit_builder *b, const char *name, jit_expr value)
{
    ast_stmt *s = add_stmt(b, STMT_ASSIGN);
    if (!s)
        return;
    s->u.assign.name.name = builder_name(b, name);
    s->u.assign.value = builder_expr(b, value);
}

void jit_if(jit_builder *b, jit_expr condition)
{
    ast_stmt *s = add_stmt(b, STMT_IF);
    if (!s)
        return;
    s->u.branch.condition = builder_expr(b, condition);
    (void)builder_open(b, s);
}

void jit_while(jit_builder *b, jit_expr condition)
{
    ast_stmt *s = add_stmt(b, STMT_WHILE);
    if (!s)
        return;
    s->u.loop.condition = builder_expr(b, condition);
    (void)builder_open(b, s);
}

void jit_for(jit_builder *b, const char *name, jit_expr from, jit_expr to, jit_expr by)
{
    ast_stmt *s = add_stmt(b, STMT_FOR);
    if (!s)
        return;
    s->u.range.name.name = builder_name(b, name);
    s->u.range.from = builder_expr(b, from);
    s->u.range.to = builder_expr(b, to);
    s->u.range.by = by ? builder_expr(b, by) : NULL;
    (void)builder_open(b, s);
}

static void close_block(open_block *block)
{
    ast_block done = { block->stmts, block->n };
    ast_stmt *s = block->stmt;
    if (s->kind == STMT_WHILE)
        s->u.loop.body = done;
    else if (s->kind == STMT_FOR)
        s->u.range.body = done;
    else if (block->in_else)
        s->u.branch.no = done;
    else
        s->u.branch.yes = done;
}

void jit_else(jit_builder *b)
{
    if (!builder_in_function(b))
        return;
    open_block *block = &b->blocks[b->n_blocks - 1];
    if (!block->stmt || block->stmt->kind != STMT_IF || block->in_else) {
        builder_misplaced(b, "jit_else without jit_if");
        return;
    }
    close_block(block);
    *block = (open_block){ .stmt = block->stmt, .in_else = true };
}

void jit_end(jit_builder *b)
{
    if (!builder_in_function(b))
        return;
    if (b->n_blocks < 2) {
        builder_misplaced(b, "jit_end with nothing open");
        return;
    }
    close_block(&b->blocks[--b->n_blocks]);
}

void jit_break(jit_builder *b)
{
    (void)add_stmt(b, STMT_BREAK);
}

void jit_continue(jit_builder *b)
{
    (void)add_stmt(b, STMT_CONTINUE);
}

void jit_return(jit_builder *b, const jit_expr *values, int n)
{
    ast_stmt *s = add_stmt(b, STMT_RETURN);
    if (!s)
        return;
    if (n < 1 || !values) {
        builder_misplaced(b, "jit_return without a value");
        return;
    }
    const ast_expr **list = builder_alloc(b, (size_t)n * sizeof *list);
    for (int i = 0; list && i < n; i++) {
        list[i] = builder_expr(b, values[i]);
        if (!list[i])
            return;
    }
    s->u.ret.values = list;
    s->u.ret.n = list ? n : 0;
}

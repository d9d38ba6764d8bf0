/* Tokens, messages, nesting and lists of the parser. */
#include "parser.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------- tokens */

void parser_advance(parser *p)
{
    if (p->tok.kind != TOKEN_END)
        p->end = p->tok.at.start + p->tok.at.length;
    if (p->fatal)
        return;
    p->tok = p->has_ahead ? p->ahead : lex_next(&p->lx);
    p->has_ahead = false;
}

token_kind parser_peek(parser *p)
{
    if (!p->has_ahead)
        p->ahead = lex_next(&p->lx);
    p->has_ahead = true;
    return p->ahead.kind;
}

bool parser_accept(parser *p, token_kind kind)
{
    if (p->tok.kind != kind)
        return false;
    parser_advance(p);
    return true;
}

bool parser_is_name(const parser *p, const char *text)
{
    size_t length = strlen(text);
    return p->tok.kind == TOKEN_NAME && (size_t)p->tok.at.length == length &&
           !memcmp(p->lx.src->text + p->tok.at.start, text, length);
}

const char *parser_name_text(parser *p)
{
    const span at = p->tok.at;
    const char *text = arena_text(p->ar, p->lx.src->text + at.start, (size_t)at.length);
    if (!text)
        parser_no_memory(p);
    return text;
}

bool parser_take_name(parser *p, const char *what, ast_name *name)
{
    bool statistic = p->tok.kind == TOKEN_VAR && p->lx.src->prelude; /* fn var(x) */
    if (p->tok.kind == TOKEN_NAME || statistic) {
        name->at = p->tok.at;
        name->name = parser_name_text(p);
        parser_advance(p);
        return name->name != NULL;
    }
    bool reserved = lex_is_keyword(p->tok.kind) || p->tok.kind == TOKEN_SCALAR;
    parser_expected(p, reserved ? DIAG_reserved_word : DIAG_expected_name, what);
    if (reserved) {
        parser_hint(p, "this word is reserved");
        if (!p->tok.first_on_line)
            parser_advance(p); /* it was meant as the name, it begins nothing */
    }
    return false;
}

span parser_since(const parser *p, int32_t start)
{
    return (span){ start, p->end - start };
}

/* -------------------------------------------------------------------------- mistakes */

/* From here to the next statement or function the text is only skipped. */
static void begin_failure(parser *p)
{
    p->failed_in_brackets = p->open - p->blocks;
    p->failed = true;
    p->lx.quiet = true;
    p->lx.wrong = true;
}

static void end_text(parser *p)
{
    p->fatal = true;
    p->tok.kind = TOKEN_END;
    p->has_ahead = false;
}

void parser_fail(parser *p, diag_code code, span at, const char *format, ...)
{
    assert(!p->failed);
    begin_failure(p);
    p->d->last = -1;
    if (p->tok.kind == TOKEN_BAD)
        return; /* the lexer has said what is wrong */
    va_list arguments;
    va_start(arguments, format);
    diag_at_va(p->d, code, at, format, arguments);
    va_end(arguments);
    if (diag_count(p->d) >= LEX_MOST_MISTAKES)
        end_text(p); /* enough */
}

void parser_expected(parser *p, diag_code code, const char *what)
{
    enum { SHOWN = 40 };
    const token *t = &p->tok;
    if (t->kind == TOKEN_END)
        parser_fail(p, code, (span){ p->end, 0 }, "expected %s, found the end of the text",
                    what);
    else if (t->at.length > SHOWN)
        parser_fail(p, code, t->at, "expected %s", what);
    else
        parser_fail(p, code, t->at, "expected %s, found '%.*s'", what, (int)t->at.length,
                    p->lx.src->text + t->at.start);
}

void parser_hint(parser *p, const char *text)
{
    if (text)
        diag_hint(p->d, "%s", text);
}

void parser_no_memory(parser *p)
{
    begin_failure(p);
    end_text(p);
}

void parser_too_deep(parser *p, span at)
{
    parser_fail(p, DIAG_nesting, at, "nested more than %d levels deep", (int)p->nesting);
    end_text(p);
}

const char *parser_comment_hint(const parser *p, int32_t offset)
{
    const char *text = p->lx.src->text;
    for (int32_t i = offset; i > 1 && text[i - 1] != '\n'; i--)
        if (text[i - 1] == '/' && text[i - 2] == '/')
            return "comments begin with '#'; '//' is a division";
    return NULL;
}

bool parser_expect(parser *p, token_kind kind, const char *where)
{
    char what[96];
    if (parser_accept(p, kind))
        return true;
    snprintf(what, sizeof what, "'%s' %s", lex_text(kind), where);
    parser_expected(p, DIAG_expected_mark, what);
    return false;
}

/* -------------------------------------------------------------------------- nesting */

bool parser_open(parser *p, span *opened)
{
    *opened = p->tok.at;
    if (p->open >= p->nesting) {
        parser_too_deep(p, p->tok.at);
        return false;
    }
    p->open++;
    parser_advance(p);
    return true;
}

static void hint_opened(parser *p, span opened)
{
    int32_t line, column, here, unused;
    const char *text = p->lx.src->text + opened.start;
    diag_position(p->lx.src, opened.start, &line, &column);
    diag_position(p->lx.src, p->tok.kind == TOKEN_END ? p->end : p->tok.at.start, &here,
                  &unused);
    if (line == here)
        diag_hint(p->d, "to close the '%c' of column %d", *text, (int)column);
    else
        diag_hint(p->d, "to close the '%c' of line %d, column %d", *text, (int)line,
                  (int)column);
}

bool parser_close(parser *p, token_kind kind, span opened)
{
    if (p->tok.kind != kind && !p->failed) {
        char what[8];
        snprintf(what, sizeof what, "'%s'", lex_text(kind));
        parser_expected(p, DIAG_unclosed, what);
        hint_opened(p, opened);
    }
    p->open--;
    if (p->failed)
        return false;
    parser_advance(p);
    return true;
}

/* -------------------------------------------------------------------------- lists */

void *parser_new(parser *p, size_t size)
{
    void *made = arena_alloc(p->ar, size);
    if (!made)
        parser_no_memory(p);
    return made;
}

void parser_push(parser *p, const void *item)
{
    void *items = p->items;
    if (!arena_grow(p->ar, &items, sizeof item, &p->cap_items, p->n_items + 1)) {
        parser_no_memory(p);
        return;
    }
    p->items = items;
    p->items[p->n_items++] = item;
}

const void *parser_pop_pointers(parser *p, int32_t mark, int32_t *n)
{
    size_t size = (size_t)(p->n_items - mark) * sizeof p->items[0];
    void *list = size > 0 ? parser_new(p, size) : NULL;
    if (list)
        memcpy(list, p->items + mark, size);
    *n = list ? p->n_items - mark : 0;
    p->n_items = mark;
    return list;
}

const void *parser_pop_structs(parser *p, int32_t mark, size_t size, int32_t *n)
{
    int32_t count = p->n_items - mark;
    char *list = count > 0 ? parser_new(p, (size_t)count * size) : NULL;
    for (int32_t i = 0; list && i < count; i++)
        memcpy(list + (size_t)i * size, p->items[mark + i], size);
    *n = list ? count : 0;
    p->n_items = mark;
    return list;
}

/* Statements of a session: definitions, name = value, expressions. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "print_array.h"
#include "session.h"

typedef struct statement {
    const char *text;  /* of the statement alone, behind blanks for what stands before it */
    const char *shown; /* the same without blanks */
    int line;          /* of both */
    bool silent;
} statement;

static bool is_reserved(token t)
{
    static const char *const words[] = {
        "const", "fn", "grad", "let",   "var",      "param",  "if",   "else", "while", "for",
        "in",    "by", "dim",  "break", "continue", "return", "bool", "i8",   "i16",   "i32",
        "i64",   "u8", "u16",  "u32",   "u64",      "f16",    "bf16", "f32",  "f64"
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (scan_is(t, words[i]))
            return true;
    }
    return false;
}

/* A weak value as it is printed: integers as integers where they fit. */
static bool show_weak(const session *s, const value *v)
{
    jit_array a;
    char why[160];
    jit_dtype type = v->has_bool ? JIT_BOOL : v->has_real ? JIT_F64 : JIT_I64;
    if (!value_convert(v, type, &a, why, sizeof why) &&
        !value_convert(v, JIT_F64, &a, why, sizeof why))
        return false;
    print_array(s->c->out, &a, !s->c->out_terminal);
    jit_array_free(&a);
    return true;
}

static void show(const session *s, const value *v)
{
    if (v->item)
        (void)show_weak(s, v);
    else
        print_array(s->c->out, &v->array, !s->c->out_terminal);
}

/* Keeps the first result as `ans`, and under a name if there is one. */
static void keep(session *s, const char *name, value v)
{
    if (name && strcmp(name, "ans") != 0)
        session_assign(s, name, value_copy(&v, s->c));
    session_assign(s, "ans", v);
}

/* Compiles and runs an expression; shows its results; keeps the first. */
static int evaluate(session *s, const statement *st, const char *text, const char *name)
{
    expression e;
    int code = session_compile(s, (typed_text){ text, st->shown, st->line }, false, &e);
    if (!code)
        code = session_call(s, &e);
    if (!code) {
        for (int i = 0; i < e.call.info.n_out && !st->silent; i++)
            print_array(s->c->out, &e.call.out[i], !s->c->out_terminal);
        console_flags(s->c, e.call.flags);
        value v = { .array = e.call.out[0] };
        e.call.out[0].data = NULL;
        keep(s, name, v);
    }
    session_release(&e);
    return code;
}

static int assign_value(session *s, const statement *st, value v, const char *name)
{
    if (!st->silent)
        show(s, &v);
    keep(s, name, v);
    return EXIT_DONE;
}

/* The path in a value such as "x.npy" or x.npy; NULL if it is no file. */
static char *file_path(const char *text)
{
    const char *p = text;
    token t = scan_token(&p), after = scan_token(&p);
    if (t.kind == SCAN_TEXT && after.kind == SCAN_END && t.length > 2)
        return memory_text(t.text + 1, t.length - 2);
    size_t start = strspn(text, " \t\r\n"), n = strcspn(text + start, " \t\r\n#()*");
    char *word = memory_text(text + start, n);
    const char *rest = text + start + n;
    if (strchr(word, '.') && value_names_file(word) && scan_token(&rest).kind == SCAN_END)
        return word;
    free(word);
    return NULL;
}

/* What stands right of '=', or alone: numbers and lists keep no type of their own. */
static int run_value(session *s, const statement *st, const char *text, const char *name)
{
    value v;
    char why[160];
    const char *p = text;
    token first = scan_token(&p);
    char *path = file_path(text);
    if (path && !value_names_file(path)) {
        int code = console_error(s->c, EXIT_USER,
                                 "what stands in quotes is a file (.npy .npz "
                                 ".safetensors .csv .f32 .f64 .idx .gz), not '%s'",
                                 path);
        free(path);
        return code;
    }
    if (path) {
        int code = value_read(&v, name ? name : "ans", path, s->c);
        free(path);
        return code ? code : assign_value(s, st, v, name);
    }
    if ((name || scan_is(first, "[")) && value_parse(&v, text, why, sizeof why))
        return assign_value(s, st, v, name);
    if (scan_is(first, "[")) {
        (void)console_error(s->c, EXIT_USER, "%s", why);
        if (strstr(why, "after the end"))
            console_hint(s->c, "in an expression a list needs a name: x = [1,2.5]");
        return EXIT_USER;
    }
    return evaluate(s, st, text, name);
}

/* Blanks for the first n bytes, one for each character, so that columns stay. */
static void blank(char *text, ptrdiff_t n)
{
    char *to = text;
    for (const char *from = text; from < text + n; from++) {
        if (*from == '\n')
            *to++ = '\n';
        else if (((unsigned char)*from & 0xc0) != 0x80)
            *to++ = ' ';
    }
    memmove(to, text + n, strlen(text + n) + 1);
}

/* `let x = ...`, as in a function; var(x) is a call. */
static bool is_statement(token first, token second)
{
    return (scan_is(first, "let") || scan_is(first, "var")) && second.kind == SCAN_WORD;
}

/* What other programs of this kind are left with; says what leaves this one. */
static bool wants_command(const session *s, token word)
{
    static const char *const words[][2] = { { "exit", ":quit" },
                                            { "quit", ":quit" },
                                            { "help", ":help" } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (scan_is(word, words[i][0]) && !session_variable(s, words[i][0])) {
            (void)console_error(s->c, EXIT_USER, "'%s' is no name here; the command is '%s'",
                                words[i][0], words[i][1]);
            return true;
        }
    }
    return false;
}

/* y[i] = ..., let t[i] = ...: what only a function can hold. */
static bool assigns_element(const char *p)
{
    token t = scan_token(&p);
    if (scan_is(t, "let") || scan_is(t, "var"))
        t = scan_token(&p);
    if (t.kind != SCAN_WORD || !scan_is(scan_token(&p), "["))
        return false;
    int depth = 1;
    while (depth > 0 && t.kind != SCAN_END) {
        t = scan_token(&p);
        depth += scan_is(t, "[") ? 1 : scan_is(t, "]") ? -1 : 0;
    }
    return scan_is(scan_token(&p), "=");
}

static int refuse_element(const session *s)
{
    (void)console_error(s->c, EXIT_USER, "elements are assigned in a function only");
    console_hint(s->c, "as in fn f(x: [n]) -> y: [n] { y[i] = 2*x[i] }");
    return EXIT_USER;
}

static int run_statement(session *s, const statement *st)
{
    const char *p = st->text;
    definition d;
    token first = scan_token(&p), second = scan_token(&p);
    if (first.kind == SCAN_END)
        return EXIT_DONE;
    if (assigns_element(st->text))
        return refuse_element(s);
    if (is_statement(first, second))
        return console_error(s->c, EXIT_USER, "no '%.*s' is needed here: write '%.*s = ...'",
                             (int)first.length, first.text, (int)second.length, second.text);
    if (second.kind == SCAN_END && wants_command(s, first))
        return EXIT_USER;
    const char *from = st->text;
    if (scan_definition(&from, &d))
        return session_define(s, st->text, s->file, st->line);
    if (first.kind != SCAN_WORD || !scan_is(second, "="))
        return run_value(s, st, st->text, NULL);
    if (is_reserved(first))
        return console_error(s->c, EXIT_USER,
                             "'%.*s' is a word of the language: it can name no "
                             "value",
                             (int)first.length, first.text);
    char *name = memory_text(first.text, first.length);
    char *text = memory_text(st->text, strlen(st->text));
    blank(text, p - st->text);
    int code = run_value(s, st, text, name);
    free(text);
    free(name);
    return code;
}

int session_run(session *s, const char *text, int line)
{
    const char *p = text;
    token first = scan_token(&p);
    s->line = line;
    if (scan_is(first, ":") || scan_is(first, "?"))
        return session_command(s, first.text);
    int code = EXIT_DONE;
    size_t at = 0;
    while (text[at] && !code && !s->quit) {
        statement st = { .line = line };
        size_t n = scan_statement(text + at, &st.silent);
        char *shown = memory_text(text, strlen(text)), *copy = memory_text(text, at + n);
        blank(copy, (ptrdiff_t)at);
        st.text = copy;
        st.shown = shown;
        code = run_statement(s, &st);
        at += n + (text[at + n] == ';');
        free(shown);
        free(copy);
        if (interrupt_seen())
            code = code ? code : EXIT_INTERRUPT;
    }
    return code;
}

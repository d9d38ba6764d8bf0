/* The parser: trees, mistakes, limits; the tree printed and parsed again. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden.h"
#include "parse.h"
#include "tree_text.h"

typedef struct parsed {
    source src;
    jit_error err;
    diag d;
    arena *ar;
    const ast_program *program;
} parsed;

static void parse(parsed *p, const char *text, size_t length)
{
    p->src = (source){ .name = "<text>", .text = text, .length = (int32_t)length };
    p->ar = arena_new(NULL, 0);
    diag_init(&p->d, &p->err, &p->src);
    p->program = parse_program(p->ar, &p->src, NULL, &p->d);
    cr_expect_eq(p->program == NULL, diag_failed(&p->d), "%.60s", text);
}

/* What was found, one line each: place, length, code, message, hint. */
static void put_messages(FILE *f, const jit_error *err)
{
    for (int32_t i = 0; i < err->n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++) {
        const jit_diagnostic *m = &err->diagnostic[i];
        fprintf(f, "%d:%d %d E%04d %s%s%s\n", (int)m->line, (int)m->column, (int)m->length,
                (int)m->code, m->message, m->hint[0] ? " | " : "", m->hint);
    }
}

static char *render_program(const char *text)
{
    parsed p;
    char *out = NULL;
    size_t size = 0;
    parse(&p, text, strlen(text));
    if (p.program) {
        out = tree_text(p.program);
    } else {
        FILE *f = open_memstream(&out, &size);
        cr_assert(f);
        put_messages(f, &p.err);
        fclose(f);
    }
    arena_free(p.ar);
    return out;
}

Test(parse, makes_these_trees)
{
    golden_check("trees.fj", render_program);
}

Test(parse, reports_these_mistakes)
{
    golden_check("mistakes.fj", render_program);
}

/* -------------------------------------------------------------------------- printing */

static char *render_again(const char *text)
{
    parsed p, again;
    parse(&p, text, strlen(text));
    cr_assert(p.program, "%s", text);
    char *printed = ast_print(p.ar, p.program);
    cr_assert(printed);
    char *tree = tree_text(p.program);
    parse(&again, printed, strlen(printed));
    cr_assert(again.program, "%s", printed);
    char *tree_again = tree_text(again.program);
    cr_expect_str_eq(tree, tree_again, "%s", printed);
    cr_expect_str_eq(printed, ast_print(again.ar, again.program));
    for (int32_t i = 0; i < p.program->n_fns; i++)
        cr_expect(strstr(printed, ast_print_fn(p.ar, p.program->fns[i])));
    free(tree_again);
    arena_free(again.ar);
    arena_free(p.ar);
    return tree;
}

Test(parse, printed_trees_parse_to_the_same)
{
    golden_check("trees.fj", render_again);
}

/* Trees of the builder that no text gives. */
Test(parse, prints_negative_numbers_in_brackets)
{
    const ast_expr minus = { .kind = EXPR_REAL, .u.real = -1.5 };
    const ast_expr two = { .kind = EXPR_INTEGER, .u.integer = 2 };
    const ast_expr e = { .kind = EXPR_BINARY, .u.binary = { BINARY_POW, &minus, &two } };
    arena *ar = arena_new(NULL, 0);
    cr_expect_str_eq(ast_print_expr(ar, &e), "(-1.5) ** 2");
    cr_expect_str_eq(ast_print_expr(ar, &minus), "-1.5");
    arena_free(ar);
}

/* -------------------------------------------------------------------------- other entry points
 */

Test(parse, one_expression_or_type_is_the_whole_text)
{
    static const struct {
        const char *text, *expression, *type;
    } cases[] = {
        { "x + 1", "(+ x 1)", "1:1 1 E0027" },
        { "f32[B, 784]", "(index :f32 B 784)", ":f32[ B 784 ]" },
        { "[n]", "1:1 1 E0016", ":[ n ]" },
        { "f64", ":f64", ":f64" },
        { "fn", "1:1 2 E0016", ":fn" },
        { "dim", "1:1 3 E0016", ":dim" },
        { "x y", "1:3 1 E0037", "1:1 1 E0027" },
        { "x 2.5", "1:3 3 E0037", "1:1 1 E0027" },
        { "x {", "1:3 1 E0037", "1:1 1 E0027" },
        { ":", "1:1 1 E0016", "1:1 1 E0027" },
        { "x }", "1:3 1 E0037", "1:1 1 E0027" },
        { "f32 f32", "1:5 3 E0037", "1:5 3 E0037" },
        { "f32 2", "1:5 1 E0037", "1:5 1 E0037" },
        { "f32[n", "1:6 0 E0014", "1:6 0 E0014" },
        { "", "1:1 0 E0016", "1:1 0 E0027" },
        { "# only", "1:1 0 E0016", "1:1 0 E0027" },
        { "\xef\xbb\xbf", "1:1 0 E0016", "1:1 0 E0027" },
        { "\xef\xbb\xbfx)", "1:2 1 E0037", "1:1 1 E0027" },
        { "f32 # \x02", "1:7 1 E0002", "1:7 1 E0002" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].text;
        source src = { "<text>", text, (int32_t)strlen(text), false };
        jit_error err;
        diag d;
        ast_type type;
        char line[40];
        arena *ar = arena_new(NULL, 0);
        diag_init(&d, &err, &src);
        const ast_expr *e = parse_expression(ar, &src, NULL, &d);
        const jit_diagnostic *m = &err.diagnostic[0];
        snprintf(line, sizeof line, "%d:%d %d E%04d", (int)m->line, (int)m->column,
                 (int)m->length, (int)m->code);
        char *tree = e ? tree_text_expr(e) : NULL;
        cr_expect_str_eq(e ? tree : line, cases[i].expression, "%s: %s", text, line);
        free(tree);
        diag_init(&d, &err, &src);
        bool ok = parse_type(ar, &src, NULL, &d, &type);
        snprintf(line, sizeof line, "%d:%d %d E%04d", (int)m->line, (int)m->column,
                 (int)m->length, (int)m->code);
        tree = ok ? tree_text_type(&type) : NULL;
        cr_expect_str_eq(ok ? tree : line, cases[i].type, "%s: %s", text, line);
        free(tree);
        arena_free(ar);
    }
}

/* A mistake is one even where its message is dropped because of one at the same place. */
Test(parse, fails_although_the_place_is_taken)
{
    source src = { "<text>", "fn f(x) = )", 11, false };
    diag d;
    arena *ar = arena_new(NULL, 0);
    diag_init(&d, NULL, &src);
    diag_at(&d, DIAG_unmatched, (span){ 10, 1 }, "here");
    cr_expect_null(parse_program(ar, &src, NULL, &d));
    cr_expect_eq(diag_count(&d), 1);
    arena_free(ar);
}

/* -------------------------------------------------------------------------- limits */

typedef struct repeated { /* first, n times the piece, n times the end */
    const char *first, *piece, *last, *end;
    int32_t n;
    int32_t code; /* 0: it parses */
    int32_t column;
} repeated;

static char *make(const repeated *r)
{
    size_t piece = strlen(r->piece), end = strlen(r->end), n = (size_t)r->n;
    char *text = malloc(strlen(r->first) + n * (piece + end) + strlen(r->last) + 1);
    cr_assert(text);
    char *p = stpcpy(text, r->first);
    for (size_t i = 0; i < n; i++, p += piece)
        memcpy(p, r->piece, piece);
    p = stpcpy(p, r->last);
    for (size_t i = 0; i < n; i++, p += end)
        memcpy(p, r->end, end);
    *p = 0;
    return text;
}

static const repeated bombs[] = {
    /* exactly at the limit, and one more */
    { "const a = ", "(", "1", ")", 256, 0, 0 },
    { "const a = ", "(", "1", ")", 257, 400, 267 },
    { "const a = ", "f(", "1", ")", 256, 0, 0 },
    { "const a = ", "f(", "1", ")", 257, 400, 524 },
    { "const a = ", "1+(", "1", ")", 256, 0, 0 },
    { "const a = ", "-(", "1", ")", 256, 0, 0 },
    { "const a = ", "-", "1", "", 256, 0, 0 },
    { "const a = ", "-", "1", "", 257, 400, 267 },
    { "const a = ", "1**", "1", "", 256, 0, 0 },
    { "const a = ", "1**", "1", "", 257, 400, 780 },
    { "const a = ", "1?2:", "1", "", 256, 0, 0 },
    { "const a = ", "1?2:", "1", "", 257, 400, 1036 },
    { "const a = x", "[0]", "", "", 256, 0, 0 },
    { "const a = x", "[0]", "", "", 257, 400, 11 },
    { "fn f(x) {", "if x {", "", "}", 255, 14, 0 },
    { "fn f(x) ", "{ if x ", "{}", "}", 255, 0, 0 },
    { "fn f(x) ", "{ if x ", "{}", "}", 256, 400, 1801 },
    { "fn f(x) {", "if x {} else ", "{} }", "", 255, 0, 0 },
    { "fn f(x) {", "if x {} else ", "{} }", "", 256, 400, 3330 },
    /* two thirds of the levels are operators that wait for what is in the brackets */
    { "const a = ", "1||2&&(", "1", ")", 128, 0, 0 },
    { "const a = ", "1||2&&(", "1", ")", 129, 400, 0 },
    { "const a = ", "((1)?1:1)+(", "1", ")", 254, 0, 0 },
    /* found when a tighter operator is applied */
    { "const a = -x", "[0]", " + 1", "", 256, 400, 11 },
    { "const a = -x", "[0]", " ? 1 : 2", "", 256, 400, 11 },
    { "const a = y ? -x", "[0]", " : 2", "", 256, 400, 15 },
    { "const a = y < -x", "[0]", " < 2", "", 256, 400, 15 },
    /* a megabyte */
    { "const a = ", "-", "", "", 1000000, 400, 0 },
    { "const a = ", "(", "", "", 1000000, 400, 0 },
    { "const a = ", "x[", "", "", 500000, 400, 0 },
    { "const a = ", "f(a;", "", "", 250000, 400, 0 },
    { "const a = ", "sum[i](", "", "", 140000, 400, 0 },
    { "const a = ", "1?", "", "", 500000, 400, 0 },
    { "const a = ", "1?1:", "", "", 250000, 400, 0 },
    { "const a = ", "1**", "", "", 300000, 400, 0 },
    { "const a = ", "!(", "", "", 500000, 400, 0 },
    { "const a = x", "[0]", "", "", 300000, 400, 0 },
    { "const a = x", "(0)", "", "", 300000, 400, 0 },
    { "fn f(x) ", "{", "", "", 1000000, 21, 0 },
    { "fn f(x) {", "if x {", "", "", 160000, 400, 0 },
    { "fn f(x) {", "while x {", "", "", 110000, 400, 0 },
    { "fn f(x) {", "if x {} else ", "", "", 80000, 400, 0 },
    { "fn f(x) {", " fn f(x) {", "", "", 100000, 36, 0 },
    { "", "}", "", "", 1000000, 15, 0 },
    { "", "$", "", "", 1000000, 3, 0 },
    { "", "\x01", "", "", 1000000, 2, 0 },
    { "# ", "\x01", "", "", 1000000, 2, 3 },
    { "", "\xff", "", "", 1000000, 1, 0 },
    { "fn f(x) {", "let ", "", "", 250000, 12, 0 },
    { "fn f(x) {", ";", "", "", 1000000, 21, 0 },
    { "", "fn ", "", "", 330000, 12, 0 },
    { "const a = ", "x", "", "", 1000000, 402, 11 },
    { "const a = x", "+x", "", "", 500000, 0, 0 },
    { "const a = 1.", "3", "", "", 1000000, 0, 0 },
    { "", "x", "", "", 1048577, 401, 1048577 },
};
enum { N_BOMBS = sizeof bombs / sizeof bombs[0] };

static void *parse_bombs(void *unused)
{
    for (size_t i = 0; i < N_BOMBS; i++) {
        const repeated *b = &bombs[i];
        parsed p;
        char *text = make(b);
        parse(&p, text, strlen(text));
        const jit_diagnostic *m = &p.err.diagnostic[0];
        cr_expect_eq(m->code, b->code, "%s %s * %d: E%04d at %d: %s", b->first, b->piece,
                     (int)b->n, (int)m->code, (int)m->column, m->message);
        cr_expect(b->column == 0 || m->column == b->column, "%s %s * %d: at %d", b->first,
                  b->piece, (int)b->n, (int)m->column);
        if (p.program)
            cr_expect(ast_print(p.ar, p.program));
        arena_free(p.ar);
        free(text);
    }
    return unused;
}

/* Hostile texts end in a message, on the stack of a small thread. */
Test(parse, survives_bombs_on_a_small_stack)
{
    pthread_attr_t attributes;
    pthread_t thread;
    cr_assert_eq(pthread_attr_init(&attributes), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
    cr_assert_eq(pthread_create(&thread, &attributes, parse_bombs, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

Test(parse, limits_are_the_callers)
{
    static const struct {
        jit_limits limits;
        const char *text;
        int32_t code, column;
    } cases[] = {
        { { .nesting = 2 }, "const a = ((1))", 0, 0 },
        { { .nesting = 2 }, "const a = (((1)))", 400, 13 },
        { { .nesting = 1 }, "fn f(x) { let (a) = 1 }", 400, 15 },
        { { .nesting = 1 }, "fn f(x) { fn g(y) = 1 }", 36, 11 },
        { { .nesting = 1 }, "fn f(x) -> (a) = sum[i](x)", 0, 0 },
        { { .text_bytes = 11 }, "const a = 1", 0, 0 },
        { { .text_bytes = 10 }, "const a = 1", 401, 11 },
        { { .name_bytes = 3 }, "const abc = 1", 0, 0 },
        { { .name_bytes = 3 }, "const abcd = 1", 402, 7 },
        { { .text_bytes = INT64_MAX, .nesting = -1 }, "const a = 1", 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        source src = { "<text>", cases[i].text, (int32_t)strlen(cases[i].text), false };
        jit_error err;
        diag d;
        arena *ar = arena_new(NULL, 0);
        diag_init(&d, &err, &src);
        bool ok = parse_program(ar, &src, &cases[i].limits, &d) != NULL;
        cr_expect_eq(ok, cases[i].code == 0);
        cr_expect_eq(err.diagnostic[0].code, cases[i].code, "%s", cases[i].text);
        cr_expect_eq(err.diagnostic[0].column, cases[i].column, "%s", cases[i].text);
        cr_expect_eq(err.status, ok ? JIT_OK : diag_find(cases[i].code)->status);
        diag_init(&d, NULL, &src);
        ast_type type;
        if (cases[i].code == 401) {
            cr_expect_null(parse_expression(ar, &src, &cases[i].limits, &d));
            cr_expect_not(parse_type(ar, &src, &cases[i].limits, &d, &type));
        }
        arena_free(ar);
    }
}

/* -------------------------------------------------------------------------- out of memory */

typedef struct scarce { /* fails at one allocation, or from it on */
    int64_t count, fails_at;
    bool from_there_on;
} scarce;

static void *scarce_resize(void *user, void *ptr, size_t old, size_t size)
{
    scarce *s = user;
    (void)old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    int64_t i = s->count++;
    bool fails = s->from_there_on ? i >= s->fails_at : i == s->fails_at;
    return fails ? NULL : realloc(ptr, size);
}

/* A text with everything, long enough for several chunks. */
static char *whole_language(size_t *length)
{
    static const char piece[] =
        "const c = 1.5 + 2\n"
        "grad fn f(x: f32, y: [n, m]; n: dim, g: fn = id) -> (a: f32, b) @fast @ulp(4) {\n"
        "  let (p, q) = f(x, y; g = abs)  let r[i, j]: f32 = sum[k in 0 .. 3](y[k, i]**2)\n"
        "  var s: f32 = -x ? !p : (q, 1)  param W: [n] = 0\n"
        "  if s { s += 1 } else if p { s = 2 } else { break }\n"
        "  while s { continue }  for i in 0 .. 3 by 2 { r[i] *= x @ y }\n"
        "  return a, b\n}\n"
        "fn g(x) -> [n] = x\n";
    enum { TIMES = 30 };
    char *text = malloc(TIMES * sizeof piece);
    cr_assert(text);
    text[0] = 0;
    for (int i = 0; i < TIMES; i++)
        memcpy(text + (size_t)i * (sizeof piece - 1), piece, sizeof piece);
    *length = strlen(text);
    return text;
}

/* Parses and prints; true if nothing failed. */
static bool parse_with(const jit_allocator *a, size_t limit, const source *src, jit_error *err)
{
    diag d;
    bool ok = false;
    diag_init(&d, err, src);
    arena *ar = arena_new(a, limit);
    if (!ar)
        return false;
    const ast_program *program = parse_program(ar, src, NULL, &d);
    if (program) {
        ok = ast_print_fn(ar, program->fns[0]) &&
             ast_print_expr(ar, program->consts[0]->value) && ast_print(ar, program);
        cr_expect_eq(ok, !arena_failed(ar));
    } else {
        cr_expect_eq(err->status, limit ? JIT_ERR_LIMIT : JIT_ERR_MEMORY);
        cr_expect_eq(err->n_diagnostics, 1);
    }
    arena_free(ar);
    return ok;
}

Test(parse, each_allocation_may_fail)
{
    size_t length;
    char *text = whole_language(&length);
    source src = { "<text>", text, (int32_t)length, false };
    jit_error err;
    for (int on = 0; on < 2; on++) {
        scarce s = { .from_there_on = on };
        const jit_allocator a = { scarce_resize, &s };
        while (!parse_with(&a, 0, &src, &err)) {
            s.fails_at++;
            s.count = 0;
            cr_assert_lt(s.fails_at, 1000);
        }
        cr_expect_gt(s.fails_at, 3);
    }
    free(text);
}

Test(parse, stops_at_each_limit_of_memory)
{
    size_t length;
    char *text = whole_language(&length);
    source src = { "<text>", text, (int32_t)length, false };
    jit_error err;
    size_t limit = 16;
    while (!parse_with(NULL, limit, &src, &err)) {
        limit += 16;
        cr_assert_lt(limit, 1u << 22);
    }
    cr_expect_gt(limit, 100000u);
    free(text);
}

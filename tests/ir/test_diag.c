/* Diagnostics: places, excerpts, rendering, did-you-mean, and the table's examples. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "parse.h"

static source text_of(const char *text)
{
    return (source){ "a.fj", text, (int32_t)strlen(text), false };
}

/* -------------------------------------------------------------------------- places */

Test(diag, positions_count_characters_from_one)
{
    static const struct {
        const char *text;
        int32_t offset, line, column;
    } cases[] = {
        { "", 0, 1, 1 },
        { "abc", 0, 1, 1 },
        { "abc", 2, 1, 3 },
        { "abc", 3, 1, 4 },
        { "abc", 99, 1, 4 },
        { "abc", -1, 1, 1 },
        { "a\nb", 1, 1, 2 },
        { "a\nb", 2, 2, 1 },
        { "a\n\n", 3, 3, 1 },
        { "\xc3\xa9x", 2, 1, 2 },
        { "\xf0\x9d\x91\xa5x", 4, 1, 2 },
        { "\xff\xffx", 2, 1, 3 },
        { "\xef\xbb\xbfx", 3, 1, 1 },
        { "\xef\xbb\xbfx", 4, 1, 2 },
        { "\xef\xbb\xbfx", 0, 1, 1 },
        { "\xef\xbb\xbf\nx", 4, 2, 1 },
        { "a\r\nb", 3, 2, 1 },
        { "a\tb", 2, 1, 3 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        source src = text_of(cases[i].text);
        int32_t line, column;
        diag_position(&src, cases[i].offset, &line, &column);
        cr_expect_eq(line, cases[i].line, "%s at %d", cases[i].text, (int)cases[i].offset);
        cr_expect_eq(column, cases[i].column, "%s at %d", cases[i].text, (int)cases[i].offset);
    }
}

/* -------------------------------------------------------------------------- rendering */

typedef struct format_case {
    const char *text;
    span at;
    const char *rendered;
} format_case;

Test(diag, renders_line_excerpt_and_carets)
{
    static const format_case cases[] = {
        { "let a = sgmoid(x)",
          { 8, 6 },
          "a.fj:1:9: error[E0014]: wrong\n"
          "  1 | let a = sgmoid(x)\n"
          "    |         ^^^^^^ hint\n" },
        { "a\n\tb c\nd",
          { 5, 1 },
          "a.fj:2:4: error[E0014]: wrong\n"
          "  2 | \tb c\n"
          "    | \t  ^ hint\n" },
        { "x\r\ny", { 0, 1 }, "a.fj:1:1: error[E0014]: wrong\n  1 | x\n    | ^ hint\n" },
        { "x", { 1, 0 }, "a.fj:1:2: error[E0014]: wrong\n  1 | x\n    |  ^ hint\n" },
        { "", { 0, 0 }, "a.fj:1:1: error[E0014]: wrong\n  1 | \n    | ^ hint\n" },
        { "x\n", { 2, 0 }, "a.fj:2:1: error[E0014]: wrong\n  2 | \n    | ^ hint\n" },
        { "x\n", { 1, 1 }, "a.fj:1:2: error[E0014]: wrong\n  1 | x\n    |  ^ hint\n" },
        { "x\r\n", { 2, 1 }, "a.fj:1:3: error[E0014]: wrong\n  1 | x\n    |  ^ hint\n" },
        { "f(a,\n  b)",
          { 0, 9 },
          "a.fj:1:1: error[E0014]: wrong\n  1 | f(a,\n    | ^^^^ hint\n" },
        { "\xc3\xbc = \xc3\xa9",
          { 5, 2 },
          "a.fj:1:5: error[E0014]: wrong\n  1 | \xc3\xbc = \xc3\xa9\n    |     ^ hint\n" },
        /* wide characters take two columns, combining marks none */
        { "\xe6\x97\xa5\xe6\x9c\xac + q",
          { 9, 1 },
          "a.fj:1:6: error[E0014]: wrong\n"
          "  1 | \xe6\x97\xa5\xe6\x9c\xac + q\n    |        ^ hint\n" },
        { "\xe6\x97\xa5\xe6\x9c\xac + q",
          { 0, 6 },
          "a.fj:1:1: error[E0014]: wrong\n"
          "  1 | \xe6\x97\xa5\xe6\x9c\xac + q\n    | ^^^^ hint\n" },
        { "e\xcc\x81 q",
          { 4, 1 },
          "a.fj:1:4: error[E0014]: wrong\n  1 | e\xcc\x81 q\n    |   ^ hint\n" },
        { "e\xcc\x81",
          { 1, 2 },
          "a.fj:1:2: error[E0014]: wrong\n  1 | e\xcc\x81\n    |  ^ hint\n" },
        { "a\x1b[31m\xff\xe2\x80\xae z",
          { 11, 1 },
          "a.fj:1:10: error[E0014]: wrong\n  1 | a?[31m?? z\n    |          ^ hint\n" },
        { "\xe2\x81\xb0 \xe2\x81\xa6",
          { 0, 3 },
          "a.fj:1:1: error[E0014]: wrong\n  1 | \xe2\x81\xb0 ?\n    | ^ hint\n" },
        { "\xef\xbb\xbfx", { 3, 1 }, "a.fj:1:1: error[E0014]: wrong\n  1 | x\n    | ^ hint\n" },
        { "\xef\xbb\xbfx", { 0, 0 }, "a.fj:1:1: error[E0014]: wrong\n  1 | x\n    | ^ hint\n" },
        { "x", { -5, 100 }, "a.fj:1:1: error[E0014]: wrong\n  1 | x\n    | ^ hint\n" },
        { "\n\n\n\n\n\n\n\n\n  x",
          { 11, 1 },
          "a.fj:10:3: error[E0014]: wrong\n  10 |   x\n     |   ^ hint\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        source src = text_of(cases[i].text);
        jit_error err;
        diag d;
        char out[1000];
        diag_init(&d, &err, &src);
        diag_at(&d, DIAG_unclosed, cases[i].at, "%s", "wrong");
        diag_hint(&d, "%s", "hint");
        size_t n = jit_error_format(&err, out, sizeof out, 0);
        cr_expect_str_eq(out, cases[i].rendered, "%s", out);
        cr_expect_eq(n, strlen(out));
        cr_expect_eq(err.status, JIT_ERR_PROGRAM);
    }
}

Test(diag, renders_without_place_file_or_hint)
{
    jit_error err;
    diag d;
    char out[1000];
    cr_expect_eq(jit_error_format(NULL, out, sizeof out, 0), 0u);
    cr_expect_str_eq(out, "");
    diag_init(&d, &err, NULL);
    cr_expect_eq(jit_error_format(&err, NULL, 0, 0), 0u);
    diag_at(&d, DIAG_unclosed, (span){ 1, 1 }, "no text");
    diag_plain(&d, DIAG_no_memory, "plain");
    diag_hint(&d, "a hint");
    jit_error_format(&err, out, sizeof out, 0);
    cr_expect_str_eq(out, "error[E0014]: no text\nerror[E0800]: plain\n  a hint\n");
    source src = text_of("x");
    diag_init(&d, &err, &src);
    diag_plain(&d, DIAG_no_memory, "plain");
    diag_at(&d, DIAG_unclosed, (span){ 0, 1 }, "here");
    jit_error_format(&err, out, sizeof out, 0);
    cr_expect_str_eq(out, "a.fj: error[E0800]: plain\na.fj:1:1: error[E0014]: here\n  1 | x\n"
                          "    | ^\n");
    cr_expect_eq(err.status, JIT_ERR_MEMORY);
    diag_init(&d, &err, NULL);
    d.src = &src;
    diag_at(&d, DIAG_unclosed, (span){ 0, 1 }, "the file is known with the place");
    cr_expect_str_eq(err.file, "a.fj");
    src.name = NULL;
    diag_init(&d, &err, &src);
    diag_at(&d, DIAG_unclosed, (span){ 0, 1 }, "here");
    jit_error_format(&err, out, sizeof out, 1);
    cr_expect_str_eq(out, "\033[1m1:1: \033[31merror[E0014]\033[0;1m: here\033[0m\n  1 | x\n"
                          "    | \033[1;31m^\033[0m\n");
}

/* As snprintf: cut off, 0-terminated, the whole length returned. */
Test(diag, rendering_fits_any_buffer)
{
    source src = text_of("let a = b\nlet c = d");
    jit_error err;
    diag d;
    char whole[1000], part[1000];
    diag_init(&d, &err, &src);
    for (int32_t i = 0; i < 10; i++)
        diag_at(&d, DIAG_unclosed, (span){ i, 1 }, "message %d", (int)i);
    cr_expect_eq(diag_count(&d), 10);
    size_t length = jit_error_format(&err, whole, sizeof whole, 0);
    cr_expect_eq(length, strlen(whole));
    cr_expect(strstr(whole, "and 2 more errors\n"));
    for (size_t size = 0; size <= length + 1; size++) {
        memset(part, 'x', sizeof part);
        cr_expect_eq(jit_error_format(&err, part, size, 0), length);
        cr_expect(size == 0 || !strncmp(part, whole, size - 1));
        cr_expect(size == 0 || part[size - 1] == 0 || strlen(part) < size);
        cr_expect_eq(part[size], 'x');
    }
    err.n_diagnostics = JIT_MAX_DIAGNOSTICS + 1;
    jit_error_format(&err, whole, sizeof whole, 0);
    cr_expect(strstr(whole, "and 1 more error\n"));
}

/* -------------------------------------------------------------------------- excerpts */

Test(diag, long_lines_are_cut_around_the_place)
{
    enum { LENGTH = 1000 };
    char text[4 * LENGTH + 1];
    for (int wide = 0; wide < 2; wide++)
        for (int32_t at = 0; at <= LENGTH; at += 7) {
            size_t n = 0;
            for (int32_t i = 0; i < LENGTH; i++, n += wide ? 2 : 1)
                memcpy(text + n,
                       i == at ? (wide ? "\xce\xb2" : "b") : (wide ? "\xce\xb1" : "a"), 2);
            text[n] = 0;
            source src = text_of(text);
            jit_error err;
            diag d;
            diag_init(&d, &err, &src);
            diag_at(&d, DIAG_unclosed, (span){ wide ? 2 * at : at, 1 }, "x");
            const jit_diagnostic *m = &err.diagnostic[0];
            cr_expect_eq(m->column, at + 1);
            cr_expect_lt(strlen(m->excerpt), sizeof m->excerpt);
            cr_expect_gt(strlen(m->excerpt), 80u);
            source part = text_of(m->excerpt);
            const char *b = strpbrk(m->excerpt, wide ? "\xb2" : "b");
            int32_t line, column = 0;
            if (b)
                diag_position(&part, (int32_t)(b - m->excerpt) - wide, &line, &column);
            cr_expect(at == LENGTH || column == m->excerpt_column, "%d: %d, %d", (int)at,
                      (int)column, (int)m->excerpt_column);
        }
}

Test(diag, long_texts_are_cut_at_a_character)
{
    jit_error err;
    diag d;
    char name[400];
    for (int shift = 0; shift < 2; shift++) {
        memset(name, 0, sizeof name);
        memset(name, 'x', (size_t)shift);
        for (size_t i = (size_t)shift; i + 2 < sizeof name; i += 2)
            memcpy(name + i, "\xce\xb1", 2);
        source src = { name, "x", 1, false };
        diag_init(&d, &err, &src);
        diag_at(&d, DIAG_unclosed, (span){ 0, 1 }, "%s", name);
        diag_hint(&d, "%s", name);
        const jit_diagnostic *m = &err.diagnostic[0];
        cr_expect_geq(strlen(m->message), sizeof m->message - 3);
        cr_expect_str_eq(m->message + strlen(m->message) - 3, "...");
        cr_expect_eq((strlen(m->message) - 3 - (size_t)shift) % 2, 0u);
        cr_expect_eq((strlen(m->hint) - 3 - (size_t)shift) % 2, 0u);
        cr_expect_eq((strlen(err.file) - (size_t)shift) % 2, 0u);
        cr_expect_geq(strlen(err.file), sizeof err.file - 2);
    }
}

/* Not even text: nothing to cut at. */
Test(diag, bytes_that_are_no_text_are_cut_too)
{
    char bytes[400];
    jit_error err;
    diag d;
    memset(bytes, 0x80, sizeof bytes - 1);
    bytes[sizeof bytes - 1] = 0;
    source src = { bytes, "x", 1, false };
    diag_init(&d, &err, &src);
    diag_plain(&d, DIAG_no_memory, "%s", bytes);
    cr_expect_str_eq(err.diagnostic[0].message, "...");
    cr_expect_str_eq(err.file, "");
}

/* What a host may make up. */
Test(diag, carets_end_with_the_excerpt)
{
    jit_error err = { .n_diagnostics = 1 };
    char out[200];
    err.diagnostic[0] = (jit_diagnostic){ .code = 1,
                                          .line = 1,
                                          .column = 1,
                                          .length = 9,
                                          .message = "m",
                                          .excerpt = "ab",
                                          .excerpt_column = 9 };
    jit_error_format(&err, out, sizeof out, 0);
    cr_expect_str_eq(out, "1:1: error[E0001]: m\n  1 | ab\n    |   ^\n");
    err.diagnostic[0].excerpt_column = 1;
    jit_error_format(&err, out, sizeof out, 0);
    cr_expect_str_eq(out, "1:1: error[E0001]: m\n  1 | ab\n    | ^^\n");
}

/* -------------------------------------------------------------------------- collecting */

Test(diag, a_place_has_one_message)
{
    source src = text_of("a b\nc");
    diag d;
    diag_init(&d, NULL, &src);
    cr_expect_not(diag_failed(&d));
    diag_hint(&d, "no message yet");
    diag_at(&d, DIAG_unclosed, (span){ 0, 1 }, "first");
    diag_at(&d, DIAG_unmatched, (span){ 0, 3 }, "dropped");
    diag_hint(&d, "dropped too");
    diag_at(&d, DIAG_unmatched, (span){ 2, 1 }, "second");
    diag_plain(&d, DIAG_no_memory, "plain");
    diag_plain(&d, DIAG_no_memory, "plain");
    diag_plain(&d, DIAG_no_memory, "another");
    diag_plain(&d, DIAG_memory_limit, "another");
    diag_at(&d, DIAG_unmatched, (span){ 4, 1 }, "third");
    cr_expect(diag_failed(&d));
    cr_expect_eq(diag_count(&d), 6);
    cr_expect_str_eq(d.own.diagnostic[0].message, "first");
    cr_expect_str_eq(d.own.diagnostic[0].hint, "");
    cr_expect_str_eq(d.own.diagnostic[5].message, "third");
    cr_expect_eq(d.own.status, JIT_ERR_PROGRAM);
}

Test(diag, rewinding_forgets)
{
    source src = text_of("abcdefghijklmnop");
    jit_error err, before;
    diag d;
    diag_init(&d, &err, &src);
    diag_at(&d, DIAG_unclosed, (span){ 0, 1 }, "kept");
    before = err;
    for (int32_t i = 1; i < 12; i++)
        diag_at(&d, DIAG_unclosed, (span){ i, 1 }, "forgotten");
    cr_expect_eq(diag_count(&d), 12);
    diag_rewind(&d, 20);
    cr_expect_eq(diag_count(&d), 12);
    diag_rewind(&d, 1);
    diag_hint(&d, "to nothing");
    cr_expect_arr_eq(&err, &before, sizeof err);
    diag_rewind(&d, 0);
    cr_expect_not(diag_failed(&d));
    cr_expect_eq(err.status, JIT_OK);
    cr_expect_str_eq(err.file, "a.fj");
}

Test(diag, running_out_of_memory_or_its_limit)
{
    diag d;
    arena *ar = arena_new(NULL, 100);
    diag_init(&d, NULL, NULL);
    diag_no_memory(&d);
    cr_expect_eq(d.own.status, JIT_ERR_MEMORY);
    d.memory = ar;
    diag_no_memory(&d);
    cr_expect_eq(diag_count(&d), 1);
    cr_expect_null(arena_alloc(ar, 1000));
    diag_init(&d, NULL, NULL);
    d.memory = ar;
    diag_no_memory(&d);
    cr_expect_eq(d.own.status, JIT_ERR_LIMIT);
    arena_free(ar);
}

/* -------------------------------------------------------------------------- did you mean */

Test(diag, suggests_what_is_near)
{
    static const char *const names[] = {
        "sigmoid", "sin",
        "sinh",    "pi",
        "e",       "softplus",
        NULL,      "log1p",
        "clamp",   "a_name_of_more_than_forty_eight_characters_is_never_near"
    };
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        { "sgmoid", "sigmoid" },
        { "sigmod", "sigmoid" },
        { "sigmiod", "sigmoid" },
        { "Sigmoid", "sigmoid" },
        { "SIGMOID", "sigmoid" },
        { "sni", "sin" },
        { "sinn", "sin" },
        { "PI", "pi" },
        { "E", "e" },
        { "x", NULL },
        { "ab", NULL },
        { "phi", NULL }, /* pi is not what somebody meant who typed another word */
        { "si", NULL },
        { "softlpus", "softplus" },
        { "sotplu", "softplus" },
        { "logp1", "log1p" },
        { "foobar", NULL },
        { "", NULL },
        { "clamp", NULL },
        { "clmap", "clamp" },
        { "a_name_of_more_than_forty_eight_characters_is_never_nea", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = diag_nearest(cases[i].name, names, sizeof names / sizeof names[0]);
        cr_expect_str_eq(got ? got : "none", cases[i].nearest ? cases[i].nearest : "none",
                         "%s: %s", cases[i].name, got);
    }
    cr_expect_null(diag_nearest("x", NULL, 0));
}

/* -------------------------------------------------------------------------- the table */

Test(diag, rows_are_complete_and_unique)
{
    int32_t n;
    const diag_row *rows = diag_rows(&n);
    cr_assert_gt(n, 50);
    for (int32_t i = 0; i < n; i++) {
        const diag_row *r = &rows[i];
        cr_expect_eq(diag_find(r->code), r, "two rows for E%04d", (int)r->code);
        cr_expect(r->code > 0 && r->code < 1000);
        cr_expect_gt(r->status, JIT_OK);
        cr_expect(r->title[0] && r->explanation[0] && r->name[0], "E%04d", (int)r->code);
        const char *text = jit_error_explain(r->code);
        cr_assert(text);
        cr_expect(!strncmp(text, r->title, strlen(r->title)));
        cr_expect(strstr(text, r->explanation) && strstr(text, r->example), "E%04d",
                  (int)r->code);
        cr_expect_eq(strstr(text, "Example") != NULL, r->example[0] != 0, "E%04d",
                     (int)r->code);
    }
    cr_expect_null(diag_find(0));
    cr_expect_null(jit_error_explain(0));
    cr_expect_null(jit_error_explain(-1));
    cr_expect_null(jit_error_explain(999));
}

/* Where the line of carets of an example points: the line above it. */
static void find_carets(const char *example, int32_t *line, int32_t *column, int32_t *length)
{
    *line = 0;
    for (const char *p = example; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        const char *caret = p + 1 + strspn(p + 1, " ");
        if (*p == '#' && *caret == '^') {
            *column = (int32_t)(caret - p) + 1;
            *length = (int32_t)strspn(caret, "^");
            return;
        }
        ++*line;
    }
    *line = 0;
}

/* Examples are printable: a byte that is not is written as \xNN. */
static void unescape(char *to, const char *from)
{
    for (; *from; to++)
        if (from[0] == '\\' && from[1] == 'x') {
            const char digits[3] = { from[2], from[3], 0 };
            *to = (char)strtoul(digits, NULL, 16);
            from += 4;
        } else {
            *to = *from++;
        }
    *to = 0;
}

/* The examples of mistakes in the text get their code, first, at their carets. */
Test(diag, examples_of_text_are_what_they_say)
{
    int32_t n;
    const diag_row *rows = diag_rows(&n);
    for (int32_t i = 0; i < n; i++) {
        if (rows[i].code >= 100 || !rows[i].example[0])
            continue;
        int32_t line, column = 0, length = 0;
        char text[1000];
        jit_error err;
        diag d;
        cr_assert_lt(strlen(rows[i].example), sizeof text);
        unescape(text, rows[i].example);
        source src = text_of(text);
        arena *ar = arena_new(NULL, 0);
        diag_init(&d, &err, &src);
        if (rows[i].code == DIAG_trailing_text)
            cr_expect_null(parse_expression(ar, &src, NULL, &d));
        else
            cr_expect_null(parse_program(ar, &src, NULL, &d));
        const jit_diagnostic *m = &err.diagnostic[0];
        find_carets(rows[i].example, &line, &column, &length);
        cr_expect_eq(m->code, rows[i].code, "E%04d gives E%04d", (int)rows[i].code,
                     (int)m->code);
        cr_expect(m->line == line && m->column == column, "E%04d is at %d:%d, not %d:%d",
                  (int)rows[i].code, (int)m->line, (int)m->column, (int)line, (int)column);
        cr_expect_eq(m->length ? m->length : 1, length, "E%04d", (int)rows[i].code);
        cr_expect_eq(err.n_diagnostics, 1, "E%04d", (int)rows[i].code);
        arena_free(ar);
    }
}

/* All other examples of programs parse, and end in a name's, a type's, ... message. */
Test(diag, other_examples_parse)
{
    int32_t n;
    const diag_row *rows = diag_rows(&n);
    for (int32_t i = 0; i < n; i++) {
        const char *example = rows[i].example;
        if (rows[i].code < 100 || rows[i].code >= 400 || !example[0])
            continue;
        source src = text_of(example);
        jit_error err;
        diag d;
        arena *ar = arena_new(NULL, 0);
        diag_init(&d, &err, &src);
        cr_expect(parse_program(ar, &src, NULL, &d), "E%04d: %s", (int)rows[i].code,
                  err.diagnostic[0].message);
        arena_free(ar);
    }
}

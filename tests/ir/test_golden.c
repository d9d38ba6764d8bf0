/* Golden files: programs with their errors under the line and at the caret.
 *
 *     fn f(x: u8) = x + 300
 *     #                 ^^^ E0204: 300 does not fit u8
 *
 * Cases end with a line `#---`. FUSEJIT_BLESS=1 rewrites the files with what comes out now;
 * review the difference. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lower_case.h"

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    cr_assert_eq(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    rewind(f);
    char *text = calloc((size_t)size + 1, 1);
    cr_assert(text);
    cr_assert_eq(fread(text, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    return text;
}

static size_t line_length(const char *line)
{
    size_t n = strcspn(line, "\n");
    return n + (line[n] == '\n');
}

static bool is_note(const char *line)
{
    return line[0] == '#' && line[1 + strspn(line + 1, " ")] == '^';
}

/* The program of a case, without the notes. */
static char *strip(const char *text, size_t n)
{
    char *out = calloc(n + 1, 1), *to = out;
    cr_assert(out);
    for (const char *p = text; p < text + n; p += line_length(p)) {
        if (!is_note(p)) {
            memcpy(to, p, line_length(p));
            to += line_length(p);
        }
    }
    return out;
}

static void put_notes(FILE *f, const jit_error *err, int line)
{
    for (int i = 0; i < err->n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++) {
        const jit_diagnostic *d = &err->diagnostic[i];
        if (d->line != line) {
            continue;
        }
        fprintf(f, "#%*s", d->column > 2 ? (int)d->column - 2 : 0, "");
        for (int k = 0; k < d->length || k == 0; k++) {
            fputc('^', f);
        }
        fprintf(f, " E%04d: %s%s%s\n", (int)d->code, d->message, d->hint[0] ? " | " : "",
                d->hint);
    }
}

static void annotate(FILE *f, const char *text)
{
    lower_text t;
    int line = 1;
    lower_text_make(&t, text);
    for (const char *p = text; *p; p += line_length(p), line++) {
        fwrite(p, 1, line_length(p), f);
        put_notes(f, &t.err, line);
    }
    put_notes(f, &t.err, 0);
    cr_expect(t.err.n_diagnostics <= JIT_MAX_DIAGNOSTICS, "too many for one case:\n%s", text);
    lower_text_free(&t);
}

static char *outcome(const char *text)
{
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    cr_assert(f);
    for (const char *p = text; *p;) {
        const char *end = strstr(p, "#---\n");
        size_t n = end ? (size_t)(end - p) : strlen(p);
        char *plain = strip(p, n);
        annotate(f, plain);
        free(plain);
        fputs(end ? "#---\n" : "", f);
        p += n + (end ? 5 : 0);
    }
    fclose(f);
    return out;
}

static void check_file(const char *path)
{
    char *text = read_file(path), *now = outcome(text);
    if (strcmp(text, now) != 0) {
        size_t i = 0, line = 1;
        for (; text[i] && text[i] == now[i]; i++) {
            line += text[i] == '\n';
        }
        while (i > 0 && text[i - 1] != '\n') {
            i--;
        }
        cr_expect(false, "%s:%zu\n  expected: %.*s\n  got:      %.*s", path, line,
                  (int)strcspn(text + i, "\n"), text + i, (int)strcspn(now + i, "\n"), now + i);
    }
    if (getenv("FUSEJIT_BLESS")) {
        FILE *f = fopen(path, "wb");
        cr_assert(f, "%s", path);
        fputs(now, f);
        fclose(f);
    }
    free(now);
    free(text);
}

Test(golden, errors_at_their_caret)
{
    glob_t files;
    cr_assert_eq(glob(TEST_DIR "/golden/errors_*.fj", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        check_file(files.gl_pathv[i]);
    }
    globfree(&files);
}

/* Golden files: reading, comparing, rewriting. */
#include "golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

typedef struct text {
    char *at;
    size_t n;
} text;

static void append(text *t, const char *bytes, size_t n)
{
    cr_assert_lt(t->n + n + 1, (size_t)MOST);
    memcpy(t->at + t->n, bytes, n);
    t->n += n;
    t->at[t->n] = 0;
}

static text new_text(void)
{
    text t = { malloc(MOST), 0 };
    cr_assert(t.at);
    t.at[0] = 0;
    return t;
}

static text read_file(const char *path)
{
    text t = new_text();
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    t.n = fread(t.at, 1, MOST - 1, f);
    t.at[t.n] = 0;
    fclose(f);
    return t;
}

/* Each line of the outcome with its mark in front. */
static void append_marked(text *to, const char *lines)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        append(to, "#> ", 3);
        append(to, lines, n);
        append(to, "\n", 1);
        lines += n + (lines[n] == '\n');
    }
    append(to, "#---\n", 5);
}

/* One case from `from` on: appends the program and what comes of it now; returns its end. */
static const char *run_case(const char *from, golden_render *render, text *out)
{
    const char *p = from;
    text program = new_text();
    while (*p && strncmp(p, "#> ", 3) != 0 && strncmp(p, "#---", 4) != 0) {
        size_t n = strcspn(p, "\n");
        n += p[n] == '\n';
        append(&program, p, n);
        p += n;
    }
    const char *end = strstr(p, "#---\n");
    append(out, program.at, program.n);
    char *lines = render(program.at);
    append_marked(out, lines);
    free(lines);
    free(program.at);
    return end ? end + 5 : from + strlen(from);
}

void golden_check(const char *name, golden_render *render)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", TEST_DIR, name);
    text file = read_file(path), all = new_text();
    for (const char *p = file.at; *p;) {
        size_t before = all.n;
        const char *next = run_case(p, render, &all);
        size_t n = (size_t)(next - p);
        cr_expect(n == all.n - before && !memcmp(p, all.at + before, n),
                  "%s\n-------- expected\n%.*s-------- got\n%s", name, (int)n, p,
                  all.at + before);
        p = next;
    }
    if (getenv("FUSEJIT_BLESS")) {
        FILE *f = fopen(path, "wb");
        cr_assert(f, "%s", path);
        fwrite(all.at, 1, all.n, f);
        fclose(f);
    }
    free(all.at);
    free(file.at);
}

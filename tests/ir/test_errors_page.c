/* docs/errors.md is made of diag.def: FUSEJIT_BLESS=1 writes it anew. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

static const struct {
    int32_t first;
    const char *title;
} sections[] = {
    { 1, "Text" },
    { 100, "Names" },
    { 200, "Types" },
    { 300, "Not in this version" },
    { 400, "Limits" },
    { 500, "Calls and arrays" },
    { 600, "Files" },
    { 700, "Running" },
    { 800, "Memory and defects" },
};
enum { N_SECTIONS = sizeof sections / sizeof sections[0] };

static const char introduction[] =
    "# Errors\n"
    "\n"
    "Every message has a code that stays the same from version to version; `fusejit explain "
    "E0101`\n"
    "prints its entry, and `jit_error_explain()` returns it. In an example the line of carets, "
    "a\n"
    "comment, shows where the message points.\n"
    "\n"
    "This page is made from `src/ir/diag.def`; to change it, change the table and run\n"
    "`FUSEJIT_BLESS=1 test_ir --filter errors_page/*`.\n";

static void put_wrapped(FILE *f, const char *text)
{
    enum { WIDTH = 96 };
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > 0 && column + 1 + n > WIDTH) {
            fputc('\n', f);
            column = 0;
        }
        column += n + (column > 0);
        fprintf(f, "%s%.*s", column > n ? " " : "", (int)n, text);
        text += n + strspn(text + n, " ");
    }
    fputc('\n', f);
}

static void put_row(FILE *f, const diag_row *r)
{
    fprintf(f, "\n### E%04d: %s\n\n", (int)r->code, r->title);
    put_wrapped(f, r->explanation);
    if (!r->example[0])
        return;
    fputs("\n```\n", f);
    fputs(r->example, f);
    fputs("\n```\n", f);
}

static char *make_page(void)
{
    char *page = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&page, &size);
    cr_assert(f);
    fputs(introduction, f);
    for (int32_t code = 1, s = 0; code < 1000; code++) {
        const diag_row *r = diag_find(code);
        if (s < N_SECTIONS && code == sections[s].first)
            fprintf(f, "\n## %s\n", sections[s++].title);
        if (r)
            put_row(f, r);
    }
    fclose(f);
    return page;
}

static char *read_page(const char *path)
{
    enum { MOST = 1 << 20 };
    char *page = calloc(MOST, 1);
    cr_assert(page);
    FILE *f = fopen(path, "rb");
    if (f) {
        cr_expect_lt(fread(page, 1, MOST - 1, f), (size_t)MOST - 1);
        fclose(f);
    }
    return page;
}

Test(errors_page, is_made_of_the_table)
{
    static const char path[] = TEST_DIR "/../docs/errors.md";
    char *page = make_page(), *committed = read_page(path);
    if (getenv("FUSEJIT_BLESS")) {
        FILE *f = fopen(path, "wb");
        cr_assert(f);
        fputs(page, f);
        fclose(f);
    } else {
        cr_expect(!strcmp(page, committed),
                  "docs/errors.md is not what diag.def says: see there");
    }
    free(committed);
    free(page);
}

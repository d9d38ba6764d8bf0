/* What the REPL knows about functions of the prelude: their text, and the comment above it. */
#include "pages.h"

#include <string.h>

#include "built_in.h"

static bool is_public(const prelude_item *p)
{
    return p->name[0] != '_' && strncmp(p->name, "grad ", 5) != 0;
}

const char *pages_name(int i)
{
    for (int k = 0; k < prelude_count; k++) {
        if (is_public(&prelude_items[k]) && i-- == 0)
            return prelude_items[k].name;
    }
    return NULL;
}

static const prelude_item *find(const char *name)
{
    for (int i = 0; i < prelude_count; i++) {
        if (strcmp(prelude_items[i].name, name) == 0 && is_public(&prelude_items[i]))
            return &prelude_items[i];
    }
    return NULL;
}

/* The comment as far as an empty line of it: what is behind it is about the definition. Not what the
 * definition says itself: max(x, 0). */
static void print_comment(FILE *f, const char *text, const char *shown)
{
    size_t n = strcspn(text + 2, "\n");
    for (const char *p = shown; text[0] == '#' && (p = strchr(p, text[2])) != NULL; p++) {
        if (strncmp(p, text + 2, n) == 0)
            return;
    }
    char all[1024] = "";
    for (size_t at = 0; *text == '#' && text[1] == ' ' && at < sizeof all - 1;) {
        n = strcspn(text, "\n");
        at += (size_t)snprintf(all + at, sizeof all - at, "%.*s ", (int)(n - 2), text + 2);
        text += n + 1;
    }
    if (*all)
        built_in_words(f, all);
}

static const char *behind_comment(const char *text)
{
    while (*text == '#')
        text += strcspn(text, "\n") + 1;
    return text;
}

/* Whether it calls functions that nobody else may, or is long: then the comment says more. */
static bool is_obscure(const char *text)
{
    enum { LINES = 7 };
    int lines = 0;
    const char *p = text;
    for (const char *q = text; *q; q++)
        lines += *q == '\n';
    for (token t = scan_token(&p); t.kind != SCAN_END; t = scan_token(&p)) {
        if (t.kind == SCAN_WORD && t.text[0] == '_')
            return true;
    }
    return lines >= LINES;
}

/* Up to the body: "fn gelu(x)". */
static size_t signature_length(const char *text)
{
    const char *p = text;
    long depth = 0;
    for (token t = scan_token(&p); t.kind != SCAN_END; t = scan_token(&p)) {
        if (depth == 0 && (scan_is(t, "=") || scan_is(t, "{"))) {
            size_t n = (size_t)(t.text - text);
            while (n > 0 && text[n - 1] == ' ')
                n--;
            return n;
        }
        depth += t.kind == SCAN_OPEN ? 1 : t.kind == SCAN_CLOSE ? -1 : 0;
    }
    return strlen(text);
}

/* docs/accuracy.md: activations; what is a choice between numbers is exact. */
static const char *error_of(const char *name)
{
    static const char one[] = " elu celu logaddexp rsqrt ",
                      exact[] =
                          " relu relu6 hard_tanh "
                          "identity step hard_shrink thresholded_relu clamp prelu square ",
                      two[] =
                          " sigmoid log_sigmoid softplus silu swish gelu gelu_tanh gelu_quick "
                          "mish selu gaussian softsign tanhshrink squareplus ";
    char word[64];
    (void)snprintf(word, sizeof word, " %.60s ", name);
    return strstr(two, word)     ? "at most 2 ulp in f32 and f64"
           : strstr(one, word)   ? "at most 1 ulp in f32 and f64"
           : strstr(exact, word) ? "none: exact, or correctly rounded"
                                 : NULL;
}

static void print_example(session *s, const char *name)
{
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    jit_function_info info;
    options.interpret = 1;
    jit_module *m = options.context ? jit_compile("", &options, NULL) : NULL;
    if (m && jit_function_find(m, name, &info, NULL) == JIT_OK)
        built_in_call(s, m, &info);
    jit_release(m);
}

bool pages_print(session *s, const char *name)
{
    FILE *f = s->c->out;
    const prelude_item *p = find(name);
    if (!p)
        return false;
    const char *text = behind_comment(p->text), *error = error_of(name);
    if (!p->is_const && is_obscure(text))
        (void)fprintf(f, "%.*s\n", (int)signature_length(text), text);
    else
        (void)fprintf(f, "%s\n", text);
    print_comment(f, p->text, text);
    if (error)
        (void)fprintf(f, "  error    %s\n", error);
    if (!p->is_const)
        print_example(s, name);
    return true;
}

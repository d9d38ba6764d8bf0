/* Programs as strangers write them: the parser alone, its printer, and the whole front end
 * through the public header. Every refusal has a reason at a place in the text; what parses is
 * printed to text that parses to the same. */
#include <stdlib.h>
#include <string.h>

#include "parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int32_t count_lines(const source *src)
{
    int32_t n = 1;
    for (int32_t i = 0; i < src->length; i++)
        n += src->text[i] == '\n';
    return n;
}

static void check_messages(const jit_error *err, const source *src)
{
    if (err->n_diagnostics < 1 || err->status == JIT_OK)
        abort(); /* a refusal without a reason */
    for (int32_t i = 0; i < err->n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++) {
        const jit_diagnostic *m = &err->diagnostic[i];
        if (!m->message[0] || !jit_error_explain(m->code))
            abort();
        if (m->line < 0 || m->line > count_lines(src) || (m->line > 0 && m->column < 1))
            abort();
        if (m->line > 0 && (m->length < 0 || m->excerpt_column < 1))
            abort();
    }
    char text[4096];
    (void)jit_error_format(err, text, sizeof text, 1);
}

static void check_program(const source *src, int again)
{
    jit_error err;
    diag d;
    diag_init(&d, &err, src);
    arena *ar = arena_new(NULL, (size_t)256 << 20);
    if (!ar)
        return;
    const ast_program *p = parse_program(ar, src, NULL, &d);
    if (!p) {
        if (again)
            abort(); /* printed wrongly */
        check_messages(&err, src);
    } else if (err.status != JIT_OK) {
        abort();
    } else {
        char *text = ast_print(ar, p);
        if (text && strlen(text) < 100000) {
            source printed = { "printed", text, (int32_t)strlen(text), false };
            if (!again)
                check_program(&printed, 1);
            else if (strcmp(text, src->text) != 0)
                abort(); /* printed differently the second time */
        }
    }
    arena_free(ar);
}

static void check_pieces(const source *src)
{
    jit_error err;
    diag d;
    ast_type type;
    arena *ar = arena_new(NULL, (size_t)256 << 20);
    if (!ar)
        return;
    diag_init(&d, &err, src);
    if (!parse_expression(ar, src, NULL, &d))
        check_messages(&err, src);
    diag_init(&d, &err, src);
    if (!parse_type(ar, src, NULL, &d, &type))
        check_messages(&err, src);
    arena_free(ar);
}

/* The last function goes all the way to loop nests, as if it were to be called, and to a formula. */
static void check_nests(jit_module *m, const source *src)
{
    jit_error err;
    jit_function_info info;
    int n = jit_function_count(m);
    if (n == 0 || jit_function_at(m, n - 1, &info) != JIT_OK)
        return;
    char *text = jit_stage_text(m, info.name, NULL, NULL, JIT_STAGE_NEST, &err);
    if (!text)
        check_messages(&err, src);
    if (!text && err.status == JIT_ERR_INTERNAL)
        abort();
    jit_text_free(text);
    text = jit_stage_text(m, info.name, NULL, NULL, JIT_STAGE_FORMULA, &err);
    if (!text && err.status == JIT_ERR_INTERNAL)
        abort();
    jit_text_free(text);
}

static void check_compile(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return;
    memcpy(text, data, size);
    text[size] = 0;
    jit_error err;
    source src = { "<text>", text, (int32_t)strlen(text), false };
    jit_module *m = jit_compile(text, NULL, &err);
    if (m)
        check_nests(m, &src);
    else
        check_messages(&err, &src);
    jit_release(m);
    m = jit_compile_expression(NULL, text, NULL, &err);
    if (!m)
        check_messages(&err, &src);
    jit_release(m);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    source src = { "<text>", (const char *)data, (int32_t)size, false };
    check_program(&src, 0);
    check_pieces(&src);
    check_compile(data, size);
    return 0;
}

/* Every failure is a returned status and plain data: places, messages, hints, stable codes. The
 * library itself prints nothing. */
#include <fusejit.h>
#include <stdio.h>

static const char *const programs[] = {
    "fn f(x) {\n  let h = 2 * sgmoid(x)\n  return h * scale\n}",
    "fn f(x) {\n  return x +\n}",
    "fn f(x) = x + y",
    "fn f(x) = g(x)\nfn g(x) = f(x)",
    "fn f(x: f32) = x ? 1 : 2",
};

/* What an editor would take: the same as data. */
static void show_places(const jit_error *err)
{
    for (int i = 0; i < err->n_diagnostics; i++) {
        const jit_diagnostic *d = &err->diagnostic[i];
        printf("  -> code %d at line %d, column %d, %d characters\n", d->code, d->line,
               d->column, d->length);
    }
    printf("\n");
}

int main(void)
{
    jit_error err;
    int accepted = 0;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        jit_options options = { .size = sizeof options, .file = "user.fj" };
        jit_module *m = jit_compile(programs[i], &options, &err);
        accepted += m != NULL;
        jit_release(m);
        jit_error_print(stdout, &err);
        show_places(&err);
    }

    /* a call that cannot work: the output is left as it was */
    float a[3] = { 1, 2, 3 }, b[4] = { 1, 2, 3, 4 }, y[4] = { 0 };
    jit_array in[2] = { jit_array_of(JIT_F32, a, 1, (int64_t[]){ 3 }),
                        jit_array_of(JIT_F32, b, 1, (int64_t[]){ 4 }) };
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 4 });
    jit_module *m = jit_compile("fn add(a, b) = a + b", NULL, &err);
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    if (m && jit_call(m, "add", &args, &err) == JIT_ERR_SHAPE)
        jit_error_print(stdout, &err);
    else
        accepted++;
    jit_release(m);
    return accepted;
}

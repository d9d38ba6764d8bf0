/* The whole of fusejit in ten lines: a formula, two arrays, one call. */
#include <fusejit.h>
#include <stdio.h>

int main(void)
{
    float in[] = { -2, -1, 0, 1, 2 }, out[5];
    jit_array x = jit_array_of(JIT_F32, in, 1, (int64_t[]){ 5 });
    jit_array y = jit_array_of(JIT_F32, out, 1, (int64_t[]){ 5 });
    jit_args args = { .in = &x, .n_in = 1, .out = &y, .n_out = 1 };
    jit_error err;
    jit_module *m = jit_compile("fn sigmoid(x) = 1 / (1 + exp(-x))", NULL, &err);
    if (!m || jit_call(m, "sigmoid", &args, &err) != JIT_OK) {
        jit_error_print(stderr, &err);
        return 1;
    }
    for (int i = 0; i < 5; i++)
        printf("sigmoid(%+g) = %.9g\n", (double)in[i], (double)out[i]);
    jit_release(m);
    return 0;
}

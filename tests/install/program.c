/* A user's program in C. Its names are those of the library's own functions: they must not meet. */
#include <fusejit.h>
#include <stdio.h>

int arena_alloc(void);
int graph_apply(void);

int arena_alloc(void)
{
    return 1;
}

int graph_apply(void)
{
    return 2;
}

int main(void)
{
    jit_error err;
    jit_module *m = jit_compile("fn swish(x) = x*sigmoid(x)", NULL, &err);
    float v[3] = { -1, 0, 1 }, w[3] = { 0 };
    jit_array x = jit_array_of(JIT_F32, v, 1, (int64_t[]){ 3 });
    jit_array y = jit_array_of(JIT_F32, w, 1, (int64_t[]){ 3 });
    jit_args args = { .in = &x, .n_in = 1, .out = &y, .n_out = 1 };
    if (!m || jit_call(m, "swish", &args, &err) != JIT_OK) {
        jit_error_print(stderr, &err);
        return 1;
    }
    printf("%.6f %.6f %.6f\n", (double)w[0], (double)w[1], (double)w[2]);
    jit_release(m);
    return arena_alloc() + graph_apply() == 3 ? 0 : 1;
}

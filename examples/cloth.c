/* A cloth of masses and springs, hung by two corners. One function makes a whole step: neighbours
 * are affine subscripts, guarded by a condition at the edges; lengths of springs are local arrays.
 *
 *     cloth [SIDE [STEPS]]        default 16 x 16 masses, 300 steps */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn step(p: [h,w,3], v: [h,w,3]; dt = 0.02, k = 500, damping = 0.98)\n"
    "    -> (q: [h,w,3], u: [h,w,3]) {\n"
    "  let across[i,j] = j + 1 < w ? sqrt(sum[c]((p[i,j+1,c] - p[i,j,c])**2)) : 1\n"
    "  let down[i,j] = i + 1 < h ? sqrt(sum[c]((p[i+1,j,c] - p[i,j,c])**2)) : 1\n"
    "  let f[i,j,c] = (j + 1 < w ? (1 - 1/across[i,j])*(p[i,j+1,c] - p[i,j,c]) : 0)\n"
    "               + (j > 0 ? (1 - 1/across[i,j-1])*(p[i,j-1,c] - p[i,j,c]) : 0)\n"
    "               + (i + 1 < h ? (1 - 1/down[i,j])*(p[i+1,j,c] - p[i,j,c]) : 0)\n"
    "               + (i > 0 ? (1 - 1/down[i-1,j])*(p[i-1,j,c] - p[i,j,c]) : 0)\n"
    "  u[i,j,c] = i == 0 && (j == 0 || j == w - 1) ? 0\n"
    "           : damping*v[i,j,c] + dt*(k*f[i,j,c] - (c == 2 ? 1 : 0))\n"
    "  q[i,j,c] = p[i,j,c] + dt*u[i,j,c]\n"
    "}\n"
    "fn lowest(p: [h,w,3]) = min[i,j](p[i,j,2])\n"
    "fn longest(p: [h,w,3]) =\n"
    "  max[i,j](i + 1 < h ? sqrt(sum[c]((p[i+1,j,c] - p[i,j,c])**2)) : 0)\n"
    "fn lopsided(p: [h,w,3]) = max[i,j](abs(p[i,j,2] - p[i,w-1-j,2]))\n";

/* Positions and velocities, and those of the next step: they change places. */
typedef struct cloth {
    jit_array now[2], next[2];
} cloth;

static jit_status make(cloth *c, int64_t side, jit_error *err)
{
    int64_t shape[] = { side, side, 3 };
    for (int i = 0; i < 2; i++)
        if (jit_array_new(&c->now[i], JIT_F64, 3, shape, err) ||
            jit_array_new(&c->next[i], JIT_F64, 3, shape, err))
            return err->status;
    double *p = c->now[0].data;
    for (int64_t i = 0; i < side * side; i++) {
        p[3 * i] = (double)(i % side);
        p[3 * i + 1] = (double)(i / side);
    }
    return JIT_OK;
}

static jit_status move(jit_kernel *step, cloth *c, int64_t steps, jit_error *err)
{
    for (int64_t i = 0; i < steps; i++) {
        jit_args args = { .in = c->now, .n_in = 2, .out = c->next, .n_out = 2 };
        if (jit_run(step, &args, err) != JIT_OK)
            return err->status;
        cloth old = *c;
        for (int k = 0; k < 2; k++) {
            c->now[k] = old.next[k];
            c->next[k] = old.now[k];
        }
    }
    return JIT_OK;
}

static double measure(jit_module *m, const char *function, const cloth *c)
{
    double value = NAN;
    jit_array out = jit_array_of(JIT_F64, &value, 0, NULL);
    jit_args args = { .in = c->now, .n_in = 1, .out = &out, .n_out = 1 };
    return jit_call(m, function, &args, NULL) == JIT_OK ? value : NAN;
}

int main(int argc, char **argv)
{
    int64_t side = argc > 1 ? atoll(argv[1]) : 16, steps = argc > 2 ? atoll(argv[2]) : 300;
    cloth c = { 0 };
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    jit_kernel *step = m ? jit_prepare(m, "step", "f64[h,w,3], f64[h,w,3]", NULL, &err) : NULL;
    if (!step || make(&c, side, &err) || move(step, &c, steps, &err)) {
        jit_error_print(stderr, &err);
        return 1;
    }
    double lowest = measure(m, "lowest", &c), longest = measure(m, "longest", &c);
    double lopsided = measure(m, "lopsided", &c);
    printf("%lld x %lld masses, %lld steps: the lowest at %.4f, the longest spring %.4f\n",
           (long long)side, (long long)side, (long long)steps, lowest, longest);
    printf("left and right differ by %.1g\n", lopsided);
    for (int i = 0; i < 2; i++) {
        jit_array_free(&c.now[i]);
        jit_array_free(&c.next[i]);
    }
    jit_kernel_release(step);
    jit_release(m);
    return !(lowest < 0 && longest < 1.5 && lopsided < 1e-9);
}

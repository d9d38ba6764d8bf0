/* Functions beside each other in one formula, of which some arguments are rare: the order in which
 * they are computed, and what passes by the rare case, show in no bit. */
#include <criterion/criterion.h>
#include <math.h>

#include <fusejit.h>

enum { N = 999 };

static const char *const chains[] = {
    "fn f(x, y) = exp(-x*x)*sin(y) + sqrt(abs(x))",
    "fn f(x, y) = exp(x)*cos(y) + log(abs(x))",
    "fn f(x, y) = sin(x)*sin(y) + tanh(x - y)",
    "fn f(x, y) = tan(x) - x*erf(y)*y",
    "fn f(x, y) = gelu(x) + (sin(y) > 0 ? x : y)",
    "fn f(x, y) = lgamma(abs(x) + 1)*sin(y)*sin(x + y)",
};

static const char *const cpus[] = { NULL, "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4" };

static double argument(int64_t i, int k)
{
    static const double rare[] = {
        1e6, -3e9, 1e22, INFINITY, -INFINITY, NAN, 0.0, -0.0, 2e-39
    };
    int64_t at = i * 7 + k * 5;
    return at % 61 < 9 ? rare[at % 61] : (double)((at * 7919) % 20011) / 2000 - 5;
}

static void store(void *to, int64_t i, jit_dtype t, double v)
{
    if (t == JIT_F32)
        ((float *)to)[i] = (float)v;
    else
        ((double *)to)[i] = v;
}

static double fetch(const void *from, int64_t i, jit_dtype t)
{
    return t == JIT_F32 ? ((const float *)from)[i] : ((const double *)from)[i];
}

typedef struct run {
    const char *text;
    jit_dtype t;
    jit_context *context;
    int32_t interpret;
} run;

static void result(const run *r, void *to)
{
    static double in[2][N];
    const int64_t n = N;
    jit_error err;
    jit_options o = { .size = sizeof o, .context = r->context, .interpret = r->interpret };
    jit_module *m = jit_compile(r->text, &o, &err);
    cr_assert(m, "%s", r->text);
    jit_array x[2], out = jit_array_of(r->t, to, 1, &n);
    for (int k = 0; k < 2; k++) {
        x[k] = jit_array_of(r->t, in[k], 1, &n);
        for (int64_t i = 0; i < N; i++)
            store(in[k], i, r->t, argument(i, k));
    }
    jit_args args = { .in = x, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", r->text);
    jit_release(m);
}

/* Against the interpreter with the operations of the same machine: without fused multiply-add others. */
static void check(run r, const char *cpu)
{
    static double got[N], want[N];
    r.interpret = 0;
    result(&r, got);
    r.interpret = 1;
    result(&r, want);
    for (int64_t i = 0; i < N; i++) {
        double a = fetch(got, i, r.t), b = fetch(want, i, r.t);
        bool same = isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
        cr_assert(same, "%s, %s, element %d: %a, not %a", r.text, cpu ? cpu : "native", (int)i,
                  a, b);
    }
}

Test(chains, as_the_interpreter_where_some_arguments_are_rare, .timeout = 300)
{
    for (size_t c = 0; c < sizeof cpus / sizeof *cpus; c++) {
        jit_error err;
        jit_context_options o = { .size = sizeof o, .cpu = cpus[c] };
        jit_context *context = jit_context_new(&o, &err);
        cr_assert(context || cpus[c]);
        for (size_t i = 0; context && i < sizeof chains / sizeof *chains; i++) {
            check((run){ chains[i], JIT_F32, context, 0 }, cpus[c]);
            check((run){ chains[i], JIT_F64, context, 0 }, cpus[c]);
        }
        jit_context_free(context);
    }
}

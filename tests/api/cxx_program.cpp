// The public header from C++11 on: what C++ hosts write. Exit status 0: all is well.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <fusejit.h>

struct module_deleter {
    void operator()(jit_module *m) const { jit_release(m); }
};
struct kernel_deleter {
    void operator()(jit_kernel *k) const { jit_kernel_release(k); }
};
typedef std::unique_ptr<jit_module, module_deleter> module_ptr;
typedef std::unique_ptr<jit_kernel, kernel_deleter> kernel_ptr;

static bool run(const jit_kernel *k, std::vector<float> &x, std::vector<float> &y)
{
    const int64_t n = static_cast<int64_t>(x.size());
    jit_array in = jit_array_of(JIT_F32, x.data(), 1, &n);
    jit_array out = jit_array_of(JIT_F32, y.data(), 1, &n);
    const double beta = 2;
    jit_args args = jit_args();
    args.in = &in;
    args.n_in = 1;
    args.out = &out;
    args.n_out = 1;
    args.uniform = &beta;
    args.n_uniform = 1;
    return jit_run(k, &args, nullptr) == JIT_OK;
}

static bool build()
{
    jit_error err;
    jit_builder *b = jit_builder_new(nullptr, &err);
    jit_fn_begin(b, "f");
    jit_expr x = jit_fn_arg(b, "x", nullptr);
    jit_expr y = jit_op(b, "*", x, x);
    jit_return(b, &y, 1);
    jit_fn_end(b);
    module_ptr m(jit_build(b, nullptr, &err));
    jit_builder_free(b);
    return m && jit_function_count(m.get()) == 1;
}

struct params_deleter {
    void operator()(jit_params *p) const { jit_params_free(p); }
};

// A kernel that keeps its parameters in bf16, and outlives their store.
static bool layer()
{
    jit_error err;
    module_ptr m(jit_compile(
        "fn f(x: [k]) -> [2] { param W: [k,2] = 1.00390625  return x @ W }", nullptr, &err));
    std::unique_ptr<jit_params, params_deleter> p(
        jit_params_new(m.get(), "f", "f32[3]", nullptr, &err));
    jit_prepare_options options = jit_prepare_options();
    options.size = sizeof options;
    options.params = p.get();
    options.weights = JIT_BF16;
    kernel_ptr k(jit_prepare(m.get(), "f", "f32[B,3]", &options, &err));
    p.reset();
    m.reset();
    std::vector<float> x(6, 1), y(4);
    const int64_t in_shape[] = { 2, 3 }, out_shape[] = { 2, 2 };
    jit_array in = jit_array_of(JIT_F32, x.data(), 2, in_shape);
    jit_array out = jit_array_of(JIT_F32, y.data(), 2, out_shape);
    jit_args args = jit_args();
    args.in = &in;
    args.n_in = 1;
    args.out = &out;
    args.n_out = 1;
    return k && jit_run(k.get(), &args, &err) == JIT_OK && !(y[3] < 3) && !(y[3] > 3);
}

int main()
{
    jit_error err;
    module_ptr bad(jit_compile("fn f(x) = x +", nullptr, &err));
    if (bad || err.n_diagnostics == 0)
        return 1;
    jit_options options = jit_options();
    options.size = sizeof options;
    module_ptr m(jit_compile("fn swish(x; beta = 1) = x / (1 + exp(-beta*x))", &options, &err));
    if (!m) {
        jit_error_print(stderr, &err);
        return 2;
    }
    kernel_ptr k(jit_prepare(m.get(), "swish", "f32", nullptr, &err));
    m.reset();
    std::vector<float> x(100, 0.5f), y(100);
    if (!k || !run(k.get(), x, y))
        return 3;
    const double want = 0.5 / (1 + std::exp(-1.0));
    for (float v : y)
        if (std::fabs(static_cast<double>(v) - want) > 1e-7)
            return 4;
    if (std::strcmp(jit_version(), "0.1.0") != 0)
        return 5;
    if (!layer())
        return 6;
    return build() ? 0 : 7;
}

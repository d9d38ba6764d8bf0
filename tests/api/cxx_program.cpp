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
    return build() ? 0 : 6;
}

// A user's program in C++.
#include <cstdio>
#include <fusejit.h>
#include <memory>
#include <vector>

int main()
{
    jit_error err;
    std::unique_ptr<jit_module, void (*)(jit_module *)> m(
        jit_compile("fn swish(x) = x*sigmoid(x)", nullptr, &err), jit_release);
    std::vector<float> v = { -1, 0, 1 }, w(3);
    const int64_t shape[] = { 3 };
    jit_array x = jit_array_of(JIT_F32, v.data(), 1, shape);
    jit_array y = jit_array_of(JIT_F32, w.data(), 1, shape);
    jit_args args = {};
    args.in = &x;
    args.n_in = 1;
    args.out = &y;
    args.n_out = 1;
    if (!m || jit_call(m.get(), "swish", &args, &err) != JIT_OK) {
        jit_error_print(stderr, &err);
        return 1;
    }
    std::printf("%.6f %.6f %.6f\n", double(w[0]), double(w[1]), double(w[2]));
    return 0;
}

/* Each allocation of ours fails once, and then all from there on: a clean error, nothing lost,
 * and the same call works afterwards. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fusejit_ufunc.h>

typedef struct failing {
    long calls, fail_at; /* -1: none */
    bool stay;           /* fails from there on */
    long long bytes;
    long live;
} failing;

static void *resize(void *user, void *ptr, size_t old, size_t size)
{
    failing *f = user;
    if (size == 0) {
        f->bytes -= (long long)old;
        f->live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    long call = f->calls++;
    if (f->fail_at >= 0 && (call == f->fail_at || (f->stay && call > f->fail_at)))
        return NULL;
    void *p = realloc(ptr, size);
    if (p) {
        f->bytes += (long long)size - (long long)old;
        f->live += ptr == NULL;
    }
    return p;
}

static const char program[] =
    "fn sq(x) = x*x\n"
    "fn f(x, y; a = 2, g: fn = sq) -> (p, q) {\n"
    "  var s = 0.0  for i in 0 .. 3 { if x > y { s += g(x) } else { break } }\n"
    "  p = s + exp(a*x)  q = y }\n";

/* One step of a host; true if it went through. What it made is freed. */
typedef bool (*step)(jit_context *c, jit_error *err);

static jit_module *compile(jit_context *c, int interpret, jit_error *err)
{
    jit_options o = { .size = sizeof o, .context = c, .interpret = interpret };
    return jit_compile(program, &o, err);
}

static bool call(jit_context *c, int interpret, int threads, jit_error *err)
{
    enum { N = 40000 };
    jit_module *m = compile(c, interpret, err);
    if (!m)
        return false;
    int64_t n = interpret ? 40 : N;
    float *x = malloc(N * 4);
    memset(x, 0, N * 4);
    jit_array in[2] = { jit_array_of(JIT_F32, x, 1, &n), jit_array_of(JIT_F32, x, 0, NULL) };
    jit_array out[2] = { jit_array_of(JIT_F32, x, 1, &n), { .rank = -1 } };
    jit_args args = { .in = in,
                      .n_in = 2,
                      .out = out,
                      .n_out = 2,
                      .threads = threads,
                      .options = JIT_COPY_OVERLAP };
    bool ok = jit_call(m, "f", &args, err) == JIT_OK;
    jit_array_free(&out[1]);
    free(x);
    jit_release(m);
    return ok;
}

static bool call_compiled(jit_context *c, jit_error *err)
{
    return call(c, 0, 2, err);
}

static bool call_interpreted(jit_context *c, jit_error *err)
{
    return call(c, 1, 1, err);
}

static const char layers[] =
    "fn f(x: [n], W: [n,k]) -> (y: [k], s) @abs(1e-4) { let h = tanh(x @ W)  y[j] = h[k-1-j]  "
    "s = sum(h) }"
    "fn mlp(x: [k]) -> [3] { let h = dense(x; 5, relu)  return dense(h; 3) }";

/* Operands that go through buffers, a workspace larger than the stack, an input that is copied. */
static bool array_call(jit_context *c, int interpret, jit_error *err)
{
    enum { ROWS = 8, N = 200 };
    jit_options o = { .size = sizeof o, .context = c, .interpret = interpret };
    jit_module *m = jit_compile(layers, &o, err);
    int64_t n = interpret ? 3 : N;
    float *x = calloc(ROWS * N, 4), *w = calloc(N, 2 * 4);
    jit_array in[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ n, ROWS }),
                        jit_array_of(JIT_F32, w, 2, (int64_t[]){ 2, n }) };
    jit_array out[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ ROWS, n }), { .rank = -1 } };
    bool ok = m && x && w && jit_array_transpose(&in[0], &in[0], NULL, err) == JIT_OK;
    if (ok) {
        in[1].shape[0] = n;
        in[1].shape[1] = n;
        in[1].stride[0] = in[1].stride[1] = 4; /* a Hankel matrix */
        jit_args args = { .in = in,
                          .n_in = 2,
                          .out = out,
                          .n_out = 2,
                          .threads = interpret ? 1 : 2,
                          .options = JIT_COPY_OVERLAP };
        ok = jit_call(m, "f", &args, err) == JIT_OK;
        jit_array_free(&out[1]);
    }
    free(x);
    free(w);
    jit_release(m);
    return ok;
}

/* Methods of a universal function, copies of arrays that cannot be viewed as wanted. */
static bool ufunc_methods(jit_context *c, jit_error *err)
{
    jit_options o = { .size = sizeof o, .context = c };
    jit_module *m = jit_compile("fn f(x, y; a = 2) = a*x - y", &o, err);
    jit_ufunc *u = m ? jit_ufunc_new(m, "f", NULL, err) : NULL;
    float data[24] = { 0 };
    int64_t places[2] = { 0, 1 };
    jit_array x = jit_array_of(JIT_F32, data, 3, (int64_t[]){ 2, 3, 4 }), y = { .rank = -1 };
    jit_array index = jit_array_of(JIT_I64, places, 1, (int64_t[]){ 2 });
    jit_array where = jit_array_of(JIT_BOOL, (uint8_t[]){ 1, 0, 1, 0 }, 1, (int64_t[]){ 4 });
    jit_method how = { .size = sizeof how, .axis = (int32_t[]){ 0, 2 }, .n_axes = 2 };
    bool ok = u && jit_ufunc_reduce(u, &y, &x, &how, err) == JIT_OK;
    jit_array_free(&y);
    how = (jit_method){ .size = sizeof how };
    ok = ok && jit_ufunc_reduceat(u, &y, &x, &index, &how, err) == JIT_OK;
    jit_array_free(&y);
    ok = ok && jit_ufunc_at(u, &x, &(jit_places){ &index, 1 }, &x, &how, err) == JIT_OK;
    jit_args args = { .in = (jit_array[]){ x, x }, .n_in = 2, .out = &y, .n_out = 1 };
    ok = ok && jit_ufunc_call(u, &args, &where, err) == JIT_OK;
    jit_array_free(&y);
    jit_ufunc_free(u);
    jit_release(m);
    return ok;
}

/* One large sample, in parts on several threads. */
static bool sample_in_parts(jit_context *c, jit_error *err)
{
    enum { N = 300, K = 64 };
    jit_options o = { .size = sizeof o, .context = c };
    jit_module *m = jit_compile(
        "fn f(x: [n,n], W: [n,k]) -> [n,k] { let h = tanh(x @ W)  return softmax(h)*h }", &o,
        err);
    float *x = calloc(N * N, 4), *w = calloc(N * K, 4);
    jit_array in[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ N, N }),
                        jit_array_of(JIT_F32, w, 2, (int64_t[]){ N, K }) };
    jit_array out = { .rank = -1 };
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = 3 };
    bool ok = m && x && w && jit_call(m, "f", &args, err) == JIT_OK;
    jit_array_free(&out);
    free(x);
    free(w);
    jit_release(m);
    return ok;
}

static bool arrays_compiled(jit_context *c, jit_error *err)
{
    return array_call(c, 0, err);
}

static bool arrays_interpreted(jit_context *c, jit_error *err)
{
    return array_call(c, 1, err);
}

static bool parameters(jit_context *c, jit_error *err)
{
    jit_options o = { .size = sizeof o, .context = c, .interpret = 1 };
    jit_module *m = jit_compile(layers, &o, err);
    jit_params *p = m ? jit_params_new(m, "mlp", "f32[4]", NULL, err) : NULL;
    double b[5] = { 1, 2, 3, 4, 5 };
    float x[4] = { 1, 2, 3, 4 };
    jit_array value = jit_array_of(JIT_F64, b, 1, (int64_t[]){ 5 });
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 4 }), out = { .rank = -1 };
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = p };
    bool ok = p && jit_params_set(p, "mlp.h.b", &value, err) == JIT_OK &&
              jit_call(m, "mlp", &args, err) == JIT_OK;
    jit_array_free(&out);
    jit_params_free(p);
    jit_release(m);
    return ok;
}

/* Of the default context, where nothing fails. */
static jit_params *store;

static bool kept_parameters(jit_context *c, jit_error *err)
{
    jit_options o = { .size = sizeof o, .context = c };
    jit_module *m = jit_compile(layers, &o, err);
    jit_prepare_options with = { .size = sizeof with, .params = store, .weights = JIT_BF16 };
    jit_kernel *k = m ? jit_prepare(m, "mlp", "f32[B,4]", &with, err) : NULL;
    float x[8] = { 1, 2, 3, 4 }, y[6];
    jit_array in = jit_array_of(JIT_F32, x, 2, (int64_t[]){ 2, 4 });
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ 2, 3 });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    bool ok = k && jit_run(k, &args, err) == JIT_OK;
    jit_kernel_release(k);
    jit_release(m);
    return ok;
}

static bool compile_only(jit_context *c, jit_error *err)
{
    jit_module *m = compile(c, 0, err);
    jit_function_info info;
    bool ok = m && jit_function_find(m, "f", &info, err) == JIT_OK;
    if (ok && jit_function_at(m, 1, &info) != JIT_OK) {
        err->status = JIT_ERR_MEMORY;
        ok = false;
    }
    jit_release(m);
    return ok;
}

static bool expression(jit_context *c, jit_error *err)
{
    jit_options o = { .size = sizeof o, .context = c };
    jit_module *m = jit_compile_expression(program, "sq(x) + y*sin(x)", &o, err);
    jit_release(m);
    return m != NULL;
}

static bool prepare(jit_context *c, jit_error *err)
{
    jit_module *m = compile(c, 0, err);
    jit_static s = { "g", "exp", 0 };
    jit_prepare_options o = {
        .size = sizeof o, .statics = &s, .n_statics = 1, .entries = JIT_ENTRY_LOOP
    };
    jit_kernel *k = m ? jit_prepare(m, "f", "f64, f32", &o, err) : NULL;
    jit_release(m);
    jit_kernel_release(k);
    return k != NULL;
}

static bool stages(jit_context *c, jit_error *err)
{
    jit_module *m = compile(c, 0, err);
    bool ok = m != NULL;
    for (int s = JIT_STAGE_TREE; ok && s <= JIT_STAGE_FORMULA; s++) {
        if (s == JIT_STAGE_LLVM || s == JIT_STAGE_ASM)
            continue; /* most of their time is LLVM's */
        char *text = jit_stage_text(m, "f", NULL, NULL, (jit_stage)s, err);
        ok = text != NULL;
        jit_text_free(text);
    }
    jit_release(m);
    return ok;
}

static bool derivative(jit_context *c, jit_error *err)
{
    jit_module *m = compile(c, 1, err);
    jit_grad_options o = { .size = sizeof o, .by = "x", .value = 1 };
    jit_module *g = m ? jit_grad(m, "softplus", &o, err) : NULL;
    jit_release(m);
    jit_kernel *k = g ? jit_prepare(g, "value_and_grad_softplus", NULL, NULL, err) : NULL;
    jit_kernel_release(k);
    jit_release(g);
    return k != NULL;
}

static bool fit(jit_trainer *t, jit_error *err)
{
    enum { N = 5 };
    float x[N * 2] = { 0.5f, 1, -1, 2, 0, 1, 3, 1, 1, 1 };
    int32_t y[N] = { 0, 1, 1, 0, 1 };
    jit_array data[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ N, 2 }),
                          jit_array_of(JIT_I32, y, 1, (int64_t[]){ N }) };
    jit_fit_options o = { .size = sizeof o, .epochs = 2, .batch = 2, .validation_split = 0.3 };
    o.restore_best = 1;
    return jit_trainer_fit(t, data, 2, &o, NULL, err) == JIT_OK;
}

/* Metrics of samples and of all of them; a checkpoint of it. */
static bool training(jit_context *c, jit_error *err)
{
    static const char *const names[] = { "accuracy", "f1" };
    jit_options options = { .size = sizeof options, .context = c, .interpret = 1 };
    jit_trainer_options o = { .size = sizeof o, .model = "net", .metric = names };
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/fusejit_memory_%d.safetensors", (int)getpid());
    static const double weight[] = { 1, 2 };
    static const char *const frozen[] = { "dense.b" };
    jit_trainer_info info;
    o.n_metrics = 2;
    o.accumulate = 2;
    o.schedule = "cosine_decay";
    o.clip_norm = 1;
    o.class_weight = weight;
    o.n_classes = 2;
    o.frozen = frozen;
    o.n_frozen = 1;
    jit_module *m = jit_compile("fn net(x: [2]) -> [2] = dense(x; 2)\n"
                                "fn loss(x: [2], y: i32) = xent(net(x), y)",
                                &options, err);
    jit_params *p = m ? jit_params_new(m, "net", "f32[2]", NULL, err) : NULL;
    jit_trainer *t = p ? jit_trainer_new(m, "loss", "f32[2], i32", p, &o, err) : NULL;
    bool ok = t && fit(t, err) && jit_trainer_save(t, path, err) == JIT_OK &&
              jit_trainer_load(t, path, err) == JIT_OK &&
              jit_trainer_describe(t, &info) == JIT_OK;
    jit_trainer_free(t);
    jit_params_free(p);
    jit_release(m);
    (void)remove(path);
    return ok;
}

static bool builder(jit_context *c, jit_error *err)
{
    jit_builder *b = jit_builder_new(c, err);
    if (!b)
        return false;
    jit_fn_begin(b, "f");
    jit_expr x = jit_fn_arg(b, "x", NULL), a = jit_fn_uniform(b, "a", NULL, jit_real(b, 2.5));
    jit_fn_result(b, "r", "f32");
    jit_if(b, jit_op(b, "<", x, a));
    jit_let(b, "t", jit_apply(b, "exp", &x, 1));
    jit_else(b);
    jit_end(b);
    jit_assign(b, "r", jit_op(b, "*", a, x));
    jit_fn_end(b);
    jit_module *m = jit_build(b, NULL, err);
    jit_builder_free(b);
    jit_release(m);
    return m != NULL;
}

static bool system_info(jit_context *c, jit_error *err)
{
    char *text = jit_system_info(c, err);
    jit_text_free(text);
    return text != NULL;
}

static long attempt(step what, failing *f, const char *name)
{
    jit_error err;
    err.status = JIT_OK;
    jit_context_options o = { .size = sizeof o, .allocator = { resize, f } };
    long before = f->calls;
    jit_context *c = jit_context_new(&o, &err);
    bool ok = c && what(c, &err);
    jit_context_free(c);
    if (!ok)
        cr_assert_eq(err.status, JIT_ERR_MEMORY, "%s, failure %ld: status %d, %s", name,
                     f->fail_at, (int)err.status, err.diagnostic[0].message);
    cr_assert_eq(f->live, 0, "%s, failure %ld: %ld blocks, %lld bytes lost", name, f->fail_at,
                 f->live, f->bytes);
    cr_assert_eq(f->bytes, 0, "%s, failure %ld: %lld bytes miscounted", name, f->fail_at,
                 f->bytes);
    return ok ? f->calls - before : -1;
}

static void fail_each(step what, const char *name)
{
    failing f = { .fail_at = -1 };
    long total = attempt(what, &f, name);
    cr_assert_gt(total, 0, "%s does not work at all", name);
    long failed = 0;
    for (int stay = 0; stay < 2; stay++)
        for (long i = 0; i < total; i++) {
            f = (failing){ .fail_at = i, .stay = stay };
            failed += attempt(what, &f, name) < 0;
        }
    cr_assert_gt(failed, total, "%s: of %ld allocations only %ld failures were seen", name,
                 total, failed);
    f = (failing){ .fail_at = -1 };
    cr_assert_gt(attempt(what, &f, name), 0, "%s does not work afterwards", name);
}

Test(memory, failures_while_compiling_are_clean)
{
    fail_each(compile_only, "compile");
    fail_each(expression, "expression");
    fail_each(builder, "builder");
}

Test(memory, failures_while_preparing_and_calling_are_clean)
{
    fail_each(prepare, "prepare");
    fail_each(call_compiled, "call");
    fail_each(call_interpreted, "interpreted call");
}

Test(memory, failures_in_array_functions_are_clean)
{
    fail_each(arrays_compiled, "array call");
    fail_each(arrays_interpreted, "interpreted array call");
    fail_each(ufunc_methods, "methods of a universal function");
    fail_each(sample_in_parts, "a large sample on threads");
    fail_each(parameters, "parameters");
    jit_module *m = jit_compile(layers, &(jit_options){ .size = sizeof(jit_options) }, NULL);
    store = jit_params_new(m, "mlp", "f32[4]", NULL, NULL);
    cr_assert(store);
    fail_each(kept_parameters, "kept parameters");
    jit_params_free(store);
    jit_release(m);
}

Test(memory, failures_while_printing_are_clean)
{
    fail_each(stages, "stages");
    fail_each(derivative, "derivative");
    fail_each(system_info, "system info");
}

/* A limit of our own instead of the system's. */
Test(memory, failures_while_training_are_clean)
{
    fail_each(training, "training");
}

Test(memory, the_compile_limit_is_an_error)
{
    jit_error err;
    jit_context_options o = { .size = sizeof o, .limits = { .memory = 16000 } };
    jit_context *c = jit_context_new(&o, &err);
    cr_assert(c);
    cr_assert_null(compile(c, 0, &err));
    cr_assert_eq(err.status, JIT_ERR_LIMIT, "%s", err.diagnostic[0].message);
    jit_context_free(c);
}

/* Kernels prepared with their parameters: the same bits as with a store at each run, whatever
 * happens to the store; weights in bf16. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

static const char text[] =
    "fn mlp(x: [k]) -> [10] {"
    "  let h = dense(x; 33, relu)"
    "  return softmax(dense(h; 10)) }"
    "fn wide(x: [k]) -> [70] = dense(x; 70, gelu)"
    "fn odd(x: [k]) -> [40] { let h = dense(x; 120, relu)  return dense(h; 40) }"
    "fn table(x: [n,k]) -> [n,5] { param W: [k,5] = randn()  return x @ W }"
    "fn turned(x: [k]) -> y: [9] { param W: [9,k] = randn()  y[i] = sum[j](W[i,j]*x[j]) }"
    "fn picked(i: i32) -> y: f32[6] { param W: f32[11,6] = randn()  y[j] = W[i,j] }"
    "fn cube(x: [k]) -> y: [2,3] { param W: [2,3,k] = randn()"
    "  y[a,b] = sum[c](W[a,b,c]*x[c]) }"
    "fn exact(x: f64[k]) -> [4] { param W: f64[k,4] = randn()  return x @ W }"
    "fn open(x: [k], y: [m]) -> [m] { param W: [k,3] = randn()  return y*sum(x @ W) }"
    "fn scaled(x) { param a: f32 = 2.5  return a*x }"
    "fn plain(x: [k]) -> [k] = x + 1";

typedef struct fixture {
    jit_module *m;
    jit_params *p;
} fixture;

static fixture begin(int interpret, const char *name, const char *signature)
{
    jit_error err;
    fixture f = { 0 };
    jit_options o = { .size = sizeof o, .interpret = interpret };
    f.m = jit_compile(text, &o, &err);
    cr_assert(f.m, "%s", err.diagnostic[0].message);
    jit_params_options po = { .size = sizeof po, .seed = 3 };
    f.p = jit_params_new(f.m, name, signature, &po, &err);
    cr_assert(f.p, "%s: %s", name, err.diagnostic[0].message);
    return f;
}

static void end(fixture *f)
{
    jit_params_free(f->p);
    jit_release(f->m);
}

/* -------------------------------------------------------------------------- the same bits */

typedef struct trial {
    const char *name, *signature, *store; /* store: the signature that it is made for */
    int32_t n_in, rank[2];                /* of the inputs, */
    int64_t shape[2][3];                  /*   batch axes in front */
    jit_dtype dtype;
} trial;

static const trial trials[] = {
    { "mlp", "f32[B,k]", "f32[784]", 1, { 2 }, { { 13, 784 } }, JIT_F32 },
    { "mlp", "f32[B,784]", "f32[784]", 1, { 2 }, { { 1, 784 } }, JIT_F32 },
    { "mlp", "f32[k]", "f32[7]", 1, { 1 }, { { 7 } }, JIT_F32 },
    { "mlp", NULL, "f32[1]", 1, { 3 }, { { 3, 5, 1 } }, JIT_F32 },
    { "mlp", "f32", "f32[0]", 1, { 2 }, { { 3, 0 } }, JIT_F32 },
    { "mlp", "f64[B,20]", "f64[20]", 1, { 2 }, { { 9, 20 } }, JIT_F64 },
    { "wide", "f32[B,64]", "f32[64]", 1, { 2 }, { { 48, 64 } }, JIT_F32 },
    { "odd", "f32[B,31]", "f32[31]", 1, { 2 }, { { 29, 31 } }, JIT_F32 },
    { "odd", "f32[31]", "f32[31]", 1, { 1 }, { { 31 } }, JIT_F32 },
    { "wide", "f32[64]", "f32[64]", 1, { 1 }, { { 64 } }, JIT_F32 },
    { "table", "f32[n,k]", "f32[12,31]", 1, { 2 }, { { 12, 31 } }, JIT_F32 },
    { "table", "f32[B,n,k]", "f32[12,31]", 1, { 3 }, { { 2, 12, 31 } }, JIT_F32 },
    { "turned", "f32[B,k]", "f32[17]", 1, { 2 }, { { 6, 17 } }, JIT_F32 },
    { "cube", "f32[B,k]", "f32[17]", 1, { 2 }, { { 6, 17 } }, JIT_F32 },
    { "exact", "f64[B,k]", "f64[17]", 1, { 2 }, { { 6, 17 } }, JIT_F64 },
    { "open", "f32[k],f32[m]", "f32[8],f32[3]", 2, { 1, 1 }, { { 8 }, { 5 } }, JIT_F32 },
    { "open", NULL, "f32[8],f32[3]", 2, { 2, 1 }, { { 4, 8 }, { 5 } }, JIT_F32 },
    { "scaled", NULL, NULL, 1, { 2 }, { { 3, 5 } }, JIT_F32 },
};
enum { TRIALS = sizeof trials / sizeof *trials };

static bool is_large(const trial *t)
{
    return t->shape[0][1] > 100;
}

static void fill(jit_array *a)
{
    int64_t n = jit_array_count(a);
    for (int64_t i = 0; i < n; i++) {
        double v = (double)((i * 7919 + 13) % 257) / 64 - 2;
        if (a->dtype == JIT_F64)
            ((double *)a->data)[i] = v;
        else
            ((float *)a->data)[i] = (float)v;
    }
}

/* The result, made by the run. */
static jit_array result_of(const jit_kernel *k, const trial *t, const jit_params *p,
                           jit_status want)
{
    jit_array in[2], out = { .rank = -1 };
    jit_error err;
    for (int32_t i = 0; i < t->n_in; i++) {
        cr_assert_eq(jit_array_new(&in[i], t->dtype, t->rank[i], t->shape[i], &err), JIT_OK);
        fill(&in[i]);
    }
    jit_args args = { .in = in, .n_in = t->n_in, .out = &out, .n_out = 1, .params = p };
    jit_status s = jit_run(k, &args, &err);
    cr_assert_eq(s, want, "%s: %s", t->name, err.diagnostic[0].message);
    jit_array again = out; /* into memory that is there: by the short path */
    if (s == JIT_OK) {
        cr_assert_eq(jit_array_new(&again, out.dtype, out.rank, out.shape, &err), JIT_OK);
        args.out = &again;
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK);
        size_t bytes = (size_t)jit_array_count(&out) * jit_dtype_size(out.dtype);
        cr_expect_eq(memcmp(again.data, out.data, bytes), 0, "%s", t->name);
        jit_array_free(&again);
    }
    for (int32_t i = 0; i < t->n_in; i++)
        jit_array_free(&in[i]);
    return out;
}

static jit_kernel *prepared(const fixture *f, const trial *t, const jit_params *p,
                            jit_dtype weights)
{
    jit_error err;
    jit_prepare_options o = { .size = sizeof o, .params = p, .weights = weights };
    jit_kernel *k = jit_prepare(f->m, t->name, t->signature, &o, &err);
    cr_assert(k, "%s: %s", t->name, err.diagnostic[0].message);
    return k;
}

static bool same(const jit_array *a, const jit_array *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]) == 0 &&
           memcmp(a->data, b->data, (size_t)jit_array_count(a) * jit_dtype_size(a->dtype)) == 0;
}

static void spoil(const jit_params *p)
{
    for (int32_t i = 0; i < jit_params_count(p); i++) {
        const jit_array *a = &jit_params_at(p, i)->array;
        memset(a->data, 0x41, (size_t)jit_array_count(a) * jit_dtype_size(a->dtype));
    }
}

static void check_trial(const trial *t, int interpret)
{
    fixture f = begin(interpret, t->name, t->store);
    jit_kernel *k = prepared(&f, t, NULL, JIT_NONE), *own = prepared(&f, t, f.p, JIT_NONE);
    jit_array want = result_of(k, t, f.p, JIT_OK), got = result_of(own, t, NULL, JIT_OK);
    cr_expect(same(&got, &want), "%s %s, interpret %d", t->name, t->signature, interpret);
    jit_array_free(&got);
    jit_kernel_release(k);
    spoil(f.p);
    end(&f);
    got = result_of(own, t, NULL, JIT_OK);
    cr_expect(same(&got, &want), "%s %s changed with its store", t->name, t->signature);
    jit_kernel_release(own);
    jit_array_free(&got);
    jit_array_free(&want);
}

Test(constants, a_kernel_with_its_parameters_gives_the_same_bits)
{
    for (int interpret = 0; interpret < 3; interpret++)
        for (int i = 0; i < TRIALS; i++)
            if (interpret < 2 || !is_large(&trials[i]))
                check_trial(&trials[i], interpret);
}

/* -------------------------------------------------------------------------- bf16 */

static uint16_t rounded(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (isnan(v))
        return (uint16_t)(bits >> 16 | 0x40);
    uint32_t rest = bits & 0xffff, odd = bits >> 16 & 1;
    return (uint16_t)((bits >> 16) + (rest > 0x8000 || (rest == 0x8000 && odd)));
}

/* The values that bf16 keeps, in the store's own type. */
static void round_store(const jit_params *p)
{
    for (int32_t i = 0; i < jit_params_count(p); i++) {
        const jit_array *a = &jit_params_at(p, i)->array;
        for (int64_t j = 0; a->rank >= 2 && j < jit_array_count(a); j++) {
            float *f = (float *)a->data + j, v;
            uint32_t bits = (uint32_t)rounded(a->dtype == JIT_F64 ? 0 : *f) << 16;
            memcpy(&v, &bits, sizeof v);
            if (a->dtype == JIT_F32)
                *f = v;
        }
    }
}

/* Values halfway between two, next to the largest, infinite, tiny, not numbers. */
static void put_edges(const jit_params *p)
{
    static const uint32_t edges[] = { 0x3f808000, 0x3f818000, 0x3f808001, 0x7f7fffff,
                                      0x00018000, 0x80000001, 0xbf80ffff, 0x00008000 };
    for (int32_t i = 0; i < jit_params_count(p); i++) {
        const jit_array *a = &jit_params_at(p, i)->array;
        for (int64_t j = 0; a->dtype == JIT_F32 && a->rank >= 2 && j < 8; j++)
            if (5 * j < jit_array_count(a))
                memcpy((float *)a->data + 5 * j, &edges[j], sizeof *edges);
    }
}

static void check_bf16(const trial *t, int interpret)
{
    fixture f = begin(interpret, t->name, t->store);
    put_edges(f.p);
    jit_kernel *k = prepared(&f, t, NULL, JIT_NONE), *own = prepared(&f, t, f.p, JIT_BF16);
    jit_array got = result_of(own, t, NULL, JIT_OK);
    round_store(f.p);
    jit_array want = result_of(k, t, f.p, JIT_OK);
    cr_expect(same(&got, &want), "%s %s, interpret %d", t->name, t->signature, interpret);
    jit_kernel_info info, own_info;
    cr_assert_eq(jit_kernel_describe(k, &info), JIT_OK);
    cr_assert_eq(jit_kernel_describe(own, &own_info), JIT_OK);
    cr_expect_eq(own_info.out_dtype[0], info.out_dtype[0]);
    cr_expect_eq(own_info.n_in, t->n_in);
    jit_kernel_release(k);
    jit_kernel_release(own);
    jit_array_free(&got);
    jit_array_free(&want);
    end(&f);
}

Test(constants, bf16_weights_are_rounded_and_nothing_else_is)
{
    for (int interpret = 0; interpret < 3; interpret++)
        for (int i = 0; i < TRIALS; i++)
            if (trials[i].dtype == JIT_F32 && (interpret < 2 || !is_large(&trials[i])))
                check_bf16(&trials[i], interpret);
}

/* An f64 is rounded once: 1 + 2^-8 + 2^-40 is above the middle, though its f32 is not. */
Test(constants, f64_weights_are_rounded_once)
{
    static const trial t = { "exact", "f64[B,k]", "f64[1]", 1, { 2 }, { { 1, 1 } }, JIT_F64 };
    for (int interpret = 0; interpret < 2; interpret++) {
        fixture f = begin(interpret, t.name, t.store);
        double *w = jit_params_at(f.p, 0)->array.data;
        const double given[4] = { 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-8, -1 - 3 * 0x1p-8, 1e300 };
        memcpy(w, given, sizeof given);
        jit_kernel *k = prepared(&f, &t, f.p, JIT_BF16);
        jit_array y = result_of(k, &t, NULL, JIT_OK);
        const double *out = y.data, x = (13 % 257) / 64.0 - 2;
        cr_expect_eq(out[0], x * (1 + 0x1p-7));
        cr_expect_eq(out[1], x);
        cr_expect_eq(out[2], x * (-1 - 0x1p-6));
        cr_expect_eq(out[3], -INFINITY);
        jit_array_free(&y);
        jit_kernel_release(k);
        end(&f);
    }
}

/* -------------------------------------------------------------------------- layouts */

/* Inputs that are not packed, results in place, several threads, gathers. */
Test(constants, any_layout_can_be_run)
{
    jit_error err;
    fixture f = begin(0, "wide", "f32[64]");
    const trial t = trials[6];
    jit_kernel *k = prepared(&f, &t, f.p, JIT_NONE);
    jit_array want = result_of(k, &t, NULL, JIT_OK), x, turned, y;
    cr_assert_eq(jit_array_new(&x, JIT_F32, 2, (int64_t[]){ 48, 64 }, &err), JIT_OK);
    fill(&x);
    cr_assert_eq(jit_array_new(&turned, JIT_F32, 2, (int64_t[]){ 64, 48 }, &err), JIT_OK);
    cr_assert_eq(jit_array_transpose(&turned, &turned, NULL, &err), JIT_OK);
    cr_assert_eq(jit_array_copy(&turned, &x, &err), JIT_OK);
    for (int threads = 1; threads <= 3; threads++) {
        y = (jit_array){ .rank = -1 };
        jit_args args = { .in = &turned, .n_in = 1, .out = &y, .n_out = 1, .threads = threads };
        cr_assert_eq(jit_kernel_shapes(k, &args, &err), JIT_OK);
        cr_expect_eq(y.shape[1], 70);
        size_t bytes;
        y = (jit_array){ .rank = -1 };
        cr_assert_eq(jit_kernel_workspace(k, &args, &bytes, &err), JIT_OK);
        args.workspace = malloc(bytes + 1);
        args.workspace_bytes = bytes;
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_expect(same(&y, &want));
        free(args.workspace);
        jit_array_free(&y);
    }
    jit_array_free(&x);
    jit_array_transpose(&turned, &turned, NULL, &err);
    jit_array_free(&turned);
    jit_array_free(&want);
    jit_kernel_release(k);
    end(&f);
}

Test(constants, elements_are_gathered_from_them)
{
    jit_error err;
    for (int weights = 0; weights < 2; weights++) {
        fixture f = begin(0, "picked", NULL);
        float *w = jit_params_at(f.p, 0)->array.data, y[6];
        for (int i = 0; i < 66; i++)
            w[i] = (float)i;
        jit_prepare_options o = { .size = sizeof o, .params = f.p };
        o.weights = weights ? JIT_BF16 : JIT_NONE;
        jit_kernel *k = jit_prepare(f.m, "picked", NULL, &o, &err);
        cr_assert(k, "%s", err.diagnostic[0].message);
        int32_t i = 7;
        jit_array in = jit_array_of(JIT_I32, &i, 0, NULL);
        jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 6 });
        jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_expect_eq(y[5], 47);
        i = 11;
        cr_expect_eq(jit_run(k, &args, &err), JIT_ERR_INDEX);
        jit_kernel_release(k);
        end(&f);
    }
}

/* -------------------------------------------------------------------------- mistakes */

static void expect_refused(const fixture *f, const char *name, const char *signature,
                           jit_prepare_options o, const char *message)
{
    jit_error err;
    o.size = sizeof o;
    cr_expect_null(jit_prepare(f->m, name, signature, &o, &err));
    cr_expect_str_eq(err.diagnostic[0].message, message);
    cr_expect_null(jit_stage_text(f->m, name, signature, &o, JIT_STAGE_ASM, &err));
    cr_expect_str_eq(err.diagnostic[0].message, message);
}

Test(constants, stores_that_do_not_fit_are_refused)
{
    fixture f = begin(0, "mlp", "f32[4]"), other = begin(0, "table", "f32[2,4]");
    const jit_prepare_options own = { .params = f.p };
    expect_refused(&f, "mlp", "f32[B,5]", own,
                   "axis 0 of parameter 'mlp.h.W' has 4 elements: mlp needs 5");
    expect_refused(&f, "mlp", "f64[B,4]", own,
                   "parameter 'mlp.h.W' of mlp is f64: the store has f32");
    expect_refused(&f, "table", NULL, own,
                   "the parameters have no 'table.W', which table needs");
    expect_refused(&f, "mlp", NULL, (jit_prepare_options){ .params = other.p },
                   "the parameters have no 'mlp.h.W', which mlp needs");
    expect_refused(&f, "mlp", NULL, (jit_prepare_options){ .weights = JIT_BF16 },
                   "jit_prepare_options.weights is bf16, and params is null");
    expect_refused(&f, "mlp", NULL, (jit_prepare_options){ .params = f.p, .weights = JIT_F16 },
                   "jit_prepare_options.weights is f16 (10)");
    expect_refused(&f, "mlp", NULL,
                   (jit_prepare_options){ .params = f.p, .weights = (jit_dtype)99 },
                   "jit_prepare_options.weights is none (99)");
    end(&f);
    end(&other);
}

Test(constants, runs_that_do_not_fit_are_refused)
{
    jit_error err;
    const trial t = { "mlp", NULL, "f32[4]", 1, { 1 }, { { 4 } }, JIT_F32 };
    const trial longer = { "mlp", NULL, NULL, 1, { 1 }, { { 5 } }, JIT_F32 };
    fixture f = begin(0, t.name, t.store);
    jit_kernel *k = prepared(&f, &t, f.p, JIT_NONE);
    (void)result_of(k, &t, f.p, JIT_ERR_ARGUMENT);
    (void)result_of(k, &longer, NULL, JIT_ERR_SHAPE);
    jit_args none = { .n_out = 1, .out = &(jit_array){ .rank = -1 } };
    cr_expect_eq(jit_run(k, &none, &err), JIT_ERR_ARGUMENT);
    cr_expect_str_eq(err.diagnostic[0].message, "mlp has 1 argument: not n_in = 0");
    float x[4] = { 0 }, y[10];
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 4 });
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 10 });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = f.p };
    cr_expect_eq(jit_run(k, &args, &err), JIT_ERR_ARGUMENT);
    cr_expect_eq(err.diagnostic[0].code, 541);
    cr_expect_str_eq(err.diagnostic[0].message,
                     "mlp was prepared with its parameters: jit_args.params has to be null");
    jit_kernel_release(k);
    end(&f);
}

/* A store that nothing needs does no harm, and an older host's struct ends before it. */
Test(constants, functions_without_parameters_and_older_structs)
{
    jit_error err;
    fixture f = begin(0, "mlp", "f32[4]");
    jit_prepare_options o = { .size = sizeof o, .params = f.p, .weights = JIT_BF16 };
    jit_kernel *k = jit_prepare(f.m, "plain", NULL, &o, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    const trial t = { "plain", NULL, NULL, 1, { 1 }, { { 4 } }, JIT_F32 };
    jit_array y = result_of(k, &t, NULL, JIT_OK);
    jit_array_free(&y);
    jit_kernel_release(k);
    o.size = offsetof(jit_prepare_options, params);
    k = jit_prepare(f.m, "mlp", "f32[4]", &o, &err);
    cr_assert(k);
    const trial with = { "mlp", NULL, NULL, 1, { 1 }, { { 4 } }, JIT_F32 };
    y = result_of(k, &with, f.p, JIT_OK);
    jit_array_free(&y);
    jit_kernel_release(k);
    end(&f);
}

/* Every mistake in a call gets its own code and a message with the values; outputs stay as they
 * were. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

static const char program[] = "fn add(x, y) = x + y\n"
                              "fn scale(x; a, n: i32 = 2) = a*x*n\n"
                              "fn typed(x: i32) = x + 1\n"
                              "fn half(x) = x/2\n"
                              "fn two(x) -> (p, q) { p = x  q = -x }\n"
                              "fn app(x; g: fn) = g(x)\n"
                              "fn spin(x) { var y = x  while y == y { y += 1 }  return y }\n";

enum { N = 8 };
static float x[3 * N], y[3 * N], z[3 * N];
static double wide[N];

static jit_array row(float *data, int64_t n)
{
    return jit_array_of(JIT_F32, data, 1, &n);
}

typedef struct fixture {
    jit_array in[3], out[3];
    jit_args args;
    const char *function, *types; /* types: prepared and run by jit_run, else jit_call */
    double uniform[4];
} fixture;

static void usual(fixture *f)
{
    memset(f, 0, sizeof *f);
    f->in[0] = row(x, N);
    f->in[1] = row(y, N);
    f->out[0] = row(z, N);
    f->out[1] = row(z + N, N);
    f->args = (jit_args){ .in = f->in, .n_in = 2, .out = f->out, .n_out = 1 };
    f->function = "add";
}

static void no_name(fixture *f)
{
    f->function = NULL;
}
static void unknown(fixture *f)
{
    f->function = "ad";
}
static void no_in(fixture *f)
{
    f->args.in = NULL;
}
static void no_out(fixture *f)
{
    f->args.out = NULL;
}
static void few(fixture *f)
{
    f->args.n_in = 1;
}
static void many_out(fixture *f)
{
    f->args.n_out = 2;
}
static void negative(fixture *f)
{
    f->args.n_in = -1;
}
static void rank_nine(fixture *f)
{
    f->in[1].rank = 9;
}
static void rank_minus(fixture *f)
{
    f->in[1].rank = -1;
}
static void extent_minus(fixture *f)
{
    f->in[1].shape[0] = -4;
}
static void extent_huge(fixture *f)
{
    int64_t shape[2] = { INT64_MAX / 2, 8 };
    f->in[1] = jit_array_of(JIT_F32, y, 2, shape);
}
static void no_type(fixture *f)
{
    f->in[1].dtype = JIT_NONE;
}
static void bad_type(fixture *f)
{
    f->in[0].dtype = (jit_dtype)77;
}
static void no_data(fixture *f)
{
    f->in[0].data = NULL;
}
static void no_output_data(fixture *f)
{
    f->out[0].data = NULL;
}
static void shapes(fixture *f)
{
    f->in[0].shape[0] = 3;
    f->in[1].shape[0] = 4;
}
static void output_short(fixture *f)
{
    f->out[0].shape[0] = N - 1;
}
static void output_rank(fixture *f)
{
    f->out[0].rank = 0;
}
static void outputs_differ(fixture *f)
{
    f->function = "two";
    f->args.n_in = 1;
    f->args.n_out = 2;
    f->in[0].rank = 0;
    f->out[1].shape[0] = N - 2;
}
static void output_stretched(fixture *f) /* its 1 to 8, though it has an axis more */
{
    f->out[0] = jit_array_of(JIT_F32, z, 2, (int64_t[]){ 2, 1 });
}
static void output_still(fixture *f)
{
    f->out[0].stride[0] = 0;
}
static void output_dense(fixture *f)
{
    f->out[0].stride[0] = 2;
}
static void overlap(fixture *f)
{
    f->in[0] = row(x, N);
    f->out[0] = row(x + 1, N);
}
static void overlap_step(fixture *f)
{
    f->in[0] = row(x, N);
    f->out[0] = row(x, N);
    f->out[0].stride[0] = 8;
}
static void overlap_scalar(fixture *f)
{
    f->in[1] = jit_array_of(JIT_F32, z + 3, 0, NULL);
}
static void outputs_same(fixture *f)
{
    f->function = "two";
    f->args.n_in = 1;
    f->args.n_out = 2;
    f->out[1] = f->out[0];
}
static void safe_cast(fixture *f)
{
    f->function = "typed";
    f->args.n_in = 1;
}
static void same_kind(fixture *f)
{
    f->function = "half";
    f->args.n_in = 1;
    f->out[0].dtype = JIT_I32;
}
static void no_uniform(fixture *f)
{
    f->function = "scale";
    f->args.n_in = 1;
}
static void many_uniforms(fixture *f)
{
    no_uniform(f);
    f->args.uniform = f->uniform;
    f->args.n_uniform = 3;
}
static void null_uniforms(fixture *f)
{
    no_uniform(f);
    f->args.n_uniform = 1;
}
static void fraction(fixture *f)
{
    no_uniform(f);
    f->uniform[1] = 2.5;
    f->args.uniform = f->uniform;
    f->args.n_uniform = 2;
}
static void not_a_number(fixture *f)
{
    fraction(f);
    f->uniform[1] = NAN;
}
static void too_big(fixture *f)
{
    fraction(f);
    f->uniform[1] = 3e9;
}
static void no_static(fixture *f)
{
    f->function = "app";
    f->args.n_in = 1;
}
static void prepared_type(fixture *f)
{
    f->types = "f32, f32";
    f->in[1] = jit_array_of(JIT_F64, wide, 1, (int64_t[]){ N });
}
static void threads(fixture *f)
{
    f->types = "f32, f32";
    f->args.threads = -2;
    f->out[0].stride[0] = 2;
}
static void span(fixture *f)
{
    f->in[1].stride[0] = INT64_MAX / 4;
}
static void fuel(fixture *f)
{
    f->function = "spin";
    f->args.n_in = 1;
    f->args.fuel = 1000;
}
static void cancelled(fixture *f)
{
    static const volatile int32_t yes = 1;
    f->function = "spin";
    f->args.n_in = 1;
    f->args.cancel = &yes;
}

typedef struct mistake {
    void (*change)(fixture *f);
    jit_status status;
    int code;
    const char *says;
} mistake;

static const mistake mistakes[] = {
    { no_name, JIT_ERR_ARGUMENT, 500, "name is null" },
    { unknown, JIT_ERR_ARGUMENT, 502, "'ad'" },
    { no_in, JIT_ERR_ARGUMENT, 500, "in is null" },
    { no_out, JIT_ERR_ARGUMENT, 500, "out is null" },
    { few, JIT_ERR_ARGUMENT, 503, "add has 2 arguments, not 1" },
    { many_out, JIT_ERR_ARGUMENT, 503, "add has 1 result, not 2" },
    { negative, JIT_ERR_ARGUMENT, 503, "-1" },
    { rank_nine, JIT_ERR_SHAPE, 504, "argument 'y' of add: rank 9" },
    { rank_minus, JIT_ERR_SHAPE, 504, "rank -1" },
    { extent_minus, JIT_ERR_SHAPE, 505, "[-4]" },
    { extent_huge, JIT_ERR_SHAPE, 505, "[4611686018427387903,8]" },
    { no_type, JIT_ERR_TYPE, 506, "no element type" },
    { bad_type, JIT_ERR_TYPE, 506, "77" },
    { no_data, JIT_ERR_ARGUMENT, 500, "argument 'x' of add has no data" },
    { no_output_data, JIT_ERR_ARGUMENT, 500, "the result of add has no data" },
    { shapes, JIT_ERR_SHAPE, 507, "cannot broadcast [3] with [4]: argument 'y' of add" },
    { output_short, JIT_ERR_SHAPE, 508, "has the shape [7], not [8]" },
    { output_rank, JIT_ERR_SHAPE, 508, "has the shape [], not [8]" },
    { outputs_differ, JIT_ERR_SHAPE, 508, "result 'q' of two has the shape [6], not [8]" },
    { output_stretched, JIT_ERR_SHAPE, 508, "has the shape [2,1], not [8]" },
    { output_still, JIT_ERR_SHAPE, 509, "elements of the result of add overlap" },
    { output_dense, JIT_ERR_SHAPE, 509, "overlap each other" },
    { overlap, JIT_ERR_OVERLAP, 512, "argument 'x' of add in part" },
    { overlap_step, JIT_ERR_OVERLAP, 512, "in part" },
    { overlap_scalar, JIT_ERR_OVERLAP, 512, "argument 'y'" },
    { outputs_same, JIT_ERR_OVERLAP, 513, "result 'q' of two overlaps result 'p' of two" },
    { safe_cast, JIT_ERR_TYPE, 510, "argument 'x' of typed is i32: f32" },
    { same_kind, JIT_ERR_TYPE, 511, "is f32: it cannot be stored as i32" },
    { no_uniform, JIT_ERR_ARGUMENT, 516, "uniform 'a' of scale" },
    { many_uniforms, JIT_ERR_ARGUMENT, 515, "takes 2 uniform values, not 3" },
    { null_uniforms, JIT_ERR_ARGUMENT, 500, "uniform is null" },
    { fraction, JIT_ERR_ARGUMENT, 517, "uniform 'n' of scale is i32: 2.5" },
    { not_a_number, JIT_ERR_ARGUMENT, 517, "nan" },
    { too_big, JIT_ERR_ARGUMENT, 517, "3000000000" },
    { no_static, JIT_ERR_ARGUMENT, 520, "fn argument 'g' of app has no value" },
    { prepared_type, JIT_ERR_TYPE, 519, "argument 'y' of add was prepared for f32, not f64" },
    { threads, JIT_ERR_ARGUMENT, 531, "threads is -2" },
    { span, JIT_ERR_SHAPE, 528, "address space" },
    { fuel, JIT_ERR_FUEL, 700, "spin ran out of fuel" },
    { cancelled, JIT_ERR_CANCELLED, 701, "spin was cancelled" },
};

static jit_status attempt(jit_module *m, fixture *f, jit_error *err)
{
    if (!f->types)
        return jit_call(m, f->function, &f->args, err);
    jit_kernel *k = jit_prepare(m, f->function, f->types, NULL, err);
    cr_assert(k);
    jit_status status = jit_run(k, &f->args, err);
    jit_kernel_release(k);
    return status;
}

static void try_mistake(jit_module *m, const mistake *w, int i)
{
    fixture f;
    jit_error err;
    usual(&f);
    w->change(&f);
    for (int n = 0; n < 3 * N; n++)
        x[n] = y[n] = z[n] = (float)n;
    jit_status status = attempt(m, &f, &err);
    cr_assert_eq(status, w->status, "mistake %d: status %d: %s", i, (int)status,
                 err.diagnostic[0].message);
    cr_assert_eq(err.status, status);
    cr_assert_eq(err.diagnostic[0].code, w->code, "mistake %d: E%04d %s", i,
                 (int)err.diagnostic[0].code, err.diagnostic[0].message);
    cr_assert(strstr(err.diagnostic[0].message, w->says), "mistake %d: '%s' has no '%s'", i,
              err.diagnostic[0].message, w->says);
    cr_assert_eq(attempt(m, &f, NULL), w->status);
    for (int n = 0; n < 3 * N && w->code < 700; n++)
        cr_assert_eq(z[n], (float)n, "mistake %d wrote an output", i);
}

static void try_all(int interpret)
{
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_module *m = jit_compile(program, &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        try_mistake(m, &mistakes[i], (int)i);
    jit_release(m);
}

Test(errors, each_mistake_in_a_call_has_its_code)
{
    try_all(1);
    if (!getenv("NOC"))
        try_all(0);
}

static void expect(const jit_error *err, int code)
{
    cr_assert_eq(err->diagnostic[0].code, code, "E%04d %s, expected E%04d",
                 (int)err->diagnostic[0].code, err->diagnostic[0].message, code);
    cr_assert_neq(err->status, JIT_OK);
    cr_assert(jit_error_explain(code));
}

Test(errors, each_mistake_before_a_call_has_its_code)
{
    jit_error err;
    cr_assert_null(jit_compile(NULL, NULL, &err));
    expect(&err, 500);
    cr_assert_null(jit_compile_file(NULL, NULL, &err));
    expect(&err, 500);
    cr_assert_null(jit_compile_expression(NULL, NULL, NULL, &err));
    expect(&err, 500);
    jit_options none = { 0 };
    cr_assert_null(jit_compile("fn f(x) = x", &none, &err));
    expect(&err, 501);
    jit_options odd = { .size = sizeof odd, .interpret = 9 };
    cr_assert_null(jit_compile("fn f(x) = x", &odd, &err));
    expect(&err, 531);
    jit_context_options limits = { .size = sizeof limits, .limits = { .nodes = -1 } };
    cr_assert_null(jit_context_new(&limits, &err));
    expect(&err, 531);
    jit_array a;
    cr_assert_eq(jit_array_new(&a, JIT_F32, 9, NULL, &err), JIT_ERR_SHAPE);
    expect(&err, 504);
    cr_assert_eq(jit_array_new(&a, JIT_NONE, 0, NULL, &err), JIT_ERR_TYPE);
    expect(&err, 506);
    cr_assert_eq(jit_array_new(&a, JIT_F64, 1, (int64_t[]){ INT64_MAX }, &err), JIT_ERR_SHAPE);
    expect(&err, 505);
    cr_assert_eq(jit_array_new(&a, JIT_F64, 1, (int64_t[]){ (int64_t)1 << 58 }, &err),
                 JIT_ERR_MEMORY);
    expect(&err, 800);
    cr_assert_eq(jit_run(NULL, NULL, &err), JIT_ERR_ARGUMENT);
    expect(&err, 500);
}

typedef struct bad_signature {
    const char *types;
    int code, column;
} bad_signature;

Test(errors, each_mistake_in_a_signature_points_at_it)
{
    static const bad_signature table[] = {
        { "float32, f32", 518, 1 },
        { "f32 f32", 518, 5 },
        { "f32, ", 518, 6 },
        { "f32, f32 -> ", 518, 12 },
        { "f32[n, f32", 518, 4 },
        { "(f32, f32 -> f32", 518, 1 },
        { "f32, f32 -> f32 x", 518, 17 },
        { "f32", 503, 0 },
        { "f32, f32 -> f32, f32", 503, 0 },
        { "f32, f32 -> i8", 511, 0 },
        { "f32[3x], f32", 518, 5 },
        { "f32[99999999999999999999], f32", 518, 5 },
        { "f32[], f32", 518, 5 },
        { "f32[1,2,3,4,5,6,7,8,9], f32", 518, 21 },
        { "f32[n m], f32", 518, 4 },
    };
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    cr_assert(m);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cr_assert_null(jit_prepare(m, "add", table[i].types, NULL, &err));
        expect(&err, table[i].code);
        cr_assert_eq(err.diagnostic[0].column, table[i].column, "'%s': column %d",
                     table[i].types, (int)err.diagnostic[0].column);
    }
    char *endless = calloc(1, 1 << 20);
    cr_assert(endless);
    memset(endless, ' ', (1 << 20) - 1);
    cr_assert_null(jit_prepare(m, "add", endless, NULL, &err));
    expect(&err, 518);
    free(endless);
    jit_prepare_options o = { .size = sizeof o, .entries = 64 };
    cr_assert_null(jit_prepare(m, "add", NULL, &o, &err));
    expect(&err, 531);
    jit_static s = { "g", NULL, 4 };
    o = (jit_prepare_options){ .size = sizeof o, .statics = &s, .n_statics = 1 };
    cr_assert_null(jit_prepare(m, "app", NULL, &o, &err));
    expect(&err, 520);
    s = (jit_static){ "h", "exp", 0 };
    cr_assert_null(jit_prepare(m, "app", NULL, &o, &err));
    expect(&err, 520);
    cr_assert_null(jit_stage_text(m, "add", NULL, NULL, (jit_stage)99, &err));
    expect(&err, 527);
    jit_kernel *k = jit_prepare(m, "add", NULL, NULL, &err);
    cr_assert(k);
    cr_assert_null(jit_kernel_loop(k, &err));
    expect(&err, 523);
    cr_assert_null(jit_kernel_scalar(k, &err));
    expect(&err, 523);
    jit_kernel_release(k);
    jit_release(m);
}

/* Array functions at the edge of what is sensible: they compile in bounded time and memory, or a
 * diagnostic says which limit they meet. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

typedef struct text {
    char *at;
    size_t used, room;
} text;

static void add(text *t, const char *format, int i)
{
    if (t->room - t->used < 256) {
        t->room = 2 * t->room + 1024;
        t->at = realloc(t->at, t->room);
        cr_assert(t->at);
    }
    t->used += (size_t)snprintf(t->at + t->used, 256, format, i, i, i, i, i);
}

static void add_each(text *t, const char *format, int n)
{
    for (int i = 0; i < n; i++)
        add(t, format, i);
}

/* The machine code in bytes; 0 and *err if there is none. Frees the text. */
static int64_t code_of(text *t, jit_error *err)
{
    jit_module *m = jit_compile(t->at, NULL, err);
    jit_kernel *k = m ? jit_prepare(m, "f", NULL, NULL, err) : NULL;
    jit_kernel_info info = { .code_bytes = 0 };
    (void)jit_kernel_describe(k, &info);
    jit_kernel_release(k);
    jit_release(m);
    free(t->at);
    return info.code_bytes;
}

/* Sums in sums: the code of each is there once. It was there twice in each that holds it. */
Test(array_limits, sums_nested_deep)
{
    text t = { NULL, 0, 0 };
    jit_error err;
    add(&t, "fn f(x: [n]) = ", 0);
    add_each(&t, "sum[q%d_](x[q%d_]*", 24);
    add(&t, "1", 0);
    add_each(&t, "*x[q%d_]", 24);
    add_each(&t, ")", 24);
    int64_t bytes = code_of(&t, &err);
    cr_assert(bytes > 0 && bytes < 100000, "%lld bytes: %s", (long long)bytes,
              err.diagnostic[0].message);
}

/* Where an array lies is no sum of all sizes before it, to the code generator. */
Test(array_limits, arrays_of_many_sizes)
{
    text t = { NULL, 0, 0 };
    jit_error err;
    add(&t, "fn f(x: [n]) {\n", 0);
    add_each(&t, "var t%d: [n+%d] = %d  for i in 0 .. n { t%d[i] = x[i] + t%d[n-1-i] }\n", 40);
    add(&t, "return 0", 0);
    add_each(&t, "+ sum(t%d)", 40);
    add(&t, "}", 0);
    int64_t bytes = code_of(&t, &err);
    cr_assert(bytes > 0, "%s", err.diagnostic[0].message);
}

static void expect(text *t, int code)
{
    jit_error err;
    cr_assert_eq(code_of(t, &err), 0);
    cr_expect_eq(err.diagnostic[0].code, code, "E%04d, not E%04d: %s",
                 (int)err.diagnostic[0].code, code, err.diagnostic[0].message);
}

Test(array_limits, are_told)
{
    text dims = { NULL, 0, 0 }, checks = dims, ranks = dims, arrays = dims;
    text instructions = dims, nests = dims;
    add(&dims, "fn f(y", 0);
    add_each(&dims, ", a%d: [n%d,m%d,k%d]", 30);
    add(&dims, ") = a0[0,0,0]", 0);
    expect(&dims, 535);
    add(&checks, "fn f(x: [n]) = 0", 0);
    add_each(&checks, "+ x[%d]", 600);
    expect(&checks, 535);
    add(&ranks, "fn f(x: [n,n,n,n,n,n,n,n,n]) = 0", 0);
    expect(&ranks, 216);
    add(&arrays, "fn f(x: [n]) -> [n] {\n", 0);
    add_each(&arrays, "var t%d: [n] = %d\n", 2000);
    add(&arrays, "for i in 0 .. n {\n", 0);
    add_each(&arrays, "t%d[i] = x[i]\n", 2000);
    add(&arrays, "}\nreturn x", 0);
    add_each(&arrays, "+t%d", 2000);
    add(&arrays, "}", 0);
    expect(&arrays, 420);
    add(&instructions, "fn f(x: [n]) -> y: [n] { y[i] = 0", 0);
    add_each(&instructions, "+ sum[j](x[j]*%d)", 4096);
    add(&instructions, "}", 0);
    expect(&instructions, 420);
    add(&nests, "fn f(x: [n]) {\n", 0);
    add_each(&nests, "var t%d: [n+%d] = %d  for i in 0 .. n { t%d[i] = x[i] + t%d[n-1-i] }\n",
             300);
    add(&nests, "return 0", 0);
    add_each(&nests, "+ sum(t%d)", 300);
    add(&nests, "}", 0);
    expect(&nests, 420);
}

/* -------------------------------------------------------------------------- sizes at a call */

static jit_status call(const char *program, int interpret, jit_array *in, jit_error *err)
{
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_module *m = jit_compile(program, &o, err);
    cr_assert(m, "%s", err->diagnostic[0].message);
    jit_array out = { .rank = -1 };
    jit_args args = { .in = in, .n_in = 1, .out = &out, .n_out = 1, .fuel = 1000 };
    jit_status status = jit_call(m, "f", &args, err);
    jit_array_free(&out);
    jit_release(m);
    return status;
}

Test(array_limits, sizes_that_no_memory_holds)
{
    static const struct {
        const char *program;
        jit_status status;
    } rows[] = {
        { "fn f(x) -> y: [4611686018427387904] { y[i] = x }", JIT_ERR_SHAPE },
        { "fn f(x) -> y: [4000000000,4000000000] { y[i,j] = x }", JIT_ERR_SHAPE },
        { "fn f(x) { var t: [4611686018427387904,8] = x  t[3,2] = 1  return t[5,3] }",
          JIT_ERR_MEMORY },
        { "fn f(x; n: i64 = 4000000000) { var t: [n,n,n] = x  t[n-1,0,1] = 2  "
          "for i in 0 .. 3 { t[i,i,i] = x } return t[5,3,1] }",
          JIT_ERR_MEMORY },
        { "fn f(x: [n]) -> y: [n*4611686018427387904] { y[i] = x[0] }", JIT_ERR_SHAPE },
    };
    float two[2] = { 1, 2 };
    jit_error err;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int interpret = 0; interpret < 2; interpret++) {
            bool array = strstr(rows[i].program, "x: [n]") != NULL;
            jit_array in = jit_array_of(JIT_F32, two, array, (int64_t[]){ 2 });
            jit_status s = call(rows[i].program, interpret, &in, &err);
            cr_expect_eq(s, rows[i].status, "%s: %d, not %d: %s", rows[i].program, (int)s,
                         (int)rows[i].status, s ? err.diagnostic[0].message : "");
        }
}

/* An input of stride 0 may have any extent that fits 63 bits. */
Test(array_limits, an_input_that_is_one_element_stretched_far)
{
    float x = 1;
    jit_error err;
    jit_array in = jit_array_of(JIT_F32, &x, 2, (int64_t[]){ (int64_t)1 << 40, 3 });
    in.stride[0] = in.stride[1] = 0;
    for (int interpret = 0; interpret < 2; interpret++) {
        jit_status s = call("fn f(x: [n,m]) = x[n-1,m-1] + x[0,0]", interpret, &in, &err);
        cr_expect(s == JIT_OK || s == JIT_ERR_MEMORY, "%d: %s", (int)s,
                  err.diagnostic[0].message);
    }
    in.shape[0] = INT64_MAX / 4;
    jit_status s = call("fn f(x: [n,m]) = x[n-1,m-1]", 0, &in, &err);
    cr_expect(s == JIT_ERR_SHAPE || s == JIT_ERR_MEMORY, "%d", (int)s);
}

/* A division by zero is 0 in a subscript too, and no extent that is too large. */
Test(array_limits, subscripts_divided_by_zero)
{
    static const char program[] =
        "fn f(x: [n]; d: i64 = 0) -> y: [n] { y[i] = x[i // d] + x[5 % d] }";
    float x[3] = { 1, 2, 3 };
    jit_error err;
    for (int interpret = 0; interpret < 2; interpret++) {
        jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 });
        cr_expect_eq(call(program, interpret, &in, &err), JIT_OK, "%s",
                     err.diagnostic[0].message);
    }
}

/* What is the same along an axis of no elements is not read, though it is computed before. */
Test(array_limits, the_first_of_no_elements)
{
    static const char *const programs[] = {
        "fn f(x: [n]) = 2 + sum[i](x[i]*(x[0] + 1))",
        "fn f(x: [n]) { var t: [n] = 0  t[i] = x[0] - x[n-1]  return 2 + sum[i](t[i]*x[i]) }",
    };
    jit_error err;
    jit_array in = jit_array_of(JIT_F32, NULL, 1, (int64_t[]){ 0 });
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        for (int interpret = 0; interpret < 2; interpret++)
            cr_expect_eq(call(programs[i], interpret, &in, &err), JIT_OK, "%s: %s", programs[i],
                         err.diagnostic[0].message);
}

/* All arguments unused: one sample, whose rows are short; this crashed the code generator. */
Test(array_limits, results_that_depend_on_no_argument)
{
    static const char program[] =
        "fn f(x: [n]) -> y: [n,n] { y = ((layer_norm(y) > y*y + y*y ? "
        "log_softmax(y)*(y @ y) : y @ y + layer_norm(y)) + (y @ y)) }";
    float x[3] = { 1, 2, 3 };
    jit_error err;
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 });
    for (int interpret = 0; interpret < 2; interpret++)
        cr_expect_eq(call(program, interpret, &in, &err), JIT_OK, "%s",
                     err.diagnostic[0].message);
}

/* `//` by zero in a subscript that is only checked, since nobody needs its element, sets no flag; nor
 * does it in the interpreter. */
Test(array_limits, what_only_checks_need_sets_no_flags)
{
    static const char *const texts[] = {
        "fn f(x: [n]) -> y: [n] { let t = x[n // 0]  y[i] = x[i] }",
        "fn f(x: [n]) -> y: [n] { let t[j] = x[n // 0] + x[j]  y[i] = x[i] }",
        "fn f(x: [n]) -> y: [n] { let z = n // 0  let t = x[z]  y[i] = x[i] + z }",
    };
    static const uint32_t flags[] = { 0, 0, JIT_FLAG_INT_DIVIDE };
    for (int row = 0; row < 6; row++) {
        float x[3] = { 1, 2, 3 }, y[3];
        jit_error err;
        jit_options o = { .size = sizeof o, .interpret = row % 2 };
        jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 });
        jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 3 });
        jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
        jit_module *m = jit_compile(texts[row / 2], &o, &err);
        cr_assert(m, "%s: %s", texts[row / 2], err.diagnostic[0].message);
        cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_expect_eq(args.flags, flags[row / 2], "row %d: flags %u", row, args.flags);
        jit_release(m);
    }
}

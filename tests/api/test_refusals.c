/* What is refused before anything runs: program files, kernels, raw entries, arrays. And what a
 * kernel of each kind says about itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fusejit.h>

static void expect(const jit_error *err, int code, const char *says)
{
    cr_assert_neq(err->status, JIT_OK);
    cr_assert_eq(err->diagnostic[0].code, code, "E%04d %s, expected E%04d",
                 (int)err->diagnostic[0].code, err->diagnostic[0].message, code);
    cr_assert(strstr(err->diagnostic[0].message, says), "'%s' has no '%s'",
              err->diagnostic[0].message, says);
}

static jit_module *compile(const char *text, int interpret)
{
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_module *m = jit_compile(text, &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    return m;
}

/* ---------------------------------------------------------------- program files */

/* The host's allocator, told of sizes: they must match. */
static void *resize(void *user, void *ptr, size_t old, size_t size)
{
    int64_t *bytes = user;
    *bytes += (int64_t)size - (int64_t)old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

typedef struct file_row {
    const char *text;
    size_t length;
    int code;
    const char *says;
} file_row;

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f);
    cr_assert_eq(fwrite(text, 1, length, f), length);
    fclose(f);
}

static void read_row(const file_row *row, const char *path, jit_context *c)
{
    jit_error err;
    jit_function_info f;
    jit_options o = { .size = sizeof o, .context = c };
    write_file(path, row->text, row->length);
    jit_module *m = jit_compile_file(path, &o, &err);
    cr_assert_eq(m != NULL, row->code == 0, "'%s': %s", row->text, err.diagnostic[0].message);
    if (!m)
        expect(&err, row->code, row->says);
    if (row->code > 0 && row->code < 400)
        cr_assert_str_eq(err.file, path); /* places are in the file */
    if (m)
        cr_assert_eq(jit_function_find(m, "f", &f, NULL), JIT_OK);
    jit_release(m);
}

Test(refusals, program_files_are_text_within_the_limit)
{
    static const file_row table[] = {
        { "fn f(x) = x", 11, 0, NULL },
        { "fn f(x) = x\n# the end\n", 22, 0, NULL },
        { "fn f(x) = x +", 13, 16, "" },
        { "fn f(x) = x\0", 12, 2, "control character U+0000" },
        { "fn f(x) = x + 1 - 1 + 1 - 1 + 1 - 1", 35, 401, "" },
    };
    int64_t bytes = 0;
    char path[] = "/tmp/fusejit-program-XXXXXX";
    close(mkstemp(path));
    jit_context_options co = { .size = sizeof co,
                               .allocator = { resize, &bytes },
                               .limits = { .text_bytes = 32 } };
    jit_context *c = jit_context_new(&co, NULL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        read_row(&table[i], path, c);
    unlink(path);
    jit_error err;
    jit_options o = { .size = sizeof o, .context = c };
    cr_assert_null(jit_compile_file(path, &o, &err));
    cr_assert_eq(err.status, JIT_ERR_FILE);
    cr_assert_null(jit_compile_file("/tmp", &o, &err));
    cr_assert_eq(err.status, JIT_ERR_FILE);
    o.n_arguments = -1;
    cr_assert_null(jit_compile("fn f(x) = x", &o, &err));
    expect(&err, 531, "n_arguments is -1");
    jit_context_free(c);
    cr_assert_eq(bytes, 0, "%lld bytes miscounted", (long long)bytes);
}

/* ---------------------------------------------------------------- kernels */

static void add_names(char *text, size_t size, const char *prefix, int n)
{
    for (int i = 0; i < n; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, size - used, "%s%s%d", i ? ", " : "", prefix, i);
    }
}

Test(refusals, functions_of_too_many_operands_are_not_called_from_c)
{
    char text[1024] = "fn many(", types[256] = "";
    jit_error err;
    add_names(text, sizeof text, "x", JIT_MAX_OPERANDS + 1);
    strcat(text, ") = x0 + x32\nfn results(x) = (");
    for (int i = 0; i <= JIT_MAX_OPERANDS; i++)
        strcat(text, i ? ", x" : "x");
    strcat(text, ")\nfn f(x) = x");
    for (int i = 0; i <= JIT_MAX_OPERANDS; i++)
        strcat(types, i ? ",i8" : "i8");
    jit_module *m = compile(text, 0);
    cr_assert_null(jit_prepare(m, "many", NULL, NULL, &err));
    expect(&err, 521, "has 33 arguments, 0 uniforms");
    cr_assert_null(jit_prepare(m, "results", NULL, NULL, &err));
    expect(&err, 521, "has 33 results");
    cr_assert_null(jit_prepare(m, "f", types, NULL, &err));
    expect(&err, 521, "at most 32 types");
    cr_assert_null(jit_prepare(NULL, "f", NULL, NULL, &err));
    expect(&err, 500, "the module is null");
    cr_assert_null(jit_prepare(m, NULL, NULL, NULL, &err));
    expect(&err, 500, "the name is null");
    jit_prepare_options o = { .size = sizeof o, .n_statics = -1 };
    cr_assert_null(jit_prepare(m, "f", NULL, &o, &err));
    expect(&err, 531, "n_statics is -1");
    jit_release(m);
}

/* What tells kernels apart may be longer than what fits a buffer on the stack. */
Test(refusals, kernels_with_long_names_are_told_apart)
{
    char text[2048], name[256];
    memset(name, 'g', 250);
    name[250] = 0;
    (void)snprintf(text, sizeof text,
                   "fn %s0(x) = x + 1\nfn %s1(x) = x + 2\n"
                   "fn app(x; a%s: fn, b%s: fn) = a%s(b%s(x))\n",
                   name, name, name, name, name, name);
    jit_module *m = compile(text, 1);
    char one[260], two[260], a[260], b[260];
    (void)snprintf(one, sizeof one, "%s0", name);
    (void)snprintf(two, sizeof two, "%s1", name);
    (void)snprintf(a, sizeof a, "a%s", name);
    (void)snprintf(b, sizeof b, "b%s", name);
    for (int i = 0; i < 2; i++) {
        jit_error err;
        jit_static s[2] = { { a, one, 0 }, { b, i ? two : one, 0 } };
        jit_prepare_options o = { .size = sizeof o, .statics = s, .n_statics = 2 };
        jit_kernel *k = jit_prepare(m, "app", "f64", &o, &err);
        cr_assert(k, "%s", err.diagnostic[0].message);
        double x = 1, y = 0;
        jit_array in = jit_array_of(JIT_F64, &x, 0, NULL);
        jit_array out = jit_array_of(JIT_F64, &y, 0, NULL);
        jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
        cr_assert_eq(jit_run(k, &args, NULL), JIT_OK);
        cr_assert_eq(y, i ? 4 : 3);
        jit_kernel_release(k);
    }
    jit_release(m);
}

Test(refusals, raw_entries_that_do_not_exist_say_why)
{
    static const char text[] = "fn f(x) = x + 1\nfn g(x; a) = x + a\nfn h(x: i32) = x\n";
    jit_prepare_options o = { .size = sizeof o, .entries = JIT_ENTRY_LOOP | JIT_ENTRY_SCALAR };
    jit_error err;
    cr_assert_null(jit_kernel_loop(NULL, &err));
    expect(&err, 500, "the kernel is null");
    cr_assert_null(jit_kernel_scalar(NULL, &err));
    expect(&err, 500, "the kernel is null");
    cr_assert_eq(jit_kernel_describe(NULL, NULL), JIT_ERR_ARGUMENT);
    for (int interpret = 0; interpret < 2; interpret++) {
        jit_module *m = compile(text, interpret);
        jit_kernel *f = jit_prepare(m, "f", "f32", interpret ? &o : NULL, NULL);
        jit_kernel *g = jit_prepare(m, "g", "f32", &o, NULL);
        jit_kernel *h = jit_prepare(m, "h", NULL, &o, NULL);
        cr_assert(f && g && h);
        cr_assert_null(jit_kernel_loop(f, &err));
        expect(&err, 523, "f was made without a loop entry");
        cr_assert_eq(strstr(err.diagnostic[0].hint, "interpreter") != NULL, interpret);
        cr_assert_null(jit_kernel_loop(g, &err));
        expect(&err, 523, "g was made without a loop entry");
        cr_assert(strstr(err.diagnostic[0].hint, interpret ? "interpreter" : "defaults"));
        cr_assert_null(jit_kernel_scalar(h, &err)); /* of no float type */
        expect(&err, 523, "h was made without a scalar entry");
        cr_assert_eq(jit_kernel_loop(h, &err) != NULL, !interpret);
        jit_kernel_release(f);
        jit_kernel_release(g);
        jit_kernel_release(h);
        jit_release(m);
    }
}

/* ---------------------------------------------------------------- arrays */

Test(refusals, arrays_that_cannot_be)
{
    jit_error err;
    float data[4] = { 0 };
    jit_array a = jit_array_of(JIT_F32, data, 2, NULL); /* reported by who receives it */
    cr_assert_gt(a.rank, JIT_MAX_RANK);
    cr_assert_eq(jit_array_count(&a), 0);
    cr_assert_eq(jit_array_count(NULL), 0);
    a = jit_array_of(JIT_F32, data, 2, (int64_t[]){ INT64_MAX, 2 });
    cr_assert_eq(jit_array_count(&a), 0);
    a = jit_array_of(JIT_F32, data, 2, (int64_t[]){ 0, INT64_MAX });
    cr_assert_eq(jit_array_count(&a), 0);
    cr_assert_eq(jit_array_new(NULL, JIT_F32, 0, NULL, &err), JIT_ERR_ARGUMENT);
    expect(&err, 500, "needs an array");
    cr_assert_eq(jit_array_new(&a, JIT_F32, 2, NULL, &err), JIT_ERR_SHAPE);
    expect(&err, 504, "rank 2");
    cr_assert_eq(jit_array_new(&a, (jit_dtype)77, 0, NULL, &err), JIT_ERR_TYPE);
    expect(&err, 506, "77 is no element type");
    cr_assert_eq(jit_array_new(&a, JIT_F32, 1, (int64_t[]){ -1 }, &err), JIT_ERR_SHAPE);
    expect(&err, 505, "[-1]");
    cr_assert(!a.data && a.rank == 0); /* what failed is nothing, and may be freed */
    jit_array_free(&a);
    jit_array_free(NULL);
    cr_assert_eq(jit_array_new(&a, JIT_F64, 2, (int64_t[]){ 3, 0 }, &err), JIT_OK);
    cr_assert_eq(jit_array_count(&a), 0);
    jit_array_free(&a);
}

/* ---------------------------------------------------------------- what there is */

typedef struct explained {
    const char *text;
    int interpret;
    const char *says, *says_not;
} explained;

Test(refusals, explain_tells_what_is_special)
{
    static const explained table[] = {
        { "fn f(x) = x*0.5", 0, "hardware operations only", "@ftz" },
        { "fn f(x) @ftz = x*0.5", 0, "subnormals are flushed (@ftz)", "IEEE" },
        { "fn f(x) = x + rand()", 0, "uses the element's position", "fuel" },
        { "fn f(x) { var y = x  while y < 9 { y += 1 }  return y }", 0, "fuel 2147483648",
          "position" },
        { "fn f(x) = x + 1", 1, "the reference interpreter", "vectors" },
        { "fn f(x) = tanh(x)", 0, "tanh x 1, inline, tanh_f32: within 1 ulp", "exact" },
        { "fn f(x) @ulp(0.5) = exp(x) + exp(2*x)", 0,
          "exp x 2, inline, exp_f32_exact: correctly rounded", "@portable" },
        { "fn g(x) @ulp(0.5) = exp(x)  fn f(x) = exp(x) + g(x)", 0,
          "exp x 1, inline, exp_f32: ", "exp x 2" },
        { "fn f(x) @ulp(4) = tan(f64(x))", 0, "tan x 1, inline, tan_f64_fast: within 4 ulp",
          "correctly" },
        { "fn f(x) @ulp(4) = tanh(x)", 0, "tanh x 1, inline, tanh_f32_fast: within 4 ulp",
          "exact" },
        { "fn f(x) @fast = sinh(f64(x))", 0, "sinh_f64_fast", "exact" },
        { "fn f(x) @fast = tan(f64(x))", 0, "tan_f64_fast", "correctly" },
        { "fn f(x) @ulp(3) = tan(f64(x))", 0, "tan x 1, inline, tan_f64: within 1 ulp",
          "fast" },
        { "fn f(x) = gelu(x)", 0, "gelu x 1, inline, normal_part_f32: within 2 ulp", "best" },
        { "fn f(x) @ulp(1) = silu(x)", 0,
          "sigmoid x 1, inline, logistic_f32: within 2 ulp, the best there is", "exact" },
        { "fn f(x) @abs(1e-6) = gelu(x)", 0,
          "a function of one value by 8 polynomials of degree 8: within what @abs", "inline" },
        { "fn f(x) @abs(1e-7) = gelu(x)", 0,
          "gelu x 1, inline, normal_part_f32_rough: within 1 ulp or 1e-07", "best" },
        { "fn f(x) @portable = x % 3", 0, "the same bits on every machine (@portable)", "ulp" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const explained *e = &table[i];
        jit_error err;
        jit_module *m = compile(e->text, e->interpret);
        char *text = jit_stage_text(m, "f", "f32", NULL, JIT_STAGE_EXPLAIN, &err);
        cr_assert(text, "%s", err.diagnostic[0].message);
        cr_assert(strstr(text, e->says) && !strstr(text, e->says_not), "%s", text);
        jit_text_free(text);
        jit_release(m);
    }
}

Test(refusals, results_are_counted_wherever_they_are_returned)
{
    static const char text[] =
        "fn a(x) { if x > 0 { return (x, x, x) }  return (x, x, -x) }\n"
        "fn b(x) { while true { return (x, x) }  return (x, x) }\n"
        "fn c(x) { for i in 0 .. 3 { let y = x  return (y, i) }  return (x, 1) }\n"
        "fn d(x) { if x > 0 { let y = x } else { return (x, x) }  return (x, -x) }\n"
        "fn e(x) -> (p, q, r, s) { p = x  q = x  r = -x  s = x }\n";
    static const int want[] = { 3, 2, 2, 2, 4 };
    jit_error err;
    jit_function_info f;
    jit_module *m = jit_compile(text, NULL, &err);
    cr_assert(m, "%d: %s", (int)err.diagnostic[0].line, err.diagnostic[0].message);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(jit_function_at(m, i, &f), JIT_OK);
        cr_assert_eq(f.n_out, want[i], "%s: %d", f.name, (int)f.n_out);
    }
    cr_assert_eq(jit_function_find(NULL, "a", &f, &err), JIT_ERR_ARGUMENT);
    expect(&err, 500, "the module is null");
    cr_assert_eq(jit_function_find(m, NULL, &f, &err), JIT_ERR_ARGUMENT);
    expect(&err, 500, "the name is null");
    cr_assert_eq(jit_function_find(m, "a", NULL, &err), JIT_ERR_ARGUMENT);
    expect(&err, 500, "the info is null");
    jit_release(m);
}

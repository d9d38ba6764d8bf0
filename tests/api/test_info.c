/* What modules, kernels and the library say about themselves. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <fusejit.h>

static const char program[] =
    "fn swish(x; beta = 1) = x / (1 + exp(-beta*x))\n\n"
    "fn polar(x: f64, y: f64; n: i32, act: fn = sqrt, k: dim = 3) -> (r, t: f32) {\n"
    "  r = act(x*x + y*y)\n  t = f32(atan2(y, x)) }\n"
    "fn pair(x) = (x, -x)\n";

Test(info, functions_are_described_as_written)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_function_info f;
    cr_assert_eq(jit_function_count(m), 3);
    cr_assert_eq(jit_function_at(m, 0, &f), JIT_OK);
    cr_assert_str_eq(f.signature, "swish(x; beta = 1)");
    cr_assert_eq(jit_function_at(m, 1, &f), JIT_OK);
    cr_assert_str_eq(f.name, "polar");
    cr_assert_str_eq(
        f.signature,
        "polar(x: f64, y: f64; n: i32, act: fn = sqrt, k: dim = 3) -> (r, t: f32)");
    cr_assert_eq(f.line, 3);
    cr_assert(f.n_in == 2 && f.n_uniform == 3 && f.n_out == 2);
    cr_assert_str_eq(f.in_name[1], "y");
    cr_assert_eq(f.in_dtype[1], JIT_F64);
    cr_assert_str_eq(f.uniform_name[1], "act");
    cr_assert_str_eq(f.uniform_type[0], "i32");
    cr_assert_str_eq(f.uniform_type[1], "fn");
    cr_assert_str_eq(f.uniform_type[2], "dim");
    cr_assert(!f.uniform_has_default[0] && f.uniform_has_default[1]);
    cr_assert_str_eq(f.out_name[1], "t");
    cr_assert_eq(jit_function_at(m, 2, &f), JIT_OK);
    cr_assert(f.n_out == 2 && f.out_name[0][0] == 0);
    cr_assert_eq(jit_function_find(m, "sigmoid", &f, &err), JIT_OK); /* the prelude's */
    cr_assert_str_eq(f.name, "sigmoid");
    cr_assert_eq(jit_function_find(m, "swihs", &f, &err), JIT_ERR_ARGUMENT);
    cr_assert_eq(err.diagnostic[0].code, 502);
    cr_assert(strstr(err.diagnostic[0].hint, "swish"), "'%s'", err.diagnostic[0].hint);
    cr_assert_eq(jit_function_at(m, 3, &f), JIT_ERR_ARGUMENT);
    jit_release(m);
}

/* name(x, y), and for bitcast the name of a type */
static void write_call(const jit_operator_info *o, char *text, size_t size)
{
    int n = snprintf(text, size, "%s(", o->name);
    for (int i = 0; i < o->n_in; i++) {
        const char *argument = strcmp(o->in_name[i], "type") == 0 ? "i64" : o->in_name[i];
        n += snprintf(text + n, size - (size_t)n, "%s%s", i ? ", " : "", argument);
    }
    (void)snprintf(text + n, size - (size_t)n, ")");
}

Test(info, every_operator_is_described)
{
    jit_error err;
    jit_operator_info o, same;
    int n = jit_operator_count();
    cr_assert_gt(n, 50);
    for (int i = 0; i < n; i++) {
        char text[96];
        cr_assert_eq(jit_operator_at(i, &o), JIT_OK);
        cr_assert_gt(strlen(o.doc), 3, "%s", o.name);
        cr_assert(o.ulp_f32 >= 0 && o.ulp_f64 >= 0 && o.ulp_f32 <= 1 && o.ulp_f64 <= 1);
        cr_assert_eq(jit_operator_find(o.name, &same), JIT_OK);
        cr_assert_eq(same.name, o.name);
        write_call(&o, text, sizeof text);
        jit_module *m = jit_compile_expression(NULL, text, NULL, &err);
        cr_assert(m, "%s: %s", text, err.diagnostic[0].message);
        jit_release(m);
    }
    cr_assert_eq(jit_operator_find("atan2", &o), JIT_OK);
    cr_assert(o.n_in == 2 && strcmp(o.in_name[1], "y") == 0 && o.ulp_f64 == 1);
    static const char *const none[] = { "add", "sigmoid", "", "atan2 ", NULL };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_assert_eq(jit_operator_find(none[i], &o), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_operator_at(-1, &o), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_operator_at(n, &o), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_operator_find("exp", NULL), JIT_ERR_ARGUMENT);
}

Test(info, every_stage_has_a_text)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    cr_assert(m);
    cr_assert_str_eq(jit_stage_letters(), "tsofmnlae");
    for (int s = JIT_STAGE_TREE; s <= JIT_STAGE_FORMULA; s++) {
        char *text = jit_stage_text(m, "swish", "f32[n]", NULL, (jit_stage)s, &err);
        cr_assert(text, "stage %d: %s", s, err.diagnostic[0].message);
        cr_assert_gt(strlen(text), 20, "stage %d", s);
        if (s == JIT_STAGE_EXPLAIN)
            cr_assert(strstr(text, "cpu") && strstr(text, "vectors") && strstr(text, "exp x 1"),
                      "%s", text);
        jit_text_free(text);
    }
    jit_text_free(NULL);
    char *facts = jit_system_info(NULL, &err);
    cr_assert(facts && strstr(facts, "llvm ") && strstr(facts, "cpu "));
    jit_text_free(facts);
    jit_release(m);
}

/* An array that a sample needs is made once, not for each result of the sample. */
Test(info, hidden_layers_count_once)
{
    const char *names[] = { "x", "W", "V" };
    jit_array shapes[3];
    int64_t rows = 10, shape[3][2] = { { rows, 8 }, { 8, 16 }, { 16, 4 } };
    jit_error err;
    jit_kernel_info info;
    for (int i = 0; i < 3; i++)
        shapes[i] = jit_array_of(JIT_F32, NULL, 2, shape[i]);
    jit_options o = { .size = sizeof o, .arguments = names, .n_arguments = 3 };
    o.argument_shapes = shapes;
    jit_module *m = jit_compile_expression("fn two(x: [k], W: [k,m], V: [m,n]) -> y: [n] {"
                                           "  let h[j] = exp(sum[i](x[i]*W[i,j]))"
                                           "  y[l] = sum[j](h[j]*V[j,l]) }",
                                           "two(x, W, V)", &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_kernel *k = jit_prepare(m, "ans", "f32[10,8], f32[8,16], f32[16,4]", NULL, &err);
    cr_assert(k && jit_kernel_describe(k, &info) == JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect_eq(info.flops, rows * (2 * 8 * 16 + 16 + 2 * 16 * 4), "%lld",
                 (long long)info.flops);
    jit_kernel_release(k);
    jit_release(m);
}

/* Of an array function: the work of one sample, and its nests. */
Test(info, array_functions_tell_their_work_and_their_nests)
{
    static const struct {
        const char *signature;
        int64_t flops;
    } cases[] = { { "f32[B,12], f32[12,4], f32[4]", 2 * 12 * 4 + 4 + 4 },
                  { "f32[n], f32[n,4], f32[4]", -1 } };
    jit_error err;
    jit_kernel_info info;
    jit_module *m =
        jit_compile("fn f(x: [k], W: [k,n], b: [n]) -> [n] = max(x @ W + b, 0.25)\n"
                    "fn g(x: [n]) { var s = 0  for i in 1 .. n by 2 { s = s*2 + x[i] }"
                    "  return s + sum(x) }\n"
                    "fn h(x: [n]) { var s = 0  for i in n .. 0 by -1 { s = s*2 + x[i-1] }"
                    "  return s }",
                    NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        jit_kernel *k = jit_prepare(m, "f", cases[i].signature, NULL, &err);
        cr_assert(k, "%s", err.diagnostic[0].message);
        cr_assert_eq(jit_kernel_describe(k, &info), JIT_OK);
        cr_expect_eq(info.flops, cases[i].flops, "%s: %lld", cases[i].signature,
                     (long long)info.flops);
        jit_kernel_release(k);
    }
    jit_kernel *loop = jit_prepare(m, "g", "f32[9]", NULL, &err);
    cr_assert(loop && jit_kernel_describe(loop, &info) == JIT_OK);
    cr_expect_eq(info.flops, 4 * 2 + 9 + 1, "%lld", (long long)info.flops);
    jit_kernel_release(loop);
    loop = jit_prepare(m, "h", "f32[9]", NULL, &err);
    cr_assert(loop && jit_kernel_describe(loop, &info) == JIT_OK);
    cr_expect_eq(info.flops, 9 * 2, "%lld", (long long)info.flops);
    jit_kernel_release(loop);
    char *text = jit_stage_text(m, "f", cases[0].signature, NULL, JIT_STAGE_EXPLAIN, &err);
    cr_assert(text && strstr(text, "104 operations a sample") && strstr(text, "nest f:") &&
                  strstr(text, "= arg W") && strstr(text, "fold dot") &&
                  strstr(text, " 0.25") && !strstr(text, "non-temporal"),
              "%s", text);
    jit_text_free(text);
    jit_release(m);
}

typedef struct dumps {
    char letters[16];
    int n;
} dumps;

static void on_dump(void *user, char letter, const char *function, const char *text)
{
    dumps *d = user;
    cr_assert_str_eq(function, "swish");
    cr_assert_gt(strlen(text), 10);
    if (d->n < 15)
        d->letters[d->n++] = letter;
}

Test(info, stages_are_dumped_on_request)
{
    dumps d = { "", 0 };
    jit_options o = { .size = sizeof o, .dump = "ol", .on_dump = on_dump, .dump_user = &d };
    jit_error err;
    jit_module *m = jit_compile(program, &o, &err);
    cr_assert(m);
    jit_kernel *k = jit_prepare(m, "swish", "f32", NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    cr_assert_str_eq(d.letters, "ol");
    jit_kernel_info info;
    cr_assert_eq(jit_kernel_describe(k, &info), JIT_OK);
    cr_assert(info.n_in == 1 && info.n_out == 1 && info.n_uniform == 1);
    cr_assert(info.in_dtype[0] == JIT_F32 && info.out_dtype[0] == JIT_F32);
    cr_assert_eq(info.flops, 5); /* - * exp + / */
    cr_assert(info.vector_lanes >= 1 && info.code_bytes > 0 && info.codegen_ms > 0);
    jit_kernel_release(k);
    jit_release(m);
}

static void place(const char *expression, const char *text, int line, int column)
{
    jit_error err;
    cr_assert_null(jit_compile_expression(text, expression, NULL, &err));
    cr_assert(err.diagnostic[0].line == line && err.diagnostic[0].column == column,
              "'%s': %d:%d %s", expression, (int)err.diagnostic[0].line,
              (int)err.diagnostic[0].column, err.diagnostic[0].message);
}

Test(info, expressions_become_functions_of_their_free_names)
{
    jit_error err;
    jit_function_info f;
    jit_module *m = jit_compile_expression("fn sq(x) = x*x", "sq(b) + e*a - b", NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_function_find(m, "ans", &f, &err), JIT_OK);
    cr_assert(f.n_in == 2 && strcmp(f.in_name[0], "b") == 0 && strcmp(f.in_name[1], "a") == 0);
    jit_release(m);
    const char *keep[] = { "e" };
    jit_options o = { .size = sizeof o, .arguments = keep, .n_arguments = 1 };
    m = jit_compile_expression(NULL, "e*a", &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_function_find(m, "ans", &f, &err), JIT_OK);
    cr_assert_eq(f.n_in, 2);
    jit_release(m);
    place("a + sgmoid(b)", "fn f(x) = x\n\n", 1, 5);
    place("a +", NULL, 1, 4);
    place("a", "fn f(x) = x\nfn g(x) = nope(x)", 2, 11);
    cr_assert_null(jit_compile_file("/nonexistent/x.fj", NULL, &err));
    cr_assert_eq(err.status, JIT_ERR_FILE);
    cr_assert_null(jit_compile_file("/dev", NULL, &err));
    cr_assert_neq(err.status, JIT_OK);
}

Test(info, arrays_and_types_have_names_and_sizes)
{
    static const struct {
        const char *name;
        size_t size;
    } types[] = { { "bool", 1 }, { "i8", 1 },  { "i16", 2 }, { "i32", 4 }, { "i64", 8 },
                  { "u8", 1 },   { "u16", 2 }, { "u32", 4 }, { "u64", 8 }, { "f16", 2 },
                  { "bf16", 2 }, { "f32", 4 }, { "f64", 8 } };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        jit_dtype t = jit_dtype_parse(types[i].name);
        cr_assert_eq((size_t)t, i + 1);
        cr_assert_str_eq(jit_dtype_name(t), types[i].name);
        cr_assert_eq(jit_dtype_size(t), types[i].size);
    }
    cr_assert_eq(jit_dtype_parse("float"), JIT_NONE);
    cr_assert_eq(jit_dtype_parse(NULL), JIT_NONE);
    cr_assert_eq(jit_dtype_size((jit_dtype)99), 0);
    jit_array a = jit_array_of(JIT_F64, NULL, 3, (int64_t[]){ 2, 3, 4 });
    cr_assert(a.stride[0] == 96 && a.stride[1] == 32 && a.stride[2] == 8);
    cr_assert_eq(jit_array_count(&a), 24);
    cr_assert_eq(jit_array_new(&a, JIT_I16, 2, (int64_t[]){ 5, 7 }, NULL), JIT_OK);
    cr_assert_eq((uintptr_t)a.data % 64, 0);
    for (int i = 0; i < 35; i++)
        cr_assert_eq(((int16_t *)a.data)[i], 0);
    jit_array_free(&a);
    cr_assert(!a.data);
    cr_assert_str_eq(jit_version(), "0.1.0");
}

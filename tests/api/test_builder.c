/* The builder makes the same tree as the text, and refuses what is no program. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <fusejit.h>

static char *tree_of(jit_module *m, const char *function)
{
    jit_error err;
    char *text = jit_stage_text(m, function, NULL, NULL, JIT_STAGE_TREE, &err);
    cr_assert(text, "%s", err.diagnostic[0].message);
    return text;
}

static void same_tree(jit_builder *b, const char *function, const char *text)
{
    jit_error err;
    char message[2048] = "";
    jit_module *built = jit_build(b, NULL, &err);
    if (!built)
        jit_error_format(&err, message, sizeof message, 0);
    cr_assert(built, "%s", message);
    jit_module *parsed = jit_compile(text, NULL, &err);
    cr_assert(parsed, "%s", err.diagnostic[0].message);
    char *x = tree_of(built, function), *y = tree_of(parsed, function);
    cr_assert_str_eq(x, y);
    jit_text_free(x);
    jit_text_free(y);
    jit_release(built);
    jit_release(parsed);
}

static void build_swish(jit_builder *b)
{
    jit_fn_begin(b, "swish");
    jit_expr x = jit_fn_arg(b, "x", NULL),
             beta = jit_fn_uniform(b, "beta", NULL, jit_integer(b, 1));
    jit_expr e = jit_op(b, "*", jit_op(b, "-", beta, 0), x);
    jit_expr y =
        jit_op(b, "/", x, jit_op(b, "+", jit_integer(b, 1), jit_apply(b, "exp", &e, 1)));
    jit_return(b, &y, 1);
    jit_fn_end(b);
}

static void build_mandel(jit_builder *b)
{
    jit_fn_begin(b, "mandel");
    jit_expr cr = jit_fn_arg(b, "cr", "f32"), ci = jit_fn_arg(b, "ci", "f32");
    jit_expr most = jit_fn_uniform(b, "maxit", "i32", jit_integer(b, 256));
    jit_fn_result(b, NULL, "i32");
    jit_var(b, "zr", NULL, jit_real(b, 0.5));
    jit_var(b, "zi", "f32", jit_integer(b, -3));
    jit_var(b, "n", "i32", jit_integer(b, 0));
    jit_expr zr = jit_name(b, "zr"), zi = jit_name(b, "zi"), n = jit_name(b, "n");
    jit_expr norm = jit_op(b, "+", jit_op(b, "*", zr, zr), jit_op(b, "*", zi, zi));
    jit_while(
        b, jit_op(b, "&&", jit_op(b, "<", n, most), jit_op(b, "<=", norm, jit_integer(b, 4))));
    jit_let(
        b, "t",
        jit_op(b, "+",
               jit_op(b, "-", jit_op(b, "**", zr, jit_integer(b, 2)), jit_op(b, "*", zi, zi)),
               cr));
    jit_assign(b, "zi",
               jit_op(b, "+", jit_op(b, "*", jit_op(b, "*", jit_integer(b, 2), zr), zi), ci));
    jit_assign(b, "zr", jit_name(b, "t"));
    jit_assign(b, "n", jit_op(b, "+", n, jit_integer(b, 1)));
    jit_end(b);
    jit_for(b, "i", jit_integer(b, 0), jit_integer(b, 9), jit_integer(b, 3));
    jit_if(b, jit_op(b, "==", jit_op(b, "%", n, jit_integer(b, 2)), jit_integer(b, 0)));
    jit_continue(b);
    jit_else(b);
    jit_assign(b, "n", jit_select(b, jit_op(b, "!", jit_op(b, ">", n, most), 0), n, most));
    jit_break(b);
    jit_end(b);
    jit_end(b);
    jit_return(b, &n, 1);
    jit_fn_end(b);
}

static const char mandel[] =
    "fn mandel(cr: f32, ci: f32; maxit: i32 = 256) -> i32 {\n"
    "  var zr = 0.5  var zi: f32 = -3  var n: i32 = 0\n"
    "  while n < maxit && zr*zr + zi*zi <= 4 {\n"
    "    let t = zr**2 - zi*zi + cr  zi = 2*zr*zi + ci  zr = t  n = n + 1\n"
    "  }\n"
    "  for i in 0 .. 9 by 3 {\n"
    "    if n % 2 == 0 { continue } else { n = (!(n > maxit)) ? n : maxit  break }\n"
    "  }\n"
    "  return n }";

Test(builder, makes_the_tree_of_the_text)
{
    jit_error err;
    jit_builder *b = jit_builder_new(NULL, &err);
    cr_assert(b);
    build_swish(b);
    same_tree(b, "swish", "fn swish(x; beta = 1) { return x / (1 + exp(-beta*x)) }");
    build_mandel(b); /* goes on after a build */
    same_tree(b, "mandel", mandel);
    jit_builder_free(b);
    jit_builder_free(NULL);
}

/* A number passes unchanged, whatever it is. */
static void check_constant(double value)
{
    double y = 0, x = 0;
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = 1 };
    jit_builder *b = jit_builder_new(NULL, &err);
    jit_fn_begin(b, "f");
    jit_fn_arg(b, "x", "f64");
    jit_expr e = jit_real(b, value);
    jit_return(b, &e, 1);
    jit_fn_end(b);
    jit_module *m = jit_build(b, &o, &err);
    cr_assert(m, "%g: %s", value, err.diagnostic[0].message);
    jit_array in = jit_array_of(JIT_F64, &x, 0, NULL), out = jit_array_of(JIT_F64, &y, 0, NULL);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    if (value != value)
        cr_assert(y != y);
    else
        cr_assert_eq(memcmp(&y, &value, sizeof y), 0, "%a became %a", value, y);
    jit_release(m);
    jit_builder_free(b);
}

/* A type's name casts; a made function is called with as many arguments as it has. */
Test(builder, applies_types_and_functions)
{
    jit_error err;
    jit_builder *b = jit_builder_new(NULL, &err);
    jit_fn_begin(b, "f");
    jit_expr x = jit_fn_arg(b, "x", "f64"), e = jit_apply(b, "i32", &x, 1);
    e = jit_apply(b, "max", (jit_expr[]){ e, jit_integer(b, 2) }, 2);
    jit_return(b, &e, 1);
    jit_fn_end(b);
    jit_module *m = jit_build(b, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    double v[2] = { 3.75, -9 };
    int32_t y[2];
    jit_array in = jit_array_of(JIT_F64, v, 1, (int64_t[]){ 2 });
    jit_array out = jit_array_of(JIT_I32, y, 1, (int64_t[]){ 2 });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(y[0] == 3 && y[1] == 2, "%d %d", (int)y[0], (int)y[1]);
    jit_release(m);
    jit_builder_free(b);
}

Test(builder, constants_keep_their_bits)
{
    static const double values[] = { 0.0,
                                     -0.0,
                                     1.0,
                                     -1.5,
                                     0.1,
                                     1e300,
                                     -5e-324,
                                     2.2250738585072014e-308,
                                     1.7976931348623157e308,
                                     1e22,
                                     123456789.0,
                                     0.3,
                                     4.35 };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        check_constant(values[i]);
    check_constant(HUGE_VAL);
    check_constant(-HUGE_VAL);
    check_constant(NAN);
}

typedef struct misuse {
    const char *name;
    void (*make)(jit_builder *b);
    int code;
} misuse;

static void bad_name(jit_builder *b)
{
    jit_name(b, "x) = 1 fn evil(y");
}
static void null_name(jit_builder *b)
{
    jit_fn_begin(b, NULL);
}
static void bad_type(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_fn_arg(b, "x", "float");
}
static void bad_operator(jit_builder *b)
{
    jit_op(b, "plus", jit_integer(b, 1), jit_integer(b, 2));
}
static void bad_unary(jit_builder *b)
{
    jit_op(b, "*", jit_integer(b, 1), 0);
}
static void bad_handle(jit_builder *b)
{
    jit_op(b, "+", 17, 18);
}
static void nothing_open(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_end(b);
}
static void outside(jit_builder *b)
{
    jit_let(b, "x", jit_integer(b, 1));
}
static void else_alone(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_while(b, jit_name(b, "true"));
    jit_else(b);
}
static void not_ended(jit_builder *b)
{
    jit_fn_begin(b, "f");
}
static void too_deep(jit_builder *b)
{
    jit_expr e = jit_integer(b, 1);
    for (int i = 0; i < 300; i++)
        e = jit_op(b, "-", e, 0);
}
static void unknown_name(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_fn_arg(b, "x", NULL);
    jit_expr e = jit_name(b, "y");
    jit_return(b, &e, 1);
    jit_fn_end(b);
}

static void fn_within(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_fn_begin(b, "g");
}
static void end_within(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_if(b, jit_name(b, "true"));
    jit_fn_end(b);
}
static void blocks_too_deep(jit_builder *b)
{
    jit_fn_begin(b, "f");
    for (int i = 0; i < 300; i++)
        jit_if(b, jit_name(b, "true"));
}
static void empty_result(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_fn_result(b, NULL, NULL);
}
static void no_value(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_return(b, NULL, 0);
}
static void no_operator(jit_builder *b)
{
    jit_op(b, NULL, jit_integer(b, 1), 0);
}
static void no_arguments(jit_builder *b)
{
    jit_apply(b, "atan2", NULL, 2);
}
static void bad_argument(jit_builder *b)
{
    jit_expr e[2] = { jit_integer(b, 1), 99 };
    jit_apply(b, "atan2", e, 2);
}
static void bad_return(jit_builder *b)
{
    jit_expr e[2] = { jit_integer(b, 1), -3 };
    jit_fn_begin(b, "f");
    jit_return(b, e, 2);
}
static void bad_select(jit_builder *b)
{
    jit_select(b, jit_name(b, "true"), jit_integer(b, 1), 50);
}
static void bad_default(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_fn_uniform(b, "a", NULL, 50);
}
static void bad_uniform_type(jit_builder *b)
{
    jit_fn_begin(b, "f");
    jit_fn_uniform(b, "a", "float", 0);
}

Test(builder, misuse_is_an_error_with_a_code)
{
    static const misuse table[] = {
        { "bad name", bad_name, 524 },         { "null name", null_name, 524 },
        { "bad type", bad_type, 524 },         { "operator", bad_operator, 526 },
        { "unary operator", bad_unary, 526 },  { "handle", bad_handle, 525 },
        { "nothing open", nothing_open, 525 }, { "outside", outside, 525 },
        { "else alone", else_alone, 525 },     { "not ended", not_ended, 525 },
        { "too deep", too_deep, 525 },         { "unknown name", unknown_name, 0 },
        { "fn in fn", fn_within, 525 },        { "end in if", end_within, 525 },
        { "blocks", blocks_too_deep, 525 },    { "empty result", empty_result, 524 },
        { "no value", no_value, 525 },         { "no operator", no_operator, 500 },
        { "no arguments", no_arguments, 500 }, { "argument", bad_argument, 525 },
        { "return", bad_return, 525 },         { "select", bad_select, 525 },
        { "default", bad_default, 525 },       { "uniform type", bad_uniform_type, 524 },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        jit_error err;
        jit_builder *b = jit_builder_new(NULL, &err);
        cr_assert(b);
        table[i].make(b);
        cr_assert_null(jit_build(b, NULL, &err), "%s", table[i].name);
        cr_assert_neq(err.status, JIT_OK);
        int code = (int)err.diagnostic[0].code;
        cr_assert(table[i].code ? code == table[i].code : code >= 100 && code < 200,
                  "%s: E%04d %s", table[i].name, code, err.diagnostic[0].message);
        build_swish(b); /* stays failed, and harmless */
        cr_assert_null(jit_build(b, NULL, NULL));
        jit_builder_free(b);
    }
    jit_error err;
    cr_assert_null(jit_build(NULL, NULL, &err));
    cr_assert_eq(err.diagnostic[0].code, 500);
    cr_assert_eq(jit_name(NULL, "x"), 0);
}

/* A long chain is not deep. */
Test(builder, long_chains_are_fine)
{
    jit_error err;
    jit_builder *b = jit_builder_new(NULL, &err);
    jit_fn_begin(b, "f");
    jit_expr x = jit_fn_arg(b, "x", NULL), e = x;
    for (int i = 0; i < 20000; i++)
        e = jit_op(b, "+", e, x);
    jit_return(b, &e, 1);
    jit_fn_end(b);
    jit_module *m = jit_build(b, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_release(m);
    jit_builder_free(b);
}

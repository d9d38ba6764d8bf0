/* The gradient of every operator and of every function of the prelude, and the gradient of a sum
 * of it, against differences: scalars, and arrays of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "prelude.h"
#include "random_graph.h"
#include "real_run.h"

enum { DIM = 4, POINTS = 3, NAMES = 8 };

/* fn one(args) body. The arguments are drawn from lo .. hi; dimensions are 4, integers
 * 1. A derivative is taken by all others. */
typedef struct grad_row {
    const char *name, *args, *body;
    double lo, hi;
} grad_row;

static const char *const weigh = "fn weigh(y: [m]) = sum[i](y[i]*cos(1.5*i + 0.5))\n";

static const grad_row functions[] = {
    { "accuracy", "z: [n], y: i32", "= accuracy(z, y)*sum(z)", -2, 2 },
    { "adagrad", "p, g, v", "{ let (a, b) = adagrad(p, g, v)  return a + 2*b }", 0.1, 2 },
    { "adam", "p, g, m, v", "{ let (a, b, c) = adam(p, g, m, v)  return a + 2*b + 3*c }", 0.1,
      2 },
    { "adamw", "p, g, m, v", "{ let (a, b, c) = adamw(p, g, m, v)  return a + 2*b + 3*c }", 0.1,
      2 },
    { "bce", "p: [n], t: [n]", "= bce(p, t)", 0.1, 0.9 },
    { "bce_logits", "p: [n], t: [n]", "= bce_logits(p, t)", 0.1, 0.9 },
    { "binary_accuracy", "p, t", "= binary_accuracy(p, t)*p", 0.1, 0.9 },
    { "binary_f1", "p: [n], t: [n]", "= binary_f1(p, t)*sum(p)", 0.1, 0.9 },
    { "celu", "x, b", "= celu(x; a = 2 + b)", -1, 3 },
    { "clamp", "x, a, b", "= clamp(x, 0.5 + a, 1.5 + b)", 0, 1 },
    { "clip_norm", "g: [n]", "= weigh(clip_norm(g))", -2, 2 },
    { "clip_value", "x", "= clip_value(x)*x", -3, 3 },
    { "confusion", "z: [n], x: [n]",
      "{ let m[i,j] = z[i]*sin(i+x[j])  return sum(sum(confusion(m, i32(0*z + 2))*m)) }", 0,
      3.9 },
    { "constant", "x, a", "= constant(x; lr = a*a)", -2, 2 },
    { "cosine_decay", "t, a", "= cosine_decay(100*t; lr = a)", 1, 2 },
    { "dense", "x: [n]", "= weigh(dense(x; 3, tanh))", -1, 1 },
    { "dropout", "x: [n]", "= sum(dropout(x)*x)", -1, 1 },
    { "elu", "x, b", "= elu(x; a = b)", -1, 3 },
    { "exponential_decay", "t, a", "= exponential_decay(t; every = 3, factor = a)", 0.2, 2 },
    { "f1", "z: [n], x: [n]",
      "{ let m[i,j] = z[i]*sin(i+x[j])  return f1(m, i32(0*z + 2))*sum(x) }", 0, 3.9 },
    { "fract", "x", "= fract(x)*x", 0.1, 0.9 },
    { "frexp", "x", "{ let (m, e) = frexp(x)  return m*x }", 2.1, 3.9 },
    { "gaussian", "x", "= gaussian(x)", -3, 3 },
    { "geglu", "x: [2*n]", "= weigh(geglu(x))", -2, 2 },
    { "gelu", "x", "= gelu(x)", -4, 4 },
    { "gelu_quick", "x", "= gelu_quick(x)", -4, 4 },
    { "gelu_tanh", "x", "= gelu_tanh(x)", -4, 4 },
    { "glorot_normal", "x, y", "= glorot_normal(x, y)", 1, 2 },
    { "glorot_uniform", "x, y", "= glorot_uniform(x, y)", 1, 2 },
    { "glu", "x: [2*n]", "= weigh(glu(x))", -2, 2 },
    { "hard_shrink", "x", "= hard_shrink(x)*x", -2, 2 },
    { "hard_sigmoid", "x", "= hard_sigmoid(x)*x", -4, 4 },
    { "hard_swish", "x", "= hard_swish(x)", -4, 4 },
    { "hard_tanh", "x", "= hard_tanh(x)*x", -2, 2.1 },
    { "he_normal", "x, y", "= he_normal(x, y)", 1, 2 },
    { "he_uniform", "x, y", "= he_uniform(x, y)", 1, 2 },
    { "hinge", "p: [n], t: [n]", "= hinge(p, t)", -2, 2 },
    { "huber", "p: [n], t: [n]", "= huber(p, t)", -2, 2 },
    { "identity", "x", "= identity(x)*x", -2, 2 },
    { "kl", "p: [n], t: [n]", "= kl(p, t)", 0.1, 1 },
    { "layer_norm", "x: [n]", "= weigh(layer_norm(x))", -2, 2 },
    { "leaky_relu", "x, b", "= leaky_relu(x; a = b)", -2, 2 },
    { "lerp", "a, b, t", "= lerp(a, b, t)", -2, 2 },
    { "lion", "p, g, m", "{ let (a, b) = lion(p, g, m)  return a*b }", 0.1, 2 },
    { "log_cosh", "p: [n], t: [n]", "= log_cosh(p, t)", -2, 2 },
    { "log_sigmoid", "x", "= log_sigmoid(x)", -4, 4 },
    { "log_softmax", "x: [n]", "= weigh(log_softmax(x))", -2, 2 },
    { "logit_accuracy", "z, t", "= logit_accuracy(z, t)*z", 0.1, 0.9 },
    { "logsumexp", "x: [n]", "= logsumexp(x)", -2, 2 },
    { "mae", "p: [n], t: [n]", "= mae(p, t)", -2, 2 },
    { "mish", "x", "= mish(x)", -4, 4 },
    { "modf", "x", "{ let (f, w) = modf(x)  return f*f + w*x }", 1.1, 1.9 },
    { "mse", "p: [n], t: [n]", "= mse(p, t)", -2, 2 },
    { "nll", "x: [n], y: i32", "= nll(x*x, y)", -2, 2 },
    { "norm", "x: [n]", "= norm(x)", -2, 2 },
    { "normal", "m, s", "= normal(m, s)*s", -2, 2 },
    { "one_cycle", "t, a", "= one_cycle(100*t; lr = a)", 1, 2 },
    { "plateau", "p, q, x", "{ let (a, b, c) = plateau(p, q, 2, x)  return a*b }", 0.5, 2 },
    { "prelu", "x, a", "= prelu(x, a)", -2, 2 },
    { "r2", "p: [n], t: [n]", "= r2(p, t)", -2, 2 },
    { "reciprocal", "x", "= reciprocal(x)", 0.5, 3 },
    { "relu", "x", "= relu(x)*x", -2, 2 },
    { "relu6", "x", "= relu6(x)*x", -2, 8 },
    { "residual", "x: [n]", "= weigh(residual(x; tanh))", -2, 2 },
    { "rms_norm", "x: [n]", "= weigh(rms_norm(x))", -2, 2 },
    { "rmse", "p: [n], t: [n]", "= rmse(p, t)", -2, 2 },
    { "rmsprop", "p, g, v", "{ let (a, b) = rmsprop(p, g, v)  return a + 2*b }", 0.1, 2 },
    { "rsqrt", "x", "= rsqrt(x)", 0.5, 3 },
    { "selu", "x", "= selu(x)*x", -2, 2 },
    { "sgd", "p, g, v", "{ let (a, b) = sgd(p, g, v)  return a*b }", 0.1, 2 },
    { "sigmoid", "x", "= sigmoid(x)", -4, 4 },
    { "silu", "x", "= silu(x)", -4, 4 },
    { "sincos", "x", "{ let (s, c) = sincos(x)  return s + 2*c }", -4, 4 },
    { "snake", "x, b", "= snake(x; a = b)", 1, 2 },
    { "soft_shrink", "x", "= soft_shrink(x)*x", -2, 2 },
    { "softmax", "x: [n]", "= weigh(softmax(x))", -2, 2 },
    { "softmin", "x: [n]", "= weigh(softmin(x))", -2, 2 },
    { "softplus", "x", "= softplus(x)", -4, 4 },
    { "softsign", "x", "= softsign(x)", -4, 4 },
    { "square", "x", "= square(x)", -4, 4 },
    { "squareplus", "x, c", "= squareplus(x; b = 5 + c)", -4, 4 },
    { "std", "x: [n]", "= std(x)", -2, 2 },
    { "step_decay", "t, a", "= step_decay(3500*t; factor = a)", 0.9, 1.1 },
    { "step", "x", "= step(x)*x", -2, 2 },
    { "swiglu", "x: [2*n]", "= weigh(swiglu(x))", -2, 2 },
    { "swish", "x", "= swish(x)", -4, 4 },
    { "tanhshrink", "x", "= tanhshrink(x)", -1, 1 },
    { "thresholded_relu", "x", "= thresholded_relu(x)*x", -3, 3 },
    { "top_k", "z: [n], y: i32", "= top_k(z, y; k = 2)*sum(z)", -2, 2 },
    { "uniform", "a, b", "= uniform(a, b)*b", -2, 2 },
    { "var", "x: [n]", "= var(x)", -2, 2 },
    { "warmup", "t, a", "= warmup(30*t; lr = a)*t", 1, 2 },
    { "xent", "x: [n], y: i32", "= xent(x, y) + xent(x, y; smooth = 0.1)", -2, 2 },
    { "zeros", "x", "= (x + zeros())*x", -2, 2 },
};

static const grad_row operators[] = {
    { "abs", "x", "= abs(x)*x", -2, 2 },
    { "acos", "x", "= acos(x)", -0.9, 0.9 },
    { "acosh", "x", "= acosh(x)", 1.2, 4 },
    { "add", "x, y", "= (x + y)*y", -2, 2 },
    { "asin", "x", "= asin(x)", -0.9, 0.9 },
    { "asinh", "x", "= asinh(x)", -4, 4 },
    { "atan", "x", "= atan(x)", -4, 4 },
    { "atan2", "x, y", "= atan2(x, y)", 0.3, 4 },
    { "atanh", "x", "= atanh(x)", -0.9, 0.9 },
    { "cbrt", "x", "= cbrt(x)", 0.3, 4 },
    { "ceil", "x", "= ceil(x)*x", 0.1, 0.9 },
    { "copysign", "x, y", "= copysign(x, y)*x", -3, 3 },
    { "cos", "x", "= cos(x)", -4, 4 },
    { "cosh", "x", "= cosh(x)", -2, 2 },
    { "div", "x, y", "= x/y", 0.3, 2 },
    { "erf", "x", "= erf(x)", -2, 2 },
    { "erfc", "x", "= erfc(x)", -2, 2 },
    { "exp", "x", "= exp(x)", -2, 2 },
    { "exp10", "x", "= exp10(x)", -1, 1 },
    { "exp2", "x", "= exp2(x)", -2, 2 },
    { "expm1", "x", "= expm1(x)", -2, 2 },
    { "floor", "x", "= floor(x)*x", 0.1, 0.9 },
    { "floordiv", "x, y", "= (3.5*x//y)*x", 0.85, 0.95 },
    { "fma", "x, y, z", "= fma(x, y, z)*z", -2, 2 },
    { "fmax", "x, y", "= fmax(x, y)*x", -2, 2 },
    { "fmin", "x, y", "= fmin(x, y)*x", -2, 2 },
    { "fmod", "x, y", "= fmod(3.5*x, y)*y", 0.85, 0.95 },
    { "hypot", "x, y", "= hypot(x, y)", 0.3, 2 },
    { "ldexp", "x", "= ldexp(x, 3)*x", -2, 2 },
    { "lgamma", "x", "= lgamma(x) + lgamma(-2.1 - 0.1*x)", 0.3, 6 },
    { "log", "x", "= log(x)", 0.3, 4 },
    { "log10", "x", "= log10(x)", 0.3, 4 },
    { "log1p", "x", "= log1p(x)", -0.5, 4 },
    { "log2", "x", "= log2(x)", 0.3, 4 },
    { "logaddexp", "x, y", "= logaddexp(x, y)", -2, 2 },
    { "max", "x, y", "= max(x, y)*x", -2, 2 },
    { "min", "x, y", "= min(x, y)*x", -2, 2 },
    { "mod", "x, y", "= ((3.5*x) % y)*y", 0.85, 0.95 },
    { "mul", "x, y", "= x*y", -2, 2 },
    { "neg", "x", "= -x*x", -2, 2 },
    { "nextafter", "x, y", "= nextafter(x, y)*x", -2, 2 },
    { "pow", "x, y", "= x**y + x**3 + x**0.5 + x**-2.5 + pow(x, 4)", 0.3, 3 },
    { "remainder", "x, y", "= remainder(3.3*x, y)*y", 0.95, 1.05 },
    { "rint", "x", "= rint(x)*x", 0.6, 1.4 },
    { "round", "x", "= round(x)*x", 0.6, 1.4 },
    { "select", "x, y", "= x > y ? x*x : y*y*x", -2, 2 },
    { "sign", "x", "= sign(x)*x", -2, 2 },
    { "sin", "x", "= sin(x)", -4, 4 },
    { "sinh", "x", "= sinh(x)", -2, 2 },
    { "sqrt", "x", "= sqrt(x)", 0.3, 4 },
    { "stop", "x", "= x*stop(x) + x*x - x*stop(x)", -2, 2 },
    { "sub", "x, y", "= (x - y)*y", -2, 2 },
    { "tan", "x", "= tan(x)", -1, 1 },
    { "tanh", "x", "= tanh(x)", -2, 2 },
    { "tgamma", "x", "= tgamma(x)", 0.3, 4 },
    { "trunc", "x", "= trunc(x)*x", 0.1, 0.9 },
};

/* -------------------------------------------------------------------------- programs */

typedef struct arguments {
    char name[NAMES][16];
    const char *type[NAMES]; /* in the row's text; "" without one */
    bool real[NAMES];
    int32_t n;
} arguments;

static arguments arguments_of(const grad_row *row)
{
    arguments a = { .n = 0 };
    const char *text = row->args;
    while (*text && a.n < NAMES) {
        size_t n = strcspn(text, ":,");
        (void)snprintf(a.name[a.n], sizeof a.name[0], "%.*s", (int)n, text);
        text += n;
        a.type[a.n] = *text == ':' ? text + 2 : "";
        a.real[a.n] = a.type[a.n][0] != 'i';
        text += strcspn(text, ",");
        text += strspn(text, ", ");
        a.n++;
    }
    return a;
}

static bool all_scalars(const grad_row *row)
{
    return !strchr(row->args, '[') && !strchr(row->args, ':');
}

/* The names, the real ones or all, each with `after`. */
static const char *names(const arguments *a, bool real, const char *after)
{
    static char texts[4][128];
    static int turn;
    char *text = texts[turn++ % 4];
    size_t n = 0;
    text[0] = 0;
    for (int32_t i = 0; i < a->n; i++)
        if (a->real[i] || !real)
            n +=
                (size_t)snprintf(text + n, 128 - n, "%s%s%s", n ? ", " : "", a->name[i], after);
    return text;
}

/* total; its gradient; a sum of that by the first argument; its gradient. */
static const char *program_of(const grad_row *row, bool arrays)
{
    static char text[2048];
    arguments a = arguments_of(row);
    const char *all = names(&a, false, ""), *real = names(&a, true, "");
    const char *args = arrays ? names(&a, false, ": [n]") : row->args;
    bool array = arrays || a.type[0][0] == '[';
    size_t n =
        (size_t)snprintf(text, sizeof text, "%sfn one(%s) %s\n", weigh, row->args, row->body);
    n += (size_t)snprintf(text + n, sizeof text - n,
                          arrays ? "fn total(%s) = sum[i](one(%s)*cos(1.0*i))\n"
                                 : "fn total(%s) = one(%s)\n",
                          args, names(&a, false, arrays ? "[i]" : ""));
    (void)snprintf(text + n, sizeof text - n,
                   "fn slope(%s) = grad(total; %s)(%s)\n"
                   "fn slopes(%s) = %s(grad(total; %s)(%s))\n"
                   "fn second(%s) = grad(slopes; %s)(%s)\n",
                   args, real, all, args, array ? "weigh" : "1*", a.name[0], all, args, real,
                   all);
    return text;
}

/* -------------------------------------------------------------------------- comparing */

typedef struct comparison {
    const grad_row *row;
    lower_text t;
    char types[64];
    random_state r;
    arguments a;
    double at[REAL_ELEMENTS];
} comparison;

static void draw(comparison *c, const real_run *value)
{
    for (int32_t k = 0; k < value->g->n_inputs; k++)
        for (int32_t i = 0; i < value->in[k].n; i++) {
            double u = (double)(random_bits(&c->r) >> 11) * 0x1p-53;
            bool whole = !type_is_float(value->in[k].dtype);
            c->at[value->in[k].first + i] =
                whole ? 1 : c->row->lo + u * (c->row->hi - c->row->lo);
        }
}

/* The gradient's outputs are in the order of the real arguments. */
static void compare_at(comparison *c, real_run *value, real_run *gradient)
{
    static double got[REAL_ELEMENTS];
    int32_t at = 0;
    real_run_call(gradient, c->at, got);
    for (int32_t k = 0; k < c->a.n; k++)
        for (int32_t i = 0; c->a.real[k] && i < value->in[k].n; i++, at++) {
            double want = real_run_slope(value, c->at, value->in[k].first + i);
            cr_expect(fabs(got[at] - want) <= 1e-6 * fmax(fabs(want), 1e-3),
                      "%s: by %s[%d] (%.17g): %.12g, not %.12g\n%s", c->row->name, c->a.name[k],
                      (int)i, c->at[value->in[k].first + i], got[at], want, c->t.src.text);
        }
    cr_expect_eq(at, gradient->n_out);
}

static void compare(comparison *c, const char *of, const char *by, pipeline_end end)
{
    real_run *value = real_run_make(&c->t, of, c->types, DIM, PIPELINE_OPT);
    real_run *gradient = real_run_make(&c->t, by, c->types, DIM, end);
    for (int32_t i = 0; i < POINTS; i++) {
        draw(c, value);
        compare_at(c, value, gradient);
    }
    real_run_free(gradient);
    real_run_free(value);
}

static void check_row(const grad_row *row, bool arrays)
{
    comparison c = { .row = row, .r = { 1 }, .a = arguments_of(row) };
    for (int32_t i = 0; i < c.a.n; i++)
        (void)snprintf(c.types + strlen(c.types), sizeof c.types - strlen(c.types), "%s%s",
                       i ? "," : "", c.a.real[i] ? "f64" : "i32");
    lower_text_make(&c.t, program_of(row, arrays));
    cr_assert(c.t.program, "%s: %s", c.t.src.text, c.t.err.diagnostic[0].message);
    compare(&c, "total", "slope", PIPELINE_OPT);
    compare(&c, "total", "slope", PIPELINE_MATH);
    compare(&c, "slopes", "second", PIPELINE_FUSE);
    lower_text_free(&c.t);
}

static const grad_row *row_of(const grad_row *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void check_rows(const grad_row *rows, size_t n, bool arrays)
{
    for (size_t i = 0; i < n; i++)
        if (!arrays || all_scalars(&rows[i]))
            check_row(&rows[i], arrays);
}

enum {
    FUNCTIONS = sizeof functions / sizeof *functions,
    OPERATORS = sizeof operators / sizeof *operators
};

/* -------------------------------------------------------------------------- the tests */

Test(grad_prelude, every_function_has_a_row)
{
    for (int32_t i = 0; i < prelude_count; i++) {
        const prelude_item *item = &prelude_items[i];
        bool seen = !item->is_const && strncmp(item->file, "math_", 5) != 0 &&
                    item->name[0] != '_' && !strchr(item->name, ' ');
        cr_expect(!seen || row_of(functions, FUNCTIONS, item->name), "no row: %s", item->name);
    }
}

Test(grad_prelude, every_operator_with_an_adjoint_has_a_row)
{
    static const char *const without_a_name =
        "scale mad fused scaling frexp_fraction logistic logistic_wide normal_part mark";
    for (int o = OP_none + 1; o < OP_COUNT; o++) {
        const op_row *r = op_info((op)o);
        if (*r->adjoint && !strstr(without_a_name, r->name))
            cr_expect(row_of(operators, OPERATORS, r->name), "no row: %s", r->name);
    }
}

Test(grad_prelude, functions_agree_with_differences)
{
    check_rows(functions, FUNCTIONS, false);
}

Test(grad_prelude, functions_of_elements_agree_with_differences)
{
    check_rows(functions, FUNCTIONS, true);
}

Test(grad_prelude, operators_agree_with_differences)
{
    check_rows(operators, OPERATORS, false);
}

Test(grad_prelude, operators_on_elements_agree_with_differences)
{
    check_rows(operators, OPERATORS, true);
}

/* The definitions in prelude/math_*.fj, run by the interpreter: every operator with OP_EXPAND,
 * f32 and f64, on all exponents, special values and arguments known to be hard, within the
 * bound of ops.def. The reference is libm in long double. tools/math/sweep measures with
 * many more arguments. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "parse.h"
#include "pipeline.h"

typedef long double wide;

typedef struct reference {
    const char *name;
    wide (*one)(wide);
    wide (*two)(wide, wide);
    wide share; /* an error counts in ulp of at least this share of the larger argument */
} reference;

static wide exp10_wide(wide x)
{
    return powl(10, x);
}

static wide lgamma_wide(wide x)
{
    int sign;
    return lgammal_r(x, &sign);
}

static wide logaddexp_wide(wide x, wide y)
{
    wide high = x > y ? x : y;
    if (isnan(x) || isnan(y))
        return x + y;
    return isinf(high) ? high : high + log1pl(expl(-fabsl(x - y)));
}

static const reference references[] = {
    { .name = "exp", .one = expl },
    { .name = "exp2", .one = exp2l },
    { .name = "exp10", .one = exp10_wide },
    { .name = "expm1", .one = expm1l },
    { .name = "log", .one = logl },
    { .name = "log2", .one = log2l },
    { .name = "log10", .one = log10l },
    { .name = "log1p", .one = log1pl },
    { .name = "sin", .one = sinl },
    { .name = "cos", .one = cosl },
    { .name = "tan", .one = tanl },
    { .name = "asin", .one = asinl },
    { .name = "acos", .one = acosl },
    { .name = "atan", .one = atanl },
    { .name = "atan2", .two = atan2l },
    { .name = "sinh", .one = sinhl },
    { .name = "cosh", .one = coshl },
    { .name = "tanh", .one = tanhl },
    { .name = "asinh", .one = asinhl },
    { .name = "acosh", .one = acoshl },
    { .name = "atanh", .one = atanhl },
    { .name = "cbrt", .one = cbrtl },
    { .name = "hypot", .two = hypotl },
    { .name = "pow", .two = powl },
    { .name = "fmod", .two = fmodl },
    { .name = "erf", .one = erfl },
    { .name = "remainder", .two = remainderl },
    { .name = "erfc", .one = erfcl },
    { .name = "tgamma", .one = tgammal },
    { .name = "lgamma", .one = lgamma_wide },
    { .name = "logaddexp", .two = logaddexp_wide, .share = 0x1p-3L },
    { .name = "floordiv" },
    { .name = "mod" },
};

/* Arguments near multiples of pi/2, thresholds of overflow and underflow, ties, branch points.
 */
static const double hard_arguments[] = {
    0.0,
    1.0,
    0.5,
    1.5,
    2.0,
    2.5,
    3.0,
    4.0,
    10.0,
    0.1,
    1e-5,
    1e-10,
    1e-20,
    1e-40,
    1e10,
    1e20,
    1e38,
    0x1p-149,
    0x1p-126,
    0x1.fffffep-127,
    0x1.fffffep127,
    0x0.0000000000001p-1022,
    0x1p-1022,
    0x1.fffffffffffffp1023,
    0x1.fffffep-1,
    0x1.000002p0,
    0x1.fffffffffffffp-1,
    0x1.0000000000001p0,
    88.72283172607422,
    88.72284698486328,
    103.97207641601562,
    103.97209167480469,
    709.782712893384,
    709.7827128933841,
    745.1332191019411,
    745.1332191019412,
    89.41598510742188,
    710.4758600739439,
    127.0,
    128.0,
    149.0,
    150.0,
    1023.0,
    1024.0,
    1074.0,
    1075.0,
    38.53183746337891,
    308.25471555991674,
    1.5707963267948966,
    3.141592653589793,
    0.7853981633974483,
    1.5707963705062866,
    3.1415927410125732,
    11.0,
    22.0,
    355.0,
    710.0,
    16367173.0 * 0x1p72,
    6381956970095103.0 * 0x1p797,
    1073741824.5,
    0.3465735902799726,
    0.34657359420776367,
    0.7071067811865476,
    1.4142135623730951,
    0.4142135623730951,
    0.46,
    0.9999,
    9.01,
    19.06,
    26.543,
    27.226,
    9.19,
    10.06,
    170.6243,
    171.6243769563027,
    171.63,
    35.04010009765625,
    2.4570247382208006,
    2.7476826467274127,
    3.1435808883499798,
    1.4616321449683623,
    8388607.5,
    16777215.0,
    16777216.0,
    4503599627370495.5,
    9007199254740991.0,
    33.0,
    1e300,
    1e-300,
};
enum { N_HARD = sizeof hard_arguments / sizeof hard_arguments[0], N_RANDOM = 1500 };

typedef struct bench {
    const op_row *row;
    const reference *ref;
    jit_dtype type;
    eval_plan *plan;
    void *scratch;
    int64_t wrong;
    double worst, worst_x, worst_y;
} bench;

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ (*state >> 29);
}

static op find_operator(const char *name)
{
    for (int32_t o = 1; o < OP_COUNT; o++) {
        if (strcmp(op_info((op)o)->name, name) == 0) {
            return (op)o;
        }
    }
    return OP_none;
}

static eval_plan *prepare(const char *name, int32_t arity, jit_dtype t)
{
    char text[128];
    const char *call = strcmp(name, "floordiv") == 0 ? "x // y"
                       : strcmp(name, "mod") == 0    ? "x %% y"
                                                     : NULL;
    int n = snprintf(text, sizeof text, "fn f(x%s) = ", arity == 2 ? ", y" : "");
    if (call) {
        (void)snprintf(text + n, sizeof text - (size_t)n, call, 0);
    } else {
        (void)snprintf(text + n, sizeof text - (size_t)n, "%s(x%s)", name,
                       arity == 2 ? ", y" : "");
    }
    source src = { .name = "math", .text = text, .length = (int32_t)strlen(text) };
    jit_error err;
    diag d;
    diag_init(&d, &err, &src);
    arena *ar = arena_new(NULL, 0);
    const jit_limits limits = { 0 };
    const ast_program *tree = parse_program(ar, &src, &limits, &d);
    program *p = tree ? program_new(ar, tree, &limits, &d) : NULL;
    cr_assert(p, "%s: %s", text, err.diagnostic[0].message);
    const jit_dtype in[] = { t, t };
    specialisation s = { .fn = program_find(p, "f"), .in = in, .n_in = arity, .n_out = 1 };
    graph *g = pipeline_run(p, &s, PIPELINE_MATH, NULL, ar, &d);
    cr_assert(g, "%s %s: %s", text, type_name(t), err.diagnostic[0].message);
    eval_plan *plan = eval_prepare(NULL, g);
    cr_assert(plan);
    arena_free(ar);
    return plan;
}

static double run(bench *b, double x, double y)
{
    cell in[] = { { .f = x }, { .f = y } }, out;
    eval_call c = { .in = in, .out = &out, .fuel = 1 << 20 };
    cr_assert(eval_run(b->plan, &c, b->scratch) == JIT_OK, "%s(%a, %a) does not end",
              b->row->name, x, y);
    return out.f;
}

static wide expect(const bench *b, double x, double y)
{
    if (b->ref->one) {
        return b->ref->one(x);
    }
    if (b->ref->two) {
        return b->ref->two(x, y);
    }
    uint32_t flags = 0;
    const cell v[] = { { .f = x }, { .f = y } };
    return op_eval(find_operator(b->row->name), b->type, b->type, v, &flags).f;
}

static double rounded(jit_dtype t, wide v)
{
    return t == JIT_F32 ? (double)(float)v : (double)v;
}

static wide one_ulp(jit_dtype t, wide v)
{
    const int digits = t == JIT_F32 ? 24 : 53, low = t == JIT_F32 ? -125 : -1021;
    int e = v == 0 ? low : ilogbl(v) + 1;
    return ldexpl(1, (e < low ? low : e) - digits);
}

/* The error in ulp of the wanted value; -1 where kind or sign is wrong. */
static double error_ulp(const bench *b, double got, wide want, wide least)
{
    const wide most = ldexpl(1, b->type == JIT_F32 ? 128 : 1024);
    if (isnan(want) || isnan(got)) {
        return isnan(want) && isnan(got) ? 0 : -1;
    }
    if (got == rounded(b->type, want) && (isinf(got) || want == 0)) {
        return !signbit(got) == !signbit(want) ? 0 : -1;
    }
    if ((!signbit(got) != !signbit(want) && fabsl(want) >= least) || want == 0 || isinf(want)) {
        return -1;
    }
    wide g = isinf(got) ? copysignl(most, got) : got;
    least = least > most / 2 ? most / 2 : least;
    wide w = fabsl(want) > most ? copysignl(most, want) : want;
    wide scale = fabsl(w) == most ? most / 2 : fabsl(w) < least ? least : w;
    return (double)(fabsl(g - w) / one_ulp(b->type, scale));
}

static void check_one(bench *b, double x, double y)
{
    x = rounded(b->type, x);
    y = rounded(b->type, y);
    wide least = b->ref->share * fmaxl(fabsl(x), fabsl(y));
    double e = error_ulp(b, run(b, x, y), expect(b, x, y), least);
    if (e < 0) {
        cr_expect(b->wrong++ > 2, "%s_%s(%a, %a) is %a instead of %La", b->row->name,
                  type_name(b->type), x, y, run(b, x, y), expect(b, x, y));
    } else if (e > b->worst) {
        b->worst = e;
        b->worst_x = x;
        b->worst_y = y;
    }
}

static double any_value(jit_dtype t, uint64_t *state)
{
    double d;
    float f;
    uint64_t bits = draw(state);
    uint32_t half = (uint32_t)(bits >> 32);
    memcpy(&d, &bits, sizeof d);
    memcpy(&f, &half, sizeof f);
    return t == JIT_F32 ? (double)f : d;
}

static double from_interval(const bench *b, uint64_t *state)
{
    double part = (double)(draw(state) >> 11) * 0x1p-53;
    return b->row->test_lo + (b->row->test_hi - b->row->test_lo) * part;
}

static double special(int32_t i)
{
    double v = i / 2 < N_HARD    ? hard_arguments[i / 2]
               : i / 2 == N_HARD ? (double)INFINITY
                                 : (double)NAN;
    return i & 1 ? -v : v;
}

static void check_all(bench *b)
{
    uint64_t state = 42;
    enum { N_SPECIAL = 2 * (N_HARD + 2) };
    for (int32_t i = 0; i < N_SPECIAL; i++) {
        for (int32_t j = 0; j < (b->row->arity == 2 ? N_SPECIAL : 1); j++) {
            check_one(b, special(i), special(j));
        }
    }
    for (int32_t i = 0; i < N_RANDOM; i++) {
        check_one(b, any_value(b->type, &state), any_value(b->type, &state));
        double x = from_interval(b, &state);
        check_one(b, x, from_interval(b, &state));
    }
}

static void check_operator(const reference *r, jit_dtype t)
{
    const op_row *row = op_info(find_operator(r->name));
    bench b = { .row = row, .ref = r, .type = t, .plan = prepare(r->name, row->arity, t) };
    b.scratch = malloc(eval_scratch(b.plan) + 16);
    cr_assert(b.scratch);
    check_all(&b);
    double bound = t == JIT_F32 ? row->ulp_f32 : row->ulp_f64;
    cr_expect(b.worst <= (bound > 0 ? bound : 0.5), "%s_%s: error %.4f ulp at (%a, %a)",
              r->name, type_name(t), b.worst, b.worst_x, b.worst_y);
    free(b.scratch);
    eval_free(b.plan);
}

Test(math, every_definition_is_within_its_bound)
{
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        check_operator(&references[i], JIT_F32);
        check_operator(&references[i], JIT_F64);
    }
}

Test(math, every_operator_to_expand_is_tested)
{
    size_t n = 0;
    for (int32_t o = 1; o < OP_COUNT; o++) {
        /* hidden ones are tested by what is made of them */
        const op_row *r = op_info((op)o);
        bool called = !(r->flags & OP_HIDDEN) || r->rule == RULE_NUMERIC;
        n += (r->flags & OP_EXPAND) && called;
    }
    cr_expect(n == sizeof references / sizeof references[0]);
}

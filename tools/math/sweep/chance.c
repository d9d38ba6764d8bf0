/* The reference is long double, good to about 2**-60; MPFR decides the largest errors, special
 * values and what lies next to a zero of the value. An eighth of the arguments are near the worst
 * ones so far. */
#include "chance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare.h"
#include "tally.h"

typedef struct chance {
    const subject *s;
    jit_dtype type;
    exact_value v;
    own kernel[MOST_OWN];
    tally *t[MOST_OWN];
    int n;
    void *in[2];   /* what kernels read */
    double *x, *y; /* the same in double */
    wide *reference;
    uint64_t state;
} chance;

static const double special_values[] = {
    0.0,
    INFINITY,
    NAN,
    0x1p-149,
    0x1p-126,
    0x1.fffffcp-127,
    0x1.fffffep127,
    0x1p-1074,
    0x1p-1022,
    0x0.fffffffffffffp-1022,
    0x1.fffffffffffffp1023,
    0.5,
    1,
    1.5,
    2,
    2.5,
    3,
    4,
    5,
    7,
    10,
    0.1,
    0.25,
    0.75,
    0x1.fffffep-1,
    0x1.000002p0,
    0x1.fffffffffffffp-1,
    0x1.0000000000001p0,
    1e10,
    1e20,
    1e-20,
    8388607.5,
    16777215,
    16777216,
    4503599627370495.5,
    9007199254740991.0,
    9007199254740992.0,
    9007199254740994.0,
    33,
    36,
    88.72283172607422,
    88.72284698486328,
    103.97207641601562,
    103.97209167480469,
    127,
    128,
    149,
    150,
    151,
    170,
    171.6243769563027,
    172,
    709.782712893384,
    709.7827128933841,
    745.1332191019411,
    745.1332191019412,
    1022,
    1023,
    1024,
    1074,
    1075,
    0x1.921fb54442d18p1,
    0x1.921fb54442d18p0,
    0x1.921fb54442d18p-1,
    0x1.921fb6p1,
    0x1.921fb6p0,
    2.718281828459045,
    5.1e15,
    1e300,
    1e-300,
    1e38,
    1e-38,
    /* next to zeros of lgamma: every one where a double comes near */
    -2.4570247382208,
    -2.4570247382208006,
    -2.457024738220801,
    -2.7476826467274122,
    -2.7476826467274127,
    -2.747682646727413,
    -3.14358088834998,
    -3.1435808883499803,
    -3.1435808883499807,
    -3.9552942848585975,
    -3.955294284858598,
    -3.9552942848585984,
    -4.039361839740536,
    -4.039361839740537,
    -4.039361839740538,
    -4.991544640560047,
    -4.991544640560048,
    -4.991544640560049,
    -5.008218168322593,
    -5.0082181683225935,
    -5.008218168322594,
    -5.998607480080874,
    -5.998607480080875,
    -5.998607480080876,
    -6.001385294453154,
    -6.001385294453155,
    -6.001385294453156,
    -6.999801507890637,
    -6.999801507890638,
    -6.999801507890639,
    -7.000198333407324,
    -7.000198333407325,
    -7.000198333407326,
    -7.99997519709582,
    -7.999975197095821,
    -7.9999751970958215,
    -8.00002480027068,
    -8.000024800270682,
    -8.000024800270683,
    -8.999997244250975,
    -8.999997244250977,
    -8.999997244250979,
    -9.00000275571482,
    -9.000002755714823,
    -9.000002755714824,
    -9.999999724426628,
    -9.99999972442663,
    -9.999999724426631,
    -10.000000275573012,
    -10.000000275573013,
    -10.000000275573015,
    -10.999999974947889,
    -10.99999997494789,
    -10.999999974947892,
    -11.000000025052104,
    -11.000000025052106,
    -11.000000025052108,
    -11.999999997912322,
    -11.999999997912324,
    -11.999999997912326,
    -12.000000002087674,
    -12.000000002087676,
    -12.000000002087678,
    -12.999999999839408,
    -12.99999999983941,
    -12.999999999839412,
    -13.000000000160588,
    -13.00000000016059,
    -13.000000000160592,
    -13.999999999988528,
    -13.99999999998853,
    -13.999999999988532,
    -14.000000000011468,
    -14.00000000001147,
    -14.000000000011472,
    -14.999999999999234,
    -14.999999999999236,
    -14.999999999999238,
    -15.000000000000762,
    -15.000000000000764,
    -15.000000000000766,
    -15.99999999999995,
    -15.999999999999952,
    -15.999999999999954,
    -16.000000000000043,
    -16.000000000000046,
    -16.00000000000005,
    -16.999999999999993,
    -16.999999999999996,
    -17.0,
    -17.000000000000004,
    -17.000000000000007,
    0x1.6ac5b262ca1ffp849, /* of all doubles nearest to a multiple of pi/2 */
    100,
    1000,
    1e5,
    123456.789,
};
enum { N_SPECIAL = sizeof special_values / sizeof *special_values };

static uint64_t draw(chance *c)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return c->state * 0x2545f4914f6cdd1dU;
}

static double uniform(chance *c, double lo, double hi)
{
    return lo + (hi - lo) * (double)(draw(c) >> 11) * 0x1p-53;
}

static double any_bits(chance *c)
{
    uint64_t b = draw(c);
    uint32_t half = (uint32_t)(b >> 32);
    double d;
    float f;
    memcpy(&d, &b, sizeof d);
    memcpy(&f, &half, sizeof f);
    return c->type == JIT_F32 ? (double)f : d;
}

static double any_size(chance *c)
{
    return ldexp(draw(c) & 1 ? -uniform(c, 1, 2) : uniform(c, 1, 2), (int)(draw(c) % 72) - 60);
}

static double some_argument(chance *c)
{
    switch (draw(c) % 4) {
    case 0:
        return any_bits(c);
    case 1:
        return any_size(c);
    default:
        return uniform(c, c->s->lo, c->s->hi);
    }
}

/* A second argument that goes with x: of its size, or a power that does not overflow. */
static double second_argument(chance *c, double x)
{
    uint64_t way = draw(c) % 4;
    if (way == 0)
        return x * uniform(c, -4, 4);
    if (way == 1 && x > 0 && x != 1)
        return uniform(c, -1080, 1030) / log2(x) * (c->type == JIT_F32 ? 0.125 : 1);
    if (way == 2)
        return (double)(int64_t)(draw(c) % 129) - 64;
    return some_argument(c);
}

/* Near one of the worst so far. */
static void hunt(chance *c, double *x, double *y)
{
    const tally *t = c->t[draw(c) % (uint64_t)c->n];
    if (t->n_candidates == 0)
        return;
    const point *p = &t->candidate[draw(c) % (uint64_t)t->n_candidates];
    int near = (int)(draw(c) % 48) + 3;
    *x = p->x * (1 + ldexp(uniform(c, -1, 1), -near));
    *y = p->y * (1 + ldexp(uniform(c, -1, 1), -near));
}

static void fill(chance *c)
{
    for (int i = 0; i < BLOCK; i++) {
        double x = some_argument(c), y = c->s->arity == 2 ? second_argument(c, x) : 0;
        if (i % 8 == 7)
            hunt(c, &x, &y);
        c->x[i] = x;
        c->y[i] = y;
    }
}

/* As the type has them. */
static void convert(chance *c)
{
    for (int i = 0; i < BLOCK; i++) {
        float x = (float)c->x[i], y = (float)c->y[i];
        if (c->type == JIT_F32) {
            ((float *)c->in[0])[i] = x;
            ((float *)c->in[1])[i] = y;
            c->x[i] = (double)x;
            c->y[i] = (double)y;
        } else {
            ((double *)c->in[0])[i] = c->x[i];
            ((double *)c->in[1])[i] = c->y[i];
        }
    }
}

static double result(const chance *c, int k, int i)
{
    const void *out = own_result(&c->kernel[k]);
    return c->type == JIT_F32 ? (double)((const float *)out)[i] : ((const double *)out)[i];
}

/* least: errors count in ulp of at least this. */
static double error_of(const chance *c, double got, wide want, double least)
{
    const int digits = c->type == JIT_F32 ? 24 : 53, low = c->type == JIT_F32 ? -125 : -1021;
    const int top = c->type == JIT_F32 ? 128 : 1024;
    const wide most = ldexpl(1, top);
    int e = 0;
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : COMPARE_WRONG;
    if (!signbit(want) != !signbit(got) || (want == 0 && got != 0))
        return COMPARE_WRONG;
    wide g = isinf(got) ? copysignl(most, got) : got;
    wide w = fabsl(want) > most ? copysignl(most, want) : want;
    if (g == w)
        return 0;
    (void)frexpl(fabsl(w) < least ? (wide)least : w, &e);
    e = e < low ? low : e > top ? top : e;
    return (double)ldexpl(fabsl(g - w), digits - e);
}

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

/* The kernel of the same tier at the first width. */
static int first_of_tier(const chance *c, int k)
{
    int i = 0;
    while (c->kernel[i].tier != c->kernel[k].tier)
        i++;
    return i;
}

/* Long double loses what is left of a difference. */
static bool next_to_zero(const chance *c, wide w)
{
    return c->s->gap && fabsl(w) < 0x1p-9L && fabsl(w) > 0;
}

/* Within half an ulp, which is less than the largest so far. */
static bool is_settled(const chance *c, const tally *t, double got, wide want)
{
    double rounded = c->type == JIT_F32 ? (double)(float)want : (double)want;
    return got == rounded && got != 0 && t->seen > 0.5 + 2 * t->slack;
}

static void compare_all(chance *c, int k, bool special)
{
    tally *t = c->t[k];
    int base = first_of_tier(c, k);
    for (int i = 0; i < BLOCK; i++) {
        point p = { c->x[i], c->y[i], 0, result(c, k, i) };
        t->differ += base != k && !same(p.got, result(c, base, i));
        if (!special && is_settled(c, t, p.got, c->reference[i]))
            continue;
        if (special || next_to_zero(c, c->reference[i])) {
            exact_find(&c->v, c->s, p.x, p.y);
            p.error = exact_error(&c->v, c->type, p.got);
            p.error = isinf(p.error) ? COMPARE_WRONG : p.error;
        } else {
            double larger = fmax(fabs(p.x), fabs(p.y));
            double least = c->s->share > 0 && isfinite(larger) ? c->s->share * larger : 0;
            p.error = error_of(c, p.got, c->reference[i], least);
        }
        t->misrounded += p.error > 0.5;
        if (p.error > 0x1p-20)
            tally_point(t, &c->v, &p);
    }
    t->tested += BLOCK;
}

static void block(chance *c, const chance_options *o, int64_t number, bool special)
{
    convert(c);
    for (int i = 0; !special && i < BLOCK; i++)
        c->reference[i] = c->s->wide1 ? c->s->wide1(c->x[i]) : c->s->wide2(c->x[i], c->y[i]);
    for (int k = 0; k < c->n; k++) {
        const width *w = c->kernel[k].w;
        if (!special && number % (w->interpret ? 256 : w->slow ? (int64_t)o->slow : 1) != 0)
            continue;
        own_run(&c->kernel[k]);
        compare_all(c, k, special);
    }
}

static double special_at(int i)
{
    double v = special_values[i / 2 % N_SPECIAL];
    return i & 1 ? -v : v;
}

static void all_special(chance *c, const chance_options *o)
{
    enum { N = 2 * N_SPECIAL };
    int n = 0, all = c->s->arity == 2 ? N * N : N;
    while (n < all) {
        for (int i = 0; i < BLOCK; i++, n++) {
            c->x[i] = special_at(n % N);
            c->y[i] = special_at(n / N % N);
        }
        block(c, o, 0, true);
    }
}

static void begin(chance *c, const chance_options *o)
{
    c->in[0] = aligned_alloc(64, BLOCK * sizeof(double));
    c->in[1] = aligned_alloc(64, BLOCK * sizeof(double));
    c->x = calloc(BLOCK, sizeof *c->x);
    c->y = calloc(BLOCK, sizeof *c->y);
    c->reference = calloc(BLOCK, sizeof *c->reference);
    if (!c->in[0] || !c->in[1] || !c->x || !c->y || !c->reference)
        exit(1);
    exact_begin(&c->v);
    c->n = own_make(c->kernel, c->s, &(own_choice){ c->type, o->tier, { c->in[0], c->in[1] } });
    for (int k = 0; k < c->n; k++)
        c->t[k] =
            tally_new(&c->kernel[k], c->s, c->type, c->type == JIT_F32 ? 0x1p-24 : 0x1p-8);
}

static void end(chance *c)
{
    own_free(c->kernel, c->n);
    for (int k = 0; k < c->n; k++)
        free(c->t[k]);
    free(c->in[0]);
    free(c->in[1]);
    free(c->x);
    free(c->y);
    free(c->reference);
    exact_end(&c->v);
}

void chance_run(const subject *s, jit_dtype type, const chance_options *o)
{
    chance c = { .s = s, .type = type, .state = 0x9e3779b97f4a7c15U };
    struct timespec a, b;
    begin(&c, o);
    if (c.n == 0) {
        end(&c);
        return;
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    all_special(&c, o);
    for (int64_t n = 0; n < o->count; n += BLOCK) {
        fill(&c);
        block(&c, o, n / BLOCK, false);
    }
    for (int k = 0; k < c.n; k++)
        tally_finish(c.t[k], &c.v);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    for (int k = 0; k < c.n; k++)
        tally_print(c.t[k],
                    (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
    if (o->hard)
        tally_write_hard(c.t[0], &c.v, o->hard);
    end(&c);
}

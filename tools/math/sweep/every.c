/* All 2**32 arguments of an f32 function, a block of 1024 neighbours at a time: they have one
 * sign and one exponent. */
#include "every.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare.h"
#include "quick.h"
#include "tally.h"

enum {
    BLOCK_BITS = 10,
    SAMPLE = 16384,     /* the interpreter: every so many blocks */
    MOST_CLOSE = 20000, /* points decided because their value may round either way */
    N_TIES = 12
};

/* A reference of 2**-49 or better tells the rounding of what is farther than this from a tie. */
static const double near_tie = 0x1p-25;

typedef struct every {
    const subject *s;
    const every_options *o;
    const ends *ends;
    exact_value v;
    own kernel[MOST_OWN];
    tally *t[MOST_OWN];
    int n;
    int64_t n_close;
    point tie[N_TIES]; /* the hardest to round: error is the distance from a tie */
    float *x, *rounded;
    double *wide_x, *reference, *detail; /* detail: of each point, where they are looked at */
    comparison found[MOST_OWN];
} every;

static void *block_of(size_t element)
{
    void *p = aligned_alloc(64, BLOCK * element);
    if (!p)
        exit(1);
    return p;
}

static every *begin(const subject *s, const every_options *o)
{
    every *e = calloc(1, sizeof *e);
    if (!e)
        exit(1);
    e->s = s;
    e->o = o;
    e->ends = ends_find(s->name);
    exact_begin(&e->v);
    e->x = block_of(sizeof(float));
    e->rounded = block_of(sizeof(float));
    e->wide_x = block_of(sizeof(double));
    e->reference = block_of(sizeof(double));
    e->detail = block_of(sizeof(double));
    e->n = own_make(e->kernel, s, &(own_choice){ JIT_F32, o->tier, { e->x, e->x } });
    for (int i = 0; i < e->n; i++)
        e->t[i] = tally_new(&e->kernel[i], s, JIT_F32, s->quick ? 0x1p-18 : 0x1p-24);

    for (int i = 0; i < N_TIES; i++)
        e->tie[i].error = 1;
    return e;
}

static void end(every *e)
{
    own_free(e->kernel, e->n);
    for (int i = 0; i < e->n; i++)
        free(e->t[i]);
    free(e->x);
    free(e->rounded);
    free(e->wide_x);
    free(e->reference);
    free(e->detail);
    exact_end(&e->v);
    free(e);
}

static void keep_tie(every *e, int i)
{
    mpfr_t d;
    int last = 0;
    float r = (float)exact_round(&e->v, JIT_F32);
    for (int k = 1; k < N_TIES; k++)
        if (e->tie[k].error > e->tie[last].error)
            last = k;
    mpfr_init2(d, 200);
    mpfr_sub_d(d, e->v.value, (double)r, MPFR_RNDN);
    double ulp = fabs((double)nextafterf(r, INFINITY) - (double)r);
    double away = fabs(fabs(mpfr_get_d(d, MPFR_RNDN)) / ulp - 0.5);
    mpfr_clear(d);
    if (away < e->tie[last].error)
        e->tie[last] = (point){ .x = (double)e->x[i], .error = away };
}

static void round_reference(every *e)
{
    if (compare_round(e->reference, e->rounded) >= near_tie)
        return;
    compare_distances(e->reference, e->detail);
    for (int i = 0; i < BLOCK; i++)
        if (e->detail[i] < near_tie && e->n_close++ < MOST_CLOSE) {
            exact_find(&e->v, e->s, e->wide_x[i], 0);
            e->rounded[i] = (float)exact_round(&e->v, JIT_F32);
            keep_tie(e, i);
        }
}

static bool same_float(float a, float b)
{
    uint32_t c, d;
    memcpy(&c, &a, sizeof c);
    memcpy(&d, &b, sizeof d);
    return c == d || (a != a && b != b);
}

/* The kernel of the same tier at the first width. */
static int first_of_tier(const every *e, int k)
{
    int i = 0;
    while (e->kernel[i].tier != e->kernel[k].tier)
        i++;
    return i;
}

/* Most kernels give the bits of one before them, and so its errors. */
static int same_before(const every *e, int k)
{
    const float *got = own_result(&e->kernel[k]);
    for (int i = 0; i < k; i++)
        if (e->kernel[i].tier == e->kernel[k].tier || e->kernel[i].w == e->kernel[k].w)
            if (memcmp(got, own_result(&e->kernel[i]), BLOCK * sizeof *got) == 0)
                return i;
    return k;
}

static void compare_kernel(every *e, int k)
{
    const float *got = own_result(&e->kernel[k]);
    const float *first = own_result(&e->kernel[first_of_tier(e, k)]);
    int base = same_before(e, k);
    if (base == k || e->kernel[base].tier != e->kernel[k].tier)
        for (int i = 0; first != got && i < BLOCK; i++)
            e->t[k]->differ += !same_float(got[i], first[i]);
    e->found[k] = base == k ? compare_run(e->reference, e->rounded, got) : e->found[base];
}

/* Every result of the correctly rounded tier that is another than the reference's. */
static void check_rounding(every *e, int k)
{
    const float *got = own_result(&e->kernel[k]);
    for (int i = 0; i < BLOCK; i++) {
        if (same_float(got[i], e->rounded[i]))
            continue;
        exact_find(&e->v, e->s, e->wide_x[i], 0);
        double want = exact_round(&e->v, JIT_F32);
        if (same_float(got[i], (float)want))
            continue;
        e->t[k]->misrounded++;
        if (e->o->misrounded)
            fprintf(e->o->misrounded, "%s %s %a %a %a\n", e->s->name, e->kernel[k].w->name,
                    e->wide_x[i], want, (double)got[i]);
    }
}

static void settle(every *e, int k)
{
    tally *t = e->t[k];
    const float *got = own_result(&e->kernel[k]);
    double most = e->found[k].most, floor = tally_floor(t);
    uint32_t at;
    memcpy(&at, e->x, sizeof at);
    t->tested += BLOCK;
    if (e->kernel[k].tier == 0.5) {
        if (e->found[k].unequal)
            check_rounding(e, k);
    } else {
        t->misrounded += e->found[k].unequal;
    }
    if (most < floor && (most < TALLY_HARD || most <= t->hard[at >> 23].error))
        return;
    if (most < COMPARE_WRONG) /* near the block's own, or just that for its exponent */
        floor = most < floor ? most : fmax(floor, most - t->slack * (1 + most));
    compare_errors(e->reference, got, e->detail);
    for (int i = 0; i < BLOCK; i++)
        if (e->detail[i] >= floor && e->detail[i] > 0x1p-20) {
            point p = { e->wide_x[i], 0, e->detail[i], (double)got[i] };
            tally_point(t, &e->v, &p);
        }
}

/* Whether a width is looked at on a sample alone, and not in this block. */
static bool left_out(const every *e, int k, uint32_t number)
{
    const width *w = e->kernel[k].w;
    uint32_t each = w->interpret ? SAMPLE : w->slow ? e->o->slow : 1;
    return number / e->o->stride % each != each / 2;
}

static void block(every *e, uint32_t number)
{
    uint32_t first = number << BLOCK_BITS;
    for (uint32_t i = 0; i < BLOCK; i++) {
        uint32_t b = first + i;
        memcpy(&e->x[i], &b, sizeof b);
    }
    for (int i = 0; i < BLOCK; i++)
        e->wide_x[i] = (double)e->x[i];
    quick_run(e->s, e->ends, e->wide_x, e->reference);
    round_reference(e);
    for (int k = 0; k < e->n; k++) {
        if (left_out(e, k, number))
            continue;
        own_run(&e->kernel[k]);
        compare_kernel(e, k);
        settle(e, k);
    }
}

static void write_hard(every *e)
{
    tally_write_hard(e->t[0], &e->v, e->o->hard);
    for (int i = 0; i < N_TIES; i++)
        if (e->tie[i].error < 1)
            tally_write_point(e->t[0], &e->v, &e->tie[i], e->o->hard);
}

void every_run(const subject *s, const every_options *o)
{
    every *e = begin(s, o);
    struct timespec a, b;
    if (e->n == 0) {
        end(e);
        return;
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (uint64_t n = 0; n < (uint64_t)1 << (32 - BLOCK_BITS); n += o->stride)
        block(e, (uint32_t)n);
    for (int k = 0; k < e->n; k++)
        tally_finish(e->t[k], &e->v);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    for (int k = 0; k < e->n; k++)
        tally_print(e->t[k],
                    (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
    if (o->hard)
        write_hard(e);
    end(e);
}

#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

enum { MOST_DECIDED = 200000, MOST_WRONG = 1000 };

tally *tally_new(const own *kernel, const subject *s, jit_dtype type, double slack)
{
    tally *t = calloc(1, sizeof *t);
    if (!t)
        exit(1);
    t->kernel = kernel;
    t->s = s;
    t->type = type;
    t->slack = slack;
    return t;
}

static void add_wrong(tally *t, const point *p)
{
    if (t->wrong++ == 0)
        t->first_wrong = *p;
}

/* MPFR's error; beyond so many points the quick one is taken. */
static double decide(tally *t, exact_value *v, const point *p)
{
    if (++t->n_decided > MOST_DECIDED || t->wrong > MOST_WRONG)
        return p->error >= COMPARE_WRONG ? (double)INFINITY : p->error;
    exact_find(v, t->s, p->x, p->y);
    return exact_error(v, t->type, p->got);
}

double tally_floor(const tally *t)
{
    return t->seen - t->slack * (1 + t->seen);
}

static void drop_candidates(tally *t)
{
    int32_t n = 0;
    for (int32_t i = 0; i < t->n_candidates; i++)
        if (t->candidate[i].error >= tally_floor(t))
            t->candidate[n++] = t->candidate[i];
    t->n_candidates = n;
}

static void add_candidate(tally *t, const point *p)
{
    if (p->error > t->seen)
        t->seen = p->error;
    if (t->n_candidates == MOST_CANDIDATES)
        drop_candidates(t);
    while (t->n_candidates == MOST_CANDIDATES) { /* many alike: those nearest to the largest */
        t->slack /= 2;
        drop_candidates(t);
        if (t->slack < 0x1p-60)
            t->n_candidates /= 2;
    }
    if (p->error >= tally_floor(t))
        t->candidate[t->n_candidates++] = *p;
}

static uint32_t exponent_index(jit_dtype type, double x)
{
    uint64_t b;
    float narrow = (float)x;
    uint32_t c;
    memcpy(&b, &x, sizeof b);
    memcpy(&c, &narrow, sizeof c);
    return type == JIT_F32 ? c >> 23 : (uint32_t)(b >> 52);
}

void tally_point(tally *t, exact_value *v, const point *p)
{
    point q = *p;
    if (q.error >= COMPARE_WRONG) {
        q.error = decide(t, v, &q);
        if (isinf(q.error)) {
            add_wrong(t, &q);
            return;
        }
    }
    if (q.error >= tally_floor(t))
        add_candidate(t, &q);
    point *h = &t->hard[exponent_index(t->type, q.x)];
    if (q.error > h->error)
        *h = q;
}

void tally_finish(tally *t, exact_value *v)
{
    drop_candidates(t);
    t->n_decided = 0; /* these are all to be decided */
    for (int32_t i = 0; i < t->n_candidates; i++) {
        point p = t->candidate[i];
        p.error = decide(t, v, &p);
        if (isinf(p.error))
            add_wrong(t, &p);
        else if (p.error > t->worst.error)
            t->worst = p;
    }
}

void tally_print(const tally *t, double seconds)
{
    char tier[32] = "default", wrong[80] = "";
    if (t->kernel->tier > 0)
        (void)snprintf(tier, sizeof tier, "@ulp(%g)", t->kernel->tier);
    double bound = t->kernel->tier > 0 ? t->kernel->tier : t->s->bound;
    if (t->worst.error > bound)
        (void)snprintf(wrong, sizeof wrong, "\tover %g", bound);
    if (t->wrong)
        (void)snprintf(wrong, sizeof wrong, "\tat %a %a: %a", t->first_wrong.x,
                       t->first_wrong.y, t->first_wrong.got);
    printf("%s\t%s\t%s\t%s\t%.6f\t%a\t%a\t%lld\t%lld\t%lld\t%lld\t%.1f%s\n", t->s->name,
           jit_dtype_name(t->type), tier, t->kernel->w->name, t->worst.error, t->worst.x,
           t->worst.y, (long long)t->misrounded, (long long)t->wrong, (long long)t->differ,
           (long long)t->tested, seconds, wrong);
    (void)fflush(stdout);
}

void tally_write_point(const tally *t, exact_value *v, const point *p, FILE *out)
{
    exact_find(v, t->s, p->x, p->y);
    fprintf(out, "%s %s %a %a ", t->s->name, jit_dtype_name(t->type), p->x,
            t->s->arity == 2 ? p->y : 0);
    fprintf(out, "%La\n", mpfr_get_ld(v->value, MPFR_RNDN));
}

static int by_error(const void *a, const void *b)
{
    double x = ((const point *)a)->error, y = ((const point *)b)->error;
    return (x < y) - (x > y);
}

void tally_write_hard(const tally *t, exact_value *v, FILE *out)
{
    point sorted[N_EXPONENTS];
    memcpy(sorted, t->hard, sizeof sorted);
    qsort(sorted, N_EXPONENTS, sizeof *sorted, by_error);
    tally_write_point(t, v, &t->worst, out);
    for (int i = 0; i < N_HARD && sorted[i].error > TALLY_HARD; i++)
        if (sorted[i].x != t->worst.x)
            tally_write_point(t, v, &sorted[i], out);
}

/* k-means: each sample to its nearest centre, each centre to the middle of its samples, until none
 * moves. Both steps are functions of the language, the first written for one sample.
 *
 *     k_means [FILE.csv [K]]        columns of numbers; without it 3000 samples around 5 places */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn nearest(p: [d], c: [k,d]) -> (label, far) {\n"
    "  let r[j] = sum[i]((p[i] - c[j,i])**2)\n"
    "  label = argmin(r)\n"
    "  far = min(r)\n"
    "}\n"
    "fn middle(p: [n,d], label: i64[n], c: [k,d]) -> m: [k,d] {\n"
    "  let size[j]: [k] = sum[i](label[i] == j ? 1 : 0)\n"
    "  m[j,l] = size[j] > 0 ? sum[i](label[i] == j ? p[i,l] : 0)/size[j] : c[j,l]\n"
    "}\n"
    "fn total(x: [n]) = sum(x)\n";

enum { SAMPLES = 3000, PLACES = 5, MOST_STEPS = 100 };

typedef struct clusters {
    jit_module *m;
    jit_array p, c, label, far;
    jit_error err;
} clusters;

static jit_status make(jit_array *p, jit_error *err)
{
    static const double place[PLACES][2] = {
        { 0, 0 }, { 5, 1 }, { 2, 6 }, { -4, 3 }, { -3, -4 }
    };
    jit_status status = jit_array_new(p, JIT_F64, 2, (int64_t[]){ SAMPLES, 2 }, err);
    uint32_t seed = 7;
    for (int i = 0; i < 2 * SAMPLES && status == JIT_OK; i++) {
        double noise = -6; /* of twelve, nearly normal */
        for (int k = 0; k < 12; k++) {
            seed = seed * 1664525u + 1013904223u;
            noise += (double)seed / 4294967296.0;
        }
        ((double *)p->data)[i] = place[i / 2 % PLACES][i % 2] + 1.2 * noise;
    }
    return status;
}

/* The first centre is the first sample, each further one the sample farthest from those before. */
static jit_status choose(clusters *s, int64_t k)
{
    int64_t d = s->p.shape[1], best = 0;
    const double *p = s->p.data;
    if (jit_array_new(&s->c, JIT_F64, 2, (int64_t[]){ k, d }, &s->err) != JIT_OK)
        return s->err.status;
    for (int64_t j = 0; j < k; j++) {
        for (int64_t i = 0; i < d; i++)
            ((double *)s->c.data)[j * d + i] = p[best * d + i];
        jit_array so_far = s->c;
        so_far.shape[0] = j + 1;
        jit_args args = { .in = (jit_array[]){ s->p, so_far }, .n_in = 2, .n_out = 2 };
        args.out = (jit_array[]){ s->label, s->far };
        if (jit_call(s->m, "nearest", &args, &s->err) != JIT_OK)
            return s->err.status;
        for (int64_t n = 0; n < s->p.shape[0]; n++)
            best = ((double *)s->far.data)[n] > ((double *)s->far.data)[best] ? n : best;
    }
    return JIT_OK;
}

/* One step; *sum: of the squared distances before it. */
static jit_status step(clusters *s, double *sum)
{
    jit_array out = jit_array_of(JIT_F64, sum, 0, NULL);
    jit_args near = { .in = (jit_array[]){ s->p, s->c }, .n_in = 2, .n_out = 2 };
    near.out = (jit_array[]){ s->label, s->far };
    jit_args all = { .in = &s->far, .n_in = 1, .out = &out, .n_out = 1 };
    jit_args mean = { .in = (jit_array[]){ s->p, s->label, s->c }, .n_in = 3 };
    mean.out = &s->c; /* an output may be an input */
    mean.n_out = 1;
    if (jit_call(s->m, "nearest", &near, &s->err) == JIT_OK &&
        jit_call(s->m, "total", &all, &s->err) == JIT_OK)
        (void)jit_call(s->m, "middle", &mean, &s->err);
    return s->err.status;
}

static int iterate(clusters *s)
{
    double before = INFINITY, sum = 0;
    int n = 0, rose = 0;
    for (; n < MOST_STEPS && step(s, &sum) == JIT_OK && sum != before; n++) {
        rose |= sum > before * (1 + 1e-12);
        before = sum;
    }
    printf("%lld samples, %lld centres: %.2f after %d steps%s\n", (long long)s->p.shape[0],
           (long long)s->c.shape[0], sum, n, rose ? ", but it rose" : "");
    return rose || n == MOST_STEPS || s->err.status != JIT_OK;
}

/* Each label once more in plain C, and what each centre has. */
static int check(const clusters *s)
{
    int64_t d = s->p.shape[1], k = s->c.shape[0], wrong = 0;
    const double *p = s->p.data, *c = s->c.data, *far = s->far.data;
    const int64_t *label = s->label.data;
    int64_t *size = calloc((size_t)k, sizeof *size);
    for (int64_t n = 0; n < s->p.shape[0] && size; n++) {
        size[label[n]]++;
        for (int64_t j = 0; j < k; j++) {
            double r = 0;
            for (int64_t i = 0; i < d; i++)
                r += (p[n * d + i] - c[j * d + i]) * (p[n * d + i] - c[j * d + i]);
            wrong += r < far[n] * (1 - 1e-12);
        }
    }
    for (int64_t j = 0; j < k && size; j++)
        printf("centre %8.4f %8.4f has %lld\n", c[j * d], d > 1 ? c[j * d + 1] : 0,
               (long long)size[j]);
    printf("%lld labels are not the nearest by plain C\n", (long long)wrong);
    free(size);
    return wrong > 0;
}

int main(int argc, char **argv)
{
    clusters s = { .label = { .rank = 0 } };
    int64_t k = argc > 2 ? strtoll(argv[2], NULL, 10) : PLACES;
    s.m = jit_compile(program, NULL, &s.err);
    if (!s.m || (argc > 1 ? jit_array_load(&s.p, argv[1], &s.err) : make(&s.p, &s.err))) {
        jit_error_print(stderr, &s.err);
        return 1;
    }
    if (s.p.rank != 2 || s.p.dtype != JIT_F64 || s.p.shape[0] < 1 || k < 1) {
        fprintf(stderr, "rows of two or more f64 numbers, and one centre or more\n");
        return 1;
    }
    if (jit_array_new(&s.label, JIT_I64, 1, s.p.shape, &s.err) ||
        jit_array_new(&s.far, JIT_F64, 1, s.p.shape, &s.err) || choose(&s, k)) {
        jit_error_print(stderr, &s.err);
        return 1;
    }
    int bad = iterate(&s);
    if (s.err.status != JIT_OK)
        jit_error_print(stderr, &s.err);
    bad = check(&s) || bad;
    jit_array *made[] = { &s.p, &s.c, &s.label, &s.far };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        jit_array_free(made[i]);
    jit_release(s.m);
    return bad;
}

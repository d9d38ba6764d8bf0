/* Every function in L1, in each type and tier of accuracy, against the vector libraries and the
 * peers at whatever accuracy they have; and the activations from memory, against memcpy. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "peak.h"
#include "peer.h"
#include "report.h"
#include "vector_peer.h"

enum {
    L1 = 4096,
    N_TIERS = 3, /* the default, @ulp(4), @ulp(0.5) */
    N_PEERS = 4,
    N_COLUMNS = N_TIERS - 1 + N_VECTOR_LIBRARIES + N_PEERS,
    CLOCK = N_COLUMNS + 1, /* the contender that counts cycles */
    MOST = CLOCK + 1
};

static const char *const columns[N_COLUMNS] = { "@ulp(4)",   "@ulp(0.5)", "libmvec",
                                                "SLEEF u10", "SLEEF u35", "numpy",
                                                "numba",     "numexpr",   "torch" };

typedef struct subject {
    const char *name, *c_name; /* c_name: in the vector libraries; NULL: as name */
    int arity;
    double lo, hi, lo2, hi2;
    bool tiers; /* one function of mathematics; else a formula of some */
} subject;

static const subject subjects[] = {
    { "exp", NULL, 1, -20, 20, 0, 0, true },
    { "exp2", NULL, 1, -20, 20, 0, 0, true },
    { "exp10", NULL, 1, -20, 20, 0, 0, true },
    { "expm1", NULL, 1, -5, 5, 0, 0, true },
    { "log", NULL, 1, 0.001, 1000, 0, 0, true },
    { "log2", NULL, 1, 0.001, 1000, 0, 0, true },
    { "log10", NULL, 1, 0.001, 1000, 0, 0, true },
    { "log1p", NULL, 1, -0.9, 100, 0, 0, true },
    { "sin", NULL, 1, -100, 100, 0, 0, true },
    { "cos", NULL, 1, -100, 100, 0, 0, true },
    { "tan", NULL, 1, -100, 100, 0, 0, true },
    { "asin", NULL, 1, -1, 1, 0, 0, true },
    { "acos", NULL, 1, -1, 1, 0, 0, true },
    { "atan", NULL, 1, -10, 10, 0, 0, true },
    { "sinh", NULL, 1, -8, 8, 0, 0, true },
    { "cosh", NULL, 1, -8, 8, 0, 0, true },
    { "tanh", NULL, 1, -4, 4, 0, 0, true },
    { "asinh", NULL, 1, -100, 100, 0, 0, true },
    { "acosh", NULL, 1, 1, 100, 0, 0, true },
    { "atanh", NULL, 1, -1, 1, 0, 0, true },
    { "cbrt", NULL, 1, -1000, 1000, 0, 0, true },
    { "erf", NULL, 1, -4, 4, 0, 0, true },
    { "erfc", NULL, 1, -4, 8, 0, 0, true },
    { "lgamma", NULL, 1, 0.1, 50, 0, 0, true },
    { "tgamma", NULL, 1, 0.1, 30, 0, 0, true },
    { "rsqrt", NULL, 1, 0.001, 1000, 0, 0, false },
    { "pow", NULL, 2, 0.01, 100, -8, 8, true },
    { "atan2", NULL, 2, -10, 10, -10, 10, true },
    { "hypot", NULL, 2, -100, 100, -100, 100, true },
    { "fmod", NULL, 2, -1000, 1000, 0.1, 50, false },
    { "remainder", NULL, 2, -1000, 1000, 0.1, 50, false },
    { "logaddexp", NULL, 2, -20, 20, -20, 20, false },
    { "sigmoid", NULL, 1, -8, 8, 0, 0, false },
    { "log_sigmoid", NULL, 1, -8, 8, 0, 0, false },
    { "softplus", NULL, 1, -8, 8, 0, 0, false },
    { "silu", NULL, 1, -8, 8, 0, 0, false },
    { "gelu", NULL, 1, -8, 8, 0, 0, false },
    { "gelu_tanh", NULL, 1, -8, 8, 0, 0, false },
    { "mish", NULL, 1, -8, 8, 0, 0, false },
    { "elu", NULL, 1, -8, 8, 0, 0, false },
    { "selu", NULL, 1, -8, 8, 0, 0, false },
};
enum { N_SUBJECTS = sizeof subjects / sizeof *subjects };

typedef struct function_case {
    const subject *s;
    jit_dtype type;
    void *x, *y, *out[N_TIERS + N_VECTOR_LIBRARIES];
    bound_kernel kernel[N_TIERS];
    vector_loop loop[N_VECTOR_LIBRARIES];
    char names[N_PEERS][PEER_NAME];
    contender c[MOST];    /* ours, then the clock, then what else there is */
    int at[N_COLUMNS], n; /* of the contenders; 0: not there */
} function_case;

/* A chain of additions: as many cycles as it has links. */
static double clock_run(void *arg, long n)
{
    enum { LINKS = 1 << 14 };
    double start = contest_now_ns();
    for (long i = 0; i < n; i++)
        for (long k = 0, v = 0; k < LINKS; k += 16) {
#pragma GCC unroll 16
            for (int j = 0; j < 16; j++)
                __asm__ volatile("add %1, %0" : "+r"(v) : "r"(k));
        }
    (void)arg;
    return (contest_now_ns() - start) * (double)L1 / (double)LINKS;
}

static void *numbers_make(jit_dtype type, double lo, double hi)
{
    void *x = memory_make(L1 * sizeof(double));
    numbers_fill(x, type, L1, (range){ lo, hi });
    return x;
}

static void add_ours(function_case *f, int tier)
{
    static const char *const attribute[N_TIERS] = { "", "@ulp(4) ", "@ulp(0.5) " };
    static const int64_t n = L1;
    char text[96];
    const char *arguments = f->s->arity == 2 ? "x, y" : "x";
    bound_kernel *k = &f->kernel[tier];
    (void)snprintf(text, sizeof text, "fn f(%s) %s= %s(%s)", arguments, attribute[tier],
                   f->s->name, arguments);
    *k = kernel_make(text, kernel_signature(f->type, f->s->arity));
    k->in[0] = jit_array_of(f->type, f->x, 1, &n);
    k->in[1] = jit_array_of(f->type, f->y, 1, &n);
    k->out = jit_array_of(f->type, f->out[tier], 1, &n);
    kernel_bind(k, f->s->arity);
    f->c[f->n] = (contender){ .name = tier ? columns[tier - 1] : f->s->name,
                              .run = kernel_run,
                              .arg = k };
    if (tier)
        f->at[tier - 1] = f->n;
    f->n++;
}

static void add_library(function_case *f, vector_library from)
{
    vector_loop *l = &f->loop[from];
    *l = (vector_loop){ .type = f->type, .arity = f->s->arity, .x = f->x, .y = f->y, .n = L1 };
    l->out = f->out[N_TIERS + (int)from];
    if (!vector_find(l, from, f->s->c_name ? f->s->c_name : f->s->name))
        return;
    f->at[N_TIERS - 1 + (int)from] = f->n;
    f->c[f->n++] =
        (contender){ .name = vector_library_name[from], .run = vector_run, .arg = l };
}

static void add_peer(function_case *f, int peer)
{
    int column = N_TIERS - 1 + N_VECTOR_LIBRARIES + peer;
    const subject *s = f->s;
    char job[PEER_NAME];
    (void)snprintf(job, sizeof job, "%s:%s:%g:%g:%g:%g", s->name, jit_dtype_name(f->type),
                   s->lo, s->hi, s->lo2, s->hi2);
    int more = peer_add(f->c, f->n, f->names[peer], columns[column], job);
    if (more == f->n)
        return;
    f->c[f->n].name = columns[column];
    f->at[column] = f->n;
    f->n = more;
}

static void report_case(function_case *f)
{
    char what[64], text[64];
    const contender *peer[N_COLUMNS];
    double fastest = INFINITY;
    for (int i = 0; i < f->n; i++) { /* of an element */
        f->c[i].best_ns /= (double)L1;
        f->c[i].median_ns /= (double)L1;
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        peer[i] = f->at[i] ? &f->c[f->at[i]] : NULL;
        if (i >= N_TIERS - 1 && peer[i])
            fastest = fmin(fastest, peer[i]->best_ns);
    }
    int n = snprintf(text, sizeof text, "%.2f |", f->c[0].best_ns / f->c[1].best_ns);
    if (isfinite(fastest))
        (void)snprintf(text + n, sizeof text - (size_t)n, " %.2f", fastest / f->c[0].best_ns);
    (void)snprintf(what, sizeof what, "%s %s", f->s->name, jit_dtype_name(f->type));
    report_add_line(&(report_line){
        .what = what, .own = &f->c[0], .share = NAN, .text = text, .peer = peer });
}

static void measure(const subject *s, jit_dtype type, int repeats)
{
    static function_case f;
    memset(&f, 0, sizeof f);
    f.s = s;
    f.type = type;
    f.x = numbers_make(type, s->lo, s->hi);
    f.y = numbers_make(type, s->lo2, s->hi2);
    for (int i = 0; i < N_TIERS + N_VECTOR_LIBRARIES; i++)
        f.out[i] = numbers_make(type, 0, 0);
    add_ours(&f, 0);
    f.c[f.n++] = (contender){ .name = "clock", .run = clock_run };
    for (int t = 1; s->tiers && t < (type == JIT_F32 && s->arity == 1 ? 3 : 2); t++)
        add_ours(&f, t);
    for (int i = 0; i < N_VECTOR_LIBRARIES; i++)
        add_library(&f, (vector_library)i);
    for (int i = 0; i < N_PEERS; i++)
        add_peer(&f, i);
    contest(f.c, f.n, repeats);
    report_case(&f);
    for (int t = 0; t < N_TIERS; t++)
        if (f.kernel[t].kernel)
            kernel_free(&f.kernel[t]);
    for (int i = 0; i < N_TIERS + N_VECTOR_LIBRARIES; i++)
        free(f.out[i]);
    free(f.x);
    free(f.y);
}

bool bench_wanted(const char *name)
{
    const char *list = getenv("FUSEJIT_BENCH_FUNCTIONS");
    size_t n = strlen(name);
    for (const char *at = list; at && (at = strstr(at, name)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
            return true;
    return !list;
}

static void activations(const bench_size *s)
{
    static const char *const names[] = {
        "sigmoid",    "log_sigmoid", "softplus",   "silu",      "gelu", "gelu_tanh",
        "gelu_quick", "mish",        "elu",        "selu",      "celu", "tanh",
        "gaussian",   "softsign",    "tanhshrink", "squareplus"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "fn f(x) = %s(x)", names[i]);
        memory_subject m = { .name = names[i], .text = text, .n_in = 1, .reach = 90 };
        m.waived = !machine_has_avx512();
        if (bench_wanted(names[i]))
            memory_case(s, &m);
    }
}

void cases_functions(const bench_size *s)
{
    report_table("function, an element in L1, one thread", "cycles | of the fastest", columns,
                 N_COLUMNS);
    for (int i = 0; i < N_SUBJECTS; i++)
        for (int wide = 0; wide < 2; wide++)
            if (bench_wanted(subjects[i].name))
                measure(&subjects[i], wide ? JIT_F64 : JIT_F32, s->few ? 7 : s->repeats);
}

void cases_activations(const bench_size *s)
{
    activations(s);
}

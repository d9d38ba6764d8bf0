/* Functions of rows and reductions, against NumPy, PyTorch and the speed of memory: softmax and
 * layer_norm as a copy of the same bytes, sums as a reading of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "peak.h"
#include "peer.h"
#include "report.h"

enum { NUMPY, TORCH, N_PEERS, MOST = 2 + N_PEERS };

static const char *const peers[N_PEERS] = { "numpy", "torch" };

typedef struct subject {
    const char *job, *text, *signature;
    int n_in;
    int core; /* axes of an input that the function takes: 1 or 2 */
    enum { SAME, PER_ROW, PER_COLUMN, ONE } result;
    bool copies; /* judged by a copy, else by a reading */
} subject;

typedef struct rows_case {
    const subject *s;
    int64_t shape[2];
    bound_kernel kernel;
    peak_memory memory;
    float *x, *y, *z;
    contender c[MOST];
    char names[N_PEERS][PEER_NAME];
    int at[N_PEERS]; /* of the contenders; 0: not there */
} rows_case;

static double copy_run(void *arg, long n)
{
    const rows_case *r = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        memcpy(r->z, r->memory.data, r->memory.bytes);
        __asm__ volatile("" : : "r"(r->z) : "memory");
    }
    return contest_now_ns() - start;
}

static void bind_rows(rows_case *r)
{
    static const int64_t none = 0;
    const int64_t total = r->shape[0] * r->shape[1];
    int rank = r->s->core == 1 && r->s->result == ONE ? 1 : 2;
    const int64_t *shape = rank == 1 ? &total : r->shape;
    r->kernel.in[0] = jit_array_of(JIT_F32, r->x, rank, shape);
    r->kernel.in[1] = jit_array_of(JIT_F32, r->y, rank, shape);
    switch (r->s->result) {
    case SAME:
        r->kernel.out = jit_array_of(JIT_F32, r->z, 2, r->shape);
        break;
    case PER_ROW:
        r->kernel.out = jit_array_of(JIT_F32, r->z, 1, r->shape);
        break;
    case PER_COLUMN:
        r->kernel.out = jit_array_of(JIT_F32, r->z, 1, r->shape + 1);
        break;
    case ONE:
        r->kernel.out = jit_array_of(JIT_F32, r->z, 0, &none);
        break;
    }
    kernel_bind(&r->kernel, r->s->n_in);
}

static void measure(rows_case *r, int repeats)
{
    int64_t total = r->shape[0] * r->shape[1];
    char job[PEER_NAME];
    int n = 2;
    r->x = floats_make(total, -8, 8);
    r->y = floats_make(total, -8, 8);
    r->z = floats_make(total, 0, 0);
    r->kernel = kernel_make(r->s->text, r->s->signature);
    bind_rows(r);
    r->memory = (peak_memory){ r->x, (size_t)total * sizeof(float) / 512 * 512 };
    r->c[0] = (contender){ .name = r->s->job, .run = kernel_run, .arg = &r->kernel };
    r->c[1] = r->s->copies
                  ? (contender){ .name = "memcpy", .run = copy_run, .arg = r }
                  : (contender){ .name = "reading", .run = peak_read_run, .arg = &r->memory };
    (void)snprintf(job, sizeof job, "%s:%lld:%lld", r->s->job, (long long)r->shape[0],
                   (long long)r->shape[1]);
    for (int i = 0; i < N_PEERS; i++) {
        int more = peer_add(r->c, n, r->names[i], peers[i], job);
        r->at[i] = more > n ? n : 0;
        if (more > n)
            r->c[n].name = peers[i];
        n = more;
    }
    contest(r->c, n, repeats);
    kernel_free(&r->kernel);
    free(r->x);
    free(r->y);
    free(r->z);
}

static void report_case(const rows_case *r)
{
    char what[80];
    const contender *columns[N_PEERS];
    double read = (double)r->s->n_in * r->c[1].best_ns;
    for (int i = 0; i < N_PEERS; i++)
        columns[i] = r->at[i] ? &r->c[r->at[i]] : NULL;
    (void)snprintf(what, sizeof what, "%s, %lld x %lld", r->s->job, (long long)r->shape[0],
                   (long long)r->shape[1]);
    report_add_line(&(report_line){ .what = what,
                                    .own = &r->c[0],
                                    .share = 100 * read / r->c[0].best_ns,
                                    .peer = columns });
}

/* softmax and layer_norm: the worst ratio to PyTorch is the figure. */
static void normalisers(const bench_size *s)
{
    static const subject subjects[] = {
        { "softmax", "fn f(x: [n]) -> [n] = softmax(x)", "f32[B,n]", 1, 1, SAME, true },
        { "layer_norm", "fn f(x: [n]) -> [n] = layer_norm(x)", "f32[B,n]", 1, 1, SAME, true }
    };
    static const int64_t lengths[] = { 64, 1024, 16, 256, 4096 };
    static rows_case r, worst[2];
    double least[2] = { INFINITY, INFINITY };
    report_table("rows, f32, one thread, 64 Ki elements", "of copy", peers, N_PEERS);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < (s->few ? 2 : 5); i++) {
            r.s = &subjects[k];
            r.shape[0] = 65536 / lengths[i];
            r.shape[1] = lengths[i];
            measure(&r, s->repeats);
            report_case(&r);
            double ratio = r.at[TORCH] ? r.c[r.at[TORCH]].best_ns / r.c[0].best_ns : NAN;
            if (ratio < least[k]) {
                least[k] = ratio;
                worst[k] = r;
            }
        }
    for (int k = 0; k < 2; k++) {
        char what[120];
        (void)snprintf(what, sizeof what,
                       "%s, rows of 16 to 4096: times as fast as PyTorch, "
                       "worst: rows of %lld",
                       subjects[k].job, (long long)worst[k].shape[1]);
        if (isfinite(least[k]))
            report_add(&(report_row){ .what = what,
                                      .value = least[k],
                                      .unit = "x",
                                      .goal = GOAL_AT_LEAST,
                                      .reach = 1.5,
                                      .own = &worst[k].c[0],
                                      .peer = &worst[k].c[worst[k].at[TORCH]] });
    }
}

static void reductions(const bench_size *s)
{
    static const subject sum = { "sum", "fn f(x: [n]) = sum(x)", "f32[n]", 1, 1, ONE, false };
    static const subject dot = {
        "dot", "fn f(x: [n], y: [n]) = x @ y", "f32[n], f32[n]", 2, 1, ONE, false
    };
    static const subject rows = {
        "sum_rows", "fn f(x: [n]) = sum(x)", "f32[B,n]", 1, 1, PER_ROW, false
    };
    static const subject columns = {
        "sum_columns", "fn f(x: [n,m]) -> [m] = sum(x; axis = 0)", "f32[n,m]", 1, 2, PER_COLUMN,
        false
    };
    static const struct reduction {
        const subject *s;
        int64_t shape[2];
    } all[] = { { &sum, { 1, 4096 } },     { &dot, { 1, 4096 } },
                { &rows, { 1024, 1024 } }, { &columns, { 1024, 1024 } },
                { &sum, { 1, 1 << 20 } },  { &dot, { 1, 1 << 20 } },
                { &sum, { 1, 1 << 24 } },  { &dot, { 1, 1 << 24 } },
                { &rows, { 4096, 64 } },   { &columns, { 4096, 64 } } };
    static rows_case r;
    report_table("reductions, f32, one thread", "of reading", peers, N_PEERS);
    for (size_t i = 0; i < (s->few ? 4 : sizeof all / sizeof *all); i++) {
        r.s = all[i].s;
        memcpy(r.shape, all[i].shape, sizeof r.shape);
        measure(&r, s->repeats);
        report_case(&r);
    }
}

void cases_rows(const bench_size *s)
{
    normalisers(s);
    reductions(s);
}

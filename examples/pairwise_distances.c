/* All distances between two sets of points, and for each point the nearest of the other set,
 * without the table of differences that broadcasting would make: index notation says the sum. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn distances(p: [n,k], q: [m,k]) -> d: [n,m] {\n"
    "  d[i,j] = sqrt(sum[c]((p[i,c] - q[j,c])**2))\n"
    "}\n"
    "fn nearest(p: [n,k], q: [m,k]) -> (which: i64[n], far: [n]) {\n"
    "  let d2[i,j] = sum[c]((p[i,c] - q[j,c])**2)\n"
    "  which[i] = argmin[j](d2[i,j])\n"
    "  far[i] = sqrt(min[j](d2[i,j]))\n"
    "}\n";

enum { N = 200, M = 300, K = 3 };

static double p[N][K], q[M][K], d[N][M], far[N];
static int64_t which[N];

static void fill(double *to, int n, uint32_t seed)
{
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = (double)seed / 4294967296.0;
    }
}

static int check(void)
{
    for (int i = 0; i < N; i++) {
        int best = 0;
        for (int j = 0; j < M; j++) {
            double s = 0;
            for (int c = 0; c < K; c++)
                s += (p[i][c] - q[j][c]) * (p[i][c] - q[j][c]);
            if (fabs(d[i][j] - sqrt(s)) > 1e-15)
                return 0;
            if (d[i][j] < d[i][best])
                best = j;
        }
        if (which[i] != best || fabs(far[i] - d[i][best]) > 1e-15)
            return 0;
    }
    return 1;
}

int main(void)
{
    fill(&p[0][0], N * K, 1);
    fill(&q[0][0], M * K, 2);
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    jit_array in[] = { jit_array_of(JIT_F64, p, 2, (int64_t[]){ N, K }),
                       jit_array_of(JIT_F64, q, 2, (int64_t[]){ M, K }) };
    jit_array table = jit_array_of(JIT_F64, d, 2, (int64_t[]){ N, M });
    jit_array best[] = { jit_array_of(JIT_I64, which, 1, (int64_t[]){ N }),
                         jit_array_of(JIT_F64, far, 1, (int64_t[]){ N }) };
    jit_args all = { .in = in, .n_in = 2, .out = &table, .n_out = 1 };
    jit_args near = { .in = in, .n_in = 2, .out = best, .n_out = 2 };
    if (!m || jit_call(m, "distances", &all, &err) || jit_call(m, "nearest", &near, &err)) {
        jit_error_print(stderr, &err);
        jit_release(m);
        return 1;
    }
    jit_release(m);
    int good = check();
    printf("%d x %d distances of points in %d dimensions\n", N, M, K);
    for (int i = 0; i < 3; i++)
        printf("point %d: the nearest is %lld, %.6f away\n", i, (long long)which[i], far[i]);
    printf("against plain C: %s\n", good ? "the same" : "different");
    return !good;
}

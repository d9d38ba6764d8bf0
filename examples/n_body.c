/* Bodies that attract each other, a step from scalar kernels alone: `pull` is a function of two
 * bodies, called with a column and a row of them; the sums over each row are its ufunc's reduce.
 * Symplectic steps keep energy and momentum, which is the check. (lennard_jones.c writes such sums in
 * the language and needs no n x n table.)
 *
 *     n_body [BODIES [STEPS]]        default 200 bodies, 500 steps */
#include <fusejit.h>
#include <fusejit_ufunc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn pull(x, y, z, xj, yj, zj, mj; soft = 0.05) -> (ax, ay, az) {\n"
    "  let dx = xj - x\n"
    "  let dy = yj - y\n"
    "  let dz = zj - z\n"
    "  let s = dx*dx + dy*dy + dz*dz + soft*soft\n"
    "  let w = mj / (s*sqrt(s))\n"
    "  ax = w*dx\n"
    "  ay = w*dy\n"
    "  az = w*dz\n"
    "}\n"
    "fn depth(x, y, z, m, xj, yj, zj, mj; soft = 0.05) =\n"
    "  -0.5*m*mj / sqrt((xj - x)**2 + (yj - y)**2 + (zj - z)**2 + soft*soft)\n"
    "fn motion(u, v, w, m) = 0.5*m*(u*u + v*v + w*w)\n"
    "fn push(p, v; dt) = p + dt*v\n"
    "fn add(a, b) = a + b\n";

enum { X, Y, Z, U, V, W, AX, AY, AZ, MASS, N_ROWS }; /* place, velocity, acceleration, mass */

typedef struct cluster {
    jit_module *m;
    jit_ufunc *add;
    int64_t n;
    double *row[N_ROWS];
    jit_array table[3]; /* [n,n]: for each pair of bodies */
    jit_status status;
    jit_error err;
} cluster;

static jit_array as_row(const cluster *c, int which)
{
    return jit_array_of(JIT_F64, c->row[which], 1, (int64_t[]){ c->n });
}

static jit_array as_column(const cluster *c, int which)
{
    return jit_array_of(JIT_F64, c->row[which], 2, (int64_t[]){ c->n, 1 });
}

/* out = function(in). Does nothing after an error. */
static void apply(cluster *c, const char *function, jit_args args)
{
    args.threads = -1;
    if (c->status == JIT_OK)
        c->status = jit_call(c->m, function, &args, &c->err);
}

static void sum(cluster *c, jit_array *to, const jit_array *x, int32_t n_axes)
{
    jit_method how = { .size = sizeof how, .axis = n_axes > 0 ? (int32_t[]){ 1 } : NULL };
    how.n_axes = n_axes;
    if (c->status == JIT_OK)
        c->status = jit_ufunc_reduce(c->add, to, x, &how, &c->err);
}

static void accelerate(cluster *c)
{
    jit_array in[7];
    for (int k = 0; k < 3; k++) {
        in[k] = as_column(c, X + k);
        in[3 + k] = as_row(c, X + k);
    }
    in[6] = as_row(c, MASS);
    apply(c, "pull", (jit_args){ .in = in, .n_in = 7, .out = c->table, .n_out = 3 });
    for (int k = 0; k < 3; k++) {
        jit_array to = as_row(c, AX + k);
        sum(c, &to, &c->table[k], 1);
    }
}

/* rows first .. first+2 += dt times those of `by` */
static void push(cluster *c, int first, int by, double dt)
{
    for (int k = 0; k < 3; k++) {
        jit_array in[] = { as_row(c, first + k), as_row(c, by + k) };
        apply(c, "push",
              (jit_args){
                  .in = in, .n_in = 2, .out = in, .n_out = 1, .uniform = &dt, .n_uniform = 1 });
    }
}

static void step(cluster *c, double dt)
{
    push(c, U, AX, dt / 2);
    push(c, X, U, dt);
    accelerate(c);
    push(c, U, AX, dt / 2);
}

/* Of the potential, each pair counts twice at half; a body's own softened depth is a constant. */
static double energy(cluster *c)
{
    double total[2] = { 0 };
    jit_array in[8], of[] = { jit_array_of(JIT_F64, &total[0], 0, NULL),
                              jit_array_of(JIT_F64, &total[1], 0, NULL) };
    static const int rows[] = { X, Y, Z, MASS };
    for (int k = 0; k < 4; k++) {
        in[k] = as_column(c, rows[k]);
        in[4 + k] = as_row(c, rows[k]);
    }
    apply(c, "depth", (jit_args){ .in = in, .n_in = 8, .out = c->table, .n_out = 1 });
    sum(c, &of[0], &c->table[0], JIT_ALL_AXES);
    for (int k = 0; k < 4; k++)
        in[k] = as_row(c, k < 3 ? U + k : MASS);
    jit_array each = jit_array_of(JIT_F64, c->table[0].data, 1, (int64_t[]){ c->n });
    apply(c, "motion", (jit_args){ .in = in, .n_in = 4, .out = &each, .n_out = 1 });
    sum(c, &of[1], &each, JIT_ALL_AXES);
    return total[0] + total[1];
}

static double momentum(const cluster *c)
{
    double p[3] = { 0 };
    for (int64_t i = 0; i < 3 * c->n; i++)
        p[i % 3] += c->row[MASS][i / 3] * c->row[U + i % 3][i / 3];
    return hypot(hypot(p[0], p[1]), p[2]);
}

/* A ball that turns about its axis; the momentum is taken off. */
static void place(cluster *c)
{
    uint32_t seed = 1;
    double mean[2] = { 0 };
    for (int64_t i = 0; i < c->n;) {
        double p[3];
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525u + 1013904223u;
            p[k] = (double)seed / 2147483648.0 - 1;
        }
        if (p[0] * p[0] + p[1] * p[1] + p[2] * p[2] > 1)
            continue;
        for (int k = 0; k < 3; k++)
            c->row[X + k][i] = p[k];
        c->row[U][i] = -0.7 * p[1];
        c->row[V][i] = 0.7 * p[0];
        c->row[MASS][i] = 1.0 / (double)c->n;
        mean[0] += c->row[U][i] / (double)c->n;
        mean[1] += c->row[V][i] / (double)c->n;
        i++;
    }
    for (int64_t i = 0; i < c->n; i++) {
        c->row[U][i] -= mean[0];
        c->row[V][i] -= mean[1];
    }
}

static jit_status begin(cluster *c)
{
    c->m = jit_compile(program, NULL, &c->err);
    c->add = c->m ? jit_ufunc_new(c->m, "add", NULL, &c->err) : NULL;
    c->status = c->err.status;
    for (int k = 0; k < 3 && c->status == JIT_OK; k++)
        c->status = jit_array_new(&c->table[k], JIT_F64, 2, (int64_t[]){ c->n, c->n }, &c->err);
    return c->status;
}

int main(int argc, char **argv)
{
    cluster c = { .n = argc > 1 ? atoll(argv[1]) : 200 };
    int64_t steps = argc > 2 ? atoll(argv[2]) : 500;
    double *rows = calloc((size_t)c.n * N_ROWS, sizeof *rows);
    for (int k = 0; rows && k < N_ROWS; k++)
        c.row[k] = rows + k * c.n;
    int failed = c.n < 1 || !rows || begin(&c) != JIT_OK;
    double worst = 0, drift = 0;
    if (!failed) {
        place(&c);
        accelerate(&c);
        double before = energy(&c);
        for (int64_t i = 1; i <= steps && c.status == JIT_OK; i++) {
            step(&c, 0.002);
            if (i % 25 == 0 || i == steps)
                worst = fmax(worst, fabs(energy(&c) - before) / fabs(before));
        }
        drift = momentum(&c);
        failed = c.status != JIT_OK;
    }
    if (failed)
        jit_error_print(stderr, &c.err);
    else
        printf("%lld bodies, %lld steps: energy within %.1e of itself, momentum %.1e\n",
               (long long)c.n, (long long)steps, worst, drift);
    for (int k = 0; k < 3; k++)
        jit_array_free(&c.table[k]);
    jit_ufunc_free(c.add);
    jit_release(c.m);
    free(rows);
    return failed || !(worst < 1e-3) || !(drift < 1e-12);
}

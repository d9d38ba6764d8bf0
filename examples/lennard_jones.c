/* Molecular dynamics: particles with Lennard-Jones forces, one force function in index notation,
 * velocity Verlet, and the drift of the total energy as the check.
 *
 *     lennard_jones [PARTICLES [STEPS]]        default 1000 particles, 1000 steps */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* V(r) = 4 (r^-12 - r^-6) in terms of s = r^2, so f_i = sum_j -2 V'(s_ij) (p_i - p_j). The
 * coordinates are rows, [3,n]: particles that are neighbours in memory go through one vector. */
static const char *const program =
    "fn slope(s) { let q = 1/(s*s*s)   return 24*(2*q - 1)*q/s }\n"
    "fn well(s) { let q = 1/(s*s*s)   return 4*(q - 1)*q }\n"
    "fn forces(p: [3,n]) -> f: [3,n] {\n"
    "  let s[i,j] = sum[k]((p[k,i] - p[k,j])**2)\n"
    "  f[k,i] = sum[j](i == j ? 0 : slope(s[i,j])*(p[k,i] - p[k,j]))\n"
    "}\n"
    "fn potential(p: [3,n]) -> v: f64 {\n"
    "  let s[i,j] = sum[k]((p[k,i] - p[k,j])**2)\n"
    "  v = 0.5*sum[i,j](i == j ? 0 : well(s[i,j]))\n"
    "}\n"
    "fn kinetic(v: [3,n]) -> e: f64 = 0.5*sum[k,i](v[k,i]*v[k,i])\n"
    "fn kick(v, f; dt) = v + 0.5*dt*f\n"
    "fn drift(p, v; dt) = p + dt*v\n";

typedef struct gas {
    jit_module *m;
    jit_array p, v, f;
    double dt;
    jit_status status;
    jit_error err;
} gas;

/* out = function(a, b; dt); b may be NULL. Does nothing after an error. */
static void apply(gas *g, const char *function, const jit_array *in[2], jit_array *out)
{
    jit_array list[2] = { *in[0], in[1] ? *in[1] : *in[0] };
    jit_args args = { .in = list, .n_in = in[1] ? 2 : 1, .out = out, .n_out = 1 };
    args.uniform = &g->dt;
    args.n_uniform = in[1] ? 1 : 0;
    if (g->status == JIT_OK)
        g->status = jit_call(g->m, function, &args, &g->err);
}

static double energy(gas *g)
{
    double potential = 0, kinetic = 0;
    jit_array to_potential = jit_array_of(JIT_F64, &potential, 0, NULL);
    jit_array to_kinetic = jit_array_of(JIT_F64, &kinetic, 0, NULL);
    apply(g, "potential", (const jit_array *[]){ &g->p, NULL }, &to_potential);
    apply(g, "kinetic", (const jit_array *[]){ &g->v, NULL }, &to_kinetic);
    return potential + kinetic;
}

static void step(gas *g)
{
    apply(g, "kick", (const jit_array *[]){ &g->v, &g->f }, &g->v);
    apply(g, "drift", (const jit_array *[]){ &g->p, &g->v }, &g->p);
    apply(g, "forces", (const jit_array *[]){ &g->p, NULL }, &g->f);
    apply(g, "kick", (const jit_array *[]){ &g->v, &g->f }, &g->v);
}

/* A cubic lattice at the distance of least energy, with small random velocities of sum zero. */
static void place(gas *g, int64_t n)
{
    double *p = g->p.data, *v = g->v.data, mean[3] = { 0 };
    int64_t side = (int64_t)ceil(cbrt((double)n) - 1e-9);
    uint32_t seed = 1;
    for (int64_t i = 0; i < 3 * n; i++) {
        int64_t axis = i / n, k = i % n;
        int64_t at = axis == 0 ? k % side : axis == 1 ? k / side % side : k / side / side;
        seed = seed * 1664525u + 1013904223u;
        p[i] = 1.12 * (double)at;
        v[i] = (double)seed / 4294967296.0 - 0.5;
        mean[axis] += v[i] / (double)n;
    }
    for (int64_t i = 0; i < 3 * n; i++)
        v[i] -= mean[i / n];
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? atoll(argv[1]) : 1000, steps = argc > 2 ? atoll(argv[2]) : 1000;
    int64_t shape[] = { 3, n };
    gas g = { .dt = 0.002 };
    g.m = jit_compile(program, NULL, &g.err);
    g.status = g.err.status;
    jit_array *arrays[] = { &g.p, &g.v, &g.f };
    for (int i = 0; i < 3 && g.status == JIT_OK; i++)
        g.status = jit_array_new(arrays[i], JIT_F64, 2, shape, &g.err);
    if (g.status == JIT_OK)
        place(&g, n);
    apply(&g, "forces", (const jit_array *[]){ &g.p, NULL }, &g.f);
    double before = energy(&g), worst = 0;
    for (int64_t i = 0; i < steps && g.status == JIT_OK; i++) {
        step(&g);
        if ((i + 1) % 50 == 0 || i + 1 == steps)
            worst = fmax(worst, fabs(energy(&g) - before) / fabs(before));
    }
    if (g.status != JIT_OK)
        jit_error_print(stderr, &g.err);
    else
        printf("%lld particles, %lld steps: energy %.6f, drift at most %.2g of it\n",
               (long long)n, (long long)steps, energy(&g), worst);
    for (int i = 0; i < 3; i++)
        jit_array_free(arrays[i]);
    jit_release(g.m);
    return g.status != JIT_OK || !(worst < 1e-4);
}

/* Random programs: compiled code against the interpreter of the same graph, bit for bit;
 * layouts and lengths against each other. FUSEJIT_SEED sets the first seed, FUSEJIT_PROGRAMS
 * how many. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_levels.h"
#include "random_program.h"
#include "sanitizers.h"
#include "type.h"

#if WITH_ASAN || WITH_TSAN
enum { PROGRAMS = 150 };
#else
enum { PROGRAMS = 2000 };
#endif
enum { LENGTH = 83, ROOM = 2 * LENGTH * 8 + 64 };

typedef struct values {
    unsigned char in[4][ROOM], out[2][4][ROOM]; /* [compiled or interpreted] */
} values;

static int program_count(void)
{
    const char *text = getenv("FUSEJIT_PROGRAMS");
    return text ? atoi(text) : PROGRAMS;
}

static void fill(random_source *r, jit_dtype t, unsigned char *to)
{
    size_t size = jit_dtype_size(t);
    for (int i = 0; i < 2 * LENGTH; i++) {
        cell c;
        if (type_is_float(t))
            c = type_round(t, (cell){ .f = random_value(r) });
        else if (random_below(r, 3) == 0)
            c = type_round(t, (cell){ .u = random_next(r) });
        else
            c = type_round(t, (cell){ .i = random_below(r, 25) - 8 });
        if (t == JIT_BOOL)
            c.u &= 1;
        type_store(t, to + (size_t)i * size, c);
    }
}

/* Equal bits; any NaN equals any other. */
static bool same(jit_dtype t, const void *x, const void *y)
{
    cell a = type_load(t, x), b = type_load(t, y);
    if (type_is_float(t) && a.f != a.f)
        return b.f != b.f;
    return memcmp(x, y, jit_dtype_size(t)) == 0;
}

typedef struct trial {
    const random_program *p;
    values *v;
    uint64_t seed;
    int64_t n, step; /* elements; step of inputs and outputs, in elements */
} trial;

static jit_status run(const trial *t, const jit_kernel *k, int which, uint32_t *flags,
                      jit_error *err)
{
    jit_array in[4], out[4];
    int64_t shape[1] = { t->n };
    for (int i = 0; i < t->p->n_in; i++) {
        in[i] = jit_array_of(t->p->in[i], t->v->in[i], 1, shape);
        in[i].stride[0] *= t->step;
    }
    for (int i = 0; i < t->p->n_out; i++) {
        memset(t->v->out[which][i], 0x5a, ROOM);
        out[i] = jit_array_of(t->p->out[i], t->v->out[which][i], 1, shape);
        out[i].stride[0] *= t->step;
    }
    jit_args args = { .in = in,
                      .n_in = t->p->n_in,
                      .out = out,
                      .n_out = t->p->n_out,
                      .uniform = t->p->uniform,
                      .n_uniform = t->p->n_uniform,
                      .fuel = 10000,
                      .seed = 7 };
    jit_status status = jit_run(k, &args, err);
    *flags = args.flags;
    return status;
}

static bool equal_outputs(const trial *t, char *why, size_t size)
{
    for (int o = 0; o < t->p->n_out; o++) {
        jit_dtype type = t->p->out[o];
        size_t width = jit_dtype_size(type);
        for (int64_t i = 0; i < t->n * t->step; i++) {
            const unsigned char *x = t->v->out[0][o] + (size_t)i * width;
            const unsigned char *y = t->v->out[1][o] + (size_t)i * width;
            if (same(type, x, y))
                continue;
            cell a = type_load(type, x), b = type_load(type, y);
            snprintf(why, size,
                     "result %d, element %lld: %.17g (%llx), interpreted %.17g (%llx)", o,
                     (long long)i, a.f, (unsigned long long)a.u, b.f, (unsigned long long)b.u);
            return false;
        }
    }
    return true;
}

static void check(const trial *t, const jit_kernel *compiled, const jit_kernel *interpreted)
{
    uint32_t flags[2];
    jit_error err;
    char why[256] = "";
    jit_status a = run(t, compiled, 0, &flags[0], &err);
    jit_status b = run(t, interpreted, 1, &flags[1], &err);
    if (a != b)
        snprintf(why, sizeof why, "status %d, interpreted %d", (int)a, (int)b);
    else if (a == JIT_OK && flags[0] != flags[1])
        snprintf(why, sizeof why, "flags %u, interpreted %u", flags[0], flags[1]);
    else if (a != JIT_OK || equal_outputs(t, why, sizeof why))
        return;
    cr_assert_fail("seed %llu, n = %lld, step %lld: %s\n%s", (unsigned long long)t->seed,
                   (long long)t->n, (long long)t->step, why, t->p->text);
}

/* Programs take turns on the levels that this machine can run, each with and without mathematical
 * functions. */
static jit_context *level[LEVELS];

static jit_kernel *make(const random_program *p, int interpret, uint64_t seed)
{
    jit_error err;
    char text[2048];
    jit_options o = { .size = sizeof o, .interpret = interpret };
    o.context = level[seed % LEVELS];
    jit_module *m = jit_compile(p->text, &o, &err);
    jit_kernel *k = m ? jit_prepare(m, "f", NULL, NULL, &err) : NULL;
    jit_release(m);
    if (!k) {
        jit_error_format(&err, text, sizeof text, 0);
        cr_assert_fail("seed %llu: %s\n%s", (unsigned long long)seed, text, p->text);
    }
    return k;
}

static void one_program(uint64_t seed, int options, values *v)
{
    static const int64_t lengths[][2] = { { LENGTH, 1 }, { 1, 1 }, { 17, 2 }, { 64, 1 } };
    static random_program p;
    random_source r = { seed ^ 0x5555 };
    random_program_make(&p, seed, options);
    jit_kernel *compiled = make(&p, 0, seed), *interpreted = make(&p, 1, seed);
    for (int i = 0; i < p.n_in; i++)
        fill(&r, p.in[i], v->in[i]);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        trial t = { &p, v, seed, lengths[i][0], lengths[i][1] };
        check(&t, compiled, interpreted);
    }
    jit_kernel_release(compiled);
    jit_kernel_release(interpreted);
}

Test(random, compiled_and_interpreted_programs_agree)
{
    uint64_t seed = random_seed("random programs", 1000);
    values *v = malloc(sizeof *v);
    cr_assert(v);
    cpu_levels_make(level);
    for (int i = 0; i < program_count(); i++)
        one_program(seed + (uint64_t)i, (seed + (uint64_t)i) % 3 == 0 ? PROGRAM_MATH : 0, v);
    free(v);
    cpu_levels_free(level);
}

/* Steps write parameters and state over the old ones: as a whole or not at all, and each element
 * once, whatever is left over from vectors. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusejit.h"

enum { BATCH = 9, MOST_IN = 40, MOST = 1 << 18 };

typedef struct way {
    int threads, interpret;
    int64_t fuel;
} way;

typedef struct trained {
    jit_context *c;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    jit_array data[2];
    jit_error err;
} trained;

static float samples[BATCH * MOST_IN];
static int32_t classes[BATCH];

static const char program[] =
    /* a state that takes more to compute than to store */
    "fn slow(p, g, m, v; lr = 0.1) -> (p2, m2, v2) {\n"
    "  m2 = 0.5*m + g/(1 + abs(g)) + g/(2 + g*g) - m/(3 + m*m)\n"
    "  v2 = max(v, m2*m2) + 0.1*m/(1 + m*m) + sqrt(abs(m2))\n"
    "  p2 = p - lr*m2/(1 + v2)\n"
    "}\n"
    /* W is read the other way round too, behind its first product */
    "fn tied(x: [i], W: [i, h]) -> y: [i] {\n"
    "  let z[k] = max(sum[j](x[j]*W[j, k]), 0)\n"
    "  y[j] = sum[k](z[k]*W[j, k])\n"
    "}\n"
    /* takes fuel, about 400 units */
    "fn tired(x) {\n"
    "  var y = 400 + 0*x\n"
    "  while y > 1 { y = y - 1 }\n"
    "  return x + stop(0*y)\n"
    "}\n";

/* The parameters are made without a limit of fuel. */
static void begin(trained *f, int64_t in, int64_t wide, const char *optimizer, way w)
{
    char text[2000], signature[32];
    jit_context_options c = { .size = sizeof c, .limits = { .fuel = w.fuel } };
    f->c = jit_context_new(&c, &f->err);
    jit_options o = { .size = sizeof o, .context = f->c, .interpret = w.interpret };
    int k = (int)in, n = (int)wide;
    (void)snprintf(text, sizeof text,
                   "%s"
                   "fn model(x: [%d]) -> [%d] {\n"
                   "  param W: [%d, %d] = 0.1*randn()\n"
                   "  let h = dense(tied(x, W); %d, tanh)\n"
                   "  return dense(h; %d)\n"
                   "}\n"
                   "fn loss(x: [%d], y: i32) = tired(xent(model(x), y))\n",
                   program, k, n, k, n, n, n, k);
    (void)snprintf(signature, sizeof signature, "f32[%d]", (int)in);
    f->m = jit_compile(text, &o, &f->err);
    cr_assert_not_null(f->m, "%s", f->err.diagnostic[0].message);
    jit_module *unlimited = jit_compile(text, NULL, &f->err);
    f->p = jit_params_new(unlimited, "model", signature, NULL, &f->err);
    cr_assert_not_null(f->p, "%s", f->err.diagnostic[0].message);
    jit_release(unlimited);
    jit_trainer_options how = { .size = sizeof how, .optimizer = optimizer };
    how.threads = w.threads;
    (void)snprintf(signature, sizeof signature, "f32[%d], i32", (int)in);
    f->t = jit_trainer_new(f->m, "loss", signature, f->p, &how, &f->err);
    cr_assert_not_null(f->t, "%s", f->err.diagnostic[0].message);
    for (int i = 0; i < BATCH * MOST_IN; i++)
        samples[i] = (float)(i * 7919 % 101) / 101 - 0.4f;
    for (int i = 0; i < BATCH; i++)
        classes[i] = (int32_t)(i * 3 % wide);
    f->data[0] = jit_array_of(JIT_F32, samples, 2, (int64_t[]){ BATCH, in });
    f->data[1] = jit_array_of(JIT_I32, classes, 1, (int64_t[]){ BATCH });
}

static void end(trained *f)
{
    jit_trainer_free(f->t);
    jit_params_free(f->p);
    jit_release(f->m);
    jit_context_free(f->c);
}

static void step(trained *f)
{
    cr_assert_eq(jit_trainer_step(f->t, f->data, 2, NULL, &f->err), JIT_OK, "%s",
                 f->err.diagnostic[0].message);
}

static size_t values(const trained *f, float *out)
{
    size_t n = 0;
    for (int32_t i = 0; i < jit_params_count(f->p); i++) {
        const jit_array *a = &jit_params_at(f->p, i)->array;
        size_t count = (size_t)jit_array_count(a);
        cr_assert(n + count <= MOST);
        memcpy(out + n, a->data, count * sizeof *out);
        n += count;
    }
    return n;
}

static size_t steps(float *out, const int64_t *shape, const char *optimizer, way w)
{
    trained f;
    begin(&f, shape[0], shape[1], optimizer, w);
    for (int i = 0; i < 3; i++)
        step(&f);
    size_t n = values(&f, out);
    end(&f);
    return n;
}

Test(trainer_over, whatever_is_left_over_from_vectors)
{
    static const char *const optimizers[] = { "adam", "slow", "lion" };
    /* 270: a product of two blocks (array_pair.c) */
    static const int64_t shapes[][2] = { { 1, 2 },   { 3, 7 }, { 13, 9 },
                                         { 40, 33 }, { 7, 8 }, { 3, 270 } };
    static float expected[MOST], found[MOST];
    for (int o = 0; o < 3; o++)
        for (int s = 0; s < 6; s++) {
            size_t n = steps(expected, shapes[s], optimizers[o], (way){ 1, 1, 0 });
            for (int threads = 1; threads < 3; threads++) {
                cr_assert_eq(steps(found, shapes[s], optimizers[o], (way){ threads, 0, 0 }), n);
                cr_expect_arr_eq(found, expected, n * sizeof *found, "%s of %d %d",
                                 optimizers[o], (int)shapes[s][0], (int)shapes[s][1]);
            }
        }
}

/* Parameters and the optimiser's state: what follows is as if it had not been. */
Test(trainer_over, a_step_that_is_not_taken_leaves_all_as_it_was)
{
    static float expected[MOST], found[MOST];
    const way ways[] = { { 1, 0, 0 }, { 2, 0, 0 }, { 1, 1, 0 } };
    for (int i = 0; i < 3; i++) {
        trained f;
        begin(&f, 13, 9, "adam", ways[i]);
        step(&f);
        step(&f);
        size_t n = values(&f, expected);
        end(&f);
        begin(&f, 13, 9, "adam", ways[i]);
        step(&f);
        samples[20] = INFINITY;
        cr_expect_eq(jit_trainer_step(f.t, f.data, 2, NULL, &f.err), JIT_ERR_NUMERIC);
        samples[20] = (float)(20 * 7919 % 101) / 101 - 0.4f;
        classes[3] = 9;
        cr_expect_eq(jit_trainer_step(f.t, f.data, 2, NULL, &f.err), JIT_ERR_INDEX);
        classes[3] = 0;
        step(&f);
        cr_expect_eq(values(&f, found), n);
        cr_expect_arr_eq(found, expected, n * sizeof *found, "way %d", i);
        end(&f);
    }
}

/* Of gradients there is a block of rows; of parameters and state nothing twice, but the other way
 * round the weights that derivatives pass through. */
Test(trainer_over, memory_of_a_step)
{
    trained f;
    jit_trainer_info info;
    begin(&f, 40, 400, "adam", (way){ 1, 0, 0 });
    step(&f);
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    size_t params = (size_t)(2 * 40 * 400 + 400 * 400 + 2 * 400) * sizeof(float);
    size_t activations = (size_t)BATCH * (2 * 40 + 4 * 400) * sizeof(float);
    cr_expect(info.state_bytes >= 2 * params && info.state_bytes < 2 * params + 4096);
    size_t turned = (size_t)(40 * 400 + 400 * 400) * sizeof(float);
    cr_expect(info.workspace_bytes < (256 << 10) + turned + 4 * activations, "%zu",
              info.workspace_bytes);
    end(&f);
}

/* With little fuel a step is taken, or nothing has changed. */
Test(trainer_over, fuel_ends_a_step_before_anything_is_written)
{
    static float before[MOST], found[MOST];
    int refused = 0, taken = 0;
    for (int64_t fuel = 1; fuel < 20000; fuel *= 4) {
        trained f;
        begin(&f, 40, 400, "adam", (way){ 1, 0, fuel });
        size_t n = values(&f, before);
        jit_status s = jit_trainer_step(f.t, f.data, 2, NULL, &f.err);
        (void)values(&f, found);
        cr_assert(s == JIT_OK || s == JIT_ERR_FUEL, "%s", f.err.diagnostic[0].message);
        cr_expect_eq(memcmp(before, found, n * sizeof *found) == 0, s == JIT_ERR_FUEL);
        refused += s == JIT_ERR_FUEL;
        taken += s == JIT_OK;
        end(&f);
    }
    cr_expect(refused > 0 && taken > 0, "%d, %d", refused, taken);
}

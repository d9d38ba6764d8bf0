/* Steps of networks that are wide enough for all ways of a product: strips of weights that are copied,
 * weights that are turned round, rows that are left over. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusejit.h"

enum { IN = 40, BATCH = 40, STEPS = 2, MOST = 1 << 17 };

typedef struct way {
    int threads, interpret;
} way;

static float samples[BATCH * IN];
static int32_t classes[BATCH];

static void fill(void)
{
    for (int i = 0; i < BATCH * IN; i++)
        samples[i] = (float)(i * 7919 % 101) / 101 - 0.2f;
    for (int i = 0; i < BATCH; i++)
        classes[i] = i * 3 % 10;
}

/* The parameters after some steps, one after the other; how many bytes. */
static size_t trained(char *out, const char *program, way w)
{
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = w.interpret };
    jit_trainer_options how = { .size = sizeof how, .optimizer = "adam", .threads = w.threads };
    jit_module *m = jit_compile(program, &o, &err);
    cr_assert_not_null(m, "%s", err.diagnostic[0].message);
    jit_params *p = jit_params_new(m, "net", "f32[40]", NULL, &err);
    jit_trainer *t = p ? jit_trainer_new(m, "loss", "f32[40], i32", p, &how, &err) : NULL;
    cr_assert_not_null(t, "%s", err.diagnostic[0].message);
    jit_array data[2] = { jit_array_of(JIT_F32, samples, 2, (int64_t[]){ BATCH, IN }),
                          jit_array_of(JIT_I32, classes, 1, (int64_t[]){ BATCH }) };
    for (int i = 0; i < STEPS; i++)
        cr_assert_eq(jit_trainer_step(t, data, 2, NULL, &err), JIT_OK, "%s",
                     err.diagnostic[0].message);
    size_t n = 0;
    for (int32_t i = 0; i < jit_params_count(p); i++) {
        const jit_array *a = &jit_params_at(p, i)->array;
        size_t bytes = (size_t)jit_array_count(a) * sizeof(float);
        cr_assert(n + bytes <= MOST * sizeof(float));
        memcpy(out + n, a->data, bytes);
        n += bytes;
    }
    jit_trainer_free(t);
    jit_params_free(p);
    jit_release(m);
    return n;
}

Test(trainer_wide, the_interpreters_bits_on_any_number_of_threads)
{
    static const char *const activations[] = { "relu", "tanh" };
    static const way ways[] = { { 1, 0 }, { 2, 0 }, { 1, 1 } };
    static float expected[MOST], found[MOST];
    fill();
    for (int a = 0; a < 2; a++) {
        char program[300];
        (void)snprintf(program, sizeof program,
                       "fn net(x: [40]) -> [10] {\n"
                       "  let h = dense(x; 264, %s)\n"
                       "  let g = dense(h; 72, %s)\n"
                       "  return dense(g; 10)\n"
                       "}\n"
                       "fn loss(x: [40], y: i32) = xent(net(x), y)\n",
                       activations[a], activations[a]);
        size_t bytes = trained((char *)expected, program, ways[0]);
        for (int i = 1; i < 3; i++) {
            memset(found, 0, sizeof found);
            cr_assert_eq(trained((char *)found, program, ways[i]), bytes);
            cr_expect_eq(memcmp(found, expected, bytes), 0, "%s, way %d", activations[a], i);
        }
    }
}

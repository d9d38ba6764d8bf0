#include "training_set.h"

#include <criterion/criterion.h>

void training_set(float *x, int32_t *y, int n)
{
    for (int i = 0; i < n * 3; i++)
        x[i] = (float)((i * 7919) % 101) / 50 - 1;
    for (int i = 0; i < n; i++)
        y[i] = x[3 * i] + x[3 * i + 1] > 0;
}

void training_free(jit_trainer *t, jit_params *p, jit_module *m)
{
    jit_trainer_free(t);
    jit_params_free(p);
    jit_release(m);
}

float *training_values(const jit_params *p, const char *name)
{
    jit_array a;
    cr_assert_eq(jit_params_get(p, name, &a, NULL), JIT_OK);
    return a.data;
}

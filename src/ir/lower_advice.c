/* What those who know other languages look for, and how it is written here. */
#include "lower_state.h"

#include <string.h>

static const struct {
    const char *names; /* each with a blank behind it */
    const char *advice;
} table[] = {
    { "matmul dot mm bmm inner ", "products are written x @ y" },
    { "einsum tensordot ", "write the indices: y[i,j] = sum[k](a[i,k]*b[k,j])" },
    { "outer ", "write the indices: y[i,j] = a[i]*b[j]" },
    { "transpose swapaxes permute ", "write the indices: y[i,j] = x[j,i]" },
    { "reshape flatten concatenate concat stack flip roll ",
      "write the indices: y[i] = x[n-1-i]; the host has views of arrays" },
    { "len shape size ", "dimensions have names: n of x: [n] is an integer" },
    { "where ", "write c ? x : y" },
    { "power ", "write x ** y" },
    { "cumsum cumprod scan ",
      "write a loop: var s = 0  for i in 0 .. n { s += x[i]  y[i] = s }" },
    { "range arange linspace ",
      "an index is a number, as in y[i] = 0.5*i; loops are for i in 0 .. n" },
    { "absolute fabs ", "did you mean 'abs'?" },
    { "maximum fmaximum amax ", "did you mean 'max'?" },
    { "minimum fminimum amin ", "did you mean 'min'?" },
    { "average ", "did you mean 'mean'?" },
    { "ln ", "did you mean 'log'?" },
    { "arcsin ", "did you mean 'asin'?" },
    { "arccos ", "did you mean 'acos'?" },
    { "arctan ", "did you mean 'atan'?" },
    { "arctan2 ", "did you mean 'atan2'?" },
    { "arcsinh ", "did you mean 'asinh'?" },
    { "arccosh ", "did you mean 'acosh'?" },
    { "arctanh ", "did you mean 'atanh'?" },
    { "float double float32 float64 astype ", "casts are written f32(x), f64(x)" },
    { "int int32 int64 integer ", "casts are written i32(x), i64(x)" },
    { "logistic expit ", "did you mean 'sigmoid'?" },
    { "linear ", "did you mean 'dense'?" },
};

const char *lower_advice(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (const char *p = table[i].names; *p; p = strchr(p, ' ') + 1)
            if (n > 0 && strncmp(p, name, n) == 0 && p[n] == ' ')
                return table[i].advice;
    return NULL;
}

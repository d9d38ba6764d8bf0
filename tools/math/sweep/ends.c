/* Nine of ten f32 numbers are so small or large that a function is its first terms, or its limit. */
#include <string.h>

#include "subject.h"

#define BIG   1e300  /* rounds to infinity */
#define SMALL 1e-300 /* rounds to zero */
#define LOG_2 0.6931471805599453

static const ends known[] = {
    { "exp", true, true, { 1, 1, 0.5, 1.0 / 6 }, BIG, SMALL },
    { "exp2", true, true, { 1, LOG_2, 0.2402265069591007, 0.05550410866482158 }, BIG, SMALL },
    { "exp10",
      true,
      true,
      { 1, 2.302585092994046, 2.650949055239199, 2.034678592293476 },
      BIG,
      SMALL },
    { "expm1", true, true, { 0, 1, 0.5, 1.0 / 6 }, BIG, -1 },
    { "log1p", true, false, { 0, 1, -0.5, 1.0 / 3 }, 0, 0 },
    { "sin", true, false, { 0, 1, 0, -1.0 / 6 }, 0, 0 },
    { "cos", true, false, { 1, 0, -0.5, 0 }, 0, 0 },
    { "tan", true, false, { 0, 1, 0, 1.0 / 3 }, 0, 0 },
    { "asin", true, false, { 0, 1, 0, 1.0 / 6 }, 0, 0 },
    { "acos", true, false, { 1.5707963267948966, -1, 0, -1.0 / 6 }, 0, 0 },
    { "atan", true, false, { 0, 1, 0, -1.0 / 3 }, 0, 0 },
    { "sinh", true, true, { 0, 1, 0, 1.0 / 6 }, BIG, -BIG },
    { "cosh", true, true, { 1, 0, 0.5, 0 }, BIG, BIG },
    { "tanh", true, true, { 0, 1, 0, -1.0 / 3 }, 1, -1 },
    { "asinh", true, false, { 0, 1, 0, -1.0 / 6 }, 0, 0 },
    { "atanh", true, false, { 0, 1, 0, 1.0 / 3 }, 0, 0 },
    { "erf", true, true, { 0, 1.1283791670955126, 0, -0.37612638903183754 }, 1, -1 },
    { "erfc", true, true, { 1, -1.1283791670955126, 0, 0.37612638903183754 }, SMALL, 2 },
    { "sigmoid", true, true, { 0.5, 0.25, 0, -1.0 / 48 }, 1, SMALL },
    { "log_sigmoid", true, true, { -LOG_2, 0.5, -0.125, 0 }, -SMALL, 0 },
    { "softplus", true, true, { LOG_2, 0.5, 0.125, 0 }, 0, SMALL },
    { "silu", true, true, { 0, 0.5, 0.25, 0 }, 0, -SMALL },
    { "gelu", true, true, { 0, 0.5, 0.3989422804014327, 0 }, 0, -SMALL },
    { "gelu_tanh", true, true, { 0, 0.5, 0.3989422804014327, 0 }, 0, -SMALL },
    { "gelu_quick", true, true, { 0, 0.5, 0.4255, 0 }, 0, -SMALL },
    { "mish", true, true, { 0, 0.6, 0.32, -0.016 }, 0, -SMALL },
    { "gaussian", true, true, { 1, 0, -1, 0 }, SMALL, SMALL },
    { "elu", false, true, { 0 }, 0, -1 },
    { "celu", false, true, { 0 }, 0, -1 },
};

const ends *ends_find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

/* Built-in operators as the language calls them: rows of ops.def, and the four built-ins whose
 * arguments are not plain numbers. */
#include <string.h>

#include "ops.h"

static const jit_operator_info special[] = {
    { "bitcast", 2, { "x", "type" }, "the bits of x as another type of the same size", 0, 0 },
    { "rand", 0, { NULL }, "a random number in [0, 1), another for each element", 0, 0 },
    { "randn", 0, { NULL }, "a random number of the standard normal distribution", 0, 0 },
    { "select",
      3,
      { "c", "x", "y" },
      "x where c is true, else y; the same as c ? x : y",
      0,
      0 },
};
enum { N_SPECIAL = sizeof special / sizeof *special };

static bool is_callable(op o)
{
    return !(op_info(o)->flags & OP_HIDDEN);
}

static jit_operator_info described(op o)
{
    static const char *const names[] = { "x", "y", "z" };
    const op_row *row = op_info(o);
    jit_operator_info info = { .name = row->name, .n_in = row->arity, .doc = row->doc };
    for (int i = 0; i < row->arity && i < 3; i++)
        info.in_name[i] = names[i];
    info.ulp_f32 = row->ulp_f32;
    info.ulp_f64 = row->ulp_f64;
    return info;
}

int jit_operator_count(void)
{
    int n = N_SPECIAL;
    for (op o = OP_none + 1; o < OP_COUNT; o++)
        n += is_callable(o);
    return n;
}

jit_status jit_operator_at(int i, jit_operator_info *info)
{
    if (i < 0 || !info)
        return JIT_ERR_ARGUMENT;
    for (op o = OP_none + 1; o < OP_COUNT; o++) {
        if (is_callable(o) && i-- == 0) {
            *info = described(o);
            return JIT_OK;
        }
    }
    if (i >= N_SPECIAL)
        return JIT_ERR_ARGUMENT;
    *info = special[i];
    return JIT_OK;
}

jit_status jit_operator_find(const char *name, jit_operator_info *info)
{
    jit_operator_info found;
    for (int i = 0; name && info && jit_operator_at(i, &found) == JIT_OK; i++) {
        if (strcmp(found.name, name) == 0) {
            *info = found;
            return JIT_OK;
        }
    }
    return JIT_ERR_ARGUMENT;
}

/* Uniform arguments of a call. */
#include "uniform.h"

#include <string.h>

uint64_t kernel_cell(jit_dtype t, cell v)
{
    if (!type_is_float(t))
        return type_encode(t, v);
    v = type_round(t, v);
    return type_encode(JIT_F64, v);
}

/* A double as a value of type t; false if it is no such value. */
static bool from_double(jit_dtype t, double v, cell *c)
{
    if (type_is_float(t)) {
        c->f = v;
        return true;
    }
    if (t == JIT_BOOL) {
        c->u = v != 0;
        return v == v;
    }
    if (!(v >= -0x1p63 && v < 0x1p64)) /* and no NaN */
        return false;
    if (v < 0)
        c->i = (int64_t)v;
    else
        c->u = (uint64_t)v;
    if ((v < 0 ? (double)c->i : (double)c->u) != v)
        return false;
    if (type_is_unsigned(t))
        return v >= 0 && c->u <= type_max(t);
    return v < 0 ? c->i >= type_min(t) : c->u <= type_max(t);
}

static bool from_integer(jit_dtype t, int64_t v, cell *c)
{
    c->i = v;
    if (t == JIT_BOOL) {
        c->u = v != 0;
        return true;
    }
    if (type_is_unsigned(t))
        return v >= 0 && c->u <= type_max(t);
    return v >= type_min(t) && (v < 0 || (uint64_t)v <= type_max(t));
}

static bool given(const jit_args *args, int32_t i)
{
    return i < args->n_uniform && (!args->uniform_set || args->uniform_set[i]);
}

static bool fill_cell(const jit_kernel *k, const jit_args *args, int32_t i, uint64_t *out)
{
    jit_dtype t = k->uniform[i].dtype;
    cell c = { .u = 0 };
    bool whole = !type_is_float(t) && args->uniform_i64;
    if (!whole && !args->uniform)
        return false;
    if (whole ? !from_integer(t, args->uniform_i64[i], &c)
              : !from_double(t, args->uniform[i], &c))
        return false;
    *out = kernel_cell(t, c);
    return true;
}

static void report_value(const jit_kernel *k, const jit_args *args, int32_t i, diag *d)
{
    jit_dtype t = k->uniform[i].dtype;
    const char *name = k->uniform[i].name;
    if (!type_is_float(t) && args->uniform_i64)
        diag_plain(d, DIAG_uniform_value, "uniform '%s' of %s is %s: %lld does not fit", name,
                   k->name, jit_dtype_name(t), (long long)args->uniform_i64[i]);
    else if (!args->uniform)
        diag_plain(d, DIAG_null_argument, "jit_args.uniform is null, n_uniform is %d",
                   (int)args->n_uniform);
    else
        diag_plain(d, DIAG_uniform_value, "uniform '%s' of %s is %s: %.17g is no such value",
                   name, k->name, jit_dtype_name(t), args->uniform[i]);
}

/* Why uniform_cells gave up. */
static void report(const jit_kernel *k, const jit_args *args, diag *d)
{
    uint64_t unused;
    if (args->n_uniform < 0 || args->n_uniform > k->n_uniform) {
        diag_plain(d, DIAG_uniform_count, "%s takes %d uniform values, not %d", k->name,
                   (int)k->n_uniform, (int)args->n_uniform);
        return;
    }
    for (int32_t i = 0; i < k->n_uniform; i++) {
        if (!given(args, i) && !k->uniform[i].has_default) {
            diag_plain(d, DIAG_uniform_missing,
                       "uniform '%s' of %s has no default and no value", k->uniform[i].name,
                       k->name);
            return;
        }
        if (given(args, i) && !fill_cell(k, args, i, &unused)) {
            report_value(k, args, i, d);
            return;
        }
    }
}

const uint64_t *uniform_cells(const jit_kernel *k, const jit_args *args, uint64_t *cells,
                              diag *d)
{
    if (args->n_uniform == 0 && k->all_defaults)
        return k->defaults;
    bool ok = args->n_uniform >= 0 && args->n_uniform <= k->n_uniform;
    for (int32_t i = 0; ok && i < k->n_uniform; i++) {
        cells[i] = k->defaults[i];
        ok = given(args, i) ? fill_cell(k, args, i, &cells[i]) : k->uniform[i].has_default;
    }
    if (ok)
        return cells;
    if (d)
        report(k, args, d);
    return NULL;
}

void uniform_decode(const jit_kernel *k, const uint64_t *cells, cell *out)
{
    for (int32_t i = 0; i < k->n_uniform; i++) {
        jit_dtype t = k->uniform[i].dtype;
        out[i] = type_decode(type_is_float(t) ? JIT_F64 : t, cells[i]);
    }
}

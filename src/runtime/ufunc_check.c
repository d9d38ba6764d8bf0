/* Checks that the methods of a universal function have in common. */
#include "ufunc_check.h"

#include <stdio.h>

#include "array.h"
#include "array_view.h"
#include "type.h"

static bool check_sound(const jit_array *a, const char *what, const char *call, diag *d)
{
    char text[96];
    if (array_is_sound(a))
        return true;
    (void)snprintf(text, sizeof text, "the %s of %s", what, call);
    array_explain(a, text, d);
    return false;
}

static bool check_count(const ufunc_operands *o, diag *d)
{
    int32_t n = o->u->fn->n_args, want = o->n_in > 0 ? o->n_in : 2;
    if (n == want)
        return true;
    diag_plain(d, DIAG_no_ufunc, "%s: %.60s has %d argument%s, not %d", o->call, o->u->fn->name,
               (int)n, n == 1 ? "" : "s", (int)want);
    return false;
}

bool ufunc_check(const ufunc_operands *o, diag *d)
{
    if (!o->u || !o->x || !o->out) {
        diag_plain(d, DIAG_null_argument, "%s: the %s is null", o->call,
                   !o->u     ? "function"
                   : !o->out ? "output"
                             : "array");
        return false;
    }
    return check_count(o, d) && check_sound(o->x, "array", o->call, d) &&
           (array_to_be_made(o->out) || check_sound(o->out, "output", o->call, d));
}

bool ufunc_check_method(jit_method *into, const jit_method *how, const char *call, diag *d)
{
    if (!options_read(into, sizeof *into, how, d))
        return false;
    if (into->dtype == JIT_NONE || jit_dtype_size(into->dtype) > 0)
        return true;
    diag_plain(d, DIAG_option_value, "%s: jit_method.dtype is %d", call, (int)into->dtype);
    return false;
}

bool ufunc_check_mask(const jit_array *where, const char *call, diag *d)
{
    if (!check_sound(where, "mask", call, d))
        return false;
    if (where->dtype == JIT_BOOL)
        return true;
    diag_plain(d, DIAG_input_type, "%s: where is %s, not bool", call,
               jit_dtype_name(where->dtype));
    return false;
}

bool ufunc_check_index(const jit_array *index, const char *call, diag *d)
{
    if (!index) {
        diag_plain(d, DIAG_null_argument, "%s: the index is null", call);
        return false;
    }
    if (!check_sound(index, "index", call, d))
        return false;
    if (type_is_integer(index->dtype))
        return true;
    diag_plain(d, DIAG_input_type, "%s: an index is an integer, not %s", call,
               jit_dtype_name(index->dtype));
    return false;
}

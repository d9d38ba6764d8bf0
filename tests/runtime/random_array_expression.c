/* Expressions of three types: the program's float type, i64 and bool; scalars in index notation,
 * or whole arrays of a given shape. */
#include "random_array_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char size_name[N_SIZES] = { 'n', 'm', 'k' };

int pick(writer *w, int n)
{
    return (int)random_below(&w->r, n);
}

void put(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = ARRAY_PROGRAM_TEXT - w->used;
    int n = vsnprintf(w->p->text + w->used, room, format, args);
    va_end(args);
    if (n > 0)
        w->used += (size_t)n < room ? (size_t)n : room - 1;
}

static bool is_real(jit_dtype t)
{
    return t == JIT_F32 || t == JIT_F64;
}

/* ---------------------------------------------------------------- extents */

void put_extent(writer *w, const array_extent *e)
{
    if (e->dim < 0) {
        put(w, "%d", e->plus);
        return;
    }
    if (e->times != 1)
        put(w, "%d*", e->times);
    put(w, "%c", size_name[e->dim]);
    if (e->other >= 0)
        put(w, "+%c-1", size_name[e->other]);
    else if (e->plus)
        put(w, "+%d", e->plus);
}

static bool same_extent(const array_extent *a, const array_extent *b)
{
    return a->dim == b->dim && a->other == b->other && a->times == b->times &&
           a->plus == b->plus;
}

array_extent plain_extent(int dim)
{
    return (array_extent){ dim, -1, 1, 0 };
}

void put_dims(writer *w, const array_type *t)
{
    for (int i = 0; i < t->rank; i++) {
        put(w, i ? "," : "[");
        put_extent(w, &t->extent[i]);
    }
    put(w, t->rank ? "]" : "");
}

/* ---------------------------------------------------------------- elements */

static void literal(writer *w, jit_dtype t)
{
    static const char *const reals[] = { "0.5", "1.5", "2", "0.1", "3", "0", "0.25" };
    if (t == JIT_BOOL)
        put(w, pick(w, 2) ? "true" : "false");
    else if (is_real(t))
        put(w, "%s(%s)", jit_dtype_name(t), reals[pick(w, 7)]);
    else
        put(w, "i64(%d)", pick(w, 7));
}

static const index_name *index_of(writer *w, const array_extent *e)
{
    int found = 0, chosen = -1;
    for (int i = 0; i < w->n_indices; i++)
        if (same_extent(&w->index[i].extent, e) && pick(w, ++found) == 0)
            chosen = i;
    return chosen < 0 ? NULL : &w->index[chosen];
}

/* Computed from data, or constant. */
static void other_subscript(writer *w, const array_extent *e)
{
    switch (pick(w, 12)) {
    case 0:
        put(w, "(");
        number(w, JIT_I64, 1);
        put(w, ") %% max(i64(");
        put_extent(w, e);
        put(w, "), i64(1))");
        break;
    case 1:
        put(w, "clamp(");
        number(w, JIT_I64, 1);
        put(w, ", 0, ");
        put_extent(w, e);
        put(w, "-1)");
        break;
    case 2:
        number(w, JIT_I64, 0);
        break;
    case 3:
        put_extent(w, e);
        put(w, "-1");
        break;
    default:
        put(w, "0");
        break;
    }
}

static void subscript(writer *w, const array_extent *e)
{
    const index_name *i = index_of(w, e);
    array_extent less = *e;
    less.plus -= e->other < 0;
    const index_name *shifted = index_of(w, &less);
    if (shifted && pick(w, 2)) {
        put(w, shifted->found || pick(w, 2) ? "%s+1" : "%s", shifted->text);
    } else if (!i || pick(w, 12) == 0) {
        other_subscript(w, e);
    } else if (pick(w, 6) == 0) {
        put_extent(w, e);
        put(w, "-1-%s", i->text);
    } else {
        put(w, "%s", i->text);
    }
}

/* An element; plain: the subscript of axis `at` is this index. */
static void element(writer *w, const array_name *a, int at, const char *plain)
{
    put(w, "%s", a->text);
    for (int i = 0; i < a->type.rank; i++) {
        put(w, i ? "," : "[");
        if (i == at)
            put(w, "%s", plain);
        else
            subscript(w, &a->type.extent[i]);
    }
    put(w, a->type.rank ? "]" : "");
}

static void cast_element(writer *w, const array_name *a, jit_dtype t, int at, const char *plain)
{
    bool cast = a->type.dtype != t;
    if (cast && t == JIT_BOOL)
        put(w, "(");
    else if (cast)
        put(w, "%s(", jit_dtype_name(t));
    element(w, a, at, plain);
    if (cast && t == JIT_BOOL)
        put(w, " > 0)");
    else if (cast)
        put(w, ")");
}

static const array_name *any_array(writer *w, jit_dtype t)
{
    const array_name *a = NULL;
    for (int tries = 0; tries < 6 && w->n_arrays > 0; tries++) {
        a = &w->array[pick(w, w->n_arrays)];
        if (a->type.dtype == t || (t != JIT_BOOL && a->type.dtype != JIT_BOOL))
            return a;
    }
    return t != JIT_BOOL && a && a->type.dtype == JIT_BOOL ? NULL : a;
}

static bool scalar_leaf(writer *w, jit_dtype t)
{
    int found = 0, chosen = -1;
    for (int i = 0; i < w->n_scalars; i++)
        if (w->scalar[i].type == t && pick(w, ++found) == 0)
            chosen = i;
    if (chosen >= 0)
        put(w, "%s", w->scalar[chosen].text);
    return chosen >= 0;
}

static void leaf(writer *w, jit_dtype t)
{
    const array_name *a;
    int way = pick(w, 12);
    if (way < 8 && (a = any_array(w, t)))
        cast_element(w, a, t, -1, NULL);
    else if (way < 10 && scalar_leaf(w, t))
        return;
    else if (way == 10 && t != JIT_BOOL && w->n_indices > 0)
        put(w, "%s(%s)", jit_dtype_name(t), w->index[pick(w, w->n_indices)].text);
    else if (way == 11 && t != JIT_BOOL)
        put(w, "%s(%c)", jit_dtype_name(t), size_name[pick(w, w->p->n_sizes)]);
    else
        literal(w, t);
}

/* The array and axis of this extent, for an index that is bound by it. */
static const array_name *with_axis(writer *w, const array_extent *e, int *axis)
{
    const array_name *a = NULL;
    int found = 0;
    for (int i = 0; i < w->n_arrays; i++)
        for (int k = 0; k < w->array[i].type.rank; k++)
            if (same_extent(&w->array[i].type.extent[k], e) &&
                w->array[i].type.dtype != JIT_BOOL && pick(w, ++found) == 0) {
                a = &w->array[i];
                *axis = k;
            }
    return a;
}

array_extent extent_in_use(writer *w)
{
    const array_name *a = w->n_arrays ? &w->array[pick(w, w->n_arrays)] : NULL;
    if (!a || a->type.rank == 0)
        return plain_extent(pick(w, w->p->n_sizes));
    return a->type.extent[pick(w, a->type.rank)];
}

index_name *add_index(writer *w, array_extent e)
{
    index_name *i = &w->index[w->n_indices++];
    (void)snprintf(i->text, sizeof i->text, "j%d", w->serial++);
    i->extent = e;
    i->found = false;
    if (w->p->depth < w->n_indices)
        w->p->depth = w->n_indices;
    return i;
}

bool plain_use(writer *w, jit_dtype t, const index_name *i)
{
    int axis;
    const array_name *a = t == JIT_BOOL ? NULL : with_axis(w, &i->extent, &axis);
    if (a)
        cast_element(w, a, t, axis, i->text);
    return a != NULL;
}

/* One index or two, with ranges written or found from a plain subscript. */
static void reduction(writer *w, jit_dtype t, int depth)
{
    static const char *const reals[] = { "sum", "sum", "sum", "prod", "min", "max", "mean" };
    static const char *const wholes[] = { "sum", "prod", "min", "max", "argmin", "argmax" };
    static const char *const bools[] = { "any", "all" };
    const char *name = t == JIT_BOOL ? bools[pick(w, 2)]
                       : is_real(t)  ? reals[pick(w, 7)]
                                     : wholes[pick(w, 6)];
    bool arg = name[0] == 'a' && name[1] == 'r';
    jit_dtype of = arg ? w->real : t;
    int before = w->n_indices, axis, n = !arg && pick(w, 4) == 0 ? 2 : 1;
    const array_name *bound[2] = { NULL, NULL };
    int axes[2] = { 0, 0 };
    if (w->n_indices + n > MAX_INDICES || w->sums > 2) {
        leaf(w, t);
        return;
    }
    w->sums++;
    put(w, "%s[", name);
    for (int i = 0; i < n; i++) {
        array_extent e = extent_in_use(w);
        index_name *x = add_index(w, e);
        bound[i] = of != JIT_BOOL && pick(w, 3) ? with_axis(w, &e, &axis) : NULL;
        axes[i] = bound[i] ? axis : 0;
        x->found = bound[i] != NULL;
        put(w, "%s%s", i ? ", " : "", x->text);
        if (!bound[i]) {
            put(w, " in 0 .. ");
            put_extent(w, &e);
        }
    }
    put(w, "](");
    for (int i = 0; i < n; i++)
        if (bound[i]) {
            cast_element(w, bound[i], of, axes[i], w->index[before + i].text);
            put(w, pick(w, 3) ? "*" : "+");
        }
    number(w, of, depth - 1);
    put(w, ")");
    w->n_indices = before;
    w->sums--;
}

static void call(writer *w, const char *function, int n, jit_dtype t, int depth)
{
    put(w, "%s(", function);
    for (int i = 0; i < n; i++) {
        put(w, i ? ", " : "");
        number(w, t, depth - 1);
    }
    put(w, ")");
}

static void infix(writer *w, const char *operator, jit_dtype t, int depth)
{
    put(w, "(");
    number(w, t, depth - 1);
    put(w, " %s ", operator);
    number(w, t, depth - 1);
    put(w, ")");
}

static void choice(writer *w, jit_dtype t, int depth)
{
    put(w, "(");
    number(w, JIT_BOOL, depth - 1);
    put(w, " ? ");
    number(w, t, depth - 1);
    put(w, " : ");
    number(w, t, depth - 1);
    put(w, ")");
}

static void truth(writer *w, int depth)
{
    static const char *const comparison[] = { "==", "!=", "<", "<=", ">", ">=" };
    switch (pick(w, 8)) {
    case 0:
        infix(w, pick(w, 2) ? "&&" : "||", JIT_BOOL, depth);
        break;
    case 1:
        put(w, "(!");
        number(w, JIT_BOOL, depth - 1);
        put(w, ")");
        break;
    case 2:
        call(w, pick(w, 2) ? "isnan" : "isfinite", 1, w->real, depth);
        break;
    case 3:
        reduction(w, JIT_BOOL, depth);
        break;
    default:
        infix(w, comparison[pick(w, 6)], pick(w, 2) ? w->real : JIT_I64, depth);
        break;
    }
}

static void whole(writer *w, int depth)
{
    static const char *const operators[] = { "+", "-", "*", "//", "%", "&", "|", "^" };
    switch (pick(w, 9)) {
    case 0:
        call(w, pick(w, 2) ? "min" : "max", 2, JIT_I64, depth);
        break;
    case 1:
        call(w, "abs", 1, JIT_I64, depth);
        break;
    case 2:
        choice(w, JIT_I64, depth);
        break;
    case 3:
        reduction(w, JIT_I64, depth);
        break;
    case 4:
        call(w, "i64", 1, w->real, depth);
        break;
    default:
        infix(w, operators[pick(w, 8)], JIT_I64, depth);
        break;
    }
}

static void real(writer *w, int depth)
{
    static const char *const one[] = { "abs",  "sqrt", "floor",   "exp",    "tanh", "sin",
                                       "relu", "h0",   "sigmoid", "square", "log1p" };
    static const char *const two[] = { "min", "max", "fmin", "h1" };
    jit_dtype t = w->real;
    switch (pick(w, 14)) {
    case 0:
        call(w, one[pick(w, 11)], 1, t, depth);
        break;
    case 1:
        call(w, two[pick(w, 4)], 2, t, depth);
        break;
    case 2:
        choice(w, t, depth);
        break;
    case 3:
    case 4:
        reduction(w, t, depth);
        break;
    case 5:
        call(w, "fma", 3, t, depth);
        break;
    case 6:
        call(w, jit_dtype_name(t), 1, JIT_I64, depth);
        break;
    case 7:
        put(w, pick(w, 6) ? "" : "rand() + ");
        leaf(w, t);
        break;
    default:
        infix(w, pick(w, 4) ? (pick(w, 2) ? "+" : "*") : (pick(w, 2) ? "-" : "/"), t, depth);
        break;
    }
}

void number(writer *w, jit_dtype t, int depth)
{
    if (depth <= 0 || pick(w, 5) == 0 || w->used > ARRAY_PROGRAM_TEXT / 2)
        leaf(w, t);
    else if (t == JIT_BOOL)
        truth(w, depth);
    else if (is_real(t))
        real(w, depth);
    else
        whole(w, depth);
}

/* ---------------------------------------------------------------- whole arrays */

static bool same_shape(const array_type *a, const array_type *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (!same_extent(&a->extent[i], &b->extent[i]))
            return false;
    return true;
}

/* A part at the end, so that it broadcasts. */
static bool is_tail(const array_type *a, const array_type *of)
{
    if (a->rank > of->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (!same_extent(&a->extent[i], &of->extent[of->rank - a->rank + i]))
            return false;
    return true;
}

static const array_name *array_like(writer *w, const array_type *t, bool exact)
{
    const array_name *a = NULL;
    int found = 0;
    for (int i = 0; i < w->n_arrays; i++) {
        const array_type *other = &w->array[i].type;
        bool fits = exact ? same_shape(other, t) : other->rank > 0 && is_tail(other, t);
        if (fits && other->dtype != JIT_BOOL && pick(w, ++found) == 0)
            a = &w->array[i];
    }
    return a;
}

static void array_value(writer *w, const array_name *a)
{
    if (a->type.dtype == w->real)
        put(w, "%s", a->text);
    else
        put(w, "%s(%s)", jit_dtype_name(w->real), a->text);
}

/* x @ y of arrays that are there; false if none fit. */
static bool product(writer *w, const array_type *t)
{
    const array_name *x = NULL, *y = NULL;
    int found = 0;
    for (int i = 0; i < w->n_arrays; i++)
        for (int j = 0; j < w->n_arrays; j++) {
            const array_type *a = &w->array[i].type, *b = &w->array[j].type;
            if (a->rank < 1 || a->rank > 2 || b->rank < 1 || b->rank > 2 ||
                a->dtype == JIT_BOOL || b->dtype == JIT_BOOL ||
                a->rank - 1 + b->rank - 1 != t->rank ||
                !same_extent(&a->extent[a->rank - 1], &b->extent[0]) ||
                (a->rank == 2 && !same_extent(&a->extent[0], &t->extent[0])) ||
                (b->rank == 2 && !same_extent(&b->extent[1], &t->extent[t->rank - 1])))
                continue;
            if (pick(w, ++found) == 0) {
                x = &w->array[i];
                y = &w->array[j];
            }
        }
    if (!x)
        return false;
    put(w, "(");
    array_value(w, x);
    put(w, " @ ");
    array_value(w, y);
    put(w, ")");
    return true;
}

/* A reduction of an array with one axis more. */
static bool reduced(writer *w, const array_type *t)
{
    static const char *const name[] = {
        "sum", "mean", "max", "min", "norm", "std", "logsumexp"
    };
    const array_name *a = w->n_arrays ? &w->array[pick(w, w->n_arrays)] : NULL;
    if (!a || a->type.rank != t->rank + 1 || a->type.dtype == JIT_BOOL)
        return false;
    int axis = pick(w, a->type.rank);
    for (int i = 0, k = 0; i < a->type.rank; i++)
        if (i != axis && !same_extent(&a->type.extent[i], &t->extent[k++]))
            return false;
    bool last = axis == a->type.rank - 1;
    int which = pick(w, last ? 7 : 4);
    put(w, "%s(", name[which]);
    array_value(w, a);
    if (!last || (which < 4 && pick(w, 2)))
        put(w, "; axis = %d", axis);
    put(w, ")");
    return true;
}

static void array_leaf(writer *w, const array_type *t)
{
    const array_name *a = array_like(w, t, pick(w, 3) != 0);
    if (pick(w, 6) == 0 && reduced(w, t))
        return;
    if (a)
        array_value(w, a);
    else if (!scalar_leaf(w, w->real))
        literal(w, w->real);
}

void whole_array(writer *w, const array_type *t, int depth)
{
    static const char *const any[] = { "exp", "tanh", "relu", "abs", "sigmoid", "h0" };
    static const char *const row[] = { "softmax",  "log_softmax", "layer_norm",
                                       "rms_norm", "softmin",     "h2" };
    int way = pick(w, 10);
    const array_name *exact = t->rank > 0 ? array_like(w, t, true) : NULL;
    if (depth <= 0) {
        array_leaf(w, t);
    } else if (way == 0) {
        put(w, "%s(", any[pick(w, 6)]);
        whole_array(w, t, depth - 1);
        put(w, ")");
    } else if (way <= 2 && exact) {
        put(w, "%s(", row[pick(w, 6)]);
        array_value(w, exact);
        put(w, ")");
    } else if (way == 3) {
        put(w, "(");
        whole_array(w, t, depth - 1);
        put(w, " > ");
        whole_array(w, t, depth - 1);
        put(w, " ? ");
        whole_array(w, t, depth - 1);
        put(w, " : ");
        whole_array(w, t, depth - 1);
        put(w, ")");
    } else if (way > 5 || t->rank > 2 || !product(w, t)) {
        put(w, "(");
        whole_array(w, t, depth - 1);
        put(w, " %s ", pick(w, 4) ? (pick(w, 2) ? "+" : "*") : (pick(w, 2) ? "-" : "/"));
        whole_array(w, t, depth - 1);
        put(w, ")");
    }
}

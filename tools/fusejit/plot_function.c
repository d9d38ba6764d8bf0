/* Values of an expression for a picture: one compiled kernel, called with arrays of points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"
#include "plot.h"

static bool is_whole_type(jit_dtype t)
{
    return t != JIT_NONE && element_kind_of(t) != ELEMENT_FLOAT;
}

bool plot_function_whole(const plot_function *f)
{
    return f->at[0] >= 0 && is_whole_type(f->type[0]);
}

/* The points as an array of their type, along an axis of their own. */
static jit_array points_of(const plot_function *f, int axis, const double *v, int n)
{
    jit_dtype type = f->type[axis];
    size_t size = jit_dtype_size(type);
    char *data = memory_take((size_t)n * size);
    for (int i = 0; i < n; i++) {
        element e = { .kind = element_kind_of(type), .real = v[i] };
        e.integer = (int64_t)v[i];
        e.natural = (uint64_t)e.integer;
        element_write(type, data + (size_t)i * size, e);
    }
    return jit_array_of(type, data, axis + 1, (int64_t[]){ n, 1 });
}

static void free_results(bound_call *b)
{
    for (int i = 0; i < b->info.n_out; i++) {
        if (b->out[i].data)
            jit_array_free(&b->out[i]);
    }
}

/* Real numbers of the result: all n of them, or one for all. */
static int read_result(const plot_function *f, int n, double *out)
{
    const jit_array *a = &f->e.call.out[f->result];
    int64_t count = jit_array_count(a);
    if (count != n && count != 1)
        return console_error(
            f->s->c, EXIT_USER,
            "the value is an array: of those, vectors and up to %d columns can be "
            "drawn, without variables",
            PLOT_CURVES);
    for (int i = 0; i < n; i++)
        out[i] = element_real(a, count == 1 ? 0 : i);
    return EXIT_DONE;
}

typedef struct points {
    const double *v[2];
    int n[2];
} points;

/* Runs the expression; its results stay in the call. */
static int call(plot_function *f, const points *p, jit_error *err)
{
    jit_array made[2] = { { .data = NULL } };
    bound_call *b = &f->e.call;
    for (int k = 0; k < 2; k++) {
        if (f->at[k] < 0)
            continue;
        made[k] = points_of(f, k, p->v[k], p->n[k]);
        b->in[f->at[k]] = made[k];
    }
    free_results(b);
    int code = session_try(f->s, &f->e, err);
    free(made[0].data);
    free(made[1].data);
    return code;
}

int plot_function_values(plot_function *f, const double *x, int n, double *out)
{
    jit_error err;
    points p = { { x, NULL }, { n, 0 } };
    int code = call(f, &p, &err);
    return code ? session_fault(f->s, code, &err) : read_result(f, n, out);
}

static double *centres(plot_range r, int n)
{
    double *v = memory_take((size_t)n * sizeof *v);
    for (int i = 0; i < n; i++) {
        double t = (i + 0.5) / n;
        v[i] = r.lo * (1 - t) + r.hi * t;
    }
    return v;
}

/* The first variable runs along the last axis. */
int plot_function_map(plot_function *f, const plot_picture *p, plot_map *m)
{
    jit_error err;
    points at = { { centres(p->x, m->columns), centres(p->y, m->rows) },
                  { m->columns, m->rows } };
    int code = call(f, &at, &err);
    code = code ? session_fault(f->s, code, &err) : read_result(f, m->columns * m->rows, m->z);
    free((void *)at.v[0]);
    free((void *)at.v[1]);
    return code;
}

int plot_function_types(plot_function *f, const plot_picture *p)
{
    static const jit_dtype types[] = { JIT_F64, JIT_I64, JIT_I32, JIT_F32 };
    jit_error first, err;
    double zero[2] = { p->x.lo, p->y.lo };
    points one = { { &zero[0], &zero[1] }, { 1, 1 } };
    int code = EXIT_USER;
    for (size_t i = 0; i < sizeof types / sizeof *types && code; i++) {
        f->type[0] = f->type[1] = types[i];
        code = call(f, &one, i == 0 ? &first : &err);
    }
    return session_fault(f->s, code, &first);
}

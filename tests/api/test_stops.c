/* Runs that do not end well: out of fuel or cancelled, in each of the ways a run can take. And
 * what jit_run refuses before it starts. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

static const char program[] =
    "fn spin(x) { var y = x  while y == y { y += 1 }  return y }\n"
    "fn ends(x) { var y = x  while y < 9 { y += 1 }  return y }\n"
    "fn add(x, y) = x + y\n"
    "fn pair(x) = (x, -x)\n"
    "fn tuned(x; flag: bool = false, small: u8 = 1, wide: u64 = 1, near: i8 = 0, gain = 1) =\n"
    "  flag ? x*gain + near : x + small + wide\n";

enum { MOST = 200000 };
static float x[2 * MOST], z[2 * MOST];

typedef struct shape_row { /* which way the run takes */
    int64_t n, step;       /* elements */
    int threads;
} shape_row;

static const shape_row ways[] = {
    { 1, 1, 1 },    /* few, through buffers       */
    { 5, 3, 1 },    /*   the same, strided        */
    { 256, 1, 1 },  /* whole groups in place      */
    { 257, 1, 1 },  /*   and a few elements more  */
    { 1000, 2, 1 }, /* pieces                     */
    { MOST, 1, 1 }, /* chunks, one after another  */
    { MOST, 1, 3 }, /*   on threads               */
    { MOST, 2, 1 },
};

static jit_module *compile(int interpret)
{
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_module *m = jit_compile(program, &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    return m;
}

typedef struct stop {
    int64_t fuel;
    const volatile int32_t *cancel;
    jit_status status;
    int code;
} stop;

static void run_way(const jit_kernel *k, const shape_row *w, const stop *s)
{
    jit_array in = jit_array_of(JIT_F32, x, 1, &w->n), out = jit_array_of(JIT_F32, z, 1, &w->n);
    jit_args args = { .in = &in,
                      .n_in = 1,
                      .out = &out,
                      .n_out = 1,
                      .threads = w->threads,
                      .fuel = s->fuel,
                      .cancel = s->cancel };
    jit_error err;
    err.status = JIT_OK;
    in.stride[0] *= w->step;
    out.stride[0] *= w->step;
    jit_status status = jit_run(k, &args, &err);
    cr_assert_eq(status, s->status, "%d elements, step %d: status %d", (int)w->n, (int)w->step,
                 (int)status);
    cr_assert_eq(err.status, s->status); /* written on failure only */
    if (s->status != JIT_OK)
        cr_assert_eq(err.diagnostic[0].code, s->code, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_run(k, &args, NULL), s->status);
}

Test(stops, fuel_and_cancel_stop_every_way_of_running)
{
    static const volatile int32_t yes = 1, no = 0;
    static const stop cancelled = { 0, &yes, JIT_ERR_CANCELLED, 701 };
    static const stop starved = { 3, &no, JIT_ERR_FUEL, 700 };
    static const stop enough = { 100, &no, JIT_OK, 0 };
    for (int interpret = 0; interpret < 2; interpret++) {
        jit_module *m = compile(interpret);
        jit_kernel *spin = jit_prepare(m, "spin", "f32", NULL, NULL);
        jit_kernel *ends = jit_prepare(m, "ends", "f32", NULL, NULL);
        cr_assert(spin && ends);
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            if (interpret && ways[i].n == MOST)
                continue;
            run_way(spin, &ways[i], &cancelled);
            run_way(spin, &ways[i], &starved);
            run_way(ends, &ways[i], &starved);
            run_way(ends, &ways[i], &enough);
            cr_assert_eq(z[(ways[i].n - 1) * ways[i].step], 9);
        }
        jit_kernel_release(spin);
        jit_kernel_release(ends);
        jit_release(m);
    }
}

/* Between chunks, where nothing else looks. */
Test(stops, cancel_stops_a_kernel_without_loops)
{
    static const volatile int32_t yes = 1;
    jit_module *m = compile(0);
    for (int threads = 1; threads < 4; threads += 2) {
        jit_array in[2] = { jit_array_of(JIT_F32, x, 1, (int64_t[]){ MOST }),
                            jit_array_of(JIT_F32, x, 1, (int64_t[]){ MOST }) };
        jit_array out = jit_array_of(JIT_F32, z, 1, (int64_t[]){ MOST });
        jit_args args = {
            .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = threads, .cancel = &yes
        };
        z[MOST - 1] = -7;
        cr_assert_eq(jit_call(m, "add", &args, NULL), JIT_ERR_CANCELLED);
        cr_assert_eq(z[MOST - 1], -7);
    }
    jit_release(m);
}

/* ---------------------------------------------------------------- refusals */

static void expect(jit_status status, const jit_error *err, int code, const char *says)
{
    cr_assert_eq(status, err->status);
    cr_assert_neq(status, JIT_OK);
    cr_assert_eq(err->diagnostic[0].code, code, "E%04d %s, expected E%04d",
                 (int)err->diagnostic[0].code, err->diagnostic[0].message, code);
    cr_assert(strstr(err->diagnostic[0].message, says), "'%s' has no '%s'",
              err->diagnostic[0].message, says);
}

Test(stops, a_prepared_kernel_refuses_wrong_arrays)
{
    jit_error err;
    jit_module *m = compile(0);
    jit_kernel *add = jit_prepare(m, "add", "f32, f32", NULL, NULL);
    jit_kernel *pair = jit_prepare(m, "pair", "f32", NULL, NULL);
    cr_assert(add && pair);
    int64_t n = 8;
    jit_array a[2] = { jit_array_of(JIT_F32, x, 1, &n), jit_array_of(JIT_F32, x, 1, &n) };
    jit_array out[2] = { jit_array_of(JIT_F32, z, 1, &n), jit_array_of(JIT_F32, z + 4, 1, &n) };
    jit_args args = { .in = a, .n_in = 1, .out = out, .n_out = 1 };
    expect(jit_run(add, &args, &err), &err, 503, "add has 2 arguments and 1 result");
    expect(jit_run(pair, &args, &err), &err, 503, "pair has 1 argument and 2 results");
    args.n_out = 2;
    expect(jit_run(pair, &args, &err), &err, 513, "result 2 of pair overlaps result 1 of pair");
    args = (jit_args){ .in = a, .n_in = 2, .out = NULL, .n_out = 1 };
    expect(jit_run(add, &args, &err), &err, 500, "out is null");
    args = (jit_args){ .in = NULL, .n_in = 2, .out = out, .n_out = 1 };
    expect(jit_run(add, &args, &err), &err, 500, "in is null");
    args.in = a;
    out[0].rank = 9;
    expect(jit_run(add, &args, &err), &err, 504, "rank 9");
    expect(jit_run(add, NULL, &err), &err, 500, "args is null");
    jit_kernel_release(add);
    jit_kernel_release(pair);
    jit_release(m);
}

typedef struct uniform_row {
    int which; /* flag, small, wide, near, gain */
    int64_t value;
    bool fits;
} uniform_row;

/* Integers given as such are taken exactly or not at all. */
Test(stops, integer_uniforms_fit_or_are_refused)
{
    static const uniform_row table[] = {
        { 0, 0, true },          { 0, 7, true },     { 0, -7, true },  { 1, 255, true },
        { 1, 256, false },       { 1, -1, false },   { 2, -1, false }, { 2, INT64_MAX, true },
        { 3, -128, true },       { 3, -129, false }, { 3, 127, true }, { 3, 128, false },
        { 3, INT64_MIN, false },
    };
    jit_error err;
    jit_module *m = compile(0);
    jit_kernel *k = jit_prepare(m, "tuned", "f64", NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double in_value = 1, result = -1;
        int64_t whole[5] = { 0, 1, 1, 0, 0 };
        uint8_t set[5] = { 0 };
        jit_array in = jit_array_of(JIT_F64, &in_value, 0, NULL);
        jit_array out = jit_array_of(JIT_F64, &result, 0, NULL);
        jit_args args = { .in = &in,
                          .n_in = 1,
                          .out = &out,
                          .n_out = 1,
                          .uniform_i64 = whole,
                          .uniform_set = set,
                          .n_uniform = 5 };
        whole[table[i].which] = table[i].value;
        set[table[i].which] = 1;
        if (!table[i].fits) {
            expect(jit_run(k, &args, &err), &err, 517, "does not fit");
            cr_assert_eq(result, -1);
            continue;
        }
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "row %d: %s", (int)i,
                     err.diagnostic[0].message);
        double v = (double)table[i].value, want = 3; /* x + small + wide */
        if (table[i].which == 0)
            want = table[i].value ? 1 : 3;
        else if (table[i].which < 3)
            want = 2 + v;
        cr_assert_eq(result, want, "row %d: %g, not %g", (int)i, result, want);
    }
    jit_kernel_release(k);
    jit_release(m);
}

/* A function of two numbers has the methods of NumPy's universal functions: reduce over any axes,
 * accumulate, outer, reduceat, at, and calls under a mask. */
#include <fusejit.h>
#include <fusejit_ufunc.h>
#include <stdio.h>

static const char *const program =
    "fn add(a, b) = a + b\n"
    "fn mul(a, b) = a*b\n"
    "fn smooth_max(a, b) = logaddexp(a, b)\n"
    "fn decay(state, x; keep = 0.5) = keep*state + (1 - keep)*x\n"
    "fn ratio(a, b) = a / b\n";

static void print_numbers(const char *what, const jit_array *a)
{
    int64_t n = jit_array_count(a), columns = a->rank > 0 ? a->shape[a->rank - 1] : 1;
    printf("%-30s", what);
    for (int64_t i = 0; i < n; i++)
        printf("%s%7.3f", i > 0 && i % columns == 0 ? "\n                              " : "",
               ((const double *)a->data)[i]);
    printf("\n");
}

/* Prints what was made, and frees it; returns 1 if the call had failed. */
static int show(const char *what, jit_status status, jit_array *made, const jit_error *err)
{
    if (status != JIT_OK)
        jit_error_print(stderr, err);
    else
        print_numbers(what, made);
    jit_array_free(made);
    *made = (jit_array){ .rank = -1 };
    return status != JIT_OK;
}

/* Over rows, over all, and over what a mask lets through. */
static int reduce(jit_ufunc *add, jit_ufunc *smooth, const jit_array *x, jit_error *err)
{
    uint8_t odd[] = { 1, 0, 1, 0 };
    jit_array y = { .rank = -1 }, where = jit_array_of(JIT_BOOL, odd, 1, (int64_t[]){ 4 });
    jit_method rows = { .size = sizeof rows, .axis = (int32_t[]){ -1 }, .n_axes = 1 };
    jit_method all = { .size = sizeof all, .n_axes = JIT_ALL_AXES, .keepdims = 1 };
    int failed = show("sums of the rows", jit_ufunc_reduce(add, &y, x, &rows, err), &y, err);
    failed +=
        show("smooth maximum of all", jit_ufunc_reduce(smooth, &y, x, &all, err), &y, err);
    rows.where = &where;
    return failed +
           show("sums of odd columns", jit_ufunc_reduce(add, &y, x, &rows, err), &y, err);
}

/* Every value on the way, and sums of ranges. */
static int accumulate(jit_ufunc *decay, jit_ufunc *add, const jit_array *x, jit_error *err)
{
    double keep = 0.9;
    int64_t starts[] = { 0, 1, 3 };
    jit_args run = { .uniform = &keep, .n_uniform = 1 };
    jit_array y = { .rank = -1 }, index = jit_array_of(JIT_I64, starts, 1, (int64_t[]){ 3 });
    jit_method rows = { .size = sizeof rows, .axis = (int32_t[]){ 1 }, .n_axes = 1 };
    int failed = show("sums of columns 0, 1-2, 3",
                      jit_ufunc_reduceat(add, &y, x, &index, &rows, err), &y, err);
    rows.run = &run;
    return failed +
           show("a slow average", jit_ufunc_accumulate(decay, &y, x, &rows, err), &y, err);
}

/* All pairs, and a histogram: places that occur twice count twice. */
static int outer_and_at(jit_ufunc *mul, jit_ufunc *add, jit_error *err)
{
    double a[] = { 1, 2, 3 }, b[] = { 1, 10 }, bins[5] = { 0 }, one = 1;
    int32_t grade[] = { 3, 1, 4, 1, 3, 3 };
    jit_array x = jit_array_of(JIT_F64, a, 1, (int64_t[]){ 3 });
    jit_array y = jit_array_of(JIT_F64, b, 1, (int64_t[]){ 2 }), table = { .rank = -1 };
    jit_array count = jit_array_of(JIT_F64, bins, 1, (int64_t[]){ 5 });
    jit_array index = jit_array_of(JIT_I32, grade, 1, (int64_t[]){ 6 });
    jit_array single = jit_array_of(JIT_F64, &one, 0, NULL);
    int failed =
        show("all products", jit_ufunc_outer(mul, &table, &x, &y, NULL, err), &table, err);
    jit_status status =
        jit_ufunc_at(add, &count, &(jit_places){ &index, 1 }, &single, NULL, err);
    if (status != JIT_OK)
        jit_error_print(stderr, err);
    else
        print_numbers("how often 0 .. 4 occur", &count);
    return failed + (status != JIT_OK);
}

/* Only where the mask is true is anything computed or written. */
static int masked(jit_ufunc *ratio, jit_error *err)
{
    double a[] = { 1, 2, 3 }, b[] = { 2, 0, 4 }, q[] = { -1, -1, -1 };
    uint8_t divisible[] = { 1, 0, 1 };
    int64_t three = 3;
    jit_array in[] = { jit_array_of(JIT_F64, a, 1, &three),
                       jit_array_of(JIT_F64, b, 1, &three) };
    jit_array out = jit_array_of(JIT_F64, q, 1, &three);
    jit_array where = jit_array_of(JIT_BOOL, divisible, 1, &three);
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    if (jit_ufunc_call(ratio, &args, &where, err) != JIT_OK) {
        jit_error_print(stderr, err);
        return 1;
    }
    print_numbers("a/b where b is not 0, else -1", &out);
    return 0;
}

int main(void)
{
    static const char *const names[] = { "add", "mul", "smooth_max", "decay", "ratio" };
    double data[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    jit_array x = jit_array_of(JIT_F64, data, 2, (int64_t[]){ 2, 4 });
    jit_ufunc *f[5] = { NULL };
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    int failed = m == NULL;
    for (int i = 0; i < 5 && !failed; i++)
        failed = (f[i] = jit_ufunc_new(m, names[i], NULL, &err)) == NULL;
    if (failed)
        jit_error_print(stderr, &err);
    else
        failed = reduce(f[0], f[2], &x, &err) + accumulate(f[3], f[0], &x, &err) +
                 outer_and_at(f[1], f[0], &err) + masked(f[4], &err);
    for (int i = 0; i < 5; i++)
        jit_ufunc_free(f[i]);
    jit_release(m);
    return failed;
}

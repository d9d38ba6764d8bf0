/* Functions of whole rows: softmax and layer_norm, of the prelude and written out. Called on an
 * array of two axes they work on the last one; on a transposed view, on the columns. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>

static const char *const program = "fn ours(x: [n]) -> y: [n] {\n"
                                   "  let m = max[i](x[i])\n"
                                   "  let s = sum[i](exp(x[i] - m))\n"
                                   "  y[i] = exp(x[i] - m) / s\n"
                                   "}\n"
                                   "fn theirs(x: [n]) -> [n] = softmax(x)\n"
                                   "fn normed(x: [n], g: [n], b: [n]) -> [n] =\n"
                                   "  layer_norm(x)*g + b\n";

enum { ROWS = 3, COLUMNS = 4 };

static double x[ROWS][COLUMNS] = { { 1, 2, 3, 4 }, { 0, 0, 0, 0 }, { 1000, 0, -1000, 999 } };

static void print_rows(const char *title, const double *y, int rows, int columns)
{
    printf("%s\n", title);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++)
            printf(" %9.6f", y[i * columns + j]);
        printf("\n");
    }
}

static jit_status row_functions(jit_module *m, double y[ROWS][COLUMNS], jit_error *err)
{
    const int64_t shape[] = { ROWS, COLUMNS };
    double gain[COLUMNS] = { 1, 1, 1, 1 }, shift[COLUMNS] = { 0, 0, 0, 0 };
    jit_array in[] = { jit_array_of(JIT_F64, x, 2, shape),
                       jit_array_of(JIT_F64, gain, 1, shape + 1),
                       jit_array_of(JIT_F64, shift, 1, shape + 1) };
    jit_array out = jit_array_of(JIT_F64, y, 2, shape), columns, turned;
    jit_args args = { .in = in, .n_in = 3, .out = &out, .n_out = 1 };
    jit_status status = jit_call(m, "normed", &args, err);
    if (status == JIT_OK)
        print_rows("layer_norm of each row", &y[0][0], ROWS, COLUMNS);

    args.n_in = 1;
    if (status == JIT_OK)
        status = jit_call(m, "ours", &args, err);
    if (status == JIT_OK)
        print_rows("softmax of each row", &y[0][0], ROWS, COLUMNS);

    if (status == JIT_OK)
        status = jit_array_transpose(&columns, &in[0], NULL, err);
    if (status == JIT_OK)
        status = jit_array_transpose(&turned, &out, NULL, err);
    args.in = &columns;
    args.out = &turned;
    if (status == JIT_OK)
        status = jit_call(m, "theirs", &args, err);
    if (status == JIT_OK)
        print_rows("softmax of each column", &y[0][0], ROWS, COLUMNS);
    return status;
}

int main(void)
{
    double y[ROWS][COLUMNS], sum[COLUMNS] = { 0 };
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    jit_status status = m ? row_functions(m, y, &err) : err.status;
    if (status != JIT_OK)
        jit_error_print(stderr, &err);
    for (int i = 0; i < ROWS && status == JIT_OK; i++)
        for (int j = 0; j < COLUMNS; j++)
            sum[j] += y[i][j];
    jit_release(m);
    int good = status == JIT_OK;
    for (int j = 0; j < COLUMNS; j++)
        good = good && fabs(sum[j] - 1) < 1e-15;
    printf("%s\n", good ? "each column sums to 1" : "a column does not sum to 1");
    return !good;
}

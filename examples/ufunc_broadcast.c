/* A function of two numbers is a universal function: a column and a row make a table. The views
 * below share memory with the caller; a stride may be zero or negative. */
#include <fusejit.h>
#include <stdio.h>

enum { ROWS = 4, COLUMNS = 6 };

static void print_table(const double *table)
{
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++)
            printf("%8.4f", table[i * COLUMNS + j]);
        printf("\n");
    }
    printf("\n");
}

int main(void)
{
    double column[ROWS] = { 0, 3, 6, 9 }, row[COLUMNS] = { 0, 4, 8, 12, 16, 20 };
    double table[ROWS * COLUMNS];
    jit_error err;
    jit_module *m =
        jit_compile("fn distance(x, y; scale = 1) = scale * sqrt(x*x + y*y)", NULL, &err);
    if (!m) {
        jit_error_print(stderr, &err);
        return 1;
    }
    jit_array in[2] = { jit_array_of(JIT_F64, column, 2, (int64_t[]){ ROWS, 1 }),
                        jit_array_of(JIT_F64, row, 1, (int64_t[]){ COLUMNS }) };
    jit_array out = jit_array_of(JIT_F64, table, 2, (int64_t[]){ ROWS, COLUMNS });
    double scale = 0.5;
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    jit_status status = jit_call(m, "distance", &args, &err);
    if (status == JIT_OK)
        print_table(table);

    /* the same, halved, with the columns from right to left */
    out.data = table + COLUMNS - 1;
    out.stride[1] = -(int64_t)sizeof *table;
    args.uniform = &scale;
    args.n_uniform = 1;
    if (status == JIT_OK)
        status = jit_call(m, "distance", &args, &err);
    if (status == JIT_OK)
        print_table(table);
    else
        jit_error_print(stderr, &err);
    jit_release(m);
    return status != JIT_OK;
}

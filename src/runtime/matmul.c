/* jit_matmul: products of matrices in any layout, by OpenBLAS. Operands are read, and results
 * written, where they lie if one of their strides is one element, else through packed copies. */
#include <string.h>

#include "array_view.h"
#include "linalg.h"

/* A matrix of each batch as gemm takes it. */
typedef struct matrix {
    const jit_array *array; /* batch axes, then rows and columns if it has them */
    int64_t rows, cols, row_step, col_step; /* bytes */
    bool transposed;
    blas_int ld;
    void *copy; /* column-major; NULL: used in place */
} matrix;

typedef struct product {
    linalg *l;
    matrix a, b, c;
} product;

/* An axis of at most one element may have any stride. */
static bool is_column_major(int64_t rows, int64_t cols, int64_t row, int64_t col, blas_int *ld)
{
    int64_t least = rows > 1 ? rows : 1;
    if ((rows > 1 && row != 1) || (cols > 1 && (col < least || col > INT32_MAX)))
        return false;
    *ld = (blas_int)(cols > 1 ? col : least);
    return true;
}

/* Whether gemm can use it in place: whole elements, aligned, one stride of one element. */
static bool lies_well(const linalg *l, matrix *m)
{
    int64_t size = l->size, row = m->row_step / size, col = m->col_step / size;
    if (m->array->dtype != l->dtype || (uintptr_t)m->array->data % (uintptr_t)size != 0)
        return false;
    if ((m->rows > 1 && m->row_step % size != 0) || (m->cols > 1 && m->col_step % size != 0))
        return false;
    for (int32_t i = 0; i < l->batch_rank; i++)
        if (l->batch[i] > 1 && m->array->stride[i] % size != 0)
            return false;
    m->transposed = !is_column_major(m->rows, m->cols, row, col, &m->ld);
    return !m->transposed || is_column_major(m->cols, m->rows, col, row, &m->ld);
}

static void plan_matrix(linalg *l, matrix *m)
{
    if (lies_well(l, m))
        return;
    m->copy = linalg_matrix(l, m->rows, m->cols);
    m->transposed = false;
    m->ld = (blas_int)(m->rows > 0 ? m->rows : 1);
}

static void plan_input(linalg *l, int32_t i, matrix *m)
{
    const jit_array *a = &l->in[i].array;
    *m = (matrix){ .array = a, .rows = l->in[i].rows, .cols = l->in[i].cols };
    m->row_step = a->stride[l->batch_rank];
    m->col_step = a->stride[l->batch_rank + 1];
    plan_matrix(l, m);
}

/* The result has no axis for a vector operand: has[0] rows, has[1] columns. */
static void plan_output(product *p, const bool has[2])
{
    linalg *l = p->l;
    const jit_array *c = &l->out[0].packed;
    p->c = (matrix){ .array = c, .rows = p->a.rows, .cols = p->b.cols };
    p->c.row_step = has[0] ? c->stride[l->batch_rank] : l->size;
    p->c.col_step = has[1] ? c->stride[l->batch_rank + has[0]] : l->size;
    plan_matrix(l, &p->c);
}

static const void *fetch(const product *p, int32_t i, const matrix *m)
{
    if (!m->copy)
        return linalg_place(p->l, m->array);
    linalg_load(p->l, i, m->copy, m->ld);
    return m->copy;
}

/* c = a b, or where c lies by rows, its transpose: c^T = b^T a^T. */
static void multiply(const product *p, void *c)
{
    double plus[1] = { 0 }, zero[1] = { 0 };
    blas_int m = (blas_int)p->a.rows, n = (blas_int)p->b.cols, k = (blas_int)p->a.cols;
    const void *a = fetch(p, 0, &p->a), *b = fetch(p, 1, &p->b);
    linalg_put(p->l, plus, 0, 1);
    if (p->c.transposed)
        p->l->blas->gemm(p->b.transposed ? "N" : "T", p->a.transposed ? "N" : "T", &n, &m, &k,
                         plus, b, &p->b.ld, a, &p->a.ld, zero, c, &p->c.ld, 1, 1);
    else
        p->l->blas->gemm(p->a.transposed ? "T" : "N", p->b.transposed ? "T" : "N", &m, &n, &k,
                         plus, a, &p->a.ld, b, &p->b.ld, zero, c, &p->c.ld, 1, 1);
}

/* This matrix of the result, or what stands for it, as an array. */
static jit_array as_array(const product *p, void *data, int64_t row_step, int64_t col_step)
{
    jit_array a = jit_array_of(p->l->dtype, data, 2, (int64_t[]){ p->c.rows, p->c.cols });
    a.stride[0] = row_step;
    a.stride[1] = col_step;
    return a;
}

static void product_one(const product *p)
{
    char *to = linalg_place(p->l, p->c.array);
    double zero = 0;
    jit_array c = as_array(p, to, p->c.row_step, p->c.col_step);
    if (p->c.rows == 0 || p->c.cols == 0)
        return;
    if (p->a.cols == 0) { /* gemm need not write then */
        jit_array zeros = as_array(p, &zero, 0, 0);
        array_move(&c, &zeros);
        return;
    }
    multiply(p, p->c.copy ? p->c.copy : to);
    if (p->c.copy) {
        jit_array made = as_array(p, p->c.copy, p->l->size, p->c.ld * p->l->size);
        array_move(&c, &made);
    }
}

/* A vector as a matrix of one row or one column; false: it is none, or not even an array. */
static bool as_matrix(jit_array *m, const jit_array *a, bool row)
{
    if (!a || a->rank != 1)
        return false;
    *m = *a;
    m->rank = 2;
    m->shape[row] = a->shape[0];
    m->stride[row] = a->stride[0];
    m->shape[!row] = 1;
    m->stride[!row] = (int64_t)jit_dtype_size(a->dtype);
    return true;
}

static bool check_inner(linalg *l)
{
    if (diag_failed(&l->d) || l->in[0].cols == l->in[1].rows)
        return !diag_failed(&l->d);
    diag_plain(&l->d, DIAG_linalg_extents, "%s: 'a' has %lld columns, 'b' has %lld rows",
               l->call, (long long)l->in[0].cols, (long long)l->in[1].rows);
    return false;
}

jit_status jit_matmul(jit_array *c, const jit_array *a, const jit_array *b, jit_error *err)
{
    linalg l;
    jit_array row, column;
    bool has[2] = { !as_matrix(&row, a, true), !as_matrix(&column, b, false) };
    linalg_begin(&l, "jit_matmul", err);
    linalg_input(&l, "a", has[0] ? a : &row, 2);
    linalg_input(&l, "b", has[1] ? b : &column, 2);
    if (!check_inner(&l) || !linalg_batch(&l))
        return linalg_end(&l);
    linalg_result r = {
        .name = "c", .array = c, .core = has[0] + has[1], .use = LINALG_DIRECT
    };
    r.rows = has[0] ? l.in[0].rows : l.in[1].cols; /* a vector is a column */
    r.cols = has[0] && has[1] ? l.in[1].cols : 1;
    linalg_output_add(&l, &r);
    product p = { .l = &l };
    plan_input(&l, 0, &p.a);
    plan_input(&l, 1, &p.b);
    plan_output(&p, has);
    while (linalg_next(&l))
        product_one(&p);
    return linalg_end(&l);
}

/* Multidirectional broadcasting as ONNX and NumPy have it, on pairs of shapes: of arguments that are
 * numbers, called with arrays, and of whole arrays inside a function; both must agree. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <fusejit.h>

enum { MOST_RANK = 5, MOST = 1024, REFUSED = -1 };

typedef struct shape {
    int rank;
    int64_t extent[MOST_RANK];
} shape;

typedef struct pair {
    shape a, b, result; /* REFUSED: they do not broadcast */
} pair;

static const pair pairs[] = {
    { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } } },
    { { 0, { 0 } }, { 1, { 6 } }, { 1, { 6 } } },
    { { 4, { 2, 3, 4, 5 } }, { 0, { 0 } }, { 4, { 2, 3, 4, 5 } } },
    { { 4, { 2, 3, 4, 5 } }, { 1, { 1 } }, { 4, { 2, 3, 4, 5 } } },
    { { 4, { 2, 3, 4, 5 } }, { 1, { 5 } }, { 4, { 2, 3, 4, 5 } } },
    { { 2, { 4, 5 } }, { 4, { 2, 3, 4, 5 } }, { 4, { 2, 3, 4, 5 } } },
    { { 3, { 1, 4, 5 } }, { 4, { 2, 3, 1, 1 } }, { 4, { 2, 3, 4, 5 } } },
    { { 3, { 3, 4, 5 } }, { 4, { 2, 1, 1, 1 } }, { 4, { 2, 3, 4, 5 } } },
    { { 2, { 7, 1 } }, { 2, { 1, 6 } }, { 2, { 7, 6 } } },
    { { 2, { 7, 1 } }, { 1, { 6 } }, { 2, { 7, 6 } } },
    { { 3, { 1, 1, 1 } }, { 1, { 8 } }, { 3, { 1, 1, 8 } } },
    { { 3, { 3, 1, 2 } }, { 2, { 5, 1 } }, { 3, { 3, 5, 2 } } },
    { { 5, { 2, 1, 3, 1, 2 } }, { 4, { 4, 1, 5, 1 } }, { 5, { 2, 4, 3, 5, 2 } } },
    { { 5, { 1, 1, 1, 1, 9 } }, { 5, { 2, 1, 3, 1, 1 } }, { 5, { 2, 1, 3, 1, 9 } } },
    { { 2, { 17, 3 } }, { 2, { 17, 1 } }, { 2, { 17, 3 } } },
    { { 2, { 1, 33 } }, { 2, { 4, 1 } }, { 2, { 4, 33 } } },
    { { 2, { 0, 3 } }, { 1, { 3 } }, { 2, { 0, 3 } } },
    { { 2, { 0, 3 } }, { 2, { 1, 3 } }, { 2, { 0, 3 } } },
    { { 2, { 0, 1 } }, { 1, { 5 } }, { 2, { 0, 5 } } },
    { { 1, { 1 } }, { 1, { 0 } }, { 1, { 0 } } },
    { { 1, { 2 } }, { 1, { 3 } }, { REFUSED, { 0 } } },
    { { 2, { 2, 3 } }, { 2, { 3, 2 } }, { REFUSED, { 0 } } },
    { { 3, { 4, 2, 3 } }, { 2, { 4, 2 } }, { REFUSED, { 0 } } },
    { { 2, { 4, 5 } }, { 1, { 4 } }, { REFUSED, { 0 } } },
    { { 2, { 0, 3 } }, { 2, { 2, 3 } }, { REFUSED, { 0 } } },
    { { 1, { 0 } }, { 1, { 2 } }, { REFUSED, { 0 } } },
};

static jit_array fill(const shape *s, float *values, float first)
{
    jit_array a = jit_array_of(JIT_F32, values, s->rank, s->extent);
    for (int64_t i = 0; i < jit_array_count(&a); i++)
        values[i] = first + (float)i;
    return a;
}

/* The element of an operand that stands at this place of the result. */
static float element(const shape *s, const float *values, const shape *result,
                     const int64_t *place)
{
    int64_t at = 0;
    for (int i = 0; i < s->rank; i++)
        at = at * s->extent[i] + (s->extent[i] == 1 ? 0 : place[result->rank - s->rank + i]);
    return values[at];
}

static void check_result(const pair *p, const jit_array in[2], const jit_array *y)
{
    int64_t place[MOST_RANK] = { 0 };
    cr_assert_eq(y->rank, p->result.rank);
    for (int i = 0; i < y->rank; i++)
        cr_assert_eq(y->shape[i], p->result.extent[i]);
    for (int64_t n = 0; n < jit_array_count(y); n++) {
        float wanted = element(&p->a, in[0].data, &p->result, place) -
                       2 * element(&p->b, in[1].data, &p->result, place);
        cr_assert_eq(((const float *)y->data)[n], wanted);
        for (int i = y->rank - 1; i >= 0 && ++place[i] == y->shape[i]; i--)
            place[i] = 0;
    }
}

static void write_dims(const shape *s, char *text, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < s->rank; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%lld", i ? "," : ": [",
                              (long long)s->extent[i]);
    (void)snprintf(text + n, size - n, "%s", s->rank ? "]" : "");
}

/* As arguments that are numbers: the arrays are batches. As whole arrays: refused by the compiler,
 * which knows the extents. */
static void check_pair(const pair *p, int whole)
{
    static float a[MOST], b[MOST];
    char text[256] = "fn f(a, b) = a - 2*b", dims[2][64];
    jit_array in[2] = { fill(&p->a, a, 1), fill(&p->b, b, 1000) }, y = { .rank = -1 };
    jit_args args = { .in = in, .n_in = 2, .out = &y, .n_out = 1 };
    jit_error err;
    if (whole) {
        write_dims(&p->a, dims[0], sizeof dims[0]);
        write_dims(&p->b, dims[1], sizeof dims[1]);
        (void)snprintf(text, sizeof text, "fn f(a%s, b%s) = a - 2*b", dims[0], dims[1]);
    }
    jit_module *m = jit_compile(text, NULL, &err);
    jit_status status = m ? jit_call(m, "f", &args, &err) : err.status;
    if (p->result.rank == REFUSED) {
        cr_assert_eq(status, whole ? JIT_ERR_PROGRAM : JIT_ERR_SHAPE, "%s", text);
        cr_assert(strstr(err.diagnostic[0].message, "cannot broadcast"), "%s: %s", text,
                  err.diagnostic[0].message);
    } else {
        cr_assert_eq(status, JIT_OK, "%s: %s", text, err.diagnostic[0].message);
        check_result(p, in, &y);
        jit_array_free(&y);
    }
    jit_release(m);
}

Test(broadcasting, numbers_and_whole_arrays_broadcast_alike_and_both_ways)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        for (int whole = 0; whole < 2; whole++) {
            pair other = { pairs[i].b, pairs[i].a, pairs[i].result };
            check_pair(&pairs[i], whole);
            check_pair(&other, whole);
        }
}

/* One way: into a result of declared shape, and an output of the host's. */
Test(broadcasting, one_way_into_what_is_given)
{
    static const struct {
        const char *text;
        jit_status status;
    } cases[] = {
        { "fn f(x: [3]) -> y: [2,3] = x", JIT_OK },
        { "fn f(x: [3]) -> y: [2,3] { y = 0  y = x + y }", JIT_OK },
        { "fn f(x: [3]) -> [3,1] = x", JIT_ERR_PROGRAM },
        { "fn f(x: [3]) -> [1] = x", JIT_ERR_PROGRAM },
    };
    float x[3] = { 1, 2, 3 }, large[2][3];
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 });
    jit_array out = jit_array_of(JIT_F32, large, 2, (int64_t[]){ 2, 3 });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    jit_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(large, 0, sizeof large);
        jit_module *m = jit_compile(cases[i].text, NULL, &err);
        jit_status status = m ? jit_call(m, "f", &args, &err) : err.status;
        cr_assert_eq(status, cases[i].status, "%s: %s", cases[i].text,
                     err.diagnostic[0].message);
        for (int k = 0; k < 6 && status == JIT_OK; k++)
            cr_assert_eq(large[k / 3][k % 3], x[k % 3], "%s", cases[i].text);
        jit_release(m);
    }
}

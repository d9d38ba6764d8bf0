/* Position independence: an element's result depends on its inputs only, whatever the offset,
 * length, stride, alignment, operand that is broadcast, or number of threads; and nothing
 * beside the outputs is written. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { VALUES = 160, ROOM = 16384, GUARD = 0xa5 };

typedef struct subject {
    const char *text; /* fn f(x, y) */
    jit_dtype x, y, out;
} subject;

static const subject subjects[] = {
    { "fn f(x, y) = sin(x)*y + x/3", JIT_F32, JIT_F32, JIT_F32 },
    { "fn f(x, y) = sqrt(abs(x)) - y", JIT_F64, JIT_F32, JIT_F64 },
    { "fn f(x: u8, y: i16) = x*y + 1", JIT_U8, JIT_I16, JIT_I16 },
    { "fn f(x, y) = x > y ? x : y*0.5", JIT_F16, JIT_BF16, JIT_F16 },
    { "fn f(x, y) { var s = x  for i in 0 .. 5 { if s < 9 { s += y } }  return s }", JIT_F32,
      JIT_F32, JIT_F64 },
    { "fn f(x: bool, y: bool) = x & (!y)", JIT_BOOL, JIT_BOOL, JIT_BOOL },
};

typedef struct trial {
    const subject *s;
    jit_kernel *k;
    unsigned char x[VALUES * 8], y[VALUES * 8], want[VALUES * 8]; /* packed */
    unsigned char *memory[3];
} trial;

static void put(unsigned char *to, jit_dtype t, int i)
{
    float f = (float)(i * 37 % 101) / 8 - 5;
    double d = (double)f;
    uint64_t whole = (uint64_t)(i * 37 % 251);
    uint16_t half = (uint16_t)(0x3000 + i * 97 % 0x1800); /* finite in f16 and bf16 */
    if (t == JIT_F32)
        memcpy(to, &f, sizeof f);
    else if (t == JIT_F64)
        memcpy(to, &d, sizeof d);
    else if (t == JIT_F16 || t == JIT_BF16)
        memcpy(to, &half, sizeof half);
    else if (t == JIT_BOOL)
        *to = (unsigned char)(whole % 3 == 0);
    else
        memcpy(to, &whole, jit_dtype_size(t));
}

static jit_status run(const trial *b, jit_array *in, jit_array *out, int threads)
{
    jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = 1, .threads = threads };
    return jit_run(b->k, &args, NULL);
}

/* What each pair of values gives, one at a time. */
static void prepare(trial *b, const subject *s)
{
    char types[32];
    jit_error err;
    jit_module *m = jit_compile(s->text, NULL, &err);
    cr_assert(m, "%s: %s", s->text, err.diagnostic[0].message);
    snprintf(types, sizeof types, "%s, %s -> %s", jit_dtype_name(s->x), jit_dtype_name(s->y),
             jit_dtype_name(s->out));
    b->s = s;
    b->k = jit_prepare(m, "f", types, NULL, &err);
    cr_assert(b->k, "%s: %s", s->text, err.diagnostic[0].message);
    jit_release(m);
    for (int i = 0; i < 3; i++)
        b->memory[i] = malloc(ROOM);
    for (int i = 0; i < VALUES; i++) {
        size_t nx = jit_dtype_size(s->x), ny = jit_dtype_size(s->y), n = jit_dtype_size(s->out);
        put(b->x + (size_t)i * nx, s->x, i);
        put(b->y + (size_t)i * ny, s->y, 3 * i + 1);
        jit_array in[2] = { jit_array_of(s->x, b->x + (size_t)i * nx, 0, NULL),
                            jit_array_of(s->y, b->y + (size_t)i * ny, 0, NULL) };
        jit_array out = jit_array_of(s->out, b->want + (size_t)i * n, 0, NULL);
        cr_assert_eq(run(b, in, &out, 1), JIT_OK);
    }
}

static void finish(trial *b)
{
    for (int i = 0; i < 3; i++)
        free(b->memory[i]);
    jit_kernel_release(b->k);
}

typedef struct layout {
    int64_t offset, n, step[3]; /* bytes; elements; elements */
} layout;

/* n values laid out with a step, in the middle of memory that is otherwise all GUARD. */
static jit_array place(unsigned char *memory, jit_dtype t, const layout *l, int which)
{
    int64_t size = (int64_t)jit_dtype_size(t);
    memset(memory, GUARD, ROOM);
    jit_array a = jit_array_of(t, memory + ROOM / 2 + l->offset, 1, &l->n);
    a.stride[0] = l->step[which] * size;
    return a;
}

static void fill(const jit_array *a, const unsigned char *values)
{
    size_t size = jit_dtype_size(a->dtype);
    for (int64_t i = 0; i < a->shape[0]; i++) {
        int64_t from = a->stride[0] == 0 ? 0 : i;
        memcpy((char *)a->data + i * a->stride[0], values + (size_t)from * size, size);
    }
}

static void check(const trial *b, const layout *l)
{
    const subject *s = b->s;
    jit_array in[2] = { place(b->memory[0], s->x, l, 0), place(b->memory[1], s->y, l, 1) };
    jit_array out = place(b->memory[2], s->out, l, 2);
    size_t size = jit_dtype_size(s->out);
    unsigned char expected[ROOM];
    fill(&in[0], b->x);
    fill(&in[1], b->y);
    cr_assert_eq(run(b, in, &out, 1), JIT_OK);
    memset(expected, GUARD, ROOM);
    bool repeated = l->step[0] == 0 || l->step[1] == 0;
    for (int64_t i = 0; i < l->n && !repeated; i++)
        memcpy(expected + ((unsigned char *)out.data - b->memory[2]) + i * out.stride[0],
               b->want + (size_t)i * size, size);
    if (!repeated) {
        cr_assert_eq(memcmp(expected, b->memory[2], ROOM), 0,
                     "%s: offset %d, n %d, steps %d %d %d", s->text, (int)l->offset, (int)l->n,
                     (int)l->step[0], (int)l->step[1], (int)l->step[2]);
        return;
    }
    for (int64_t i = 0; i < l->n; i++) { /* a broadcast operand: compare with one at a time */
        unsigned char one[8];
        jit_array x = jit_array_of(s->x, (char *)in[0].data + i * in[0].stride[0], 0, NULL);
        jit_array y = jit_array_of(s->y, (char *)in[1].data + i * in[1].stride[0], 0, NULL);
        jit_array single[2] = { x, y }, to = jit_array_of(s->out, one, 0, NULL);
        cr_assert_eq(run(b, single, &to, 1), JIT_OK);
        cr_assert_eq(memcmp(one, (char *)out.data + i * out.stride[0], size), 0,
                     "%s: broadcast, element %d", s->text, (int)i);
    }
}

static void sweep(const trial *b)
{
    static const int64_t lengths[] = { 0, 1, 2, 7, 8, 31, 33, 64, 100 };
    for (int64_t n = 0; n <= 130; n++)
        for (int64_t offset = 0; offset < 64; offset += 13)
            check(b, &(layout){ offset, n, { 1, 1, 1 } });
    for (int64_t offset = 0; offset < 64; offset++)
        check(b, &(layout){ offset, 97, { 1, 1, 1 } });
    for (int64_t x = -5; x <= 5; x++)
        for (int64_t y = -5; y <= 5; y += x % 2 ? 1 : 5)
            for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                int64_t out = (x + y + 11) % 11 - 5;
                check(b, &(layout){ 3, lengths[i], { x, y, out ? out : 1 } });
            }
}

Test(layout, results_do_not_depend_on_where_elements_lie)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        trial b;
        prepare(&b, &subjects[i]);
        sweep(&b);
        finish(&b);
    }
}

/* Shapes of up to 8 axes, permuted and broadcast, threaded and not, against one row. */
Test(layout, results_do_not_depend_on_axes_or_threads)
{
    enum { A = 6, B = 50, C = 7, D = 40, N = A * B * C * D };
    trial b;
    prepare(&b, &subjects[0]);
    float *x = malloc(N * 4), *y = malloc(N * 4), *want = malloc(N * 4), *z = malloc(N * 4);
    cr_assert(x && y && want && z);
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i % 1009) / 50 - 10;
        y[i] = (float)(i % 499) / 7;
    }
    jit_array in[2] = { jit_array_of(JIT_F32, x, 1, (int64_t[]){ N }),
                        jit_array_of(JIT_F32, y, 1, (int64_t[]){ N }) };
    jit_array out = jit_array_of(JIT_F32, want, 1, (int64_t[]){ N });
    cr_assert_eq(run(&b, in, &out, 1), JIT_OK);
    static const int order[][4] = {
        { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 }
    };
    const int64_t shape[4] = { A, B, C, D }, stride[4] = { 4 * B * C * D, 4 * C * D, 4 * D, 4 };
    for (size_t o = 0; o < sizeof order / sizeof order[0]; o++)
        for (int threads = 1; threads < 5; threads++) {
            jit_array v[3];
            void *data[3] = { x, y, z };
            for (int a = 0; a < 3; a++) {
                v[a] = (jit_array){ .data = data[a], .dtype = JIT_F32, .rank = 8 };
                for (int i = 0; i < 8; i++) { /* axes of extent 1 in between */
                    v[a].shape[i] = i % 2 ? shape[order[o][i / 2]] : 1;
                    v[a].stride[i] = i % 2 ? stride[order[o][i / 2]] : -99;
                }
            }
            memset(z, 0, N * 4);
            cr_assert_eq(run(&b, v, &v[2], threads), JIT_OK);
            cr_assert_eq(memcmp(z, want, N * 4), 0, "order %d, %d threads", (int)o, threads);
        }
    free(x);
    free(y);
    free(z);
    free(want);
    finish(&b);
}

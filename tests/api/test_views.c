/* Views show the right elements: each operation is repeated with plain index arithmetic; and
 * copies move every element between any two layouts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { ROOM = 4096, LIST = 256 };
static int32_t numbers[ROOM];

static void number_all(void)
{
    for (int i = 0; i < ROOM; i++)
        numbers[i] = i;
}

/* The elements of an i32 array in C order. */
static int list(const jit_array *a, int32_t *values)
{
    int64_t index[JIT_MAX_RANK] = { 0 }, count = jit_array_count(a);
    cr_assert(count <= LIST);
    for (int n = 0; n < (int)count; n++) {
        const char *at = a->data;
        for (int i = 0; i < a->rank; i++)
            at += index[i] * a->stride[i];
        memcpy(&values[n], at, sizeof values[n]);
        for (int i = a->rank - 1; i >= 0 && ++index[i] == a->shape[i]; i--)
            index[i] = 0;
    }
    return (int)count;
}

static void expect_list(const jit_array *a, const int32_t *want, int n, const char *what)
{
    int32_t have[LIST];
    cr_assert_eq(list(a, have), n, "%s: %d elements, not %d", what, list(a, have), n);
    for (int i = 0; i < n; i++)
        cr_assert_eq(have[i], want[i], "%s: element %d is %d, not %d", what, i, (int)have[i],
                     (int)want[i]);
}

static void expect_error(const jit_error *err, jit_status status, int code, const char *says)
{
    cr_assert_eq(err->status, status, "%s: %s", says, err->diagnostic[0].message);
    cr_assert_eq(err->diagnostic[0].code, code, "%s: %s", says, err->diagnostic[0].message);
    cr_assert(strstr(err->diagnostic[0].message, says), "'%s' has no '%s'",
              err->diagnostic[0].message, says);
}

/* ---------------------------------------------------------------- slices */

/* What NumPy documents: the elements i = from, from + step, ... before `to`, with bounds taken
 * from the end if negative and clipped to what a walk in this direction can meet. */
static int walk(int64_t n, int64_t from, int64_t to, int64_t step, int32_t *want)
{
    int64_t first = step > 0 ? 0 : n - 1, end = step > 0 ? n : -1;
    if (from != JIT_OPEN) {
        first = from < 0 ? from + n : from;
        if (step > 0)
            first = first < 0 ? 0 : first;
        else
            first = first > n - 1 ? n - 1 : first;
    }
    if (to != JIT_OPEN)
        end = to < 0 ? (to + n < -1 ? -1 : to + n) : to;
    int count = 0;
    for (int64_t i = first; step > 0 ? i < end && i < n : i > end && i >= 0; i += step)
        want[count++] = (int32_t)i;
    return count;
}

static void try_slice(int64_t n, const int64_t *bounds)
{
    char what[96];
    int32_t want[LIST];
    jit_array a = jit_array_of(JIT_I32, numbers, 1, &n), v;
    (void)snprintf(what, sizeof what, "[%lld:%lld:%lld] of %lld", (long long)bounds[0],
                   (long long)bounds[1], (long long)bounds[2], (long long)n);
    cr_assert_eq(jit_array_slice(&v, &a, 0, bounds[0], bounds[1], bounds[2], NULL), JIT_OK);
    expect_list(&v, want, walk(n, bounds[0], bounds[1], bounds[2], want), what);
    cr_assert_eq(jit_array_slice(&a, &a, -1, bounds[0], bounds[1], bounds[2], NULL), JIT_OK);
    expect_list(&a, want, walk(n, bounds[0], bounds[1], bounds[2], want), what);
}

Test(views, slices_are_numpys)
{
    static const int64_t bounds[] = { JIT_OPEN, -9, -5, -4, -1, 0, 1, 3, 4, 5, 6, 99 };
    static const int64_t steps[] = { 1, 2, 3, 5, 7, -1, -2, -3, -5, -6 };
    enum { BOUNDS = sizeof bounds / sizeof *bounds, STEPS = sizeof steps / sizeof *steps };
    number_all();
    for (int64_t n = 0; n < 7; n++)
        for (int i = 0; i < BOUNDS * BOUNDS * STEPS; i++)
            try_slice(n, (int64_t[]){ bounds[i % BOUNDS], bounds[i / BOUNDS % BOUNDS],
                                      steps[i / BOUNDS / BOUNDS] });
    for (int i = 0; i < BOUNDS; i++) { /* steps that no walk can repeat */
        jit_array a = jit_array_of(JIT_I32, numbers, 1, (int64_t[]){ 5 }), v;
        static const int64_t huge[] = { INT64_MAX, INT64_MIN, INT64_MIN + 1 };
        for (int k = 0; k < 3; k++) {
            cr_assert_eq(jit_array_slice(&v, &a, 0, bounds[i], JIT_OPEN, huge[k], NULL), 0);
            cr_assert(v.shape[0] <= 1);
        }
    }
}

Test(views, slices_of_slices_keep_other_axes)
{
    number_all();
    jit_array a = jit_array_of(JIT_I32, numbers, 2, (int64_t[]){ 4, 5 }), v;
    cr_assert_eq(jit_array_slice(&v, &a, 0, JIT_OPEN, JIT_OPEN, -2, NULL), JIT_OK);
    expect_list(&v, (int32_t[]){ 15, 16, 17, 18, 19, 5, 6, 7, 8, 9 }, 10, "rows");
    cr_assert_eq(jit_array_slice(&v, &v, 1, 3, 0, -1, NULL), JIT_OK);
    expect_list(&v, (int32_t[]){ 18, 17, 16, 8, 7, 6 }, 6, "columns of rows");
    cr_assert_eq(jit_array_slice(&v, &v, 1, -1, JIT_OPEN, -2, NULL), JIT_OK);
    expect_list(&v, (int32_t[]){ 16, 18, 6, 8 }, 4, "turned again");
    cr_assert_eq(jit_array_slice(&v, &v, 0, 2, JIT_OPEN, 1, NULL), JIT_OK);
    cr_assert_eq(jit_array_count(&v), 0);
}

/* ---------------------------------------------------------------- transposes, shapes */

Test(views, transposes_permute_axes)
{
    number_all();
    jit_array a = jit_array_of(JIT_I32, numbers, 3, (int64_t[]){ 2, 3, 4 }), v;
    cr_assert_eq(jit_array_transpose(&v, &a, NULL, NULL), JIT_OK);
    cr_assert(v.shape[0] == 4 && v.shape[1] == 3 && v.shape[2] == 2);
    expect_list(&v, (int32_t[]){ 0, 12, 4, 16, 8,  20, 1, 13, 5, 17, 9,  21,
                                 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23 },
                24, "reversed");
    cr_assert_eq(jit_array_transpose(&a, &a, (int[]){ 1, -1, 0 }, NULL), JIT_OK);
    cr_assert(a.shape[0] == 3 && a.shape[1] == 4 && a.shape[2] == 2);
    expect_list(&a, (int32_t[]){ 0, 12, 1, 13, 2, 14, 3, 15, 4,  16, 5,  17,
                                 6, 18, 7, 19, 8, 20, 9, 21, 10, 22, 11, 23 },
                24, "permuted");
    jit_array s = jit_array_of(JIT_I32, numbers + 7, 0, NULL);
    cr_assert_eq(jit_array_transpose(&v, &s, NULL, NULL), JIT_OK);
    expect_list(&v, (int32_t[]){ 7 }, 1, "scalar");
}

typedef struct reshape_case {
    int rank;
    int64_t shape[4], step[4]; /* elements */
    int new_rank;
    int64_t wanted[5];
    int possible;
} reshape_case;

static const reshape_case reshapes[] = {
    { 2, { 4, 6 }, { 6, 1 }, 1, { 24 }, 1 },
    { 2, { 4, 6 }, { 6, 1 }, 3, { 2, -1, 3 }, 1 },
    { 2, { 4, 6 }, { 6, 1 }, 5, { 1, 8, 1, 3, 1 }, 1 },
    { 2, { 4, 6 }, { 1, 4 }, 1, { -1 }, 0 },
    { 2, { 4, 6 }, { 1, 4 }, 3, { 4, 2, 3 }, 1 },
    { 2, { 4, 6 }, { 12, 2 }, 1, { 24 }, 1 },
    { 2, { 4, 6 }, { 12, 1 }, 2, { 2, 12 }, 0 },
    { 2, { 4, 6 }, { 12, 1 }, 4, { 2, 2, 3, 2 }, 1 },
    { 2, { 4, 6 }, { -6, -1 }, 2, { 8, 3 }, 1 },
    { 2, { 4, 6 }, { -6, 1 }, 1, { 24 }, 0 },
    { 2, { 4, 6 }, { -6, 1 }, 3, { 4, 3, 2 }, 1 },
    { 3, { 2, 1, 3 }, { 3, 99, 1 }, 1, { 6 }, 1 },
    { 3, { 1, 1, 1 }, { 7, 8, 9 }, 0, { 0 }, 1 },
    { 3, { 1, 1, 1 }, { 7, 8, 9 }, 2, { 1, -1 }, 1 },
    { 0, { 0 }, { 0 }, 3, { 1, 1, 1 }, 1 },
    { 2, { 4, 0 }, { 1, 1 }, 2, { 0, 9 }, 1 },
    { 2, { 3, 4 }, { 0, 0 }, 1, { 12 }, 1 },
    { 2, { 3, 4 }, { 0, 1 }, 1, { 12 }, 0 },
    { 2, { 3, 4 }, { 0, 1 }, 3, { 3, 2, 2 }, 1 },
};

Test(views, reshape_shows_the_same_elements_or_refuses)
{
    number_all();
    for (size_t i = 0; i < sizeof reshapes / sizeof *reshapes; i++) {
        const reshape_case *c = &reshapes[i];
        int32_t want[LIST];
        char what[32];
        jit_error err;
        jit_array a = jit_array_of(JIT_I32, numbers + 100, c->rank, c->shape), v;
        for (int k = 0; k < c->rank; k++)
            a.stride[k] = c->step[k] * 4;
        (void)snprintf(what, sizeof what, "reshape %d", (int)i);
        jit_status status = jit_array_reshape(&v, &a, c->new_rank, c->wanted, &err);
        cr_assert_eq(status, c->possible ? JIT_OK : JIT_ERR_SHAPE, "%s: %s", what,
                     err.diagnostic[0].message);
        if (c->possible)
            expect_list(&v, want, list(&a, want), what);
        if (!c->possible)
            cr_assert(strstr(err.diagnostic[0].hint, "jit_array_copy"));
        for (int k = 0; c->possible && k < c->new_rank; k++)
            cr_assert(c->wanted[k] == -1 || v.shape[k] == c->wanted[k]);
    }
}

Test(views, broadcast_repeats)
{
    number_all();
    jit_array a = jit_array_of(JIT_I32, numbers, 2, (int64_t[]){ 2, 1 }), v;
    cr_assert_eq(jit_array_broadcast(&v, &a, 3, (int64_t[]){ 2, 2, 3 }, NULL), JIT_OK);
    expect_list(&v, (int32_t[]){ 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1 }, 12, "broadcast");
    cr_assert_eq(jit_array_broadcast(&v, &a, 2, (int64_t[]){ 2, 0 }, NULL), JIT_OK);
    cr_assert_eq(jit_array_count(&v), 0);
    jit_array s = jit_array_of(JIT_I32, numbers + 5, 0, NULL);
    cr_assert_eq(jit_array_broadcast(&s, &s, 1, (int64_t[]){ 3 }, NULL), JIT_OK);
    expect_list(&s, (int32_t[]){ 5, 5, 5 }, 3, "scalar");
}

/* ---------------------------------------------------------------- mistakes */

Test(views, mistakes_have_codes_and_leave_the_view)
{
    jit_error err;
    jit_array a = jit_array_of(JIT_I32, numbers, 2, (int64_t[]){ 2, 3 }), v, before;
    memset(&v, 0x5a, sizeof v);
    before = v;
    (void)jit_array_slice(&v, &a, 2, 0, 1, 1, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 720, "rank 2 has no axis 2");
    (void)jit_array_slice(&v, &a, -3, 0, 1, 1, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 720, "no axis -3");
    (void)jit_array_slice(&v, &a, 0, 0, 1, 0, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 721, "step is 0");
    (void)jit_array_slice(NULL, &a, 0, 0, 1, 1, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "view is null");
    (void)jit_array_slice(&v, NULL, 0, 0, 1, 1, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "array is null");
    (void)jit_array_transpose(&v, &a, (int[]){ 1, 1 }, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 720, "axis 1 is named twice");
    (void)jit_array_transpose(&v, &a, (int[]){ 0, 5 }, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 720, "no axis 5");
    (void)jit_array_reshape(&v, &a, 1, (int64_t[]){ 7 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 722, "shape [2,3] cannot have the shape [7]");
    (void)jit_array_reshape(&v, &a, 2, (int64_t[]){ -1, -1 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 722, "[-1,-1]");
    (void)jit_array_reshape(&v, &a, 2, (int64_t[]){ -1, 4 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 722, "[-1,4]");
    (void)jit_array_reshape(&v, &a, 2, (int64_t[]){ -1, 0 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 722, "[-1,0]");
    (void)jit_array_reshape(&v, &a, 2, (int64_t[]){ INT64_MAX, 3 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 722, "cannot have");
    (void)jit_array_reshape(&v, &a, 9, (int64_t[]){ 1 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 504, "rank 9");
    (void)jit_array_reshape(&v, &a, 1, NULL, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "shape is null");
    (void)jit_array_broadcast(&v, &a, 2, (int64_t[]){ 4, 3 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 507, "shape [2,3] does not broadcast to [4,3]");
    (void)jit_array_broadcast(&v, &a, 1, (int64_t[]){ 3 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 507, "[3]");
    (void)jit_array_broadcast(&v, &a, 2, (int64_t[]){ -2, 3 }, &err);
    expect_error(&err, JIT_ERR_SHAPE, 505, "[-2,3]");
    a.rank = 12;
    (void)jit_array_transpose(&v, &a, NULL, &err);
    expect_error(&err, JIT_ERR_SHAPE, 504, "array of jit_array_transpose");
    cr_assert_arr_eq(&v, &before, sizeof v);
}

/* ---------------------------------------------------------------- copies */

/* Layouts of shape [3,4,5] with elements of `size` bytes in the middle of 4 KiB. */
static jit_array layout(int which, jit_dtype t, char *memory)
{
    static const int64_t steps[][3] = { { 20, 5, 1 },  { 1, 3, 12 },  { -20, -5, -1 },
                                        { 5, 15, -1 }, { 40, 10, 2 }, { 20, -5, 1 } };
    int64_t size = (int64_t)jit_dtype_size(t);
    jit_array a = jit_array_of(t, memory + ROOM / 2, 3, (int64_t[]){ 3, 4, 5 });
    for (int i = 0; i < 3; i++)
        a.stride[i] = steps[which][i] * size;
    return a;
}
enum { LAYOUTS = 6 };

static void expect_equal(const jit_array *a, const jit_array *b, const char *what)
{
    size_t size = jit_dtype_size(a->dtype);
    for (int64_t n = 0; n < 60; n++) {
        int64_t i = n / 20, j = n / 5 % 4, k = n % 5;
        const char *x =
            (char *)a->data + i * a->stride[0] + j * a->stride[1] + k * a->stride[2];
        const char *y =
            (char *)b->data + i * b->stride[0] + j * b->stride[1] + k * b->stride[2];
        cr_assert_eq(memcmp(x, y, size), 0, "%s: element %d", what, (int)n);
    }
}

static void try_copy(jit_dtype t, int from_layout, int to_layout)
{
    static char from_memory[ROOM], to_memory[ROOM], guard[ROOM];
    char what[64];
    jit_array from = layout(from_layout, t, from_memory), to = layout(to_layout, t, to_memory);
    (void)snprintf(what, sizeof what, "%s from layout %d to %d", jit_dtype_name(t), from_layout,
                   to_layout);
    for (int i = 0; i < ROOM; i++)
        from_memory[i] = (char)(i * 89 >> 3);
    memset(to_memory, 0x5a, ROOM);
    memset(guard, 0x5a, ROOM);
    cr_assert_eq(jit_array_copy(&to, &from, NULL), JIT_OK);
    expect_equal(&to, &from, what);
    jit_array clear = layout(to_layout, t, to_memory), fives;
    int64_t five = 0x5a5a5a5a5a5a5a5a;
    fives = jit_array_of(t, &five, 0, NULL);
    cr_assert_eq(jit_array_copy(&clear, &fives, NULL),
                 JIT_OK); /* broadcast; and all else kept */
    cr_assert_eq(memcmp(to_memory, guard, ROOM), 0, "%s", what);
    jit_array made = { .rank = -1 };
    cr_assert_eq(jit_array_copy(&made, &from, NULL), JIT_OK);
    cr_assert_eq(made.dtype, t);
    expect_equal(&made, &from, what);
    jit_array_free(&made);
}

Test(views, copies_between_any_layouts)
{
    static const jit_dtype types[] = { JIT_BOOL, JIT_BF16, JIT_F32, JIT_I64 };
    for (int i = 0; i < 4 * LAYOUTS * LAYOUTS; i++)
        try_copy(types[i % 4], i / 4 % LAYOUTS, i / 4 / LAYOUTS);
    jit_array empty = jit_array_of(JIT_F32, NULL, 2, (int64_t[]){ 0, 3 }),
              made = { .rank = -1 };
    cr_assert_eq(jit_array_copy(&empty, &empty, NULL), JIT_OK);
    cr_assert_eq(jit_array_copy(&made, &empty, NULL), JIT_OK);
    cr_assert(made.data && made.rank == 2 && made.shape[0] == 0);
    jit_array_free(&made);
}

Test(views, copies_that_overlap)
{
    jit_array a = jit_array_of(JIT_I32, numbers, 1, (int64_t[]){ 20 }), low, high;
    (void)jit_array_slice(&low, &a, 0, 0, 12, 1, NULL);
    (void)jit_array_slice(&high, &a, 0, 5, 17, 1, NULL);
    number_all();
    cr_assert_eq(jit_array_copy(&high, &low, NULL), JIT_OK);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(numbers[i], i >= 5 && i < 17 ? i - 5 : i);
    number_all();
    (void)jit_array_slice(&high, &a, 0, JIT_OPEN, JIT_OPEN, -1, NULL);
    cr_assert_eq(jit_array_copy(&a, &high, NULL), JIT_OK);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(numbers[i], 19 - i);
    number_all();
    cr_assert_eq(jit_array_copy(&a, &a, NULL), JIT_OK);
    cr_assert_eq(numbers[19], 19);
}

Test(views, copies_that_cannot_be)
{
    jit_error err;
    jit_array a = jit_array_of(JIT_I32, numbers, 1, (int64_t[]){ 4 });
    jit_array b = jit_array_of(JIT_F32, numbers + 9, 1, (int64_t[]){ 4 });
    jit_array c = jit_array_of(JIT_I32, numbers + 9, 1, (int64_t[]){ 5 });
    (void)jit_array_copy(&b, &a, &err);
    expect_error(&err, JIT_ERR_TYPE, 723, "from i32 to f32");
    (void)jit_array_copy(&c, &a, &err);
    expect_error(&err, JIT_ERR_SHAPE, 507, "shape [4] does not broadcast to [5]");
    c.stride[0] = 0;
    (void)jit_array_copy(&c, &c, &err);
    expect_error(&err, JIT_ERR_SHAPE, 509, "overlap each other");
    (void)jit_array_copy(NULL, &a, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "target is null");
    (void)jit_array_copy(&a, NULL, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "array is null");
    a.data = NULL;
    (void)jit_array_copy(&c, &a, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "has no data");
    b = (jit_array){ .dtype = JIT_F32, .rank = -1 };
    a.data = numbers;
    (void)jit_array_copy(&b, &a, &err);
    expect_error(&err, JIT_ERR_TYPE, 723, "f32");
    a.rank = -1;
    (void)jit_array_copy(&c, &a, &err);
    expect_error(&err, JIT_ERR_SHAPE, 504, "array of jit_array_copy");
}

Test(views, a_new_array_may_be_given_its_own_shape)
{
    int64_t shape[] = { 2, 3 };
    jit_array a = jit_array_of(JIT_F64, NULL, 2, shape);
    cr_assert_eq(jit_array_new(&a, JIT_F32, a.rank, a.shape, NULL), JIT_OK);
    cr_expect(a.rank == 2 && a.shape[0] == 2 && a.shape[1] == 3 && a.stride[0] == 12);
    jit_array_free(&a);
}

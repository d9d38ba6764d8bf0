/* Random layouts through the whole run path, with a kernel written in C instead of a compiled
 * one: broadcasting, axis order, overlap and threads against a loop over every index. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "broadcast.h"
#include "drive.h"
#include "overlap.h"
#include "random_source.h"

enum { ARENA = 1 << 16, LAYOUTS = 20000 };

/* out = 3*x + 5*y + 7*index, in i64, whatever the layout. */
static uint32_t fake_block(const kernel_call *c)
{
    for (int64_t row = 0; row < c->rows; row++)
        for (int64_t i = 0; i < c->n; i++) {
            uint64_t v[2], out;
            for (int a = 0; a < 2; a++)
                memcpy(&v[a], c->data[a] + row * c->row_step[a] + i * c->step[a], sizeof v[a]);
            uint64_t index = c->index + (uint64_t)(row * c->index_row_step + i * c->index_step);
            out = 3 * v[0] + 5 * v[1] + 7 * index;
            memcpy(c->data[2] + row * c->row_step[2] + i * c->step[2], &out, sizeof out);
        }
    return 0;
}

static jit_context *context;

static jit_kernel fake_kernel(void)
{
    static const char *const names[] = { "x", "y", "" };
    static const uint64_t no_cells[1];
    static const uint8_t types[] = { JIT_I64, JIT_I64, JIT_I64 }, sizes[] = { 8, 8, 8 };
    context = jit_context_new(NULL, NULL);
    cr_assert(context);
    jit_kernel k;
    memset(&k, 0, sizeof k);
    k.block = fake_block;
    k.n_in = 2;
    k.n_out = 1;
    k.indexed = k.all_defaults = true;
    k.fuel = 1000;
    k.defaults = no_cells;
    k.name = "fake";
    k.operand_name = names;
    k.context = context;
    k.info.vector_lanes = 4;
    k.dtype = types;
    k.size = sizes;
    return k;
}

typedef struct layout {
    jit_array a;
    char *memory;
} layout;

static void shuffle(random_source *r, int32_t *order, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)random_below(r, i + 1), keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
}

/* Any order of axes, gaps, backward axes, unaligned; for inputs also stride 0. */
static jit_array random_layout(random_source *r, char *memory, int32_t rank,
                               const int64_t *shape, bool output)
{
    jit_array a = { .dtype = JIT_I64, .rank = rank };
    int32_t order[JIT_MAX_RANK];
    int64_t step = 8, offset = random_below(r, 9);
    shuffle(r, order, rank);
    for (int32_t i = 0; i < rank; i++) {
        int32_t axis = order[i];
        a.shape[axis] = shape[axis];
        a.stride[axis] = step;
        if (!output && random_below(r, 8) == 0) {
            a.stride[axis] = 0;
            continue;
        }
        step = step * (shape[axis] > 0 ? shape[axis] : 1) + 8 * random_below(r, 3) * (i == 0);
        if (random_below(r, 4) == 0 && shape[axis] > 0) {
            offset += (shape[axis] - 1) * a.stride[axis];
            a.stride[axis] = -a.stride[axis];
        }
    }
    cr_assert_lt(offset + step, ARENA);
    a.data = memory + offset;
    return a;
}

static char *element(const jit_array *a, int32_t rank, const int64_t *at)
{
    char *p = a->data;
    for (int32_t i = 0; i < a->rank; i++) {
        int64_t where = a->shape[i] == 1 ? 0 : at[rank - a->rank + i];
        p += where * a->stride[i];
    }
    return p;
}

static uint64_t load(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void compare(const jit_array *out, const uint64_t *before, uint64_t seed)
{
    int64_t at[JIT_MAX_RANK] = { 0 }, total = jit_array_count(out);
    for (int64_t index = 0; index < total; index++) {
        uint64_t want = before[index] + 7 * (uint64_t)index;
        cr_assert_eq(load(element(out, out->rank, at)), want, "seed %llu element %lld",
                     (unsigned long long)seed, (long long)index);
        for (int32_t axis = out->rank - 1; axis >= 0 && ++at[axis] == out->shape[axis]; axis--)
            at[axis] = 0;
    }
}

static void expect(const jit_array *in, const jit_array *out, uint64_t *sums)
{
    int64_t at[JIT_MAX_RANK] = { 0 }, total = jit_array_count(out);
    for (int64_t index = 0; index < total; index++) {
        sums[index] =
            3 * load(element(&in[0], out->rank, at)) + 5 * load(element(&in[1], out->rank, at));
        for (int32_t axis = out->rank - 1; axis >= 0 && ++at[axis] == out->shape[axis]; axis--)
            at[axis] = 0;
    }
}

static void random_shapes(random_source *r, int32_t *rank, int64_t *shape, int32_t *in_rank,
                          int64_t in_shape[2][JIT_MAX_RANK])
{
    int64_t room = 600;
    *rank = (int32_t)random_below(r, JIT_MAX_RANK + 1);
    for (int32_t i = 0; i < *rank; i++) {
        shape[i] = 1 + random_below(r, room < 12 ? room : 12);
        if (random_below(r, 4) == 0)
            shape[i] = 1;
        room /= shape[i];
    }
    for (int a = 0; a < 2; a++) {
        bool whole = a == 0 && random_below(r, 4) > 0; /* else the output may be larger */
        in_rank[a] = whole ? *rank : (int32_t)random_below(r, *rank + 1);
        for (int32_t i = 0; i < in_rank[a]; i++) {
            int32_t axis = *rank - in_rank[a] + i;
            in_shape[a][i] = !whole && random_below(r, 3) == 0 ? 1 : shape[axis];
        }
    }
}

static void one_layout(const jit_kernel *k, uint64_t seed, char *memory)
{
    random_source r = { seed };
    int32_t rank, in_rank[2];
    int64_t shape[JIT_MAX_RANK], in_shape[2][JIT_MAX_RANK];
    random_shapes(&r, &rank, shape, in_rank, in_shape);
    for (int64_t i = 0; i < 3 * ARENA; i++)
        memory[i] = (char)(i * 7 + (i >> 8));
    jit_array in[2], out;
    for (int a = 0; a < 2; a++)
        in[a] = random_layout(&r, memory + a * ARENA, in_rank[a], in_shape[a], false);
    out = random_layout(&r, memory + 2 * ARENA, rank, shape, true);
    if (random_below(&r, 3) == 0) { /* exactly an input */
        bool broadcast = in_rank[0] < rank;
        for (int32_t i = 0; i < rank && !broadcast; i++)
            broadcast = in[0].shape[i] != shape[i] || (in[0].stride[i] == 0 && shape[i] > 1);
        if (!broadcast)
            out = in[0];
    }
    uint64_t sums[1024];
    expect(in, &out, sums);
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    jit_error err;
    err.status = JIT_OK;
    jit_status status = jit_run(k, &args, &err);
    cr_assert_eq(status, JIT_OK, "seed %llu: %s", (unsigned long long)seed,
                 err.diagnostic[0].message);
    compare(&out, sums, seed);
}

Test(drive, random_layouts_agree_with_a_loop_over_indices)
{
    jit_kernel k = fake_kernel();
    uint64_t seed = random_seed("drive", 1);
    char *memory = malloc(3 * ARENA);
    cr_assert(memory);
    for (int i = 0; i < LAYOUTS; i++)
        one_layout(&k, seed + (uint64_t)i, memory);
    free(memory);
    jit_context_free(context);
}

Test(drive, threads_cover_every_element_once)
{
    jit_kernel k = fake_kernel();
    int64_t shape[3] = { 37, 61, 129 }, count = 37 * 61 * 129;
    int64_t *x = malloc((size_t)count * 8), *y = malloc((size_t)count * 8);
    cr_assert(x && y);
    for (int64_t i = 0; i < count; i++)
        x[i] = i * i;
    for (int threads = 1; threads <= 8; threads++) {
        jit_array in[2] = { jit_array_of(JIT_I64, x, 3, shape),
                            jit_array_of(JIT_I64, x, 1, shape + 2) };
        jit_array out = jit_array_of(JIT_I64, y, 3, shape);
        jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = threads };
        memset(y, 0, (size_t)count * 8);
        cr_assert_eq(jit_run(&k, &args, NULL), JIT_OK);
        for (int64_t i = 0; i < count; i++)
            cr_assert_eq(y[i], 3 * x[i] + 5 * x[i % 129] + 7 * i,
                         "%d threads, element %lld: %lld not %lld", threads, (long long)i,
                         (long long)y[i], (long long)(3 * x[i] + 5 * x[i % 129] + 7 * i));
    }
    free(x);
    free(y);
    jit_context_free(context);
}

/* ---------------------------------------------------------------- overlap */

static void mark(const footprint *f, unsigned char *bytes, const char *memory, int *twice)
{
    int64_t at[JIT_MAX_RANK] = { 0 }, total = 1;
    for (int32_t i = 0; i < f->rank; i++)
        total *= f->shape[i];
    for (int64_t n = 0; n < total; n++) {
        const char *p = f->base;
        for (int32_t i = 0; i < f->rank; i++)
            p += at[i] * f->stride[i];
        for (int64_t b = 0; b < f->size; b++)
            *twice |= bytes[p - memory + b]++ > 0;
        for (int32_t axis = f->rank - 1; axis >= 0 && ++at[axis] == f->shape[axis]; axis--)
            at[axis] = 0;
    }
}

static footprint random_footprint(random_source *r, const char *memory)
{
    footprint f = { .size = (int64_t)1 << random_below(r, 4),
                    .rank = (int32_t)random_below(r, 4) };
    int64_t low = 0, high = 0;
    for (int32_t i = 0; i < f.rank; i++) {
        f.shape[i] = 2 + random_below(r, 5);
        f.stride[i] = random_below(r, 61) - 30;
        int64_t reach = (f.shape[i] - 1) * f.stride[i];
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    f.base = memory + 600 + random_below(r, 200) - low - (high - low) / 2;
    return f;
}

Test(drive, overlap_is_found_exactly)
{
    static char memory[2048];
    static unsigned char bytes[2048];
    uint64_t seed = random_seed("overlap", 5);
    for (int i = 0; i < 50000; i++) {
        random_source r = { seed + (uint64_t)i };
        footprint a = random_footprint(&r, memory), b = random_footprint(&r, memory);
        int within = 0, between = 0;
        memset(bytes, 0, sizeof bytes);
        mark(&a, bytes, memory, &within);
        cr_assert_eq(overlap_within(&a), within, "within, seed %llu",
                     (unsigned long long)r.state);
        memset(bytes, 0, sizeof bytes);
        mark(&a, bytes, memory, &between);
        for (size_t n = 0; n < sizeof bytes; n++)
            bytes[n] = bytes[n] > 0;
        between = 0;
        int64_t at[JIT_MAX_RANK] = { 0 }, total = 1;
        for (int32_t k = 0; k < b.rank; k++)
            total *= b.shape[k];
        for (int64_t n = 0; n < total; n++) {
            const char *p = b.base;
            for (int32_t k = 0; k < b.rank; k++)
                p += at[k] * b.stride[k];
            for (int64_t o = 0; o < b.size; o++)
                between |= bytes[p - memory + o];
            for (int32_t k = b.rank - 1; k >= 0 && ++at[k] == b.shape[k]; k--)
                at[k] = 0;
        }
        cr_assert_eq(overlap_between(&a, &b), between, "between, round %d", i);
    }
}

/* Contrived strides, where a search without the gcd rule would not end. */
Test(drive, overlap_of_long_interleaved_rows_is_decided)
{
    static char memory[64];
    footprint a = { memory, 4, 2, { 1000000, 1000000 }, { 16, 16000000000 } };
    footprint b = { memory + 8, 4, 2, { 1000000, 1000000 }, { 24, 24000000000 } };
    footprint c = { memory + 4, 4, 2, { 500000, 1000000 }, { 32, 16000000000 } };
    cr_assert(overlap_between(&a, &b));
    cr_assert_not(overlap_between(&a, &c));
    cr_assert_not(overlap_within(&a));
}

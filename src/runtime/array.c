/* Arrays and element types of the public header; checks of what the host gives. */
#include "array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAY_ALIGNMENT = 64 };

typedef struct dtype_row {
    const char *name;
    size_t size;
} dtype_row;

static const dtype_row dtypes[] = {
    [JIT_NONE] = { "none", 0 }, [JIT_BOOL] = { "bool", 1 }, [JIT_I8] = { "i8", 1 },
    [JIT_I16] = { "i16", 2 },   [JIT_I32] = { "i32", 4 },   [JIT_I64] = { "i64", 8 },
    [JIT_U8] = { "u8", 1 },     [JIT_U16] = { "u16", 2 },   [JIT_U32] = { "u32", 4 },
    [JIT_U64] = { "u64", 8 },   [JIT_F16] = { "f16", 2 },   [JIT_BF16] = { "bf16", 2 },
    [JIT_F32] = { "f32", 4 },   [JIT_F64] = { "f64", 8 },
};

static bool valid_dtype(jit_dtype t)
{
    return (int)t > JIT_NONE && (int)t <= JIT_F64;
}

size_t jit_dtype_size(jit_dtype dtype)
{
    return valid_dtype(dtype) ? dtypes[dtype].size : 0;
}

const char *jit_dtype_name(jit_dtype dtype)
{
    return valid_dtype(dtype) ? dtypes[dtype].name : dtypes[JIT_NONE].name;
}

jit_dtype jit_dtype_parse(const char *name)
{
    for (int t = JIT_BOOL; name && t <= JIT_F64; t++)
        if (strcmp(name, dtypes[t].name) == 0)
            return (jit_dtype)t;
    return JIT_NONE;
}

/* Saturates: a view that is too large is reported by the call that receives it. */
static void set_strides(jit_array *a)
{
    int64_t step = (int64_t)jit_dtype_size(a->dtype);
    for (int32_t i = a->rank - 1; i >= 0; i--) {
        a->stride[i] = step;
        if (a->shape[i] > 0 && __builtin_mul_overflow(step, a->shape[i], &step))
            step = INT64_MAX;
    }
}

jit_array jit_array_of(jit_dtype dtype, void *data, int rank, const int64_t *shape)
{
    jit_array a = { .data = data, .dtype = dtype, .rank = rank };
    if (rank < 0 || rank > JIT_MAX_RANK)
        return a;
    if (rank > 0 && !shape) {
        a.rank = JIT_MAX_RANK + 1; /* so that it is reported */
        return a;
    }
    if (rank > 0)
        memcpy(a.shape, shape, (size_t)rank * sizeof *shape);
    set_strides(&a);
    return a;
}

int64_t jit_array_count(const jit_array *a)
{
    int64_t count = 0;
    if (!a || !array_elements(a->rank, a->shape, 1, &count))
        return 0;
    return count;
}

bool array_elements(int32_t rank, const int64_t *shape, int64_t size, int64_t *count)
{
    int64_t n = 1, bytes;
    bool empty = false;
    if (rank < 0 || rank > JIT_MAX_RANK)
        return false;
    for (int32_t i = 0; i < rank; i++) {
        if (shape[i] < 0 || (shape[i] > 0 && __builtin_mul_overflow(n, shape[i], &n)))
            return false;
        empty |= shape[i] == 0;
    }
    if (__builtin_mul_overflow(n, size, &bytes))
        return false;
    *count = empty ? 0 : n;
    return true;
}

bool array_make(jit_array *a, bool zero)
{
    int64_t size = (int64_t)jit_dtype_size(a->dtype), count;
    if (!array_elements(a->rank, a->shape, size, &count))
        return false;
    size_t bytes = (size_t)(count * size);
    void *data = NULL;
    if (bytes > SIZE_MAX / 2 || posix_memalign(&data, ARRAY_ALIGNMENT, bytes + !bytes) != 0)
        return false;
    if (zero)
        memset(data, 0, bytes);
    a->data = data;
    set_strides(a);
    return true;
}

jit_status jit_array_new(jit_array *a, jit_dtype dtype, int rank, const int64_t *shape,
                         jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!a) {
        diag_plain(&d, DIAG_null_argument, "jit_array_new needs an array");
        return d.out->status;
    }
    jit_array made = jit_array_of(dtype, NULL, rank, shape);
    int64_t count;
    char text[SHAPE_TEXT];
    *a = (jit_array){ 0 }; /* shape may have been its own */
    if (!valid_dtype(dtype))
        diag_plain(&d, DIAG_array_dtype, "%d is no element type", (int)dtype);
    else if (made.rank < 0 || made.rank > JIT_MAX_RANK)
        diag_plain(&d, DIAG_array_rank, "rank %d is not in 0 .. %d", rank, JIT_MAX_RANK);
    else if (!array_elements(rank, made.shape, (int64_t)dtypes[dtype].size, &count))
        diag_plain(&d, DIAG_array_extent, "an array cannot have the shape %s",
                   shape_text(text, rank, made.shape));
    else if (!array_make(&made, true))
        diag_no_memory(&d);
    else
        *a = made;
    return d.out->status;
}

bool array_same_shape(const jit_array *a, const jit_array *b)
{
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]) == 0;
}

void jit_array_free(jit_array *a)
{
    if (!a)
        return;
    free(a->data);
    *a = (jit_array){ 0 };
}

const char *shape_text(char *text, int32_t rank, const int64_t *shape)
{
    size_t used = 1;
    text[0] = '[';
    for (int32_t i = 0; i < rank && i < JIT_MAX_RANK; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, i ? ",%lld" : "%lld",
                                 (long long)shape[i]);
    text[used] = ']';
    text[used + 1] = 0;
    return text;
}

/* Lowest and highest byte reached from `data`; false if an address would wrap around. */
static bool span_fits(const jit_array *a, int64_t size)
{
    int64_t low = 0, high = size;
    for (int32_t i = 0; i < a->rank; i++) {
        int64_t reach;
        if (__builtin_mul_overflow(a->shape[i] - 1, a->stride[i], &reach))
            return false;
        if (__builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high))
            return false;
    }
    uintptr_t at = (uintptr_t)a->data, end;
    return (uintptr_t)-low <= at && !__builtin_add_overflow(at, (uintptr_t)high, &end);
}

bool array_is_sound(const jit_array *a)
{
    int64_t count, size = (int64_t)jit_dtype_size(a->dtype);
    if (size == 0 || !array_elements(a->rank, a->shape, size, &count))
        return false;
    return count == 0 || (a->data && span_fits(a, size));
}

void array_explain(const jit_array *a, const char *what, diag *d)
{
    char text[SHAPE_TEXT];
    int64_t count;
    if (!valid_dtype(a->dtype))
        diag_plain(d, DIAG_array_dtype, "%s: %d is no element type", what, (int)a->dtype);
    else if (a->rank < 0 || a->rank > JIT_MAX_RANK)
        diag_plain(d, DIAG_array_rank, "%s: rank %d is not in 0 .. %d", what, (int)a->rank,
                   JIT_MAX_RANK);
    else if (!array_elements(a->rank, a->shape, (int64_t)dtypes[a->dtype].size, &count))
        diag_plain(d, DIAG_array_extent, "%s cannot have the shape %s", what,
                   shape_text(text, a->rank, a->shape));
    else if (!a->data)
        diag_plain(d, DIAG_null_argument, "%s has no data (shape %s)", what,
                   shape_text(text, a->rank, a->shape));
    else
        diag_plain(d, DIAG_address_span, "%s reaches beyond the address space (shape %s)", what,
                   shape_text(text, a->rank, a->shape));
}
